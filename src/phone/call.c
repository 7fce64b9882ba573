/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/require.h"
#include "phone/private.h"

#include <errno.h>
#include <stdlib.h>

const char *phone_outcome_name(enum phone_outcome_kind kind)
{
	static const char *const names[] = {
		[PHONE_ANSWERED] = "answered",
		[PHONE_REFUSED] = "refused",
		[PHONE_NO_ANSWER] = "no-answer",
	};
	return names[kind];
}

int64_t phone_now_us(const struct phone *phone)
{
	return clock_wall_us(net_loop_clock(phone->params.loop));
}

void phone_arm(struct phone *phone, struct wheel_timer *timer, int64_t delay_us)
{
	struct net_loop *loop = phone->params.loop;
	wheel_arm(net_loop_wheel(loop), timer, net_loop_now_us(loop) + delay_us);
}

void phone_disarm(struct phone *phone, struct wheel_timer *timer)
{
	wheel_disarm(net_loop_wheel(phone->params.loop), timer);
}

static void begin(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	phone_caller_start(base_container(timer, struct phone_call, start));
}

static void deadline_reached(struct wheel_timer *timer, int64_t now_us)
{
	struct phone_call *call = base_container(timer, struct phone_call, deadline);
	(void)now_us;
	switch (call->state) {
	case PHONE_CALL_CALLING:
		phone_caller_give_up(call);
		break;
	case PHONE_CALL_RINGING:
		phone_callee_answer(call, call->phone->params.answer_status ? call->phone->params.answer_status : 200);
		break;
	case PHONE_CALL_STANDING:
		call->outcome.ended_by = PHONE_ENDED_BY_US;
		phone_within_bye(call);
		break;
	case PHONE_CALL_LEAVING: /* no answer to our CANCEL or BYE */
		phone_call_over(call);
		break;
	case PHONE_CALL_OVER:
		break;
	}
}

static void refresh_due(struct wheel_timer *timer, int64_t now_us)
{
	struct phone_call *call = base_container(timer, struct phone_call, refresh);
	phone_within_session_step(call, now_us);
}

static void repeat_answer(struct wheel_timer *timer, int64_t now_us)
{
	phone_answer_again(base_container(timer, struct phone_call, answer.repeat), now_us);
}

struct phone_call *phone_call_new(struct phone *phone, bool outgoing)
{
	struct phone_call *call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->phone = phone;
	call->state = outgoing ? PHONE_CALL_CALLING : PHONE_CALL_RINGING;
	call->outcome = (struct phone_outcome){
		.kind = PHONE_NO_ANSWER, .outgoing = outgoing, .started_us = phone_now_us(phone)
	};
	call->media = (struct phone_media){
		.local = phone->params.local,
		.session_id = random_below(phone->params.random, UINT64_C(1) << 32),
		.version = 1,
		.port = (uint16_t)(16384 + 2 * random_below(phone->params.random, 8192)),
	};
	arena_init(&call->arena, PHONE_CALL_BYTES);
	list_init(&call->requests);
	wheel_timer_init(&call->start, begin);
	wheel_timer_init(&call->deadline, deadline_reached);
	wheel_timer_init(&call->refresh, refresh_due);
	sip_answer_init(&call->answer, &phone->timers, repeat_answer);
	sip_session_timer_init(&call->session, SIP_SESSION_STANDARD_S, SIP_SESSION_SMALLEST_S);
	random_hex(phone->params.random, PHONE_TAG_LENGTH, call->tag);
	random_hex(phone->params.random, sizeof(call->session_id) - 1, call->session_id);
	memset(call->remote_session_id, '0', sizeof(call->remote_session_id) - 1);
	list_append(&phone->calls, &call->link);
	phone->call_count++;
	return call;
}

static void let_go_of_server(struct transport_server **server)
{
	if (*server) {
		transport_server_set_context(*server, NULL);
		transport_server_release(*server);
	}
	*server = NULL;
}

