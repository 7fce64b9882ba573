/* SPDX-License-Identifier: Apache-2.0 */
/* The lines that a sender holds, and the records that are made of them. */
#include "trace/plain_private.h"
#include "trace/text_read.h"

/* A sender that held much gives its memory back. */
#define KEPT_MAXIMUM (64u << 10)

size_t plain_stream_count(const struct plain_stream *s)
{
	return s->marks.length / sizeof(struct plain_mark);
}

const struct plain_mark *plain_stream_mark(const struct plain_stream *s, size_t index)
{
	return (const struct plain_mark *)(const void *)s->marks.at + index;
}

static void empty(struct buffer *b)
{
	if (b->capacity > KEPT_MAXIMUM)
		buffer_done(b);
	if (b->at)
		buffer_clear(b);
	else
		buffer_init(b, 4 * TRACE_RECORD_MAXIMUM);
}

void plain_stream_clear(struct plain_stream *s)
{
	empty(&s->text);
	empty(&s->raw);
	empty(&s->marks);
	s->phase = PLAIN_IDLE;
	s->is_copy = s->is_torn = s->has_prefix = s->has_dots = s->may_have_dots = s->is_exact = s->has_content = false;
	s->indent = s->head = s->headers = s->bare = s->waited = s->whole = s->broken = 0;
	s->content_length = -1;
}

void plain_stream_done(struct plain_stream *s)
{
	buffer_done(&s->text);
	buffer_done(&s->raw);
	buffer_done(&s->marks);
}

static struct trace_place place_of(const struct plain_stream *s, size_t lines)
{
	const struct plain_mark *first = plain_stream_mark(s, 0);
	const struct plain_mark *last = plain_stream_mark(s, lines - 1);
	return (struct trace_place){
		.line = first->line, .offset = first->offset, .raw = span_first(buffer_span(&s->raw), last->raw)
	};
}

bool plain_stream_add(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line,
	struct span text, bool has_cr)
{
	if (text.at && buffer_reserve(&s->text, text.length + 2) == 0) {
		char *out = s->text.at + s->text.length;
		memcpy(out, text.at, text.length);
		memcpy(out + text.length, has_cr ? "\r\n" : "\n\0", 2);
		s->text.length += text.length + (has_cr ? 2 : 1);
		s->text.at[s->text.length] = '\0';
	}
	(void)buffer_append(&s->raw, line->raw);
	struct plain_mark mark = { line->line, line->offset, s->raw.length, s->text.length };
	(void)buffer_append(&s->marks, span_make((const char *)&mark, sizeof(mark)));
	if (s->raw.length <= TRACE_RECORD_MAXIMUM && s->text.status == 0 && s->raw.status == 0 && s->marks.status == 0)
		return true;
	struct trace_place place = { .line = line->line, .offset = line->offset, .raw = line->raw };
	if (s->marks.length >= sizeof(mark)) {
		place.line = plain_stream_mark(s, 0)->line;
		place.offset = plain_stream_mark(s, 0)->offset;
	}
	trace_reader_unread(reader, &place, TRACE_READER_TOO_LONG);
	plain_stream_clear(s);
	return false;
}

/* ---- bytes as on the wire ---- */

/* The headers of a message that was cut off in them: no empty line may be made up. */
static struct span with_cr(struct arena *arena, struct span lines)
{
	char *out = arena_allocate(arena, 2 * lines.length);
	size_t length = 0;
	if (!out)
		return SPAN_NONE;
	for (size_t i = 0; i < lines.length; i++) {
		if (lines.at[i] == '\n' && (i == 0 || lines.at[i - 1] != '\r'))
			out[length++] = '\r';
		out[length++] = lines.at[i];
	}
	return span_make(out, length);
}

/* Without the line end that the empty line is. */
static struct span head_lines(const struct plain_stream *s)
{
	struct span head = span_first(buffer_span(&s->text), s->head);
	size_t length = head.length;
	if (length > 0 && head.at[length - 1] == '\n')
		length--;
	if (length > 0 && head.at[length - 1] == '\r')
		length--;
	return span_first(head, length);
}

