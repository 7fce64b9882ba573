/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EXPLAIN_RENDER_H
#define FEDGE_EXPLAIN_RENDER_H
/* Problems for people and programs. Whatever came from outside is escaped for where it goes: terminal, HTML, mermaid.
 * Nothing here judges. Appends to a buffer; gives 0 or the buffer's failure. */
#include "explain/joiner.h"
#include "explain/judge.h"
#include "finding/render.h"

struct explain_style {
	struct finding_style finding; /* width, colour */
	bool ascii; /* nothing of our own that is not ASCII: ladders without box-drawing characters */
	struct span (*file_name)(void *argument, uint32_t file);
	void *argument;
	/* Times of ladders are shown in UTC, or at this offset. NULL: UTC. */
	int32_t (*utc_offset_s)(void *argument, int64_t wall_us);
};

/* One problem: sentence, ladder, finding, candidates, next steps. number: which of them, from 1. */
int explain_render_human(
	const struct explain_problem *p, size_t number, const struct explain_style *style, struct buffer *out);
/* The same in a line: its sentence, and with `as` the number of a problem with the same cause. 0: none. */
int explain_render_line(const struct explain_problem *p, size_t number, size_t as, const struct explain_style *style,
	struct buffer *out);
/* What stands before and after all problems: files read, clocks, asides, totals, "no federation failure here". */
struct explain_file_line {
	struct span name;
	const char *kind; /* "expressway" */
	uint64_t bytes, lines, records, other, unread;
	struct span unread_first; /* "line 17: longer than any record may be", or absent */
	struct span failure; /* why it could not be read to its end, or absent */
};
struct explain_overview {
	const struct explain_file_line *files;
	size_t file_count;
	const struct explain_totals *totals;
	const struct explain_clock *clocks;
	size_t clock_count;
	const struct explain_aside *asides;
	size_t aside_count;
	size_t problems; /* told */
	size_t federation; /* of them: failures of federation */
	struct span nothing; /* why nothing was told, where that does not mean that nothing failed; or absent */
};
int explain_render_files(const struct explain_overview *o, const struct explain_style *style, struct buffer *out);
int explain_render_end(const struct explain_overview *o, const struct explain_style *style, struct buffer *out);
/* A JSON object (DESIGN 2.4), one line. */
int explain_render_json(const struct explain_problem *p, const struct explain_style *style, struct buffer *out);
/* A mermaid sequence diagram in a fence of its own. */
int explain_render_mermaid(const struct explain_problem *p, const struct explain_style *style, struct buffer *out);
/* One self-contained page: begin, each problem, end. No script is needed to read it, nothing is loaded from elsewhere.
 */
int explain_render_html_begin(const struct explain_style *style, struct span title, struct buffer *out);
int explain_render_html(
	const struct explain_problem *p, size_t number, const struct explain_style *style, struct buffer *out);
int explain_render_html_end(const struct explain_overview *o, const struct explain_style *style, struct buffer *out);
#endif
