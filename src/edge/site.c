/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/site.h"

#include "base/arena.h"
#include "base/require.h"
#include "config/parts.h"
#include "edge/registry.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SITE_ARENA_MAXIMUM (16u << 20)
#define TRAVERSAL_PORT 7001 /* where the first traversal server zone listens (facts: 7001 and up) */

struct site_owner {
	struct edge_site site;
	struct arena arena;
	atomic_uint references;
};

static enum transport_protocol protocol_of(enum config_transport transport)
{
	static const enum transport_protocol map[] = {
		[CONFIG_TRANSPORT_UDP] = TRANSPORT_UDP,
		[CONFIG_TRANSPORT_TCP] = TRANSPORT_TCP,
		[CONFIG_TRANSPORT_TLS] = TRANSPORT_TLS,
	};
	return map[transport];
}

/* Who is on our own side: told everything, and no stranger. What comes from there must prove it as its kind does. */
static bool is_inside(enum config_zone_kind kind)
{
	return kind == CONFIG_ZONE_NEIGHBOR || kind == CONFIG_ZONE_TRAVERSAL_CLIENT ||
	       kind == CONFIG_ZONE_TRAVERSAL_SERVER || kind == CONFIG_ZONE_LOCAL;
}

/* Partners are found and judged by the rules of trust; "sip" is plain RFC 3263. */
static bool is_of_partners(const struct config_zone *config)
{
	return config->kind == CONFIG_ZONE_DNS && !span_is_nocase(config->service, "sip");
}

static uint16_t default_port(const struct edge_zone *zone)
{
	return zone->config->kind == CONFIG_ZONE_TRAVERSAL_CLIENT ? TRAVERSAL_PORT
								  : transport_protocol_port(zone->protocol);
}

static int zone_make(struct arena *arena, const struct config_zone *config, int index, struct edge_zone *zone)
{
	*zone = (struct edge_zone){
		.config = config,
		.name = config->name,
		.index = index,
		.inside = is_inside(config->kind),
		.protocol = protocol_of(config->transport),
		.address_count = config->peers.count,
	};
	zone->addresses = arena_zero(arena, (config->peers.count + 1) * sizeof(*zone->addresses));
	if (!zone->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < config->peers.count; i++) {
		const struct config_endpoint *peer = &config->peers.items[i];
		uint16_t port = peer->port ? peer->port : default_port(zone);
		zone->addresses[i] = NET_ADDRESS_NONE;
		if (peer->is_address)
			net_address_parse(peer->host, port, &zone->addresses[i]);
	}
	return 0;
}

static int zones_make(struct site_owner *owner)
{
	const struct config_node *config = owner->site.config;
	owner->site.zones = arena_zero(&owner->arena, (config->zone_count + 1) * sizeof(struct edge_zone));
	if (!owner->site.zones)
		return -ENOMEM;
	for (size_t i = 0; i < config->zone_count; i++) {
		struct edge_zone *zone = &owner->site.zones[i];
		int status = zone_make(&owner->arena, &config->zones[i], (int)i, zone);
		if (status < 0)
			return status;
		if (is_of_partners(zone->config) && !owner->site.partners)
			owner->site.partners = zone;
		if (zone->config->kind == CONFIG_ZONE_LOCAL)
			owner->site.local = zone;
	}
	owner->site.zone_count = config->zone_count;
	return 0;
}

static int table_make(struct site_owner *owner)
{
	struct route_table_params params;
	int status = config_parts_route(owner->site.config, &owner->arena, &params);
	if (status < 0)
		return status;
	for (size_t i = 0; i < params.rule_count; i++)
		if (params.rules[i].enabled && params.rules[i].variant != ROUTE_VARIANT_ANY)
			owner->site.uses_variants = true;
	return route_table_new(&params, &owner->site.table, NULL);
}

static int policy_make(struct site_owner *owner)
{
	const struct config_trust *trust = &owner->site.config->trust;
	owner->site.limits = (struct trust_limits){ trust->rate, trust->suspicious_rate, trust->addresses };
	return config_parts_policy(owner->site.config, &owner->arena, &owner->site.policy);
}

