/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/whole.h"

#include "base/require.h"
#include "record/pack.h"
#include "trace/mend.h"
#include "trace/mixed.h"
#include "trace/utf16.h"

#include <errno.h>
#include <stdlib.h>

/* So much of a text tells whether it is damaged throughout: what was pasted somewhere is short. */
#define HEAD_MAXIMUM (256u << 10)
/* Lines that belong to what could not be read may stand so far apart. */
#define GAP_MAXIMUM 4096
/* Damaged lines go to the mender when so many have come together. */
#define REGION_MAXIMUM TRACE_RECORD_MAXIMUM

/* How a file is read. */
enum way {
	WAY_STRAIGHT, /* no text, or nothing that mending would help */
	WAY_HELD, /* all of it, at its end */
	WAY_STREAM,
};

/* Lines that the strict reader left, with what belongs to them. */
struct region {
	struct buffer text;
	uint64_t offset, line; /* of its first byte, lines before it */
	bool is_open;
};

/* The last record, while it is not known whether the lines behind it belong to it. */
struct pending {
	struct buffer packed, raw;
	struct trace_place place;
	bool is_full;
};

struct trace_whole {
	struct trace_reader_settings settings; /* the caller's */
	enum way way;
	struct trace_reader *reader; /* straight and stream */
	struct trace_reader_counts counts;
	uint64_t mended;
	struct buffer held;
	struct utf16 utf16;
	struct buffer decoded;
	/* Of a stream: */
	bool has_begun;
	struct span piece; /* being fed */
	struct region region;
	struct pending pending;
	uint64_t given_to; /* offset behind the last record */
	uint64_t last_line; /* of the last record or unread line */
	uint64_t doubled; /* lines counted as other that went to the mender */
};

static bool is_text(enum trace_kind kind)
{
	return kind <= TRACE_KIND_MIXED;
}

/* ---- what comes out ---- */

static void give(void *argument, const struct record *r, const struct trace_place *place)
{
	struct trace_whole *whole = argument;
	whole->counts.records++;
	whole->settings.take(whole->settings.argument, r, place);
}

static void tell(void *argument, const struct trace_place *place, const char *why)
{
	struct trace_whole *whole = argument;
	whole->counts.unread++;
	if (whole->settings.unread)
		whole->settings.unread(whole->settings.argument, place, why);
}

static int32_t utc_offset_s(void *argument, int64_t local_us)
{
	const struct trace_whole *whole = argument;
	return whole->settings.utc_offset_s(whole->settings.argument, local_us);
}

/* Its functions get this text for their argument. */
static struct trace_reader *reader_for(struct trace_whole *whole, enum trace_kind kind,
	void (*take)(void *argument, const struct record *r, const struct trace_place *place),
	void (*unread)(void *argument, const struct trace_place *place, const char *why))
{
	struct trace_reader_settings settings = whole->settings;
	settings.kind = kind;
	settings.take = take;
	settings.unread = unread;
	settings.utc_offset_s = whole->settings.utc_offset_s ? utc_offset_s : NULL;
	settings.argument = whole;
	return trace_reader_new(&settings);
}

/* Through the mender; the text begins at that place of the file. */
static int read_mixed(struct trace_whole *whole, struct span text, uint64_t offset, uint64_t line, bool counts_lines)
{
	struct trace_reader *reader = reader_for(whole, TRACE_KIND_MIXED, give, tell);
	if (!reader)
		return -ENOMEM;
	reader->offset = offset;
	reader->line = line;
	(void)trace_mixed_read(reader, text, true);
	whole->counts.other += reader->counts.other;
	if (counts_lines)
		whole->counts.lines += reader->counts.lines;
	whole->mended += trace_mixed_mended(reader);
	trace_reader_free(reader);
	return 0;
}

/* ---- a text that is held ---- */

/* What a first reading shows. */
struct trial {
	enum trace_kind kind;
	bool is_suspicious;
};

static void try_record(void *argument, const struct record *r, const struct trace_place *place)
{
	struct trial *trial = argument;
	trial->is_suspicious = trial->is_suspicious || trace_mend_is_suspicious(trial->kind, r, place);
}

/* Whether the text, or what it begins with, is to be mended as a whole: 1, 0, or -ENOMEM. A long one has no more than a
 * line in fifty that cannot be read: such lines are mended by themselves. */
