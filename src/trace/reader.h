/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_READER_H
#define FEDGE_TRACE_READER_H
/* The lines of a log back into records: the other half of trace/writer.h. Takes the text in pieces of any size, gives
 * each record as soon as it is whole, in the order of the file. Judges nothing and opens nothing. What it does not
 * understand is counted and told, never dropped in silence; memory is bounded by one record (of a capture: by
 * trace/capture_flow.h). docs/formats.md says which fields a format carries: those are what comes back.
 *
 * In a capture messages are RECORD_PASSED: local sent it, remote was to get it. A connection and a TLS handshake have
 * the view of whoever opened it: role client, local the client, an alert "received" came from the server. Where the
 * client showed a certificate too, a second record of the handshake has the server's view. What only time brings to
 * light (a SYN or a question without an answer) comes late, with the place and about the time of its cause. */
#include "record/record.h"
#include "trace/kind.h"

/* Where a record stood. The spans are valid during the call. */
struct trace_place {
	uint64_t line; /* of its first line, from 1; in a capture the number of the packet that completed it */
	uint64_t offset; /* of its first byte */
	struct span raw; /* all its lines, with the last newline where it has one; in a capture the message, or a line
			    that says what was seen */
	bool is_packet; /* line is the number of a packet */
	bool is_summary; /* a message of which the log has a summary only: its bytes are made of that */
};

struct trace_reader_counts {
	uint64_t bytes, lines;
	uint64_t records;
	uint64_t other; /* lines of the format that no record is made of */
	uint64_t unread; /* lines that are none of the format, or damaged beyond reading */
};

struct trace_reader_settings {
	enum trace_kind kind;
	/* Secrets of TLS connections, for captures; borrowed. NULL: only those that the capture itself holds. */
	const struct trace_keys *keys;
	/* For formats that write local time: seconds east of UTC at that local moment. NULL: UTC. */
	int32_t (*utc_offset_s)(void *argument, int64_t local_us);
	/* When the text was last written, in microseconds since 1970 UTC; 0: not known. Times that stand without a
	 * year, as in a syslog, get theirs from it. */
	int64_t written_us;
	/* The record borrows all its texts for the call. */
	void (*take)(void *argument, const struct record *r, const struct trace_place *place);
	/* A line that could not be read; why is a constant. May be NULL. */
	void (*unread)(void *argument, const struct trace_place *place, const char *why);
	void *argument;
};

/* A record, with all lines of its message, is at most so long; beyond it, it is unread. */
#define TRACE_RECORD_MAXIMUM (1u << 20)

struct trace_reader;
/* NULL without memory, or for TRACE_KIND_UNKNOWN. */
struct trace_reader *trace_reader_new(const struct trace_reader_settings *settings);
struct trace_reader *trace_reader_free(struct trace_reader *reader); /* NULL, always; accepts NULL */
/* The next piece; a whole file may be one. 0 or -ENOMEM. */
int trace_reader_feed(struct trace_reader *reader, struct span piece);
/* Nothing follows: what was held back is given. */
void trace_reader_end(struct trace_reader *reader);
const struct trace_reader_counts *trace_reader_counts(const struct trace_reader *reader);
#endif
