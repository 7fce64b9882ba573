/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of call processing that contradict each other: transforms, call policy, rules, the registrar, users. */
#include "base/require.h"
#include "config/check.h"
#include "config/parts.h"

#include <errno.h>
#include <stdlib.h>

#define TABLE_MAXIMUM (64u << 20)

/* ---- patterns ---- */

static void check_pattern(const struct check *k, const struct document_node *mapping, enum config_pattern_type type,
	struct span pattern, struct span replace)
{
	const struct config_regex replacement = { "replace", document_find(mapping, "replace"), replace };
	if (type == CONFIG_PATTERN_REGEX)
		config_regex_check(k->report,
			&(struct config_regex){ "pattern", document_find(mapping, "pattern"), pattern }, &replacement,
			"the pattern");
}

/* Only where it has groups: what is added is added as it is. */
static struct span groups_of(enum config_behaviour behaviour, struct span replace)
{
	return behaviour == CONFIG_BEHAVIOUR_REPLACE ? replace : SPAN_NONE;
}

static void check_transforms(const struct check *k)
{
	const struct document_item *item = config_items(document_find(k->root, "transforms"));
	for (size_t i = 0; i < k->node->transform_count; i++, item = item->next) {
		const struct config_transform *transform = &k->node->transforms[i];
		check_pattern(k, item->value, transform->type, transform->pattern,
			groups_of(transform->behaviour, transform->replace));
		for (size_t j = 0; j < i; j++) {
			if (k->node->transforms[j].priority != transform->priority)
				continue;
			config_error(k->report, config_place_of(item->value, "priority"),
				"the transform in line %u has priority %u already: each has its own",
				k->node->transforms[j].place.line, transform->priority);
			break;
		}
	}
}

/* ---- rules and policy ---- */

static const struct config_rule *rule_before(const struct config_node *node, size_t before, struct span name)
{
	for (size_t i = 0; i < before; i++) {
		if (name.at && span_equal_nocase(node->rules[i].name, name))
			return &node->rules[i];
	}
	return NULL;
}

static void check_rules(const struct check *k)
{
	const struct document_item *item = config_items(document_find(k->root, "rules"));
	for (size_t i = 0; i < k->node->rule_count; i++, item = item->next) {
		const struct config_rule *rule = &k->node->rules[i];
		const struct config_rule *other = rule_before(k->node, i, rule->name);
		if (other)
			config_error(k->report, config_place_of(item->value, "name"),
				"a rule is called `%s` already, in line %u", rule->name.at, other->place.line);
		if (rule->mode == CONFIG_MODE_PATTERN)
			check_pattern(
				k, item->value, rule->type, rule->pattern, groups_of(rule->behaviour, rule->replace));
	}
}

static void check_policy_name(const struct check *k, const struct document_node *mapping, size_t index)
{
	const struct config_policy_rule *rule = &k->node->policy[index];
	for (size_t i = 0; rule->name.at && i < index; i++) {
		if (!span_equal_nocase(k->node->policy[i].name, rule->name))
			continue;
		config_error(k->report, config_place_of(mapping, "name"),
			"a rule of the call policy is called `%s` already, in line %u", rule->name.at,
			k->node->policy[i].place.line);
		return;
	}
}

static void check_call_policy(const struct check *k)
{
	const struct document_item *item = config_items(document_find(k->root, "policy"));
	for (size_t i = 0; i < k->node->policy_count; i++, item = item->next) {
		const struct config_policy_rule *rule = &k->node->policy[i];
		const struct config_regex alias = { "alias", document_find(item->value, "alias"), rule->alias };
		check_policy_name(k, item->value, i);
		config_regex_check(k->report,
			&(struct config_regex){ "from", document_find(item->value, "from"), rule->from }, NULL, NULL);
		config_regex_check(k->report,
			&(struct config_regex){ "to", document_find(item->value, "to"), rule->to }, &alias, "`to`");
	}
}

/* ---- the registrar and its users ---- */

static void check_registrar_domains(const struct check *k, const struct document_node *mapping)
{
	const struct config_texts *domains = &k->node->registrar.domains;
	const struct document_item *item = config_items(document_find(mapping, "domains"));
	for (size_t i = 0; i < domains->count && item; i++, item = item->next) {
		if (domains->items[i].at && !config_node_owns(k->node, domains->items[i]))
			config_error(k->report, item->value->place,
				"`%s` is none of the node's `domains`: who registers there could not be called",
				domains->items[i].at);
	}
}

