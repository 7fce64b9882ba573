/* SPDX-License-Identifier: Apache-2.0 */
/* Whether text that a strict reader took is damaged all the same. */
#include "base/require.h"
#include "trace/mend_private.h"
#include "trace/stamp_read.h"

/* What begins a message's text, or a record behind syslog's front, with something before it on its line. */
static bool is_behind_something(struct span text)
{
	struct span rest = text;
	int64_t us;
	for (size_t at; (at = span_find_span(rest, SPAN("SIPMSG:"))) < rest.length; rest = span_from(rest, at + 7)) {
		size_t begin = at;
		while (begin > 0 && rest.at[begin - 1] == ' ')
			begin--;
		if (begin > 0 && rest.at[begin - 1] != '\n')
			return true;
	}
	rest = text;
	for (size_t at; (at = span_find_span(rest, SPAN(": 20"))) < rest.length; rest = span_from(rest, at + 4))
		if (trace_stamp_read(span_from(rest, at + 2), false, &us))
			return true;
	return false;
}

/* Marks, each sought by a byte of it that is rare in a log. */
static const struct mark {
	struct span text;
	size_t rare;
} marks[] = {
	{ { "=\xe2\x80\x9c", 4 }, 1 },
	{ { "=\xe2\x80\x9d", 4 }, 1 },
	{ { "=\xe2\x80\x9e", 4 }, 1 },
	{ { "=&quot;", 7 }, 1 },
	{ { "&lt;sip", 7 }, 0 },
	{ { "tvcs:\xc2\xa0", 7 }, 5 },
	{ { "\xc2\xa0tvcs", 6 }, 0 },
	{ { "#015", 4 }, 0 },
	{ { "\\_", 2 }, 0 },
	{ { "\\r\\n", 4 }, 0 },
};

static bool has_mark(struct span text, const struct mark *mark)
{
	char rare = mark->text.at[mark->rare];
	for (size_t at = 0; (at += span_find(span_from(text, at), rare)) < text.length; at++)
		/* A backslash behind another means itself. */
		if (at >= mark->rare && (rare != '\\' || at == 0 || text.at[at - 1] != '\\') &&
			span_equal(span_first(span_from(text, at - mark->rare), mark->text.length), mark->text))
			return true;
	return false;
}

/* Quotes that are none, quotes written out, line ends written out. */
bool trace_mend_has_marks(enum trace_kind kind, struct span text)
{
	if (kind == TRACE_KIND_JSON)
		return false;
	for (size_t i = 0; i < BASE_COUNT(marks); i++)
		if (has_mark(text, &marks[i]))
			return true;
	return kind == TRACE_KIND_EXPRESSWAY && is_behind_something(text);
}

/* Two of the words on one line. */
static bool is_twice_on_a_line(struct span text, struct span word)
{
	struct span rest = text;
	for (size_t at; (at = span_find_span(rest, word)) < rest.length;) {
		rest = span_from(rest, at + word.length);
		struct span line = span_first(rest, span_find(rest, '\n'));
		if (span_find_span(line, word) < line.length)
			return true;
		rest = span_from(rest, line.length);
	}
	return false;
}

bool trace_mend_is_joined(enum trace_kind kind, struct span text)
{
	return (kind == TRACE_KIND_EXPRESSWAY && is_twice_on_a_line(text, SPAN(" tvcs:"))) ||
	       (kind == TRACE_KIND_SIPSTACK &&
		       (is_twice_on_a_line(text, SPAN("$$")) || is_twice_on_a_line(text, SPAN("(TF_")))) ||
	       (kind == TRACE_KIND_UCCAPI && is_twice_on_a_line(text, SPAN(" :: "))) ||
	       (kind == TRACE_KIND_JSON && is_twice_on_a_line(text, SPAN("{\"kind\":")));
}

static bool next_line(struct span *rest, struct span *ret_line)
{
	if (rest->length == 0)
		return false;
	*ret_line = span_first(*rest, span_find(*rest, '\n'));
	*rest = span_from(*rest, ret_line->length + 1);
	if (ret_line->length > 0 && ret_line->at[ret_line->length - 1] == '\r')
		ret_line->length--;
	return true;
}

/* "Name: value", or a line that is folded. */
static bool is_header(struct span line)
{
	size_t colon = span_find(line, ':');
	if (line.at[0] == ' ' || line.at[0] == '\t')
		return true;
	if (colon == line.length)
		return false;
	struct span name = span_first(line, colon);
	for (size_t i = 0; i < name.length; i++)
		if (name.at[i] <= ' ' || name.at[i] == '=' || name.at[i] == ';' || name.at[i] == '"' ||
			name.at[i] == '<')
			return false;
	return name.length > 0;
}

