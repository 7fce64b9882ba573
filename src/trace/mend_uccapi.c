/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a client's log (docs/formats.md), put together of clean lines. */
#include "trace/mend_private.h"

/* Whether the text begins with these letters, whatever blanks are between them. */
static bool begins_with(struct span text, const char *letters)
{
	size_t i = 0;
	for (; *letters; letters++, i++) {
		while (i < text.length && text.at[i] == ' ')
			i++;
		if (i >= text.length || text.at[i] != *letters)
			return false;
	}
	return true;
}

/* Where the text of a stamped line begins: behind its "::". */
static size_t text_of_stamped(struct span line)
{
	size_t at = span_find_span(line, SPAN("::"));
	while (at < line.length && (line.at[at] == ':' || line.at[at] == ' '))
		at++;
	return at;
}

static bool is_end_of_message(struct span line)
{
	return begins_with(span_from(line, text_of_stamped(line)), "Endof");
}

bool mend_is_packet(struct span line)
{
	struct span text = span_from(line, text_of_stamped(line));
	return begins_with(text, "DataReceived") || begins_with(text, "SendingPacket");
}

/* Stamp, process, thread and level as the log has them: blanks once, two behind the level. */
static void append_front(struct buffer *out, struct span front)
{
	struct span rest = span_trim(front);
	while (rest.length > 0 && (rest.at[rest.length - 1] == ':' || rest.at[rest.length - 1] == ' '))
		rest.length--;
	mend_words_append(out, rest);
	(void)buffer_append_text(out, "  :: ");
}

/* "Data Received -1.2.3.4:5061 (To Local Address : …": no blank before a colon. */
static void append_announcement(struct buffer *out, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		bool is_extra =
			text.at[i] == ' ' && i + 1 < text.length && (text.at[i + 1] == ' ' || text.at[i + 1] == ':');
		if (!is_extra)
			(void)buffer_append_byte(out, text.at[i]);
	}
}

/* The line that announces a message: until it says how many bytes. */
static size_t append_packet(struct mender *m, size_t line, size_t end)
{
	struct span text = mend_line_text(m, line);
	size_t front = text_of_stamped(text);
	append_front(&m->out, span_first(text, front));
	buffer_clear(&m->logical);
	(void)buffer_append(&m->logical, span_from(text, front));
	for (size_t i = line + 1; i < end && i < line + 8; i++) {
		struct span sofar = buffer_span(&m->logical);
		text = span_trim(mend_line_text(m, i));
		if (text.length == 0 && m->is_doubled)
			continue;
		if (span_ends_nocase(sofar, SPAN("bytes:")) || span_ends_nocase(sofar, SPAN("bytes")) ||
			text.length == 0 || m->lines[i].anchor != MEND_NONE)
			break;
		if (mend_needs_blank(m, i - 1, i, sofar, text, false))
			(void)buffer_append_byte(&m->logical, ' ');
		(void)buffer_append(&m->logical, text);
		line = i;
	}
	append_announcement(&m->out, buffer_span(&m->logical));
	(void)buffer_append_byte(&m->out, '\n');
	return line + 1;
}

/* The stamped start line, headers, body. 0: it is no message. */
static size_t append_message(struct mender *m, size_t line, size_t end)
{
	struct mend_head h = { .names = MEND_HEADERS, .end = end, .in_stamps = true };
	struct span text = mend_line_text(m, line), first = SPAN_NONE, rest;
	struct mend_cursor c = { .line = line, .skip = text_of_stamped(text) };
	append_front(&m->out, span_first(text, c.skip));
	buffer_clear(&m->logical);
	mend_head_read(m, &c, &h);
	rest = buffer_span(&m->logical);
	if (!mend_next_logical(&rest, &first) || !mend_is_start_line(first))
		return 0;
	if (c.line < end)
		mend_body_read(m, &c, &h);
	mend_words_append(&m->out, first);
	(void)buffer_append_byte(&m->out, '\n');
	mend_headers_append(&m->out, rest, "");
	(void)buffer_append_byte(&m->out, '\n');
	(void)buffer_append(&m->out, buffer_span(&m->body));
	return c.line;
}

size_t mend_uccapi(struct mender *m, size_t begin, size_t end)
{
	mend_begin(m);
	struct span text = mend_line_text(m, begin);
	mend_measure(m, begin, end, MEND_HEADERS);
	if (!mend_is_packet(text)) {
		append_front(&m->out, span_first(text, text_of_stamped(text)));
		(void)buffer_append(&m->out, span_from(text, text_of_stamped(text)));
		(void)buffer_append_byte(&m->out, '\n');
		return begin + 1;
	}
	size_t line = append_packet(m, begin, end);
	while (line < end && m->lines[line].length == 0)
		line++;
	if (line < end && m->lines[line].anchor == MEND_UCCAPI && !is_end_of_message(mend_line_text(m, line)))
		line = append_message(m, line, end);
	if (line == 0)
		return 0;
	size_t next = line;
	while (next < end && m->lines[next].length == 0)
		next++;
	if (next < end && m->lines[next].anchor == MEND_UCCAPI && is_end_of_message(mend_line_text(m, next)))
		return append_packet(m, next, end);
	return line;
}
