/* SPDX-License-Identifier: Apache-2.0 */
#include "route/shadow.h"

#include "base/require.h"
#include "route/search.h"
#include "route/shape.h"

#include <ctype.h>
#include <errno.h>

/* Exact aliases tried on regexes: beyond that none is, and less is said. */
#define TRIALS_MAXIMUM 100000
/* A regex with more gaps could reach its match limit on an alias that it fits. */
#define GAPS_MAXIMUM 2

/* What one entry fits. */
struct fit {
	enum route_mode mode;
	enum route_pattern type;
	struct span pattern;
	const struct route_regex *regex; /* of that type */
	struct route_shape shape;
};

struct finder {
	const struct route_table *table;
	struct arena *arena;
	struct route_room room;
	size_t trials;
	struct route_shadow *shadows; /* room for one each entry */
	size_t count;
};

#define NOT_PROVED (-1)

/* ---- patterns ---- */

/* Texts of addresses have only these; a shape with another byte fits no address. */
static bool is_never_address(const struct route_shape *shape)
{
	for (size_t i = 0; i < shape->count; i++) {
		uint16_t token = shape->tokens[i];
		bool wild = token == ROUTE_SHAPE_ONE || token == ROUTE_SHAPE_GAP;
		if (!wild && !strchr("0123456789abcdef.:[]", (int)token))
			return true;
	}
	return false;
}

/* Options could make case matter again, which an exact alias does not know. */
static bool has_options(struct span pattern)
{
	for (size_t i = 0; i + 2 < pattern.length; i++) {
		if (pattern.at[i] != '(')
			continue;
		char next = pattern.at[i + 1], option = pattern.at[i + 2];
		if (next == '*' || (next == '?' && (isalpha((unsigned char)option) || option == '-' || option == '^')))
			return true;
	}
	return false;
}

static bool is_tried(struct finder *finder, const struct fit *wide, struct span alias)
{
	if (has_options(wide->pattern) || finder->trials++ >= TRIALS_MAXIMUM)
		return false;
	return route_regex_match(wide->regex, &finder->room, alias, NULL) == ROUTE_CONSIDERED;
}

static bool is_understood(const struct fit *fit)
{
	return fit->shape.exact && (fit->type != ROUTE_PATTERN_REGEX || fit->shape.gaps <= GAPS_MAXIMUM);
}

/* No alias is empty, so ".+" fits all of them. */
static bool is_everything(const struct fit *fit)
{
	static const uint16_t some[] = { ROUTE_SHAPE_ONE, ROUTE_SHAPE_GAP };
	bool any_but_empty = fit->shape.count == 2 && memcmp(fit->shape.tokens, some, sizeof(some)) == 0;
	return fit->mode == ROUTE_MODE_PATTERN && is_understood(fit) &&
	       (route_shape_is_everything(&fit->shape) || any_but_empty);
}

static int pattern_covers(struct finder *finder, const struct fit *wide, const struct fit *narrow)
{
	if (wide->type == narrow->type && span_equal(wide->pattern, narrow->pattern))
		return ROUTE_SHADOW_SAME;
	if (is_understood(wide) && route_shape_covers(&wide->shape, &narrow->shape))
		return ROUTE_SHADOW_WIDER;
	if (wide->type == ROUTE_PATTERN_REGEX && narrow->type == ROUTE_PATTERN_EXACT &&
		is_tried(finder, wide, narrow->pattern))
		return ROUTE_SHADOW_TRIED;
	return NOT_PROVED;
}

/* A proof that the wide one fits every alias that the narrow one fits, or NOT_PROVED. */
static int fit_covers(struct finder *finder, const struct fit *wide, const struct fit *narrow)
{
	if (is_everything(wide))
		return ROUTE_SHADOW_EVERYTHING;
	if (wide->mode != ROUTE_MODE_PATTERN && wide->mode == narrow->mode)
		return ROUTE_SHADOW_SAME;
	if (narrow->mode != ROUTE_MODE_PATTERN)
		return NOT_PROVED;
	bool exact = narrow->type == ROUTE_PATTERN_EXACT;
	switch (wide->mode) {
	case ROUTE_MODE_ANY:
		return is_never_address(&narrow->shape) || (exact && !route_search_is_address(narrow->pattern))
			       ? ROUTE_SHADOW_EVERYTHING
			       : NOT_PROVED;
	case ROUTE_MODE_ANY_ADDRESS:
		return exact && route_search_is_at_address(narrow->pattern) ? ROUTE_SHADOW_WIDER : NOT_PROVED;
	case ROUTE_MODE_PATTERN:
		break;
	}
	return pattern_covers(finder, wide, narrow);
}

