/* SPDX-License-Identifier: Apache-2.0 */
/* Search rules: by priority, until one that matches says stop; its equals in priority still run. */
#include "route/search.h"

#include <arpa/inet.h>
#include <errno.h>

bool route_search_is_address(struct span host)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr bytes;
	if (host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']')
		host = span_make(host.at + 1, host.length - 2);
	if (!host.length || memchr(host.at, '\0', host.length) || !span_copy_to(host, text, sizeof(text)))
		return false;
	return inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1;
}

bool route_search_is_at_address(struct span alias)
{
	size_t at = span_find(alias, '@');
	return route_search_is_address(at < alias.length ? span_from(alias, at + 1) : alias);
}

static bool variant_fits(enum route_variant wanted, enum route_variant is)
{
	if (wanted == ROUTE_VARIANT_MICROSOFT)
		return is == ROUTE_VARIANT_MICROSOFT_AV || is == ROUTE_VARIANT_MICROSOFT_IM;
	return wanted == ROUTE_VARIANT_ANY || wanted == (is == ROUTE_VARIANT_ANY ? ROUTE_VARIANT_STANDARDS : is);
}

/* A verdict, or -ENOMEM. */
static int entry_fits(struct route_search *search, const struct route_rule_entry *entry, struct span *ret_alias)
{
	const struct route_rule *rule = &entry->rule;
	*ret_alias = search->alias;
	if (!rule->enabled)
		return ROUTE_IGNORED_DISABLED;
	if (!route_search_source_fits(search, rule->source, rule->source_zone))
		return ROUTE_IGNORED_SOURCE;
	if (rule->authenticated && !search->request->authenticated)
		return ROUTE_IGNORED_UNAUTHENTICATED;
	if (!variant_fits(rule->variant, search->request->variant))
		return ROUTE_IGNORED_VARIANT;
	switch (rule->mode) {
	case ROUTE_MODE_ANY:
		return route_search_is_address(search->alias) ? ROUTE_DID_NOT_MATCH : ROUTE_CONSIDERED;
	case ROUTE_MODE_ANY_ADDRESS:
		return route_search_is_at_address(search->alias) ? ROUTE_CONSIDERED : ROUTE_DID_NOT_MATCH;
	case ROUTE_MODE_PATTERN:
		break;
	}
	return route_matcher_apply(&entry->matcher, &search->room, search->alias, ret_alias);
}

/* ---- targets ---- */

static bool targets_grow(struct route_search *search)
{
	size_t capacity = search->target_capacity ? ROUTE_TARGETS_MAXIMUM : 4;
	struct route_target *targets = arena_allocate(search->arena, capacity * sizeof(*targets));
	if (!targets)
		return false;
	if (search->plan->target_count)
		memcpy(targets, search->targets, search->plan->target_count * sizeof(*targets));
	search->targets = targets;
	search->target_capacity = capacity;
	return true;
}

static bool is_target(const struct route_search *search, int zone, struct span alias)
{
	for (size_t i = 0; i < search->plan->target_count; i++)
		if (search->targets[i].zone == zone && span_equal_nocase(search->targets[i].alias, alias))
			return true;
	return false;
}

static uint32_t group_of(const struct route_search *search, const struct route_rule *rule)
{
	if (search->plan->target_count == 0)
		return 0;
	const struct route_target *last = &search->targets[search->plan->target_count - 1];
	return last->rule->priority == rule->priority ? last->group : last->group + 1;
}

static int target_add(struct route_search *search, const struct route_rule *rule, struct span alias)
{
	struct route_plan *plan = search->plan;
	if (is_target(search, rule->target, alias))
		return 0;
	if (plan->target_count >= ROUTE_TARGETS_MAXIMUM) {
		plan->targets_dropped++;
		return 0;
	}
	if (plan->target_count >= search->target_capacity && !targets_grow(search))
		return -ENOMEM;
	uint32_t group = group_of(search, rule);
	search->targets[plan->target_count++] = (struct route_target){ rule, rule->target, alias, group };
	return 0;
}

int route_search_rules(struct route_search *search)
{
	const struct route_table *table = search->table;
	const struct route_rule *stopped = NULL;
	for (size_t i = 0; i < table->rule_count; i++) {
		const struct route_rule *rule = &table->rules[i].rule;
		if (stopped && rule->priority > stopped->priority)
			break;
		struct span alias;
		int verdict = entry_fits(search, &table->rules[i], &alias);
		if (verdict < 0)
			return verdict;
		struct route_step *step = route_search_step(search, ROUTE_PART_RULE, verdict);
		if (!step)
			return -ENOMEM;
		step->rule = rule;
		if (verdict != ROUTE_CONSIDERED)
			continue;
		step->alias = alias;
		int status = target_add(search, rule, alias);
		if (status < 0)
			return status;
		if (rule->on_match == ROUTE_ON_MATCH_STOP && !stopped)
			stopped = rule;
	}
	return 0;
}
