/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_ZONE_H
#define FEDGE_EDGE_ZONE_H
/* Which zone a message came from. In this order: the traversal zone whose proved connection it came over; the neighbor
 * with its address (and, over TLS, the name its certificate must carry); a dns zone with inbound mapping whose name its
 * certificate carries; else none, the Default Zone, where strangers land. */
#include "edge/request.h"

/* NULL: the Default Zone. */
const struct edge_zone *edge_zone_of(
	struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival);
/* For transport: is the sender one we serve by arrangement? */
bool edge_zone_is_known(void *argument, const struct transport_arrival *arrival);
/* For transport: has whoever sent this over a link that is gone another one? */
bool edge_zone_instead(void *argument, const struct transport_arrival *arrival, struct transport_flow *ret_flow);
/* For transport: may requests to this peer go over the connection it opened (RFC 5923)? Neighbors
 * only, and never in Microsoft's dialect. */
bool edge_zone_alias(void *argument, const struct transport_arrival *arrival);
#endif
