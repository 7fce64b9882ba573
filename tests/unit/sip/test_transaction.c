/* SPDX-License-Identifier: Apache-2.0 */
/* Each case is a story: what happens at which millisecond, and what the machine then does. The wheel runs the timers
 * under a clock of the test's own, so half a minute of retransmissions takes no time. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/buffer.h"
#include "base/require.h"
#include "sip/transaction.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

enum event_kind { EVENT_NONE, RESPONSE, REQUEST, RESPOND, CANCEL, GIVE_UP, BROKEN };

struct event {
	int64_t at_ms;
	enum event_kind kind;
	int value; /* status or method */
};

#define EVENTS_MAXIMUM 8
struct story {
	const char *name;
	enum sip_transaction_kind kind;
	bool reliable;
	int64_t c_ms;
	int64_t trying_ms;
	struct event events[EVENTS_MAXIMUM];
	const char *expected;
};

enum { UDP = false, TCP = true };
enum { INVITE = SIP_METHOD_INVITE, ACK = SIP_METHOD_ACK, OPTIONS = SIP_METHOD_OPTIONS };

struct run {
	struct sip_transaction transaction;
	struct wheel wheel;
	struct buffer log;
	int64_t now_us;
	bool ended;
};

static const char *const send_names[] = {
	[SIP_SEND_REQUEST] = "request",
	[SIP_SEND_ACK] = "ack",
	[SIP_SEND_CANCEL] = "cancel",
	[SIP_SEND_TRYING] = "trying",
	[SIP_SEND_RESPONSE] = "response",
};
static const char *const tell_names[] = {
	[SIP_TELL_REQUEST] = "REQUEST",
	[SIP_TELL_RESPONSE] = "RESPONSE",
	[SIP_TELL_ACK] = "ACK",
	[SIP_TELL_CANCEL] = "CANCEL",
	[SIP_TELL_TIMEOUT] = "TIMEOUT",
	[SIP_TELL_TRANSPORT_ERROR] = "ERROR",
};

/* Sent things in small letters, told things in capitals, a new state after ">". */
static void perform(struct run *run, const struct sip_actions *actions, uint8_t state_before)
{
	size_t start = run->log.length;
	buffer_printf(&run->log, "%s%" PRId64, start ? ", " : "", run->now_us / 1000);
	size_t empty = run->log.length;
	for (size_t i = 0; i < actions->count; i++) {
		const struct sip_action *action = &actions->items[i];
		assert_false(run->ended);
		switch (action->kind) {
		case SIP_ACTION_SEND:
			buffer_printf(&run->log, " %s", send_names[action->send]);
			break;
		case SIP_ACTION_TELL:
			buffer_printf(&run->log, " %s", tell_names[action->tell]);
			break;
		case SIP_ACTION_ARM:
			assert_true(action->due_us > run->now_us);
			wheel_arm(&run->wheel, action->timer, action->due_us);
			break;
		case SIP_ACTION_DISARM:
			wheel_disarm(&run->wheel, action->timer);
			break;
		case SIP_ACTION_END:
			run->ended = true;
			break;
		}
	}
	if (run->transaction.state != state_before)
		buffer_printf(&run->log, " >%s", sip_transaction_state_name(run->transaction.state));
	assert_int_equal(run->ended, run->transaction.state == SIP_STATE_TERMINATED);
	if (run->ended)
		assert_int_equal(run->wheel.count, 0);
	if (run->log.length == empty)
		run->log.length = start;
	run->log.at[run->log.length] = '\0';
}

static void timer(struct run *run, enum sip_timer which, int64_t now_us)
{
	struct sip_actions actions;
	uint8_t before = run->transaction.state;
	run->now_us = now_us;
	sip_transaction_timer(&run->transaction, which, now_us, &actions);
	perform(run, &actions, before);
}

static void fired_repeat(struct wheel_timer *t, int64_t now_us)
{
	timer(base_container(t, struct run, transaction.repeat), SIP_TIMER_REPEAT, now_us);
}

static void fired_end(struct wheel_timer *t, int64_t now_us)
{
	timer(base_container(t, struct run, transaction.end), SIP_TIMER_END, now_us);
}

