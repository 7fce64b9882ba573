/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FUZZ_TRACE_SEEN_H
#define FEDGE_FUZZ_TRACE_SEEN_H
/* All that a reader gives, as one text: two readings of the same bytes are the same where their texts are. Whoever
 * reads does it between seen_begin and seen_end; the text is the caller's, for buffer_done. */
#include "base/require.h"
#include "trace/reader.h"

struct seen {
	struct trace_writer *writer;
	struct buffer text;
};

static inline void seen_begin(struct seen *ret_seen)
{
	const struct trace_writer_settings writer = { .format = TRACE_JSON };
	ret_seen->writer = trace_writer_new(&writer);
	base_require(ret_seen->writer);
	buffer_init(&ret_seen->text, 64 << 20);
}

static inline void seen_end(struct seen *seen)
{
	seen->writer = trace_writer_free(seen->writer);
}

/* A record: its place, and all its fields as json. */
static inline void seen_record(struct seen *seen, const struct record *r, const struct trace_place *place)
{
	(void)buffer_printf(
		&seen->text, "%llu %llu ", (unsigned long long)place->line, (unsigned long long)place->raw.length);
	(void)trace_writer_write(seen->writer, r, &seen->text);
}

/* For trace_reader_settings.unread. */
static inline void seen_unread(void *argument, const struct trace_place *place, const char *why)
{
	struct seen *seen = argument;
	(void)buffer_printf(&seen->text, "%llu %s\n", (unsigned long long)place->line, why);
}

/* The text to a reader in pieces of that size, and the reader to its end. */
static inline struct trace_reader_counts seen_read(
	const struct trace_reader_settings *settings, struct span text, size_t piece)
{
	struct trace_reader *reader = trace_reader_new(settings);
	base_require(reader);
	while (text.length > 0) {
		struct span part = span_first(text, piece);
		base_require(trace_reader_feed(reader, part) == 0);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	struct trace_reader_counts counts = *trace_reader_counts(reader);
	trace_reader_free(reader);
	return counts;
}
#endif
