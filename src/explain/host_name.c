/* SPDX-License-Identifier: Apache-2.0 */
/* Which name an address has: of a box in its own log, else of what a log, a DNS answer or a certificate gave. */
#include "explain/joiner_private.h"

#include <stdlib.h>

static const struct hash_key names_key = { { 0x6e616d65, 0x61646472 } };

static struct record_address bare(const struct record_address *address)
{
	struct record_address a = *address;
	a.port = 0;
	return a;
}

static uint64_t hash_of(const struct record_address *address)
{
	return hash_keyed(&names_key, span_make((const char *)address->bytes, address->family == 6 ? 16 : 4));
}

int joiner_names_init(struct joiner_names *names)
{
	names->at = malloc(JOINER_NAMES_MAXIMUM * sizeof(*names->at));
	return names->at ? hash_init(&names->by_address, JOINER_NAMES_MAXIMUM) : -1;
}

void joiner_names_done(struct joiner_names *names)
{
	hash_done(&names->by_address);
	free(names->at);
	names->at = NULL;
}

static struct joiner_name *find(const struct joiner_names *names, const struct record_address *address)
{
	struct record_address a = bare(address);
	for (struct hash_link *link = hash_first(&names->by_address, hash_of(&a)); link; link = hash_next(link)) {
		struct joiner_name *name = (struct joiner_name *)(void *)link;
		if (record_address_equal(&name->address, &a))
			return name;
	}
	return NULL;
}

const struct joiner_name *joiner_name_find(const struct explain_joiner *j, const struct record_address *address)
{
	return address->family ? find(&j->names, address) : NULL;
}

/* Whether this very pair was just seen: most messages say what the one before them said. */
static bool is_known(struct joiner_names *names, uint64_t hash)
{
	uint64_t *slot = &names->last_hash[hash % 64];
	bool known = *slot == hash;
	*slot = hash;
	return known;
}

void joiner_name_learn(struct explain_joiner *j, const struct record_address *address, struct span text, bool is_node)
{
	struct joiner_names *names = &j->names;
	struct record_address a = bare(address);
	if (!a.family || text.length == 0 || text.length >= sizeof(names->at->text))
		return;
	uint64_t hash = hash_of(&a);
	if (is_known(names, hash_mix(hash, text.length * 256 + (unsigned char)text.at[0] + is_node)))
		return;
	struct joiner_name *name = find(names, &a);
	if (!name) {
		if (names->count == JOINER_NAMES_MAXIMUM)
			return;
		name = &names->at[names->count];
		*name = (struct joiner_name){ .address = a };
		if (hash_insert(&names->by_address, &name->link, hash) < 0)
			return;
		names->count++;
	} else if (name->is_node || (!is_node && name->text[0])) {
		return;
	}
	name->is_node = is_node;
	(void)span_copy_to(text, name->text, sizeof(name->text));
}
