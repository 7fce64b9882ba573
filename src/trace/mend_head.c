/* SPDX-License-Identifier: Apache-2.0 */
/* Fields and headers put together again: lines that were wrapped become one, those that were joined become several.
 * A known name and a colon begin a line wherever they stand; everything else goes on with the line before it. */
#include "base/require.h"
#include "sip/method.h"
#include "trace/mend_private.h"

#include <ctype.h>

#define HEAD_MAXIMUM (256u << 10)

/* ---- pieces of one line ---- */

static struct span last_token(struct span text)
{
	size_t begin = text.length;
	while (begin > 0 && text.length - begin < MEND_NAME_MAXIMUM && mend_is_token(text.at[begin - 1]))
		begin--;
	return span_from(text, begin);
}

bool mend_needs_blank(const struct mender *m, size_t previous_line, size_t line, struct span previous, struct span next,
	bool in_quote)
{
	if (previous.length == 0 || next.length == 0)
		return false;
	char last = previous.at[previous.length - 1], first = next.at[0];
	const struct mend_line *cut = &m->lines[previous_line];
	if (m->hard_width && cut->width == m->hard_width)
		return cut->blank_at_end || m->lines[line].indent > m->indent;
	if (m->hard_width && cut->width + 1u == m->hard_width)
		return true; /* it stood at the end, and was taken off */
	if (last == '-' && previous.length > 1 && isalnum((unsigned char)previous.at[previous.length - 2]))
		return false;
	if (last == '=' || first == '=')
		return false;
	if (last == '"' && previous.length > 1 && previous.at[previous.length - 2] == '=' && in_quote)
		return false;
	return in_quote || (last != ';' && first != ';');
}

/* Whether this line goes on with the one before it: nothing begins with it. */
static bool goes_on(struct span text, unsigned int names)
{
	size_t whole;
	if (text.length == 0 || text.at[0] == '|' || mend_name(text, names, false, &whole))
		return false;
	bool is_sdp =
		text.length > 2 && text.at[1] == '=' && text.at[2] != '"' && text.at[0] >= 'a' && text.at[0] <= 'z';
	bool is_other_name = mend_name_token(text, &whole) > 1 && isalpha((unsigned char)text.at[0]) &&
			     (whole == text.length || text.at[whole] == ' ');
	return !is_sdp && !is_other_name;
}

/* Fewer lines show nothing. */
#define DOUBLED_MINIMUM 5

static bool are_doubled(const struct mender *m, size_t begin, size_t end)
{
	size_t full = 0;
	for (size_t i = begin; i < end; i++) {
		bool is_full = m->lines[i].length > 0;
		full += is_full;
		if (is_full && i + 1 < end && m->lines[i + 1].length > 0 && !m->lines[i + 1].is_soft)
			return false;
	}
	return full >= DOUBLED_MINIMUM;
}

void mend_measure(struct mender *m, size_t begin, size_t end, unsigned int names)
{
	size_t at_edge = 0, elsewhere = 0;
	uint32_t widest = 0;
	m->hard_width = 0;
	m->indent = begin < end ? m->lines[begin].indent : 0;
	m->is_doubled = are_doubled(m, begin, end);
	for (size_t i = begin; i < end; i++)
		if (m->lines[i].width > widest)
			widest = m->lines[i].width;
	if (widest < 20 || widest == UINT16_MAX)
		return;
	for (size_t i = begin; i + 1 < end; i++) {
		const struct mend_line *line = &m->lines[i];
		bool is_edge = line->width == widest || (line->width == widest - 1 && !line->blank_at_end);
		if (line->length == 0 || m->lines[i + 1].anchor != MEND_NONE || m->lines[i + 1].is_soft ||
			!goes_on(mend_line_text(m, i + 1), names))
			continue;
		at_edge += is_edge;
		elsewhere += !is_edge;
	}
	if (at_edge >= 2 && elsewhere == 0)
		m->hard_width = widest;
}

/* ---- a head ---- */

