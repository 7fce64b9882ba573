/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_AGAINST_H
#define FEDGE_CHECK_AGAINST_H
/* fedge check DOMAIN --against PARTNER: both examined, each judged as the caller and as the called, one sentence each:
 * who would refuse whom and why. Your edge judges by the bench (with a node's configuration: its lists and settings);
 * of the partner's edge nobody knows the lists, it judges as a stranger by the same rule book. Both domains were looked
 * at from here: what stands between the two edges is not seen. Where no connection was to be made, the judgement goes
 * as far as DNS does: that no certificate was seen leaves nothing open then. */
#include "base/buffer.h"
#include "check/judge.h"
#include "check/render.h"

struct check_against {
	/* [0]: your domain calls the partner's; [1]: the partner's calls yours. */
	struct {
		const struct check_facts *caller, *called;
		struct check_report reach; /* the caller's edge judges the called domain */
		struct check_report admit; /* the called edge judges the caller's domain */
		bool dns_only; /* nobody was to be called, and no certificate was given: admit is open for that alone */
		enum check_verdict verdict; /* a call needs both */
	} ways[2];
	enum check_verdict verdict;
};
/* Given back by check_against_free; must not move. The facts must outlive it. In the findings yours is "you". */
void check_against_judge(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *yours,
	const struct check_facts *partner, struct check_against *ret_against);
void check_against_free(struct check_against *against);
/* One sentence for ways[index], without a newline: "a call from a.lab to b.lab: fail: …". Escaped. */
void check_against_sentence(const struct check_against *against, size_t index, struct buffer *out);
/* Two sentences, then the findings of those who refuse or warn, each said once. 0 or the buffer's failure. */
int check_against_human(const struct check_against *against, const struct finding_style *style, struct buffer *out);
/* {yours, partner, policy, verdict, ways: [{caller, called, verdict, dns_only, sentence, reach: {verdict, code,
 * ms_diagnostics}, admit: {verdict, code, ms_diagnostics}}], findings: []}; a new reference, NULL without memory. */
json_t *check_against_json(const struct check_against *against);
#endif