static void happen(struct run *run, const struct event *event)
{
	struct sip_actions actions = { 0 };
	uint8_t before = run->transaction.state;
	struct sip_transaction *t = &run->transaction;
	run->now_us = event->at_ms * 1000;
	switch (event->kind) {
	case RESPONSE:
		sip_transaction_receive_response(t, (uint16_t)event->value, run->now_us, &actions);
		break;
	case REQUEST:
		sip_transaction_receive_request(t, (enum sip_method)event->value, run->now_us, &actions);
		break;
	case RESPOND: {
		int status = sip_transaction_respond(t, (uint16_t)event->value, run->now_us, &actions);
		if (status < 0)
			buffer_printf(&run->log, ", %" PRId64 " refused(%s)", event->at_ms,
				status == -EALREADY ? "already" : "ended");
		break;
	}
	case CANCEL:
		sip_transaction_receive_cancel(t, run->now_us, &actions);
		break;
	case GIVE_UP: {
		int status = sip_transaction_cancel(t, run->now_us, &actions);
		if (status < 0)
			buffer_printf(&run->log, ", %" PRId64 " refused(%s)", event->at_ms,
				status == -EALREADY ? "already" : "no invite");
		break;
	}
	case BROKEN:
		sip_transaction_transport_error(t, run->now_us, &actions);
		break;
	case EVENT_NONE:
		break;
	}
	perform(run, &actions, before);
}

static void until(struct run *run, int64_t at_us)
{
	while (wheel_next_us(&run->wheel) <= at_us)
		wheel_advance(&run->wheel, wheel_next_us(&run->wheel));
	wheel_advance(&run->wheel, at_us);
}

static void start(
	struct run *run, const struct story *story, const struct sip_message *request, const struct sip_timers *timers)
{
	struct sip_actions actions;
	bool is_invite = story->kind == SIP_CLIENT_INVITE || story->kind == SIP_SERVER_INVITE;
	memset(run, 0, sizeof(*run));
	wheel_init(&run->wheel, 0);
	buffer_init(&run->log, 1 << 16);
	if (story->kind == SIP_CLIENT_INVITE || story->kind == SIP_CLIENT_OTHER)
		sip_transaction_init_client(&run->transaction, is_invite ? SIP_METHOD_INVITE : SIP_METHOD_OPTIONS,
			is_invite ? SPAN("INVITE") : SPAN("OPTIONS"), SPAN("z9hG4bK1"), timers);
	else
		sip_transaction_init_server(&run->transaction, request, timers);
	assert_int_equal(run->transaction.kind, story->kind);
	sip_transaction_set_timers(&run->transaction, fired_repeat, fired_end);
	sip_transaction_start(&run->transaction, story->reliable, 0, &actions);
	perform(run, &actions, SIP_STATE_NEW);
}

static void tell_story(const struct story *story)
{
	static struct sip_message request;
	static struct run run;
	struct sip_timers timers = sip_timers_standard();
	timers.c_us = story->c_ms * 1000;
	timers.trying_us = story->trying_ms < 0 ? -1 : story->trying_ms * 1000;
	request.method = story->kind == SIP_SERVER_INVITE ? SIP_METHOD_INVITE : SIP_METHOD_OPTIONS;
	start(&run, story, &request, &timers);
	for (size_t i = 0; i < EVENTS_MAXIMUM && story->events[i].kind != EVENT_NONE; i++) {
		/* What happens at the same time as a timer happens after it. */
		until(&run, story->events[i].at_ms * 1000);
		happen(&run, &story->events[i]);
	}
	until(&run, INT64_C(3600) * 1000 * 1000);
	if (strcmp(run.log.at, story->expected) != 0)
		fail_msg("%s\n  expected %s\n  found    %s", story->name, story->expected, run.log.at);
	sip_transaction_drop(&run.transaction, NULL, &run.wheel);
	buffer_done(&run.log);
}

static void tell_stories(const struct story *stories, size_t count)
{
	for (size_t i = 0; i < count; i++)
		tell_story(&stories[i]);
}

