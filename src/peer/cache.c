/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/cache.h"

#include "base/require.h"
#include "peer/chain.h"
#include "peer/entry.h"
#include "trust/names.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>

#define POSITIVE_MAXIMUM_S 3600
#define NEGATIVE_MAXIMUM_S 60
#define FAILURE_S 5
#define ENTRY_MAXIMUM 65536

struct shelf {
	struct hash_table table;
	struct list ages;
};

struct peer_cache {
	struct peer_cache_settings settings;
	struct clock clock;
	pthread_mutex_t lock; /* of all below but the epoch; held for a lookup, never while asking or reading */
	struct shelf shelves[PEER_KIND_COUNT];
	uint64_t hits, misses, evicted;
	_Atomic uint64_t epoch;
};

/* ---- entries ---- */

struct peer_entry *peer_entry_new(enum peer_kind kind)
{
	struct peer_entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	entry->kind = kind;
	entry->expires_us = INT64_MAX;
	atomic_init(&entry->references, 1);
	arena_init(&entry->arena, PEER_ENTRY_BYTES_MAXIMUM);
	list_init(&entry->age);
	return entry;
}

struct peer_entry *peer_entry_ref(struct peer_entry *entry)
{
	atomic_fetch_add_explicit(&entry->references, 1, memory_order_relaxed);
	return entry;
}

void peer_entry_unref(struct peer_entry *entry)
{
	if (!entry || atomic_fetch_sub_explicit(&entry->references, 1, memory_order_acq_rel) != 1)
		return;
	X509_free(entry->leaf);
	sk_X509_pop_free(entry->sent, X509_free);
	arena_done(&entry->arena);
	free(entry);
}

/* The public types are parts of an entry; entries are never const themselves. */
#define ENTRY_OF(pointer, member) ((struct peer_entry *)((uintptr_t)(pointer)-offsetof(struct peer_entry, member)))

const struct peer_domain *peer_domain_ref(const struct peer_domain *domain)
{
	peer_entry_ref(ENTRY_OF(domain, domain));
	return domain;
}

void peer_domain_unref(const struct peer_domain *domain)
{
	if (domain)
		peer_entry_unref(ENTRY_OF(domain, domain));
}

const struct peer_host *peer_host_ref(const struct peer_host *host)
{
	peer_entry_ref(ENTRY_OF(host, host));
	return host;
}

void peer_host_unref(const struct peer_host *host)
{
	if (host)
		peer_entry_unref(ENTRY_OF(host, host));
}

void peer_chain_unref(const struct peer_chain *chain)
{
	if (chain)
		peer_entry_unref(ENTRY_OF(chain, chain));
}

/* ---- keys ---- */

bool peer_name_fold(struct span name, char ret_name[PEER_NAME_SIZE])
{
	name = trust_name_strip(name);
	if (!trust_name_is_plain(name) || !span_copy_to(name, ret_name, PEER_NAME_SIZE))
		return false;
	for (char *c = ret_name; *c; c++)
		*c = peer_lower(*c);
	return true;
}

uint64_t peer_name_hash(const struct peer_cache *cache, struct span name, uint16_t port)
{
	return hash_mix(hash_keyed(&cache->settings.key, name), port);
}

/* OpenSSL keeps the SHA-1 of a certificate it has parsed, so this costs next to nothing. It only
 * finds candidates: peer_entry_is_leaf compares the certificates. */
uint64_t peer_leaf_hash(const struct peer_cache *cache, struct x509_st *leaf, bool server)
{
	unsigned char digest[EVP_MAX_MD_SIZE] = { 0 };
	unsigned int length = 0;
	X509_digest(leaf, EVP_sha1(), digest, &length);
	uint64_t hash = hash_keyed(&cache->settings.key, span_make((const char *)digest, length));
	return hash_mix(hash, server);
}

bool peer_entry_is(const struct peer_entry *entry, struct span name, uint16_t port)
{
	return entry->port == port && span_equal(entry->key, name);
}

bool peer_entry_is_leaf(const struct peer_entry *entry, struct x509_st *leaf, bool server)
{
	return entry->server == server && (entry->leaf == leaf || X509_cmp(entry->leaf, leaf) == 0);
}

/* ---- the table ---- */

