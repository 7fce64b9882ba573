/* SPDX-License-Identifier: Apache-2.0 */
/* Two phones on loopback, and a far end that is only a socket and says what it likes. Ports are chosen by the kernel.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/random.h"
#include "base/require.h"
#include "net/loop.h"
#include "phone/phone.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE_US (10 * CLOCK_SECOND_US)

/* What a phone told of its last call. */
struct told {
	unsigned ended, answered;
	enum phone_outcome_kind kind;
	uint16_t status;
	enum phone_ended_by ended_by;
	char reason[160];
	bool hang_up_when_answered;
};

struct fixture {
	struct clock clock;
	struct random random;
	struct net_loop *loop;
	struct phone *caller, *answerer;
	struct net_address address; /* of the answerer */
	struct told at_caller, at_answerer;
	int far_end; /* a UDP socket, or -1 */
	struct net_address far_address;
};

static void ended(void *argument, struct phone_call *call, const struct phone_outcome *outcome)
{
	struct told *told = argument;
	(void)call;
	told->ended++;
	told->kind = outcome->kind;
	told->status = outcome->status;
	told->ended_by = outcome->ended_by;
	span_copy_to(outcome->reason, told->reason, sizeof(told->reason));
	print_message("  %s call: %s, %u %s\n", outcome->outgoing ? "outgoing" : "incoming",
		phone_outcome_name(outcome->kind), outcome->status, told->reason);
}

static void answered(void *argument, struct phone_call *call)
{
	struct told *told = argument;
	told->answered++;
	if (told->hang_up_when_answered)
		phone_call_hang_up(call);
}

static struct phone *make_phone(struct fixture *f, struct told *told, const struct phone_params *more,
	enum transport_protocol protocol, struct net_address *ret_address)
{
	struct transport_listener listener = { .protocol = protocol };
	struct phone_params params = *more;
	struct phone *phone = NULL;
	net_address_parse(SPAN("127.0.0.1"), 0, &listener.address);
	params.loop = f->loop;
	params.random = &f->random;
	params.listeners = &listener;
	params.listener_count = 1;
	net_address_parse(SPAN("127.0.0.1"), 0, &params.local);
	params.ended = ended;
	params.answered = answered;
	params.argument = told;
	assert_int_equal(phone_new(&params, &phone, NULL), 0);
	if (ret_address)
		assert_int_equal(
			net_address_parse_port(transport_sent_by(phone_transport(phone), protocol), 0, ret_address), 0);
	return phone;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	f->clock = clock_system();
	f->far_end = -1;
	assert_int_equal(random_init(&f->random), 0);
	assert_int_equal(net_loop_new(&f->clock, &f->loop), 0);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	phone_free(f->caller);
	phone_free(f->answerer);
	net_loop_free(f->loop);
	if (f->far_end >= 0)
		close(f->far_end);
	free(f);
	return 0;
}

static void turn_until(struct fixture *f, const unsigned *counter, unsigned wanted)
{
	int64_t until_us = clock_steady_us(&f->clock) + PATIENCE_US;
	while (*counter < wanted) {
		assert_true(clock_steady_us(&f->clock) < until_us);
		net_loop_turn(f->loop, 10000);
	}
}

static void call(struct fixture *f, enum transport_protocol protocol, const struct net_address *to,
	const struct phone_call_params *more)
{
	char host[NET_ADDRESS_TEXT_SIZE];
	struct phone_call_params params = *more;
	struct phone_call *placed = NULL;
	net_address_format_host(to, host);
	params.from = SPAN("sip:a@a.example");
	params.to = SPAN("sip:b@b.example");
	params.host = span_of(host);
	params.port = net_address_port(to);
	params.protocol = protocol;
	assert_int_equal(phone_call(f->caller, &params, &placed), 0);
	assert_int_equal(f->at_caller.ended, 0);
}

