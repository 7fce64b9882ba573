/* SPDX-License-Identifier: Apache-2.0 */
/* Who would refuse whom: yours is a.example, the partner's b.example, both healthy but for what a case says. */
#include "check/against.h"
#include "unit/check/world.h"

/* ---- a.example told of b.example ---- */

static void rename_span(struct check_facts *facts, struct span *text)
{
	size_t at = span_find_span(*text, SPAN(DOMAIN));
	if (text->length == 0 || at == text->length)
		return;
	struct span copy = arena_copy(&facts->arena, *text);
	char *name = world_room(facts, copy.length);
	memcpy(name, copy.at, copy.length);
	name[at] = 'b';
	*text = span_make(name, copy.length);
}

static void rename_certificates(struct check_facts *facts, const struct trust_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		/* The world made them for these facts alone. */
		struct trust_certificate *certificate = (struct trust_certificate *)(uintptr_t)&chain->certificates[i];
		rename_span(facts, &certificate->common_name);
		rename_span(facts, &certificate->subject);
		for (size_t j = 0; j < certificate->dns_name_count; j++)
			rename_span(facts, (struct span *)(uintptr_t)&certificate->dns_names[j]);
	}
}

static struct check_facts *partner_facts(const struct world *world)
{
	struct check_facts *facts = world_facts(world);
	rename_span(facts, &facts->typed);
	rename_span(facts, &facts->domain);
	rename_span(facts, &facts->srv.domain);
	for (size_t i = 0; i < facts->srv.record_count; i++)
		rename_span(facts, (struct span *)(uintptr_t)&facts->srv.records[i].target);
	for (size_t i = 0; i < facts->host_count; i++)
		rename_span(facts, &facts->hosts[i].name);
	for (size_t i = 0; i < facts->attempt_count; i++) {
		rename_span(facts, &facts->attempts[i].probe.connection.target);
		rename_certificates(facts, &facts->attempts[i].probe.chain);
	}
	return facts;
}

/* ---- the table ---- */

#define PASSES "neither edge would refuse it"
#define OUT(caller, called) "the edge of " caller " would refuse to go to " called ": "
#define IN(called, caller) "the edge of " called " would refuse " caller ": "
#define OUTSIDE(domain) "no SRV target is in the domain `" domain "` (504, ms-diagnostics 1009)"

