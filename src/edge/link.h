/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_LINK_H
#define FEDGE_EDGE_LINK_H
/* What is known of the way to each zone right now, shared by all workers: whether its peers answer (OPTIONS), and for
 * traversal zones the connection that calls go over. Written by whoever keeps the link (edge/monitor.c,
 * edge/traversal_client.c, edge/traversal_server.c), read on the message path without a lock.
 *
 * Expressway's words (facts, 1.1): Off, Active, Failed, Checking; "On" for DNS zones, which nobody watches. */
#include "edge/site.h"
#include "transport/target.h"

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
/* The same, whole: protocol, address and flow, to go over that flow and no other way. */
bool edge_link_target(const struct edge_links *links, const struct edge_zone *zone, uint32_t turn,
	struct transport_target *ret_target);
/* The very connection, if it still lives. */
bool edge_link_target_of_flow(const struct edge_links *links, const struct edge_zone *zone, struct transport_flow flow,
	struct transport_target *ret_target);
/* Is this connection one that proved itself for the zone (digest on OPTIONS, and the certificate's name)? */
bool edge_link_is_proved(const struct edge_links *links, const struct edge_zone *zone, struct transport_flow flow);

/* ---- whoever keeps a link; any worker, one for each entry ----
 * A zone's entries have numbers: a neighbor's and a traversal client's are those of its configured peers, a traversal
 * server's are given out (edge_link_take), but for 0, which is the zone's own: no connection, or what last went wrong.
 * These lock, but no reader. */

struct edge_link_news {
	enum edge_link_state state;
	struct span peer; /* shown: "127.48.36.47:7001"; cut at the room there is */
	struct span why;
	/* What is compared with before, where `why` holds words of a stranger, who could write other ones each time;
	 * absent: why itself. */
	struct span ground;
	/* The connection that calls go over, of a traversal zone that is active; generation 0: none. Its name is not
	 * kept. */
	struct transport_target way;
	/* A neighbor: edge_link_endpoint_key of the peer this is about, so that a request that began under another
	 * configuration does not take it for another's (0: not compared). A traversal server: which client it is. */
	uint64_t key;
	int64_t now_us; /* wall */
};
uint64_t edge_link_endpoint_key(const struct config_endpoint *peer);
/* How it is shown: "10.0.0.1:5060", "[2001:db8::1]:5060"; port 0: the host alone. */
#define EDGE_LINK_ENDPOINT_SIZE 300
void edge_link_endpoint_write(struct span host, uint16_t port, char ret_text[EDGE_LINK_ENDPOINT_SIZE]);
/* 0; -ENOSPC: more zone names than a process can know (a reload that keeps a name needs no other), -ENOMEM.
 * *ret_changed: state, or the reason of a failure, is another than before; *ret_before the state it had. */
int edge_link_tell(struct edge_links *links, struct span zone_name, size_t entry, const struct edge_link_news *news,
	enum edge_link_state *ret_before, bool *ret_changed);
/* A free entry (never 0) for a connection of the zone: its number, or -ENOSPC, -ENOMEM. It is shown once told. */
int edge_link_take(struct edge_links *links, struct span zone_name);
/* The entry is gone: not watched, not shown. */
void edge_link_drop(struct edge_links *links, struct span zone_name, size_t entry);

/* A live connection of the zone, other than flow, that was told with that key. */
bool edge_link_other(const struct edge_links *links, struct span zone_name, uint64_t key, struct transport_flow flow,
	struct transport_flow *ret_flow);

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
