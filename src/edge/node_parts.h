/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_NODE_PARTS_H
#define FEDGE_EDGE_NODE_PARTS_H
/* From settings to the parts of other folders that a node is made of: certificates, resolver, logs,
 * listeners. Each opens one part, or says in one line why it cannot. Used by edge/node.c only. */
#include "edge/node.h"

struct net_resolver;

static inline bool edge_parts_want_tls(const struct config_node *config)
{
	const struct config_tls *tls = &config->tls;
	return tls->identity_count || tls->authorities.count || tls->system_authorities;
}
/* ret_tls may be an existing one (not NULL): it takes over the new settings then. */
int edge_parts_tls(const struct config_node *config, const struct clock *clock, struct peer_cache *cache,
	struct net_tls **ret_tls, char reterr_text[EDGE_NODE_ERROR_SIZE]);
int edge_parts_resolver(const struct config_node *config, const struct clock *clock, struct net_resolver **ret_resolver,
	char reterr_text[EDGE_NODE_ERROR_SIZE]);
/* producers: the workers and the main thread. NULL where the configuration has no log. */
int edge_parts_logs(const struct config_node *config, const struct clock *clock, uint32_t producers,
	struct trace_file_sink **ret_sink, char reterr_text[EDGE_NODE_ERROR_SIZE]);
/* Probes every port, so that a second node on it is an error. The array has config->listen_count entries. */
int edge_parts_listeners(const struct config_node *config, struct transport_listener *ret_listeners,
	char reterr_text[EDGE_NODE_ERROR_SIZE]);
/* The ports of traversal zones: numbers them (edge/site.h), and probes those that the site before (or NULL) did not
 * have. */
int edge_parts_doors(struct edge_site *site, const struct edge_site *before, char reterr_text[EDGE_NODE_ERROR_SIZE]);
#endif
