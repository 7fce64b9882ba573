/* SPDX-License-Identifier: Apache-2.0 */
/* Shard by shard: what has expired, what there is, and what changed since it was written down. */
#include "base/require.h"
#include "registrar/location_private.h"

#include <errno.h>
#include <stdlib.h>

#define PARTS 64 /* of a shard, where all is walked: the lock is held for one of them, of 100,000 bindings for 25 */

/* ---- expiry and lists ---- */

struct sweep {
	struct registrar_location *location;
	struct location_shard *shard;
	int64_t now_us;
	registrar_stands_h *stands; /* NULL: all stand until their time is over */
	void *stands_argument;
	int64_t soonest_us;
	struct list gone;
};

/* A binding on its way out still has to be told with its address of record. */
struct gone {
	struct list link;
	enum registrar_event event;
	struct location_kept *kept;
	size_t aor_length;
	char aor[];
};

static void sweep_one(
	struct sweep *sweep, struct location_record *record, struct location_kept *kept, enum registrar_event event)
{
	struct gone *gone = malloc(sizeof(*gone) + record->aor_length);
	if (!gone) { /* at the next sweep */
		sweep->soonest_us = sweep->now_us;
		return;
	}
	location_detach(sweep->location, record, kept);
	gone->event = event;
	gone->kept = kept;
	gone->aor_length = record->aor_length;
	memcpy(gone->aor, record->aor, record->aor_length);
	list_append(&sweep->gone, &gone->link);
	location_mark_changed(sweep->location, sweep->shard, record);
}

static bool sweep_record(struct hash_link *link, void *argument)
{
	struct location_record *record = base_container(link, struct location_record, link);
	struct sweep *sweep = argument;
	list_each_safe (item, following, &record->bindings) {
		struct location_kept *kept = base_container(item, struct location_kept, link);
		if (kept->binding.expires_us <= sweep->now_us)
			sweep_one(sweep, record, kept, REGISTRAR_EXPIRED);
		else if (sweep->stands && !sweep->stands(sweep->stands_argument, location_aor(record), &kept->binding))
			sweep_one(sweep, record, kept, REGISTRAR_REMOVED);
		else if (kept->binding.expires_us < sweep->soonest_us)
			sweep->soonest_us = kept->binding.expires_us;
	}
	location_record_drop_if_idle(sweep->shard, record);
	return true;
}

static size_t tell_gone(struct sweep *sweep, registrar_visit_h *visit, void *argument)
{
	size_t count = 0;
	list_each_safe (item, following, &sweep->gone) {
		struct gone *gone = base_container(item, struct gone, link);
		if (visit)
			visit(argument, span_make(gone->aor, gone->aor_length), gone->event, &gone->kept->binding);
		free(gone->kept);
		free(gone);
		count++;
	}
	list_init(&sweep->gone);
	return count;
}

size_t registrar_location_sweep(
	struct registrar_location *location, int64_t now_us, registrar_visit_h *visit, void *argument)
{
	struct sweep sweep = { .location = location, .now_us = now_us };
	size_t count = 0;
	list_init(&sweep.gone);
	for (size_t i = 0; i < LOCATION_SHARDS; i++) {
		struct location_shard *shard = &location->shards[i];
		pthread_mutex_lock(&shard->lock);
		if (shard->soonest_us <= now_us) {
			sweep.shard = shard;
			sweep.soonest_us = INT64_MAX;
			hash_walk(&shard->aors, sweep_record, &sweep);
			shard->soonest_us = sweep.soonest_us;
		}
		pthread_mutex_unlock(&shard->lock);
		count += tell_gone(&sweep, visit, argument);
	}
	if (count)
		location_tell_changed(location);
	return count;
}

size_t registrar_location_prune(struct registrar_location *location, registrar_stands_h *stands, void *stands_argument,
	int64_t now_us, registrar_visit_h *visit, void *argument)
{
	struct sweep sweep = {
		.location = location, .now_us = now_us, .stands = stands, .stands_argument = stands_argument
	};
	size_t count = 0;
	list_init(&sweep.gone);
	for (size_t i = 0; i < LOCATION_SHARDS * PARTS; i++) {
		sweep.shard = &location->shards[i / PARTS];
		pthread_mutex_lock(&sweep.shard->lock);
		hash_walk_part(&sweep.shard->aors, PARTS, i % PARTS, sweep_record, &sweep);
		pthread_mutex_unlock(&sweep.shard->lock);
		count += tell_gone(&sweep, visit, argument);
	}
	if (count)
		location_tell_changed(location);
	return count;
}

