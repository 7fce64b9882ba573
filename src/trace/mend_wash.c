/* SPDX-License-Identifier: Apache-2.0 */
/* Clean lines: without what mail, wikis, editors and syslog put in front, between and into them. Nothing here looks at
 * what a line means, but for the records that begin inside of one. A clean text is never longer than it was. */
#include "trace/mend_private.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- characters ---- */

struct wash {
	struct mender *m;
	const char *at; /* of the line of the file, behind what stood in front of it */
	size_t length;
	size_t i;
	uint32_t origin; /* of at[0] */
	uint32_t line_origin; /* of the line of the file */
	size_t begin; /* of the clean line, in m->washed */
	uint32_t begin_origin;
	uint32_t end_origin; /* of the line of the file, with its newline */
	uint32_t number;
	uint16_t width;
	size_t bracket; /* the last "[" of the clean line, 0: none; plus 1 */
	bool in_fence, was_in_fence; /* now, and at the front of the line */
	struct mend_nesting json; /* of a record of JSON that has begun: nothing in it is a mark */
	bool is_strong_text; /* between two marks ** */
	bool is_soft;
};

static void put(struct wash *w, char c)
{
	w->m->washed.at[w->m->washed.length++] = c;
}

/* So many bytes as they are. */
static void put_all(struct wash *w, size_t length)
{
	memcpy(w->m->washed.at + w->m->washed.length, w->at + w->i, length);
	w->m->washed.length += length;
	w->i += length;
}

static struct span rest_of(const struct wash *w)
{
	return span_make(w->at + w->i, w->length - w->i);
}

static bool push(struct mender *m, struct mend_line line)
{
	if (m->count == m->capacity) {
		size_t capacity = m->capacity ? 2 * m->capacity : 256;
		struct mend_line *lines = realloc(m->lines, capacity * sizeof(*lines));
		if (!lines) {
			m->no_memory = true;
			return false;
		}
		m->lines = lines;
		m->capacity = capacity;
	}
	m->lines[m->count++] = line;
	return true;
}

/* Where a piece of a clean line stood: sought by its first bytes, which washing has left alone: all of a stamp, of
 * other beginnings what has no underscore. */
static uint32_t origin_of(const struct wash *w, struct span piece, uint32_t from, size_t before)
{
	size_t length = isdigit((unsigned char)piece.at[0]) ? 19 : piece.at[0] == 'T' ? 2 : 4;
	/* What became so many clean bytes was not many times as long. */
	struct span rest = span_first(span_make(w->m->text.at + from, w->end_origin - from), 8 * before + 256);
	size_t at = span_find_span(rest, span_first(piece, length));
	return at < rest.length ? from + (uint32_t)at : from;
}

/* What syslog put in front of a record that has a stamp of its own. */
static bool is_only_prefix(struct span piece)
{
	struct span text = span_trim(piece);
	if (text.length > 0 && text.at[0] == '<')
		text = span_from(text, span_find(span_first(text, 5), '>') + 1);
	return text.length < 120 && mend_syslog_stamp(text) > 0;
}

static size_t indent_of(struct span line)
{
	size_t indent = 0;
	while (indent < line.length && indent < 255 && line.at[indent] == ' ')
		indent++;
	return indent;
}

