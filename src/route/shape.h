/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_SHAPE_H
#define FEDGE_ROUTE_SHAPE_H
/* What a pattern fits, as a row of texts and gaps, so that two patterns can be compared without an alias. For this
 * folder's own files.
 *
 * A shape always fits at least what its pattern fits; where it is exact, just that. So an exact shape that covers
 * another shape proves that the first pattern fits whatever the second fits. */
#include "base/arena.h"
#include "route/table.h"

struct route_shape {
	const uint16_t *tokens; /* a byte in lower case, or one of those below */
	size_t count;
	size_t gaps;
	bool exact;
};
#define ROUTE_SHAPE_ONE 256 /* any one byte */
#define ROUTE_SHAPE_GAP 257 /* any bytes, or none; never two in a row */

#define ROUTE_SHAPE_USER 258 /* any bytes but "@", or none; of route_shape_at_domain only */

/* 0 or -ENOMEM. */
int route_shape_make(enum route_pattern type, struct span pattern, struct arena *arena, struct route_shape *ret_shape);
bool route_shape_covers(const struct route_shape *wide, const struct route_shape *narrow);
/* Every alias of somebody at that domain. 0 or -ENOMEM. */
int route_shape_at_domain(struct span domain, struct arena *arena, struct route_shape *ret_shape);
/* Is there a text that fits both? 0 or -ENOMEM. */
int route_shape_meets(const struct route_shape *a, const struct route_shape *b, struct arena *arena, bool *ret_meets);
/* One gap and nothing else: it fits everything. */
bool route_shape_is_everything(const struct route_shape *shape);
#endif
