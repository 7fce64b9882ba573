/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/joiner_private.h"

/* Of one leg: each Via may bring one, and each connection that failed. */
#define KEYS_MAXIMUM 64

uint64_t joiner_hash(const struct explain_joiner *j, enum joiner_key_kind kind, struct span text)
{
	struct hash_key key = j->settings.hash_key;
	key.word[0] += (uint64_t)kind;
	return hash_keyed(&key, text);
}

static struct joiner_key *key_of(struct hash_link *link)
{
	return (struct joiner_key *)(void *)link;
}

struct joiner_leg *joiner_find(struct explain_joiner *j, uint64_t hash)
{
	struct hash_link *link = hash_first(&j->keys, hash);
	return link ? key_of(link)->leg : NULL;
}

void joiner_add_key(struct explain_joiner *j, struct joiner_leg *leg, uint64_t hash)
{
	if (leg->key_count == KEYS_MAXIMUM)
		return;
	struct joiner_key *key = joiner_pool_take(&j->memory, &j->memory.keys);
	if (!key)
		return;
	if (hash_insert(&j->keys, &key->link, hash) < 0) {
		joiner_pool_give(&j->memory.keys, key);
		return;
	}
	key->leg = leg;
	key->next = leg->keys;
	leg->keys = key;
	leg->key_count++;
}

void joiner_mend(struct explain_joiner *j, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&j->keys, hash); link; link = hash_next(link))
		key_of(link)->leg->is_mended = true;
}

void joiner_join_by(struct explain_joiner *j, struct joiner_leg *leg, uint64_t hash, enum explain_join join)
{
	struct joiner_leg *other = joiner_find(j, hash);
	if (!other)
		joiner_add_key(j, leg, hash);
	else if (other != leg)
		joiner_join(j, other, leg, join);
}
