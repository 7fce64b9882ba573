/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_TRAVERSAL_SERVER_H
#define FEDGE_EDGE_TRAVERSAL_SERVER_H
/* The outside end of a traversal zone: its own port, where the inside node dials in. Nothing passes there but OPTIONS
 * until one has proved the connection: its certificate carries verify_name (over TLS), and the digest is right for the
 * zone's username and password. Then the connection is a link of the zone: calls to the zone go over it, what comes
 * over it is the zone's. It has to prove itself again before three monitor_intervals are over, or it is closed. Several
 * clients may be linked at once (a cluster); they take turns. A client that comes back (its OPTIONS have the Call-ID
 * of before) takes the place of its old connection.
 *
 * Nonces are bound to zone and connection by the node's key and good for five minutes: a proof overheard elsewhere is
 * worth nothing here. */
#include "edge/request.h"

struct net_failure;

/* Opens the ports that the newest site wants and closes the others; links whose zone is another now end. */
void edge_doors_site(struct edge_worker *worker);
void edge_doors_close(struct edge_worker *worker);
void edge_doors_free(struct edge_worker *worker);
void edge_doors_flow_closed(struct edge_worker *worker, struct transport_flow flow, const struct net_failure *why);

/* A request that came in by the zone's port. CONTINUE: it is a proved client's, to be treated as the zone's. */
enum edge_progress edge_traversal_server_take(struct edge_request *request, const struct edge_zone *zone);
#endif