static int fit_of(struct finder *finder, const struct route_matcher *matcher, enum route_mode mode, struct fit *ret_fit)
{
	*ret_fit = (struct fit){ mode, matcher->type, matcher->pattern, matcher->regex, { NULL } };
	if (mode != ROUTE_MODE_PATTERN)
		return 0;
	return route_shape_make(matcher->type, matcher->pattern, finder->arena, &ret_fit->shape);
}

static struct fit *fits_new(struct finder *finder, size_t count)
{
	return arena_zero(finder->arena, (count + 1) * sizeof(struct fit));
}

/* ---- who asks ---- */

static bool source_covers(
	const struct finder *finder, enum route_source wide, int wide_zone, enum route_source narrow, int narrow_zone)
{
	int local = finder->table->local_zone;
	if (narrow == ROUTE_SOURCE_LOCAL && local >= 0) {
		narrow = ROUTE_SOURCE_ZONE;
		narrow_zone = local;
	}
	if (wide == ROUTE_SOURCE_LOCAL && local >= 0) {
		wide = ROUTE_SOURCE_ZONE;
		wide_zone = local;
	}
	if (wide == ROUTE_SOURCE_ANY)
		return true;
	if (wide == ROUTE_SOURCE_ALL_ZONES && narrow == ROUTE_SOURCE_ZONE)
		return narrow_zone >= 0;
	return wide == narrow && (wide != ROUTE_SOURCE_ZONE || wide_zone == narrow_zone);
}

static bool variant_covers(enum route_variant wide, enum route_variant narrow)
{
	if (wide == ROUTE_VARIANT_MICROSOFT)
		return narrow == wide || narrow == ROUTE_VARIANT_MICROSOFT_AV || narrow == ROUTE_VARIANT_MICROSOFT_IM;
	return wide == ROUTE_VARIANT_ANY || wide == narrow;
}

static void shadow_add(struct finder *finder, struct route_shadow shadow)
{
	finder->shadows[finder->count++] = shadow;
}

/* ---- transforms ---- */

static int transforms_find(struct finder *finder)
{
	const struct route_table *table = finder->table;
	struct fit *fits = fits_new(finder, table->transform_count);
	if (!fits)
		return -ENOMEM;
	for (size_t i = 0; i < table->transform_count; i++) {
		const struct route_transform_entry *entry = &table->transforms[i];
		int status = fit_of(finder, &entry->matcher, ROUTE_MODE_PATTERN, &fits[i]);
		if (status < 0)
			return status;
		int proof = NOT_PROVED;
		for (size_t j = 0; j < i && proof < 0 && entry->transform.enabled; j++) {
			if (table->transforms[j].transform.enabled)
				proof = fit_covers(finder, &fits[j], &fits[i]);
			if (proof < 0)
				continue;
			shadow_add(finder,
				(struct route_shadow){ ROUTE_PART_TRANSFORM, entry->order, table->transforms[j].order,
					ROUTE_SHADOW_TRANSFORMED, (enum route_shadow_proof)proof });
		}
	}
	return 0;
}

/* ---- policy ---- */

struct policy_fit {
	struct fit from, to; /* mode ANY: absent */
};

static int text_fit(struct finder *finder, struct span pattern, const struct route_regex *regex, struct fit *ret_fit)
{
	*ret_fit = (struct fit){ regex ? ROUTE_MODE_PATTERN : ROUTE_MODE_ANY, ROUTE_PATTERN_REGEX, pattern, regex,
		{ NULL } };
	return regex ? route_shape_make(ROUTE_PATTERN_REGEX, pattern, finder->arena, &ret_fit->shape) : 0;
}

/* A caller may be empty, so ".+" is not everything here; and a regex at its limit decides, too. */
static int text_covers(const struct fit *wide, const struct fit *narrow)
{
	if (wide->mode == ROUTE_MODE_ANY || (wide->shape.exact && route_shape_is_everything(&wide->shape)))
		return ROUTE_SHADOW_EVERYTHING;
	if (narrow->mode == ROUTE_MODE_ANY)
		return NOT_PROVED;
	if (span_equal(wide->pattern, narrow->pattern))
		return ROUTE_SHADOW_SAME;
	return wide->shape.exact && route_shape_covers(&wide->shape, &narrow->shape) ? ROUTE_SHADOW_WIDER : NOT_PROVED;
}