static int is_damaged(enum trace_kind kind, struct span text, bool is_all)
{
	struct trial trial = { .kind = kind };
	const struct trace_reader_settings settings = { .kind = kind, .take = try_record, .argument = &trial };
	if (kind == TRACE_KIND_MIXED)
		return 1;
	struct trace_reader *reader = trace_reader_new(&settings);
	if (!reader)
		return -ENOMEM;
	int status = trace_reader_feed(reader, text);
	/* The last record of a head is cut. */
	if (is_all)
		trace_reader_end(reader);
	struct trace_reader_counts counts = *trace_reader_counts(reader);
	trace_reader_free(reader);
	if (status)
		return status;
	/* Plain SIP has many shapes: what its own reader finds is better than what is found without their headings. */
	if (kind == TRACE_KIND_PLAIN)
		return counts.records == 0;
	return (is_all ? counts.unread > 0 : counts.unread * 50 > counts.lines) || trial.is_suspicious ||
	       trace_mend_has_marks(kind, text) || trace_mend_is_joined(kind, text);
}

static int read_strictly(struct trace_whole *whole, struct span text)
{
	struct trace_reader *reader = reader_for(whole, whole->settings.kind, give, tell);
	if (!reader)
		return -ENOMEM;
	int status = trace_reader_feed(reader, text);
	trace_reader_end(reader);
	whole->counts.lines += reader->counts.lines;
	whole->counts.other += reader->counts.other;
	trace_reader_free(reader);
	return status;
}

/* ---- a stream ---- */

static void give_pending(struct trace_whole *whole)
{
	struct pending *p = &whole->pending;
	struct record_unpacked record;
	if (!p->is_full)
		return;
	p->is_full = false;
	p->place.raw = buffer_span(&p->raw);
	if (record_unpack(buffer_span(&p->packed), &record) == 0)
		give(whole, &record.record, &p->place);
}

static bool keep_pending(struct trace_whole *whole, const struct record *r, const struct trace_place *place)
{
	struct pending *p = &whole->pending;
	buffer_clear(&p->packed);
	buffer_clear(&p->raw);
	if (record_pack_to(r, &p->packed) != 0 || buffer_append(&p->raw, place->raw) != 0)
		return false;
	p->place = *place;
	p->is_full = true;
	return true;
}

static void close_region(struct trace_whole *whole)
{
	struct region *region = &whole->region;
	if (!region->is_open)
		return;
	region->is_open = false;
	struct span text = buffer_span(&region->text);
	if (read_mixed(whole, text, region->offset, region->line, false) != 0) {
		struct trace_place place = { .line = region->line + 1, .offset = region->offset, .raw = text };
		tell(whole, &place, "no memory was left to mend it");
	}
	buffer_clear(&region->text);
}

static void open_region(struct trace_whole *whole, uint64_t offset, uint64_t line, struct span text)
{
	struct region *region = &whole->region;
	buffer_clear(&region->text);
	(void)buffer_append(&region->text, text);
	region->offset = offset;
	region->line = line - 1;
	region->is_open = true;
}

/* The text of the piece between that offset and the lines at hand; absent where they do not lie in the piece. */
static struct span text_before(const struct trace_whole *whole, struct span raw, uint64_t length)
{
	const char *begin = whole->piece.at;
	if (!begin || raw.at < begin || raw.at >= begin + whole->piece.length || (uint64_t)(raw.at - begin) < length)
		return SPAN_NONE;
	return span_make(raw.at - length, (size_t)length);
}

/* The line in front of what could not be read: its beginning, which the strict reader took for a line of its own. */
static struct span line_before(const struct trace_whole *whole, const struct trace_place *place)
{
	const char *begin = whole->piece.at;
	if (!text_before(whole, place->raw, 1).at)
		return SPAN_NONE;
	const char *at = place->raw.at - 1;
	while (at > begin && at[-1] != '\n' && place->raw.at - at < GAP_MAXIMUM)
		at--;
	size_t length = (size_t)(place->raw.at - at);
	bool is_cut = at == begin && place->offset > length;
	if (is_cut || place->offset - length < whole->given_to || span_trim(span_make(at, length)).length == 0)
		return SPAN_NONE;
	return span_make(at, length);
}