int peer_cache_new(const struct peer_cache_settings *settings, struct peer_cache **ret_cache)
{
	struct peer_cache *cache = calloc(1, sizeof(*cache));
	if (!cache)
		return -ENOMEM;
	cache->settings = *settings;
	cache->clock = settings->clock ? *settings->clock : clock_system();
	cache->settings.clock = &cache->clock;
	if (!cache->settings.positive_maximum_s)
		cache->settings.positive_maximum_s = POSITIVE_MAXIMUM_S;
	if (!cache->settings.negative_maximum_s)
		cache->settings.negative_maximum_s = NEGATIVE_MAXIMUM_S;
	if (!cache->settings.failure_s)
		cache->settings.failure_s = FAILURE_S;
	if (!cache->settings.entry_maximum)
		cache->settings.entry_maximum = ENTRY_MAXIMUM;
	for (int i = 0; i < PEER_KIND_COUNT; i++) {
		list_init(&cache->shelves[i].ages);
		if (hash_init(&cache->shelves[i].table, cache->settings.entry_maximum + 1) == 0)
			continue;
		while (i-- > 0)
			hash_done(&cache->shelves[i].table);
		free(cache);
		return -ENOMEM;
	}
	pthread_mutex_init(&cache->lock, NULL);
	*ret_cache = cache;
	return 0;
}

static void shelf_remove(struct shelf *shelf, struct peer_entry *entry)
{
	hash_remove(&shelf->table, &entry->link);
	list_remove(&entry->age);
	peer_entry_unref(entry);
}

static void shelf_clear(struct shelf *shelf)
{
	while (!list_is_empty(&shelf->ages))
		shelf_remove(shelf, base_container(shelf->ages.next, struct peer_entry, age));
}

void peer_cache_free(struct peer_cache *cache)
{
	if (!cache)
		return;
	for (int i = 0; i < PEER_KIND_COUNT; i++) {
		shelf_clear(&cache->shelves[i]);
		hash_done(&cache->shelves[i].table);
	}
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

uint64_t peer_cache_epoch(const struct peer_cache *cache)
{
	return atomic_load_explicit(&cache->epoch, memory_order_acquire);
}

const struct peer_cache_settings *peer_cache_settings(const struct peer_cache *cache)
{
	return &cache->settings;
}

/* Under the lock. */
static struct peer_entry *found(struct peer_cache *cache, struct shelf *shelf, struct peer_entry *entry)
{
	if (entry && entry->expires_us <= clock_steady_us(&cache->clock)) {
		shelf_remove(shelf, entry);
		entry = NULL;
	}
	if (!entry) {
		cache->misses++;
		return NULL;
	}
	cache->hits++;
	list_remove(&entry->age);
	list_append(&shelf->ages, &entry->age);
	return peer_entry_ref(entry);
}

static struct peer_entry *shelf_name(struct shelf *shelf, struct span name, uint16_t port, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&shelf->table, hash); link; link = hash_next(link)) {
		struct peer_entry *entry = base_container(link, struct peer_entry, link);
		if (peer_entry_is(entry, name, port))
			return entry;
	}
	return NULL;
}

static struct peer_entry *shelf_leaf(struct shelf *shelf, struct x509_st *leaf, bool server, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&shelf->table, hash); link; link = hash_next(link)) {
		struct peer_entry *entry = base_container(link, struct peer_entry, link);
		if (peer_entry_is_leaf(entry, leaf, server))
			return entry;
	}
	return NULL;
}

struct peer_entry *peer_cache_find_name(
	struct peer_cache *cache, enum peer_kind kind, struct span name, uint16_t port, uint64_t hash)
{
	pthread_mutex_lock(&cache->lock);
	struct shelf *shelf = &cache->shelves[kind];
	struct peer_entry *entry = found(cache, shelf, shelf_name(shelf, name, port, hash));
	pthread_mutex_unlock(&cache->lock);
	return entry;
}

struct peer_entry *peer_cache_find_leaf(struct peer_cache *cache, struct x509_st *leaf, bool server, uint64_t hash)
{
	pthread_mutex_lock(&cache->lock);
	struct shelf *shelf = &cache->shelves[PEER_CHAIN];
	struct peer_entry *entry = found(cache, shelf, shelf_leaf(shelf, leaf, server, hash));
	pthread_mutex_unlock(&cache->lock);
	return entry;
}

/* Under the lock. */
static void put(struct peer_cache *cache, struct peer_entry *entry, uint64_t hash)
{
	struct shelf *shelf = &cache->shelves[entry->kind];
	struct peer_entry *old = entry->kind == PEER_CHAIN ? shelf_leaf(shelf, entry->leaf, entry->server, hash)
							   : shelf_name(shelf, entry->key, entry->port, hash);
	if (old)
		shelf_remove(shelf, old);
	if (shelf->table.count >= cache->settings.entry_maximum) {
		shelf_remove(shelf, base_container(shelf->ages.next, struct peer_entry, age));
		cache->evicted++;
	}
	if (hash_insert(&shelf->table, &entry->link, hash) < 0)
		return;
	list_append(&shelf->ages, &entry->age);
	peer_entry_ref(entry);
}

void peer_cache_put(struct peer_cache *cache, struct peer_entry *entry, uint64_t hash, uint64_t epoch)
{
	pthread_mutex_lock(&cache->lock);
	if (epoch == peer_cache_epoch(cache))
		put(cache, entry, hash);
	pthread_mutex_unlock(&cache->lock);
}

