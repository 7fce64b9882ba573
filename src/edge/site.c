/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/site.h"

#include "base/arena.h"
#include "base/require.h"
#include "config/parts.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#define SITE_ARENA_MAXIMUM (16u << 20)

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

static int zone_make(struct arena *arena, const struct config_zone *config, int index, struct edge_zone *zone)
{
	*zone = (struct edge_zone){
		.config = config,
		.name = config->name,
		.index = index,
		.inside = config->kind == CONFIG_ZONE_NEIGHBOR,
		.protocol = protocol_of(config->transport),
		.address_count = config->peers.count,
	};
	zone->addresses = arena_zero(arena, (config->peers.count + 1) * sizeof(*zone->addresses));
	if (!zone->addresses)
		return -ENOMEM;
	for (size_t i = 0; i < config->peers.count; i++) {
		const struct config_endpoint *peer = &config->peers.items[i];
		uint16_t port = peer->port ? peer->port : transport_protocol_port(zone->protocol);
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
		if (!zone->inside && !owner->site.partners)
			owner->site.partners = zone;
	}
	owner->site.zone_count = config->zone_count;
	return 0;
}

static int zone_index(const struct config_node *config, const struct config_zone *zone)
{
	return zone ? (int)(zone - config->zones) : ROUTE_ZONE_DEFAULT;
}

/* ---- the dial plan: config/ is the administrator's side of these words, route/ the machine's ---- */

static const enum route_source SOURCES[] = {
	[CONFIG_SOURCE_ANY] = ROUTE_SOURCE_ANY,
	[CONFIG_SOURCE_ALL_ZONES] = ROUTE_SOURCE_ALL_ZONES,
	[CONFIG_SOURCE_DEFAULT] = ROUTE_SOURCE_DEFAULT,
	[CONFIG_SOURCE_ZONE] = ROUTE_SOURCE_ZONE,
	[CONFIG_SOURCE_LOCAL] = ROUTE_SOURCE_LOCAL,
};
static const enum route_pattern PATTERNS[] = {
	[CONFIG_PATTERN_EXACT] = ROUTE_PATTERN_EXACT,
	[CONFIG_PATTERN_PREFIX] = ROUTE_PATTERN_PREFIX,
	[CONFIG_PATTERN_SUFFIX] = ROUTE_PATTERN_SUFFIX,
	[CONFIG_PATTERN_REGEX] = ROUTE_PATTERN_REGEX,
};
static const enum route_behaviour BEHAVIOURS[] = {
	[CONFIG_BEHAVIOUR_LEAVE] = ROUTE_BEHAVIOUR_LEAVE,
	[CONFIG_BEHAVIOUR_STRIP] = ROUTE_BEHAVIOUR_STRIP,
	[CONFIG_BEHAVIOUR_REPLACE] = ROUTE_BEHAVIOUR_REPLACE,
};

static struct route_rule rule_of(const struct config_node *config, const struct config_rule *rule)
{
	static const enum route_mode modes[] = {
		[CONFIG_MODE_ANY] = ROUTE_MODE_ANY,
		[CONFIG_MODE_PATTERN] = ROUTE_MODE_PATTERN,
		[CONFIG_MODE_ANY_ADDRESS] = ROUTE_MODE_ANY_ADDRESS,
	};
	static const enum route_variant variants[] = {
		[CONFIG_VARIANT_ANY] = ROUTE_VARIANT_ANY,
		[CONFIG_VARIANT_STANDARDS] = ROUTE_VARIANT_STANDARDS,
		[CONFIG_VARIANT_MICROSOFT_AV] = ROUTE_VARIANT_MICROSOFT_AV,
		[CONFIG_VARIANT_MICROSOFT_IM] = ROUTE_VARIANT_MICROSOFT_IM,
	};
	return (struct route_rule){
		.name = rule->name,
		.enabled = true, /* until the file has a word for it */
		.priority = rule->priority,
		.source = SOURCES[rule->source],
		.source_zone = zone_index(config, rule->source_zone),
		.authenticated = rule->authenticated,
		.variant = variants[rule->variant],
		.mode = modes[rule->mode],
		.type = PATTERNS[rule->type],
		.pattern = rule->pattern,
		.behaviour = BEHAVIOURS[rule->behaviour],
		.replace = rule->replace,
		.on_match = rule->on_match == CONFIG_ON_MATCH_STOP ? ROUTE_ON_MATCH_STOP : ROUTE_ON_MATCH_CONTINUE,
		.target = zone_index(config, rule->target),
	};
}

static struct route_transform transform_of(const struct config_transform *transform)
{
	return (struct route_transform){
		.name = transform->name,
		.enabled = transform->enabled,
		.priority = transform->priority,
		.type = PATTERNS[transform->type],
		.pattern = transform->pattern,
		.behaviour = BEHAVIOURS[transform->behaviour],
		.replace = transform->replace,
	};
}

