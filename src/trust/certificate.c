/* SPDX-License-Identifier: Apache-2.0 */
/* R4 of docs/rules.md: which names a certificate vouches for. */
#include "trust/judge.h"
#include "trust/names.h"

enum trust_name_match trust_certificate_covers(const struct trust_certificate *certificate, struct span name)
{
	bool wildcard = false;
	for (size_t i = 0; i < certificate->dns_name_count; i++) {
		if (trust_name_equal(certificate->dns_names[i], name))
			return TRUST_NAME_EXACT;
		wildcard |= trust_name_wildcard_covers(certificate->dns_names[i], name);
	}
	if (wildcard)
		return TRUST_NAME_WILDCARD;
	bool common = trust_name_equal(certificate->common_name, name);
	if (certificate->has_names)
		return common ? TRUST_NAME_COMMON_IGNORED : TRUST_NAME_NONE;
	if (common)
		return TRUST_NAME_COMMON;
	return trust_name_wildcard_covers(certificate->common_name, name) ? TRUST_NAME_WILDCARD : TRUST_NAME_NONE;
}

struct span trust_certificate_name(const struct trust_certificate *certificate)
{
	if (certificate->common_name.length)
		return certificate->common_name;
	if (certificate->dns_name_count)
		return certificate->dns_names[0];
	return certificate->subject;
}
