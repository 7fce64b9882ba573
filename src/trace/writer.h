/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_WRITER_H
#define FEDGE_TRACE_WRITER_H
/* Records into the lines of a log, in one of four formats (docs/formats.md has each of them,
 * field by field). A writer judges nothing and opens no file; it appends bytes to a buffer. It
 * derives what the format wants and a record does not have: Msg-Hash from the bytes, sequence,
 * pid.tid and correlation number. A kind that a format has no shape for is left out. */
#include "base/buffer.h"
#include "record/record.h"

enum trace_format { TRACE_EXPRESSWAY, TRACE_SIPSTACK, TRACE_UCCAPI, TRACE_JSON, TRACE_FORMAT_COUNT };

const char *trace_format_word(enum trace_format format); /* "expressway" … as in configurations */
int trace_format_of(struct span word, enum trace_format *ret_format); /* 0 or -EINVAL */

struct trace_writer_settings {
	enum trace_format format;
	struct span node; /* name in the lines of records that have none: "vcse"; copied */
	struct span site; /* sipstack's "[site\node]"; absent: the node's name; copied */
	uint32_t process; /* pid in the lines; 0: that of this process */
	/* Seconds east of UTC at that moment, for the formats that write local time. NULL: UTC. */
	int32_t (*utc_offset_s)(void *argument, int64_t wall_us);
	void *argument;
};
/* utc_offset_s of this machine's own zone (TZ). */
int32_t trace_utc_offset_local(void *argument, int64_t wall_us);

struct trace_writer;
/* NULL without memory. One writer a file: it counts the sequence. One thread at a time. */
struct trace_writer *trace_writer_new(const struct trace_writer_settings *settings);
struct trace_writer *trace_writer_free(struct trace_writer *w); /* NULL, always */
/* Appends the record's lines, each ended by a newline. 0 (also where the format has no shape
 * for the kind: then nothing is appended) or the buffer's failure. */
int trace_writer_write(struct trace_writer *w, const struct record *r, struct buffer *out);
#endif