struct walk {
	int64_t now_us;
	struct arena arena;
	struct seen *first, **last;
	size_t left_out;
};

/* A copy, to be shown when the lock is free again. */
struct seen {
	struct seen *next;
	struct span aor;
	struct registrar_binding binding;
};

static bool walk_record(struct hash_link *link, void *argument)
{
	struct location_record *record = base_container(link, struct location_record, link);
	struct walk *walk = argument;
	list_each (item, &record->bindings) {
		const struct registrar_binding *binding = &base_container(item, struct location_kept, link)->binding;
		if (binding->expires_us <= walk->now_us)
			continue;
		struct seen *seen = arena_zero(&walk->arena, sizeof(*seen));
		if (seen)
			seen->aor = arena_copy(&walk->arena, location_aor(record));
		if (!seen || !seen->aor.at || !location_copy(&walk->arena, binding, &seen->binding)) {
			walk->left_out++;
			continue;
		}
		*walk->last = seen;
		walk->last = &seen->next;
	}
	return true;
}

static void walk_part(struct walk *walk, struct location_shard *shard, size_t part)
{
	arena_reset(&walk->arena);
	walk->first = NULL;
	walk->last = &walk->first;
	pthread_mutex_lock(&shard->lock);
	hash_walk_part(&shard->aors, PARTS, part, walk_record, walk);
	pthread_mutex_unlock(&shard->lock);
}

size_t registrar_location_each(
	struct registrar_location *location, int64_t now_us, registrar_visit_h *visit, void *argument)
{
	struct walk walk = { .now_us = now_us };
	arena_init(&walk.arena, (size_t)64 << 20);
	for (size_t i = 0; i < LOCATION_SHARDS * PARTS; i++) {
		walk_part(&walk, &location->shards[i / PARTS], i % PARTS);
		for (const struct seen *seen = walk.first; seen; seen = seen->next)
			visit(argument, seen->aor, REGISTRAR_ADDED, &seen->binding);
	}
	arena_done(&walk.arena);
	return walk.left_out;
}

/* ---- keeping ---- */

void registrar_location_keep(struct registrar_location *location, void (*changed)(void *argument), void *argument)
{
	location->changed = changed;
	location->changed_argument = argument;
	atomic_store(&location->is_kept, true);
}

static bool take_one(struct location_shard *shard, struct arena *arena, struct registrar_changed *ret_changed)
{
	struct location_record *record = base_container(shard->changed.next, struct location_record, changed_link);
	struct registrar_changed changed = { .aor = arena_copy(arena, location_aor(record)) };
	if (!changed.aor.at)
		return false;
	int count = location_copy_all(record, INT64_MIN, NULL, NULL, arena, &changed.bindings);
	if (count < 0)
		return false;
	changed.count = (size_t)count;
	*ret_changed = changed;
	list_remove(&record->changed_link);
	location_record_drop_if_idle(shard, record);
	return true;
}

size_t registrar_location_take(struct registrar_location *location, struct arena *arena,
	struct registrar_changed *ret_changed, size_t capacity)
{
	size_t count = 0;
	/* Before looking: what changes from here on is told anew. */
	atomic_store(&location->has_changed, false);
	for (size_t i = 0; i < LOCATION_SHARDS && count < capacity; i++) {
		struct location_shard *shard = &location->shards[i];
		pthread_mutex_lock(&shard->lock);
		while (count < capacity && !list_is_empty(&shard->changed) &&
			take_one(shard, arena, &ret_changed[count]))
			count++;
		pthread_mutex_unlock(&shard->lock);
	}
	return count;
}

void registrar_location_put_back(struct registrar_location *location, struct span aor)
{
	uint64_t hash = registrar_location_hash(location, aor);
	struct location_shard *shard = location_shard_of(location, hash);
	pthread_mutex_lock(&shard->lock);
	struct location_record *record = location_record_make(shard, aor, hash);
	if (record)
		location_mark_changed(location, shard, record);
	pthread_mutex_unlock(&shard->lock);
}
