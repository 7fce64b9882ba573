/* SPDX-License-Identifier: Apache-2.0 */
#include "route/shape.h"

#include <ctype.h>
#include <errno.h>

#define DEPTH_MAXIMUM 32

/* Reading a pattern. What is not understood becomes a gap, and the shape is no longer exact; where even the extent of
 * what is not understood is unclear, the whole is lost: one gap. */
struct reader {
	struct span text;
	size_t at;
	uint16_t *tokens; /* room for two each byte of the text */
	size_t count;
	bool exact;
	bool lost;
	unsigned depth;
};

static void emit(struct reader *r, uint16_t token)
{
	r->tokens[r->count++] = token;
}

static void emit_literal(struct reader *r, char byte)
{
	emit(r, (uint16_t)tolower((unsigned char)byte));
}

static bool is_next(const struct reader *r, char byte)
{
	return r->at < r->text.length && r->text.at[r->at] == byte;
}

static bool take(struct reader *r, const char *word)
{
	struct span rest = span_from(r->text, r->at);
	size_t length = strlen(word);
	if (rest.length < length || memcmp(rest.at, word, length) != 0)
		return false;
	r->at += length;
	return true;
}

/* Since start there is only this much to know: something, or nothing at all. */
static void blur(struct reader *r, size_t start)
{
	r->count = start;
	r->exact = false;
	emit(r, ROUTE_SHAPE_GAP);
}

/* ---- repeats ---- */

enum repeat { REPEAT_NONE, REPEAT_ANY /* "*" */, REPEAT_SOME /* "+" */, REPEAT_OTHER };

/* {3}, {3,}, {3,5}. */
static enum repeat braces_take(struct reader *r)
{
	while (r->at < r->text.length && (isdigit((unsigned char)r->text.at[r->at]) || is_next(r, ',')))
		r->at++;
	if (!take(r, "}"))
		r->lost = true;
	return REPEAT_OTHER;
}

static enum repeat repeat_take(struct reader *r)
{
	enum repeat repeat = REPEAT_NONE;
	if (take(r, "*"))
		repeat = REPEAT_ANY;
	else if (take(r, "+"))
		repeat = REPEAT_SOME;
	else if (take(r, "?"))
		repeat = REPEAT_OTHER;
	else if (take(r, "{"))
		repeat = braces_take(r);
	if (repeat == REPEAT_NONE || take(r, "?")) /* lazy: finds the same */
		return repeat;
	if (take(r, "+"))
		r->exact = false; /* possessive: gives nothing back */
	return repeat;
}

/* ---- atoms ---- */

static void sequence_read(struct reader *r);

/* From behind the opening parenthesis to behind the closing one. */
static void alternatives_read(struct reader *r)
{
	size_t start = r->count;
	if (r->depth++ >= DEPTH_MAXIMUM)
		r->lost = true;
	sequence_read(r);
	while (!r->lost && take(r, "|")) {
		blur(r, start);
		sequence_read(r);
		blur(r, start);
	}
	r->depth--;
	if (!take(r, ")"))
		r->lost = true;
}

/* It only asks, and takes no part of the alias. */
static void look_around_read(struct reader *r)
{
	size_t start = r->count;
	alternatives_read(r);
	repeat_take(r);
	r->count = start;
	r->exact = false;
}

static void group_read(struct reader *r)
{
	size_t start = r->count;
	if (take(r, "?=") || take(r, "?!") || take(r, "?<=") || take(r, "?<!")) {
		look_around_read(r);
		return;
	}
	if (!take(r, "?:") && (is_next(r, '?') || is_next(r, '*'))) {
		r->lost = true; /* options, names, verbs */
		return;
	}
	alternatives_read(r);
	if (repeat_take(r) != REPEAT_NONE)
		blur(r, start);
}

static void class_read(struct reader *r)
{
	take(r, "^");
	take(r, "]");
	while (!r->lost && r->at < r->text.length && !is_next(r, ']')) {
		if (is_next(r, '[') || take(r, "\\Q"))
			r->lost = true; /* [:digit:] and the like */
		else if (take(r, "\\"))
			r->at++;
		else
			r->at++;
	}
	if (!take(r, "]"))
		r->lost = true;
	repeat_take(r);
	blur(r, r->count);
}

