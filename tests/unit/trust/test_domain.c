/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "finding/render.h"
#include "unit/finding/designed_block.h"

#include <errno.h>

/* R2, R5, R6: what an SRV answer leads to. Candidates are "name:port" in order. */
static const struct {
	const char *name, *domain;
	const char *targets[6];
	enum trust_lookup_status status; /* 0: by the targets */
	const char *codes;
	const char *candidates;
} cases[] = {
	{ "right", "a.lab", { "vcse.a.lab" }, 0, "", "vcse.a.lab:5061" },
	{ "right, in capitals", "a.lab", { "VCSE.A.LAB" }, 0, "", "VCSE.A.LAB:5061" },
	{ "two right ones", "a.lab", { "e2.a.lab", "e1.a.lab" }, 0, "", "e1.a.lab:5061 e2.a.lab:5061" },
	{ "no such name", "a.lab", { NULL }, TRUST_LOOKUP_NXDOMAIN, "srv-missing", "" },
	{ "no such record", "a.lab", { NULL }, TRUST_LOOKUP_NODATA, "srv-missing", "" },
	{ "an empty answer", "a.lab", { NULL }, TRUST_LOOKUP_OK, "srv-missing", "" },
	{ "server failure is never missing", "a.lab", { NULL }, TRUST_LOOKUP_SERVFAIL, "srv-lookup-failed", "" },
	{ "nor is a timeout", "a.lab", { NULL }, TRUST_LOOKUP_TIMEOUT, "srv-lookup-failed", "" },
	{ "nor a bogus answer", "a.lab", { NULL }, TRUST_LOOKUP_BOGUS, "srv-lookup-failed", "" },
	{ "nor a refusal", "a.lab", { NULL }, TRUST_LOOKUP_REFUSED, "srv-lookup-failed", "" },
	{ "nor a cancelled question", "a.lab", { NULL }, TRUST_LOOKUP_CANCELLED, "srv-lookup-failed", "" },
	{ "nor one that was not asked", "a.lab", { NULL }, TRUST_LOOKUP_NOT_ASKED, "srv-lookup-failed", "" },
	{ "declined", "a.lab", { "" }, 0, "srv-declined", "" },
	{ "declined beside a right one is ignored", "a.lab", { "", "vcse.a.lab" }, 0, "", "vcse.a.lab:5061" },
	{ "another domain", "a.lab", { "vcse.b.lab" }, 0, "srv-target-outside-domain", "" },
	{ "a subdomain", "a.lab", { "vcse.sub.a.lab" }, 0, "srv-target-outside-domain", "" },
	{ "the parent", "x.a.lab", { "vcse.a.lab" }, 0, "srv-target-outside-domain", "" },
	{ "one right of two", "a.lab", { "vcse.b.lab", "vcse.a.lab" }, 0, "srv-target-partly-outside",
		"vcse.a.lab:5061" },
	{ "the apex alone", "a.lab", { "a.lab" }, 0, "srv-target-is-domain", "" },
	{ "the apex beside a right one", "a.lab", { "a.lab", "vcse.a.lab" }, 0, "srv-target-is-domain",
		"vcse.a.lab:5061" },
	{ "the apex beside a wrong one", "a.lab", { "a.lab", "vcse.b.lab" }, 0, "srv-target-outside-domain", "" },
	{ "another port", "a.lab", { "vcse.a.lab:5062" }, 0, "srv-port-unusual", "vcse.a.lab:5062" },
	{ "another port outside is not worth a word", "a.lab", { "vcse.b.lab:5062" }, 0, "srv-target-outside-domain",
		"" },
	{ "one server twice", "a.lab", { "vcse.a.lab", "VCSE.a.lab." }, 0, "srv-records-duplicate",
		"VCSE.a.lab:5061 vcse.a.lab:5061" },
	{ "one host, two ports: two servers", "a.lab", { "vcse.a.lab", "vcse.a.lab:5062" }, 0, "srv-port-unusual",
		"vcse.a.lab:5061 vcse.a.lab:5062" },
	{ "blocked, whatever the record", "bad.lab", { "vcse.bad.lab" }, 0, "domain-blocked", "" },
	{ "blocked although it has a server", "worse.lab", { NULL }, 0, "domain-blocked", "" },
	{ "a configured server needs no record", "direct.lab", { NULL }, TRUST_LOOKUP_NXDOMAIN, "",
		"edge.elsewhere.lab:5061" },
	{ "with a port of its own", "port.lab", { NULL }, TRUST_LOOKUP_NXDOMAIN, "", "edge.elsewhere.lab:5999" },
	{ "a listed domain without server is looked up", "listed.lab", { "vcse.b.lab" }, 0, "srv-target-outside-domain",
		"" },
	{ "a provider serves any domain", "hosted.lab", { "sipfed.online.lync.com" }, 0, "",
		"sipfed.online.lync.com:5061" },
	{ "a host that only sounds like it", "hosted.lab", { "sipfed.online.lync.com.evil.lab" }, 0,
		"srv-target-outside-domain", "" },
};

