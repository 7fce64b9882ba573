/* SPDX-License-Identifier: Apache-2.0 */
/* The phases that the lines of a sender go through: nothing, the line in front of a message, headers, a body. A line
 * that only looks like the beginning of another message, in a body that tells its length, is part of that body; where
 * the length turns out to be wrong, the lines from there on are read again as what they look like. */
#include "base/require.h"
#include "trace/plain_private.h"

#define WAIT_MAXIMUM 16 /* lines between an envelope and its message */
/* What is read again is at most so many times what was read, and the longest record: all stays linear. */
#define REPLAY_FACTOR 4

enum step { TAKEN, AGAIN }; /* again: the line is to be looked at once more, in another phase */

/* ---- ends ---- */

/* The first so many lines were a record. What is held beyond them is read again; with the line at hand, where that is
 * not among them. */
static enum step settle(struct trace_reader *reader, struct plain_stream *s, size_t lines, bool is_added)
{
	struct plain_state *state = reader->state;
	size_t rest = plain_stream_count(s) - lines;
	plain_stream_give(reader, s, lines);
	s->follows = true;
	s->is_decoded = s->is_decoded || (s->envelope.shape == PLAIN_SHAPE_TCPDUMP && s->indent > 0);
	if (rest == 0) {
		plain_stream_clear(s);
		return is_added ? TAKEN : AGAIN;
	}
	uint64_t cost = s->raw.length - plain_stream_mark(s, lines - 1)->raw;
	if (state->spent + cost > TRACE_RECORD_MAXIMUM + REPLAY_FACTOR * reader->offset) {
		const struct plain_mark *first = plain_stream_mark(s, lines);
		struct trace_place place = { .line = first->line,
			.offset = first->offset,
			.raw = span_from(buffer_span(&s->raw), plain_stream_mark(s, lines - 1)->raw) };
		trace_reader_unread(reader, &place, "lines behind a message that says a wrong length");
		plain_stream_clear(s);
		return is_added ? TAKEN : AGAIN;
	}
	state->spent += cost;
	if (s->is_replaying) {
		s->rewind = rest + !is_added;
		plain_stream_clear(s);
		return TAKEN;
	}
	plain_replay(reader, s, lines);
	return is_added ? TAKEN : AGAIN;
}

/* Nothing follows, or nothing that belongs to it: what is held is given as far as it came. */
void plain_close_once(struct trace_reader *reader, struct plain_stream *s)
{
	size_t count = plain_stream_count(s);
	if (s->phase == PLAIN_HEAD || (s->phase == PLAIN_BODY && !s->whole && !s->broken)) {
		(void)settle(reader, s, count, true);
	} else if (s->phase == PLAIN_BODY) {
		(void)settle(reader, s, s->whole ? s->whole : s->broken, true);
	} else {
		if (s->phase == PLAIN_WRAPPED) {
			struct span text = buffer_span(&s->text);
			while (text.length > 0 && strchr(" \r\n", text.at[text.length - 1]))
				text.length--;
			text = plain_unescape(&reader->arena, text, true);
			if (text.at)
				plain_stream_give_text(reader, s, text);
			else
				reader->counts.other += count;
		} else {
			reader->counts.other += count;
		}
		plain_stream_clear(s);
	}
}

/* ---- the beginning of a message ---- */

/* A record begins with this line. */
static void note_time(struct plain_stream *s, const struct plain_line *line)
{
	if (s->phase == PLAIN_IDLE)
		s->time_us = line->has_prefix ? line->time_us : s->seen_us;
}

static struct span stripped(const struct plain_stream *s, struct span line)
{
	size_t blank = 0;
	while (blank < s->indent && blank < line.length && (line.at[blank] == ' ' || line.at[blank] == '\t'))
		blank++;
	return span_from(line, blank);
}

/* A line of the message: its text without a CR that shows, and whether there was one. */
static struct span message_line(const struct plain_stream *s, const struct plain_line *line, bool *ret_has_cr)
{
	struct span text = stripped(s, line->text);
	struct span shown = plain_shown_cr(text, s->has_dots);
	*ret_has_cr = line->has_cr || shown.at;
	return span_first(text, text.length - shown.length);
}

static void begin_message(
	struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line, size_t start)
{
	struct span text = span_from(line->text, start);
	struct span shown = plain_shown_cr(text, true);
	bool is_request = text.length > 8 && memcmp(text.at, "SIP/2.0 ", 8) != 0;
	bool is_dot = shown.length == 1 && shown.at[0] == '.';
	bool may_be_copy = s->phase == PLAIN_IDLE && s->is_decoded;
	note_time(s, line);
	s->phase = PLAIN_HEAD;
	s->has_prefix = line->has_prefix;
	s->has_dots = is_dot && is_request;
	s->may_have_dots = is_dot && !is_request;
	s->indent = start > 0 && plain_is_blank(span_first(line->text, start)) ? start : 0;
	s->is_copy = may_be_copy && s->indent == 0;
	text = span_first(text, text.length - (s->may_have_dots ? 0 : shown.length));
	s->is_exact = line->has_cr || (shown.at && !s->may_have_dots);
	(void)plain_stream_add(reader, s, line, text, s->is_exact);
}

