/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/private.h"

void *transport_compact(size_t size, struct span *const *texts, size_t text_count)
{
	size_t total = size;
	for (size_t i = 0; i < text_count; i++)
		total += texts[i]->length;
	char *memory = malloc(total ? total : 1);
	if (!memory)
		return NULL;
	char *out = memory + size;
	for (size_t i = 0; i < text_count; i++) {
		if (!texts[i]->at)
			continue;
		memcpy(out, texts[i]->at, texts[i]->length);
		texts[i]->at = out;
		out += texts[i]->length;
	}
	return memory;
}

void transport_arena_take(struct transport *t, struct arena *a)
{
	if (t->spare_count > 0)
		*a = t->spare[--t->spare_count];
	else
		arena_init(a, t->limits.arena_bytes);
}

/* A request that grew large must not make all later ones large. */
#define CHUNK_KEPT ((size_t)16 * 1024)

void transport_arena_give(struct transport *t, struct arena *a)
{
	size_t used = a->used;
	arena_reset(a);
	if (a->chunks && used <= CHUNK_KEPT && t->spare_count < TRANSPORT_SPARE_ARENAS)
		t->spare[t->spare_count++] = *a;
	else
		arena_done(a);
	arena_init(a, t->limits.arena_bytes);
}
