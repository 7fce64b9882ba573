/* SPDX-License-Identifier: Apache-2.0 */
/* Workers that hand each other what is theirs: first three in one thread, where each step can be
 * looked at, then in threads of their own under load. */
#include "fixture.h"
#include "transport/mesh_private.h"

#include <pthread.h>

#define WORKERS 3

/* Three workers of the node under test, each with ports of its own, so that a test chooses where a
 * message arrives; the fixture's caller and callee are strangers. */
struct office {
	struct fixture f;
	struct transport_mesh *mesh;
	struct side workers[WORKERS];
};

static int set_up(void **state)
{
	struct office *o = calloc(1, sizeof(*o));
	fixture_init(&o->f);
	fixture_start(&o->f, NULL, NULL);
	assert_int_equal(transport_mesh_new(WORKERS, 0, &o->mesh), 0);
	for (uint16_t i = 0; i < WORKERS; i++) {
		struct side *s = &o->workers[i];
		s->fixture = &o->f;
		s->host = "127.61.1.4";
		s->answer = 200;
		random_init_seed(&s->random, 100 + i);
		struct transport_listener listeners[] = { { .protocol = TRANSPORT_UDP },
			{ .protocol = TRANSPORT_TCP } };
		struct transport_params params = side_params(s, listeners, 2);
		params.worker = i;
		params.worker_count = WORKERS;
		params.mesh = o->mesh;
		side_start(s, &params);
	}
	*state = o;
	return 0;
}

static int tear_down(void **state)
{
	struct office *o = *state;
	for (size_t i = 0; i < WORKERS; i++)
		transport_free(o->workers[i].transport);
	fixture_done(&o->f);
	transport_mesh_free(o->mesh);
	free(o);
	return 0;
}

static struct transport_counters counters_of(const struct side *s)
{
	struct transport_counters counters;
	transport_counters(s->transport, &counters);
	return counters;
}

/* Text as the caller sends it, without a transaction of his own. */
static void say(struct side *from, const struct transport_target *target, const char *text)
{
	struct iovec part = { (void *)(uintptr_t)text, strlen(text) };
	assert_int_equal(transport_send_stateless(from->transport, target, &part, 1, NULL), 0);
}

static const char *request_text(const char *method, const char *branch, const char *route, const char *to_tag)
{
	static char text[2048];
	snprintf(text, sizeof(text),
		"%s sip:2000@127.61.1.4 SIP/2.0\r\nVia: SIP/2.0/UDP " CALLER ":5999;branch=z9hG4bK%s;rport\r\n%s"
		"From: <sip:1000@" CALLER ">;tag=caller\r\nTo: <sip:2000@127.61.1.4>%s\r\nCall-ID: %s\r\n"
		"CSeq: 1 %s\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		method, branch, route, to_tag, branch, method);
	return text;
}

static void test_response_reaches_its_worker(void **state)
{
	struct office *o = *state;
	struct side *sender = &o->workers[2];
	/* No rport, and the sent-by of worker 0: the answer comes back to worker 0. */
	char branch[TRANSPORT_BRANCH_LENGTH + 1];
	char text[2048];
	transport_branch_make(sender->transport, SPAN(LOOP_HASH), branch);
	int length = snprintf(text, sizeof(text),
		"OPTIONS sip:2000@" CALLEE " SIP/2.0\r\nVia: SIP/2.0/UDP 127.61.1.4:%u;branch=%s\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: one\r\nCSeq: 1 OPTIONS\r\n"
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		net_address_port(address_at(&o->workers[0], TRANSPORT_UDP)), branch);
	struct iovec part = { text, (size_t)length };
	struct transport_target target = target_at(&o->f.callee, TRANSPORT_UDP);
	struct transport_request request = {
		.target = &target,
		.parts = &part,
		.part_count = 1,
		.method = SIP_METHOD_OPTIONS,
		.branch = span_of(branch),
		.user = &CLIENT_USER,
		.argument = sender,
	};
	struct transport_client *client;
	assert_int_equal(transport_send_request(sender->transport, &request, &client), 0);
	wait_for(&o->f, sender->responses == 1);
	assert_int_equal(sender->status, 200);
	assert_int_equal(counters_of(&o->workers[0]).mesh_sent, 1);
	assert_int_equal(o->workers[0].responses, 0);
	assert_int_equal(counters_of(&o->workers[0]).dropped_strays, 0);
}

static void test_response_of_nobody_is_no_ball_game(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[0], TRANSPORT_UDP);
	say(&o->f.caller, &target,
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.61.1.4;branch="
		"z9hG4bK0100000000000000000000000000000000.00000000000000000000000000000000\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
		"Content-Length: 0\r\n\r\n");
	wait_for(&o->f, counters_of(&o->workers[1]).dropped_strays == 1);
	assert_int_equal(counters_of(&o->workers[1]).mesh_sent, 0);
}