/* The byte that a record's lines begin with, after a record that is whole. */
static bool is_followed_well(const struct trace_whole *whole, const struct trace_place *place)
{
	const char *next = place->raw.at + place->raw.length;
	const char *begin = whole->piece.at;
	if (!begin || place->raw.at < begin || next >= begin + whole->piece.length)
		return false;
	switch (whole->settings.kind) {
	case TRACE_KIND_SIPSTACK:
		return *next == 'T' || *next == '\n' || *next == '\r';
	case TRACE_KIND_JSON:
		return *next == '{' || *next == '\n' || *next == '\r';
	default:
		return (*next >= '0' && *next <= '9') || *next == '\n' || *next == '\r' || *next == '<';
	}
}

static void take_streamed(void *argument, const struct record *r, const struct trace_place *place)
{
	struct trace_whole *whole = argument;
	if (place->offset < whole->given_to) {
		/* One that waited for another. */
		give(whole, r, place);
		return;
	}
	give_pending(whole);
	close_region(whole);
	whole->given_to = place->offset + place->raw.length;
	if (trace_mend_is_odd(whole->settings.kind, r, place))
		open_region(whole, place->offset, place->line, place->raw);
	else if (is_followed_well(whole, place) || !keep_pending(whole, r, place))
		give(whole, r, place);
}

/* What stands before an unread line and belongs to it opens the region. */
static void open_with_what_precedes(struct trace_whole *whole, const struct trace_place *place)
{
	struct pending *p = &whole->pending;
	if (p->is_full && p->place.offset + p->raw.length == place->offset) {
		p->is_full = false;
		open_region(whole, p->place.offset, p->place.line, buffer_span(&p->raw));
		return;
	}
	give_pending(whole);
	struct span before = line_before(whole, place);
	whole->doubled += before.length > 0;
	open_region(whole, place->offset - before.length, place->line - (before.length > 0), before);
}

static void take_unread(void *argument, const struct trace_place *place, const char *why)
{
	struct trace_whole *whole = argument;
	struct region *region = &whole->region;
	if (strcmp(why, TRACE_READER_TOO_LONG) == 0) {
		give_pending(whole);
		close_region(whole);
		tell(whole, place, why);
		return;
	}
	uint64_t end = region->offset + region->text.length;
	if (region->is_open && end < place->offset) {
		struct span gap = place->offset - end <= GAP_MAXIMUM
					  ? text_before(whole, place->raw, place->offset - end)
					  : SPAN_NONE;
		if (gap.at)
			(void)buffer_append(&region->text, gap);
		else
			close_region(whole);
	}
	if (region->is_open && region->text.length + place->raw.length > REGION_MAXIMUM)
		close_region(whole);
	if (!region->is_open)
		open_with_what_precedes(whole, place);
	(void)buffer_append(&region->text, place->raw);
}

static int feed_stream(struct trace_whole *whole, struct span piece)
{
	whole->piece = piece;
	int status = trace_reader_feed(whole->reader, piece);
	whole->piece = SPAN_NONE;
	/* Whoever follows a file must not wait for what comes next. */
	give_pending(whole);
	return status;
}

static int feed_decoded(struct trace_whole *whole, struct span piece)
{
	if (!whole->has_begun && piece.length > 0) {
		utf16_begin(&whole->utf16, piece);
		whole->has_begun = true;
	}
	if (!whole->utf16.is_on)
		return feed_stream(whole, piece);
	while (piece.length > 0) {
		struct span part = span_first(piece, TRACE_RECORD_MAXIMUM);
		buffer_clear(&whole->decoded);
		if (utf16_decode(&whole->utf16, part, &whole->decoded) != 0 ||
			feed_stream(whole, buffer_span(&whole->decoded)) != 0)
			return -ENOMEM;
		piece = span_from(piece, part.length);
	}
	return 0;
}

static bool begin_stream(struct trace_whole *whole)
{
	whole->way = WAY_STREAM;
	enum trace_kind kind = whole->settings.kind;
	whole->reader = kind == TRACE_KIND_MIXED || kind == TRACE_KIND_PLAIN
				? reader_for(whole, kind, give, tell)
				: reader_for(whole, whole->settings.kind, take_streamed, take_unread);
	return whole->reader;
}

/* ---- at the end of what was held ---- */

/* As much of it as tells whether it is damaged: whole lines. */
static struct span head_of(struct span text)
{
	size_t length = text.length;
	if (length <= HEAD_MAXIMUM)
		return text;
	for (length = HEAD_MAXIMUM; length > 0 && text.at[length - 1] != '\n';)
		length--;
	return span_first(text, length > 0 ? length : HEAD_MAXIMUM);
}