static const struct {
	const char *what;
	struct world yours, partner;
	enum check_verdict out, in; /* your calls, theirs */
	const char *out_sentence, *in_sentence; /* behind the verdict */
	const char *codes; /* each finding once, in the order shown, without notes */
} cases[] = {
	{ "both healthy", { .why = NULL }, { .why = NULL }, CHECK_PASS, CHECK_PASS, PASSES, PASSES, "" },
	{ "your target is outside", { .targets = { "vcse.other.lab" } }, { .why = NULL }, CHECK_FAIL, CHECK_FAIL,
		IN("b.example", "a.example") OUTSIDE("a.example"), OUT("b.example", "a.example") OUTSIDE("a.example"),
		"error:srv-target-outside-domain" },
	{ "theirs is", { .why = NULL }, { .targets = { "vcse.other.lab" } }, CHECK_FAIL, CHECK_FAIL,
		OUT("a.example", "b.example") OUTSIDE("b.example"), IN("a.example", "b.example") OUTSIDE("b.example"),
		"error:srv-target-outside-domain" },
	{ "both are", { .targets = { "vcse.other.lab" } }, { .targets = { "vcse.other.lab" } }, CHECK_FAIL, CHECK_FAIL,
		OUT("a.example", "b.example") OUTSIDE("b.example") "; and " IN("b.example", "a.example")
			OUTSIDE("a.example"),
		OUT("b.example", "a.example") OUTSIDE("a.example") "; and " IN("a.example", "b.example")
			OUTSIDE("b.example"),
		"error:srv-target-outside-domain error:srv-target-outside-domain" },
	{ "your port is closed: calls out pass, for nobody connects to you, but nothing was seen of the certificate",
		{ .servers = { { .address = ADDRESS_1, .connect = TRUST_CONNECT_REFUSED } } }, { .why = NULL },
		CHECK_UNKNOWN, CHECK_FAIL,
		"it is open whether the edge of b.example would let in a.example: the certificate of `a.example` could "
		"not be seen",
		OUT("b.example", "a.example") "nothing listens", "warning:certificate-not-seen error:connect-refused" },
	{ "your address is missing, and the name server of theirs fails", { .hosts = { { .name = EDGE } } },
		{ .srv = TRUST_LOOKUP_SERVFAIL, .why = "SERVFAIL" }, CHECK_UNKNOWN, CHECK_FAIL,
		"it is open whether the edge of a.example would go to b.example: the SRV lookup for ",
		OUT("b.example", "a.example"), NULL },
	{ "your certificate lacks the name",
		{ .servers = { { .address = ADDRESS_1, .shown = { .cn = "x.lab", .names = { "x.lab" } } } } },
		{ .why = NULL }, CHECK_FAIL, CHECK_FAIL, IN("b.example", "a.example"), OUT("b.example", "a.example"),
		"error:certificate-name-mismatch" },
	{ "yours is good for clients only: you may call, and may not be called",
		{ .servers = { { .address = ADDRESS_1, .shown = { .usage = TRUST_USAGE_CLIENT } } } }, { .why = NULL },
		CHECK_PASS, CHECK_FAIL, PASSES, OUT("b.example", "a.example"), "error:certificate-no-server-usage" },
	{ "theirs ends soon", { .why = NULL }, { .servers = { { .address = ADDRESS_1, .shown = { .days = 3 } } } },
		CHECK_WARN, CHECK_WARN, PASSES ", but ", PASSES ", but ", "warning:certificate-expires-soon" },
	{ "their edge refuses the certificate that was shown from here", { .why = NULL },
		{ .servers = { { .address = ADDRESS_1,
			  .alert = 48,
			  .asked = true,
			  .sent = true,
			  .reaction = PEER_REACTION_REFUSED } } },
		CHECK_FAIL, CHECK_PASS, OUT("a.example", "b.example"), PASSES, "error:certificate-refused-by-partner" },
	{ "nobody was to be called, DNS is right", { .not_connected = true }, { .not_connected = true }, CHECK_PASS,
		CHECK_PASS, PASSES " as far as DNS goes", PASSES " as far as DNS goes", "" },
	{ "nobody was to be called, your target is outside", { .not_connected = true, .targets = { "vcse.other.lab" } },
		{ .not_connected = true }, CHECK_FAIL, CHECK_FAIL, IN("b.example", "a.example") OUTSIDE("a.example"),
		OUT("b.example", "a.example") OUTSIDE("a.example"), "error:srv-target-outside-domain" },
	{ "nobody was to be called, the planned certificate lacks the name",
		{ .not_connected = true,
			.servers = { { .address = ADDRESS_1,
				.planned = true,
				.shown = { .cn = "x.lab", .names = { "x.lab" } } } } },
		{ .not_connected = true }, CHECK_FAIL, CHECK_FAIL, IN("b.example", "a.example"),
		OUT("b.example", "a.example"), "error:certificate-name-mismatch" },
	{ "yours is no domain at all", { .typed = "a b" }, { .why = NULL }, CHECK_FAIL, CHECK_FAIL,
		IN("b.example", "a b"), OUT("b.example", "a b"), "error:domain-malformed" },
};

static struct check_bench stranger(const struct check_options *options)
{
	return (struct check_bench){ .policy = { .kind = TRUST_POLICY_MICROSOFT, .discover = true },
		.options = options };
}

static void expect_sentence(const char *what, const struct check_against *against, size_t way, const char *expected)
{
	struct buffer got;
	char start[400];
	const char *caller = way == 0 ? "a.example" : "b.example", *called = way == 0 ? "b.example" : "a.example";
	buffer_init(&got, 65536);
	check_against_sentence(against, way, &got);
	if (against->ways[0].caller->why_not.length) {
		caller = way == 0 ? "a b" : caller;
		called = way == 1 ? "a b" : called;
	}
	snprintf(start, sizeof(start), "a call from %s to %s: %s: ", caller, called,
		check_verdict_name(against->ways[way].verdict));
	if (strncmp(got.at, start, strlen(start)) != 0 ||
		strncmp(got.at + strlen(start), expected, strlen(expected)) != 0)
		fail_msg("%s: %s, not %s%s", what, got.at, start, expected);
	assert_null(strchr(got.at, '\n'));
	buffer_done(&got);
}

static void expect_codes(const char *what, json_t *json, const char *expected)
{
	json_t *findings = json_object_get(json, "findings"), *f;
	size_t index;
	struct buffer got;
	buffer_init(&got, 65536);
	json_array_foreach(findings, index, f)
	{
		const char *severity = json_string_value(json_object_get(f, "severity"));
		if (strcmp(severity, "note") != 0)
			buffer_printf(&got, "%s%s:%s", got.length ? " " : "", severity,
				json_string_value(json_object_get(f, "code")));
	}
	if (expected && strcmp(got.at ? got.at : "", expected) != 0)
		fail_msg("%s: %s, not %s", what, got.at, expected);
	buffer_done(&got);
}

