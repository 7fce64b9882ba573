/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include "base/require.h"

#include <stdlib.h>

/* The bytes of the UTF-8 character at the front, or 0 where they are none (RFC 3629). */
static size_t decode(struct span s, uint32_t *ret_point)
{
	static const struct {
		unsigned char mask, lead;
		uint32_t smallest;
	} forms[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 }, { 0xf8, 0xf0, 0x10000 } };
	unsigned char first = (unsigned char)s.at[0];
	for (size_t length = 1; length <= 4; length++) {
		if ((first & forms[length - 1].mask) != forms[length - 1].lead)
			continue;
		uint32_t point = first & (unsigned char)~forms[length - 1].mask;
		if (length > s.length)
			return 0;
		for (size_t i = 1; i < length; i++) {
			if (((unsigned char)s.at[i] & 0xc0) != 0x80)
				return 0;
			point = point << 6 | ((unsigned char)s.at[i] & 0x3f);
		}
		if (point < forms[length - 1].smallest || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
			return 0;
		*ret_point = point;
		return length;
	}
	return 0;
}

size_t text_utf8_length(struct span s)
{
	uint32_t point;
	return s.length > 0 ? decode(s, &point) : 0;
}

/* Controls, the characters that turn or hide text around them (bidirectional overrides), and those that are none. */
static bool is_unsafe(uint32_t point)
{
	return point == 0xfffe || point == 0xffff || point < 0x20 || (point >= 0x7f && point < 0xa0) ||
	       (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069) || point == 0xfeff || point == 0x061c;
}

static void append_json_ascii(struct buffer *b, char c)
{
	static const struct {
		char byte;
		const char *text;
	} escapes[] = { { '"', "\\\"" }, { '\\', "\\\\" }, { '\n', "\\n" }, { '\r', "\\r" }, { '\t', "\\t" } };
	for (size_t i = 0; i < BASE_COUNT(escapes); i++) {
		if (escapes[i].byte == c) {
			buffer_append_text(b, escapes[i].text);
			return;
		}
	}
	if ((unsigned char)c < 0x20 || c == 0x7f)
		buffer_printf(b, "\\u%04x", (unsigned)c);
	else
		buffer_append_byte(b, c);
}

/* The leading bytes that need no escape in any of the writers. */
static size_t plain_length(struct span s)
{
	size_t i = 0;
	while (i < s.length && s.at[i] >= ' ' && s.at[i] <= '~' && s.at[i] != '"' && s.at[i] != '\\')
		i++;
	return i;
}

int text_append_json(struct buffer *b, struct span s)
{
	buffer_append_byte(b, '"');
	while (s.length > 0) {
		uint32_t point = 0;
		size_t length = plain_length(s);
		if (length > 0) {
			buffer_append(b, span_first(s, length));
		} else if ((length = decode(s, &point)) == 0) {
			buffer_append(b, SPAN("\xef\xbf\xbd"));
			length = 1;
		} else if (length == 1) {
			append_json_ascii(b, s.at[0]);
		} else if (is_unsafe(point)) {
			/* Valid JSON as it stands; but it may be read on a terminal. */
			buffer_printf(b, "\\u%04x", (unsigned)point);
		} else {
			buffer_append(b, span_first(s, length));
		}
		s = span_from(s, length);
	}
	return buffer_append_byte(b, '"');
}

int text_append_safe(struct buffer *b, struct span s)
{
	while (s.length > 0) {
		uint32_t point = 0;
		size_t length = decode(s, &point);
		if (length > 0 && !is_unsafe(point)) {
			buffer_append(b, span_first(s, length));
		} else {
			if (length == 0)
				length = 1;
			for (size_t i = 0; i < length; i++)
				buffer_printf(b, "\\x%02X", (unsigned)(unsigned char)s.at[i]);
		}
		s = span_from(s, length);
	}
	return b->status;
}

bool text_is_safe(struct span s)
{
	while (s.length > 0) {
		uint32_t point = 0;
		size_t length = decode(s, &point);
		if (length == 0 || is_unsafe(point))
			return false;
		s = span_from(s, length);
	}
	return true;
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *ranges, size_t count, uint32_t point)
{
	for (size_t i = 0; i < count; i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

/* Unicode East Asian Width W and F, and the combining marks, in blocks. */
static size_t columns_of(uint32_t point)
{
	static const struct range wide[] = { { 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0xa4cf },
		{ 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 }, { 0xffe0, 0xffe6 },
		{ 0x1f300, 0x1f64f }, { 0x1f680, 0x1f6ff }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd } };
	static const struct range none[] = { { 0, 0x1f }, { 0x7f, 0x9f }, { 0x300, 0x36f }, { 0x483, 0x489 },
		{ 0x591, 0x5bd }, { 0x200b, 0x200f }, { 0x202a, 0x202e }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f },
		{ 0xfe20, 0xfe2f }, { 0xfeff, 0xfeff } };
	if (in_ranges(none, BASE_COUNT(none), point))
		return 0;
	return in_ranges(wide, BASE_COUNT(wide), point) ? 2 : 1;
}

size_t text_columns(struct span s)
{
	size_t columns = 0;
	while (s.length > 0) {
		uint32_t point = 0;
		size_t length = decode(s, &point);
		columns += length == 0 ? 1 : columns_of(point);
		s = span_from(s, length == 0 ? 1 : length);
	}
	return columns;
}

#define DISTANCE_LONGEST 64

size_t text_distance(struct span a, struct span b, size_t limit)
{
	size_t row[DISTANCE_LONGEST + 1];
	size_t apart = a.length > b.length ? a.length - b.length : b.length - a.length;
	if (apart >= limit || b.length > DISTANCE_LONGEST)
		return span_equal(a, b) ? 0 : limit;
	for (size_t j = 0; j <= b.length; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.length; i++) {
		size_t diagonal = row[0];
		size_t smallest = row[0] = i;
		for (size_t j = 1; j <= b.length; j++) {
			size_t change = diagonal + (a.at[i - 1] != b.at[j - 1]);
			size_t add_or_drop = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			diagonal = row[j];
			row[j] = change < add_or_drop ? change : add_or_drop;
			if (row[j] < smallest)
				smallest = row[j];
		}
		if (smallest >= limit)
			return limit;
	}
	return row[b.length] < limit ? row[b.length] : limit;
}

const char *text_nearest(struct span word, const char *const *candidates)
{
	/* One slip in three letters still reads as the same word. */
	size_t nearest = word.length / 3 + 2;
	const char *found = NULL;
	for (; *candidates; candidates++) {
		size_t distance = text_distance(word, span_of(*candidates), nearest);
		if (distance < nearest) {
			nearest = distance;
			found = *candidates;
		}
	}
	return found;
}