/* RFC 3261 figure 5 with RFC 6026 figure 1. */
static void invite_client(void **state)
{
	static const struct story stories[] = {
		{ .name = "nobody answers over UDP: timer A doubles until timer B",
			.kind = SIP_CLIENT_INVITE,
			.expected = "0 request >calling, 500 request, 1500 request, 3500 request, 7500 request, 15500 "
				    "request, "
				    "31500 request, 32000 TIMEOUT >terminated" },
		{ .name = "nobody answers over TCP: nothing is repeated",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.expected = "0 request >calling, 32000 TIMEOUT >terminated" },
		{ .name = "a provisional answer stops A and B; without timer C it waits for ever",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 600, RESPONSE, 100 }, { 700, RESPONSE, 180 }, { 900, RESPONSE, 180 } },
			.expected = "0 request >calling, 500 request, 600 RESPONSE >proceeding, 700 RESPONSE, 900 "
				    "RESPONSE" },
		{ .name = "200 from calling: all further 2xx go up until timer M, late others do not",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 100, RESPONSE, 200 }, { 600, RESPONSE, 200 }, { 700, RESPONSE, 180 },
				{ 800, RESPONSE, 486 }, { 32000, RESPONSE, 200 } },
			.expected = "0 request >calling, 100 RESPONSE >accepted, 600 RESPONSE, 32000 RESPONSE, 32100 "
				    ">terminated" },
		{ .name = "200 from proceeding over TCP: accepted all the same",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.events = { { 100, RESPONSE, 180 }, { 5000, RESPONSE, 200 } },
			.expected = "0 request >calling, 100 RESPONSE >proceeding, 5000 RESPONSE >accepted, 37000 "
				    ">terminated" },
		{ .name = "486 from calling over UDP: each repetition gets the ACK, none is told, until timer D",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 100, RESPONSE, 486 }, { 600, RESPONSE, 486 }, { 700, RESPONSE, 200 },
				{ 800, RESPONSE, 180 }, { 32000, RESPONSE, 486 } },
			.expected = "0 request >calling, 100 ack RESPONSE >completed, 600 ack, 32000 ack, 32100 "
				    ">terminated" },
		{ .name = "486 from proceeding over TCP: over at once",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.events = { { 100, RESPONSE, 183 }, { 200, RESPONSE, 486 } },
			.expected = "0 request >calling, 100 RESPONSE >proceeding, 200 ack RESPONSE >terminated" },
		{ .name = "sending fails while calling",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 500, BROKEN, 0 } },
			.expected = "0 request >calling, 500 request, 500 ERROR >terminated" },
		{ .name = "sending the ACK fails",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 10, RESPONSE, 404 }, { 20, BROKEN, 0 } },
			.expected = "0 request >calling, 10 ack RESPONSE >completed, 20 ERROR >terminated" },
		{ .name = "the connection breaks after the 200: further 2xx are still awaited",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 10, RESPONSE, 200 }, { 20, BROKEN, 0 } },
			.expected = "0 request >calling, 10 RESPONSE >accepted, 20 ERROR, 32010 >terminated" },
		{ .name = "nothing moves what has ended",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.events = { { 1, RESPONSE, 404 }, { 2, RESPONSE, 404 }, { 3, BROKEN, 0 }, { 4, GIVE_UP, 0 } },
			.expected = "0 request >calling, 1 ack RESPONSE >terminated, 4 refused(already)" },
	};
	(void)state;
	tell_stories(stories, BASE_COUNT(stories));
}

