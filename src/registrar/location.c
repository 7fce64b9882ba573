/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/location.h"

#include "base/list.h"
#include "base/require.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SHARDS 64

/* A binding with its texts behind it, in one piece. */
struct kept {
	struct list link; /* of its address of record, the newest last */
	struct registrar_binding binding;
	char texts[];
};

/* An address of record. It goes when it has no binding and nothing of it is to be written any more. */
struct record_of {
	struct hash_link link;
	struct list changed_link; /* of the shard, where it is to be written */
	struct list bindings;
	size_t count;
	size_t aor_length;
	char aor[];
};

struct source {
	struct hash_link link;
	size_t count;
};

struct shard {
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
	struct shard shards[SHARDS];
};

static struct shard *shard_of(struct registrar_location *location, uint64_t hash)
{
	return &location->shards[hash >> 58];
}

static struct span aor_of(const struct record_of *record)
{
	return span_make(record->aor, record->aor_length);
}

/* ---- life ---- */

static int shard_init(struct shard *shard)
{
	pthread_mutex_init(&shard->lock, NULL);
	pthread_mutex_init(&shard->source_lock, NULL);
	list_init(&shard->changed);
	shard->soonest_us = INT64_MAX;
	int status = hash_init(&shard->aors, SIZE_MAX);
	return status < 0 ? status : hash_init(&shard->sources, SIZE_MAX);
}

int registrar_location_new(const struct hash_key *key, size_t maximum, struct registrar_location **ret_location)
{
	struct registrar_location *location = calloc(1, sizeof(*location));
	int status = location ? 0 : -ENOMEM;
	if (!location)
		return status;
	location->key = *key;
	atomic_init(&location->maximum, maximum);
	for (size_t i = 0; i < SHARDS; i++)
		if (shard_init(&location->shards[i]) < 0)
			status = -ENOMEM;
	if (status < 0)
		registrar_location_free(location);
	else
		*ret_location = location;
	return status;
}

static bool free_source(struct hash_link *link, void *argument)
{
	(void)argument;
	free(base_container(link, struct source, link));
	return true;
}

static bool free_record(struct hash_link *link, void *argument)
{
	struct record_of *record = base_container(link, struct record_of, link);
	(void)argument;
	list_each_safe (item, following, &record->bindings)
		free(base_container(item, struct kept, link));
	free(record);
	return true;
}

struct registrar_location *registrar_location_free(struct registrar_location *location)
{
	for (size_t i = 0; location && i < SHARDS; i++) {
		struct shard *shard = &location->shards[i];
		if (shard->aors.slots)
			hash_walk(&shard->aors, free_record, NULL);
		if (shard->sources.slots)
			hash_walk(&shard->sources, free_source, NULL);
		hash_done(&shard->aors);
		hash_done(&shard->sources);
		pthread_mutex_destroy(&shard->lock);
		pthread_mutex_destroy(&shard->source_lock);
	}
	free(location);
	return NULL;
}

void registrar_location_set_maximum(struct registrar_location *location, size_t maximum)
{
	atomic_store(&location->maximum, maximum);
}

uint64_t registrar_location_hash(const struct registrar_location *location, struct span aor)
{
	return hash_keyed(&location->key, aor);
}

const struct hash_key *registrar_location_key(const struct registrar_location *location)
{
	return &location->key;
}

size_t registrar_location_count(const struct registrar_location *location)
{
	return atomic_load(&location->count);
}

/* ---- copies ---- */

static size_t texts_length(const struct registrar_binding *binding)
{
	size_t length = 0;
#define X(name) length += binding->name.length;
	REGISTRAR_BINDING_TEXTS(X)
#undef X
	return length;
}

static struct span put_text(char **at, struct span text)
{
	if (!text.at)
		return SPAN_NONE;
	struct span copy = span_make(*at, text.length);
	if (text.length)
		memcpy(*at, text.at, text.length);
	*at += text.length;
	return copy;
}

static void copy_to(const struct registrar_binding *from, struct registrar_binding *to, char *texts)
{
	*to = *from;
#define X(name) to->name = put_text(&texts, from->name);
	REGISTRAR_BINDING_TEXTS(X)
#undef X
}

