/* SPDX-License-Identifier: Apache-2.0 */
#include "source/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* More of them than are in use at once need not be kept. */
#define SPARE_MAXIMUM 32u

struct source_batch *source_batch_new(struct source *source)
{
	struct source_batch *batch;
	if (!list_is_empty(&source->spare)) {
		batch = base_container(source->spare.next, struct source_batch, link);
		list_remove(&batch->link);
		source->spare_count--;
		return batch;
	}
	batch = calloc(1, sizeof(*batch));
	if (batch) {
		list_init(&batch->link);
		arena_init(&batch->arena, SOURCE_ARENA_MAXIMUM);
	}
	return batch;
}

struct source_batch *source_batch_free(struct source_batch *batch)
{
	if (batch) {
		arena_done(&batch->arena);
		free(batch->items);
		free(batch);
	}
	return NULL;
}

void source_batch_recycle(struct source *source, struct source_batch *batch)
{
	list_remove(&batch->link);
	source->held -= batch->held;
	if (source->spare_count >= SPARE_MAXIMUM) {
		(void)source_batch_free(batch);
		return;
	}
	struct arena arena = batch->arena;
	struct source_batch_item *items = batch->items;
	size_t capacity = batch->capacity;
	arena_reset(&arena);
	*batch = (struct source_batch){ .arena = arena, .items = items, .capacity = capacity };
	list_init(&batch->link);
	list_append(&source->spare, &batch->link);
	source->spare_count++;
}

static bool add_item(struct source_batch *batch, void *item, int64_t time_us)
{
	if (batch->count == batch->capacity) {
		size_t capacity = batch->capacity ? 2 * batch->capacity : 256;
		struct source_batch_item *items = reallocarray(batch->items, capacity, sizeof(*items));
		if (!items)
			return false;
		batch->items = items;
		batch->capacity = capacity;
	}
	batch->items[batch->count++] = (struct source_batch_item){ item, time_us };
	return true;
}

void source_batch_take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct source_filling *filling = argument;
	struct source_batch *batch = filling->batch;
	const struct source_settings *settings = &filling->source->settings;
	void *item = settings->boil(settings->argument, r, place, filling->lane->index, &batch->arena);
	if (item && !add_item(batch, item, r->head.time_us))
		batch->status = -ENOMEM;
}

void source_batch_unread(void *argument, const struct trace_place *place, const char *why)
{
	struct source_batch *batch = ((struct source_filling *)argument)->batch;
	if (batch->unread_count == SOURCE_UNREAD_MAXIMUM)
		return;
	struct source_unread *unread = &batch->unread[batch->unread_count++];
	struct span line = span_first(place->raw, span_find(place->raw, '\n'));
	unread->line = place->line;
	unread->why = why;
	(void)span_copy_to(span_first(line, sizeof(unread->text) - 1), unread->text, sizeof(unread->text));
}
