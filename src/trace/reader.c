/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/reader_private.h"

#include <errno.h>
#include <stdlib.h>

/* The largest record, copied as often as any reader does it: with indents taken off, line ends put in, doubled. */
#define ARENA_MAXIMUM (16 * TRACE_RECORD_MAXIMUM)

static const struct trace_reading *reading_of(enum trace_kind kind)
{
	static const struct trace_reading *const readings[TRACE_KIND_COUNT] = {
		[TRACE_KIND_EXPRESSWAY] = &trace_reading_expressway,
		[TRACE_KIND_SIPSTACK] = &trace_reading_sipstack,
		[TRACE_KIND_UCCAPI] = &trace_reading_uccapi,
		[TRACE_KIND_JSON] = &trace_reading_json,
		[TRACE_KIND_PLAIN] = &trace_reading_plain,
		[TRACE_KIND_MIXED] = &trace_reading_mixed,
		[TRACE_KIND_CAPTURE] = &trace_reading_capture,
		[TRACE_KIND_HEP] = &trace_reading_hep,
		[TRACE_KIND_DUMP] = &trace_reading_dump,
	};
	return (unsigned)kind < TRACE_KIND_COUNT ? readings[kind] : NULL;
}

struct trace_reader *trace_reader_new(const struct trace_reader_settings *settings)
{
	const struct trace_reading *reading = reading_of(settings->kind);
	struct trace_reader *reader = reading ? calloc(1, sizeof(*reader)) : NULL;
	if (!reader)
		return NULL;
	reader->settings = *settings;
	reader->reading = reading;
	buffer_init(&reader->carry, 2 * TRACE_RECORD_MAXIMUM);
	arena_init(&reader->arena, ARENA_MAXIMUM);
	if (reading->state_size) {
		reader->state = calloc(1, reading->state_size);
		if (!reader->state)
			return trace_reader_free(reader);
	}
	return reader;
}

struct trace_reader *trace_reader_free(struct trace_reader *reader)
{
	if (reader) {
		if (reader->state && reader->reading->free)
			reader->reading->free(reader);
		buffer_done(&reader->carry);
		arena_done(&reader->arena);
		free(reader->state);
		free(reader);
	}
	return NULL;
}

const struct trace_reader_counts *trace_reader_counts(const struct trace_reader *reader)
{
	return &reader->counts;
}

bool trace_reader_line(struct span text, bool last, struct span *ret_line, size_t *ret_whole)
{
	size_t end = span_find(text, '\n');
	if (text.length == 0 || (end == text.length && !last))
		return false;
	*ret_whole = end == text.length ? end : end + 1;
	if (end > 0 && text.at[end - 1] == '\r')
		end--;
	*ret_line = span_first(text, end);
	return true;
}

void trace_reader_give(struct trace_reader *reader, const struct record *r, const struct trace_place *place)
{
	reader->counts.records++;
	reader->settings.take(reader->settings.argument, r, place);
}

void trace_reader_unread(struct trace_reader *reader, const struct trace_place *place, const char *why)
{
	reader->counts.unread++;
	if (reader->settings.unread)
		reader->settings.unread(reader->settings.argument, place, why);
}

/* The rest of a line that is too long is passed over. Gives how much of the text that is. */
static size_t skip(struct trace_reader *reader, struct span text)
{
	size_t end = span_find(text, '\n');
	if (end == text.length) {
		reader->offset += end;
		return end;
	}
	reader->skipping = false;
	reader->line++;
	reader->counts.lines++;
	reader->offset += end + 1;
	return end + 1;
}

static void begin_skipping(struct trace_reader *reader, struct span text)
{
	struct trace_place place = { .line = reader->line + 1, .offset = reader->offset, .raw = span_first(text, 256) };
	trace_reader_unread(reader, &place, TRACE_READER_TOO_LONG);
	reader->skipping = true;
}

/* Gives the bytes that need not be kept. */
static size_t read_some(struct trace_reader *reader, struct span text, bool last)
{
	size_t done = 0;
	while (done < text.length) {
		struct span rest = span_from(text, done);
		if (reader->skipping) {
			done += skip(reader, rest);
			continue;
		}
		size_t used = reader->reading->read(reader, rest, last);
		reader->offset += used;
		done += used;
		if (used == 0 && rest.length > TRACE_RECORD_MAXIMUM)
			begin_skipping(reader, rest);
		else if (used == 0)
			break;
	}
	return done;
}

/* Enough to go on: what is kept is doubled each time, up to the end of a line, so that a record which comes in many
 * pieces is not read from its front once a line. */
static struct span next_part(const struct trace_reader *reader, struct span piece)
{
	size_t start = reader->carry.length < piece.length ? reader->carry.length : piece.length;
	if (reader->needed > reader->carry.length)
		return span_first(piece, reader->needed - reader->carry.length);
	size_t end = start + span_find(span_from(piece, start), '\n');
	end = end < piece.length ? end + 1 : piece.length;
	return span_first(piece, end < TRACE_RECORD_MAXIMUM ? end : TRACE_RECORD_MAXIMUM);
}

int trace_reader_feed(struct trace_reader *reader, struct span piece)
{
	reader->counts.bytes += piece.length;
	while (piece.length > 0 && reader->carry.length > 0) {
		struct span part = next_part(reader, piece);
		if (buffer_append(&reader->carry, part) != 0)
			return -ENOMEM;
		buffer_consume(&reader->carry, read_some(reader, buffer_span(&reader->carry), false));
		piece = span_from(piece, part.length);
	}
	/* The rest is read where it lies. */
	size_t used = read_some(reader, piece, false);
	return used < piece.length ? buffer_append(&reader->carry, span_from(piece, used)) : 0;
}

void trace_reader_end(struct trace_reader *reader)
{
	size_t used = read_some(reader, buffer_span(&reader->carry), true);
	buffer_consume(&reader->carry, used);
	if (reader->reading->end)
		reader->reading->end(reader);
}