/* RFC 3261 9.1 and, for proxies, timer C of 16.6 step 11 and 16.8. */
static void invite_client_gives_up(void **state)
{
	static const struct story stories[] = {
		{ .name = "after 180 the CANCEL goes at once, the 487 comes",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.events = { { 100, RESPONSE, 180 }, { 5000, GIVE_UP, 0 }, { 5100, RESPONSE, 487 } },
			.expected = "0 request >calling, 100 RESPONSE >proceeding, 5000 cancel, 5100 ack RESPONSE "
				    ">terminated" },
		{ .name = "before any answer it waits for the first provisional one, and is sent once",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 100, GIVE_UP, 0 }, { 600, RESPONSE, 100 }, { 700, RESPONSE, 180 },
				{ 800, GIVE_UP, 0 } },
			.expected = "0 request >calling, 500 request, 600 RESPONSE cancel >proceeding, 700 RESPONSE, "
				    "800 refused(already), 32600 TIMEOUT >terminated" },
		{ .name = "nobody ever answers: timer B, no CANCEL",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.events = { { 100, GIVE_UP, 0 } },
			.expected = "0 request >calling, 32000 TIMEOUT >terminated" },
		{ .name = "the 200 was faster: it is told, there is nothing to cancel",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.events = { { 10, GIVE_UP, 0 }, { 20, RESPONSE, 200 } },
			.expected = "0 request >calling, 20 RESPONSE >accepted, 32020 >terminated" },
		{ .name = "after the final answer it is too late",
			.kind = SIP_CLIENT_INVITE,
			.events = { { 10, RESPONSE, 404 }, { 20, GIVE_UP, 0 } },
			.expected = "0 request >calling, 10 ack RESPONSE >completed, 20 refused(already), 32010 "
				    ">terminated" },
		{ .name = "only an INVITE can be cancelled",
			.kind = SIP_CLIENT_OTHER,
			.reliable = TCP,
			.events = { { 10, GIVE_UP, 0 }, { 20, RESPONSE, 200 } },
			.expected = "0 request >trying, 10 refused(no invite), 20 RESPONSE >terminated" },
		{ .name = "timer C cancels; no answer to that within 64·T1",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.c_ms = 181000,
			.events = { { 100, RESPONSE, 100 } },
			.expected = "0 request >calling, 100 RESPONSE >proceeding, 181100 cancel, 213100 TIMEOUT "
				    ">terminated" },
		{ .name = "each 101 … 199 starts timer C again, a 100 does not",
			.kind = SIP_CLIENT_INVITE,
			.reliable = TCP,
			.c_ms = 181000,
			.events = { { 100, RESPONSE, 100 }, { 100000, RESPONSE, 180 }, { 200000, RESPONSE, 100 },
				{ 281500, RESPONSE, 487 } },
			.expected = "0 request >calling, 100 RESPONSE >proceeding, 100000 RESPONSE, 200000 RESPONSE, "
				    "281000 cancel, 281500 ack RESPONSE >terminated" },
	};
	(void)state;
	tell_stories(stories, BASE_COUNT(stories));
}

/* RFC 3261 figure 6. */
static void other_client(void **state)
{
	static const struct story stories[] = {
		{ .name = "nobody answers over UDP: timer E doubles up to T2, until timer F",
			.kind = SIP_CLIENT_OTHER,
			.expected = "0 request >trying, 500 request, 1500 request, 3500 request, 7500 request, 11500 "
				    "request, "
				    "15500 request, 19500 request, 23500 request, 27500 request, 31500 request, "
				    "32000 TIMEOUT >terminated" },
		{ .name = "nobody answers over TCP",
			.kind = SIP_CLIENT_OTHER,
			.reliable = TCP,
			.expected = "0 request >trying, 32000 TIMEOUT >terminated" },
		{ .name = "a provisional answer slows the repetition to T2, and timer F goes on",
			.kind = SIP_CLIENT_OTHER,
			.events = { { 100, RESPONSE, 100 }, { 200, RESPONSE, 183 } },
			.expected =
				"0 request >trying, 100 RESPONSE >proceeding, 200 RESPONSE, 500 request, 4500 request, "
				"8500 request, 12500 request, 16500 request, 20500 request, 24500 request, "
				"28500 request, 32000 TIMEOUT >terminated" },
		{ .name = "a final answer over UDP: repetitions are absorbed until timer K",
			.kind = SIP_CLIENT_OTHER,
			.events = { { 100, RESPONSE, 200 }, { 600, RESPONSE, 200 }, { 700, RESPONSE, 100 } },
			.expected = "0 request >trying, 100 RESPONSE >completed, 5100 >terminated" },
		{ .name = "a final answer over TCP: over at once",
			.kind = SIP_CLIENT_OTHER,
			.reliable = TCP,
			.events = { { 100, RESPONSE, 100 }, { 200, RESPONSE, 404 } },
			.expected = "0 request >trying, 100 RESPONSE >proceeding, 200 RESPONSE >terminated" },
		{ .name = "sending fails while trying",
			.kind = SIP_CLIENT_OTHER,
			.events = { { 100, BROKEN, 0 } },
			.expected = "0 request >trying, 100 ERROR >terminated" },
		{ .name = "sending fails while proceeding",
			.kind = SIP_CLIENT_OTHER,
			.events = { { 100, RESPONSE, 100 }, { 500, BROKEN, 0 } },
			.expected = "0 request >trying, 100 RESPONSE >proceeding, 500 request, 500 ERROR >terminated" },
	};
	(void)state;
	tell_stories(stories, BASE_COUNT(stories));
}