static int policy_covers(const struct finder *finder, const struct route_policy_rule *wide,
	const struct policy_fit *wide_fit, const struct route_policy_rule *narrow, const struct policy_fit *narrow_fit)
{
	if (!wide->enabled ||
		!source_covers(finder, wide->source, wide->source_zone, narrow->source, narrow->source_zone))
		return NOT_PROVED;
	if (wide->authenticated != ROUTE_WHETHER_ANY && wide->authenticated != narrow->authenticated)
		return NOT_PROVED;
	int from = text_covers(&wide_fit->from, &narrow_fit->from);
	int to = text_covers(&wide_fit->to, &narrow_fit->to);
	return from < 0 || to < 0 ? NOT_PROVED : from > to ? from : to;
}

static int policy_find(struct finder *finder)
{
	const struct route_table *table = finder->table;
	struct policy_fit *fits = arena_zero(finder->arena, (table->policy_count + 1) * sizeof(*fits));
	if (!fits)
		return -ENOMEM;
	for (size_t i = 0; i < table->policy_count; i++) {
		const struct route_policy_entry *entry = &table->policy[i];
		int status = text_fit(finder, entry->rule.from, entry->from, &fits[i].from);
		if (status == 0)
			status = text_fit(finder, entry->rule.to, entry->to, &fits[i].to);
		if (status < 0)
			return status;
		int proof = NOT_PROVED;
		for (size_t j = 0; j < i && proof < 0 && entry->rule.enabled; j++) {
			proof = policy_covers(finder, &table->policy[j].rule, &fits[j], &entry->rule, &fits[i]);
			if (proof < 0)
				continue;
			shadow_add(finder, (struct route_shadow){ ROUTE_PART_POLICY, i, j, ROUTE_SHADOW_DECIDED,
						   (enum route_shadow_proof)proof });
		}
	}
	return 0;
}

/* ---- rules ---- */

static bool leaves(const struct route_rule *rule)
{
	return rule->mode != ROUTE_MODE_PATTERN || rule->behaviour == ROUTE_BEHAVIOUR_LEAVE;
}

/* Does every alias that fits both come out of both the same? */
static bool is_same_change(const struct route_rule *a, const struct route_rule *b)
{
	if (leaves(a) || leaves(b))
		return leaves(a) && leaves(b);
	return a->type == b->type && span_equal(a->pattern, b->pattern) && a->behaviour == b->behaviour &&
	       span_equal(a->replace, b->replace);
}

/* What the earlier rule would do to the later one if it fits whatever that fits. False: nothing. */
static bool rule_effect(
	const struct route_rule *earlier, const struct route_rule *later, enum route_shadow_kind *ret_kind)
{
	bool stops = earlier->on_match == ROUTE_ON_MATCH_STOP;
	*ret_kind = ROUTE_SHADOW_STOPPED;
	if (stops && earlier->priority < later->priority)
		return true;
	*ret_kind = ROUTE_SHADOW_ASKED;
	if (later->on_match == ROUTE_ON_MATCH_STOP && !stops)
		return false; /* it still stops */
	return earlier->target == later->target && is_same_change(earlier, later);
}

static int rule_covers(struct finder *finder, const struct route_rule *wide, const struct fit *wide_fit,
	const struct route_rule *narrow, const struct fit *narrow_fit)
{
	if (!wide->enabled || (wide->authenticated && !narrow->authenticated) ||
		!variant_covers(wide->variant, narrow->variant) ||
		!source_covers(finder, wide->source, wide->source_zone, narrow->source, narrow->source_zone))
		return NOT_PROVED;
	return fit_covers(finder, wide_fit, narrow_fit);
}

static int rules_find(struct finder *finder)
{
	const struct route_table *table = finder->table;
	struct fit *fits = fits_new(finder, table->rule_count);
	if (!fits)
		return -ENOMEM;
	for (size_t i = 0; i < table->rule_count; i++) {
		const struct route_rule_entry *entry = &table->rules[i];
		int status = fit_of(finder, &entry->matcher, entry->rule.mode, &fits[i]);
		if (status < 0)
			return status;
		int proof = NOT_PROVED;
		for (size_t j = 0; j < i && proof < 0 && entry->rule.enabled; j++) {
			const struct route_rule *earlier = &table->rules[j].rule;
			enum route_shadow_kind kind;
			if (rule_effect(earlier, &entry->rule, &kind))
				proof = rule_covers(finder, earlier, &fits[j], &entry->rule, &fits[i]);
			if (proof < 0)
				continue;
			shadow_add(finder, (struct route_shadow){ ROUTE_PART_RULE, entry->order, table->rules[j].order,
						   kind, (enum route_shadow_proof)proof });
		}
	}
	return 0;
}