static void literal_read(struct reader *r, char byte)
{
	if (repeat_take(r) != REPEAT_NONE)
		blur(r, r->count);
	else
		emit_literal(r, byte);
}

static void escape_read(struct reader *r)
{
	if (r->at >= r->text.length) {
		r->lost = true;
		return;
	}
	char byte = r->text.at[r->at++];
	if (!isalnum((unsigned char)byte)) {
		literal_read(r, byte);
	} else if (strchr("dDwWsShHvV", byte)) {
		repeat_take(r);
		blur(r, r->count);
	} else {
		r->lost = true;
	}
}

static void dot_read(struct reader *r)
{
	switch (repeat_take(r)) {
	case REPEAT_NONE:
		emit(r, ROUTE_SHAPE_ONE);
		break;
	case REPEAT_ANY:
		emit(r, ROUTE_SHAPE_GAP);
		break;
	case REPEAT_SOME:
		emit(r, ROUTE_SHAPE_ONE);
		emit(r, ROUTE_SHAPE_GAP);
		break;
	case REPEAT_OTHER:
		blur(r, r->count);
		break;
	}
}

/* At the very beginning and end they say what is so anyway. */
static void anchor_read(struct reader *r, bool superfluous)
{
	if (!superfluous)
		r->exact = false;
	if (repeat_take(r) != REPEAT_NONE)
		r->lost = true;
}

static void atom_read(struct reader *r)
{
	char byte = r->text.at[r->at++];
	switch (byte) {
	case '(':
		group_read(r);
		break;
	case '[':
		class_read(r);
		break;
	case '\\':
		escape_read(r);
		break;
	case '.':
		dot_read(r);
		break;
	case '^':
		anchor_read(r, r->at == 1);
		break;
	case '$':
		anchor_read(r, r->at == r->text.length);
		break;
	case '*':
	case '+':
	case '?':
	case '{':
		r->lost = true;
		break;
	default:
		literal_read(r, byte);
	}
}

static void sequence_read(struct reader *r)
{
	while (!r->lost && r->at < r->text.length && !is_next(r, ')') && !is_next(r, '|'))
		atom_read(r);
}

static void regex_read(struct reader *r)
{
	sequence_read(r);
	if (r->lost || r->at < r->text.length)
		blur(r, 0); /* alternatives of the whole, too */
}

/* ---- the whole ---- */

/* A run of gaps and single bytes: the bytes first, then one gap. */
static void normalise(struct reader *r, struct route_shape *shape)
{
	uint16_t *tokens = r->tokens;
	size_t count = 0;
	bool gap = false;
	for (size_t i = 0; i < r->count; i++) {
		bool is_gap = tokens[i] == ROUTE_SHAPE_GAP;
		if (gap && !is_gap && tokens[i] != ROUTE_SHAPE_ONE) {
			tokens[count++] = ROUTE_SHAPE_GAP;
			shape->gaps++;
			gap = false;
		}
		gap = gap || is_gap;
		if (!is_gap)
			tokens[count++] = tokens[i];
	}
	if (gap) {
		tokens[count++] = ROUTE_SHAPE_GAP;
		shape->gaps++;
	}
	shape->tokens = tokens;
	shape->count = count;
}

int route_shape_make(enum route_pattern type, struct span pattern, struct arena *arena, struct route_shape *ret_shape)
{
	struct reader r = { .text = pattern, .exact = true };
	/* No atom gives more than two tokens for each of its bytes, and one gap may come on top. */
	r.tokens = arena_allocate(arena, (2 * pattern.length + 2) * sizeof(*r.tokens));
	if (!r.tokens)
		return -ENOMEM;
	if (type == ROUTE_PATTERN_SUFFIX)
		emit(&r, ROUTE_SHAPE_GAP);
	if (type == ROUTE_PATTERN_REGEX)
		regex_read(&r);
	for (size_t i = 0; i < pattern.length && type != ROUTE_PATTERN_REGEX; i++)
		emit_literal(&r, pattern.at[i]);
	if (type == ROUTE_PATTERN_PREFIX)
		emit(&r, ROUTE_SHAPE_GAP);
	*ret_shape = (struct route_shape){ .exact = r.exact };
	normalise(&r, ret_shape);
	return 0;
}

