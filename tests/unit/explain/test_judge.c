/* SPDX-License-Identifier: Apache-2.0 */
/* What a problem says besides its finding: sentence, path, evidence, candidates, whose it is, what an examination
 * makes of it. */
#include "explain/judge.h"
#include "unit/explain/material.h"

#define BARE_504                                                                                                       \
	"vcse 0.000 < cms.a.lab INVITE via=cms.a.lab\n"                                                                \
	"vcse 0.001 rule 'to partners' target=DNSZone1 serial=S1\n"                                                    \
	"vcse 0.002 dns SRV _sipfederationtls._tcp.b.lab answer='0 0 5061 edge.b.lab.' serial=S1\n"                    \
	"vcse 0.010 > edge.b.lab INVITE via=vcse:S1,cms.a.lab\n"                                                       \
	"vcse 0.020 < edge.b.lab 504 'Server time-out' via=vcse:S1,cms.a.lab h='Server: RTC/6.0'\n"                    \
	"vcse 0.021 > cms.a.lab 504 'Server time-out' via=cms.a.lab\n"
#define EDGE                                                                                                           \
	"sfvedge 0.011 < vcse INVITE via=vcse:S1,cms.a.lab file=1\n"                                                   \
	"sfvedge 0.012 judge - severity=warning result=0xc3e93d6f "                                                    \
	"resultname=SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH p='domain=a.lab' "                            \
	"p='fqdn1=vcse.c.lab:5061' file=1\n"                                                                           \
	"sfvedge 0.013 > vcse 504 'Server time-out' via=vcse:S1,cms.a.lab h='Server: RTC/6.0' file=1\n"

static struct span file_name(void *argument, uint32_t file)
{
	(void)argument;
	return file == 0 ? SPAN("ours.log") : SPAN("theirs.log");
}

struct bench {
	struct material m;
	struct arena arena;
	struct explain_problem *p;
};

static void open_with(struct bench *b, const char *lines, struct explain_judge_settings settings)
{
	settings.file_name = file_name;
	material_open(&b->m, NULL);
	material_add(&b->m, lines);
	material_end(&b->m);
	assert_true(b->m.case_count > 0);
	arena_init(&b->arena, 1 << 20);
	assert_int_equal(explain_judge(&settings, b->m.cases[0], &b->arena, &b->p), 0);
}

static void open_bench(struct bench *b, const char *lines)
{
	open_with(b, lines, (struct explain_judge_settings){ 0 });
}

static void close_bench(struct bench *b)
{
	arena_done(&b->arena);
	material_close(&b->m);
}

static bool has(struct span text, const char *words)
{
	return span_find_span(text, span_of(words)) < text.length;
}

#define assert_has(text, words)                                                                                        \
	do {                                                                                                           \
		if (!has(text, words))                                                                                 \
			fail_msg("'%s' is not in '%.*s'", words, SPAN_PRINT(text));                                    \
	} while (0)

static const struct explain_candidate *candidate(const struct explain_problem *p, enum finding_code code)
{
	for (size_t i = 0; i < p->candidate_count; i++)
		if (p->candidates[i].finding->code == code)
			return &p->candidates[i];
	return NULL;
}

static struct span fix_line(const struct finding *f, size_t n)
{
	for (const struct finding_fix *fix = f->fixes; fix; fix = fix->next)
		for (const struct finding_fix_line *line = fix->lines; line; line = line->next)
			if (n-- == 0)
				return line->text;
	return SPAN_NONE;
}

/* ---- one log ---- */

