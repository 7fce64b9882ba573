/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_PLAIN_H
#define FEDGE_EDGE_PLAIN_H
/* Plain DNS zones (service sip): found by RFC 3263 with the zone's settings, without the rules of trust. Rules decide
 * who of our side may call that way; nobody is let in by it, and no stranger is passed on (edge/send.c). Results and
 * waiting as in edge/forward.h. */
#include "edge/branch.h"
#include "edge/request.h"

/* The domain dialled, or the one to be looked up in its place. */
enum edge_progress edge_plain_search(struct edge_branch *branch);
/* In a dialog: the next hop that it names itself. */
enum edge_progress edge_plain_next_hop(struct edge_branch *branch, const struct sip_uri *uri);
/* The mark (edge/forward.h) of a connection to that domain by that zone. */
uint64_t edge_plain_mark(struct edge_worker *worker, const struct edge_zone *zone, struct span domain);
/* Is that what a mark stands for? Then *ret_status is the judgement: the certificate is trusted and carries the zone's
 * verify_name, or where there is none the name that was looked up or the server's own. */
bool edge_plain_judge(struct edge_worker *worker, struct span marked, const struct transport_target *target,
	const struct net_tls_facts *facts, int *ret_status);
#endif
