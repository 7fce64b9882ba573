/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "phone/bridge.h"

#include <errno.h>
#include <stdlib.h>

static struct bridge_leg *other_leg(const struct bridge_exchange *x)
{
	return &x->call->legs[x->from == BRIDGE_CALLER ? BRIDGE_CALLEE : BRIDGE_CALLER];
}

static struct span contact_of(const struct bridge_leg *leg, struct arena *a, enum transport_protocol protocol)
{
	return phone_contact(leg->call->phone, a, leg->user, protocol);
}

/* ---- an exchange ---- */

static void let_go_of_server(struct bridge_exchange *x)
{
	if (!x->server)
		return;
	transport_server_set_context(x->server, NULL);
	transport_server_release(x->server);
	x->server = NULL;
}

static void exchange_free(struct bridge_exchange *x)
{
	let_go_of_server(x);
	list_remove(&x->link);
	free(x);
}

static void respond(struct bridge_exchange *x, uint16_t status, struct span reason, const struct sip_message *answer)
{
	const struct bridge_leg *leg = &x->call->legs[x->from];
	struct arena *a = transport_server_arena(x->server);
	struct sip_draft d;
	sip_draft_response(&d, a, transport_server_request(x->server), status, reason, span_of(leg->tag));
	if (status > 100 && status < 300)
		sip_draft_append(&d, SIP_HEADER_CONTACT, contact_of(leg, a, leg->flow.protocol));
	if (answer)
		phone_bridge_copy_answer(&d, answer);
	if (!answer || !sip_message_has(answer, SIP_HEADER_SERVER))
		sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(x->call->phone));
	phone_respond(x->server, &d, status);
}

static bool is_invite(const struct bridge_exchange *x)
{
	return x->request->method == SIP_METHOD_INVITE;
}

/* ---- the ACK of a 2xx, from end to end ---- */

static void send_ack(struct bridge_exchange *x)
{
	struct bridge_leg *leg = other_leg(x);
	struct transport_target target = phone_bridge_target(leg);
	struct iovec part = { (void *)(uintptr_t)x->ack.at, x->ack.length };
	if (x->ack.at)
		transport_send_stateless(x->call->phone->transport, &target, &part, 1, NULL);
}

static void make_ack(struct bridge_exchange *x, const struct sip_message *ack)
{
	struct bridge_leg *leg = other_leg(x);
	struct arena *a = &x->request->arena;
	struct sip_draft d;
	struct span branch;
	const struct sip_dialog_request request = {
		.method = SPAN("ACK"),
		.via = phone_via(x->call->phone, a, phone_bridge_target(leg).protocol, &branch),
		.cseq = x->request->sent->cseq,
	};
	sip_dialog_draft(&leg->dialog, &d, a, &request);
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(x->call->phone));
	if (ack)
		phone_bridge_copy_request(&d, ack);
	x->ack = sip_draft_text(&d);
}

void phone_bridge_pass_ack(struct bridge_leg *leg, const struct sip_message *ack)
{
	list_each (item, &leg->call->exchanges) {
		struct bridge_exchange *x = base_container(item, struct bridge_exchange, link);
		if (&leg->call->legs[x->from] != leg || !is_invite(x) || !x->server || !x->request->is_finished ||
			transport_server_request(x->server)->cseq != ack->cseq)
			continue;
		if (!x->ack.at)
			make_ack(x, ack);
		send_ack(x);
	}
}

/* Answered after all, by one we do not want (any more): ACK, then BYE. */
static void turn_away(struct bridge_exchange *x, const struct sip_message *answer)
{
	struct bridge_leg *leg = other_leg(x);
	struct sip_dialog kept = leg->dialog;
	struct span kept_ack = x->ack;
	if (sip_dialog_call(&leg->dialog, &x->call->arena, x->request->sent, answer) == 0) {
		struct transport_target target = phone_bridge_target(leg);
		struct sip_draft d;
		struct span branch;
		make_ack(x, NULL);
		send_ack(x);
		const struct sip_dialog_request bye = {
			.method = SPAN("BYE"),
			.via = phone_via(x->call->phone, &x->request->arena, target.protocol, &branch),
		};
		sip_dialog_draft(&leg->dialog, &d, &x->request->arena, &bye);
		struct span bytes = sip_draft_text(&d);
		struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
		if (bytes.at)
			transport_send_stateless(x->call->phone->transport, &target, &part, 1, NULL);
	}
	leg->dialog = kept;
	x->ack = kept_ack;
}