static struct kept *kept_new(const struct registrar_binding *binding)
{
	struct kept *kept = malloc(sizeof(*kept) + texts_length(binding));
	if (!kept)
		return NULL;
	list_init(&kept->link);
	copy_to(binding, &kept->binding, kept->texts);
	return kept;
}

static bool copy_into(struct arena *arena, const struct registrar_binding *from, struct registrar_binding *to)
{
	char *texts = arena_allocate(arena, texts_length(from) + 1);
	if (texts)
		copy_to(from, to, texts);
	return texts != NULL;
}

/* ---- sources ---- */

static struct source *source_find(struct shard *shard, uint64_t hash)
{
	struct hash_link *link = hash_first(&shard->sources, hash);
	return link ? base_container(link, struct source, link) : NULL;
}

static void source_add(struct registrar_location *location, struct span text)
{
	uint64_t hash = hash_keyed(&location->key, text);
	struct shard *shard = shard_of(location, hash);
	if (!text.at)
		return;
	pthread_mutex_lock(&shard->source_lock);
	struct source *source = source_find(shard, hash);
	if (!source) {
		/* Without memory its requests need a digest until it registers again. */
		source = calloc(1, sizeof(*source));
		if (source)
			hash_insert(&shard->sources, &source->link, hash);
	}
	if (source)
		source->count++;
	pthread_mutex_unlock(&shard->source_lock);
}

static void source_drop(struct registrar_location *location, struct span text)
{
	uint64_t hash = hash_keyed(&location->key, text);
	struct shard *shard = shard_of(location, hash);
	if (!text.at)
		return;
	pthread_mutex_lock(&shard->source_lock);
	struct source *source = source_find(shard, hash);
	if (source && --source->count == 0) {
		hash_remove(&shard->sources, &source->link);
		free(source);
	}
	pthread_mutex_unlock(&shard->source_lock);
}

bool registrar_location_is_source(struct registrar_location *location, struct span text)
{
	uint64_t hash = hash_keyed(&location->key, text);
	struct shard *shard = shard_of(location, hash);
	pthread_mutex_lock(&shard->source_lock);
	bool is_source = text.at && source_find(shard, hash);
	pthread_mutex_unlock(&shard->source_lock);
	return is_source;
}

/* ---- addresses of record ---- */

static struct record_of *record_find(struct shard *shard, struct span aor, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&shard->aors, hash); link; link = hash_next(link)) {
		struct record_of *record = base_container(link, struct record_of, link);
		if (span_equal(aor_of(record), aor))
			return record;
	}
	return NULL;
}

static struct record_of *record_make(struct shard *shard, struct span aor, uint64_t hash)
{
	struct record_of *record = record_find(shard, aor, hash);
	if (record)
		return record;
	record = calloc(1, sizeof(*record) + aor.length);
	if (!record)
		return NULL;
	list_init(&record->changed_link);
	list_init(&record->bindings);
	record->aor_length = aor.length;
	memcpy(record->aor, aor.at, aor.length);
	hash_insert(&shard->aors, &record->link, hash);
	return record;
}

static void record_drop_if_idle(struct shard *shard, struct record_of *record)
{
	if (record->count || !list_is_empty(&record->changed_link))
		return;
	hash_remove(&shard->aors, &record->link);
	free(record);
}

static void mark_changed(struct registrar_location *location, struct shard *shard, struct record_of *record)
{
	if (atomic_load(&location->is_kept) && list_is_empty(&record->changed_link))
		list_append(&shard->changed, &record->changed_link);
}

/* Outside the locks. */
static void tell_changed(struct registrar_location *location)
{
	if (atomic_load(&location->is_kept) && !atomic_exchange(&location->has_changed, true) && location->changed)
		location->changed(location->changed_argument);
}

static void attach(
	struct registrar_location *location, struct shard *shard, struct record_of *record, struct kept *kept)
{
	list_append(&record->bindings, &kept->link);
	record->count++;
	atomic_fetch_add(&location->count, 1);
	if (kept->binding.expires_us < shard->soonest_us)
		shard->soonest_us = kept->binding.expires_us;
	source_add(location, kept->binding.source);
}

