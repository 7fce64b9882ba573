/* SPDX-License-Identifier: Apache-2.0 */
/* Our own log format back into records: by the field table, like the writer, without a tree in between. Texts without
 * escapes are borrowed from the line. Fields that this version does not know are passed over. */
#include "base/require.h"
#include "record/field.h"
#include "trace/kind_private.h"
#include "trace/reader_private.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

#include <stdlib.h>

#define DEPTH_MAXIMUM 16

/* A line being read. Once bad, nothing more is read. */
struct cursor {
	const char *at;
	const char *end;
	struct arena *arena;
	bool bad;
};

struct reading {
	struct record record;
	struct span spans[RECORD_LIST_MAXIMUM];
	struct record_pair pairs[RECORD_LIST_MAXIMUM];
};

static void skip_blanks(struct cursor *c)
{
	while (c->at < c->end && (*c->at == ' ' || *c->at == '\t'))
		c->at++;
}

static bool take(struct cursor *c, char wanted)
{
	skip_blanks(c);
	if (c->bad || c->at == c->end || *c->at != wanted)
		return false;
	c->at++;
	return true;
}

static void expect(struct cursor *c, char wanted)
{
	if (!take(c, wanted))
		c->bad = true;
}

/* ---- strings ---- */

/* The four digits after \u; -1 where they are none. */
static int32_t code_unit(struct cursor *c)
{
	int32_t unit = 0;
	for (unsigned i = 0; i < 4; i++) {
		int digit = c->at < c->end ? trace_read_hex_digit(*c->at) : -1;
		if (digit < 0)
			return -1;
		unit = unit << 4 | digit;
		c->at++;
	}
	return unit;
}

static size_t put_utf8(char *out, uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 63));
		return 2;
	}
	size_t length = point < 0x10000 ? 3 : 4;
	out[0] = (char)(length == 3 ? 0xe0 | point >> 12 : 0xf0 | point >> 18);
	for (size_t i = 1; i < length; i++)
		out[i] = (char)(0x80 | (point >> 6 * (length - 1 - i) & 63));
	return length;
}

