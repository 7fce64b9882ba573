/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and their answers between two nodes, over UDP and TCP, with and without loss. */
#include "fixture.h"

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	fixture_init(f);
	fixture_start(f, NULL, NULL);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_done(*state);
	free(*state);
	return 0;
}

static void exchange(struct fixture *f, enum transport_protocol protocol)
{
	struct transport_target target = target_at(&f->callee, protocol);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 1);
	assert_int_equal(f->caller.status, 200);
	assert_int_equal(f->callee.requests, 1);
	assert_int_equal(f->callee.protocol, protocol);
	assert_int_equal(f->caller.failures, 0);
	/* UDP: timers J (64·T1) and K (T4) keep both sides for a while. */
	if (protocol == TRANSPORT_UDP)
		pass_slowly(f, 33 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	wait_for(f, f->caller.client_ended == 1);
	assert_int_equal(f->caller.transport->client_count, 0);
	assert_int_equal(f->callee.transport->server_count, 0);
}

static void test_request_over_udp(void **state)
{
	exchange(*state, TRANSPORT_UDP);
}

static void test_request_over_tcp(void **state)
{
	struct fixture *f = *state;
	exchange(f, TRANSPORT_TCP);
	assert_int_equal(f->callee.judged, 0);
	assert_int_equal(f->caller.judged, 1);
}

static void test_via_is_stamped(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 1);
	char expected[64];
	snprintf(expected, sizeof(expected), "received=%s", CALLER);
	assert_non_null(strstr(f->callee.request, expected));
	snprintf(expected, sizeof(expected), "rport=%u", net_address_port(address_at(&f->caller, TRANSPORT_UDP)));
	assert_non_null(strstr(f->callee.request, expected));
	assert_non_null(strstr(f->caller.response, expected));
}

static void test_records_carry_serial_both_ways(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 1);
	assert_int_equal(f->caller.records_sent, 1);
	assert_int_equal(f->caller.records_received, 1);
	assert_string_equal(f->caller.serial, "serial-1"); /* of the response */
	assert_int_equal(f->callee.records_received, 1);
	assert_int_equal(f->callee.records_sent, 1);
}

static void test_lost_request_is_sent_again(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->caller.lose = 3;
	send_request_to(&f->caller, "OPTIONS", &target);
	settle_down(f);
	assert_int_equal(f->callee.requests, 0);
	pass(f, 500 * CLOCK_MS_US);
	pass(f, 1000 * CLOCK_MS_US);
	assert_int_equal(f->callee.requests, 0);
	pass(f, 2000 * CLOCK_MS_US);
	wait_for(f, f->caller.responses == 1);
	assert_int_equal(f->caller.lost, 3);
	struct transport_counters counters;
	transport_counters(f->caller.transport, &counters);
	assert_int_equal(counters.retransmissions_sent, 3);
}

static void test_lost_answer_is_given_again(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->callee.lose = 2;
	send_request_to(&f->caller, "OPTIONS", &target);
	settle_down(f);
	pass(f, 500 * CLOCK_MS_US);
	pass(f, 1000 * CLOCK_MS_US);
	wait_for(f, f->caller.responses == 1);
	assert_int_equal(f->callee.requests, 1); /* the user was asked once */
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.retransmissions_received, 2);
}

static void test_silence_is_a_timeout(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->caller.lose = 1000;
	send_request_to(&f->caller, "INVITE", &target);
	pass_slowly(f, 31 * CLOCK_SECOND_US, 100 * CLOCK_MS_US);
	assert_int_equal(f->caller.failures, 0);
	pass_slowly(f, 1500 * CLOCK_MS_US, 100 * CLOCK_MS_US);
	assert_int_equal(f->caller.failures, 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_TIMEOUT);
	wait_for(f, f->caller.client_ended == 1);
	assert_int_equal(f->caller.lost, 7); /* Timer A: at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s */
}

