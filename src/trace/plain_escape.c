/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that were put on one line, with their line ends written out: by syslog daemons ("#015#012", "\015\012"), by
 * whoever prints strings ("\r\n"), by cat -v ("^M^J"), by ngrep (two dots). */
#include "base/require.h"
#include "trace/plain_private.h"
#include "trace/text_read.h"

/* What ends the first line, and so tells the way of writing; the longer ones first. */
static const struct span line_ends[] = { { "#015#012", 8 }, { "#012", 4 }, { "\\r\\n", 4 }, { "\\n", 2 },
	{ "\\015\\012", 8 }, { "\\x0d\\x0a", 8 }, { "\\x0D\\x0A", 8 }, { "^M^J", 4 }, { "..", 2 } };

static bool starts_with(struct span text, struct span prefix)
{
	return text.length >= prefix.length && memcmp(text.at, prefix.at, prefix.length) == 0;
}

/* The line end at the front of text; absent where there is none. */
static struct span line_end_at(struct span text, bool dots)
{
	for (size_t i = 0; i < BASE_COUNT(line_ends); i++)
		if ((dots || line_ends[i].at[0] != '.') && starts_with(text, line_ends[i]))
			return line_ends[i];
	return SPAN_NONE;
}

static struct span first_line_end(struct span text, bool dots, size_t *ret_at)
{
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		struct span end = c == '#' || c == '\\' || c == '^' || c == '.' ? line_end_at(span_from(text, i), dots)
										: SPAN_NONE;
		if (end.at) {
			*ret_at = i;
			return end;
		}
	}
	return SPAN_NONE;
}

/* Octal digits, three of them; -1: none. */
static int read_octal(struct span text)
{
	int value = 0;
	for (size_t i = 0; i < 3; i++) {
		if (i >= text.length || text.at[i] < '0' || text.at[i] > '7')
			return -1;
		value = value * 8 + text.at[i] - '0';
	}
	return value < 256 ? value : -1;
}

static int read_hex(struct span text)
{
	uint64_t value;
	return text.length >= 2 && trace_read_hex(span_first(text, 2), 255, &value) ? (int)value : -1;
}

/* The byte that is written at text.at[0] in the given way; *ret_used: of the text. */
static char byte_at(struct span text, char way, size_t *ret_used)
{
	static const char letters[] = "rntabfv\\\"/'", bytes[] = "\r\n\t\a\b\f\v\\\"/'";
	int value;
	struct span rest = span_from(text, 1);
	*ret_used = 1;
	if (text.at[0] != way || rest.length == 0)
		return text.at[0];
	value = way == '^' ? (rest.at[0] >= '@' && rest.at[0] <= '_' ? rest.at[0] - '@' : -1) : read_octal(rest);
	if (value >= 0 && (way == '\\' || value < 32)) {
		*ret_used = way == '^' ? 2 : 4;
		return (char)value;
	}
	if (way != '\\')
		return text.at[0];
	if (rest.at[0] == 'x' && (value = read_hex(span_from(rest, 1))) >= 0) {
		*ret_used = 4;
		return (char)value;
	}
	const char *letter = rest.at[0] ? strchr(letters, rest.at[0]) : NULL;
	if (!letter)
		return text.at[0];
	*ret_used = 2;
	return bytes[letter - letters];
}

static size_t undo(struct span text, char way, char *out)
{
	size_t length = 0, used;
	for (size_t i = 0; i < text.length; i += used)
		out[length++] = byte_at(span_make(text.at + i, text.length - i), way, &used);
	return length;
}

static size_t count_dots(struct span text)
{
	size_t count = 0;
	while (count < text.length && text.at[count] == '.')
		count++;
	return count;
}

/* Of so many dots in a row, those at the end that are line ends: of the headers two where another header follows, four
 * where the body does, two or four where nothing does. A body has them by twos. */
static size_t line_end_dots(size_t dots, struct span rest, bool in_body)
{
	struct span next = span_first(rest, span_find_span(span_first(rest, 256), SPAN("..")));
	if (in_body)
		return dots - dots % 2;
	if (plain_is_header(next) || (rest.length == 0 && dots < 4))
		return dots < 2 ? 0 : 2;
	return dots < 4 ? 0 : 4;
}

static size_t undo_dots(struct span text, char *out)
{
	size_t length = 0;
	bool in_body = false;
	for (size_t i = 0; i < text.length;) {
		size_t dots = count_dots(span_from(text, i));
		size_t ends = dots < 2 ? 0 : line_end_dots(dots, span_from(text, i + dots), in_body);
		size_t plain = dots > 0 ? dots - ends : 1;
		memcpy(out + length, text.at + i, plain);
		length += plain;
		for (size_t end = 0; end < ends; end += 2, length += 2)
			memcpy(out + length, "\r\n", 2);
		in_body = in_body || ends == 4;
		i += plain + ends;
	}
	return length;
}

/* Where the start line begins that has a line end written out behind it; that line end. */
static struct span find_escaped(struct span line, bool dots, size_t *ret_start)
{
	size_t version = span_find_span(line, SPAN("SIP/2.0"));
	size_t at;
	if (version == line.length)
		return SPAN_NONE;
	struct span end = first_line_end(span_from(line, version + 7), dots, &at);
	if (!end.at)
		return SPAN_NONE;
	/* The version of a Via is none of a start line. */
	*ret_start = plain_find_start_line(span_first(line, version + 7 + at));
	struct span rest = span_from(line, version + 7 + at + end.length);
	if (end.at[0] == '.') /* a reason phrase may end with dots of its own */
		rest = span_from(rest, count_dots(rest));
	return *ret_start <= version && plain_is_header(rest) ? end : SPAN_NONE;
}

bool plain_is_escaped(struct span line, bool dots)
{
	size_t start;
	return find_escaped(line, dots, &start).at;
}

struct span plain_unescape(struct arena *arena, struct span line, bool dots)
{
	size_t start;
	struct span end = find_escaped(line, dots, &start);
	if (!end.at)
		return SPAN_NONE;
	struct span text = span_from(line, start);
	char *out = arena_allocate(arena, text.length);
	if (!out)
		return SPAN_NONE;
	size_t length = end.at[0] == '.' ? undo_dots(text, out) : undo(text, end.at[0], out);
	return span_make(out, length);
}