/* After \u: one character, of two units where they are surrogates (RFC 8259 7). */
static size_t unescape_unit(struct cursor *c, char *out)
{
	int32_t unit = code_unit(c);
	if (unit >= 0xd800 && unit < 0xdc00 && c->end - c->at >= 6 && c->at[0] == '\\' && c->at[1] == 'u') {
		c->at += 2;
		int32_t low = code_unit(c);
		if (low >= 0xdc00 && low < 0xe000)
			return put_utf8(out, 0x10000 + ((uint32_t)(unit - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
		unit = -1;
	}
	if (unit < 0 || (unit >= 0xd800 && unit < 0xe000)) {
		c->bad = true;
		return 0;
	}
	return put_utf8(out, (uint32_t)unit);
}

static size_t unescape(struct cursor *c, char *out)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char escaped = c->at < c->end ? *c->at++ : '\0';
	if (escaped == 'u')
		return unescape_unit(c, out);
	const char *name = escaped ? strchr(names, escaped) : NULL;
	if (!name) {
		c->bad = true;
		return 0;
	}
	out[0] = values[name - names];
	return 1;
}

/* The opening quote has been read; there is an escape in it. */
static struct span unescaped_string(struct cursor *c)
{
	const char *start = c->at;
	const char *end = start;
	while (end < c->end && *end != '"')
		end += *end == '\\' ? 2 : 1;
	char *out = end < c->end ? arena_allocate(c->arena, (size_t)(end - start) + 1) : NULL;
	size_t length = 0;
	c->bad = c->bad || !out;
	while (!c->bad && c->at < end) {
		char byte = *c->at++;
		if (byte == '\\')
			length += unescape(c, out + length);
		else
			out[length++] = byte;
	}
	expect(c, '"');
	return c->bad ? SPAN_NONE : span_make(out, length);
}

static struct span string(struct cursor *c)
{
	expect(c, '"');
	if (c->bad)
		return SPAN_NONE;
	const char *start = c->at;
	const char *quote = memchr(start, '"', (size_t)(c->end - start));
	if (!quote) {
		c->bad = true;
		return SPAN_NONE;
	}
	if (memchr(start, '\\', (size_t)(quote - start)))
		return unescaped_string(c);
	c->at = quote + 1;
	return span_make(start, (size_t)(quote - start));
}

static int base64_digit(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

static struct span from_base64(struct cursor *c, struct span text)
{
	char *out = arena_allocate(c->arena, text.length / 4 * 3 + 3);
	size_t length = 0;
	unsigned int word = 0, bits = 0;
	c->bad = c->bad || !out;
	for (size_t i = 0; !c->bad && i < text.length && text.at[i] != '='; i++) {
		int digit = base64_digit(text.at[i]);
		c->bad = digit < 0;
		word = (word << 6 | (unsigned int)digit) & 0xffffff;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[length++] = (char)(word >> bits);
		}
	}
	return c->bad ? SPAN_NONE : span_make(out, length);
}

/* "text", null, or {"base64":"…"} for bytes that are no UTF-8. */
static struct span text_value(struct cursor *c)
{
	skip_blanks(c);
	if (c->end - c->at >= 4 && memcmp(c->at, "null", 4) == 0) {
		c->at += 4;
		return SPAN_NONE;
	}
	if (!take(c, '{'))
		return string(c);
	struct span name = string(c);
	expect(c, ':');
	struct span digits = string(c);
	expect(c, '}');
	c->bad = c->bad || !span_is(name, "base64");
	return c->bad ? SPAN_NONE : from_base64(c, digits);
}

/* ---- numbers and the rest ---- */

static uint64_t number(struct cursor *c, uint64_t maximum)
{
	skip_blanks(c);
	const char *start = c->at;
	uint64_t value = 0;
	while (c->at < c->end && *c->at >= '0' && *c->at <= '9')
		c->at++;
	if (span_to_u64(span_make(start, (size_t)(c->at - start)), maximum, &value) != 0)
		c->bad = true;
	return value;
}

static int32_t signed_number(struct cursor *c)
{
	bool negative = take(c, '-');
	int64_t value = (int64_t)number(c, negative ? (uint64_t)INT32_MAX + 1 : INT32_MAX);
	return (int32_t)(negative ? -value : value);
}

static bool boolean(struct cursor *c)
{
	static const struct span words[] = { { "false", 5 }, { "true", 4 } };
	skip_blanks(c);
	for (unsigned i = 0; i < BASE_COUNT(words); i++)
		if ((size_t)(c->end - c->at) >= words[i].length && memcmp(c->at, words[i].at, words[i].length) == 0) {
			c->at += words[i].length;
			return i == 1;
		}
	c->bad = true;
	return false;
}

/* A value that nobody asked for, with all that is in it. */
static void skip_value(struct cursor *c, unsigned int depth)
{
	skip_blanks(c);
	if (c->bad || c->at == c->end || depth > DEPTH_MAXIMUM) {
		c->bad = true;
		return;
	}
	char opening = *c->at;
	if (opening == '"') {
		(void)string(c);
		return;
	}
	if (opening != '{' && opening != '[') {
		const char *start = c->at;
		while (c->at < c->end && !strchr(",]} \t", *c->at))
			c->at++;
		c->bad = c->at == start;
		return;
	}
	char closing = opening == '{' ? '}' : ']';
	c->at++;
	if (take(c, closing))
		return;
	do {
		if (opening == '{') {
			(void)string(c);
			expect(c, ':');
		}
		skip_value(c, depth + 1);
	} while (!c->bad && take(c, ','));
	expect(c, closing);
}

/* ---- fields ---- */

static void read_spans(struct cursor *c, struct reading *reading, struct record_spans *ret_list)
{
	size_t count = 0;
	expect(c, '[');
	if (!take(c, ']')) {
		do {
			struct span text = text_value(c);
			if (count < RECORD_LIST_MAXIMUM)
				reading->spans[count++] = text;
		} while (!c->bad && take(c, ','));
		expect(c, ']');
	}
	*ret_list = (struct record_spans){ reading->spans, count };
}

static void read_pairs(struct cursor *c, struct reading *reading, struct record_pairs *ret_list)
{
	size_t count = 0;
	expect(c, '[');
	if (!take(c, ']')) {
		do {
			struct record_pair pair;
			expect(c, '[');
			pair.name = text_value(c);
			expect(c, ',');
			pair.value = text_value(c);
			expect(c, ']');
			if (count < RECORD_LIST_MAXIMUM)
				reading->pairs[count++] = pair;
		} while (!c->bad && take(c, ','));
		expect(c, ']');
	}
	*ret_list = (struct record_pairs){ reading->pairs, count };
}

static void read_word(struct cursor *c, const struct record_field *field, void *at)
{
	struct span word = string(c);
	for (unsigned int i = 0; !c->bad && field->words[i]; i++)
		if (span_is(word, field->words[i])) {
			memcpy(at, &i, sizeof(i));
			return;
		}
	c->bad = true;
}

static void read_field(struct cursor *c, struct reading *reading, const struct record_field *field)
{
	void *at = record_field_in(&reading->record, field);
	uint64_t id;
	switch (field->type) {
	case RECORD_FIELD_TIME:
		c->bad = c->bad || !trace_stamp_read_utc(string(c), at);
		break;
	case RECORD_FIELD_U16:
		*(uint16_t *)at = (uint16_t)number(c, UINT16_MAX);
		break;
	case RECORD_FIELD_U32:
		*(uint32_t *)at = (uint32_t)number(c, UINT32_MAX);
		break;
	case RECORD_FIELD_U64:
		*(uint64_t *)at = number(c, UINT64_MAX);
		break;
	case RECORD_FIELD_ID:
		if (span_to_u64(string(c), UINT64_MAX, &id) == 0)
			*(uint64_t *)at = id;
		else
			c->bad = true;
		break;
	case RECORD_FIELD_I32:
		*(int32_t *)at = signed_number(c);
		break;
	case RECORD_FIELD_BOOL:
		*(bool *)at = boolean(c);
		break;
	case RECORD_FIELD_WORD:
		read_word(c, field, at);
		break;
	case RECORD_FIELD_ADDRESS:
		c->bad = c->bad || !trace_read_host_port(string(c), at);
		break;
	case RECORD_FIELD_SPAN:
		*(struct span *)at = text_value(c);
		break;
	case RECORD_FIELD_SPANS:
		read_spans(c, reading, at);
		break;
	case RECORD_FIELD_PAIRS:
		read_pairs(c, reading, at);
		break;
	}
}

/* The writer goes by the same tables: the next name is almost always the next field. */
struct lookup {
	const struct record_field *table;
	const struct record_field *next;
};

static const struct record_field *find_field(struct lookup *lookup, struct span name)
{
	for (const struct record_field *f = lookup->next; f->name; f++)
		if (span_is(name, f->name)) {
			lookup->next = f + 1;
			return f;
		}
	for (const struct record_field *f = lookup->table; f != lookup->next; f++)
		if (span_is(name, f->name))
			return f;
	return NULL;
}

/* Also where "kind" is not the first member: another program may have sorted them. */
static enum record_kind kind_of(struct cursor c)
{
	do {
		struct span name = string(&c);
		expect(&c, ':');
		if (!c.bad && span_is(name, "kind"))
			return record_kind_of(string(&c));
		skip_value(&c, 0);
	} while (!c.bad && take(&c, ','));
	return RECORD_NONE;
}

static void read_members(struct cursor *c, struct reading *reading)
{
	const struct record_field *fields = record_kind_fields(reading->record.kind);
	struct lookup head = { record_head_fields, record_head_fields };
	struct lookup own = { fields, fields };
	do {
		struct span name = string(c);
		expect(c, ':');
		if (c->bad)
			return;
		const struct record_field *field = find_field(&head, name);
		if (!field)
			field = find_field(&own, name);
		if (field)
			read_field(c, reading, field);
		else
			skip_value(c, 0);
	} while (!c->bad && take(c, ','));
}

static void read_line(struct trace_reader *reader, struct span line, const struct trace_place *place)
{
	struct reading reading = { 0 };
	struct cursor c = { line.at, line.at + line.length, &reader->arena, false };
	arena_reset(&reader->arena);
	if (!take(&c, '{')) {
		trace_reader_unread(reader, place, "no JSON object");
		return;
	}
	reading.record.kind = kind_of(c);
	if (reading.record.kind == RECORD_NONE) {
		trace_reader_unread(reader, place, "a JSON object that is no record");
		return;
	}
	read_members(&c, &reading);
	expect(&c, '}');
	skip_blanks(&c);
	if (c.bad || c.at != c.end)
		trace_reader_unread(reader, place, "a record that is damaged");
	else
		trace_reader_give(reader, &reading.record, place);
}

bool json_begins_record(struct span line)
{
	size_t i = 0;
	while (i < line.length && line.at[i] == ' ')
		i++;
	return i < line.length && line.at[i] == '{' && span_find_span(line, SPAN("\"kind\"")) < line.length;
}

static size_t read_json(struct trace_reader *reader, struct span text, bool last)
{
	struct span line;
	size_t done = 0, whole;
	while (trace_reader_line(span_from(text, done), last, &line, &whole)) {
		struct trace_place place = { .line = ++reader->line,
			.offset = reader->offset + done,
			.raw = span_first(span_from(text, done), whole) };
		reader->counts.lines++;
		done += whole;
		if (whole > TRACE_RECORD_MAXIMUM)
			trace_reader_unread(reader, &place, TRACE_READER_TOO_LONG);
		else if (span_trim(line).length > 0)
			read_line(reader, line, &place);
	}
	return done;
}

const struct trace_reading trace_reading_json = { .read = read_json };
