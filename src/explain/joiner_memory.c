/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that are used again and again, and never more of them than was allowed. */
#include "base/require.h"
#include "explain/joiner_private.h"

#include <stdalign.h>
#include <stdlib.h>

#define MEMORY_DEFAULT ((size_t)96 << 20)
#define MEMORY_SMALLEST ((size_t)64 << 10)
#define POOL_OBJECTS 64

void joiner_memory_init(struct joiner_memory *m, size_t maximum)
{
	*m = (struct joiner_memory){ .maximum = maximum == 0                ? MEMORY_DEFAULT
						: maximum < MEMORY_SMALLEST ? MEMORY_SMALLEST
									    : maximum,
		.legs.object_size = sizeof(struct joiner_leg),
		.keys.object_size = sizeof(struct joiner_key),
		.joined.object_size = sizeof(struct joiner_joined) };
}

static void free_pages(struct joiner_page *page)
{
	while (page) {
		struct joiner_page *next = page->next;
		free(page);
		page = next;
	}
}

void joiner_memory_done(struct joiner_memory *m)
{
	free_pages(m->free_pages);
	free_pages(m->legs.chunks);
	free_pages(m->keys.chunks);
	free_pages(m->joined.chunks);
	*m = (struct joiner_memory){ 0 };
}

/* ---- objects ---- */

/* The link of a free object stands behind its first 8 bytes, which for a leg are the id that stays 0 while it is free.
 */
struct free_object {
	uint64_t id;
	void *next;
};

static bool add_chunk(struct joiner_memory *m, struct joiner_pool *pool)
{
	size_t size = sizeof(struct joiner_page) + POOL_OBJECTS * pool->object_size;
	struct joiner_page *chunk = malloc(size);
	if (!chunk)
		return false;
	chunk->next = pool->chunks;
	chunk->size = size;
	pool->chunks = chunk;
	m->used += size;
	for (size_t i = POOL_OBJECTS; i-- > 0;)
		joiner_pool_give(pool, chunk->bytes + i * pool->object_size);
	return true;
}

void *joiner_pool_take(struct joiner_memory *m, struct joiner_pool *pool)
{
	if (!pool->free && !add_chunk(m, pool))
		return NULL;
	struct free_object *object = pool->free;
	pool->free = object->next;
	memset(object, 0, pool->object_size);
	return object;
}

void joiner_pool_give(struct joiner_pool *pool, void *object)
{
	struct free_object *freed = object;
	freed->id = 0;
	freed->next = pool->free;
	pool->free = freed;
}

/* ---- pages ---- */

static struct joiner_page *take_page(struct explain_joiner *j, size_t size, const struct joiner_joined *kept)
{
	struct joiner_memory *m = &j->memory;
	while (m->used + size > m->maximum && !(size == JOINER_PAGE_SIZE && m->free_pages))
		if (!joiner_make_room(j, kept))
			break;
	if (size == JOINER_PAGE_SIZE && m->free_pages) {
		struct joiner_page *page = m->free_pages;
		m->free_pages = page->next;
		return page;
	}
	struct joiner_page *page = malloc(size);
	if (page) {
		page->size = size;
		m->used += size;
	}
	return page;
}

void *joiner_allocate(struct explain_joiner *j, struct joiner_joined *d, size_t size)
{
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (size <= (size_t)(d->end_byte - d->next_byte)) {
		void *memory = d->next_byte;
		d->next_byte += size;
		return memory;
	}
	size_t whole = sizeof(struct joiner_page) + size;
	struct joiner_page *page = take_page(j, whole < JOINER_PAGE_SIZE ? JOINER_PAGE_SIZE : whole, d);
	if (!page)
		return NULL;
	page->next = d->pages;
	d->pages = page;
	/* A large event has a page of its own; then the room in the last one is still the next to be used. */
	if (page->size == JOINER_PAGE_SIZE) {
		d->next_byte = page->bytes + size;
		d->end_byte = (char *)page + JOINER_PAGE_SIZE;
	}
	return page->bytes;
}

void joiner_free_pages(struct explain_joiner *j, struct joiner_joined *d)
{
	for (struct joiner_page *page = d->pages, *next; page; page = next) {
		next = page->next;
		if (page->size == JOINER_PAGE_SIZE) {
			page->next = j->memory.free_pages;
			j->memory.free_pages = page;
		} else {
			j->memory.used -= page->size;
			free(page);
		}
	}
	d->pages = NULL;
	d->next_byte = d->end_byte = NULL;
}
