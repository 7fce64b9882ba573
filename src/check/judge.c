/* SPDX-License-Identifier: Apache-2.0 */
#include "check/judge.h"

#include "base/require.h"
#include "check/judge_private.h"
#include "config/parts.h"

#include <errno.h>

#define REPORT_BYTES_MAXIMUM (16u << 20)
#define SCRATCH_BYTES_MAXIMUM (1u << 20)
#define DAY_S 86400

/* ---- how to judge ---- */

struct trust_policy check_policy_usual(void)
{
	/* The target of every domain that Microsoft 365 hosts, and the only provider that edges know of themselves
	 * (docs/rules.md R5). */
	static const struct span providers[] = { { "sipfed.online.lync.com", sizeof("sipfed.online.lync.com") - 1 } };
	return (struct trust_policy){ .kind = TRUST_POLICY_MICROSOFT,
		.discover = true,
		.providers = providers,
		.provider_count = BASE_COUNT(providers) };
}

int check_bench_make(const struct check_options *options, struct arena *arena, struct check_bench *ret_bench)
{
	struct check_bench bench = { .policy = check_policy_usual(), .options = options };
	if (options->node && config_parts_policy(options->node, arena, &bench.policy) < 0)
		return -ENOMEM;
	if (options->expires_soon_s)
		bench.policy.expires_soon_s = options->expires_soon_s;
	bench.policy.private_is_fine = options->private_is_fine;
	*ret_bench = bench;
	return 0;
}

static enum finding_who owner_of(const struct check_options *options, const struct check_facts *facts)
{
	switch (options->owner) {
	case CHECK_OWNER_YOU:
		return FINDING_YOU;
	case CHECK_OWNER_PARTNER:
		return FINDING_PARTNER;
	case CHECK_OWNER_AUTO:
		break;
	}
	bool own = !options->node || config_node_owns(options->node, facts->domain);
	return own ? FINDING_YOU : FINDING_PARTNER;
}

static void report_begin(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *report)
{
	const struct check_options *options = bench->options;
	int64_t judged_at_us = options->judged_at_us ? options->judged_at_us : facts->examined_us;
	int64_t soon_s = bench->policy.expires_soon_s ? bench->policy.expires_soon_s : TRUST_EXPIRES_SOON_S;
	*report = (struct check_report){
		.facts = facts,
		.policy = kind,
		.verdict = CHECK_UNKNOWN,
		.to = { CHECK_UNKNOWN, NULL },
		.from = { CHECK_UNKNOWN, NULL },
		.judged_at_s = judged_at_us / CLOCK_SECOND_US,
		.expires_soon_s = soon_s,
		.certificate_days = INT32_MIN,
	};
	arena_init(&report->arena, REPORT_BYTES_MAXIMUM);
	finding_list_init(&report->findings, &report->arena, owner_of(options, facts));
	finding_list_init(&report->caller, &report->arena, owner_of(options, facts));
	report->findings.other_rules = report->caller.other_rules = kind != TRUST_POLICY_MICROSOFT;
}

void check_report_free(struct check_report *report)
{
	arena_done(&report->arena);
}

/* ---- one way ---- */

/* An edge needs one good way in. Of our own network's faults nobody need hear then. */
static void forgive(struct finding_list *findings)
{
	for (struct finding *f = findings->first; f; f = f->next) {
		if (f->severity != FINDING_ERROR)
			continue;
		bool ours = f->code == FINDING_CONNECT_UNREACHABLE || f->code == FINDING_EXAMINATION_CUT;
		f->severity = ours ? FINDING_NOTE : FINDING_WARNING;
	}
}

/* What is not known may be what counts. */
static void blame_lookup(struct finding_list *findings)
{
	for (struct finding *f = findings->first; f; f = f->next)
		if (f->code == FINDING_ADDRESS_LOOKUP_PARTLY_FAILED)
			f->severity = FINDING_ERROR;
}

static bool any_accepted(const struct judging *j)
{
	for (size_t i = 0; i < j->row_count; i++)
		if (j->rows[i].accepted)
			return true;
	return false;
}

/* Some server may be good for all that is known. */
static bool is_open(const struct judging *j)
{
	if (j->plan.undecided || j->untried || j->half_known)
		return true;
	for (size_t i = 0; i < j->row_count; i++)
		if (j->rows[i].candidate && judge_cells_worst(j->rows[i].cells) == CHECK_STATE_UNKNOWN)
			return true;
	return false;
}

static bool saw_certificate(const struct judging *j)
{
	for (size_t i = 0; i < j->row_count; i++)
		if (j->rows[i].candidate && j->rows[i].cells[CHECK_STEP_CHAIN].state != CHECK_STATE_NOT_JUDGED)
			return true;
	return false;
}

/* By the order of refusal, among those that say no or those that leave it open. */
static const struct finding *first_of(const struct finding_list *findings, bool undecided)
{
	const struct finding *first = NULL;
	for (const struct finding *f = findings->first; f; f = f->next)
		if (f->severity == FINDING_ERROR && finding_is_undecided(f->code) == undecided &&
			(!first || finding_entry(f->code)->stage < finding_entry(first->code)->stage))
			first = f;
	return first;
}

