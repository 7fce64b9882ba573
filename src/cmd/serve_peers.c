/* SPDX-License-Identifier: Apache-2.0 */
/* The control commands `peers` and `flush`: what a running node knows of its partners. */
#include "cmd/serve.h"
#include "edge/node.h"
#include "peer/cache.h"
#include "peer/limits.h"

#include <errno.h>

/* More would not fit an answer; the rest is counted. */
#define ENTRIES_MAXIMUM 10000

struct entries {
	json_t *list;
	size_t left_out;
};

static bool has_room(struct entries *e)
{
	if (json_array_size(e->list) < ENTRIES_MAXIMUM)
		return true;
	e->left_out++;
	return false;
}

static json_t *targets(const struct trust_domain *domain)
{
	json_t *list = json_array();
	for (size_t i = 0; i < domain->record_count; i++) {
		const struct trust_srv *srv = &domain->records[i];
		json_array_append_new(
			list, json_pack("{s:o,s:i,s:i,s:i}", "target", serve_text(srv->target), "port", (int)srv->port,
				      "priority", (int)srv->priority, "weight", (int)srv->weight));
	}
	return list;
}

static bool add_domain(void *argument, const struct peer_domain *domain, int64_t remaining_us)
{
	struct entries *e = argument;
	if (has_room(e))
		json_array_append_new(e->list,
			json_pack("{s:o,s:o,s:s,s:o,s:I}", "domain", serve_text(domain->facts.domain), "service",
				serve_text(domain->facts.service), "lookup",
				trust_lookup_status_name(domain->facts.lookup.status), "targets",
				targets(&domain->facts), "remaining_s", (json_int_t)(remaining_us / CLOCK_SECOND_US)));
	return true;
}

static bool add_chain(void *argument, const struct peer_chain *chain)
{
	struct entries *e = argument;
	if (!has_room(e))
		return true;
	const struct trust_certificate *leaf = &chain->facts.certificates[0];
	json_t *names = json_array();
	for (size_t i = 0; i < leaf->dns_name_count; i++)
		json_array_append_new(names, serve_text(leaf->dns_names[i]));
	json_array_append_new(e->list, json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "subject", serve_text(leaf->subject),
					       "issuer", serve_text(leaf->issuer), "names", names, "not_before",
					       serve_time(leaf->not_before_s * CLOCK_SECOND_US), "not_after",
					       serve_time(leaf->not_after_s * CLOCK_SECOND_US), "verified",
					       json_boolean(chain->facts.status == TRUST_CHAIN_TRUSTED)));
	return true;
}

static bool add_partner(void *argument, const struct peer_limits_entry *entry)
{
	struct entries *e = argument;
	if (has_room(e))
		json_array_append_new(
			e->list, json_pack("{s:o,s:I,s:I,s:I,s:b}", "domain", serve_text(entry->domain), "addresses",
					 (json_int_t)entry->addresses, "good", (json_int_t)entry->good, "bad",
					 (json_int_t)entry->bad, "suspicious", (int)entry->suspicious));
	return true;
}

int serve_peers(void *argument, const json_t *request, json_t *reply)
{
	const struct serve *serve = argument;
	struct entries domains = { json_array(), 0 }, chains = { json_array(), 0 }, partners = { json_array(), 0 };
	(void)request;
	if (edge_node_peers(serve->node)) {
		peer_cache_each_domain(edge_node_peers(serve->node), add_domain, &domains);
		peer_cache_each_chain(edge_node_peers(serve->node), add_chain, &chains);
	}
	if (edge_node_limits(serve->node))
		peer_limits_each(edge_node_limits(serve->node), add_partner, &partners);
	json_object_set_new(reply, "domains", domains.list);
	json_object_set_new(reply, "certificates", chains.list);
	json_object_set_new(reply, "discovered", partners.list);
	json_object_set_new(
		reply, "left_out", json_integer((json_int_t)(domains.left_out + chains.left_out + partners.left_out)));
	return 0;
}

int serve_flush(void *argument, const json_t *request, json_t *reply)
{
	const struct serve *serve = argument;
	const json_t *given = json_object_get(request, "domain");
	if (given && !json_is_string(given)) {
		json_object_set_new(reply, "error", json_string("`domain` must be a text"));
		return -EINVAL;
	}
	size_t forgotten = edge_node_flush(serve->node, span_of(json_string_value(given)));
	json_object_set_new(reply, "forgotten", json_integer((json_int_t)forgotten));
	return 0;
}
