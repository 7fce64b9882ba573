/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/ladder_text.h"

#include "base/text.h"
#include "finding/paper.h"

#include <stdio.h>

#define WIDTH_USUAL 100
#define WIDTH_MAXIMUM 400
#define GUTTER 2 /* the mark of the row that failed */
#define TIME_COLUMNS 13 /* 07:10:46.240 and a blank */
#define PITCH_MINIMUM 11 /* from lifeline to lifeline: narrower ones hold no label */
#define PITCH_MAXIMUM 32
#define ARROW_ROOM 6 /* of an arrow beside its label: lifeline, line, blanks, head */
#define NOTE_ROOM_MINIMUM 30
#define NOTE_LINES_MAXIMUM 5

/* What the drawing is made of. */
struct strokes {
	const char *life, *line, *heavy, *left, *right, *broken, *note, *mark, *cut, *gap, *times;
};
static const struct strokes unicode = { "│", "─", "━", "◀", "▶", "✗", "●", "✗", "…", "┊", "×" };
static const struct strokes ascii = { "|", "-", "=", "<", ">", "x", "*", "X", "~", ":", "x" };

/* One line of the picture: what stands in each column. */
struct cell {
	char glyph[8];
	bool is_tail; /* the second column of a wide character */
	enum paper_ink ink;
};
struct picture {
	const struct explain_ladder *ladder;
	const struct explain_style *style;
	const struct strokes *strokes;
	struct paper paper;
	struct cell cells[WIDTH_MAXIMUM];
	size_t width;
	size_t left; /* where the first lifeline stands */
	size_t pitch;
	bool has_times;
	struct buffer text; /* the label at hand, escaped */
};

static void put(struct picture *p, size_t column, const char *glyph, enum paper_ink ink)
{
	if (column >= p->width)
		return;
	(void)snprintf(p->cells[column].glyph, sizeof(p->cells[column].glyph), "%s", glyph);
	p->cells[column].is_tail = false;
	p->cells[column].ink = ink;
}

static size_t glyph_length(struct span text)
{
	unsigned char first = text.at ? (unsigned char)text.at[0] : 0;
	size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	return length < text.length ? length : text.length;
}

/* Text that is escaped already, cut where its room ends. Gives how many columns it took. */
static size_t put_text(struct picture *p, size_t column, size_t room, struct span text, enum paper_ink ink)
{
	size_t used = 0;
	bool is_cut = text_columns(text) > room;
	while (text.length > 0 && room > 0) {
		struct span glyph = span_first(text, glyph_length(text));
		size_t columns = text_columns(glyph);
		char plain[8];
		if (used + columns > room - is_cut)
			break;
		(void)snprintf(plain, sizeof(plain), "%.*s", SPAN_PRINT(glyph));
		put(p, column + used, plain, ink);
		if (columns == 2 && column + used + 1 < p->width)
			p->cells[column + used + 1] = (struct cell){ .is_tail = true, .ink = ink };
		used += columns;
		text = span_from(text, glyph.length);
	}
	if (is_cut && room > 0)
		put(p, column + used++, p->strokes->cut, ink);
	return used;
}

static struct span escaped(struct picture *p, struct span text)
{
	buffer_clear(&p->text);
	text_append_safe(&p->text, text);
	return buffer_span(&p->text);
}

static size_t lifeline(const struct picture *p, uint32_t column)
{
	return p->left + column * p->pitch;
}

static void begin_line(struct picture *p, bool with_lifelines)
{
	for (size_t i = 0; i < p->width; i++)
		p->cells[i] = (struct cell){ .glyph = " " };
	for (uint32_t i = 0; with_lifelines && i < p->ladder->column_count; i++)
		put(p, lifeline(p, i), p->strokes->life, PAPER_FAINT);
}

