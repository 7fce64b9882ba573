/* SPDX-License-Identifier: Apache-2.0 */
/* Where records begin, at the front of a line and inside of one. */
#include "sip/method.h"
#include "trace/mend_private.h"
#include "trace/plain.h"
#include "trace/stamp_read.h"

#include <ctype.h>

static struct span skip_blanks(struct span text)
{
	while (text.length > 0 && text.at[0] == ' ')
		text = span_from(text, 1);
	return text;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The front of a text without blanks and lines: "vcse", "tvcs:". */
static struct span word_of(struct span text)
{
	size_t end = 0;
	while (end < text.length && text.at[end] != ' ')
		end++;
	return span_first(text, end);
}

/* "2017-03-02T08:10:46.240+01:00 vcse tvcs:"; at the front of a line any process will do. */
static bool is_expressway(struct span text, bool inside)
{
	int64_t us;
	int32_t offset_s;
	if (text.length < 20 || !is_digit(text.at[0]) || text.at[4] != '-' || text.at[7] != '-' || text.at[13] != ':')
		return false;
	size_t used = trace_stamp_read(text, false, &us);
	if (used == 0)
		return false;
	struct span rest = span_from(text, used);
	rest = span_from(rest, trace_stamp_read_offset(rest, &offset_s));
	if (rest.length == 0 || rest.at[0] != ' ')
		return false;
	rest = skip_blanks(rest);
	struct span node = word_of(rest);
	if (!inside && span_is(node, "tvcs:"))
		return true;
	struct span process = word_of(skip_blanks(span_from(rest, node.length)));
	if (span_is(process, "tvcs:") || span_is(process, "tvcs"))
		return true;
	return !inside && process.length > 1 && isalpha((unsigned char)process.at[0]) &&
	       process.at[process.length - 1] == ':';
}

/* "TL_WARN(TF_DIAG) [", or with blanks for the underscores. */
static bool is_sipstack(struct span text)
{
	static const char *const levels[] = { "INFO", "WARN", "ERROR", "VERBOSE", "NOISE", "FATAL" };
	if (text.length < 12 || text.at[0] != 'T' || text.at[1] != 'L' || (text.at[2] != '_' && text.at[2] != ' '))
		return false;
	struct span rest = skip_blanks(span_from(text, 3));
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		struct span level = span_of(levels[i]);
		if (!span_equal(span_first(rest, level.length), level))
			continue;
		struct span flag = skip_blanks(span_from(rest, level.length));
		return flag.length > 4 && flag.at[0] == '(' && flag.at[1] == 'T' && flag.at[2] == 'F' &&
		       (flag.at[3] == '_' || flag.at[3] == ' ');
	}
	return false;
}

/* "03/02/2017|08:10:46.240 " */
static bool is_uccapi(struct span text)
{
	int64_t us;
	return text.length > 24 && is_digit(text.at[0]) && text.at[2] == '/' && text.at[5] == '/' &&
	       text.at[10] == '|' && trace_stamp_read(text, true, &us) > 0;
}

static bool is_json(struct span text)
{
	return span_starts_nocase(text, SPAN("{\"kind\":"));
}

/* "2017-03-08 15:42:02 SIP (INVITE) …" */
static bool is_search(struct span text)
{
	int64_t us;
	if (text.length < 28 || text.at[4] != '-')
		return false;
	size_t used = trace_stamp_read(text, false, &us);
	struct span rest = skip_blanks(span_from(text, used));
	if (used == 0 || (!span_starts_nocase(rest, SPAN("SIP ")) && !span_starts_nocase(rest, SPAN("SIP("))))
		return false;
	rest = skip_blanks(span_from(rest, 3));
	struct span method = span_first(span_from(rest, 1), span_find(span_from(rest, 1), ')'));
	return rest.length > 2 && rest.at[0] == '(' && sip_method_find(span_trim(method)) != SIP_METHOD_OTHER;
}

static bool is_request_line(struct span text)
{
	static const char *const schemes[] = { "sip:", "sips:", "tel:", "urn:", "im:", "pres:" };
	struct span method = word_of(text);
	if (method.length < 3 || method.length > 10 || sip_method_find(method) == SIP_METHOD_OTHER)
		return false;
	struct span rest = skip_blanks(span_from(text, method.length));
	for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
		if (span_starts_nocase(rest, span_of(schemes[i])))
			return true;
	return false;
}

