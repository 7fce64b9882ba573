/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/paper.h"

#include "base/text.h"

#define LINE_MAXIMUM (256 * 1024)
#define WIDTH_MINIMUM 40
#define CELLS_MAXIMUM 8

static const char *const sequences[PAPER_INK_COUNT] = {
	[PAPER_PLAIN] = "\033[0m",
	[PAPER_BOLD] = "\033[0;1m",
	[PAPER_FAINT] = "\033[0;2m",
	[PAPER_RED] = "\033[0;1;31m",
	[PAPER_YELLOW] = "\033[0;1;33m",
	[PAPER_GREEN] = "\033[0;32m",
	[PAPER_BLUE] = "\033[0;1;34m",
};

void paper_init(struct paper *p, struct buffer *out, const struct finding_style *style)
{
	*p = (struct paper){ .out = out, .colour = style->colour };
	if (style->width)
		p->width = style->width > WIDTH_MINIMUM ? style->width : WIDTH_MINIMUM;
	buffer_init(&p->line, LINE_MAXIMUM);
}

void paper_ink(struct paper *p, enum paper_ink ink)
{
	if (!p->colour || p->ink_count == PAPER_INKS_MAXIMUM)
		return;
	p->inks[p->ink_count].at = p->line.length;
	p->inks[p->ink_count++].ink = ink;
}

void paper_text(struct paper *p, struct span text)
{
	text_append_safe(&p->line, text);
}

void paper_printf(struct paper *p, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	buffer_vprintf(&p->line, format, arguments);
	va_end(arguments);
}

void paper_fill(struct paper *p, char byte, size_t count)
{
	while (count-- > 0)
		buffer_append_byte(&p->line, byte);
}

size_t paper_column(const struct paper *p)
{
	return text_columns(buffer_span(&p->line));
}

size_t paper_columns(struct span text)
{
	struct buffer safe;
	buffer_init(&safe, LINE_MAXIMUM);
	text_append_safe(&safe, text);
	size_t columns = text_columns(buffer_span(&safe));
	buffer_done(&safe);
	return columns;
}

/* Bytes from..to of the line, with the inks that begin there. The ink in force is repeated at the
 * start, and none is left on at the end of a line. */
static void put_part(struct paper *p, size_t from, size_t to)
{
	enum paper_ink now = PAPER_PLAIN;
	size_t next = 0;
	for (; next < p->ink_count && p->inks[next].at <= from; next++)
		now = p->inks[next].ink;
	if (now != PAPER_PLAIN)
		buffer_append_text(p->out, sequences[now]);
	while (from < to) {
		size_t stop = next < p->ink_count && p->inks[next].at < to ? p->inks[next].at : to;
		buffer_append(p->out, span_make(p->line.at + from, stop - from));
		from = stop;
		for (; next < p->ink_count && p->inks[next].at == from && from < to; next++) {
			now = p->inks[next].ink;
			buffer_append_text(p->out, sequences[now]);
		}
	}
	if (now != PAPER_PLAIN)
		buffer_append_text(p->out, sequences[PAPER_PLAIN]);
	buffer_append_byte(p->out, '\n');
}

/* How many bytes of the rest fit into so many columns; at least one character. */
static size_t fitting(struct span rest, size_t columns)
{
	size_t length = 0, blank = 0, used = 0;
	while (length < rest.length) {
		size_t next = length + 1;
		while (next < rest.length && ((unsigned char)rest.at[next] & 0xc0) == 0x80)
			next++;
		/* Character by character: marks without a width of their own may go on for long. */
		used += text_columns(span_first(span_from(rest, length), next - length));
		if (used > columns)
			return blank ? blank : (length ? length : next);
		if (rest.at[length] == ' ' && length > 0 && rest.at[length - 1] != ' ')
			blank = length;
		length = next;
	}
	return length;
}

static void line_clear(struct paper *p)
{
	if (p->line.status && !p->out->status)
		p->out->status = p->line.status;
	buffer_clear(&p->line);
	p->ink_count = 0;
}

/* Blanks at the start of a line are its indentation, not a place to break. */
static size_t first_break(struct span line)
{
	size_t blanks = 0;
	while (blanks < line.length && line.at[blanks] == ' ')
		blanks++;
	return blanks;
}

bool paper_end(struct paper *p, size_t indent)
{
	struct span line = buffer_span(&p->line);
	bool wrapped = p->width && text_columns(line) > p->width;
	if (!wrapped) {
		put_part(p, 0, line.length);
		line_clear(p);
		return false;
	}
	if (indent > p->width / 2)
		indent = p->width / 2;
	size_t from = 0, lead = first_break(line);
	if (lead >= p->width)
		lead = 0;
	while (from < line.length) {
		size_t taken = from == 0 ? lead + fitting(span_from(line, lead), p->width - lead)
					 : fitting(span_from(line, from), p->width - indent);
		for (size_t i = 0; from > 0 && i < indent; i++)
			buffer_append_byte(p->out, ' ');
		put_part(p, from, from + taken);
		from += taken;
		while (from < line.length && line.at[from] == ' ')
			from++;
	}
	line_clear(p);
	return true;
}

void paper_end_whole(struct paper *p)
{
	put_part(p, 0, p->line.length);
	line_clear(p);
}

int paper_done(struct paper *p)
{
	buffer_done(&p->line);
	return p->out->status;
}

/* The width of each cell but the last of a line, over all lines of the fix. */
static void measure_cells(const struct finding_fix *fix, size_t widths[CELLS_MAXIMUM])
{
	memset(widths, 0, CELLS_MAXIMUM * sizeof(*widths));
	for (const struct finding_fix_line *line = fix->lines; line; line = line->next) {
		struct span rest = line->text;
		for (size_t i = 0; i < CELLS_MAXIMUM; i++) {
			struct span cell = span_cut(&rest, '\t');
			if (!rest.at)
				break;
			size_t columns = paper_columns(cell);
			if (columns > widths[i])
				widths[i] = columns;
		}
	}
}

void finding_fix_lines(const struct finding_fix *fix, struct buffer *out)
{
	size_t widths[CELLS_MAXIMUM];
	measure_cells(fix, widths);
	for (const struct finding_fix_line *line = fix->lines; line; line = line->next) {
		struct span rest = line->text;
		for (size_t i = 0; rest.at; i++) {
			struct span cell = span_cut(&rest, '\t');
			buffer_append(out, cell);
			size_t width = rest.at && i < CELLS_MAXIMUM ? widths[i] + 1 : 0;
			for (size_t columns = paper_columns(cell); columns < width; columns++)
				buffer_append_byte(out, ' ');
		}
		buffer_append_byte(out, '\n');
	}
}