static void end_line(struct picture *p)
{
	size_t end = p->width;
	enum paper_ink ink = PAPER_PLAIN;
	while (end > 0 && !p->cells[end - 1].is_tail && strcmp(p->cells[end - 1].glyph, " ") == 0)
		end--;
	for (size_t i = 0; i < end; i++) {
		if (p->cells[i].is_tail)
			continue;
		if (p->cells[i].ink != ink && strcmp(p->cells[i].glyph, " ") != 0)
			paper_ink(&p->paper, ink = p->cells[i].ink);
		paper_text(&p->paper, span_of(p->cells[i].glyph));
	}
	if (ink != PAPER_PLAIN)
		paper_ink(&p->paper, PAPER_PLAIN);
	paper_end_whole(&p->paper);
}

static void put_time(struct picture *p, const struct explain_row *row)
{
	char text[16];
	if (explain_time_text(p->style, row->time_us, text) > 0)
		(void)put_text(p, GUTTER, TIME_COLUMNS, span_of(text), PAPER_FAINT);
}

/* ---- rows ---- */

static enum paper_ink ink_of(const struct explain_row *row)
{
	static const enum paper_ink inks[] = {
		[EXPLAIN_CLASS_PLAIN] = PAPER_PLAIN,
		[EXPLAIN_CLASS_PROVISIONAL] = PAPER_FAINT,
		[EXPLAIN_CLASS_GOOD] = PAPER_GREEN,
		[EXPLAIN_CLASS_REDIRECT] = PAPER_YELLOW,
		[EXPLAIN_CLASS_BAD] = PAPER_RED,
	};
	return row->failing ? PAPER_RED : inks[row->class];
}

/* "504 Server time-out" where there is room, else "504". */
static struct span label_for(struct picture *p, const struct explain_row *row, size_t room)
{
	char times[24] = "";
	struct span label = row->label;
	if (row->count > 1)
		(void)snprintf(times, sizeof(times), " %s%u", p->strokes->times, row->count);
	struct span whole = escaped(p, label);
	if (text_columns(whole) + text_columns(span_of(times)) > room && row->kind == EXPLAIN_ROW_ARROW &&
		label.length > 3 && label.at[3] == ' ')
		label = span_first(label, 3);
	(void)escaped(p, label);
	buffer_append_text(&p->text, times);
	return buffer_span(&p->text);
}

static void draw_arrow(struct picture *p, const struct explain_row *row)
{
	bool right = row->to > row->from;
	size_t low = lifeline(p, right ? row->from : row->to), high = lifeline(p, right ? row->to : row->from);
	enum paper_ink ink = ink_of(row);
	for (size_t i = low + 1; i < high; i++)
		put(p, i, row->failing ? p->strokes->heavy : p->strokes->line, ink);
	put(p, right ? high - 1 : low + 1,
		row->failing ? p->strokes->broken
		: right      ? p->strokes->right
			     : p->strokes->left,
		ink);
	size_t room = high - low - ARROW_ROOM;
	struct span label = label_for(p, row, room);
	size_t columns = text_columns(label);
	columns = columns < room ? columns : room;
	size_t at = low + (high - low - columns) / 2;
	put(p, at - 1, " ", ink);
	put(p, at + put_text(p, at, room, label, ink), " ", ink);
}

/* As much of the text as fits, broken at a blank where there is one. */
static struct span next_part(struct span *rest, size_t room)
{
	size_t end = 0, blank = 0, columns = 0;
	while (end < rest->length) {
		size_t length = glyph_length(span_from(*rest, end));
		columns += text_columns(span_make(rest->at + end, length));
		if (columns > room)
			break;
		if (rest->at[end] == ' ')
			blank = end;
		end += length;
	}
	size_t part = end == rest->length || blank == 0 ? end : blank;
	struct span text = span_first(*rest, part);
	*rest = span_from(*rest, part);
	if (rest->length > 0 && rest->at[0] == ' ')
		*rest = span_from(*rest, 1);
	return text;
}