/* A connection of the caller to worker 2, then a request to worker 0 with the Route we gave for it. */
static void test_in_dialog_request_goes_where_its_flow_is(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[2], TRANSPORT_TCP);
	send_request_to(&o->f.caller, "OPTIONS", &target);
	wait_for(&o->f, o->f.caller.responses == 1);
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	transport_flow_token(o->workers[2].transport, o->workers[2].flow, next_call_id(&o->f), token);
	char route[128];
	snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.4;transport=tcp;lr>\r\n", token);
	struct transport_client *client;
	target = target_at(&o->workers[0], TRANSPORT_TCP);
	assert_int_equal(send_to(&o->f.caller, "INFO", &target, route, &client), 0);
	wait_for(&o->f, o->f.caller.responses == 2);
	assert_int_equal(o->f.caller.status, 200);
	assert_int_equal(o->workers[0].requests, 0);
	assert_int_equal(o->workers[2].requests, 2);
	/* It came by worker 0's connection, and the answer went back over it. */
	assert_int_equal(o->workers[2].flow.worker, 0);
	assert_int_equal(o->workers[2].protocol, TRANSPORT_TCP);
	assert_int_equal(counters_of(&o->workers[0]).mesh_sent, 1);
	assert_int_equal(counters_of(&o->workers[2]).mesh_sent, 1);

	/* The token of another dialog changes nothing: it is handled where it came in. */
	assert_int_equal(send_to(&o->f.caller, "INFO", &target, route, &client), 0);
	wait_for(&o->f, o->workers[0].requests == 1);
	/* A forged one neither. */
	transport_flow_token(o->workers[2].transport, o->workers[2].flow, next_call_id(&o->f), token);
	token[20] = token[20] == '0' ? '1' : '0';
	snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.4;transport=tcp;lr>\r\n", token);
	assert_int_equal(send_to(&o->f.caller, "INFO", &target, route, &client), 0);
	wait_for(&o->f, o->workers[0].requests == 2);
	/* A worker that is not there neither. */
	transport_token_write(
		&(struct hash_key){ { 1, 2 } }, (struct transport_flow){ 77, 0, 1 }, next_call_id(&o->f), token);
	snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.4;transport=tcp;lr>\r\n", token);
	assert_int_equal(send_to(&o->f.caller, "INFO", &target, route, &client), 0);
	wait_for(&o->f, o->workers[0].requests == 3);
	assert_int_equal(o->workers[2].requests, 2);
}

static void test_cancel_finds_its_invite(void **state)
{
	struct office *o = *state;
	o->workers[1].answer = 0;
	struct transport_target target = target_at(&o->workers[1], TRANSPORT_UDP);
	say(&o->f.caller, &target, request_text("INVITE", "-far", "", ""));
	wait_for(&o->f, o->workers[1].requests == 1);
	target = target_at(&o->workers[0], TRANSPORT_UDP);
	say(&o->f.caller, &target, request_text("CANCEL", "-far", "", ""));
	wait_for(&o->f, o->workers[1].cancels == 1);
	settle_down(&o->f);
	assert_int_equal(o->workers[0].requests, 0);
	assert_int_equal(counters_of(&o->workers[0]).mesh_offers, 1);
	/* The caller has the CANCEL's 200, from worker 0's socket, and the INVITE's 487. */
	assert_int_equal(counters_of(&o->f.caller).dropped_strays, 2);
	/* The ACK to the 487 takes the wrong way too; Timer G falls silent. */
	say(&o->f.caller, &target, request_text("ACK", "-far", "", ";tag=callee"));
	settle_down(&o->f);
	assert_int_equal(o->workers[0].acks, 0);
	pass_slowly(&o->f, 6 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	assert_int_equal(counters_of(&o->workers[1]).retransmissions_sent, 0);
	assert_int_equal(o->workers[1].ended, 1);
}

static void test_cancel_of_nothing_comes_back(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[0], TRANSPORT_UDP);
	say(&o->f.caller, &target, request_text("CANCEL", "-none", "", ""));
	wait_for(&o->f, o->workers[0].requests == 1);
	assert_int_equal(o->workers[1].requests + o->workers[2].requests, 0);
	assert_int_equal(o->workers[0].transport->offer_count, 0);
	/* Its repetition is claimed at once. */
	say(&o->f.caller, &target, request_text("CANCEL", "-none", "", ""));
	wait_for(&o->f, counters_of(&o->workers[0]).retransmissions_received == 1);
	assert_int_equal(counters_of(&o->workers[0]).mesh_offers, 1);
}

