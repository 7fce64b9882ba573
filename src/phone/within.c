/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/private.h"

#include <errno.h>

/* ---- where to ---- */

static enum transport_protocol protocol_of_uri(const struct sip_uri *uri)
{
	enum transport_protocol protocol = transport_protocol_of(sip_uri_transport(uri));
	if (protocol != TRANSPORT_ANY)
		return protocol;
	return uri->scheme == SIP_SCHEME_SIPS ? TRANSPORT_TLS : TRANSPORT_UDP;
}

struct transport_target phone_next_target(struct phone *phone, const struct sip_dialog *dialog,
	const struct transport_target *flow, const struct transport_target *peer)
{
	struct transport_arrival arrival;
	struct sip_uri uri;
	struct net_address address;
	if (flow && transport_flow_describe(phone->transport, flow->flow, &arrival) == 0)
		return *flow;
	if (sip_uri_parse(sip_dialog_next_hop(dialog), &uri, NULL) < 0)
		return *peer;
	enum transport_protocol protocol = protocol_of_uri(&uri);
	uint16_t port = uri.port ? uri.port : transport_protocol_port(protocol);
	if (net_address_parse(uri.host, port, &address) == 0)
		return (struct transport_target){ .protocol = protocol, .address = address };
	struct transport_target target = *peer;
	if (net_address_port(&target.address) == 0)
		net_address_set_port(&target.address, port);
	return target;
}

static struct transport_target next_target(const struct phone_call *call)
{
	return phone_next_target(call->phone, &call->dialog, call->has_flow ? &call->flow : NULL, &call->peer);
}

/* ---- ACK ---- */

static struct span write_once(struct phone_call *call, struct arena *a, struct span method, uint32_t cseq)
{
	struct transport_target target = next_target(call);
	struct sip_draft d;
	struct span branch;
	const struct sip_dialog_request request = {
		.method = method,
		.via = phone_via(call->phone, a, target.protocol, &branch),
		.cseq = cseq,
	};
	sip_dialog_draft(&call->dialog, &d, a, &request);
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	phone_append_session(call, &d, a);
	return sip_draft_text(&d);
}

static void send_once(struct phone_call *call, struct span bytes)
{
	struct transport_target target = next_target(call);
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	if (bytes.at)
		transport_send_stateless(call->phone->transport, &target, &part, 1, NULL);
}

void phone_within_acknowledge(struct phone_call *call, const struct sip_message *response)
{
	if (!call->ack.at || call->ack_cseq != response->cseq || !span_equal(call->ack_tag, response->to.tag)) {
		call->ack = write_once(call, &call->arena, SPAN("ACK"), response->cseq);
		call->ack_cseq = response->cseq;
		call->ack_tag = arena_copy(&call->arena, response->to.tag);
	}
	send_once(call, call->ack);
}

void phone_within_bye_once(struct phone_call *call)
{
	send_once(call, write_once(call, &call->arena, SPAN("BYE"), 0));
}

/* ---- requests of ours ---- */

/* What a request within the call has besides the dialog's own headers. */
struct within {
	enum sip_method method;
	void (*finished)(struct phone_request *request, const struct transport_arrival *arrival,
		const struct transport_failure *failure);
	const struct phone_request *refused; /* sent again with credentials for this challenge */
	const struct sip_message *challenge;
};

static void append_offer(struct phone_call *call, struct sip_draft *d, struct arena *a, bool with_description)
{
	struct sip_uri uri = { 0 };
	struct buffer sdp;
	sip_uri_parse(call->outcome.local, &uri, NULL);
	sip_draft_append(d, SIP_HEADER_CONTACT, phone_contact(call->phone, a, uri.user, next_target(call).protocol));
	sip_session_timer_offer(&call->session, d, a);
	if (!with_description)
		return;
	buffer_init(&sdp, PHONE_BODY_BYTES);
	phone_media_offer(&call->media, &sdp);
	sip_draft_set_body(d, SPAN("application/sdp"), arena_copy(a, buffer_span(&sdp)));
	buffer_done(&sdp);
}

static int send_within(struct phone_call *call, const struct within *what)
{
	struct transport_target target = next_target(call);
	struct phone_request *request = phone_request_of_call(call, what->method);
	struct sip_draft d;
	struct span branch;
	if (!request)
		return -ENOMEM;
	const struct sip_dialog_request within = {
		.method = sip_method_name(what->method),
		.via = phone_via(call->phone, &request->arena, target.protocol, &branch),
	};
	sip_dialog_draft(&call->dialog, &d, &request->arena, &within);
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	phone_append_session(call, &d, &request->arena);
	if (what->method == SIP_METHOD_INVITE || what->method == SIP_METHOD_UPDATE)
		append_offer(call, &d, &request->arena, what->method == SIP_METHOD_INVITE);
	if (what->refused)
		phone_authenticate(what->refused, what->challenge, &d, request);
	request->finished = what->finished;
	if (what->method == SIP_METHOD_INVITE)
		call->invite = request;
	int status = phone_request_send(request, &d, &target, branch);
	if (status < 0 && what->method == SIP_METHOD_INVITE)
		call->invite = NULL;
	return status;
}

