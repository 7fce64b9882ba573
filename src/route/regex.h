/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_REGEX_H
#define FEDGE_ROUTE_REGEX_H
/* Regular expressions of an administrator that meet the aliases of strangers: whole alias or nothing, without case,
 * with a bound on the work of one match. For this folder's own files. */
#include "base/arena.h"
#include "base/span.h"
#include "route/table.h"

#define ROUTE_ALIAS_MAXIMUM 2048 /* no pattern looks at a longer one, and none makes one */
#define ROUTE_GROUPS 10 /* \0 … \9 */

struct route_regex;
/* -EINVAL: it does not compile (*ret_offset and why, which holds capacity bytes, say so); -ENOMEM. */
int route_regex_new(
	struct span pattern, struct route_regex **ret_regex, size_t *ret_offset, char *ret_why, size_t capacity);
struct route_regex *route_regex_free(struct route_regex *regex); /* accepts NULL, returns NULL */

/* The bound on the work of a match: made once, used by any thread. NULL: no memory. */
struct route_limits;
struct route_limits *route_limits_new(void);
struct route_limits *route_limits_free(struct route_limits *limits); /* accepts NULL, returns NULL */

/* What matching needs, made at the first match of a plan and used for all others. */
struct route_room {
	struct arena *arena;
	const struct route_limits *limits;
	void *memory; /* PCRE2's own, in the arena */
	void *data;
};
void route_room_init(struct route_room *room, const struct route_limits *limits, struct arena *arena);
void route_room_done(struct route_room *room);

/* What a match found; good until the next match of the same room. */
struct route_groups {
	struct span alias;
	size_t offsets[2 * ROUTE_GROUPS];
	uint32_t count;
};
/* A verdict (considered, did not match, too costly), or -ENOMEM. The groups may be NULL. */
int route_regex_match(
	const struct route_regex *regex, struct route_room *room, struct span alias, struct route_groups *ret_groups);
/* \0 … \9 of the text become the groups, "\\" a backslash. A verdict, or -ENOMEM; too costly: longer than any alias may
 * be, which a stranger's own alias can bring about. */
int route_regex_fill(struct span text, const struct route_groups *groups, struct arena *arena, struct span *ret_alias);
#endif
