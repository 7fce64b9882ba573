/* SPDX-License-Identifier: Apache-2.0 */
/* A client machine and a server machine with a bad network between them: packets are lost, late, doubled and out of
 * order, as a seeded generator says. Whatever happens, each side must be told each thing once and come to its end. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/clock.h"
#include "base/random.h"
#include "base/require.h"
#include "sip/dialog.h"
#include "sip/transaction.h"

#define PACKETS_MAXIMUM 512

struct world;

struct packet {
	struct wheel_timer timer;
	struct world *world;
	bool to_server;
	enum sip_method method; /* to the server */
	uint16_t status; /* to the client */
};

struct world {
	struct wheel wheel;
	struct random random;
	struct sip_timers timers;
	struct sip_message request;
	unsigned loss_percent;
	bool reliable;
	bool is_invite;
	uint16_t answer; /* what the server's user says */
	int64_t answer_after_us;

	struct sip_transaction client;
	struct sip_transaction server;
	struct sip_answer repeated; /* the server's user repeats its 2xx */
	struct wheel_timer decision;
	uint16_t last_response;
	bool client_ended, server_started, server_ended;
	unsigned told_final, told_requests, told_timeouts, server_timeouts, acks_seen, given_up;
	uint16_t told_status;
	struct packet packets[PACKETS_MAXIMUM];
	size_t packet_count;
};

static void arrive(struct wheel_timer *timer, int64_t now_us);

static void transmit(struct world *w, int64_t now_us, struct packet what)
{
	unsigned copies = !w->reliable && random_below(&w->random, 20) == 0 ? 2 : 1;
	for (unsigned i = 0; i < copies; i++) {
		if (!w->reliable && random_below(&w->random, 100) < w->loss_percent)
			continue;
		base_require(w->packet_count < PACKETS_MAXIMUM);
		struct packet *p = &w->packets[w->packet_count++];
		*p = what;
		p->world = w;
		wheel_timer_init(&p->timer, arrive);
		int64_t delay_us = w->reliable ? 20000 : 1000 + (int64_t)random_below(&w->random, 300000);
		wheel_arm(&w->wheel, &p->timer, now_us + delay_us);
	}
}

static void to_client(struct world *w, int64_t now_us, uint16_t status)
{
	transmit(w, now_us, (struct packet){ .status = status });
}

static void to_server(struct world *w, int64_t now_us, enum sip_method method)
{
	transmit(w, now_us, (struct packet){ .to_server = true, .method = method });
}

static void tell_client(struct world *w, const struct sip_action *action, uint16_t status, int64_t now_us)
{
	if (action->tell == SIP_TELL_TIMEOUT) {
		w->told_timeouts++;
	} else if (status >= 200) {
		w->told_final++;
		w->told_status = status;
		/* The ACK to a 2xx is the user's, for each of them. */
		if (w->is_invite && status < 300)
			to_server(w, now_us, SIP_METHOD_ACK);
	}
}

static void perform_client(struct world *w, const struct sip_actions *actions, uint16_t status, int64_t now_us)
{
	for (size_t i = 0; i < actions->count; i++) {
		const struct sip_action *action = &actions->items[i];
		assert_false(w->client_ended);
		switch (action->kind) {
		case SIP_ACTION_SEND:
			to_server(w, now_us, action->send == SIP_SEND_ACK ? SIP_METHOD_ACK : w->request.method);
			break;
		case SIP_ACTION_TELL:
			tell_client(w, action, status, now_us);
			break;
		case SIP_ACTION_ARM:
			wheel_arm(&w->wheel, action->timer, action->due_us);
			break;
		case SIP_ACTION_DISARM:
			wheel_disarm(&w->wheel, action->timer);
			break;
		case SIP_ACTION_END:
			w->client_ended = true;
			break;
		}
	}
}

static void perform_server(struct world *w, const struct sip_actions *actions, int64_t now_us)
{
	for (size_t i = 0; i < actions->count; i++) {
		const struct sip_action *action = &actions->items[i];
		assert_false(w->server_ended);
		switch (action->kind) {
		case SIP_ACTION_SEND:
			to_client(w, now_us, action->send == SIP_SEND_TRYING ? 100 : w->last_response);
			break;
		case SIP_ACTION_TELL:
			if (action->tell == SIP_TELL_REQUEST) {
				w->told_requests++;
				wheel_arm(&w->wheel, &w->decision, now_us + w->answer_after_us);
			} else if (action->tell == SIP_TELL_TIMEOUT) {
				w->server_timeouts++;
			}
			break;
		case SIP_ACTION_ARM:
			wheel_arm(&w->wheel, action->timer, action->due_us);
			break;
		case SIP_ACTION_DISARM:
			wheel_disarm(&w->wheel, action->timer);
			break;
		case SIP_ACTION_END:
			w->server_ended = true;
			break;
		}
	}
}

