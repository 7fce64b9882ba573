/* SPDX-License-Identifier: Apache-2.0 */
/* Which requests share a connection, who judges it, and what becomes of those that wait for it. */
#include "fixture.h"

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	fixture_init(f);
	fixture_start(f, NULL,
		&(struct transport_limits){ .waiting = 5, .connections = 8, .connect_us = 2 * CLOCK_SECOND_US });
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_done(*state);
	free(*state);
	return 0;
}

static uint64_t opened(const struct side *s)
{
	struct transport_counters counters;
	transport_counters(s->transport, &counters);
	return counters.connections_opened;
}

static void test_same_target_same_connection(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	target.name = SPAN("callee.example");
	for (unsigned i = 0; i < 3; i++) /* while it is being opened */
		send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 3);
	target.name = SPAN("CALLEE.example"); /* names have no case */
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 4);
	assert_int_equal(opened(&f->caller), 1);
	assert_int_equal(f->caller.judged, 1);
}

/* (test_tls.c has names and identities where they are proved.) */
static void test_other_mark_other_connection(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 1);
	target.mark = 42;
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 2);
	assert_int_equal(opened(&f->caller), 2);
}

static void test_names_share_a_plain_connection(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	struct transport_target targets[3] = { target, target, target };
	targets[1].name = SPAN("callee.example");
	targets[2].identity = "caller.example";
	for (size_t i = 0; i < BASE_COUNT(targets); i++) {
		send_request_to(&f->caller, "OPTIONS", &targets[i]);
		wait_for(f, f->caller.responses == i + 1);
	}
	assert_int_equal(opened(&f->caller), 1);
}

static void test_inbound_connection_is_used_only_as_an_alias(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	struct transport_client *client;
	for (unsigned i = 0; i < 3; i++) {
		/* 0: no alias offered; 1: offered, not allowed; 2: both, but only where the target says so */
		f->callee.alias = i == 2;
		char branch[TRANSPORT_BRANCH_LENGTH + 1];
		char text[2048];
		target.mark = i; /* a connection of its own */
		transport_branch_make(f->caller.transport, SPAN(LOOP_HASH), branch);
		char with_alias[TRANSPORT_BRANCH_LENGTH + 16];
		snprintf(with_alias, sizeof(with_alias), "%s%s", branch, i ? ";alias" : "");
		size_t length =
			make_request(&f->caller, "OPTIONS", TRANSPORT_TCP, with_alias, NULL, text, sizeof(text));
		struct iovec part = { text, length };
		struct transport_request request = {
			.target = &target,
			.parts = &part,
			.part_count = 1,
			.method = SIP_METHOD_OPTIONS,
			.branch = span_of(branch),
			.user = &CLIENT_USER,
			.argument = &f->caller,
		};
		assert_int_equal(transport_send_request(f->caller.transport, &request, &client), 0);
		wait_for(f, f->caller.responses == i + 1);
	}
	f->caller.answer = 200;
	struct transport_target back = target_at(&f->caller, TRANSPORT_TCP);
	back.flags = TRANSPORT_TARGET_ALIAS;
	send_request_to(&f->callee, "OPTIONS", &back);
	wait_for(f, f->callee.responses == 1);
	assert_int_equal(opened(&f->callee), 0);
	assert_int_equal(f->callee.judged, 1);
	back.flags = 0;
	send_request_to(&f->callee, "OPTIONS", &back);
	wait_for(f, f->callee.responses == 2);
	assert_int_equal(opened(&f->callee), 1);
}

static void test_judge_refuses(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	f->caller.verdict = -7;
	send_request_to(&f->caller, "OPTIONS", &target);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.failures == 2);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_JUDGED);
	assert_int_equal(f->caller.failure.judged, -7);
	assert_int_equal(f->caller.judged, 1);
	wait_for(f, f->caller.client_ended == 2);
	assert_int_equal(f->callee.requests, 0);
	wait_for(f, f->caller.transport->connection_count == 0);
}

static void test_judge_is_asked_again_when_trust_changed(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 1);
	transport_trust_changed(f->caller.transport);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 2);
	assert_int_equal(f->caller.judged, 2);
	assert_int_equal(opened(&f->caller), 1);
	f->caller.verdict = -1;
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 3);
	transport_trust_changed(f->caller.transport);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.failures == 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_JUDGED);
}

static void test_refused_connection(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	target.address = address_of("127.61.1.9", 9);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.failures == 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_CONNECT);
	assert_int_equal(f->caller.net.cause, NET_CAUSE_REFUSED);
	assert_int_equal(f->caller.net.stage, NET_STAGE_CONNECT);
	assert_int_equal(f->caller.records[RECORD_CONNECTION], 2); /* attempted, failed */
	wait_for(f, f->caller.client_ended == 1);
}

