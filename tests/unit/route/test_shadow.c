/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that can do nothing: pairs of an earlier and a later one, and what is said of the later. */
#include "base/require.h"
#include "route/shadow.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

#define PATTERN(kind, text) .type = ROUTE_PATTERN_##kind, .pattern = SPAN(text)
#define ALIAS(kind, text) .mode = ROUTE_MODE_PATTERN, PATTERN(kind, text)
#define ANY .mode = ROUTE_MODE_ANY
#define ANY_ADDRESS .mode = ROUTE_MODE_ANY_ADDRESS
#define STOP .on_match = ROUTE_ON_MATCH_STOP
#define FROM(kind) .source = ROUTE_SOURCE_##kind
#define FROM_ZONE(number) .source = ROUTE_SOURCE_ZONE, .source_zone = (number)
#define REPLACE(text) .behaviour = ROUTE_BEHAVIOUR_REPLACE, .replace = SPAN(text)
#define LOCAL 9

#define EVERYTHING ": it fits every alias that this one fits"
#define SAME ": both fit the same aliases"
#define WIDER ": its pattern is the wider one"
#define TRIED ": its regular expression fits this very alias"

/* Priorities are 1 and 2 and targets 1 and 2 where none are given. */
static const struct {
	const char *name;
	struct route_rule earlier, later;
	const char *why; /* NULL: nothing is said */
} RULES[] = {
	{ "a rule for everybody that stops, and one behind it", { ANY, STOP }, { ANY },
		"stops the search before it" SAME },
	{ "it does not stop", { ANY }, { ANY }, NULL },
	{ "it stops, but both have one priority", { .priority = 3, ANY, STOP }, { .priority = 3, ANY }, NULL },
	{ "it is off", { .name = SPAN("off"), ANY, STOP }, { ANY }, NULL },
	{ "a later rule that is off is not named", { ANY, STOP }, { .name = SPAN("off"), ANY }, NULL },

	/* sources */
	{ "anywhere has the default zone in", { ANY, STOP }, { ANY, FROM(DEFAULT) },
		"stops the search before it" SAME },
	{ "and not the other way round", { ANY, STOP, FROM(DEFAULT) }, { ANY }, NULL },
	{ "all zones has a zone in", { ANY, STOP, FROM(ALL_ZONES) }, { ANY, FROM_ZONE(3) },
		"stops the search before it" SAME },
	{ "and our phones", { ANY, STOP, FROM(ALL_ZONES) }, { ANY, FROM(LOCAL) }, "stops the search before it" SAME },
	{ "but no strangers", { ANY, STOP, FROM(ALL_ZONES) }, { ANY, FROM(DEFAULT) }, NULL },
	{ "the local zone by its name is the local zone", { ANY, STOP, FROM(LOCAL) }, { ANY, FROM_ZONE(LOCAL) },
		"stops the search before it" SAME },
	{ "and by its word", { ANY, STOP, FROM_ZONE(LOCAL) }, { ANY, FROM(LOCAL) }, "stops the search before it" SAME },
	{ "one zone is not another", { ANY, STOP, FROM_ZONE(3) }, { ANY, FROM_ZONE(4) }, NULL },
	{ "one zone is itself", { ANY, STOP, FROM_ZONE(3) }, { ANY, FROM_ZONE(3) }, "stops the search before it" SAME },

	/* authenticated, variants */
	{ "only the authenticated are stopped", { ANY, STOP, .authenticated = true }, { ANY }, NULL },
	{ "the authenticated, too", { ANY, STOP }, { ANY, .authenticated = true }, "stops the search before it" SAME },
	{ "any variant has each in", { ANY, STOP }, { ANY, .variant = ROUTE_VARIANT_MICROSOFT },
		"stops the search before it" SAME },
	{ "Microsoft's has both of them in", { ANY, STOP, .variant = ROUTE_VARIANT_MICROSOFT },
		{ ANY, .variant = ROUTE_VARIANT_MICROSOFT_IM }, "stops the search before it" SAME },
	{ "one of them is not both", { ANY, STOP, .variant = ROUTE_VARIANT_MICROSOFT_IM },
		{ ANY, .variant = ROUTE_VARIANT_MICROSOFT }, NULL },

	/* modes */
	{ "any alias fits what cannot be an address", { ANY, STOP }, { ALIAS(SUFFIX, "@us.lab") },
		"stops the search before it" EVERYTHING },
	{ "a suffix of digits can end an address", { ANY, STOP }, { ALIAS(SUFFIX, ".77") }, NULL },
	{ "nor is an exact address any alias", { ANY, STOP }, { ALIAS(EXACT, "192.0.2.7") }, NULL },
	{ "an exact number is", { ANY, STOP }, { ALIAS(EXACT, "2000") }, "stops the search before it" EVERYTHING },
	{ "any alias and any address", { ANY, STOP }, { ANY_ADDRESS }, NULL },
	{ "any address behind any address", { ANY_ADDRESS, STOP }, { ANY_ADDRESS }, "stops the search before it" SAME },
	{ "one address behind any address", { ANY_ADDRESS, STOP }, { ALIAS(EXACT, "bob@192.0.2.7") },
		"stops the search before it" WIDER },
	{ "a prefix of addresses is not seen", { ANY_ADDRESS, STOP }, { ALIAS(PREFIX, "192.0.2.") }, NULL },

	/* patterns */
	{ "a regex that fits everything", { ALIAS(REGEX, ".*"), STOP }, { ANY },
		"stops the search before it" EVERYTHING },
	{ "in other words", { ALIAS(REGEX, "^(.+)$"), STOP }, { ANY_ADDRESS },
		"stops the search before it" EVERYTHING },
	{ "an empty prefix", { ALIAS(PREFIX, ""), STOP }, { ALIAS(REGEX, "[a-z]+") },
		"stops the search before it" EVERYTHING },
	{ "every user at every domain is not quite everything", { ALIAS(REGEX, ".*@.*"), STOP }, { ANY }, NULL },
	{ "it is every user at one domain", { ALIAS(REGEX, ".*@.*"), STOP }, { ALIAS(SUFFIX, "@us.lab") },
		"stops the search before it" WIDER },
	{ "an alias behind itself, in other letters", { ALIAS(EXACT, "a@us.lab"), STOP }, { ALIAS(EXACT, "A@US.LAB") },
		"stops the search before it" WIDER },
	{ "an alias behind its prefix", { ALIAS(PREFIX, "20"), STOP }, { ALIAS(EXACT, "2000@us.lab") },
		"stops the search before it" WIDER },
	{ "a longer prefix behind a shorter one", { ALIAS(PREFIX, "0"), STOP }, { ALIAS(PREFIX, "00") },
		"stops the search before it" WIDER },
	{ "a shorter one behind a longer one", { ALIAS(PREFIX, "00"), STOP }, { ALIAS(PREFIX, "0") }, NULL },
	{ "a longer suffix behind a shorter one", { ALIAS(SUFFIX, "us.lab"), STOP }, { ALIAS(SUFFIX, "@us.lab") },
		"stops the search before it" WIDER },
	{ "a prefix is no suffix", { ALIAS(PREFIX, "us"), STOP }, { ALIAS(SUFFIX, "us") }, NULL },
	{ "a regex behind the suffix that it has", { ALIAS(SUFFIX, "@us.lab"), STOP },
		{ ALIAS(REGEX, "(\\d{4}|[a-z]+\\.[a-z]+)@us\\.lab") }, "stops the search before it" WIDER },
	{ "an unescaped dot is any byte", { ALIAS(SUFFIX, "@us.lab"), STOP }, { ALIAS(REGEX, ".*@us.lab") }, NULL },
	{ "but a regex with it covers the suffix", { ALIAS(REGEX, ".*@us.lab"), STOP }, { ALIAS(SUFFIX, "@us.lab") },
		"stops the search before it" WIDER },
	{ "a regex that asks for more than it seems", { ALIAS(REGEX, ".*@us\\.lab"), STOP },
		{ ALIAS(REGEX, "(?!2).*@us\\.lab") }, "stops the search before it" WIDER },
	{ "and does not cover what it asks away", { ALIAS(REGEX, "(?!2).*@us\\.lab"), STOP },
		{ ALIAS(SUFFIX, "@us.lab") }, NULL },
	{ "alternatives are not one of them", { ALIAS(SUFFIX, "@us.lab"), STOP },
		{ ALIAS(REGEX, ".*@us\\.lab|.*@them\\.lab") }, NULL },
	{ "the same regex, whatever it says", { ALIAS(REGEX, "(?i)x[^@]{2,}\\1?(y)?@.*"), STOP },
		{ ALIAS(REGEX, "(?i)x[^@]{2,}\\1?(y)?@.*") }, "stops the search before it" SAME },
	{ "the default rule for the DNS, tried on an alias", { ALIAS(REGEX, "(?!.*@us\\.lab.*$).*"), STOP },
		{ ALIAS(EXACT, "bob@them.lab") }, "stops the search before it" TRIED },
	{ "and on one that it leaves out", { ALIAS(REGEX, "(?!.*@us\\.lab.*$).*"), STOP },
		{ ALIAS(EXACT, "bob@us.lab") }, NULL },
	{ "one option could make case matter: not tried", { ALIAS(REGEX, "(?-i)[a-z@.]+"), STOP },
		{ ALIAS(EXACT, "bob@them.lab") }, NULL },
	{ "a repeat of one letter is not any", { ALIAS(REGEX, "2*"), STOP }, { ALIAS(PREFIX, "2") }, NULL },
	{ "a possessive gap gives nothing back", { ALIAS(REGEX, ".*+@us\\.lab"), STOP }, { ALIAS(SUFFIX, "@us.lab") },
		NULL },
	{ "a word in hexadecimal is not its digits", { ALIAS(SUFFIX, "41"), STOP }, { ALIAS(REGEX, "\\x41") }, NULL },
	{ "quoted text is not read", { ALIAS(SUFFIX, ")"), STOP }, { ALIAS(REGEX, "\\Qa(\\E|b") }, NULL },

	/* the same zone for the same alias */
	{ "the same zone behind a rule that asks it", { ANY, .target = 3 }, { ALIAS(SUFFIX, "@us.lab"), .target = 3 },
		"has the same zone asked for the same alias before it" EVERYTHING },
	{ "of one priority, too", { .priority = 3, ANY, .target = 3 }, { .priority = 3, ANY, .target = 3 },
		"has the same zone asked for the same alias before it" SAME },
	{ "with another alias", { ANY, .target = 3 }, { ALIAS(SUFFIX, "@us.lab"), .target = 3, REPLACE("@x") }, NULL },
	{ "with the same other alias", { ALIAS(SUFFIX, "@us.lab"), .target = 3, REPLACE("@x") },
		{ ALIAS(SUFFIX, "@us.lab"), .target = 3, REPLACE("@x") },
		"has the same zone asked for the same alias before it" SAME },
	{ "the later one stops, and that is something", { ANY, .target = 3 }, { ANY, .target = 3, STOP }, NULL },
};

