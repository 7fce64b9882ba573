/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/require.h"
#include "phone/private.h"

#include <errno.h>

#define STANDARD_TIMEOUT_US (60 * CLOCK_SECOND_US)

static void send_invite(
	struct phone_call *call, const struct phone_request *refused, const struct sip_message *response);

static void no_way(struct phone_call *call, struct span why)
{
	call->outcome.kind = PHONE_NO_ANSWER;
	call->outcome.reason = why;
	phone_call_over(call);
}

static void try_next_target(struct phone_call *call)
{
	call->way.target_used++;
	send_invite(call, NULL, NULL);
}

static bool has_another_target(const struct phone_call *call)
{
	return !call->given_up && phone_way_has_another(&call->way);
}

/* A fork answered too, later than the one we took: it gets its ACK and a BYE (RFC 3261 13.2.2.4). */
static void turn_away(struct phone_call *call, const struct phone_request *invite, const struct sip_message *response)
{
	struct sip_dialog kept = call->dialog;
	struct span ack = call->ack, ack_tag = call->ack_tag;
	if (sip_dialog_call(&call->dialog, &call->arena, invite->sent, response) == 0) {
		phone_within_acknowledge(call, response);
		phone_within_bye_once(call);
	}
	call->dialog = kept;
	call->ack = ack;
	call->ack_tag = ack_tag;
}

static void keep_flow(struct phone_call *call, const struct transport_arrival *arrival)
{
	call->has_flow = transport_flow_is_connection(arrival->flow);
	call->flow = transport_flow_target(arrival);
	call->flow.name = arena_copy(&call->arena, call->flow.name);
	call->flow.identity = NULL;
	call->peer = call->way.targets[call->way.target_used];
}

static void take_answer(struct phone_call *call, struct phone_request *invite, const struct transport_arrival *arrival)
{
	const struct sip_message *m = arrival->message;
	int status = sip_dialog_call(&call->dialog, &call->arena, invite->sent, m);
	if (status < 0) {
		no_way(call, SPAN("the answer has no Contact, or one that cannot be used"));
		return;
	}
	keep_flow(call, arrival);
	phone_take_session(call, m);
	call->peer_updates = sip_message_lists(m, SIP_HEADER_ALLOW, SPAN("UPDATE"));
	sip_session_timer_accepted(&call->session, m, net_loop_now_us(call->phone->params.loop));
	phone_within_acknowledge(call, m);
	if (call->given_up) {
		call->outcome.kind = PHONE_NO_ANSWER;
		phone_within_bye(call);
		return;
	}
	phone_call_stands(call, call->params.duration_us);
}

/* It only asked for more: it is not what came of the call. */
static void forget_answer(struct phone_call *call)
{
	call->outcome.answer = NULL;
	call->outcome.status = 0;
	call->outcome.reason = SPAN_NONE;
}

static void take_refusal(struct phone_call *call, struct phone_request *invite, const struct transport_arrival *arrival)
{
	const struct sip_message *m = arrival->message;
	if (!call->given_up && phone_can_authenticate(invite, m)) {
		forget_answer(call);
		send_invite(call, invite, m);
		return;
	}
	if (!call->given_up && sip_session_timer_too_small(&call->session, m)) {
		forget_answer(call);
		send_invite(call, NULL, NULL);
		return;
	}
	if (m->status == 503 && has_another_target(call)) {
		try_next_target(call);
		return;
	}
	if (!call->given_up || m->status != 487)
		call->outcome.kind = PHONE_REFUSED;
	phone_call_over(call);
}

static void remember_answer(struct phone_call *call, const struct transport_arrival *arrival)
{
	const struct sip_message *m = arrival->message;
	/* We gave up first: that is what came of it. */
	if (call->given_up && (m->status == 487 || m->status < 300))
		return;
	call->outcome.answer = sip_message_copy(&call->arena, m);
	call->outcome.status = m->status;
	call->outcome.reason = arena_copy(&call->arena, m->reason);
}

