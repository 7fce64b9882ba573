/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "phone/private.h"

#include <errno.h>

static void keep_way(struct phone_call *call, const struct transport_arrival *arrival)
{
	call->has_flow = transport_flow_is_connection(arrival->flow);
	call->flow = transport_flow_target(arrival);
	call->flow.name = arena_copy(&call->arena, call->flow.name);
	call->flow.identity = NULL;
	call->peer = (struct transport_target){ .protocol = arrival->protocol, .address = arrival->remote };
	/* The port that a connection was opened from is nobody's: its next hop says which one listens. */
	if (transport_protocol_is_stream(arrival->protocol) && arrival->listener != TRANSPORT_LISTENER_NONE)
		net_address_set_port(&call->peer.address, 0);
}

static enum transport_protocol protocol_of(const struct phone_call *call)
{
	return call->flow.protocol;
}

static struct span contact(struct phone_call *call, struct arena *a)
{
	struct sip_uri uri = { 0 };
	sip_uri_parse(call->outcome.local, &uri, NULL);
	return phone_contact(call->phone, a, uri.user, protocol_of(call));
}

static void draft_response(
	struct phone_call *call, struct transport_server *server, uint16_t status, struct sip_draft *d)
{
	struct arena *a = transport_server_arena(server);
	sip_draft_response(d, a, transport_server_request(server), status, SPAN_NONE, span_of(call->tag));
	sip_draft_append(d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	phone_append_session(call, d, a);
	if (status < 300 && status > 100)
		sip_draft_append(d, SIP_HEADER_CONTACT, contact(call, a));
}

static void refuse(struct phone_call *call, struct transport_server *server, uint16_t status)
{
	struct sip_draft d;
	draft_response(call, server, status, &d);
	if (status == 422)
		sip_session_timer_refuse(&call->session, &d, transport_server_arena(server));
	else if (status == 415)
		sip_draft_append(&d, SIP_HEADER_ACCEPT, SPAN(PHONE_ACCEPT));
	phone_respond(server, &d, status);
}

/* ---- the 2xx and its ACK ---- */

void phone_answer_invite(struct phone_call *call, struct transport_server *server, const struct sip_draft *d)
{
	struct phone *phone = call->phone;
	uint32_t cseq = transport_server_request(server)->cseq;
	phone_answer_done(call);
	call->answering = server;
	call->answer_bytes = sip_draft_text(d);
	int64_t due_us = sip_answer_start(&call->answer, cseq, net_loop_now_us(phone->params.loop));
	wheel_arm(net_loop_wheel(phone->params.loop), &call->answer.repeat, due_us);
	phone_respond(server, d, 200);
}

void phone_answer_again(struct phone_call *call, int64_t now_us)
{
	struct phone *phone = call->phone;
	struct iovec part = { (void *)(uintptr_t)call->answer_bytes.at, call->answer_bytes.length };
	int64_t due_us = 0;
	switch (sip_answer_timer(&call->answer, now_us, &due_us)) {
	case SIP_ANSWER_SEND:
		wheel_arm(net_loop_wheel(phone->params.loop), &call->answer.repeat, due_us);
		/* Where the transaction is over before the ACK came, without it. */
		if (transport_respond(call->answering, 200, &part, 1) == -ENOTCONN)
			transport_send_stateless(
				phone->transport, call->has_flow ? &call->flow : &call->peer, &part, 1, NULL);
		break;
	case SIP_ANSWER_GIVE_UP:
		phone_answer_done(call);
		if (call->state == PHONE_CALL_STANDING) {
			call->outcome.ended_by = PHONE_ENDED_BY_TIMER;
			phone_within_bye(call);
		}
		break;
	case SIP_ANSWER_NOTHING:
		break;
	}
}

static uint16_t describe(struct phone_call *call, const struct sip_message *request, struct sip_draft *d)
{
	struct buffer sdp;
	/* UPDATE without an offer gets no description (RFC 3311 5.2). */
	if (request->method == SIP_METHOD_UPDATE && !sip_message_sdp(request).at)
		return 0;
	buffer_init(&sdp, PHONE_BODY_BYTES);
	int status = phone_call_describe(call, request, &sdp);
	if (status == 0)
		sip_draft_set_body(d, SPAN("application/sdp"), arena_copy(d->arena, buffer_span(&sdp)));
	buffer_done(&sdp);
	return status == 0 ? 0 : 488;
}

uint16_t phone_callee_agree(struct phone_call *call, struct transport_server *server, struct sip_draft *d)
{
	const struct sip_message *request = transport_server_request(server);
	int64_t now_us = net_loop_now_us(call->phone->params.loop);
	uint16_t refused = sip_session_timer_judge(&call->session, request);
	if (refused)
		return refused;
	draft_response(call, server, 200, d);
	phone_append_capabilities(d);
	refused = describe(call, request, d);
	if (refused)
		return refused;
	sip_session_timer_accept(&call->session, request, d, transport_server_arena(server), now_us);
	return 0;
}

/* ---- ringing ---- */

static void end_unanswered(struct phone_call *call, enum phone_outcome_kind kind, uint16_t status, struct span reason)
{
	call->outcome.kind = kind;
	call->outcome.status = status;
	call->outcome.reason = reason;
	phone_call_over(call);
}

static void refuse_and_end(struct phone_call *call, uint16_t status)
{
	refuse(call, call->server, status);
	end_unanswered(call, PHONE_REFUSED, status, sip_status_phrase(status));
}

void phone_callee_answer(struct phone_call *call, uint16_t status)
{
	struct transport_server *server = call->server;
	struct sip_draft d;
	if (status >= 300) {
		refuse_and_end(call, status);
		return;
	}
	uint16_t refused = phone_callee_agree(call, server, &d);
	if (refused) {
		refuse_and_end(call, refused);
		return;
	}
	call->server = NULL;
	transport_server_set_context(server, NULL);
	call->outcome.status = 200;
	call->outcome.reason = sip_status_phrase(200);
	sip_dialog_confirm(&call->dialog, NULL);
	phone_answer_invite(call, server, &d);
	phone_call_stands(call, call->phone->params.duration_us > 0 ? call->phone->params.duration_us : -1);
}

void phone_callee_cancelled(struct phone_call *call)
{
	refuse(call, call->server, 487);
	end_unanswered(call, PHONE_NO_ANSWER, 487, SPAN("the caller gave up"));
}

static bool has_strange_body(const struct sip_message *request)
{
	return request->body.length > 0 && !sip_message_sdp(request).at;
}

static void ring(struct phone_call *call)
{
	struct phone *phone = call->phone;
	struct sip_draft d;
	draft_response(call, call->server, 180, &d);
	phone_respond(call->server, &d, 180);
	call->outcome.ringing_us = phone_now_us(phone);
	if (phone->params.ring_us > 0)
		phone_arm(phone, &call->deadline, phone->params.ring_us);
	else
		phone_callee_answer(call, phone->params.answer_status ? phone->params.answer_status : 200);
}

static void cancelled(struct phone_serving *serving)
{
	struct phone_call *call = base_container(serving, struct phone_call, serving);
	if (call->state == PHONE_CALL_RINGING)
		phone_callee_cancelled(call);
}

void phone_callee_ring(struct phone *phone, struct transport_server *server, const struct transport_arrival *arrival)
{
	const struct sip_message *request = transport_server_request(server);
	struct phone_call *call = phone_call_new(phone, false);
	if (!call) {
		phone_reply(phone, server, (struct phone_decision){ .status = 500 }, SPAN_NONE);
		transport_server_release(server);
		return;
	}
	call->server = server;
	call->serving.cancelled = cancelled;
	transport_server_set_context(server, &call->serving);
	phone_call_name(call, request->call_id);
	call->outcome.local = arena_copy(&call->arena, request->request_uri);
	call->outcome.remote = arena_copy(&call->arena, request->from.uri);
	call->peer_updates = sip_message_lists(request, SIP_HEADER_ALLOW, SPAN("UPDATE"));
	keep_way(call, arrival);
	phone_take_session(call, request);
	if (has_strange_body(request))
		refuse_and_end(call, 415);
	else if (sip_dialog_answer(&call->dialog, &call->arena, request, span_of(call->tag)) < 0)
		refuse_and_end(call, 400);
	else
		ring(call);
}
