/* SPDX-License-Identifier: Apache-2.0 */
/* The message behind a line of an Expressway's log, made whole again: blanks and bars of the log taken away, CR LF put
 * between its lines, its end as its Content-Length says. One pass over the text, 16 bytes at a time. */
#include "trace/expressway_private.h"
#include "trace/text_read.h"

#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* What is read and what it becomes. */
struct copying {
	const char *at, *end; /* of the log */
	char *out; /* next free byte */
	char *limit; /* of the memory, less what one step may write */
	size_t head; /* bytes up to the empty line, with it; 0: it has not come */
	size_t length_line; /* of the head: where the first line begins that may be Content-Length */
	struct expressway_message *memory;
};

#define STEP 64
#define SLACK (3 * STEP)
/* A message may grow by a CR a line. */
#define CAPACITY_MAXIMUM (2 * TRACE_RECORD_MAXIMUM + 4096)

static bool make_room(struct copying *c)
{
	struct expressway_message *m = c->memory;
	size_t used = m->at ? (size_t)(c->out - m->at) : 0;
	size_t capacity = m->capacity ? 2 * m->capacity : 16384;
	char *larger = capacity <= 2 * CAPACITY_MAXIMUM ? realloc(m->at, capacity) : NULL;
	if (!larger)
		return false;
	m->at = larger;
	m->capacity = capacity;
	c->out = larger + used;
	c->limit = larger + capacity - SLACK;
	return true;
}

enum copied { COPIED, COPIED_NO_END, COPIED_NO_MEMORY };

/* Copies so many bytes, and tells by a bit for each which are LF. */
static inline uint64_t copy_step(const char *at, char *out)
{
	uint64_t feeds = 0;
#ifdef __SSE2__
	const __m128i lf = _mm_set1_epi8('\n');
#pragma GCC unroll 4
	for (unsigned i = 0; i < STEP / 16; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(at + (size_t)16 * i));
		_mm_storeu_si128((__m128i *)(void *)(out + (size_t)16 * i), v);
		feeds |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, lf)) << (16 * i);
	}
#else
	memcpy(out, at, STEP);
	for (unsigned i = 0; i < STEP; i++)
		feeds |= (uint64_t)(at[i] == '\n') << i;
#endif
	return feeds;
}

/* The rest of a line and what ends it. NO_END: the text ends first. */
static enum copied copy_line(struct copying *c)
{
	while (c->at < c->end) {
		if (c->out >= c->limit && !make_room(c))
			return COPIED_NO_MEMORY;
		char byte = *c->at++;
		if (byte == '\n')
			return COPIED;
		*c->out++ = byte;
	}
	return COPIED_NO_END;
}

static inline size_t left(const struct copying *c)
{
	return (size_t)(c->end - c->at);
}

/* Nothing that begins a line of the log is longer. */
#define FRONT_LENGTH 64

/* By its first bytes: the line may be none of the message, or the bar that ends it. Most have a blank in front, or
 * begin with the name of a header. */
static inline bool is_doubtful(const char *at)
{
	static const struct span months = { "JFMASOND", 8 };
	unsigned char first = (unsigned char)*at;
	if (first == ' ')
		return at[1] == '|';
	if (first >= 'A' && first <= 'Z')
		return at[3] == ' ' && span_find(months, (char)first) < months.length; /* "Mar  2" */
	return first == '|' || first == 't' || first == '<' || (first >= '0' && first <= '9');
}

/* A line of the log, not of the message. */
static bool at_next_record(const struct copying *c)
{
	struct span line = span_make(c->at, left(c) < FRONT_LENGTH ? left(c) : FRONT_LENGTH);
	if (line.length < 16 || line.at[0] == ' ')
		return false;
	return expressway_begins_line(span_first(line, span_find(line, '\n')));
}

/* "|" alone, with a blank in front or without, ends the message: gives the length of that line, 0 where it is another.
 */
