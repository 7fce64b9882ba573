/* SPDX-License-Identifier: Apache-2.0 */
/* What a REGISTER changes: judged first, then made, then done without anything left that could fail. */
#include "base/require.h"
#include "registrar/location_private.h"

#include <errno.h>
#include <stdlib.h>

/* What a wish makes, made before anything is changed. */
struct granting {
	struct registrar_location *location;
	struct location_shard *shard;
	struct location_record *record;
	const struct registrar_wish *wish;
	int64_t now_us;
	struct arena *arena;
	struct location_kept *made[REGISTRAR_CONTACTS_MAXIMUM];
	struct registrar_change *changes;
	size_t change_count;
	struct list gone; /* to be freed */
};

static bool note_change(struct granting *g, enum registrar_event event, const struct registrar_binding *binding)
{
	struct registrar_change *change = &g->changes[g->change_count];
	if (!location_copy(g->arena, binding, &change->binding))
		return false;
	change->event = event;
	g->change_count++;
	return true;
}

static void take_out(struct granting *g, struct location_kept *kept)
{
	location_detach(g->location, g->record, kept);
	list_append(&g->gone, &kept->link);
}

/* The older bindings that a change takes the place of (or removes); the first registration's time is kept. */
static void grant_one(struct granting *g, const struct registrar_binding *change, struct location_kept *made)
{
	enum registrar_event event = REGISTRAR_ADDED;
	list_each_safe (item, following, &g->record->bindings) {
		struct location_kept *old = base_container(item, struct location_kept, link);
		if (!registrar_register_matches(&old->binding, change))
			continue;
		bool stands = old->binding.expires_us > g->now_us;
		if (made && stands) {
			made->binding.registered_us = old->binding.registered_us;
			event = REGISTRAR_REFRESHED;
		} else if (!made && stands) {
			note_change(g, REGISTRAR_REMOVED, &old->binding);
		}
		take_out(g, old);
	}
	if (!made)
		return;
	note_change(g, event, &made->binding);
	location_attach(g->location, g->shard, g->record, made);
}

static void grant(struct granting *g)
{
	for (size_t i = 0; i < g->wish->count; i++)
		grant_one(g, &g->wish->changes[i], g->made[i]);
	if (g->wish->kind != REGISTRAR_REMOVE_ALL)
		return;
	list_each_safe (item, following, &g->record->bindings) {
		struct location_kept *old = base_container(item, struct location_kept, link);
		if (old->binding.expires_us > g->now_us)
			note_change(g, REGISTRAR_REMOVED, &old->binding);
		take_out(g, old);
	}
}

static void free_all(struct list *gone)
{
	list_each_safe (item, following, gone)
		free(base_container(item, struct location_kept, link));
	list_init(gone);
}

static enum registrar_outcome make_ready(struct granting *g)
{
	g->changes = arena_zero(g->arena, (g->record->count + g->wish->count + 1) * sizeof(*g->changes));
	if (!g->changes)
		return REGISTRAR_NO_MEMORY;
	for (size_t i = 0; i < g->wish->count; i++) {
		if (g->wish->changes[i].expires_us == 0)
			continue;
		g->made[i] = location_kept_new(&g->wish->changes[i]);
		if (!g->made[i])
			return REGISTRAR_NO_MEMORY;
	}
	return REGISTRAR_DONE;
}

static enum registrar_outcome judge(
	struct registrar_location *location, struct granting *g, const struct registrar_rules *rules)
{
	const struct registrar_binding *current[2 * REGISTRAR_CONTACTS_MAXIMUM];
	size_t count = 0, more = 0;
	list_each (item, &g->record->bindings) {
		const struct registrar_binding *binding = &base_container(item, struct location_kept, link)->binding;
		if (binding->expires_us > g->now_us && count < BASE_COUNT(current))
			current[count++] = binding;
	}
	enum registrar_outcome outcome = registrar_register_judge(g->wish, rules, current, count);
	for (size_t i = 0; i < g->wish->count; i++) {
		bool is_new = g->wish->changes[i].expires_us != 0;
		for (size_t k = 0; k < count && is_new; k++)
			is_new = !registrar_register_matches(current[k], &g->wish->changes[i]);
		more += is_new;
	}
	if (outcome == REGISTRAR_DONE && more && atomic_load(&location->count) + more > atomic_load(&location->maximum))
		return REGISTRAR_FULL;
	return outcome;
}

enum registrar_outcome registrar_location_register(struct registrar_location *location, struct span aor,
	const struct registrar_wish *wish, const struct registrar_rules *rules, int64_t now_us, struct arena *arena,
	struct registrar_result *ret_result)
{
	uint64_t hash = registrar_location_hash(location, aor);
	struct granting g = { .location = location,
		.shard = location_shard_of(location, hash),
		.wish = wish,
		.now_us = now_us,
		.arena = arena };
	struct registrar_result result = { .count = 0 };
	list_init(&g.gone);
	pthread_mutex_lock(&g.shard->lock);
	g.record = location_record_make(g.shard, aor, hash);
	enum registrar_outcome outcome = g.record ? judge(location, &g, rules) : REGISTRAR_NO_MEMORY;
	if (outcome == REGISTRAR_DONE)
		outcome = make_ready(&g);
	if (outcome == REGISTRAR_DONE) {
		grant(&g);
		result.changes = g.changes;
		result.change_count = g.change_count;
		int count = location_copy_all(g.record, now_us, NULL, NULL, arena, &result.bindings);
		result.count = count > 0 ? (size_t)count : 0;
		if (g.change_count || !list_is_empty(&g.gone))
			location_mark_changed(location, g.shard, g.record);
	} else {
		for (size_t i = 0; i < wish->count; i++)
			free(g.made[i]);
	}
	if (g.record)
		location_record_drop_if_idle(g.shard, g.record);
	pthread_mutex_unlock(&g.shard->lock);
	if (result.change_count)
		location_tell_changed(location);
	free_all(&g.gone);
	*ret_result = result;
	return outcome;
}

int registrar_location_restore(
	struct registrar_location *location, struct span aor, const struct registrar_binding *binding)
{
	uint64_t hash = registrar_location_hash(location, aor);
	struct location_shard *shard = location_shard_of(location, hash);
	struct location_kept *kept = location_kept_new(binding);
	if (!kept)
		return -ENOMEM;
	pthread_mutex_lock(&shard->lock);
	struct location_record *record = location_record_make(shard, aor, hash);
	int status = !record ? -ENOMEM : atomic_load(&location->count) >= atomic_load(&location->maximum) ? -ENOSPC : 0;
	if (status == 0 && record->count >= REGISTRAR_CONTACTS_MAXIMUM)
		status = -ENOSPC;
	if (status == 0)
		location_attach(location, shard, record, kept);
	else
		free(kept);
	if (record)
		location_record_drop_if_idle(shard, record);
	pthread_mutex_unlock(&shard->lock);
	return status;
}