static const struct {
	const char *name;
	struct route_policy_rule earlier, later;
	const char *why;
} POLICY[] = {
	{ "a rule for all calls decides", { .action = ROUTE_REJECT }, { .to = SPAN(".*@us\\.lab") },
		"decides before it" EVERYTHING },
	{ "one for some does not", { .to = SPAN(".*@us\\.lab") }, { .action = ROUTE_REJECT }, NULL },
	{ "a redirection decides as well", { .action = ROUTE_REDIRECT, .alias = SPAN("x"), .to = SPAN(".*") },
		{ .from = SPAN("a@.*") }, "decides before it" EVERYTHING },
	{ "the wider one", { .to = SPAN(".*us\\.lab") }, { .to = SPAN("\\d+@us\\.lab") }, "decides before it" WIDER },
	{ "both texts count", { .from = SPAN("a@.*"), .to = SPAN(".*") }, { .to = SPAN("2.*") }, NULL },
	{ "a caller may be nobody", { .from = SPAN(".+") }, { .to = SPAN("2.*") }, NULL },
	{ "another source", { FROM(DEFAULT) }, { .to = SPAN("2.*") }, NULL },
	{ "the unauthenticated only", { .authenticated = ROUTE_WHETHER_NO }, { .to = SPAN("2.*") }, NULL },
	{ "the same of them", { .authenticated = ROUTE_WHETHER_NO }, { .authenticated = ROUTE_WHETHER_NO },
		"decides before it" EVERYTHING },
	{ "all behind a rule that is off", { .name = SPAN("off") }, { .to = SPAN("2.*") }, NULL },
};