/* The dot at its host, the text beside it where there is more room. */
static void draw_note(struct picture *p, const struct explain_row *row)
{
	size_t at = lifeline(p, row->from), right = p->width > at + 2 ? p->width - at - 2 : 0;
	size_t before = at > p->left + 2 ? at - p->left - 2 : 0;
	struct span rest = escaped(p, row->label);
	enum paper_ink ink = ink_of(row);
	bool on_right = right >= NOTE_ROOM_MINIMUM || right >= before || text_columns(rest) <= right;
	size_t room = on_right ? right : before;
	for (int line = 0; line < NOTE_LINES_MAXIMUM && rest.length > 0 && room > 0; line++) {
		bool is_last = line == NOTE_LINES_MAXIMUM - 1;
		struct span part = is_last ? rest : next_part(&rest, room);
		if (part.length == 0)
			part = rest;
		size_t columns = text_columns(part) < room ? text_columns(part) : room;
		if (line > 0)
			begin_line(p, true);
		else
			put(p, at, p->strokes->note, ink);
		size_t start = on_right ? at + 2 : at - 1 - columns;
		put(p, start - 1, " ", ink);
		put(p, start + put_text(p, start, room, part, ink), " ", ink);
		if (is_last || part.at == rest.at || rest.length == 0)
			break;
		end_line(p);
	}
}

/* "3.2 s later", "57 more" */
static struct span between_text(struct picture *p, const struct explain_row *row)
{
	char duration[32];
	buffer_clear(&p->text);
	explain_duration_text(row->gap_us, duration, sizeof(duration));
	if (row->kind == EXPLAIN_ROW_GAP)
		buffer_printf(&p->text, "%s later", duration);
	else
		buffer_printf(&p->text, "%u more", row->count);
	return buffer_span(&p->text);
}

static void draw_between(struct picture *p, const struct explain_row *row)
{
	for (uint32_t i = 0; i < p->ladder->column_count; i++)
		put(p, lifeline(p, i), p->strokes->gap, PAPER_FAINT);
	(void)put_text(p, GUTTER, p->left - GUTTER - 1, between_text(p, row), PAPER_FAINT);
}

static void draw_row(struct picture *p, const struct explain_row *row)
{
	begin_line(p, true);
	if (row->failing)
		put(p, 0, p->strokes->mark, PAPER_RED);
	put_time(p, row);
	if (row->kind == EXPLAIN_ROW_ARROW)
		draw_arrow(p, row);
	else if (row->kind == EXPLAIN_ROW_NOTE)
		draw_note(p, row);
	else
		draw_between(p, row);
	end_line(p);
}

/* Each name around its lifeline, as far as it does not touch its neighbour. */
static void draw_names(struct picture *p)
{
	begin_line(p, false);
	for (uint32_t i = 0; i < p->ladder->column_count; i++) {
		struct span name = escaped(p, p->ladder->columns[i]);
		size_t columns = text_columns(name), at = lifeline(p, i), room = p->pitch - 1;
		columns = columns < room ? columns : room;
		size_t start = at > columns / 2 ? at - columns / 2 : 0;
		if (start + columns > p->width)
			start = p->width - columns;
		if (i == 0 && start < GUTTER)
			start = GUTTER;
		(void)put_text(p, start, room, name, PAPER_BOLD);
	}
	end_line(p);
}

/* ---- the whole ---- */

static size_t longest_label(struct picture *p)
{
	size_t longest = 0;
	for (uint32_t i = 0; i < p->ladder->row_count; i++) {
		const struct explain_row *row = &p->ladder->rows[i];
		uint32_t gaps = row->to > row->from ? row->to - row->from : row->from - row->to;
		if (row->kind != EXPLAIN_ROW_ARROW)
			continue;
		size_t columns = (text_columns(escaped(p, row->label)) + ARROW_ROOM + 2) / gaps;
		longest = columns > longest ? columns : longest;
	}
	return longest;
}

