/* SPDX-License-Identifier: Apache-2.0 */
/* Making a table: variables filled in, patterns compiled, entries sorted. */
#include "route/table.h"

#include "route/table_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Every text may grow by its variables; a configuration file is a few megabytes at most. */
#define TABLE_ARENA_MAXIMUM ((size_t)64 << 20)

/* What making one entry needs to know, and where it says what is wrong. */
struct making {
	struct route_table *table;
	const struct route_names *names;
	struct route_defect *defect; /* never NULL */
};

static void entry_begin(struct making *making, enum route_part part, size_t index)
{
	*making->defect = (struct route_defect){ .part = part, .index = index };
}

/* The name between two percent signs, with them. */
static struct span variable_at(struct span text, size_t offset)
{
	struct span from = span_from(text, offset);
	size_t end = span_find(span_from(from, 1), '%');
	return span_first(from, end + 2);
}

static int text_expand(struct making *making, enum route_use use, struct span *text)
{
	size_t offset = 0;
	int status = route_variable_expand(making->names, use, *text, &making->table->arena, text, &offset);
	if (status != -EINVAL)
		return status;
	making->defect->offset = offset;
	snprintf(making->defect->text, sizeof(making->defect->text),
		use == ROUTE_USE_REGEX ? "%.*s: no such variable, or it has no value on this node"
				       : "%.*s: no such variable, or it has not just one value on this node",
		SPAN_PRINT(span_first(variable_at(*text, offset), 64)));
	return status;
}

static int regex_make(struct making *making, struct span *pattern, struct route_regex **ret_regex)
{
	struct route_defect *defect = making->defect;
	int status = text_expand(making, ROUTE_USE_REGEX, pattern);
	if (status < 0)
		return status;
	return route_regex_new(*pattern, ret_regex, &defect->offset, defect->text, sizeof(defect->text));
}

static int matcher_make(struct making *making, struct route_matcher *matcher)
{
	struct route_defect *defect = making->defect;
	bool regex = matcher->type == ROUTE_PATTERN_REGEX;
	bool replaces = matcher->behaviour != ROUTE_BEHAVIOUR_LEAVE && matcher->behaviour != ROUTE_BEHAVIOUR_STRIP;
	bool has_groups = regex && matcher->behaviour == ROUTE_BEHAVIOUR_REPLACE;
	int status = text_expand(making, regex ? ROUTE_USE_REGEX : ROUTE_USE_PLAIN, &matcher->pattern);
	if (status == 0 && replaces)
		status = text_expand(making, has_groups ? ROUTE_USE_REPLACEMENT : ROUTE_USE_PLAIN, &matcher->replace);
	if (status < 0)
		return status;
	return route_matcher_compile(matcher, &defect->offset, defect->text, sizeof(defect->text));
}

/* ---- each kind ---- */

static int transforms_make(struct making *making, const struct route_transform *transforms, size_t count)
{
	struct route_table *table = making->table;
	table->transforms = arena_zero(&table->arena, (count + 1) * sizeof(*table->transforms));
	if (!table->transforms)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct route_transform_entry *entry = &table->transforms[table->transform_count++];
		const struct route_transform *from = &transforms[i];
		*entry = (struct route_transform_entry){ *from,
			{ from->type, from->pattern, from->behaviour, from->replace, NULL }, i };
		entry_begin(making, ROUTE_PART_TRANSFORM, i);
		int status = matcher_make(making, &entry->matcher);
		if (status < 0)
			return status;
		entry->transform.pattern = entry->matcher.pattern;
		entry->transform.replace = entry->matcher.replace;
	}
	return 0;
}

static int policy_rule_make(struct making *making, struct route_policy_entry *entry)
{
	int status = 0;
	if (entry->rule.from.at)
		status = regex_make(making, &entry->rule.from, &entry->from);
	if (status == 0 && entry->rule.to.at)
		status = regex_make(making, &entry->rule.to, &entry->to);
	if (status == 0 && entry->rule.action == ROUTE_REDIRECT)
		status = text_expand(making, ROUTE_USE_REPLACEMENT, &entry->rule.alias);
	return status;
}