static void respond(struct world *w, uint16_t status, int64_t now_us)
{
	struct sip_actions actions;
	w->last_response = status;
	assert_int_equal(sip_transaction_respond(&w->server, status, now_us, &actions), 0);
	perform_server(w, &actions, now_us);
}

static void decide(struct wheel_timer *timer, int64_t now_us)
{
	struct world *w = base_container(timer, struct world, decision);
	respond(w, w->answer, now_us);
	if (w->is_invite && w->answer < 300)
		wheel_arm(&w->wheel, &w->repeated.repeat, sip_answer_start(&w->repeated, 1, now_us));
}

static void repeat_2xx(struct wheel_timer *timer, int64_t now_us)
{
	struct world *w = base_container(timer, struct world, repeated.repeat);
	int64_t due_us = 0;
	switch (sip_answer_timer(&w->repeated, now_us, &due_us)) {
	case SIP_ANSWER_SEND:
		wheel_arm(&w->wheel, timer, due_us);
		if (!w->server_ended)
			respond(w, w->answer, now_us);
		break;
	case SIP_ANSWER_GIVE_UP:
		w->given_up++;
		break;
	case SIP_ANSWER_NOTHING:
		break;
	}
}

static void serve(struct world *w, enum sip_method method, int64_t now_us)
{
	struct sip_actions actions;
	/* The ACK to a 2xx has a branch of its own: the dialog takes it. */
	if (method == SIP_METHOD_ACK && w->answer < 300) {
		w->acks_seen++;
		if (sip_answer_acknowledged(&w->repeated, 1))
			wheel_disarm(&w->wheel, &w->repeated.repeat);
		return;
	}
	if (!w->server_started) {
		w->server_started = true;
		sip_transaction_start(&w->server, w->reliable, now_us, &actions);
	} else if (!w->server_ended) {
		sip_transaction_receive_request(&w->server, method, now_us, &actions);
	} else {
		return;
	}
	perform_server(w, &actions, now_us);
}

static void arrive(struct wheel_timer *timer, int64_t now_us)
{
	struct packet *p = base_container(timer, struct packet, timer);
	struct world *w = p->world;
	struct sip_actions actions;
	if (p->to_server) {
		serve(w, p->method, now_us);
	} else if (!w->client_ended) {
		sip_transaction_receive_response(&w->client, p->status, now_us, &actions);
		perform_client(w, &actions, p->status, now_us);
	}
}

#define TIMER_CALLBACK(side, which, timer_name)                                                                        \
	static void side##_##timer_name(struct wheel_timer *timer, int64_t now_us)                                     \
	{                                                                                                              \
		struct world *w = base_container(timer, struct world, side.timer_name);                                \
		struct sip_actions actions;                                                                            \
		sip_transaction_timer(&w->side, which, now_us, &actions);                                              \
		perform_timer_##side(w, &actions, now_us);                                                             \
	}
static void perform_timer_client(struct world *w, const struct sip_actions *actions, int64_t now_us)
{
	perform_client(w, actions, 0, now_us);
}
static void perform_timer_server(struct world *w, const struct sip_actions *actions, int64_t now_us)
{
	perform_server(w, actions, now_us);
}
TIMER_CALLBACK(client, SIP_TIMER_REPEAT, repeat)
TIMER_CALLBACK(client, SIP_TIMER_END, end)
TIMER_CALLBACK(server, SIP_TIMER_REPEAT, repeat)
TIMER_CALLBACK(server, SIP_TIMER_END, end)

