/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_PLAN_H
#define FEDGE_CHECK_PLAN_H
/* fedge check --plan: what to publish and what to order so that a domain will be accepted; contacts nobody. The plan is
 * judged by the same judges as everything else before it is printed: on facts as they will be seen once its records are
 * published and its certificate is issued. What a plan cannot know is taken for granted and said: that partners trust
 * the authority, and that the port is open. Every domain of the plan has the first label of `host` in front. */
#include "base/buffer.h"
#include "check/judge.h"
#include "finding/render.h"

#include <jansson.h>

#define CHECK_PLAN_DOMAINS_MAXIMUM 64
#define CHECK_PLAN_ADDRESSES_MAXIMUM 32

struct check_plan {
	struct span domain; /* UTF-8 as typed */
	/* The edge's name; a single label is completed by the domain. It must pass the domain rule, else the finding
	 * says so, and the plan goes on with the name that would do. */
	struct span host;
	const struct span *addresses;
	size_t address_count;
	uint16_t port; /* 0: 5061 */
	const struct span
		*other_domains; /* further domains on the same edge: each needs a name of its own in the SAN */
	size_t other_domain_count;
};
/* Prints zone lines, the openssl req command with the right SANs (and what else to ask of the authority: both usages,
 * key size), firewall rules in words, fedge's own configuration, and the checks that will hold. *ret_verdict: of the
 * plan as it was given. 0, -EINVAL (text says which value is none), -ENOMEM, or the buffer's failure. */
int check_plan_print(const struct check_plan *plan, const struct check_bench *bench, const struct finding_style *style,
	struct buffer *out, enum check_verdict *ret_verdict, char reterr_text[256]);
/* The same as JSON: domain, host, advised_host (null: the host will do), verdict, port, domains [{typed, domain, host,
 * advised_host, verdict, zone [line], checks [{policy, verdict, ms_diagnostics, findings}]}], certificate {names,
 * common_name, usages, key, request, tlsa [command]}, firewall [sentence], configuration [line]. A new reference; NULL
 * on failure, with a text where a value is none. */
json_t *check_plan_json(const struct check_plan *plan, const struct check_bench *bench, enum check_verdict *ret_verdict,
	char reterr_text[256]);
#endif