static bool token_covers(uint16_t wide, uint16_t narrow)
{
	return wide == narrow || (wide == ROUTE_SHAPE_ONE && narrow != ROUTE_SHAPE_GAP);
}

/* The narrow shape is read as a text: each of its gaps has to fall into one of the wide one's. */
bool route_shape_covers(const struct route_shape *wide, const struct route_shape *narrow)
{
	size_t w = 0, n = 0, gap = SIZE_MAX, retry = 0;
	while (n < narrow->count) {
		if (w < wide->count && wide->tokens[w] == ROUTE_SHAPE_GAP) {
			gap = w++;
			retry = n;
		} else if (w < wide->count && token_covers(wide->tokens[w], narrow->tokens[n])) {
			w++;
			n++;
		} else if (gap != SIZE_MAX) {
			w = gap + 1;
			n = ++retry;
		} else {
			return false;
		}
	}
	while (w < wide->count && wide->tokens[w] == ROUTE_SHAPE_GAP)
		w++;
	return w == wide->count;
}

static bool token_meets(uint16_t a, uint16_t b)
{
	return a == b || a == ROUTE_SHAPE_ONE || b == ROUTE_SHAPE_ONE;
}

static bool is_gap(uint16_t token)
{
	return token == ROUTE_SHAPE_GAP || token == ROUTE_SHAPE_USER;
}

static bool gap_takes(uint16_t gap, uint16_t token)
{
	return is_gap(gap) && (gap == ROUTE_SHAPE_GAP || token != '@');
}

/* Row i, column j: can what is left of a after i tokens and of b after j tokens meet? From the ends backwards; next is
 * the row below, which for the last one is NULL. A gap may end here, or take what the other side has here. */
static void row_fill(const struct route_shape *a, const struct route_shape *b, size_t i, const bool *next, bool *row)
{
	for (size_t j = b->count + 1; j-- > 0;) {
		bool a_more = i < a->count, b_more = j < b->count;
		uint16_t left = a_more ? a->tokens[i] : 0, right = b_more ? b->tokens[j] : 0;
		row[j] = !a_more && !b_more;
		if (a_more && is_gap(left))
			row[j] = next[j] || (b_more && gap_takes(left, right) && row[j + 1]);
		if (b_more && is_gap(right))
			row[j] = row[j] || row[j + 1] || (a_more && gap_takes(right, left) && next[j]);
		if (a_more && b_more && !is_gap(left) && !is_gap(right))
			row[j] = token_meets(left, right) && next[j + 1];
	}
}

int route_shape_at_domain(struct span domain, struct arena *arena, struct route_shape *ret_shape)
{
	struct reader r = { .text = domain };
	r.tokens = arena_allocate(arena, (domain.length + 2) * sizeof(*r.tokens));
	if (!r.tokens)
		return -ENOMEM;
	emit(&r, ROUTE_SHAPE_USER);
	emit(&r, '@');
	for (size_t i = 0; i < domain.length; i++)
		emit_literal(&r, domain.at[i]);
	*ret_shape = (struct route_shape){ .tokens = r.tokens, .count = r.count, .exact = true };
	return 0;
}

int route_shape_meets(const struct route_shape *a, const struct route_shape *b, struct arena *arena, bool *ret_meets)
{
	bool *rows[2];
	for (size_t i = 0; i < 2; i++) {
		rows[i] = arena_allocate(arena, (b->count + 1) * sizeof(bool));
		if (!rows[i])
			return -ENOMEM;
	}
	for (size_t i = a->count + 1; i-- > 0;)
		row_fill(a, b, i, i < a->count ? rows[(i + 1) % 2] : NULL, rows[i % 2]);
	*ret_meets = rows[0][0];
	return 0;
}

bool route_shape_is_everything(const struct route_shape *shape)
{
	return shape->count == 1 && shape->tokens[0] == ROUTE_SHAPE_GAP;
}
