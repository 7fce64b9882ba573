/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_MEND_H
#define FEDGE_TRACE_MEND_H
/* Damaged text back into what the strict readers read. A log that went through a mail, a wiki or a browser comes with
 * its lines wrapped elsewhere, its line ends lost or doubled, quotes turned round, marks of Markdown in between. The
 * mender looks for places where a record begins, puts together what belongs to it, takes apart what was joined, and
 * writes it down as the product would have. It adds nothing: what was lost stays lost. docs/formats.md, "Damaged
 * text", lists what it mends. Pure; time and memory grow with the length of the text and no faster. */
#include "trace/reader.h"

struct trace_mend_segment {
	/* Expressway, sipstack, uccapi, json: text is whole records of that format. Plain: lines of that kind, or a
	 * message alone. Mixed: a line of a search history. Unknown: a line no record begins in and that belongs to
	 * none; it is in raw alone. */
	enum trace_kind kind;
	bool is_alone; /* a message alone: text is its start line and headers, each with its LF, body what follows */
	bool as_it_stood; /* nothing had to be mended: text is raw */
	struct span text;
	struct span body;
	struct span raw; /* in the text that was given, all its lines */
	size_t offset; /* of raw in it */
	uint64_t line; /* of raw's first byte, from 0 */
};

/* What the text before has left open. Zero: nothing. */
struct trace_mend_state {
	bool in_fence; /* a block of code of Markdown */
};
/* Gives all segments in the order of the text; they are valid during the call. last: nothing follows this text;
 * otherwise the record at its end, which may be cut, is left for the next time. Gives the bytes used: not 0 where the
 * text has any; *ret_lines the newlines among them. Without memory, what cannot be kept is given as unknown. */
size_t trace_mend(struct trace_mend_state *state, struct span text, bool last,
	void (*take)(void *argument, const struct trace_mend_segment *segment), void *argument, uint64_t *ret_lines);

/* Whether what a strict reader made of these lines shows that they are damaged all the same: a header without a name,
 * several on one line, an address that is none. */
bool trace_mend_is_suspicious(enum trace_kind kind, const struct record *r, const struct trace_place *place);
/* The same at a glance, for streams: less is seen, and it costs nothing. */
bool trace_mend_is_odd(enum trace_kind kind, const struct record *r, const struct trace_place *place);
/* Whether the text has marks of damage that a strict reader may pass over: quotes that are none, line ends written out.
 */
bool trace_mend_has_marks(enum trace_kind kind, struct span text);
/* Whether two records may stand on one line. */
bool trace_mend_is_joined(enum trace_kind kind, struct span text);
#endif
