/* SPDX-License-Identifier: Apache-2.0 */
/* What a file holds, before anything of it is read: an archive is opened, a key log is kept, a log or a capture gets
 * its kind and the time of its first record. */
#include "base/buffer.h"
#include "base/clock.h"
#include "source/archive.h"
#include "source/private.h"

#include <errno.h>
#include <stdlib.h>

#define POLL_US (250 * CLOCK_MS_US)
#define PIPE_POLL_MS 100
#define SETTLED_LENGTH ((size_t)8 << 10)

/* ---- bytes ---- */

/* The end of a followed file is no end. */
static int read_file(struct source *source, struct source_lane *lane, char *piece, struct span *ret_piece)
{
	size_t wanted = SOURCE_PIECE;
	if (!lane->is_followed) {
		if (lane->position >= lane->input.length)
			return 0;
		if (wanted > lane->input.length - lane->position)
			wanted = (size_t)(lane->input.length - lane->position);
	}
	ssize_t got = source_input_read_at(&lane->input, lane->position, piece, wanted);
	if (got < 0)
		return (int)got;
	lane->position += (size_t)got;
	atomic_fetch_add(&source->done_bytes, (size_t)got);
	*ret_piece = span_make(piece, (size_t)got);
	if (got == 0)
		return lane->is_followed ? -EAGAIN : -ESTALE;
	return 1;
}

int source_lane_read(
	struct source *source, struct source_lane *lane, char *piece, int timeout_ms, struct span *ret_piece)
{
	*ret_piece = SPAN_NONE;
	if (lane->stream)
		return source_archive_next(lane->stream, ret_piece);
	if (!lane->input.is_pipe)
		return read_file(source, lane, piece, ret_piece);
	ssize_t got = source_input_read_on(&lane->input, piece, SOURCE_PIECE, timeout_ms);
	if (got <= 0)
		return (int)got;
	atomic_fetch_add(&source->done_bytes, (size_t)got);
	*ret_piece = span_make(piece, (size_t)got);
	return 1;
}

/* ---- key logs ---- */