/* ---- the whole ---- */

int route_shadow_find(const struct route_table *table, struct arena *arena, const struct route_shadow **ret_shadows,
	size_t *ret_count)
{
	struct finder finder = { .table = table, .arena = arena };
	size_t count = table->transform_count + table->policy_count + table->rule_count;
	finder.shadows = arena_allocate(arena, (count + 1) * sizeof(*finder.shadows));
	if (!finder.shadows)
		return -ENOMEM;
	route_room_init(&finder.room, table->limits, arena);
	int status = transforms_find(&finder);
	if (status == 0)
		status = policy_find(&finder);
	if (status == 0)
		status = rules_find(&finder);
	route_room_done(&finder.room);
	if (status < 0)
		return status;
	*ret_shadows = finder.shadows;
	*ret_count = finder.count;
	return 0;
}

/* ---- one domain ---- */

static bool is_usual_alias_fit(const struct route_limits *limits, const struct route_rule_entry *entry,
	struct span domain, struct arena *arena)
{
	static const char *const users[] = { "a", "user", "first.last", "2000", "+4930123456" };
	struct route_room room;
	bool fits = false;
	route_room_init(&room, limits, arena);
	for (size_t i = 0; i < BASE_COUNT(users) && !fits; i++) {
		struct span alias = arena_printf(arena, "%s@%.*s", users[i], SPAN_PRINT(domain));
		fits = alias.at && route_regex_match(entry->matcher.regex, &room, alias, NULL) == ROUTE_CONSIDERED;
	}
	route_room_done(&room);
	return fits;
}

static int pattern_fits_domain(const struct route_limits *limits, const struct route_rule_entry *entry,
	struct span domain, struct arena *arena, enum route_whether *ret_whether)
{
	struct route_shape at_domain, shape;
	bool meets;
	int status = route_shape_at_domain(domain, arena, &at_domain);
	if (status == 0)
		status = route_shape_make(entry->matcher.type, entry->matcher.pattern, arena, &shape);
	if (status == 0)
		status = route_shape_meets(&shape, &at_domain, arena, &meets);
	if (status < 0)
		return status;
	if (!meets)
		*ret_whether = ROUTE_WHETHER_NO;
	else if (shape.exact || is_usual_alias_fit(limits, entry, domain, arena))
		*ret_whether = ROUTE_WHETHER_YES;
	else
		*ret_whether = ROUTE_WHETHER_ANY;
	return 0;
}

static const struct route_rule_entry *rule_entry(const struct route_table *table, size_t index)
{
	for (size_t i = 0; i < table->rule_count; i++)
		if (table->rules[i].order == index)
			return &table->rules[i];
	base_require(false);
}

int route_rule_fits_domain(const struct route_table *table, size_t index, struct span domain, struct arena *arena,
	enum route_whether *ret_whether)
{
	const struct route_rule_entry *entry = rule_entry(table, index);
	bool address = route_search_is_address(domain);
	if (entry->rule.mode == ROUTE_MODE_PATTERN)
		return pattern_fits_domain(table->limits, entry, domain, arena, ret_whether);
	*ret_whether = entry->rule.mode == ROUTE_MODE_ANY || address ? ROUTE_WHETHER_YES : ROUTE_WHETHER_NO;
	return 0;
}

const char *route_shadow_why(const struct route_shadow *shadow)
{
#define ROW(does)                                                                                                      \
	{                                                                                                              \
		[ROUTE_SHADOW_EVERYTHING] = does ": it fits every alias that this one fits",                           \
		[ROUTE_SHADOW_SAME] = does ": both fit the same aliases",                                              \
		[ROUTE_SHADOW_WIDER] = does ": its pattern is the wider one",                                          \
		[ROUTE_SHADOW_TRIED] = does ": its regular expression fits this very alias",                           \
	}
	static const char *const texts[][4] = {
		[ROUTE_SHADOW_STOPPED] = ROW("stops the search before it"),
		[ROUTE_SHADOW_ASKED] = ROW("has the same zone asked for the same alias before it"),
		[ROUTE_SHADOW_DECIDED] = ROW("decides before it"),
		[ROUTE_SHADOW_TRANSFORMED] = ROW("matches before it, and only one may"),
	};
#undef ROW
	return texts[shadow->kind][shadow->proof];
}
