/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_LADDER_H
#define FEDGE_EXPLAIN_LADDER_H
/* A case as rows between columns, before anybody draws it: terminal, page, diagram and JSON all take it from here. What
 * would only fill the page is left out: retransmissions become a count, rules that were passed over go, a long middle
 * becomes a row that says how much it was. The row that failed is never left out. */
#include "explain/judge.h"

enum explain_row_kind {
	EXPLAIN_ROW_ARROW,
	EXPLAIN_ROW_NOTE, /* at `from` */
	EXPLAIN_ROW_GAP, /* nothing for gap_us */
	EXPLAIN_ROW_MORE, /* so many steps left out: count; at the end, those that the case had no room for */
};
enum explain_row_class {
	EXPLAIN_CLASS_PLAIN, /* requests, notes */
	EXPLAIN_CLASS_PROVISIONAL,
	EXPLAIN_CLASS_GOOD,
	EXPLAIN_CLASS_REDIRECT, /* 3xx, 401, 407: asks for more */
	EXPLAIN_CLASS_BAD,
};
struct explain_row {
	enum explain_row_kind kind;
	enum explain_row_class class;
	uint32_t from, to; /* columns */
	uint32_t step; /* of the case; EXPLAIN_NO_STEP for gaps and such */
	uint32_t count; /* of an arrow: how often it was sent, 1 for once */
	bool failing;
	int64_t time_us; /* 0: not known */
	int64_t gap_us; /* of a gap; of any other row: since the first row with a time */
	struct span label; /* "INVITE", "504 Server time-out", "SRV _sipfederationtls._tcp.skype.lab: not there" */
};
struct explain_ladder {
	const struct explain_case *subject;
	struct span *columns; /* a name for each host of the case */
	uint32_t column_count;
	struct explain_row *rows;
	uint32_t row_count;
};

/* At most so many rows are kept for the page: 0 keeps all. Lies in the arena; NULL at its maximum. */
const struct explain_ladder *explain_ladder_make(
	const struct explain_case *c, uint32_t failing, uint32_t rows_maximum, struct arena *arena);

struct explain_style;
/* "07:10:46.240", as the style shows times, into 13 bytes; 0 and "" where the time is not known. */
size_t explain_time_text(const struct explain_style *style, int64_t time_us, char *ret_text);
/* "3.2 s", "12 min". */
void explain_duration_text(int64_t us, char *ret_text, size_t capacity);
#endif