bool mend_is_start_line(struct span text)
{
	if (!span_equal(span_first(text, 8), SPAN("SIP/2.0 ")))
		return is_request_line(text);
	struct span status = skip_blanks(span_from(text, 8));
	for (size_t i = 0; i < 3; i++)
		if (i >= status.length || !is_digit(status.at[i]))
			return false;
	return status.length == 3 || status.at[3] == ' ';
}

bool mend_is_strong(unsigned int anchor)
{
	return anchor >= MEND_EXPRESSWAY && anchor <= MEND_PLAIN;
}

static enum mend_anchor strong_anchor(struct span text, bool inside)
{
	switch (text.length > 0 ? text.at[0] : '\0') {
	case 'T':
		return is_sipstack(text) ? MEND_SIPSTACK : MEND_NONE;
	case '{':
		return is_json(text) ? MEND_JSON : MEND_NONE;
	case '$':
		return span_starts_nocase(text, SPAN("$$end_record")) ? MEND_RECORD_ENDS : MEND_NONE;
	default:
		break;
	}
	if (text.length == 0 || !is_digit(text.at[0]))
		return MEND_NONE;
	return is_expressway(text, inside) ? MEND_EXPRESSWAY
	       : is_uccapi(text)           ? MEND_UCCAPI
	       : is_search(text)           ? MEND_SEARCH
					   : MEND_NONE;
}

enum mend_anchor mend_anchor_of(struct span line)
{
	struct span text = skip_blanks(line);
	enum mend_anchor anchor = strong_anchor(text, false);
	if (anchor == MEND_NONE && text.length > 0 && text.at[0] == '|')
		text = skip_blanks(span_from(text, 1));
	if (anchor == MEND_NONE && mend_is_start_line(text))
		return MEND_SIP;
	return anchor == MEND_NONE && trace_plain_starts(text) ? MEND_PLAIN : anchor;
}

/* "Content-Length: 0 SIP/2.0 200 OK": another message begins behind the end of one. */
static bool is_behind_a_length(struct span line, size_t at)
{
	size_t end = at;
	while (end > 0 && line.at[end - 1] == ' ')
		end--;
	size_t begin = end;
	while (begin > 0 && is_digit(line.at[begin - 1]))
		begin--;
	struct span before = span_trim(span_first(line, begin));
	return begin < end && end < at && span_ends_nocase(before, SPAN("Content-Length:"));
}

/* Whether a record may begin there, by two bytes of it. */
static bool may_begin(struct span line, size_t at, bool json_only)
{
	char c = line.at[at], next = at + 1 < line.length ? line.at[at + 1] : '\0';
	if (c == '{')
		return next == '"' && line.at[at - 1] == '}';
	if (json_only)
		return false;
	if (is_digit(c))
		return at + 20 < line.length && (line.at[at + 4] == '-' || line.at[at + 2] == '/');
	if (c == '$')
		return next == '$';
	if (c == 'T')
		return next == 'L';
	return c >= 'A' && c <= 'S' && line.at[at - 1] == ' ' && is_behind_a_length(line, at);
}

static bool begins_inside(struct span line, size_t at)
{
	struct span text = span_from(line, at);
	char before = line.at[at - 1];
	if (isalnum((unsigned char)before) || before == '.' || before == '-')
		return false;
	if (is_behind_a_length(line, at) && mend_is_start_line(text))
		return true;
	enum mend_anchor anchor = strong_anchor(text, true);
	return anchor != MEND_NONE && anchor != MEND_SEARCH;
}

size_t mend_piece_end(struct span line, size_t from)
{
	static const struct span marks[] = { { "$$end_record", 12 }, { "$$begin_record", 14 } };
	/* A record of JSON holds what it likes. */
	bool json_only = is_json(skip_blanks(span_from(line, from)));
	for (size_t i = from; i < line.length; i++) {
		char c = line.at[i];
		bool is_quick = (c >= 'a' && c <= 'z') || c == ' ';
		if (!is_quick && i > from && may_begin(line, i, json_only) && begins_inside(line, i))
			return i;
		for (size_t k = 0; c == '$' && !json_only && k < 2; k++)
			if (span_starts_nocase(span_from(line, i), marks[k]))
				return i + marks[k].length;
	}
	return line.length;
}
