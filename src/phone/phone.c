/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/require.h"
#include "net/tls.h"
#include "phone/private.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#define CALLS_MAXIMUM 10000

/* ---- what comes in ---- */

static bool is_for_us(const struct phone *phone, const struct sip_uri *uri)
{
	if (phone->params.anybody)
		return true;
	for (size_t i = 0; i < phone->params.user_count; i++)
		if (phone_user_matches(phone->params.users[i], uri))
			return true;
	return phone_registration_is_contact(phone, uri);
}

/* Who asks how we are asks no user. */
static bool asks_for_life(const struct phone *phone, const struct sip_message *request)
{
	return request->method == SIP_METHOD_OPTIONS && request->uri.user.length == 0 &&
	       transport_is_our_address(phone->transport, request->uri.host, request->uri.port);
}

static bool is_inviting(const struct phone_call *call)
{
	return call->state == PHONE_CALL_CALLING || call->state == PHONE_CALL_RINGING || call->answering != NULL ||
	       (call->invite && !call->invite->is_finished);
}

static struct phone_situation situation_of(
	struct phone *phone, struct phone_call *call, const struct sip_message *request, bool is_bridged)
{
	return (struct phone_situation){
		.for_us = is_bridged || is_for_us(phone, &request->uri) || asks_for_life(phone, request),
		.stopping = phone->stopping,
		.busy = is_bridged ? phone_bridge_is_busy(phone) : phone->call_count >= phone->params.call_maximum,
		.merged = !call && (phone_call_is_merged(phone, request) || phone_bridge_is_merged(phone, request)),
		.call_known = call != NULL,
		.out_of_order = call && sip_dialog_take_request(&call->dialog, request) == -ESTALE,
		.inviting = call && is_inviting(call),
	};
}

static void on_request(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct phone *phone = argument;
	const struct sip_message *request = transport_server_request(server);
	bool is_within = request->to.tag.at != NULL;
	struct phone_call *call = is_within ? phone_call_find(phone, request) : NULL;
	struct bridge_leg *leg = is_within && !call ? phone_bridge_find(phone, request) : NULL;
	if (leg) {
		phone_bridge_pass(leg, server);
		return;
	}
	bool is_bridged = !is_within && request->method == SIP_METHOD_INVITE && !is_for_us(phone, &request->uri) &&
			  phone_bridge_wants(phone, arrival);
	const struct phone_situation situation = situation_of(phone, call, request, is_bridged);
	struct phone_decision decision = phone_decide(request, &situation);
	if (decision.act == PHONE_ACT_RING && is_bridged) {
		phone_bridge_take(phone, server, arrival);
	} else if (decision.act == PHONE_ACT_RING) {
		phone_callee_ring(phone, server, arrival);
	} else if (call) {
		phone_within_request(call, server, decision);
	} else {
		if (decision.act != PHONE_ACT_IGNORE)
			phone_reply(phone, server, decision, SPAN_NONE);
		transport_server_release(server);
	}
}

static void on_ack(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct phone *phone = argument;
	struct phone_call *call = phone_call_find(phone, arrival->message);
	struct bridge_leg *leg = call ? NULL : phone_bridge_find(phone, arrival->message);
	if (leg)
		phone_bridge_pass_ack(leg, arrival->message);
	if (call && sip_answer_acknowledged(&call->answer, arrival->message->cseq))
		phone_answer_done(call);
	transport_server_release(server);
}

static void on_cancelled(void *argument, struct transport_server *server, const struct transport_arrival *cancel)
{
	struct phone_serving *serving = transport_server_context(server);
	(void)argument;
	(void)cancel;
	if (serving)
		serving->cancelled(serving);
}

static void on_defect(void *argument, struct transport_server *server, const struct transport_arrival *arrival,
	const struct sip_defect *defect)
{
	(void)arrival;
	(void)defect;
	phone_reply(argument, server, (struct phone_decision){ .status = 400 }, SPAN_NONE);
	transport_server_release(server);
}

/* Only a target with a name to prove is judged; a test phone calls anybody else. */
static int judge(void *argument, const struct transport_target *target, const struct net_tls_facts *facts)
{
	(void)argument;
	if (target->mark != PHONE_MARK_VERIFY || target->protocol != TRANSPORT_TLS)
		return 0;
	struct x509_st *leaf = facts && facts->chain ? sk_X509_value(facts->chain, 0) : NULL;
	if (!leaf || facts->problem_count > 0)
		return PHONE_JUDGED_CHAIN;
	if (X509_check_host(leaf, target->name.at, target->name.length, 0, NULL) == 1)
		return 0;
	return PHONE_JUDGED_NAME;
}