/* Blanks behind a quote that opens a value. */
static bool has_blank_value(struct span text)
{
	for (size_t at = 0; (at += span_find_span(span_from(text, at), SPAN("=\" "))) < text.length; at++)
		if (!mend_is_in_quotes(span_first(text, at)))
			return true;
	return false;
}

static bool is_message_damaged(struct span bytes)
{
	struct span rest = bytes, line;
	uint64_t length = UINT64_MAX;
	size_t whole;
	if (!next_line(&rest, &line) || line.length == 0)
		return true;
	if (!mend_is_start_line(line))
		return span_find_span(line, SPAN("SIP/2.0")) < line.length;
	if (mend_holds_name(line, 0, MEND_HEADERS))
		return true;
	while (next_line(&rest, &line) && line.length > 0) {
		size_t colon = span_find(line, ':');
		if (!is_header(line) || mend_holds_name(line, colon, MEND_HEADERS) || has_blank_value(line))
			return true;
		if (mend_line_is(line, "Content-Length") &&
			span_to_u64(span_trim(span_from(line, colon + 1)), INT32_MAX, &length))
			return true;
	}
	/* Line ends were doubled, or the message's end was lost and it has taken what followed it for its body. */
	return (length == UINT64_MAX && mend_name(span_trim(rest), MEND_HEADERS, true, &whole)) ||
	       (rest.length > length && rest.length - length > 64);
}

/* A record with fields, one a line: a line without a name, or with several. */
static bool are_fields_damaged(struct span raw)
{
	struct span rest = raw, line;
	size_t whole;
	(void)next_line(&rest, &line);
	while (next_line(&rest, &line)) {
		if (line.length == 0 || line.at[0] == '$')
			continue;
		if (!is_header(line) || line.at[0] == ' ')
			return true;
		size_t length = mend_name(line, MEND_FIELDS, false, &whole);
		bool is_apart = length > 0 && span_equal(span_first(span_from(line, whole), 2), SPAN("  "));
		if (is_apart || has_blank_value(line) || (length > 0 && mend_holds_name(line, length, MEND_FIELDS)))
			return true;
	}
	return false;
}

/* An address was written, and none could be read. */
static bool is_address_lost(const struct record_message *m, struct span raw)
{
	struct span line = span_first(raw, span_find(raw, '\n'));
	bool has_local = span_find_span(line, SPAN("Local-ip=\"")) < line.length;
	bool has_remote = span_find_span(line, SPAN("Src-ip=\"")) < line.length ||
			  span_find_span(line, SPAN("Dst-ip=\"")) < line.length;
	return (has_local && !m->local.family) || (has_remote && !m->remote.family);
}

bool trace_mend_is_odd(enum trace_kind kind, const struct record *r, const struct trace_place *place)
{
	if (r->kind != RECORD_MESSAGE || place->is_summary || kind > TRACE_KIND_UCCAPI)
		return false;
	struct span bytes = r->message.bytes;
	if (kind == TRACE_KIND_EXPRESSWAY && (!r->message.local.family || !r->message.remote.family) &&
		is_address_lost(&r->message, place->raw))
		return true;
	/* The status line of an answer is short: behind a long one stand headers. */
	struct span start = span_first(bytes, 160);
	struct span line = span_first(start, span_find(start, '\r'));
	if (!mend_is_start_line(line))
		return span_find_span(start, SPAN("SIP/2.0")) < start.length;
	return line.at[0] == 'S' && mend_holds_name(line, 0, MEND_HEADERS);
}

bool trace_mend_is_suspicious(enum trace_kind kind, const struct record *r, const struct trace_place *place)
{
	struct span first = span_first(place->raw, span_find(place->raw, '\n'));
	struct span node = r->head.node;
	if (kind == TRACE_KIND_EXPRESSWAY &&
		(has_blank_value(first) || (node.length > 0 && node.at[node.length - 1] == ' ')))
		return true;
	if (kind == TRACE_KIND_SIPSTACK && r->kind != RECORD_MESSAGE && r->kind != RECORD_JUDGEMENT)
		return span_find_span(first, SPAN("$$begin_record ")) < first.length;
	if (kind == TRACE_KIND_SIPSTACK && r->kind == RECORD_MESSAGE &&
		are_fields_damaged(span_first(place->raw, span_find_span(place->raw, SPAN("\nStart-Line")))))
		return true;
	if (r->kind == RECORD_MESSAGE && kind == TRACE_KIND_EXPRESSWAY && is_address_lost(&r->message, place->raw))
		return true;
	if (r->kind == RECORD_MESSAGE && !place->is_summary && kind != TRACE_KIND_JSON)
		return is_message_damaged(r->message.bytes);
	if (r->kind == RECORD_JUDGEMENT && kind == TRACE_KIND_SIPSTACK)
		return are_fields_damaged(place->raw);
	return false;
}
