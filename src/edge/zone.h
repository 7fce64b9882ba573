/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_ZONE_H
#define FEDGE_EDGE_ZONE_H
/* Which zone a message came from: a neighbor by its address (and, over TLS, by the name its
 * certificate must carry), else the default zone, where strangers land. */
#include "edge/request.h"

/* For transport: is the sender a neighbor? */
bool edge_zone_is_known(void *argument, const struct transport_arrival *arrival);
/* For transport: may requests to this peer go over the connection it opened (RFC 5923)? Neighbors
 * only, and never in Microsoft's dialect. */
bool edge_zone_alias(void *argument, const struct transport_arrival *arrival);
#endif
