/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_EXPRESSWAY_PRIVATE_H
#define FEDGE_TRACE_EXPRESSWAY_PRIVATE_H
/* The reader of an Expressway's log from inside: expressway_front.c reads what stands before the keys of a line,
 * expressway_keys.c the keys, expressway_message.c the message behind it; expressway_read.c joins the lines of a
 * message, expressway_line.c and expressway_tls.c make records of all others. */
#include "trace/kind_private.h"
#include "trace/reader_private.h"

#define EXPRESSWAY_KEYS_MAXIMUM 40
#define EXPRESSWAY_SUMMARIES_MAXIMUM 16
#define EXPRESSWAY_LOCALS_MAXIMUM 8
#define EXPRESSWAY_KNOWN_MAXIMUM 8
#define EXPRESSWAY_ENDS_MAXIMUM 64
#define EXPRESSWAY_ENDS_TEXT 160

/* key="value" as it stands, escapes and all. */
struct expressway_key {
	struct span name;
	struct span value;
};

/* What stands before the keys of a line. */
struct expressway_front {
	struct span stamp; /* absent: the line begins with the process */
	struct span node; /* absent: not said */
	struct span process; /* "tvcs", "alarm", "XCP_JABBERD"; absent: not said */
	size_t length; /* up to the keys */
};
bool expressway_read_front(struct span line, struct expressway_front *ret_front);
/* The year is used where the stamp has none. *ret_zoned: it says its zone, and the time is UTC. */
bool expressway_stamp_time(struct span stamp, int year, bool *ret_zoned, int64_t *ret_us);

/* Keys that most lines have, or that tell lines apart. */
enum expressway_name {
	EXPRESSWAY_UTC_TIME,
	EXPRESSWAY_MODULE,
	EXPRESSWAY_EVENT,
	EXPRESSWAY_LEVEL,
	EXPRESSWAY_DETAIL,
	EXPRESSWAY_ACTION,
	EXPRESSWAY_LOCAL_IP,
	EXPRESSWAY_LOCAL_PORT,
	EXPRESSWAY_SRC_IP,
	EXPRESSWAY_SRC_PORT,
	EXPRESSWAY_DST_IP,
	EXPRESSWAY_DST_PORT,
	EXPRESSWAY_MSG_HASH,
	EXPRESSWAY_UNNAMED
};

/* One line. */
struct expressway_line {
	struct expressway_state *state;
	bool is_sip; /* Module="network.sip" */
	/* For developers, of a good day: nothing more of the line is read, not even its time. */
	bool is_noise;
	struct record_head head; /* time and node */
	struct span process;
	struct span words; /* the longest text that is in no key */
	struct span known[EXPRESSWAY_UNNAMED]; /* values of keys, as they stand */
	struct expressway_key keys[EXPRESSWAY_KEYS_MAXIMUM];
	size_t count;
};

/* False where it is no line of the log, or has no time. */
bool expressway_read_text(struct trace_reader *reader, struct span text, struct expressway_line *ret_line);

/* Memory of the message at hand. */
struct expressway_message {
	char *at;
	size_t capacity;
};
/* What follows a line: a message, where there is one. */
struct expressway_follower {
	struct span bytes; /* as on the wire, until the next message; absent: none, or without memory */
	size_t whole; /* bytes of the log, with SIPMSG: and the last bar */
	size_t lines;
	bool is_message;
};
/* What stands behind "SIPMSG:" is added to the follower. False: the end of the message has not come. */
bool expressway_read_message(
	struct trace_reader *reader, struct span text, bool last, struct expressway_follower *follower);

/* The summary of a message that has not come: its line, as it stands. */
struct expressway_summary {
	uint64_t hash;
	size_t sessions; /* where its session identifiers may stand */
	int64_t time_us;
	uint64_t line, offset;
	struct buffer raw;
};

/* A failed handshake whose other half has not come. */
struct expressway_failure {
	bool waits;
	bool is_event; /* the half that waits is the event, not the module's line */
	int64_t time_us;
	struct buffer packed;
	struct buffer raw;
	uint64_t line, offset;
};

