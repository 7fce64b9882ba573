/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/transaction.h"

#include "base/clock.h"
#include "base/require.h"

#include <errno.h>

/* ---- writing actions ---- */

static struct sip_action *add(struct sip_actions *actions, enum sip_action_kind kind)
{
	base_require(actions->count < SIP_ACTIONS_MAXIMUM);
	struct sip_action *action = &actions->items[actions->count++];
	*action = (struct sip_action){ .kind = kind };
	return action;
}

static void send(struct sip_actions *actions, enum sip_send what)
{
	add(actions, SIP_ACTION_SEND)->send = what;
}

static void tell(struct sip_actions *actions, enum sip_tell what)
{
	add(actions, SIP_ACTION_TELL)->tell = what;
}

static void arm(struct sip_actions *actions, struct wheel_timer *timer, int64_t due_us)
{
	struct sip_action *action = add(actions, SIP_ACTION_ARM);
	action->timer = timer;
	action->due_us = due_us;
}

static void disarm(struct sip_actions *actions, struct wheel_timer *timer)
{
	add(actions, SIP_ACTION_DISARM)->timer = timer;
}

static void end(struct sip_transaction *t, struct sip_actions *actions)
{
	t->state = SIP_STATE_TERMINATED;
	disarm(actions, &t->repeat);
	disarm(actions, &t->end);
	add(actions, SIP_ACTION_END);
}

/* Stays in the state for so long, absorbing what still comes; not at all where that is 0. */
static void linger(struct sip_transaction *t, enum sip_transaction_state state, int64_t until_us, int64_t now_us,
	struct sip_actions *actions)
{
	t->state = state;
	if (until_us <= now_us) {
		end(t, actions);
		return;
	}
	disarm(actions, &t->repeat);
	arm(actions, &t->end, until_us);
}

/* ---- life ---- */

struct sip_timers sip_timers_standard(void)
{
	return (struct sip_timers){
		.t1_us = 500 * CLOCK_MS_US,
		.t2_us = 4 * CLOCK_SECOND_US,
		.t4_us = 5 * CLOCK_SECOND_US,
		.d_us = 32 * CLOCK_SECOND_US,
		.trying_us = 200 * CLOCK_MS_US,
	};
}

const char *sip_transaction_state_name(enum sip_transaction_state state)
{
	static const char *const names[] = {
		[SIP_STATE_NEW] = "new",
		[SIP_STATE_CALLING] = "calling",
		[SIP_STATE_TRYING] = "trying",
		[SIP_STATE_PROCEEDING] = "proceeding",
		[SIP_STATE_COMPLETED] = "completed",
		[SIP_STATE_CONFIRMED] = "confirmed",
		[SIP_STATE_ACCEPTED] = "accepted",
		[SIP_STATE_TERMINATED] = "terminated",
	};
	return names[state];
}

static void init(struct sip_transaction *t, const struct sip_timers *timers)
{
	*t = (struct sip_transaction){ .timers = timers };
	wheel_timer_init(&t->repeat, NULL);
	wheel_timer_init(&t->end, NULL);
}

void sip_transaction_init_client(struct sip_transaction *t, enum sip_method method, struct span method_name,
	struct span branch, const struct sip_timers *timers)
{
	init(t, timers);
	t->kind = method == SIP_METHOD_INVITE ? SIP_CLIENT_INVITE : SIP_CLIENT_OTHER;
	t->method = method;
	t->method_name = method_name;
	t->branch = branch;
}

void sip_transaction_init_server(
	struct sip_transaction *t, const struct sip_message *request, const struct sip_timers *timers)
{
	init(t, timers);
	t->kind = request->method == SIP_METHOD_INVITE ? SIP_SERVER_INVITE : SIP_SERVER_OTHER;
	t->method = request->method;
	t->method_name = request->method_name;
	t->branch = request->via.branch;
	t->request = request;
}

void sip_transaction_set_timers(struct sip_transaction *t,
	void (*fired_repeat)(struct wheel_timer *timer, int64_t now_us),
	void (*fired_end)(struct wheel_timer *timer, int64_t now_us))
{
	t->repeat.fired = fired_repeat;
	t->end.fired = fired_end;
}

