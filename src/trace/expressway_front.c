/* SPDX-License-Identifier: Apache-2.0 */
/* The front of an Expressway's line: stamps, host and process, as the product and the syslog relays behind it write
 * them (docs/formats.md). Cheap to refuse: every line of a message is asked. */
#include "trace/expressway_private.h"
#include "trace/stamp_read.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "2017-03-02T08:10:46", with a blank for the T too. */
static bool is_iso(struct span text)
{
	const char *at = text.at;
	return text.length >= 19 && is_digit(at[0]) && at[4] == '-' && at[7] == '-' &&
	       (at[10] == 'T' || at[10] == ' ') && at[13] == ':' && at[16] == ':' && is_digit(at[3]) && is_digit(at[9]);
}

/* "Mar  2 08:10:46 ": 1 to 12, 0 where it is none. */
static int month_of(struct span text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	const char *at = text.at;
	if (text.length < 16 || at[3] != ' ' || at[6] != ' ' || at[9] != ':' || at[12] != ':' || at[15] != ' ' ||
		!is_digit(at[5]) || !is_digit(at[8]))
		return 0;
	for (int i = 0; i < 12; i++)
		if (memcmp(at, months + (size_t)i * 3, 3) == 0)
			return i + 1;
	return 0;
}

/* "<166>", and "1 " of RFC 5424 behind it: gives its length, 0 where there is none. */
static size_t skip_priority(struct span text, bool *ret_structured)
{
	size_t digits = 1;
	*ret_structured = false;
	if (text.length < 3 || text.at[0] != '<')
		return 0;
	while (digits < text.length && digits < 4 && is_digit(text.at[digits]))
		digits++;
	if (digits == 1 || digits == text.length || text.at[digits] != '>')
		return 0;
	*ret_structured = text.length > digits + 2 && text.at[digits + 1] == '1' && text.at[digits + 2] == ' ';
	return digits + (*ret_structured ? 3 : 1);
}

static const struct span bare[] = { { "tvcs: UTCTime=\"", 15 }, { "tvcs: Event=\"", 13 } };

bool expressway_begins_line(struct span line)
{
	bool structured;
	if (line.length < 16)
		return false;
	switch (line.at[0]) {
	case '<':
		line = span_from(line, skip_priority(line, &structured));
		return is_iso(line) || month_of(line) > 0;
	case 't':
		return span_equal(span_first(line, bare[0].length), bare[0]) ||
		       span_equal(span_first(line, bare[1].length), bare[1]);
	default:
		return is_iso(line) || (line.at[3] == ' ' && month_of(line) > 0);
	}
}

/* Messages are found without anything that came before them. What has no stamp, or one as UTCTime has it, may be the
 * rest of a line that was cut. */
bool expressway_may_begin(struct span line)
{
	return expressway_begins_line(line) && line.at[0] != 't' && (line.at[4] != '-' || line.at[10] == 'T') &&
	       span_find_span(line, SPAN("Module=\"network.sip\"")) < line.length;
}

/* A month and a day need a year: that of the last line which had one. */
static bool read_month(struct span text, int year, int64_t *ret_us)
{
	char iso[32] = "1970-01-01T";
	int month = month_of(text);
	if (year < 1970)
		return false;
	iso[0] = (char)('0' + year / 1000 % 10);
	iso[1] = (char)('0' + year / 100 % 10);
	iso[2] = (char)('0' + year / 10 % 10);
	iso[3] = (char)('0' + year % 10);
	iso[5] = (char)('0' + month / 10);
	iso[6] = (char)('0' + month % 10);
	iso[8] = text.at[4] == ' ' ? '0' : text.at[4];
	iso[9] = text.at[5];
	memcpy(iso + 11, text.at + 7, 8);
	return trace_stamp_read(span_make(iso, 19), false, ret_us) > 0;
}

bool expressway_stamp_time(struct span stamp, int year, bool *ret_zoned, int64_t *ret_us)
{
	int32_t offset_s = 0;
	*ret_zoned = false;
	if (month_of(stamp) > 0)
		return read_month(stamp, year, ret_us);
	size_t used = trace_stamp_read(stamp, false, ret_us);
	if (used == 0)
		return false;
	*ret_zoned = trace_stamp_read_offset(span_from(stamp, used), &offset_s) > 0;
	*ret_us -= (int64_t)offset_s * 1000000;
	return true;
}