/* Absent without memory. */
static struct span wire_bytes(struct arena *arena, const struct plain_stream *s, size_t lines)
{
	struct span text = span_first(buffer_span(&s->text), plain_stream_mark(s, lines - 1)->text);
	if (s->head == 0 || text.length < s->head)
		return s->is_exact ? text : with_cr(arena, text);
	struct span body = span_from(text, s->head);
	if (s->content_length >= 0 && s->is_exact)
		body = span_first(body, (size_t)s->content_length);
	if (s->is_exact)
		return span_first(text, s->head + body.length);
	if (s->content_length == 0)
		body = SPAN_NONE;
	return trace_read_message(arena, head_lines(s), body);
}

/* ---- records ---- */

static struct record record_of(const struct plain_stream *s)
{
	const struct plain_envelope *e = &s->envelope;
	struct record r = { .kind = RECORD_MESSAGE };
	bool is_received = e->direction == RECORD_RECEIVED;
	r.head.time_us = e->time_us ? e->time_us : s->time_us;
	r.head.process = e->process ? e->process : s->process;
	r.head.node = s->node[0] ? span_of(s->node) : SPAN_NONE;
	r.message.direction = e->direction;
	r.message.transport = e->transport;
	r.message.local = is_received ? e->to : e->from;
	r.message.remote = is_received ? e->from : e->to;
	return r;
}

void plain_stream_give(struct trace_reader *reader, struct plain_stream *s, size_t lines)
{
	struct record r = record_of(s);
	struct trace_place place = place_of(s, lines);
	if (s->headers == 0 || s->is_copy) {
		reader->counts.other += lines;
		return;
	}
	r.message.bytes = wire_bytes(&reader->arena, s, lines);
	if (!r.message.bytes.at) /* as it stood, then */
		r.message.bytes = span_first(buffer_span(&s->text), plain_stream_mark(s, lines - 1)->text);
	trace_reader_give(reader, &r, &place);
}

/* The length of the message at the front, of which nothing is known but its text; 0: it has no header. */
static size_t message_length(struct span text, bool *ret_is_exact)
{
	struct span rest = text;
	int64_t length = -1;
	size_t headers = 0;
	(void)span_cut(&rest, '\n');
	*ret_is_exact = rest.at && rest.at - text.at >= 2 && rest.at[-2] == '\r';
	while (rest.length > 0) {
		struct span line = span_cut(&rest, '\n');
		if (line.length > 0 && line.at[line.length - 1] == '\r')
			line.length--;
		if (line.length == 0 && rest.at) {
			size_t head = (size_t)(rest.at - text.at);
			size_t body = length < 0 ? rest.length : (size_t)length;
			return headers == 0 ? 0 : span_first(text, head + (*ret_is_exact ? body : rest.length)).length;
		}
		if (!plain_is_header(line))
			break;
		headers++;
		(void)plain_content_length(line, &length);
	}
	return headers == 0 ? 0 : text.length;
}

/* Lines that end in LF alone become a message of the wire by their Content-Length. */
static struct span wire_of(struct arena *arena, struct span text)
{
	size_t head = span_find_span(text, SPAN("\n\n"));
	if (head == text.length)
		return with_cr(arena, text);
	return trace_read_message(arena, span_first(text, head + 1), span_from(text, head + 2));
}

void plain_stream_give_text(struct trace_reader *reader, struct plain_stream *s, struct span text)
{
	struct trace_place place = place_of(s, plain_stream_count(s));
	size_t skip, given = 0;
	while (text.length > 0) {
		struct span line = span_first(text, span_find(text, '\n'));
		bool is_exact;
		if (line.length > 0 && line.at[line.length - 1] == '\r')
			line.length--;
		size_t length = plain_is_start_line(line, &skip) ? message_length(text, &is_exact) : 0;
		if (length == 0)
			break;
		struct record r = record_of(s);
		struct span bytes = span_first(text, length);
		r.message.bytes = is_exact ? bytes : wire_of(&reader->arena, bytes);
		trace_reader_give(reader, &r, &place);
		text = span_from(text, length);
		given++;
	}
	if (given == 0)
		reader->counts.other += plain_stream_count(s);
}
