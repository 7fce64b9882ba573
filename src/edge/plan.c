/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes: to ourselves, along the route it brings, or where the search rules lead. */
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/journal.h"

/* Addressed to this node and to nobody on it: keep-alives and probes by OPTIONS. */
static bool is_for_us(struct edge_request *request)
{
	const struct sip_uri *uri = &request->hop.uri;
	return !request->hop.has_route && sip_uri_is_sip(uri) && !uri->user.at &&
	       edge_dress_is_ours(uri, request->worker);
}

/* A request that follows its own way: in a dialog, or with a Route that goes on beyond us. Strangers
 * come here only with a Route of ours (edge/loop.c). */
static bool has_own_way(const struct edge_request *request)
{
	const struct route_next_hop *hop = &request->hop;
	if (hop->has_route || hop->was_strict)
		return true;
	return request->in_dialog && hop->own_routes > 0;
}

/* The alias of From: what it claims, not what was proved. */
static struct span caller_of(const struct edge_request *request)
{
	struct sip_uri uri;
	if (sip_uri_parse(request->message->from.uri, &uri, NULL) < 0)
		return SPAN_NONE;
	return route_alias(&uri);
}

enum edge_progress edge_plan(struct edge_request *request)
{
	if (is_for_us(request))
		return edge_answer_outcome(request,
			request->message->method == SIP_METHOD_OPTIONS ? EDGE_OUTCOME_ALIVE : EDGE_OUTCOME_NOT_FOR_US);
	if (has_own_way(request))
		return EDGE_CONTINUE;
	struct route_request wanted = {
		.alias = route_alias(&request->hop.uri),
		.caller = caller_of(request),
		.source = request->source ? request->source->index : ROUTE_ZONE_DEFAULT,
	};
	if (!wanted.alias.at)
		return edge_answer_no_rule(request);
	if (route_plan_make(request->site->table, &wanted, 0, request->arena, &request->plan) < 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	request->planned = true;
	edge_journal_search_attempted(request);
	edge_journal_rules(request);
	if (request->plan.target_count == 0)
		return edge_answer_no_rule(request);
	return EDGE_CONTINUE;
}