static size_t at_bar(const struct copying *c, bool *ret_indented)
{
	size_t i = 0, length = left(c);
	*ret_indented = length > 0 && c->at[0] == ' ';
	i += *ret_indented;
	if (i >= length || c->at[i] != '|')
		return 0;
	i++;
	if (i < length && c->at[i] == '\r')
		i++;
	return i < length && c->at[i] == '\n' ? i + 1 : i == length ? i : 0;
}

/* A line of blanks and a bar has one blank more in the log. */
static inline void take_blank_back(struct copying *c, size_t start)
{
	char *first = c->memory->at + start;
	size_t length = (size_t)(c->out - first);
	if (length < 2 || first[length - 1] != '|')
		return;
	for (size_t i = 0; i + 1 < length; i++)
		if (first[i] != ' ')
			return;
	first[length - 2] = '|';
	c->out--;
}

/* The blank, and of the first line the bar, that the log put in front. */
static inline void skip_indent(struct copying *c, bool first)
{
	if (c->at < c->end && *c->at == ' ')
		c->at++;
	if (first && c->at < c->end && *c->at == '|')
		c->at++;
}

static inline void end_line(struct copying *c, size_t start)
{
	if ((size_t)(c->out - c->memory->at) > start && c->out[-1] == '\r')
		c->out--;
	*c->out++ = '\r';
	*c->out++ = '\n';
}

#define NOWHERE SIZE_MAX

/* Names of headers that are no Content-Length mostly differ in these two bytes. */
static inline void note_line(struct copying *c, const char *line, const char *end)
{
	char first = (char)(line[0] | 0x20);
	if (c->head == 0 && c->length_line == NOWHERE && end > line &&
		(first == 'l' || (first == 'c' && end - line > 8 && (line[8] | 0x20) == 'l')))
		c->length_line = (size_t)(line - c->memory->at);
}

/* ---- its end ---- */

/* How much of a body that is too long or too short belongs to it: a log has its own idea of where lines end. */
static size_t body_length(char *body, size_t length, size_t wanted)
{
	if (length == wanted + 1 && body[length - 1] == '|')
		return wanted; /* the bar that ends the message, behind a last line without an end */
	if (length == wanted + 3 && memcmp(body + wanted, "|\r\n", 3) == 0)
		return wanted;
	while (length > wanted && length >= 2 && memcmp(body + length - 2, "\r\n", 2) == 0)
		length -= 2;
	if (length + 2 == wanted) {
		memcpy(body + length, "\r\n", 2);
		return wanted;
	}
	return length;
}

/* Lines that ended in LF on the wire: without their CR the length is right. */
static size_t without_cr(char *body, size_t length, size_t wanted)
{
	size_t feeds = 0, out = 0;
	for (size_t i = 1; i < length; i++)
		feeds += body[i] == '\n' && body[i - 1] == '\r';
	if (feeds == 0 || (length - feeds != wanted && length - feeds != wanted + 1))
		return length;
	for (size_t i = 0; i < length; i++)
		if (body[i] != '\r' || i + 1 == length || body[i + 1] != '\n')
			body[out++] = body[i];
	return wanted;
}

static size_t finish_body(const struct copying *c, size_t length)
{
	const struct expressway_message *m = c->memory;
	size_t head = c->head;
	uint64_t wanted;
	if (length == head || c->length_line == NOWHERE ||
		!trace_read_content_length(span_from(span_make(m->at, head), c->length_line), &wanted) ||
		wanted > length + 2)
		return length;
	size_t body = without_cr(m->at + head, length - head, wanted);
	return head + (body == wanted ? wanted : body_length(m->at + head, length - head, wanted));
}

/* Of SIP that was cut behind its headers: an empty line ends them. */
static size_t finish_head(struct expressway_message *m, size_t length)
{
	struct span start = span_first(span_make(m->at, length), 512);
	if (span_find_span(start, SPAN("SIP/2.0")) == start.length)
		return length;
	while (length >= 2 && memcmp(m->at + length - 2, "\r\n", 2) == 0)
		length -= 2;
	memcpy(m->at + length, "\r\n\r\n", 4);
	return length + 4;
}

