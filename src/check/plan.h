/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_PLAN_H
#define FEDGE_CHECK_PLAN_H
/* fedge check --plan: what to publish and what to order so that a domain will be accepted; contacts nobody. The plan is
 * judged by the same judges as everything else before it is printed. */
#include "base/buffer.h"
#include "check/judge.h"
#include "finding/render.h"

#include <jansson.h>

struct check_plan {
	struct span domain; /* UTF-8 as typed */
	struct span host; /* the edge's name; must pass the domain rule, else the plan says which name would */
	const struct span *addresses;
	size_t address_count;
	uint16_t port; /* 0: 5061 */
	const struct span
		*other_domains; /* further domains on the same edge: each needs a name of its own in the SAN */
	size_t other_domain_count;
};
/* Prints zone lines, the openssl req command with the right SANs (and what else to ask of the authority: both usages,
 * key size), firewall rules in words, and the checks that will hold. *ret_verdict: of the plan itself. 0, -EINVAL (text
 * says which value is none), or the buffer's failure. */
int check_plan_print(const struct check_plan *plan, const struct check_bench *bench, const struct finding_style *style,
	struct buffer *out, enum check_verdict *ret_verdict, char reterr_text[256]);
/* The same as JSON; a new reference, NULL on failure. */
json_t *check_plan_json(const struct check_plan *plan, const struct check_bench *bench, char reterr_text[256]);
#endif
