/* SPDX-License-Identifier: Apache-2.0 */
#include "check/options.h"

#include "base/require.h"

static const char *const policy_names[] = {
	[TRUST_POLICY_MICROSOFT] = "microsoft",
	[TRUST_POLICY_RFC5922] = "rfc5922",
	[TRUST_POLICY_DANE] = "dane",
};

const char *check_policy_name(enum trust_policy_kind kind)
{
	base_require(kind < BASE_COUNT(policy_names));
	return policy_names[kind];
}