/* "SIP/2.0 200 OK." and the first header ends with a dot too: both dots are CRs. */
static void decide_dots(struct plain_stream *s, struct span line)
{
	s->may_have_dots = false;
	if (!plain_shown_cr(line, true).at || line.at[line.length - 1] != '.' || s->text.length < 2)
		return;
	s->has_dots = s->is_exact = true;
	memcpy(s->text.at + s->text.length - 2, "\r\n", 2);
}

static void begin_envelope(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line,
	const struct plain_envelope *envelope)
{
	struct plain_state *state = reader->state;
	note_time(s, line);
	s->envelope = *envelope;
	s->envelope.time_us = plain_stamp_time(reader, &state->clock, &envelope->stamp);
	s->phase = PLAIN_ENVELOPE;
	s->waited = 0;
	s->follows = s->is_decoded = false;
	s->envelope.rest = SPAN_NONE;
	if (!plain_stream_add(reader, s, line, SPAN_NONE, false))
		return;
	struct span text =
		envelope->shape == PLAIN_SHAPE_NGREP ? plain_unescape(&reader->arena, envelope->rest, true) : SPAN_NONE;
	if (text.at) {
		plain_stream_give_text(reader, s, text);
		plain_stream_clear(s);
	}
}

/* The message is on this line. What stands before it may be its envelope. */
static void take_escaped(
	struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line, struct span text)
{
	note_time(s, line);
	if (plain_stream_add(reader, s, line, SPAN_NONE, false)) {
		plain_stream_give_text(reader, s, text);
		plain_stream_clear(s);
	}
}

/* Behind "INFO:tracer:trace_write_syslog: " and its likes. */
bool plain_find_envelope(const struct plain_line *line, struct plain_envelope *ret_envelope)
{
	struct span rest = line->text;
	if (plain_envelope_read(rest, ret_envelope))
		return true;
	for (int i = 0; line->has_prefix && i < 4; i++) {
		size_t at = span_find_span(rest, SPAN(": "));
		if (at == rest.length)
			return false;
		rest = span_from(rest, at + 2);
		if (plain_envelope_read(rest, ret_envelope))
			return true;
	}
	return false;
}

/* "in udp 1.2.3.4:5060 -> 5.6.7.8:5060#012INVITE …" */
static void read_escaped_envelope(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	struct plain_state *state = reader->state;
	size_t end = span_find_span(line->text, SPAN("SIP/2.0"));
	struct plain_line before = *line;
	struct plain_envelope envelope;
	static const struct span ends[] = { { "#012", 4 }, { "\\n", 2 } };
	s->envelope = (struct plain_envelope){ .direction = RECORD_PASSED };
	for (size_t i = 0; i < BASE_COUNT(ends); i++) {
		before.text = span_first(line->text, span_find_span(span_first(line->text, end), ends[i]));
		if (before.text.length < end && plain_find_envelope(&before, &envelope)) {
			s->envelope = envelope;
			s->envelope.time_us = plain_stamp_time(reader, &state->clock, &envelope.stamp);
			return;
		}
	}
}

/* ---- phases ---- */

static enum step read_idle(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	struct plain_state *state = reader->state;
	struct plain_envelope envelope;
	struct plain_stamp stamp;
	size_t start;
	if (plain_is_blank(line->text))
		return TAKEN;
	if (plain_find_envelope(line, &envelope)) {
		begin_envelope(reader, s, line, &envelope);
		return TAKEN;
	}
	bool is_start = false;
	if (span_find_span(line->text, SPAN("SIP/2.0")) < line->text.length) {
		struct span text = plain_unescape(&reader->arena, line->text, false);
		if (text.at) {
			read_escaped_envelope(reader, s, line);
			take_escaped(reader, s, line, text);
			return TAKEN;
		}
		is_start = plain_is_start_line(line->text, &start);
		if (!is_start && (line->has_prefix || s->is_decoded)) {
			start = plain_find_start_line(line->text);
			is_start = start < line->text.length;
		}
	}
	if (is_start) {
		if (!s->follows)
			s->envelope = (struct plain_envelope){ .direction = RECORD_PASSED };
		begin_message(reader, s, line, start);
		return TAKEN;
	}
	s->follows = false;
	if (!line->has_prefix && plain_stamp_read(line->text, &stamp) && stamp.kind == PLAIN_STAMP_FULL)
		(void)plain_stamp_time(reader, &state->clock, &stamp);
	if (!plain_is_rule(line->text) && !plain_is_end_mark(line->text))
		reader->counts.other++;
	return TAKEN;
}

