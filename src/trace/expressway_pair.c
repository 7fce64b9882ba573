/* SPDX-License-Identifier: Apache-2.0 */
/* A summary and its message, one right behind the other, as nearly all of a log is: neither line is taken apart where
 * both say what lines before them said. Anything unusual is left to expressway_read.c, which gives the same. */
#include "trace/expressway_private.h"
#include "trace/text_read.h"

/* ---- the summary ---- */

/* Where the summary's number stands, which ends its line but for the session identifiers. */
static struct span summary_digits(struct span line)
{
	static const struct span local = { ", Local-SessionID=", 18 }, remote = { ", Remote-SessionID=", 19 };
	static const struct span hash = { ", Msg-Hash=", 11 };
	/* Both identifiers have 32 digits, or none is said. */
	for (size_t digits = 0; digits <= 32; digits += 32) {
		size_t tail = local.length + remote.length + 2 * digits + 1;
		if (line.length < tail + hash.length + 20)
			return SPAN_NONE;
		const char *at = line.at + line.length - tail, *end = at;
		if (memcmp(at, local.at, local.length) != 0 ||
			memcmp(at + local.length + digits, remote.at, remote.length) != 0 ||
			line.at[line.length - 1] != '"')
			continue;
		while (end - at < 20 && at[-1] >= '0' && at[-1] <= '9')
			at--;
		bool is_hash = end > at && memcmp(at - hash.length, hash.at, hash.length) == 0;
		return is_hash ? span_make(at, (size_t)(end - at)) : SPAN_NONE;
	}
	return SPAN_NONE;
}

/* ---- either line ---- */

#define UTC_LENGTH 23

/* What a line of network.sip begins with, where it is of the box and the second of the line before. */
struct usual {
	struct span front; /* with all keys before the level */
	struct span node;
	int64_t time_us;
};

static bool read_usual(struct expressway_state *state, struct span line, struct usual *ret_usual)
{
	static const struct span time = { "UTCTime=\"", 9 }, keys = { "\" Module=\"network.sip\" Level=\"", 30 };
	const size_t fixed = time.length + UTC_LENGTH + keys.length;
	struct expressway_front front;
	if (!expressway_read_known_front(state, line, &front) || line.length < front.length + fixed)
		return false;
	const char *at = line.at + front.length, *stamp = at + time.length;
	ret_usual->front = span_first(line, front.length + fixed);
	ret_usual->node = front.node;
	return memcmp(at, time.at, time.length) == 0 && memcmp(stamp, state->utc_stamp.text, 19) == 0 &&
	       memcmp(stamp + UTC_LENGTH, keys.at, keys.length) == 0 &&
	       expressway_read_utc(state, span_make(stamp, UTC_LENGTH), &ret_usual->time_us);
}

/* What follows the front and the level, which must be that one; absent where it is another. */
static struct span behind_level(struct span line, struct span front, struct span level)
{
	struct span rest = span_from(line, front.length);
	bool is_level = rest.length > level.length && memcmp(rest.at, level.at, level.length) == 0;
	return is_level ? span_from(rest, level.length) : SPAN_NONE;
}

static bool ends_with_hash(struct span line, struct span digits)
{
	static const struct span key = { " Msg-Hash=\"", 11 };
	size_t length = key.length + digits.length + 1;
	const char *at = line.at + line.length - length;
	return line.length > length && memcmp(at, key.at, key.length) == 0 &&
	       memcmp(at + key.length, digits.at, digits.length) == 0 && line.at[line.length - 1] == '"';
}

/* ---- the line of the message ---- */