static void a_bare_504_says_what_it_cannot_know(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, BARE_504);
	assert_int_equal(b.p->finding->code, FINDING_PEER_ANSWERED);
	assert_int_equal(b.p->confidence, EXPLAIN_POSSIBLE);
	assert_has(b.p->sentence, "sip:alice@a.lab called sip:bob@b.lab, and edge.b.lab refused with 504");
	assert_has(b.p->why, "the call reached vcse");
	assert_has(b.p->why, "rule 'to partners' led to DNSZone1");
	assert_has(b.p->why, "DNS gave edge.b.lab");
	assert_true(b.p->candidate_count >= 4);
	const struct explain_candidate *first = &b.p->candidates[0];
	assert_int_equal(first->finding->code, FINDING_SRV_TARGET_OUTSIDE_DOMAIN);
	assert_int_equal(first->finding->who, FINDING_YOU);
	assert_true(span_is(first->finding->subject, "a.lab"));
	assert_non_null(candidate(b.p, FINDING_CERTIFICATE_NAME_MISMATCH));
	assert_non_null(candidate(b.p, FINDING_SRV_MISSING));
	/* TLS stood, so nothing that ends a handshake is among them. */
	assert_null(candidate(b.p, FINDING_CERTIFICATE_UNTRUSTED));
	assert_null(candidate(b.p, FINDING_CERTIFICATE_CHAIN_INCOMPLETE));
	for (size_t i = 0; i < b.p->candidate_count; i++)
		assert_true(b.p->candidates[i].confidence <= b.p->confidence);
	assert_int_equal(b.p->domain_count, 1);
	assert_true(span_is(b.p->domains[0], "a.lab"));
	assert_true(span_is(b.p->next[0].command, "fedge check a.lab"));
	assert_has(b.p->next[1].text, "SIPStack trace");
	close_bench(&b);
}

static void the_domain_judged_is_the_asserted_one(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, "vcse 0.000 < cms.a.lab INVITE via=cms.a.lab h='P-Asserted-Identity: <sip:alice@x.a.lab>'\n"
		       "vcse 0.010 > edge.b.lab INVITE via=vcse:S1,cms.a.lab h='P-Asserted-Identity: "
		       "<sip:alice@x.a.lab>'\n"
		       "vcse 0.020 < edge.b.lab 504 'Server time-out' via=vcse:S1,cms.a.lab h='Server: RTC/6.0'\n");
	assert_true(span_is(b.p->domains[0], "x.a.lab"));
	close_bench(&b);
}

/* ---- both logs ---- */

static void the_trace_of_the_edge_proves_it(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, BARE_504 EDGE);
	const struct finding *f = b.p->finding;
	assert_int_equal(f->code, FINDING_SRV_TARGET_OUTSIDE_DOMAIN);
	assert_int_equal(b.p->confidence, EXPLAIN_PROVED);
	assert_int_equal(b.p->candidate_count, 0);
	assert_int_equal(f->who, FINDING_YOU);
	assert_true(span_is(f->subject, "a.lab"));
	const struct finding_evidence *e = f->evidence;
	assert_true(span_is(e->file, "theirs.log"));
	assert_int_equal(e->line, 8);
	assert_true(
		span_equal(span_first(span_from(e->text, e->mark_offset), e->mark_length), SPAN("vcse.c.lab:5061")));
	assert_has(e->note, "not directly under a.lab");
	/* The refusal as both boxes wrote it down. */
	assert_true(span_is(e->next->file, "ours.log") || span_is(e->next->next->file, "ours.log"));
	assert_has(fix_line(f, 0), "_sipfederationtls._tcp.a.lab.\t300 IN SRV\t0 0 5061 vcse.a.lab.");
	close_bench(&b);
}

/* Not a Via or a To that has the same name in it, further up in the same message. */
static void the_header_that_says_it_is_quoted(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, "vcse 0.000 < cms.a.lab INVITE via=cms.a.lab\n"
		       "vcse 0.100 > cms.a.lab 504 'Server time-out' via=cms.a.lab "
		       "diag='1008;reason=\"x\";domain=\"a.lab\"'\n");
	const struct finding_evidence *e = b.p->finding->evidence;
	assert_int_equal(b.p->finding->code, FINDING_SRV_MISSING);
	assert_true(
		span_equal(span_first(span_from(e->text, e->mark_offset), e->mark_length), SPAN("domain=\"a.lab\"")));
	close_bench(&b);
}

