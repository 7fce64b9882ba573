/* SPDX-License-Identifier: Apache-2.0 */
/* Where targets come from when a search was made: a zone of the plan, neighbors by their configured
 * peers, partners by the federation records of their domain. (edge/own_way.c has the others.) */
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/forward.h"
#include "peer/view.h"

#include <errno.h>

/* Most requests have one target: room is made as it is needed. */
static bool targets_grow(struct edge_request *request)
{
	struct edge_attempt *attempt = &request->attempt;
	size_t capacity = attempt->target_capacity ? TRANSPORT_TARGET_MAXIMUM : 2;
	struct transport_target *targets = arena_allocate(request->arena, capacity * sizeof(*targets));
	if (attempt->target_capacity >= TRANSPORT_TARGET_MAXIMUM || !targets)
		return false;
	if (attempt->target_count)
		memcpy(targets, attempt->targets, attempt->target_count * sizeof(*targets));
	attempt->targets = targets;
	attempt->target_capacity = capacity;
	return true;
}

void edge_target_add(struct edge_request *request, struct transport_target target)
{
	struct edge_attempt *attempt = &request->attempt;
	if (target.protocol != TRANSPORT_TLS) {
		/* Only neighbors are met without TLS, and nothing is proved there. A mark would but open a second
		 * connection for what follows in a dialog, and that could overtake what came before. */
		target.mark = 0;
		target.flags |= TRANSPORT_TARGET_ALIAS;
	}
	if (attempt->target_count < attempt->target_capacity || targets_grow(request))
		attempt->targets[attempt->target_count++] = target;
}

/* ---- names to addresses by RFC 3263 ---- */

static void resolved(void *argument, const struct transport_answer *answer)
{
	struct edge_request *request = argument;
	struct edge_attempt *attempt = &request->attempt;
	request->query = NULL;
	for (size_t i = 0; i < answer->target_count; i++) {
		struct transport_target target = answer->targets[i];
		/* A neighbor proves itself by the name it is configured with, whatever its host is called. */
		bool named = attempt->zone && attempt->zone->inside && attempt->zone->config->verify_name.at;
		target.name = named ? attempt->zone->config->verify_name : arena_copy(request->arena, target.name);
		edge_target_add(request, target);
	}
	if (answer->target_count == 0) {
		enum finding_code code =
			answer->status == -ENOENT ? FINDING_ADDRESS_MISSING : FINDING_ADDRESS_LOOKUP_FAILED;
		struct span host = attempt->server ? attempt->server->name : request->hop.uri.host;
		finding_observed(finding_add(edge_request_findings(request), code, host), answer->why);
	}
	edge_forward_next(request);
}

enum edge_progress edge_target_resolve(struct edge_request *request, const struct transport_question *question)
{
	struct edge_worker *worker = request->worker;
	struct transport_resolving with = { worker->shared->resolver, worker->loop, &worker->random };
	if (!with.resolver)
		return EDGE_CONTINUE; /* nobody to ask: as if there were no address */
	if (transport_resolve(&with, question, resolved, request, &request->query) < 0)
		return EDGE_CONTINUE;
	return EDGE_WAIT;
}

/* ---- a zone of the plan ---- */

static enum edge_progress neighbor_servers(struct edge_request *request)
{
	struct edge_attempt *attempt = &request->attempt;
	const struct edge_zone *zone = attempt->zone;
	struct trust_candidate *servers = arena_zero(request->arena, (zone->address_count + 1) * sizeof(*servers));
	if (!servers)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	for (size_t i = 0; i < zone->address_count; i++) {
		const struct config_endpoint *peer = &zone->config->peers.items[i];
		servers[i].kind = TRUST_CANDIDATE_SERVER;
		servers[i].name =
			zone->config->verify_name.at ? zone->config->verify_name : peer->host; /* for findings */
		servers[i].port = peer->port;
		servers[i].priority = (uint16_t)i;
	}
	attempt->servers = servers;
	attempt->server_count = zone->address_count;
	return EDGE_CONTINUE;
}

/* The plan borrows its names from the peer cache, which may forget them while we wait. */
static enum edge_progress servers_copy(struct edge_request *request, const struct trust_plan *plan)
{
	size_t count = plan->candidate_count;
	struct trust_candidate *servers = arena_allocate(request->arena, (count + 1) * sizeof(*servers));
	if (!servers)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	for (size_t i = 0; i < count; i++) {
		servers[i] = plan->candidates[i];
		servers[i].name = arena_copy(request->arena, servers[i].name);
		servers[i].domain = arena_copy(request->arena, servers[i].domain);
		if (!servers[i].name.at)
			return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	}
	request->attempt.servers = servers;
	request->attempt.server_count = count;
	return EDGE_CONTINUE;
}