static void test_invite_is_acknowledged_hop_by_hop(void **state)
{
	struct fixture *f = *state;
	for (enum transport_protocol protocol = TRANSPORT_UDP; protocol <= TRANSPORT_TCP; protocol++) {
		struct transport_target target = target_at(&f->callee, protocol);
		unsigned ended = f->callee.ended;
		f->callee.answer = 486;
		f->callee.keep = true;
		f->caller.status = 0;
		send_request_to(&f->caller, "INVITE", &target);
		wait_for(f, f->caller.status == 486);
		/* Confirmed: Timer I, then the end; not Timer H's 32 s. */
		pass_slowly(f, 6 * CLOCK_SECOND_US, CLOCK_SECOND_US);
		if (f->callee.ended != ended + 1)
			fail_msg("%s: no ACK came", transport_protocol_name(protocol));
		assert_int_equal(f->callee.acks, 0); /* not the user's business */
		struct transport_counters counters;
		transport_counters(f->callee.transport, &counters);
		assert_int_equal(counters.timeouts, 0);
	}
}

static void test_lost_ack_is_made_again(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->callee.answer = 486;
	f->callee.keep = true;
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->callee.requests == 1);
	f->caller.lose = 1;
	wait_for(f, f->caller.status == 486);
	assert_int_equal(f->caller.lost, 1);
	pass(f, 500 * CLOCK_MS_US); /* Timer G repeats the 486 */
	pass_slowly(f, 6 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	assert_int_equal(f->callee.ended, 1);
	assert_int_equal(f->caller.responses, 1);
}

static void test_trying_comes_after_a_while(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->callee.answer = 0;
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->callee.requests == 1);
	settle_down(f);
	assert_int_equal(f->caller.responses, 0);
	pass(f, 201 * CLOCK_MS_US);
	assert_int_equal(f->caller.status, 100);
	assert_int_equal(respond(f->callee.server, 180), 0);
	assert_int_equal(respond(f->callee.server, 200), 0);
	wait_for(f, f->caller.responses == 3);
	assert_int_equal(f->caller.status, 200);
	assert_int_equal(respond(f->callee.server, 486), -EALREADY);
	assert_int_equal(respond(f->callee.server, 200), 0); /* RFC 6026: the user agent says it again */
	wait_for(f, f->caller.responses == 4);
}

static void test_ack_to_2xx_goes_to_the_user(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->caller.status == 200);
	char branch[TRANSPORT_BRANCH_LENGTH + 1];
	char text[2048];
	transport_branch_make(f->caller.transport, SPAN(LOOP_HASH), branch);
	size_t length = make_request(&f->caller, "ACK", TRANSPORT_TCP, branch, NULL, text, sizeof(text));
	struct iovec part = { text, length };
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
	wait_for(f, f->callee.acks == 1);
	struct transport_counters counters;
	transport_counters(f->caller.transport, &counters);
	assert_int_equal(counters.connections_opened, 1);
	/* Over a connection the Accepted state is short. */
	pass_slowly(f, 6 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	assert_int_equal(f->caller.client_ended, 1);
	assert_int_equal(f->callee.transport->server_count, 0);
}

/* Whoever forwards it may have to ask the DNS first. */
static void test_ack_may_be_kept(void **state)
{
	struct fixture *f = *state;
	for (enum transport_protocol protocol = TRANSPORT_UDP; protocol <= TRANSPORT_TCP; protocol++) {
		struct transport_target target = target_at(&f->callee, protocol);
		unsigned acks = f->callee.acks;
		f->callee.keep_acks = true;
		char text[2048];
		size_t length = make_request(&f->caller, "ACK", protocol, "z9hG4bKkept", NULL, text, sizeof(text));
		struct iovec part = { text, length };
		assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
		wait_for(f, f->callee.acks == acks + 1);
		pass(f, 2 * CLOCK_SECOND_US);
		struct transport_server *ack = f->callee.ack;
		const struct sip_message *m = transport_server_request(ack);
		assert_int_equal(m->method, SIP_METHOD_ACK);
		assert_true(span_is(m->via.received, CALLER)); /* RFC 3261 18.2.1: of every request */
		assert_non_null(arena_allocate(transport_server_arena(ack), 1000));
		unsigned sent = f->callee.records_sent;
		assert_int_equal(respond(ack, 200), 0); /* goes nowhere */
		settle_down(f);
		assert_int_equal(f->callee.records_sent, sent);
		assert_int_equal(f->callee.records_received, acks + 1);
		transport_server_release(ack);
		settle_down(f);
		assert_int_equal(f->callee.transport->server_count, 0);
	}
}

