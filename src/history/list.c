/* SPDX-License-Identifier: Apache-2.0 */
/* One entry in one line. */
#include "base/text.h"
#include "finding/paper.h"
#include "history/page.h"

#include <stdio.h>

#define GAP 2
#define STAMP_COLUMNS 19
#define ALIAS_LEAST 8

void history_stamp_text(const struct history_style *style, int64_t time_us, char ret_text[HISTORY_STAMP_SIZE])
{
	int64_t offset_s = style->utc_offset_s ? style->utc_offset_s(style->argument, time_us) : 0;
	char text[40] = "";
	clock_format_utc(time_us + offset_s * CLOCK_SECOND_US, text, sizeof(text));
	text[10] = text[0] ? ' ' : '\0';
	/* The page shows whole seconds, the tree milliseconds. */
	snprintf(ret_text, HISTORY_STAMP_SIZE, "%.23s", text);
}

static void widen(size_t *column, struct span text)
{
	size_t columns = paper_columns(text);
	if (columns > *column)
		*column = columns;
}

void history_list_measure(struct history_columns *columns, const struct history_search *search)
{
	char type[HISTORY_TYPE_SIZE], status[HISTORY_STATUS_SIZE], id[24];
	history_type_text(search, type);
	history_status_text(search, status);
	snprintf(id, sizeof(id), "%llu", (unsigned long long)search->id);
	widen(&columns->type, span_of(type));
	widen(&columns->source, search->source);
	widen(&columns->destination, search->destination);
	widen(&columns->variant, history_variant_text(search->variant));
	widen(&columns->status, span_of(status));
	widen(&columns->id, span_of(id));
}

/* Source and destination share what the others leave; the shorter one keeps its own. */
static void fit(struct history_columns *columns, size_t width)
{
	size_t others = STAMP_COLUMNS + GAP + columns->type + GAP + columns->status + GAP + columns->id;
	others += (columns->source ? GAP : 0) + (columns->destination ? GAP : 0);
	others += columns->variant ? columns->variant + GAP : 0;
	size_t room = width > others + 2 * ALIAS_LEAST ? width - others : 2 * ALIAS_LEAST;
	if (width == 0 || columns->source + columns->destination <= room)
		return;
	if (columns->source <= room / 2)
		columns->destination = room - columns->source;
	else if (columns->destination <= room / 2)
		columns->source = room - columns->destination;
	else
		columns->source = columns->destination = room / 2;
}

/* Characters of the text, as many as fit in front of the mark of a cut. */
static void append_cut(struct paper *p, struct span text, size_t columns, bool ascii)
{
	struct buffer safe;
	size_t length = 0, used = 0, mark = ascii ? 3 : 1;
	buffer_init(&safe, 64 << 10);
	text_append_safe(&safe, text);
	struct span all = buffer_span(&safe);
	while (length < all.length) {
		size_t next = length + 1;
		while (next < all.length && ((unsigned char)all.at[next] & 0xc0) == 0x80)
			next++;
		size_t more = text_columns(span_make(all.at + length, next - length));
		if (used + more + mark > columns)
			break;
		used += more;
		length = next;
	}
	buffer_append(&p->line, span_first(all, length));
	buffer_append_text(&p->line, ascii ? "..." : "\u2026");
	buffer_done(&safe);
}

static void append_cell(struct paper *p, struct span text, size_t columns, bool ascii)
{
	size_t start = paper_column(p);
	if (columns == 0)
		return;
	if (paper_columns(text) > columns)
		append_cut(p, text, columns, ascii);
	else
		paper_text(p, text);
	size_t used = paper_column(p) - start;
	paper_fill(p, ' ', (used < columns ? columns - used : 0) + GAP);
}

int history_list_append(struct buffer *out, const struct history_search *search, const struct history_columns *columns,
	const struct history_style *style)
{
	char stamp[HISTORY_STAMP_SIZE], type[HISTORY_TYPE_SIZE], status[HISTORY_STATUS_SIZE], id[24];
	struct history_columns room = *columns;
	struct paper paper;
	fit(&room, style->page.width);
	history_stamp_text(style, search->start_us, stamp);
	history_type_text(search, type);
	history_status_text(search, status);
	int id_length = snprintf(id, sizeof(id), "%llu", (unsigned long long)search->id);
	paper_init(&paper, out, &style->page);
	paper.width = 0;
	append_cell(&paper, span_first(span_of(stamp), STAMP_COLUMNS), STAMP_COLUMNS, style->ascii);
	append_cell(&paper, span_of(type), room.type, style->ascii);
	append_cell(&paper, search->source, room.source, style->ascii);
	append_cell(&paper, search->destination, room.destination, style->ascii);
	append_cell(&paper, history_variant_text(search->variant), room.variant, style->ascii);
	paper_ink(&paper, !search->ended ? PAPER_PLAIN : search->found ? PAPER_GREEN : PAPER_RED);
	append_cell(&paper, span_of(status), room.status, style->ascii);
	paper_ink(&paper, PAPER_FAINT);
	paper_fill(&paper, ' ', room.id > (size_t)id_length ? room.id - (size_t)id_length : 0);
	paper_text(&paper, span_make(id, (size_t)id_length));
	paper_end_whole(&paper);
	return paper_done(&paper);
}