static void calls_come_to_their_end(void **state)
{
	static const struct {
		const char *name;
		enum transport_protocol protocol;
		struct phone_params answering;
		struct phone_call_params calling;
		bool answerer_hangs_up;
		enum phone_outcome_kind caller, answerer;
		uint16_t caller_status, answerer_status;
		enum phone_ended_by ended_by; /* as the caller sees it */
	} cases[] = {
		{ "the caller hangs up, UDP", TRANSPORT_UDP, { .anybody = true }, { .duration_us = 0 }, false,
			PHONE_ANSWERED, PHONE_ANSWERED, 200, 200, PHONE_ENDED_BY_US },
		{ "the caller hangs up, TCP", TRANSPORT_TCP, { .anybody = true }, { .duration_us = 0 }, false,
			PHONE_ANSWERED, PHONE_ANSWERED, 200, 200, PHONE_ENDED_BY_US },
		{ "the answerer hangs up, UDP", TRANSPORT_UDP, { .anybody = true }, { .duration_us = -1 }, true,
			PHONE_ANSWERED, PHONE_ANSWERED, 200, 200, PHONE_ENDED_BY_PEER },
		{ "the answerer hangs up, TCP", TRANSPORT_TCP, { .anybody = true }, { .duration_us = -1 }, true,
			PHONE_ANSWERED, PHONE_ANSWERED, 200, 200, PHONE_ENDED_BY_PEER },
		{ "it rings a while", TRANSPORT_UDP, { .anybody = true, .ring_us = 100000 }, { .duration_us = 0 },
			false, PHONE_ANSWERED, PHONE_ANSWERED, 200, 200, PHONE_ENDED_BY_US },
		{ "busy", TRANSPORT_UDP, { .anybody = true, .answer_status = 486 }, { .duration_us = 0 }, false,
			PHONE_REFUSED, PHONE_REFUSED, 486, 486, PHONE_ENDED_BY_NOBODY },
		{ "the caller gives up", TRANSPORT_UDP, { .anybody = true, .ring_us = PATIENCE_US },
			{ .timeout_us = 200000 }, false, PHONE_NO_ANSWER, PHONE_NO_ANSWER, 0, 487,
			PHONE_ENDED_BY_NOBODY },
		{ "the caller gives up, TCP", TRANSPORT_TCP, { .anybody = true, .ring_us = PATIENCE_US },
			{ .timeout_us = 200000 }, false, PHONE_NO_ANSWER, PHONE_NO_ANSWER, 0, 487,
			PHONE_ENDED_BY_NOBODY },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("%s\n", cases[i].name);
		memset(&f->at_caller, 0, sizeof(f->at_caller));
		memset(&f->at_answerer, 0, sizeof(f->at_answerer));
		f->at_answerer.hang_up_when_answered = false;
		struct phone_params answering = cases[i].answering;
		if (cases[i].answerer_hangs_up)
			answering.duration_us = 50000;
		f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, cases[i].protocol, NULL);
		f->answerer = make_phone(f, &f->at_answerer, &answering, cases[i].protocol, &f->address);
		call(f, cases[i].protocol, &f->address, &cases[i].calling);
		turn_until(f, &f->at_caller.ended, 1);
		turn_until(f, &f->at_answerer.ended, 1);
		assert_int_equal(f->at_caller.kind, cases[i].caller);
		assert_int_equal(f->at_caller.status, cases[i].caller_status);
		assert_int_equal(f->at_caller.ended_by, cases[i].ended_by);
		assert_int_equal(f->at_answerer.kind, cases[i].answerer);
		assert_int_equal(f->at_answerer.status, cases[i].answerer_status);
		net_loop_turn(f->loop, 1000);
		assert_int_equal(f->at_caller.ended, 1);
		f->caller = phone_free(f->caller);
		f->answerer = phone_free(f->answerer);
	}
}

static void strangers_get_404(void **state)
{
	struct fixture *f = *state;
	const struct span users[] = { SPAN("sip:c@b.example") };
	struct phone_params answering = { .users = users, .user_count = 1 };
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, TRANSPORT_UDP, NULL);
	f->answerer = make_phone(f, &f->at_answerer, &answering, TRANSPORT_UDP, &f->address);
	call(f, TRANSPORT_UDP, &f->address, &(struct phone_call_params){ .duration_us = 0 });
	turn_until(f, &f->at_caller.ended, 1);
	assert_int_equal(f->at_caller.kind, PHONE_REFUSED);
	assert_int_equal(f->at_caller.status, 404);
	assert_int_equal(f->at_answerer.ended, 0);
}