static void test_ack_of_nobody_goes_to_the_user_once(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[2], TRANSPORT_UDP);
	say(&o->f.caller, &target, request_text("ACK", "-2xx", "", ";tag=callee"));
	wait_for(&o->f, o->workers[2].acks == 1);
	settle_down(&o->f);
	assert_int_equal(o->workers[0].acks + o->workers[1].acks, 0);
	/* With our Route nobody need be asked. */
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	char route[128];
	transport_flow_token(o->workers[1].transport, (struct transport_flow){ 1, 0, 0 }, SPAN("-2xx-b"), token);
	snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.4;lr>\r\n", token);
	say(&o->f.caller, &target, request_text("ACK", "-2xx-b", route, ";tag=callee"));
	wait_for(&o->f, o->workers[1].acks == 1);
	assert_int_equal(counters_of(&o->workers[2]).mesh_offers, 1);
}

static void test_offer_ends_without_an_answer(void **state)
{
	struct office *o = *state;
	/* Worker 1 has left without a word. */
	transport_mesh_leave(o->workers[1].transport);
	struct transport_target target = target_at(&o->workers[0], TRANSPORT_UDP);
	say(&o->f.caller, &target, request_text("CANCEL", "-mute", "", ""));
	wait_for(&o->f, o->workers[0].transport->offer_count == 1);
	settle_down(&o->f);
	assert_int_equal(o->workers[0].requests, 0);
	pass(&o->f, 250 * CLOCK_MS_US);
	assert_int_equal(o->workers[0].requests, 1);
	assert_int_equal(o->workers[0].transport->offer_count, 0);
	transport_mesh_join(o->workers[1].transport);
	settle_down(&o->f);
}

static void test_request_over_another_worker_s_flow(void **state)
{
	struct office *o = *state;
	/* The caller's connection to worker 2; worker 0 sends a request over it. */
	struct transport_target target = target_at(&o->workers[2], TRANSPORT_TCP);
	send_request_to(&o->f.caller, "OPTIONS", &target);
	wait_for(&o->f, o->f.caller.responses == 1);
	struct transport_arrival arrival;
	assert_int_equal(transport_flow_describe(o->workers[2].transport, o->workers[2].flow, &arrival), 0);
	struct transport_target back = transport_flow_target(&arrival);
	o->f.caller.answer = 200;
	send_request_to(&o->workers[0], "OPTIONS", &back);
	wait_for(&o->f, o->workers[0].responses == 1);
	assert_int_equal(o->f.caller.requests, 1);
	transport_flow_close(o->workers[0].transport, arrival.flow);
	wait_for(&o->f, o->workers[2].transport->connection_count == 0);
}

/* CANCEL and the ACK to what it causes go the same way; so does a 2xx and its ACK, which has no transaction. */
static void test_a_call_over_another_worker_s_flow(void **state)
{
	struct office *o = *state;
	struct side *worker = &o->workers[0], *phone = &o->f.caller;
	struct transport_target target = target_at(&o->workers[2], TRANSPORT_TCP);
	send_request_to(phone, "OPTIONS", &target);
	wait_for(&o->f, phone->responses == 1);
	struct transport_arrival arrival;
	assert_int_equal(transport_flow_describe(o->workers[2].transport, o->workers[2].flow, &arrival), 0);
	struct transport_target back = transport_flow_target(&arrival);

	phone->answer = 0;
	struct transport_client *client = send_request_to(worker, "INVITE", &back);
	wait_for(&o->f, phone->requests == 1);
	assert_int_equal(respond(phone->server, 180), 0);
	wait_for(&o->f, worker->provisionals >= 1);
	assert_int_equal(transport_cancel(client, SPAN_NONE), 0);
	wait_for(&o->f, phone->cancels == 1);
	wait_for(&o->f, worker->status == 487);
	/* The ACK has come: the phone does not repeat its answer. */
	pass_slowly(&o->f, 6 * CLOCK_SECOND_US, CLOCK_SECOND_US);
	assert_int_equal(counters_of(phone).retransmissions_sent, 0);
	assert_int_equal(phone->ended, 1);

	send_request_to(worker, "INVITE", &back);
	wait_for(&o->f, phone->requests == 2);
	assert_int_equal(respond(phone->server, 200), 0);
	wait_for(&o->f, worker->status == 200);
	struct iovec ack = { (void *)(uintptr_t)request_text("ACK", "-own", "", ";tag=callee"), 0 };
	ack.iov_len = strlen(ack.iov_base);
	assert_int_equal(transport_send_stateless(worker->transport, &back, &ack, 1, NULL), 0);
	wait_for(&o->f, phone->acks == 1);
	assert_int_equal(phone->flow.worker, 0);
	assert_int_equal(o->workers[2].requests, 1);
}