static const struct {
	const char *name;
	struct route_transform earlier, later;
	const char *why;
} TRANSFORMS[] = {
	{ "one that always matches", { PATTERN(REGEX, "(.*)") }, { PATTERN(PREFIX, "00") },
		"matches before it, and only one may" EVERYTHING },
	{ "a wider one", { PATTERN(PREFIX, "0") }, { PATTERN(PREFIX, "00") },
		"matches before it, and only one may" WIDER },
	{ "a narrower one", { PATTERN(PREFIX, "00") }, { PATTERN(PREFIX, "0") }, NULL },
	{ "one that is off", { .name = SPAN("off"), PATTERN(PREFIX, "0") }, { PATTERN(PREFIX, "00") }, NULL },
};

static bool is_on(struct span name)
{
	return !span_is(name, "off");
}

/* The list is given backwards, so that the order of the file and that of asking differ where they may. */
static void said(const char *name, const struct route_table_params *params, size_t later, const char *why)
{
	const struct route_shadow *shadows;
	struct route_table *table;
	struct arena arena;
	size_t count;
	arena_init(&arena, 1 << 20);
	assert_int_equal(route_table_new(params, &table, NULL), 0);
	assert_int_equal(route_shadow_find(table, &arena, &shadows, &count), 0);
	const char *got = count ? route_shadow_why(&shadows[0]) : NULL;
	if (count != (why != NULL) || (why && strcmp(got, why) != 0))
		fail_msg("%s: '%s'", name, got ? got : "");
	if (count && (shadows[0].index != later || shadows[0].by != 1 - later))
		fail_msg("%s: entry %zu by %zu", name, shadows[0].index, shadows[0].by);
	route_table_free(table);
	arena_done(&arena);
}

