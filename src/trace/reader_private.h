/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_READER_PRIVATE_H
#define FEDGE_TRACE_READER_PRIVATE_H
/* What the readers share: pieces put together, lines counted, records given out. */
#include "base/arena.h"
#include "base/buffer.h"
#include "trace/reader.h"

/* One format. */
struct trace_reading {
	size_t state_size; /* zeroed, of trace_reader.state */
	/* Reads whole records from the front of text and gives the number of bytes used; 0: more is needed for the
	 * first one. last: nothing will follow, all is to be used. */
	size_t (*read)(struct trace_reader *reader, struct span text, bool last);
	/* Gives out what was held back. May be NULL. */
	void (*end)(struct trace_reader *reader);
	/* What the state points at. May be NULL. */
	void (*free)(struct trace_reader *reader);
};
extern const struct trace_reading trace_reading_expressway;
extern const struct trace_reading trace_reading_sipstack;
extern const struct trace_reading trace_reading_uccapi;
extern const struct trace_reading trace_reading_json;
extern const struct trace_reading trace_reading_plain;
extern const struct trace_reading trace_reading_mixed;
extern const struct trace_reading trace_reading_capture;
extern const struct trace_reading trace_reading_hep;
extern const struct trace_reading trace_reading_dump;

struct trace_reader {
	struct trace_reader_settings settings;
	const struct trace_reading *reading;
	void *state;
	struct buffer carry; /* the beginning of a record whose rest has not come */
	struct arena arena; /* texts of the record at hand */
	struct trace_reader_counts counts;
	uint64_t offset; /* of the text handed to read */
	uint64_t line; /* complete lines before it */
	/* Set by read where it gives 0: bytes of text that it needs before it can go on; 0: the rest of a line. */
	size_t needed;
	bool skipping; /* inside a line that is too long */
};

/* A line, without its newline and a CR before it; *ret_whole with them. False where the newline has not come (and
 * last is not set), or nothing is left. */
bool trace_reader_line(struct span text, bool last, struct span *ret_line, size_t *ret_whole);
void trace_reader_give(struct trace_reader *reader, const struct record *r, const struct trace_place *place);
#define TRACE_READER_TOO_LONG "longer than any record may be"
void trace_reader_unread(struct trace_reader *reader, const struct trace_place *place, const char *why);
#endif