static void end_line(struct wash *w)
{
	struct mender *m = w->m;
	struct span all = span_make(m->washed.at + w->begin, m->washed.length - w->begin);
	uint32_t origin = w->begin_origin;
	bool soft = w->is_soft;
	size_t from = 0, begin = 0, last = 0;
	while (begin < all.length && all.at[begin] == ' ')
		begin++;
	all = span_from(all, begin);
	all = span_from(all, w->is_soft ? mend_quoting(all) : 0);
	do {
		size_t end = mend_piece_end(all, from);
		struct span piece = span_trim(span_first(span_from(all, from), end - from));
		size_t offset = piece.length > 0 ? (size_t)(piece.at - m->washed.at) : w->begin;
		if (from > 0 && piece.length > 0)
			origin = origin_of(w, piece, origin < w->end_origin ? origin + 1 : origin, from - last);
		struct mend_line line = { .at = (uint32_t)offset,
			.length = (uint32_t)piece.length,
			.origin = origin,
			.origin_end = w->end_origin,
			.number = w->number,
			.width = w->width,
			.anchor = (uint8_t)mend_anchor_of(piece),
			.is_soft = soft,
			.indent = (uint8_t)indent_of(span_make(w->at, w->length)),
			.is_fronted = w->origin > w->line_origin,
			.in_fence = w->was_in_fence,
			.blank_at_end = w->length > 0 && w->at[w->length - 1] == ' ' };
		bool is_prefix = end < all.length && line.anchor == MEND_NONE && is_only_prefix(piece);
		bool is_doubled = piece.length == 0 && m->count > 0 && m->lines[m->count - 1].length == 0;
		if (is_doubled)
			m->lines[m->count - 1].origin_end = w->end_origin;
		else if (!is_prefix && (piece.length > 0 || from == 0) && !push(m, line))
			return;
		if (!is_prefix)
			soft = true;
		last = from;
		from = end;
	} while (from < all.length);
	w->begin = m->washed.length;
	w->begin_origin = w->origin + (uint32_t)w->i;
	w->is_soft = true;
	w->bracket = 0;
}

struct entity {
	struct span text;
	char character;
};

/* The longest is first where one begins another. A 0 is left out, a newline ends the line. */
static const struct entity characters[] = {
	{ { "\xe2\x80\x9c", 3 }, '"' },
	{ { "\xe2\x80\x9d", 3 }, '"' },
	{ { "\xe2\x80\x9e", 3 }, '"' },
	{ { "\xe2\x80\x9f", 3 }, '"' },
	{ { "\xe2\x80\x98", 3 }, '\'' },
	{ { "\xe2\x80\x99", 3 }, '\'' },
	{ { "\xe2\x80\x9a", 3 }, '\'' },
	{ { "\xe2\x80\x90", 3 }, '-' },
	{ { "\xe2\x80\x91", 3 }, '-' },
	{ { "\xe2\x80\x92", 3 }, '-' },
	{ { "\xe2\x80\x93", 3 }, '-' },
	{ { "\xe2\x80\x94", 3 }, '-' },
	{ { "\xe2\x80\x82", 3 }, ' ' },
	{ { "\xe2\x80\x83", 3 }, ' ' },
	{ { "\xe2\x80\x87", 3 }, ' ' },
	{ { "\xe2\x80\x89", 3 }, ' ' },
	{ { "\xe2\x80\xaf", 3 }, ' ' },
	{ { "\xe2\x80\x8b", 3 }, '\0' },
	{ { "\xe2\x80\x8c", 3 }, '\0' },
	{ { "\xe2\x80\x8d", 3 }, '\0' },
	{ { "\xe2\x81\xa0", 3 }, '\0' },
	{ { "\xe2\x80\xa8", 3 }, '\n' },
	{ { "\xc2\xa0", 2 }, ' ' },
	{ { "\xc2\xad", 2 }, '\0' },
	{ { "\xef\xbb\xbf", 3 }, '\0' },
	{ { "&lt;", 4 }, '<' },
	{ { "&gt;", 4 }, '>' },
	{ { "&amp;", 5 }, '&' },
	{ { "&quot;", 6 }, '"' },
	{ { "&#34;", 5 }, '"' },
	{ { "&#39;", 5 }, '\'' },
	{ { "&apos;", 6 }, '\'' },
	{ { "&nbsp;", 6 }, ' ' },
	{ { "&ldquo;", 7 }, '"' },
	{ { "&rdquo;", 7 }, '"' },
	{ { "#015", 4 }, '\0' },
	{ { "#012", 4 }, '\n' },
	{ { "#011", 4 }, ' ' },
	{ { "\\r\\n", 4 }, '\n' },
	{ { "\t", 1 }, ' ' },
};