/* RFC 2543's way: with the branch of its INVITE. The transaction passes it up, and it is an ACK as any other. */
static void test_ack_with_the_branch_of_its_invite(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	char text[2048];
	for (int i = 0; i < 2; i++) {
		size_t length = make_request(
			&f->caller, i ? "ACK" : "INVITE", TRANSPORT_UDP, "z9hG4bKsame", NULL, text, sizeof(text));
		struct iovec part = { text, length };
		assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
		f->callee.keep_acks = true;
		wait_for(f, f->callee.requests + f->callee.acks == (unsigned)i + 1);
	}
	settle_down(f);
	assert_int_equal(transport_server_request(f->callee.ack)->method, SIP_METHOD_ACK);
	assert_int_equal(f->callee.records_received, 2);
	transport_server_release(f->callee.ack);
	settle_down(f);
	assert_int_equal(f->callee.transport->server_count, 1); /* the INVITE's, until 64·T1 */
}

/* A datagram that says it came from elsewhere, and wants its answer at a third place. */
static void say_forged(struct fixture *f, const char *method)
{
	char text[1024];
	int length = snprintf(text, sizeof(text),
		"%s sip:2000@" CALLEE " SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 127.61.1.98:9;maddr=127.61.1.97;branch=z9hG4bKforged-%s\r\n"
		"From: <sip:1000@" CALLER ">;tag=caller\r\nTo: <sip:2000@" CALLEE ">\r\nCall-ID: forged\r\n"
		"CSeq: 1 %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		method, method, method);
	struct iovec part = { text, (size_t)length };
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
}

static void test_stranger_s_datagram_gets_one_answer(void **state)
{
	struct fixture *f = *state;
	static const char *const methods[] = { "INVITE", "OPTIONS" };
	f->callee.stranger = true;
	f->callee.answer = 0;
	for (unsigned i = 0; i < 2; i++) {
		say_forged(f, methods[i]);
		wait_for(f, f->callee.requests == i + 1);
		pass_slowly(f, 5 * CLOCK_SECOND_US, CLOCK_SECOND_US);
		assert_int_equal(respond(f->callee.server, 180), 0); /* goes nowhere, as no 100 has gone */
		assert_int_equal(f->callee.records_sent, i);
		assert_int_equal(respond(f->callee.server, 486), 0);
		settle_down(f);
		assert_int_equal(f->callee.ended, i + 1);
		assert_int_equal(f->callee.transport->server_count, 0);
		pass_slowly(f, 40 * CLOCK_SECOND_US, CLOCK_SECOND_US);
		assert_int_equal(f->callee.records_sent, i + 1); /* no Timer G */
		assert_int_equal(f->caller.records_received, i + 1); /* to where it really came from */
	}
	/* Over a connection, which nobody can forge, strangers have transactions. */
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->callee.requests == 3);
	pass(f, CLOCK_SECOND_US);
	assert_int_equal(f->caller.provisionals, 1);
}

static void test_known_sender_s_maddr_does_not_count(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 486;
	say_forged(f, "OPTIONS");
	wait_for(f, f->callee.requests == 1);
	struct net_address to = transport_response_address(
		&(struct sip_via){ .host = SPAN("x"), .maddr = SPAN("127.61.1.97"), .port = 9 },
		address_at(&f->caller, TRANSPORT_UDP));
	assert_true(net_address_equal_host(&to, address_at(&f->caller, TRANSPORT_UDP)));
	assert_int_equal(net_address_port(&to), 9); /* RFC 3261 18.2.2: the sent-by's, without rport */
	assert_int_equal(f->callee.transport->server_count, 1); /* Timer J */
}

