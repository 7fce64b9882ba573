/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "config/check.h"
#include "config/schema_part.h"

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

/* ---- zones ---- */

static bool is_inside(enum config_zone_kind kind)
{
	return kind == CONFIG_ZONE_NEIGHBOR || kind == CONFIG_ZONE_TRAVERSAL_CLIENT ||
	       kind == CONFIG_ZONE_TRAVERSAL_SERVER;
}

static enum config_authentication default_authentication(const struct config_node *node, enum config_zone_kind kind)
{
	if (is_inside(kind))
		return CONFIG_AUTHENTICATION_TREAT;
	if (kind == CONFIG_ZONE_DNS)
		return CONFIG_AUTHENTICATION_NONE;
	if (kind == CONFIG_ZONE_LOCAL && !node->registrar.authenticate)
		return CONFIG_AUTHENTICATION_NONE;
	return CONFIG_AUTHENTICATION_CHECK;
}

/* mapping: NULL for a zone that the file does not have. */
static void complete_zone(const struct config_node *node, const struct document_node *mapping, struct config_zone *zone)
{
	bool inside = is_inside(zone->kind);
	if (!document_find(mapping, "authentication"))
		zone->authentication = default_authentication(node, zone->kind);
	if (!document_find(mapping, "trust_identity"))
		zone->trust_identity = inside;
	if (!document_find(mapping, "preloaded_routes"))
		zone->preloaded_routes = inside;
	if (inside && zone->kind != CONFIG_ZONE_NEIGHBOR)
		zone->monitor = true;
}

/* Of a kind that is misspelt nothing is known: bind.c leaves the first kind. */
static bool has_kind(const struct config_node *node, enum config_zone_kind kind)
{
	for (size_t i = 0; i < node->zone_count; i++) {
		if (node->zones[i].kind == kind)
			return true;
	}
	return false;
}

/* The zone of the phones, where the file has a registrar but no zone of kind local. */
static void add_local_zone(struct bind_context *c, const struct document_node *registrar, struct config_node *node)
{
	struct config_zone *zones = arena_zero(c->arena, (node->zone_count + 1) * sizeof(*zones));
	if (!zones) {
		c->no_memory = true;
		return;
	}
	if (node->zone_count)
		memcpy(zones, node->zones, node->zone_count * sizeof(*zones));
	struct config_zone *zone = &zones[node->zone_count];
	bind_defaults(c, &schema_zone, registrar->place, zone);
	zone->name = SPAN(CONFIG_LOCAL_ZONE);
	zone->kind = CONFIG_ZONE_LOCAL;
	node->zones = zones;
	node->zone_count++;
}

static void complete_zones(struct bind_context *c, const struct document_node *root, struct config_node *node)
{
	const struct document_node *registrar = document_find(root, "registrar");
	if (registrar && !has_kind(node, CONFIG_ZONE_LOCAL))
		add_local_zone(c, registrar, node);
	struct config_zone *zones = OPENED(struct config_zone, node->zones);
	for (size_t i = 0; i < node->zone_count; i++)
		complete_zone(node, document_at(document_find(root, "zones"), i), &zones[i]);
}

void config_complete(struct bind_context *c, const struct document_node *root, struct config_node *node)
{
	if (!node->log_name.at && node->node.at)
		node->log_name = first_label(c, node->node);
	complete_listeners(node, OPENED(struct config_listen, node->listen));
	if (!document_find(document_find(root, "tls"), "verify") && node->dialect == CONFIG_DIALECT_MICROSOFT)
		node->tls.verify = CONFIG_TLS_VERIFY_HANDSHAKE;
	node->dns.enabled = document_find(root, "dns") != NULL;
	node->registrar.enabled = document_find(root, "registrar") != NULL;
	node->history.enabled = document_find(root, "history") != NULL;
	if (!node->registrar.realm.at && node->registrar.domains.count)
		node->registrar.realm = node->registrar.domains.items[0];
	complete_zones(c, root, node);
	config_complete_secrets(c, root, node);
	struct config_endpoint *servers = OPENED(struct config_endpoint, node->dns.servers.items);
	for (size_t i = 0; i < node->dns.servers.count; i++)
		servers[i].port = servers[i].port ? servers[i].port : DNS_PORT;
}

/* After the checks, which want to know what was given. */
void config_complete_identities(struct config_node *node)
{
	complete_identities(node, OPENED(struct config_identity, node->tls.identities));
}
