/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_TABLE_PRIVATE_H
#define FEDGE_ROUTE_TABLE_PRIVATE_H
/* A table as it is in memory: every entry with its patterns compiled, sorted as it is asked. For this folder's own
 * files. */
#include "route/matcher.h"

struct route_transform_entry {
	struct route_transform transform; /* variables filled in */
	struct route_matcher matcher;
	size_t order; /* as it was given */
};
struct route_policy_entry {
	struct route_policy_rule rule;
	struct route_regex *from; /* NULL: any */
	struct route_regex *to;
};
struct route_rule_entry {
	struct route_rule rule;
	struct route_matcher matcher;
	size_t order;
};

struct route_table {
	struct arena arena; /* the entries and their texts */
	struct route_limits *limits;
	struct route_transform_entry *transforms; /* by priority */
	size_t transform_count;
	struct route_policy_entry *policy; /* in the order of the file */
	size_t policy_count;
	struct route_rule_entry *rules; /* by priority */
	size_t rule_count;
	int local_zone;
};
#endif
