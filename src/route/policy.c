/* SPDX-License-Identifier: Apache-2.0 */
/* Call policy: the first rule that fits decides. */
#include "route/search.h"

#include <errno.h>

#define FORBIDDEN 403

static bool whether_fits(enum route_whether whether, bool is)
{
	return whether == ROUTE_WHETHER_ANY || is == (whether == ROUTE_WHETHER_YES);
}

/* Where a regex is absent everything fits, and its only group is the whole. */
static int text_fits(
	const struct route_regex *regex, struct route_room *room, struct span text, struct route_groups *ret_groups)
{
	if (regex)
		return route_regex_match(regex, room, text, ret_groups);
	*ret_groups = (struct route_groups){ .alias = text, .offsets = { 0, text.length }, .count = 1 };
	return ROUTE_CONSIDERED;
}

static int entry_fits(
	struct route_search *search, const struct route_policy_entry *entry, struct route_groups *ret_groups)
{
	const struct route_request *request = search->request;
	struct route_room *room = &search->room;
	if (!entry->rule.enabled)
		return ROUTE_IGNORED_DISABLED;
	if (!route_search_source_fits(search, entry->rule.source, entry->rule.source_zone))
		return ROUTE_IGNORED_SOURCE;
	if (!whether_fits(entry->rule.authenticated, request->authenticated))
		return request->authenticated ? ROUTE_DID_NOT_MATCH : ROUTE_IGNORED_UNAUTHENTICATED;
	int verdict = text_fits(entry->from, room, request->caller, ret_groups);
	if (verdict != ROUTE_CONSIDERED)
		return verdict;
	return text_fits(entry->to, room, search->alias, ret_groups);
}

static struct route_decision rejection(const struct route_policy_rule *rule, uint16_t status)
{
	return (struct route_decision){ .rule = rule, .action = ROUTE_REJECT, .status = status };
}

/* A verdict, or -ENOMEM. */
static int decide(struct route_search *search, const struct route_policy_rule *rule, const struct route_groups *groups,
	struct route_decision *ret_decision)
{
	*ret_decision = (struct route_decision){ .rule = rule, .action = rule->action, .status = rule->status };
	if (rule->action != ROUTE_REDIRECT)
		return ROUTE_CONSIDERED;
	int verdict = route_regex_fill(rule->alias, groups, search->arena, &ret_decision->alias);
	if (verdict == ROUTE_CONSIDERED && ret_decision->alias.length == 0)
		verdict = ROUTE_TOO_COSTLY; /* nobody can be looked for by nothing */
	return verdict;
}

int route_search_policy(struct route_search *search, struct route_decision *ret_decision)
{
	const struct route_table *table = search->table;
	*ret_decision = (struct route_decision){ .action = ROUTE_ALLOW };
	for (size_t i = 0; i < table->policy_count && !ret_decision->rule; i++) {
		const struct route_policy_entry *entry = &table->policy[i];
		struct route_groups groups;
		int verdict = entry_fits(search, entry, &groups);
		if (verdict == ROUTE_CONSIDERED)
			verdict = decide(search, &entry->rule, &groups, ret_decision);
		if (verdict == ROUTE_TOO_COSTLY)
			*ret_decision = rejection(&entry->rule, FORBIDDEN);
		if (verdict < 0)
			return verdict;
		struct route_step *step = route_search_step(search, ROUTE_PART_POLICY, verdict);
		if (!step)
			return -ENOMEM;
		step->policy = &entry->rule;
		if (verdict == ROUTE_CONSIDERED && ret_decision->action == ROUTE_REDIRECT)
			step->alias = ret_decision->alias;
	}
	return 0;
}