/* Who is told the same from their side: the first file is the edge's. */
static void you_are_whose_log_comes_first(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, "sfvedge 0.011 < vcse.a.lab INVITE via=vcse.a.lab\n"
		       "sfvedge 0.012 judge - result=0xc3e93d6f p='domain=a.lab' p='fqdn1=vcse.c.lab:5061'\n"
		       "sfvedge 0.013 > vcse.a.lab 504 'Server time-out' via=vcse.a.lab\n");
	assert_int_equal(b.p->finding->who, FINDING_PARTNER);
	close_bench(&b);
	/* An earlier call showed that the first file is of a.lab's side. */
	open_with(&b,
		"sfvedge 0.011 < vcse.a.lab INVITE via=vcse.a.lab file=1\n"
		"sfvedge 0.012 judge - result=0xc3e93d6f p='domain=a.lab' p='fqdn1=vcse.c.lab:5061' file=1\n"
		"sfvedge 0.013 > vcse.a.lab 504 'Server time-out' via=vcse.a.lab file=1\n",
		(struct explain_judge_settings){ .own = SPAN("a.lab"), .own_file = 0 });
	assert_int_equal(b.p->finding->who, FINDING_YOU);
	close_bench(&b);
}

/* What the reader says of himself comes before all logs; the path is that of his own box. */
static void you_are_who_you_say(void **state)
{
	(void)state;
	struct bench b;
	const struct span theirs = SPAN("b.lab"), ours = SPAN("a.lab"), box = SPAN("edge");
	open_with(&b, BARE_504 EDGE, (struct explain_judge_settings){ .named = &theirs, .named_count = 1 });
	assert_int_equal(b.p->finding->who, FINDING_PARTNER);
	close_bench(&b);
	open_with(&b, BARE_504, (struct explain_judge_settings){ .named = &box, .named_count = 1 });
	assert_int_equal(b.p->finding->who, FINDING_YOU); /* edge.b.lab refused, and that is us */
	close_bench(&b);
	open_with(&b, BARE_504 EDGE, (struct explain_judge_settings){ .named = &ours, .named_count = 1 });
	assert_int_equal(b.p->finding->who, FINDING_YOU);
	assert_has(b.p->why, "rule 'to partners' led to DNSZone1");
	close_bench(&b);
}

static void both_ends_of_one_handshake(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, "vcse 0.000 < cms.a.lab INVITE via=cms.a.lab\n"
		       "vcse 0.002 dns SRV _sipfederationtls._tcp.b.lab answer='0 0 5061 edge.b.lab.'\n"
		       "vcse 0.010 handshake failed edge.b.lab name=edge.b.lab alert=48 reason='unknown ca'\n"
		       "edge.b.lab 0.010 handshake failed vcse server alert=48 sent "
		       "reason='unable to get local issuer certificate' file=1\n"
		       "vcse 0.011 > cms.a.lab 504 'Server time-out' via=cms.a.lab\n");
	assert_int_equal(b.p->finding->code, FINDING_CERTIFICATE_REFUSED_BY_PARTNER);
	/* What is behind it is as likely the one as the other. */
	assert_int_equal(b.p->candidate_count, 2);
	assert_int_equal(b.p->candidates[0].confidence, EXPLAIN_POSSIBLE);
	assert_int_equal(b.p->candidates[1].confidence, EXPLAIN_POSSIBLE);
	close_bench(&b);
}

/* ---- connections without calls ---- */

static void a_traversal_password(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, "vcse 0.000 notice tvcs 'Authentication Failed' severity=warning p='Method=OPTIONS' remote=vcsc "
		       "detail='Incorrect authentication credential for user'\n");
	assert_int_equal(b.p->finding->code, FINDING_TRAVERSAL_PASSWORD_WRONG);
	assert_int_equal(b.p->confidence, EXPLAIN_LIKELY);
	close_bench(&b);
}

/* ---- what is not known ---- */

