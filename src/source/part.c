/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a file into a batch. A large log is cut where records begin: one worker at a time says where its part ends
 * and then lets the next one cut on. Anything else is read from front to end by one reader, a part at a time. */
#include "base/clock.h"
#include "source/archive.h"
#include "source/private.h"
#include "trace/whole.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_PART ((size_t)1 << 20)
/* No record is longer, so its end is in so much text. */
#define CUT_WINDOW_LARGEST ((size_t)TRACE_RECORD_MAXIMUM + SOURCE_PIECE)
#define PIPE_POLL_MS 100
#define PIPE_PAUSE_MS 20
#define FOLLOW_POLL_US (250 * CLOCK_MS_US)

/* ---- how much at once ---- */

/* What the boiled records of one part may take. */
static size_t share_of(const struct source *source)
{
	size_t share = SOURCE_AHEAD_MAXIMUM / (2 * (source->entered_count + source->thread_count));
	return share < SOURCE_PART_MINIMUM ? SOURCE_PART_MINIMUM : share;
}

static bool is_of_known_length(const struct source_lane *lane)
{
	return !lane->stream && !lane->input.is_pipe && !lane->is_followed;
}

/* Small logs are read in one piece: their reader mends the better, the more it sees. */
static bool is_small(const struct source *source, const struct source_lane *lane)
{
	return is_of_known_length(lane) && lane->input.length <= TRACE_WHOLE_MAXIMUM &&
	       (source->lane_count <= 16 || lane->input.length <= SOURCE_AHEAD_MAXIMUM / source->lane_count);
}

/* Whether its reader may hold what it was fed until it knows more. */
static bool may_be_held(const struct source *source, const struct source_lane *lane)
{
	return is_of_known_length(lane) ? is_small(source, lane) : !lane->is_followed && source->lane_count <= 8;
}

static size_t part_length(const struct source *source, const struct source_lane *lane)
{
	if (is_small(source, lane))
		return (size_t)lane->input.length + 1;
	double weight = lane->is_weighed && lane->weight > 0.1 ? lane->weight : lane->is_weighed ? 0.1 : 1.0;
	double length = (double)share_of(source) / weight;
	double maximum = lane->is_weighed ? (double)SOURCE_PART_MAXIMUM : (double)FIRST_PART;
	if (length > maximum)
		length = maximum;
	return length < (double)SOURCE_PART_MINIMUM ? SOURCE_PART_MINIMUM : (size_t)length;
}

/* ---- a batch begins and ends ---- */

static struct source_batch *begin(struct source *source, struct source_lane *lane, size_t length)
{
	struct source_batch *batch = source_batch_new(source);
	if (!batch)
		return NULL;
	if (is_of_known_length(lane) && length > lane->input.length)
		length = (size_t)lane->input.length;
	batch->held = (size_t)((double)length * (lane->is_weighed ? lane->weight : 1.0));
	source->held += batch->held;
	list_append(&lane->batches, &batch->link);
	lane->batch_count++;
	return batch;
}

static void weigh(struct source_lane *lane, const struct source_batch *batch, size_t held)
{
	if (batch->bytes < SOURCE_PART_MINIMUM / 2)
		return;
	double weight = (double)held / (double)batch->bytes;
	lane->weight = lane->is_weighed ? (lane->weight + weight) / 2 : weight;
	if (weight > lane->weight)
		lane->weight = weight;
	lane->is_weighed = true;
}

static void finish(struct source *source, struct source_lane *lane, struct source_batch *batch)
{
	size_t held = batch->arena.used + batch->capacity * sizeof(*batch->items);
	weigh(lane, batch, held);
	source->held += held - batch->held;
	batch->held = held;
	batch->done = true;
	for (size_t i = batch->count; i-- > 0;)
		if (batch->items[i].time_us != 0) {
			if (batch->items[i].time_us > lane->reached_us)
				lane->reached_us = batch->items[i].time_us;
			break;
		}
	if (batch->status != 0 && lane->status == 0) {
		lane->status = batch->status;
		lane->why = batch->why;
		lane->state = SOURCE_LANE_DONE;
	}
}

static void end_lane(struct source *source, struct source_lane *lane, int status)
{
	if (lane->status == 0)
		lane->status = status;
	lane->state = SOURCE_LANE_DONE;
	lane->is_held = false;
	pthread_cond_broadcast(&source->ready);
	pthread_cond_broadcast(&source->work);
}

/* ---- readers ---- */

static int32_t utc_offset(void *argument, int64_t local_us)
{
	const struct source_settings *settings = &((struct source_filling *)argument)->source->settings;
	return settings->utc_offset_s(settings->argument, local_us);
}

static struct trace_whole *make_reader(struct source_filling *filling, bool is_stream)
{
	struct source *source = filling->source;
	struct trace_reader_settings settings = { .kind = filling->lane->shown.kind,
		.keys = source->keys,
		.written_us = filling->lane->input.written_us,
		.take = source_batch_take,
		.unread = source_batch_unread,
		.argument = filling };
	if (source->settings.utc_offset_s)
		settings.utc_offset_s = utc_offset;
	return trace_whole_new(&settings, is_stream);
}

/* ---- files that are cut ---- */

