/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_CHANGE_PRIVATE_H
#define FEDGE_CHECK_CHANGE_PRIVATE_H
/* Between change.c, change_facts.c and change_lines.c. Texts of several items are kept as sorted lines, each once. */
#include "check/change.h"

/* A set of lines that grows in an arena. */
struct change_lines {
	struct arena *arena;
	struct span *items;
	size_t count, capacity;
};
int change_lines_add(struct change_lines *lines, struct span item); /* 0 or -ENOMEM */
int change_lines_add_all(struct change_lines *lines, struct span text); /* a text of lines */
/* Sorted, each once; absent where there is none. 0 or -ENOMEM. */
int change_lines_join(struct change_lines *lines, struct span *ret_text);
bool change_has_line(struct span text, struct span line);
/* Both have lines, and `after` has one that `before` lacks. */
bool change_has_new(struct span before, struct span after);

/* Targets, certificates and expiry of this round into state; what was not seen comes from last (may be NULL). */
int change_facts_merge(const struct check_facts *facts, const struct store_watch_state *last, struct arena *arena,
	struct store_watch_state *state);

/* The parts of a state that are compared. */
struct change_facts {
	struct span targets; /* "vcse.a.example:5061" */
	struct span certificates; /* "0A1B CN=Issuer" */
	struct span addresses; /* "vcse.a.example:5061 192.0.2.1": of targets that both states know all addresses of */
};
int change_facts_split(const struct store_watch_state *state, const struct store_watch_state *other,
	struct arena *arena, struct change_facts *ret_facts);

struct span change_date(int64_t seconds, struct arena *arena); /* "2027-01-01T00:00:00Z" */
#endif