/* The line that grows. */
struct growing {
	struct mender *m;
	struct mend_head *h;
	size_t begin; /* in m->logical */
	size_t lines;
	size_t previous; /* number of the line that was added last */
	bool odd; /* an open quote */
};

static struct span current(const struct growing *g)
{
	return span_from(buffer_span(&g->m->logical), g->begin);
}

/* What the line that is complete now says about the head. */
static void finish_line(struct growing *g)
{
	struct span line = current(g), value = line;
	size_t whole = 0;
	if (line.length == 0)
		return;
	g->h->known += mend_name(line, g->h->names, false, &whole) > 0;
	if (mend_line_is(line, "Content-Length")) {
		uint64_t number;
		value = span_trim(span_from(line, whole));
		g->h->content_length = span_to_u64(value, INT32_MAX, &number) == 0 ? (int64_t)number : -1;
	}
}

static void new_line(struct growing *g)
{
	if (g->m->logical.length > g->begin) {
		finish_line(g);
		(void)buffer_append_byte(&g->m->logical, '\n');
	}
	g->begin = g->m->logical.length;
	g->odd = false;
	g->lines++;
}

/* Adds a text to the line; a known name in it begins another. */
static void add(struct growing *g, struct span text)
{
	size_t done = 0, whole;
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\\' && g->odd) {
			i++;
			continue;
		}
		if (text.at[i] == '"') {
			g->odd = !g->odd;
			continue;
		}
		if (g->odd || (i > 0 && text.at[i - 1] != ' ') || text.at[i] == ' ')
			continue;
		if ((i > 0 || current(g).length > 0) && mend_name(span_from(text, i), g->h->names, true, &whole)) {
			(void)buffer_append(&g->m->logical, span_trim(span_first(span_from(text, done), i - done)));
			new_line(g);
			done = i;
		}
		size_t token = mend_token_length(span_from(text, i));
		i += token > 0 ? token - 1 : 0;
	}
	(void)buffer_append(&g->m->logical, span_from(text, done));
}

static bool is_open(const struct growing *g)
{
	struct span line = current(g);
	char last = line.length > 0 ? line.at[line.length - 1] : '\0';
	return g->odd || last == ';' || last == '=' || last == ',';
}

static bool is_length_done(const struct growing *g)
{
	struct span line = current(g);
	size_t whole;
	uint64_t number;
	return mend_line_is(line, "Content-Length") && mend_name_token(line, &whole) > 0 &&
	       span_to_u64(span_trim(span_from(line, whole)), INT32_MAX, &number) == 0;
}

/* name="…": a parameter that stands alone. */
static bool is_parameter(struct span text)
{
	size_t length = mend_token_length(text);
	return length > 0 && span_equal(span_first(span_from(text, length), 2), SPAN("=\""));
}

/* "INVITE Via: …": what is left of a CSeq, and a header. */
static bool is_method_and_name(struct span text, unsigned int names)
{
	size_t length = mend_token_length(text), whole;
	return length > 2 && length < text.length && text.at[length] == ' ' &&
	       sip_method_find(span_first(text, length)) != SIP_METHOD_OTHER &&
	       mend_name(span_from(text, length + 1), names, true, &whole) > 0;
}

enum step { STEP_NEW, STEP_GO_ON, STEP_GLUE, STEP_STOP };

static bool is_scheme(struct span name)
{
	static const char *const schemes[] = { "sip", "sips", "tel", "http", "https", "urn", "im", "pres" };
	for (size_t i = 0; i < BASE_COUNT(schemes); i++)
		if (span_is_nocase(name, schemes[i]))
			return true;
	return false;
}