static void rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(RULES); i++) {
		bool one_priority = RULES[i].earlier.priority != 0;
		struct route_rule pair[2] = { RULES[i].later, RULES[i].earlier };
		if (one_priority) {
			pair[0] = RULES[i].earlier;
			pair[1] = RULES[i].later;
		}
		for (size_t j = 0; j < 2; j++) {
			pair[j].enabled = is_on(pair[j].name);
			pair[j].priority = one_priority ? 1 : (uint32_t)(2 - j);
			pair[j].target = pair[j].target ? pair[j].target : (int)j + 1;
		}
		said(RULES[i].name, &(struct route_table_params){ .rules = pair, .rule_count = 2, .local_zone = LOCAL },
			one_priority, RULES[i].why);
	}
}

static void policies(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(POLICY); i++) {
		struct route_policy_rule pair[2] = { POLICY[i].earlier, POLICY[i].later };
		for (size_t j = 0; j < 2; j++)
			pair[j].enabled = is_on(pair[j].name);
		said(POLICY[i].name, &(struct route_table_params){ .policy = pair, .policy_count = 2 }, 1,
			POLICY[i].why);
	}
}

static void transforms(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(TRANSFORMS); i++) {
		struct route_transform pair[2] = { TRANSFORMS[i].later, TRANSFORMS[i].earlier };
		for (size_t j = 0; j < 2; j++) {
			pair[j].enabled = is_on(pair[j].name);
			pair[j].priority = (uint32_t)(2 - j);
		}
		said(TRANSFORMS[i].name, &(struct route_table_params){ .transforms = pair, .transform_count = 2 }, 0,
			TRANSFORMS[i].why);
	}
}

/* ---- never said where it is not so: dial plans by chance, and every alias of a small world tried on them ---- */

static uint32_t chance(uint32_t *state, uint32_t below)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 16) % below;
}

