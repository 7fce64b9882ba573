/* SPDX-License-Identifier: Apache-2.0 */
/* Records of each log, put together of clean lines and written as the product writes them (docs/formats.md). */
#include "base/require.h"
#include "sip/method.h"
#include "trace/mend_private.h"

#include <ctype.h>

/* ---- what they share ---- */

/* Lines of m->logical, one after another. */
static bool next_logical(struct span *rest, struct span *ret_line)
{
	if (rest->length == 0)
		return false;
	*ret_line = span_first(*rest, span_find(*rest, '\n'));
	*rest = span_from(*rest, ret_line->length + 1);
	return true;
}

/* "SIP/2.0 504 Server time-out": blanks once. */
static void append_words(struct buffer *out, struct span text)
{
	struct span rest = span_trim(text);
	for (size_t i = 0; i < rest.length; i++)
		if (rest.at[i] != ' ' || rest.at[i - 1] != ' ')
			(void)buffer_append_byte(out, rest.at[i]);
}

/* A method alone is what is left of a CSeq whose number was lost: 0 stands for it. */
static bool is_lost_cseq(struct span line, bool has_cseq)
{
	return !has_cseq && sip_method_find(line) != SIP_METHOD_OTHER;
}

static bool has_header(struct span lines, const char *name)
{
	struct span line;
	while (next_logical(&lines, &line))
		if (mend_line_is(line, name))
			return true;
	return false;
}

/* One header; false for what is none and would make the head end. */
static void append_header(struct buffer *out, struct span line, const char *before, bool has_cseq)
{
	if (line.length == 0)
		return;
	(void)buffer_append_text(out, before);
	if (is_lost_cseq(line, has_cseq)) {
		(void)buffer_append_text(out, "CSeq: 0 ");
		(void)buffer_append(out, line);
	} else {
		mend_header_append(out, line);
	}
	(void)buffer_append_byte(out, '\n');
}

/* All headers, each on its line behind `before`. */
static void append_headers(struct buffer *out, struct span lines, const char *before)
{
	struct span line;
	bool has_cseq = has_header(lines, "CSeq");
	while (next_logical(&lines, &line))
		append_header(out, line, before, has_cseq);
}

static void start(struct mender *m)
{
	buffer_clear(&m->logical);
	buffer_clear(&m->body);
	buffer_clear(&m->out);
}

/* ---- Expressway ---- */

/* The log's blank in front of each line, two where the line is a bar. */
static void append_body_in_bars(struct buffer *out, struct span body)
{
	struct span line;
	while (next_logical(&body, &line)) {
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
		append_words(out, span_first(line, process));
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
	if (!next_logical(&rest, &first) || !mend_is_start_line(first))
		return 0;
	mend_body_read(m, &c, &h);
	(void)buffer_append_text(&m->out, " SIPMSG:\n |");
	append_words(&m->out, first);
	(void)buffer_append_byte(&m->out, '\n');
	append_headers(&m->out, rest, " ");
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
	start(m);
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

/* ---- sipstack ---- */

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
		append_words(out, value);
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
	for (size_t line = c->line; line < end && line < c->line + 8; line++) {
		struct span text = span_trim(mend_line_text(m, line));
		if (line > c->line) {
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
	bool is_message = false, has_cseq = has_header(rest, "CSeq");
	while (next_logical(&rest, &line)) {
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
			append_header(&m->out, line, "", has_cseq);
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
	start(m);
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

/* ---- uccapi ---- */

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
	append_words(out, rest);
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
	for (size_t i = line + 1; i < end && i < line + 5; i++) {
		struct span sofar = buffer_span(&m->logical);
		text = span_trim(mend_line_text(m, i));
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
	struct mend_head h = { .names = MEND_HEADERS, .end = end };
	struct span text = mend_line_text(m, line), first = SPAN_NONE, rest;
	struct mend_cursor c = { .line = line, .skip = text_of_stamped(text) };
	append_front(&m->out, span_first(text, c.skip));
	buffer_clear(&m->logical);
	mend_head_read(m, &c, &h);
	rest = buffer_span(&m->logical);
	if (!next_logical(&rest, &first) || !mend_is_start_line(first))
		return 0;
	if (c.line < end)
		mend_body_read(m, &c, &h);
	append_words(&m->out, first);
	(void)buffer_append_byte(&m->out, '\n');
	append_headers(&m->out, rest, "");
	(void)buffer_append_byte(&m->out, '\n');
	(void)buffer_append(&m->out, buffer_span(&m->body));
	return c.line;
}

size_t mend_uccapi(struct mender *m, size_t begin, size_t end)
{
	start(m);
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

/* ---- json ---- */

void mend_count_braces(struct mend_nesting *n, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		if (n->in_text && c == '\\')
			i++;
		else if (c == '"')
			n->in_text = !n->in_text;
		else if (!n->in_text && c == '{')
			n->depth++;
		else if (!n->in_text && c == '}' && n->depth > 0)
			n->depth--;
	}
}

size_t mend_json(struct mender *m, size_t begin, size_t end)
{
	struct mend_nesting nesting = { 0 };
	size_t line = begin;
	start(m);
	mend_measure(m, begin, end, 0);
	do {
		struct span text = mend_line_text(m, line);
		if (line > begin && (text.length == 0 || m->lines[line].anchor != MEND_NONE))
			break;
		if (line > begin && mend_needs_blank(m, line - 1, line, buffer_span(&m->out), text, true))
			(void)buffer_append_byte(&m->out, ' ');
		(void)buffer_append(&m->out, text);
		mend_count_braces(&nesting, text);
		line++;
	} while (line < end && nesting.depth > 0);
	(void)buffer_append_byte(&m->out, '\n');
	return line;
}

/* ---- messages alone ---- */

static bool is_request_whole(struct span first)
{
	return span_starts_nocase(first, SPAN("SIP/2.0 ")) || span_ends_nocase(first, SPAN(" SIP/2.0"));
}

size_t mend_sip(struct mender *m, size_t begin, size_t end)
{
	struct mend_head h = { .names = MEND_HEADERS, .end = end };
	struct span text = mend_line_text(m, begin), first = SPAN_NONE, rest;
	struct mend_cursor c = { .line = begin };
	start(m);
	if (text.length > 0 && text.at[0] == '|')
		c.skip = 1;
	mend_measure(m, begin, end, MEND_HEADERS);
	mend_head_read(m, &c, &h);
	rest = buffer_span(&m->logical);
	if (!next_logical(&rest, &first) || !is_request_whole(first) || h.known == 0)
		return 0;
	mend_body_read(m, &c, &h);
	append_words(&m->out, first);
	(void)buffer_append_byte(&m->out, '\n');
	append_headers(&m->out, rest, "");
	return c.line;
}
