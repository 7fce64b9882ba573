/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/branch.h"

#include "edge/answer.h"
#include "edge/forward.h"
#include "peer/view.h"

struct edge_branch *edge_branch_new(struct edge_request *request, enum edge_way way, size_t beside)
{
	struct edge_branch *branch = &request->first;
	if (request->branch_count >= EDGE_BRANCHES_MAXIMUM) {
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
		return NULL;
	}
	if (request->breadth == 0) {
		edge_answer_note(request, EDGE_OUTCOME_TOO_BROAD);
		return NULL;
	}
	if (request->branch_count > 0)
		branch = arena_zero(request->arena, sizeof(*branch));
	if (!branch) {
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
		return NULL;
	}
	branch->request = request;
	branch->number = ++request->branch_count;
	branch->group = request->group;
	branch->way = way;
	branch->open = true;
	branch->breadth = beside < request->breadth ? request->breadth / (uint32_t)(beside + 1) : 1;
	request->breadth -= branch->breadth;
	branch->next = request->branches;
	request->branches = branch;
	request->open_count++;
	return branch;
}

void edge_branch_release(struct edge_branch *branch)
{
	if (branch->ask)
		peer_ask_cancel(branch->ask);
	if (branch->query)
		transport_query_cancel(branch->query);
	if (branch->client)
		transport_client_release(branch->client);
	branch->ask = NULL;
	branch->query = NULL;
	branch->client = NULL;
}

void edge_branch_end(struct edge_branch *branch)
{
	if (!branch->open)
		return;
	branch->open = false;
	branch->request->breadth += branch->breadth;
	branch->request->open_count--;
	if (branch->of)
		branch->of->open--;
}

/* One address after the other; a send that fails at once counts as tried. */
static bool try_targets(struct edge_branch *branch)
{
	while (branch->next_target < branch->target_count) {
		const struct transport_target *target = &branch->targets[branch->next_target++];
		if (edge_send(branch, target, branch->zone) == 0)
			return true;
	}
	return false;
}

bool edge_branch_walk(struct edge_branch *branch)
{
	for (;;) {
		if (branch->cancelled || !edge_forward_may_begin(branch->request))
			return false;
		if (try_targets(branch)) {
			branch->request->sent_for_good =
				!branch->client; /* an ACK or a BENOTIFY: nothing will come back */
			return branch->client != NULL;
		}
		branch->target_count = branch->next_target = 0;
		if (branch->next_server >= branch->server_count)
			return false;
		if (edge_targets_of_server(branch, branch->next_server++) == EDGE_WAIT)
			return true;
	}
}

void edge_branch_resume(struct edge_branch *branch)
{
	if (edge_branch_walk(branch))
		return;
	edge_branch_end(branch);
	edge_forward_settle(branch->request);
}
