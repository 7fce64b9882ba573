/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of an Expressway and the messages between their bars (docs/formats.md), put together of clean lines. */
#include "trace/mend_private.h"

/* The log's blank in front of each line, two where the line is a bar. */
static void append_body_in_bars(struct buffer *out, struct span body)
{
	struct span line;
	while (mend_next_logical(&body, &line)) {
		if (line.length > 0)
			(void)buffer_append_text(out, span_is(span_trim(line), "|") ? "  " : " ");
		(void)buffer_append(out, line);
		(void)buffer_append_byte(out, '\n');
	}
}

/* "tvcs :" and blanks between the words before it. */
static void append_keys(struct buffer *out, struct span line)
{
	size_t process = span_find_span(line, SPAN("tvcs"));
	if (process < line.length) {
		mend_words_append(out, span_first(line, process));
		struct span rest = span_from(line, process + 4);
		while (rest.length > 0 && (rest.at[0] == ' ' || rest.at[0] == ':'))
			rest = span_from(rest, 1);
		(void)buffer_append_text(out, " tvcs: ");
		line = rest;
	}
	mend_value_append(out, line);
	(void)buffer_append_byte(out, '\n');
}

/* The bar and what follows it, up to the bar that ends the message. 0: what follows is no message. */
static size_t message_in_bars(struct mender *m, struct mend_cursor c, size_t end)
{
	struct mend_head h = { .names = MEND_HEADERS, .end = end, .in_bars = true };
	struct span rest, first;
	/* "SIPMSG:" and the first bar, each on its line or not. */
	struct span text = span_trim(span_from(mend_line_text(m, c.line), c.skip + 7));
	c.skip = (size_t)(text.at - mend_line_text(m, c.line).at);
	if (text.length == 0) {
		c.line++;
		c.skip = 0;
		while (c.line < end && m->lines[c.line].length == 0)
			c.line++;
		if (c.line >= end)
			return c.line;
		text = span_trim(mend_line_text(m, c.line));
	}
	if (text.length > 0 && text.at[0] == '|')
		c.skip = (size_t)(text.at - mend_line_text(m, c.line).at) + 1;
	buffer_clear(&m->logical);
	mend_head_read(m, &c, &h);
	rest = buffer_span(&m->logical);
	if (!mend_next_logical(&rest, &first) || !mend_is_start_line(first))
		return 0;
	mend_body_read(m, &c, &h);
	(void)buffer_append_text(&m->out, " SIPMSG:\n |");
	mend_words_append(&m->out, first);
	(void)buffer_append_byte(&m->out, '\n');
	mend_headers_append(&m->out, rest, " ");
	(void)buffer_append_byte(&m->out, '\n');
	append_body_in_bars(&m->out, buffer_span(&m->body));
	(void)buffer_append_text(&m->out, "\n |\n");
	size_t next = c.line;
	while (next < end && m->lines[next].length == 0)
		next++;
	return next < end && span_is(span_trim(mend_line_text(m, next)), "|") ? next + 1 : c.line;
}

size_t mend_expressway(struct mender *m, size_t begin, size_t end)
{
	struct mend_cursor c = { .line = begin };
	mend_begin(m);
	mend_measure(m, begin, end, MEND_HEADERS);
	mend_keys_read(m, &c, end);
	append_keys(&m->out, buffer_span(&m->logical));
	/* An empty line may stand between them. */
	while (c.skip == 0 && c.line < end && m->lines[c.line].length == 0)
		c.line++;
	if (c.line < end &&
		span_equal(span_first(span_trim(span_from(mend_line_text(m, c.line), c.skip)), 7), SPAN("SIPMSG:")))
		return message_in_bars(m, c, end);
	/* The mark was lost, the bar was not. */
	return c.line > begin ? c.line : begin + 1;
}
