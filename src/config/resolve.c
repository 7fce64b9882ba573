/* SPDX-License-Identifier: Apache-2.0 */
/* Names that refer to others: the sources and targets of rules. */
#include "base/require.h"
#include "base/text.h"
#include "config/check.h"

#define SOURCE_WORDS 4
static const struct {
	const char *word;
	enum config_source source;
} words[SOURCE_WORDS] = {
	{ "any", CONFIG_SOURCE_ANY },
	{ "all-zones", CONFIG_SOURCE_ALL_ZONES },
	{ "default", CONFIG_SOURCE_DEFAULT },
	{ "local", CONFIG_SOURCE_LOCAL },
};

bool config_is_source_word(struct span name)
{
	for (size_t i = 0; i < SOURCE_WORDS; i++) {
		if (span_is_nocase(name, words[i].word))
			return true;
	}
	return false;
}

static const char *nearest_zone(struct bind_context *c, const struct config_node *node, struct span word, bool sources)
{
	if (c->report->count == CONFIG_DEFECT_MAXIMUM)
		return NULL;
	const char **names = arena_allocate(c->arena, (node->zone_count + SOURCE_WORDS + 1) * sizeof(*names));
	if (!names)
		return NULL;
	size_t count = 0;
	for (size_t i = 0; i < node->zone_count; i++) {
		if (node->zones[i].name.at)
			names[count++] = node->zones[i].name.at;
	}
	for (size_t i = 0; sources && i < SOURCE_WORDS; i++)
		names[count++] = words[i].word;
	names[count] = NULL;
	return word.length <= 64 ? text_nearest(word, names) : NULL;
}

static void unknown_zone(
	struct bind_context *c, const struct config_node *node, const struct document_node *value, const char *key)
{
	const char *nearest = nearest_zone(c, node, value->text, strcmp(key, "source") == 0);
	if (nearest)
		config_error(c->report, value->place, "`%s`: no zone is called `%s`; did you mean `%s`?", key,
			config_shown(value->text).text, nearest);
	else
		config_error(
			c->report, value->place, "`%s`: no zone is called `%s`", key, config_shown(value->text).text);
}

static const struct document_node *word_of(const struct document_node *mapping, const char *key)
{
	const struct document_node *value = document_find(mapping, key);
	return value && value->kind == DOCUMENT_SCALAR && value->text.length ? value : NULL;
}

/* A zone of kind local or default by its name is the same as the word for it. */
static void resolve_zone(
	const struct config_zone *zone, enum config_source *ret_source, const struct config_zone **ret_zone)
{
	*ret_zone = NULL;
	if (zone->kind == CONFIG_ZONE_LOCAL) {
		*ret_source = CONFIG_SOURCE_LOCAL;
	} else if (zone->kind == CONFIG_ZONE_DEFAULT) {
		*ret_source = CONFIG_SOURCE_DEFAULT;
	} else {
		*ret_source = CONFIG_SOURCE_ZONE;
		*ret_zone = zone;
	}
}

static void resolve_source(struct bind_context *c, const struct config_node *node, const struct document_node *mapping,
	enum config_source *ret_source, const struct config_zone **ret_zone)
{
	const struct document_node *value = word_of(mapping, "source");
	if (!value)
		return;
	for (size_t i = 0; i < SOURCE_WORDS; i++) {
		if (span_is_nocase(value->text, words[i].word)) {
			*ret_source = words[i].source;
			return;
		}
	}
	const struct config_zone *zone = config_node_zone(node, value->text);
	if (zone)
		resolve_zone(zone, ret_source, ret_zone);
	else
		unknown_zone(c, node, value, "source");
}

static void resolve_target(struct bind_context *c, const struct config_node *node, const struct document_node *mapping,
	struct config_rule *rule)
{
	const struct document_node *value = word_of(mapping, "target");
	rule->target = value ? config_node_zone(node, value->text) : NULL;
	if (value && !rule->target)
		unknown_zone(c, node, value, "target");
	else if (value && rule->target->kind == CONFIG_ZONE_DEFAULT)
		config_error(c->report, value->place, "`target`: nothing can be sent to a zone of kind default");
}

void config_resolve(struct bind_context *c, const struct document_node *root, struct config_node *node)
{
	const struct document_node *list = document_find(root, "rules");
	struct config_rule *rules = OPENED(struct config_rule, node->rules);
	const struct document_item *item = config_items(list);
	for (size_t i = 0; i < node->rule_count && item; i++, item = item->next) {
		resolve_source(c, node, item->value, &rules[i].source, &rules[i].source_zone);
		resolve_target(c, node, item->value, &rules[i]);
	}
	struct config_policy_rule *policy = OPENED(struct config_policy_rule, node->policy);
	item = config_items(document_find(root, "policy"));
	for (size_t i = 0; i < node->policy_count && item; i++, item = item->next)
		resolve_source(c, node, item->value, &policy[i].source, &policy[i].source_zone);
}
