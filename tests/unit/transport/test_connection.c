/* SPDX-License-Identifier: Apache-2.0 */
/* Streams as strangers use them: a raw TCP client against one node. */
#include "fixture.h"

struct raw {
	struct net_stream *stream;
	bool opened;
	bool closed;
	char text[16384];
	size_t length;
};

static void raw_opened(struct net_stream *stream, void *argument)
{
	(void)stream;
	((struct raw *)argument)->opened = true;
}

static void raw_received(struct net_stream *stream, void *argument, struct span bytes)
{
	struct raw *r = argument;
	(void)stream;
	assert_true(r->length + bytes.length < sizeof(r->text));
	memcpy(r->text + r->length, bytes.at, bytes.length);
	r->length += bytes.length;
	r->text[r->length] = '\0';
}

static void raw_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	struct raw *r = argument;
	(void)stream;
	(void)why;
	r->closed = true;
	r->stream = NULL;
}

static const struct net_stream_events RAW_EVENTS = {
	.opened = raw_opened, .received = raw_received, .closed = raw_closed
};

static void raw_connect(struct fixture *f, struct raw *r)
{
	memset(r, 0, sizeof(*r));
	struct net_connect connect = {
		.remote = *address_at(&f->callee, TRANSPORT_TCP),
		.local = address_of(CALLER, 0),
		.events = &RAW_EVENTS,
		.argument = r,
	};
	assert_int_equal(net_stream_connect(f->loop, &connect, &r->stream), 0);
}

static void raw_write(struct raw *r, const char *text, size_t length)
{
	struct iovec part = { (void *)(uintptr_t)text, length };
	assert_int_equal(net_stream_write(r->stream, &part, 1), 0);
}

static void raw_say(struct raw *r, const char *text)
{
	raw_write(r, text, strlen(text));
}

static void raw_done(struct fixture *f, struct raw *r)
{
	if (r->stream)
		net_stream_abort(r->stream);
	wait_for(f, r->closed);
}

static unsigned count_in(const char *text, const char *word)
{
	unsigned count = 0;
	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		count++;
	return count;
}

static size_t options(char *text, size_t capacity, unsigned number, size_t body)
{
	int length = snprintf(text, capacity,
		"OPTIONS sip:2000@" CALLEE " SIP/2.0\r\n"
		"Via: SIP/2.0/TCP " CALLER ":5060;branch=z9hG4bK-raw-%u\r\n"
		"From: <sip:1000@" CALLER ">;tag=caller\r\n"
		"To: <sip:2000@" CALLEE ">\r\n"
		"Call-ID: raw-%u\r\n"
		"CSeq: 1 OPTIONS\r\n"
		"Max-Forwards: 70\r\n"
		"Content-Length: %zu\r\n\r\n",
		number, number, body);
	assert_true(length > 0 && (size_t)length + body < capacity);
	memset(text + length, 'b', body);
	text[(size_t)length + body] = '\0';
	return (size_t)length + body;
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	fixture_init(f);
	struct transport_limits limits = {
		.message_bytes = 8192,
		.connections = 10,
		.connections_per_peer = 3,
		.message_us = 10 * CLOCK_SECOND_US,
		.idle_us = 100 * CLOCK_SECOND_US,
	};
	fixture_start(f, &limits, NULL);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_done(*state);
	free(*state);
	return 0;
}

static void test_a_message_in_single_bytes(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[2048];
	size_t length = options(text, sizeof(text), 1, 20);
	for (size_t i = 0; i < length; i++) {
		raw_write(&r, text + i, 1);
		if (i % 7 == 0)
			pump(f);
	}
	wait_for(f, strstr(r.text, "SIP/2.0 200"));
	assert_int_equal(f->callee.requests, 1);
	assert_non_null(strstr(f->callee.request, "\r\n\r\nbbbbbbbbbbbbbbbbbbbb"));
	raw_done(f, &r);
}