static void on_closed(void *argument, struct transport_flow flow, const struct net_failure *why)
{
	(void)why;
	phone_registration_flow_closed(argument, flow);
}

/* ---- life ---- */

static void free_request(struct phone_request *request)
{
	list_remove(&request->link);
	arena_done(&request->arena);
	free(request);
}

static void free_call(struct phone_call *call)
{
	list_remove(&call->link);
	arena_done(&call->arena);
	free(call);
}

static void say_stopped(struct phone *phone)
{
	void (*stopped)(void *) = phone->stopped;
	phone->stopped = NULL;
	phone_disarm(phone, &phone->grace);
	if (stopped)
		stopped(phone->stopped_argument);
}

/* Once a turn: what ended during it is no longer looked at by anybody. */
static void tidy(void *argument)
{
	struct phone *phone = argument;
	while (!list_is_empty(&phone->ended_requests))
		free_request(base_container(phone->ended_requests.next, struct phone_request, link));
	while (!list_is_empty(&phone->ended_calls))
		free_call(base_container(phone->ended_calls.next, struct phone_call, link));
	phone_bridge_tidy(phone);
	if (phone->stopped && phone->call_count == 0 && phone_bridge_is_over(phone) &&
		phone_registration_is_over(phone))
		say_stopped(phone);
}

static void grace_over(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	say_stopped(base_container(timer, struct phone, grace));
}

static int open_transport(struct phone *phone, size_t *reterr_listener)
{
	char host[NET_ADDRESS_TEXT_SIZE];
	const struct phone_params *p = &phone->params;
	struct net_address bind = p->local;
	net_address_set_port(&bind, 0);
	net_address_format_host(&p->local, host);
	const struct transport_params params = {
		.worker_count = 1,
		.loop = p->loop,
		.resolver = p->resolver,
		.random = p->random,
		.listeners = p->listeners,
		.listener_count = p->listener_count,
		.tls = p->tls,
		.node = span_of(host),
		.bind = bind,
		.token_key = random_hash_key(p->random),
		.sink = p->sink,
		.user = {
			.request = on_request,
			.ack = on_ack,
			.cancelled = on_cancelled,
			.defect = on_defect,
			.judge = judge,
			.closed = on_closed,
			.argument = phone,
		},
	};
	return transport_new(&params, &phone->transport, reterr_listener);
}

int phone_new(const struct phone_params *params, struct phone **ret_phone, size_t *reterr_listener)
{
	if (!net_address_is_set(&params->local) || net_address_is_any(&params->local))
		return -EINVAL;
	struct phone *phone = calloc(1, sizeof(*phone));
	if (!phone)
		return -ENOMEM;
	phone->params = *params;
	if (phone->params.call_maximum == 0)
		phone->params.call_maximum = CALLS_MAXIMUM;
	phone->timers = sip_timers_standard();
	list_init(&phone->calls);
	list_init(&phone->ended_calls);
	list_init(&phone->ended_requests);
	wheel_timer_init(&phone->grace, grace_over);
	random_hex(params->random, 10, phone->epid);
	phone->call_id_key = random_hash_key(params->random);
	int status = hash_init(&phone->calls_by_id, phone->params.call_maximum);
	if (status == 0)
		status = open_transport(phone, reterr_listener);
	if (status < 0) {
		hash_done(&phone->calls_by_id);
		free(phone);
		return status;
	}
	phone->hook = (struct net_hook){ .run = tidy, .argument = phone };
	net_loop_add_hook(params->loop, &phone->hook);
	*ret_phone = phone;
	return 0;
}

struct phone *phone_free(struct phone *phone)
{
	if (!phone)
		return NULL;
	phone->params.ended = NULL;
	phone->stopped = NULL;
	while (!list_is_empty(&phone->calls))
		phone_call_over(base_container(phone->calls.next, struct phone_call, link));
	phone_registration_free(phone);
	phone_bridge_free(phone);
	tidy(phone);
	list_remove(&phone->hook.link);
	phone_disarm(phone, &phone->grace);
	transport_free(phone->transport);
	hash_done(&phone->calls_by_id);
	free(phone);
	return NULL;
}

void phone_stop(struct phone *phone, int64_t grace_us, void (*done)(void *argument), void *argument)
{
	phone->stopping = true;
	phone->stopped = done;
	phone->stopped_argument = argument;
	phone_arm(phone, &phone->grace, grace_us);
	phone_registration_stop(phone);
	phone_bridge_stop(phone);
	list_each_safe (item, following, &phone->calls) {
		phone_call_hang_up(base_container(item, struct phone_call, link));
	}
}

struct transport *phone_transport(struct phone *phone)
{
	return phone->transport;
}
