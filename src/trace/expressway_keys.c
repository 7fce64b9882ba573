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

/* ---- finding bytes ---- */

/* The first of two bytes at or after at, or end. Names and values are short: 16 bytes at once are nearly always enough.
 */
static inline const char *find_either(const char *at, const char *end, char a, char b)
{
#ifdef __SSE2__
	for (; end - at >= 16; at += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));
		unsigned mask = (unsigned)_mm_movemask_epi8(hit);
		if (mask)
			return at + (unsigned)__builtin_ctz(mask);
	}
#endif
	while (at < end && *at != a && *at != b)
		at++;
	return at;
}

/* The quote that ends what begins at at, or end. Behind a backslash it is part of the value. */
static inline const char *value_end(const char *at, const char *end)
{
	for (;;) {
		at = find_either(at, end, '"', '\\');
		if (at == end || *at == '"')
			return at;
		at = end - at >= 2 ? at + 2 : end;
	}
}

static inline bool is_between_keys(char byte)
{
	return byte == ' ' || byte == ':' || byte == '\t';
}

static inline const char *skip_between(const char *at, const char *end)
{
	while (at < end && is_between_keys(*at))
		at++;
	return at;
}

/* ---- keys ---- */

static inline enum expressway_name name_of(struct span name)
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
static void keep_words(struct expressway_line *line, const char *at, const char *end)
{
	struct span words = span_trim(span_make(at, (size_t)(end - at)));
	while (words.length > 0 && is_between_keys(words.at[0]))
		words = span_from(words, 1);
	if (words.length > line->words.length)
		line->words = words;
}

static inline enum expressway_name add_key(struct expressway_line *line, struct span name, struct span value)
{
	enum expressway_name known = name_of(name);
	line->keys[line->count++] = (struct expressway_key){ name, value };
	if (known != EXPRESSWAY_UNNAMED && !line->known[known].at)
		line->known[known] = value;
	return known;
}

/* What stands between at and the quote of a value that is no simple name: words before it, blanks around "=" as copies
 * have them. Gives the name; empty where the quote begins no value. */
static struct span untidy_name(struct expressway_line *line, const char *at, const char *quote)
{
	const char *equals = quote;
	while (equals > at && equals[-1] == ' ')
		equals--;
	if (equals == at || equals[-1] != '=') {
		if (quote > at)
			keep_words(line, at, quote);
		return SPAN_NONE;
	}
	const char *end = equals - 1, *name = end;
	while (name > at && name[-1] != ' ' && name[-1] != '\t')
		name--;
	if (name > at)
		keep_words(line, at, name);
	return span_make(name, (size_t)(end - name));
}

/* What a module tells a developer of its good days, and nobody else: most lines of a diagnostic log that are no SIP. */
static bool is_noise(const struct expressway_line *line)
{
	static const struct span developer = { "developer.", 10 }, media = { "network.mediarouting", 20 };
	static const struct span ssl = { "developer.ssl", 13 }, zone = { "developer.zone.", 15 };
	struct span module = line->known[EXPRESSWAY_MODULE], level = line->known[EXPRESSWAY_LEVEL];
	if (!span_equal(span_first(module, developer.length), developer) && !span_equal(module, media))
		return false;
	return (span_is(level, "DEBUG") || span_is(level, "TRACE") || span_is(level, "INFO")) &&
	       !span_equal(span_first(module, ssl.length), ssl) && !span_equal(span_first(module, zone.length), zone);
}