void sip_transaction_drop(struct sip_transaction *t, struct sip_transaction_table *table, struct wheel *wheel)
{
	wheel_disarm(wheel, &t->repeat);
	wheel_disarm(wheel, &t->end);
	if (table)
		sip_transaction_table_remove(table, t);
	t->state = SIP_STATE_TERMINATED;
}

bool sip_transaction_is_final(const struct sip_transaction *t)
{
	return t->state >= SIP_STATE_COMPLETED;
}

/* ---- start ---- */

static void start_client(struct sip_transaction *t, int64_t now_us, struct sip_actions *actions)
{
	t->state = t->kind == SIP_CLIENT_INVITE ? SIP_STATE_CALLING : SIP_STATE_TRYING;
	t->interval_us = t->timers->t1_us;
	send(actions, SIP_SEND_REQUEST);
	if (!t->reliable)
		arm(actions, &t->repeat, now_us + t->interval_us); /* A, E */
	arm(actions, &t->end, now_us + 64 * t->timers->t1_us); /* B, F */
}

static void start_server(struct sip_transaction *t, int64_t now_us, struct sip_actions *actions)
{
	t->state = SIP_STATE_TRYING;
	if (t->kind == SIP_SERVER_INVITE) {
		t->state = SIP_STATE_PROCEEDING;
		if (t->timers->trying_us == 0) {
			t->trying_sent = true;
			send(actions, SIP_SEND_TRYING);
		} else if (t->timers->trying_us > 0) {
			arm(actions, &t->repeat, now_us + t->timers->trying_us);
		}
	}
	tell(actions, SIP_TELL_REQUEST);
}

void sip_transaction_start(struct sip_transaction *t, bool reliable, int64_t now_us, struct sip_actions *ret_actions)
{
	base_require(t->state == SIP_STATE_NEW);
	ret_actions->count = 0;
	t->reliable = reliable;
	if (sip_transaction_is_client(t))
		start_client(t, now_us, ret_actions);
	else
		start_server(t, now_us, ret_actions);
}

/* ---- clients ---- */

/* RFC 3261 9.1: what is not answered 64·T1 after its CANCEL never will be. */
static void send_cancel(struct sip_transaction *t, int64_t now_us, struct sip_actions *actions)
{
	t->cancelled = true;
	t->cancel_sent = true;
	send(actions, SIP_SEND_CANCEL);
	arm(actions, &t->end, now_us + 64 * t->timers->t1_us);
}

static void invite_provisional(struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *actions)
{
	bool first = t->state == SIP_STATE_CALLING;
	t->state = SIP_STATE_PROCEEDING;
	if (first)
		disarm(actions, &t->repeat);
	tell(actions, SIP_TELL_RESPONSE);
	if (t->cancel_sent)
		return;
	if (t->cancelled)
		send_cancel(t, now_us, actions);
	else if (t->timers->c_us > 0 && (first || status > 100))
		arm(actions, &t->end, now_us + t->timers->c_us); /* C: 16.7 step 2 */
	else if (first)
		disarm(actions, &t->end); /* B */
}

static void invite_response(struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *actions)
{
	bool waiting = t->state == SIP_STATE_CALLING || t->state == SIP_STATE_PROCEEDING;
	if (waiting && status < 200) {
		invite_provisional(t, status, now_us, actions);
	} else if (waiting && status < 300) {
		tell(actions, SIP_TELL_RESPONSE);
		linger(t, SIP_STATE_ACCEPTED, now_us + 64 * t->timers->t1_us, now_us, actions); /* M */
	} else if (waiting) {
		send(actions, SIP_SEND_ACK);
		tell(actions, SIP_TELL_RESPONSE);
		linger(t, SIP_STATE_COMPLETED, now_us + (t->reliable ? 0 : t->timers->d_us), now_us, actions);
	} else if (t->state == SIP_STATE_COMPLETED && status >= 300) {
		send(actions, SIP_SEND_ACK);
	} else if (t->state == SIP_STATE_ACCEPTED && status >= 200 && status < 300) {
		tell(actions, SIP_TELL_RESPONSE);
	}
}