/* ---- answers ---- */

static void note_answer(struct bridge_call *call, uint16_t status, struct span reason)
{
	call->outcome.status = status;
	call->outcome.reason = arena_copy(&call->arena, reason);
	if (status >= 300)
		call->outcome.kind = PHONE_REFUSED;
}

static void first_answered(struct bridge_exchange *x, const struct transport_arrival *arrival)
{
	struct bridge_call *call = x->call;
	struct bridge_leg *leg = other_leg(x);
	const struct sip_message *m = arrival->message;
	if (x->is_cancelled) {
		turn_away(x, m);
		phone_bridge_over(call);
		return;
	}
	if (sip_dialog_call(&leg->dialog, &call->arena, x->request->sent, m) < 0) {
		note_answer(call, 502, SPAN("Bad answer"));
		respond(x, 502, SPAN("Bad Gateway"), NULL);
		phone_bridge_over(call);
		return;
	}
	phone_bridge_keep_flow(leg, arrival);
	sip_dialog_confirm(&call->legs[x->from].dialog, NULL);
	note_answer(call, m->status, m->reason);
	phone_bridge_stands(call, m);
	respond(x, m->status, m->reason, m);
}

static void later_answered(struct bridge_exchange *x, const struct sip_message *m)
{
	sip_dialog_take_response(&other_leg(x)->dialog, m);
	if (x->request->method != SIP_METHOD_INFO && x->request->method != SIP_METHOD_MESSAGE)
		phone_bridge_refreshed(x->call, m);
	respond(x, m->status, m->reason, m);
}

static void first_refused(struct bridge_exchange *x, uint16_t status, struct span reason, const struct sip_message *m)
{
	if (!x->is_cancelled) {
		note_answer(x->call, status, reason);
		respond(x, status, reason, m);
	}
	phone_bridge_over(x->call);
}

static void finished(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct bridge_exchange *x = request->owner;
	const struct sip_message *m = arrival ? arrival->message : NULL;
	if (m && m->status < 300) {
		if (x->begins)
			first_answered(x, arrival);
		else
			later_answered(x, m);
		return;
	}
	uint16_t status = m ? m->status : failure->kind == TRANSPORT_FAILED_TIMEOUT ? 408 : 503;
	struct span reason = m ? m->reason : sip_status_phrase(status);
	if (x->begins) {
		first_refused(x, status, reason, m);
		return;
	}
	respond(x, status, reason, m);
	/* RFC 5057: these end the dialog; the end that asked knows it by the answer, the other is told. */
	if (status == 481 || (status == 408 && !is_invite(x)))
		phone_bridge_leave(x->call, m, x->from);
}

static void further(struct phone_request *request, const struct transport_arrival *arrival)
{
	struct bridge_exchange *x = request->owner;
	struct bridge_leg *leg = other_leg(x);
	const struct sip_message *m = arrival->message;
	if (x->is_cancelled || !x->server)
		return;
	if (m->status < 200) {
		/* An early dialog, so that the callee's requests in it find the call. */
		if (x->begins && m->to.tag.at && leg->dialog.state == SIP_DIALOG_NONE &&
			sip_dialog_call(&leg->dialog, &x->call->arena, request->sent, m) < 0)
			leg->dialog.state = SIP_DIALOG_NONE;
		if (m->status >= 180 && x->begins && x->call->outcome.ringing_us == 0)
			x->call->outcome.ringing_us = phone_now_us(x->call->phone);
		respond(x, m->status, m->reason, m);
	} else if (m->status < 300 && !span_equal(m->to.tag, leg->dialog.remote_tag)) {
		turn_away(x, m);
	} else if (m->status < 300 && x->ack.at) {
		send_ack(x);
	} else if (m->status < 300) {
		respond(x, m->status, m->reason, m);
	}
}

static void ended(struct phone_request *request)
{
	exchange_free(request->owner);
}

/* ---- requests ---- */

