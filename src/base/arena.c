/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_SMALLEST ((size_t)4096)
#define CHUNK_LARGEST ((size_t)64 * 1024)

struct arena_chunk {
	struct arena_chunk *older;
	size_t size; /* of bytes */
	alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *a, size_t maximum)
{
	*a = (struct arena){ .maximum = maximum };
}

static void free_chunks(struct arena_chunk *chunk)
{
	while (chunk) {
		struct arena_chunk *older = chunk->older;
		free(chunk);
		chunk = older;
	}
}

void arena_done(struct arena *a)
{
	free_chunks(a->chunks);
	arena_init(a, a->maximum);
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *kept = a->chunks;
	if (!kept)
		return;
	free_chunks(kept->older);
	kept->older = NULL;
	a->next = kept->bytes;
	a->end = kept->bytes + kept->size;
	a->used = 0;
}

/* Each chunk doubles the one before, so that a long request makes few of them. */
static bool add_chunk(struct arena *a, size_t size)
{
	size_t chunk_size = a->chunks ? a->chunks->size * 2 : CHUNK_SMALLEST;
	if (chunk_size > CHUNK_LARGEST)
		chunk_size = CHUNK_LARGEST;
	if (chunk_size < size)
		chunk_size = size;
	struct arena_chunk *chunk = malloc(sizeof(*chunk) + chunk_size);
	if (!chunk)
		return false;
	chunk->older = a->chunks;
	chunk->size = chunk_size;
	a->chunks = chunk;
	a->next = chunk->bytes;
	a->end = chunk->bytes + chunk_size;
	return true;
}

void *arena_allocate(struct arena *a, size_t size)
{
	if (size > a->maximum || size > SIZE_MAX / 2)
		return NULL;
	size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (rounded == 0)
		rounded = alignof(max_align_t);
	if (rounded > a->maximum - a->used)
		return NULL;
	if (rounded > (size_t)(a->end - a->next) && !add_chunk(a, rounded))
		return NULL;
	void *memory = a->next;
	a->next += rounded;
	a->used += rounded;
	return memory;
}

void *arena_zero(struct arena *a, size_t size)
{
	void *memory = arena_allocate(a, size);
	return memory ? memset(memory, 0, size) : NULL;
}

struct span arena_copy(struct arena *a, struct span s)
{
	if (!s.at)
		return SPAN_NONE;
	char *text = arena_allocate(a, s.length + 1);
	if (!text)
		return SPAN_NONE;
	memcpy(text, s.at, s.length);
	text[s.length] = '\0';
	return span_make(text, s.length);
}

char *arena_copy_text(struct arena *a, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = arena_allocate(a, size);
	return copy ? memcpy(copy, text, size) : NULL;
}

struct span arena_printf(struct arena *a, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *text = length < 0 ? NULL : arena_allocate(a, (size_t)length + 1);
	if (!text)
		return SPAN_NONE;
	va_start(arguments, format);
	vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return span_make(text, (size_t)length);
}
