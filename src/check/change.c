/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict and the findings of a round against those remembered; what was seen of targets and certificates is
 * compared in change_facts.c. */
#include "check/change.h"

#include "check/change_private.h"

#include <errno.h>

/* Says something of our own resolver, network or patience and nothing of the domain. */
static bool is_about_us(enum finding_code code)
{
	return finding_is_undecided(code) || code == FINDING_ADDRESS_LOOKUP_PARTLY_FAILED;
}

const char *check_change_leading(const struct check_report *report)
{
	if (report->answer)
		return finding_entry(report->answer->code)->code;
	const struct finding *first = NULL;
	for (const struct finding *f = report->findings.first; f; f = f->next) {
		if (f->severity < FINDING_WARNING)
			continue;
		if (!is_about_us(f->code))
			return finding_entry(f->code)->code;
		if (!first)
			first = f;
	}
	return first ? finding_entry(first->code)->code : "";
}

static struct span leading(const struct check_report *report)
{
	const char *code = check_change_leading(report);
	return *code ? span_of(code) : SPAN_NONE;
}

/* What this round says, reduced to what can be held against another round. */
struct opinion {
	enum check_verdict verdict;
	bool is_partial; /* something could not be judged */
	struct change_lines findings; /* codes of errors and warnings about the domain */
};

static int form_opinion(const struct check_report *report, struct arena *arena, struct opinion *ret_opinion)
{
	int status = 0;
	*ret_opinion = (struct opinion){ .verdict = report->verdict, .findings = { .arena = arena } };
	for (const struct finding *f = report->findings.first; f && status == 0; f = f->next) {
		if (f->severity < FINDING_WARNING)
			continue;
		if (is_about_us(f->code))
			ret_opinion->is_partial = true;
		else
			status = change_lines_add(&ret_opinion->findings, span_of(finding_entry(f->code)->code));
	}
	/* One good way in is enough: a warning that only says what we could not see does not make it worse. */
	if (report->verdict == CHECK_WARN && ret_opinion->findings.count == 0 && ret_opinion->is_partial)
		ret_opinion->verdict = CHECK_PASS;
	return status;
}

static void add(struct check_change_set *set, const char *what, struct span before, struct span after)
{
	set->changes[set->count++] = (struct store_watch_change){
		.at_us = set->state.examined_us,
		.domain = set->state.domain,
		.policy = set->state.policy,
		.what = span_of(what),
		.before = before,
		.after = after,
		.finding = set->state.finding,
	};
}

/* No verdict was reached: the last one stands until patience is over. */
static void keep_verdict(
	const struct check_report *report, const struct store_watch_state *last, struct check_change_set *set)
{
	struct store_watch_state *state = &set->state;
	struct span unknown = span_of(check_verdict_name(CHECK_UNKNOWN));
	state->undecided = last && last->undecided < UINT32_MAX ? last->undecided + 1 : 1;
	state->decided_us = last ? last->decided_us : 0;
	state->verdict = last ? last->verdict : unknown;
	state->finding = last ? last->finding : leading(report);
	state->findings = last ? last->findings : SPAN_NONE;
	if (state->undecided < CHECK_CHANGE_PATIENCE || span_equal(state->verdict, unknown))
		return;
	state->verdict = unknown;
	state->finding = leading(report);
	add(set, "verdict", last->verdict, unknown);
}

static int take_verdict(const struct check_report *report, const struct store_watch_state *last,
	struct opinion *opinion, struct check_change_set *set)
{
	struct store_watch_state *state = &set->state;
	bool decided_before = last && last->decided_us != 0;
	state->decided_us = state->examined_us;
	state->undecided = 0;
	state->finding = opinion->verdict == CHECK_PASS ? SPAN_NONE : leading(report);
	/* What was warned of then could not be looked at now. */
	if (decided_before && opinion->is_partial && opinion->verdict == CHECK_PASS &&
		span_is(last->verdict, check_verdict_name(CHECK_WARN))) {
		opinion->verdict = CHECK_WARN;
		state->finding = last->finding;
	}
	state->verdict = span_of(check_verdict_name(opinion->verdict));
	bool same = decided_before && span_equal(last->verdict, state->verdict);
	int status = same && opinion->is_partial ? change_lines_add_all(&opinion->findings, last->findings) : 0;
	if (status == 0)
		status = change_lines_join(&opinion->findings, &state->findings);
	if (status < 0 || !decided_before)
		return status;
	if (!same)
		add(set, "verdict", last->verdict, state->verdict);
	else if (!span_equal(last->findings, state->findings))
		add(set, "finding", last->findings, state->findings);
	return 0;
}

static int find_in_facts(const struct check_report *report, const struct store_watch_state *last, bool with_facts,
	struct arena *arena, struct check_change_set *set)
{
	struct change_facts now = { 0 }, before = { 0 };
	int status = change_facts_merge(report->facts, last, arena, &set->state);
	if (status < 0 || !with_facts || !last)
		return status;
	status = change_facts_split(&set->state, last, arena, &now);
	if (status == 0)
		status = change_facts_split(last, &set->state, arena, &before);
	if (status < 0)
		return status;
	/* A domain of which nothing was ever known has no targets to lose or gain. */
	if (last->decided_us != 0 && !span_equal(before.targets, now.targets))
		add(set, "targets", before.targets, now.targets);
	if (change_has_new(before.certificates, now.certificates))
		add(set, "certificate", before.certificates, now.certificates);
	if (last->expires_s != 0 && set->state.expires_s != 0 && last->expires_s != set->state.expires_s)
		add(set, "expiry", change_date(last->expires_s, arena), change_date(set->state.expires_s, arena));
	if (!span_equal(before.addresses, now.addresses))
		add(set, "addresses", before.addresses, now.addresses);
	return 0;
}

int check_change_find(const struct check_report *report, const struct store_watch_state *last, bool with_facts,
	struct arena *arena, struct check_change_set *ret_set)
{
	const struct check_facts *facts = report->facts;
	struct opinion opinion;
	*ret_set = (struct check_change_set){ .state = {
						      .domain = facts->domain.at ? facts->domain : facts->typed,
						      .policy = span_of(check_policy_name(report->policy)),
						      .examined_us = facts->examined_us,
					      } };
	int status = form_opinion(report, arena, &opinion);
	if (status < 0)
		return status;
	if (opinion.verdict == CHECK_UNKNOWN)
		keep_verdict(report, last, ret_set);
	else
		status = take_verdict(report, last, &opinion, ret_set);
	return status < 0 ? status : find_in_facts(report, last, with_facts, arena, ret_set);
}
