/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/partner.h"

#include "edge/answer.h"
#include "edge/forward.h"
#include "peer/view.h"

#include <errno.h>

struct span edge_partner_domain(struct span alias)
{
	size_t at = span_find(alias, '@');
	struct span domain = at < alias.length ? span_from(alias, at + 1) : alias;
	return span_first(domain, span_find(domain, ':'));
}

/* ---- the domain ---- */

static void no_memory(struct edge_branch *branch)
{
	branch->server_count = 0;
	edge_answer_note(branch->request, EDGE_OUTCOME_INTERNAL);
}

/* The plan borrows its names from the peer cache, which may forget them while we wait. */
static void servers_copy(struct edge_branch *branch, const struct trust_plan *plan)
{
	struct arena *arena = branch->request->arena;
	size_t count = plan->candidate_count;
	struct trust_candidate *servers = arena_allocate(arena, (count + 1) * sizeof(*servers));
	if (!servers) {
		no_memory(branch);
		return;
	}
	branch->servers = servers;
	branch->server_count = count;
	for (size_t i = 0; i < count; i++) {
		servers[i] = plan->candidates[i];
		servers[i].name = arena_copy(arena, servers[i].name);
		servers[i].domain = arena_copy(arena, servers[i].domain);
		if (!servers[i].name.at) {
			no_memory(branch);
			return;
		}
	}
}

/* Where it is not accepted there is no server, and the findings say why. */
static void judged(struct edge_branch *branch, const struct trust_domain *facts)
{
	struct trust_judge judge = edge_request_judge(branch->request);
	struct trust_plan plan;
	if (trust_judge_domain(&judge, branch->domain, facts, &plan) == 0 && plan.accepted)
		servers_copy(branch, &plan);
}

static void domain_found(void *argument, const struct peer_domain *domain)
{
	struct edge_branch *branch = argument;
	branch->ask = NULL;
	judged(branch, &domain->facts);
	edge_branch_resume(branch);
}

static enum edge_progress no_rule(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	finding_add(edge_request_findings(request), FINDING_NO_RULE_MATCHES, request->message->request_uri);
	return EDGE_CONTINUE;
}

enum edge_progress edge_partner_servers(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	branch->domain = edge_partner_domain(branch->alias);
	if (!request->worker->shared->resolver)
		return no_rule(branch);
	const struct peer_domain *domain;
	struct peer_found found = {
		.domain = domain_found, .argument = branch, .serial = request->serial, .tag = request->tag
	};
	int status = peer_find_domain(request->worker->peers, branch->domain, &found, &domain, &branch->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status == -EINVAL)
		return no_rule(branch); /* no domain name at all */
	if (status < 0) {
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
		return EDGE_CONTINUE;
	}
	judged(branch, &domain->facts);
	peer_domain_unref(domain);
	return EDGE_CONTINUE;
}

/* ---- one server ---- */

static void addresses(struct edge_branch *branch, const struct peer_host *host)
{
	struct edge_request *request = branch->request;
	struct trust_judge judge = edge_request_judge(request);
	/* Microsoft's policy holds a certificate against the server's name alone, so domains share its
	 * connections. RFC 5922 and DANE look at the domain too, so there each has its own. */
	bool shared = request->site->policy.kind == TRUST_POLICY_MICROSOFT;
	uint64_t mark = shared ? EDGE_MARK_PARTNER : edge_forward_mark(request->worker, branch->domain);
	if (!trust_judge_host(&judge, branch->server, &host->facts))
		return;
	for (size_t i = 0; i < host->facts.address_count; i++) {
		struct transport_target target = {
			.protocol = TRANSPORT_TLS,
			.address = host->addresses[i],
			.name = branch->server->name,
			.mark = mark,
		};
		net_address_set_port(&target.address, branch->server->port);
		edge_target_add(branch, target);
	}
}

static void server_found(void *argument, const struct peer_host *host)
{
	struct edge_branch *branch = argument;
	branch->ask = NULL;
	addresses(branch, host);
	edge_branch_resume(branch);
}

enum edge_progress edge_partner_server(struct edge_branch *branch, size_t server)
{
	struct edge_request *request = branch->request;
	const struct trust_candidate *candidate = branch->server = &branch->servers[server];
	const struct peer_host *host;
	struct peer_found found = {
		.host = server_found, .argument = branch, .serial = request->serial, .tag = request->tag
	};
	int status =
		peer_find_host(request->worker->peers, candidate->name, candidate->port, &found, &host, &branch->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status < 0) {
		finding_add(edge_request_findings(request), FINDING_ADDRESS_LOOKUP_FAILED, candidate->name);
		return EDGE_CONTINUE;
	}
	addresses(branch, host);
	peer_host_unref(host);
	return EDGE_CONTINUE;
}