static void cancelled(struct phone_serving *serving)
{
	struct bridge_exchange *x = base_container(serving, struct bridge_exchange, serving);
	if (!x->server || x->request->is_finished || x->is_cancelled)
		return;
	if (x->begins) {
		x->call->outcome.ended_by = PHONE_ENDED_BY_PEER;
		phone_bridge_leave(x->call, NULL, BRIDGE_LEGS);
		return;
	}
	/* A re-INVITE: its 487 comes from the other end. */
	if (x->request->client)
		transport_cancel(x->request->client, SPAN_NONE);
}

void phone_bridge_cancel(struct bridge_call *call, uint16_t status)
{
	list_each_safe (item, following, &call->exchanges) {
		struct bridge_exchange *x = base_container(item, struct bridge_exchange, link);
		if (!x->begins || x->request->is_finished)
			continue;
		x->is_cancelled = true;
		note_answer(call, status, sip_status_phrase(status));
		respond(x, status, SPAN_NONE, NULL);
		if (transport_cancel(x->request->client, SPAN_NONE) < 0) {
			phone_bridge_over(call);
			return;
		}
	}
}

void phone_bridge_drop_exchanges(struct bridge_call *call)
{
	while (!list_is_empty(&call->exchanges)) {
		struct bridge_exchange *x = base_container(call->exchanges.next, struct bridge_exchange, link);
		phone_request_drop(x->request);
		exchange_free(x);
	}
}

static struct bridge_exchange *exchange_new(struct bridge_call *call, unsigned from, struct transport_server *server)
{
	const struct sip_message *asked = transport_server_request(server);
	struct bridge_exchange *x = calloc(1, sizeof(*x));
	struct phone_request *request = x ? phone_request_new(call->phone, NULL, asked->method) : NULL;
	if (!request) {
		free(x);
		return NULL;
	}
	*x = (struct bridge_exchange){
		.serving = { cancelled }, .call = call, .from = from, .server = server, .request = request
	};
	request->owner = x;
	request->finished = finished;
	request->further = further;
	request->ended = ended;
	list_append(&call->exchanges, &x->link);
	transport_server_set_context(server, &x->serving);
	return x;
}

static unsigned forwards_left(const struct sip_message *m)
{
	return m->max_forwards > 0 ? (unsigned)m->max_forwards - 1 : 69;
}

/* Where it cannot be sent, it is refused: 503. */
static void send_on(
	struct bridge_exchange *x, struct sip_draft *d, const struct transport_target *target, struct span branch)
{
	struct bridge_call *call = x->call;
	bool begins = x->begins;
	if (phone_request_send(x->request, d, target, branch) == 0)
		return;
	if (begins)
		note_answer(call, 503, sip_status_phrase(503));
	respond(x, 503, SPAN_NONE, NULL);
	exchange_free(x); /* its request is dropped already */
	if (begins)
		phone_bridge_over(call);
}

void phone_bridge_pass_first(struct bridge_call *call, struct transport_server *server)
{
	const struct phone_bridge *bridge = phone_bridge_of(call);
	const struct sip_message *asked = transport_server_request(server);
	struct bridge_exchange *x = exchange_new(call, BRIDGE_CALLER, server);
	struct sip_uri from = { 0 };
	struct sip_draft d;
	struct span branch;
	if (!x) {
		phone_reply(call->phone, server, (struct phone_decision){ .status = 500 }, SPAN_NONE);
		transport_server_release(server);
		phone_bridge_over(call);
		return;
	}
	struct bridge_leg *leg = &call->legs[BRIDGE_CALLEE];
	struct arena *a = &x->request->arena;
	struct span callee =
		phone_bridge_uri(bridge->params.callees, bridge->params.callee_count, &asked->uri, &call->arena);
	x->begins = true;
	leg->peer = leg->flow = bridge->next_hop;
	sip_uri_parse(asked->from.uri, &from, NULL);
	leg->user = arena_copy(&call->arena, from.user);
	sip_draft_request(&d, a, SPAN("INVITE"), callee);
	sip_draft_append(&d, SIP_HEADER_VIA, phone_via(call->phone, a, bridge->next_hop.protocol, &branch));
	sip_draft_append(&d, SIP_HEADER_MAX_FORWARDS, arena_printf(a, "%u", forwards_left(asked)));
	sip_draft_append(&d, SIP_HEADER_FROM, phone_bridge_from(call, asked));
	sip_draft_append(&d, SIP_HEADER_TO, arena_printf(a, "<%.*s>", SPAN_PRINT(callee)));
	sip_draft_append(&d, SIP_HEADER_CALL_ID, call->outcome.bridged_call_id);
	sip_draft_append(&d, SIP_HEADER_CSEQ, SPAN("1 INVITE"));
	sip_draft_append(&d, SIP_HEADER_CONTACT, contact_of(leg, a, bridge->next_hop.protocol));
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	phone_bridge_copy_request(&d, asked);
	send_on(x, &d, &bridge->next_hop, branch);
}

