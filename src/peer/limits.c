/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/limits.h"

#include "base/list.h"
#include "base/require.h"
#include "peer/entry.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define SHARDS 16
#define PARTNER_MAXIMUM 65536
#define ADDRESS_MAXIMUM 512

struct partner {
	struct hash_link link;
	struct list age; /* the quietest first */
	struct trust_limits_state state;
	char domain[]; /* lower case */
};

struct shard {
	_Alignas(64) pthread_mutex_t lock;
	struct hash_table table;
	struct list ages;
};

struct peer_limits {
	struct hash_key key;
	size_t shard_maximum;
	struct shard shards[SHARDS];
};

int peer_limits_new(const struct peer_limits_settings *settings, struct peer_limits **ret_limits)
{
	struct peer_limits *limits = aligned_alloc(64, (sizeof(*limits) + 63) / 64 * 64);
	if (!limits)
		return -ENOMEM;
	memset(limits, 0, sizeof(*limits));
	limits->key = settings->key;
	size_t maximum = settings->partner_maximum ? settings->partner_maximum : PARTNER_MAXIMUM;
	limits->shard_maximum = maximum / SHARDS + 1;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &limits->shards[i];
		list_init(&shard->ages);
		if (hash_init(&shard->table, limits->shard_maximum) == 0) {
			pthread_mutex_init(&shard->lock, NULL);
			continue;
		}
		while (i-- > 0)
			hash_done(&limits->shards[i].table);
		free(limits);
		return -ENOMEM;
	}
	*ret_limits = limits;
	return 0;
}

static void partner_forget(struct shard *shard, struct partner *partner)
{
	hash_remove(&shard->table, &partner->link);
	list_remove(&partner->age);
	trust_limits_done(&partner->state);
	free(partner);
}

static void shard_clear(struct shard *shard)
{
	while (!list_is_empty(&shard->ages))
		partner_forget(shard, base_container(shard->ages.next, struct partner, age));
}

void peer_limits_free(struct peer_limits *limits)
{
	if (!limits)
		return;
	for (int i = 0; i < SHARDS; i++) {
		shard_clear(&limits->shards[i]);
		hash_done(&limits->shards[i].table);
		pthread_mutex_destroy(&limits->shards[i].lock);
	}
	free(limits);
}

/* The table goes by the low bits of the hash, the shard by the high ones. */
static struct shard *shard_of(struct peer_limits *limits, uint64_t hash)
{
	return &limits->shards[(hash >> 56) % SHARDS];
}

static struct partner *shard_find(struct shard *shard, const char *domain, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&shard->table, hash); link; link = hash_next(link)) {
		struct partner *partner = base_container(link, struct partner, link);
		if (strcmp(partner->domain, domain) == 0)
			return partner;
	}
	return NULL;
}

static struct partner *shard_add(struct peer_limits *limits, struct shard *shard, const char *domain, uint64_t hash)
{
	if (shard->table.count >= limits->shard_maximum)
		partner_forget(shard, base_container(shard->ages.next, struct partner, age));
	size_t length = strlen(domain);
	struct partner *partner = calloc(1, sizeof(*partner) + length + 1);
	if (!partner)
		return NULL;
	memcpy(partner->domain, domain, length + 1);
	trust_limits_init(&partner->state);
	list_init(&partner->age);
	if (hash_insert(&shard->table, &partner->link, hash) < 0) {
		free(partner);
		return NULL;
	}
	return partner;
}

static uint64_t address_hash(const struct peer_limits *limits, struct span address)
{
	char lower[ADDRESS_MAXIMUM];
	address = span_first(address, sizeof(lower));
	for (size_t i = 0; i < address.length; i++)
		lower[i] = peer_lower(address.at[i]);
	return hash_keyed(&limits->key, span_make(lower, address.length));
}

enum trust_limits_verdict peer_limits_take(struct peer_limits *limits, const struct trust_limits *settings,
	struct span domain, struct span address, int64_t now_us)
{
	char name[PEER_NAME_SIZE];
	if (!peer_name_fold(domain, name))
		return TRUST_LIMITS_RATE; /* no name, no credit */
	uint64_t hash = hash_keyed(&limits->key, span_of(name));
	uint64_t wanted = address_hash(limits, address);
	struct shard *shard = shard_of(limits, hash);
	enum trust_limits_verdict verdict = TRUST_LIMITS_RATE;
	pthread_mutex_lock(&shard->lock);
	struct partner *partner = shard_find(shard, name, hash);
	if (!partner)
		partner = shard_add(limits, shard, name, hash);
	if (partner) {
		list_remove(&partner->age);
		list_append(&shard->ages, &partner->age);
		verdict = trust_limits_take(&partner->state, settings, wanted, now_us);
	}
	pthread_mutex_unlock(&shard->lock);
	return verdict;
}

void peer_limits_answered(struct peer_limits *limits, struct span domain, bool good)
{
	char name[PEER_NAME_SIZE];
	if (!peer_name_fold(domain, name))
		return;
	uint64_t hash = hash_keyed(&limits->key, span_of(name));
	struct shard *shard = shard_of(limits, hash);
	pthread_mutex_lock(&shard->lock);
	struct partner *partner = shard_find(shard, name, hash);
	if (partner)
		trust_limits_answered(&partner->state, good);
	pthread_mutex_unlock(&shard->lock);
}

void peer_limits_flush(struct peer_limits *limits, struct span domain)
{
	char name[PEER_NAME_SIZE];
	if (domain.at && !peer_name_fold(domain, name))
		return;
	for (int i = 0; i < SHARDS; i++) {
		struct shard *shard = &limits->shards[i];
		pthread_mutex_lock(&shard->lock);
		struct partner *partner =
			domain.at ? shard_find(shard, name, hash_keyed(&limits->key, span_of(name))) : NULL;
		if (partner)
			partner_forget(shard, partner);
		else if (!domain.at)
			shard_clear(shard);
		pthread_mutex_unlock(&shard->lock);
	}
}

static bool shard_visit(
	struct shard *shard, bool (*visit)(void *argument, const struct peer_limits_entry *entry), void *argument)
{
	list_each (item, &shard->ages) {
		const struct partner *partner = base_container(item, struct partner, age);
		struct peer_limits_entry entry = {
			.domain = span_of(partner->domain),
			.addresses = partner->state.address_count,
			.good = partner->state.good,
			.bad = partner->state.bad,
			.suspicious = trust_limits_is_suspicious(&partner->state),
		};
		if (!visit(argument, &entry))
			return false;
	}
	return true;
}

void peer_limits_each(struct peer_limits *limits, bool (*visit)(void *argument, const struct peer_limits_entry *entry),
	void *argument)
{
	bool more = true;
	for (int i = 0; i < SHARDS && more; i++) {
		pthread_mutex_lock(&limits->shards[i].lock);
		more = shard_visit(&limits->shards[i], visit, argument);
		pthread_mutex_unlock(&limits->shards[i].lock);
	}
}
