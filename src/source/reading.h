/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SOURCE_READING_H
#define FEDGE_SOURCE_READING_H
/* The reader of trace/ that source/ uses for everything. */
#include "trace/reader.h"

struct source_reading;
struct source_reading *source_reading_new(const struct trace_reader_settings *settings, bool is_stream);
struct source_reading *source_reading_free(struct source_reading *reading);
int source_reading_feed(struct source_reading *reading, struct span piece);
int source_reading_end(struct source_reading *reading);
const struct trace_reader_counts *source_reading_counts(const struct source_reading *reading);
#endif
