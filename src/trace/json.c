/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of every record, one object a line, straight from the field table. What is absent
 * or zero is left out; a text that is not UTF-8 becomes {"base64":"…"}, so nothing is lost. */
#include "record/field.h"
#include "trace/private.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight bytes at once: none of them is a control character, DEL, a quote, a backslash or beyond
 * ASCII. A byte below n sets the top bit of itself less n; an equal one is zero after xor. */
static bool is_plain_word(const char *at)
{
	uint64_t word, odd;
	memcpy(&word, at, sizeof(word));
	odd = word | (word - EACH_BYTE(0x20));
	odd |= (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
	odd |= (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
	odd |= (word ^ EACH_BYTE(0x7f)) - EACH_BYTE(1);
	return (odd & EACH_BYTE(0x80)) == 0;
}

/* How many bytes at the front are plain, in steps of eight. */
static size_t plain_front(struct span s)
{
	size_t length = 0;
	while (s.length - length >= sizeof(uint64_t) && is_plain_word(s.at + length))
		length += sizeof(uint64_t);
	return length;
}

static size_t utf8_tail(unsigned char lead)
{
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

/* RFC 3629 section 4: the second byte has a narrower range after four of the leads. */
static bool second_is_right(unsigned char lead, unsigned char second)
{
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	return second >= low && second <= high;
}

static bool is_utf8(struct span s)
{
	const unsigned char *at = (const unsigned char *)s.at;
	for (size_t i = 0; i < s.length; i++) {
		if (at[i] < 0x80) {
			i += plain_front(span_from(s, i + 1));
			continue;
		}
		size_t tail = utf8_tail(at[i]);
		if (tail == 0 || s.length - i <= tail || !second_is_right(at[i], at[i + 1]))
			return false;
		for (size_t k = 2; k <= tail; k++)
			if ((at[i + k] & 0xc0) != 0x80)
				return false;
		i += tail;
	}
	return true;
}

static void append_escape(struct buffer *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	switch (c) {
	case '"':
		trace_append_literal(out, "\\\"");
		break;
	case '\\':
		trace_append_literal(out, "\\\\");
		break;
	case '\n':
		trace_append_literal(out, "\\n");
		break;
	case '\r':
		trace_append_literal(out, "\\r");
		break;
	case '\t':
		trace_append_literal(out, "\\t");
		break;
	default:
		trace_append(out, span_make(text, sizeof(text)));
	}
}

static void append_string(struct buffer *out, struct span s)
{
	size_t start = 0;
	trace_append_byte(out, '"');
	for (size_t i = 0; i < s.length; i++) {
		unsigned char c = (unsigned char)s.at[i];
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f) {
			i += plain_front(span_from(s, i + 1));
			continue;
		}
		trace_append(out, span_make(s.at + start, i - start));
		append_escape(out, c);
		start = i + 1;
	}
	trace_append(out, span_from(s, start));
	trace_append_byte(out, '"');
}

static void append_base64(struct buffer *out, struct span s)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = (const unsigned char *)s.at;
	for (size_t i = 0; i < s.length; i += 3) {
		size_t left = s.length - i;
		unsigned int word = (unsigned int)at[i] << 16 | (left > 1 ? (unsigned int)at[i + 1] << 8 : 0) |
				    (left > 2 ? (unsigned int)at[i + 2] : 0);
		char text[4] = { digits[word >> 18], digits[word >> 12 & 63], left > 1 ? digits[word >> 6 & 63] : '=',
			left > 2 ? digits[word & 63] : '=' };
		trace_append(out, span_make(text, sizeof(text)));
	}
}

static void append_text(struct buffer *out, struct span s)
{
	if (!s.at) {
		trace_append_literal(out, "null");
	} else if (is_utf8(s)) {
		append_string(out, s);
	} else {
		trace_append_literal(out, "{\"base64\":\"");
		append_base64(out, s);
		trace_append_literal(out, "\"}");
	}
}

static void append_time(struct trace_writer *w, struct buffer *out, int64_t time_us)
{
	uint32_t us;
	const struct trace_stamp *s = trace_stamp_of(w, time_us, &us);
	trace_append_byte(out, '"');
	trace_append(out, span_make(s->iso_utc, 10));
	trace_append_byte(out, 'T');
	trace_append(out, span_make(s->iso_utc + 11, 8));
	trace_append_byte(out, '.');
	trace_append_us(out, us);
	trace_append_literal(out, "Z\"");
}

static void append_spans(struct buffer *out, const struct record_spans *list)
{
	trace_append_byte(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			trace_append_byte(out, ',');
		append_text(out, list->at[i]);
	}
	trace_append_byte(out, ']');
}

/* [[name, value], …]: an object would lose a name that comes twice. */
static void append_pairs(struct buffer *out, const struct record_pairs *list)
{
	trace_append_byte(out, '[');
	for (size_t i = 0; i < list->count; i++) {
		trace_append(out, i > 0 ? SPAN(",[") : SPAN("["));
		append_text(out, list->at[i].name);
		trace_append_byte(out, ',');
		append_text(out, list->at[i].value);
		trace_append_byte(out, ']');
	}
	trace_append_byte(out, ']');
}

static void open_field(struct buffer *out, const char *name)
{
	trace_append_literal(out, ",\"");
	trace_append(out, span_of(name));
	trace_append_literal(out, "\":");
}

static void append_number(struct buffer *out, const char *name, uint64_t value)
{
	if (!value)
		return;
	open_field(out, name);
	buffer_append_u64(out, value);
}

static void append_signed(struct buffer *out, const char *name, int32_t value)
{
	if (!value)
		return;
	open_field(out, name);
	if (value < 0)
		trace_append_byte(out, '-');
	buffer_append_u64(out, (uint64_t)(value < 0 ? -(int64_t)value : value));
}

/* A string: programs that read JSON numbers as doubles would round it. */
static void append_id(struct buffer *out, const char *name, uint64_t value)
{
	if (!value)
		return;
	open_field(out, name);
	trace_append_byte(out, '"');
	buffer_append_u64(out, value);
	trace_append_byte(out, '"');
}

static void append_address(struct buffer *out, const char *name, const struct record_address *address)
{
	if (!address->family && !address->port)
		return;
	open_field(out, name);
	trace_append_byte(out, '"');
	trace_append_host_port(out, address);
	trace_append_byte(out, '"');
}

static void append_word(struct buffer *out, const struct record_field *f, const void *at)
{
	unsigned int value;
	memcpy(&value, at, sizeof(value));
	open_field(out, f->name);
	append_string(out, span_of(record_word(f->words, value)));
}

static void append_field(
	struct trace_writer *w, struct buffer *out, const struct record *r, const struct record_field *f)
{
	const void *at = record_field_at(r, f);
	switch (f->type) {
	case RECORD_FIELD_TIME:
		open_field(out, f->name);
		append_time(w, out, *(const int64_t *)at);
		break;
	case RECORD_FIELD_U16:
		append_number(out, f->name, *(const uint16_t *)at);
		break;
	case RECORD_FIELD_U32:
		append_number(out, f->name, *(const uint32_t *)at);
		break;
	case RECORD_FIELD_U64:
		append_number(out, f->name, *(const uint64_t *)at);
		break;
	case RECORD_FIELD_ID:
		append_id(out, f->name, *(const uint64_t *)at);
		break;
	case RECORD_FIELD_I32:
		append_signed(out, f->name, *(const int32_t *)at);
		break;
	case RECORD_FIELD_BOOL:
		if (*(const bool *)at) {
			open_field(out, f->name);
			trace_append_literal(out, "true");
		}
		break;
	case RECORD_FIELD_WORD:
		append_word(out, f, at);
		break;
	case RECORD_FIELD_ADDRESS:
		append_address(out, f->name, at);
		break;
	case RECORD_FIELD_SPAN:
		if (((const struct span *)at)->at) {
			open_field(out, f->name);
			append_text(out, *(const struct span *)at);
		}
		break;
	case RECORD_FIELD_SPANS:
		if (((const struct record_spans *)at)->count > 0) {
			open_field(out, f->name);
			append_spans(out, at);
		}
		break;
	case RECORD_FIELD_PAIRS:
		if (((const struct record_pairs *)at)->count > 0) {
			open_field(out, f->name);
			append_pairs(out, at);
		}
		break;
	}
}

/* The node's name is the writer's where the record has none. */
static void append_head(struct trace_writer *w, struct buffer *out, const struct record *r)
{
	for (const struct record_field *f = record_head_fields; f->name; f++) {
		if (record_field_at(r, f) == (const void *)&r->head.node) {
			open_field(out, f->name);
			append_text(out, trace_node(w, r));
		} else {
			append_field(w, out, r, f);
		}
	}
}

int trace_json_write(struct trace_writer *w, const struct record *r, struct buffer *out)
{
	if (r->kind == RECORD_NONE || (unsigned int)r->kind >= RECORD_KIND_COUNT)
		return 0;
	trace_append_literal(out, "{\"kind\":\"");
	trace_append(out, span_of(record_kind_word(r->kind)));
	trace_append_byte(out, '"');
	append_head(w, out, r);
	for (const struct record_field *f = record_kind_fields(r->kind); f->name; f++)
		append_field(w, out, r, f);
	trace_append_literal(out, "}\n");
	return 0;
}
