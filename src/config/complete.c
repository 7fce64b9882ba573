/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "base/text.h"
#include "config/check.h"

#define DNS_PORT 53

static struct span first_label(struct bind_context *c, struct span name)
{
	struct span label = arena_copy(c->arena, span_first(name, span_find(name, '.')));
	if (!label.at)
		c->no_memory = true;
	return label;
}

static void complete_listeners(struct config_node *node, struct config_listen *listen)
{
	for (size_t i = 0; i < node->listen_count; i++) {
		if (!listen[i].address.at)
			listen[i].address = node->address;
		if (!listen[i].port)
			listen[i].port = listen[i].transport == CONFIG_TRANSPORT_TLS ? 5061 : 5060;
	}
}

static void complete_identities(struct config_node *node, struct config_identity *identities)
{
	for (size_t i = 0; i < node->tls.identity_count; i++) {
		struct config_identity *identity = &identities[i];
		if (!identity->client_certificate.at)
			identity->client_certificate = identity->certificate;
		if (!identity->client_key.at)
			identity->client_key = identity->key;
	}
}

/* The arrays are the arena's, const only for those who get the snapshot. */
#define OPENED(type, items) ((type *)(uintptr_t)(items))

void config_complete(struct bind_context *c, const struct document_node *root, struct config_node *node)
{
	if (!node->log_name.at && node->node.at)
		node->log_name = first_label(c, node->node);
	complete_listeners(node, OPENED(struct config_listen, node->listen));
	if (!document_find(document_find(root, "tls"), "verify") && node->dialect == CONFIG_DIALECT_MICROSOFT)
		node->tls.verify = CONFIG_TLS_VERIFY_HANDSHAKE;
	node->dns.enabled = document_find(root, "dns") != NULL;
	struct config_endpoint *servers = OPENED(struct config_endpoint, node->dns.servers.items);
	for (size_t i = 0; i < node->dns.servers.count; i++)
		servers[i].port = servers[i].port ? servers[i].port : DNS_PORT;
}

/* After the checks, which want to know what was given. */
void config_complete_identities(struct config_node *node)
{
	complete_identities(node, OPENED(struct config_identity, node->tls.identities));
}

/* ---- names that refer to others ---- */

static const char *nearest_zone(const struct config_node *node, struct span word, bool sources, struct bind_context *c)
{
	if (c->report->count == CONFIG_DEFECT_MAXIMUM)
		return NULL;
	const char **names = arena_allocate(c->arena, (node->zone_count + 4) * sizeof(*names));
	if (!names)
		return NULL;
	size_t count = 0;
	for (size_t i = 0; i < node->zone_count; i++) {
		if (node->zones[i].name.at)
			names[count++] = node->zones[i].name.at;
	}
	if (sources) {
		names[count++] = "any";
		names[count++] = "all-zones";
		names[count++] = "default";
	}
	names[count] = NULL;
	return word.length <= 64 ? text_nearest(word, names) : NULL;
}

static void unknown_zone(
	struct bind_context *c, const struct config_node *node, const struct document_node *value, const char *key)
{
	const char *nearest = nearest_zone(node, value->text, strcmp(key, "source") == 0, c);
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

static void resolve_source(struct bind_context *c, const struct config_node *node, const struct document_node *mapping,
	struct config_rule *rule)
{
	static const char *const words[] = { "any", "all-zones", "default" };
	const struct document_node *value = word_of(mapping, "source");
	if (!value)
		return;
	for (unsigned i = 0; i < BASE_COUNT(words); i++) {
		if (span_is_nocase(value->text, words[i])) {
			rule->source = (enum config_source)i;
			return;
		}
	}
	rule->source = CONFIG_SOURCE_ZONE;
	rule->source_zone = config_node_zone(node, value->text);
	if (!rule->source_zone)
		unknown_zone(c, node, value, "source");
}

static void resolve_target(struct bind_context *c, const struct config_node *node, const struct document_node *mapping,
	struct config_rule *rule)
{
	const struct document_node *value = word_of(mapping, "target");
	rule->target = value ? config_node_zone(node, value->text) : NULL;
	if (value && !rule->target)
		unknown_zone(c, node, value, "target");
}

void config_resolve(struct bind_context *c, const struct document_node *root, struct config_node *node)
{
	const struct document_node *list = document_find(root, "rules");
	struct config_rule *rules = OPENED(struct config_rule, node->rules);
	const struct document_item *item = list && list->kind == DOCUMENT_SEQUENCE ? list->items : NULL;
	for (size_t i = 0; i < node->rule_count && item; i++, item = item->next) {
		resolve_source(c, node, item->value, &rules[i]);
		resolve_target(c, node, item->value, &rules[i]);
	}
}