/* RFC 3261 figure 7 with RFC 6026 figure 2. */
static void invite_server(void **state)
{
	static const struct story stories[] = {
		{ .name = "100 at once where so set; the repeated INVITE gets it again",
			.kind = SIP_SERVER_INVITE,
			.events = { { 500, REQUEST, INVITE } },
			.expected = "0 trying REQUEST >proceeding, 500 trying" },
		{ .name = "100 after 200 ms of silence",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = 200,
			.events = { { 100, REQUEST, INVITE }, { 500, REQUEST, INVITE } },
			.expected = "0 REQUEST >proceeding, 200 trying, 500 trying" },
		{ .name = "no 100 where the answer was faster; the repeated INVITE gets the last answer",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = 200,
			.events = { { 100, RESPOND, 180 }, { 500, REQUEST, INVITE }, { 600, RESPOND, 183 },
				{ 700, REQUEST, INVITE } },
			.expected = "0 REQUEST >proceeding, 100 response, 500 response, 600 response, 700 response" },
		{ .name = "a user who sends his own 100, or wants none",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = -1,
			.events = { { 500, REQUEST, INVITE }, { 600, RESPOND, 100 }, { 700, REQUEST, INVITE } },
			.expected = "0 REQUEST >proceeding, 600 response, 700 response" },
		{ .name = "200: repeated INVITEs are absorbed, further 2xx pass, ACKs go up, until timer L",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = 200,
			.events = { { 100, RESPOND, 200 }, { 500, REQUEST, INVITE }, { 600, RESPOND, 200 },
				{ 650, REQUEST, ACK }, { 700, REQUEST, ACK }, { 800, RESPOND, 486 } },
			.expected = "0 REQUEST >proceeding, 100 response >accepted, 600 response, 650 ACK, 700 ACK, "
				    "800 refused(already), 32100 >terminated" },
		{ .name = "486 over UDP without ACK: timer G doubles up to T2, until timer H",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = 200,
			.events = { { 100, RESPOND, 486 } },
			.expected = "0 REQUEST >proceeding, 100 response >completed, 600 response, 1600 response, 3600 "
				    "response, "
				    "7600 response, 11600 response, 15600 response, 19600 response, 23600 response, "
				    "27600 response, 31600 response, 32100 TIMEOUT >terminated" },
		{ .name = "486 over TCP without ACK: no repetition, timer H all the same",
			.kind = SIP_SERVER_INVITE,
			.reliable = TCP,
			.trying_ms = 200,
			.events = { { 100, RESPOND, 486 } },
			.expected = "0 REQUEST >proceeding, 100 response >completed, 32100 TIMEOUT >terminated" },
		{ .name = "486 with ACK over UDP: confirmed, ACKs and INVITEs are absorbed until timer I",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = 200,
			.events = { { 100, RESPOND, 486 }, { 200, REQUEST, INVITE }, { 300, REQUEST, ACK },
				{ 400, REQUEST, ACK }, { 500, REQUEST, INVITE } },
			.expected = "0 REQUEST >proceeding, 100 response >completed, 200 response, 300 >confirmed, "
				    "5300 >terminated" },
		{ .name = "486 with ACK over TCP: over at once",
			.kind = SIP_SERVER_INVITE,
			.reliable = TCP,
			.trying_ms = 200,
			.events = { { 100, RESPOND, 486 }, { 300, REQUEST, ACK } },
			.expected = "0 REQUEST >proceeding, 100 response >completed, 300 >terminated" },
		{ .name = "an ACK before any answer means nothing",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = -1,
			.events = { { 100, REQUEST, ACK } },
			.expected = "0 REQUEST >proceeding" },
		{ .name = "a second final answer is refused",
			.kind = SIP_SERVER_INVITE,
			.reliable = TCP,
			.trying_ms = -1,
			.events = { { 100, RESPOND, 404 }, { 200, RESPOND, 200 }, { 300, RESPOND, 180 },
				{ 400, REQUEST, ACK }, { 500, RESPOND, 200 } },
			.expected = "0 REQUEST >proceeding, 100 response >completed, 200 refused(already), "
				    "300 refused(already), 400 >terminated, 500 refused(ended)" },
		{ .name = "CANCEL is told once, before the answer only",
			.kind = SIP_SERVER_INVITE,
			.reliable = TCP,
			.trying_ms = -1,
			.events = { { 100, RESPOND, 180 }, { 200, CANCEL, 0 }, { 300, CANCEL, 0 },
				{ 400, RESPOND, 487 }, { 500, CANCEL, 0 }, { 600, REQUEST, ACK } },
			.expected = "0 REQUEST >proceeding, 100 response, 200 CANCEL, 400 response >completed, 600 "
				    ">terminated" },
		{ .name = "CANCEL after 200 changes nothing",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = -1,
			.events = { { 100, RESPOND, 200 }, { 200, CANCEL, 0 } },
			.expected = "0 REQUEST >proceeding, 100 response >accepted, 32100 >terminated" },
		{ .name = "sending fails: told, but it stays and absorbs (RFC 6026 7.1)",
			.kind = SIP_SERVER_INVITE,
			.reliable = TCP,
			.trying_ms = -1,
			.events = { { 100, RESPOND, 486 }, { 110, BROKEN, 0 } },
			.expected = "0 REQUEST >proceeding, 100 response >completed, 110 ERROR, 32100 TIMEOUT "
				    ">terminated" },
		{ .name = "sending the 200 fails: told, stays until timer L",
			.kind = SIP_SERVER_INVITE,
			.trying_ms = -1,
			.events = { { 100, RESPOND, 200 }, { 110, BROKEN, 0 } },
			.expected = "0 REQUEST >proceeding, 100 response >accepted, 110 ERROR, 32100 >terminated" },
	};
	(void)state;
	tell_stories(stories, BASE_COUNT(stories));
}

