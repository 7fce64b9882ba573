/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an Expressway's log into its keys. Every line of the log comes through here, so quotes are looked for 16
 * bytes at a time and the names that most lines have are told apart while they are read. */
#include "base/require.h"
#include "trace/expressway_private.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- keys ---- */

/* The next quote at or after at, or text.length. */
static inline size_t next_quote(struct span text, size_t at)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	while (at + 16 <= text.length) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)(text.at + at));
		unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote));
		if (mask)
			return at + (unsigned)__builtin_ctz(mask);
		at += 16;
	}
#endif
	while (at < text.length && text.at[at] != '"')
		at++;
	return at;
}

/* A quote behind an odd number of backslashes is part of the value. */
static bool is_escaped(const char *first, const char *quote)
{
	const char *at = quote;
	while (at > first && at[-1] == '\\')
		at--;
	return (quote - at) % 2 != 0;
}

static size_t value_end(struct span text, size_t at)
{
	size_t first = at;
	for (;;) {
		size_t quote = next_quote(text, at);
		if (quote >= text.length || text.at[quote - 1] != '\\' || !is_escaped(text.at + first, text.at + quote))
			return quote;
		at = quote + 1;
	}
}

static bool is_between_keys(char byte)
{
	return byte == ' ' || byte == ':' || byte == '\t';
}

/* The name right before '=', which stands at equals; what stands before it, from first on, is text of no key. */
static struct span name_before(const char *first, const char *equals)
{
	const char *at = equals;
	while (at > first && at[-1] != ' ' && at[-1] != '\t')
		at--;
	return span_make(at, (size_t)(equals - at));
}

static enum expressway_name name_of(struct span name)
{
#define IS(text) (memcmp(name.at, text, sizeof(text) - 1) == 0)
	switch (name.length) {
	case 5:
		return IS("Level") ? EXPRESSWAY_LEVEL : IS("Event") ? EXPRESSWAY_EVENT : EXPRESSWAY_UNNAMED;
	case 6:
		return IS("Module")   ? EXPRESSWAY_MODULE
		       : IS("Action") ? EXPRESSWAY_ACTION
		       : IS("Detail") ? EXPRESSWAY_DETAIL
		       : IS("Src-ip") ? EXPRESSWAY_SRC_IP
		       : IS("Dst-ip") ? EXPRESSWAY_DST_IP
				      : EXPRESSWAY_UNNAMED;
	case 7:
		return IS("UTCTime") ? EXPRESSWAY_UTC_TIME : EXPRESSWAY_UNNAMED;
	case 8:
		return IS("Local-ip")   ? EXPRESSWAY_LOCAL_IP
		       : IS("Msg-Hash") ? EXPRESSWAY_MSG_HASH
		       : IS("Src-port") ? EXPRESSWAY_SRC_PORT
		       : IS("Dst-port") ? EXPRESSWAY_DST_PORT
					: EXPRESSWAY_UNNAMED;
	case 10:
		return IS("Local-port") ? EXPRESSWAY_LOCAL_PORT : EXPRESSWAY_UNNAMED;
	default:
		return EXPRESSWAY_UNNAMED;
	}
#undef IS
}

/* The longest one counts: the words of a line that has no Detail. */
static void keep_free(struct expressway_line *line, struct span text)
{
	struct span words = span_trim(text);
	while (words.length > 0 && is_between_keys(words.at[0]))
		words = span_from(words, 1);
	if (words.length > line->words.length)
		line->words = words;
}

static void add_key(struct expressway_line *line, struct span name, struct span value)
{
	enum expressway_name known = name_of(name);
	line->keys[line->count++] = (struct expressway_key){ name, value };
	if (known != EXPRESSWAY_UNNAMED && !line->known[known].at)
		line->known[known] = value;
}

void expressway_read_keys(struct span text, struct expressway_line *line)
{
	size_t at = 0;
	while (line->count < EXPRESSWAY_KEYS_MAXIMUM) {
		while (at < text.length && is_between_keys(text.at[at]))
			at++;
		size_t quote = next_quote(text, at), equals = quote;
		while (equals > at && quote < text.length && text.at[equals - 1] == ' ')
			equals--; /* copies have blanks there */
		if (quote >= text.length)
			break;
		if (equals == at || text.at[equals - 1] != '=') {
			/* Words between quotes that are no value. */
			keep_free(line, span_make(text.at + at, quote - at));
			at = quote + 1;
			continue;
		}
		struct span name = name_before(text.at + at, text.at + equals - 1);
		if (name.at > text.at + at)
			keep_free(line, span_make(text.at + at, (size_t)(name.at - text.at) - at));
		size_t end = value_end(text, quote + 1);
		add_key(line, name, span_make(text.at + quote + 1, end - quote - 1));
		at = end + 1;
	}
	if (at < text.length)
		keep_free(line, span_from(text, at));
}