/* "2017-03-02T08:10:46.240+01:00", "Mar  2 08:10:46 " with the blank behind it: its length, 0 where there is none. */
static size_t stamp_length(struct span text)
{
	size_t i = 19;
	if (!text.at || !is_iso(text))
		return text.at && text.length > 0 && text.at[0] >= 'A' && month_of(text) > 0 ? 16 : 0;
	while (i < text.length && text.at[i] != ' ')
		i++;
	return i;
}

static struct span skip_blanks(struct span text)
{
	size_t i = 0;
	while (i < text.length && (text.at[i] == ' ' || text.at[i] == '\t'))
		i++;
	return span_from(text, i);
}

/* The next word, without what ends it; *rest behind the blanks after it. */
static struct span cut_word(struct span *rest)
{
	struct span word = span_first(*rest, span_find(*rest, ' '));
	*rest = skip_blanks(span_from(*rest, word.length));
	return word;
}

/* "tvcs:", "alarm:", "XCP_JABBERD[23843]:": the name alone. A key is none, and neither is a word of a sentence. */
static bool cut_process(struct span *rest, struct span *ret_process)
{
	size_t i = 0;
	while (i < rest->length && i < 64 && rest->at[i] != ' ' && rest->at[i] != '=' && rest->at[i] != '"' &&
		rest->at[i] != ':')
		i++;
	if (i == 0 || i >= rest->length || rest->at[i] != ':' || (i + 1 < rest->length && rest->at[i + 1] != ' '))
		return false;
	struct span word = span_first(*rest, i);
	*ret_process = span_first(word, span_find(word, '['));
	*rest = skip_blanks(span_from(*rest, i + 1));
	return true;
}

/* Behind host and program of RFC 5424: PROCID MSGID, and structured data, which is "-" or in brackets. */
static void skip_structure(struct span *rest)
{
	(void)cut_word(rest);
	(void)cut_word(rest);
	if (rest->length > 0 && rest->at[0] == '[') {
		size_t end = span_find_span(*rest, SPAN("] "));
		*rest = end < rest->length ? span_from(*rest, end + 2) : span_from(*rest, rest->length);
	} else {
		(void)cut_word(rest);
	}
	if (rest->length >= 3 && memcmp(rest->at, "\xef\xbb\xbf", 3) == 0)
		*rest = span_from(*rest, 3);
}

/* A host name that is none, with blanks in it: all that stands before the process and its colon. */
static void cut_odd_node(struct span *rest, struct expressway_front *front)
{
	static const struct span process = { " tvcs: ", 7 };
	if (!front->node.at)
		return;
	struct span all = span_make(front->node.at, (size_t)(rest->at + rest->length - front->node.at));
	struct span seen = span_first(all, 128);
	size_t at = span_find_span(seen, process);
	if (at == seen.length || span_find(span_first(seen, at), '=') < at)
		return;
	front->node = span_first(all, at);
	front->process = span_make(all.at + at + 1, 4);
	*rest = skip_blanks(span_from(all, at + process.length));
}

/* A relay may put a stamp and a host of its own in front: the last of them is the box's. */
#define STAMPS_MAXIMUM 3

bool expressway_read_front(struct span line, struct expressway_front *ret_front)
{
	struct expressway_front front = { 0 };
	struct span rest = line;
	bool structured;
	rest = span_from(rest, skip_priority(rest, &structured));
	for (int i = 0; i < STAMPS_MAXIMUM; i++) {
		size_t used = stamp_length(rest);
		if (used == 0)
			break;
		front.stamp = span_first(rest, used);
		rest = skip_blanks(span_from(rest, used));
		struct span before = rest;
		if (!cut_process(&rest, &front.process)) {
			front.node = cut_word(&rest);
			/* "UTCTime=…" right behind the stamp: there is no host. */
			if (span_find(front.node, '=') < front.node.length) {
				front.node = SPAN_NONE;
				rest = before;
			}
		}
	}
	if (!front.stamp.at && !expressway_begins_line(line))
		return false;
	if (structured) {
		front.process = cut_word(&rest);
		skip_structure(&rest);
	}
	if (!front.process.at)
		cut_odd_node(&rest, &front);
	/* Relays repeat it. */
	struct span again = rest, process;
	while (cut_process(&again, &process) && (!front.process.at || span_equal(process, front.process))) {
		front.process = process;
		rest = again;
	}
	front.length = (size_t)(rest.at - line.at);
	*ret_front = front;
	return true;
}