/* The characters above, of which one may begin here. */
static bool put_special(struct wash *w)
{
	struct span rest = rest_of(w);
	for (size_t k = 0; k < sizeof(characters) / sizeof(*characters); k++) {
		const struct entity *e = &characters[k];
		if (e->text.at[0] != rest.at[0] || !span_equal(span_first(rest, e->text.length), e->text))
			continue;
		w->i += e->text.length;
		if (e->character == '\n')
			end_line(w);
		else if (e->character)
			put(w, e->character);
		return true;
	}
	return false;
}

static bool is_tag_name(struct span name)
{
	static const char *const names[] = { "br", "p", "div", "code", "pre", "span", "b", "strong", "i", "em", "td",
		"tr", "th", "table", "tbody", "font", "li", "ul", "ol", "blockquote", "h1", "h2", "h3", "h4", "u" };
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is_nocase(name, names[i]))
			return true;
	return false;
}

/* A tag of HTML: those that end a line do so, the others go. */
static bool skip_tag(struct wash *w)
{
	static const char *const ending[] = { "br", "p", "div", "tr", "li", "pre" };
	struct span inside = span_from(span_first(rest_of(w), 256), 1);
	size_t close = span_find(inside, '>');
	if (close == inside.length)
		return false;
	inside = span_first(inside, close);
	struct span name = inside;
	if (name.length > 0 && name.at[0] == '/')
		name = span_from(name, 1);
	size_t end = 0;
	while (end < name.length && isalnum((unsigned char)name.at[end]))
		end++;
	if (end < name.length && name.at[end] != ' ' && name.at[end] != '/')
		return false;
	name = span_first(name, end);
	if (!is_tag_name(name))
		return false;
	w->i += inside.length + 2;
	/* The line ends there anyway where nothing follows. */
	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending) && span_trim(rest_of(w)).length > 0; i++)
		if (span_is_nocase(name, ending[i])) {
			end_line(w);
			break;
		}
	return true;
}

/* "**" as Markdown has it: opens before a word, closes behind one. A user may begin with two stars: "sip:**600@…". */
static bool skip_stars(struct wash *w)
{
	struct span rest = rest_of(w);
	if (rest.length < 2 || rest.at[1] != '*')
		return false;
	char before = w->i > 0 ? w->at[w->i - 1] : ' ';
	char after = rest.length > 2 ? rest.at[2] : ' ';
	if (!w->is_strong_text && (isalnum((unsigned char)before) || before == ':' || after == ' '))
		return false;
	w->is_strong_text = !w->is_strong_text;
	w->i += 2;
	return true;
}

/* "[text](address)" becomes its text. */
static bool skip_link(struct wash *w)
{
	struct span rest = rest_of(w);
	size_t close = span_find(span_first(rest, 512), ')');
	if (rest.length < 3 || rest.at[1] != '(' || w->bracket == 0 || close >= rest.length || rest.at[close] != ')')
		return false;
	char *bracket = w->m->washed.at + w->bracket - 1;
	size_t length = (size_t)(w->m->washed.at + w->m->washed.length - bracket) - 1;
	memmove(bracket, bracket + 1, length);
	w->m->washed.length--;
	w->bracket = 0;
	w->i += close + 1;
	return true;
}

/* A backslash before an underscore: no log has one, and what escapes text may do so inside of a block of code. */
static bool skip_escape(struct wash *w)
{
	struct span rest = rest_of(w);
	if (rest.length < 2 || rest.at[0] != '\\' || rest.at[1] != '_')
		return false;
	w->i++;
	return true;
}

/* What Markdown and HTML put into a line, outside of a block of code. */
static bool skip_mark(struct wash *w)
{
	struct span rest = rest_of(w);
	switch (rest.at[0]) {
	case '\\':
		if (rest.length < 2 || !memchr("_*`#[]{}()+!~|<>", rest.at[1], 16))
			return false;
		put(w, rest.at[1]);
		w->i += 2;
		return true;
	case '`':
		w->i++;
		return true;
	case '*':
		return skip_stars(w);
	case ']':
		return skip_link(w);
	case '<':
		return skip_tag(w);
	case '[':
		w->bracket = w->m->washed.length + 1;
		return false;
	default:
		return false;
	}
}

