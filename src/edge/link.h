/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_LINK_H
#define FEDGE_EDGE_LINK_H
/* What is known of the way to each zone right now, shared by all workers: whether its peers answer (OPTIONS), and for
 * traversal zones the connection that calls go over. Written by whoever keeps the link (edge/monitor.c,
 * edge/traversal_client.c, edge/traversal_server.c), read on the message path without a lock.
 *
 * Expressway's words (facts, 1.1): Off, Active, Failed, Checking; "On" for DNS zones, which nobody watches. */
#include "edge/site.h"

enum edge_link_state {
	EDGE_LINK_OFF, /* not watched */
	EDGE_LINK_CHECKING, /* asked, no answer yet */
	EDGE_LINK_ACTIVE,
	EDGE_LINK_FAILED,
};
const char *edge_link_state_name(enum edge_link_state state); /* "off", "checking", "active", "failed" */

struct edge_links;
/* As many slots as zones and peers may ever be (config maxima); links are found by the zone's name, so that a reload
 * that keeps a zone keeps its link. */
int edge_links_new(struct edge_links **ret_links);
struct edge_links *edge_links_free(struct edge_links *links); /* accepts NULL, returns NULL */

/* ---- the message path; any worker ---- */

/* May this peer of the zone be tried? True for what is not watched and what is being asked for the first time. */
bool edge_link_is_usable(const struct edge_links *links, const struct edge_zone *zone, size_t peer);
/* A connection of the traversal zone over which calls go now (its worker may be another one: such a target is sent by
 * it). Several clients or servers: those that live take turns by `turn`. False: there is none; the zone is down. */
bool edge_link_flow(
	const struct edge_links *links, const struct edge_zone *zone, uint32_t turn, struct transport_flow *ret_flow);
/* Is this connection one that proved itself for the zone (digest on OPTIONS, and the certificate's name)? */
bool edge_link_is_proved(const struct edge_links *links, const struct edge_zone *zone, struct transport_flow flow);

/* ---- the status command; main thread ---- */

struct edge_link_status {
	enum edge_link_state state;
	int64_t since_us; /* wall; 0: never changed */
	char peer[256]; /* "127.48.36.47:7001" */
	char why[256]; /* of a failure, one line; "" */
	uint32_t failures; /* since it last lived */
};
#define EDGE_LINK_PEERS_MAXIMUM 100
/* The number of peers (or connections) of the zone; each is filled in up to capacity. */
size_t edge_link_status(
	const struct edge_links *links, struct span zone_name, struct edge_link_status *statuses, size_t capacity);
/* Active where one peer is; else failed where one failed; else checking; else off. */
enum edge_link_state edge_link_zone_state(const struct edge_links *links, struct span zone_name);
#endif