static const struct span blocked[] = { { "bad.lab", 7 }, { "worse.lab", 9 } };
static const struct span providers[] = { { "sipfed.online.lync.com", 22 } };

static void lists(struct trust_policy *policy, struct trust_partner partners[4])
{
	partners[0] = (struct trust_partner){ .domain = SPAN("direct.lab"), .server = SPAN("edge.elsewhere.lab.") };
	partners[1] = (struct trust_partner){ .domain = SPAN("listed.lab") };
	partners[2] = (struct trust_partner){ .domain = SPAN("worse.lab"), .server = SPAN("edge.worse.lab") };
	partners[3] = (struct trust_partner){
		.domain = SPAN("port.lab"), .server = SPAN("edge.elsewhere.lab"), .port = 5999
	};
	policy->allowed = partners;
	policy->allowed_count = 4;
	policy->blocked = blocked;
	policy->blocked_count = BASE_COUNT(blocked);
	policy->providers = providers;
	policy->provider_count = BASE_COUNT(providers);
}

static void candidates_text(const struct trust_plan *plan, struct buffer *out)
{
	buffer_append_text(out, "");
	for (size_t i = 0; i < plan->candidate_count; i++)
		buffer_printf(
			out, "%s%.*s:%u", i ? " " : "", SPAN_PRINT(plan->candidates[i].name), plan->candidates[i].port);
}

static void answers_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct bench b;
		struct trust_partner partners[4];
		struct trust_srv records[6];
		struct trust_plan plan;
		struct buffer text;
		char codes[1024];
		bench_open(&b);
		lists(&b.policy, partners);
		struct trust_domain facts = bench_domain(cases[i].domain, cases[i].targets, records);
		if (cases[i].status || facts.record_count == 0)
			facts.lookup.status = cases[i].status;
		assert_int_equal(trust_judge_domain(&b.judge, span_of(cases[i].domain), &facts, &plan), 0);
		buffer_init(&text, 4096);
		candidates_text(&plan, &text);
		if (strcmp(bench_codes(&b, codes), cases[i].codes) != 0)
			fail_msg("%s: found \"%s\"", cases[i].name, codes);
		if (strcmp(text.at ? text.at : "", cases[i].candidates) != 0)
			fail_msg("%s: candidates \"%s\"", cases[i].name, text.at);
		if (plan.accepted != (*cases[i].candidates != 0) || plan.accepted != (*bench_error(&b) == 0))
			fail_msg("%s: accepted %d, error \"%s\"", cases[i].name, plan.accepted, bench_error(&b));
		const struct finding *error = finding_list_first_error(&b.list);
		assert_int_equal(plan.undecided, error && finding_is_undecided(error->code));
		buffer_done(&text);
		bench_close(&b);
	}
}

static void without_discovery_only_the_listed_are_asked(void **state)
{
	(void)state;
	struct bench b;
	struct trust_partner partners[4];
	struct trust_plan plan;
	bench_open(&b);
	lists(&b.policy, partners);
	b.policy.discover = false;
	assert_true(trust_judge_lists(&b.judge, SPAN("a.lab"), &plan));
	assert_string_equal(bench_error(&b), "domain-not-allowed");
	assert_int_equal(plan.standing, TRUST_STANDING_NOT_ALLOWED);
	assert_false(plan.accepted);
	assert_false(trust_judge_lists(&b.judge, SPAN("listed.lab"), &plan));
	bench_close(&b);
}

