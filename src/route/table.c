/* SPDX-License-Identifier: Apache-2.0 */
#include "route/table.h"

#include "base/require.h"

#include <errno.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* A pattern of an administrator meets an alias of a stranger: a backtracking explosion must end
 * early. Plain patterns need a few hundred steps for the longest alias. */
#define MATCH_LIMIT 20000
#define DEPTH_LIMIT 1000
#define ALIAS_MAXIMUM 2048

struct route_entry {
	struct route_rule rule;
	pcre2_code *code;
	size_t order;
};

struct route_table {
	pcre2_match_context *context;
	size_t count;
	struct route_entry entries[];
};

static int entry_compare(const void *left, const void *right)
{
	const struct route_entry *a = left, *b = right;
	if (a->rule.priority != b->rule.priority)
		return a->rule.priority < b->rule.priority ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static pcre2_code *regex_compile(struct span pattern)
{
	int error;
	PCRE2_SIZE offset;
	/* Expressway matches the whole alias: a pattern is anchored at both ends. */
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern.at, pattern.length,
		PCRE2_CASELESS | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
	if (code)
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without JIT it still works */
	return code;
}

int route_table_new(const struct route_rule *rules, size_t count, struct route_table **ret_table, size_t *reterr_rule)
{
	if (count > ROUTE_RULES_MAXIMUM)
		return -E2BIG;
	struct route_table *table = calloc(1, sizeof(*table) + count * sizeof(table->entries[0]));
	if (!table)
		return -ENOMEM;
	table->context = pcre2_match_context_create(NULL);
	if (!table->context) {
		free(table);
		return -ENOMEM;
	}
	pcre2_set_match_limit(table->context, MATCH_LIMIT);
	pcre2_set_depth_limit(table->context, DEPTH_LIMIT);
	for (size_t i = 0; i < count; i++) {
		struct route_entry *entry = &table->entries[table->count++];
		entry->rule = rules[i];
		entry->order = i;
		if (rules[i].mode != ROUTE_MODE_PATTERN || rules[i].type != ROUTE_PATTERN_REGEX)
			continue;
		entry->code = regex_compile(rules[i].pattern);
		if (!entry->code) {
			if (reterr_rule)
				*reterr_rule = i;
			route_table_free(table);
			return -EINVAL;
		}
	}
	qsort(table->entries, table->count, sizeof(table->entries[0]), entry_compare);
	*ret_table = table;
	return 0;
}

struct route_table *route_table_free(struct route_table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->count; i++)
		pcre2_code_free(table->entries[i].code);
	pcre2_match_context_free(table->context);
	free(table);
	return NULL;
}

static bool source_fits(const struct route_rule *rule, int source)
{
	switch (rule->source) {
	case ROUTE_SOURCE_ANY:
		return true;
	case ROUTE_SOURCE_ALL_ZONES:
		return source != ROUTE_ZONE_DEFAULT;
	case ROUTE_SOURCE_DEFAULT:
		return source == ROUTE_ZONE_DEFAULT;
	case ROUTE_SOURCE_ZONE:
		return source == rule->source_zone;
	}
	return false;
}

/* The alias with what the rule says put in place of matched, which lies inside alias. */
static struct span alias_rewrite(
	struct arena *arena, const struct route_rule *rule, struct span alias, struct span matched, struct span insert)
{
	if (rule->behaviour == ROUTE_BEHAVIOUR_LEAVE)
		return alias;
	struct span before = span_first(alias, (size_t)(matched.at - alias.at));
	struct span after = span_from(alias, before.length + matched.length);
	if (before.length + insert.length + after.length == 0)
		return alias; /* nothing would be left to search for */
	return arena_printf(arena, "%.*s%.*s%.*s", SPAN_PRINT(before), SPAN_PRINT(insert), SPAN_PRINT(after));
}

static enum route_verdict affix_apply(
	const struct route_rule *rule, struct span alias, struct arena *arena, struct span *ret_alias)
{
	struct span matched = alias;
	if (rule->type == ROUTE_PATTERN_EXACT) {
		if (!span_equal_nocase(alias, rule->pattern))
			return ROUTE_DID_NOT_MATCH;
	} else if (rule->type == ROUTE_PATTERN_PREFIX) {
		if (!span_starts_nocase(alias, rule->pattern))
			return ROUTE_DID_NOT_MATCH;
		matched = span_first(alias, rule->pattern.length);
	} else {
		if (!span_ends_nocase(alias, rule->pattern))
			return ROUTE_DID_NOT_MATCH;
		matched = span_from(alias, alias.length - rule->pattern.length);
	}
	struct span insert = rule->behaviour == ROUTE_BEHAVIOUR_REPLACE ? rule->replace : SPAN("");
	*ret_alias = alias_rewrite(arena, rule, alias, matched, insert);
	return ROUTE_CONSIDERED;
}

/* What a match found: the groups as offsets into the alias. */
struct groups {
	struct span alias;
	const PCRE2_SIZE *offsets;
	uint32_t count;
};

static struct span group_text(const struct groups *groups, uint32_t group)
{
	if (group >= groups->count || groups->offsets[2 * group] == PCRE2_UNSET)
		return SPAN("");
	PCRE2_SIZE start = groups->offsets[2 * group], end = groups->offsets[2 * group + 1];
	return span_make(groups->alias.at + start, end - start);
}

