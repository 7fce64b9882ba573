/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes that follows its own way: in a dialog, or with a Route that leads on beyond us.
 * Its next hop is named by those who made the dialog, not by our DNS search; a partner's must still
 * prove itself to be a server of the partner's domain. */
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/forward.h"
#include "peer/view.h"

/* Where a neighbor is reached over TLS it is met as by the search: over its connections, by its own name. */
static void target_add(struct edge_branch *branch, struct transport_target target)
{
	const struct edge_zone *zone = NULL;
	if (target.protocol == TRANSPORT_TLS)
		zone = edge_site_neighbor(branch->request->site, &target.address, TRANSPORT_TLS);
	if (zone) {
		target.name = zone->config->verify_name;
		target.mark = 0;
		target.flags |= TRANSPORT_TARGET_ALIAS;
	}
	edge_target_add(branch, target);
}

/* A numeric host is its own answer, and addresses that are known already need no question. */
static bool target_known(struct edge_branch *branch, const struct transport_question *question)
{
	struct transport_target target = {
		.protocol = question->secure     ? TRANSPORT_TLS
			    : question->protocol ? question->protocol
						 : TRANSPORT_UDP,
		.mark = question->mark,
		.flags = question->flags,
	};
	uint16_t port = question->port ? question->port : transport_protocol_port(target.protocol);
	if (net_address_parse(question->host, port, &target.address) == 0) {
		target_add(branch, target);
		return true;
	}
	const struct peer_host *host = peer_host_known(branch->request->worker->peers, question->host, port);
	for (size_t i = 0; host && i < host->facts.address_count; i++) {
		target.address = host->addresses[i];
		net_address_set_port(&target.address, port);
		target.name = question->host;
		target_add(branch, target);
	}
	bool known = host && host->facts.address_count > 0;
	peer_host_unref(host);
	return known;
}

/* Back to a neighbor over the connection it opened itself: the last hop of a dialog whose phone
 * cannot be called. The token in our Record-Route names it. Whoever began the dialog may come over other connections
 * too: his requests go on, not back to him. */
static bool own_way_by_flow(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	struct edge_worker *worker = request->worker;
	struct transport_flow flow;
	struct transport_arrival far;
	if (request->hop.has_route || !request->hop.last_own_user.at || edge_dress_dialog(request).by_sender)
		return false;
	struct span call_id = request->message->call_id;
	if (transport_flow_find(worker->transport, request->hop.last_own_user, call_id, &flow) != 0 ||
		transport_flow_equal(flow, request->arrival->flow) || !transport_flow_is_connection(flow) ||
		transport_flow_describe(worker->transport, flow, &far) < 0)
		return false;
	const struct edge_zone *zone = edge_site_neighbor(request->site, &far.remote, far.protocol);
	if (!zone)
		return false;
	branch->zone = zone;
	edge_target_add(branch, transport_flow_target(&far));
	return true;
}

static struct transport_question question_of(const struct edge_request *request, uint64_t mark)
{
	const struct sip_uri *uri = &request->hop.uri;
	return (struct transport_question){
		.host = uri->host,
		.port = uri->port,
		.protocol = transport_protocol_of(sip_uri_transport(uri)),
		.secure = uri->scheme == SIP_SCHEME_SIPS,
		.flags = TRANSPORT_TARGET_MAY_SWITCH,
		.mark = mark,
	};
}

/* The domain of whoever our own side talks to: a request in a dialog says it in To, or our
 * Record-Route where To hides it. */
static struct span partner_domain(const struct edge_request *request)
{
	struct sip_uri to;
	struct span asserted = request->inside ? edge_dress_dialog(request).partner : SPAN_NONE;
	if (asserted.at)
		return asserted;
	if (!request->inside || sip_uri_parse(request->message->to.uri, &to, NULL) < 0 || !sip_uri_is_sip(&to) ||
		trust_policy_is_own(&request->site->policy, to.host))
		return SPAN_NONE;
	return to.host;
}