static enum edge_progress partner_judged(struct edge_request *request, const struct trust_domain *facts)
{
	struct edge_attempt *attempt = &request->attempt;
	struct trust_judge judge = edge_request_judge(request);
	struct trust_plan plan;
	if (trust_judge_domain(&judge, attempt->domain, facts, &plan) < 0 || !plan.accepted)
		return EDGE_CONTINUE; /* no server: the findings say why */
	return servers_copy(request, &plan);
}

static void partner_found(void *argument, const struct peer_domain *domain)
{
	struct edge_request *request = argument;
	request->ask = NULL;
	if (partner_judged(request, &domain->facts) == EDGE_CONTINUE)
		edge_forward_next(request);
}

static enum edge_progress partner_servers(struct edge_request *request)
{
	struct edge_attempt *attempt = &request->attempt;
	size_t at = span_find(attempt->alias, '@');
	attempt->domain = at < attempt->alias.length ? span_from(attempt->alias, at + 1) : attempt->alias;
	size_t colon = span_find(attempt->domain, ':');
	attempt->domain = span_first(attempt->domain, colon);
	if (!request->worker->shared->resolver)
		return edge_answer_no_rule(request);
	const struct peer_domain *domain;
	struct peer_found found = {
		.domain = partner_found, .argument = request, .serial = request->serial, .tag = request->tag
	};
	int status = peer_find_domain(request->worker->peers, attempt->domain, &found, &domain, &request->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status == -EINVAL)
		return edge_answer_no_rule(request); /* no domain name at all */
	if (status < 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	enum edge_progress progress = partner_judged(request, &domain->facts);
	peer_domain_unref(domain);
	return progress;
}

enum edge_progress edge_targets_of_zone(struct edge_request *request, const struct route_target *planned)
{
	struct edge_attempt *attempt = &request->attempt;
	attempt->zone = &request->site->zones[planned->zone];
	attempt->alias = planned->alias;
	attempt->domain = SPAN_NONE;
	attempt->server = NULL;
	attempt->server_count = attempt->next_server = 0;
	return attempt->zone->inside ? neighbor_servers(request) : partner_servers(request);
}

/* ---- one server ---- */

static void partner_addresses(struct edge_request *request, const struct peer_host *host)
{
	struct edge_attempt *attempt = &request->attempt;
	struct trust_judge judge = edge_request_judge(request);
	/* Microsoft's policy holds a certificate against the server's name alone, so domains share its
	 * connections. RFC 5922 and DANE look at the domain too, so there each has its own. */
	bool shared = request->site->policy.kind == TRUST_POLICY_MICROSOFT;
	uint64_t mark = shared ? EDGE_MARK_PARTNER : edge_forward_mark(request->worker, attempt->domain);
	if (!trust_judge_host(&judge, attempt->server, &host->facts))
		return;
	for (size_t i = 0; i < host->facts.address_count; i++) {
		struct transport_target target = {
			.protocol = TRANSPORT_TLS,
			.address = host->addresses[i],
			.name = attempt->server->name,
			.mark = mark,
		};
		net_address_set_port(&target.address, attempt->server->port);
		edge_target_add(request, target);
	}
}

static void server_found(void *argument, const struct peer_host *host)
{
	struct edge_request *request = argument;
	request->ask = NULL;
	partner_addresses(request, host);
	edge_forward_next(request);
}

static enum edge_progress partner_server(struct edge_request *request)
{
	const struct trust_candidate *server = request->attempt.server;
	const struct peer_host *host;
	struct peer_found found = {
		.host = server_found, .argument = request, .serial = request->serial, .tag = request->tag
	};
	int status = peer_find_host(request->worker->peers, server->name, server->port, &found, &host, &request->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status < 0) {
		finding_add(edge_request_findings(request), FINDING_ADDRESS_LOOKUP_FAILED, server->name);
		return EDGE_CONTINUE;
	}
	partner_addresses(request, host);
	peer_host_unref(host);
	return EDGE_CONTINUE;
}

static enum edge_progress neighbor_server(struct edge_request *request)
{
	struct edge_attempt *attempt = &request->attempt;
	const struct edge_zone *zone = attempt->zone;
	const struct net_address *address = &zone->addresses[attempt->server->priority];
	if (net_address_is_set(address)) {
		edge_target_add(request,
			(struct transport_target){ .protocol = zone->protocol,
				.address = *address,
				.name = zone->protocol == TRANSPORT_TLS ? zone->config->verify_name : SPAN_NONE,
				.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS });
		return EDGE_CONTINUE;
	}
	struct transport_question question = {
		.host = zone->config->peers.items[attempt->server->priority].host,
		.port = attempt->server->port,
		.protocol = zone->protocol,
		.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS,
	};
	return edge_target_resolve(request, &question);
}

enum edge_progress edge_targets_of_server(struct edge_request *request, const struct trust_candidate *server)
{
	request->attempt.server = server;
	return request->attempt.zone->inside ? neighbor_server(request) : partner_server(request);
}