/* One character of the template, or what stands for a backslash and the character after it. */
static struct span template_piece(struct span template, size_t *at, const struct groups *groups)
{
	if (template.at[*at] != '\\' || *at + 1 == template.length)
		return span_make(template.at + (*at)++, 1);
	const char *next = template.at + *at + 1;
	*at += 2;
	return *next >= '0' && *next <= '9' ? group_text(groups, (uint32_t)(*next - '0')) : span_make(next, 1);
}

/* \0 … \9 of the template become the groups of the match; "\\" is a backslash. False: longer than any alias may be,
 * which a stranger's own alias can bring about. */
static bool template_fill(
	struct span template, const struct groups *groups, char text[ALIAS_MAXIMUM], size_t *ret_length)
{
	size_t length = 0;
	for (size_t i = 0; i < template.length;) {
		struct span piece = template_piece(template, &i, groups);
		if (length + piece.length > ALIAS_MAXIMUM)
			return false;
		if (piece.length)
			memcpy(text + length, piece.at, piece.length);
		length += piece.length;
	}
	*ret_length = length;
	return true;
}

static enum route_verdict regex_replace(
	struct span template, const struct groups *groups, struct arena *arena, struct span *ret_alias)
{
	char text[ALIAS_MAXIMUM];
	size_t length;
	if (!template_fill(template, groups, text, &length))
		return ROUTE_TOO_COSTLY;
	*ret_alias = arena_copy(arena, span_make(text, length));
	return ROUTE_CONSIDERED;
}

static enum route_verdict regex_apply(const struct route_table *table, const struct route_entry *entry,
	struct span alias, struct arena *arena, struct span *ret_alias)
{
	const struct route_rule *rule = &entry->rule;
	pcre2_match_data *data = pcre2_match_data_create_from_pattern(entry->code, NULL);
	if (!data)
		return ROUTE_TOO_COSTLY;
	int groups = pcre2_match(entry->code, (PCRE2_SPTR)alias.at, alias.length, 0, 0, data, table->context);
	enum route_verdict verdict = ROUTE_CONSIDERED;
	if (groups == PCRE2_ERROR_NOMATCH)
		verdict = ROUTE_DID_NOT_MATCH;
	else if (groups < 0)
		verdict = ROUTE_TOO_COSTLY;
	else if (rule->behaviour == ROUTE_BEHAVIOUR_REPLACE)
		verdict = regex_replace(rule->replace,
			&(struct groups){ alias, pcre2_get_ovector_pointer(data), (uint32_t)groups }, arena, ret_alias);
	else
		*ret_alias = alias; /* the pattern is the whole alias: stripping it would leave nothing */
	pcre2_match_data_free(data);
	return verdict;
}

static enum route_verdict rule_apply(const struct route_table *table, const struct route_entry *entry,
	struct span alias, struct arena *arena, struct span *ret_alias)
{
	*ret_alias = alias;
	if (entry->rule.mode == ROUTE_MODE_ANY)
		return ROUTE_CONSIDERED;
	if (alias.length > ALIAS_MAXIMUM)
		return ROUTE_TOO_COSTLY;
	if (entry->rule.type == ROUTE_PATTERN_REGEX)
		return regex_apply(table, entry, alias, arena, ret_alias);
	return affix_apply(&entry->rule, alias, arena, ret_alias);
}

static void target_add(struct route_target *targets, size_t *count, const struct route_rule *rule, struct span alias)
{
	for (size_t i = 0; i < *count; i++)
		if (targets[i].zone == rule->target && span_equal_nocase(targets[i].alias, alias))
			return;
	if (*count < ROUTE_TARGETS_MAXIMUM)
		targets[(*count)++] = (struct route_target){ rule, rule->target, alias };
}

int route_plan_make(const struct route_table *table, struct span alias, int source, struct arena *arena,
	struct route_plan *ret_plan)
{
	struct route_step *steps = arena_allocate(arena, (table->count + 1) * sizeof(*steps));
	struct route_target *targets = arena_allocate(arena, ROUTE_TARGETS_MAXIMUM * sizeof(*targets));
	if (!steps || !targets)
		return -ENOMEM;
	size_t step_count = 0, target_count = 0;
	bool stopped = false;
	uint32_t stopped_at = 0;
	for (size_t i = 0; i < table->count; i++) {
		const struct route_entry *entry = &table->entries[i];
		if (stopped && entry->rule.priority > stopped_at)
			break;
		struct route_step *step = &steps[step_count++];
		*step = (struct route_step){ &entry->rule, ROUTE_IGNORED_SOURCE, alias };
		if (!source_fits(&entry->rule, source))
			continue;
		struct span out;
		step->verdict = rule_apply(table, entry, alias, arena, &out);
		if (step->verdict != ROUTE_CONSIDERED)
			continue;
		if (!out.at)
			return -ENOMEM;
		step->alias = out;
		target_add(targets, &target_count, &entry->rule, out);
		if (entry->rule.on_match == ROUTE_ON_MATCH_STOP && !stopped) {
			stopped = true;
			stopped_at = entry->rule.priority;
		}
	}
	*ret_plan = (struct route_plan){ steps, step_count, targets, target_count };
	return 0;
}
