/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_SITE_H
#define FEDGE_EDGE_SITE_H
/* What one configuration means to the edge: its zones with addresses, its dial plan compiled,
 * its rule book of trust. Made whole from a config_node or not at all, then only read; workers and
 * requests hold references, so a call that began under an old configuration ends under it. */
#include "config/node.h"
#include "net/address.h"
#include "route/table.h"
#include "transport/transport.h"
#include "trust/limits.h"
#include "trust/policy.h"

struct registrar_users;

struct edge_zone {
	const struct config_zone *config;
	struct span name;
	int index; /* as route/ knows it */
	/* Our own side (neighbors, traversal, local): trusted, told everything. Otherwise found by DNS, or the default
	 * zone's settings. */
	bool inside;
	enum transport_protocol protocol;
	struct net_address *addresses; /* of config->peers, in their order; family none: a host name, asked in DNS */
	size_t address_count;
};

/* The port of a traversal server's zone. */
struct edge_site_door {
	const struct edge_zone *zone; /* NULL: none with this number */
	struct transport_listener listener;
};

struct edge_site {
	const struct config_node *config;
	struct edge_zone *zones;
	size_t zone_count;
	const struct edge_zone *partners; /* the first dns zone whose partners are judged by trust/, or NULL */
	const struct edge_zone *local; /* the Local Zone, or NULL */
	struct registrar_users *users; /* who may prove to be whom; NULL: neither a registrar nor a user */
	struct route_table *table;
	bool uses_variants; /* some rule asks for a variant: then a request's is worth finding out */
	struct trust_policy policy;
	struct trust_limits limits;
	uint64_t generation; /* 1, 2, … with each reload */
	struct edge_site_door doors[TRANSPORT_LISTENER_MAXIMUM]; /* by the number of the listener */
};

/* Takes a reference of its own of config. 0, -ENOMEM, or -EINVAL (a rule that config/ should not have let through). */
int edge_site_new(const struct config_node *config, uint64_t generation, struct edge_site **ret_site);
/* Numbers the doors: behind the configuration's own listeners, and where the site before has the same one (NULL: none
 * was before) with its number. Before anybody else sees the site. 0, -E2BIG, or -EINVAL (the node's address is none).
 */
int edge_site_number_doors(struct edge_site *site, const struct edge_site *before);
/* Any thread. */
struct edge_site *edge_site_ref(struct edge_site *site);
void edge_site_unref(struct edge_site *site); /* accepts NULL */

static inline bool edge_site_is_microsoft(const struct edge_site *site)
{
	return site->config->dialect == CONFIG_DIALECT_MICROSOFT;
}
/* The settings that a request from there comes under: its zone's, else those of the Default Zone where it has any.
 * NULL: none but the defaults. */
const struct config_zone *edge_site_source(const struct edge_site *site, const struct edge_zone *zone);
/* A traversal zone: reached over a connection that stands, and no other way. */
static inline bool edge_site_zone_is_link(const struct edge_zone *zone)
{
	return zone->config->kind == CONFIG_ZONE_TRAVERSAL_CLIENT || zone->config->kind == CONFIG_ZONE_TRAVERSAL_SERVER;
}
/* A dns zone of service sip: RFC 3263, without the rules of trust. */
static inline bool edge_site_zone_is_plain(const struct edge_zone *zone)
{
	return zone->config->kind == CONFIG_ZONE_DNS && span_is_nocase(zone->config->service, "sip");
}
/* The neighbor (a zone of that kind, no other) with that address (without its port: peers call from any) that is
 * reached over that kind of transport, or NULL. TLS neighbors are found for TLS only. */
const struct edge_zone *edge_site_neighbor(
	const struct edge_site *site, const struct net_address *address, enum transport_protocol protocol);
/* Could a message that came from there be that neighbor's? (One host may be several neighbors.) */
bool edge_site_may_be(
	const struct edge_zone *zone, const struct net_address *address, enum transport_protocol protocol);
/* As edge_site_neighbor, of a target we are about to send to. */
const struct edge_zone *edge_site_zone_of_target(const struct edge_site *site, const struct net_address *address);
#endif
