/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes: to ourselves, along the route it brings, or where the search rules lead. */
#include "edge/plan.h"

#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/journal.h"

#include <errno.h>

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

/* Who calls: the identity that was proved, else what From claims. */
static struct span caller_of(const struct edge_request *request)
{
	struct sip_uri uri;
	if (request->asserted.at)
		return request->asserted;
	if (sip_uri_parse(request->message->from.uri, &uri, NULL) < 0)
		return SPAN_NONE;
	return route_alias(&uri);
}

int edge_plan_search(struct edge_request *request, struct span alias)
{
	struct edge_search *search = arena_zero(request->arena, sizeof(*search));
	struct route_request wanted = {
		.alias = alias,
		.caller = caller_of(request),
		.source = request->source ? request->source->index : ROUTE_ZONE_DEFAULT,
		.authenticated = request->authenticated,
		.variant = request->variant,
	};
	if (!search)
		return -ENOMEM;
	int status = route_plan_make(request->site->table, &wanted, request->restarts, request->arena, &search->plan);
	if (status < 0)
		return status;
	edge_journal_rules(request, &search->plan);
	search->below = request->search;
	request->search = search;
	return 0;
}

enum edge_progress edge_plan(struct edge_request *request)
{
	if (is_for_us(request))
		return edge_answer_outcome(request,
			request->message->method == SIP_METHOD_OPTIONS ? EDGE_OUTCOME_ALIVE : EDGE_OUTCOME_NOT_FOR_US);
	if (has_own_way(request))
		return EDGE_CONTINUE;
	struct span alias = route_alias(&request->hop.uri);
	if (!alias.at)
		return edge_answer_no_rule(request);
	request->planned = true;
	edge_journal_search_attempted(request);
	if (edge_plan_search(request, alias) < 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	const struct route_plan *plan = &request->search->plan;
	if (plan->rejected)
		return edge_answer_policy(request, plan);
	if (plan->goes_round)
		return edge_answer_loop(request);
	if (plan->target_count == 0)
		return edge_answer_no_rule(request);
	return EDGE_CONTINUE;
}
