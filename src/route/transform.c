/* SPDX-License-Identifier: Apache-2.0 */
/* Pre-search transforms: the first that matches, and no other. */
#include "route/search.h"

#include <errno.h>

/* A verdict, or -ENOMEM. */
static int entry_apply(struct route_search *search, const struct route_transform_entry *entry, struct span *ret_alias)
{
	if (!entry->transform.enabled)
		return ROUTE_IGNORED_DISABLED;
	return route_matcher_apply(&entry->matcher, &search->room, search->alias, ret_alias);
}

int route_search_transforms(struct route_search *search)
{
	const struct route_table *table = search->table;
	int verdict = ROUTE_DID_NOT_MATCH;
	for (size_t i = 0; i < table->transform_count && verdict != ROUTE_CONSIDERED; i++) {
		const struct route_transform_entry *entry = &table->transforms[i];
		struct span alias;
		verdict = entry_apply(search, entry, &alias);
		if (verdict < 0)
			return verdict;
		if (verdict == ROUTE_CONSIDERED)
			search->alias = alias;
		struct route_step *step = route_search_step(search, ROUTE_PART_TRANSFORM, verdict);
		if (!step)
			return -ENOMEM;
		step->transform = &entry->transform;
	}
	return 0;
}
