/* SPDX-License-Identifier: Apache-2.0 */
/* Which reader a file is for. The starters of all kinds are looked for in the lines of the head; the one that is found
 * is tried on it, for a log that was pasted, wrapped or joined is read by another reader. */
#include "trace/kind.h"

#include "base/require.h"
#include "trace/kind_private.h"
#include "trace/plain.h"
#include "trace/reader.h"

const char *trace_kind_word(enum trace_kind kind)
{
	static const char *const words[] = { "expressway", "sipstack", "uccapi", "json", "plain", "mixed", "capture",
		"hep", "dump" };
	_Static_assert(BASE_COUNT(words) == TRACE_KIND_COUNT, "a word for each kind");
	return (unsigned)kind < BASE_COUNT(words) ? words[kind] : "unknown";
}

bool trace_kind_counts_packets(enum trace_kind kind)
{
	return kind == TRACE_KIND_CAPTURE || kind == TRACE_KIND_HEP;
}

/* ---- bytes ---- */

/* The first four bytes of pcap, of both byte orders: in microseconds, in nanoseconds, with longer packet heads. */
static const unsigned char magics[][4] = {
	{ 0xa1, 0xb2, 0xc3, 0xd4 },
	{ 0xd4, 0xc3, 0xb2, 0xa1 },
	{ 0xa1, 0xb2, 0x3c, 0x4d },
	{ 0x4d, 0x3c, 0xb2, 0xa1 },
	{ 0xa1, 0xb2, 0xcd, 0x34 },
	{ 0x34, 0xcd, 0xb2, 0xa1 },
};

static bool is_capture(struct span head)
{
	for (size_t i = 0; i < BASE_COUNT(magics); i++)
		if (head.length >= 4 && memcmp(head.at, magics[i], 4) == 0)
			return true;
	return head.length >= 12 && memcmp(head.at, "\x0a\x0d\x0d\x0a", 4) == 0 &&
	       (memcmp(head.at + 8, "\x1a\x2b\x3c\x4d", 4) == 0 || memcmp(head.at + 8, "\x4d\x3c\x2b\x1a", 4) == 0);
}

/* With a byte order mark, or with a NUL for every second byte. */
static bool is_utf16(struct span head)
{
	size_t even = 0, odd = 0;
	struct span seen = span_first(head, 512);
	if (head.length >= 2 && (memcmp(head.at, "\xff\xfe", 2) == 0 || memcmp(head.at, "\xfe\xff", 2) == 0))
		return true;
	for (size_t i = 0; i < seen.length; i++) {
		even += i % 2 == 0 && seen.at[i] == '\0';
		odd += i % 2 == 1 && seen.at[i] == '\0';
	}
	/* Nearly all of one half, none of the other. */
	return seen.length >= 16 &&
	       ((even * 10 > seen.length * 4 && odd == 0) || (odd * 10 > seen.length * 4 && even == 0));
}

/* A text may hold a broken message; more than one byte in 32 that no text has is none. */
static bool is_binary(struct span head)
{
	size_t strange = 0;
	for (size_t i = 0; i < head.length; i++) {
		unsigned char c = (unsigned char)head.at[i];
		strange += (c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b) || c == 0x7f;
	}
	return strange * 32 > head.length;
}

/* A SIPp scenario: its messages are forms to be filled in, and nobody has sent them. */
static bool is_scenario(struct span head)
{
	head = span_first(head, 1024);
	return (span_starts_nocase(head, SPAN("<?xml")) || span_starts_nocase(head, SPAN("<!DOCTYPE")) ||
		       span_starts_nocase(head, SPAN("<scenario"))) &&
	       span_find_span(head, SPAN("<scenario")) < head.length;
}

/* What rotating leaves of a file that was still written: holes at the front. And the mark of UTF-8. */
static struct span without_front(struct span head)
{
	size_t i = 0;
	while (i < head.length && head.at[i] == '\0')
		i++;
	head = span_from(head, i);
	return head.length >= 3 && memcmp(head.at, "\xef\xbb\xbf", 3) == 0 ? span_from(head, 3) : head;
}

/* ---- starters ---- */

static bool has(struct span line, struct span words)
{
	return span_find_span(line, words) < line.length;
}

