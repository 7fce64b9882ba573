/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/ping.h"

#include "base/require.h"
#include "edge/dress.h"
#include "edge/peers.h"
#include "net/failure.h"
#include "net/loop.h"
#include "peer/chain.h"

#include <errno.h>
#include <stdio.h>

#define PING_BYTES (64u << 10)
#define NO_LOOP SPAN("00000000000000000000000000000000") /* it comes from nowhere */

/* ---- why none came ---- */

/* The judge refused: which of the two rules was it? */
static void why_judged(const struct edge_ping *ping, const struct transport_failure *failure, char *text)
{
	const struct peer_chain *chain = NULL;
	char name[128];
	if (edge_peers_chain(ping->worker, failure->tls, &chain) < 0 || !chain) {
		snprintf(text, EDGE_PING_WHY_SIZE, "it showed no certificate");
		return;
	}
	bool trusted = edge_peers_trusts(ping->worker, chain);
	peer_chain_unref(chain);
	if (!edge_peers_copy_name(ping->worker, failure->tls, name, sizeof(name)))
		snprintf(name, sizeof(name), "another name");
	if (!trusted)
		snprintf(text, EDGE_PING_WHY_SIZE, "its certificate (%s) is not trusted or out of date", name);
	else
		snprintf(text, EDGE_PING_WHY_SIZE, "its certificate is for %s, not for %.*s", name,
			SPAN_PRINT(failure->target->name));
}

static void why_failed(const struct edge_ping *ping, const struct transport_failure *failure, char *text)
{
	static const char *const words[] = {
		[TRANSPORT_FAILED_TIMEOUT] = "no answer in time",
		[TRANSPORT_FAILED_CONNECT] = "cannot connect",
		[TRANSPORT_FAILED_HANDSHAKE] = "no TLS",
		[TRANSPORT_FAILED_LOST] = "the connection was lost",
		[TRANSPORT_FAILED_FLOW] = "the connection is gone",
		[TRANSPORT_FAILED_LIMIT] = "a limit of this node",
		[TRANSPORT_FAILED_SEND] = "cannot send",
		[TRANSPORT_FAILED_CANCELLED] = "given up",
	};
	const char *detail = failure->net && failure->net->text[0] ? failure->net->text
			     : failure->error < 0                  ? strerror(-failure->error)
								   : NULL;
	if (failure->kind == TRANSPORT_FAILED_JUDGED)
		why_judged(ping, failure, text);
	else
		snprintf(text, EDGE_PING_WHY_SIZE, "%s%s%s", words[failure->kind], detail ? ": " : "",
			detail ? detail : "");
}

/* ---- what comes of it ---- */

static struct transport_flow let_go(struct edge_ping *ping)
{
	struct transport_flow flow = transport_client_flow(ping->client);
	wheel_disarm(net_loop_wheel(ping->worker->loop), &ping->patience);
	transport_client_release(ping->client);
	ping->client = NULL;
	return flow;
}

static void on_response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	struct edge_ping *ping = argument;
	(void)client;
	if (arrival->message->status < 200)
		return;
	struct edge_ping_answer answer = { .arrival = arrival };
	answer.flow = let_go(ping);
	ping->done(ping, &answer);
}

static void on_failed(void *argument, struct transport_client *client, const struct transport_failure *failure)
{
	struct edge_ping *ping = argument;
	struct edge_ping_answer answer = { .failed = failure->kind };
	(void)client;
	why_failed(ping, failure, answer.why);
	answer.flow = let_go(ping);
	ping->done(ping, &answer);
}

static const struct transport_client_user USER = { .response = on_response, .failed = on_failed };

static void out_of_patience(struct wheel_timer *timer, int64_t now_us)
{
	struct edge_ping *ping = base_container(timer, struct edge_ping, patience);
	struct edge_ping_answer answer = { .failed = TRANSPORT_FAILED_TIMEOUT, .why = "no answer in time" };
	(void)now_us;
	answer.flow = let_go(ping);
	ping->done(ping, &answer);
}

/* ---- sending ---- */