/* 5 000 that get longer and shorter: far more than the arena holds. */
static void test_only_the_newest_provisional_is_kept(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->callee.answer = 0;
	char text[2048];
	char provisional[4096];
	size_t length = make_request(&f->caller, "INVITE", TRANSPORT_UDP, "z9hG4bKringing", NULL, text, sizeof(text));
	struct iovec part = { text, length };
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
	wait_for(f, f->callee.requests == 1);
	for (unsigned i = 0; i < 5000; i++) {
		int said = snprintf(provisional, sizeof(provisional),
			"SIP/2.0 180 Ringing %u\r\nVia: SIP/2.0/UDP " CALLER ";branch=z9hG4bKringing\r\n"
			"X: %0*u\r\nContent-Length: 0\r\n\r\n",
			i, (int)(i % 2 ? 10 : i / 2), i);
		struct iovec answer = { provisional, (size_t)said };
		if (transport_respond(f->callee.server, 180, &answer, 1) < 0)
			fail_msg("no memory for the provisional response %u", i);
	}
	assert_non_null(arena_allocate(transport_server_arena(f->callee.server), 900 * 1024));
	/* The INVITE again: it is the last one that is repeated. */
	struct transport_counters counters;
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
	transport_counters(f->callee.transport, &counters);
	do {
		pump(f);
		transport_counters(f->callee.transport, &counters);
	} while (counters.retransmissions_sent == 0);
	assert_non_null(strstr(f->callee.last_sent, "180 Ringing 4999\r\n"));
}

static void test_trying_again_takes_no_memory(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->callee.answer = 0;
	char text[2048];
	size_t length = make_request(&f->caller, "INVITE", TRANSPORT_UDP, "z9hG4bKagain", NULL, text, sizeof(text));
	struct iovec part = { text, length };
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
	wait_for(f, f->callee.requests == 1);
	pass(f, 300 * CLOCK_MS_US);
	size_t used = transport_server_arena(f->callee.server)->used;
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
	wait_for(f, f->callee.records_sent == 51);
	assert_int_equal(transport_server_arena(f->callee.server)->used, used);
}

static void test_cancel_waits_for_a_provisional(void **state)
{
	struct fixture *f = *state;
	for (enum transport_protocol protocol = TRANSPORT_UDP; protocol <= TRANSPORT_TCP; protocol++) {
		struct transport_target target = target_at(&f->callee, protocol);
		unsigned cancels = f->callee.cancels;
		unsigned requests = f->callee.requests;
		f->callee.answer = 0;
		f->caller.status = 0;
		struct transport_client *client = send_request_to(&f->caller, "INVITE", &target);
		if (protocol == TRANSPORT_TCP)
			wait_for(f, f->callee.requests > requests);
		assert_int_equal(
			transport_cancel(client, SPAN("SIP ;cause=200 ;text=\"Call completed elsewhere\"")), 0);
		assert_int_equal(transport_cancel(client, SPAN_NONE), -EALREADY);
		wait_for(f, f->callee.requests > requests);
		settle_down(f);
		assert_int_equal(f->callee.cancels, cancels);
		assert_int_equal(respond(f->callee.server, 180), 0);
		wait_for(f, f->callee.cancels == cancels + 1);
		assert_non_null(strstr(f->callee.request, "Reason: SIP ;cause=200"));
		wait_for(f, f->caller.status == 487);
		/* The CANCEL's own 200 is nobody's business. */
		assert_null(strstr(f->caller.response, "CANCEL"));
		pass_slowly(f, 40 * CLOCK_SECOND_US, CLOCK_SECOND_US);
		assert_int_equal(f->caller.transport->client_count, 0);
		assert_int_equal(f->callee.transport->server_count, 0);
	}
}

