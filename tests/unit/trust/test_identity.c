/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

/* R1: the sip: P-Asserted-Identity, else From; they may differ only where From is anonymous or a number. */
static const struct {
	const char *name, *from;
	bool anonymous, number;
	const char *asserted;
	const char *domain; /* NULL: refused */
	const char *code;
} cases[] = {
	{ "From alone", "a.lab", false, false, NULL, "a.lab", "" },
	{ "both the same", "a.lab", false, false, "a.lab", "a.lab", "" },
	{ "the same but for case and dot", "A.lab.", false, false, "a.LAB", "a.LAB", "" },
	{ "they differ", "a.lab", false, false, "b.lab", NULL, "identity-mismatch" },
	{ "a subdomain differs", "x.a.lab", false, false, "a.lab", NULL, "identity-mismatch" },
	{ "anonymous, asserted", "anonymous.invalid", true, false, "b.lab", "b.lab", "" },
	{ "a number, asserted by another", "a.lab", false, true, "b.lab", "b.lab", "" },
	{ "a tel: From, asserted", NULL, false, true, "b.lab", "b.lab", "" },
	{ "a number with a domain, nothing asserted", "a.lab", false, true, NULL, "a.lab", "" },
	{ "anonymous, nothing asserted", "anonymous.invalid", true, false, NULL, NULL, "identity-missing" },
	{ "a tel: From, nothing asserted", NULL, false, true, NULL, NULL, "identity-missing" },
	{ "nothing at all", NULL, false, false, NULL, NULL, "identity-missing" },
};

static void the_sender_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct bench b;
		struct span domain = SPAN_NONE;
		bench_open(&b);
		struct trust_sender sender = {
			.from = span_of(cases[i].from),
			.from_is_anonymous = cases[i].anonymous,
			.from_is_number = cases[i].number,
			.asserted = span_of(cases[i].asserted),
		};
		bool found = trust_judge_identity(&b.judge, &sender, &domain);
		if (found != (cases[i].domain != NULL) || strcmp(bench_error(&b), cases[i].code) != 0)
			fail_msg("%s: found %d, \"%s\"", cases[i].name, found, bench_error(&b));
		if (found && !span_is(domain, cases[i].domain))
			fail_msg("%s: domain \"%.*s\"", cases[i].name, SPAN_PRINT(domain));
		bench_close(&b);
	}
}

/* The whole way in: the first error ends it, so that followers are not told. */
static void the_first_error_ends_the_way_in(void **state)
{
	(void)state;
	struct bench b;
	struct trust_srv records[1];
	struct span names[1];
	struct trust_plan plan;
	char codes[1024];
	const char *const outside[] = { "vcse.b.lab", NULL }, *const wrong[] = { "x.b.lab", NULL };
	struct trust_certificate leaf = bench_certificate("x.b.lab", wrong, names);
	struct trust_chain chain = bench_chain(&leaf);
	struct trust_domain facts = bench_domain("a.lab", outside, records);
	struct trust_sender sender = { .from = SPAN("a.lab") };
	bench_open(&b);
	assert_false(trust_judge_sender(&b.judge, &sender, &facts, &chain, &plan));
	assert_string_equal(bench_codes(&b, codes), "srv-target-outside-domain");
	assert_false(plan.accepted);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sender_is_found),
		cmocka_unit_test(the_first_error_ends_the_way_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