/* Reads all of it, or goes over to the way of a stream. */
static int read_held(struct trace_whole *whole)
{
	struct span text = buffer_span(&whole->held);
	enum trace_kind kind = whole->settings.kind;
	utf16_begin(&whole->utf16, text);
	if (whole->utf16.is_on) {
		if (utf16_decode(&whole->utf16, text, &whole->decoded) != 0)
			return -ENOMEM;
		text = buffer_span(&whole->decoded);
	}
	struct span head = head_of(text);
	bool is_all = head.length == text.length;
	int damaged = is_damaged(kind, head, is_all);
	if (damaged < 0)
		return damaged;
	if (damaged)
		return read_mixed(whole, text, 0, 0, true);
	if (is_all || kind == TRACE_KIND_PLAIN)
		return read_strictly(whole, text);
	return begin_stream(whole) ? feed_stream(whole, text) : -ENOMEM;
}

/* ---- from outside ---- */

struct trace_whole *trace_whole_new(const struct trace_reader_settings *settings, bool is_stream)
{
	struct trace_whole *whole = calloc(1, sizeof(*whole));
	if (!whole)
		return NULL;
	whole->settings = *settings;
	buffer_init(&whole->held, TRACE_WHOLE_MAXIMUM);
	buffer_init(&whole->decoded, 2 * TRACE_WHOLE_MAXIMUM);
	buffer_init(&whole->region.text, 2 * REGION_MAXIMUM + TRACE_RECORD_MAXIMUM);
	buffer_init(&whole->pending.packed, 4 * TRACE_RECORD_MAXIMUM);
	buffer_init(&whole->pending.raw, 2 * TRACE_RECORD_MAXIMUM);
	bool good = true;
	if (!is_text(settings->kind)) {
		whole->way = WAY_STRAIGHT;
		whole->reader = reader_for(whole, settings->kind, give, tell);
		good = whole->reader;
	} else if (is_stream) {
		good = begin_stream(whole);
	} else {
		/* Only to see whether it can be read. */
		struct trace_reader *reader = reader_for(whole, settings->kind, give, tell);
		good = reader;
		trace_reader_free(reader);
		whole->way = WAY_HELD;
	}
	return good ? whole : trace_whole_free(whole);
}

struct trace_whole *trace_whole_free(struct trace_whole *whole)
{
	if (whole) {
		trace_reader_free(whole->reader);
		buffer_done(&whole->held);
		buffer_done(&whole->decoded);
		buffer_done(&whole->region.text);
		buffer_done(&whole->pending.packed);
		buffer_done(&whole->pending.raw);
		free(whole);
	}
	return NULL;
}

int trace_whole_feed(struct trace_whole *whole, struct span piece)
{
	whole->counts.bytes += piece.length;
	if (whole->way == WAY_STRAIGHT)
		return trace_reader_feed(whole->reader, piece);
	if (whole->way == WAY_STREAM)
		return feed_decoded(whole, piece);
	if (piece.length <= TRACE_WHOLE_MAXIMUM - whole->held.length)
		return buffer_append(&whole->held, piece) == 0 ? 0 : -ENOMEM;
	/* Too long to be held: from here on as it comes. */
	if (!begin_stream(whole))
		return -ENOMEM;
	int status = feed_decoded(whole, buffer_span(&whole->held));
	buffer_done(&whole->held);
	return status ? status : feed_decoded(whole, piece);
}

int trace_whole_end(struct trace_whole *whole)
{
	int status = whole->way == WAY_HELD ? read_held(whole) : 0;
	if (whole->way == WAY_HELD || status != 0)
		return status;
	trace_reader_end(whole->reader);
	give_pending(whole);
	close_region(whole);
	whole->counts.lines = whole->reader->counts.lines;
	whole->counts.other += whole->reader->counts.other;
	whole->counts.other -= whole->doubled < whole->counts.other ? whole->doubled : whole->counts.other;
	if (whole->settings.kind == TRACE_KIND_MIXED)
		whole->mended = trace_mixed_mended(whole->reader);
	return 0;
}

const struct trace_reader_counts *trace_whole_counts(const struct trace_whole *whole)
{
	return &whole->counts;
}

uint64_t trace_whole_mended(const struct trace_whole *whole)
{
	return whole->mended;
}
