/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes that follows its own way: in a dialog, or with a Route that leads on beyond us.
 * Its next hop is named by those who made the dialog, not by our DNS search; a partner's must still
 * prove itself to be a server of the partner's domain. */
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/forward.h"
#include "edge/link.h"
#include "edge/local.h"
#include "edge/mark.h"
#include "edge/plain.h"
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
	struct transport_question question = edge_target_question(&request->hop.uri, mark_of(branch));
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
	struct transport_question question = edge_target_question(&branch->request->hop.uri, mark_of(branch));
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

/* ---- zones that our Record-Route names ---- */

/* The connection that the token of the far side names. */
static bool far_flow(const struct edge_request *request, struct transport_flow *ret_flow)
{
	struct span call_id = request->message->call_id;
	int status = transport_flow_find(request->worker->transport, request->hop.last_own_user, call_id, ret_flow);
	return status == 0 && transport_flow_is_connection(*ret_flow);
}

/* Over the very connection of the dialog, or where it was made anew over one that stands now. */
static enum edge_progress by_link(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	const struct edge_links *links = request->worker->shared->links;
	struct transport_target target;
	struct transport_flow flow;
	bool found = far_flow(request, &flow) && edge_link_target_of_flow(links, branch->zone, flow, &target);
	if (!found)
		found = edge_link_target(
			links, branch->zone, (uint32_t)random_below(&request->worker->random, UINT32_MAX), &target);
	if (found)
		edge_target_add(branch, target);
	else
		edge_targets_unreachable(branch, SPAN("no connection of the traversal zone"));
	return EDGE_CONTINUE;
}

/* A flow of another worker is asked there; it fails at once where it is gone. */
static void phone_by_flow(struct edge_branch *branch)
{
	struct edge_worker *worker = branch->request->worker;
	struct transport_target target = { .flags = TRANSPORT_TARGET_FLOW };
	struct transport_arrival far;
	if (!far_flow(branch->request, &target.flow))
		return;
	target.protocol = transport_protocol_of(sip_uri_transport(&branch->request->hop.last_own));
	if (transport_flow_describe(worker->transport, target.flow, &far) == 0)
		target = transport_flow_target(&far);
	else if (target.flow.worker == worker->number)
		return;
	edge_target_add(branch, target);
}

/* The phone registered anew: its contact is still the one that the dialog knows it by. */
static void phone_by_contact(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	const struct edge_contact *contacts;
	struct sip_uri to, uri;
	bool is_known;
	if (sip_uri_parse(request->message->to.uri, &to, NULL) < 0)
		return;
	size_t count = edge_local_contacts(request, route_alias(&to), &contacts, &is_known);
	for (size_t i = 0; i < count; i++)
		if (contacts[i].has_target && sip_uri_parse(contacts[i].uri, &uri, NULL) == 0 &&
			sip_uri_equal(&uri, &request->hop.uri))
			edge_target_add(branch, contacts[i].target);
}

static enum edge_progress addresses(struct edge_branch *branch);

static enum edge_progress by_phone(struct edge_branch *branch)
{
	phone_by_flow(branch);
	phone_by_contact(branch);
	return branch->target_count > 0 ? EDGE_CONTINUE : addresses(branch);
}

/* Of the far side. The sender's own Record-Route has his zone, and says nothing of it where it is the only one. */
static const struct edge_zone *far_zone(const struct edge_request *request)
{
	const struct route_next_hop *hop = &request->hop;
	if (hop->own_routes + (hop->was_strict ? 1 : 0) == 0)
		return NULL;
	return edge_mark_zone(request->worker, request->site, &hop->last_own, request->message->call_id);
}

enum edge_progress edge_targets_of_own_way(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	const struct peer_domain *domain;
	struct peer_found found = {
		.domain = domain_found, .argument = branch, .serial = request->serial, .tag = request->tag
	};
	branch->zone = far_zone(request);
	if (branch->zone && edge_site_zone_is_link(branch->zone))
		return by_link(branch); /* whatever its next hop is called */
	if (!branch->zone && own_way_by_flow(branch))
		return EDGE_CONTINUE;
	if (!sip_uri_is_sip(&request->hop.uri)) {
		edge_answer_note(request, EDGE_OUTCOME_UNKNOWN_SCHEME);
		return EDGE_CONTINUE;
	}
	if (branch->zone && branch->zone->config->kind == CONFIG_ZONE_LOCAL)
		return by_phone(branch);
	if (branch->zone)
		return edge_plain_next_hop(branch, &request->hop.uri);
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
