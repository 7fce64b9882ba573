/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_AGAINST_H
#define FEDGE_CHECK_AGAINST_H
/* fedge check DOMAIN --against PARTNER: both examined, each judged as the caller and as the called, one sentence each:
 * who would refuse whom and why. */
#include "base/buffer.h"
#include "check/judge.h"
#include "check/render.h"

struct check_against {
	/* [0]: your domain calls the partner's; [1]: the partner's calls yours. */
	struct {
		const struct check_facts *caller, *called;
		struct check_report reach; /* the caller's edge judges the called domain */
		struct check_report admit; /* the called edge judges the caller's domain */
		enum check_verdict verdict;
	} ways[2];
	enum check_verdict verdict;
};
/* Given back by check_against_free; must not move. The facts must outlive it. */
void check_against_judge(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *yours,
	const struct check_facts *partner, struct check_against *ret_against);
void check_against_free(struct check_against *against);
/* Two sentences, then the findings of those who refuse, each said once. */
int check_against_human(const struct check_against *against, const struct finding_style *style, struct buffer *out);
json_t *check_against_json(const struct check_against *against);
#endif