static void play(struct world *w)
{
	struct sip_actions actions;
	int64_t now_us = 1000000;
	wheel_init(&w->wheel, now_us);
	w->timers = sip_timers_standard();
	/* A refusal may be lost each time it is sent: then only timer C ends the caller's wait. */
	w->timers.c_us = 181 * CLOCK_SECOND_US;
	w->request.method = w->is_invite ? SIP_METHOD_INVITE : SIP_METHOD_MESSAGE;
	wheel_timer_init(&w->decision, decide);
	sip_answer_init(&w->repeated, &w->timers, repeat_2xx);
	sip_transaction_init_client(
		&w->client, w->request.method, sip_method_name(w->request.method), SPAN("z9hG4bKx"), &w->timers);
	sip_transaction_set_timers(&w->client, client_repeat, client_end);
	sip_transaction_init_server(&w->server, &w->request, &w->timers);
	sip_transaction_set_timers(&w->server, server_repeat, server_end);
	sip_transaction_start(&w->client, w->reliable, now_us, &actions);
	perform_client(w, &actions, 0, now_us);
	while (w->wheel.count > 0) {
		now_us = wheel_next_us(&w->wheel);
		wheel_advance(&w->wheel, now_us);
		assert_true(now_us < INT64_C(3600) * CLOCK_SECOND_US);
	}
}

static const struct plan {
	const char *name;
	bool is_invite;
	bool reliable;
	uint16_t answer;
	int64_t after_ms;
	unsigned loss_percent;
	/* So little is lost that nobody may be left without an answer. */
	bool must_succeed;
} plans[] = {
	{ "INVITE, 200 over TCP", true, true, 200, 3000, 0, true },
	{ "INVITE, 486 over TCP", true, true, 486, 3000, 0, true },
	{ "MESSAGE over TCP", false, true, 200, 10, 0, true },
	{ "INVITE, 200, no loss", true, false, 200, 3000, 0, true },
	{ "INVITE, 486, no loss", true, false, 486, 0, 0, true },
	{ "MESSAGE, no loss", false, false, 200, 0, 0, true },
	{ "INVITE, 200, a tenth lost", true, false, 200, 10000, 10, true },
	{ "INVITE, 486, a tenth lost", true, false, 486, 10000, 10, true },
	{ "MESSAGE, a tenth lost", false, false, 404, 100, 10, true },
	{ "INVITE, 200, half lost", true, false, 200, 100, 50, false },
	{ "INVITE, 486, half lost", true, false, 486, 3000, 50, false },
	{ "MESSAGE, half lost", false, false, 200, 3000, 50, false },
	{ "INVITE, all lost", true, false, 200, 100, 100, false },
};

static const char *wrong_with(const struct plan *plan, const struct world *w)
{
	bool is_2xx = plan->answer < 300;
	if (!w->client_ended || (w->server_started && !w->server_ended))
		return "somebody did not come to the end";
	if (w->told_requests > 1)
		return "the request was told more than once";
	if (w->told_final == 0 && w->told_timeouts != 1)
		return "neither an answer nor a time-out";
	if (w->told_final > 0 && w->told_timeouts > 0)
		return "an answer and a time-out";
	if (w->told_final > 0 && w->told_status != plan->answer)
		return "another answer than was given";
	if (w->told_final > 1 && !(plan->is_invite && is_2xx))
		return "the answer was told more than once";
	if (plan->must_succeed && w->told_final == 0)
		return "no answer";
	if (plan->must_succeed && plan->is_invite && is_2xx && (w->acks_seen == 0 || w->given_up > 0))
		return "the 2xx was not acknowledged";
	if (plan->must_succeed && plan->is_invite && !is_2xx && w->server_timeouts > 0)
		return "the refusal was not acknowledged";
	if (plan->loss_percent == 100 && w->told_requests > 0)
		return "a lost request was told";
	return NULL;
}

static void each_is_told_once_and_all_ends(void **state)
{
	static struct world w;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(plans); i++) {
		const struct plan *plan = &plans[i];
		unsigned succeeded = 0;
		for (unsigned seed = 0; seed < 300; seed++) {
			memset(&w, 0, sizeof(w));
			random_init_seed(&w.random, seed);
			w.loss_percent = plan->loss_percent;
			w.reliable = plan->reliable;
			w.is_invite = plan->is_invite;
			w.answer = plan->answer;
			w.answer_after_us = plan->after_ms * CLOCK_MS_US;
			play(&w);
			const char *wrong = wrong_with(plan, &w);
			if (wrong)
				fail_msg("%s, seed %u: %s", plan->name, seed, wrong);
			succeeded += w.told_final > 0;
		}
		print_message("%s: %u of 300 answered\n", plan->name, succeeded);
		if (plan->loss_percent == 50)
			assert_in_range(succeeded, 270, 300);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_told_once_and_all_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