void phone_answer_done(struct phone_call *call)
{
	phone_disarm(call->phone, &call->answer.repeat);
	call->answer.waiting = false;
	let_go_of_server(&call->answering);
}

void phone_call_over(struct phone_call *call)
{
	struct phone *phone = call->phone;
	if (call->state == PHONE_CALL_OVER)
		return;
	call->state = PHONE_CALL_OVER;
	phone_disarm(phone, &call->start);
	phone_disarm(phone, &call->deadline);
	phone_disarm(phone, &call->refresh);
	phone_answer_done(call);
	let_go_of_server(&call->server);
	phone_way_stop(&call->way);
	call->invite = NULL;
	while (!list_is_empty(&call->requests))
		phone_request_drop(base_container(call->requests.next, struct phone_request, link));
	sip_dialog_end(&call->dialog);
	call->outcome.ended_us = phone_now_us(phone);
	if (call->is_known_by_id)
		hash_remove(&phone->calls_by_id, &call->by_id);
	list_remove(&call->link);
	list_append(&phone->ended_calls, &call->link);
	phone->call_count--;
	if (phone->params.ended)
		phone->params.ended(phone->params.argument, call, &call->outcome);
}

void phone_call_stands(struct phone_call *call, int64_t duration_us)
{
	struct phone *phone = call->phone;
	call->state = PHONE_CALL_STANDING;
	call->outcome.kind = PHONE_ANSWERED;
	call->outcome.answered_us = phone_now_us(phone);
	phone_disarm(phone, &call->deadline);
	if (duration_us >= 0)
		phone_arm(phone, &call->deadline, duration_us);
	phone_within_arm_session(call);
	if (phone->params.answered)
		phone->params.answered(phone->params.argument, call);
}

static uint64_t hash_of(const struct phone *phone, struct span call_id)
{
	return hash_keyed(&phone->call_id_key, call_id);
}

void phone_call_name(struct phone_call *call, struct span call_id)
{
	struct phone *phone = call->phone;
	call->outcome.call_id = arena_copy(&call->arena, call_id);
	call->is_known_by_id = hash_insert(&phone->calls_by_id, &call->by_id, hash_of(phone, call_id)) == 0;
}

static struct phone_call *call_of(struct hash_link *link)
{
	return link ? base_container(link, struct phone_call, by_id) : NULL;
}

struct phone_call *phone_call_find(struct phone *phone, const struct sip_message *m)
{
	struct hash_link *link = hash_first(&phone->calls_by_id, hash_of(phone, m->call_id));
	while (link && !sip_dialog_matches(&call_of(link)->dialog, m))
		link = hash_next(link);
	return call_of(link);
}

bool phone_call_is_merged(struct phone *phone, const struct sip_message *request)
{
	struct hash_link *link = hash_first(&phone->calls_by_id, hash_of(phone, request->call_id));
	for (; link; link = hash_next(link)) {
		const struct phone_call *call = call_of(link);
		if (call->server && sip_request_is_merged(request, transport_server_request(call->server)))
			return true;
	}
	return false;
}

int phone_call_describe(struct phone_call *call, const struct sip_message *m, struct buffer *ret_sdp)
{
	struct span offer = sip_message_sdp(m);
	if (offer.at)
		return phone_media_answer(&call->media, offer, ret_sdp);
	return phone_media_offer(&call->media, ret_sdp);
}

void phone_call_hang_up(struct phone_call *call)
{
	switch (call->state) {
	case PHONE_CALL_CALLING:
		call->outcome.ended_by = PHONE_ENDED_BY_US;
		phone_caller_give_up(call);
		break;
	case PHONE_CALL_RINGING:
		phone_callee_answer(call, 603);
		break;
	case PHONE_CALL_STANDING:
		call->outcome.ended_by = PHONE_ENDED_BY_US;
		phone_within_bye(call);
		break;
	case PHONE_CALL_LEAVING:
	case PHONE_CALL_OVER:
		break;
	}
}

struct span phone_call_id(const struct phone_call *call)
{
	return call->outcome.call_id;
}