/* A listener whose queue is full answers nothing: connections to it hang. */
static void test_connection_that_hangs(void **state)
{
	struct fixture *f = *state;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct net_address address = address_of("127.61.1.8", 0);
	assert_int_equal(bind(listener, &address.any, address.length), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(getsockname(listener, &address.any, &address.length), 0);
	int fillers[8];
	for (size_t i = 0; i < BASE_COUNT(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)connect(fillers[i], &address.any, address.length);
	}
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	target.address = address;
	struct transport_client *first = send_request_to(&f->caller, "INVITE", &target);
	for (unsigned i = 1; i < 5; i++)
		send_request_to(&f->caller, "OPTIONS", &target);
	struct transport_client *client;
	assert_int_equal(send_to(&f->caller, "OPTIONS", &target, NULL, &client), -ENOBUFS);
	assert_int_equal(transport_cancel(first, SPAN_NONE), 0);
	wait_for(f, f->caller.failures == 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_CANCELLED);
	pass(f, 1900 * CLOCK_MS_US);
	assert_int_equal(f->caller.failures, 1);
	pass(f, 200 * CLOCK_MS_US);
	wait_for(f, f->caller.failures == 5);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_CONNECT);
	assert_int_equal(f->caller.net.cause, NET_CAUSE_TIMEOUT);
	for (size_t i = 0; i < BASE_COUNT(fillers); i++)
		close(fillers[i]);
	close(listener);
}

static void test_connections_have_a_maximum(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	for (target.mark = 1; target.mark <= 8; target.mark++)
		send_request_to(&f->caller, "OPTIONS", &target);
	struct transport_client *client;
	assert_int_equal(send_to(&f->caller, "OPTIONS", &target, NULL, &client), -ENOBUFS);
	wait_for(f, f->caller.responses == 8);
}

static void test_lost_connection_is_told(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->callee.requests == 1);
	transport_flow_close(f->callee.transport, f->callee.flow);
	wait_for(f, f->caller.failures == 1);
	assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_LOST);
}

static void test_connection_closed_as_we_wrote_is_opened_again(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 1);
	/* The peer closes; before we hear of it we send the next request into it. */
	transport_flow_close(f->callee.transport, f->callee.flow);
	send_request_to(&f->caller, "OPTIONS", &target);
	wait_for(f, f->caller.responses == 2);
	assert_int_equal(f->caller.failures, 0);
	assert_int_equal(opened(&f->caller), 2);
}

static void test_connection_that_goes_after_a_provisional(void **state)
{
	struct fixture *f = *state;
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	send_request_to(&f->caller, "INVITE", &target);
	wait_for(f, f->callee.requests == 1);
	assert_int_equal(respond(f->callee.server, 180), 0);
	wait_for(f, f->caller.status == 180);
	transport_flow_close(f->callee.transport, f->callee.flow);
	settle_down(f);
	assert_int_equal(f->caller.failures, 0);
	/* The answer comes by a connection of its own (RFC 3261 18.2.2) and finds its transaction. */
	assert_int_equal(respond(f->callee.server, 200), 0);
	wait_for(f, f->caller.status == 200);
}

static void test_connection_that_goes_and_no_answer_comes(void **state)
{
	static const struct {
		unsigned provisional;
		int64_t patience_us;
	} rows[] = { { 100, 2 * CLOCK_SECOND_US }, { 180, 32 * CLOCK_SECOND_US } };
	struct fixture *f = *state;
	f->callee.answer = 0;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	for (unsigned i = 0; i < BASE_COUNT(rows); i++) {
		send_request_to(&f->caller, "INVITE", &target);
		wait_for(f, f->callee.requests == i + 1);
		assert_int_equal(respond(f->callee.server, rows[i].provisional), 0);
		wait_for(f, f->caller.status == rows[i].provisional);
		transport_flow_close(f->callee.transport, f->callee.flow);
		settle_down(f);
		pass(f, rows[i].patience_us - CLOCK_MS_US * 20);
		assert_int_equal(f->caller.failures, i);
		pass(f, CLOCK_MS_US * 40);
		assert_int_equal(f->caller.failures, i + 1);
		assert_int_equal(f->caller.failure.kind, TRANSPORT_FAILED_LOST);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_target_same_connection),
		TEST(test_other_mark_other_connection),
		TEST(test_names_share_a_plain_connection),
		TEST(test_inbound_connection_is_used_only_as_an_alias),
		TEST(test_judge_refuses),
		TEST(test_judge_is_asked_again_when_trust_changed),
		TEST(test_refused_connection),
		TEST(test_connection_that_hangs),
		TEST(test_connections_have_a_maximum),
		TEST(test_lost_connection_is_told),
		TEST(test_connection_closed_as_we_wrote_is_opened_again),
		TEST(test_connection_that_goes_after_a_provisional),
		TEST(test_connection_that_goes_and_no_answer_comes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