static bool is_server_of(struct edge_request *request, const struct peer_domain *facts, struct span host)
{
	struct finding_list ignored;
	struct trust_plan plan;
	finding_list_init(&ignored, request->arena, FINDING_PARTNER);
	struct trust_judge judge = edge_request_judge(request);
	judge.findings = &ignored;
	if (trust_judge_domain(&judge, facts->facts.domain, &facts->facts, &plan) < 0 || !plan.accepted)
		return false;
	for (size_t i = 0; i < plan.candidate_count; i++)
		if (span_equal_nocase(plan.candidates[i].name, host))
			return true;
	return false;
}

/* A next hop that is the very server our search would find shares its connections. Any other (an
 * Expressway writes its own name, or an address, into Record-Route) is held against the partner's domain. */
static uint64_t mark_of(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	struct edge_worker *worker = request->worker;
	struct span domain = branch->domain;
	const struct peer_domain *facts = domain.at ? peer_domain_known(worker->peers, domain) : NULL;
	bool shared = domain.at && (facts && request->site->policy.kind == TRUST_POLICY_MICROSOFT &&
					   is_server_of(request, facts, request->hop.uri.host));
	peer_domain_unref(facts);
	if (!domain.at)
		return 0;
	return shared ? EDGE_MARK_PARTNER : edge_forward_mark(worker, domain);
}

static void host_found(void *argument, const struct peer_host *host)
{
	struct edge_branch *branch = argument;
	struct edge_request *request = branch->request;
	struct transport_question question = question_of(request, mark_of(branch));
	(void)host;
	branch->ask = NULL;
	target_known(branch, &question);
	if (branch->target_count == 0)
		finding_add(edge_request_findings(request), FINDING_ADDRESS_MISSING, request->hop.uri.host);
	edge_branch_resume(branch);
}

/* TLS and a name: most likely the partner's edge. Its addresses are remembered with the peers, so the
 * requests that follow in the dialog find them. */
static enum edge_progress addresses_by_peers(struct edge_branch *branch, const struct transport_question *question)
{
	struct edge_request *request = branch->request;
	const struct peer_host *host;
	struct peer_found found = {
		.host = host_found, .argument = branch, .serial = request->serial, .tag = request->tag
	};
	if (!request->worker->shared->resolver)
		return EDGE_CONTINUE;
	uint16_t port = question->port ? question->port : 5061;
	int status = peer_find_host(request->worker->peers, question->host, port, &found, &host, &branch->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status == 1)
		peer_host_unref(host);
	return EDGE_CONTINUE;
}

static enum edge_progress addresses(struct edge_branch *branch)
{
	struct transport_question question = question_of(branch->request, mark_of(branch));
	if (target_known(branch, &question))
		return EDGE_CONTINUE;
	if (question.protocol == TRANSPORT_TLS)
		return addresses_by_peers(branch, &question);
	return edge_target_resolve(branch, &question);
}

static void domain_found(void *argument, const struct peer_domain *domain)
{
	struct edge_branch *branch = argument;
	(void)domain; /* mark_of finds it again */
	branch->ask = NULL;
	if (addresses(branch) == EDGE_CONTINUE)
		edge_branch_resume(branch);
}

enum edge_progress edge_targets_of_own_way(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	const struct peer_domain *domain;
	struct peer_found found = {
		.domain = domain_found, .argument = branch, .serial = request->serial, .tag = request->tag
	};
	if (own_way_by_flow(branch))
		return EDGE_CONTINUE;
	if (!sip_uri_is_sip(&request->hop.uri)) {
		edge_answer_note(request, EDGE_OUTCOME_UNKNOWN_SCHEME);
		return EDGE_CONTINUE;
	}
	branch->domain = partner_domain(request);
	if (!branch->domain.at || !request->worker->shared->resolver)
		return addresses(branch);
	int status = peer_find_domain(request->worker->peers, branch->domain, &found, &domain, &branch->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status == 1)
		peer_domain_unref(domain);
	return addresses(branch);
}
