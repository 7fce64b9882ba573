/* SPDX-License-Identifier: Apache-2.0 */
#include "source/reading.h"

struct source_reading *source_reading_new(const struct trace_reader_settings *settings, bool is_stream)
{
	(void)is_stream;
	return (struct source_reading *)trace_reader_new(settings);
}

struct source_reading *source_reading_free(struct source_reading *reading)
{
	return (struct source_reading *)trace_reader_free((struct trace_reader *)reading);
}

int source_reading_feed(struct source_reading *reading, struct span piece)
{
	return trace_reader_feed((struct trace_reader *)reading, piece);
}

int source_reading_end(struct source_reading *reading)
{
	trace_reader_end((struct trace_reader *)reading);
	return 0;
}

const struct trace_reader_counts *source_reading_counts(const struct source_reading *reading)
{
	return trace_reader_counts((const struct trace_reader *)reading);
}
