/* SPDX-License-Identifier: Apache-2.0 */
/* Two domains, both directions: four judgements. */
#include "check/against.h"

/* Who judges, and to whom its findings speak: the domain's own people act on their domain. */
static struct check_bench bench_of(
	const struct check_bench *given, bool judge_is_you, bool domain_is_yours, struct check_options *options)
{
	struct check_bench bench = *given;
	*options = *given->options;
	options->owner = domain_is_yours ? CHECK_OWNER_YOU : CHECK_OWNER_PARTNER;
	bench.options = options;
	if (judge_is_you || !options->node)
		return bench;
	options->node = NULL;
	bench.policy = check_policy_usual();
	bench.policy.kind = given->policy.kind;
	bench.policy.private_is_fine = given->policy.private_is_fine;
	bench.policy.expires_soon_s = given->policy.expires_soon_s;
	return bench;
}

static bool is_dns_only(const struct check_report *admit)
{
	return admit->facts->not_connected && admit->verdict == CHECK_UNKNOWN && !admit->answer &&
	       finding_list_find(&admit->findings, FINDING_CERTIFICATE_NOT_SEEN);
}

static void judge_way(const struct check_bench *bench, enum trust_policy_kind kind, struct check_against *against,
	size_t index, bool you_call)
{
	struct check_options options;
	struct check_bench side = bench_of(bench, you_call, !you_call, &options);
	check_judge_reach(&side, kind, against->ways[index].called, &against->ways[index].reach);
	side = bench_of(bench, !you_call, you_call, &options);
	check_judge_caller(&side, kind, against->ways[index].caller, &against->ways[index].admit);
	const struct check_report *reach = &against->ways[index].reach, *admit = &against->ways[index].admit;
	against->ways[index].dns_only = is_dns_only(admit);
	against->ways[index].verdict =
		against->ways[index].dns_only ? reach->verdict : check_verdict_worst(reach->verdict, admit->verdict);
}

void check_against_judge(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *yours,
	const struct check_facts *partner, struct check_against *ret_against)
{
	*ret_against = (struct check_against){ .ways = { { .caller = yours, .called = partner },
						       { .caller = partner, .called = yours } } };
	judge_way(bench, kind, ret_against, 0, true);
	judge_way(bench, kind, ret_against, 1, false);
	ret_against->verdict = check_verdict_worst(ret_against->ways[0].verdict, ret_against->ways[1].verdict);
}

void check_against_free(struct check_against *against)
{
	for (size_t i = 0; i < 2; i++) {
		check_report_free(&against->ways[i].reach);
		check_report_free(&against->ways[i].admit);
	}
}