void edge_ping_init(struct edge_ping *ping, struct edge_worker *worker,
	void (*done)(struct edge_ping *ping, const struct edge_ping_answer *answer))
{
	*ping = (struct edge_ping){ .worker = worker, .done = done };
	arena_init(&ping->arena, PING_BYTES);
	wheel_timer_init(&ping->patience, out_of_patience);
}

struct span edge_ping_uri(struct arena *arena, struct span host, uint16_t port, enum transport_protocol protocol)
{
	const char *transport = transport_protocol_parameter(protocol);
	bool bare_ipv6 = host.length > 0 && host.at[0] != '[' && span_find(host, ':') < host.length;
	struct span bracketed = bare_ipv6 ? arena_printf(arena, "[%.*s]", SPAN_PRINT(host))
					  : arena_printf(arena, "%.*s", SPAN_PRINT(host));
	if (!port)
		return arena_printf(arena, "sip:%.*s;transport=%s", SPAN_PRINT(bracketed), transport);
	return arena_printf(arena, "sip:%.*s:%u;transport=%s", SPAN_PRINT(bracketed), (unsigned)port, transport);
}

static void draft_make(
	struct edge_ping *ping, const struct edge_ping_question *q, struct span branch, struct sip_draft *draft)
{
	struct edge_worker *worker = ping->worker;
	struct arena *a = &ping->arena;
	enum transport_protocol protocol = q->target->protocol;
	struct span sent_by = transport_sent_by(worker->transport, protocol);
	char tag[17];
	random_hex(&worker->random, 16, tag);
	sip_draft_request(draft, a, SPAN("OPTIONS"), q->uri);
	sip_draft_append(draft, SIP_HEADER_VIA,
		arena_printf(a, "SIP/2.0/%s %.*s;branch=%.*s;rport", transport_protocol_name(protocol),
			SPAN_PRINT(sent_by), SPAN_PRINT(branch)));
	sip_draft_append(draft, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
	sip_draft_append(
		draft, SIP_HEADER_FROM, arena_printf(a, "<sip:%.*s>;tag=%s", SPAN_PRINT(worker->shared->node), tag));
	sip_draft_append(draft, SIP_HEADER_TO, arena_printf(a, "<%.*s>", SPAN_PRINT(q->uri)));
	sip_draft_append(draft, SIP_HEADER_CALL_ID, q->call_id);
	sip_draft_append(draft, SIP_HEADER_CSEQ, arena_printf(a, "%u OPTIONS", q->cseq));
	sip_draft_append(draft, SIP_HEADER_CONTACT, arena_printf(a, "<sip:%.*s>", SPAN_PRINT(sent_by)));
	if (q->credentials.at)
		sip_draft_append(draft, q->credentials_header, q->credentials);
	if (!edge_site_is_microsoft(worker->site))
		sip_draft_append(draft, SIP_HEADER_USER_AGENT, edge_dress_server(worker->site));
}

int edge_ping_send(struct edge_ping *ping, const struct edge_ping_question *question)
{
	struct edge_worker *worker = ping->worker;
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	char branch[TRANSPORT_BRANCH_LENGTH + 1];
	base_require(!ping->client);
	arena_reset(&ping->arena);
	transport_branch_make(worker->transport, NO_LOOP, branch);
	draft_make(ping, question, span_of(branch), &draft);
	int count = sip_draft_pieces(&draft, pieces, BASE_COUNT(pieces));
	if (count < 0)
		return count;
	struct transport_note note = { .zone = question->zone, .peer = question->target->name };
	struct transport_request request = {
		.target = question->target,
		.parts = pieces,
		.part_count = (size_t)count,
		.method = SIP_METHOD_OPTIONS,
		.branch = span_of(branch),
		.user = &USER,
		.argument = ping,
		.note = &note,
	};
	int status = transport_send_request(worker->transport, &request, &ping->client);
	if (status < 0) {
		ping->client = NULL;
		return status;
	}
	int64_t due_us = net_loop_now_us(worker->loop) + question->patience_us;
	wheel_arm(net_loop_wheel(worker->loop), &ping->patience, due_us);
	return 0;
}

void edge_ping_drop(struct edge_ping *ping)
{
	if (ping->client)
		let_go(ping);
}

void edge_ping_stop(struct edge_ping *ping)
{
	edge_ping_drop(ping);
	arena_done(&ping->arena);
}
