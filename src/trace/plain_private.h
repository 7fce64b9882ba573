/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_PLAIN_PRIVATE_H
#define FEDGE_TRACE_PLAIN_PRIVATE_H
/* The reader of SIP as text from inside. A line is taken apart in this order: the prefix of a syslog or an Asterisk log
 * (plain_prefix.c) says who wrote it; what remains is the line in front of a message (plain_envelope.c), a line of a
 * message (plain_words.c), a whole message with its line ends written out (plain_escape.c), or nothing of ours.
 * plain.c tells senders apart, plain_phase.c follows the message of each, plain_stream.c keeps its lines and makes
 * records of them. */
#include "trace/plain.h"
#include "trace/reader_private.h"

/* ---- times ---- */

enum plain_stamp_kind {
	PLAIN_STAMP_NONE,
	PLAIN_STAMP_FULL, /* date and time */
	PLAIN_STAMP_NO_YEAR, /* "Jan  1 12:00:00" */
	PLAIN_STAMP_CLOCK /* time of day */
};

/* A time as it stood. */
struct plain_stamp {
	enum plain_stamp_kind kind;
	int64_t local_us; /* FULL: since 1970; NO_YEAR: in 1972; CLOCK: since midnight */
	int32_t offset_s; /* east of UTC, where is_zoned */
	bool is_zoned;
};

/* What times without a date, or without a year, are reckoned by: the last time that had one. */
struct plain_clock {
	int64_t local_us;
	bool is_known;
};

/* "2024/01/01 12:00:00.123456", "2024-01-01T12:00:00.123Z", "Jan  1 12:00:00", "12:34:56.123456" at the front of text:
 * gives the bytes used, 0: none. */
size_t plain_stamp_read(struct span text, struct plain_stamp *ret_stamp);
/* Since 1970 UTC; 0: not known. Moves the clock on. */
int64_t plain_stamp_time(const struct trace_reader *reader, struct plain_clock *clock, const struct plain_stamp *stamp);

/* ---- prefixes ---- */

/* What a log writes in front of each line, or of the first line of a message. */
struct plain_prefix {
	size_t length; /* 0: there is none */
	struct plain_stamp stamp;
	struct span node; /* the host in a syslog; absent: not said */
	uint32_t process; /* of the writer, or the thread of an Asterisk; 0: not said */
	uint64_t key; /* tells senders apart; 0 where there is no prefix */
};
void plain_prefix_read(struct span line, struct plain_prefix *ret_prefix);

/* ---- envelopes ---- */

enum plain_shape {
	PLAIN_SHAPE_NONE,
	PLAIN_SHAPE_LINE, /* the message follows on the next lines */
	PLAIN_SHAPE_NGREP, /* the same, or wrapped, or on the same line; unprintable bytes are dots */
	PLAIN_SHAPE_TCPDUMP, /* bytes of the packet's headers stand before the message */
	PLAIN_SHAPE_SIPDUMP, /* a block of "name: value" lines follows */
	PLAIN_SHAPE_TIME /* only a time, for the message that follows */
};

/* The line in front of a message. */
struct plain_envelope {
	enum plain_shape shape;
	enum record_direction direction;
	enum record_transport transport;
	struct record_address from; /* who sent the message; family 0: not said */
	struct record_address to;
	struct plain_stamp stamp;
	int64_t time_us; /* since 1970 UTC; 0: not known (yet) */
	uint32_t process; /* 0: not said */
	struct span rest; /* what stands behind it on the line */
};
/* False where the line is none; *ret_envelope is then not touched. */
bool plain_envelope_read(struct span line, struct plain_envelope *ret_envelope);
/* A line of the block that Kamailio's sipdump writes. False where it is none of it. */
bool plain_envelope_read_field(struct span line, struct plain_envelope *envelope);

/* ---- lines of messages ---- */

/* Blanks are allowed in front. ret_skip: how many. */
bool plain_is_start_line(struct span line, size_t *ret_skip);
/* Where a start line begins that ends with the line; line.length where there is none. */
size_t plain_find_start_line(struct span line);
bool plain_is_header(struct span line);
/* The number in a Content-Length line; false where it is another header. */
bool plain_content_length(struct span line, int64_t *ret_length);
/* A line by which a tool ends a message. */
bool plain_is_end_mark(struct span line);
bool plain_is_rule(struct span line); /* dashes, equals signs … alone */
bool plain_is_blank(struct span line);
/* How a CR shows at the end of lines: ".", "#015", "\015", "^M", "\r"; absent where it does not. dots: "." is meant so.
 */
struct span plain_shown_cr(struct span line, bool dots);
/* Without colours of a terminal; what has none is given as it is. Absent without memory. */
struct span plain_without_colours(struct arena *arena, struct span line);

/* A whole message on one line, its line ends written out: as it was. Absent where it is none, or without memory.
 * dots: CR and LF are dots. */
struct span plain_unescape(struct arena *arena, struct span line, bool dots);
bool plain_is_escaped(struct span line, bool dots);

/* ---- senders ---- */

enum plain_phase {
	PLAIN_IDLE,
	PLAIN_ENVELOPE, /* a line in front of a message came */
	PLAIN_HEAD,
	PLAIN_BODY,
	PLAIN_WRAPPED /* the lines of a message as ngrep wraps them */
};

