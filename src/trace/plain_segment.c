/* SPDX-License-Identifier: Apache-2.0 */
/* A message that came in several segments of TCP, each printed by ngrep behind a line of its own. That every CR shows
 * as a dot tells the line ends of the message from those that ngrep adds behind a segment. */
#include "trace/plain_private.h"

static struct plain_mark *mark_at(struct plain_stream *s, size_t index)
{
	return (struct plain_mark *)(void *)s->marks.at + index;
}

static bool has_segments(const struct plain_stream *s)
{
	return s->has_dots && s->envelope.shape == PLAIN_SHAPE_NGREP && s->envelope.transport == RECORD_TCP;
}

static bool is_padding(struct span line)
{
	return line.length == 0 || (line.at[0] == '#' && plain_is_rule(line));
}

/* The line before had no text. */
static bool is_behind_envelope(const struct plain_stream *s)
{
	size_t count = plain_stream_count(s);
	return count >= 2 && plain_stream_mark(s, count - 1)->text == plain_stream_mark(s, count - 2)->text;
}

bool plain_segment_is_padding(const struct plain_stream *s, struct span line)
{
	if (!has_segments(s) || !is_padding(line))
		return false;
	return is_behind_envelope(s) ? line.length == 0 : s->phase == PLAIN_HEAD || line.length > 0;
}

bool plain_segment_is_open(const struct plain_stream *s)
{
	size_t length = s->text.length;
	return has_segments(s) && length >= 2 && s->text.at[length - 2] != '\r' &&
	       length - s->head == (size_t)s->content_length;
}

bool plain_segment_may_end(const struct plain_stream *s, bool has_cr)
{
	size_t length = s->text.length;
	return has_segments(s) && !has_cr && length >= 2 && s->text.at[length - 2] == '\r';
}

bool plain_segment_begins(const struct plain_stream *s, struct span line)
{
	struct plain_envelope next;
	return has_segments(s) && line.length > 2 && line.at[0] == 'T' && plain_envelope_read(line, &next) &&
	       next.shape == PLAIN_SHAPE_NGREP && record_address_equal(&next.from, &s->envelope.from) &&
	       record_address_equal(&next.to, &s->envelope.to);
}

/* Takes the end off, and off what the marks say. */
static void shorten(struct plain_stream *s, size_t length)
{
	s->text.length = length;
	for (size_t i = plain_stream_count(s); i-- > 0 && mark_at(s, i)->text > length;)
		mark_at(s, i)->text = length;
}

/* Behind a segment ngrep ends the line, and without -q it shows its progress; with -q an empty line follows. One more
 * empty line than that: the segment ended with a line. */
static bool ended_with_line(const struct plain_stream *s, size_t *ret_padding)
{
	size_t empty = 0, progress = 0;
	for (size_t i = plain_stream_count(s); i-- > 1;) {
		size_t start = plain_stream_mark(s, i - 1)->raw;
		struct span line = span_trim(
			span_first(span_from(buffer_span(&s->raw), start), plain_stream_mark(s, i)->raw - start));
		if (!is_padding(line))
			break;
		empty += line.length == 0;
		progress += line.length > 0;
	}
	*ret_padding = empty + progress;
	return empty > (progress == 0);
}

void plain_segment_join(struct plain_stream *s)
{
	size_t padding;
	bool is_whole = ended_with_line(s, &padding);
	size_t count = plain_stream_count(s), kept = count - padding;
	/* In the body empty lines were taken for lines of it. */
	for (size_t i = kept; i < count; i++)
		s->bare -= plain_stream_mark(s, i)->text > plain_stream_mark(s, i - 1)->text;
	shorten(s, plain_stream_mark(s, kept - 1)->text);
	size_t length = s->text.length;
	s->is_torn = !is_whole && length > s->head && s->text.at[length - 1] == '\n';
}

/* What was taken for a CR at the end of a segment was a dot of the line, unless its LF follows. */
static void untie(struct plain_stream *s)
{
	size_t length = s->text.length - 1;
	bool has_dot = length > 0 && s->text.at[length - 1] == '\r';
	if (has_dot)
		s->text.at[length - 1] = '.';
	else
		s->bare -= s->head > 0;
	shorten(s, length);
}

struct span plain_segment_line(struct arena *arena, struct plain_stream *s, struct span line)
{
	if (!s->is_torn)
		return line;
	s->is_torn = false;
	untie(s);
	if (s->head > 0)
		return line;
	size_t start = s->text.length;
	while (start > 0 && s->text.at[start - 1] != '\n')
		start--;
	size_t before = s->text.length - start;
	char *joined = arena_allocate(arena, before + line.length);
	if (!joined)
		return line;
	memcpy(joined, s->text.at + start, before);
	memcpy(joined + before, line.at, line.length);
	shorten(s, start);
	return span_make(joined, before + line.length);
}