static void test_many_messages_in_one_piece(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[8192];
	size_t length = 0;
	for (unsigned i = 0; i < 12; i++)
		length += options(text + length, sizeof(text) - length, i, i);
	length += (size_t)snprintf(text + length, sizeof(text) - length, "\r\n\r\n");
	length += options(text + length, sizeof(text) - length, 99, 0);
	raw_write(&r, text, length - 30); /* the last one in two */
	settle_down(f);
	assert_int_equal(f->callee.requests, 12);
	raw_write(&r, text + length - 30, 30);
	wait_for(f, f->callee.requests == 13);
	wait_for(f, count_in(r.text, "SIP/2.0 200 OK") == 13);
	raw_done(f, &r);
}

static void test_ping_is_answered(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	raw_say(&r, "\r\n\r\n");
	wait_for(f, r.length == 2);
	assert_string_equal(r.text, "\r\n");
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.pings, 1);
	raw_done(f, &r);
}

static void test_broken_but_answerable(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name;
		const char *head;
		enum sip_rule rule;
	} cases[] = {
		{ "CSeq of another method", "CSeq: 1 INVITE\r\nMax-Forwards: 70\r\n", SIP_RULE_CSEQ_METHOD },
		{ "Max-Forwards is no number", "CSeq: 1 OPTIONS\r\nMax-Forwards: many\r\n", SIP_RULE_MAX_FORWARDS },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct raw r;
		char text[2048];
		raw_connect(f, &r);
		snprintf(text, sizeof(text),
			"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP " CALLER ";branch=z9hG4bKx%zu\r\n"
			"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: broken\r\n%sContent-Length: 0\r\n\r\n",
			i, cases[i].head);
		raw_say(&r, text);
		wait_for(f, strstr(r.text, "SIP/2.0 400") || r.closed);
		if (f->callee.defects != i + 1 || f->callee.rule != cases[i].rule)
			fail_msg("%s: %u defects, %s", cases[i].name, f->callee.defects, sip_rule_text(f->callee.rule));
		raw_done(f, &r);
	}
	assert_int_equal(f->callee.requests, 0);
	assert_int_equal(f->callee.transport->server_count, 0);
}

static void test_unusable_streams_are_closed(void **state)
{
	struct fixture *f = *state;
	static const char *const cases[] = {
		"\x16\x03\x01\x02\x00 this is TLS and no SIP at all, on the plain port\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\nFrom: a\r\n\r\n",
		"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=z9hG4bK1\r\nContent-Length: -5\r\n\r\n",
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct raw r;
		raw_connect(f, &r);
		raw_say(&r, cases[i]);
		wait_for(f, r.closed);
		struct transport_counters counters;
		transport_counters(f->callee.transport, &counters);
		if (counters.dropped_malformed != i + 1)
			fail_msg("case %zu: dropped %u", i, (unsigned)counters.dropped_malformed);
	}
	assert_int_equal(f->callee.requests, 0);
	assert_true(f->callee.records[RECORD_NODE] >= BASE_COUNT(cases));
}

static void test_oversize_is_told_and_closed(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[16384];
	options(text, sizeof(text), 1, 9000);
	raw_say(&r, text);
	wait_for(f, r.closed);
	assert_int_equal(f->callee.requests, 0);
	assert_int_equal(f->callee.defects, 1);
	assert_int_equal(f->callee.rule, SIP_RULE_TOO_LARGE);
	assert_non_null(strstr(r.text, "SIP/2.0 400"));
}

static void test_half_a_message_has_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	wait_for(f, r.opened);
	/* A byte a second keeps nothing open. */
	char text[2048];
	options(text, sizeof(text), 1, 0);
	for (int i = 0; i < 9; i++) {
		raw_write(&r, text + i, 1);
		pass(f, CLOCK_SECOND_US);
		assert_false(r.closed);
	}
	pass(f, 2 * CLOCK_SECOND_US);
	wait_for(f, r.closed);
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.connections_closed_stalled, 1);
}