static void test_cancel_of_nothing_is_a_request(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 481;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	send_request_to(&f->caller, "CANCEL", &target);
	wait_for(f, f->caller.status == 481);
	assert_int_equal(f->callee.cancels, 0);
}

static void test_late_answer_is_refused(void **state)
{
	struct fixture *f = *state;
	f->callee.keep = true;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.status == 200);
	assert_int_equal(f->callee.ended, 1);
}

/* Both users have let go; what is left must still answer a repetition and carry the serial. */
static void test_lingering_transactions_still_work(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	f->callee.answer = 486;
	struct transport_client *client = send_request_to(&f->caller, "INVITE", &target);
	f->callee.lose = 1;
	wait_for(f, f->callee.requests == 1);
	transport_client_release(client);
	settle_down(f);
	assert_int_equal(f->callee.transport->spare_count, 1); /* its arena serves the next one */
	f->caller.lose = 2;
	pass(f, 500 * CLOCK_MS_US); /* Timers A and G: INVITE and 486 once more, the INVITE and the ACK are lost */
	assert_int_equal(f->caller.lost, 2);
	assert_int_equal(f->callee.requests, 1);
	f->caller.serial[0] = '\0';
	pass_slowly(f, 2 * CLOCK_SECOND_US, 250 * CLOCK_MS_US);
	assert_string_equal(f->caller.serial, "serial-1");
	assert_int_equal(f->caller.responses, 0);
	/* The ACK arrived: Timer I, not H. */
	pass_slowly(f, 5 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	assert_int_equal(f->callee.transport->server_count, 0);
	pass_slowly(f, 33 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	assert_int_equal(f->caller.transport->client_count, 0);
}

static void test_stray_response_is_dropped(void **state)
{
	struct fixture *f = *state;
	static const char stray[] = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 1.2.3.4;branch=z9hG4bKno\r\n"
				    "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\n"
				    "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
	struct iovec part = { (void *)(uintptr_t)stray, sizeof(stray) - 1 };
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), 0);
	struct transport_counters counters = { 0 };
	wait_for(f, (transport_counters(f->callee.transport, &counters), counters.dropped_strays == 1));
	assert_int_equal(f->callee.requests, 0);
}

static void test_released_unanswered_ends(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->callee.requests == 1);
	transport_server_release(f->callee.server);
	wait_for(f, f->callee.transport->server_count == 0);
}

static void test_transactions_have_a_maximum(void **state)
{
	struct fixture *f = *state;
	fixture_done(f);
	fixture_init(f);
	fixture_start(f, &(struct transport_limits){ .transactions = 3 }, NULL);
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	for (int i = 0; i < 5; i++)
		send_request_to(&f->caller, "INVITE", &target);
	settle_down(f);
	assert_int_equal(f->callee.requests, 3);
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.dropped_limit, 2);
	assert_int_equal(counters.server_transactions, 3);
	struct transport_client *client = NULL;
	struct transport_target back = target_at(&f->caller, TRANSPORT_UDP);
	assert_int_equal(send_to(&f->callee, "OPTIONS", &back, NULL, &client), -ENOBUFS);
}

static void test_closed_udp_port_is_told_at_once(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	target.address = address_of("127.61.1.3", 9);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.failures == 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_SEND);
	assert_int_equal(f->caller.failure.error, -ECONNREFUSED);
}

static void test_too_big_a_request_is_refused(void **state)
{
	struct fixture *f = *state;
	static char big[70000];
	memset(big, 'a', sizeof(big));
	struct iovec part = { big, sizeof(big) };
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	assert_int_equal(transport_send_stateless(f->caller.transport, &target, &part, 1, NULL), -EMSGSIZE);
	target.flags = TRANSPORT_TARGET_MAY_SWITCH;
	assert_false(transport_target_switch(&target, 1300));
	assert_true(transport_target_switch(&target, 1301));
	assert_int_equal(target.protocol, TRANSPORT_TCP);
	assert_false(transport_target_switch(&target, 9000));
}

