/* SPDX-License-Identifier: Apache-2.0 */
/* How lines of messages, and lines between them, are known. */
#include "base/require.h"
#include "trace/plain_private.h"

#define VERSION "SIP/2.0"
#define VERSION_LENGTH (sizeof(VERSION) - 1)
#define METHOD_MAXIMUM 32

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3261 25.1 */
static bool is_token(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z') || is_digit(c) || (c != '\0' && strchr("-.!%*_+`'~", c));
}

static size_t blanks(struct span line)
{
	size_t count = 0;
	while (count < line.length && (line.at[count] == ' ' || line.at[count] == '\t'))
		count++;
	return count;
}

struct span plain_shown_cr(struct span line, bool dots)
{
	static const struct span shown[] = { { "#015", 4 }, { "\\015", 4 }, { "^M", 2 }, { "\\r", 2 } };
	if (dots && line.length > 0 && line.at[line.length - 1] == '.')
		return span_from(line, line.length - 1);
	for (size_t i = 0; i < BASE_COUNT(shown); i++)
		if (line.length >= shown[i].length &&
			span_equal(span_from(line, line.length - shown[i].length), shown[i]))
			return span_from(line, line.length - shown[i].length);
	return SPAN_NONE;
}

static bool ends_line(struct span rest)
{
	return rest.length == 0 || plain_shown_cr(rest, true).length == rest.length;
}

/* "SIP/2.0 200 OK": not further than the code. */
static bool is_status(struct span line)
{
	return line.length >= VERSION_LENGTH + 4 && memcmp(line.at, VERSION " ", VERSION_LENGTH + 1) == 0 &&
	       line.at[8] >= '1' && line.at[8] <= '6' && is_digit(line.at[9]) && is_digit(line.at[10]) &&
	       (line.length == 11 || line.at[11] == ' ' || ends_line(span_from(line, 11)));
}

/* "sip:bob@b.example": any scheme. */
static bool is_uri(struct span word)
{
	size_t colon = span_find(word, ':');
	if (colon == 0 || colon + 1 >= word.length)
		return false;
	for (size_t i = 0; i < colon; i++)
		if (!is_token(word.at[i]))
			return false;
	return true;
}

/* The method of a request line; 0: it is none. */
static size_t method_length(struct span line)
{
	size_t length = 0;
	while (length < line.length && length <= METHOD_MAXIMUM && is_token(line.at[length]))
		length++;
	return length > 0 && length <= METHOD_MAXIMUM && length < line.length && line.at[length] == ' ' &&
			       is_upper(line.at[0])
		       ? length
		       : 0;
}

static bool is_request(struct span line)
{
	size_t method = method_length(line);
	if (method == 0)
		return false;
	struct span rest = span_from(line, method + 1);
	size_t uri = span_find(rest, ' ');
	struct span version = span_from(rest, uri + 1);
	return version.length >= VERSION_LENGTH && memcmp(version.at, VERSION, VERSION_LENGTH) == 0 &&
	       ends_line(span_from(version, VERSION_LENGTH)) && is_uri(span_first(rest, uri));
}

bool plain_is_start_line(struct span line, size_t *ret_skip)
{
	size_t skip = blanks(line);
	struct span rest = span_from(line, skip);
	*ret_skip = skip;
	if (rest.length < VERSION_LENGTH + 4 || !is_upper(rest.at[0]))
		return false;
	return is_status(rest) || is_request(rest);
}

/* Where the method begins that ends here. Bytes of a packet may stand before it: then only a name that is known tells
 * where they end. */
static size_t method_start(struct span text)
{
	static const char *const names[] = { "INVITE", "ACK", "BYE", "CANCEL", "REGISTER", "OPTIONS", "PRACK",
		"SUBSCRIBE", "BENOTIFY", "NOTIFY", "PUBLISH", "INFO", "REFER", "MESSAGE", "UPDATE", "SERVICE",
		"NEGOTIATE" };
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		size_t length = strlen(names[i]);
		if (text.length >= length && memcmp(text.at + text.length - length, names[i], length) == 0)
			return text.length - length;
	}
	size_t start = text.length;
	while (start > 0 && is_upper(text.at[start - 1]))
		start--;
	return start > 0 && start < text.length && text.at[start - 1] != ' ' ? text.length : start;
}