/* ---- flushing ---- */

static bool is_in(struct span name, struct span domain)
{
	if (span_equal(name, domain))
		return true;
	return name.length > domain.length && span_ends_nocase(name, domain) &&
	       name.at[name.length - domain.length - 1] == '.';
}

/* Under the lock. The hosts that a domain's SRV answer names may lie anywhere. */
static size_t flush_targets(struct peer_cache *cache, const struct peer_domain *domain)
{
	size_t count = 0;
	struct shelf *hosts = &cache->shelves[PEER_HOST];
	for (size_t i = 0; i < domain->facts.record_count; i++) {
		list_each_safe (item, following, &hosts->ages) {
			struct peer_entry *entry = base_container(item, struct peer_entry, age);
			if (!trust_name_equal(entry->key, domain->facts.records[i].target))
				continue;
			shelf_remove(hosts, entry);
			count++;
		}
	}
	return count;
}

static size_t flush_domain(struct peer_cache *cache, struct span domain)
{
	size_t count = 0;
	struct shelf *domains = &cache->shelves[PEER_DOMAIN], *hosts = &cache->shelves[PEER_HOST];
	list_each_safe (item, following, &domains->ages) {
		struct peer_entry *entry = base_container(item, struct peer_entry, age);
		if (!span_equal(entry->key, domain))
			continue;
		count += flush_targets(cache, &entry->domain);
		shelf_remove(domains, entry);
		count++;
	}
	list_each_safe (host, next, &hosts->ages) {
		struct peer_entry *entry = base_container(host, struct peer_entry, age);
		if (!is_in(entry->key, domain))
			continue;
		shelf_remove(hosts, entry);
		count++;
	}
	return count;
}

size_t peer_cache_flush(struct peer_cache *cache, struct span domain)
{
	char name[PEER_NAME_SIZE];
	size_t count = 0;
	if (domain.at && !peer_name_fold(domain, name))
		return 0;
	pthread_mutex_lock(&cache->lock);
	/* Every view forgets its own small table too, whatever the domain: it fills again in no time. */
	atomic_fetch_add_explicit(&cache->epoch, 1, memory_order_acq_rel);
	if (domain.at) {
		count = flush_domain(cache, span_of(name));
	} else {
		for (int i = 0; i < PEER_KIND_COUNT; i++) {
			count += cache->shelves[i].table.count;
			shelf_clear(&cache->shelves[i]);
		}
	}
	pthread_mutex_unlock(&cache->lock);
	return count;
}

/* ---- looking in ---- */

void peer_cache_counts(struct peer_cache *cache, struct peer_cache_counts *ret_counts)
{
	pthread_mutex_lock(&cache->lock);
	*ret_counts = (struct peer_cache_counts){
		.domains = cache->shelves[PEER_DOMAIN].table.count,
		.hosts = cache->shelves[PEER_HOST].table.count,
		.chains = cache->shelves[PEER_CHAIN].table.count,
		.hits = cache->hits,
		.misses = cache->misses,
		.evicted = cache->evicted,
	};
	pthread_mutex_unlock(&cache->lock);
}

/* References to all of one kind, so that visitors run without the lock. NULL without memory. */
static struct peer_entry **collect(struct peer_cache *cache, enum peer_kind kind, size_t *ret_count)
{
	size_t count = 0;
	pthread_mutex_lock(&cache->lock);
	struct shelf *shelf = &cache->shelves[kind];
	struct peer_entry **entries = calloc(shelf->table.count + 1, sizeof(struct peer_entry *));
	if (entries) {
		list_each (item, &shelf->ages) {
			entries[count++] = peer_entry_ref(base_container(item, struct peer_entry, age));
		}
	}
	pthread_mutex_unlock(&cache->lock);
	*ret_count = count;
	return entries;
}

void peer_cache_each_domain(struct peer_cache *cache,
	bool (*visit)(void *argument, const struct peer_domain *domain, int64_t remaining_us), void *argument)
{
	size_t count;
	struct peer_entry **entries = collect(cache, PEER_DOMAIN, &count);
	int64_t now_us = clock_steady_us(&cache->clock);
	bool more = true;
	for (size_t i = 0; i < count; i++) {
		int64_t remaining_us = entries[i]->expires_us - now_us;
		if (more && remaining_us > 0)
			more = visit(argument, &entries[i]->domain, remaining_us);
		peer_entry_unref(entries[i]);
	}
	free(entries);
}

void peer_cache_each_chain(
	struct peer_cache *cache, bool (*visit)(void *argument, const struct peer_chain *chain), void *argument)
{
	size_t count;
	struct peer_entry **entries = collect(cache, PEER_CHAIN, &count);
	bool more = true;
	for (size_t i = 0; i < count; i++) {
		if (more)
			more = visit(argument, &entries[i]->chain);
		peer_entry_unref(entries[i]);
	}
	free(entries);
}