static void test_silence_after_connecting_has_its_deadline(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	wait_for(f, r.opened && f->callee.transport->connection_count == 1);
	settle_down(f);
	pass(f, 11 * CLOCK_SECOND_US);
	wait_for(f, r.closed);
	assert_int_equal(f->callee.transport->connection_count, 0);
}

static void test_idle_connections_are_closed(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[2048];
	options(text, sizeof(text), 1, 0);
	raw_say(&r, text);
	wait_for(f, strstr(r.text, "200 OK"));
	pass_slowly(f, 90 * CLOCK_SECOND_US, 10 * CLOCK_SECOND_US);
	assert_false(r.closed);
	pass_slowly(f, 30 * CLOCK_SECOND_US, 10 * CLOCK_SECOND_US);
	wait_for(f, r.closed);
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.connections_closed_idle, 1);
}

/* Whoever fills us with connections must not keep us from our own. */
static void test_a_tenth_is_kept_for_ours(void **state)
{
	struct fixture *f = *state;
	f->callee.transport->limits.connections_per_peer = 0;
	struct raw raws[10];
	for (size_t i = 0; i < 10; i++) {
		raw_connect(f, &raws[i]);
		settle_down(f);
	}
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.connections_refused, 1);
	assert_int_equal(counters.connections, 9);
	f->caller.answer = 200;
	struct transport_target target = target_at(&f->caller, TRANSPORT_TCP);
	send_request_to(&f->callee, "OPTIONS", &target);
	wait_for(f, f->callee.status == 200);
	struct transport_client *client;
	target.mark = 1;
	assert_int_equal(send_to(&f->callee, "OPTIONS", &target, NULL, &client), -ENOBUFS);
	for (size_t i = 0; i < 9; i++)
		raw_done(f, &raws[i]);
}

/* Its peer stops in the middle of a message: as soon as we give up, nothing is sent over it any more. */
static void test_overdue_connection_is_no_alias(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	f->callee.alias = true;
	raw_connect(f, &r);
	raw_say(&r, "OPTIONS sip:2000@" CALLEE " SIP/2.0\r\nVia: SIP/2.0/TCP " CALLER ":9;branch=z9hG4bKa;alias\r\n"
		    "From: <sip:1000@" CALLER ">;tag=caller\r\nTo: <sip:2000@" CALLEE ">\r\nCall-ID: a\r\n"
		    "CSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\nOPTIONS sip");
	wait_for(f, strstr(r.text, "200 OK"));
	assert_int_equal(f->callee.transport->aliases.count, 1);
	clock_fake_advance(&f->time, 11 * CLOCK_SECOND_US);
	wheel_advance(net_loop_wheel(f->loop), f->time.steady_us);
	struct transport_target target = {
		.protocol = TRANSPORT_TCP,
		.address = address_of(CALLER, 9),
		.flow = TRANSPORT_FLOW_NONE,
		.flags = TRANSPORT_TARGET_ALIAS,
	};
	struct transport_client *client;
	assert_int_equal(send_to(&f->callee, "OPTIONS", &target, NULL, &client), 0);
	wait_for(f, f->callee.failures == 1);
	assert_int_equal(f->callee.failure.kind, TRANSPORT_FAILED_CONNECT); /* it tried one of its own */
	wait_for(f, r.closed);
}

static void test_one_peer_has_a_maximum(void **state)
{
	struct fixture *f = *state;
	struct raw raws[5];
	for (size_t i = 0; i < 5; i++) {
		raw_connect(f, &raws[i]);
		settle_down(f);
	}
	struct transport_counters counters;
	transport_counters(f->callee.transport, &counters);
	assert_int_equal(counters.connections_refused, 2);
	assert_int_equal(counters.connections, 3);
	for (size_t i = 0; i < 3; i++)
		raw_done(f, &raws[i]);
	/* The place is free again. */
	struct raw again;
	settle_down(f);
	raw_connect(f, &again);
	raw_say(&again, "\r\n\r\n");
	wait_for(f, again.length == 2);
	raw_done(f, &again);
}

