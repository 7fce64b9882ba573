/* SPDX-License-Identifier: Apache-2.0 */
/* Pattern variables, and that what they stand for is taken literally. */
#include "base/require.h"
#include "route/table.h"
#include "unit/cmocka_all.h"

#include <errno.h>

static const struct span DOMAINS[] = { SPAN("us.lab"), SPAN("more.us.lab") };
static const struct span IPV4[] = { SPAN("192.0.2.1"), SPAN("198.51.100.1") };
static const struct span IPV6[] = { SPAN("2001:db8::1") };
static const struct route_names NAMES = {
	.node = SPAN("vcse.us.lab"),
	.system_name = SPAN("vcse"),
	.domains = DOMAINS,
	.domain_count = 2,
	.ipv4 = IPV4,
	.ipv4_count = 2,
	.ipv6 = IPV6,
	.ipv6_count = 1,
};

static const struct {
	const char *name;
	enum route_use use;
	const char *text, *filled; /* NULL: refused */
	size_t offset;
} CASES[] = {
	{ "nothing to fill in", ROUTE_USE_REGEX, ".*@b", ".*@b", 0 },
	{ "every domain, each quoted", ROUTE_USE_REGEX, "911|(911@%localdomains%)",
		"911|(911@(?:us\\.lab|more\\.us\\.lab))", 0 },
	{ "the second domain", ROUTE_USE_PLAIN, "@%localdomain2%", "@more.us.lab", 0 },
	{ "both in one text", ROUTE_USE_PLAIN, "%localdomain2%/%localdomain1%", "more.us.lab/us.lab", 0 },
	{ "there is no third", ROUTE_USE_PLAIN, "@%localdomain3%", NULL, 1 },
	{ "nor a zeroth", ROUTE_USE_PLAIN, "@%localdomain0%", NULL, 1 },
	{ "a suffix cannot be several domains", ROUTE_USE_PLAIN, "@%localdomains%", NULL, 1 },
	{ "nor can a replacement", ROUTE_USE_REPLACEMENT, "\\1@%ip%", NULL, 3 },
	{ "any of our addresses", ROUTE_USE_REGEX, ".*@%ip%",
		".*@(?:192\\.0\\.2\\.1|198\\.51\\.100\\.1|\\[?2001\\:db8\\:\\:1\\]?)", 0 },
	{ "those of one family", ROUTE_USE_REGEX, "%ipv6%", "(?:\\[?2001\\:db8\\:\\:1\\]?)", 0 },
	{ "the second address", ROUTE_USE_REPLACEMENT, "\\1@%ipv4_2%", "\\1@198.51.100.1", 0 },
	{ "the only IPv6 address as a plain text", ROUTE_USE_PLAIN, "[%ipv6%]", "[2001:db8::1]", 0 },
	{ "the node", ROUTE_USE_REGEX, "%self%", "(?:vcse\\.us\\.lab)", 0 },
	{ "its short name, however it is written", ROUTE_USE_PLAIN, "%SystemName%", "vcse", 0 },
	{ "two percent signs are one", ROUTE_USE_PLAIN, "50%%off%%", "50%off%", 0 },
	{ "one that begins no name stays", ROUTE_USE_REGEX, "a%40b%", "a%40b%", 0 },
	{ "as does one whose name does not end", ROUTE_USE_REGEX, "%ip", "%ip", 0 },
	{ "a name nobody has", ROUTE_USE_REGEX, "a%nobody%", NULL, 1 },
};

static void variables(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
		struct arena arena;
		struct span filled = SPAN_NONE;
		size_t offset = 0;
		arena_init(&arena, 1 << 16);
		int status =
			route_variable_expand(&NAMES, CASES[i].use, span_of(CASES[i].text), &arena, &filled, &offset);
		if (status != (CASES[i].filled ? 0 : -EINVAL) || offset != CASES[i].offset ||
			!span_equal(filled, span_of(CASES[i].filled)))
			fail_msg("%s: %d at %zu: '%.*s'", CASES[i].name, status, offset, SPAN_PRINT(filled));
		arena_done(&arena);
	}
}

static void a_backslash_of_a_name_is_no_group(void **state)
{
	struct route_names names = { .system_name = SPAN("a\\1") };
	struct arena arena;
	struct span filled;
	(void)state;
	arena_init(&arena, 1 << 16);
	assert_int_equal(
		route_variable_expand(&names, ROUTE_USE_REPLACEMENT, SPAN("%systemname%"), &arena, &filled, NULL), 0);
	assert_true(span_is(filled, "a\\\\1"));
	arena_done(&arena);
}

/* The same through a table: the pattern of an emergency number, as Cisco's guide has one. */
static void a_rule_for_all_our_domains(void **state)
{
	static const struct route_rule rules[] = { { .enabled = true,
		.mode = ROUTE_MODE_PATTERN,
		.type = ROUTE_PATTERN_REGEX,
		.pattern = SPAN("00(911|911@%localdomains%)"),
		.behaviour = ROUTE_BEHAVIOUR_REPLACE,
		.replace = SPAN("\\1;%systemname%") } };
	static const struct {
		const char *alias, *asked; /* NULL: it does not match */
	} cases[] = { { "00911", "911;vcse" }, { "00911@more.us.lab", "911@more.us.lab;vcse" },
		{ "00911@US.LAB", "911@US.LAB;vcse" }, { "00911@usxlab", NULL }, { "00911@them.lab", NULL } };
	struct route_table_params params = { .rules = rules, .rule_count = 1, .names = NAMES };
	struct route_table *table;
	struct arena arena;
	(void)state;
	assert_int_equal(route_table_new(&params, &table, NULL), 0);
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct route_request request = { .alias = span_of(cases[i].alias) };
		struct route_plan plan;
		assert_int_equal(route_plan_make(table, &request, 0, &arena, &plan), 0);
		if (plan.target_count != (cases[i].asked != NULL) ||
			(cases[i].asked && !span_is(plan.targets[0].alias, cases[i].asked)))
			fail_msg("%s", cases[i].alias);
	}
	arena_done(&arena);
	route_table_free(table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(variables),
		cmocka_unit_test(a_backslash_of_a_name_is_no_group),
		cmocka_unit_test(a_rule_for_all_our_domains),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
