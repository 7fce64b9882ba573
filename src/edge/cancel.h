/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_CANCEL_H
#define FEDGE_EDGE_CANCEL_H
/* A caller hangs up before the answer (RFC 3261 16.10), or we cannot wait for it. */
#include "edge/request.h"

/* The branch under way is cancelled and its answer awaited; where there is none, the INVITE ends at
 * once. No further target is tried. */
void edge_cancel(struct edge_request *request, const struct sip_message *cancel);
/* The node ends: all that are under way are answered 503, so that their senders need not find out by waiting, and
 * whoever rings is cancelled. False: none was. */
bool edge_cancel_all(struct edge_worker *worker);
#endif