static void test_answer_finds_another_way(void **state)
{
	struct fixture *f = *state;
	/* The peer's connection is gone when the answer is ready: RFC 3261 18.2.2 sends it to its sent-by. */
	f->callee.answer = 0;
	struct raw r;
	raw_connect(f, &r);
	char text[2048];
	snprintf(text, sizeof(text),
		"INVITE sip:2000@" CALLEE " SIP/2.0\r\nVia: SIP/2.0/TCP " CALLER ":%u;branch=z9hG4bKgone\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: gone\r\nCSeq: 1 INVITE\r\n"
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		net_address_port(address_at(&f->caller, TRANSPORT_TCP)));
	raw_say(&r, text);
	wait_for(f, f->callee.requests == 1);
	raw_done(f, &r);
	settle_down(f);
	unsigned received = f->caller.records_received;
	assert_int_equal(respond(f->callee.server, 200), 0);
	wait_for(f, f->caller.records_received == received + 1);
	struct transport_counters counters;
	transport_counters(f->caller.transport, &counters);
	assert_int_equal(counters.dropped_strays, 1);
	assert_int_equal(counters.connections_accepted, 1);
}

static void test_tokens_of_gone_connections(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[2048];
	options(text, sizeof(text), 1, 0);
	raw_say(&r, text);
	wait_for(f, f->callee.requests == 1);
	struct transport *t = f->callee.transport;
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	transport_flow_token(t, f->callee.flow, SPAN("a-call"), token);
	struct transport_flow flow;
	assert_int_equal(transport_flow_find(t, span_of(token), SPAN("a-call"), &flow), 0);
	assert_int_equal(transport_flow_find(t, span_of(token), SPAN("another"), &flow), -EACCES);
	struct transport_arrival arrival;
	assert_int_equal(transport_flow_describe(t, flow, &arrival), 0);
	assert_int_equal(arrival.protocol, TRANSPORT_TCP);
	assert_int_equal(arrival.listener, 1);

	/* A request over exactly that connection. */
	struct transport_target target = transport_flow_target(&arrival);
	send_request_to(&f->callee, "OPTIONS", &target);
	wait_for(f, strstr(r.text, "OPTIONS sip:2000@"));

	raw_done(f, &r);
	settle_down(f);
	assert_int_equal(transport_flow_find(t, span_of(token), SPAN("a-call"), &flow), -ENOTCONN);
	assert_int_equal(transport_flow_describe(t, flow, &arrival), -ENOTCONN);
	struct transport_client *client;
	assert_int_equal(send_to(&f->callee, "OPTIONS", &target, NULL, &client), -ENOTCONN);
	assert_int_equal(f->callee.failures, 1); /* the one that was on its way */
	assert_int_equal(f->callee.failure.kind, TRANSPORT_FAILED_LOST);

	/* The slot is used again: the old name must not find the new connection. */
	struct raw other;
	raw_connect(f, &other);
	raw_say(&other, "\r\n\r\n");
	wait_for(f, other.length == 2);
	assert_int_equal(transport_flow_find(t, span_of(token), SPAN("a-call"), &flow), -ENOTCONN);
	token[33] = token[33] == '0' ? '1' : '0';
	assert_int_equal(transport_flow_find(t, span_of(token), SPAN("a-call"), &flow), -EACCES);
	raw_done(f, &other);
}

static void test_flow_is_closed_on_demand(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[2048];
	options(text, sizeof(text), 1, 0);
	raw_say(&r, text);
	wait_for(f, strstr(r.text, "200 OK"));
	transport_flow_close(f->callee.transport, f->callee.flow);
	transport_flow_close(f->callee.transport, f->callee.flow);
	wait_for(f, r.closed);
	transport_flow_close(f->callee.transport, f->callee.flow);
}