static void other_response(struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *actions)
{
	if (t->state != SIP_STATE_TRYING && t->state != SIP_STATE_PROCEEDING)
		return;
	tell(actions, SIP_TELL_RESPONSE);
	if (status < 200)
		t->state = SIP_STATE_PROCEEDING;
	else
		linger(t, SIP_STATE_COMPLETED, now_us + (t->reliable ? 0 : t->timers->t4_us), now_us, actions); /* K */
}

void sip_transaction_receive_response(
	struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *ret_actions)
{
	base_require(sip_transaction_is_client(t));
	ret_actions->count = 0;
	t->answered = true;
	if (t->kind == SIP_CLIENT_INVITE)
		invite_response(t, status, now_us, ret_actions);
	else
		other_response(t, status, now_us, ret_actions);
}

int sip_transaction_cancel(struct sip_transaction *t, int64_t now_us, struct sip_actions *ret_actions)
{
	ret_actions->count = 0;
	if (t->kind != SIP_CLIENT_INVITE)
		return -EINVAL;
	if (t->cancelled || sip_transaction_is_final(t))
		return -EALREADY;
	t->cancelled = true;
	if (t->state == SIP_STATE_PROCEEDING)
		send_cancel(t, now_us, ret_actions);
	return 0;
}

static void client_repeat(struct sip_transaction *t, int64_t now_us, struct sip_actions *actions)
{
	if (t->reliable || (t->state == SIP_STATE_PROCEEDING && t->kind == SIP_CLIENT_INVITE) ||
		sip_transaction_is_final(t))
		return;
	send(actions, SIP_SEND_REQUEST);
	t->interval_us *= 2; /* A has no limit but B (17.1.1.2) */
	if (t->kind == SIP_CLIENT_OTHER && (t->interval_us > t->timers->t2_us || t->state == SIP_STATE_PROCEEDING))
		t->interval_us = t->timers->t2_us; /* E (17.1.2.2) */
	arm(actions, &t->repeat, now_us + t->interval_us);
}

static void client_end(struct sip_transaction *t, int64_t now_us, struct sip_actions *actions)
{
	/* Timer C of a proxy (16.8): ask the far end to stop, and wait for its 487. */
	if (t->kind == SIP_CLIENT_INVITE && t->state == SIP_STATE_PROCEEDING && !t->cancel_sent) {
		send_cancel(t, now_us, actions);
		return;
	}
	if (!sip_transaction_is_final(t)) {
		t->state = SIP_STATE_TERMINATED;
		tell(actions, SIP_TELL_TIMEOUT);
	}
	end(t, actions);
}

/* ---- servers ---- */

static void invite_request(
	struct sip_transaction *t, enum sip_method method, int64_t now_us, struct sip_actions *actions)
{
	if (method == SIP_METHOD_ACK && t->state == SIP_STATE_COMPLETED)
		linger(t, SIP_STATE_CONFIRMED, now_us + (t->reliable ? 0 : t->timers->t4_us), now_us, actions); /* I */
	else if (method == SIP_METHOD_ACK && t->state == SIP_STATE_ACCEPTED)
		tell(actions, SIP_TELL_ACK);
	else if (method == SIP_METHOD_INVITE && t->state == SIP_STATE_COMPLETED)
		send(actions, SIP_SEND_RESPONSE);
	else if (method == SIP_METHOD_INVITE && t->state == SIP_STATE_PROCEEDING && t->answered)
		send(actions, SIP_SEND_RESPONSE);
	else if (method == SIP_METHOD_INVITE && t->state == SIP_STATE_PROCEEDING && t->trying_sent)
		send(actions, SIP_SEND_TRYING);
}

void sip_transaction_receive_request(
	struct sip_transaction *t, enum sip_method method, int64_t now_us, struct sip_actions *ret_actions)
{
	base_require(!sip_transaction_is_client(t));
	ret_actions->count = 0;
	if (t->kind == SIP_SERVER_INVITE)
		invite_request(t, method, now_us, ret_actions);
	else if (t->state == SIP_STATE_PROCEEDING || t->state == SIP_STATE_COMPLETED)
		send(ret_actions, SIP_SEND_RESPONSE);
}

void sip_transaction_receive_cancel(struct sip_transaction *t, int64_t now_us, struct sip_actions *ret_actions)
{
	(void)now_us;
	ret_actions->count = 0;
	if (t->kind != SIP_SERVER_INVITE || t->state != SIP_STATE_PROCEEDING || t->cancelled)
		return;
	t->cancelled = true;
	tell(ret_actions, SIP_TELL_CANCEL);
}

