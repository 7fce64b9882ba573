/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the facts are: a report says one thing, and the one that an edge would arrive at. */
#include "base/require.h"
#include "check/judge.h"
#include "trust/judge.h"
#include "unit/check/saved_world.h"

#include <stdio.h>

#define SEEDS 600

static struct pictures pictures;

static const enum trust_policy_kind kinds[] = { TRUST_POLICY_MICROSOFT, TRUST_POLICY_RFC5922, TRUST_POLICY_DANE };

/* Facts at random rarely fit together: here most attempts are at the port of a record and in the certificate's days. */
static struct check_facts *likely_facts(uint64_t seed)
{
	struct check_facts *facts = any_facts(&pictures, seed);
	struct trust_srv *records = (struct trust_srv *)(uintptr_t)facts->srv.records;
	if (seed % 2)
		facts->srv.lookup.status = TRUST_LOOKUP_OK;
	facts->examined_us = (int64_t)time(NULL) * CLOCK_SECOND_US;
	facts->validated |= seed % 3 == 0;
	for (size_t i = 0; i < facts->srv.record_count; i++)
		records[i].port = 5061;
	for (size_t i = 0; i < facts->host_count; i++) {
		facts->host_ports[i] = 5061;
		facts->hosts[i].name = arena_printf(&facts->arena, "vcse%zu.a.example", i);
	}
	for (size_t i = 0; i < facts->attempt_count; i++)
		facts->attempts[i].port = 5061;
	return facts;
}

#define HOLDS(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition))                                                                                      \
			fail_msg("seed %d, %d: %s", (int)seed, (int)report->policy, #condition);                       \
	} while (0)

static bool has_finding(const struct finding_list *list, const struct finding *wanted)
{
	for (const struct finding *f = list->first; f; f = f->next)
		if (f == wanted)
			return true;
	return false;
}

static void rows_make_sense(uint64_t seed, const struct check_report *report)
{
	bool accepted = false;
	HOLDS(report->row_count > 0);
	for (size_t i = 0; i < report->row_count; i++) {
		const struct check_row *row = &report->rows[i];
		accepted |= row->accepted;
		HOLDS(!row->accepted || row->candidate);
		for (int s = 0; s < CHECK_STEP_COUNT; s++) {
			const struct check_cell *cell = &row->cells[s];
			bool wrong = cell->state != CHECK_STATE_GOOD && cell->state != CHECK_STATE_NOT_JUDGED;
			HOLDS(wrong == (cell->code != FINDING_NONE));
			HOLDS(!row->accepted || s == CHECK_STEP_OPTIONS ||
				(cell->state != CHECK_STATE_BAD && cell->state != CHECK_STATE_UNKNOWN));
		}
	}
	HOLDS(accepted == (report->to.verdict == CHECK_PASS || report->to.verdict == CHECK_WARN));
}

static void report_makes_sense(uint64_t seed, const struct check_report *report)
{
	const struct finding *error = finding_list_first_error(&report->findings);
	enum finding_severity worst = finding_list_severity(&report->findings);
	HOLDS(!report->findings.incomplete);
	HOLDS(report->verdict == report->to.verdict && report->answer == report->to.answer);
	HOLDS(report->verdict != CHECK_PASS || (!error && !report->answer && worst == FINDING_NOTE));
	HOLDS(report->verdict != CHECK_WARN || (!error && !report->answer && worst == FINDING_WARNING));
	HOLDS(report->verdict != CHECK_FAIL || !finding_is_undecided(report->answer->code));
	HOLDS(report->verdict != CHECK_UNKNOWN || (error && finding_is_undecided(report->answer->code)));
	HOLDS(!report->answer || has_finding(&report->findings, report->answer));
	HOLDS(!report->from.answer || has_finding(&report->caller, report->from.answer));
	for (const struct finding *f = report->findings.first; f; f = f->next)
		for (const struct finding *g = f->next; g; g = g->next)
			HOLDS(f->code != g->code || !span_equal_nocase(f->subject, g->subject) ||
				!span_equal(f->observed, g->observed));
	rows_make_sense(seed, report);
}

static void reports_make_sense(void **state)
{
	(void)state;
	static const struct check_options options;
	const struct check_bench bench = { .policy = { .discover = true }, .options = &options };
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct check_facts *facts = seed % 4 ? likely_facts(seed) : any_facts(&pictures, seed);
		for (size_t k = 0; k < BASE_COUNT(kinds); k++) {
			struct check_report report;
			check_judge(&bench, kinds[k], facts, &report);
			report_makes_sense(seed, &report);
			check_report_free(&report);
			check_judge_caller(&bench, kinds[k], facts, &report);
			check_report_free(&report);
		}
		check_facts_free(facts);
	}
}

/* ---- the edge ---- */

/* How the edge goes (edge/targets.c, edge/outcome.c): one server after the other, one address after the other, until
 * one is good; else the first error of all that was found (edge/answer.c). */