static void hanging_up_at_once_is_clean(void **state)
{
	struct fixture *f = *state;
	f->at_caller.hang_up_when_answered = true;
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, TRANSPORT_UDP, NULL);
	f->answerer =
		make_phone(f, &f->at_answerer, &(struct phone_params){ .anybody = true }, TRANSPORT_UDP, &f->address);
	call(f, TRANSPORT_UDP, &f->address, &(struct phone_call_params){ .duration_us = -1 });
	turn_until(f, &f->at_caller.ended, 1);
	turn_until(f, &f->at_answerer.ended, 1);
	assert_int_equal(f->at_caller.kind, PHONE_ANSWERED);
	assert_int_equal(f->at_answerer.ended_by, PHONE_ENDED_BY_PEER);
}

static void wrong_calls_are_refused(void **state)
{
	struct fixture *f = *state;
	struct phone_call *placed = NULL;
	const struct phone_call_params good = {
		.from = SPAN("sip:a@a"), .to = SPAN("sip:b@b"), .host = SPAN("127.0.0.1")
	};
	struct phone_call_params bad[] = { good, good, good };
	bad[0].from = SPAN("a@a");
	bad[1].to = SPAN("tel:1");
	bad[2].host = SPAN_NONE;
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ .call_maximum = 1 }, TRANSPORT_UDP, NULL);
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_int_equal(phone_call(f->caller, &bad[i], &placed), -EINVAL);
	assert_int_equal(phone_call(f->caller, &good, &placed), 0);
	assert_int_equal(phone_call(f->caller, &good, &placed), -ENOBUFS);
}

static void nobody_there(void **state)
{
	struct fixture *f = *state;
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, TRANSPORT_TCP, &f->address);
	net_address_set_port(&f->address, 1);
	call(f, TRANSPORT_TCP, &f->address, &(struct phone_call_params){ .duration_us = 0 });
	turn_until(f, &f->at_caller.ended, 1);
	assert_int_equal(f->at_caller.kind, PHONE_NO_ANSWER);
	assert_int_equal(f->at_caller.status, 0);
	assert_non_null(strstr(f->at_caller.reason, "cannot connect to 127.0.0.1:1 (TCP)"));
}

/* ---- the far end that is only a socket ---- */

