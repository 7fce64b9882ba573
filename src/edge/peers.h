/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_PEERS_H
#define FEDGE_EDGE_PEERS_H
/* What a connection tells of whoever is at its other end: the certificate as plain facts, and
 * whether it may stand for a name. Judges by trust/ only. */
#include "edge/worker.h"
#include "trust/facts.h"

struct net_tls_facts;
struct peer_chain;

/* The chain that a connection showed; a reference of the caller's (peer_chain_unref). 0 with NULL where it
 * showed none; -ESTALE: a resumed session of which nothing is known any more. */
int edge_peers_chain(
	struct edge_worker *worker, const struct net_tls_facts *facts, const struct peer_chain **ret_chain);
/* Is the chain trusted and in date (rule R3)? NULL is not. */
bool edge_peers_trusts(const struct edge_worker *worker, const struct peer_chain *chain);
/* Is the certificate trusted and in date, and does it carry the name (rules R3 and R4)? For neighbors
 * with a name to verify. */
bool edge_peers_covers(struct edge_worker *worker, const struct net_tls_facts *facts, struct span name);
/* The name in the connection's certificate, into a caller's array; false where there is none or it does not fit. */
bool edge_peers_copy_name(
	struct edge_worker *worker, const struct net_tls_facts *facts, char *ret_name, size_t capacity);
/* The name to show in records for a connection: of its certificate, else its address with port. */
struct span edge_peers_name(struct edge_worker *worker, const struct transport_arrival *arrival, struct arena *arena);
#endif