static void unknown_numbers_are_shown_raw(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, "vcse 0.000 < cms.a.lab INVITE via=cms.a.lab\n"
		       "vcse 0.020 > edge.b.lab INVITE via=vcse:S1,cms.a.lab\n"
		       "vcse 0.020 < edge.b.lab 504 'Server time-out' via=vcse:S1,cms.a.lab "
		       "diag='1099;reason=\"brand new\"'\n");
	assert_int_equal(b.p->finding->code, FINDING_PEER_GAVE_REASON);
	assert_has(b.p->why, "1099 \"brand new\", an id of the SIP stack (1000 to 1999)");
	assert_has(b.p->finding->observed, "1099");
	assert_int_equal(b.p->candidate_count, 0);
	close_bench(&b);
	open_bench(&b, "sfvedge 0.5 judge - result=0xc3e9ffff resultname=SIPPROXY_E_NEW status=504\n");
	assert_has(b.p->why, "0xc3e9ffff SIPPROXY_E_NEW, a code of the SIP proxy (0xC3E9)");
	close_bench(&b);
}

static void what_is_no_failure_has_no_finding(void **state)
{
	(void)state;
	struct material m;
	struct arena arena;
	struct explain_problem *p;
	const struct explain_joiner_settings keep = { .keep_good = true };
	const struct explain_judge_settings settings = { 0 };
	material_open(&m, &keep);
	material_add(&m, "vcse 0.000 < cms.a.lab INVITE via=cms.a.lab\n"
			 "vcse 0.010 handshake failed edge.b.lab name=edge.b.lab alert=48\n"
			 "vcse 0.900 > cms.a.lab 200 OK via=cms.a.lab\n");
	material_end(&m);
	arena_init(&arena, 1 << 20);
	assert_int_equal(m.case_count, 1);
	assert_int_equal(explain_judge(&settings, m.cases[0], &arena, &p), 0);
	assert_null(p->finding);
	assert_int_equal(p->confidence, EXPLAIN_NONE);
	assert_has(p->sentence, "and was answered");
	arena_done(&arena);
	material_close(&m);
}

/* ---- an examination ---- */

static void examine(struct bench *b, enum finding_code code, struct span subject, const char *domain)
{
	struct finding_list found;
	finding_list_init(&found, &b->arena, FINDING_YOU);
	if (code != FINDING_NONE) {
		struct finding *f = finding_add(&found, code, subject);
		finding_evidence(f, FINDING_EVIDENCE_DNS, SPAN("seen now"), SPAN_NONE, SPAN_NONE);
	}
	assert_int_equal(explain_judge_examined(b->p, span_of(domain), &found, &b->arena), 0);
}

static void a_port_of_others_is_no_federation(void **state)
{
	(void)state;
	static const struct {
		const char *lines;
		bool is_federation;
	} rows[] = {
		{ "vcse 0.5 connect failed web.b.lab:443 reason='Connection refused'\n", false },
		{ "vcse 0.5 handshake failed web.b.lab:443 reason='Connection reset by peer'\n", false },
		{ "vcse 0.5 connect failed edge.b.lab:5061 reason='Connection refused'\n", true },
		{ "vcse 0.5 connect failed edge.b.lab:7001 reason='Connection refused'\n", true },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench b;
		open_bench(&b, rows[i].lines);
		if (b.p->is_federation != rows[i].is_federation || !!b.p->finding != rows[i].is_federation)
			fail_msg("row %zu", i);
		close_bench(&b);
	}
}

static void an_examination_decides_a_bare_504(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, BARE_504);
	examine(&b, FINDING_CERTIFICATE_WILDCARD_ONLY, SPAN("vcse.a.lab"), "a.lab");
	assert_int_equal(b.p->finding->code, FINDING_CERTIFICATE_WILDCARD_ONLY);
	assert_int_equal(b.p->confidence, EXPLAIN_LIKELY); /* the call was then */
	assert_int_equal(b.p->finding->who, FINDING_YOU);
	assert_has(b.p->why, "examined just now, a.lab shows it");
	assert_null(candidate(b.p, FINDING_SRV_MISSING));
	assert_null(candidate(b.p, FINDING_SRV_TARGET_OUTSIDE_DOMAIN));
	/* What cannot be seen from outside is still open. */
	assert_non_null(candidate(b.p, FINDING_PEER_UNAVAILABLE));
	/* The lines of the log are still there, behind what was seen now. */
	bool has_file = false;
	for (const struct finding_evidence *e = b.p->finding->evidence; e; e = e->next)
		has_file |= e->kind == FINDING_EVIDENCE_FILE;
	assert_true(has_file);
	close_bench(&b);
}