static const struct span labels[] = {
	{ "CLIENT_RANDOM ", 14 },
	{ "CLIENT_EARLY_TRAFFIC_SECRET ", 28 },
	{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET ", 32 },
	{ "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32 },
	{ "CLIENT_TRAFFIC_SECRET_0 ", 24 },
	{ "SERVER_TRAFFIC_SECRET_0 ", 24 },
	{ "EARLY_EXPORTER_SECRET ", 22 },
	{ "EXPORTER_SECRET ", 16 },
	{ "RSA ", 4 },
};

static bool is_hex(struct span text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (i >= text.length ||
			!((text.at[i] >= '0' && text.at[i] <= '9') || (text.at[i] >= 'a' && text.at[i] <= 'f') ||
				(text.at[i] >= 'A' && text.at[i] <= 'F')))
			return false;
	return true;
}

static bool is_key_line(struct span line)
{
	for (size_t i = 0; i < BASE_COUNT(labels); i++)
		if (line.length > labels[i].length && memcmp(line.at, labels[i].at, labels[i].length) == 0)
			return is_hex(span_from(line, labels[i].length), 16);
	return false;
}

/* The first line that is no comment tells. */
static bool is_key_log(struct span head)
{
	while (head.length > 0) {
		struct span line = span_trim(span_cut(&head, '\n'));
		if (line.length > 0 && line.at[0] != '#')
			return is_key_line(line);
	}
	return false;
}

/* Whole lines; the last one where nothing follows. */
static int add_keys(struct source *source, struct trace_keys *keys, struct buffer *text, bool is_end)
{
	size_t length = text->length;
	while (!is_end && length > 0 && text->at[length - 1] != '\n')
		length--;
	pthread_mutex_lock(&source->lock);
	int status = trace_keys_add(keys, span_make(text->at, length));
	pthread_mutex_unlock(&source->lock);
	buffer_consume(text, length);
	return status < 0 ? status : 0;
}

int source_look_keys(struct source *source, struct source_lane *lane, struct trace_keys *keys, char *piece)
{
	struct buffer text;
	struct span next;
	int status;
	buffer_init(&text, 4 * SOURCE_PIECE);
	while ((status = source_lane_read(source, lane, piece, PIPE_POLL_MS, &next)) != 0) {
		if (status == -EAGAIN && !atomic_load(&source->is_stopping))
			continue;
		if (status == 1)
			status = buffer_append(&text, next) == 0 ? add_keys(source, keys, &text, false) : -EMSGSIZE;
		if (status != 0)
			break;
	}
	if (status == 0)
		status = add_keys(source, keys, &text, true);
	/* They are secrets. */
	if (text.at)
		explicit_bzero(text.at, text.capacity);
	explicit_bzero(piece, SOURCE_PIECE);
	buffer_done(&text);
	return status;
}

/* ---- the first record's time ---- */

struct first {
	const struct source *source;
	int64_t time_us;
};

static void take_first(void *argument, const struct record *r, const struct trace_place *place)
{
	struct first *first = argument;
	(void)place;
	if (first->time_us == INT64_MIN && r->head.time_us != 0)
		first->time_us = r->head.time_us;
}

static int32_t offset_first(void *argument, int64_t local_us)
{
	const struct source_settings *settings = &((struct first *)argument)->source->settings;
	return settings->utc_offset_s(settings->argument, local_us);
}

/* Lets a file wait that begins later than others end. Not found: then it is read at once. */
static int64_t first_time(const struct source *source, const struct source_lane *lane, struct span head)
{
	struct first first = { source, INT64_MIN };
	struct trace_reader_settings settings = {
		.kind = lane->shown.kind, .written_us = lane->input.written_us, .take = take_first, .argument = &first
	};
	if (source->settings.utc_offset_s)
		settings.utc_offset_s = offset_first;
	struct trace_reader *reader = trace_reader_new(&settings);
	if (reader) {
		(void)trace_reader_feed(reader, head);
		(void)trace_reader_free(reader);
	}
	return first.time_us;
}

/* ---- looking ---- */

static enum source_lane_state end(struct source_lane *lane, int status, const char *why)
{
	lane->status = status;
	lane->why = why;
	return SOURCE_LANE_DONE;
}

/* A followed file that has just begun is looked at when it has said enough, or no more for the moment. */
static bool is_settled(struct source_lane *lane, struct span head)
{
	bool has_grown = head.length != lane->looked_length;
	lane->looked_length = head.length;
	return head.length >= SETTLED_LENGTH || (!has_grown && head.length > 0 && head.at[head.length - 1] == '\n');
}

/* Its first bytes. *ret_status: -EAGAIN where more should come first, 0, or what ended it. */
static struct span look_inside(struct source_lane *lane, char *piece, int *ret_status)
{
	struct source_input *input = &lane->input;
	*ret_status = 0;
	if (lane->stream)
		return source_archive_peek(lane->stream);
	if (!input->is_pipe) {
		ssize_t got = source_input_read_at(input, 0, piece, TRACE_HEAD_LENGTH);
		struct span head = span_make(piece, got < 0 ? 0 : (size_t)got);
		*ret_status = got < 0 ? (int)got : lane->is_followed && !is_settled(lane, head) ? -EAGAIN : 0;
		return head;
	}
	size_t before = input->head_length;
	struct span head = source_input_peek(input, TRACE_HEAD_LENGTH, PIPE_POLL_MS, ret_status);
	/* A pipe that pauses has said enough to be looked at. */
	if (*ret_status == -EAGAIN && head.length > 0 && head.length == before)
		*ret_status = 0;
	return head;
}

static bool can_be_cut(const struct source_lane *lane)
{
	switch (lane->shown.kind) {
	case TRACE_KIND_EXPRESSWAY:
	case TRACE_KIND_SIPSTACK:
	case TRACE_KIND_UCCAPI:
	case TRACE_KIND_JSON:
	case TRACE_KIND_PLAIN:
		return !lane->stream && !lane->input.is_pipe && !lane->is_followed;
	default:
		return false;
	}
}

/* The rest of a log that was cut at its front by rotating is still that log. */
static enum trace_kind kind_of(const struct source *source, const struct source_lane *lane, struct span head)
{
	enum trace_kind kind = trace_kind_detect(head);
	bool is_vague = kind == TRACE_KIND_PLAIN || kind == TRACE_KIND_MIXED || kind == TRACE_KIND_UNKNOWN;
	return lane->is_followed && is_vague && source->followed_kind != TRACE_KIND_UNKNOWN ? source->followed_kind
											    : kind;
}

/* Nothing of it will be read. */
static enum source_lane_state pass_over(struct source *source, struct source_lane *lane, const char *why)
{
	if (!lane->stream && !lane->input.is_pipe && !lane->is_followed)
		atomic_fetch_add(&source->done_bytes, lane->input.length);
	return end(lane, 0, why);
}

static enum source_lane_state look_at_text(
	struct source *source, struct source_lane *lane, struct span head, char *piece)
{
	if (head.length == 0)
		return end(lane, lane->stream && source_archive_why(lane->stream) ? -EBADMSG : 0,
			lane->stream ? source_archive_why(lane->stream) : NULL);
	if (is_key_log(head)) {
		lane->shown.is_key_log = true;
		return end(lane, source_look_keys(source, lane, source->keys, piece), NULL);
	}
	lane->shown.kind = kind_of(source, lane, head);
	if (lane->shown.kind == TRACE_KIND_UNKNOWN)
		return pass_over(source, lane, "nothing in it that can be read");
	lane->hint_us = first_time(source, lane, head);
	lane->is_cut = can_be_cut(lane);
	return lane->shown.kind == TRACE_KIND_CAPTURE ? SOURCE_LANE_LOCKED : SOURCE_LANE_OPEN;
}

static enum source_lane_state look_at_archive(struct source *source, struct source_lane *lane, char *piece)
{
	int status = source_archive_open(source, lane, &lane->stream);
	if (status != 0)
		return end(lane, status, "an archive that cannot be read");
	lane->is_followed = false;
	lane->is_packed = source_archive_is_single(lane->stream);
	bool is_packed = false;
	if (source_archive_is_single(lane->stream)) {
		struct span head = source_archive_peek(lane->stream);
		is_packed = source_archive_is_one(head);
		if (!is_packed)
			return look_at_text(source, lane, head, piece);
	}
	status = source_archive_unpack(lane->stream);
	enum source_lane_state state = end(lane, status, source_archive_why(lane->stream));
	lane->stream = source_archive_free(lane->stream);
	return state;
}

int source_look_again(struct source *source, struct source_lane *lane)
{
	if (lane->stream)
		return 0;
	int status = source_lane_open(source, lane);
	return status == 0 && lane->is_packed ? source_archive_open(source, lane, &lane->stream) : status;
}

static enum source_lane_state again(struct source_lane *lane)
{
	lane->not_before_us = lane->input.is_pipe ? 0 : source_steady_us() + POLL_US;
	return SOURCE_LANE_NEW;
}

enum source_lane_state source_look(struct source *source, struct source_lane *lane, char *piece)
{
	int status = source_lane_open(source, lane);
	if (status == -ENOENT && lane->is_followed)
		return again(lane);
	if (status != 0)
		return end(lane, status, NULL);
	if (lane->input.is_pipe || lane->is_followed)
		atomic_store(&source->is_endless, true);
	else if (!lane->is_counted)
		atomic_fetch_add(&source->total_bytes, lane->input.length);
	lane->is_counted = true;
	struct span head = look_inside(lane, piece, &status);
	if (status == -EAGAIN)
		return again(lane);
	if (status != 0)
		return end(lane, status, NULL);
	return source_archive_is_one(head) ? look_at_archive(source, lane, piece)
					   : look_at_text(source, lane, head, piece);
}