/* Where a record begins behind that place. From the next line on: what stands in the middle of one may look like it. */
static int find_cut(
	const struct source_lane *lane, uint64_t place, size_t window, char *text, uint64_t *ret_cut, bool *ret_found)
{
	ssize_t got = source_input_read_at(&lane->input, place, text, window);
	if (got < 0)
		return (int)got;
	struct span seen = span_make(text, (size_t)got);
	size_t line = span_find(seen, '\n') + 1;
	size_t cut = line + trace_kind_next_record(lane->shown.kind, span_from(seen, line));
	*ret_found = cut < seen.length;
	*ret_cut = place + cut;
	return 0;
}

/* Where the part ends that begins at lane->position. */
static int cut(const struct source_lane *lane, size_t length, char *piece, uint64_t *ret_end)
{
	char *large = NULL;
	bool found = false;
	int status = 0;
	uint64_t place = lane->position;
	while (!found && status == 0) {
		if (lane->input.length - place <= length + length / 4) {
			*ret_end = lane->input.length;
			break;
		}
		place += length;
		status = find_cut(lane, place, SOURCE_PIECE, piece, ret_end, &found);
		if (found || status != 0)
			break;
		large = large ? large : malloc(CUT_WINDOW_LARGEST);
		status = large ? find_cut(lane, place, CUT_WINDOW_LARGEST, large, ret_end, &found) : -ENOMEM;
	}
	free(large);
	return status;
}

static void read_part(
	struct source *source, struct source_lane *lane, struct source_batch *batch, uint64_t end, char *piece)
{
	struct source_filling filling = { source, lane, batch };
	struct trace_whole *reader = make_reader(&filling, batch->start > 0 || end < lane->input.length);
	int status = reader ? 0 : -ENOMEM;
	uint64_t place = batch->start;
	while (place < end && status == 0 && !atomic_load_explicit(&source->is_stopping, memory_order_relaxed)) {
		size_t wanted = end - place < SOURCE_PIECE ? (size_t)(end - place) : SOURCE_PIECE;
		ssize_t got = source_input_read_at(&lane->input, place, piece, wanted);
		if (got <= 0) {
			status = got < 0 ? (int)got : -ESTALE;
			batch->why = got < 0 ? NULL : "it became shorter while it was read";
			break;
		}
		status = trace_whole_feed(reader, span_make(piece, (size_t)got));
		place += (size_t)got;
		atomic_fetch_add(&source->done_bytes, (size_t)got);
	}
	batch->bytes = place - batch->start;
	if (reader) {
		int ended = trace_whole_end(reader);
		status = status ? status : ended;
		batch->counts = *trace_whole_counts(reader);
		(void)trace_whole_free(reader);
	}
	if (batch->status == 0)
		batch->status = status;
}

static void run_cut(struct source *source, struct source_lane *lane, size_t length, char *piece)
{
	uint64_t end;
	int status = cut(lane, length, piece, &end);
	pthread_mutex_lock(&source->lock);
	struct source_batch *batch = status == 0 ? begin(source, lane, (size_t)(end - lane->position)) : NULL;
	if (!batch) {
		end_lane(source, lane, status ? status : -ENOMEM);
		pthread_mutex_unlock(&source->lock);
		return;
	}
	batch->is_part = true;
	batch->start = lane->position;
	batch->offset_base = lane->position;
	lane->position = end;
	lane->running++;
	if (end == lane->input.length)
		lane->state = SOURCE_LANE_DONE;
	lane->is_held = false;
	pthread_cond_signal(&source->work);
	pthread_mutex_unlock(&source->lock);

	read_part(source, lane, batch, end, piece);

	pthread_mutex_lock(&source->lock);
	finish(source, lane, batch);
	if (--lane->running == 0 && !lane->is_held)
		source_lane_rest(source, lane);
	pthread_cond_broadcast(&source->ready);
	pthread_cond_signal(&source->work);
	pthread_mutex_unlock(&source->lock);
}

/* ---- files that are read from front to end ---- */

static void end_reader(struct source_lane *lane, struct source_batch *batch)
{
	if (!lane->reader)
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
		end_reader(lane, batch);
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
		lane->reader = make_reader(&lane->filling, is_stream);
	int status = lane->reader ? feed(source, lane, batch, length, share, piece) : -ENOMEM;
	if (status == -EAGAIN && lane->is_followed && !lane->input.is_pipe)
		status = follow(source, lane, batch);
	if (status != 1 && status != -EAGAIN) {
		end_reader(lane, batch);
		if (batch->status == 0)
			batch->status = status;
		if (status != 0 && lane->stream)
			batch->why = source_archive_why(lane->stream);
		batch->is_end = true;
	}
	add_counts(lane, batch);
}

static void run_on(struct source *source, struct source_lane *lane, size_t length, char *piece)
{
	pthread_mutex_lock(&source->lock);
	size_t share = share_of(source);
	bool is_stream = !may_be_held(source, lane);
	struct source_batch *batch = begin(source, lane, length);
	if (!batch)
		end_lane(source, lane, -ENOMEM);
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
		finish(source, lane, batch);
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

void source_part_run(struct source *source, struct source_lane *lane, char *piece)
{
	int status = source_look_again(source, lane);
	pthread_mutex_lock(&source->lock);
	size_t length = part_length(source, lane);
	if (status != 0)
		end_lane(source, lane, status);
	pthread_mutex_unlock(&source->lock);
	if (status != 0)
		return;
	if (lane->is_cut)
		run_cut(source, lane, length, piece);
	else
		run_on(source, lane, length, piece);
}
