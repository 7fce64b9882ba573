/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_EXPRESSWAY_PRIVATE_H
#define FEDGE_TRACE_EXPRESSWAY_PRIVATE_H
/* The reader of an Expressway's log from inside: expressway_read.c takes lines apart and puts messages together,
 * expressway_line.c makes records of all other lines. */
#include "trace/reader_private.h"

#define EXPRESSWAY_KEYS_MAXIMUM 40
#define EXPRESSWAY_SUMMARIES_MAXIMUM 16
#define EXPRESSWAY_LOCALS_MAXIMUM 8

/* key="value" as it stands, escapes and all. */
struct expressway_key {
	struct span name;
	struct span value;
};

/* One line. */
struct expressway_line {
	struct record_head head; /* time and node */
	struct expressway_key keys[EXPRESSWAY_KEYS_MAXIMUM];
	size_t count;
};

/* A record that waits for the line it belongs together with. */
struct expressway_waiting {
	uint64_t hash; /* of a summary; 0: the place is free */
	struct buffer packed;
	struct buffer raw;
	uint64_t line, offset;
};

struct expressway_state {
	/* Summaries whose message has not come, the oldest first. */
	struct expressway_waiting summaries[EXPRESSWAY_SUMMARIES_MAXIMUM];
	size_t summary_count;
	uint64_t given[EXPRESSWAY_SUMMARIES_MAXIMUM]; /* hashes of messages given, for a summary that comes after */
	size_t next_given;
	struct expressway_waiting failure; /* a TLS failure whose event has not come */
	/* Names found in a certificate, until its handshake has ended: each with its NUL. */
	struct buffer names;
	size_t name_count;
	/* Addresses of this box, learned from messages: tell who opened a connection. */
	struct record_address locals[EXPRESSWAY_LOCALS_MAXIMUM];
	size_t local_count;
	/* The last stamps of the two kinds, local and UTC, and what they meant. */
	struct expressway_stamp {
		char text[20];
		int64_t us;
	} local_stamp, utc_stamp;
};

/* Absent where there is no such key. The value is as it stands. */
struct span expressway_find(const struct expressway_line *line, const char *name, size_t length);
#define expressway_raw(line, name) expressway_find((line), (name), strlen(name))
/* Unescaped. */
struct span expressway_find_text(
	struct trace_reader *reader, const struct expressway_line *line, const char *name, size_t length);
#define expressway_text(reader, line, name) expressway_find_text((reader), (line), (name), strlen(name))
/* 0 where it is none. */
uint64_t expressway_find_number(const struct expressway_line *line, const char *name, size_t length, uint64_t maximum);
#define expressway_number(line, name, maximum) expressway_find_number((line), (name), strlen(name), (maximum))
struct record_address expressway_address(const struct expressway_line *line, const char *prefix);
bool expressway_is_local(const struct expressway_state *state, const struct record_address *address);

/* A line that is no message: gives the record, or counts it as another. */
void expressway_read_line(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place);
/* Keeps a copy of a record until its other half comes. False without memory: then it does not wait. */
bool expressway_wait(struct expressway_waiting *waiting, const struct record *r, const struct trace_place *place);
/* Gives it out without its other half; nothing where none waits. */
void expressway_give_waiting(struct trace_reader *reader, struct expressway_waiting *waiting, bool is_summary);
#endif
