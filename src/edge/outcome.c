/* SPDX-License-Identifier: Apache-2.0 */
/* What came back of a request we sent on: responses and failures. Failures become findings of the
 * same judges that the examiner uses; then the next target is tried. */
#include "edge/answer.h"
#include "edge/forward.h"
#include "edge/journal.h"
#include "edge/peers.h"
#include "edge/reply.h"
#include "net/failure.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "peer/limits.h"
#include "peer/view.h"

#include <errno.h>

static void client_done(struct edge_request *request)
{
	transport_client_release(request->client);
	request->client = NULL;
}

/* ---- responses ---- */

#define PROVISIONALS_MAXIMUM 200

static void provisional(struct edge_request *request, const struct sip_message *response)
{
	if (request->answered)
		return;
	/* One more than anybody needs, so that a callee cannot fill the request's memory. */
	if (response->status != 100 && request->provisional_count++ < PROVISIONALS_MAXIMUM)
		edge_reply_pass(request, response, request->target_zone, NULL, 0);
}

static bool is_unreliable(const struct edge_request *request)
{
	return request->arrival->protocol == TRANSPORT_UDP || request->target.protocol == TRANSPORT_UDP;
}

static void success(struct edge_request *request, const struct sip_message *response)
{
	bool first = !request->answered;
	enum sip_method method = request->message->method;
	if (edge_reply_pass(request, response, request->target_zone, NULL, 0) == -ENOMEM && first) {
		/* The caller shall not wait for an answer that cannot be written. */
		client_done(request);
		edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
		return;
	}
	request->answered = true;
	if (first) {
		if (method == SIP_METHOD_INVITE)
			edge_count(&request->worker->counters.calls);
		if (!request->inside && request->identity.at)
			peer_limits_answered(request->worker->shared->limits, request->identity, true);
		edge_journal_answered(request, response->status, response->reason);
		if (method == SIP_METHOD_BYE)
			edge_journal_call_ended(request);
	}
	/* Where a datagram may be lost the callee repeats its 2xx until the ACK comes, and each has to
	 * be passed on (RFC 6026 7.1); over streams there is nothing to wait for. */
	if (method != SIP_METHOD_INVITE || !is_unreliable(request)) {
		client_done(request);
		edge_request_finish(request);
	}
}

/* Which answers are about that one server only, so that the next address may do better (RFC 3263 4.3). */
static bool is_about_server(uint16_t status)
{
	return status == 503;
}

static bool ends_search(uint16_t status)
{
	return status >= 600 || status == 401 || status == 407 || status == 487;
}

static struct span peer_server(struct edge_request *request)
{
	if (request->target.name.at)
		return request->target.name;
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&request->target.address, text);
	return arena_copy(request->arena, span_of(text));
}

static void failure(struct edge_request *request, const struct sip_message *response)
{
	uint16_t status = response->status;
	client_done(request);
	if (!request->best || edge_reply_is_better(status, request->best->status)) {
		const struct sip_message *copy = sip_message_copy(request->arena, response);
		if (copy) {
			request->best = copy;
			request->best_zone = request->target_zone;
			request->best_peer = peer_server(request);
		}
	}
	if (ends_search(status) || request->cancelled) {
		edge_answer_exhausted(request);
		return;
	}
	if (!is_about_server(status)) {
		request->attempt.next_target = request->attempt.target_count;
		request->attempt.next_server = request->attempt.server_count;
	}
	edge_forward_next(request);
}

static void on_response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	struct edge_request *request = argument;
	const struct sip_message *response = arrival->message;
	(void)client;
	if (response->status < 200)
		provisional(request, response);
	else if (response->status < 300)
		success(request, response);
	else if (!request->answered)
		failure(request, response);
}

/* ---- failures ---- */

static void judge_chain(struct edge_request *request, struct trust_judge *judge, const struct trust_candidate *server,
	const struct transport_failure *failed)
{
	const struct peer_chain *chain;
	if (edge_peers_chain(request->worker, failed->tls, &chain) < 0 || !chain)
		return;
	const struct peer_host *host = peer_host_known(request->worker->peers, server->name, server->port);
	trust_judge_certificate(judge, server, &chain->facts, host ? &host->facts : NULL);
	peer_host_unref(host);
	peer_chain_unref(chain);
}

/* The facts of what failed, for the judges: the same words that the examiner would use. */
static void judge_failure(struct edge_request *request, const struct transport_failure *failed)
{
	struct trust_judge judge = edge_request_judge(request);
	struct trust_candidate server = { .kind = TRUST_CANDIDATE_SERVER,
		.name = peer_server(request),
		.port = net_address_port(&request->target.address) };
	char address[NET_ADDRESS_TEXT_SIZE];
	struct trust_connection connection;
	if (request->attempt.server)
		server = *request->attempt.server;
	net_address_format(&request->target.address, address);
	peer_connection_of(server.name, arena_copy(request->arena, span_of(address)),
		failed->kind == TRANSPORT_FAILED_JUDGED ? NULL : failed->net, failed->tls, &connection);
	if (trust_judge_connection(&judge, &server, &connection))
		judge_chain(request, &judge, &server, failed);
}

/* RFC 3261 18.1.1: what went by TCP only because of its size goes by UDP where TCP is refused. */
static bool falls_back(struct edge_request *request, const struct transport_failure *failed)
{
	struct edge_attempt *attempt = &request->attempt;
	struct transport_target *tried = &attempt->targets[attempt->next_target - 1];
	if (failed->kind != TRANSPORT_FAILED_CONNECT || request->target.protocol == tried->protocol)
		return false;
	tried->flags &= ~(unsigned)TRANSPORT_TARGET_MAY_SWITCH;
	attempt->next_target--;
	return true;
}

static void on_failed(void *argument, struct transport_client *client, const struct transport_failure *failed)
{
	struct edge_request *request = argument;
	(void)client;
	client_done(request);
	if (falls_back(request, failed)) {
		edge_forward_next(request);
		return;
	}
	switch (failed->kind) {
	case TRANSPORT_FAILED_TIMEOUT:
		request->timed_out = true;
		break;
	case TRANSPORT_FAILED_CONNECT:
	case TRANSPORT_FAILED_HANDSHAKE:
	case TRANSPORT_FAILED_JUDGED:
		judge_failure(request, failed);
		break;
	default:
		break;
	}
	edge_forward_next(request);
}

static void on_client_ended(void *argument, struct transport_client *client)
{
	struct edge_request *request = argument;
	(void)client;
	client_done(request);
	if (request->answered)
		edge_request_finish(request);
}

const struct transport_client_user edge_outcome_user = {
	.response = on_response,
	.failed = on_failed,
	.ended = on_client_ended,
};