static const char *const PIECES[] = { "a", "b", ".", "@", ".*", ".+", "(a|b)", "[ab]", "a?", "(.*)", "(?!a)", "\\.",
	"b*", "(?:a)", "$", "^", "a+?", ".?", "(?=.*b)", "a{1,2}", "1" };

static void pattern_by_chance(uint32_t *seed, enum route_pattern type, char *text, size_t capacity)
{
	size_t length = 0, pieces = 1 + chance(seed, 3);
	text[0] = '\0';
	for (size_t i = 0; i < pieces; i++) {
		const char *piece = type == ROUTE_PATTERN_REGEX ? PIECES[chance(seed, BASE_COUNT(PIECES))]
								: PIECES[chance(seed, 4)];
		length += (size_t)snprintf(text + length, capacity - length, "%s", piece);
	}
}

#define CHANCE_RULES 4
static void rules_by_chance(uint32_t *seed, struct route_rule list[CHANCE_RULES], char texts[CHANCE_RULES][64])
{
	for (size_t i = 0; i < CHANCE_RULES; i++) {
		struct route_rule *rule = &list[i];
		*rule = (struct route_rule){
			.enabled = chance(seed, 8) != 0,
			.priority = 1 + chance(seed, 3),
			.source = (enum route_source)chance(seed, 5),
			.source_zone = (int)chance(seed, 3),
			.authenticated = chance(seed, 4) == 0,
			.variant = chance(seed, 2) ? ROUTE_VARIANT_ANY : (enum route_variant)chance(seed, 5),
			.mode = chance(seed, 3) ? ROUTE_MODE_PATTERN : (enum route_mode)chance(seed, 2),
			.type = (enum route_pattern)chance(seed, 4),
			.behaviour = chance(seed, 3) ? ROUTE_BEHAVIOUR_LEAVE : (enum route_behaviour)chance(seed, 5),
			.replace = SPAN("b"),
			.on_match = chance(seed, 2) ? ROUTE_ON_MATCH_STOP : ROUTE_ON_MATCH_CONTINUE,
			.target = (int)chance(seed, 2),
		};
		if (chance(seed, 2))
			rule->source = ROUTE_SOURCE_ANY;
		pattern_by_chance(seed, rule->type, texts[i], 64);
		rule->pattern = span_of(texts[i]);
	}
}

static const char *const ALIASES[] = { "a", "b", "1", "aa", "ab", "ba", "bb", "a@b", "b@a", "aab", "abb", "a.b", ".",
	"@", "b.a@a.b", "a1", "1.1.1.1", "a@1.1.1.1", "aaaa", "abab", "@b", "a@", "x", "ax", "xb", "b@ab.a", "1::1",
	"x@x" };

static bool is_same_plan(const struct route_plan *a, const struct route_plan *b)
{
	if (a->target_count != b->target_count)
		return false;
	for (size_t i = 0; i < a->target_count; i++)
		if (a->targets[i].zone != b->targets[i].zone || !span_equal(a->targets[i].alias, b->targets[i].alias))
			return false;
	return true;
}

/* The plan of every request of the small world is the same without the entry. */
static void check_without(const struct route_table *whole, const struct route_rule *list, size_t index, uint32_t seed)
{
	struct route_rule less[CHANCE_RULES];
	struct route_table *table;
	memcpy(less, list, sizeof(less));
	less[index].enabled = false;
	struct route_table_params params = { .rules = less, .rule_count = CHANCE_RULES, .local_zone = 2 };
	assert_int_equal(route_table_new(&params, &table, NULL), 0);
	for (size_t i = 0; i < BASE_COUNT(ALIASES) * 4 * 2 * 3; i++) {
		struct route_request request = { .alias = span_of(ALIASES[i / 24]),
			.source = (int)(i % 4) - 1,
			.authenticated = i / 4 % 2,
			.variant = (enum route_variant)(1 + i / 8 % 3) };
		struct route_plan with, without;
		struct arena arena;
		arena_init(&arena, 1 << 20);
		assert_int_equal(route_plan_make(whole, &request, 0, &arena, &with), 0);
		assert_int_equal(route_plan_make(table, &request, 0, &arena, &without), 0);
		if (!is_same_plan(&with, &without))
			fail_msg("seed %u: rule %zu (%.*s) matters to %s", seed, index, SPAN_PRINT(list[index].pattern),
				ALIASES[i / 24]);
		arena_done(&arena);
	}
	route_table_free(table);
}

