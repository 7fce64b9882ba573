/* SPDX-License-Identifier: Apache-2.0 */
/* Text of several kinds, or damaged: the mender gives segments, each goes to the strict reader of its kind, and what
 * that makes of it gets its place in the text as it stood. */
#include "trace/mixed.h"

#include "base/require.h"
#include "sip/method.h"
#include "trace/mend.h"
#include "trace/stamp_read.h"
#include "trace/text_read.h"

#include <errno.h>
#include <stdlib.h>

struct mixed_state {
	struct trace_mend_state text;
	uint64_t mended;
};

/* What a strict reader was fed: where it begins in its text, and where it stood. */
struct part {
	uint64_t offset, line;
	uint64_t origin, origin_line;
	struct span raw;
	bool as_it_stood;
	bool is_told; /* as unread */
};

struct block;
/* A strict reader and its parts. */
struct lane {
	struct block *block;
	struct trace_reader *reader;
	struct part *parts;
	size_t count, capacity;
	uint64_t offset, line; /* fed so far */
};

#define LANES (TRACE_KIND_PLAIN + 1)

/* One text on its way through. */
struct block {
	struct trace_reader *reader; /* the one for whom all this is done */
	struct lane lanes[LANES];
};

/* ---- places ---- */

static struct part *part_at(struct lane *lane, uint64_t offset)
{
	size_t low = 0, high = lane->count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (lane->parts[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &lane->parts[low];
}

/* The place in the text as it stood. */
static struct trace_place place_of(struct lane *lane, const struct part *part, const struct trace_place *place)
{
	const struct block *block = lane->block;
	struct trace_place there = *place;
	there.line = block->reader->line + part->origin_line + 1;
	there.offset = block->reader->offset + part->origin;
	if (part->as_it_stood) {
		uint64_t from = place->offset - part->offset;
		there.line += place->line - part->line - 1;
		there.offset += from;
		/* The reader may have seen a newline that the text has not. */
		there.raw = span_first(span_from(part->raw, (size_t)from), place->raw.length);
	} else {
		/* A record may have come in several parts: all of them, with what lies between. */
		uint64_t length = place->raw.length > 0 ? place->raw.length - 1 : 0;
		const struct part *last = part_at(lane, place->offset + length);
		there.raw = span_make(part->raw.at, (size_t)(last->raw.at - part->raw.at) + last->raw.length);
	}
	return there;
}

static void take_record(void *argument, const struct record *r, const struct trace_place *place)
{
	struct lane *lane = argument;
	struct trace_reader *reader = lane->block->reader;
	const struct part *part = part_at(lane, place->offset);
	struct trace_place there = place_of(lane, part, place);
	struct mixed_state *state = reader->state;
	state->mended += !part->as_it_stood;
	trace_reader_give(reader, r, &there);
}

static void tell_unread(struct block *block, struct part *part, const char *why)
{
	struct trace_place place = { .line = block->reader->line + part->origin_line + 1,
		.offset = block->reader->offset + part->origin,
		.raw = part->raw };
	if (!part->is_told)
		trace_reader_unread(block->reader, &place, why);
	part->is_told = true;
}

static void take_unread(void *argument, const struct trace_place *place, const char *why)
{
	struct lane *lane = argument;
	tell_unread(lane->block, part_at(lane, place->offset), why);
}

/* ---- lanes ---- */

static int32_t utc_offset_s(void *argument, int64_t local_us)
{
	const struct lane *lane = argument;
	const struct trace_reader_settings *settings = &lane->block->reader->settings;
	return settings->utc_offset_s(settings->argument, local_us);
}

static bool open_lane(struct lane *lane, enum trace_kind kind)
{
	if (!lane->reader) {
		struct trace_reader_settings settings = lane->block->reader->settings;
		settings.kind = kind;
		settings.take = take_record;
		settings.unread = take_unread;
		settings.utc_offset_s = settings.utc_offset_s ? utc_offset_s : NULL;
		settings.argument = lane;
		lane->reader = trace_reader_new(&settings);
	}
	return lane->reader;
}

static bool add_part(struct lane *lane, struct part part)
{
	if (lane->count == lane->capacity) {
		size_t capacity = lane->capacity ? 2 * lane->capacity : 16;
		struct part *parts = realloc(lane->parts, capacity * sizeof(*parts));
		if (!parts)
			return false;
		lane->parts = parts;
		lane->capacity = capacity;
	}
	lane->parts[lane->count++] = part;
	return true;
}

static uint64_t count_lines(struct span text)
{
	uint64_t count = 0;
	for (size_t at; (at = span_find(text, '\n')) < text.length; text = span_from(text, at + 1))
		count++;
	return count;
}

/* A text without a newline at its end gets one: another segment follows. */
static bool feed_lane(struct lane *lane, struct span text)
{
	bool is_open = text.length > 0 && text.at[text.length - 1] != '\n';
	lane->offset += text.length + is_open;
	lane->line += count_lines(text) + is_open;
	return trace_reader_feed(lane->reader, text) == 0 &&
	       (!is_open || trace_reader_feed(lane->reader, SPAN("\n")) == 0);
}

static void take_log(struct block *block, const struct trace_mend_segment *segment)
{
	struct lane *lane = &block->lanes[segment->kind];
	struct part part = { .offset = lane->offset,
		.line = lane->line,
		.origin = segment->offset,
		.origin_line = segment->line,
		.raw = segment->raw,
		.as_it_stood = segment->as_it_stood };
	lane->block = block;
	if (!open_lane(lane, segment->kind) || !add_part(lane, part) || !feed_lane(lane, segment->text))
		tell_unread(block, &part, "no memory was left to read it");
}

/* ---- what needs no reader ---- */

static void give(struct block *block, const struct record *r, const struct trace_mend_segment *segment)
{
	struct trace_place place = { .line = block->reader->line + segment->line + 1,
		.offset = block->reader->offset + segment->offset,
		.raw = segment->raw };
	struct mixed_state *state = block->reader->state;
	state->mended++;
	trace_reader_give(block->reader, r, &place);
}

static void take_message(struct block *block, const struct trace_mend_segment *segment)
{
	struct record r = { .kind = RECORD_MESSAGE, .message.direction = RECORD_PASSED };
	arena_reset(&block->reader->arena);
	r.message.bytes = trace_read_message(&block->reader->arena, segment->text, segment->body);
	give(block, &r, segment);
}

/* The words of an answer, as a search history shows them: whatever stands before or behind. */
static struct span find_reason(struct span text)
{
	static const char *const reasons[] = { "Server time-out", "Server Time-out", "Server timeout", "Not Found",
		"Forbidden", "Unauthorized", "Busy Here", "Busy Everywhere", "Request Timeout", "Request Terminated",
		"Request Cancelled", "Temporarily Unavailable", "Temporarily not available", "Not Acceptable Here",
		"Not Acceptable", "Service Unavailable", "Server Internal Error", "Bad Gateway", "Not Implemented",
		"Bad Request", "Bad Extension", "Gone", "Decline", "Loop Detected", "Too Many Hops", "Ambiguous",
		"Call/Transaction Does Not Exist", "Address Incomplete", "Does Not Exist Anywhere",
		"Version Not Supported", "Message Too Large", "Method Not Allowed", "Unsupported Media Type",
		"Internal Error", "Timeout" };
	for (size_t i = 0; i < BASE_COUNT(reasons); i++) {
		size_t at = span_find_span(text, span_of(reasons[i]));
		if (at < text.length)
			return span_first(span_from(text, at), strlen(reasons[i]));
	}
	return SPAN_NONE;
}

static struct span cut_word(struct span *rest)
{
	while (rest->length > 0 && rest->at[0] == ' ')
		*rest = span_from(*rest, 1);
	struct span word = span_first(*rest, span_find(*rest, ' '));
	*rest = span_from(*rest, word.length);
	return word;
}

/* "sip.user@domain": an alias of a search has its scheme in front, the colon was lost. */
static struct span alias_of(struct arena *arena, struct span word)
{
	if (!span_starts_nocase(word, SPAN("sip.")) || span_find(word, '@') == word.length)
		return word;
	return arena_printf(arena, "sip:%.*s", SPAN_PRINT(span_from(word, 4)));
}

/* "2017-03-08 15:42:02 SIP (INVITE) sip:a@b [sip:c@d] … Server time-out …" */
static void take_search(struct block *block, const struct trace_mend_segment *segment)
{
	struct trace_reader *reader = block->reader;
	struct record r = { .kind = RECORD_SEARCH };
	struct record_search *s = &r.search;
	int32_t offset_s;
	arena_reset(&reader->arena);
	size_t used = trace_stamp_read(segment->text, false, &r.head.time_us);
	struct span rest = span_from(segment->text, used);
	size_t zone = trace_stamp_read_offset(rest, &offset_s);
	if (zone == 0)
		offset_s = reader->settings.utc_offset_s
				   ? reader->settings.utc_offset_s(reader->settings.argument, r.head.time_us)
				   : 0;
	r.head.time_us -= (int64_t)offset_s * 1000000;
	rest = span_from(rest, span_find(rest, '(') + 1);
	s->event = RECORD_SEARCH_COMPLETED;
	s->method = span_trim(span_first(rest, span_find(rest, ')')));
	rest = span_from(rest, span_find(rest, ')') + 1);
	s->destination = alias_of(&reader->arena, cut_word(&rest));
	struct span second = rest;
	second = cut_word(&second);
	if (span_find(second, '@') < second.length) {
		s->source = s->destination;
		s->destination = alias_of(&reader->arena, cut_word(&rest));
	}
	s->reason = find_reason(rest);
	s->found = !s->reason.at;
	s->detail = span_trim(rest);
	give(block, &r, segment);
}

/* ---- a block ---- */

static void take_segment(void *argument, const struct trace_mend_segment *segment)
{
	struct block *block = argument;
	struct part part = { .origin = segment->offset, .origin_line = segment->line, .raw = segment->raw };
	switch (segment->kind) {
	case TRACE_KIND_EXPRESSWAY:
	case TRACE_KIND_SIPSTACK:
	case TRACE_KIND_UCCAPI:
	case TRACE_KIND_JSON:
		take_log(block, segment);
		break;
	case TRACE_KIND_PLAIN:
		if (segment->is_alone)
			take_message(block, segment);
		else
			take_log(block, segment);
		break;
	case TRACE_KIND_MIXED:
		take_search(block, segment);
		break;
	default:
		tell_unread(block, &part, "a line of no log that is known");
		break;
	}
}

static void close_lanes(struct block *block)
{
	for (size_t i = 0; i < LANES; i++) {
		struct lane *lane = &block->lanes[i];
		if (!lane->reader)
			continue;
		trace_reader_end(lane->reader);
		block->reader->counts.other += trace_reader_counts(lane->reader)->other;
		trace_reader_free(lane->reader);
		free(lane->parts);
	}
}

size_t trace_mixed_read(struct trace_reader *reader, struct span text, bool last)
{
	struct mixed_state *state = reader->state;
	size_t done = 0;
	while (done < text.length) {
		struct block block = { .reader = reader };
		uint64_t lines;
		size_t used = trace_mend(&state->text, span_from(text, done), last, take_segment, &block, &lines);
		close_lanes(&block);
		reader->line += lines;
		reader->counts.lines += lines;
		reader->offset += used;
		done += used;
		if (!last)
			break;
	}
	if (last && text.length > 0 && text.at[text.length - 1] != '\n') {
		reader->line++;
		reader->counts.lines++;
	}
	return done;
}

uint64_t trace_mixed_mended(const struct trace_reader *reader)
{
	const struct mixed_state *state = reader->state;
	return state->mended;
}

/* Of text that comes in pieces a block is read at a time. */
static size_t read_mixed(struct trace_reader *reader, struct span text, bool last)
{
	uint64_t offset = reader->offset;
	if (!last && (text.length < TRACE_RECORD_MAXIMUM || span_find(text, '\n') == text.length))
		return 0;
	size_t used = trace_mixed_read(reader, text, last);
	reader->offset = offset; /* the caller's to move */
	return used;
}

const struct trace_reading trace_reading_mixed = { .state_size = sizeof(struct mixed_state), .read = read_mixed };