static struct check_way way_of(const struct judging *j)
{
	struct check_way way = { CHECK_UNKNOWN, NULL };
	if (j->incomplete || j->findings->incomplete)
		return way;
	bool unseen = j->way == JUDGE_FROM && j->plan.accepted && !saw_certificate(j);
	if (!finding_list_first_error(j->findings)) {
		if (!unseen)
			way.verdict = finding_list_severity(j->findings) == FINDING_WARNING ? CHECK_WARN : CHECK_PASS;
		return way;
	}
	bool open = is_open(j);
	way.answer = first_of(j->findings, open);
	way.verdict = open ? CHECK_UNKNOWN : CHECK_FAIL;
	return way;
}

static void judge_way(struct judging *j, struct check_way *ret_way)
{
	arena_init(&j->scratch, SCRATCH_BYTES_MAXIMUM);
	judge_rows_make(j);
	bool accepted = any_accepted(j);
	if (j->way == JUDGE_TO)
		judge_note_untried(j, accepted);
	if (accepted)
		forgive(j->findings);
	else if (j->half_known)
		blame_lookup(j->findings);
	finding_list_gather_notes(j->findings);
	*ret_way = way_of(j);
	arena_done(&j->scratch);
}

static struct judging judging_of(const struct check_bench *bench, struct check_report *report, enum judge_way way)
{
	struct judging j = {
		.way = way,
		.bench = bench,
		.facts = report->facts,
		.policy = bench->policy,
		.now_s = report->judged_at_s,
		.findings = &report->findings,
		.arena = &report->arena,
	};
	j.policy.kind = report->policy;
	return j;
}

/* ---- the report ---- */

static int64_t chain_end(const struct trust_chain *chain)
{
	int64_t end = INT64_MAX;
	for (size_t i = 0; i < chain->count; i++)
		if (chain->certificates[i].not_after_s < end)
			end = chain->certificates[i].not_after_s;
	return end;
}

static int64_t earliest_end(const struct check_report *report, bool accepted)
{
	int64_t earliest = INT64_MAX;
	for (size_t i = 0; i < report->row_count; i++) {
		const struct check_row *row = &report->rows[i];
		if (!row->attempt || !(accepted ? row->accepted : row->candidate))
			continue;
		int64_t end = chain_end(&row->attempt->probe.chain);
		if (end < earliest)
			earliest = end;
	}
	return earliest;
}

static int32_t days_left(const struct check_report *report)
{
	int64_t end = earliest_end(report, true);
	if (end == INT64_MAX)
		end = earliest_end(report, false);
	if (end == INT64_MAX)
		return INT32_MIN;
	int64_t left_s;
	/* A date that could not be read is as far away as can be. */
	if (__builtin_sub_overflow(end, report->judged_at_s, &left_s))
		return INT32_MIN + 1;
	int64_t days = left_s / DAY_S - (left_s % DAY_S < 0);
	if (days > INT32_MAX)
		return INT32_MAX;
	return days <= INT32_MIN ? INT32_MIN + 1 : (int32_t)days;
}

static void take_rows(struct check_report *report, const struct judging *j)
{
	report->rows = j->rows;
	report->row_count = j->row_count;
	report->certificate_days = days_left(report);
}

void check_judge_reach(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *ret_report)
{
	report_begin(bench, kind, facts, ret_report);
	struct judging j = judging_of(bench, ret_report, JUDGE_TO);
	judge_way(&j, &ret_report->to);
	take_rows(ret_report, &j);
	ret_report->verdict = ret_report->to.verdict;
	ret_report->answer = ret_report->to.answer;
}

void check_judge_caller(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *ret_report)
{
	report_begin(bench, kind, facts, ret_report);
	struct judging j = judging_of(bench, ret_report, JUDGE_FROM);
	judge_way(&j, &ret_report->from);
	take_rows(ret_report, &j);
	if (j.plan.accepted && !saw_certificate(&j))
		judge_note_certificate_unseen(&j);
	ret_report->verdict = ret_report->from.verdict;
	ret_report->answer = ret_report->from.answer;
}

/* The same judgement after lists were joined: an error of that code and subject. */
static const struct finding *find_again(const struct finding_list *findings, const struct finding *wanted)
{
	for (const struct finding *f = findings->first; wanted && f; f = f->next)
		if (f->severity == FINDING_ERROR && f->code == wanted->code &&
			span_equal_nocase(f->subject, wanted->subject))
			return f;
	return wanted;
}

/* What this node would decide about a call from the domain. That no certificate was seen is no fault: the first way
 * has said why. */
static void add_caller(struct check_report *report)
{
	finding_list_take(&report->findings, &report->caller);
	finding_list_unite(&report->findings, 0);
	finding_list_gather_notes(&report->findings);
	report->from.answer = find_again(&report->findings, report->from.answer);
	if (report->from.verdict == CHECK_UNKNOWN)
		return;
	enum check_verdict worst = check_verdict_worst(report->to.verdict, report->from.verdict);
	if (worst != report->to.verdict)
		report->answer = report->from.answer;
	report->verdict = worst;
}

void check_judge(const struct check_bench *bench, enum trust_policy_kind kind, const struct check_facts *facts,
	struct check_report *ret_report)
{
	check_judge_reach(bench, kind, facts, ret_report);
	struct judging j = judging_of(bench, ret_report, JUDGE_FROM);
	j.findings = &ret_report->caller;
	judge_way(&j, &ret_report->from);
	if (bench->options->node)
		add_caller(ret_report);
	/* A fact about every domain: said once, and only where there is nothing else to act on. */
	else if (kind == TRUST_POLICY_MICROSOFT && ret_report->verdict == CHECK_PASS)
		judge_note_lists(facts, &ret_report->findings);
}
