/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a head: lines of SDP as long as they look like it, anything else as long as Content-Length says. */
#include "base/require.h"
#include "trace/mend_private.h"

#include <ctype.h>

#define BODY_MAXIMUM TRACE_RECORD_MAXIMUM

static bool is_sdp_line(struct span text)
{
	return text.length >= 2 && text.at[0] >= 'a' && text.at[0] <= 'z' && text.at[1] == '=';
}

size_t mend_find_sdp(struct span text)
{
	struct span begin = SPAN("v=0 ");
	for (size_t from = 0; from < text.length;) {
		size_t at = from + span_find_span(span_from(text, from), begin);
		size_t next = at + begin.length;
		while (next < text.length && text.at[next] == ' ')
			next++;
		if (at < text.length && (at == 0 || text.at[at - 1] == ' ') && is_sdp_line(span_from(text, next)))
			return at;
		from = next;
	}
	return text.length;
}

/* "v=0 o=- 0 0 IN IP4 … s=…": all on one line. Blanks before such a letter are none of a value's. */
static void append_sdp(struct buffer *body, struct span text)
{
	bool joined = text.length > 0 && mend_find_sdp(text) == 0;
	for (size_t i = 0; i < text.length; i++) {
		size_t next = i;
		while (next < text.length && text.at[next] == ' ')
			next++;
		bool begins = joined && next > i && is_sdp_line(span_from(text, next)) &&
			      memchr("osiuepcbtrzkam", text.at[next], 14);
		(void)buffer_append_byte(body, begins ? '\n' : text.at[i]);
		/* Blanks stand alone. */
		i = next > i ? next - 1 : i;
	}
}

struct reading {
	struct mender *m;
	const struct mend_head *h;
	bool is_sdp;
	bool any;
};

static void add(struct reading *r, struct span text, size_t previous, size_t line)
{
	struct buffer *body = &r->m->body;
	bool goes_on = r->is_sdp && r->any && !is_sdp_line(text);
	if (goes_on) {
		body->length--; /* the LF */
		if (mend_needs_blank(r->m, previous, line, buffer_span(body), text, false))
			(void)buffer_append_byte(body, ' ');
	}
	if (r->is_sdp)
		append_sdp(body, text);
	else
		(void)buffer_append(body, text);
	(void)buffer_append_byte(body, '\n');
	r->any = true;
}

static bool ends_body(const struct mender *m, const struct mend_head *h, size_t line)
{
	unsigned int anchor = m->lines[line].anchor;
	struct span text = span_trim(mend_line_text(m, line));
	return mend_is_strong(anchor) || anchor == MEND_RECORD_ENDS ||
	       (h->in_bars && text.length == 1 && text.at[0] == '|');
}

static size_t skip_empty(const struct mender *m, size_t line, size_t end)
{
	while (line < end && m->lines[line].length == 0)
		line++;
	return line;
}

void mend_body_read(struct mender *m, struct mend_cursor *c, const struct mend_head *h)
{
	size_t line = skip_empty(m, c->line, h->end), previous = line;
	bool in_log = h->in_bars || (h->names & MEND_FIELDS);
	struct reading r = { .m = m, .h = h };
	buffer_clear(&m->body);
	if (line == h->end || h->content_length == 0 || h->has_ended || (c->skip == 0 && ends_body(m, h, line)))
		return;
	size_t skip = line == c->line ? c->skip : 0;
	r.is_sdp = is_sdp_line(span_trim(span_from(mend_line_text(m, line), skip)));
	if (!in_log && !r.is_sdp && (h->content_length < 0 || m->lines[line].anchor != MEND_NONE))
		return;
	size_t newlines = 0;
	for (; line < h->end && m->body.length < BODY_MAXIMUM; line++, skip = 0) {
		if (skip == 0 && ends_body(m, h, line))
			break;
		struct span text = span_from(mend_line_text(m, line), skip);
		if (!r.is_sdp && h->content_length >= 0 && m->body.length + newlines >= (size_t)h->content_length)
			break;
		if (r.is_sdp && text.length == 0) {
			/* Line ends that were doubled; else it is over. */
			size_t next = skip_empty(m, line, h->end);
			if (next == h->end || !is_sdp_line(span_trim(mend_line_text(m, next))))
				break;
			continue;
		}
		if (r.is_sdp && skip == 0 && m->lines[line].anchor != MEND_NONE)
			break;
		bool joined_bar = h->in_bars && text.length > 1 && text.at[text.length - 1] == '|' &&
				  (r.is_sdp || text.at[text.length - 2] == ' ');
		add(&r, joined_bar ? span_trim(span_first(text, text.length - 1)) : text, previous, line);
		newlines++;
		previous = line;
		if (joined_bar) {
			line++;
			break;
		}
	}
	*c = (struct mend_cursor){ .line = line };
}