static void open_far_end(struct fixture *f)
{
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(own);
	f->far_end = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(f->far_end >= 0);
	assert_int_equal(bind(f->far_end, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(getsockname(f->far_end, (struct sockaddr *)&own, &length), 0);
	assert_int_equal(net_address_of_sockaddr((struct sockaddr *)&own, length, &f->far_address), 0);
}

struct heard {
	char bytes[8192];
	struct sip_message message;
	struct sockaddr_in from;
};

/* The next message of that method (requests) or status (responses). */
static void hear(struct fixture *f, struct heard *heard, const char *method, uint16_t status)
{
	int64_t until_us = clock_steady_us(&f->clock) + PATIENCE_US;
	for (;;) {
		socklen_t length = sizeof(heard->from);
		ssize_t got = recvfrom(
			f->far_end, heard->bytes, sizeof(heard->bytes), 0, (struct sockaddr *)&heard->from, &length);
		if (got > 0) {
			struct span bytes = span_make(heard->bytes, (size_t)got);
			assert_int_equal(sip_message_parse(bytes, &heard->message, NULL), 0);
			if (method ? span_is(heard->message.method_name, method) && heard->message.is_request
				   : heard->message.status == status)
				return;
		}
		assert_true(clock_steady_us(&f->clock) < until_us);
		net_loop_turn(f->loop, 10000);
	}
}

static void say(struct fixture *f, const struct heard *to, const char *text)
{
	ssize_t length = (ssize_t)strlen(text);
	assert_int_equal(
		sendto(f->far_end, text, (size_t)length, 0, (const struct sockaddr *)&to->from, sizeof(to->from)),
		length);
	net_loop_turn(f->loop, 10000);
}

static void respond(
	struct fixture *f, const struct heard *request, const char *status, const char *tag, const char *more)
{
	char text[4096];
	const struct sip_message *m = &request->message;
	snprintf(text, sizeof(text),
		"SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s%s\r\nCall-ID: %.*s\r\nCSeq: %u %.*s\r\n%s"
		"Content-Length: 0\r\n\r\n",
		status, SPAN_PRINT(m->via.whole), SPAN_PRINT(m->from.whole), SPAN_PRINT(m->to.whole),
		m->to.tag.at ? "" : ";tag=", m->to.tag.at ? "" : tag, SPAN_PRINT(m->call_id), m->cseq,
		SPAN_PRINT(m->method_name), more);
	say(f, request, text);
}

static void request(struct fixture *f, const struct heard *invite, const char *method, const char *tag, unsigned cseq)
{
	char text[4096];
	const struct sip_message *m = &invite->message;
	snprintf(text, sizeof(text),
		"%s sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s%u;rport\r\n"
		"From: %.*s;tag=%s\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u %s\r\nMax-Forwards: 70\r\n"
		"Contact: <sip:b@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
		method, net_address_port(&f->far_address), method, cseq, SPAN_PRINT(m->to.whole), tag,
		SPAN_PRINT(m->from.whole), SPAN_PRINT(m->call_id), cseq, method, net_address_port(&f->far_address));
	say(f, invite, text);
}

static const char *contact_of(struct fixture *f)
{
	static char text[64];
	snprintf(text, sizeof(text), "Contact: <sip:b@127.0.0.1:%u>\r\n", net_address_port(&f->far_address));
	return text;
}

static void begin(struct fixture *f, struct heard *invite, const struct phone_call_params *params)
{
	open_far_end(f);
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, TRANSPORT_UDP, NULL);
	call(f, TRANSPORT_UDP, &f->far_address, params);
	hear(f, invite, "INVITE", 0);
}

static void each_2xx_gets_its_ack(void **state)
{
	static struct heard invite, heard;
	struct fixture *f = *state;
	begin(f, &invite, &(struct phone_call_params){ .duration_us = -1 });
	for (int i = 0; i < 3; i++) {
		respond(f, &invite, "200 OK", "one", contact_of(f));
		hear(f, &heard, "ACK", 0);
		assert_true(span_is(heard.message.to.tag, "one"));
		assert_int_equal(heard.message.cseq, invite.message.cseq);
	}
	/* A second fork is acknowledged, and hung up. */
	respond(f, &invite, "200 OK", "two", contact_of(f));
	hear(f, &heard, "ACK", 0);
	assert_true(span_is(heard.message.to.tag, "two"));
	hear(f, &heard, "BYE", 0);
	assert_true(span_is(heard.message.to.tag, "two"));
	respond(f, &heard, "200 OK", "", "");
	assert_int_equal(f->at_caller.answered, 1);
	assert_int_equal(f->at_caller.ended, 0);
	request(f, &invite, "BYE", "one", 1);
	hear(f, &heard, NULL, 200);
	turn_until(f, &f->at_caller.ended, 1);
	assert_int_equal(f->at_caller.ended_by, PHONE_ENDED_BY_PEER);
}

static void challenges_are_answered_once(void **state)
{
	static const struct {
		const char *challenge, *header;
	} cases[] = {
		{ "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n", "Authorization" },
		{ "Proxy-Authenticate: NTLM realm=\"r\"\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", "
		  "algorithm=SHA-256, qop=\"auth\"\r\n",
			"Proxy-Authorization" },
	};
	static struct heard invite, heard;
	struct fixture *f = *state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		const char *status = i == 0 ? "401 Unauthorized" : "407 Proxy Authentication Required";
		memset(&f->at_caller, 0, sizeof(f->at_caller));
		begin(f, &invite, &(struct phone_call_params){ .username = SPAN("u"), .password = SPAN("p") });
		unsigned cseq = invite.message.cseq;
		respond(f, &invite, status, "x", cases[i].challenge);
		hear(f, &heard, "ACK", 0);
		hear(f, &invite, "INVITE", 0);
		assert_int_equal(invite.message.cseq, cseq + 1);
		assert_non_null(sip_message_find_name(&invite.message, span_of(cases[i].header)));
		respond(f, &invite, status, "y", cases[i].challenge);
		turn_until(f, &f->at_caller.ended, 1);
		assert_int_equal(f->at_caller.kind, PHONE_REFUSED);
		assert_int_equal(f->at_caller.status, i == 0 ? 401 : 407);
		f->caller = phone_free(f->caller);
		close(f->far_end);
		f->far_end = -1;
	}
}

