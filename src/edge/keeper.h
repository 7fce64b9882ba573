/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_KEEPER_H
#define FEDGE_EDGE_KEEPER_H
/* Of one worker: everything that watches zones and keeps their links. Neighbors' peers are asked by OPTIONS
 * (edge/monitor.h), traversal servers are dialled (edge/traversal_client.h), connections of traversal clients are held
 * as long as they prove themselves (edge/traversal_server.h). A neighbor or a traversal client's zone is kept by one
 * worker, chosen by its name; a traversal server's by whichever worker its client's connection came to. What they learn
 * is told in edge/link.h, where every worker reads it. All on the worker's own thread. */
#include "edge/link.h"
#include "edge/worker.h"
#include "sip/header.h"

struct edge_keeper;
struct net_failure;

/* After the worker's transport was made and before its thread runs (or on it). 0 or -ENOMEM. */
int edge_keeper_new(struct edge_worker *worker, struct edge_keeper **ret_keeper);
struct edge_keeper *edge_keeper_free(struct edge_keeper *keeper); /* before the transport; accepts NULL; returns NULL */
/* The worker has another site: zones that stayed as they were keep their links, others are let go or begun. */
void edge_keeper_site(struct edge_keeper *keeper);
/* The node is about to stop: nothing is dialled or asked any more, but links stay for the calls that end over them. */
void edge_keeper_drain(struct edge_keeper *keeper);
/* The end: links are closed in order, so that the far side need not find out by itself. */
void edge_keeper_close(struct edge_keeper *keeper);
/* For transport_user.closed; argument: the worker. */
void edge_keeper_flow_closed(void *argument, struct transport_flow flow, const struct net_failure *why);

/* ---- for the modules named above ---- */

struct list *edge_keeper_monitors(struct edge_keeper *keeper);
struct list *edge_keeper_dials(struct edge_keeper *keeper);
struct list *edge_keeper_doors(struct edge_keeper *keeper); /* connections of traversal clients */
/* Is it this worker that keeps the zone of that name? */
bool edge_keeper_is_mine(const struct edge_worker *worker, struct span zone_name);
/* Tells a link's state, and records it where it changed. news->now_us is filled in here. */
void edge_keeper_tell(
	struct edge_worker *worker, struct span zone_name, size_t entry, const struct edge_link_news *news);
/* All of a zone's settings that its links depend on, as a number: another one, and they must be made anew. (Times
 * change nothing.) */
uint64_t edge_keeper_print(const struct edge_worker *worker, const struct config_zone *zone);
#endif
