/* SPDX-License-Identifier: Apache-2.0 */
#include "check/bulk_list.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct span byte_order_mark = { "\xef\xbb\xbf", 3 }; /* U+FEFF */

/* ---- pieces ---- */

static bool is_plain(FILE *file)
{
	struct stat status;
	int descriptor = fileno(file);
	/* A directory is read by stdio, so that its error is told at once. Memory has no descriptor. */
	return descriptor < 0 ||
	       (fstat(descriptor, &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)));
}

int bulk_list_open(struct bulk_list *list, FILE *file)
{
	*list = (struct bulk_list){ .file = file, .descriptor = is_plain(file) ? -1 : fileno(file), .is_first = true };
	list->piece = malloc(BULK_PIECE_SIZE);
	return list->piece ? 0 : -ENOMEM;
}

void bulk_list_close(struct bulk_list *list)
{
	free(list->piece);
	list->piece = NULL;
}

static int list_read_file(struct bulk_list *list, size_t *ret_length)
{
	errno = 0;
	*ret_length = fread(list->piece, 1, BULK_PIECE_SIZE, list->file);
	return *ret_length == 0 && ferror(list->file) ? -(errno ? errno : EIO) : 0;
}

static int list_read_descriptor(const struct bulk_list *list, size_t *ret_length)
{
	struct pollfd readable = { .fd = list->descriptor, .events = POLLIN };
	if (poll(&readable, 1, 0) <= 0)
		return -EAGAIN;
	ssize_t length = read(list->descriptor, list->piece, BULK_PIECE_SIZE);
	if (length < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	*ret_length = (size_t)length;
	return 0;
}

static bool is_utf16(struct span piece)
{
	return piece.length >= 2 && (memcmp(piece.at, "\xff\xfe", 2) == 0 || memcmp(piece.at, "\xfe\xff", 2) == 0);
}

static int list_read(struct bulk_list *list)
{
	size_t length = 0;
	int status = list->descriptor < 0 ? list_read_file(list, &length) : list_read_descriptor(list, &length);
	if (status < 0)
		return status;
	list->piece_at = 0;
	list->piece_length = length;
	list->ended = length == 0;
	if (list->is_first && is_utf16(span_make(list->piece, length)))
		return -EILSEQ;
	list->is_first = false;
	return 0;
}

/* ---- lines ---- */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* As much of the part as there is room for; the first bytes alone, so that they can be looked at. */
static size_t line_append(struct bulk_list *list, struct span part)
{
	size_t room =
		(list->length < byte_order_mark.length ? byte_order_mark.length : sizeof(list->line)) - list->length;
	size_t taken = part.length < room ? part.length : room;
	memcpy(list->line + list->length, part.at, taken);
	list->length += taken;
	return taken;
}

/* The line is full. Blanks in its last place are no reason to call it too long: what follows may be more of them. */
static void line_overflow(struct bulk_list *list, struct span part)
{
	char *last = &list->line[sizeof(list->line) - 1];
	for (; is_blank(*last) && part.length > 0; part = span_from(part, 1))
		*last = part.at[0];
}

/* Adds to the line what counts: no comment, no blanks in front, no byte order mark (files that were put together have
 * them in their middle too), no more than tells that it is too long. */
static void line_add(struct bulk_list *list, struct span part)
{
	if (list->in_comment)
		return;
	size_t comment = span_find(part, '#');
	list->in_comment = comment < part.length;
	part = span_first(part, comment);
	while (part.length > 0 && list->length < sizeof(list->line)) {
		size_t taken = list->length == 0 && is_blank(part.at[0]) ? 1 : line_append(list, part);
		if (span_equal(span_make(list->line, list->length), byte_order_mark))
			list->length = 0;
		part = span_from(part, taken);
	}
	if (list->length == sizeof(list->line))
		line_overflow(list, part);
}

/* The line is whole. */
static struct span line_take(struct bulk_list *list)
{
	struct span line = span_make(list->line, list->length);
	while (line.length > 0 && is_blank(line.at[line.length - 1]))
		line.length--;
	list->length = 0;
	list->in_comment = false;
	return line;
}

/* 1: a line is whole, 0: more must be read, or the end is reached. */
static int line_fill(struct bulk_list *list)
{
	struct span rest = span_make(list->piece + list->piece_at, list->piece_length - list->piece_at);
	size_t end = span_find(rest, '\n');
	line_add(list, span_first(rest, end));
	bool whole = end < rest.length;
	list->piece_at += end + (whole ? 1 : 0);
	return whole || (list->ended && list->length > 0);
}

int bulk_list_next(struct bulk_list *list, struct span *ret_typed)
{
	for (;;) {
		if (list->piece_at == list->piece_length && !list->ended) {
			int status = list_read(list);
			if (status < 0)
				return status;
		}
		if (line_fill(list)) {
			*ret_typed = line_take(list);
			if (ret_typed->length > 0)
				return 1;
		} else if (list->ended) {
			return 0;
		}
	}
}

int64_t bulk_list_count(FILE *file)
{
	struct bulk_list list;
	struct span typed;
	int64_t count = 0;
	off_t start = is_plain(file) ? ftello(file) : -1;
	if (start < 0)
		return 0;
	int status = bulk_list_open(&list, file);
	if (status < 0)
		return status;
	while ((status = bulk_list_next(&list, &typed)) > 0)
		count++;
	bulk_list_close(&list);
	if (status == 0 && fseeko(file, start, SEEK_SET) < 0)
		status = -errno;
	return status < 0 ? status : count;
}