static struct route_policy_rule policy_rule_of(const struct config_node *config, const struct config_policy_rule *rule)
{
	static const enum route_whether whethers[] = {
		[CONFIG_WHETHER_ANY] = ROUTE_WHETHER_ANY,
		[CONFIG_WHETHER_YES] = ROUTE_WHETHER_YES,
		[CONFIG_WHETHER_NO] = ROUTE_WHETHER_NO,
	};
	static const enum route_action actions[] = {
		[CONFIG_CALL_ALLOW] = ROUTE_ALLOW,
		[CONFIG_CALL_REJECT] = ROUTE_REJECT,
		[CONFIG_CALL_REDIRECT] = ROUTE_REDIRECT,
	};
	return (struct route_policy_rule){
		.name = rule->name,
		.enabled = rule->enabled,
		.source = SOURCES[rule->source],
		.source_zone = zone_index(config, rule->source_zone),
		.authenticated = whethers[rule->authenticated],
		.from = rule->from,
		.to = rule->to,
		.action = actions[rule->action],
		.status = rule->status,
		.reason = rule->reason,
		.alias = rule->alias,
	};
}

/* Our own addresses as %ip% knows them: the one we send from and those we listen on, each once. */
static void address_add(struct route_names *names, struct span *ipv4, struct span *ipv6, struct span text)
{
	struct net_address address;
	if (!text.at || net_address_parse(text, 0, &address) < 0 || net_address_is_any(&address))
		return;
	bool is_ipv4 = net_address_family(&address) == AF_INET;
	struct span *list = is_ipv4 ? ipv4 : ipv6;
	size_t *count = is_ipv4 ? &names->ipv4_count : &names->ipv6_count;
	for (size_t i = 0; i < *count; i++)
		if (span_equal_nocase(list[i], text))
			return;
	list[(*count)++] = text;
}

static int names_make(struct arena *arena, const struct config_node *config, struct route_names *names)
{
	size_t count = config->listen_count + 1;
	struct span *ipv4 = arena_zero(arena, count * sizeof(*ipv4));
	struct span *ipv6 = arena_zero(arena, count * sizeof(*ipv6));
	if (!ipv4 || !ipv6)
		return -ENOMEM;
	*names = (struct route_names){
		.node = config->node,
		.system_name = config->log_name,
		.domains = config->domains.items,
		.domain_count = config->domains.count,
		.ipv4 = ipv4,
		.ipv6 = ipv6,
	};
	address_add(names, ipv4, ipv6, config->address);
	for (size_t i = 0; i < config->listen_count; i++)
		address_add(names, ipv4, ipv6, config->listen[i].address);
	return 0;
}

static int local_zone(const struct config_node *config)
{
	for (size_t i = 0; i < config->zone_count; i++)
		if (config->zones[i].kind == CONFIG_ZONE_LOCAL)
			return (int)i;
	return ROUTE_ZONE_NONE;
}

static int table_make(struct site_owner *owner)
{
	const struct config_node *config = owner->site.config;
	struct arena *arena = &owner->arena;
	struct route_rule *rules = arena_zero(arena, (config->rule_count + 1) * sizeof(*rules));
	struct route_transform *transforms = arena_zero(arena, (config->transform_count + 1) * sizeof(*transforms));
	struct route_policy_rule *policy = arena_zero(arena, (config->policy_count + 1) * sizeof(*policy));
	if (!rules || !transforms || !policy)
		return -ENOMEM;
	for (size_t i = 0; i < config->rule_count; i++)
		rules[i] = rule_of(config, &config->rules[i]);
	for (size_t i = 0; i < config->transform_count; i++)
		transforms[i] = transform_of(&config->transforms[i]);
	for (size_t i = 0; i < config->policy_count; i++)
		policy[i] = policy_rule_of(config, &config->policy[i]);
	struct route_table_params params = {
		.transforms = transforms,
		.transform_count = config->transform_count,
		.policy = policy,
		.policy_count = config->policy_count,
		.rules = rules,
		.rule_count = config->rule_count,
		.local_zone = local_zone(config),
	};
	int status = names_make(arena, config, &params.names);
	return status < 0 ? status : route_table_new(&params, &owner->site.table, NULL);
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
		if (!zone->inside)
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
	return zone->inside && may_come_by(zone, protocol) && zone_has_address(zone, address, net_address_equal_host);
}

const struct edge_zone *edge_site_zone_of_target(const struct edge_site *site, const struct net_address *address)
{
	const struct edge_zone *zone = edge_site_neighbor(site, address, TRANSPORT_ANY);
	return zone ? zone : site->partners;
}
