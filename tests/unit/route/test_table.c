/* SPDX-License-Identifier: Apache-2.0 */
/* Search rules: each case is a small rule set, an alias, where it came from, and the plan that must
 * come out, written as "zone:alias zone:alias". */
#include "base/require.h"
#include "route/table.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>

#define PATTERN(kind, text) .mode = ROUTE_MODE_PATTERN, .type = ROUTE_PATTERN_##kind, .pattern = SPAN(text)
#define REPLACE(text) .behaviour = ROUTE_BEHAVIOUR_REPLACE, .replace = SPAN(text)

struct plan_case {
	const char *name;
	struct route_rule rules[4];
	const char *alias;
	int source;
	const char *plan;
	const char *verdicts; /* one letter a rule looked at: m(atched) d(id not) s(ource) c(ostly) */
};

static const struct plan_case CASES[] = {
	{ "any alias goes to the target", { { .target = 1 } }, "a@b.example", 0, "1:a@b.example", "m" },
	{ "no rule, no target", { { .priority = 0 } }, NULL, 0, "", "" },
	{ "lower priority numbers come first", { { .priority = 20, .target = 2 }, { .priority = 10, .target = 1 } },
		"a@b", 0, "1:a@b 2:a@b", "mm" },
	{ "equal priorities keep the order of the file",
		{ { .priority = 5, .target = 3 }, { .priority = 5, .target = 1 } }, "a@b", 0, "3:a@b 1:a@b", "mm" },
	{ "stop lets rules of the same priority run, and none after them",
		{ { .priority = 1, .target = 1, .on_match = ROUTE_ON_MATCH_STOP }, { .priority = 1, .target = 2 },
			{ .priority = 2, .target = 3 } },
		"a@b", 0, "1:a@b 2:a@b", "mm" },
	{ "stop without a match stops nothing",
		{ { .priority = 1, .target = 1, .on_match = ROUTE_ON_MATCH_STOP, PATTERN(EXACT, "x@y") },
			{ .priority = 2, .target = 2 } },
		"a@b", 0, "2:a@b", "dm" },
	{ "exact compares without case", { { .target = 1, PATTERN(EXACT, "Alice@B.example") } }, "alice@b.EXAMPLE", 0,
		"1:alice@b.EXAMPLE", "m" },
	{ "exact is the whole alias", { { .target = 1, PATTERN(EXACT, "alice") } }, "alice@b", 0, "", "d" },
	{ "exact replaced", { { .target = 1, PATTERN(EXACT, "100@b"), REPLACE("alice@b") } }, "100@b", 0, "1:alice@b",
		"m" },
	{ "prefix", { { .target = 1, PATTERN(PREFIX, "00") } }, "0049@b", 0, "1:0049@b", "m" },
	{ "prefix stripped", { { .target = 1, PATTERN(PREFIX, "9"), .behaviour = ROUTE_BEHAVIOUR_STRIP } }, "9123@b", 0,
		"1:123@b", "m" },
	{ "prefix replaced", { { .target = 1, PATTERN(PREFIX, "00"), REPLACE("+") } }, "0049@b", 0, "1:+49@b", "m" },
	{ "suffix", { { .target = 1, PATTERN(SUFFIX, "@skype.lab") } }, "stejanss@Skype.Lab", 0, "1:stejanss@Skype.Lab",
		"m" },
	{ "suffix is no middle", { { .target = 1, PATTERN(SUFFIX, "@skype.lab") } }, "a@skype.lab.evil.example", 0, "",
		"d" },
	{ "suffix replaced", { { .target = 1, PATTERN(SUFFIX, "@old.lab"), REPLACE("@new.lab") } }, "a@old.lab", 0,
		"1:a@new.lab", "m" },
	{ "regex is anchored at both ends", { { .target = 1, PATTERN(REGEX, "[0-9]+@b") } }, "x12@b", 0, "", "d" },
	{ "regex with groups", { { .target = 1, PATTERN(REGEX, "(\\d+)@(.*)"), REPLACE("user-\\1@x.\\2") } }, "12@b", 0,
		"1:user-12@x.b", "m" },
	{ "regex with a negative look-ahead, as Cisco's default DNS rule",
		{ { .target = 1, PATTERN(REGEX, "(?!.*@steven\\.lab$).*") } }, "a@steven.lab", 0, "", "d" },
	{ "the same for another domain", { { .target = 1, PATTERN(REGEX, "(?!.*@steven\\.lab$).*") } }, "a@skype.lab",
		0, "1:a@skype.lab", "m" },
	{ "a regex that explodes counts as not matched",
		{ { .target = 1, PATTERN(REGEX, "(a+)+(a+)+(a+)+(a+)+[bd]") } },
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 0, "", "c" },
	{ "source zone fits", { { .target = 1, .source = ROUTE_SOURCE_ZONE, .source_zone = 2 } }, "a@b", 2, "1:a@b",
		"m" },
	{ "source zone does not fit", { { .target = 1, .source = ROUTE_SOURCE_ZONE, .source_zone = 2 } }, "a@b", 1, "",
		"s" },
	{ "all zones leaves the default zone out", { { .target = 1, .source = ROUTE_SOURCE_ALL_ZONES } }, "a@b",
		ROUTE_ZONE_DEFAULT, "", "s" },
	{ "default zone only", { { .target = 1, .source = ROUTE_SOURCE_DEFAULT } }, "a@b", ROUTE_ZONE_DEFAULT, "1:a@b",
		"m" },
	{ "one zone with one alias is asked once", { { .target = 1 }, { .target = 1, PATTERN(SUFFIX, "@b") } }, "a@b",
		0, "1:a@b", "mm" },
	{ "one zone with two aliases is asked twice",
		{ { .target = 1 }, { .target = 1, PATTERN(EXACT, "a@b"), REPLACE("c@b") } }, "a@b", 0, "1:a@b 1:c@b",
		"mm" },
};