struct expressway_state {
	struct expressway_message message;
	struct expressway_summary summaries[EXPRESSWAY_SUMMARIES_MAXIMUM]; /* the oldest first */
	size_t summary_count;
	uint64_t given[EXPRESSWAY_SUMMARIES_MAXIMUM]; /* hashes of messages given, for a summary that comes after */
	size_t next_given;
	/* A log may have summaries only: then none waits any more. */
	bool has_messages;
	size_t missed;
	struct expressway_failure failure;
	/* Names found in a certificate, until its handshake has ended: each with its length in front. */
	struct buffer names;
	size_t name_count;
	struct buffer common_name;
	uint64_t names_thread; /* whose they are */
	/* Addresses of this box, learned from messages: tell who opened a connection. */
	struct record_address locals[EXPRESSWAY_LOCALS_MAXIMUM];
	size_t local_count;
	struct expressway_known_address {
		char text[RECORD_ADDRESS_TEXT];
		size_t length;
		struct record_address address;
	} known_addresses[EXPRESSWAY_KNOWN_MAXIMUM];
	struct expressway_known_front {
		char text[64]; /* behind the stamp, up to the keys */
		size_t length; /* 0: none */
		size_t stamp; /* the stamp's length */
		struct span node, process; /* in it */
	} known_front;
	/* The ends of the connections that messages came over lately, as their lines say them. */
	struct expressway_ends {
		char text[EXPRESSWAY_ENDS_TEXT];
		size_t length; /* 0: none */
		enum record_direction direction;
		struct record_address local, remote;
	} ends[EXPRESSWAY_ENDS_MAXIMUM];
	/* The last second of a UTCTime, and what it meant. */
	struct expressway_stamp {
		char text[20];
		int64_t us;
	} utc_stamp;
};

/* Most lines have the same words behind their stamp as the line before: then these are its front. */
bool expressway_read_known_front(
	const struct expressway_state *state, struct span text, struct expressway_front *ret_front);
/* The value of a UTCTime. */
bool expressway_read_utc(struct expressway_state *state, struct span text, int64_t *ret_us);

/* ---- messages and their summaries: expressway_read.c, expressway_pair.c ---- */

/* Direction and ends, as the line of the message says them. */
void expressway_read_ends(struct expressway_state *state, const struct expressway_line *line, struct record_message *m);
/* What stands behind the line of a message. False: more of the text is needed to know. */
bool expressway_find_message(
	struct trace_reader *reader, struct span text, bool last, struct expressway_follower *ret_follower);
/* Whether a message with that hash was given lately. */
bool expressway_was_given(const struct expressway_state *state, uint64_t hash);
/* The session identifiers of a summary. */
void expressway_take_sessions(struct span detail, struct record_head *head);
/* Gives the record of a message, whole but for what its summary adds. */
void expressway_give_message(struct trace_reader *reader, struct record *r, const struct trace_place *place);
/* Most messages have their summary in the line before: it says little more, and need not wait. text begins with the
 * summary, its line, and the line's bytes. Gives the bytes of both, 0 where anything is not as usual. */
size_t expressway_read_pair(
	struct trace_reader *reader, struct span text, struct span summary, size_t first, bool last);

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
/* Blanks at its ends apart: copies have them. */
static inline bool expressway_is(struct span value, const char *word)
{
	size_t length = strlen(word);
	if (value.length == length)
		return memcmp(value.at, word, length) == 0;
	return value.length > length && span_is(span_trim(value), word);
}
/* A number, blanks at its ends apart; 0 where it is none or above the maximum. */
uint64_t expressway_number_of(struct span value, uint64_t maximum);
/* Address and port of one end; absent keys leave it unknown. */
struct record_address expressway_end(
	const struct expressway_line *line, enum expressway_name ip, enum expressway_name port);
#define EXPRESSWAY_SOURCE EXPRESSWAY_SRC_IP, EXPRESSWAY_SRC_PORT
#define EXPRESSWAY_DESTINATION EXPRESSWAY_DST_IP, EXPRESSWAY_DST_PORT
#define EXPRESSWAY_LOCAL EXPRESSWAY_LOCAL_IP, EXPRESSWAY_LOCAL_PORT
bool expressway_is_local(const struct expressway_state *state, const struct record_address *address);

/* A line that is no message: gives the record, or counts it as another. */
void expressway_read_line(
	struct trace_reader *reader, const struct expressway_line *line, const struct trace_place *place);

/* ---- lines on their way to records: expressway_line.c, expressway_tls.c, expressway_notice.c ---- */

struct expressway_work {
	struct trace_reader *reader;
	const struct expressway_line *line;
	const struct trace_place *place;
	struct record record;
	struct span spans[RECORD_LIST_MAXIMUM];
	struct record_pair pairs[RECORD_LIST_MAXIMUM];
};
void expressway_give(struct expressway_work *w, enum record_kind kind);
bool expressway_starts(struct span s, const char *words, struct span *ret_rest);
/* What stands before the words, which must be there; *rest keeps what follows them. */
bool expressway_before(struct span *rest, const char *words, struct span *ret_text);

void expressway_read_ssl(struct expressway_work *w);
void expressway_read_tls_event(struct expressway_work *w, unsigned int inbound);
/* A failed handshake that waits is given without its other half; nothing where none waits. */
void expressway_give_failure(struct trace_reader *reader);
/* No record of its own is made for the line: a notice, where it may matter to anybody, else it is counted. */
void expressway_read_notice(struct expressway_work *w);
#endif