/* Where the request line begins whose version stands at that offset; the offset where there is none. */
static size_t request_start(struct span line, size_t version)
{
	size_t uri = version;
	if (version < 3 || line.at[version - 1] != ' ')
		return version;
	uri--;
	while (uri > 0 && line.at[uri - 1] != ' ')
		uri--;
	if (uri < 2 || !is_uri(span_make(line.at + uri, version - 1 - uri)))
		return version;
	size_t start = method_start(span_first(line, uri - 1));
	return start < uri - 1 ? start : version;
}

size_t plain_find_start_line(struct span line)
{
	size_t at = 0;
	for (;;) {
		size_t found = span_find_span(span_from(line, at), SPAN(VERSION));
		if (at + found >= line.length)
			return line.length;
		at += found;
		if (is_status(span_from(line, at)))
			return at;
		size_t start = ends_line(span_from(line, at + VERSION_LENGTH)) ? request_start(line, at) : at;
		if (start < at)
			return start;
		at += VERSION_LENGTH;
	}
}

bool plain_is_header(struct span line)
{
	size_t name = 0;
	if (blanks(line) > 0)
		return blanks(line) < line.length;
	while (name < line.length && is_token(line.at[name]))
		name++;
	size_t colon = name + blanks(span_from(line, name));
	return name > 0 && colon < line.length && line.at[colon] == ':';
}

bool plain_content_length(struct span line, int64_t *ret_length)
{
	struct span value = line;
	if (line.length == 0 || !strchr("CcLl", line.at[0]))
		return false;
	struct span name = span_trim(span_cut(&value, ':'));
	uint64_t length;
	if (!span_is_nocase(name, "Content-Length") && !span_is_nocase(name, "l"))
		return false;
	if (span_to_u64(span_trim(value), TRACE_RECORD_MAXIMUM, &length) == 0)
		*ret_length = (int64_t)length;
	return true;
}

static bool is_run(struct span text, char byte)
{
	size_t i = 0;
	while (i < text.length && text.at[i] == byte)
		i++;
	return i == text.length;
}

bool plain_is_rule(struct span line)
{
	struct span text = span_trim(line);
	if (text.length == 0 || !strchr("-=~*#", text.at[0]) || !is_run(text, text.at[0]))
		return false;
	return text.at[0] == '#' || text.length >= 10;
}

bool plain_is_end_mark(struct span line)
{
	struct span text = span_trim(line);
	if (text.length == 0 || !strchr("-<|\v", text.at[0]))
		return false;
	if (text.at[0] == '<')
		return text.length >= 10 && text.at[text.length - 1] == '>' &&
		       is_run(span_make(text.at + 1, text.length - 2), '-');
	if (text.at[0] == '\v')
		return text.length == 1;
	return is_run(text, text.at[0]) && (text.length >= 20 || (text.at[0] == '-' && text.length == 3));
}

bool plain_is_blank(struct span line)
{
	return blanks(line) == line.length;
}

struct span plain_without_colours(struct arena *arena, struct span line)
{
	size_t at = span_find(line, '\033');
	char *out = at < line.length ? arena_allocate(arena, line.length) : NULL;
	size_t length = 0;
	if (at == line.length)
		return line;
	if (!out)
		return SPAN_NONE;
	for (size_t i = 0; i < line.length;) {
		if (line.at[i] == '\033' && i + 1 < line.length && line.at[i + 1] == '[') {
			i += 2;
			while (i < line.length && (is_digit(line.at[i]) || line.at[i] == ';'))
				i++;
			i++;
			continue;
		}
		out[length++] = line.at[i++];
	}
	return span_make(out, length);
}
