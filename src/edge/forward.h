/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_FORWARD_H
#define FEDGE_EDGE_FORWARD_H
/* Sends a request on (RFC 3261 16.6, 16.7): the targets of one group of its plan side by side, the next group when all
 * of them have failed, until somebody gives a good answer. Each is a branch (edge/branch.h). What goes
 * wrong on the way becomes findings; edge/answer.h makes the answer of them.
 *
 *	forward.c  all branches together: which group is next, who is cancelled
 *	branch.c   one branch: which address is next
 *	targets.c  where addresses come from (own_way.c: in a dialog; contacts.c: phones)
 *	send.c     the message as it leaves     outcome.c  what came back
 *	judge.c    whom a connection may be used for */
#include "edge/request.h"

/* ---- all branches: forward.c ---- */

/* Lets go of whatever is under way: questions, client transactions (which end alone). */
void edge_forward_stop(struct edge_request *request);
/* All branches but one (or NULL) are cancelled: INVITEs that were sent get a CANCEL and wait for its effect, the
 * rest ends at once. reason: RFC 3326, may be absent. Begins nothing and answers nothing. */
void edge_forward_cancel(struct edge_request *request, const struct edge_branch *but, struct span reason);
/* After anything that happened to a branch: begins the next contacts or group, or, where nothing is under way any
 * more, gives the final answer. The request may be gone afterwards. */
enum edge_progress edge_forward_settle(struct edge_request *request);
/* May anything new be begun for it? */
bool edge_forward_may_begin(const struct edge_request *request);

/* ---- one branch: branch.c ---- */

/* An open branch of the request's newest group; NULL beyond EDGE_BRANCHES_MAXIMUM or without memory. */
/* beside: how many that begin with it come after it. They share what is left of the request's breadth (RFC 5393 5.3.3);
 * where nothing is left there is none for it. */
struct edge_branch *edge_branch_new(struct edge_request *request, enum edge_way way, size_t beside);
/* It gives nothing any more. */
void edge_branch_end(struct edge_branch *branch);
/* Lets go of its question or client. */
void edge_branch_release(struct edge_branch *branch);
/* The next address, or server; true: something is under way. */
bool edge_branch_walk(struct edge_branch *branch);
/* The same after a wait, and then edge_forward_settle. The request may be gone afterwards. */
void edge_branch_resume(struct edge_branch *branch);

/* ---- addresses: targets.c, own_way.c, contacts.c ---- */

/* Each fills the branch's servers or targets. CONTINUE: they are there (or there are none, and a finding or an
 * outcome says why); WAIT: edge_branch_resume will be called. */
enum edge_progress edge_targets_of_own_way(struct edge_branch *branch);
enum edge_progress edge_targets_of_zone(struct edge_branch *branch);
enum edge_progress edge_targets_of_server(struct edge_branch *branch, size_t server);
/* Its zone cannot be reached at all now: a finding. */
void edge_targets_unreachable(struct edge_branch *branch, struct span why);
/* To the branch's targets; beyond TRANSPORT_TARGET_MAXIMUM nothing is added. */
void edge_target_add(struct edge_branch *branch, struct transport_target target);
/* What RFC 3263 is asked for that URI; a numeric host needs no asking: true, and its target is added. */
struct transport_question edge_target_question(const struct sip_uri *uri, uint64_t mark);
bool edge_target_numeric(struct edge_branch *branch, const struct transport_question *question);
/* RFC 3263; what is found is added. WAIT as above. */
enum edge_progress edge_target_resolve(struct edge_branch *branch, const struct transport_question *question);

/* send.c. 0: sent, or on its way; negative errno. */
int edge_send(struct edge_branch *branch, const struct transport_target *target, const struct edge_zone *zone);
extern const struct transport_client_user edge_outcome_user; /* outcome.c; its argument is the branch */

/* For transport: may this connection be used for that target? (rules R3, R4, or a neighbor's verify name) */
int edge_forward_judge(void *argument, const struct transport_target *target, const struct net_tls_facts *facts);
/* A target's mark tells the judge what to hold the certificate against: 0, whoever is at that address (a
 * neighbor); EDGE_MARK_PARTNER, the target's name; any other, the domain that whoever is there must serve. */
#define EDGE_MARK_PARTNER 2
uint64_t edge_forward_mark(struct edge_worker *worker, struct span domain);
#endif
