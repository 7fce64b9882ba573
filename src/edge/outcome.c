/* SPDX-License-Identifier: Apache-2.0 */
/* What came back of a request we sent on: responses and failures. Failures become findings of the
 * same judges that the examiner uses; then the branch goes on with its next address. */
#include "edge/answer.h"
#include "edge/forward.h"
#include "edge/journal.h"
#include "edge/peers.h"
#include "edge/redirect.h"
#include "edge/reply.h"
#include "net/failure.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "peer/limits.h"
#include "peer/view.h"

#include <errno.h>

static void client_done(struct edge_branch *branch)
{
	transport_client_release(branch->client);
	branch->client = NULL;
}

static void branch_done(struct edge_branch *branch)
{
	edge_branch_end(branch);
	edge_forward_settle(branch->request);
}

/* ---- responses ---- */

/* More than anybody needs, so that no callee can fill the request's memory; and of one branch, so that none can use up
 * what the others have to say. */
#define PROVISIONALS_MAXIMUM 2000
#define PROVISIONALS_OF_A_BRANCH 200

static void provisional(struct edge_branch *branch, const struct sip_message *response)
{
	struct edge_request *request = branch->request;
	if (request->answered || branch->cancelled)
		return;
	if (response->status == 100 || branch->provisional_count >= PROVISIONALS_OF_A_BRANCH ||
		request->provisional_count >= PROVISIONALS_MAXIMUM)
		return;
	branch->provisional_count++;
	request->provisional_count++;
	edge_reply_pass(request, response, branch->target_zone, NULL, 0);
}

static bool is_unreliable(const struct edge_branch *branch)
{
	return branch->request->arrival->protocol == TRANSPORT_UDP || branch->target.protocol == TRANSPORT_UDP;
}

static void first_success(struct edge_branch *branch, const struct sip_message *response)
{
	struct edge_request *request = branch->request;
	request->answered = true;
	if (request->message->method == SIP_METHOD_INVITE)
		edge_count(&request->worker->counters.calls);
	if (!request->inside && request->identity.at)
		peer_limits_answered(request->worker->shared->limits, request->identity, true);
	edge_forward_cancel(request, branch, SPAN("SIP ;cause=200 ;text=\"Call completed elsewhere\""));
	edge_journal_answered(request, response->status, response->reason);
	if (request->message->method == SIP_METHOD_BYE)
		edge_journal_call_ended(request);
}

/* Every 2xx to an INVITE is the caller's to know of, though others were cancelled (RFC 3261 16.7 step 5). */
static void success(struct edge_branch *branch, const struct sip_message *response)
{
	struct edge_request *request = branch->request;
	bool is_invite = request->message->method == SIP_METHOD_INVITE;
	bool passed = is_invite || !request->answered;
	if (passed && edge_reply_pass(request, response, branch->target_zone, NULL, 0) == -ENOMEM &&
		!request->answered) {
		/* The caller shall not wait for an answer that cannot be written. */
		edge_forward_cancel(request, NULL, SPAN_NONE);
		edge_forward_stop(request);
		edge_answer_outcome(request, EDGE_OUTCOME_INTERNAL);
		return;
	}
	if (!request->answered)
		first_success(branch, response);
	/* Where a datagram may be lost the callee repeats its 2xx until the ACK comes, and each has to
	 * be passed on (RFC 6026 7.1); over streams there is nothing to wait for. */
	if (is_invite && is_unreliable(branch))
		return;
	client_done(branch);
	branch_done(branch);
}

/* Which answers are about that one server only, so that the next address may do better (RFC 3263 4.3; 430: RFC 5626
 * 5.3). */
static bool is_about_server(uint16_t status)
{
	return status == 503 || status == 430;
}

static bool ends_search(uint16_t status)
{
	return status >= 600 || status == 401 || status == 407 || status == 487;
}

static struct span peer_server(struct edge_branch *branch)
{
	if (branch->target.name.at)
		return branch->target.name;
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&branch->target.address, text);
	return arena_copy(branch->request->arena, span_of(text));
}

static void remember(struct edge_branch *branch, const struct sip_message *response)
{
	struct edge_request *request = branch->request;
	uint16_t status = response->status;
	bool is_best = !request->best || edge_reply_is_better(status, request->best->status);
	bool is_challenge = (status == 401 || status == 407) && request->challenge_count < EDGE_CHALLENGES_MAXIMUM;
	const struct sip_message *copy = is_best || is_challenge ? sip_message_copy(request->arena, response) : NULL;
	if (!copy)
		return;
	if (is_challenge)
		request->challenges[request->challenge_count++] = copy;
	if (!is_best)
		return;
	request->best = copy;
	request->best_zone = branch->target_zone;
	request->best_peer = peer_server(branch);
	request->best_domain = branch->domain;
}

