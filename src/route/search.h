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
	struct route_target *targets;
	size_t target_capacity;
	struct route_plan *plan; /* its steps and targets are set at the end */
};

bool route_search_source_fits(const struct route_search *search, enum route_source source, int source_zone);
bool route_search_is_address(struct span alias); /* IPv6 with or without brackets */
bool route_search_is_at_address(struct span alias); /* it, or what stands behind its "@" */
/* 0 or -ENOMEM; beyond ROUTE_STEPS_MAXIMUM they are only counted. */
int route_search_step(struct route_search *search, struct route_step step);

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
