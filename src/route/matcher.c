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

/* The three in one, as the new alias. Where nothing would be left to search for it stays as it is. */
static int alias_join(struct arena *arena, const struct span parts[3], struct span *ret_alias)
{
	size_t length = parts[0].length + parts[1].length + parts[2].length;
	if (length == 0)
		return ROUTE_CONSIDERED;
	if (length > ROUTE_ALIAS_MAXIMUM)
		return ROUTE_TOO_COSTLY;
	char *text = arena_allocate(arena, length);
	if (!text)
		return -ENOMEM;
	append(append(append(text, parts[0]), parts[1]), parts[2]);
	*ret_alias = span_make(text, length);
	return ROUTE_CONSIDERED;
}

/* matched lies inside alias. */
static int alias_rewrite(const struct route_matcher *matcher, struct arena *arena, struct span alias,
	struct span matched, struct span *ret_alias)
{
	struct span before = span_first(alias, (size_t)(matched.at - alias.at));
	struct span after = span_from(alias, before.length + matched.length);
	switch (matcher->behaviour) {
	case ROUTE_BEHAVIOUR_LEAVE:
		break;
	case ROUTE_BEHAVIOUR_STRIP:
		return alias_join(arena, (struct span[3]){ before, after }, ret_alias);
	case ROUTE_BEHAVIOUR_REPLACE:
		return alias_join(arena, (struct span[3]){ before, matcher->replace, after }, ret_alias);
	case ROUTE_BEHAVIOUR_ADD_PREFIX:
		return alias_join(arena, (struct span[3]){ matcher->replace, alias }, ret_alias);
	case ROUTE_BEHAVIOUR_ADD_SUFFIX:
		return alias_join(arena, (struct span[3]){ alias, matcher->replace }, ret_alias);
	}
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
	return alias_rewrite(matcher, arena, alias, matched, ret_alias);
}

static int regex_apply(
	const struct route_matcher *matcher, struct route_room *room, struct span alias, struct span *ret_alias)
{
	bool replaces = matcher->behaviour == ROUTE_BEHAVIOUR_REPLACE;
	struct route_groups groups;
	int verdict = route_regex_match(matcher->regex, room, alias, replaces ? &groups : NULL);
	if (verdict != ROUTE_CONSIDERED)
		return verdict;
	if (!replaces)
		return alias_rewrite(
			matcher, room->arena, alias, alias, ret_alias); /* the pattern is the whole alias */
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
