/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-search transforms: the first that matches, and no other. */
#include "route/search.h"

int route_search_transforms(struct route_search *search)
{
	const struct route_table *table = search->table;
	for (size_t i = 0; i < table->transform_count; i++) {
		const struct route_transform_entry *entry = &table->transforms[i];
		struct route_step step = { .part = ROUTE_PART_TRANSFORM,
			.transform = &entry->transform,
			.verdict = ROUTE_IGNORED_DISABLED,
			.alias = search->alias };
		if (entry->transform.enabled) {
			struct span alias;
			int verdict = route_matcher_apply(&entry->matcher, &search->room, search->alias, &alias);
			if (verdict < 0)
				return verdict;
			step.verdict = (enum route_verdict)verdict;
			if (step.verdict == ROUTE_CONSIDERED)
				step.alias = search->alias = alias;
		}
		int status = route_search_step(search, step);
		if (status < 0 || step.verdict == ROUTE_CONSIDERED)
			return status;
	}
	return 0;
}
