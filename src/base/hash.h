/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_HASH_H
#define FEDGE_BASE_HASH_H
/* A chained hash table whose links live inside the items. The key is the caller's: the table
 * stores the 64-bit hash, finds candidates by it, and the caller compares. Owns no item. */
#include "base/span.h"

struct hash_link {
	struct hash_link *next;
	uint64_t hash;
};

struct hash_table {
	struct hash_link **slots;
	size_t slot_count; /* a power of two */
	size_t count;
	size_t maximum; /* of items; hash_insert gives -ENOSPC beyond it */
};

/* SipHash-2-4: for keys that strangers choose (branches, Call-IDs, domains). */
struct hash_key {
	uint64_t word[2];
};
uint64_t hash_keyed(const struct hash_key *key, struct span s);
uint64_t hash_mix(uint64_t hash, uint64_t other);

int hash_init(struct hash_table *t, size_t maximum);
void hash_done(struct hash_table *t);
int hash_insert(struct hash_table *t, struct hash_link *link, uint64_t hash);
void hash_remove(struct hash_table *t, struct hash_link *link);
/* First candidate with that very hash, then the following ones. */
struct hash_link *hash_first(const struct hash_table *t, uint64_t hash);
struct hash_link *hash_next(const struct hash_link *link);
/* Walks all; a callback may remove the item it was given. Stops where it returns false. */
void hash_walk(struct hash_table *t, bool (*visit)(struct hash_link *link, void *argument), void *argument);
/* The same of those whose hash falls into that part of `parts` (a power of two): all parts are all items, however the
 * table changes in between. */
void hash_walk_part(struct hash_table *t, size_t parts, size_t part,
	bool (*visit)(struct hash_link *link, void *argument), void *argument);
#endif
