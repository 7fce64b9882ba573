/* SPDX-License-Identifier: Apache-2.0 */
/* The items of all files in the order of time, each file's in its own order. On top of the heap stands the file whose
 * next item is the earliest; nothing is given before it is known which one that is. */
#include "base/clock.h"
#include "source/private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* ---- waiting ---- */

static struct timespec deadline_of(int timeout_ms)
{
	int64_t at_us = source_steady_us() + (int64_t)timeout_ms * CLOCK_MS_US;
	return (struct timespec){ .tv_sec = at_us / CLOCK_SECOND_US, .tv_nsec = at_us % CLOCK_SECOND_US * 1000 };
}

/* Under the lock. False where time is up. */
static bool wait_ready(struct source *source, int timeout_ms, const struct timespec *deadline)
{
	if (timeout_ms < 0)
		return pthread_cond_wait(&source->ready, &source->lock) == 0;
	return pthread_cond_timedwait(&source->ready, &source->lock, deadline) != ETIMEDOUT;
}

/* ---- what came of a file ---- */

static void add_unread(struct source_lane *lane, const struct source_batch *batch)
{
	struct source_file *shown = &lane->shown;
	for (size_t i = 0; i < batch->unread_count && shown->unread_count < SOURCE_UNREAD_MAXIMUM; i++) {
		shown->unread[shown->unread_count] = batch->unread[i];
		shown->unread[shown->unread_count++].line += batch->line_base;
	}
}

static void add_part(struct source_lane *lane, struct source_batch *batch)
{
	struct trace_reader_counts *counts = &lane->shown.counts;
	batch->line_base = lane->line_base;
	lane->line_base += batch->counts.lines;
	counts->bytes += batch->counts.bytes;
	counts->lines += batch->counts.lines;
	counts->records += batch->counts.records;
	counts->other += batch->counts.other;
	counts->unread += batch->counts.unread;
}

static void take_batch(struct source_lane *lane, struct source_batch *batch)
{
	if (batch->is_part)
		add_part(lane, batch);
	else
		lane->shown.counts = batch->counts;
	lane->shown.bytes += batch->bytes;
	add_unread(lane, batch);
	lane->taken = batch;
	lane->next_item = 0;
}

/* ---- the order ---- */

/* An item without a time stays behind the one before it. One far ahead of its follower is a clock's slip: it does not
 * hold back what comes after it. */
static void place_next(struct source_lane *lane)
{
	const struct source_batch_item *item = &lane->taken->items[lane->next_item];
	lane->merge_us = item->time_us ? item->time_us : lane->last_us;
	lane->last_us = lane->merge_us;
	if (lane->next_item + 1 < lane->taken->count) {
		int64_t follower_us = item[1].time_us;
		if (follower_us != 0 && follower_us < lane->merge_us)
			lane->merge_us = follower_us;
	}
}

static bool has_item(const struct source_lane *lane)
{
	return lane->taken && lane->next_item < lane->taken->count;
}

/* The top's next batch. 1: it has items, or the lane has ended; 0: time is up. */
static bool fetch(struct source *source, struct source_lane *lane, int timeout_ms, const struct timespec *deadline)
{
	pthread_mutex_lock(&source->lock);
	bool in_time = true;
	bool ended = false;
	while (!has_item(lane) && !ended && in_time) {
		if (lane->taken) {
			source_batch_recycle(source, lane->taken);
			lane->taken = NULL;
			pthread_cond_signal(&source->work);
		}
		struct source_batch *batch = list_is_empty(&lane->batches)
						     ? NULL
						     : base_container(lane->batches.next, struct source_batch, link);
		if (batch && batch->done) {
			list_remove(&batch->link);
			lane->batch_count--;
			take_batch(lane, batch);
			continue;
		}
		ended = !batch && lane->state == SOURCE_LANE_DONE && !lane->is_held;
		if (!ended) {
			lane->is_wanted = true;
			pthread_cond_broadcast(&source->work);
			in_time = wait_ready(source, timeout_ms, deadline);
		}
	}
	lane->is_wanted = false;
	if (ended) {
		lane->shown.status = lane->status;
		lane->shown.why = lane->why;
		source->is_settled = false;
	}
	pthread_mutex_unlock(&source->lock);
	if (ended)
		(void)source_heap_pop(&source->merge);
	else if (in_time) {
		place_next(lane);
		source_heap_sink(&source->merge);
	}
	return in_time;
}

/* Files that were found since. 1, 0: time is up, or -ENOMEM. */
static int take_in(struct source *source, int timeout_ms, const struct timespec *deadline)
{
	bool in_time = true;
	pthread_mutex_lock(&source->lock);
	if (!source->is_started) {
		source->is_started = true;
		pthread_cond_broadcast(&source->work);
	}
	while (source->unsettled > 0 && in_time)
		in_time = wait_ready(source, timeout_ms, deadline);
	bool has_room = source_heap_reserve(&source->merge, source->lane_count);
	while (in_time && has_room && source->lanes_taken_in < source->lane_count) {
		struct source_lane *lane = source->lanes[source->lanes_taken_in++];
		lane->merge_us = lane->hint_us;
		source_heap_push(&source->merge, lane);
	}
	source->is_settled = in_time && has_room;
	pthread_mutex_unlock(&source->lock);
	return !has_room ? -ENOMEM : in_time;
}

/* The one given last is done with: its file stands where its next item belongs. */
static void step_on(struct source *source)
{
	struct source_lane *lane = source->given;
	if (!lane)
		return;
	source->given = NULL;
	lane->next_item++;
	if (has_item(lane)) {
		place_next(lane);
		source_heap_sink(&source->merge);
	}
}

/* Gives the next item of the file on top; false where that has none at hand. */
static bool give_top(struct source *source, struct source_item *ret_item)
{
	struct source_lane *lane = source->merge.at[0];
	if (!has_item(lane))
		return false;
	const struct source_batch_item *item = &lane->taken->items[lane->next_item];
	*ret_item = (struct source_item){ item->item, item->time_us, lane->index, lane->taken->line_base,
		lane->taken->offset_base };
	source->given = lane;
	return true;
}

int source_next(struct source *source, int timeout_ms, struct source_item *ret_item)
{
	step_on(source);
	/* By far the most: no look at the clock for what needs not be waited for. */
	if (source->is_settled && source->merge.count > 0 && give_top(source, ret_item))
		return 1;
	struct timespec deadline = deadline_of(timeout_ms < 0 ? 0 : timeout_ms);
	for (;;) {
		int status = source->is_settled ? 1 : take_in(source, timeout_ms, &deadline);
		if (status != 1)
			return status == 0 ? SOURCE_WAITING : status;
		if (source->merge.count == 0)
			return 0;
		if (give_top(source, ret_item))
			return 1;
		if (!fetch(source, source->merge.at[0], timeout_ms, &deadline))
			return SOURCE_WAITING;
	}
}
