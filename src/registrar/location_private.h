/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_LOCATION_PRIVATE_H
#define FEDGE_REGISTRAR_LOCATION_PRIVATE_H
/* Shared by the files of the table of bindings alone: location.c (the table, looking up), location_register.c (what a
 * REGISTER changes), location_walk.c (all of them: expiry, lists, what is to be written down). */
#include "base/list.h"
#include "registrar/location.h"

#include <pthread.h>
#include <stdatomic.h>

#define LOCATION_SHARDS 64

/* A binding with its texts behind it, in one piece. */
struct location_kept {
	struct list link; /* of its address of record, the newest last */
	struct registrar_binding binding;
	char texts[];
};

/* An address of record. It goes when it has no binding and nothing of it is to be written any more. */
struct location_record {
	struct hash_link link;
	struct list changed_link; /* of the shard, where it is to be written */
	struct list bindings;
	size_t count;
	size_t aor_length;
	char aor[];
};

struct location_shard {
	pthread_mutex_t lock;
	struct hash_table aors;
	struct list changed;
	int64_t soonest_us; /* no binding here expires before */
	pthread_mutex_t source_lock; /* never held while `lock` is taken */
	struct hash_table sources; /* by the keyed hash alone: 64 bits that nobody outside can aim at */
};

struct registrar_location {
	struct hash_key key;
	atomic_size_t maximum;
	atomic_size_t count;
	atomic_bool is_kept;
	atomic_bool has_changed; /* since the last take */
	void (*changed)(void *argument);
	void *changed_argument;
	struct location_shard shards[LOCATION_SHARDS];
};

static inline struct location_shard *location_shard_of(struct registrar_location *location, uint64_t hash)
{
	return &location->shards[hash >> 58];
}

static inline struct span location_aor(const struct location_record *record)
{
	return span_make(record->aor, record->aor_length);
}

/* A copy with its texts; NULL without memory. */
struct location_kept *location_kept_new(const struct registrar_binding *binding);
/* The same into the arena; false without memory. */
bool location_copy(struct arena *arena, const struct registrar_binding *from, struct registrar_binding *to);

/* ---- under the shard's lock ---- */

/* The one that is there, or a new one without bindings; NULL without memory. */
struct location_record *location_record_make(struct location_shard *shard, struct span aor, uint64_t hash);
void location_record_drop_if_idle(struct location_shard *shard, struct location_record *record);
void location_attach(struct registrar_location *location, struct location_shard *shard, struct location_record *record,
	struct location_kept *kept);
/* The binding is the caller's then. */
void location_detach(struct registrar_location *location, struct location_record *record, struct location_kept *kept);
/* It is to be written down, where somebody does that. */
void location_mark_changed(
	struct registrar_location *location, struct location_shard *shard, struct location_record *record);

typedef bool location_fits_h(const void *argument, const struct registrar_binding *binding);
/* Copies of those that stand and fit (NULL: all of them), best q first, then the newest. The number, or
 * -ENOMEM: the arena is full. */
int location_copy_all(struct location_record *record, int64_t now_us, location_fits_h *fits, const void *argument,
	struct arena *arena, const struct registrar_binding **ret_bindings);

/* ---- outside the locks ---- */

void location_tell_changed(struct registrar_location *location);
#endif
