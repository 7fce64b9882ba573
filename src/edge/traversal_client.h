/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_TRAVERSAL_CLIENT_H
#define FEDGE_EDGE_TRAVERSAL_CLIENT_H
/* The inside end of a traversal zone: dials out to every server of the zone, so that the inside needs no port that is
 * reached from outside. Once the connection stands and the server's certificate carries verify_name, an OPTIONS proves
 * who we are (digest by the zone's username and password); only when it was answered 200 is the link active, calls go
 * over it and requests that come over it count as the zone's. It is proved again each monitor_interval; a connection
 * that ends, an OPTIONS without an answer within monitor_timeout or with a bad one fails the link, which is made anew
 * after a wait (edge/back_off.h, from retry), its name looked up again.
 *
 * Over TLS or TCP. Not over UDP: the address a datagram comes from proves nothing. */
#include "edge/worker.h"

struct net_failure;
struct net_tls_facts;

#define EDGE_TRAVERSAL_PORT 7001 /* of a server without one (facts: Expressway's first traversal zone) */

/* Dials what the newest site wants and is this worker's, lets go of the rest. */
void edge_dials_site(struct edge_worker *worker);
/* Links stay as long as they stand, and are not made anew. */
void edge_dials_drain(struct edge_worker *worker);
void edge_dials_close(struct edge_worker *worker);
void edge_dials_free(struct edge_worker *worker);
void edge_dials_flow_closed(struct edge_worker *worker, struct transport_flow flow, const struct net_failure *why);

/* The mark of targets of a traversal client's zone: even, above 2, never 0. */
uint64_t edge_traversal_mark(const struct edge_worker *worker, struct span zone_name);
/* Is the target one of a traversal client's zone of the worker's site? Then *ret_status says whether the connection may
 * be used for it (transport_user.judge). */
bool edge_traversal_client_judge(struct edge_worker *worker, const struct transport_target *target,
	const struct net_tls_facts *facts, int *ret_status);
/* The traversal client's zone for which the connection was opened that it came over (proved or not), or NULL. */
const struct edge_zone *edge_traversal_client_zone(
	const struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival);
#endif