static void what_is_said_is_so(void **state)
{
	size_t named = 0;
	(void)state;
	for (uint32_t round = 0; round < 3000; round++) {
		struct route_rule list[CHANCE_RULES];
		char texts[CHANCE_RULES][64];
		const struct route_shadow *shadows;
		struct route_table *table;
		struct arena arena;
		size_t count;
		uint32_t seed = round;
		rules_by_chance(&seed, list, texts);
		struct route_table_params params = { .rules = list, .rule_count = CHANCE_RULES, .local_zone = 2 };
		if (route_table_new(&params, &table, NULL) < 0)
			continue;
		arena_init(&arena, 1 << 20);
		assert_int_equal(route_shadow_find(table, &arena, &shadows, &count), 0);
		for (size_t i = 0; i < count; i++)
			check_without(table, list, shadows[i].index, round);
		named += count;
		arena_done(&arena);
		route_table_free(table);
	}
	assert_true(named > 300);
}

static void rules_for_a_domain(void **state)
{
	static const struct {
		const char *name;
		struct route_rule rule;
		const char *domain;
		enum route_whether whether;
	} cases[] = {
		{ "any alias", { ANY }, "us.lab", ROUTE_WHETHER_YES },
		{ "any address", { ANY_ADDRESS }, "us.lab", ROUTE_WHETHER_NO },
		{ "any address, and it is one", { ANY_ADDRESS }, "192.0.2.7", ROUTE_WHETHER_YES },
		{ "its suffix", { ALIAS(SUFFIX, "@US.lab") }, "us.lab", ROUTE_WHETHER_YES },
		{ "a suffix of it", { ALIAS(SUFFIX, ".lab") }, "us.lab", ROUTE_WHETHER_YES },
		{ "another's", { ALIAS(SUFFIX, "@them.lab") }, "us.lab", ROUTE_WHETHER_NO },
		{ "somebody there", { ALIAS(EXACT, "2000@us.lab") }, "us.lab", ROUTE_WHETHER_YES },
		{ "somebody elsewhere", { ALIAS(EXACT, "2000@us.lab.example") }, "us.lab", ROUTE_WHETHER_NO },
		{ "a prefix", { ALIAS(PREFIX, "00") }, "us.lab", ROUTE_WHETHER_YES },
		{ "a prefix that names another domain", { ALIAS(PREFIX, "bob@them") }, "us.lab", ROUTE_WHETHER_NO },
		{ "a regex of the domain", { ALIAS(REGEX, ".*@us\\.lab") }, "us.lab", ROUTE_WHETHER_YES },
		{ "of another", { ALIAS(REGEX, "[^@]+@(them)\\.lab") }, "us.lab", ROUTE_WHETHER_NO },
		{ "of two", { ALIAS(REGEX, ".*@(us|them)\\.lab") }, "us.lab", ROUTE_WHETHER_YES },
		{ "all but us", { ALIAS(REGEX, "(?!.*@us\\.lab.*$).*") }, "them.lab", ROUTE_WHETHER_YES },
		{ "nobody who is usual", { ALIAS(REGEX, "(?!.*@us\\.lab.*$).*") }, "us.lab", ROUTE_WHETHER_ANY },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct route_table_params params = { .rules = &cases[i].rule, .rule_count = 1 };
		enum route_whether whether;
		struct route_table *table;
		struct arena arena;
		arena_init(&arena, 1 << 16);
		assert_int_equal(route_table_new(&params, &table, NULL), 0);
		assert_int_equal(route_rule_fits_domain(table, 0, span_of(cases[i].domain), &arena, &whether), 0);
		if (whether != cases[i].whether)
			fail_msg("%s: %d", cases[i].name, (int)whether);
		route_table_free(table);
		arena_done(&arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(policies),
		cmocka_unit_test(transforms),
		cmocka_unit_test(what_is_said_is_so),
		cmocka_unit_test(rules_for_a_domain),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