static void detach(struct registrar_location *location, struct record_of *record, struct kept *kept)
{
	list_remove(&kept->link);
	record->count--;
	atomic_fetch_sub(&location->count, 1);
	source_drop(location, kept->binding.source);
}

/* ---- looking up ---- */

static bool is_before(const struct registrar_binding *a, const struct registrar_binding *b)
{
	return a->q != b->q ? a->q > b->q : a->refreshed_us > b->refreshed_us;
}

typedef bool fits_h(const void *argument, const struct registrar_binding *binding);

/* Copies of those that stand, sorted by insertion: there are few. */
static size_t copy_all(struct record_of *record, int64_t now_us, fits_h *fits, const void *argument,
	struct arena *arena, const struct registrar_binding **ret_bindings)
{
	size_t count = 0;
	struct registrar_binding *bindings = arena_zero(arena, (record->count + 1) * sizeof(*bindings));
	for (struct list *item = record->bindings.next; bindings && item != &record->bindings; item = item->next) {
		const struct registrar_binding *binding = &base_container(item, struct kept, link)->binding;
		struct registrar_binding copy;
		if (binding->expires_us <= now_us || (fits && !fits(argument, binding)))
			continue;
		if (!copy_into(arena, binding, &copy))
			break;
		size_t at = count++;
		for (; at > 0 && is_before(&copy, &bindings[at - 1]); at--)
			bindings[at] = bindings[at - 1];
		bindings[at] = copy;
	}
	*ret_bindings = bindings;
	return count;
}

size_t registrar_location_find(struct registrar_location *location, struct span aor, int64_t now_us,
	struct arena *arena, const struct registrar_binding **ret_bindings)
{
	uint64_t hash = registrar_location_hash(location, aor);
	struct shard *shard = shard_of(location, hash);
	size_t count = 0;
	pthread_mutex_lock(&shard->lock);
	struct record_of *record = record_find(shard, aor, hash);
	if (record)
		count = copy_all(record, now_us, NULL, NULL, arena, ret_bindings);
	pthread_mutex_unlock(&shard->lock);
	return count;
}

struct gruu_question {
	const struct registrar_gruu *gruu;
	const struct hash_key *key;
};

static bool fits_gruu(const void *argument, const struct registrar_binding *binding)
{
	const struct gruu_question *question = argument;
	return registrar_gruu_fits(question->gruu, question->key, binding);
}

size_t registrar_location_find_temporary(struct registrar_location *location, const struct registrar_gruu *gruu,
	int64_t now_us, struct arena *arena, struct span *ret_aor, const struct registrar_binding **ret_bindings)
{
	struct gruu_question question = { gruu, &location->key };
	struct shard *shard = shard_of(location, gruu->aor_hash);
	size_t count = 0;
	if (gruu->kind != REGISTRAR_GRUU_TEMPORARY)
		return 0;
	pthread_mutex_lock(&shard->lock);
	for (struct hash_link *link = hash_first(&shard->aors, gruu->aor_hash); link && !count;
		link = hash_next(link)) {
		struct record_of *record = base_container(link, struct record_of, link);
		count = copy_all(record, now_us, fits_gruu, &question, arena, ret_bindings);
		if (count)
			*ret_aor = arena_copy(arena, aor_of(record));
	}
	pthread_mutex_unlock(&shard->lock);
	return count;
}

/* ---- registering ---- */

/* What a wish makes, made before anything is changed. */
struct granting {
	struct registrar_location *location;
	struct shard *shard;
	struct record_of *record;
	const struct registrar_wish *wish;
	int64_t now_us;
	struct arena *arena;
	struct kept *made[REGISTRAR_CONTACTS_MAXIMUM];
	struct registrar_change *changes;
	size_t change_count;
	struct list gone; /* to be freed */
};

static bool note_change(struct granting *g, enum registrar_event event, const struct registrar_binding *binding)
{
	struct registrar_change *change = &g->changes[g->change_count];
	if (!copy_into(g->arena, binding, &change->binding))
		return false;
	change->event = event;
	g->change_count++;
	return true;
}

