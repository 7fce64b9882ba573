/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_ENTRY_H
#define FEDGE_PEER_ENTRY_H
/* What the shared table holds, for this folder: an immutable entry with its own memory, counted. */
#include "base/arena.h"
#include "base/list.h"
#include "net/tls.h"
#include "peer/cache.h"

#include <stdatomic.h>

enum peer_kind {
	PEER_DOMAIN,
	PEER_HOST,
	PEER_CHAIN,
	PEER_KIND_COUNT,
};

struct x509_st;

struct peer_entry {
	struct hash_link link; /* of the shared table, under its lock */
	struct list age; /* likewise: the oldest first */
	_Atomic unsigned references;
	enum peer_kind kind;
	struct arena arena; /* of all that the facts point at */
	int64_t expires_us; /* steady; INT64_MAX for chains */
	struct span key; /* lower-case name; absent for chains */
	uint16_t port; /* of TLSA; 0: none */
	/* PEER_CHAIN */
	struct x509_st *leaf;
	bool server; /* our role */
	struct stack_st_X509 *sent; /* to be verified anew when trust changes; NULL where it was not trusted */
	struct net_tls_problem problems[NET_TLS_PROBLEM_MAXIMUM]; /* of the handshake, likewise */
	size_t problem_count;
	uint64_t generation; /* of the TLS context that verified it */
	uint64_t sent_hash; /* of all certificates */
	uint64_t shown; /* hash of everything that the handshake showed */
	union {
		struct peer_domain domain;
		struct peer_host host;
		struct peer_chain chain;
	};
};

/* ASCII only, as the DNS and SIP compare. */
static inline char peer_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#define PEER_ENTRY_BYTES_MAXIMUM (1024 * 1024)
#define PEER_NAME_SIZE 256

/* NULL without memory. One reference, the caller's. */
struct peer_entry *peer_entry_new(enum peer_kind kind);
struct peer_entry *peer_entry_ref(struct peer_entry *entry);
void peer_entry_unref(struct peer_entry *entry);

/* Lower case, without the root dot; false where it is no name that the DNS could be asked for. */
bool peer_name_fold(struct span name, char ret_name[PEER_NAME_SIZE]);
uint64_t peer_name_hash(const struct peer_cache *cache, struct span name, uint16_t port);
uint64_t peer_leaf_hash(const struct peer_cache *cache, struct x509_st *leaf, bool server);
/* Whether the entry is the one of this name (folded) and port. */
bool peer_entry_is(const struct peer_entry *entry, struct span name, uint16_t port);
bool peer_entry_is_leaf(const struct peer_entry *entry, struct x509_st *leaf, bool server);

/* Counts flushes: what was learned under an older number is not put in. */
uint64_t peer_cache_epoch(const struct peer_cache *cache);
const struct peer_cache_settings *peer_cache_settings(const struct peer_cache *cache);
/* A reference of the caller's, or NULL. Expired ones are not found. */
struct peer_entry *peer_cache_find_name(
	struct peer_cache *cache, enum peer_kind kind, struct span name, uint16_t port, uint64_t hash);
struct peer_entry *peer_cache_find_leaf(struct peer_cache *cache, struct x509_st *leaf, bool server, uint64_t hash);
/* Takes a reference of its own; replaces one of the same name or leaf. Nothing where the epoch has passed. */
void peer_cache_put(struct peer_cache *cache, struct peer_entry *entry, uint64_t hash, uint64_t epoch);
#endif
