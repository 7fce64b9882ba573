/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/forward.h"

#include "edge/answer.h"
#include "edge/contacts.h"
#include "edge/journal.h"

void edge_forward_stop(struct edge_request *request)
{
	for (struct edge_branch *branch = request->branches; branch; branch = branch->next)
		edge_branch_release(branch);
}

static void cancel(struct edge_branch *branch, struct span reason)
{
	bool is_invite = branch->request->message->method == SIP_METHOD_INVITE;
	bool waits = branch->client && is_invite;
	if (branch->client && branch->has_final)
		return; /* a 2xx that may be repeated */
	if (!branch->cancelled)
		edge_journal_attempt(branch, RECORD_ATTEMPT_CANCELLED, 0, SPAN_NONE);
	branch->cancelled = true;
	if (waits) {
		transport_cancel(branch->client, reason);
		return;
	}
	edge_branch_release(branch);
	edge_branch_end(branch);
}

void edge_forward_cancel(struct edge_request *request, const struct edge_branch *but, struct span reason)
{
	for (struct edge_branch *branch = request->branches; branch; branch = branch->next)
		if (branch->open && branch != but)
			cancel(branch, reason);
}

bool edge_forward_may_begin(const struct edge_request *request)
{
	return !request->cancelled && !request->stopped && !request->answered && !request->sent_for_good;
}

static void begin(struct edge_branch *branch)
{
	enum edge_progress progress =
		branch->way == EDGE_WAY_OWN ? edge_targets_of_own_way(branch) : edge_targets_of_zone(branch);
	if (progress == EDGE_CONTINUE && !edge_branch_walk(branch))
		edge_branch_end(branch);
}

static enum edge_way way_of(const struct edge_zone *zone)
{
	static const enum edge_way ways[] = {
		[CONFIG_ZONE_DNS] = EDGE_WAY_PARTNER, /* or plain */
		[CONFIG_ZONE_NEIGHBOR] = EDGE_WAY_ZONE,
		[CONFIG_ZONE_TRAVERSAL_CLIENT] = EDGE_WAY_LINK,
		[CONFIG_ZONE_TRAVERSAL_SERVER] = EDGE_WAY_LINK,
		[CONFIG_ZONE_LOCAL] = EDGE_WAY_CONTACT,
		[CONFIG_ZONE_DEFAULT] = EDGE_WAY_ZONE, /* never a target */
	};
	return edge_site_zone_is_plain(zone) ? EDGE_WAY_PLAIN : ways[zone->config->kind];
}

/* beside: how many of its group come after it. */
static void begin_target(struct edge_request *request, const struct route_target *target, size_t beside)
{
	const struct edge_zone *zone = &request->site->zones[target->zone];
	enum edge_way way = way_of(zone);
	if (way == EDGE_WAY_CONTACT) {
		edge_contacts_begin(request, zone, target->alias, beside);
		return;
	}
	struct edge_branch *branch = edge_branch_new(request, way, beside);
	if (!branch)
		return;
	branch->zone = zone;
	branch->alias = target->alias;
	edge_journal_attempt(branch, RECORD_ATTEMPT_ZONE, 0, SPAN_NONE);
	begin(branch);
}

/* How many targets of the last one's group come after it. */
static size_t group_rest(const struct edge_search *search)
{
	const struct route_plan *plan = &search->plan;
	size_t end = search->next_target;
	while (end < plan->target_count && plan->targets[end].group == plan->targets[search->next_target - 1].group)
		end++;
	return end - search->next_target;
}

/* The targets of one priority, side by side. False: none is left. */
static bool begin_group(struct edge_request *request)
{
	struct edge_search *search = request->search;
	while (search && search->next_target >= search->plan.target_count)
		search = request->search = search->below;
	if (!search)
		return false;
	const struct route_target *first = &search->plan.targets[search->next_target];
	request->group++;
	while (search->next_target < search->plan.target_count && edge_forward_may_begin(request)) {
		const struct route_target *target = &search->plan.targets[search->next_target];
		if (target->group != first->group)
			break;
		search->next_target++;
		begin_target(request, target, group_rest(search));
	}
	return true;
}

static enum edge_progress finish(struct edge_request *request)
{
	edge_request_finish(request);
	return EDGE_DONE;
}

enum edge_progress edge_forward_settle(struct edge_request *request)
{
	for (;;) {
		if (request->sent_for_good)
			return finish(request);
		edge_contacts_advance(request);
		if (request->open_count > 0)
			return EDGE_WAIT;
		if (request->answered)
			return finish(request);
		if (!edge_forward_may_begin(request) || !begin_group(request))
			return edge_answer_exhausted(request);
	}
}

enum edge_progress edge_forward(struct edge_request *request)
{
	if (!request->planned || request->follows_route) {
		struct edge_branch *branch = edge_branch_new(request, EDGE_WAY_OWN, 0);
		if (branch)
			begin(branch);
	}
	return edge_forward_settle(request);
}