static struct expressway_ends *slot_of(struct expressway_state *state, struct span text)
{
	uint64_t word, hash = text.length;
	/* The ports, by which connections differ, stand near the end. */
	for (size_t i = text.length % sizeof(word); i < text.length; i += sizeof(word)) {
		memcpy(&word, text.at + i, sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return &state->ends[(hash >> 32) % EXPRESSWAY_ENDS_MAXIMUM];
}

static bool take_ends(struct expressway_state *state, struct span text, struct record_message *m)
{
	const struct expressway_ends *known = slot_of(state, text);
	if (known->length != text.length || memcmp(known->text, text.at, text.length) != 0)
		return false;
	m->direction = known->direction;
	m->local = known->local;
	m->remote = known->remote;
	return true;
}

static void keep_ends(struct expressway_state *state, struct span text, const struct record_message *m)
{
	struct expressway_ends *known = slot_of(state, text);
	known->length = text.length;
	memcpy(known->text, text.at, text.length);
	known->direction = m->direction;
	known->local = m->local;
	known->remote = m->remote;
}

/* From the keys, as any other line is read. */
static bool read_ends(struct trace_reader *reader, struct span text, struct record *ret_record)
{
	struct expressway_line line;
	if (!expressway_read_text(reader, text, &line) || !line.is_sip || line.known[EXPRESSWAY_DETAIL].at)
		return false;
	ret_record->head = line.head;
	expressway_read_ends(reader->state, &line, &ret_record->message);
	return true;
}

/* The line of a message, all but its bytes. It nearly always begins as its summary does, with the same time. Then
 * only the ends of its connection stand between level and hash: the same text says the same. */
static bool read_head(struct trace_reader *reader, const struct usual *summary, struct span text, struct span digits,
	struct record *ret_record)
{
	static const struct span level = { "DEBUG\":", 7 };
	struct expressway_state *state = reader->state;
	struct record *r = ret_record;
	*r = (struct record){ .kind = RECORD_MESSAGE };
	if (!ends_with_hash(text, digits))
		return false;
	bool is_alike =
		text.length > summary->front.length && memcmp(text.at, summary->front.at, summary->front.length) == 0;
	struct span ends = is_alike ? behind_level(text, summary->front, level) : SPAN_NONE;
	size_t tail = sizeof(" Msg-Hash=\"\"") - 1 + digits.length;
	bool is_usual = ends.length > tail && ends.length - tail <= EXPRESSWAY_ENDS_TEXT;
	ends = span_first(ends, is_usual ? ends.length - tail : 0);
	if (is_usual && take_ends(state, ends, &r->message)) {
		r->head.time_us = summary->time_us;
		r->head.node = trace_read_escaped(&reader->arena, summary->node);
		return true;
	}
	if (!expressway_begins_line(text) || !read_ends(reader, text, r))
		return false;
	if (is_usual)
		keep_ends(state, ends, &r->message);
	return true;
}

/* ---- both ---- */

size_t expressway_read_pair(struct trace_reader *reader, struct span text, struct span summary, size_t first, bool last)
{
	static const struct span level = { "INFO\":", 6 };
	struct expressway_state *state = reader->state;
	struct expressway_follower follower;
	struct usual usual;
	struct record r;
	struct span raw, digits, rest = span_from(text, first);
	size_t whole;
	if (state->summary_count > 0 || state->failure.waits || !read_usual(state, summary, &usual) ||
		!behind_level(summary, usual.front, level).at)
		return 0;
	digits = summary_digits(summary);
	uint64_t hash = expressway_number_of(digits, UINT64_MAX);
	if (hash == 0 || !trace_reader_line(rest, last, &raw, &whole) || !read_head(reader, &usual, raw, digits, &r) ||
		!expressway_find_message(reader, span_from(rest, whole), last, &follower) || !follower.is_message)
		return 0;
	struct span sessions = span_make(digits.at, (size_t)(summary.at + summary.length - 1 - digits.at));
	if (!expressway_was_given(state, hash) && !span_equal(span_from(sessions, sessions.length - 1), SPAN("=")))
		expressway_take_sessions(sessions, &r.head);
	whole += follower.whole;
	struct trace_place place = {
		.line = reader->line + 2, .offset = reader->offset + first, .raw = span_first(rest, whole)
	};
	reader->line += 2 + follower.lines;
	reader->counts.lines += 2 + follower.lines;
	reader->counts.other++;
	r.message.hash = hash;
	r.message.bytes = follower.bytes;
	expressway_give_message(reader, &r, &place);
	return first + whole;
}