static void no_facts_is_no_answer(void **state)
{
	(void)state;
	struct bench b;
	struct trust_plan plan;
	bench_open(&b);
	assert_int_equal(trust_judge_domain(&b.judge, SPAN("a.lab"), NULL, &plan), 0);
	assert_string_equal(bench_error(&b), "srv-lookup-failed");
	assert_true(plan.undecided && !plan.accepted);
	bench_close(&b);
}

static void the_apex_counts_where_it_is_set(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_plan plan;
	char codes[1024];
	bench_open(&b);
	b.policy.apex_targets = true;
	const char *const targets[] = { "a.lab", NULL };
	struct trust_domain facts = bench_domain("a.lab", targets, records);
	assert_int_equal(trust_judge_domain(&b.judge, SPAN("a.lab"), &facts, &plan), 0);
	assert_true(plan.accepted);
	assert_string_equal(bench_codes(&b, codes), "srv-target-is-domain");
	assert_int_equal(b.list.first->severity, FINDING_WARNING);
	bench_close(&b);
}

static void a_cut_answer_is_told(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_plan plan;
	char codes[1024];
	bench_open(&b);
	const char *const targets[] = { "vcse.a.lab", NULL };
	struct trust_domain facts = bench_domain("a.lab", targets, records);
	facts.cut = true;
	trust_judge_domain(&b.judge, SPAN("a.lab"), &facts, &plan);
	assert_string_equal(bench_codes(&b, codes), "srv-records-cut");
	assert_true(plan.accepted);
	bench_close(&b);
}

/* What was not seen could be right: never a firm no. */
static void a_cut_answer_without_a_server_is_undecided(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *targets[3];
	} answers[] = {
		{ "all outside", { "vcse.b.lab", "vcse.sub.a.lab" } },
		{ "the domain itself", { "a.lab" } },
		{ "declined", { "" } },
		{ "none that could be read", { NULL } },
	};
	for (size_t i = 0; i < BASE_COUNT(answers); i++) {
		struct bench b;
		struct trust_srv records[3];
		struct trust_plan plan;
		char codes[1024];
		bench_open(&b);
		struct trust_domain facts = bench_domain("a.lab", answers[i].targets, records);
		facts.lookup.status = TRUST_LOOKUP_OK;
		facts.cut = true;
		trust_judge_domain(&b.judge, SPAN("a.lab"), &facts, &plan);
		if (strcmp(bench_codes(&b, codes), "srv-records-cut examination-cut") != 0 || plan.accepted ||
			!plan.undecided)
			fail_msg("%s: %s, %saccepted, %sundecided", answers[i].name, codes, plan.accepted ? "" : "not ",
				plan.undecided ? "" : "not ");
		bench_close(&b);
	}
}

/* Other rule books know no domain rule. */
static void rfc5922_and_dane_take_any_target(void **state)
{
	(void)state;
	for (int kind = TRUST_POLICY_RFC5922; kind <= TRUST_POLICY_DANE; kind++) {
		struct bench b;
		struct trust_srv records[2];
		struct trust_plan plan;
		char codes[1024];
		bench_open(&b);
		b.policy.kind = (enum trust_policy_kind)kind;
		const char *const targets[] = { "vcse.b.lab", "a.lab", NULL };
		struct trust_domain facts = bench_domain("a.lab", targets, records);
		trust_judge_domain(&b.judge, SPAN("a.lab"), &facts, &plan);
		assert_string_equal(bench_codes(&b, codes), "");
		assert_int_equal(plan.candidate_count, 2);
		assert_int_equal(plan.candidates[0].kind, TRUST_CANDIDATE_ANY);
		bench_close(&b);
	}
}

