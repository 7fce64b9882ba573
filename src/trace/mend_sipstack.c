/* SPDX-License-Identifier: Apache-2.0 */
/* Records of a Lync or Skype for Business server's trace (docs/formats.md), put together of clean lines. */
#include "trace/mend_private.h"

/* "TL WARN(TF DIAG) [site\node] 0584.0A44 :: …" */
static void append_opening(struct buffer *out, struct span line)
{
	struct span rest = span_trim(span_from(line, 3));
	size_t open = span_find(rest, '('), close = span_find(rest, ')');
	(void)buffer_append_text(out, "TL_");
	(void)buffer_append(out, span_trim(span_first(rest, open)));
	(void)buffer_append_text(out, "(TF_");
	(void)buffer_append(out, span_trim(span_from(span_first(rest, close), open + 4)));
	(void)buffer_append_text(out, ") ");
	rest = span_trim(span_from(rest, close + 1));
	size_t bracket = span_find(rest, ']'), place = span_find(rest, '(');
	if (bracket >= place) {
		(void)buffer_append(out, rest);
		return;
	}
	(void)buffer_append(out, span_first(rest, bracket + 1));
	for (size_t i = bracket + 1; i < place; i++)
		if (rest.at[i] != ' ')
			(void)buffer_append_byte(out, rest.at[i]);
	(void)buffer_append_byte(out, ' ');
	(void)buffer_append(out, span_from(rest, place));
}

/* "0xc3e93d6f SIPPROXY E ROUTING": the name's underscores were lost. */
static void append_result(struct buffer *out, struct span value)
{
	size_t name = span_find(value, ' ');
	(void)buffer_append(out, span_first(value, name));
	struct span rest = span_trim(span_from(value, name));
	(void)buffer_append_text(out, rest.length > 0 ? " " : "");
	for (size_t i = 0; i < rest.length; i++)
		if (rest.at[i] != ' ' || rest.at[i - 1] != ' ')
			(void)buffer_append_byte(out, rest.at[i] == ' ' ? '_' : rest.at[i]);
}

static void append_field(struct buffer *out, struct span line)
{
	size_t whole = 0;
	size_t length = mend_name(line, MEND_FIELDS, false, &whole);
	struct span name = span_first(line, length), value = span_trim(span_from(line, whole));
	if (span_is_nocase(name, "Result-Code")) {
		(void)buffer_append_text(out, "Result-Code: ");
		append_result(out, value);
	} else if (span_is_nocase(name, "Text") || span_is_nocase(name, "SIP-Start-Line") ||
		   span_is_nocase(name, "Start-Line")) {
		(void)buffer_append(out, name);
		(void)buffer_append_text(out, ": ");
		mend_words_append(out, value);
	} else {
		mend_header_append(out, line);
	}
	(void)buffer_append_byte(out, '\n');
}

/* The opening line, up to "$$begin_record". */
static bool read_opening(struct mender *m, struct mend_cursor *c, size_t end)
{
	struct span mark = SPAN("$$begin_record");
	size_t previous = c->line;
	for (size_t line = c->line; line < end && line < c->line + 12; line++) {
		struct span text = span_trim(mend_line_text(m, line));
		if (line > c->line) {
			if (text.length == 0 && m->is_doubled)
				continue;
			if (text.length == 0 || m->lines[line].anchor != MEND_NONE)
				break;
			if (mend_needs_blank(m, previous, line, buffer_span(&m->logical), text, false))
				(void)buffer_append_byte(&m->logical, ' ');
		}
		(void)buffer_append(&m->logical, text);
		previous = line;
		struct span sofar = buffer_span(&m->logical);
		if (span_ends_nocase(sofar, mark)) {
			c->line = line + 1;
			return true;
		}
	}
	return false;
}

static void append_record(struct mender *m, const struct mend_head *h)
{
	struct span rest = buffer_span(&m->logical), line;
	bool is_message = false, has_cseq = mend_has_header(rest, "CSeq");
	while (mend_next_logical(&rest, &line)) {
		if (mend_line_is(line, "Message-Body")) {
			struct span said = span_trim(span_from(line, span_find(line, ':') + 1));
			(void)buffer_append_text(&m->out, "Message-Body: ");
			/* What stood behind it on its line is the body's first one. */
			(void)buffer_append(&m->out, said.length == 0 && m->body.length == 0 ? SPAN("-") : said);
			if (said.length > 0 || m->body.length == 0)
				(void)buffer_append_byte(&m->out, '\n');
			(void)buffer_append(&m->out, buffer_span(&m->body));
			return;
		}
		if (is_message)
			mend_one_header_append(&m->out, line, "", has_cseq);
		else
			append_field(&m->out, line);
		is_message |= mend_line_is(line, "Start-Line");
	}
	if (is_message && !h->has_body_field)
		(void)buffer_append_text(&m->out, "Message-Body: -\n");
}

size_t mend_sipstack(struct mender *m, size_t begin, size_t end)
{
	struct mend_cursor c = { .line = begin };
	struct mend_head h = { .names = MEND_FIELDS, .end = end };
	mend_begin(m);
	mend_measure(m, begin, end, MEND_FIELDS | MEND_HEADERS);
	if (!read_opening(m, &c, end)) {
		/* A component's line. */
		buffer_clear(&m->logical);
		append_opening(&m->out, span_trim(mend_line_text(m, begin)));
		(void)buffer_append_byte(&m->out, '\n');
		return begin + 1;
	}
	append_opening(&m->out, buffer_span(&m->logical));
	(void)buffer_append_byte(&m->out, '\n');
	if (span_find_span(buffer_span(&m->logical), SPAN("PROTOCOL)")) < m->logical.length)
		h.names |= MEND_HEADERS;
	buffer_clear(&m->logical);
	if (c.line < end && m->lines[c.line].anchor != MEND_RECORD_ENDS)
		mend_head_read(m, &c, &h);
	if (h.has_body_field)
		mend_body_read(m, &c, &h);
	append_record(m, &h);
	(void)buffer_append_text(&m->out, "$$end_record\n");
	while (c.line < end && m->lines[c.line].length == 0)
		c.line++;
	return c.line < end && m->lines[c.line].anchor == MEND_RECORD_ENDS ? c.line + 1 : c.line;
}
