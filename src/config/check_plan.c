/* SPDX-License-Identifier: Apache-2.0 */
/* What a dial plan cannot do though somebody wrote it: entries that never have an effect, and partners that no rule
 * leads to. Warnings: the node runs all the same. */
#include "config/check.h"
#include "route/shadow.h"

#include <errno.h>
#include <stdio.h>

/* ---- entries that do nothing ---- */

struct entry {
	const char *kind;
	struct span name; /* may be absent */
	uint32_t priority; /* 0: it has none */
	struct config_place place;
};

static struct entry entry_of(const struct config_node *node, enum route_part part, size_t index)
{
	switch (part) {
	case ROUTE_PART_TRANSFORM: {
		const struct config_transform *t = &node->transforms[index];
		return (struct entry){ "transform", t->name, t->priority, t->place };
	}
	case ROUTE_PART_POLICY: {
		const struct config_policy_rule *p = &node->policy[index];
		return (struct entry){ "policy", p->name, 0, p->place };
	}
	case ROUTE_PART_RULE:
		break;
	}
	const struct config_rule *r = &node->rules[index];
	return (struct entry){ "rule", r->name, r->priority, r->place };
}

#define ENTRY_TEXT 560
static void entry_text(const struct entry *entry, char text[ENTRY_TEXT])
{
	if (entry->name.at)
		snprintf(text, ENTRY_TEXT, "%s `%s`", entry->kind, config_shown(entry->name).text);
	else
		snprintf(text, ENTRY_TEXT, "%s of priority %u", entry->kind, entry->priority);
}

static void warn_shadow(const struct check *k, const struct route_shadow *shadow)
{
	struct entry entry = entry_of(k->node, shadow->part, shadow->index);
	struct entry earlier = entry_of(k->node, shadow->part, shadow->by);
	char text[ENTRY_TEXT], other[ENTRY_TEXT];
	entry_text(&entry, text);
	entry_text(&earlier, other);
	config_warning(k->report, entry.place, "the %s can do nothing: the %s, in line %u, %s", text, other,
		earlier.place.line, route_shadow_why(shadow));
}

static int check_shadows(const struct check *k, const struct route_table *table, struct arena *arena)
{
	const struct route_shadow *shadows;
	size_t count;
	int status = route_shadow_find(table, arena, &shadows, &count);
	for (size_t i = 0; i < count && status == 0; i++)
		warn_shadow(k, &shadows[i]);
	return status;
}

/* ---- partners that no rule leads to ---- */

/* Then who is dialled is not yet who is searched for. */
static bool changes_aliases(const struct config_node *node)
{
	for (size_t i = 0; i < node->transform_count; i++)
		if (node->transforms[i].enabled && node->transforms[i].behaviour != CONFIG_BEHAVIOUR_LEAVE)
			return true;
	for (size_t i = 0; i < node->policy_count; i++)
		if (node->policy[i].enabled && node->policy[i].action == CONFIG_CALL_REDIRECT)
			return true;
	return false;
}

/* 1: yes or not known, 0: no, -ENOMEM. */
static int may_lead_to(const struct check *k, const struct route_table *table, struct span domain, struct arena *arena)
{
	for (size_t i = 0; i < k->node->rule_count; i++) {
		const struct config_rule *rule = &k->node->rules[i];
		enum route_whether whether;
		if (!rule->enabled || rule->target->kind == CONFIG_ZONE_LOCAL)
			continue;
		int status = route_rule_fits_domain(table, i, domain, arena, &whether);
		if (status < 0)
			return status;
		if (whether != ROUTE_WHETHER_NO)
			return 1;
	}
	return 0;
}

static int check_partners(const struct check *k, const struct route_table *table, struct arena *arena)
{
	if (!k->node->rule_count || changes_aliases(k->node))
		return 0;
	for (size_t i = 0; i < k->node->trust.allowed_count; i++) {
		const struct config_partner *partner = &k->node->trust.allowed[i];
		int leads = may_lead_to(k, table, partner->domain, arena);
		if (leads < 0)
			return leads;
		if (leads == 0)
			config_warning(k->report, partner->place,
				"no rule leads to the partner `%s`: nobody can call there",
				config_shown(partner->domain).text);
	}
	return 0;
}

int config_plan_check(const struct check *k, const struct route_table *table, struct arena *arena)
{
	int status = check_shadows(k, table, arena);
	return status < 0 ? status : check_partners(k, table, arena);
}
