/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_JOURNAL_H
#define FEDGE_EDGE_JOURNAL_H
/* What the edge did, as records: searches, rules, attempts, calls, judgements. (Messages, connections and
 * handshakes are recorded by transport, questions to the DNS about partners by peer.) Costs nothing where nobody
 * listens. */
#include "edge/request.h"
#include "net/resolver.h"
#include "record/record.h"

void edge_journal_search_attempted(const struct edge_request *request);
void edge_journal_rules(const struct edge_request *request, const struct route_plan *plan);
/* One step of a plan as it is recorded; source: the zone the request came from. action is room that ret_rule borrows.
 * Asks no request, so that a dry run can say the same words. */
#define EDGE_JOURNAL_ACTION_SIZE 200
void edge_journal_step(const struct edge_site *site, const struct route_step *step, struct span source,
	char action[EDGE_JOURNAL_ACTION_SIZE], struct record_rule *ret_rule);
/* A zone is asked, an address or contact tried, and what came of it. */
void edge_journal_attempt(
	const struct edge_branch *branch, enum record_attempt_event event, uint16_t status, struct span reason);
/* A zone is asked that has no branch yet: phones. */
void edge_journal_zone(const struct edge_request *request, const struct edge_zone *zone, struct span alias);
/* A question to the DNS by RFC 3263 (answer NULL), or its answer. */
void edge_journal_dns(const struct edge_request *request, const char *name, enum net_dns_type type,
	const struct net_dns_answer *answer);
void edge_journal_sent(const struct edge_branch *branch, int status); /* of edge_send */
void edge_journal_failed(const struct edge_branch *branch, const struct transport_failure *failed);
/* The final answer is known: the search and, for an INVITE, the call have ended or stand. */
void edge_journal_answered(const struct edge_request *request, uint16_t status, struct span reason);
/* A finding and what it did to a request; status 0: it refused nothing (a warning, or the next target
 * is tried). peer: "vcse.steven.lab:25002". */
void edge_journal_judgement(const struct edge_request *request, const struct finding *finding, struct span peer,
	uint16_t status, struct span reason);
/* A BYE was answered: the call is over. */
void edge_journal_call_ended(const struct edge_request *request);
void edge_journal_note(const struct record_sink *sink, const struct clock *clock, enum record_node_event event,
	enum record_severity severity, struct span text);
#endif