struct edge {
	struct trust_judge judge;
	const struct check_facts *facts;
	bool accepted;
	bool lost; /* it needed a fact that is not there */
};

static void edge_call(struct edge *e, const struct trust_candidate *server, size_t h, struct span address)
{
	for (size_t i = 0; i < e->facts->attempt_count; i++) {
		const struct check_attempt *a = &e->facts->attempts[i];
		if (a->host != h || a->port != server->port || !span_equal(a->address, address))
			continue;
		if (trust_judge_connection(&e->judge, server, &a->probe.connection))
			e->accepted |= trust_judge_certificate(&e->judge, server, &a->probe.chain, &e->facts->hosts[h]);
		e->lost |= a->probe.connection.connect == TRUST_CONNECT_NOT_TRIED;
		return;
	}
	e->lost = true;
}

static void edge_try(struct edge *e, const struct trust_candidate *server)
{
	for (size_t h = 0; h < e->facts->host_count; h++) {
		const struct trust_host *host = &e->facts->hosts[h];
		if (!span_equal_nocase(host->name, server->name))
			continue;
		if (trust_judge_host(&e->judge, server, host))
			for (size_t i = 0; i < host->address_count && !e->accepted; i++)
				edge_call(e, server, h, host->addresses[i].text);
		return;
	}
	e->lost = true;
}

/* What the examiner knows beyond an edge is left out, for an edge always has a certificate to show; and what leaves it
 * open for both. */
static void as_an_edge_sees_it(struct check_facts *facts)
{
	facts->not_connected = facts->deadline_passed = facts->attempts_cut = facts->srv.cut = false;
	facts->validated = true;
	for (size_t i = 0; i < facts->attempt_count; i++) {
		struct check_attempt *a = &facts->attempts[i];
		a->planned_certificate = false;
		a->probe.connection.certificate_asked = a->probe.connection.our_certificate_sent = true;
		a->probe.reaction = PEER_REACTION_ACCEPTED;
		if (a->probe.connection.connect == TRUST_CONNECT_OPEN &&
			a->probe.connection.handshake == TRUST_HANDSHAKE_NOT_TRIED)
			a->probe.connection.handshake = TRUST_HANDSHAKE_DONE;
	}
}

static bool agree(uint64_t seed, enum trust_policy_kind kind, const struct check_facts *facts)
{
	static const struct check_options options;
	const struct check_bench bench = { .policy = { .kind = kind, .discover = true }, .options = &options };
	struct arena arena;
	struct finding_list findings;
	struct trust_plan plan;
	struct check_report report;
	arena_init(&arena, 16 << 20);
	finding_list_init(&findings, &arena, FINDING_YOU);
	struct edge edge = { .facts = facts,
		.judge = { .policy = &bench.policy,
			.findings = &findings,
			.now_s = facts->examined_us / CLOCK_SECOND_US } };
	assert_int_equal(trust_judge_domain(&edge.judge, facts->domain, &facts->srv, &plan), 0);
	for (size_t i = 0; i < plan.candidate_count && !edge.accepted; i++)
		edge_try(&edge, &plan.candidates[i]);
	check_judge(&bench, kind, facts, &report);
	const struct finding *answer = finding_list_first_error(&findings);
	bool said = report.verdict == CHECK_PASS || report.verdict == CHECK_WARN;
	if (said != edge.accepted)
		fail_msg("seed %d, %d: the edge %s", (int)seed, (int)kind, edge.accepted ? "accepts" : "refuses");
	if (report.verdict == CHECK_FAIL && report.answer->code != answer->code)
		fail_msg("seed %d, %d: the edge says %s", (int)seed, (int)kind, finding_entry(answer->code)->code);
	if (!edge.accepted && edge.lost && report.verdict == CHECK_FAIL)
		fail_msg("seed %d, %d: not everything was known", (int)seed, (int)kind);
	bool failed = report.verdict == CHECK_FAIL;
	check_report_free(&report);
	arena_done(&arena);
	return failed || edge.accepted;
}

static void the_answer_is_the_edges(void **state)
{
	(void)state;
	size_t decided = 0;
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct check_facts *facts = likely_facts(seed);
		as_an_edge_sees_it(facts);
		for (size_t k = 0; facts->domain.at && !facts->server.at && k < BASE_COUNT(kinds); k++)
			decided += agree(seed, kinds[k], facts);
		check_facts_free(facts);
	}
	/* The dice must not have made it easy. */
	assert_true(decided > SEEDS / 4);
}

static int make_pictures(void **state)
{
	(void)state;
	pictures_make(&pictures);
	return 0;
}

static int free_pictures(void **state)
{
	(void)state;
	pictures_free(&pictures);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_make_sense),
		cmocka_unit_test(the_answer_is_the_edges),
	};
	return cmocka_run_group_tests(tests, make_pictures, free_pictures);
}
