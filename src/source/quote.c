/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a file again. Where lines were counted from while it was read is known every few megabytes. */
#include "base/buffer.h"
#include "source/private.h"

#include <stdlib.h>

/* A quotation, and how far it is searched for. */
#define QUOTE_MAXIMUM ((size_t)64 << 10)
#define SEARCH_MAXIMUM ((uint64_t)64 << 20)

static struct source_mark mark_before(const struct source_lane *lane, uint64_t line)
{
	struct source_mark best = { 1, 0 };
	for (size_t i = 0; i < lane->mark_count && lane->marks[i].line <= line; i++)
		best = lane->marks[i];
	return best;
}

struct search {
	uint64_t line; /* that the next byte is of */
	uint64_t first, behind; /* lines wanted */
	struct buffer found;
};

/* Gives whether more is needed. */
static bool search_in(struct search *search, struct span text)
{
	while (text.length > 0 && search->line < search->behind && search->found.status == 0) {
		size_t end = span_find(text, '\n');
		size_t length = end < text.length ? end + 1 : end;
		if (search->line >= search->first)
			(void)buffer_append(&search->found, span_first(text, length));
		search->line += end < text.length;
		text = span_from(text, length);
	}
	return search->line < search->behind && search->found.status == 0;
}

static void search_file(const struct source_input *input, struct source_mark mark, struct search *search)
{
	char *piece = malloc(SOURCE_PIECE);
	uint64_t offset = mark.offset;
	search->line = mark.line;
	while (piece && offset - mark.offset < SEARCH_MAXIMUM) {
		ssize_t got = source_input_read_at(input, offset, piece, SOURCE_PIECE);
		if (got <= 0 || !search_in(search, span_make(piece, (size_t)got)))
			break;
		offset += (size_t)got;
	}
	free(piece);
}

struct span source_quote(struct source *source, uint32_t file, uint64_t line, unsigned int count, struct arena *arena)
{
	const struct source_lane *lane = source->lanes[file];
	if (!lane->can_be_quoted || line == 0)
		return SPAN_NONE;
	struct source_input again = { .path = lane->input.path,
		.spool = lane->input.spool,
		.stored = lane->input.stored,
		.descriptor = -1,
		.was_open = lane->input.was_open,
		.device = lane->input.device,
		.inode = lane->input.inode };
	if (source_input_open(&again) != 0)
		return SPAN_NONE;
	struct search search = { .first = line, .behind = line + count };
	buffer_init(&search.found, QUOTE_MAXIMUM);
	search_file(&again, mark_before(lane, line), &search);
	source_input_close(&again);
	struct span found = search.found.length ? arena_copy(arena, buffer_span(&search.found)) : SPAN_NONE;
	buffer_done(&search.found);
	return found;
}
