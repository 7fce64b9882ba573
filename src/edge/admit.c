/* SPDX-License-Identifier: Apache-2.0 */
/* Strangers at the door: who says that he is calling, what his domain's records say, and whether the
 * certificate of his connection fits (rules R1 to R7; trust/judge.h). Our own side passes. */

#include "edge/answer.h"
#include "edge/peers.h"
#include "net/loop.h"
#include "peer/chain.h"
#include "peer/limits.h"
#include "peer/view.h"

#include <errno.h>

static struct span host_of(struct span uri_text, struct sip_uri *ret_uri)
{
	if (sip_uri_parse(uri_text, ret_uri, NULL) < 0 || !sip_uri_is_sip(ret_uri))
		return SPAN_NONE;
	return ret_uri->host;
}

static bool is_number(const struct sip_uri *uri)
{
	struct span value;
	if (uri->scheme == SIP_SCHEME_TEL)
		return true;
	return sip_uri_is_sip(uri) && sip_uri_parameter(uri, SPAN("user"), &value) && span_is_nocase(value, "phone");
}

static struct span asserted_domain(const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_P_ASSERTED_IDENTITY);
	struct sip_address address;
	struct sip_uri uri;
	for (struct span value; sip_values_next(&values, &value);)
		if (sip_address_parse_uri(value, &address, &uri) == 0 && sip_uri_is_sip(&uri))
			return uri.host;
	return SPAN_NONE;
}

static struct trust_sender sender_of(const struct sip_message *m)
{
	struct sip_uri from = { .scheme = SIP_SCHEME_OTHER };
	struct trust_sender sender = { .from = host_of(m->from.uri, &from), .asserted = asserted_domain(m) };
	sender.from_is_anonymous = span_ends_nocase(sender.from, SPAN("anonymous.invalid"));
	sender.from_is_number = is_number(&from);
	return sender;
}

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

/* What does not depend on how we know him. */
static enum edge_progress admitted(struct edge_request *request)
{
	struct trust_judge judge = edge_request_judge(request);
	if (request->in_dialog || request->hop.own_routes > 0)
		return EDGE_CONTINUE;
	if (request->server && !is_within_limits(request))
		return refuse(request);
	struct span host = sip_uri_is_sip(&request->message->uri) ? request->message->uri.host : SPAN_NONE;
	if (!trust_judge_destination(&judge, host))
		return refuse(request);
	return EDGE_CONTINUE;
}

static enum edge_progress judge_sender(struct edge_request *request, const struct peer_domain *facts)
{
	struct trust_judge judge = edge_request_judge(request);
	struct trust_sender sender = sender_of(request->message);
	struct trust_plan plan;
	const struct peer_chain *chain;
	static const struct trust_chain none;
	int status = edge_peers_chain(request->worker, request->arrival->tls, &chain);
	if (status == -ESTALE) {
		/* The session was resumed and its certificate forgotten: the next one is a full handshake. */
		transport_flow_close(request->worker->transport, request->arrival->flow);
		return edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
	}
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

/* Asks the DNS about the sender's domain. An ACK cannot wait: it passes only on what is known. */
static enum edge_progress ask(struct edge_request *request)
{
	const struct peer_domain *domain;
	if (!request->worker->shared->resolver)
		return edge_answer_outcome(request, EDGE_OUTCOME_STRANGER_WITHOUT_DNS);
	if (!request->server) {
		domain = peer_domain_known(request->worker->peers, request->identity);
		if (!domain)
			return EDGE_DONE;
	} else {
		struct peer_found found = {
			.domain = domain_found, .argument = request, .serial = request->serial, .tag = request->tag
		};
		int status =
			peer_find_domain(request->worker->peers, request->identity, &found, &domain, &request->ask);
		if (status == 0)
			return EDGE_WAIT;
		if (status < 0)
			domain = NULL;
	}
	enum edge_progress progress = judge_sender(request, domain);
	peer_domain_unref(domain);
	return progress;
}

enum edge_progress edge_admit(struct edge_request *request)
{
	if (request->inside)
		return EDGE_CONTINUE;
	if (!request->arrival->tls)
		return edge_answer_outcome(request, EDGE_OUTCOME_STRANGER_WITHOUT_TLS);
	struct trust_judge judge = edge_request_judge(request);
	struct trust_sender sender = sender_of(request->message);
	if (!trust_judge_identity(&judge, &sender, &request->identity))
		return refuse(request);
	if (memo_is_good(request, request->identity))
		return admitted(request);
	struct trust_plan plan;
	struct finding_list *findings = edge_request_findings(request);
	if (trust_judge_lists(&judge, request->identity, &plan))
		return finding_list_first_error(findings) ? refuse(request) : judge_sender(request, NULL);
	return ask(request);
}