static int policy_make(struct making *making, const struct route_policy_rule *policy, size_t count)
{
	struct route_table *table = making->table;
	table->policy = arena_zero(&table->arena, (count + 1) * sizeof(*table->policy));
	if (!table->policy)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct route_policy_entry *entry = &table->policy[table->policy_count++];
		entry->rule = policy[i];
		entry_begin(making, ROUTE_PART_POLICY, i);
		int status = policy_rule_make(making, entry);
		if (status < 0)
			return status;
	}
	return 0;
}

static int rules_make(struct making *making, const struct route_rule *rules, size_t count)
{
	struct route_table *table = making->table;
	table->rules = arena_zero(&table->arena, (count + 1) * sizeof(*table->rules));
	if (!table->rules)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct route_rule_entry *entry = &table->rules[table->rule_count++];
		const struct route_rule *from = &rules[i];
		*entry = (struct route_rule_entry){ *from,
			{ from->type, from->pattern, from->behaviour, from->replace, NULL }, i };
		if (from->mode != ROUTE_MODE_PATTERN)
			continue;
		entry_begin(making, ROUTE_PART_RULE, i);
		int status = matcher_make(making, &entry->matcher);
		if (status < 0)
			return status;
		entry->rule.pattern = entry->matcher.pattern;
		entry->rule.replace = entry->matcher.replace;
	}
	return 0;
}

/* ---- order ---- */

static int compare(uint32_t priority_a, size_t order_a, uint32_t priority_b, size_t order_b)
{
	if (priority_a != priority_b)
		return priority_a < priority_b ? -1 : 1;
	return order_a < order_b ? -1 : order_a > order_b;
}

static int transform_compare(const void *left, const void *right)
{
	const struct route_transform_entry *a = left, *b = right;
	return compare(a->transform.priority, a->order, b->transform.priority, b->order);
}

static int rule_compare(const void *left, const void *right)
{
	const struct route_rule_entry *a = left, *b = right;
	return compare(a->rule.priority, a->order, b->rule.priority, b->order);
}

/* ---- the whole ---- */

static int table_fill(struct making *making, const struct route_table_params *params)
{
	struct route_table *table = making->table;
	int status = transforms_make(making, params->transforms, params->transform_count);
	if (status == 0)
		status = policy_make(making, params->policy, params->policy_count);
	if (status == 0)
		status = rules_make(making, params->rules, params->rule_count);
	if (status < 0)
		return status;
	qsort(table->transforms, table->transform_count, sizeof(table->transforms[0]), transform_compare);
	qsort(table->rules, table->rule_count, sizeof(table->rules[0]), rule_compare);
	return 0;
}

int route_table_new(
	const struct route_table_params *params, struct route_table **ret_table, struct route_defect *reterr_defect)
{
	struct route_defect defect;
	if (params->transform_count > ROUTE_TRANSFORMS_MAXIMUM || params->policy_count > ROUTE_POLICY_MAXIMUM ||
		params->rule_count > ROUTE_RULES_MAXIMUM)
		return -E2BIG;
	struct route_table *table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	arena_init(&table->arena, TABLE_ARENA_MAXIMUM);
	table->local_zone = params->local_zone;
	table->limits = route_limits_new();
	struct making making = { table, &params->names, &defect };
	int status = table->limits ? table_fill(&making, params) : -ENOMEM;
	if (status == -EINVAL && reterr_defect)
		*reterr_defect = defect;
	if (status < 0)
		table = route_table_free(table);
	else
		*ret_table = table;
	return status;
}

struct route_table *route_table_free(struct route_table *table)
{
	if (!table)
		return NULL;
	for (size_t i = 0; i < table->transform_count; i++)
		route_matcher_done(&table->transforms[i].matcher);
	for (size_t i = 0; i < table->policy_count; i++) {
		route_regex_free(table->policy[i].from);
		route_regex_free(table->policy[i].to);
	}
	for (size_t i = 0; i < table->rule_count; i++)
		route_matcher_done(&table->rules[i].matcher);
	route_limits_free(table->limits);
	arena_done(&table->arena);
	free(table);
	return NULL;
}