static void invite_finished(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct phone_call *call = request->call;
	if (arrival) {
		remember_answer(call, arrival);
		if (arrival->message->status < 300)
			take_answer(call, request, arrival);
		else
			take_refusal(call, request, arrival);
	} else if (has_another_target(call)) {
		try_next_target(call);
	} else {
		if (!call->given_up) {
			call->outcome.reason = phone_failure_text(&call->arena, failure);
			call->outcome.failed = transport_failed_name(failure->kind);
		}
		phone_call_over(call);
	}
}

static void invite_further(struct phone_request *request, const struct transport_arrival *arrival)
{
	struct phone_call *call = request->call;
	const struct sip_message *m = arrival->message;
	if (m->status < 200) {
		if (m->status >= 180 && call->outcome.ringing_us == 0)
			call->outcome.ringing_us = phone_now_us(call->phone);
		/* An early dialog, so that requests of the far end in it find their call. */
		if (m->to.tag.at && call->dialog.state == SIP_DIALOG_NONE &&
			sip_dialog_call(&call->dialog, &call->arena, request->sent, m) < 0)
			call->dialog.state = SIP_DIALOG_NONE;
		return;
	}
	if (m->status >= 300)
		return;
	if (span_equal(call->ack_tag, m->to.tag))
		phone_within_acknowledge(call, m);
	else
		turn_away(call, request, m);
}

