/* SPDX-License-Identifier: Apache-2.0 */
/* What the records of all logs share: lines put together are written out. And those that need nothing else. */
#include "base/require.h"
#include "sip/method.h"
#include "trace/mend_private.h"

/* Lines of m->logical, one after another. */
bool mend_next_logical(struct span *rest, struct span *ret_line)
{
	if (rest->length == 0)
		return false;
	*ret_line = span_first(*rest, span_find(*rest, '\n'));
	*rest = span_from(*rest, ret_line->length + 1);
	return true;
}

/* "SIP/2.0 504 Server time-out": blanks once. */
void mend_words_append(struct buffer *out, struct span text)
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

bool mend_has_header(struct span lines, const char *name)
{
	struct span line;
	while (mend_next_logical(&lines, &line))
		if (mend_line_is(line, name))
			return true;
	return false;
}

/* One header; false for what is none and would make the head end. */
void mend_one_header_append(struct buffer *out, struct span line, const char *before, bool has_cseq)
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
void mend_headers_append(struct buffer *out, struct span lines, const char *before)
{
	struct span line;
	bool has_cseq = mend_has_header(lines, "CSeq");
	while (mend_next_logical(&lines, &line))
		mend_one_header_append(out, line, before, has_cseq);
}

void mend_begin(struct mender *m)
{
	buffer_clear(&m->logical);
	buffer_clear(&m->body);
	buffer_clear(&m->out);
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
	mend_begin(m);
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
	mend_begin(m);
	if (text.length > 0 && text.at[0] == '|')
		c.skip = 1;
	mend_measure(m, begin, end, MEND_HEADERS);
	mend_head_read(m, &c, &h);
	rest = buffer_span(&m->logical);
	if (!mend_next_logical(&rest, &first) || !is_request_whole(first) || h.known == 0)
		return 0;
	mend_body_read(m, &c, &h);
	mend_words_append(&m->out, first);
	(void)buffer_append_byte(&m->out, '\n');
	mend_headers_append(&m->out, rest, "");
	return c.line;
}
