/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "registrar/location_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct source {
	struct hash_link link;
	size_t count;
};

/* ---- life ---- */

static int shard_init(struct location_shard *shard)
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
	for (size_t i = 0; i < LOCATION_SHARDS; i++)
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
	struct location_record *record = base_container(link, struct location_record, link);
	(void)argument;
	list_each_safe (item, following, &record->bindings)
		free(base_container(item, struct location_kept, link));
	free(record);
	return true;
}

struct registrar_location *registrar_location_free(struct registrar_location *location)
{
	for (size_t i = 0; location && i < LOCATION_SHARDS; i++) {
		struct location_shard *shard = &location->shards[i];
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

struct location_kept *location_kept_new(const struct registrar_binding *binding)
{
	struct location_kept *kept = malloc(sizeof(*kept) + texts_length(binding));
	if (!kept)
		return NULL;
	list_init(&kept->link);
	copy_to(binding, &kept->binding, kept->texts);
	return kept;
}

bool location_copy(struct arena *arena, const struct registrar_binding *from, struct registrar_binding *to)
{
	char *texts = arena_allocate(arena, texts_length(from) + 1);
	if (texts)
		copy_to(from, to, texts);
	return texts != NULL;
}

/* ---- sources ---- */

static struct source *source_find(struct location_shard *shard, uint64_t hash)
{
	struct hash_link *link = hash_first(&shard->sources, hash);
	return link ? base_container(link, struct source, link) : NULL;
}

static void source_add(struct registrar_location *location, struct span text)
{
	uint64_t hash = hash_keyed(&location->key, text);
	struct location_shard *shard = location_shard_of(location, hash);
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
	struct location_shard *shard = location_shard_of(location, hash);
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
	struct location_shard *shard = location_shard_of(location, hash);
	pthread_mutex_lock(&shard->source_lock);
	bool is_source = text.at && source_find(shard, hash);
	pthread_mutex_unlock(&shard->source_lock);
	return is_source;
}

/* ---- addresses of record ---- */

static struct location_record *record_find(struct location_shard *shard, struct span aor, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&shard->aors, hash); link; link = hash_next(link)) {
		struct location_record *record = base_container(link, struct location_record, link);
		if (span_equal(location_aor(record), aor))
			return record;
	}
	return NULL;
}

struct location_record *location_record_make(struct location_shard *shard, struct span aor, uint64_t hash)
{
	struct location_record *record = record_find(shard, aor, hash);
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

void location_record_drop_if_idle(struct location_shard *shard, struct location_record *record)
{
	if (record->count || !list_is_empty(&record->changed_link))
		return;
	hash_remove(&shard->aors, &record->link);
	free(record);
}

void location_mark_changed(
	struct registrar_location *location, struct location_shard *shard, struct location_record *record)
{
	if (atomic_load(&location->is_kept) && list_is_empty(&record->changed_link))
		list_append(&shard->changed, &record->changed_link);
}

/* Outside the locks. */
void location_tell_changed(struct registrar_location *location)
{
	if (atomic_load(&location->is_kept) && !atomic_exchange(&location->has_changed, true) && location->changed)
		location->changed(location->changed_argument);
}

void location_attach(struct registrar_location *location, struct location_shard *shard, struct location_record *record,
	struct location_kept *kept)
{
	list_append(&record->bindings, &kept->link);
	record->count++;
	atomic_fetch_add(&location->count, 1);
	if (kept->binding.expires_us < shard->soonest_us)
		shard->soonest_us = kept->binding.expires_us;
	source_add(location, kept->binding.source);
}

void location_detach(struct registrar_location *location, struct location_record *record, struct location_kept *kept)
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

/* Copies of those that stand, sorted by insertion: there are few. */
int location_copy_all(struct location_record *record, int64_t now_us, location_fits_h *fits, const void *argument,
	struct arena *arena, const struct registrar_binding **ret_bindings)
{
	size_t count = 0;
	struct registrar_binding *bindings = arena_zero(arena, (record->count + 1) * sizeof(*bindings));
	if (!bindings)
		return -ENOMEM;
	list_each (item, &record->bindings) {
		const struct registrar_binding *binding = &base_container(item, struct location_kept, link)->binding;
		struct registrar_binding copy;
		if (binding->expires_us <= now_us || (fits && !fits(argument, binding)))
			continue;
		if (!location_copy(arena, binding, &copy))
			return -ENOMEM;
		size_t at = count++;
		for (; at > 0 && is_before(&copy, &bindings[at - 1]); at--)
			bindings[at] = bindings[at - 1];
		bindings[at] = copy;
	}
	*ret_bindings = bindings;
	return (int)count;
}

int registrar_location_find(struct registrar_location *location, struct span aor, int64_t now_us, struct arena *arena,
	const struct registrar_binding **ret_bindings)
{
	uint64_t hash = registrar_location_hash(location, aor);
	struct location_shard *shard = location_shard_of(location, hash);
	int count = 0;
	pthread_mutex_lock(&shard->lock);
	struct location_record *record = record_find(shard, aor, hash);
	if (record)
		count = location_copy_all(record, now_us, NULL, NULL, arena, ret_bindings);
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

int registrar_location_find_temporary(struct registrar_location *location, const struct registrar_gruu *gruu,
	int64_t now_us, struct arena *arena, struct span *ret_aor, const struct registrar_binding **ret_bindings)
{
	struct gruu_question question = { gruu, &location->key };
	struct location_shard *shard = location_shard_of(location, gruu->aor_hash);
	int count = 0;
	if (gruu->kind != REGISTRAR_GRUU_TEMPORARY)
		return 0;
	pthread_mutex_lock(&shard->lock);
	for (struct hash_link *link = hash_first(&shard->aors, gruu->aor_hash); link && !count;
		link = hash_next(link)) {
		struct location_record *record = base_container(link, struct location_record, link);
		count = location_copy_all(record, now_us, fits_gruu, &question, arena, ret_bindings);
		if (count > 0)
			*ret_aor = arena_copy(arena, location_aor(record));
	}
	pthread_mutex_unlock(&shard->lock);
	return count;
}
