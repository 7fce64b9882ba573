/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers at the door: who says that he is calling, what his domain's records say, and whether the
 * certificate of his connection fits (rules R1 to R7; trust/judge.h). Our own side passes. */

#include "edge/answer.h"
#include "edge/authenticate.h"
#include "edge/dress.h"
#include "edge/peers.h"
#include "edge/sender.h"
#include "net/loop.h"
#include "peer/chain.h"
#include "peer/limits.h"
#include "peer/view.h"

/* The judgement of a connection and a domain stands until one of its facts changes, so it need not
 * be made again for every message of a call. */
static struct edge_admission *memo_slot(struct edge_request *request, struct span domain)
{
	struct transport_flow flow = request->arrival->flow;
	uint64_t hash = hash_mix(span_hash_nocase(domain), ((uint64_t)flow.slot << 32) | flow.generation);
	return &request->worker->admissions[hash_mix(hash, flow.worker) % EDGE_ADMISSIONS];
}

static bool memo_is_good(struct edge_request *request, struct span domain)
{
	const struct edge_admission *memo = memo_slot(request, domain);
	return memo->site_generation == request->site->generation && memo->forgotten == request->worker->forgotten &&
	       transport_flow_equal(memo->flow, request->arrival->flow) &&
	       span_equal_nocase(span_of(memo->domain), domain) &&
	       net_loop_now_us(request->worker->loop) < memo->until_us;
}

#define MEMO_US (INT64_C(30) * CLOCK_SECOND_US)

static void memo_keep(struct edge_request *request, struct span domain, const struct peer_domain *facts)
{
	struct edge_admission *memo = memo_slot(request, domain);
	memo->until_us = net_loop_now_us(request->worker->loop) + MEMO_US;
	if (facts && facts->expires_us < memo->until_us)
		memo->until_us = facts->expires_us;
	memo->site_generation = request->site->generation;
	memo->forgotten = request->worker->forgotten;
	memo->flow = request->arrival->flow;
	if (!span_copy_to(domain, memo->domain, sizeof(memo->domain)))
		memo->until_us = 0;
}

static enum edge_progress refuse(struct edge_request *request)
{
	edge_count(&request->worker->counters.refused_by_trust);
	return edge_answer_findings(request);
}

/* Rule R7. The address asked for is the whole Request-URI's user and host. */
static bool is_within_limits(struct edge_request *request)
{
	struct span domain = request->identity;
	if (!trust_policy_is_limited(&request->site->policy, domain))
		return true;
	enum trust_limits_verdict verdict = peer_limits_take(request->worker->shared->limits, &request->site->limits,
		domain, route_alias(&request->message->uri), net_loop_now_us(request->worker->loop));
	if (verdict == TRUST_LIMITS_PASS)
		return true;
	finding_add(edge_request_findings(request),
		verdict == TRUST_LIMITS_RATE ? FINDING_PARTNER_RATE_LIMITED : FINDING_PARTNER_ENUMERATING, domain);
	return false;
}

/* A maddr says where the request is to go whatever its host is (RFC 3261 16.5), and a server inside may obey: it must
 * be as much ours as the host. */
static bool maddr_is_ours(const struct edge_request *request, const struct trust_judge *judge)
{
	const struct sip_uri *uri = &request->message->uri;
	struct span maddr;
	if (!sip_uri_is_sip(uri) || !sip_uri_parameter(uri, SPAN("maddr"), &maddr))
		return true;
	return (maddr.at && transport_is_our_address(request->worker->transport, maddr, uri->port)) ||
	       trust_judge_destination(judge, maddr);
}

/* May a partner that we know ask this of us? A probe of the node itself may always come. */
static enum edge_progress admitted(struct edge_request *request)
{
	const struct sip_uri *uri = &request->message->uri;
	struct trust_judge judge = edge_request_judge(request);
	if (!is_within_limits(request) || !maddr_is_ours(request, &judge))
		return refuse(request);
	struct span host = sip_uri_is_sip(uri) ? uri->host : SPAN_NONE;
	if (host.at && !uri->user.at && edge_dress_is_ours(uri, request->worker))
		return EDGE_CONTINUE;
	return trust_judge_destination(&judge, host) ? EDGE_CONTINUE : refuse(request);
}

/* A resumed session of which nothing is known any more, or one older than what we trust today: told to
 * come again, with a full handshake. */