static void append_invite(
	struct phone_call *call, struct sip_draft *d, struct arena *a, enum transport_protocol protocol)
{
	struct sip_uri from = { 0 };
	struct buffer sdp;
	sip_uri_parse(call->params.from, &from, NULL);
	sip_draft_append(d, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
	sip_draft_append(d, SIP_HEADER_FROM, call->from);
	sip_draft_append(d, SIP_HEADER_TO, call->to);
	sip_draft_append(d, SIP_HEADER_CALL_ID, call->outcome.call_id);
	sip_draft_append(d, SIP_HEADER_CSEQ, arena_printf(a, "%u INVITE", call->cseq));
	sip_draft_append(d, SIP_HEADER_CONTACT, phone_contact(call->phone, a, from.user, protocol));
	sip_draft_append(d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	if (call->phone->params.dialect == PHONE_MICROSOFT)
		sip_draft_append(d, SIP_HEADER_MS_CONVERSATION_ID, span_of(call->conversation));
	phone_append_session(call, d, a);
	sip_draft_append(d, SIP_HEADER_ALLOW, SPAN(PHONE_ALLOW));
	sip_session_timer_offer(&call->session, d, a);
	buffer_init(&sdp, PHONE_BODY_BYTES);
	phone_media_offer(&call->media, &sdp);
	sip_draft_set_body(d, SPAN("application/sdp"), arena_copy(a, buffer_span(&sdp)));
	buffer_done(&sdp);
}

/* The first INVITE, or the next one: with credentials where an earlier one was challenged. */
static void send_invite(
	struct phone_call *call, const struct phone_request *refused, const struct sip_message *response)
{
	const struct transport_target *target = &call->way.targets[call->way.target_used];
	struct phone_request *request = phone_request_of_call(call, SIP_METHOD_INVITE);
	struct sip_draft d;
	struct span branch;
	if (!request) {
		no_way(call, SPAN("out of memory"));
		return;
	}
	call->cseq++;
	call->dialog.state = SIP_DIALOG_NONE;
	sip_draft_request(&d, &request->arena, SPAN("INVITE"), call->params.to);
	sip_draft_append(&d, SIP_HEADER_VIA, phone_via(call->phone, &request->arena, target->protocol, &branch));
	append_invite(call, &d, &request->arena, target->protocol);
	if (refused)
		phone_authenticate(refused, response, &d, request);
	request->finished = invite_finished;
	request->further = invite_further;
	call->invite = request;
	int status = phone_request_send(request, &d, target, branch);
	if (status == 0)
		return;
	call->invite = NULL;
	if (has_another_target(call))
		try_next_target(call);
	else
		no_way(call, arena_printf(&call->arena, "cannot send: %s", strerror(-status)));
}

/* ---- where to ---- */

static void way_found(struct phone_way *way, struct span why)
{
	struct phone_call *call = base_container(way, struct phone_call, way);
	if (way->target_count == 0)
		no_way(call, arena_copy(&call->arena, why));
	else
		send_invite(call, NULL, NULL);
}

void phone_caller_start(struct phone_call *call)
{
	phone_arm(call->phone, &call->deadline,
		call->params.timeout_us > 0 ? call->params.timeout_us : STANDARD_TIMEOUT_US);
	call->way = (struct phone_way){
		.phone = call->phone,
		.arena = &call->arena,
		.host = call->params.host,
		.port = call->params.port,
		.protocol = call->params.protocol,
		.server_name = call->params.server_name,
		.found = way_found,
	};
	phone_way_find(&call->way);
}

void phone_caller_give_up(struct phone_call *call)
{
	struct phone *phone = call->phone;
	int64_t waited_us = phone_now_us(phone) - call->outcome.started_us;
	call->given_up = true;
	call->outcome.reason = call->outcome.ended_by == PHONE_ENDED_BY_US
				       ? SPAN("given up")
				       : arena_printf(&call->arena, "no final answer within %lld s",
						 (long long)((waited_us + CLOCK_SECOND_US / 2) / CLOCK_SECOND_US));
	call->state = PHONE_CALL_LEAVING;
	if (!call->invite || !call->invite->client || transport_cancel(call->invite->client, SPAN_NONE) < 0) {
		phone_call_over(call);
		return;
	}
	/* Its 487, or nothing: a server that answered nothing at all so far is not waited for. */
	phone_arm(phone, &call->deadline, 4 * CLOCK_SECOND_US);
}

/* ---- what the user asks for ---- */

static bool is_callable(struct span text, struct sip_uri *ret_uri)
{
	return sip_uri_parse(text, ret_uri, NULL) == 0 && sip_uri_is_sip(ret_uri) && ret_uri->host.length > 0;
}

static void copy_params(struct phone_call *call, const struct phone_call_params *params)
{
	struct arena *a = &call->arena;
	struct phone *phone = call->phone;
	char id[37];
	call->params = *params;
	call->params.from = arena_copy(a, params->from);
	call->params.to = arena_copy(a, params->to);
	call->params.host = arena_copy(a, params->host);
	call->params.server_name = arena_copy(a, params->server_name);
	call->params.username = arena_copy(a, params->username);
	call->params.password = arena_copy(a, params->password);
	random_uuid(phone->params.random, id);
	random_hex(phone->params.random, 32, call->conversation);
	phone_call_name(call, span_of(phone->params.dialect == PHONE_MICROSOFT ? call->conversation : id));
	random_hex(phone->params.random, 32, call->conversation);
	call->outcome.local = call->params.from;
	call->outcome.remote = call->params.to;
	call->from = arena_printf(a, "<%.*s>;tag=%s%s%s", SPAN_PRINT(params->from), call->tag,
		phone->params.dialect == PHONE_MICROSOFT ? ";epid=" : "",
		phone->params.dialect == PHONE_MICROSOFT ? phone->epid : "");
	call->to = arena_printf(a, "<%.*s>", SPAN_PRINT(params->to));
}

int phone_call(struct phone *phone, const struct phone_call_params *params, struct phone_call **ret_call)
{
	struct sip_uri uri;
	if (!is_callable(params->from, &uri) || !is_callable(params->to, &uri) || params->host.length == 0)
		return -EINVAL;
	if (phone->stopping || phone->call_count >= phone->params.call_maximum)
		return -ENOBUFS;
	struct phone_call *call = phone_call_new(phone, true);
	if (!call)
		return -ENOMEM;
	copy_params(call, params);
	phone_arm(phone, &call->start, 0);
	*ret_call = call;
	return 0;
}
