/* SPDX-License-Identifier: Apache-2.0 */
/* Where targets come from: a zone of the search plan (neighbors by their configured peers, partners by
 * the federation records of their domain), or the way a request in a dialog brings along. */
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

static void target_add(struct edge_request *request, struct transport_target target)
{
	struct edge_attempt *attempt = &request->attempt;
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
		target.name = arena_copy(request->arena, target.name);
		target_add(request, target);
	}
	if (answer->target_count == 0) {
		enum finding_code code =
			answer->status == -ENOENT ? FINDING_ADDRESS_MISSING : FINDING_ADDRESS_LOOKUP_FAILED;
		struct span host = attempt->server ? attempt->server->name : request->hop.uri.host;
		finding_observed(finding_add(edge_request_findings(request), code, host), answer->why);
	}
	edge_forward_next(request);
}

static enum edge_progress resolve(struct edge_request *request, const struct transport_question *question)
{
	struct edge_worker *worker = request->worker;
	struct transport_resolving with = { worker->shared->resolver, worker->loop, &worker->random };
	if (!request->server || !with.resolver)
		return EDGE_CONTINUE; /* nobody to ask, or no time to wait: as if there were no address */
	if (transport_resolve(&with, question, resolved, request, &request->query) < 0)
		return EDGE_CONTINUE;
	return EDGE_WAIT;
}

/* A numeric host is its own answer; an ACK, which cannot wait, gets through by the same means as the
 * INVITE before it: addresses that are known already. */
static bool target_known(struct edge_request *request, const struct transport_question *question)
{
	struct transport_target target = {
		.protocol = question->protocol ? question->protocol
			    : question->secure ? TRANSPORT_TLS
					       : TRANSPORT_UDP,
		.mark = question->mark,
		.flags = question->flags,
	};
	uint16_t port = question->port ? question->port : transport_protocol_port(target.protocol);
	if (net_address_parse(question->host, port, &target.address) == 0) {
		target_add(request, target);
		return true;
	}
	const struct peer_host *host = peer_host_known(request->worker->peers, question->host, port);
	for (size_t i = 0; host && i < host->facts.address_count; i++) {
		target.address = host->addresses[i];
		net_address_set_port(&target.address, port);
		target.name = question->host;
		target_add(request, target);
	}
	bool known = host && host->facts.address_count > 0;
	peer_host_unref(host);
	return known;
}

/* ---- the request's own way ---- */

/* Back to a neighbor over the connection it opened itself: the last hop of a dialog whose phone
 * cannot be called. The token in our Record-Route names it. */
static bool own_way_by_flow(struct edge_request *request)
{
	struct edge_worker *worker = request->worker;
	struct transport_flow flow;
	struct transport_arrival far;
	if (request->hop.has_route || !request->hop.last_own_user.at)
		return false;
	if (transport_flow_find(worker->transport, request->hop.last_own_user, &flow) != 0 ||
		transport_flow_equal(flow, request->arrival->flow) || !transport_flow_is_connection(flow) ||
		transport_flow_describe(worker->transport, flow, &far) < 0)
		return false;
	const struct edge_zone *zone = edge_site_neighbor(request->site, &far.remote, far.protocol);
	if (!zone)
		return false;
	request->attempt.zone = zone;
	target_add(request, transport_flow_target(&far));
	return true;
}

static void host_found(void *argument, const struct peer_host *host)
{
	struct edge_request *request = argument;
	struct transport_question question = { .host = request->hop.uri.host,
		.port = request->hop.uri.port,
		.protocol = TRANSPORT_TLS,
		.mark = edge_forward_mark(request->worker, request->site->partners, SPAN_NONE) };
	(void)host;
	request->ask = NULL;
	target_known(request, &question);
	if (request->attempt.target_count == 0)
		finding_add(edge_request_findings(request), FINDING_ADDRESS_MISSING, request->hop.uri.host);
	edge_forward_next(request);
}

/* TLS and a name: most likely the partner's edge. Its addresses are remembered with the peers, so the
 * ACK that follows finds them. */
static enum edge_progress own_way_by_peers(struct edge_request *request, const struct transport_question *question)
{
	const struct peer_host *host;
	struct peer_found found = {
		.host = host_found, .argument = request, .serial = request->serial, .tag = request->tag
	};
	if (!request->server || !request->worker->shared->resolver)
		return EDGE_CONTINUE;
	uint16_t port = question->port ? question->port : 5061;
	int status = peer_find_host(request->worker->peers, question->host, port, &found, &host, &request->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status == 1)
		peer_host_unref(host);
	return EDGE_CONTINUE;
}

enum edge_progress edge_targets_of_own_way(struct edge_request *request)
{
	const struct sip_uri *uri = &request->hop.uri;
	if (own_way_by_flow(request))
		return EDGE_CONTINUE;
	if (!sip_uri_is_sip(uri))
		return edge_answer_outcome(request, EDGE_OUTCOME_UNKNOWN_SCHEME);
	struct transport_question question = {
		.host = uri->host,
		.port = uri->port,
		.protocol = transport_protocol_of(sip_uri_transport(uri)),
		.secure = uri->scheme == SIP_SCHEME_SIPS,
		.flags = TRANSPORT_TARGET_MAY_SWITCH,
		.mark = edge_forward_mark(request->worker, request->site->partners, SPAN_NONE),
	};
	if (target_known(request, &question))
		return EDGE_CONTINUE;
	if (question.protocol == TRANSPORT_TLS)
		return own_way_by_peers(request, &question);
	return resolve(request, &question);
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

static enum edge_progress partner_judged(struct edge_request *request, const struct trust_domain *facts)
{
	struct edge_attempt *attempt = &request->attempt;
	struct trust_judge judge = edge_request_judge(request);
	struct trust_plan plan;
	if (trust_judge_domain(&judge, attempt->domain, facts, &plan) < 0 || !plan.accepted)
		return EDGE_CONTINUE; /* no server: the findings say why */
	attempt->servers = plan.candidates;
	attempt->server_count = plan.candidate_count;
	return EDGE_CONTINUE;
}

static void partner_found(void *argument, const struct peer_domain *domain)
{
	struct edge_request *request = argument;
	request->ask = NULL;
	partner_judged(request, &domain->facts);
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
	if (status < 0)
		return edge_answer_no_rule(request);
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
	if (!trust_judge_host(&judge, attempt->server, &host->facts))
		return;
	for (size_t i = 0; i < host->facts.address_count; i++) {
		struct transport_target target = {
			.protocol = TRANSPORT_TLS,
			.address = host->addresses[i],
			.name = attempt->server->name,
			.mark = edge_forward_mark(request->worker, attempt->zone, attempt->domain),
		};
		net_address_set_port(&target.address, attempt->server->port);
		target_add(request, target);
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
	uint64_t mark = edge_forward_mark(request->worker, zone, SPAN_NONE);
	if (net_address_is_set(address)) {
		target_add(request,
			(struct transport_target){ .protocol = zone->protocol,
				.address = *address,
				.name = zone->protocol == TRANSPORT_TLS ? zone->config->verify_name : SPAN_NONE,
				.mark = mark,
				.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS });
		return EDGE_CONTINUE;
	}
	struct transport_question question = {
		.host = zone->config->peers.items[attempt->server->priority].host,
		.port = attempt->server->port,
		.protocol = zone->protocol,
		.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS,
		.mark = mark,
	};
	return resolve(request, &question);
}

enum edge_progress edge_targets_of_server(struct edge_request *request, const struct trust_candidate *server)
{
	request->attempt.server = server;
	return request->attempt.zone->inside ? neighbor_server(request) : partner_server(request);
}
