/* SPDX-License-Identifier: Apache-2.0 */
/* A mermaid sequence diagram. Its texts are written as letters and numbered entities alone, so that nothing from
 * outside can end a line, begin a keyword or bring markup into the page that shows it. */
#include "base/text.h"
#include "explain/ladder.h"
#include "explain/render.h"

#include <errno.h>

#define LADDER_ARENA_MAXIMUM (16u << 20)
#define ROWS_MAXIMUM 200

static bool is_plain(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
	       byte == ' ' || byte == '.' || byte == '-' || byte == '_' || byte == '/' || byte == '@' || byte == ',' ||
	       byte == '(' || byte == ')' || byte >= 0x80;
}

/* Mermaid's own entities: #58; is a colon. Control characters become blanks; what is no UTF-8 a question mark. */
static void append_text(struct buffer *out, struct span text)
{
	struct buffer safe;
	buffer_init(&safe, 1u << 20);
	text_append_safe(&safe, text);
	for (size_t i = 0; i < safe.length; i++) {
		unsigned char byte = (unsigned char)safe.at[i];
		if (is_plain(byte))
			buffer_append_byte(out, (char)byte);
		else
			buffer_printf(out, "#%u;", byte);
	}
	if (safe.status < 0)
		out->status = safe.status;
	buffer_done(&safe);
}

static void append_row(const struct explain_row *row, struct buffer *out)
{
	char duration[32];
	switch (row->kind) {
	case EXPLAIN_ROW_ARROW:
		buffer_printf(out, "    h%u%sh%u: ", row->from,
			row->failing                        ? "-x"
			: row->class == EXPLAIN_CLASS_PLAIN ? "->>"
							    : "-->>",
			row->to);
		append_text(out, row->label);
		if (row->count > 1)
			buffer_printf(out, " ×%u", row->count);
		break;
	case EXPLAIN_ROW_NOTE:
		buffer_printf(out, "    Note over h%u: ", row->from);
		append_text(out, row->label);
		break;
	case EXPLAIN_ROW_GAP:
		explain_duration_text(row->gap_us, duration, sizeof(duration));
		buffer_printf(out, "    Note over h0: %s later", duration);
		break;
	case EXPLAIN_ROW_MORE:
		buffer_printf(out, "    Note over h0: %u more", row->count);
		break;
	}
	buffer_append_byte(out, '\n');
}

int explain_render_mermaid(const struct explain_problem *p, const struct explain_style *style, struct buffer *out)
{
	struct arena arena;
	(void)style;
	arena_init(&arena, LADDER_ARENA_MAXIMUM);
	const struct explain_ladder *ladder = explain_ladder_make(p->subject, p->failing, ROWS_MAXIMUM, &arena);
	if (!ladder) {
		arena_done(&arena);
		return -ENOMEM;
	}
	buffer_append_text(out, "```mermaid\nsequenceDiagram\n");
	for (uint32_t i = 0; i < ladder->column_count; i++) {
		buffer_printf(out, "    participant h%u as ", i);
		append_text(out, ladder->columns[i]);
		buffer_append_byte(out, '\n');
	}
	for (uint32_t i = 0; i < ladder->row_count; i++)
		append_row(&ladder->rows[i], out);
	if (p->sentence.length > 0 && ladder->column_count > 0) {
		buffer_append_text(out, "    Note over h0: ");
		append_text(out, p->sentence);
		buffer_append_byte(out, '\n');
	}
	arena_done(&arena);
	return buffer_append_text(out, "```\n");
}