/* ---- all of it ---- */

/* Lines of which nothing is doubtful, while there is plenty of text and room: by far the most. Leaves the line where it
 * is that is any other. Gives how many it took. */
static size_t copy_plain_lines(struct copying *c, const char *end, bool is_first)
{
	const char *at = c->at;
	char *out = c->out;
	size_t lines = 0;
	while (at < end && out < c->limit && (is_first ? *at == ' ' || *at == '|' : !is_doubtful(at))) {
		const char *from = at + (*at == ' ');
		from += is_first && *from == '|';
		is_first = false;
		char *to = out;
		uint64_t feeds = copy_step(from, to);
		while (!feeds && from < end && to < c->limit) {
			from += STEP;
			to += STEP;
			feeds = copy_step(from, to);
		}
		if (!feeds)
			break;
		unsigned count = (unsigned)__builtin_ctzll(feeds);
		from += count + 1;
		to += count;
		if (to > out && to[-1] == '\r')
			to--;
		if (to > out && to[-1] == '|')
			break;
		note_line(c, out, to);
		if (to == out && c->head == 0)
			c->head = (size_t)(to - c->memory->at) + 2;
		*to++ = '\r';
		*to++ = '\n';
		out = to;
		at = from;
		lines++;
	}
	c->at = at;
	c->out = out;
	return lines;
}

/* So much may be looked at behind the line that is copied. */
#define AHEAD (2 * STEP)

static const char *plain_end(const struct copying *c)
{
	size_t length = left(c) < TRACE_RECORD_MAXIMUM ? left(c) : TRACE_RECORD_MAXIMUM;
	return c->at + (length > AHEAD ? length - AHEAD : 0);
}

bool expressway_read_message(struct trace_reader *reader, struct span text, bool last, struct expressway_follower *f)
{
	struct expressway_state *state = reader->state;
	struct copying c = {
		.at = text.at, .end = text.at + text.length, .memory = &state->message, .length_line = NOWHERE
	};
	size_t lines = 0;
	bool indented = false, barred = false;
	f->bytes = SPAN_NONE;
	c.out = c.memory->at;
	c.limit = c.memory->at ? c.memory->at + c.memory->capacity - SLACK : NULL;
	if (!c.limit && !make_room(&c))
		return true;
	const char *const plain = plain_end(&c);
	for (; c.at < c.end && (size_t)(c.at - text.at) <= TRACE_RECORD_MAXIMUM; lines++) {
		lines += copy_plain_lines(&c, plain, lines == 0);
		if (c.at == c.end)
			break;
		size_t bar = lines > 0 ? at_bar(&c, &indented) : 0;
		if (bar > 0 && (last || c.at[bar - 1] == '\n')) {
			c.at += bar;
			lines++;
			barred = true;
			break;
		}
		if (at_next_record(&c))
			break;
		size_t start = (size_t)(c.out - c.memory->at);
		const char *line = c.at;
		skip_indent(&c, lines == 0);
		enum copied copied = copy_line(&c);
		if (copied == COPIED_NO_END && !last)
			return false;
		if (copied == COPIED_NO_MEMORY) {
			c.at = line;
			c.out = c.memory->at + start;
			break;
		}
		take_blank_back(&c, start);
		end_line(&c, start);
		note_line(&c, c.memory->at + start, c.out);
		if (c.head == 0 && (size_t)(c.out - c.memory->at) == start + 2)
			c.head = start + 2;
	}
	if (!barred && c.at == c.end && !last)
		return false;
	size_t length = (size_t)(c.out - c.memory->at);
	/* Ours: the bar stands behind what followed the last line end. */
	if (barred && indented && length >= 2)
		length -= 2;
	if (c.head > length)
		c.head = 0;
	f->bytes = span_make(c.memory->at, c.head > 0 ? finish_body(&c, length) : finish_head(c.memory, length));
	f->whole += (size_t)(c.at - text.at);
	f->lines += lines;
	return true;
}