static void a_good_examination_excludes(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, BARE_504);
	examine(&b, FINDING_NONE, SPAN_NONE, "a.lab");
	assert_int_equal(b.p->finding->code, FINDING_PEER_ANSWERED);
	assert_null(candidate(b.p, FINDING_SRV_TARGET_OUTSIDE_DOMAIN));
	assert_null(candidate(b.p, FINDING_CERTIFICATE_NAME_MISMATCH));
	assert_non_null(candidate(b.p, FINDING_PEER_UNAVAILABLE));
	assert_has(b.p->why, "gives no cause for srv-target-outside-domain");
	close_bench(&b);
}

static void another_domain_or_no_answer_excludes_nothing(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, BARE_504);
	size_t before = b.p->candidate_count;
	examine(&b, FINDING_NONE, SPAN_NONE, "b.lab");
	assert_int_equal(b.p->candidate_count, before);
	examine(&b, FINDING_CONNECT_UNREACHABLE, SPAN("10.0.0.1:5061"), "a.lab");
	assert_int_equal(b.p->candidate_count, before);
	/* Among the candidates: but it is our resolver that does not answer. */
	assert_non_null(candidate(b.p, FINDING_SRV_LOOKUP_FAILED));
	examine(&b, FINDING_SRV_LOOKUP_FAILED, SPAN("a.lab"), "a.lab");
	assert_int_equal(b.p->candidate_count, before);
	assert_int_equal(b.p->finding->code, FINDING_PEER_ANSWERED);
	assert_int_equal(b.p->confidence, EXPLAIN_POSSIBLE);
	close_bench(&b);
}

static void what_is_proved_stays(void **state)
{
	(void)state;
	struct bench b;
	open_bench(&b, BARE_504 EDGE);
	examine(&b, FINDING_NONE, SPAN_NONE, "a.lab");
	assert_int_equal(b.p->confidence, EXPLAIN_PROVED);
	assert_int_equal(b.p->finding->code, FINDING_SRV_TARGET_OUTSIDE_DOMAIN);
	assert_has(b.p->why, "may have been repaired since");
	close_bench(&b);
}

/* ---- memory ---- */

static void a_full_arena_is_no_half_problem(void **state)
{
	(void)state;
	struct material m;
	const struct explain_judge_settings settings = { .file_name = file_name };
	material_open(&m, NULL);
	material_add(&m, BARE_504);
	material_end(&m);
	for (size_t size = 0; size < 16384; size += 97) {
		struct arena arena;
		struct explain_problem *p = (struct explain_problem *)&m;
		arena_init(&arena, size);
		int status = explain_judge(&settings, m.cases[0], &arena, &p);
		assert_true(status == 0 ? p != NULL && p->finding && p->sentence.at : p == NULL);
		arena_done(&arena);
	}
	material_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bare_504_says_what_it_cannot_know),
		cmocka_unit_test(the_domain_judged_is_the_asserted_one),
		cmocka_unit_test(the_trace_of_the_edge_proves_it),
		cmocka_unit_test(the_header_that_says_it_is_quoted),
		cmocka_unit_test(you_are_whose_log_comes_first),
		cmocka_unit_test(you_are_who_you_say),
		cmocka_unit_test(both_ends_of_one_handshake),
		cmocka_unit_test(a_traversal_password),
		cmocka_unit_test(unknown_numbers_are_shown_raw),
		cmocka_unit_test(what_is_no_failure_has_no_finding),
		cmocka_unit_test(a_port_of_others_is_no_federation),
		cmocka_unit_test(an_examination_decides_a_bare_504),
		cmocka_unit_test(a_good_examination_excludes),
		cmocka_unit_test(another_domain_or_no_answer_excludes_nothing),
		cmocka_unit_test(what_is_proved_stays),
		cmocka_unit_test(a_full_arena_is_no_half_problem),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