/* Another envelope: the first had no SIP behind it, or was only a time for this one. */
static void replace_envelope(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line,
	const struct plain_envelope *envelope)
{
	struct plain_envelope before = s->envelope;
	if (before.shape != PLAIN_SHAPE_TIME) {
		reader->counts.other += plain_stream_count(s);
		plain_stream_clear(s);
	}
	begin_envelope(reader, s, line, envelope);
	if (before.shape != PLAIN_SHAPE_TIME)
		return;
	if (envelope->stamp.kind == PLAIN_STAMP_NONE)
		s->envelope.time_us = before.time_us;
	if (envelope->transport == RECORD_TRANSPORT_NONE)
		s->envelope.transport = before.transport;
}

/* ngrep wraps at the width of a terminal, behind two blanks. */
static bool begins_wrapped(const struct plain_stream *s, struct span line)
{
	if (s->envelope.shape != PLAIN_SHAPE_NGREP || line.length < 12 || line.at[0] != ' ' || line.at[1] != ' ')
		return false;
	return line.at[2] >= 'A' && line.at[2] <= 'Z';
}

static enum step read_envelope(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	struct plain_envelope envelope;
	bool is_ngrep = s->envelope.shape == PLAIN_SHAPE_NGREP;
	bool is_tcpdump = s->envelope.shape == PLAIN_SHAPE_TCPDUMP;
	size_t start;
	if (s->envelope.shape == PLAIN_SHAPE_SIPDUMP) {
		if (plain_is_rule(line->text) && line->text.at[0] == '~')
			s->envelope.shape = PLAIN_SHAPE_LINE;
		else if (!plain_envelope_read_field(line->text, &s->envelope)) {
			plain_close_once(reader, s);
			return AGAIN;
		}
		(void)plain_stream_add(reader, s, line, SPAN_NONE, false);
		return TAKEN;
	}
	if (plain_find_envelope(line, &envelope)) {
		replace_envelope(reader, s, line, &envelope);
		return TAKEN;
	}
	if (begins_wrapped(s, line->text)) {
		s->phase = PLAIN_WRAPPED;
		return AGAIN;
	}
	struct span text = plain_unescape(&reader->arena, line->text, is_ngrep);
	if (text.at) {
		take_escaped(reader, s, line, text);
		return TAKEN;
	}
	bool is_start = plain_is_start_line(line->text, &start);
	if (!is_start && (is_tcpdump || line->has_prefix)) {
		start = plain_find_start_line(line->text);
		is_start = start < line->text.length;
	}
	if (is_start) {
		begin_message(reader, s, line, start);
		return TAKEN;
	}
	if (++s->waited <= WAIT_MAXIMUM && (is_tcpdump || plain_is_blank(line->text) || plain_is_rule(line->text))) {
		(void)plain_stream_add(reader, s, line, SPAN_NONE, false);
		return TAKEN;
	}
	plain_close_once(reader, s);
	return AGAIN;
}

/* Between the segments of a message, and in front of the next one. */
static bool take_segment(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	bool begins = plain_segment_begins(s, line->text);
	if (!begins && !plain_segment_is_padding(s, line->text))
		return false;
	if (begins)
		plain_segment_join(s);
	else if (s->is_torn) /* the LF of a CR that the last segment ended with */
		s->is_torn = false;
	(void)plain_stream_add(reader, s, line, SPAN_NONE, false);
	return true;
}

static enum step end_head(struct trace_reader *reader, struct plain_stream *s)
{
	s->head = s->text.length;
	bool has_body = s->content_length > 0 || (s->content_length < 0 && s->has_content);
	if (!has_body || s->headers == 0)
		return settle(reader, s, plain_stream_count(s), true);
	s->phase = PLAIN_BODY;
	return TAKEN;
}

static bool is_content_type(struct span line)
{
	struct span name = span_trim(span_first(line, span_find(line, ':')));
	return span_is_nocase(name, "Content-Type") || span_is_nocase(name, "c");
}

static void read_header(struct plain_stream *s, struct span text)
{
	s->headers++;
	(void)plain_content_length(text, &s->content_length);
	s->has_content = s->has_content || is_content_type(text);
}