/* A status line with headers behind it, and no line ends between them, not even written ones: it was joined on the way.
 */
static bool is_joined(struct span line)
{
	struct span rest = span_from(line, span_find_span(line, SPAN("SIP/2.0 ")));
	size_t colon = span_find_span(rest, SPAN(": "));
	/* ngrep shows CR LF as two dots. */
	return colon < rest.length && !has(rest, SPAN("..")) && !has(rest, SPAN("#015")) && !has(rest, SPAN("#012")) &&
	       !has(rest, SPAN("\\r")) && !has(rest, SPAN("\\n"));
}

/* Words by which people quote a product's log in other text. */
static bool is_of_a_product(struct span line)
{
	static const struct span words[] = { { "tvcs:", 5 }, { "UTCTime=", 8 }, { "(TF_", 4 }, { "(TF ", 4 },
		{ "$$begin_record", 14 }, { ":: Data Received -", 18 }, { ":: Sending Packet - ", 20 } };
	for (size_t i = 0; i < BASE_COUNT(words); i++)
		if (has(line, words[i]))
			return true;
	return false;
}

static bool expressway_starts(struct span line)
{
	return expressway_begins_line(line) && (span_find_span(line, SPAN("UTCTime=\"")) < line.length ||
						       span_find_span(line, SPAN(" tvcs: ")) < line.length ||
						       span_find_span(line, SPAN("Event=\"")) < line.length);
}

static const struct {
	enum trace_kind kind;
	bool (*begins)(struct span line);
} starters[] = {
	{ TRACE_KIND_EXPRESSWAY, expressway_starts },
	{ TRACE_KIND_SIPSTACK, sipstack_begins_record },
	{ TRACE_KIND_UCCAPI, uccapi_begins_line },
	{ TRACE_KIND_JSON, json_begins_record },
	{ TRACE_KIND_DUMP, dump_begins },
};

struct seen {
	size_t of[TRACE_KIND_COUNT];
	bool damaged; /* a product's words inside of lines, or lines that were joined */
};

static void look_at(struct seen *seen, struct span line)
{
	for (size_t i = 0; i < BASE_COUNT(starters); i++)
		if (starters[i].begins(line)) {
			seen->of[starters[i].kind]++;
			return;
		}
	seen->of[TRACE_KIND_PLAIN] += trace_plain_starts(line);
	seen->damaged = seen->damaged || is_of_a_product(line) || is_joined(line);
}

static void look(struct seen *seen, struct span head)
{
	while (head.length > 0) {
		struct span line = span_cut(&head, '\n');
		if (line.length > 0 && line.at[line.length - 1] == '\r')
			line.length--;
		look_at(seen, line);
	}
}

/* UNKNOWN: none; MIXED: several. */
static enum trace_kind only_one(const struct seen *seen)
{
	enum trace_kind found = TRACE_KIND_UNKNOWN;
	for (size_t i = 0; i < BASE_COUNT(starters); i++) {
		if (seen->of[starters[i].kind] == 0)
			continue;
		if (found != TRACE_KIND_UNKNOWN)
			return TRACE_KIND_MIXED;
		found = starters[i].kind;
	}
	return found;
}

/* ---- trying ---- */

struct trial {
	size_t good, bad;
	size_t other; /* lines of the product that tell nothing */
};

/* "Name: value", or what belongs to the line before. */
static bool is_header(struct span line)
{
	size_t colon = span_find(line, ':');
	struct span name = span_trim(span_first(line, colon));
	if (line.length > 0 && (line.at[0] == ' ' || line.at[0] == '\t'))
		return true;
	for (size_t i = 0; i < name.length; i++)
		if ((unsigned char)name.at[i] <= ' ' || name.at[i] == ';' || name.at[i] == '=' || name.at[i] == '"')
			return false;
	return colon < line.length && name.length > 0;
}

