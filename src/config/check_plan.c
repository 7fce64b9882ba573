/* SPDX-License-Identifier: Apache-2.0 */
/* What a dial plan cannot do though somebody wrote it: entries that never have an effect; zones, domains of ours and
 * partners that no rule leads to. Warnings: the node runs all the same. */
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

/* ---- zones that no rule leads to ---- */

/* A zone that a rule names as its source is there for the calls that come from it. Strangers are nobody's target. */
static bool is_of_use(const struct config_node *node, const struct config_zone *zone)
{
	for (size_t i = 0; i < node->rule_count; i++) {
		const struct config_rule *rule = &node->rules[i];
		bool is_source = rule->source == CONFIG_SOURCE_ZONE && rule->source_zone == zone;
		if (rule->enabled && (rule->target == zone || is_source))
			return true;
	}
	return zone->kind == CONFIG_ZONE_DEFAULT;
}

static void check_targets(const struct check *k)
{
	for (size_t i = 0; i < k->node->zone_count; i++) {
		const struct config_zone *zone = &k->node->zones[i];
		if (!is_of_use(k->node, zone))
			config_warning(k->report, zone->place, "no rule leads to the zone `%s`%s",
				config_shown(zone->name).text,
				zone->kind == CONFIG_ZONE_LOCAL ? ": who registers here cannot be called" : "");
	}
}

/* ---- domains that no rule leads to ---- */

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
static int may_lead_to(
	const struct check *k, const struct route_table *table, struct span domain, bool is_ours, struct arena *arena)
{
	for (size_t i = 0; i < k->node->rule_count; i++) {
		const struct config_rule *rule = &k->node->rules[i];
		enum route_whether whether;
		if (!rule->enabled || (!is_ours && rule->target->kind == CONFIG_ZONE_LOCAL))
			continue;
		int status = route_rule_fits_domain(table, i, domain, arena, &whether);
		if (status < 0)
			return status;
		if (whether != ROUTE_WHETHER_NO)
			return 1;
	}
	return 0;
}

static int check_own_domains(const struct check *k, const struct route_table *table, struct arena *arena)
{
	const struct document_item *item = config_items(document_find(k->root, "domains"));
	for (size_t i = 0; i < k->node->domains.count && item; i++, item = item->next) {
		struct span domain = k->node->domains.items[i];
		int leads = may_lead_to(k, table, domain, true, arena);
		if (leads < 0)
			return leads;
		if (leads == 0)
			config_warning(k->report, item->value->place,
				"no rule leads to anybody in `%s`: partners call there in vain",
				config_shown(domain).text);
	}
	return 0;
}

static int check_partners(const struct check *k, const struct route_table *table, struct arena *arena)
{
	for (size_t i = 0; i < k->node->trust.allowed_count; i++) {
		const struct config_partner *partner = &k->node->trust.allowed[i];
		int leads = may_lead_to(k, table, partner->domain, false, arena);
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
	check_targets(k);
	/* Without any rule nobody is meant to call. */
	if (!k->node->rule_count || changes_aliases(k->node))
		return status;
	if (status == 0)
		status = check_own_domains(k, table, arena);
	return status < 0 ? status : check_partners(k, table, arena);
}
