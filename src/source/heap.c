/* SPDX-License-Identifier: Apache-2.0 */
#include "source/heap.h"

#include "base/require.h"

#include <stdlib.h>

bool source_heap_reserve(struct source_heap *heap, size_t capacity)
{
	if (capacity <= heap->capacity)
		return true;
	struct source_lane **at = reallocarray(heap->at, capacity, sizeof(struct source_lane *));
	if (!at)
		return false;
	heap->at = at;
	heap->capacity = capacity;
	return true;
}

void source_heap_push(struct source_heap *heap, struct source_lane *lane)
{
	base_require(heap->count < heap->capacity);
	size_t place = heap->count++;
	while (place > 0 && heap->comes_first(lane, heap->at[(place - 1) / 2])) {
		heap->at[place] = heap->at[(place - 1) / 2];
		place = (place - 1) / 2;
	}
	heap->at[place] = lane;
}

void source_heap_sink(struct source_heap *heap)
{
	if (heap->count == 0)
		return;
	struct source_lane *lane = heap->at[0];
	size_t place = 0;
	for (;;) {
		size_t below = 2 * place + 1;
		if (below + 1 < heap->count && heap->comes_first(heap->at[below + 1], heap->at[below]))
			below++;
		if (below >= heap->count || !heap->comes_first(heap->at[below], lane))
			break;
		heap->at[place] = heap->at[below];
		place = below;
	}
	heap->at[place] = lane;
}

struct source_lane *source_heap_pop(struct source_heap *heap)
{
	if (heap->count == 0)
		return NULL;
	struct source_lane *top = heap->at[0];
	heap->at[0] = heap->at[--heap->count];
	source_heap_sink(heap);
	return top;
}

void source_heap_done(struct source_heap *heap)
{
	free(heap->at);
	*heap = (struct source_heap){ .comes_first = heap->comes_first };
}