static void requests_within_are_answered(void **state)
{
	static const struct {
		const char *method;
		unsigned cseq;
		uint16_t status;
	} steps[] = { { "INFO", 10, 200 }, { "INFO", 9, 500 }, { "OPTIONS", 11, 200 }, { "UPDATE", 12, 200 },
		{ "FLY", 13, 501 }, { "REFER", 14, 405 }, { "INVITE", 15, 200 }, { "INVITE", 16, 491 },
		{ "ACK", 15, 0 }, { "INVITE", 17, 200 }, { "ACK", 17, 0 }, { "BYE", 18, 200 } };
	static struct heard invite, heard;
	struct fixture *f = *state;
	begin(f, &invite, &(struct phone_call_params){ .duration_us = -1 });
	respond(f, &invite, "200 OK", "one", contact_of(f));
	hear(f, &heard, "ACK", 0);
	for (size_t i = 0; i < BASE_COUNT(steps); i++) {
		print_message("%s %u\n", steps[i].method, steps[i].cseq);
		request(f, &invite, steps[i].method, "one", steps[i].cseq);
		if (!steps[i].status)
			continue;
		do
			hear(f, &heard, NULL, steps[i].status);
		while (heard.message.cseq != steps[i].cseq);
	}
	turn_until(f, &f->at_caller.ended, 1);
	assert_int_equal(f->at_caller.ended_by, PHONE_ENDED_BY_PEER);
}

static void stopping_hangs_up(void **state)
{
	struct fixture *f = *state;
	unsigned never = 0;
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, TRANSPORT_TCP, NULL);
	f->answerer =
		make_phone(f, &f->at_answerer, &(struct phone_params){ .anybody = true }, TRANSPORT_TCP, &f->address);
	call(f, TRANSPORT_TCP, &f->address, &(struct phone_call_params){ .duration_us = -1 });
	turn_until(f, &f->at_answerer.answered, 1);
	turn_until(f, &f->at_caller.answered, 1);
	phone_stop(f->answerer, PATIENCE_US, NULL, &never);
	turn_until(f, &f->at_caller.ended, 1);
	turn_until(f, &f->at_answerer.ended, 1);
	assert_int_equal(f->at_caller.ended_by, PHONE_ENDED_BY_PEER);
	assert_int_equal(f->at_answerer.ended_by, PHONE_ENDED_BY_US);
}

/* The loop's own timer runs by the machine's clock; here the wheel is turned by hand. */
static void let_pass(struct fixture *f, struct clock_fake *fake, int64_t by_us)
{
	clock_fake_advance(fake, by_us);
	wheel_advance(net_loop_wheel(f->loop), fake->steady_us);
	for (int turn = 0; turn < 6; turn++)
		net_loop_turn(f->loop, 0);
}

/* Half an hour is agreed: without refreshes the call would end before it is over. */
static void long_calls_are_refreshed(void **state)
{
	struct fixture *f = *state;
	struct clock_fake fake = { .wall_us = INT64_C(1795388926000000), .steady_us = CLOCK_SECOND_US };
	net_loop_free(f->loop);
	f->clock = clock_of_fake(&fake);
	assert_int_equal(net_loop_new(&f->clock, &f->loop), 0);
	f->caller = make_phone(f, &f->at_caller, &(struct phone_params){ 0 }, TRANSPORT_UDP, NULL);
	f->answerer =
		make_phone(f, &f->at_answerer, &(struct phone_params){ .anybody = true }, TRANSPORT_UDP, &f->address);
	call(f, TRANSPORT_UDP, &f->address, &(struct phone_call_params){ .duration_us = 4 * 3600 * CLOCK_SECOND_US });
	for (int second = 0; second < 4 * 3600 - 10; second += 5) {
		assert_int_equal(f->at_caller.ended, 0);
		assert_int_equal(f->at_answerer.ended, 0);
		let_pass(f, &fake, 5 * CLOCK_SECOND_US);
	}
	assert_int_equal(f->at_caller.answered, 1);
	for (int i = 0; i < 200 && f->at_caller.ended == 0; i++)
		let_pass(f, &fake, 100 * CLOCK_MS_US);
	assert_int_equal(f->at_caller.ended, 1);
	assert_int_equal(f->at_caller.ended_by, PHONE_ENDED_BY_US);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(calls_come_to_their_end),
		WITH_FIXTURE(strangers_get_404),
		WITH_FIXTURE(hanging_up_at_once_is_clean),
		WITH_FIXTURE(wrong_calls_are_refused),
		WITH_FIXTURE(nobody_there),
		WITH_FIXTURE(each_2xx_gets_its_ack),
		WITH_FIXTURE(challenges_are_answered_once),
		WITH_FIXTURE(requests_within_are_answered),
		WITH_FIXTURE(stopping_hangs_up),
		WITH_FIXTURE(long_calls_are_refreshed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
