/* SPDX-License-Identifier: Apache-2.0 */
/* The order of call routing: transforms, policy, rules; a redirection begins again. */
#include "route/search.h"

#include <errno.h>

/* ---- steps ---- */

static bool steps_grow(struct route_search *search)
{
	size_t capacity = search->step_capacity * 2;
	struct route_step *steps = arena_allocate(search->arena, capacity * sizeof(*steps));
	if (!steps)
		return false;
	memcpy(steps, search->steps, search->plan->step_count * sizeof(*steps));
	search->steps = steps;
	search->step_capacity = capacity;
	return true;
}

struct route_step *route_search_grow(struct route_search *search)
{
	struct route_plan *plan = search->plan;
	if (plan->step_count >= ROUTE_STEPS_MAXIMUM) {
		plan->steps_dropped++;
		return &search->dropped;
	}
	return steps_grow(search) ? &search->steps[plan->step_count++] : NULL;
}

/* Most searches look at every entry once, or at fewer. */
static int steps_begin(struct route_search *search)
{
	const struct route_table *table = search->table;
	size_t count = table->transform_count + table->policy_count + table->rule_count;
	search->step_capacity = count < 1 ? 1 : count > 64 ? 64 : count;
	search->steps = arena_allocate(search->arena, search->step_capacity * sizeof(*search->steps));
	return search->steps ? 0 : -ENOMEM;
}

/* ---- the search ---- */

/* From the alias as it stands to the policy's decision. */
static int search_decide(struct route_search *search, struct route_decision *ret_decision)
{
	int status = route_search_transforms(search);
	return status < 0 ? status : route_search_policy(search, ret_decision);
}

static void search_reject(struct route_search *search, const struct route_decision *decision)
{
	search->plan->rejected = decision->rule;
	search->plan->rejected_status = decision->status;
}

static int search_run(struct route_search *search, uint32_t restarts)
{
	struct route_plan *plan = search->plan;
	plan->goes_round = restarts > ROUTE_RESTARTS_MAXIMUM;
	while (!plan->goes_round) {
		struct route_decision decision;
		int status = search_decide(search, &decision);
		if (status < 0)
			return status;
		if (decision.action == ROUTE_ALLOW)
			return route_search_rules(search);
		if (decision.action == ROUTE_REJECT) {
			search_reject(search, &decision);
			return 0;
		}
		plan->goes_round = restarts + plan->restarts >= ROUTE_RESTARTS_MAXIMUM;
		if (!plan->goes_round) {
			plan->restarts++;
			search->alias = decision.alias;
		}
	}
	return 0;
}

int route_plan_make(const struct route_table *table, const struct route_request *request, uint32_t restarts,
	struct arena *arena, struct route_plan *ret_plan)
{
	struct route_plan plan = { 0 };
	struct route_search search = {
		.table = table, .request = request, .arena = arena, .alias = request->alias, .plan = &plan
	};
	int status = steps_begin(&search);
	if (status < 0)
		return status;
	route_room_init(&search.room, table->limits, arena);
	status = search_run(&search, restarts);
	route_room_done(&search.room);
	if (status < 0)
		return status;
	plan.steps = search.steps;
	plan.targets = search.targets;
	plan.alias = search.alias;
	*ret_plan = plan;
	return 0;
}
