/* SPDX-License-Identifier: Apache-2.0 */
#include "route/matcher.h"

#include <errno.h>

int route_matcher_compile(struct route_matcher *matcher, size_t *ret_offset, char *ret_why, size_t capacity)
{
	matcher->regex = NULL;
	if (matcher->type != ROUTE_PATTERN_REGEX)
		return 0;
	return route_regex_new(matcher->pattern, &matcher->regex, ret_offset, ret_why, capacity);
}

void route_matcher_done(struct route_matcher *matcher)
{
	matcher->regex = route_regex_free(matcher->regex);
}

static char *append(char *to, struct span text)
{
	if (text.length)
		memcpy(to, text.at, text.length);
	return to + text.length;
}

/* The alias with what the matcher says put in place of matched, which lies inside alias. */
static int alias_rewrite(const struct route_matcher *matcher, struct arena *arena, struct span alias,
	struct span matched, struct span *ret_alias)
{
	struct span insert = matcher->behaviour == ROUTE_BEHAVIOUR_REPLACE ? matcher->replace : SPAN("");
	struct span before = span_first(alias, (size_t)(matched.at - alias.at));
	struct span after = span_from(alias, before.length + matched.length);
	size_t length = before.length + insert.length + after.length;
	if (length == 0)
		return ROUTE_CONSIDERED; /* nothing would be left to search for */
	if (length > ROUTE_ALIAS_MAXIMUM)
		return ROUTE_TOO_COSTLY;
	char *text = arena_allocate(arena, length);
	if (!text)
		return -ENOMEM;
	append(append(append(text, before), insert), after);
	*ret_alias = span_make(text, length);
	return ROUTE_CONSIDERED;
}

/* The part of the alias that fits; absent where it does not. */
static struct span affix_find(const struct route_matcher *matcher, struct span alias)
{
	struct span pattern = matcher->pattern;
	switch (matcher->type) {
	case ROUTE_PATTERN_EXACT:
		return span_equal_nocase(alias, pattern) ? alias : SPAN_NONE;
	case ROUTE_PATTERN_PREFIX:
		return span_starts_nocase(alias, pattern) ? span_first(alias, pattern.length) : SPAN_NONE;
	case ROUTE_PATTERN_SUFFIX:
		return span_ends_nocase(alias, pattern) ? span_from(alias, alias.length - pattern.length) : SPAN_NONE;
	case ROUTE_PATTERN_REGEX:
		break;
	}
	return SPAN_NONE;
}

static int affix_apply(
	const struct route_matcher *matcher, struct arena *arena, struct span alias, struct span *ret_alias)
{
	struct span matched = affix_find(matcher, alias);
	if (!matched.at)
		return ROUTE_DID_NOT_MATCH;
	if (matcher->behaviour == ROUTE_BEHAVIOUR_LEAVE)
		return ROUTE_CONSIDERED;
	return alias_rewrite(matcher, arena, alias, matched, ret_alias);
}

static int regex_apply(
	const struct route_matcher *matcher, struct route_room *room, struct span alias, struct span *ret_alias)
{
	struct route_groups groups;
	int verdict = route_regex_match(matcher->regex, room, alias, &groups);
	if (verdict != ROUTE_CONSIDERED || matcher->behaviour != ROUTE_BEHAVIOUR_REPLACE)
		return verdict; /* the pattern is the whole alias: stripping it would leave nothing */
	struct span filled;
	verdict = route_regex_fill(matcher->replace, &groups, room->arena, &filled);
	if (verdict == ROUTE_CONSIDERED && filled.length)
		*ret_alias = filled;
	return verdict;
}

int route_matcher_apply(
	const struct route_matcher *matcher, struct route_room *room, struct span alias, struct span *ret_alias)
{
	*ret_alias = alias.at ? alias : SPAN("");
	if (alias.length > ROUTE_ALIAS_MAXIMUM)
		return ROUTE_TOO_COSTLY;
	if (matcher->type == ROUTE_PATTERN_REGEX)
		return regex_apply(matcher, room, *ret_alias, ret_alias);
	return affix_apply(matcher, room->arena, *ret_alias, ret_alias);
}
