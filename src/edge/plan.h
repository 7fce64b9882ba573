/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_PLAN_H
#define FEDGE_EDGE_PLAN_H
/* Searches for an alias: transforms, call policy, search rules (route/table.h), as whoever sent the request may. */
#include "edge/request.h"

/* The plan for the alias is put on top of what is left to be searched: its groups come next. 0 or -ENOMEM. */
int edge_plan_search(struct edge_request *request, struct span alias);
#endif