/* Nobody waits for Timer F: whoever has the connection tells the others. */
static void test_another_worker_s_connection_is_lost(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[2], TRANSPORT_TCP);
	send_request_to(&o->f.caller, "OPTIONS", &target);
	wait_for(&o->f, o->f.caller.responses == 1);
	struct transport_arrival arrival;
	assert_int_equal(transport_flow_describe(o->workers[2].transport, o->workers[2].flow, &arrival), 0);
	struct transport_target back = transport_flow_target(&arrival);
	o->f.caller.answer = 0;
	send_request_to(&o->workers[0], "OPTIONS", &back);
	send_request_to(&o->workers[0], "OPTIONS", &back);
	send_request_to(&o->workers[1], "OPTIONS", &back);
	wait_for(&o->f, o->f.caller.requests == 3);
	assert_int_equal(o->workers[0].failures + o->workers[1].failures, 0);
	transport_flow_close(o->workers[2].transport, back.flow);
	wait_for(&o->f, o->workers[0].failures == 2 && o->workers[1].failures == 1);
	assert_int_equal(o->workers[0].failure.kind, TRANSPORT_FAILED_LOST);
	/* One that is gone already. */
	send_request_to(&o->workers[0], "OPTIONS", &back);
	wait_for(&o->f, o->workers[0].failures == 3);
	assert_int_equal(o->workers[0].responses + o->workers[1].responses, 0);
}

/* Where the connection of another worker is gone, that worker looks for another way, but not for strangers. */
static void test_answer_over_another_worker_s_flow_that_is_gone(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[0], TRANSPORT_TCP);
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	char route[128];
	o->workers[2].answer = 0;
	for (unsigned i = 0; i < 2; i++) {
		struct transport_client *client;
		o->workers[2].stranger = i == 0;
		transport_flow_token(
			o->workers[2].transport, (struct transport_flow){ 2, 0, 0 }, next_call_id(&o->f), token);
		snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.4;transport=tcp;lr>\r\n", token);
		assert_int_equal(send_to(&o->f.caller, "INFO", &target, route, &client), 0);
		wait_for(&o->f, o->workers[2].requests == i + 1);
		transport_flow_close(o->workers[2].transport, o->workers[2].flow);
		wait_for(&o->f, o->f.caller.failures == i + 1);
		assert_int_equal(respond(o->workers[2].server, 200), 0);
		settle_down(&o->f);
		assert_int_equal(counters_of(&o->workers[0]).dropped_send, 1);
		assert_int_equal(o->f.caller.records_received, i);
	}
}

/* But the one who answers may know of a connection that took its place. */
static void test_answer_over_the_connection_made_instead(void **state)
{
	struct office *o = *state;
	struct transport_target target = target_at(&o->workers[0], TRANSPORT_TCP);
	struct transport_target another = target_at(&o->workers[1], TRANSPORT_TCP);
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	char route[128];
	struct transport_client *client;
	send_request_to(&o->f.caller, "OPTIONS", &another);
	wait_for(&o->f, o->f.caller.responses == 1);
	o->workers[2].answer = 0;
	transport_flow_token(o->workers[2].transport, (struct transport_flow){ 2, 0, 0 }, next_call_id(&o->f), token);
	snprintf(route, sizeof(route), "Route: <sip:%s@127.61.1.4;transport=tcp;lr>\r\n", token);
	assert_int_equal(send_to(&o->f.caller, "INFO", &target, route, &client), 0);
	wait_for(&o->f, o->workers[2].requests == 1);
	transport_flow_close(o->workers[2].transport, o->workers[2].flow);
	wait_for(&o->f, o->f.caller.failures == 1);
	unsigned before = o->f.caller.records_received;
	o->workers[2].stranger = true; /* no other way is looked for */
	o->workers[2].other = o->workers[1].flow;
	assert_int_equal(respond(o->workers[2].server, 200), 0);
	wait_for(&o->f, o->f.caller.records_received == before + 1);
	assert_int_equal(counters_of(&o->workers[0]).dropped_send, 0);
}