static void check_registrar(const struct check *k)
{
	const struct document_node *mapping = document_find(k->root, "registrar");
	const struct config_registrar *registrar = &k->node->registrar;
	if (!mapping)
		return;
	check_registrar_domains(k, mapping);
	if (registrar->minimum_expires_s > registrar->maximum_expires_s)
		config_error(k->report, config_place_of(mapping, "minimum_expires"),
			"`minimum_expires` is more than `maximum_expires`");
	else if (registrar->expires_s < registrar->minimum_expires_s ||
		 registrar->expires_s > registrar->maximum_expires_s)
		config_error(k->report, config_place_of(mapping, "expires"),
			"`expires` must lie between `minimum_expires` and `maximum_expires`");
}

static void check_user_secret(const struct check *k, const struct document_node *mapping)
{
	const struct document_node *password = document_find(mapping, "password");
	const struct document_node *file = document_find(mapping, "password_file");
	const struct document_node *md5 = document_find(mapping, "secret_md5");
	const struct document_node *sha256 = document_find(mapping, "secret_sha256");
	const struct document_node *secret = md5 ? md5 : sha256;
	if (password && file)
		config_error(k->report, file->place, "`password` and `password_file` exclude each other");
	else if ((password || file) && secret)
		config_error(k->report, secret->place, "`%s` stands instead of a password: give one of them",
			md5 ? "secret_md5" : "secret_sha256");
	else if (!password && !file && !secret && mapping)
		config_error(k->report, mapping->place,
			"a user needs `password`, `password_file`, `secret_md5` or `secret_sha256`");
}

struct known_user {
	struct span username;
	struct config_place place;
};

static int by_username(const void *left, const void *right)
{
	const struct known_user *a = left, *b = right;
	int order = span_compare(a->username, b->username);
	if (order)
		return order;
	return a->place.line != b->place.line
		       ? (a->place.line > b->place.line ? 1 : -1)
		       : (a->place.column > b->place.column) - (a->place.column < b->place.column);
}

static void check_user_names(const struct check *k)
{
	size_t count = 0;
	struct known_user *known = k->node->user_count ? calloc(k->node->user_count, sizeof(*known)) : NULL;
	if (!known) {
		k->context->no_memory = k->context->no_memory || k->node->user_count;
		return;
	}
	for (size_t i = 0; i < k->node->user_count; i++) {
		if (k->node->users[i].username.at)
			known[count++] = (struct known_user){ k->node->users[i].username, k->node->users[i].place };
	}
	qsort(known, count, sizeof(*known), by_username);
	for (size_t i = 1; i < count; i++) {
		if (span_equal(known[i - 1].username, known[i].username))
			config_error(k->report, known[i].place, "a user is called `%s` already, in line %u",
				config_shown(known[i].username).text, known[i - 1].place.line);
	}
	free(known);
}

static void check_users(const struct check *k)
{
	const struct document_item *item = config_items(document_find(k->root, "users"));
	for (size_t i = 0; i < k->node->user_count && item; i++, item = item->next)
		check_user_secret(k, item->value);
	check_user_names(k);
}

/* ---- as a whole ---- */

static const struct document_node *part_of(const struct check *k, const struct route_defect *defect)
{
	static const char *const lists[] = {
		[ROUTE_PART_TRANSFORM] = "transforms", [ROUTE_PART_POLICY] = "policy", [ROUTE_PART_RULE] = "rules"
	};
	return document_at(document_find(k->root, lists[defect->part]), defect->index);
}

/* The table that the edge would make: only here the variables of patterns are filled in. */
static int make_table(const struct check *k, struct arena *arena)
{
	struct route_table_params params;
	struct route_table *table = NULL;
	struct route_defect defect;
	int status = config_parts_route(k->node, arena, &params);
	if (status == 0)
		status = route_table_new(&params, &table, &defect);
	if (status == -EINVAL) {
		const struct document_node *mapping = part_of(k, &defect);
		config_error(k->report, mapping ? mapping->place : (struct config_place){ 0, 0 }, "%s",
			config_shown(span_of(defect.text)).text);
	}
	if (status == 0)
		status = config_plan_check(k, table, arena);
	route_table_free(table);
	return status;
}

void config_table_check(const struct check *k)
{
	struct arena arena;
	if (k->report->error_count)
		return;
	arena_init(&arena, TABLE_MAXIMUM);
	if (make_table(k, &arena) == -ENOMEM)
		k->context->no_memory = true;
	arena_done(&arena);
}

void config_calls_check(const struct check *k)
{
	check_transforms(k);
	check_call_policy(k);
	check_rules(k);
	check_registrar(k);
	check_users(k);
}
