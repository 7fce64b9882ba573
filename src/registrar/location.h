/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_LOCATION_H
#define FEDGE_REGISTRAR_LOCATION_H
/* Who is registered where: one table of a node, used by all its workers at once. It is divided into shards with a lock
 * each, held only while a few bindings are compared or copied; what is given out is a copy in the caller's arena. Knows
 * no clock and opens nothing; registrar/keeper.h writes it down.
 *
 * A binding whose time is over is not seen any more, whether or not registrar_location_sweep has taken it away. */
#include "registrar/register.h"

struct registrar_location;

/* key: hides addresses of record in temporary GRUUs; with the same key after a restart those stay good. maximum: of
 * bindings, in all. */
int registrar_location_new(const struct hash_key *key, size_t maximum, struct registrar_location **ret_location);
/* NULL is accepted; returns NULL. */
struct registrar_location *registrar_location_free(struct registrar_location *location);
/* A reload changed it. Those above a lower maximum stay until they expire. */
void registrar_location_set_maximum(struct registrar_location *location, size_t maximum);

enum registrar_event {
	REGISTRAR_ADDED,
	REGISTRAR_REFRESHED,
	REGISTRAR_REMOVED,
	REGISTRAR_EXPIRED,
};
struct registrar_change {
	enum registrar_event event;
	struct registrar_binding binding;
};
struct registrar_result {
	const struct registrar_binding *bindings; /* all that stand now, best q first */
	size_t count;
	const struct registrar_change *changes; /* what the wish did */
	size_t change_count;
};

/* Grants the wish whole or not at all; what is not DONE changed nothing. Everything in the result is in the arena. */
enum registrar_outcome registrar_location_register(struct registrar_location *location, struct span aor,
	const struct registrar_wish *wish, const struct registrar_rules *rules, int64_t now_us, struct arena *arena,
	struct registrar_result *ret_result);

/* The bindings of an address of record, best q first, then the newest: how many. 0: none;
 * -ENOMEM: the arena is full, and nothing is known. */
int registrar_location_find(struct registrar_location *location, struct span aor, int64_t now_us, struct arena *arena,
	const struct registrar_binding **ret_bindings);
/* The same of a temporary GRUU (registrar_gruu_read): only those it names; *ret_aor is whose they are. */
int registrar_location_find_temporary(struct registrar_location *location, const struct registrar_gruu *gruu,
	int64_t now_us, struct arena *arena, struct span *ret_aor, const struct registrar_binding **ret_bindings);
/* Has a binding that stands this source? */
bool registrar_location_is_source(struct registrar_location *location, struct span source);

uint64_t registrar_location_hash(const struct registrar_location *location, struct span aor);
const struct hash_key *registrar_location_key(const struct registrar_location *location);
size_t registrar_location_count(const struct registrar_location *location); /* of bindings; any thread */

typedef void registrar_visit_h(
	void *argument, struct span aor, enum registrar_event event, const struct registrar_binding *binding);
/* Takes out what has expired; each is told outside the locks. The number. */
size_t registrar_location_sweep(
	struct registrar_location *location, int64_t now_us, registrar_visit_h *visit, void *argument);
/* Takes out also whom `stands` refuses (REGISTRAR_REMOVED; under a lock, for a few at a time: it must be quick and call
 * nothing here), each told as above. The number. */
typedef bool registrar_stands_h(void *argument, struct span aor, const struct registrar_binding *binding);
size_t registrar_location_prune(struct registrar_location *location, registrar_stands_h *stands, void *stands_argument,
	int64_t now_us, registrar_visit_h *visit, void *argument);
/* All that stand (REGISTRAR_ADDED); visit is called outside the locks and may take its time. Returns how many were left
 * out for want of memory. */
size_t registrar_location_each(
	struct registrar_location *location, int64_t now_us, registrar_visit_h *visit, void *argument);

/* ---- for whoever keeps it ---- */

/* Before anything is registered: a binding of a file. 0, -ENOSPC, -ENOMEM. */
int registrar_location_restore(
	struct registrar_location *location, struct span aor, const struct registrar_binding *binding);
/* From now on what changes is remembered until it is taken; changed is called (by any thread, outside the locks) when
 * there is something after there was nothing. */
void registrar_location_keep(struct registrar_location *location, void (*changed)(void *argument), void *argument);
struct registrar_changed {
	struct span aor;
	const struct registrar_binding *bindings; /* all it has now; none: it is gone */
	size_t count;
};
/* Takes up to capacity of the addresses of record that changed. */
size_t registrar_location_take(struct registrar_location *location, struct arena *arena,
	struct registrar_changed *ret_changed, size_t capacity);
/* It could not be written: to be taken again. */
void registrar_location_put_back(struct registrar_location *location, struct span aor);
#endif