static enum edge_progress send_away(struct edge_request *request)
{
	struct transport *transport = request->worker->transport;
	struct transport_flow flow = request->arrival->flow;
	enum edge_progress progress = edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	transport_flow_close(transport, flow); /* what was answered is still sent */
	return progress;
}

static enum edge_progress judge_sender(struct edge_request *request, const struct peer_domain *facts)
{
	struct trust_judge judge = edge_request_judge(request);
	struct trust_sender sender;
	struct trust_plan plan;
	const struct peer_chain *chain;
	static const struct trust_chain none;
	int status = edge_peers_chain(request->worker, request->arrival->tls, &chain);
	if (status < 0 || !edge_sender_read(request->message, &sender))
		return send_away(request);
	bool accepted =
		trust_judge_sender(&judge, &sender, facts ? &facts->facts : NULL, chain ? &chain->facts : &none, &plan);
	peer_chain_unref(chain);
	if (!accepted)
		return refuse(request);
	memo_keep(request, request->identity, facts);
	return admitted(request);
}

static void domain_found(void *argument, const struct peer_domain *domain)
{
	struct edge_request *request = argument;
	request->ask = NULL;
	if (judge_sender(request, domain) != EDGE_CONTINUE)
		return;
	request->step++;
	edge_request_resume(request);
}

static enum edge_progress ask(struct edge_request *request)
{
	const struct peer_domain *domain;
	struct peer_found found = {
		.domain = domain_found, .argument = request, .serial = request->serial, .tag = request->tag
	};
	if (!request->worker->shared->resolver)
		return edge_answer_outcome(request, EDGE_OUTCOME_STRANGER_WITHOUT_DNS);
	int status = peer_find_domain(request->worker->peers, request->identity, &found, &domain, &request->ask);
	if (status == 0)
		return EDGE_WAIT;
	if (status < 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	enum edge_progress progress = judge_sender(request, domain);
	peer_domain_unref(domain);
	return progress;
}

/* In a dialog the token of our Record-Route, bound to the call, has already shown that this dialog was
 * admitted (edge/loop.c); what remains is that the connection belongs to somebody trusted. */
static enum edge_progress admit_in_dialog(struct edge_request *request)
{
	const struct peer_chain *chain;
	if (edge_peers_chain(request->worker, request->arrival->tls, &chain) < 0)
		return send_away(request);
	bool trusted = edge_peers_trusts(request->worker, chain);
	peer_chain_unref(chain);
	if (trusted)
		return EDGE_CONTINUE;
	request->claims_local = edge_authenticate_claims(request);
	return request->claims_local ? EDGE_CONTINUE
				     : edge_answer_outcome(request, EDGE_OUTCOME_STRANGER_WITHOUT_TRUST);
}

static enum edge_progress admit_by_identity(struct edge_request *request)
{
	struct trust_judge judge = edge_request_judge(request);
	struct trust_sender sender;
	struct trust_plan plan;
	if (!edge_sender_read(request->message, &sender)) {
		finding_add(edge_request_findings(request), FINDING_IDENTITY_MISMATCH, request->message->from.uri);
		return refuse(request);
	}
	if (!trust_judge_identity(&judge, &sender, &request->identity))
		return refuse(request);
	if (memo_is_good(request, request->identity))
		return admitted(request);
	if (trust_judge_lists(&judge, request->identity, &plan))
		return finding_list_first_error(judge.findings) ? refuse(request) : judge_sender(request, NULL);
	return ask(request);
}

/* Whoever says that he is one of ours is a phone, or pretends to be: not the rules of trust decide, but what he can
 * prove (edge/authenticate.c), whatever it came by. */
enum edge_progress edge_admit(struct edge_request *request)
{
	if (request->inside || request->is_phone || request->in_plain_dialog)
		return EDGE_CONTINUE;
	if (request->arrival->tls && request->in_dialog && request->hop.own_routes > 0)
		return admit_in_dialog(request);
	request->claims_local = edge_authenticate_claims(request);
	if (request->claims_local)
		return EDGE_CONTINUE;
	if (!request->arrival->tls)
		return edge_answer_outcome(request, EDGE_OUTCOME_STRANGER_WITHOUT_TLS);
	if (request->message->method == SIP_METHOD_ACK)
		return edge_answer_outcome(request, EDGE_OUTCOME_NO_TRANSACTION); /* an ACK of no dialog of ours */
	return admit_by_identity(request);
}