static void plan_text(const struct route_plan *plan, char *text, size_t capacity)
{
	size_t length = 0;
	text[0] = '\0';
	for (size_t i = 0; i < plan->target_count; i++)
		length += (size_t)snprintf(text + length, capacity - length, "%s%d:%.*s", i ? " " : "",
			plan->targets[i].zone, SPAN_PRINT(plan->targets[i].alias));
}

static void verdict_text(const struct route_plan *plan, char *text)
{
	static const char letters[] = { [ROUTE_DID_NOT_MATCH] = 'd',
		[ROUTE_IGNORED_SOURCE] = 's',
		[ROUTE_CONSIDERED] = 'm',
		[ROUTE_TOO_COSTLY] = 'c' };
	for (size_t i = 0; i < plan->step_count; i++)
		text[i] = letters[plan->steps[i].verdict];
	text[plan->step_count] = '\0';
}

/* All rules are enabled here. */
static struct route_table *table_of(const struct route_rule *rules, size_t count)
{
	struct route_rule enabled[4];
	struct route_table *table;
	for (size_t i = 0; i < count; i++) {
		enabled[i] = rules[i];
		enabled[i].enabled = true;
	}
	struct route_table_params params = { .rules = enabled, .rule_count = count, .local_zone = ROUTE_ZONE_NONE };
	assert_int_equal(route_table_new(&params, &table, NULL), 0);
	return table;
}

static void plan_of(const struct route_table *table, struct span alias, int source, struct arena *arena,
	struct route_plan *ret_plan)
{
	struct route_request request = { .alias = alias, .source = source };
	assert_int_equal(route_plan_make(table, &request, 0, arena, ret_plan), 0);
}

static void case_run(const struct plan_case *c)
{
	struct route_table *table;
	struct route_plan plan;
	struct arena arena;
	char text[512], verdicts[8];
	size_t count = 0;
	while (c->alias && count < 4 && (count == 0 || c->rules[count].target || c->rules[count].priority))
		count++;
	arena_init(&arena, 1 << 20);
	table = table_of(c->rules, count);
	struct span alias = c->alias ? span_of(c->alias) : SPAN("a@b");
	plan_of(table, alias, c->source, &arena, &plan);
	plan_text(&plan, text, sizeof(text));
	verdict_text(&plan, verdicts);
	if (strcmp(text, c->plan) != 0 || strcmp(verdicts, c->verdicts) != 0)
		fail_msg("%s: got '%s' (%s), wanted '%s' (%s)", c->name, text, verdicts, c->plan, c->verdicts);
	route_table_free(table);
	arena_done(&arena);
}

static void plans(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(CASES); i++)
		case_run(&CASES[i]);
}

static void a_bad_regex_is_named(void **state)
{
	const struct route_rule rules[] = { { .target = 1 }, { .target = 1, PATTERN(REGEX, "(unclosed") } };
	struct route_table *table = NULL;
	struct route_table_params params = { .rules = rules, .rule_count = 2 };
	struct route_defect defect;
	(void)state;
	assert_int_equal(route_table_new(&params, &table, &defect), -EINVAL);
	assert_int_equal(defect.part, ROUTE_PART_RULE);
	assert_int_equal(defect.index, 1);
	assert_int_equal(defect.offset, 9);
	assert_string_equal(defect.text, "missing closing parenthesis");
	assert_null(table);
}

/* What a stranger sends may not become an error of ours. */
static void an_alias_that_grows_too_long_does_not_match(void **state)
{
	const struct route_rule rules[] = { { .target = 1, PATTERN(REGEX, "(.*)@(.*)"), REPLACE("\\1\\1@\\2") } };
	struct route_table *table;
	struct route_plan plan;
	struct arena arena;
	char alias[1502];
	(void)state;
	memset(alias, 'a', sizeof(alias));
	memcpy(alias + 1500, "@b", 2);
	arena_init(&arena, 1 << 20);
	table = table_of(rules, 1);
	plan_of(table, span_make(alias, sizeof(alias)), 0, &arena, &plan);
	assert_int_equal(plan.target_count, 0);
	assert_int_equal(plan.steps[0].verdict, ROUTE_TOO_COSTLY);
	route_table_free(table);
	arena_done(&arena);
}

static void a_full_arena_is_an_error(void **state)
{
	const struct route_rule rules[] = { { .target = 1, PATTERN(PREFIX, "a"), REPLACE("b") } };
	struct route_table *table;
	struct route_plan plan;
	struct arena arena;
	(void)state;
	arena_init(&arena, 64);
	table = table_of(rules, 1);
	struct route_request request = { .alias = SPAN("a@b") };
	assert_int_equal(route_plan_make(table, &request, 0, &arena, &plan), -ENOMEM);
	route_table_free(table);
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans),
		cmocka_unit_test(a_bad_regex_is_named),
		cmocka_unit_test(an_alias_that_grows_too_long_does_not_match),
		cmocka_unit_test(a_full_arena_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
