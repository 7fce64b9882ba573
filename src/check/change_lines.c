/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of lines in an arena. */
#include "check/change_private.h"

#include <errno.h>
#include <stdlib.h>

int change_lines_add(struct change_lines *lines, struct span item)
{
	if (lines->count == lines->capacity) {
		size_t capacity = lines->capacity ? lines->capacity * 2 : 16;
		struct span *items = arena_allocate(lines->arena, capacity * sizeof(*items));
		if (!items)
			return -ENOMEM;
		if (lines->count)
			memcpy(items, lines->items, lines->count * sizeof(*items));
		lines->items = items;
		lines->capacity = capacity;
	}
	lines->items[lines->count++] = item;
	return 0;
}

int change_lines_add_all(struct change_lines *lines, struct span text)
{
	int status = 0;
	while (text.at && status == 0) {
		struct span line = span_cut(&text, '\n');
		if (line.length)
			status = change_lines_add(lines, line);
	}
	return status;
}

static int compare(const void *a, const void *b)
{
	return span_compare(*(const struct span *)a, *(const struct span *)b);
}

int change_lines_join(struct change_lines *lines, struct span *ret_text)
{
	size_t length = 0, at = 0;
	*ret_text = SPAN_NONE;
	if (lines->count == 0)
		return 0;
	qsort(lines->items, lines->count, sizeof(*lines->items), compare);
	for (size_t i = 0; i < lines->count; i++)
		length += lines->items[i].length + 1;
	char *text = arena_allocate(lines->arena, length);
	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < lines->count; i++) {
		if (i && span_equal(lines->items[i], lines->items[i - 1]))
			continue;
		if (at)
			text[at++] = '\n';
		memcpy(text + at, lines->items[i].at, lines->items[i].length);
		at += lines->items[i].length;
	}
	*ret_text = span_make(text, at);
	return 0;
}

bool change_has_line(struct span text, struct span line)
{
	while (text.at) {
		if (span_equal(span_cut(&text, '\n'), line))
			return true;
	}
	return false;
}

bool change_has_new(struct span before, struct span after)
{
	if (span_is_empty(before))
		return false;
	while (after.at) {
		struct span line = span_cut(&after, '\n');
		if (line.length && !change_has_line(before, line))
			return true;
	}
	return false;
}
