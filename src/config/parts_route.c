/* SPDX-License-Identifier: Apache-2.0 */
/* The dial plan as route/ wants it. The enumerations here and there name the same words of the same product: config/ is
 * the administrator's side of them, route/ the machine's. */
#include "config/parts.h"
#include "net/address.h"

#include <errno.h>

static const enum route_source SOURCES[] = {
	[CONFIG_SOURCE_ANY] = ROUTE_SOURCE_ANY,
	[CONFIG_SOURCE_ALL_ZONES] = ROUTE_SOURCE_ALL_ZONES,
	[CONFIG_SOURCE_DEFAULT] = ROUTE_SOURCE_DEFAULT,
	[CONFIG_SOURCE_ZONE] = ROUTE_SOURCE_ZONE,
	[CONFIG_SOURCE_LOCAL] = ROUTE_SOURCE_LOCAL,
};
static const enum route_pattern PATTERNS[] = {
	[CONFIG_PATTERN_EXACT] = ROUTE_PATTERN_EXACT,
	[CONFIG_PATTERN_PREFIX] = ROUTE_PATTERN_PREFIX,
	[CONFIG_PATTERN_SUFFIX] = ROUTE_PATTERN_SUFFIX,
	[CONFIG_PATTERN_REGEX] = ROUTE_PATTERN_REGEX,
};
static const enum route_behaviour BEHAVIOURS[] = {
	[CONFIG_BEHAVIOUR_LEAVE] = ROUTE_BEHAVIOUR_LEAVE,
	[CONFIG_BEHAVIOUR_STRIP] = ROUTE_BEHAVIOUR_STRIP,
	[CONFIG_BEHAVIOUR_REPLACE] = ROUTE_BEHAVIOUR_REPLACE,
	[CONFIG_BEHAVIOUR_ADD_PREFIX] = ROUTE_BEHAVIOUR_ADD_PREFIX,
	[CONFIG_BEHAVIOUR_ADD_SUFFIX] = ROUTE_BEHAVIOUR_ADD_SUFFIX,
};

static int zone_index(const struct config_node *config, const struct config_zone *zone)
{
	return zone ? (int)(zone - config->zones) : ROUTE_ZONE_DEFAULT;
}

static struct route_rule rule_of(const struct config_node *config, const struct config_rule *rule)
{
	static const enum route_mode modes[] = {
		[CONFIG_MODE_ANY] = ROUTE_MODE_ANY,
		[CONFIG_MODE_PATTERN] = ROUTE_MODE_PATTERN,
		[CONFIG_MODE_ANY_ADDRESS] = ROUTE_MODE_ANY_ADDRESS,
	};
	static const enum route_variant variants[] = {
		[CONFIG_VARIANT_ANY] = ROUTE_VARIANT_ANY,
		[CONFIG_VARIANT_STANDARDS] = ROUTE_VARIANT_STANDARDS,
		[CONFIG_VARIANT_MICROSOFT_AV] = ROUTE_VARIANT_MICROSOFT_AV,
		[CONFIG_VARIANT_MICROSOFT_IM] = ROUTE_VARIANT_MICROSOFT_IM,
		[CONFIG_VARIANT_MICROSOFT] = ROUTE_VARIANT_MICROSOFT,
	};
	return (struct route_rule){
		.name = rule->name,
		.enabled = rule->enabled,
		.priority = rule->priority,
		.source = SOURCES[rule->source],
		.source_zone = zone_index(config, rule->source_zone),
		.authenticated = rule->authenticated,
		.variant = variants[rule->variant],
		.mode = modes[rule->mode],
		.type = PATTERNS[rule->type],
		.pattern = rule->pattern,
		.behaviour = BEHAVIOURS[rule->behaviour],
		.replace = rule->replace,
		.on_match = rule->on_match == CONFIG_ON_MATCH_STOP ? ROUTE_ON_MATCH_STOP : ROUTE_ON_MATCH_CONTINUE,
		.target = zone_index(config, rule->target),
	};
}

static struct route_transform transform_of(const struct config_transform *transform)
{
	return (struct route_transform){
		.name = transform->name,
		.enabled = transform->enabled,
		.priority = transform->priority,
		.type = PATTERNS[transform->type],
		.pattern = transform->pattern,
		.behaviour = BEHAVIOURS[transform->behaviour],
		.replace = transform->replace,
	};
}

