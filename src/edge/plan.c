/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes: to ourselves, along the route it brings, or where the search rules lead. */
#include "edge/plan.h"

#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/journal.h"
#include "sip/dialect.h"

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

static enum route_variant variant_of(const struct edge_request *request)
{
	static const enum route_variant variants[] = {
		[SIP_VARIANT_STANDARDS] = ROUTE_VARIANT_STANDARDS,
		[SIP_VARIANT_MICROSOFT_AV] = ROUTE_VARIANT_MICROSOFT_AV,
		[SIP_VARIANT_MICROSOFT_IM] = ROUTE_VARIANT_MICROSOFT_IM,
	};
	if (!request->site->uses_variants && !record_wanted(&request->worker->sink))
		return ROUTE_VARIANT_ANY;
	return variants[sip_dialect_variant(request->message)];
}

/* A request that begins something and brings a Route beyond us ("preloaded"): CUCM names its cluster there. */
static bool is_preloaded(const struct edge_request *request)
{
	return request->hop.has_route && !request->hop.was_strict && !request->in_dialog;
}

static enum edge_progress search(struct edge_request *request, struct span alias)
{
	request->planned = true;
	request->variant = variant_of(request);
	edge_journal_search_attempted(request);
	if (edge_plan_search(request, alias) < 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	const struct route_plan *plan = &request->search->plan;
	if (plan->rejected)
		return edge_answer_policy(request, plan);
	if (plan->goes_round)
		return edge_answer_loop(request);
	return EDGE_CONTINUE;
}

/* The search is done on the Route; where no rule takes it, it is followed as it stands. */
static enum edge_progress plan_by_route(struct edge_request *request)
{
	const struct config_zone *source = edge_site_source(request->site, request->source);
	struct span alias = route_alias(&request->hop.uri);
	if (!source || !source->preloaded_routes)
		return edge_answer_outcome(request, EDGE_OUTCOME_ROUTE_NOT_TAKEN);
	if (!alias.at)
		return EDGE_CONTINUE;
	request->by_route = true;
	enum edge_progress progress = search(request, alias);
	if (progress == EDGE_CONTINUE && request->search->plan.target_count == 0)
		request->follows_route = true;
	return progress;
}

enum edge_progress edge_plan(struct edge_request *request)
{
	if (is_for_us(request))
		return edge_answer_outcome(request,
			request->message->method == SIP_METHOD_OPTIONS ? EDGE_OUTCOME_ALIVE : EDGE_OUTCOME_NOT_FOR_US);
	if (is_preloaded(request))
		return plan_by_route(request);
	if (has_own_way(request))
		return EDGE_CONTINUE;
	struct span alias = route_alias(&request->hop.uri);
	if (!alias.at)
		return edge_answer_no_rule(request);
	enum edge_progress progress = search(request, alias);
	if (progress == EDGE_CONTINUE && request->search->plan.target_count == 0)
		return edge_answer_no_rule(request);
	return progress;
}
