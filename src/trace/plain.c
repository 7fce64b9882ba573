/* SPDX-License-Identifier: Apache-2.0 */
/* SIP as text into records: lines are taken apart, and given to the sender that wrote them. docs/formats.md has every
 * shape. */
#include "trace/plain_private.h"

static void close_all(struct trace_reader *reader, struct plain_stream *s)
{
	while (s->phase != PLAIN_IDLE)
		plain_close_once(reader, s);
}

static struct plain_stream *find_stream(struct trace_reader *reader, uint64_t key)
{
	struct plain_state *state = reader->state;
	struct plain_stream *oldest = &state->streams[0];
	for (size_t i = 0; i < PLAIN_STREAMS_MAXIMUM; i++) {
		struct plain_stream *s = &state->streams[i];
		if (s->turn > 0 && s->key == key)
			return s;
		if (s->turn < oldest->turn)
			oldest = s;
	}
	close_all(reader, oldest);
	plain_stream_clear(oldest);
	oldest->key = key;
	oldest->node[0] = '\0';
	oldest->process = 0;
	oldest->time_us = oldest->seen_us = 0;
	oldest->follows = oldest->is_decoded = false;
	oldest->envelope = (struct plain_envelope){ .direction = RECORD_PASSED };
	return oldest;
}

/* While all hold too much, the one that came longest ago gives up. */
static void bound_memory(struct trace_reader *reader)
{
	struct plain_state *state = reader->state;
	for (;;) {
		struct plain_stream *oldest = NULL;
		size_t held = 0;
		for (size_t i = 0; i < PLAIN_STREAMS_MAXIMUM; i++) {
			struct plain_stream *s = &state->streams[i];
			held += s->raw.length;
			if (s->raw.length > 0 && (!oldest || s->turn < oldest->turn))
				oldest = s;
		}
		if (held <= PLAIN_HELD_MAXIMUM)
			return;
		close_all(reader, oldest);
	}
}

static void learn(
	struct trace_reader *reader, struct plain_stream *s, struct plain_line *line, const struct plain_prefix *prefix)
{
	struct plain_state *state = reader->state;
	s->process = prefix->process;
	if (!span_copy_to(prefix->node, s->node, sizeof(s->node)))
		s->node[0] = '\0';
	int64_t time_us = plain_stamp_time(reader, &state->clock, &prefix->stamp);
	line->time_us = s->seen_us = time_us;
}

/* Inside a body that tells its length and has no prefixes of its own, what looks like one is part of the body. */
static bool is_inside(const struct plain_stream *s)
{
	return s && s->phase == PLAIN_BODY && s->content_length > 0 && !s->has_prefix && !s->whole;
}

static void strip_line(struct trace_reader *reader, struct plain_line *line)
{
	line->text = line->raw;
	if (line->text.length > 0 && line->text.at[line->text.length - 1] == '\n')
		line->text.length--;
	line->has_cr = line->text.length > 0 && line->text.at[line->text.length - 1] == '\r';
	line->text.length -= line->has_cr;
	line->text = plain_without_colours(&reader->arena, line->text);
}

/* again: the sender whose line it was when it was read first. */
static void feed_line(struct trace_reader *reader, struct plain_line *line, struct plain_stream *again)
{
	struct plain_state *state = reader->state;
	struct plain_stream *s = again ? again : state->current;
	struct plain_prefix prefix = { 0 };
	strip_line(reader, line);
	if (!is_inside(s))
		plain_prefix_read(line->text, &prefix);
	if (!again && (!s || (prefix.length > 0 && s->key != prefix.key))) {
		/* What a sender without prefixes had is over when one with a prefix speaks. */
		if (s && s->phase != PLAIN_IDLE && !s->has_prefix && s->whole)
			close_all(reader, s);
		s = find_stream(reader, prefix.key);
	}
	if (prefix.length > 0) {
		line->text = span_from(line->text, prefix.length);
		line->has_prefix = true;
		learn(reader, s, line, &prefix);
	}
	s->turn = ++state->turn;
	state->current = s;
	plain_take_line(reader, s, line);
}

void plain_replay(struct trace_reader *reader, struct plain_stream *s, size_t from)
{
	struct buffer raw = s->raw, marks = s->marks;
	const struct plain_mark *all = (const struct plain_mark *)(const void *)marks.at;
	size_t count = marks.length / sizeof(*all);
	buffer_init(&s->raw, s->raw.maximum);
	buffer_init(&s->marks, s->marks.maximum);
	plain_stream_clear(s);
	s->is_replaying = true;
	for (size_t i = from; i < count; i++) {
		size_t start = i > 0 ? all[i - 1].raw : 0;
		struct plain_line line = { .raw = span_make(raw.at + start, all[i].raw - start),
			.line = all[i].line,
			.offset = all[i].offset };
		feed_line(reader, &line, s);
		i -= s->rewind;
		s->rewind = 0;
	}
	s->is_replaying = false;
	buffer_done(&raw);
	buffer_done(&marks);
}

static size_t read_plain(struct trace_reader *reader, struct span text, bool last)
{
	struct plain_state *state = reader->state;
	struct span ignored;
	size_t whole;
	if (!trace_reader_line(text, last, &ignored, &whole))
		return 0;
	struct plain_line line = { .raw = span_first(text, whole), .line = ++reader->line, .offset = reader->offset };
	reader->counts.lines++;
	arena_reset(&reader->arena);
	feed_line(reader, &line, NULL);
	if (state->turn % 256 == 0 || whole > 4096)
		bound_memory(reader);
	return whole;
}

static void end_plain(struct trace_reader *reader)
{
	struct plain_state *state = reader->state;
	for (;;) {
		struct plain_stream *first = NULL;
		for (size_t i = 0; i < PLAIN_STREAMS_MAXIMUM; i++) {
			struct plain_stream *s = &state->streams[i];
			if (s->phase != PLAIN_IDLE &&
				(!first || plain_stream_mark(s, 0)->offset < plain_stream_mark(first, 0)->offset))
				first = s;
		}
		if (!first)
			return;
		arena_reset(&reader->arena);
		plain_close_once(reader, first);
	}
}

static void free_plain(struct trace_reader *reader)
{
	struct plain_state *state = reader->state;
	for (size_t i = 0; i < PLAIN_STREAMS_MAXIMUM; i++)
		plain_stream_done(&state->streams[i]);
}

const struct trace_reading trace_reading_plain = {
	.state_size = sizeof(struct plain_state), .read = read_plain, .end = end_plain, .free = free_plain
};

bool trace_plain_starts(struct span line)
{
	struct plain_prefix prefix;
	struct plain_envelope envelope;
	struct plain_line l = { .text = span_first(line, 64u << 10) };
	size_t skip;
	plain_prefix_read(l.text, &prefix);
	l.text = span_from(l.text, prefix.length);
	l.has_prefix = prefix.length > 0;
	if (plain_is_start_line(l.text, &skip) || plain_is_escaped(l.text, true))
		return true;
	if (plain_find_envelope(&l, &envelope))
		return true;
	return l.has_prefix && plain_find_start_line(l.text) < l.text.length;
}
