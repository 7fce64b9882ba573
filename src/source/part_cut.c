/* SPDX-License-Identifier: Apache-2.0 */
/* A large log is cut where records begin: one worker at a time says where its part ends, and then lets the next one cut
 * on while it reads. */
#include "source/part.h"

#include <errno.h>
#include <stdlib.h>

/* No record is longer, so its end is in so much text. */
#define CUT_WINDOW_LARGEST ((size_t)TRACE_RECORD_MAXIMUM + SOURCE_PIECE)

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
	struct trace_whole *reader = source_part_reader(&filling, batch->start > 0 || end < lane->input.length);
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
	/* Mending what is held takes time that a caller who stops does not have. */
	if (reader && !atomic_load(&source->is_stopping)) {
		int ended = trace_whole_end(reader);
		status = status ? status : ended;
		batch->counts = *trace_whole_counts(reader);
	}
	(void)trace_whole_free(reader);
	if (batch->status == 0)
		batch->status = status;
}

void source_part_run_cut(struct source *source, struct source_lane *lane, size_t length, char *piece)
{
	uint64_t end = 0;
	int status = cut(lane, length, piece, &end);
	pthread_mutex_lock(&source->lock);
	struct source_batch *batch =
		status == 0 ? source_part_begin(source, lane, (size_t)(end - lane->position)) : NULL;
	if (!batch) {
		source_part_end_lane(source, lane, status ? status : -ENOMEM);
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
	source_part_finish(source, lane, batch);
	if (--lane->running == 0 && !lane->is_held)
		source_lane_rest(source, lane);
	pthread_cond_broadcast(&source->ready);
	pthread_cond_signal(&source->work);
	pthread_mutex_unlock(&source->lock);
}
