/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_HEAP_H
#define FEDGE_SOURCE_HEAP_H
/* Lanes, the one that comes first on top. Owns its array, not the lanes. */
#include <stdbool.h>
#include <stddef.h>

struct source_lane;
struct source_heap {
	bool (*comes_first)(const struct source_lane *a, const struct source_lane *b);
	struct source_lane **at; /* at[0] is the top */
	size_t count, capacity;
};

/* Room for so many lanes in all. False without memory. */
bool source_heap_reserve(struct source_heap *heap, size_t capacity);
/* There must be room. */
void source_heap_push(struct source_heap *heap, struct source_lane *lane);
/* NULL where it is empty. */
struct source_lane *source_heap_pop(struct source_heap *heap);
/* The top has changed its time. */
void source_heap_sink(struct source_heap *heap);
void source_heap_done(struct source_heap *heap);
#endif
