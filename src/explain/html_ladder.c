/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/html_ladder.h"

#include "base/text.h"

#define TIME_WIDTH 110u
#define PITCH_MINIMUM 130u
#define PITCH_MAXIMUM 260u
#define ROW_HEIGHT 30u
#define HEAD_HEIGHT 34u
#define NOTE_LETTER_WIDTH 8u /* on the safe side: a note must not be cut */
#define LETTER_WIDTH 7u /* of the page's small type, roughly: only room is reckoned by it */
#define NOTE_LETTERS 110u
#define NOTE_GAP 9u /* from the lifeline to the note */

struct drawing {
	const struct explain_ladder *ladder;
	const struct explain_style *style;
	struct buffer *out;
	unsigned int pitch;
	unsigned int width, height;
};

void explain_html_text(struct buffer *out, struct span text)
{
	struct buffer safe;
	buffer_init(&safe, 4u << 20);
	text_append_safe(&safe, text);
	for (size_t i = 0; i < safe.length; i++) {
		switch (safe.at[i]) {
		case '&':
			buffer_append_text(out, "&amp;");
			break;
		case '<':
			buffer_append_text(out, "&lt;");
			break;
		case '>':
			buffer_append_text(out, "&gt;");
			break;
		case '"':
			buffer_append_text(out, "&quot;");
			break;
		case '\'':
			buffer_append_text(out, "&#39;");
			break;
		default:
			buffer_append_byte(out, safe.at[i]);
		}
	}
	if (safe.status < 0)
		out->status = safe.status;
	buffer_done(&safe);
}

static unsigned int lifeline(const struct drawing *d, uint32_t column)
{
	return TIME_WIDTH + d->pitch / 2 + column * d->pitch;
}

static const char *class_of(const struct explain_row *row)
{
	static const char *const classes[] = {
		[EXPLAIN_CLASS_PLAIN] = "plain",
		[EXPLAIN_CLASS_PROVISIONAL] = "faint",
		[EXPLAIN_CLASS_GOOD] = "good",
		[EXPLAIN_CLASS_REDIRECT] = "ask",
		[EXPLAIN_CLASS_BAD] = "bad",
	};
	return row->failing ? "bad failing" : classes[row->class];
}

static void append_time(struct drawing *d, const struct explain_row *row, unsigned int y)
{
	char text[16];
	if (explain_time_text(d->style, row->time_us, text) == 0)
		return;
	buffer_printf(d->out, "<text class=\"faint\" x=\"4\" y=\"%u\">%s</text>\n", y, text);
}

static void append_arrow(struct drawing *d, const struct explain_row *row, unsigned int y)
{
	bool right = row->to > row->from;
	unsigned int from = lifeline(d, row->from), to = lifeline(d, row->to), middle = (from + to) / 2;
	unsigned int tip = right ? to - 2 : to + 2, tail = right ? tip - 8 : tip + 8;
	buffer_printf(d->out, "<g class=\"%s\"><line x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>", class_of(row), from, y,
		tip, y);
	if (row->failing)
		buffer_printf(d->out, "<path d=\"M%u %ul10 10m0 -10l-10 10\"/>", right ? tip - 12 : tip + 2, y - 5);
	else
		buffer_printf(d->out, "<path d=\"M%u %uL%u %uL%u %u\"/>", tail, y - 4, tip, y, tail, y + 4);
	buffer_printf(d->out, "<text x=\"%u\" y=\"%u\" text-anchor=\"middle\">", middle, y - 5);
	explain_html_text(d->out, row->label);
	if (row->count > 1)
		buffer_printf(d->out, " ×%u", row->count);
	buffer_append_text(d->out, "</text></g>\n");
}

