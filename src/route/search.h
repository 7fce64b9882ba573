/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_SEARCH_H
#define FEDGE_ROUTE_SEARCH_H
/* A plan while it is being made, and the three stages that make it. For this folder's own files. */
#include "route/table_private.h"

struct route_search {
	const struct route_table *table;
	const struct route_request *request;
	struct arena *arena;
	struct route_room room;
	struct span alias; /* as it stands now */
	struct route_step *steps;
	size_t step_capacity;
	struct route_step dropped; /* where those beyond the maximum go */
	struct route_target *targets;
	size_t target_capacity;
	struct route_plan *plan; /* its steps and targets are set at the end */
};

static inline bool route_search_source_fits(
	const struct route_search *search, enum route_source source, int source_zone)
{
	int from = search->request->source;
	switch (source) {
	case ROUTE_SOURCE_ANY:
		return true;
	case ROUTE_SOURCE_ALL_ZONES:
		return from != ROUTE_ZONE_DEFAULT;
	case ROUTE_SOURCE_DEFAULT:
		return from == ROUTE_ZONE_DEFAULT;
	case ROUTE_SOURCE_LOCAL:
		return from >= 0 && from == search->table->local_zone;
	case ROUTE_SOURCE_ZONE:
		return from == source_zone;
	}
	return false;
}
bool route_search_is_address(struct span alias); /* IPv6 with or without brackets */
bool route_search_is_at_address(struct span alias); /* it, or what stands behind its "@" */
/* Room for the next step; beyond ROUTE_STEPS_MAXIMUM one that is only counted. NULL: no memory. */
struct route_step *route_search_grow(struct route_search *search);
/* The next step with the alias as it stands now; whose it is, and another alias, are filled in by the caller. */
static inline struct route_step *route_search_step(struct route_search *search, enum route_part part, int verdict)
{
	struct route_plan *plan = search->plan;
	struct route_step *step = plan->step_count < search->step_capacity ? &search->steps[plan->step_count++]
									   : route_search_grow(search);
	if (step) {
		step->part = part;
		step->transform = NULL;
		step->policy = NULL;
		step->rule = NULL;
		step->verdict = (enum route_verdict)verdict;
		step->alias = search->alias;
	}
	return step;
}

/* The stages, each in the file of its name. 0 or -ENOMEM. */
int route_search_transforms(struct route_search *search); /* changes search->alias */
/* The rule that decided, or NULL: then the call is allowed. */
struct route_decision {
	const struct route_policy_rule *rule;
	enum route_action action;
	uint16_t status; /* reject */
	struct span alias; /* redirect */
};
int route_search_policy(struct route_search *search, struct route_decision *ret_decision);
int route_search_rules(struct route_search *search); /* adds targets */
#endif