/* RFC 3261 16.7 step 5: nobody else need look for somebody who does not want to be found. */
static void end_search(struct edge_branch *branch, const struct sip_message *response)
{
	struct edge_request *request = branch->request;
	request->stopped = true;
	if (response->status >= 600)
		edge_forward_cancel(request, branch,
			arena_printf(request->arena, "SIP ;cause=%u ;text=\"%.*s\"", response->status,
				SPAN_PRINT(sip_status_phrase(response->status))));
}

static void failure(struct edge_branch *branch, const struct sip_message *response)
{
	struct edge_request *request = branch->request;
	uint16_t status = response->status;
	client_done(branch);
	if (request->answered || (branch->cancelled && !request->cancelled && request->best)) {
		branch_done(branch); /* the echo of our own CANCEL */
		return;
	}
	bool followed = status < 400 && !request->cancelled && !request->stopped && branch->target_zone &&
			branch->target_zone->config->redirects == CONFIG_REDIRECTS_FOLLOW &&
			edge_redirect_follow(request, response);
	if (!followed)
		remember(branch, response);
	if (ends_search(status))
		end_search(branch, response);
	if (!is_about_server(status)) {
		branch->next_target = branch->target_count;
		branch->next_server = branch->server_count;
	}
	edge_branch_resume(branch);
}

static void on_response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	struct edge_branch *branch = argument;
	const struct sip_message *response = arrival->message;
	(void)client;
	if (response->status < 200) {
		provisional(branch, response);
		return;
	}
	if (!branch->has_final && (!branch->cancelled || response->status < 300))
		edge_journal_attempt(branch, RECORD_ATTEMPT_ANSWERED, response->status, response->reason);
	branch->has_final = true;
	if (response->status < 300)
		success(branch, response);
	else
		failure(branch, response);
}

/* ---- failures ---- */

static void judge_chain(struct edge_worker *worker, struct trust_judge *judge, const struct trust_candidate *server,
	const struct transport_failure *failed)
{
	const struct peer_chain *chain;
	if (edge_peers_chain(worker, failed->tls, &chain) < 0 || !chain)
		return;
	const struct peer_host *host = peer_host_known(worker->peers, server->name, server->port);
	trust_judge_certificate(judge, server, &chain->facts, host ? &host->facts : NULL);
	peer_host_unref(host);
	peer_chain_unref(chain);
}

/* The facts of what failed, for the judges: the same words that the examiner would use. */
static void judge_failure(struct edge_branch *branch, const struct transport_failure *failed)
{
	struct edge_request *request = branch->request;
	struct trust_judge judge = edge_request_judge(request);
	struct trust_candidate server = { .kind = TRUST_CANDIDATE_SERVER,
		.name = peer_server(branch),
		.port = net_address_port(&branch->target.address) };
	char address[NET_ADDRESS_TEXT_SIZE];
	struct trust_connection connection;
	if (branch->server)
		server = *branch->server;
	net_address_format(&branch->target.address, address);
	peer_connection_of(server.name, arena_copy(request->arena, span_of(address)),
		failed->kind == TRANSPORT_FAILED_JUDGED ? NULL : failed->net, failed->tls, &connection);
	if (trust_judge_connection(&judge, &server, &connection))
		judge_chain(request->worker, &judge, &server, failed);
}

/* RFC 3261 18.1.1: what went by TCP only because of its size goes by UDP where TCP is refused. */
static bool falls_back(struct edge_branch *branch, const struct transport_failure *failed)
{
	struct transport_target *tried = &branch->targets[branch->next_target - 1];
	if (failed->kind != TRANSPORT_FAILED_CONNECT || branch->target.protocol == tried->protocol)
		return false;
	tried->flags &= ~(unsigned)TRANSPORT_TARGET_MAY_SWITCH;
	branch->next_target--;
	return true;
}

static void on_failed(void *argument, struct transport_client *client, const struct transport_failure *failed)
{
	struct edge_branch *branch = argument;
	(void)client;
	client_done(branch);
	if (!branch->cancelled)
		edge_journal_failed(branch, failed);
	if (branch->cancelled || branch->request->answered) {
		branch_done(branch);
		return;
	}
	if (falls_back(branch, failed)) {
		edge_branch_resume(branch);
		return;
	}
	switch (failed->kind) {
	case TRANSPORT_FAILED_TIMEOUT:
		edge_answer_note(branch->request, EDGE_OUTCOME_NO_ANSWER_IN_TIME);
		break;
	case TRANSPORT_FAILED_CONNECT:
	case TRANSPORT_FAILED_HANDSHAKE:
	case TRANSPORT_FAILED_JUDGED:
		judge_failure(branch, failed);
		break;
	default:
		break;
	}
	edge_branch_resume(branch);
}

static void on_client_ended(void *argument, struct transport_client *client)
{
	struct edge_branch *branch = argument;
	(void)client;
	client_done(branch);
	branch_done(branch);
}

const struct transport_client_user edge_outcome_user = {
	.response = on_response,
	.failed = on_failed,
	.ended = on_client_ended,
};
