/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_PARTS_H
#define FEDGE_CONFIG_PARTS_H
/* What a configuration means to the parts below it: the rule book of trust, TLS, the resolver. The edge that runs by a
 * configuration and whoever judges as that edge would make them here, so they cannot differ. Opens nothing.
 * All texts borrow from the configuration; lists are made in the arena. 0 or -ENOMEM. */
#include "base/arena.h"
#include "config/node.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "route/table.h"
#include "trust/policy.h"

int config_parts_policy(const struct config_node *config, struct arena *arena, struct trust_policy *ret_policy);
/* Without clock and may_resume, which are the caller's. */
int config_parts_tls(const struct config_node *config, struct arena *arena, struct net_tls_settings *ret_settings);
/* Without clock. */
int config_parts_resolver(
	const struct config_node *config, struct arena *arena, struct net_resolver_settings *ret_settings);
/* Transforms, call policy and rules, each list in the order of the configuration (so the index of a route_defect is
 * that of config's list); zones are their index in config->zones. */
int config_parts_route(const struct config_node *config, struct arena *arena, struct route_table_params *ret_params);
#endif
