/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_MATCHER_H
#define FEDGE_ROUTE_MATCHER_H
/* What transforms and search rules have in common: a pattern, and what becomes of the alias that fits it. For this
 * folder's own files. */
#include "route/regex.h"

struct route_matcher {
	enum route_pattern type;
	struct span pattern; /* variables filled in; borrowed */
	enum route_behaviour behaviour;
	struct span replace;
	struct route_regex *regex; /* of that type only; the matcher's own */
};

/* The other members stand already; makes the regex. As route_regex_new. */
int route_matcher_compile(struct route_matcher *matcher, size_t *ret_offset, char *ret_why, size_t capacity);
void route_matcher_done(struct route_matcher *matcher);

/* A verdict (considered, did not match, too costly), or -ENOMEM. The alias as it comes out, only where considered. */
int route_matcher_apply(
	const struct route_matcher *matcher, struct route_room *room, struct span alias, struct span *ret_alias);
#endif
