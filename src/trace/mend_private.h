/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_MEND_PRIVATE_H
#define FEDGE_TRACE_MEND_PRIVATE_H
/* The mender from inside. mend_front.c and mend_wash.c make clean lines of the text, mend_anchor.c knows where records
 * begin, mend_name.c the names of fields and headers, mend_head.c puts these together, mend_body.c finds bodies,
 * mend_value.c puts one value in order; mend_expressway.c, mend_sipstack.c, mend_uccapi.c and mend_log.c write records;
 * mend.c goes through the lines. */
#include "base/buffer.h"
#include "trace/mend.h"

/* What begins at a line. */
enum mend_anchor {
	MEND_NONE,
	MEND_EXPRESSWAY,
	MEND_SIPSTACK,
	MEND_UCCAPI,
	MEND_JSON,
	MEND_SEARCH,
	MEND_PLAIN, /* the line in front of a message, as a tool prints it */
	MEND_SIP, /* a message's start line */
	MEND_RECORD_ENDS, /* $$end_record */
};

/* A clean line: without quoting, numbers, marks. Several may come of one line of the file. */
struct mend_line {
	uint32_t at, length; /* in mender.washed; no blanks at the end */
	uint32_t origin, origin_end; /* in mender.text, the end with its newline */
	uint32_t number; /* line of the file, from 0 */
	uint16_t width; /* columns of the line of the file, without what was put in front; at most UINT16_MAX */
	uint8_t anchor;
	bool is_soft : 1; /* begins inside a line of the file */
	uint8_t indent; /* blanks at the front of the line of the file, at most 255 */
	bool blank_at_end : 1; /* of the line of the file */
	bool is_fronted : 1; /* something stood in front of it */
	bool in_fence : 1;
};

struct mender {
	struct span text;
	bool in_fence; /* at the front of the text; once washed, behind what was */
	struct buffer washed;
	struct mend_line *lines;
	size_t count, capacity;
	bool no_memory;
	struct buffer logical; /* fields or headers put together, LF behind each */
	struct buffer body;
	struct buffer out; /* the segment at hand */
	uint8_t indent; /* of the record's first line */
	bool is_doubled; /* between any two lines of the record stands an empty one: it means nothing */
	uint32_t hard_width; /* lines of the record at hand were cut at this column, wherever it fell; 0: at blanks */
};

/* So many lines are washed at once, empty ones after another counting as one. */
#define MEND_LINES_MAXIMUM (1u << 18)
/* Fills lines. Gives how far it came: the whole text, or what the maximum of lines allows. */
size_t mend_wash(struct mender *m);
/* "Mar  2 08:10:46", or a stamp with year and zone: gives its length, 0: none. */
size_t mend_syslog_stamp(struct span line);
/* "> ", "&gt; > ": gives its length. */
size_t mend_quoting(struct span line);
/* The line without what was put in front, in whatever order; before and after: the lines beside it, for numbers. */
struct span mend_without_front(struct span line, struct span before, struct span after);
static inline struct span mend_line_text(const struct mender *m, size_t i)
{
	return span_make(m->washed.at + m->lines[i].at, m->lines[i].length);
}
/* Where the piece that begins at `from` ends: another record begins inside of the line, or one has ended. */
size_t mend_piece_end(struct span line, size_t from);
/* What a line begins with. */
enum mend_anchor mend_anchor_of(struct span line);
/* How deep braces are, outside of texts. */
struct mend_nesting {
	size_t depth;
	bool in_text;
};
void mend_count_braces(struct mend_nesting *n, struct span text);
bool mend_is_strong(unsigned int anchor); /* the beginning of a record of a log, not of a message */

/* A position among the lines. */
struct mend_cursor {
	size_t line;
	size_t skip; /* bytes of that line that are done */
};