static enum step step_of_name(const struct growing *g, struct span text, size_t length, size_t whole)
{
	struct span previous = current(g), token = last_token(previous), name = span_first(text, length);
	char joined[160];
	bool was_cut = previous.length > 0 &&
		       (previous.at[previous.length - 1] == '-' ||
			       (g->m->hard_width && g->m->lines[g->previous].width == g->m->hard_width));
	if (was_cut && token.length > 0 && token.length + length < sizeof(joined)) {
		memcpy(joined, token.at, token.length);
		memcpy(joined + token.length, name.at, length);
		if (mend_is_name(span_make(joined, token.length + length), g->h->names, false))
			return STEP_GLUE;
	}
	if (mend_is_name(name, g->h->names, false))
		return STEP_NEW;
	bool is_name = isalpha((unsigned char)name.at[0]) && length > 1 && !is_scheme(name) && !is_open(g) &&
		       (whole == text.length || text.at[whole] == ' ') && !was_cut;
	return is_name ? STEP_NEW : STEP_GO_ON;
}

static enum step step_of(const struct growing *g, struct span text, bool after_blank)
{
	size_t whole = 0, length = mend_name_token(text, &whole);
	if (g->lines == 0)
		return STEP_NEW;
	if (g->h->in_bars && text.length == 1 && text.at[0] == '|')
		return STEP_STOP;
	enum step step = length ? step_of_name(g, text, length, whole) : STEP_GO_ON;
	if (step == STEP_NEW && (!after_blank || mend_name(text, g->h->names, false, &whole)))
		return STEP_NEW;
	if (step == STEP_GLUE)
		return step;
	if (is_method_and_name(text, g->h->names))
		return STEP_NEW;
	if (is_length_done(g) || (after_blank && !is_open(g) && !is_parameter(text)))
		return STEP_STOP;
	return STEP_GO_ON;
}

/* The next line that has something in it. */
static size_t next_full(const struct mender *m, size_t line, size_t end)
{
	while (line < end && m->lines[line].length == 0)
		line++;
	return line;
}

static bool ends_head(const struct growing *g, size_t line)
{
	unsigned int anchor = g->m->lines[line].anchor;
	return mend_is_strong(anchor) || anchor == MEND_RECORD_ENDS ||
	       (anchor == MEND_SIP && g->lines > 0 && !(g->h->names & MEND_FIELDS));
}

static bool is_body_field(const struct growing *g)
{
	return (g->h->names & MEND_FIELDS) && mend_line_is(current(g), "Message-Body");
}

static void take_line(struct growing *g, struct span text, enum step step, size_t line)
{
	bool was_odd = g->odd;
	if (step == STEP_NEW)
		new_line(g);
	else if (step == STEP_GO_ON && mend_needs_blank(g->m, g->previous, line, current(g), text, was_odd))
		(void)buffer_append_byte(&g->m->logical, ' ');
	if (step == STEP_GLUE) {
		/* What was glued is a name: it begins a line, unless it is the beginning of one already. */
		struct span token = last_token(current(g));
		if (token.length < current(g).length) {
			char name[MEND_NAME_MAXIMUM];
			memcpy(name, token.at, token.length);
			g->m->logical.length -= token.length;
			while (g->m->logical.length > g->begin && g->m->logical.at[g->m->logical.length - 1] == ' ')
				g->m->logical.length--;
			new_line(g);
			(void)buffer_append(&g->m->logical, span_make(name, token.length));
		}
		(void)buffer_append(&g->m->logical, span_first(text, mend_token_length(text)));
		text = span_from(text, mend_token_length(text));
	}
	add(g, text);
	g->previous = line;
}

/* "Content-Length: 0 |": the bar that ends the message. */
static struct span without_bar(struct mend_head *h, struct span text)
{
	if (!h->in_bars || text.length < 3 || text.at[text.length - 1] != '|')
		return text;
	bool is_apart = text.at[text.length - 2] == ' ';
	h->has_ended = is_apart || mend_line_is(text, "Content-Length");
	return h->has_ended ? span_trim(span_first(text, text.length - 1)) : text;
}

/* One word, or one with parameters. */
static bool is_no_prose(struct span text)
{
	return span_find(text, ' ') == text.length || span_find(text, '=') < text.length ||
	       span_find(text, ';') < text.length;
}