/* One line on its way in. */
struct plain_line {
	struct span raw; /* with its line end */
	struct span text; /* what is to be looked at */
	bool has_cr;
	bool has_prefix;
	int64_t time_us; /* that the prefix says; 0: not known */
	uint64_t line, offset;
};

/* A line that a sender holds. */
struct plain_mark {
	uint64_t line, offset;
	size_t raw; /* its end in plain_stream.raw */
	size_t text; /* its end in plain_stream.text */
};

/* The lines of one sender, from the first one of a record on. */
struct plain_stream {
	uint64_t key;
	uint64_t turn; /* the highest was used last; 0: it is free */
	enum plain_phase phase;
	struct plain_envelope envelope;
	int64_t time_us; /* that the prefix of the record's first line says; 0: not known */
	int64_t seen_us; /* that of the last line with one */
	char node[64]; /* of that line; "" where it says none */
	uint32_t process;
	bool follows; /* a message has just ended: a next one would come in the same packet */
	bool is_decoded; /* tcpdump -v has shown the message that its -A shows again */
	bool is_copy; /* that is it: it is read, but no record */
	bool has_prefix; /* each line of the message has one */
	bool has_dots; /* CR shows as "." */
	bool may_have_dots; /* a status line ended with one: the first header tells */
	bool is_exact; /* line ends are known */
	bool has_content; /* a Content-Type was seen */
	bool is_torn; /* the last segment of TCP ended within a line, or between CR and LF */
	bool is_replaying;
	size_t rewind; /* replaying: so many lines are to be read again */
	size_t indent; /* blanks in front of each line of the message */
	struct buffer text; /* the message: lines with their line ends */
	struct buffer raw; /* all lines, as they stood */
	struct buffer marks; /* struct plain_mark, one a line */
	size_t head; /* length of the text up to and with the empty line; 0: that has not come */
	size_t headers; /* how many lines of them */
	int64_t content_length; /* -1: not said */
	size_t bare; /* lines of the body without CR */
	size_t waited; /* lines since the envelope */
	size_t whole; /* so many lines may be all of the message; 0: not yet */
	size_t broken; /* so many lines stand before the first in the body that looks like the next message */
};

#define PLAIN_STREAMS_MAXIMUM 32
/* All that senders hold together. */
#define PLAIN_HELD_MAXIMUM (4 * TRACE_RECORD_MAXIMUM)

struct plain_state {
	struct plain_stream streams[PLAIN_STREAMS_MAXIMUM];
	struct plain_stream *current; /* whose line came last */
	struct plain_clock clock;
	uint64_t turn;
	uint64_t spent; /* bytes of lines that were read again, as they turned out to be none of a message */
};

/* ---- plain_stream.c: what senders hold ---- */

size_t plain_stream_count(const struct plain_stream *s); /* lines */
const struct plain_mark *plain_stream_mark(const struct plain_stream *s, size_t index);
/* The line is kept; text is what the message has of it, without a line end, and has none where it is absent. False
 * where there is no room: the record is then told as unread, and the sender idle. */
bool plain_stream_add(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line,
	struct span text, bool has_cr);
/* Holds nothing any more. */
void plain_stream_clear(struct plain_stream *s);
void plain_stream_done(struct plain_stream *s);
/* The first so many lines are a record: gives it. Where it has no header it is none: its lines count as others. */
void plain_stream_give(struct trace_reader *reader, struct plain_stream *s, size_t lines);
/* Messages whose bytes are known, one after another; all lines held are the place of each. */
void plain_stream_give_text(struct trace_reader *reader, struct plain_stream *s, struct span text);

/* ---- plain_segment.c: messages in several segments ---- */

/* A line between segments: empty, or the progress that ngrep shows. In a body an empty one only right behind the line
 * that begins a segment, where a LF was cut off from its CR. */
bool plain_segment_is_padding(const struct plain_stream *s, struct span line);
/* A line of the message that has no CR, behind one that has: it may go on in the next segment. */
bool plain_segment_may_end(const struct plain_stream *s, bool has_cr);
/* The line in front of another segment of the message that is not whole yet. */
bool plain_segment_begins(const struct plain_stream *s, struct span line);
/* The body is as long as it should be, but by a line end that may be ngrep's. */
bool plain_segment_is_open(const struct plain_stream *s);
/* What ngrep has put behind the last segment is taken off the text. */
void plain_segment_join(struct plain_stream *s);
/* The first line of a segment: in the headers with the beginning that the last one had, which is taken off the text; in
 * the body what is added to the text as it is. Any other line as it is. */
struct span plain_segment_line(struct arena *arena, struct plain_stream *s, struct span line);

/* ---- plain_phase.c: what becomes of lines ---- */

/* The line's envelope, behind words of the log where it has a prefix. */
bool plain_find_envelope(const struct plain_line *line, struct plain_envelope *ret_envelope);
void plain_take_line(struct trace_reader *reader, struct plain_stream *s, const struct plain_line *line);
/* Nothing follows, or nothing that belongs to it: one record, or less, of what is held is given as far as it came. */
void plain_close_once(struct trace_reader *reader, struct plain_stream *s);

/* ---- plain.c ---- */

/* Forgets the first so many lines, and reads the others again. */
void plain_replay(struct trace_reader *reader, struct plain_stream *s, size_t from);
#endif
