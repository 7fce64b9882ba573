/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_FORWARD_H
#define FEDGE_EDGE_FORWARD_H
/* Sends a request on: the zones of its plan one after the other, in each zone the servers, of each
 * server the addresses (RFC 3261 16.6 and 16.7, RFC 3263 4.3), until somebody gives a good answer. What goes
 * wrong on the way becomes findings; edge/answer.h makes the answer of them.
 *
 *	forward.c  which target is next      targets.c  where targets come from (own_way.c: in a dialog)
 *	send.c     the message as it leaves  outcome.c  what came back
 *	judge.c    whom a connection may be used for */
#include "edge/request.h"

/* Lets go of whatever is under way: questions, client transaction (which ends alone). */
void edge_forward_stop(struct edge_request *request);
/* The next target, server, or zone; with none left the final answer. The request may be gone afterwards. */
enum edge_progress edge_forward_next(struct edge_request *request);

/* targets.c, own_way.c: fills the attempt's servers or targets. CONTINUE: they are there (or there are none, and a
 * finding says why); WAIT: edge_forward_next will be called; DONE: the request was answered. */
enum edge_progress edge_targets_of_own_way(struct edge_request *request);
enum edge_progress edge_targets_of_zone(struct edge_request *request, const struct route_target *planned);
/* To the attempt's targets; beyond TRANSPORT_TARGET_MAXIMUM nothing is added. */
void edge_target_add(struct edge_request *request, struct transport_target target);
/* RFC 3263; what is found is added. WAIT as above. */
enum edge_progress edge_target_resolve(struct edge_request *request, const struct transport_question *question);
enum edge_progress edge_targets_of_server(struct edge_request *request, const struct trust_candidate *server);

/* send.c. 0: sent, or on its way; negative errno. */
int edge_send(struct edge_request *request, const struct transport_target *target, const struct edge_zone *zone);
extern const struct transport_client_user edge_outcome_user; /* outcome.c */

/* For transport: may this connection be used for that target? (rules R3, R4, or a neighbor's verify name) */
int edge_forward_judge(void *argument, const struct transport_target *target, const struct net_tls_facts *facts);
/* A target's mark tells the judge what to hold the certificate against: 0, whoever is at that address (a
 * neighbor); EDGE_MARK_PARTNER, the target's name; any other, the domain that whoever is there must serve. */
#define EDGE_MARK_PARTNER 2
uint64_t edge_forward_mark(struct edge_worker *worker, struct span domain);
#endif