static void respond_invite(struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *actions)
{
	send(actions, SIP_SEND_RESPONSE);
	if (t->state == SIP_STATE_ACCEPTED)
		return;
	if (status < 200) {
		disarm(actions, &t->repeat); /* no 100 is wanted any more */
	} else if (status < 300) {
		linger(t, SIP_STATE_ACCEPTED, now_us + 64 * t->timers->t1_us, now_us, actions); /* L */
	} else {
		linger(t, SIP_STATE_COMPLETED, now_us + 64 * t->timers->t1_us, now_us, actions); /* H */
		t->interval_us = t->timers->t1_us;
		if (!t->reliable)
			arm(actions, &t->repeat, now_us + t->interval_us); /* G */
	}
}

static void respond_other(struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *actions)
{
	send(actions, SIP_SEND_RESPONSE);
	if (status < 200)
		t->state = SIP_STATE_PROCEEDING;
	else
		linger(t, SIP_STATE_COMPLETED, now_us + (t->reliable ? 0 : 64 * t->timers->t1_us), now_us,
			actions); /* J */
}

int sip_transaction_respond(struct sip_transaction *t, uint16_t status, int64_t now_us, struct sip_actions *ret_actions)
{
	base_require(!sip_transaction_is_client(t));
	ret_actions->count = 0;
	if (t->state == SIP_STATE_TERMINATED)
		return -ENOTCONN;
	bool another_2xx = t->state == SIP_STATE_ACCEPTED && status >= 200 && status < 300;
	if (sip_transaction_is_final(t) && !another_2xx)
		return -EALREADY;
	t->answered = true;
	if (t->kind == SIP_SERVER_INVITE)
		respond_invite(t, status, now_us, ret_actions);
	else
		respond_other(t, status, now_us, ret_actions);
	return 0;
}

static void server_repeat(struct sip_transaction *t, int64_t now_us, struct sip_actions *actions)
{
	if (t->state == SIP_STATE_PROCEEDING && !t->answered) {
		t->trying_sent = true;
		send(actions, SIP_SEND_TRYING);
	} else if (t->kind == SIP_SERVER_INVITE && t->state == SIP_STATE_COMPLETED && !t->reliable) {
		send(actions, SIP_SEND_RESPONSE);
		t->interval_us *= 2;
		if (t->interval_us > t->timers->t2_us)
			t->interval_us = t->timers->t2_us;
		arm(actions, &t->repeat, now_us + t->interval_us); /* G */
	}
}

/* ---- both ---- */

void sip_transaction_timer(
	struct sip_transaction *t, enum sip_timer which, int64_t now_us, struct sip_actions *ret_actions)
{
	ret_actions->count = 0;
	if (t->state == SIP_STATE_TERMINATED)
		return;
	if (which == SIP_TIMER_REPEAT && sip_transaction_is_client(t)) {
		client_repeat(t, now_us, ret_actions);
	} else if (which == SIP_TIMER_REPEAT) {
		server_repeat(t, now_us, ret_actions);
	} else if (sip_transaction_is_client(t)) {
		client_end(t, now_us, ret_actions);
	} else {
		if (t->kind == SIP_SERVER_INVITE && t->state == SIP_STATE_COMPLETED) {
			t->state = SIP_STATE_TERMINATED;
			tell(ret_actions, SIP_TELL_TIMEOUT); /* H */
		}
		end(t, ret_actions);
	}
}

void sip_transaction_transport_error(struct sip_transaction *t, int64_t now_us, struct sip_actions *ret_actions)
{
	(void)now_us;
	ret_actions->count = 0;
	if (t->state == SIP_STATE_TERMINATED)
		return;
	bool stays = t->kind == SIP_SERVER_INVITE || (t->kind == SIP_CLIENT_INVITE && t->state == SIP_STATE_ACCEPTED);
	if (!stays)
		t->state = SIP_STATE_TERMINATED;
	tell(ret_actions, SIP_TELL_TRANSPORT_ERROR);
	if (!stays)
		end(t, ret_actions);
}