static void take_out(struct granting *g, struct kept *kept)
{
	detach(g->location, g->record, kept);
	list_append(&g->gone, &kept->link);
}

/* The older bindings that a change takes the place of (or removes); the first registration's time is kept. */
static void grant_one(struct granting *g, const struct registrar_binding *change, struct kept *made)
{
	enum registrar_event event = REGISTRAR_ADDED;
	list_each_safe (item, following, &g->record->bindings) {
		struct kept *old = base_container(item, struct kept, link);
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
	attach(g->location, g->shard, g->record, made);
}

static void grant(struct granting *g)
{
	for (size_t i = 0; i < g->wish->count; i++)
		grant_one(g, &g->wish->changes[i], g->made[i]);
	if (g->wish->kind != REGISTRAR_REMOVE_ALL)
		return;
	list_each_safe (item, following, &g->record->bindings) {
		struct kept *old = base_container(item, struct kept, link);
		if (old->binding.expires_us > g->now_us)
			note_change(g, REGISTRAR_REMOVED, &old->binding);
		take_out(g, old);
	}
}

static void free_all(struct list *gone)
{
	list_each_safe (item, following, gone)
		free(base_container(item, struct kept, link));
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
		g->made[i] = kept_new(&g->wish->changes[i]);
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
		const struct registrar_binding *binding = &base_container(item, struct kept, link)->binding;
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
	struct granting g = {
		.location = location, .shard = shard_of(location, hash), .wish = wish, .now_us = now_us, .arena = arena
	};
	struct registrar_result result = { .count = 0 };
	list_init(&g.gone);
	pthread_mutex_lock(&g.shard->lock);
	g.record = record_make(g.shard, aor, hash);
	enum registrar_outcome outcome = g.record ? judge(location, &g, rules) : REGISTRAR_NO_MEMORY;
	if (outcome == REGISTRAR_DONE)
		outcome = make_ready(&g);
	if (outcome == REGISTRAR_DONE) {
		grant(&g);
		result.changes = g.changes;
		result.change_count = g.change_count;
		result.count = copy_all(g.record, now_us, NULL, NULL, arena, &result.bindings);
		if (g.change_count || !list_is_empty(&g.gone))
			mark_changed(location, g.shard, g.record);
	} else {
		for (size_t i = 0; i < wish->count; i++)
			free(g.made[i]);
	}
	if (g.record)
		record_drop_if_idle(g.shard, g.record);
	pthread_mutex_unlock(&g.shard->lock);
	if (result.change_count)
		tell_changed(location);
	free_all(&g.gone);
	*ret_result = result;
	return outcome;
}

int registrar_location_restore(
	struct registrar_location *location, struct span aor, const struct registrar_binding *binding)
{
	uint64_t hash = registrar_location_hash(location, aor);
	struct shard *shard = shard_of(location, hash);
	struct kept *kept = kept_new(binding);
	if (!kept)
		return -ENOMEM;
	pthread_mutex_lock(&shard->lock);
	struct record_of *record = record_make(shard, aor, hash);
	int status = !record ? -ENOMEM : atomic_load(&location->count) >= atomic_load(&location->maximum) ? -ENOSPC : 0;
	if (status == 0 && record->count >= REGISTRAR_CONTACTS_MAXIMUM)
		status = -ENOSPC;
	if (status == 0)
		attach(location, shard, record, kept);
	else
		free(kept);
	if (record)
		record_drop_if_idle(shard, record);
	pthread_mutex_unlock(&shard->lock);
	return status;
}

/* ---- walks ---- */

struct sweep {
	struct registrar_location *location;
	struct shard *shard;
	int64_t now_us;
	int64_t soonest_us;
	struct list gone;
};

/* An expired binding on its way out still has to be told with its address of record. */
struct gone {
	struct list link;
	struct kept *kept;
	size_t aor_length;
	char aor[];
};

static void sweep_one(struct sweep *sweep, struct record_of *record, struct kept *kept)
{
	struct gone *gone = malloc(sizeof(*gone) + record->aor_length);
	if (!gone) { /* at the next sweep */
		sweep->soonest_us = sweep->now_us;
		return;
	}
	detach(sweep->location, record, kept);
	gone->kept = kept;
	gone->aor_length = record->aor_length;
	memcpy(gone->aor, record->aor, record->aor_length);
	list_append(&sweep->gone, &gone->link);
	mark_changed(sweep->location, sweep->shard, record);
}

static bool sweep_record(struct hash_link *link, void *argument)
{
	struct record_of *record = base_container(link, struct record_of, link);
	struct sweep *sweep = argument;
	list_each_safe (item, following, &record->bindings) {
		struct kept *kept = base_container(item, struct kept, link);
		if (kept->binding.expires_us <= sweep->now_us)
			sweep_one(sweep, record, kept);
		else if (kept->binding.expires_us < sweep->soonest_us)
			sweep->soonest_us = kept->binding.expires_us;
	}
	record_drop_if_idle(sweep->shard, record);
	return true;
}

static size_t tell_gone(struct sweep *sweep, registrar_visit_h *visit, void *argument)
{
	size_t count = 0;
	list_each_safe (item, following, &sweep->gone) {
		struct gone *gone = base_container(item, struct gone, link);
		if (visit)
			visit(argument, span_make(gone->aor, gone->aor_length), REGISTRAR_EXPIRED,
				&gone->kept->binding);
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
	for (size_t i = 0; i < SHARDS; i++) {
		struct shard *shard = &location->shards[i];
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
		tell_changed(location);
	return count;
}

struct walk {
	int64_t now_us;
	registrar_visit_h *visit;
	void *argument;
};

static bool walk_record(struct hash_link *link, void *argument)
{
	struct record_of *record = base_container(link, struct record_of, link);
	const struct walk *walk = argument;
	list_each (item, &record->bindings) {
		const struct registrar_binding *binding = &base_container(item, struct kept, link)->binding;
		if (binding->expires_us > walk->now_us)
			walk->visit(walk->argument, aor_of(record), REGISTRAR_ADDED, binding);
	}
	return true;
}

void registrar_location_each(
	struct registrar_location *location, int64_t now_us, registrar_visit_h *visit, void *argument)
{
	struct walk walk = { now_us, visit, argument };
	for (size_t i = 0; i < SHARDS; i++) {
		pthread_mutex_lock(&location->shards[i].lock);
		hash_walk(&location->shards[i].aors, walk_record, &walk);
		pthread_mutex_unlock(&location->shards[i].lock);
	}
}

/* ---- keeping ---- */

void registrar_location_keep(struct registrar_location *location, void (*changed)(void *argument), void *argument)
{
	location->changed = changed;
	location->changed_argument = argument;
	atomic_store(&location->is_kept, true);
}

static bool take_one(struct shard *shard, struct arena *arena, struct registrar_changed *ret_changed)
{
	struct record_of *record = base_container(shard->changed.next, struct record_of, changed_link);
	struct registrar_changed changed = { .aor = arena_copy(arena, aor_of(record)) };
	if (!changed.aor.at)
		return false;
	changed.count = copy_all(record, INT64_MIN, NULL, NULL, arena, &changed.bindings);
	if (changed.count != record->count)
		return false;
	*ret_changed = changed;
	list_remove(&record->changed_link);
	record_drop_if_idle(shard, record);
	return true;
}

size_t registrar_location_take(struct registrar_location *location, struct arena *arena,
	struct registrar_changed *ret_changed, size_t capacity)
{
	size_t count = 0;
	/* Before looking: what changes from here on is told anew. */
	atomic_store(&location->has_changed, false);
	for (size_t i = 0; i < SHARDS && count < capacity; i++) {
		struct shard *shard = &location->shards[i];
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
	struct shard *shard = shard_of(location, hash);
	pthread_mutex_lock(&shard->lock);
	struct record_of *record = record_make(shard, aor, hash);
	if (record)
		mark_changed(location, shard, record);
	pthread_mutex_unlock(&shard->lock);
}