/* Chooses the pitch; false where the hosts do not fit side by side. */
static bool lay_out(struct picture *p)
{
	size_t wanted = longest_label(p), count = p->ladder->column_count;
	for (uint32_t i = 0; i < count; i++) {
		size_t columns = text_columns(escaped(p, p->ladder->columns[i])) + 2;
		wanted = columns > wanted ? columns : wanted;
	}
	wanted = wanted < PITCH_MINIMUM ? PITCH_MINIMUM : wanted > PITCH_MAXIMUM ? PITCH_MAXIMUM : wanted;
	size_t half = 4;
	if (count > 0) {
		size_t first = text_columns(escaped(p, p->ladder->columns[0])) / 2;
		half = first < 8 ? first : 8;
	}
	p->left = GUTTER + (p->has_times ? TIME_COLUMNS : 8) + half;
	p->pitch = wanted;
	if (count < 2)
		return true;
	size_t room = p->width > p->left + half + 1 ? p->width - p->left - half - 1 : 0;
	if (p->pitch * (count - 1) > room)
		p->pitch = room / (count - 1);
	return p->pitch >= PITCH_MINIMUM;
}

/* From that column on, and on as many lines as it needs. */
static void put_wrapped(struct picture *p, size_t at, struct span text, enum paper_ink ink)
{
	(void)put_text(p, at, p->width - at, next_part(&text, p->width - at), ink);
	end_line(p);
	while (text.length > 0) {
		at = p->left + 2;
		begin_line(p, false);
		(void)put_text(p, at, p->width - at, next_part(&text, p->width - at), ink);
		end_line(p);
	}
}

/* What the columns would show: everybody, the caller's side first. */
static void list_names(struct picture *p)
{
	struct buffer names;
	buffer_init(&names, 64 * 1024);
	for (uint32_t i = 0; i < p->ladder->column_count; i++) {
		buffer_append_text(&names, i == 0 ? "" : p->strokes == &ascii ? " - " : " ─ ");
		buffer_append(&names, escaped(p, p->ladder->columns[i]));
	}
	begin_line(p, false);
	p->left = GUTTER;
	put_wrapped(p, p->left, buffer_span(&names), PAPER_BOLD);
	buffer_done(&names);
}

static void list_row(struct picture *p, const struct explain_row *row)
{
	const struct span *columns = p->ladder->columns;
	begin_line(p, false);
	if (row->failing)
		put(p, 0, p->strokes->mark, PAPER_RED);
	put_time(p, row);
	p->left = GUTTER + TIME_COLUMNS;
	if (row->kind == EXPLAIN_ROW_GAP || row->kind == EXPLAIN_ROW_MORE) {
		(void)put_text(p, p->left, p->width - p->left, between_text(p, row), PAPER_FAINT);
		end_line(p);
		return;
	}
	size_t at = p->left;
	at += put_text(p, at, p->width - at, escaped(p, columns[row->from]), PAPER_PLAIN);
	if (row->kind == EXPLAIN_ROW_ARROW) {
		at += put_text(p, at, p->width - at, p->strokes == &ascii ? SPAN(" -> ") : SPAN(" → "), PAPER_FAINT);
		at += put_text(p, at, p->width - at, escaped(p, columns[row->to]), PAPER_PLAIN);
	}
	at += put_text(p, at, p->width - at, SPAN(": "), PAPER_FAINT);
	put_wrapped(p, at, label_for(p, row, p->width - at), ink_of(row));
}

int explain_ladder_text(const struct explain_ladder *ladder, const struct explain_style *style, struct buffer *out)
{
	struct picture p = { .ladder = ladder, .style = style, .strokes = style->ascii ? &ascii : &unicode };
	p.width = style->finding.width ? style->finding.width : WIDTH_USUAL;
	p.width = p.width < 40 ? 40 : p.width > WIDTH_MAXIMUM ? WIDTH_MAXIMUM : p.width;
	paper_init(&p.paper, out, &style->finding);
	buffer_init(&p.text, 64 * 1024);
	for (uint32_t i = 0; i < ladder->row_count; i++)
		p.has_times |= ladder->rows[i].time_us != 0;
	if (lay_out(&p)) {
		draw_names(&p);
		for (uint32_t i = 0; i < ladder->row_count; i++)
			draw_row(&p, &ladder->rows[i]);
	} else {
		list_names(&p);
		for (uint32_t i = 0; i < ladder->row_count; i++)
			list_row(&p, &ladder->rows[i]);
	}
	int status = p.text.status ? p.text.status : 0;
	buffer_done(&p.text);
	int printed = paper_done(&p.paper);
	return status ? status : printed;
}
