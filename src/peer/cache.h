/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_CACHE_H
#define FEDGE_PEER_CACHE_H
/* What is known of other edges, shared by all workers: SRV answers by domain, addresses by host,
 * certificates by the leaf's fingerprint. Entries are immutable and counted; they keep facts, never
 * judgements, so a change of policy needs no flush. A worker's view (peer/view.h) remembers what
 * it has seen without any lock. Everything has a maximum; the oldest go first. */
#include "base/clock.h"
#include "base/random.h"
#include "trust/facts.h"

struct peer_cache;
struct net_address;

struct peer_cache_settings {
	const struct clock *clock;
	struct hash_key key; /* strangers choose the names: random_hash_key */
	/* An answer is kept for its TTL, but at most so long. 0 takes the default. */
	uint32_t positive_maximum_s; /* 3600 */
	uint32_t negative_maximum_s; /* 60: a repaired record is seen soon */
	uint32_t failure_s; /* 5: a resolver that fails is not asked again for every call */
	size_t entry_maximum; /* 65536 of each kind */
};
int peer_cache_new(const struct peer_cache_settings *settings, struct peer_cache **ret_cache);
/* After all views are freed. */
void peer_cache_free(struct peer_cache *cache);

/* Any thread. Forgets a domain: its SRV answer and every host in or under it, and the hosts its SRV answer names;
 * absent: everything, certificates too. Gives the number of entries forgotten. Names being asked for at this moment
 * are asked anew by whoever comes next. */
size_t peer_cache_flush(struct peer_cache *cache, struct span domain);

struct peer_cache_counts {
	size_t domains, hosts, chains;
	uint64_t hits, misses; /* of the shared table: a view's own hits are not counted here */
	uint64_t evicted;
};
void peer_cache_counts(struct peer_cache *cache, struct peer_cache_counts *ret_counts);

/* ---- entries: read only, held by reference ---- */
struct peer_domain {
	struct trust_domain facts;
	int64_t expires_us; /* steady */
	int64_t learned_us; /* wall */
};
struct peer_host {
	struct trust_host facts;
	const struct net_address *addresses; /* as facts.addresses, port 0 */
	int64_t expires_us;
	int64_t learned_us;
};
struct peer_chain {
	struct trust_chain facts; /* count >= 1 */
	int64_t learned_us;
};
const struct peer_domain *peer_domain_ref(const struct peer_domain *domain); /* any thread */
void peer_domain_unref(const struct peer_domain *domain); /* any thread; NULL is harmless */
const struct peer_host *peer_host_ref(const struct peer_host *host);
void peer_host_unref(const struct peer_host *host);
void peer_chain_unref(const struct peer_chain *chain);

/* Any thread: visits every domain that is remembered and not expired, for `fedge peers`. The entry is valid during
 * the call. Stops where visit returns false. */
void peer_cache_each_domain(struct peer_cache *cache,
	bool (*visit)(void *argument, const struct peer_domain *domain, int64_t remaining_us), void *argument);
void peer_cache_each_chain(
	struct peer_cache *cache, bool (*visit)(void *argument, const struct peer_chain *chain), void *argument);
#endif