static enum step read_head(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	bool has_cr;
	struct plain_envelope envelope;
	struct plain_line whole = *line;
	if (s->may_have_dots)
		decide_dots(s, stripped(s, line->text));
	/* What logs a message as one string has a prefix in front of its first line only. */
	if (s->headers == 0)
		s->has_prefix = line->has_prefix;
	if (take_segment(reader, s, line))
		return TAKEN;
	whole.text = plain_segment_line(&reader->arena, s, line->text);
	struct span text = message_line(s, &whole, &has_cr);
	if (plain_is_blank(text))
		return plain_stream_add(reader, s, line, span_make("", 0), has_cr) ? end_head(reader, s) : TAKEN;
	if (line->has_prefix && !s->has_prefix)
		return settle(reader, s, plain_stream_count(s), false);
	/* A time of day looks like the name of a header, and so does the beginning of Homer's line. */
	bool may_be_none = (text.at[0] >= '0' && text.at[0] <= '9') || text.at[0] == 'p';
	bool is_header = plain_is_header(text) && !(may_be_none && plain_envelope_read(text, &envelope));
	if (!is_header && !plain_segment_may_end(s, has_cr))
		return settle(reader, s, plain_stream_count(s), false);
	if (is_header)
		read_header(s, text);
	(void)plain_stream_add(reader, s, line, text, has_cr);
	return TAKEN;
}

/* What may stand behind a message, and looks like no part of one. */
static bool is_break(const struct plain_line *line, struct span text)
{
	struct plain_envelope envelope;
	size_t skip;
	return plain_is_end_mark(text) || plain_find_envelope(line, &envelope) || plain_is_start_line(text, &skip);
}

enum fit { FITS_NOT_YET, FITS, MAY_FIT, FITS_NEVER };

/* How the body's length, as far as it came, compares with what was said. The last line end may be the tool's. */
static enum fit fit_of(const struct plain_stream *s)
{
	size_t wanted = (size_t)s->content_length;
	size_t body = s->text.length - s->head;
	size_t end = body >= 2 && s->text.at[s->text.length - 2] == '\r' ? 2 : 1;
	if (body == wanted || body - end == wanted || body - 1 == wanted)
		return FITS;
	if (body - end > wanted)
		return FITS_NEVER;
	size_t wire = body + s->bare;
	if (!s->is_exact && (wire == wanted || wire == wanted + 2))
		return MAY_FIT;
	return FITS_NOT_YET;
}

/* Kamailio's sipdump writes its mark right behind a body that does not end with a line end. */
static bool ends_in_mark(struct plain_stream *s)
{
	struct span bars = SPAN("||||||||||||||||||||\n");
	size_t body = s->text.length - s->head;
	if (s->text.length < s->head + bars.length || body - bars.length != (size_t)s->content_length ||
		memcmp(s->text.at + s->text.length - bars.length, bars.at, bars.length) != 0)
		return false;
	s->is_exact = true;
	return true;
}

static enum step read_sized_body(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	bool has_cr;
	if (take_segment(reader, s, line))
		return TAKEN;
	(void)plain_segment_line(&reader->arena, s, line->text);
	struct span text = message_line(s, line, &has_cr);
	size_t count = plain_stream_count(s);
	bool breaks = is_break(line, text);
	if (s->whole && (breaks || plain_is_blank(text) || (line->has_prefix && !s->has_prefix)))
		return settle(reader, s, s->whole, false);
	if (breaks && !s->broken)
		s->broken = count;
	if (!plain_stream_add(reader, s, line, text, has_cr))
		return TAKEN;
	s->bare += !has_cr;
	enum fit fit = fit_of(s);
	if ((fit == FITS && !plain_segment_is_open(s)) || ends_in_mark(s))
		return settle(reader, s, count + 1, true);
	if (fit == FITS_NEVER) {
		size_t end = s->whole ? s->whole : s->broken ? s->broken : count + 1;
		return settle(reader, s, end, true);
	}
	if (fit == MAY_FIT && !s->whole)
		s->whole = count + 1;
	return TAKEN;
}

static enum step read_body(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	bool has_cr;
	if (s->content_length > 0)
		return read_sized_body(reader, s, line);
	struct span text = message_line(s, line, &has_cr);
	if (plain_is_blank(text) || (line->has_prefix && !s->has_prefix) || is_break(line, text))
		return settle(reader, s, plain_stream_count(s), false);
	(void)plain_stream_add(reader, s, line, text, has_cr);
	return TAKEN;
}

static enum step read_wrapped(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	if (line->text.length < 3 || line->text.at[0] != ' ' || line->text.at[1] != ' ') {
		plain_close_once(reader, s);
		return AGAIN;
	}
	if (plain_stream_add(reader, s, line, span_from(line->text, 2), false))
		s->text.length--; /* lines are joined */
	return TAKEN;
}

/* ---- lines ---- */

void plain_take_line(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line)
{
	static enum step (*const phases[])(struct trace_reader *, struct plain_stream *, const struct plain_line *) = {
		[PLAIN_IDLE] = read_idle,
		[PLAIN_ENVELOPE] = read_envelope,
		[PLAIN_HEAD] = read_head,
		[PLAIN_BODY] = read_body,
		[PLAIN_WRAPPED] = read_wrapped,
	};
	while (phases[s->phase](reader, s, line) == AGAIN)
		;
}
