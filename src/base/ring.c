/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"

#include <errno.h>
#include <stdlib.h>

/* A record is its length in eight bytes, then its bytes, rounded up to eight. A record is never
 * split: what is left at the end of the memory is skipped by a length of SKIP. head and tail
 * only grow; their place in memory is their remainder. */
#define UNIT ((size_t)8)
#define SKIP UINT64_MAX

int ring_init(struct ring *r, size_t capacity)
{
	size_t rounded = 64;
	while (rounded < capacity && rounded <= SIZE_MAX / 2)
		rounded *= 2;
	r->bytes = aligned_alloc(64, rounded);
	if (!r->bytes)
		return -ENOMEM;
	r->capacity = rounded;
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	atomic_init(&r->refused, 0);
	return 0;
}

void ring_done(struct ring *r)
{
	free(r->bytes);
	r->bytes = NULL;
	r->capacity = 0;
}

static char *place_of(const struct ring *r, size_t position)
{
	return r->bytes + (position & (r->capacity - 1));
}

static void put_length(const struct ring *r, size_t position, uint64_t length)
{
	memcpy(place_of(r, position), &length, sizeof(length));
}

static uint64_t get_length(const struct ring *r, size_t position)
{
	uint64_t length;
	memcpy(&length, place_of(r, position), sizeof(length));
	return length;
}

static size_t size_of_record(size_t length)
{
	return UNIT + ((length + UNIT - 1) & ~(UNIT - 1));
}

static int refuse(struct ring *r)
{
	atomic_fetch_add_explicit(&r->refused, 1, memory_order_relaxed);
	return -ENOBUFS;
}

int ring_write(struct ring *r, const struct span *parts, size_t part_count)
{
	size_t length = 0;
	for (size_t i = 0; i < part_count; i++)
		if (__builtin_add_overflow(length, parts[i].length, &length))
			return refuse(r);
	if (length > r->capacity)
		return refuse(r);
	size_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	size_t free_bytes = r->capacity - (head - atomic_load_explicit(&r->tail, memory_order_acquire));
	size_t to_end = r->capacity - (head & (r->capacity - 1));
	size_t size = size_of_record(length);
	if (size > to_end) {
		if (to_end > free_bytes)
			return refuse(r);
		/* Skipped even where the record is refused: it may fit when the reader has caught up. */
		put_length(r, head, SKIP);
		head += to_end;
		free_bytes -= to_end;
		atomic_store_explicit(&r->head, head, memory_order_release);
	}
	if (size > free_bytes)
		return refuse(r);
	put_length(r, head, length);
	char *out = place_of(r, head) + UNIT;
	for (size_t i = 0; i < part_count; i++) {
		if (parts[i].length > 0)
			memcpy(out, parts[i].at, parts[i].length);
		out += parts[i].length;
	}
	atomic_store_explicit(&r->head, head + size, memory_order_release);
	return 0;
}

struct span ring_peek(struct ring *r)
{
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	for (;;) {
		if (tail == atomic_load_explicit(&r->head, memory_order_acquire))
			return SPAN_NONE;
		uint64_t length = get_length(r, tail);
		if (length != SKIP)
			return span_make(place_of(r, tail) + UNIT, (size_t)length);
		tail += r->capacity - (tail & (r->capacity - 1));
		atomic_store_explicit(&r->tail, tail, memory_order_release);
	}
}

void ring_release(struct ring *r)
{
	struct span record = ring_peek(r);
	if (!record.at)
		return;
	size_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	atomic_store_explicit(&r->tail, tail + size_of_record(record.length), memory_order_release);
}