void mend_head_read(struct mender *m, struct mend_cursor *c, struct mend_head *h)
{
	struct growing g = { .m = m, .h = h, .begin = m->logical.length };
	size_t line = c->line, skip = c->skip;
	bool in_log = h->in_bars || h->in_stamps || (h->names & MEND_FIELDS);
	h->content_length = -1;
	while (line < h->end && m->logical.length < HEAD_MAXIMUM) {
		size_t next = skip ? line : next_full(m, line, h->end);
		if (next == h->end || (next != c->line && ends_head(&g, next)))
			break;
		struct span text = span_trim(span_from(mend_line_text(m, next), skip));
		size_t body = mend_find_sdp(text);
		bool has_body = body > 0 && body < text.length;
		if (has_body)
			text = span_trim(span_first(text, body));
		text = without_bar(h, text);
		bool after_blank = next > line && !(m->is_doubled && (in_log || is_no_prose(text)));
		if (m->is_doubled && g.lines > 0 && span_is(text, "v=0"))
			break;
		enum step step = text.length == 0 ? STEP_GO_ON : step_of(&g, text, after_blank);
		if (step == STEP_STOP)
			break;
		if (text.length > 0)
			take_line(&g, text, step, next);
		line = next + 1;
		skip = 0;
		if (h->has_ended)
			break;
		if (has_body) {
			line = next;
			skip = mend_find_sdp(mend_line_text(m, next));
			break;
		}
		if (is_body_field(&g)) {
			h->has_body_field = true;
			break;
		}
	}
	new_line(&g);
	*c = (struct mend_cursor){ .line = line, .skip = skip };
}

/* ---- a line of keys ---- */

static bool has_odd_quotes(struct span text, bool odd)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\\')
			i++;
		else if (text.at[i] == '"')
			odd = !odd;
	}
	return odd;
}

/* Whether the text can go on with a line of keys that is complete as it is. */
static bool looks_like_key(struct span text)
{
	size_t length = 0;
	while (length < text.length && length < MEND_NAME_MAXIMUM &&
		(mend_is_token(text.at[length]) || text.at[length] == '_'))
		length++;
	size_t equals = length;
	while (equals < text.length && equals < length + 3 && text.at[equals] == ' ')
		equals++;
	return length > 0 && equals < text.length && text.at[equals] == '=';
}

static bool wants_more(struct span line)
{
	static const char *const beginnings[] = { "tvcs", "tvcs:" };
	char last = line.length > 0 ? line.at[line.length - 1] : '\0';
	for (size_t i = 0; i < BASE_COUNT(beginnings); i++)
		if (span_ends_nocase(line, span_of(beginnings[i])))
			return true;
	return last == '=' || (last != '"' && last != ':' && last != ')');
}

/* "SIPMSG:" may stand behind the keys. */
static size_t message_mark(struct span text)
{
	size_t at = span_find_span(text, SPAN("SIPMSG:"));
	return at == 0 || (at < text.length && text.at[at - 1] == ' ') ? at : text.length;
}

void mend_keys_read(struct mender *m, struct mend_cursor *c, size_t end)
{
	bool odd = false;
	size_t line = c->line, previous = c->line, start = m->logical.length;
	for (; line < end && m->logical.length < HEAD_MAXIMUM; line++) {
		struct span text = mend_line_text(m, line);
		struct span sofar = span_from(buffer_span(&m->logical), start);
		size_t mark = odd ? text.length : message_mark(text);
		if (line > c->line) {
			if (text.length == 0 && m->is_doubled)
				continue;
			if (mark == 0 || (!odd && text.length > 0 && text.at[0] == '|'))
				break;
			if (text.length == 0 && !odd)
				break;
			if (!odd && !looks_like_key(text) && !wants_more(sofar))
				break;
			if (mend_needs_blank(m, previous, line, sofar, text, odd))
				(void)buffer_append_byte(&m->logical, ' ');
		}
		(void)buffer_append(&m->logical, span_trim(span_first(text, mark)));
		odd = has_odd_quotes(span_first(text, mark), odd);
		previous = line;
		if (mark < text.length) {
			*c = (struct mend_cursor){ .line = line, .skip = mark };
			return;
		}
	}
	*c = (struct mend_cursor){ .line = line };
}