struct span expressway_find(const struct expressway_line *line, const char *name, size_t length)
{
	for (size_t i = 0; i < line->count; i++)
		if (line->keys[i].name.length == length && memcmp(line->keys[i].name.at, name, length) == 0)
			return line->keys[i].value;
	return SPAN_NONE;
}

struct span expressway_find_text(
	struct trace_reader *reader, const struct expressway_line *line, const char *name, size_t length)
{
	return trace_read_escaped(&reader->arena, expressway_find(line, name, length));
}

/* ---- values ---- */

/* Copies have blanks inside the quotes. */
static inline struct span trimmed(struct span value)
{
	bool blank = value.length > 0 && (value.at[0] == ' ' || value.at[value.length - 1] == ' ');
	return blank ? span_trim(value) : value;
}

bool expressway_is(struct span value, const char *word)
{
	return span_is(trimmed(value), word);
}

static uint64_t number_of(struct span value, uint64_t maximum)
{
	uint64_t number;
	return value.length > 0 && span_to_u64(trimmed(value), maximum, &number) == 0 ? number : 0;
}

uint64_t expressway_find_number(const struct expressway_line *line, const char *name, size_t length, uint64_t maximum)
{
	return number_of(expressway_find(line, name, length), maximum);
}

/* "192.0.2.1" and nothing else: most addresses. */
static bool read_ipv4(struct span text, struct record_address *ret_address)
{
	uint8_t bytes[4];
	size_t at = 0;
	for (unsigned i = 0; i < 4; i++) {
		unsigned value = 0, digits = 0;
		for (; at < text.length && (unsigned)(text.at[at] - '0') < 10 && digits < 4; digits++)
			value = value * 10 + (unsigned)(text.at[at++] - '0');
		if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text.at[at - digits] == '0'))
			return false;
		bytes[i] = (uint8_t)value;
		if (i < 3 && (at == text.length || text.at[at++] != '.'))
			return false;
	}
	if (at != text.length)
		return false;
	ret_address->family = 4;
	memcpy(ret_address->bytes, bytes, 4);
	return true;
}

struct record_address expressway_end(
	const struct expressway_line *line, enum expressway_name ip, enum expressway_name port)
{
	struct record_address address = { 0 };
	struct span text = trimmed(line->known[ip]);
	if (text.length > 0 && !read_ipv4(text, &address))
		(void)record_address_parse(text, &address);
	address.port = (uint16_t)number_of(line->known[port], UINT16_MAX);
	return address;
}

/* ---- lines ---- */

/* A busy log has thousands of lines in a second. */
static bool read_utc(struct expressway_state *state, struct span text, int64_t *ret_us)
{
	struct expressway_stamp *known = &state->utc_stamp;
	if (text.length == 23 && memcmp(known->text, text.at, 19) == 0) {
		const unsigned char *ms = (const unsigned char *)text.at + 20;
		unsigned a = ms[0] - '0', b = ms[1] - '0', c = ms[2] - '0';
		if ((ms[-1] == ',' || ms[-1] == '.') && a < 10 && b < 10 && c < 10) {
			*ret_us = known->us + (int64_t)(a * 100 + b * 10 + c) * 1000;
			return true;
		}
	}
	text = span_trim(text);
	if (trace_stamp_read(text, false, ret_us) == 0)
		return false;
	memcpy(known->text, text.at, 19);
	known->us = *ret_us - *ret_us % 1000000;
	return true;
}

/* The year of the last line that said one. */
static int year_of(const struct expressway_state *state)
{
	int year = 0;
	for (size_t i = 0; i < 4; i++)
		year = year * 10 + (state->utc_stamp.text[i] - '0');
	return state->utc_stamp.text[0] ? year : 1970;
}

/* UTCTime counts; the stamp in front only where that is not said. */
static bool read_time(struct trace_reader *reader, struct span stamp, struct expressway_line *line)
{
	const struct trace_reader_settings *settings = &reader->settings;
	struct expressway_state *state = reader->state;
	bool zoned;
	if (line->known[EXPRESSWAY_UTC_TIME].at &&
		read_utc(state, line->known[EXPRESSWAY_UTC_TIME], &line->head.time_us))
		return true;
	if (!stamp.at || !expressway_stamp_time(stamp, year_of(state), &zoned, &line->head.time_us))
		return false;
	if (!zoned && settings->utc_offset_s)
		line->head.time_us -= (int64_t)settings->utc_offset_s(settings->argument, line->head.time_us) * 1000000;
	return true;
}

bool expressway_read_text(struct trace_reader *reader, struct span text, struct expressway_line *ret_line)
{
	struct expressway_front front;
	ret_line->head = (struct record_head){ 0 };
	ret_line->count = 0;
	ret_line->words = SPAN_NONE;
	memset(ret_line->known, 0, sizeof(ret_line->known));
	if (!expressway_read_front(text, &front))
		return false;
	ret_line->process = front.process;
	ret_line->head.node = trace_read_escaped(&reader->arena, front.node);
	expressway_read_keys(span_from(text, front.length), ret_line);
	return read_time(reader, front.stamp, ret_line);
}