static void pass_within(struct bridge_leg *leg, struct transport_server *server)
{
	struct bridge_call *call = leg->call;
	const struct sip_message *asked = transport_server_request(server);
	struct bridge_exchange *x = exchange_new(call, leg == &call->legs[BRIDGE_CALLEE], server);
	struct sip_draft d;
	struct span branch;
	if (!x) {
		phone_reply(call->phone, server, (struct phone_decision){ .status = 500 }, SPAN_NONE);
		transport_server_release(server);
		return;
	}
	struct bridge_leg *other = other_leg(x);
	struct arena *a = &x->request->arena;
	struct transport_target target = phone_bridge_target(other);
	const struct sip_dialog_request request = {
		.method = sip_method_name(asked->method),
		.via = phone_via(call->phone, a, target.protocol, &branch),
	};
	sip_dialog_draft(&other->dialog, &d, a, &request);
	sip_draft_set_max_forwards(&d, forwards_left(asked));
	if (asked->method == SIP_METHOD_INVITE || asked->method == SIP_METHOD_UPDATE)
		sip_draft_append(&d, SIP_HEADER_CONTACT, contact_of(other, a, target.protocol));
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	phone_bridge_copy_request(&d, asked);
	send_on(x, &d, &target, branch);
}

static void hung_up(struct bridge_leg *leg, struct transport_server *server)
{
	struct bridge_call *call = leg->call;
	if (call->state == BRIDGE_STANDING)
		call->outcome.ended_by = PHONE_ENDED_BY_PEER;
	phone_reply(call->phone, server, (struct phone_decision){ .status = 200 }, SPAN_NONE);
	phone_bridge_leave(call, transport_server_request(server), leg == &call->legs[BRIDGE_CALLEE]);
	transport_server_release(server);
}

static bool goes_on(enum sip_method method)
{
	static const enum sip_method methods[] = { SIP_METHOD_INVITE, SIP_METHOD_UPDATE, SIP_METHOD_INFO,
		SIP_METHOD_MESSAGE, SIP_METHOD_OPTIONS };
	for (size_t i = 0; i < BASE_COUNT(methods); i++)
		if (methods[i] == method)
			return true;
	return false;
}

void phone_bridge_pass(struct bridge_leg *leg, struct transport_server *server)
{
	struct bridge_call *call = leg->call;
	struct bridge_leg *other = &call->legs[leg == &call->legs[BRIDGE_CALLER] ? BRIDGE_CALLEE : BRIDGE_CALLER];
	const struct sip_message *asked = transport_server_request(server);
	const struct phone_situation situation = {
		.for_us = true,
		.call_known = call->state < BRIDGE_LEAVING || asked->method == SIP_METHOD_BYE,
		.out_of_order = sip_dialog_take_request(&leg->dialog, asked) == -ESTALE,
		/* Two INVITEs at once: the two ends see that themselves; one that begins is in nobody's way. */
	};
	struct phone_decision decision = phone_decide(asked, &situation);
	if (decision.act == PHONE_ACT_HANG_UP) {
		hung_up(leg, server);
		return;
	}
	bool is_ours = decision.status >= 300 || !goes_on(asked->method);
	if (decision.act != PHONE_ACT_IGNORE && !is_ours && other->dialog.state != SIP_DIALOG_NONE &&
		asked->max_forwards != 0) {
		pass_within(leg, server);
		return;
	}
	if (!is_ours)
		decision = (struct phone_decision){ .status = asked->max_forwards == 0 ? 483 : 500,
			.extra = PHONE_EXTRA_RETRY };
	if (decision.act != PHONE_ACT_IGNORE)
		phone_reply(call->phone, server, decision, SPAN_NONE);
	transport_server_release(server);
}
