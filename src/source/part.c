/* SPDX-License-Identifier: Apache-2.0 */
/* A part of a file into a batch: how much at once, where it goes, who reads it. */
#include "source/part.h"

#include <errno.h>

#define FIRST_PART ((size_t)1 << 20)

/* ---- how much at once ---- */

/* What the boiled records of one part may take. */
size_t source_part_share(const struct source *source)
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
bool source_part_may_be_held(const struct source *source, const struct source_lane *lane)
{
	return is_of_known_length(lane) ? is_small(source, lane) : !lane->is_followed && source->lane_count <= 8;
}

static size_t part_length(const struct source *source, const struct source_lane *lane)
{
	if (is_small(source, lane))
		return (size_t)lane->input.length + 1;
	double weight = lane->is_weighed && lane->weight > 0.1 ? lane->weight : lane->is_weighed ? 0.1 : 1.0;
	double length = (double)source_part_share(source) / weight;
	double maximum = lane->is_weighed ? (double)SOURCE_PART_MAXIMUM : (double)FIRST_PART;
	if (length > maximum)
		length = maximum;
	return length < (double)SOURCE_PART_MINIMUM ? SOURCE_PART_MINIMUM : (size_t)length;
}

/* ---- a batch begins and ends ---- */

struct source_batch *source_part_begin(struct source *source, struct source_lane *lane, size_t length)
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

void source_part_finish(struct source *source, struct source_lane *lane, struct source_batch *batch)
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

void source_part_end_lane(struct source *source, struct source_lane *lane, int status)
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

struct trace_whole *source_part_reader(struct source_filling *filling, bool is_stream)
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

/* ---- the next part ---- */

void source_part_run(struct source *source, struct source_lane *lane, char *piece)
{
	int status = source_look_again(source, lane);
	pthread_mutex_lock(&source->lock);
	size_t length = part_length(source, lane);
	if (status == -ESTALE)
		lane->why = "another file stands at its path now";
	if (status != 0)
		source_part_end_lane(source, lane, status);
	pthread_mutex_unlock(&source->lock);
	if (status != 0)
		return;
	if (lane->is_cut)
		source_part_run_cut(source, lane, length, piece);
	else
		source_part_run_on(source, lane, length, piece);
}
