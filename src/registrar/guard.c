/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/guard.h"

#include "base/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define WAYS 8
#define LOCKS 64
#define MINUTE_US (INT64_C(60) * CLOCK_SECOND_US)
#define TOKEN_US (CLOCK_SECOND_US / REGISTRAR_GUARD_A_SECOND)

struct sender {
	uint64_t source; /* keyed hash; 0: free */
	int64_t seen_us;
	int64_t filled_us; /* up to when the measure has been filled */
	int64_t proved_until_us;
	int64_t minute_us; /* when the minute of `told` began */
	uint64_t left_out;
	uint32_t measure;
	uint32_t told;
};

struct registrar_guard {
	struct hash_key key;
	size_t place_count; /* a power of two */
	pthread_mutex_t locks[LOCKS];
	struct sender senders[]; /* place_count * WAYS */
};

int registrar_guard_new(const struct hash_key *key, size_t entries, struct registrar_guard **ret_guard)
{
	size_t count = LOCKS;
	while (count * WAYS < entries)
		count *= 2;
	struct registrar_guard *guard = calloc(1, sizeof(*guard) + count * WAYS * sizeof(guard->senders[0]));
	if (!guard)
		return -ENOMEM;
	guard->key = *key;
	guard->place_count = count;
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&guard->locks[i], NULL);
	*ret_guard = guard;
	return 0;
}

struct registrar_guard *registrar_guard_free(struct registrar_guard *guard)
{
	for (size_t i = 0; guard && i < LOCKS; i++)
		pthread_mutex_destroy(&guard->locks[i]);
	free(guard);
	return NULL;
}

/* ---- one sender, under its lock ---- */

struct held {
	pthread_mutex_t *lock;
	struct sender *sender; /* NULL: not there */
};

static struct sender *oldest_of(struct sender *place)
{
	struct sender *oldest = place;
	for (size_t i = 1; i < WAYS && oldest->source; i++)
		if (!place[i].source || place[i].seen_us < oldest->seen_us)
			oldest = &place[i];
	return oldest;
}

static struct held hold(struct registrar_guard *guard, struct span source, int64_t now_us, bool makes)
{
	uint64_t hash = hash_keyed(&guard->key, source) | 1;
	size_t index = (hash >> 8) & (guard->place_count - 1);
	struct sender *place = &guard->senders[index * WAYS];
	struct held held = { .lock = &guard->locks[index % LOCKS] };
	pthread_mutex_lock(held.lock);
	for (size_t i = 0; i < WAYS && !held.sender; i++)
		if (place[i].source == hash)
			held.sender = &place[i];
	if (!held.sender && makes) {
		held.sender = oldest_of(place);
		*held.sender = (struct sender){
			.source = hash, .filled_us = now_us, .minute_us = now_us, .measure = REGISTRAR_GUARD_MEASURE
		};
	}
	if (held.sender && now_us > held.sender->seen_us)
		held.sender->seen_us = now_us;
	return held;
}

static void let_go(struct held held)
{
	pthread_mutex_unlock(held.lock);
}

static void fill(struct sender *sender, int64_t now_us)
{
	int64_t tokens = (now_us - sender->filled_us) / TOKEN_US;
	if (tokens <= 0)
		return;
	if (tokens >= REGISTRAR_GUARD_MEASURE - (int64_t)sender->measure) {
		sender->measure = REGISTRAR_GUARD_MEASURE;
		sender->filled_us = now_us;
		return;
	}
	sender->measure += (uint32_t)tokens;
	sender->filled_us += tokens * TOKEN_US;
}

bool registrar_guard_take(struct registrar_guard *guard, struct span source, unsigned cost, int64_t now_us)
{
	struct held held = hold(guard, source, now_us, true);
	fill(held.sender, now_us);
	bool has = held.sender->measure >= cost;
	if (has)
		held.sender->measure -= cost;
	let_go(held);
	return has;
}

void registrar_guard_give(struct registrar_guard *guard, struct span source, unsigned cost, int64_t now_us)
{
	struct held held = hold(guard, source, now_us, false);
	if (held.sender) {
		fill(held.sender, now_us);
		held.sender->measure += cost;
		if (held.sender->measure > REGISTRAR_GUARD_MEASURE)
			held.sender->measure = REGISTRAR_GUARD_MEASURE;
	}
	let_go(held);
}

bool registrar_guard_tell(struct registrar_guard *guard, struct span source, int64_t now_us, uint64_t *ret_left_out)
{
	struct held held = hold(guard, source, now_us, true);
	struct sender *sender = held.sender;
	if (now_us - sender->minute_us >= MINUTE_US) {
		sender->minute_us = now_us;
		sender->told = 0;
	}
	bool tells = sender->told < REGISTRAR_GUARD_TELLS;
	*ret_left_out = tells ? sender->left_out : 0;
	sender->left_out = tells ? 0 : sender->left_out + 1;
	sender->told += tells;
	let_go(held);
	return tells;
}

void registrar_guard_prove(struct registrar_guard *guard, struct span source, int64_t until_us)
{
	struct held held = hold(guard, source, 0, true);
	if (until_us > held.sender->proved_until_us)
		held.sender->proved_until_us = until_us;
	/* Until then those who have not proved anything make room first, however many they are. */
	if (until_us > held.sender->seen_us)
		held.sender->seen_us = until_us;
	let_go(held);
}

bool registrar_guard_is_proved(struct registrar_guard *guard, struct span source, int64_t now_us)
{
	struct held held = hold(guard, source, now_us, false);
	bool is_proved = held.sender && held.sender->proved_until_us > now_us;
	let_go(held);
	return is_proved;
}