enum mend_names {
	MEND_HEADERS = 1, /* of SIP */
	MEND_FIELDS = 2, /* of records of sipstack */
};
#define MEND_NAME_MAXIMUM 64
bool mend_is_token(char c); /* of a name */
size_t mend_token_length(struct span text);
/* "Name", blanks and a colon at the front: gives the name's length, *ret_whole with the colon. 0: none. */
size_t mend_name_token(struct span text, size_t *ret_whole);
/* exact: spelled as usual, for names inside of a line. */
bool mend_is_name(struct span name, unsigned int names, bool exact);
/* The same as mend_name_token, for known names alone. */
size_t mend_name(struct span text, unsigned int names, bool exact, size_t *ret_whole);
/* Whether what follows is inside of quotes. */
bool mend_is_in_quotes(struct span before);
/* Whether a known name and a colon stand inside of the line behind that offset, outside of quotes. */
bool mend_holds_name(struct span line, size_t from, unsigned int names);
/* "Name: …" or "Name : …", whatever the case. */
bool mend_line_is(struct span line, const char *name);
/* Whether the lines up to the end were cut at a column, or their ends doubled; sets hard_width, is_doubled, indent. */
void mend_measure(struct mender *m, size_t begin, size_t end, unsigned int names);
/* Fields or headers from the cursor on, into m->logical. Stops before `end`, at the end of the head. */
struct mend_head {
	unsigned int names;
	size_t end; /* line to stop before */
	bool in_stamps; /* lines with a stamp stand around it */
	bool in_bars; /* a bar alone ends it, on a line or behind one */
	/* what was found */
	size_t known; /* lines with a known name */
	int64_t content_length; /* -1: none */
	bool has_body_field; /* stopped behind "Message-Body:" */
	bool has_ended; /* by a bar behind a line: no body follows */
};
void mend_head_read(struct mender *m, struct mend_cursor *c, struct mend_head *h);
/* One line of a log, put together of pieces until it is whole; into m->logical. */
void mend_keys_read(struct mender *m, struct mend_cursor *c, size_t end);
/* Whether a blank stood between two pieces that were one line. */
bool mend_needs_blank(const struct mender *m, size_t previous_line, size_t line, struct span previous, struct span next,
	bool in_quote);

/* key = " value " as key="value", display names without outer blanks. */
void mend_value_append(struct buffer *out, struct span value);
/* "Name : value" as "Name: value", the value in order. */
void mend_header_append(struct buffer *out, struct span line);

/* Where a session description begins on a line that it shares: "… v=0 o=…"; text.length where none does. */
size_t mend_find_sdp(struct span text);
/* The body behind a head, into m->body. */
void mend_body_read(struct mender *m, struct mend_cursor *c, const struct mend_head *h);

/* Lines of m->logical, one after another. */
bool mend_next_logical(struct span *rest, struct span *ret_line);
/* A text with its blanks once. */
void mend_words_append(struct buffer *out, struct span text);
bool mend_has_header(struct span lines, const char *name);
/* One header or all of them, each on its line behind `before`. A method alone is the rest of a CSeq, where there is
 * none. */
void mend_one_header_append(struct buffer *out, struct span line, const char *before, bool has_cseq);
void mend_headers_append(struct buffer *out, struct span lines, const char *before);
void mend_begin(struct mender *m); /* another record: nothing is put together yet */

/* The record that begins at line `begin`, up to `end` at most. Writes m->out (and m->body for a message alone) and
 * gives the line behind it; 0: it is none. */
size_t mend_expressway(struct mender *m, size_t begin, size_t end);
size_t mend_sipstack(struct mender *m, size_t begin, size_t end);
size_t mend_uccapi(struct mender *m, size_t begin, size_t end);
size_t mend_json(struct mender *m, size_t begin, size_t end);
size_t mend_sip(struct mender *m, size_t begin, size_t end);

bool mend_is_packet(struct span line); /* of a client's log: a message is announced */
bool mend_is_start_line(struct span text); /* of a message, perhaps with more behind it */
#endif