/* A message whose lines were wrapped or joined on the way. */
static bool is_whole(struct span bytes)
{
	struct span start = span_cut(&bytes, '\n');
	if (span_find_span(start, SPAN(" Via: ")) < start.length)
		return false;
	while (bytes.length > 0) {
		struct span line = span_cut(&bytes, '\n');
		if (span_trim(line).length == 0)
			break;
		if (!is_header(line))
			return false;
	}
	return true;
}

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct trial *trial = argument;
	bool good = true;
	if (r->kind == RECORD_MESSAGE && !place->is_summary)
		good = is_whole(r->message.bytes);
	else if (r->kind == RECORD_JUDGEMENT)
		good = r->judgement.text.at != NULL;
	trial->good += good;
	trial->bad += !good;
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct trial *trial = argument;
	(void)place;
	(void)why;
	trial->bad++;
}

/* The first line and the last record may be cut, and one in eight lines be broken, before it is said to be mixed. */
#define TRIAL_PARDONED 2

/* False without memory: then nothing is read at all. */
static bool try_kind(enum trace_kind kind, struct span head, struct trial *ret_trial)
{
	struct trial trial = { 0 };
	struct trace_reader_settings settings = { .kind = kind, .take = take, .unread = unread, .argument = &trial };
	struct trace_reader *reader = trace_reader_new(&settings);
	if (!reader)
		return false;
	(void)trace_reader_feed(reader, head);
	trace_reader_end(reader);
	trial.other = trace_reader_counts(reader)->other;
	trace_reader_free(reader);
	*ret_trial = trial;
	return true;
}

static bool reads_well(enum trace_kind kind, struct span head)
{
	struct trial trial;
	return !try_kind(kind, head, &trial) || trial.bad <= TRIAL_PARDONED + (trial.good + trial.other) / 8;
}

/* Whether a product's record stands in it whole. */
static bool has_records(enum trace_kind kind, struct span head)
{
	struct trial trial;
	bool is_log = kind != TRACE_KIND_UNKNOWN && kind != TRACE_KIND_MIXED && kind != TRACE_KIND_DUMP;
	return is_log && try_kind(kind, head, &trial) && trial.good > 0;
}

enum trace_kind trace_kind_detect(struct span head)
{
	struct seen seen = { 0 };
	head = span_first(head, TRACE_HEAD_LENGTH);
	if (is_capture(head))
		return TRACE_KIND_CAPTURE;
	if (head.length >= 6 && memcmp(head.at, "HEP3", 4) == 0)
		return TRACE_KIND_HEP;
	if (is_utf16(head))
		return TRACE_KIND_MIXED;
	head = without_front(head);
	if (head.length == 0 || is_scenario(head))
		return TRACE_KIND_UNKNOWN;
	look(&seen, head);
	enum trace_kind kind = only_one(&seen);
	/* Noise behind a log, or in its messages, takes nothing from the records that can be read. */
	if (is_binary(head))
		return has_records(kind, head) ? kind : TRACE_KIND_UNKNOWN;
	if (kind == TRACE_KIND_UNKNOWN)
		return seen.of[TRACE_KIND_PLAIN] > 0 && !seen.damaged ? TRACE_KIND_PLAIN : TRACE_KIND_MIXED;
	/* SIP beside a dump, or prose around a few lines: something else reads that. */
	if (kind == TRACE_KIND_DUMP)
		return seen.of[TRACE_KIND_PLAIN] > 0 || seen.damaged ? TRACE_KIND_MIXED : kind;
	return kind == TRACE_KIND_MIXED || reads_well(kind, head) ? kind : TRACE_KIND_MIXED;
}

/* ---- cutting ---- */

static bool (*const cuts[TRACE_KIND_COUNT])(struct span line) = {
	[TRACE_KIND_EXPRESSWAY] = expressway_may_begin,
	[TRACE_KIND_SIPSTACK] = sipstack_begins_record,
	[TRACE_KIND_UCCAPI] = uccapi_may_begin,
	[TRACE_KIND_JSON] = json_begins_record,
};

size_t trace_kind_next_record(enum trace_kind kind, struct span text)
{
	bool (*begins)(struct span line) = (unsigned)kind < TRACE_KIND_COUNT ? cuts[kind] : NULL;
	size_t at = 0;
	while (begins && at < text.length) {
		struct span rest = span_from(text, at);
		struct span line = span_first(rest, span_find(rest, '\n'));
		/* Of a line that is not whole nothing is known. */
		if (line.length < rest.length && begins(line))
			return at;
		at += line.length + 1;
	}
	return text.length;
}
