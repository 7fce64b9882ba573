/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

#define SLOTS_SMALLEST 16

static inline uint64_t rotate(uint64_t value, unsigned by)
{
	return value << by | value >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

/* Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). */
uint64_t hash_keyed(const struct hash_key *key, struct span s)
{
	uint64_t v[4] = {
		key->word[0] ^ UINT64_C(0x736f6d6570736575),
		key->word[1] ^ UINT64_C(0x646f72616e646f6d),
		key->word[0] ^ UINT64_C(0x6c7967656e657261),
		key->word[1] ^ UINT64_C(0x7465646279746573),
	};
	size_t at = 0;
	for (; s.length - at >= 8; at += 8) {
		uint64_t word;
		memcpy(&word, s.at + at, sizeof(word));
		absorb(v, le64toh(word));
	}
	uint64_t last = (uint64_t)s.length << 56;
	for (size_t i = 0; at + i < s.length; i++)
		last |= (uint64_t)(unsigned char)s.at[at + i] << (8 * i);
	absorb(v, last);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* The finaliser of splitmix64 over both: order matters. */
uint64_t hash_mix(uint64_t hash, uint64_t other)
{
	uint64_t z = rotate(hash, 32) * UINT64_C(0x9e3779b97f4a7c15) + other + UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

int hash_init(struct hash_table *t, size_t maximum)
{
	struct hash_link **slots = calloc(SLOTS_SMALLEST, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	*t = (struct hash_table){ .slots = slots, .slot_count = SLOTS_SMALLEST, .maximum = maximum };
	return 0;
}

void hash_done(struct hash_table *t)
{
	free(t->slots);
	*t = (struct hash_table){ 0 };
}

static inline struct hash_link **slot_of(const struct hash_table *t, uint64_t hash)
{
	return &t->slots[hash & (t->slot_count - 1)];
}

/* Without memory the chains only get longer. */
static void grow(struct hash_table *t)
{
	struct hash_table wider = *t;
	wider.slot_count = t->slot_count * 2;
	wider.slots = calloc(wider.slot_count, sizeof(struct hash_link *));
	if (!wider.slots)
		return;
	for (size_t i = 0; i < t->slot_count; i++) {
		for (struct hash_link *link = t->slots[i], *next; link; link = next) {
			struct hash_link **slot = slot_of(&wider, link->hash);
			next = link->next;
			link->next = *slot;
			*slot = link;
		}
	}
	free(t->slots);
	*t = wider;
}

int hash_insert(struct hash_table *t, struct hash_link *link, uint64_t hash)
{
	if (t->count >= t->maximum)
		return -ENOSPC;
	if (t->count >= t->slot_count)
		grow(t);
	struct hash_link **slot = slot_of(t, hash);
	link->hash = hash;
	link->next = *slot;
	*slot = link;
	t->count++;
	return 0;
}

void hash_remove(struct hash_table *t, struct hash_link *link)
{
	for (struct hash_link **at = slot_of(t, link->hash); *at; at = &(*at)->next) {
		if (*at == link) {
			*at = link->next;
			link->next = NULL;
			t->count--;
			return;
		}
	}
}

static struct hash_link *first_with(struct hash_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

struct hash_link *hash_first(const struct hash_table *t, uint64_t hash)
{
	return first_with(*slot_of(t, hash), hash);
}

struct hash_link *hash_next(const struct hash_link *link)
{
	return first_with(link->next, link->hash);
}

void hash_walk_part(struct hash_table *t, size_t parts, size_t part,
	bool (*visit)(struct hash_link *link, void *argument), void *argument)
{
	for (size_t i = part & (t->slot_count - 1); i < t->slot_count; i += parts) {
		for (struct hash_link *link = t->slots[i], *next; link; link = next) {
			next = link->next;
			/* Of a table with fewer slots than parts a slot holds several parts. */
			if ((link->hash & (parts - 1)) == part && !visit(link, argument))
				return;
		}
	}
}

void hash_walk(struct hash_table *t, bool (*visit)(struct hash_link *link, void *argument), void *argument)
{
	hash_walk_part(t, 1, 0, visit, argument);
}
