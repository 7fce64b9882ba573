/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_SHADOW_H
#define FEDGE_ROUTE_SHADOW_H
/* Entries of a dial plan that can never do anything, because one that is asked before them fits whatever they fit.
 * Pure.
 *
 * What is said is so: an entry that is named has no effect on any call (but for aliases of a length that no pattern is
 * tried on, and none that a SIP message can carry has a line end in it). What is not said may be so all the same: only
 * one earlier entry at a time is looked at, and of regexes only those are understood whose every piece is a text, "."
 * or ".*" (with groups around them as they like), or that are the same in both. Entries that are off shadow nobody and
 * are not named. */
#include "route/table.h"

enum route_shadow_kind {
	ROUTE_SHADOW_STOPPED, /* rules: the earlier one stops the search before */
	ROUTE_SHADOW_ASKED, /* rules: the earlier one has the same zone asked for the same alias */
	ROUTE_SHADOW_DECIDED, /* policy: the earlier one decides */
	ROUTE_SHADOW_TRANSFORMED, /* transforms: the earlier one matches, and only one may */
};
/* How it is known that the earlier one fits whatever the later one fits. */
enum route_shadow_proof {
	ROUTE_SHADOW_EVERYTHING, /* the earlier one fits every alias */
	ROUTE_SHADOW_SAME, /* both have the same pattern */
	ROUTE_SHADOW_WIDER, /* what the later pattern fits, the earlier fits too: "00" as a prefix behind "0" */
	ROUTE_SHADOW_TRIED, /* the later one is an exact alias, and the earlier one's regex fits it */
};

struct route_shadow {
	enum route_part part;
	size_t index; /* in the list of its part that the table was made of */
	size_t by; /* the earlier one, in the same list */
	enum route_shadow_kind kind;
	enum route_shadow_proof proof;
};

/* At most one for each entry, in the order in which they are asked; the list is the arena's. 0 or -ENOMEM. */
int route_shadow_find(const struct route_table *table, struct arena *arena, const struct route_shadow **ret_shadows,
	size_t *ret_count);
/* One sentence of it without a full stop, to follow the name of the earlier one: "stops the search before it: it fits
 * every alias that this one fits". */
const char *route_shadow_why(const struct route_shadow *shadow);

/* Can the pattern of a search rule (by its index in the list) fit an alias at that domain, "…@domain"? YES: it fits
 * one. NO: it fits none. ANY: not known, a regex that is not understood fits none of the usual aliases that were tried.
 * Neither its source nor what transforms make of an alias counts. 0 or -ENOMEM. */
int route_rule_fits_domain(const struct route_table *table, size_t index, struct span domain, struct arena *arena,
	enum route_whether *ret_whether);
#endif