static void tick(void *argument)
{
	++*(unsigned *)argument;
}

static void test_drain_waits_for_transactions(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->callee.requests == 1);
	unsigned drained = 0;
	transport_drain(f->callee.transport, f->time.steady_us + 30 * CLOCK_SECOND_US, tick, &drained);
	settle_down(f);
	assert_int_equal(drained, 0);
	/* No new connection is taken. */
	struct transport_target other = target;
	other.mark = 7;
	send_request_to(&f->caller, "OPTIONS", &other);
	wait_for(f, f->caller.failures == 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_CONNECT);
	assert_int_equal(respond(f->callee.server, 200), 0);
	wait_for(f, drained == 1);
	assert_int_equal(f->caller.status, 200);
	pass(f, 31 * CLOCK_SECOND_US);
	assert_int_equal(drained, 1);
}

static void test_drain_lets_answered_ones_linger_a_little(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_UDP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.status == 200);
	unsigned drained = 0;
	transport_drain(f->callee.transport, f->time.steady_us + 30 * CLOCK_SECOND_US, tick, &drained);
	pass(f, CLOCK_SECOND_US);
	assert_int_equal(drained, 0); /* the answer may have to be given again */
	pass(f, 2 * CLOCK_SECOND_US);
	assert_int_equal(drained, 1); /* and not after the 32 s of Timer J */
}

static void test_drain_ends_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->callee.requests == 1);
	unsigned drained = 0;
	transport_drain(f->callee.transport, f->time.steady_us + 30 * CLOCK_SECOND_US, tick, &drained);
	pass(f, 29 * CLOCK_SECOND_US);
	assert_int_equal(drained, 0);
	pass(f, 2 * CLOCK_SECOND_US);
	assert_int_equal(drained, 1);
	drained = 0;
	transport_drain(f->caller.transport, 0, tick, &drained);
	wait_for(f, drained == 1);
}

static void test_our_addresses_are_known(void **state)
{
	struct fixture *f = *state;
	uint16_t port = net_address_port(address_at(&f->callee, TRANSPORT_TCP));
	struct transport *t = f->callee.transport;
	assert_true(transport_is_our_address(t, SPAN(CALLEE), port));
	assert_true(transport_is_our_address(t, SPAN(CALLEE), 0));
	assert_false(transport_is_our_address(t, SPAN(CALLER), port));
	assert_false(transport_is_our_address(t, SPAN(CALLEE), 1));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request_over_udp),
		TEST(test_request_over_tcp),
		TEST(test_via_is_stamped),
		TEST(test_records_carry_serial_both_ways),
		TEST(test_lost_request_is_sent_again),
		TEST(test_lost_answer_is_given_again),
		TEST(test_silence_is_a_timeout),
		TEST(test_invite_is_acknowledged_hop_by_hop),
		TEST(test_lost_ack_is_made_again),
		TEST(test_trying_comes_after_a_while),
		TEST(test_ack_to_2xx_goes_to_the_user),
		TEST(test_cancel_waits_for_a_provisional),
		TEST(test_ack_may_be_kept),
		TEST(test_stranger_s_datagram_gets_one_answer),
		TEST(test_known_sender_s_maddr_does_not_count),
		TEST(test_only_the_newest_provisional_is_kept),
		TEST(test_trying_again_takes_no_memory),
		TEST(test_ack_with_the_branch_of_its_invite),
		TEST(test_cancel_of_nothing_is_a_request),
		TEST(test_late_answer_is_refused),
		TEST(test_lingering_transactions_still_work),
		TEST(test_stray_response_is_dropped),
		TEST(test_released_unanswered_ends),
		TEST(test_transactions_have_a_maximum),
		TEST(test_closed_udp_port_is_told_at_once),
		TEST(test_too_big_a_request_is_refused),
		TEST(test_drain_waits_for_transactions),
		TEST(test_drain_lets_answered_ones_linger_a_little),
		TEST(test_drain_ends_at_its_deadline),
		TEST(test_our_addresses_are_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
