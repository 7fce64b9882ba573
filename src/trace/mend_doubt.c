/* SPDX-License-Identifier: Apache-2.0 */
/* Whether text that a strict reader took is damaged all the same. */
#include "base/require.h"
#include "trace/mend_private.h"

/* Quotes that are none, quotes written out, line ends written out. */
bool trace_mend_has_marks(struct span text)
{
	static const struct span marks[] = {
		{ "=\xe2\x80\x9c", 4 },
		{ "=\xe2\x80\x9d", 4 },
		{ "=\xe2\x80\x9e", 4 },
		{ "=&quot;", 7 },
		{ "&lt;sip", 7 },
		{ "#015", 4 },
		{ "Line ", 5 },
	};
	for (size_t i = 0; i < BASE_COUNT(marks); i++) {
		struct span rest = text;
		size_t at = span_find_span(rest, marks[i]);
		if (at == rest.length)
			continue;
		/* "Line 190: " stands in front of lines only. */
		if (marks[i].at[0] != 'L' || at == 0)
			return true;
	}
	return false;
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

/* Another name inside of the line, outside of quotes. */
static bool holds_name(struct span line, size_t from, unsigned int names)
{
	bool odd = false;
	size_t whole;
	for (size_t i = 0; i < line.length; i++) {
		char c = line.at[i];
		if (c == '\\' && odd)
			i++;
		else if (c == '"')
			odd = !odd;
		else if (i > from && !odd && line.at[i - 1] == ' ' &&
			 mend_name(span_from(line, i), names, true, &whole) &&
			 (i + whole == line.length || line.at[i + whole] == ' '))
			return true;
	}
	return false;
}

/* "Name: value", or a line that is folded. */
static bool is_header(struct span line)
{
	size_t colon = span_find(line, ':');
	if (line.at[0] == ' ' || line.at[0] == '\t')
		return true;
	if (colon == line.length)
		return false;
	struct span name = span_trim(span_first(line, colon));
	for (size_t i = 0; i < name.length; i++)
		if (name.at[i] <= ' ' || name.at[i] == '=' || name.at[i] == ';' || name.at[i] == '"' ||
			name.at[i] == '<')
			return false;
	return name.length > 0;
}

static bool is_message_damaged(struct span bytes)
{
	struct span rest = bytes, line;
	if (!next_line(&rest, &line) || !mend_is_start_line(line))
		return bytes.length > 0 && span_starts_nocase(bytes, SPAN("SIP/2.0")) && !mend_is_start_line(line);
	if (holds_name(line, 0, MEND_HEADERS))
		return true;
	uint64_t length = UINT64_MAX;
	while (next_line(&rest, &line) && line.length > 0) {
		size_t colon = span_find(line, ':');
		if (!is_header(line) || holds_name(line, colon, MEND_HEADERS))
			return true;
		if (mend_line_is(line, "Content-Length") &&
			span_to_u64(span_trim(span_from(line, colon + 1)), INT32_MAX, &length))
			return true;
	}
	/* A message whose end was lost has taken what followed it for its body. */
	return rest.length > length && rest.length - length > 64;
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
		if (length > 0 && holds_name(line, length, MEND_FIELDS))
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

bool trace_mend_is_suspicious(enum trace_kind kind, const struct record *r, const struct trace_place *place)
{
	if (r->kind == RECORD_MESSAGE && kind == TRACE_KIND_EXPRESSWAY && is_address_lost(&r->message, place->raw))
		return true;
	if (r->kind == RECORD_MESSAGE && !place->is_summary && kind <= TRACE_KIND_UCCAPI)
		return is_message_damaged(r->message.bytes);
	if (r->kind == RECORD_JUDGEMENT && kind == TRACE_KIND_SIPSTACK)
		return are_fields_damaged(place->raw);
	return false;
}