/* Its sender has another connection: the answer goes there, and nobody need be called. */
static void test_answer_goes_over_another_connection(void **state)
{
	struct fixture *f = *state;
	struct raw first, second;
	char text[2048];
	f->callee.stranger = true;
	raw_connect(f, &second);
	options(text, sizeof(text), 1, 0);
	raw_say(&second, text);
	wait_for(f, strstr(second.text, "200 OK"));
	f->callee.other = f->callee.flow;
	f->callee.answer = 0;
	raw_connect(f, &first);
	options(text, sizeof(text), 2, 0);
	raw_say(&first, text);
	wait_for(f, f->callee.requests == 2);
	raw_done(f, &first);
	wait_for(f, f->callee.closed == 1);
	second.length = 0;
	assert_int_equal(respond(f->callee.server, 200), 0);
	wait_for(f, strstr(second.text, "raw-2"));
	assert_int_equal(f->callee.failures, 0);
	raw_done(f, &second);
}

static void test_the_end_of_a_flow_is_told(void **state)
{
	struct fixture *f = *state;
	struct raw r;
	raw_connect(f, &r);
	char text[2048];
	options(text, sizeof(text), 1, 0);
	raw_say(&r, text);
	wait_for(f, strstr(r.text, "200 OK"));
	assert_int_equal(f->callee.closed, 0);
	raw_done(f, &r);
	wait_for(f, f->callee.closed == 1);
	assert_true(transport_flow_equal(f->callee.closed_flow, f->callee.flow));
}

/* A port that comes and goes while the node runs. */
static void test_listeners_come_and_go(void **state)
{
	struct fixture *f = *state;
	struct transport *t = f->callee.transport;
	struct transport_listener more = { .protocol = TRANSPORT_TCP, .address = address_of(CALLEE, 0) };
	assert_int_equal(transport_listener_open(t, 0, &more), -EBUSY);
	assert_int_equal(transport_listener_open(t, TRANSPORT_LISTENER_MAXIMUM, &more), -E2BIG);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(transport_listener_open(t, 9, &more), 0);
		struct raw r = { 0 };
		struct net_connect connect = { .remote = t->ports[9].address,
			.local = address_of(CALLER, 0),
			.events = &RAW_EVENTS,
			.argument = &r };
		assert_int_equal(net_stream_connect(f->loop, &connect, &r.stream), 0);
		char text[2048];
		options(text, sizeof(text), i, 0);
		raw_say(&r, text);
		wait_for(f, strstr(r.text, "200 OK"));
		transport_listener_close(t, 9);
		transport_listener_close(t, 9);
		wait_for(f, r.closed);
		/* Nobody is there any more. */
		memset(&r, 0, sizeof(r));
		assert_int_equal(net_stream_connect(f->loop, &connect, &r.stream), 0);
		wait_for(f, r.closed);
		assert_false(r.opened);
	}
	assert_true(transport_is_our_address(t, SPAN(CALLEE), net_address_port(address_at(&f->callee, TRANSPORT_TCP))));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_message_in_single_bytes),
		TEST(test_many_messages_in_one_piece),
		TEST(test_ping_is_answered),
		TEST(test_broken_but_answerable),
		TEST(test_unusable_streams_are_closed),
		TEST(test_oversize_is_told_and_closed),
		TEST(test_half_a_message_has_its_deadline),
		TEST(test_silence_after_connecting_has_its_deadline),
		TEST(test_idle_connections_are_closed),
		TEST(test_one_peer_has_a_maximum),
		TEST(test_a_tenth_is_kept_for_ours),
		TEST(test_overdue_connection_is_no_alias),
		TEST(test_answer_finds_another_way),
		TEST(test_tokens_of_gone_connections),
		TEST(test_flow_is_closed_on_demand),
		TEST(test_answer_goes_over_another_connection),
		TEST(test_the_end_of_a_flow_is_told),
		TEST(test_listeners_come_and_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
