/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_ANSWER_H
#define FEDGE_EDGE_ANSWER_H
/* The only place in `serve` that picks final status codes. Others say what happened: a finding, an
 * outcome, or that nothing is left to try. Who is told what: our own side everything (ms-diagnostics,
 * Warning 399); strangers in the standard dialect the facts about their own public records
 * (ms-diagnostics-public, a setting); strangers in Microsoft's dialect nothing (Cisco TAC 212383). */
#include "edge/request.h"

struct sip_defect;

/* What is no judgement about a peer or a route and so no finding. */
enum edge_outcome {
	EDGE_OUTCOME_ALIVE, /* OPTIONS to ourselves */
	EDGE_OUTCOME_NO_TRANSACTION, /* a CANCEL for nothing */
	EDGE_OUTCOME_UNKNOWN_SCHEME,
	EDGE_OUTCOME_UNKNOWN_EXTENSION, /* Proxy-Require */
	EDGE_OUTCOME_BAD_ROUTE,
	EDGE_OUTCOME_TOO_BROAD, /* Max-Breadth (RFC 5393) leaves no branch */
	EDGE_OUTCOME_URI_WITH_HEADERS, /* in the Request-URI, where RFC 3261 19.1.1 allows none */
	EDGE_OUTCOME_STRANGER_WITHOUT_TLS,
	EDGE_OUTCOME_STRANGER_WITHOUT_TRUST, /* in a dialog, over a connection of an untrusted certificate */
	EDGE_OUTCOME_STRANGER_WITHOUT_DNS,
	EDGE_OUTCOME_NOT_FOR_US, /* addressed to this node itself, with a method it has no use for */
	EDGE_OUTCOME_CANCELLED,
	EDGE_OUTCOME_NO_ANSWER_IN_TIME,
	EDGE_OUTCOME_NEXT_HOP_UNAVAILABLE, /* it said 503, which is not for our caller (RFC 3261 16.7 step 6) */
	EDGE_OUTCOME_DRAINING,
	EDGE_OUTCOME_ROUTE_NOT_TAKEN, /* a Route that leads on beyond us, from a zone that may not bring one */
	EDGE_OUTCOME_UNKNOWN_USER, /* of the local zone */
	EDGE_OUTCOME_NOT_REGISTERED, /* a user of the local zone without a phone */
	EDGE_OUTCOME_LINK_UNPROVED, /* anything but its OPTIONS over a traversal connection that is not proved yet */
	EDGE_OUTCOME_INTERNAL, /* memory, limits */
	EDGE_OUTCOME_REGISTERED,
	EDGE_OUTCOME_NOT_REGISTERED_HERE, /* a REGISTER for an address that is none of the registrar's */
	EDGE_OUTCOME_BAD_CONTACT,
	EDGE_OUTCOME_INTERVAL_TOO_BRIEF,
	EDGE_OUTCOME_REGISTER_OUT_OF_ORDER,
	EDGE_OUTCOME_FIRST_HOP_LACKS_OUTBOUND,
	EDGE_OUTCOME_PATH_NOT_TAKEN, /* from nobody who may say what a phone is reached by */
	EDGE_OUTCOME_UNKNOWN_REQUIRE,
	EDGE_OUTCOME_PROOF_MALFORMED,
	EDGE_OUTCOME_PROOF_MISMATCHED, /* credentials for another Request-URI */
	EDGE_OUTCOME_TOO_MANY_UNPROVED, /* of one sender */
	EDGE_OUTCOME_COUNT,
};

/* All of these give EDGE_DONE, so that a step can end with them. For an ACK, a BENOTIFY, and after a
 * final answer they only end the request. */
enum edge_progress edge_answer_outcome(struct edge_request *request, enum edge_outcome outcome);
/* The same with more headers. */
struct edge_reply_header;
enum edge_progress edge_answer_with(
	struct edge_request *request, enum edge_outcome outcome, const struct edge_reply_header *headers, size_t count);
/* The status that it gives, for records. */
uint16_t edge_outcome_status(enum edge_outcome outcome);
/* The first error of the request's findings. */
enum edge_progress edge_answer_findings(struct edge_request *request);
enum edge_progress edge_answer_too_many_hops(struct edge_request *request);
enum edge_progress edge_answer_loop(struct edge_request *request);
enum edge_progress edge_answer_route_untrusted(struct edge_request *request, struct span value);
enum edge_progress edge_answer_no_rule(struct edge_request *request);
/* The call policy says no: its status and reason. */
enum edge_progress edge_answer_policy(struct edge_request *request, const struct route_plan *plan);
/* 401 or 407 with these values of WWW-Authenticate or Proxy-Authenticate, a line each. */
enum edge_progress edge_answer_challenge(
	struct edge_request *request, uint16_t status, const struct span *values, size_t count);
/* Something went wrong with one of several ways, which answers nothing yet: it is the answer where no way gives a
 * better one. */
void edge_answer_note(struct edge_request *request, enum edge_outcome outcome);
/* Every target has been tried (or the call was cancelled): the best response that came, else the
 * strongest finding, else a timeout (RFC 3261 16.7 steps 6 and 9). */
enum edge_progress edge_answer_exhausted(struct edge_request *request);

/* Before there is a request. */
void edge_answer_malformed(
	struct edge_worker *worker, struct transport_server *server, const struct sip_defect *defect);
void edge_answer_overload(struct edge_worker *worker, struct transport_server *server);
#endif
