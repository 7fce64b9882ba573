/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/plain.h"

#include "edge/answer.h"
#include "edge/forward.h"
#include "edge/partner.h"
#include "edge/peers.h"

#include <errno.h>
#include <stdio.h>

static enum transport_protocol fallback_of(const struct edge_zone *zone)
{
	static const enum transport_protocol map[] = {
		[CONFIG_TRANSPORT_UDP] = TRANSPORT_UDP,
		[CONFIG_TRANSPORT_TCP] = TRANSPORT_TCP,
		[CONFIG_TRANSPORT_TLS] = TRANSPORT_TLS,
	};
	return map[zone->config->fallback_transport];
}

static enum edge_progress resolve(struct edge_branch *branch, struct transport_question *question)
{
	struct edge_request *request = branch->request;
	branch->domain = arena_copy(request->arena, question->host);
	question->naptr = true;
	question->fallback = fallback_of(branch->zone);
	question->mark = edge_plain_mark(request->worker, branch->zone, question->host);
	if (edge_target_numeric(branch, question))
		return EDGE_CONTINUE;
	return edge_target_resolve(branch, question);
}

/* The address dialled says more than its alias (port, transport), where it is what is looked for. */
static bool is_as_dialled(const struct edge_branch *branch)
{
	const struct edge_request *request = branch->request;
	return !branch->zone->config->lookup_domain.at && !request->by_route &&
	       span_equal(branch->alias, route_alias(&request->hop.uri));
}

enum edge_progress edge_plain_search(struct edge_branch *branch)
{
	const struct config_zone *config = branch->zone->config;
	struct transport_question question = { .flags = TRANSPORT_TARGET_MAY_SWITCH };
	if (is_as_dialled(branch))
		question = edge_target_question(&branch->request->hop.uri, 0);
	else
		question.host = config->lookup_domain.at ? config->lookup_domain : edge_partner_domain(branch->alias);
	question.services_only = !config->include_address_record;
	return resolve(branch, &question);
}

enum edge_progress edge_plain_next_hop(struct edge_branch *branch, const struct sip_uri *uri)
{
	struct transport_question question = edge_target_question(uri, 0);
	return resolve(branch, &question);
}

/* ---- marks: which zone and which domain a connection is for ---- */

#define MARK_SIGN '=' /* no domain begins so */

uint64_t edge_plain_mark(struct edge_worker *worker, const struct edge_zone *zone, struct span domain)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "%c%.*s/%.*s", MARK_SIGN, SPAN_PRINT(zone->name), SPAN_PRINT(domain));
	return edge_forward_mark(worker, span_make(text, length < (int)sizeof(text) ? (size_t)length : sizeof(text)));
}

static bool covers(struct edge_worker *worker, const struct edge_zone *zone, struct span domain,
	const struct transport_target *target, const struct net_tls_facts *facts)
{
	struct span name = zone->config->verify_name;
	if (name.at)
		return edge_peers_covers(worker, facts, name);
	return edge_peers_covers(worker, facts, domain) ||
	       (target->name.at && edge_peers_covers(worker, facts, target->name));
}

bool edge_plain_judge(struct edge_worker *worker, struct span marked, const struct transport_target *target,
	const struct net_tls_facts *facts, int *ret_status)
{
	const struct edge_site *site = worker->site;
	if (marked.length == 0 || marked.at[0] != MARK_SIGN)
		return false;
	size_t slash = marked.length;
	while (slash > 0 && marked.at[slash - 1] != '/')
		slash--;
	struct span name = span_from(span_first(marked, slash - 1), 1);
	*ret_status = -EACCES;
	for (size_t i = 0; i < site->zone_count; i++)
		if (edge_site_zone_is_plain(&site->zones[i]) && span_equal(site->zones[i].name, name) &&
			covers(worker, &site->zones[i], span_from(marked, slash), target, facts))
			*ret_status = 0;
	return true;
}
