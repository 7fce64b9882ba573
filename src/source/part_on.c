/* SPDX-License-Identifier: Apache-2.0 */
/* What cannot be cut is read from front to end by one reader, a part at a time: captures, pipes, packed files, small
 * files, and files that are followed. */
#include "base/clock.h"
#include "source/archive.h"
#include "source/part.h"

#include <errno.h>

#define PIPE_POLL_MS 100
#define PIPE_PAUSE_MS 20
#define FOLLOW_POLL_US (250 * CLOCK_MS_US)

static void end_reader(const struct source *source, struct source_lane *lane, struct source_batch *batch)
{
	if (!lane->reader || atomic_load(&source->is_stopping))
		return;
	int status = trace_whole_end(lane->reader);
	const struct trace_reader_counts *counts = trace_whole_counts(lane->reader);
	if (status != 0 && batch->status == 0)
		batch->status = status;
	lane->counts_before.bytes += counts->bytes;
	lane->counts_before.lines += counts->lines;
	lane->counts_before.records += counts->records;
	lane->counts_before.other += counts->other;
	lane->counts_before.unread += counts->unread;
	lane->reader = trace_whole_free(lane->reader);
}

/* Feeds until the batch is full or nothing more comes: 1, or as source_lane_read. */
static int feed(struct source *source, struct source_lane *lane, struct source_batch *batch, size_t length,
	size_t share, char *piece)
{
	int status = 1;
	while (batch->bytes < length && batch->arena.used < share && batch->status == 0 &&
		!atomic_load_explicit(&source->is_stopping, memory_order_relaxed)) {
		struct span next;
		status = source_lane_read(source, lane, piece, batch->bytes ? PIPE_PAUSE_MS : PIPE_POLL_MS, &next);
		if (status != 1)
			break;
		status = trace_whole_feed(lane->reader, next);
		if (status != 0)
			break;
		status = 1;
		batch->bytes += next.length;
		lane->ends_whole = next.length > 0 && next.at[next.length - 1] == '\n';
	}
	return status;
}

static void add_counts(const struct source_lane *lane, struct source_batch *batch)
{
	batch->counts = lane->counts_before;
	if (!lane->reader)
		return;
	const struct trace_reader_counts *counts = trace_whole_counts(lane->reader);
	batch->counts.bytes += counts->bytes;
	batch->counts.lines += counts->lines;
	batch->counts.records += counts->records;
	batch->counts.other += counts->other;
	batch->counts.unread += counts->unread;
}

/* -EAGAIN, or as the end of a file. */
static int follow(struct source *source, struct source_lane *lane, struct source_batch *batch)
{
	enum source_follow_next next = source_follow(source, lane, batch->bytes > 0);
	if (next == SOURCE_FOLLOW_ENDED || next == SOURCE_FOLLOW_FAILED)
		return next == SOURCE_FOLLOW_FAILED ? -ENOMEM : 0;
	if (next == SOURCE_FOLLOW_QUIET)
		end_reader(source, lane, batch);
	lane->not_before_us = source_steady_us() + FOLLOW_POLL_US;
	return -EAGAIN;
}

static void read_on(struct source *source, struct source_lane *lane, struct source_batch *batch, size_t length,
	size_t share, bool is_stream, char *piece)
{
	lane->filling = (struct source_filling){ source, lane, batch };
	batch->line_base = lane->counts_before.lines;
	batch->offset_base = lane->counts_before.bytes;
	if (!lane->reader)
		lane->reader = source_part_reader(&lane->filling, is_stream);
	int status = lane->reader ? feed(source, lane, batch, length, share, piece) : -ENOMEM;
	if (status == -EAGAIN && lane->is_followed && !lane->input.is_pipe)
		status = follow(source, lane, batch);
	if (status != 1 && status != -EAGAIN) {
		end_reader(source, lane, batch);
		if (batch->status == 0)
			batch->status = status;
		if (status != 0 && lane->stream)
			batch->why = source_archive_why(lane->stream);
		batch->is_end = true;
	}
	add_counts(lane, batch);
}

void source_part_run_on(struct source *source, struct source_lane *lane, size_t length, char *piece)
{
	pthread_mutex_lock(&source->lock);
	size_t share = source_part_share(source);
	bool is_stream = !source_part_may_be_held(source, lane);
	struct source_batch *batch = source_part_begin(source, lane, length);
	if (!batch)
		source_part_end_lane(source, lane, -ENOMEM);
	pthread_mutex_unlock(&source->lock);
	if (!batch)
		return;

	read_on(source, lane, batch, length, share, is_stream, piece);

	pthread_mutex_lock(&source->lock);
	bool is_end = batch->is_end;
	if (batch->bytes == 0 && batch->count == 0 && batch->unread_count == 0 && !is_end && batch->status == 0) {
		lane->batch_count--;
		source_batch_recycle(source, batch);
	} else {
		source_part_finish(source, lane, batch);
	}
	if (is_end)
		lane->state = SOURCE_LANE_DONE;
	lane->is_held = false;
	if (!lane->is_followed || is_end)
		source_lane_rest(source, lane);
	pthread_cond_broadcast(&source->ready);
	pthread_cond_broadcast(&source->work);
	pthread_mutex_unlock(&source->lock);
}