/* Whether nothing can begin with it. */
static bool is_plain(char c)
{
	static const bool special[128] = { ['\\'] = true,
		['`'] = true,
		['*'] = true,
		['['] = true,
		[']'] = true,
		['<'] = true,
		['&'] = true,
		['#'] = true,
		['\t'] = true };
	return (unsigned char)c < 128 && !special[(unsigned char)c];
}

/* A record of JSON, and the lines it was wrapped into: its escapes mean themselves. */
static bool wash_json(struct wash *w)
{
	struct span line = span_make(w->at, w->length);
	if (w->json.depth == 0 && mend_anchor_of(span_first(line, 64)) != MEND_JSON)
		return false;
	if (w->length == 0) {
		w->json = (struct mend_nesting){ 0 };
		return false;
	}
	mend_count_braces(&w->json, line);
	memcpy(w->m->washed.at + w->m->washed.length, line.at, line.length);
	w->m->washed.length += line.length;
	w->i = w->length;
	end_line(w);
	return true;
}

static void wash_characters(struct wash *w)
{
	if (wash_json(w))
		return;
	while (w->i < w->length) {
		size_t plain = w->i;
		while (plain < w->length && is_plain(w->at[plain]))
			plain++;
		put_all(w, plain - w->i);
		if (w->i < w->length && !(w->in_fence ? skip_escape(w) : skip_mark(w)) && !put_special(w))
			put_all(w, 1);
	}
	end_line(w);
}

/* "```" or "~~~" at the front of a line. */
static bool is_fence(struct span line)
{
	struct span text = span_trim(line);
	return span_equal(span_first(text, 3), SPAN("```")) || span_equal(span_first(text, 3), SPAN("~~~"));
}

static uint16_t columns(struct span line)
{
	size_t count = 0;
	for (size_t i = 0; i < line.length && count < UINT16_MAX; i++)
		count += ((unsigned char)line.at[i] & 0xc0) != 0x80;
	return (uint16_t)count;
}

static void wash_line(struct wash *w, struct span line)
{
	static const struct span ends[] = { { "^M", 2 }, { "#015", 4 } };
	w->at = line.at;
	w->length = line.length;
	while (w->length > 0 && (line.at[w->length - 1] == '\r'))
		w->length--;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (span_ends_nocase(span_first(line, w->length), ends[i]))
			w->length -= ends[i].length;
	w->i = 0;
	w->begin = w->m->washed.length;
	w->begin_origin = w->line_origin;
	w->is_soft = false;
	w->bracket = 0;
	w->width = columns(span_make(w->at, w->length));
	w->was_in_fence = w->in_fence;
	if (is_fence(line)) {
		w->in_fence = !w->in_fence;
		w->is_strong_text = false;
		w->length = 0;
	}
	if (w->length == 0)
		w->is_strong_text = false;
	wash_characters(w);
}

static struct span line_at(struct span text, size_t offset, size_t *ret_whole)
{
	struct span rest = span_from(text, offset);
	size_t end = span_find(rest, '\n');
	*ret_whole = end < rest.length ? end + 1 : end;
	return span_first(rest, end);
}

size_t mend_wash(struct mender *m)
{
	struct wash w = { .m = m, .in_fence = m->in_fence };
	struct span before = SPAN_NONE, line, after;
	size_t offset = 0, whole, next_whole;
	buffer_clear(&m->washed);
	m->count = 0;
	if (buffer_reserve(&m->washed, m->text.length + 1) != 0) {
		m->no_memory = true;
		return 0;
	}
	line = line_at(m->text, 0, &whole);
	while (whole > 0 && m->count < MEND_LINES_MAXIMUM && !m->no_memory) {
		after = line_at(m->text, offset + whole, &next_whole);
		struct span text = mend_without_front(line, before, after);
		w.line_origin = (uint32_t)offset;
		w.origin = (uint32_t)(offset + (line.at ? (size_t)(text.at - line.at) : 0));
		w.end_origin = (uint32_t)(offset + whole);
		wash_line(&w, text);
		offset += whole;
		w.number++;
		before = line;
		line = after;
		whole = next_whole;
	}
	m->in_fence = w.in_fence;
	return offset;
}