static void read_keys(struct span text, struct expressway_line *line)
{
	const char *at = text.at, *const end = text.at + text.length;
	while (line->count < EXPRESSWAY_KEYS_MAXIMUM) {
		at = skip_between(at, end);
		const char *name_end = find_either(at, end, '=', ' '), *quote = name_end + 1;
		struct span name = span_make(at, (size_t)(name_end - at));
		if (name_end + 1 >= end || *name_end != '=' || *quote != '"' || name.length == 0) {
			quote = find_either(at, end, '"', '"');
			if (quote == end)
				break;
			name = untidy_name(line, at, quote);
			at = quote + 1;
			if (name.length == 0)
				continue;
		}
		const char *close = value_end(quote + 1, end);
		enum expressway_name known = add_key(line, name, span_make(quote + 1, (size_t)(close - quote) - 1));
		at = close < end ? close + 1 : end;
		if (known == EXPRESSWAY_LEVEL && is_noise(line)) {
			line->is_noise = true;
			return;
		}
	}
	if (at < end)
		keep_words(line, at, end);
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

/* Eight digits at once: pairs, then fours, then all. False where one is none. */
static inline bool eight_digits(const char *at, uint64_t *ret_value)
{
	uint64_t word, high, low;
	memcpy(&word, at, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	high = word & UINT64_C(0xf0f0f0f0f0f0f0f0);
	low = (word + UINT64_C(0x0606060606060606)) & UINT64_C(0xf0f0f0f0f0f0f0f0);
	if (high != UINT64_C(0x3030303030303030) || low != high)
		return false;
	word &= UINT64_C(0x0f0f0f0f0f0f0f0f);
	word = word * 10 + (word >> 8);
	*ret_value = ((word & UINT64_C(0x000000ff000000ff)) * (100 + (UINT64_C(1000000) << 32)) +
			     ((word >> 16) & UINT64_C(0x000000ff000000ff)) * (1 + (UINT64_C(10000) << 32))) >>
		     32;
	return true;
}

uint64_t expressway_number_of(struct span value, uint64_t maximum)
{
	struct span digits = trimmed(value);
	uint64_t number = 0, eight;
	size_t i = 0;
	if (digits.length == 0 || digits.length > 20)
		return 0;
	for (; digits.length - i >= 8 && i < 16; i += 8) {
		if (!eight_digits(digits.at + i, &eight))
			return 0;
		number = number * 100000000 + eight;
	}
	for (; i < digits.length; i++) {
		unsigned digit = (unsigned)(digits.at[i] - '0');
		if (digit > 9 || __builtin_mul_overflow(number, UINT64_C(10), &number) ||
			__builtin_add_overflow(number, (uint64_t)digit, &number))
			return 0;
	}
	return number <= maximum ? number : 0;
}

uint64_t expressway_find_number(const struct expressway_line *line, const char *name, size_t length, uint64_t maximum)
{
	return expressway_number_of(expressway_find(line, name, length), maximum);
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

/* A log names the same few addresses again and again. */
static void read_address(struct expressway_state *state, struct span text, struct record_address *ret_address)
{
	struct expressway_known_address *known = &state->known_addresses[text.length % EXPRESSWAY_KNOWN_MAXIMUM];
	if (text.length == known->length && memcmp(known->text, text.at, text.length) == 0) {
		*ret_address = known->address;
		return;
	}
	if (!read_ipv4(text, ret_address) && record_address_parse(text, ret_address) != 0)
		return;
	/* What cannot be kept is read again. */
	if (text.length <= sizeof(known->text)) {
		known->length = text.length;
		memcpy(known->text, text.at, text.length);
		known->address = *ret_address;
	}
}

struct record_address expressway_end(
	const struct expressway_line *line, enum expressway_name ip, enum expressway_name port)
{
	struct record_address address = { 0 };
	struct span text = trimmed(line->known[ip]);
	if (text.length > 0)
		read_address(line->state, text, &address);
	address.port = (uint16_t)expressway_number_of(line->known[port], UINT16_MAX);
	return address;
}

/* ---- lines ---- */

/* A busy log has thousands of lines in a second. */
bool expressway_read_utc(struct expressway_state *state, struct span text, int64_t *ret_us)
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

/* Of the last line that said one, else the last in which such a day was before the log was written. 0: not known. */
static int year_of(const struct trace_reader *reader, struct span stamp)
{
	const struct expressway_state *state = reader->state;
	int64_t us = 0;
	bool zoned;
	int year = 0;
	for (size_t i = 0; state->utc_stamp.text[0] && i < 4; i++)
		year = year * 10 + (state->utc_stamp.text[i] - '0');
	if (year > 0 || reader->settings.written_us <= 0)
		return year;
	/* A clock may be wrong by a day. */
	for (year = 2100; year > 1970; year--)
		if (expressway_stamp_time(stamp, year, &zoned, &us) &&
			us <= reader->settings.written_us + INT64_C(86400000000))
			return year;
	return 0;
}

/* UTCTime counts; the stamp in front only where that is not said. */
static bool read_time(struct trace_reader *reader, struct span stamp, struct expressway_line *line)
{
	const struct trace_reader_settings *settings = &reader->settings;
	struct expressway_state *state = reader->state;
	bool zoned;
	if (line->known[EXPRESSWAY_UTC_TIME].at &&
		expressway_read_utc(state, line->known[EXPRESSWAY_UTC_TIME], &line->head.time_us))
		return true;
	if (!stamp.at || !expressway_stamp_time(stamp, 0, &zoned, &line->head.time_us)) {
		int year = stamp.at && stamp.at[0] >= 'A' ? year_of(reader, stamp) : 0;
		if (year == 0 || !expressway_stamp_time(stamp, year, &zoned, &line->head.time_us))
			return false;
	}
	if (!zoned && settings->utc_offset_s)
		line->head.time_us -= (int64_t)settings->utc_offset_s(settings->argument, line->head.time_us) * 1000000;
	return true;
}

/* The same words, in another line. */
static struct span moved(struct span words, const char *from, const char *to)
{
	return words.at ? span_make(to + (words.at - from), words.length) : words;
}

bool expressway_read_known_front(
	const struct expressway_state *state, struct span text, struct expressway_front *ret_front)
{
	const struct expressway_known_front *known = &state->known_front;
	size_t stamp = known->stamp;
	if (known->length == 0 || text.length <= stamp + known->length ||
		memcmp(text.at + stamp, known->text, known->length) != 0 || text.at[10] != 'T' ||
		memchr(text.at + 19, ' ', stamp - 19))
		return false;
	*ret_front = (struct expressway_front){
		.stamp = span_first(text, stamp),
		.node = moved(known->node, known->text, text.at + stamp),
		.process = moved(known->process, known->text, text.at + stamp),
		.length = stamp + known->length,
	};
	return true;
}

static bool read_front(struct expressway_state *state, struct span text, struct expressway_front *ret_front)
{
	struct expressway_known_front *known = &state->known_front;
	if (expressway_read_known_front(state, text, ret_front))
		return true;
	if (!expressway_read_front(text, ret_front))
		return false;
	size_t stamp = ret_front->stamp.length;
	known->length = 0;
	/* Only all of it, host and process: less would fit other lines. */
	if (ret_front->stamp.at == text.at && stamp >= 19 && text.at[10] == 'T' && ret_front->node.at &&
		ret_front->process.at && text.at[ret_front->length - 1] == ' ' &&
		ret_front->length - stamp <= sizeof(known->text)) {
		known->stamp = stamp;
		known->length = ret_front->length - stamp;
		memcpy(known->text, text.at + stamp, known->length);
		known->node = moved(ret_front->node, text.at + stamp, known->text);
		known->process = moved(ret_front->process, text.at + stamp, known->text);
	}
	return true;
}

bool expressway_read_text(struct trace_reader *reader, struct span text, struct expressway_line *ret_line)
{
	struct expressway_front front;
	ret_line->state = reader->state;
	ret_line->head = (struct record_head){ 0 };
	ret_line->count = 0;
	ret_line->is_noise = false;
	ret_line->words = SPAN_NONE;
	memset(ret_line->known, 0, sizeof(ret_line->known));
	if (!read_front(ret_line->state, text, &front))
		return false;
	ret_line->process = front.process;
	ret_line->is_sip = false;
	ret_line->head.node = trace_read_escaped(&reader->arena, front.node);
	read_keys(span_from(text, front.length), ret_line);
	if (ret_line->is_noise)
		return true;
	ret_line->is_sip = expressway_is(ret_line->known[EXPRESSWAY_MODULE], "network.sip");
	return read_time(reader, front.stamp, ret_line);
}