/* The sample of Cisco TAC 212383, with its own ms-diagnostics values. */
static void the_values_are_those_of_the_sample(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_plan plan;
	bench_open(&b);
	const char *const targets[] = { "vcse.steven.lab", NULL };
	struct trust_domain facts = bench_domain("acano.steven.lab", targets, records);
	trust_judge_domain(&b.judge, SPAN("acano.steven.lab"), &facts, &plan);
	const struct finding *f = finding_list_first_error(&b.list);
	assert_true(span_is(finding_value_get(f, "domain"), "acano.steven.lab"));
	assert_true(span_is(finding_value_get(f, "fqdn"), "vcse.steven.lab:5061"));
	assert_int_equal(f->who, FINDING_PARTNER);
	bench_close(&b);
}

/* From facts to the block that people read, character by character. */
static void the_block_is_as_designed(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_plan plan;
	struct buffer out;
	struct finding_style style = { 0 };
	bench_open(&b);
	finding_list_init(&b.list, &b.arena, FINDING_YOU);
	const char *const targets[] = { "vcse.sub.cms.steven.lab", NULL };
	struct trust_domain facts = bench_domain("cms.steven.lab", targets, records);
	struct trust_address address = { .text = SPAN("192.0.2.47") };
	struct trust_host host = { .name = SPAN("vcse.sub.cms.steven.lab"), .addresses = &address, .address_count = 1 };
	facts.hosts = &host;
	facts.host_count = 1;
	trust_judge_domain(&b.judge, SPAN("cms.steven.lab"), &facts, &plan);
	buffer_init(&out, 65536);
	finding_render_list(&b.list, &style, &out);
	assert_string_equal(out.at, DESIGNED_BLOCK);
	buffer_done(&out);
	bench_close(&b);
}

/* What a hostile zone says never reaches a line that people paste. */
static void hostile_names_are_not_pasted(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_plan plan;
	bench_open(&b);
	const char *const targets[] = { "x;reboot.b.lab", NULL };
	struct trust_domain facts = bench_domain("a.lab$(id)", targets, records);
	trust_judge_domain(&b.judge, SPAN("a.lab$(id)"), &facts, &plan);
	for (const struct finding_fix *fix = b.list.first->fixes; fix; fix = fix->next) {
		if (strcmp(fix->where, "a mail") == 0)
			continue;
		for (const struct finding_fix_line *line = fix->lines; line; line = line->next) {
			assert_int_equal(span_find(line->text, '$'), line->text.length);
			assert_int_equal(span_find(line->text, ';'), line->text.length);
		}
	}
	bench_close(&b);
}

static void a_full_arena_accepts_nobody(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_partner partners[4];
	struct trust_plan plan;
	const char *const targets[] = { "vcse.a.lab", NULL };
	struct trust_domain facts = bench_domain("a.lab", targets, records);
	bench_open(&b);
	arena_done(&b.arena);
	arena_init(&b.arena, 0);
	lists(&b.policy, partners);
	assert_int_equal(trust_judge_domain(&b.judge, SPAN("a.lab"), &facts, &plan), -ENOMEM);
	assert_false(plan.accepted);
	assert_int_equal(trust_judge_domain(&b.judge, SPAN("direct.lab"), NULL, &plan), -ENOMEM);
	assert_false(plan.accepted);
	bench_close(&b);
}

static void strangers_get_into_our_domains_only(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct span own[] = { SPAN("steven.lab"), SPAN("cms.steven.lab") };
	b.policy.own_domains = own;
	b.policy.own_domain_count = 2;
	assert_true(trust_judge_destination(&b.judge, SPAN("CMS.steven.lab")));
	assert_string_equal(bench_error(&b), "");
	assert_false(trust_judge_destination(&b.judge, SPAN("other.steven.lab")));
	assert_string_equal(bench_error(&b), "domain-not-ours");
	bench_close(&b);
}

/* ---- RFC 2782 ---- */

static void priorities_come_first(void **state)
{
	(void)state;
	struct random random;
	random_init_seed(&random, 7);
	for (int round = 0; round < 100; round++) {
		struct trust_candidate c[] = {
			{ .priority = 20, .weight = 65535, .name = SPAN("late") },
			{ .priority = 10, .weight = 0, .name = SPAN("early") },
			{ .priority = 10, .weight = 0, .name = SPAN("early") },
		};
		trust_order_candidates(c, 3, &random);
		assert_true(span_is(c[2].name, "late"));
	}
}