/* Every error and warning is shown exactly once, behind the two sentences. */
static void expect_blocks(const char *what, const struct check_against *against, json_t *json)
{
	const struct finding_style style = { .width = 80 };
	json_t *findings = json_object_get(json, "findings"), *f;
	size_t index, wanted = 0, blocks = 0;
	struct buffer text;
	buffer_init(&text, 1 << 20);
	assert_int_equal(check_against_human(against, &style, &text), 0);
	json_array_foreach(findings, index, f) wanted +=
		strcmp(json_string_value(json_object_get(f, "severity")), "note") != 0;
	for (const char *at = text.at; (at = strstr(at, "\n\n")); at++)
		blocks++;
	if (blocks != wanted)
		fail_msg("%s: %zu findings in\n%s", what, wanted, text.at);
	buffer_done(&text);
}

static void both_ways_are_judged(void **state)
{
	const struct check_options options = { .policies = 0 };
	const struct check_bench bench = stranger(&options);
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct check_facts *yours = world_facts(&cases[i].yours), *partner = partner_facts(&cases[i].partner);
		struct check_against against;
		check_against_judge(&bench, TRUST_POLICY_MICROSOFT, yours, partner, &against);
		if (against.ways[0].verdict != cases[i].out || against.ways[1].verdict != cases[i].in)
			fail_msg("%s: %s out, %s in", cases[i].what, check_verdict_name(against.ways[0].verdict),
				check_verdict_name(against.ways[1].verdict));
		assert_int_equal(against.verdict, check_verdict_worst(cases[i].out, cases[i].in));
		expect_sentence(cases[i].what, &against, 0, cases[i].out_sentence);
		expect_sentence(cases[i].what, &against, 1, cases[i].in_sentence);
		json_t *json = check_against_json(&against);
		assert_non_null(json);
		expect_codes(cases[i].what, json, cases[i].codes);
		expect_blocks(cases[i].what, &against, json);
		json_decref(json);
		check_against_free(&against);
		check_facts_free(yours);
		check_facts_free(partner);
	}
}

/* ---- to whom the findings speak ---- */

static void findings_speak_to_the_right_side(void **state)
{
	const struct check_options options = { .policies = 0 };
	const struct check_bench bench = stranger(&options);
	const struct world outside = { .targets = { "vcse.other.lab" } };
	struct check_facts *yours = world_facts(&outside), *partner = partner_facts(&outside);
	struct check_against against;
	(void)state;
	check_against_judge(&bench, TRUST_POLICY_MICROSOFT, yours, partner, &against);
	assert_int_equal(against.ways[0].reach.answer->who, FINDING_PARTNER);
	assert_int_equal(against.ways[0].admit.answer->who, FINDING_YOU);
	assert_int_equal(against.ways[1].reach.answer->who, FINDING_YOU);
	assert_int_equal(against.ways[1].admit.answer->who, FINDING_PARTNER);
	check_against_free(&against);
	check_facts_free(yours);
	check_facts_free(partner);
}

/* Your lists are yours: the partner's edge does not judge by them. */
static void lists_are_your_edge_s(void **state)
{
	const struct span blocked[] = { SPAN("b.example"), SPAN("a.example") };
	struct config_node *node =
		calloc(1, 4096); /* only its presence counts: it is never read where the owner is set */
	const struct check_options options = { .node = node };
	const struct check_bench bench = {
		.policy = { .kind = TRUST_POLICY_MICROSOFT, .discover = true, .blocked = blocked, .blocked_count = 2 },
		.options = &options
	};
	const struct world healthy = { .why = NULL };
	struct check_facts *yours = world_facts(&healthy), *partner = partner_facts(&healthy);
	struct check_against against;
	(void)state;
	check_against_judge(&bench, TRUST_POLICY_MICROSOFT, yours, partner, &against);
	assert_int_equal(against.ways[0].reach.verdict, CHECK_FAIL);
	assert_int_equal(against.ways[0].reach.answer->code, FINDING_DOMAIN_BLOCKED);
	assert_int_equal(against.ways[0].admit.verdict, CHECK_PASS);
	assert_int_equal(against.ways[1].reach.verdict, CHECK_PASS);
	assert_int_equal(against.ways[1].admit.answer->code, FINDING_DOMAIN_BLOCKED);
	check_against_free(&against);
	check_facts_free(yours);
	check_facts_free(partner);
	free(node);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_are_judged),
		cmocka_unit_test(findings_speak_to_the_right_side),
		cmocka_unit_test(lists_are_your_edge_s),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