/* RFC 3261 figure 8. */
static void other_server(void **state)
{
	static const struct story stories[] = {
		{ .name = "the repeated request is absorbed before any answer",
			.kind = SIP_SERVER_OTHER,
			.events = { { 500, REQUEST, OPTIONS } },
			.expected = "0 REQUEST >trying" },
		{ .name = "in proceeding it gets the provisional answer again",
			.kind = SIP_SERVER_OTHER,
			.events = { { 100, RESPOND, 100 }, { 500, REQUEST, OPTIONS }, { 600, RESPOND, 183 } },
			.expected = "0 REQUEST >trying, 100 response >proceeding, 500 response, 600 response" },
		{ .name = "over UDP the final answer is repeated on demand until timer J",
			.kind = SIP_SERVER_OTHER,
			.events = { { 100, RESPOND, 200 }, { 500, REQUEST, OPTIONS }, { 32000, REQUEST, OPTIONS },
				{ 33000, REQUEST, OPTIONS } },
			.expected = "0 REQUEST >trying, 100 response >completed, 500 response, 32000 response, 32100 "
				    ">terminated" },
		{ .name = "over TCP it is over at once",
			.kind = SIP_SERVER_OTHER,
			.reliable = TCP,
			.events = { { 100, RESPOND, 180 }, { 200, RESPOND, 404 }, { 300, RESPOND, 200 } },
			.expected = "0 REQUEST >trying, 100 response >proceeding, 200 response >terminated, 300 "
				    "refused(ended)" },
		{ .name = "a second final answer is refused",
			.kind = SIP_SERVER_OTHER,
			.events = { { 100, RESPOND, 200 }, { 200, RESPOND, 200 }, { 300, RESPOND, 100 } },
			.expected = "0 REQUEST >trying, 100 response >completed, 200 refused(already), 300 "
				    "refused(already), "
				    "32100 >terminated" },
		{ .name = "sending fails",
			.kind = SIP_SERVER_OTHER,
			.events = { { 100, RESPOND, 200 }, { 110, BROKEN, 0 } },
			.expected = "0 REQUEST >trying, 100 response >completed, 110 ERROR >terminated" },
		{ .name = "a CANCEL means nothing to it",
			.kind = SIP_SERVER_OTHER,
			.events = { { 100, CANCEL, 0 } },
			.expected = "0 REQUEST >trying" },
	};
	(void)state;
	tell_stories(stories, BASE_COUNT(stories));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(invite_client),
		cmocka_unit_test(invite_client_gives_up),
		cmocka_unit_test(other_client),
		cmocka_unit_test(invite_server),
		cmocka_unit_test(other_server),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