static void test_full_ring_drops_and_counts(void **state)
{
	struct office *o = *state;
	struct transport_mesh *small;
	assert_int_equal(transport_mesh_new(2, 1024, &small), 0);
	struct transport *t = o->workers[0].transport;
	struct transport_mesh *mesh = t->mesh;
	t->mesh = small;
	struct transport_incoming in = { .arrival = { .flow = TRANSPORT_FLOW_NONE } };
	int status = 0;
	unsigned sent = 0;
	while ((status = transport_mesh_deliver(t, 1, &in, SPAN("ACK sip:a@b SIP/2.0\r\n\r\n"))) == 0)
		sent++;
	assert_int_equal(status, -ENOBUFS);
	assert_true(sent >= 1);
	assert_int_equal(counters_of(&o->workers[0]).mesh_dropped, 1);
	t->mesh = mesh;
	transport_mesh_free(small);
}

/* ---- threads ---- */

#define STORM_WORKERS 3
#define STORM_REQUESTS 400

/* Each worker sends requests to the next one's port with the Via of the one after: the answers come in at a
 * worker that did not ask, and are handed over. Some carry tokens of another worker's flow. */
struct storm_worker {
	struct storm *storm;
	uint16_t number;
	pthread_t thread;
	struct clock clock;
	struct net_loop *loop;
	struct random random;
	struct transport *transport;
	struct net_address udp;
	unsigned sent, answered, failed, served;
	struct wheel_timer pace;
};

struct storm {
	struct transport_mesh *mesh;
	struct storm_worker workers[STORM_WORKERS];
	_Atomic unsigned done;
};

static void storm_request(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct storm_worker *w = argument;
	(void)arrival;
	w->served++;
	assert_int_equal(respond(server, 200), 0);
	transport_server_release(server);
}

static void storm_response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	struct storm_worker *w = argument;
	(void)client;
	if (arrival->message->status >= 200)
		w->answered++;
}

static void storm_failed(void *argument, struct transport_client *client, const struct transport_failure *failure)
{
	struct storm_worker *w = argument;
	(void)client;
	(void)failure;
	w->failed++;
}

static void storm_ended(void *argument, struct transport_client *client)
{
	(void)argument;
	transport_client_release(client);
}

static const struct transport_client_user STORM_USER = { storm_response, storm_failed, storm_ended };

static void storm_send(struct storm_worker *w)
{
	struct storm_worker *next = &w->storm->workers[(w->number + 1) % STORM_WORKERS];
	struct storm_worker *other = &w->storm->workers[(w->number + 2) % STORM_WORKERS];
	char branch[TRANSPORT_BRANCH_LENGTH + 1];
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	char text[2048];
	char call_id[32];
	transport_branch_make(w->transport, SPAN(LOOP_HASH), branch);
	snprintf(call_id, sizeof(call_id), "%u-%u", w->number, w->sent);
	/* Arrives at `next`, belongs to `other` every second time; the answer comes to `other`. */
	struct transport_flow flow = { w->sent % 2 ? other->number : next->number, 0, 0 };
	transport_flow_token(w->transport, flow, span_of(call_id), token);
	int length = snprintf(text, sizeof(text),
		"INFO sip:2000@127.61.1.5 SIP/2.0\r\nVia: SIP/2.0/UDP 127.61.1.5:%u;branch=%s\r\n"
		"Route: <sip:%s@127.61.1.5;lr>\r\n"
		"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: %s\r\nCSeq: 1 INFO\r\n"
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
		net_address_port(&other->udp), branch, token, call_id);
	struct iovec part = { text, (size_t)length };
	struct transport_target target = { .protocol = TRANSPORT_UDP, .address = next->udp };
	struct transport_request request = {
		.target = &target,
		.parts = &part,
		.part_count = 1,
		.method = SIP_METHOD_INFO,
		.branch = span_of(branch),
		.user = &STORM_USER,
		.argument = w,
	};
	struct transport_client *client;
	assert_int_equal(transport_send_request(w->transport, &request, &client), 0);
	w->sent++;
}