/* As much of it as is shown; the rest is its title, which a pointer shows. */
static size_t note_length(struct span label)
{
	size_t cut = label.length < NOTE_LETTERS ? label.length : NOTE_LETTERS;
	while (cut < label.length && cut > 0 && ((unsigned char)label.at[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

static void append_note(struct drawing *d, const struct explain_row *row, unsigned int y)
{
	unsigned int x = lifeline(d, row->from);
	size_t cut = note_length(row->label);
	bool is_cut = cut < row->label.length;
	buffer_printf(d->out,
		"<g class=\"%s\"><circle cx=\"%u\" cy=\"%u\" r=\"4\"/><text class=\"note\" x=\"%u\" y=\"%u\">",
		class_of(row), x, y, x + NOTE_GAP, y + 4);
	explain_html_text(d->out, span_first(row->label, cut));
	buffer_append_text(d->out, is_cut ? "…<title>" : "<title>");
	explain_html_text(d->out, row->label);
	buffer_append_text(d->out, "</title></text></g>\n");
}

static void append_between(struct drawing *d, const struct explain_row *row, unsigned int y)
{
	char duration[32];
	explain_duration_text(row->gap_us, duration, sizeof(duration));
	buffer_printf(d->out, "<text class=\"faint\" x=\"4\" y=\"%u\">", y);
	if (row->kind == EXPLAIN_ROW_GAP)
		buffer_printf(d->out, "%s later", duration);
	else
		buffer_printf(d->out, "%u more", row->count);
	buffer_append_text(d->out, "</text>\n");
}

static void append_row(struct drawing *d, const struct explain_row *row, unsigned int y)
{
	append_time(d, row, y + 4);
	if (row->kind == EXPLAIN_ROW_ARROW)
		append_arrow(d, row, y);
	else if (row->kind == EXPLAIN_ROW_NOTE)
		append_note(d, row, y);
	else
		append_between(d, row, y + 4);
}

static void append_columns(struct drawing *d)
{
	for (uint32_t i = 0; i < d->ladder->column_count; i++) {
		unsigned int x = lifeline(d, i);
		buffer_printf(d->out, "<text class=\"host\" x=\"%u\" y=\"18\" text-anchor=\"middle\">", x);
		explain_html_text(d->out, d->ladder->columns[i]);
		buffer_printf(d->out, "</text><line class=\"life\" x1=\"%u\" y1=\"%u\" x2=\"%u\" y2=\"%u\"/>\n", x,
			HEAD_HEIGHT - 8, x, d->height);
	}
}

static unsigned int pitch_of(const struct explain_ladder *ladder)
{
	size_t letters = 0;
	for (uint32_t i = 0; i < ladder->column_count; i++)
		letters = ladder->columns[i].length > letters ? ladder->columns[i].length : letters;
	for (uint32_t i = 0; i < ladder->row_count; i++)
		if (ladder->rows[i].kind == EXPLAIN_ROW_ARROW && ladder->rows[i].label.length > letters)
			letters = ladder->rows[i].label.length;
	size_t pitch = letters * LETTER_WIDTH + 24;
	return pitch < PITCH_MINIMUM ? PITCH_MINIMUM : pitch > PITCH_MAXIMUM ? PITCH_MAXIMUM : (unsigned int)pitch;
}

/* All columns, and the note that goes furthest. */
static unsigned int width_of(const struct drawing *d)
{
	size_t width = TIME_WIDTH + d->ladder->column_count * d->pitch + 20;
	for (uint32_t i = 0; i < d->ladder->row_count; i++) {
		const struct explain_row *row = &d->ladder->rows[i];
		if (row->kind != EXPLAIN_ROW_NOTE)
			continue;
		size_t end = lifeline(d, row->from) + NOTE_GAP + (note_length(row->label) + 2) * NOTE_LETTER_WIDTH;
		width = end > width ? end : width;
	}
	return (unsigned int)width;
}

int explain_html_ladder(const struct explain_ladder *ladder, const struct explain_style *style, struct buffer *out)
{
	struct drawing d = { .ladder = ladder, .style = style, .out = out, .pitch = pitch_of(ladder) };
	d.width = width_of(&d);
	d.height = HEAD_HEIGHT + ladder->row_count * ROW_HEIGHT + 10;
	buffer_printf(out,
		"<div class=\"ladder\"><svg role=\"img\" aria-label=\"ladder of the messages\" width=\"%u\" "
		"height=\"%u\" viewBox=\"0 0 %u %u\">\n",
		d.width, d.height, d.width, d.height);
	append_columns(&d);
	for (uint32_t i = 0; i < ladder->row_count; i++)
		append_row(&d, &ladder->rows[i], HEAD_HEIGHT + i * ROW_HEIGHT + ROW_HEIGHT / 2);
	return buffer_append_text(out, "</svg></div>\n");
}