static void bye_finished(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct phone_call *call = request->call;
	(void)failure;
	if (arrival && phone_can_authenticate(request, arrival->message)) {
		const struct within again = { SIP_METHOD_BYE, bye_finished, request, arrival->message };
		if (send_within(call, &again) == 0)
			return;
	}
	phone_call_over(call);
}

void phone_within_bye(struct phone_call *call)
{
	const struct within bye = { .method = SIP_METHOD_BYE, .finished = bye_finished };
	call->state = PHONE_CALL_LEAVING;
	phone_disarm(call->phone, &call->refresh);
	phone_arm(call->phone, &call->deadline, 64 * call->phone->timers.t1_us);
	if (send_within(call, &bye) < 0)
		phone_call_over(call);
}

/* ---- session timers (RFC 4028) ---- */

void phone_within_arm_session(struct phone_call *call)
{
	int64_t next_us = sip_session_timer_next_us(&call->session);
	phone_disarm(call->phone, &call->refresh);
	if (next_us < INT64_MAX)
		wheel_arm(net_loop_wheel(call->phone->params.loop), &call->refresh, next_us);
}

static void refresh(struct phone_call *call, const struct phone_request *refused, const struct sip_message *challenge);

static void refresh_finished(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct phone_call *call = request->call;
	(void)failure;
	if (!arrival || call->state != PHONE_CALL_STANDING)
		return; /* the session's end comes by its timer */
	const struct sip_message *m = arrival->message;
	sip_dialog_take_response(&call->dialog, m);
	if (m->status < 300) {
		if (request->method == SIP_METHOD_INVITE)
			phone_within_acknowledge(call, m);
		sip_session_timer_accepted(&call->session, m, net_loop_now_us(call->phone->params.loop));
		phone_within_arm_session(call);
	} else if (call->dialog.state == SIP_DIALOG_ENDED) {
		call->outcome.ended_by = PHONE_ENDED_BY_PEER;
		phone_call_over(call);
	} else if (phone_can_authenticate(request, m)) {
		refresh(call, request, m);
	} else if (sip_session_timer_too_small(&call->session, m)) {
		refresh(call, NULL, NULL);
	}
}

static void refresh(struct phone_call *call, const struct phone_request *refused, const struct sip_message *challenge)
{
	const struct within what = {
		.method = call->peer_updates ? SIP_METHOD_UPDATE : SIP_METHOD_INVITE,
		.finished = refresh_finished,
		.refused = refused,
		.challenge = challenge,
	};
	send_within(call, &what);
}

void phone_call_refresh(struct phone_call *call)
{
	if (call->state == PHONE_CALL_STANDING)
		refresh(call, NULL, NULL);
}

void phone_within_session_step(struct phone_call *call, int64_t now_us)
{
	if (call->state != PHONE_CALL_STANDING)
		return;
	switch (sip_session_timer_step(&call->session, now_us)) {
	case SIP_SESSION_REFRESH:
		refresh(call, NULL, NULL);
		break;
	case SIP_SESSION_EXPIRED:
		call->outcome.ended_by = PHONE_ENDED_BY_TIMER;
		phone_within_bye(call);
		return;
	case SIP_SESSION_NOTHING:
		break;
	}
	phone_within_arm_session(call);
}

/* ---- requests of theirs ---- */

static void hung_up(struct phone_call *call, struct transport_server *server, struct phone_decision decision)
{
	phone_reply(call->phone, server, decision, SPAN_NONE);
	transport_server_release(server);
	if (call->state == PHONE_CALL_RINGING) {
		phone_callee_cancelled(call);
		return;
	}
	if (call->state == PHONE_CALL_STANDING)
		call->outcome.ended_by = PHONE_ENDED_BY_PEER;
	phone_call_over(call);
}

static void refreshed(struct phone_call *call, struct transport_server *server)
{
	struct sip_draft d;
	uint16_t refused = phone_callee_agree(call, server, &d);
	if (refused) {
		sip_draft_response(&d, transport_server_arena(server), transport_server_request(server), refused,
			SPAN_NONE, SPAN_NONE);
		if (refused == 422)
			sip_session_timer_refuse(&call->session, &d, transport_server_arena(server));
		phone_respond(server, &d, refused);
	} else if (transport_server_request(server)->method == SIP_METHOD_INVITE) {
		phone_answer_invite(call, server, &d);
		phone_within_arm_session(call);
		return;
	} else {
		phone_respond(server, &d, 200);
		phone_within_arm_session(call);
	}
	transport_server_release(server);
}

void phone_within_request(struct phone_call *call, struct transport_server *server, struct phone_decision decision)
{
	if (decision.act == PHONE_ACT_HANG_UP) {
		hung_up(call, server, decision);
	} else if (decision.act == PHONE_ACT_REFRESH) {
		refreshed(call, server);
	} else {
		phone_reply(call->phone, server, decision, SPAN_NONE);
		transport_server_release(server);
	}
}
