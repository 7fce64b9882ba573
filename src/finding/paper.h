/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_FINDING_PAPER_H
#define FEDGE_FINDING_PAPER_H
/* Lines for a terminal, for whoever renders: text is escaped, measured in columns, coloured, and wrapped
 * at blanks. A line is gathered, then ended. */
#include "finding/render.h"

enum paper_ink {
	PAPER_PLAIN,
	PAPER_BOLD,
	PAPER_FAINT,
	PAPER_RED,
	PAPER_YELLOW,
	PAPER_GREEN,
	PAPER_BLUE,
	PAPER_INK_COUNT,
};

#define PAPER_INKS_MAXIMUM 64 /* a row of a matrix changes its colour twice a cell */
struct paper {
	struct buffer *out;
	size_t width;
	bool colour;
	struct buffer line; /* without escape sequences */
	struct {
		size_t at; /* offset in line */
		enum paper_ink ink;
	} inks[PAPER_INKS_MAXIMUM];
	size_t ink_count;
};

void paper_init(struct paper *p, struct buffer *out, const struct finding_style *style);
void paper_ink(struct paper *p, enum paper_ink ink);
void paper_text(struct paper *p, struct span text); /* from outside: escaped */
void paper_printf(struct paper *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
void paper_fill(struct paper *p, char byte, size_t count);
size_t paper_column(const struct paper *p);
/* Of the text once it is escaped. */
size_t paper_columns(struct span text);
/* Ends the line; what does not fit goes on in lines indented by so much. true where it was wrapped. */
bool paper_end(struct paper *p, size_t indent);
void paper_end_whole(struct paper *p); /* never wrapped: lines to be pasted */
int paper_done(struct paper *p);

/* The lines of a fix, cells aligned, each ended by a newline; unescaped. */
void finding_fix_lines(const struct finding_fix *fix, struct buffer *out);
#endif