int edge_site_new(const struct config_node *config, uint64_t generation, struct edge_site **ret_site)
{
	struct site_owner *owner = calloc(1, sizeof(*owner));
	if (!owner)
		return -ENOMEM;
	arena_init(&owner->arena, SITE_ARENA_MAXIMUM);
	atomic_init(&owner->references, 1);
	owner->site.config = config_node_ref(config);
	owner->site.generation = generation;
	int status = zones_make(owner);
	if (status == 0)
		status = table_make(owner);
	if (status == 0)
		status = policy_make(owner);
	if (status == 0)
		status = edge_registry_users(config, &owner->site.users);
	if (status < 0) {
		edge_site_unref(&owner->site);
		return status;
	}
	*ret_site = &owner->site;
	return 0;
}

struct edge_site *edge_site_ref(struct edge_site *site)
{
	struct site_owner *owner = base_container(site, struct site_owner, site);
	atomic_fetch_add_explicit(&owner->references, 1, memory_order_relaxed);
	return site;
}

void edge_site_unref(struct edge_site *site)
{
	if (!site)
		return;
	struct site_owner *owner = base_container(site, struct site_owner, site);
	if (atomic_fetch_sub_explicit(&owner->references, 1, memory_order_acq_rel) != 1)
		return;
	route_table_free(site->table);
	registrar_users_free(site->users);
	config_node_unref(site->config);
	arena_done(&owner->arena);
	free(owner);
}

typedef bool address_equal_h(const struct net_address *a, const struct net_address *b);

static bool zone_has_address(const struct edge_zone *zone, const struct net_address *address, address_equal_h *equal)
{
	for (size_t i = 0; i < zone->address_count; i++)
		if (net_address_is_set(&zone->addresses[i]) && equal(&zone->addresses[i], address))
			return true;
	return false;
}

/* TLS and the rest are not mixed; and the source address of a datagram proves nothing, so a neighbor over
 * TCP does not come by UDP. (One over UDP may switch to TCP for large messages, RFC 3261 18.1.1.) */
static bool may_come_by(const struct edge_zone *zone, enum transport_protocol protocol)
{
	if (protocol == TRANSPORT_UDP)
		return zone->protocol == TRANSPORT_UDP;
	return (zone->protocol == TRANSPORT_TLS) == (protocol == TRANSPORT_TLS);
}

static const struct edge_zone *neighbor_find(const struct edge_site *site, const struct net_address *address,
	enum transport_protocol protocol, address_equal_h *equal)
{
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct edge_zone *zone = &site->zones[i];
		if (zone->config->kind != CONFIG_ZONE_NEIGHBOR)
			continue;
		if (protocol != TRANSPORT_ANY && !may_come_by(zone, protocol))
			continue;
		if (zone_has_address(zone, address, equal))
			return zone;
	}
	return NULL;
}

const struct edge_zone *edge_site_neighbor(
	const struct edge_site *site, const struct net_address *address, enum transport_protocol protocol)
{
	/* Two neighbors may share a host: the one with that very port is meant, if there is one. */
	const struct edge_zone *zone = neighbor_find(site, address, protocol, net_address_equal);
	return zone ? zone : neighbor_find(site, address, protocol, net_address_equal_host);
}

bool edge_site_may_be(const struct edge_zone *zone, const struct net_address *address, enum transport_protocol protocol)
{
	return zone->config->kind == CONFIG_ZONE_NEIGHBOR && may_come_by(zone, protocol) &&
	       zone_has_address(zone, address, net_address_equal_host);
}

const struct edge_zone *edge_site_zone_of_target(const struct edge_site *site, const struct net_address *address)
{
	const struct edge_zone *zone = edge_site_neighbor(site, address, TRANSPORT_ANY);
	return zone ? zone : site->partners;
}

const struct config_zone *edge_site_source(const struct edge_site *site, const struct edge_zone *zone)
{
	if (zone)
		return zone->config;
	for (size_t i = 0; i < site->zone_count; i++)
		if (site->zones[i].config->kind == CONFIG_ZONE_DEFAULT)
			return site->zones[i].config;
	return NULL;
}