/* Weights 1 to 3 and one of 0: the share of first places is that of the weights. */
static void weights_are_chances(void **state)
{
	(void)state;
	struct random random;
	unsigned heavy = 0, never = 0, rounds = 20000;
	random_init_seed(&random, 42);
	for (unsigned i = 0; i < rounds; i++) {
		struct trust_candidate c[] = {
			{ .weight = 100, .name = SPAN("light") },
			{ .weight = 300, .name = SPAN("heavy") },
			{ .weight = 0, .name = SPAN("zero") },
		};
		trust_order_candidates(c, 3, &random);
		heavy += span_is(c[0].name, "heavy");
		never += span_is(c[0].name, "zero");
		/* All three are still there. */
		assert_int_equal(c[0].weight + c[1].weight + c[2].weight, 400);
	}
	assert_in_range(heavy, rounds * 72 / 100, rounds * 78 / 100);
	/* RFC 2782: a weight of 0 has a very small chance, not none. */
	assert_in_range(never, 1, rounds / 100);
}

static void without_chance_the_heaviest_first(void **state)
{
	(void)state;
	struct trust_candidate c[] = {
		{ .priority = 1, .weight = 1, .name = SPAN("c") },
		{ .priority = 0, .weight = 1, .name = SPAN("b") },
		{ .priority = 0, .weight = 9, .name = SPAN("a") },
	};
	trust_order_candidates(c, 3, NULL);
	assert_true(span_is(c[0].name, "a") && span_is(c[1].name, "b") && span_is(c[2].name, "c"));
}

/* A mail to the partner says what was seen, when, and what to change, in lines to be pasted. */
static void the_mail_is_complete(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct trust_plan plan;
	const char *const targets[] = { "a.lab", NULL };
	struct trust_domain facts = bench_domain("a.lab", targets, records);
	bench_open(&b);
	assert_int_equal(trust_judge_domain(&b.judge, SPAN("a.lab"), &facts, &plan), 0);
	const struct finding_fix *mail = b.list.first->fixes->next;
	assert_string_equal(mail->where, "a mail");
	static const char *const wanted[] = {
		"on your side that affects calls between our organisations: an SRV target is the domain `a.lab` itself",
		"What we saw on 2026-09-21 14:13 UTC: a.lab:5061.",
		"_sipfederationtls._tcp.a.lab. 300 IN SRV 0 0 5061 a.lab.",
		"What it should be: a host with exactly one label in front of a.lab.",
		"To put it right: point the record at a name directly under the domain",
		"_sipfederationtls._tcp.a.lab.\t300 IN SRV\t0 0 5061 sip.a.lab.",
		"sip.a.lab.\t300 IN A\tADDRESS",
		"Could you please change that on your side?",
	};
	const struct finding_fix_line *line = mail->lines;
	for (size_t i = 0; i < BASE_COUNT(wanted); i++, line = line->next) {
		assert_non_null(line);
		if (span_find_span(line->text, span_of(wanted[i])) == line->text.length)
			fail_msg("line %zu: %.*s", i, SPAN_PRINT(line->text));
	}
	assert_null(line);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(without_discovery_only_the_listed_are_asked),
		cmocka_unit_test(the_mail_is_complete),
		cmocka_unit_test(no_facts_is_no_answer),
		cmocka_unit_test(the_apex_counts_where_it_is_set),
		cmocka_unit_test(a_cut_answer_is_told),
		cmocka_unit_test(a_cut_answer_without_a_server_is_undecided),
		cmocka_unit_test(rfc5922_and_dane_take_any_target),
		cmocka_unit_test(the_values_are_those_of_the_sample),
		cmocka_unit_test(the_block_is_as_designed),
		cmocka_unit_test(hostile_names_are_not_pasted),
		cmocka_unit_test(a_full_arena_accepts_nobody),
		cmocka_unit_test(strangers_get_into_our_domains_only),
		cmocka_unit_test(priorities_come_first),
		cmocka_unit_test(weights_are_chances),
		cmocka_unit_test(without_chance_the_heaviest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