static void storm_pace(struct wheel_timer *timer, int64_t now_us)
{
	struct storm_worker *w = base_container(timer, struct storm_worker, pace);
	if (w->sent < STORM_REQUESTS)
		for (int i = 0; i < 10; i++)
			storm_send(w);
	else if (w->answered + w->failed >= STORM_REQUESTS) {
		if (++w->storm->done == STORM_WORKERS)
			for (int i = 0; i < STORM_WORKERS; i++)
				net_loop_stop(w->storm->workers[i].loop);
		return;
	}
	wheel_arm(net_loop_wheel(w->loop), &w->pace, now_us + 2 * CLOCK_MS_US);
}

static void *storm_run(void *argument)
{
	struct storm_worker *w = argument;
	assert_int_equal(net_loop_run(w->loop), 0);
	return NULL;
}

static void storm_start(struct storm *storm, uint16_t number)
{
	struct storm_worker *w = &storm->workers[number];
	w->storm = storm;
	w->number = number;
	w->clock = clock_system();
	random_init_seed(&w->random, number + 7);
	assert_int_equal(net_loop_new(&w->clock, &w->loop), 0);
	struct transport_listener listener = { .protocol = TRANSPORT_UDP, .address = address_of("127.61.1.5", 0) };
	struct transport_params params = {
		.worker = number,
		.worker_count = STORM_WORKERS,
		.mesh = storm->mesh,
		.loop = w->loop,
		.random = &w->random,
		.listeners = &listener,
		.listener_count = 1,
		.node = SPAN("storm.example"),
		.token_key = { { 5, 6 } },
		.t1_us = 100 * CLOCK_MS_US,
		.user = { .request = storm_request, .argument = w },
	};
	assert_int_equal(transport_new(&params, &w->transport, NULL), 0);
	w->udp = w->transport->ports[0].address;
	wheel_timer_init(&w->pace, storm_pace);
	wheel_arm(net_loop_wheel(w->loop), &w->pace, net_loop_now_us(w->loop) + 10 * CLOCK_MS_US);
}

static void test_workers_in_threads(void **state)
{
	(void)state;
	struct storm *storm = calloc(1, sizeof(*storm));
	assert_int_equal(transport_mesh_new(STORM_WORKERS, 0, &storm->mesh), 0);
	for (uint16_t i = 0; i < STORM_WORKERS; i++)
		storm_start(storm, i);
	for (int i = 0; i < STORM_WORKERS; i++)
		assert_int_equal(pthread_create(&storm->workers[i].thread, NULL, storm_run, &storm->workers[i]), 0);
	for (int i = 0; i < STORM_WORKERS; i++)
		pthread_join(storm->workers[i].thread, NULL);
	unsigned served = 0;
	for (int i = 0; i < STORM_WORKERS; i++) {
		struct storm_worker *w = &storm->workers[i];
		struct transport_counters counters;
		transport_counters(w->transport, &counters);
		assert_int_equal(w->failed, 0);
		assert_int_equal(w->answered, STORM_REQUESTS);
		assert_true(counters.mesh_sent >= STORM_REQUESTS);
		served += w->served;
	}
	assert_int_equal(served, STORM_WORKERS * STORM_REQUESTS);
	for (int i = 0; i < STORM_WORKERS; i++)
		transport_free(storm->workers[i].transport);
	for (int i = 0; i < STORM_WORKERS; i++)
		net_loop_free(storm->workers[i].loop);
	transport_mesh_free(storm->mesh);
	free(storm);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_response_reaches_its_worker),
		TEST(test_response_of_nobody_is_no_ball_game),
		TEST(test_in_dialog_request_goes_where_its_flow_is),
		TEST(test_cancel_finds_its_invite),
		TEST(test_cancel_of_nothing_comes_back),
		TEST(test_ack_of_nobody_goes_to_the_user_once),
		TEST(test_offer_ends_without_an_answer),
		TEST(test_request_over_another_worker_s_flow),
		TEST(test_a_call_over_another_worker_s_flow),
		TEST(test_another_worker_s_connection_is_lost),
		TEST(test_answer_over_another_worker_s_flow_that_is_gone),
		TEST(test_answer_over_the_connection_made_instead),
		TEST(test_full_ring_drops_and_counts),
		cmocka_unit_test(test_workers_in_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