static struct route_policy_rule policy_rule_of(const struct config_node *config, const struct config_policy_rule *rule)
{
	static const enum route_whether whethers[] = {
		[CONFIG_WHETHER_ANY] = ROUTE_WHETHER_ANY,
		[CONFIG_WHETHER_YES] = ROUTE_WHETHER_YES,
		[CONFIG_WHETHER_NO] = ROUTE_WHETHER_NO,
	};
	static const enum route_action actions[] = {
		[CONFIG_CALL_ALLOW] = ROUTE_ALLOW,
		[CONFIG_CALL_REJECT] = ROUTE_REJECT,
		[CONFIG_CALL_REDIRECT] = ROUTE_REDIRECT,
	};
	return (struct route_policy_rule){
		.name = rule->name,
		.enabled = rule->enabled,
		.source = SOURCES[rule->source],
		.source_zone = zone_index(config, rule->source_zone),
		.authenticated = whethers[rule->authenticated],
		.from = rule->from,
		.to = rule->to,
		.action = actions[rule->action],
		.status = rule->status,
		.reason = rule->reason,
		.alias = rule->alias,
	};
}

/* Our own addresses as %ip% knows them: the one we send from and those we listen on, each once. */
static void address_add(struct route_names *names, struct span *ipv4, struct span *ipv6, struct span text)
{
	struct net_address address;
	if (!text.at || net_address_parse(text, 0, &address) < 0 || net_address_is_any(&address))
		return;
	bool is_ipv4 = net_address_family(&address) == AF_INET;
	struct span *list = is_ipv4 ? ipv4 : ipv6;
	size_t *count = is_ipv4 ? &names->ipv4_count : &names->ipv6_count;
	for (size_t i = 0; i < *count; i++)
		if (span_equal_nocase(list[i], text))
			return;
	list[(*count)++] = text;
}

static int names_make(struct arena *arena, const struct config_node *config, struct route_names *names)
{
	size_t count = config->listen_count + 1;
	struct span *ipv4 = arena_zero(arena, count * sizeof(*ipv4));
	struct span *ipv6 = arena_zero(arena, count * sizeof(*ipv6));
	if (!ipv4 || !ipv6)
		return -ENOMEM;
	*names = (struct route_names){
		.node = config->node,
		.system_name = config->log_name,
		.domains = config->domains.items,
		.domain_count = config->domains.count,
		.ipv4 = ipv4,
		.ipv6 = ipv6,
	};
	address_add(names, ipv4, ipv6, config->address);
	for (size_t i = 0; i < config->listen_count; i++)
		address_add(names, ipv4, ipv6, config->listen[i].address);
	return 0;
}

static int local_zone(const struct config_node *config)
{
	for (size_t i = 0; i < config->zone_count; i++)
		if (config->zones[i].kind == CONFIG_ZONE_LOCAL)
			return (int)i;
	return ROUTE_ZONE_NONE;
}

int config_parts_route(const struct config_node *config, struct arena *arena, struct route_table_params *ret_params)
{
	struct route_rule *rules = arena_zero(arena, (config->rule_count + 1) * sizeof(*rules));
	struct route_transform *transforms = arena_zero(arena, (config->transform_count + 1) * sizeof(*transforms));
	struct route_policy_rule *policy = arena_zero(arena, (config->policy_count + 1) * sizeof(*policy));
	if (!rules || !transforms || !policy)
		return -ENOMEM;
	for (size_t i = 0; i < config->rule_count; i++)
		rules[i] = rule_of(config, &config->rules[i]);
	for (size_t i = 0; i < config->transform_count; i++)
		transforms[i] = transform_of(&config->transforms[i]);
	for (size_t i = 0; i < config->policy_count; i++)
		policy[i] = policy_rule_of(config, &config->policy[i]);
	*ret_params = (struct route_table_params){
		.transforms = transforms,
		.transform_count = config->transform_count,
		.policy = policy,
		.policy_count = config->policy_count,
		.rules = rules,
		.rule_count = config->rule_count,
		.local_zone = local_zone(config),
	};
	return names_make(arena, config, &ret_params->names);
}
