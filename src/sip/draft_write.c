/* SPDX-License-Identifier: Apache-2.0 */
/* How drafts leave: as pieces of the received bytes and of new text. */
#include "sip/draft.h"
#include "sip/draft_private.h"

#include <errno.h>

struct writer {
	struct iovec *pieces;
	size_t capacity;
	size_t count;
	const char *end; /* of the last piece */
	bool overflow;
};

/* Bytes that follow the last piece in memory make it longer. */
static void put(struct writer *w, struct span text)
{
	if (text.length == 0)
		return;
	if (w->count && w->end == text.at) {
		w->pieces[w->count - 1].iov_len += text.length;
	} else if (w->count == w->capacity) {
		w->overflow = true;
		return;
	} else {
		w->pieces[w->count++] =
			(struct iovec){ .iov_base = (void *)(uintptr_t)text.at, .iov_len = text.length };
	}
	w->end = text.at + text.length;
}

static void put_last_first(struct writer *w, const struct sip_draft *d, enum sip_draft_edit_kind kind, size_t index)
{
	for (size_t i = d->edit_count; i-- > 0;) {
		if (d->edits[i].kind == kind && d->edits[i].index == index)
			put(w, d->edits[i].text);
	}
}

static void put_edited_line(struct writer *w, const struct sip_draft *d, size_t index)
{
	put_last_first(w, d, SIP_DRAFT_BEFORE, index);
	if (sip_draft_is_dropped(d, index))
		return;
	for (size_t i = 0; i < d->edit_count; i++) {
		if (d->edits[i].kind == SIP_DRAFT_INSTEAD && d->edits[i].index == index) {
			put(w, d->edits[i].text);
			return;
		}
	}
	put(w, sip_message_line(d->source, &d->source->headers[index]));
}

static void put_source_lines(struct writer *w, const struct sip_draft *d)
{
	size_t count = d->source ? d->source->header_count : 0;
	for (size_t i = 0; i < count; i++) {
		if (d->edited[i / 64] >> (i % 64) & 1)
			put_edited_line(w, d, i);
		else if (!sip_draft_is_dropped(d, i))
			put(w, sip_message_line(d->source, &d->source->headers[i]));
	}
}

static bool has_content_length(const struct sip_draft *d)
{
	for (size_t i = 0; i < d->edit_count; i++) {
		if (d->edits[i].kind == SIP_DRAFT_APPEND && d->edits[i].id == SIP_HEADER_CONTENT_LENGTH)
			return true;
	}
	const struct sip_header *header = d->source ? sip_message_find(d->source, SIP_HEADER_CONTENT_LENGTH) : NULL;
	return header && !sip_draft_is_dropped(d, (size_t)(header - d->source->headers));
}

/* The empty line, with a Content-Length before it where there is none. The source's own is taken where it can be: then
 * an untouched message leaves in one piece. */
static struct span end_of_head(const struct sip_draft *d)
{
	if (!has_content_length(d))
		return arena_printf(d->arena, "Content-Length: %zu\r\n\r\n", d->body.length);
	if (d->source && d->source->head.length >= 2) {
		struct span last = span_from(d->source->head, d->source->head.length - 2);
		if (span_is(last, "\r\n"))
			return last;
	}
	return SPAN("\r\n");
}

int sip_draft_pieces(const struct sip_draft *d, struct iovec *ret_pieces, size_t capacity)
{
	struct writer w = { .pieces = ret_pieces, .capacity = capacity };
	if (d->status < 0)
		return d->status;
	struct span head_end = end_of_head(d);
	if (!head_end.at)
		return -ENOMEM;
	put(&w, d->start_line);
	put_last_first(&w, d, SIP_DRAFT_TOP, 0);
	put_source_lines(&w, d);
	for (size_t i = 0; i < d->edit_count; i++) {
		if (d->edits[i].kind == SIP_DRAFT_APPEND)
			put(&w, d->edits[i].text);
	}
	put(&w, head_end);
	put(&w, d->body);
	return w.overflow ? -ENOBUFS : (int)w.count;
}

int sip_draft_write(const struct sip_draft *d, struct buffer *b)
{
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	int count = sip_draft_pieces(d, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	size_t length = 0;
	for (int i = 0; i < count; i++)
		length += pieces[i].iov_len;
	int status = count < 0 ? count : buffer_reserve(b, length);
	for (int i = 0; i < count && status == 0; i++)
		status = buffer_append(b, span_make(pieces[i].iov_base, pieces[i].iov_len));
	return status;
}

struct span sip_draft_text(const struct sip_draft *d)
{
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	int count = sip_draft_pieces(d, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	size_t length = 0;
	for (int i = 0; i < count; i++)
		length += pieces[i].iov_len;
	char *text = count > 0 ? arena_allocate(d->arena, length) : NULL;
	if (!text)
		return SPAN_NONE;
	for (size_t i = 0, at = 0; i < (size_t)count; at += pieces[i].iov_len, i++)
		memcpy(text + at, pieces[i].iov_base, pieces[i].iov_len);
	return span_make(text, length);
}
