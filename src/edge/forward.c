/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/forward.h"

#include "edge/answer.h"
#include "peer/view.h"

void edge_forward_stop(struct edge_request *request)
{
	if (request->ask)
		peer_ask_cancel(request->ask);
	if (request->query)
		transport_query_cancel(request->query);
	if (request->client)
		transport_client_release(request->client);
	request->ask = NULL;
	request->query = NULL;
	request->client = NULL;
}

/* One address after the other; a send that fails at once counts as tried. */
static bool try_targets(struct edge_request *request)
{
	struct edge_attempt *attempt = &request->attempt;
	while (attempt->next_target < attempt->target_count) {
		const struct transport_target *target = &attempt->targets[attempt->next_target++];
		if (edge_send(request, target, attempt->zone) < 0)
			continue;
		return true;
	}
	return false;
}

/* The next server of this zone, else the next zone of the plan. CONTINUE: there may be targets now. */
static enum edge_progress find_targets(struct edge_request *request)
{
	struct edge_attempt *attempt = &request->attempt;
	attempt->target_count = attempt->next_target = 0;
	if (attempt->next_server < attempt->server_count)
		return edge_targets_of_server(request, &attempt->servers[attempt->next_server++]);
	if (request->next_plan_target >= request->plan.target_count)
		return edge_answer_exhausted(request);
	return edge_targets_of_zone(request, &request->plan.targets[request->next_plan_target++]);
}

/* An ACK or a BENOTIFY: nothing will come back. */
static enum edge_progress sent_for_good(struct edge_request *request)
{
	edge_request_finish(request);
	return EDGE_DONE;
}

enum edge_progress edge_forward_next(struct edge_request *request)
{
	for (;;) {
		if (request->cancelled)
			return edge_answer_exhausted(request);
		if (try_targets(request))
			return request->client ? EDGE_WAIT : sent_for_good(request);
		enum edge_progress progress = find_targets(request);
		if (progress != EDGE_CONTINUE)
			return progress;
	}
}

enum edge_progress edge_forward(struct edge_request *request)
{
	if (!request->planned) {
		enum edge_progress progress = edge_targets_of_own_way(request);
		if (progress != EDGE_CONTINUE)
			return progress;
	}
	return edge_forward_next(request);
}
