/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TEST_TRANSPORT_FIXTURE_H
#define FEDGE_TEST_TRANSPORT_FIXTURE_H
/* Two nodes in one loop under a clock that stands still until told: "caller" sends requests,
 * "callee" answers them as `answer` says. Everything told to either is counted and the last one kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>
/* cmocka wants those above first */
#include "net/failure.h"
#include "net/loop.h"
#include "transport/private.h"

#include <cmocka.h>

#define CALLER "127.61.1.1"
#define CALLEE "127.61.1.2"

struct fixture;

struct side {
	struct fixture *fixture;
	const char *host;
	struct transport *transport;
	struct random random;
	struct record_sink sink;
	/* as server */
	unsigned answer; /* status given at once; 0: the server is kept */
	bool keep; /* do not release after answering */
	bool keep_acks; /* in ack */
	struct transport_server *ack;
	struct transport_server *server;
	char request[2048]; /* the last one, as the user saw it */
	struct transport_flow flow; /* of the last request */
	enum transport_protocol protocol;
	bool had_facts;
	unsigned requests, acks, cancels, defects, ended;
	enum sip_rule rule;
	/* as client */
	unsigned responses, provisionals, failures, client_ended;
	uint16_t status; /* of the last response */
	char response[2048];
	struct transport_failure failure; /* pointers not to be followed, but: */
	struct net_failure net;
	/* the judge */
	int verdict;
	unsigned judged;
	bool alias;
	struct transport_flow other; /* where answers go whose connection is gone; slot NONE, generation 0: nowhere */
	unsigned closed; /* connections */
	struct transport_flow closed_flow; /* the last one's */
	bool stranger; /* that is what the others are to it */
	/* loss */
	unsigned lose; /* so many of the next messages */
	unsigned lost;
	unsigned records[RECORD_KIND_COUNT];
	unsigned records_sent, records_received;
	char last_sent[64]; /* how it begins */
	char serial[64]; /* of the last message record */
};

struct fixture {
	struct clock_fake time;
	struct clock clock;
	struct net_loop *loop;
	struct net_tls *tls[2];
	struct side caller;
	struct side callee;
	unsigned serial; /* of messages made here */
};

static inline void pump(struct fixture *f)
{
	/* The loop sleeps by the machine's clock; under this one nobody would wake it. */
	wheel_advance(net_loop_wheel(f->loop), f->time.steady_us);
	assert_int_equal(net_loop_turn(f->loop, 0), 0);
	usleep(100);
}

#define wait_for(f, condition)                                                                                         \
	do {                                                                                                           \
		for (int tries_ = 0; tries_ < 20000 && !(condition); tries_++)                                         \
			pump(f);                                                                                       \
		assert_true(condition);                                                                                \
	} while (0)

/* Nothing more happens now: what is on its way arrives. */
static inline void settle_down(struct fixture *f)
{
	for (int i = 0; i < 60; i++)
		pump(f);
}

static inline void pass(struct fixture *f, int64_t by_us)
{
	clock_fake_advance(&f->time, by_us);
	settle_down(f);
}

/* Time goes by in steps, as a node lives through it. */
static inline void pass_slowly(struct fixture *f, int64_t by_us, int64_t step_us)
{
	for (int64_t passed = 0; passed < by_us; passed += step_us) {
		clock_fake_advance(&f->time, step_us);
		for (int i = 0; i < 6; i++)
			pump(f);
	}
	settle_down(f);
}

/* ---- what the users do ---- */

static inline int respond(struct transport_server *server, unsigned status)
{
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	sip_draft_response(&draft, transport_server_arena(server), transport_server_request(server), (uint16_t)status,
		SPAN_NONE, status > 100 ? SPAN("callee") : SPAN_NONE);
	int count = sip_draft_pieces(&draft, pieces, BASE_COUNT(pieces));
	assert_true(count > 0);
	return transport_respond(server, status, pieces, (size_t)count);
}

static inline void keep_request(struct side *s, const struct transport_arrival *arrival)
{
	span_copy_to(arrival->message->bytes, s->request, sizeof(s->request));
	s->flow = arrival->flow;
	s->protocol = arrival->protocol;
	s->had_facts = arrival->tls != NULL;
}

static inline void on_request(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct side *s = argument;
	s->requests++;
	keep_request(s, arrival);
	if (s->answer) {
		assert_int_equal(respond(server, s->answer), 0);
		if (!s->keep) {
			transport_server_release(server);
			return;
		}
	}
	s->server = server;
}

static inline void on_ack(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct side *s = argument;
	s->acks++;
	keep_request(s, arrival);
	if (s->keep_acks)
		s->ack = server;
	else
		transport_server_release(server);
}

static inline void on_cancelled(void *argument, struct transport_server *server, const struct transport_arrival *cancel)
{
	struct side *s = argument;
	s->cancels++;
	keep_request(s, cancel);
	assert_int_equal(respond(server, 487), 0);
}

static inline void on_defect(void *argument, struct transport_server *server, const struct transport_arrival *arrival,
	const struct sip_defect *defect)
{
	struct side *s = argument;
	s->defects++;
	s->rule = defect->rule;
	keep_request(s, arrival);
	assert_int_equal(respond(server, 400), 0);
	transport_server_release(server);
}

static inline void on_server_ended(void *argument, struct transport_server *server)
{
	struct side *s = argument;
	s->ended++;
	s->server = NULL;
	transport_server_release(server);
}

static inline int on_judge(void *argument, const struct transport_target *target, const struct net_tls_facts *facts)
{
	struct side *s = argument;
	(void)target;
	(void)facts;
	s->judged++;
	return s->verdict;
}

static inline bool on_alias(void *argument, const struct transport_arrival *arrival)
{
	struct side *s = argument;
	(void)arrival;
	return s->alias;
}

static inline void on_flow_closed(void *argument, struct transport_flow flow, const struct net_failure *why)
{
	struct side *s = argument;
	(void)why;
	s->closed++;
	s->closed_flow = flow;
}

static inline bool on_instead(void *argument, const struct transport_arrival *arrival, struct transport_flow *ret_flow)
{
	struct side *s = argument;
	(void)arrival;
	*ret_flow = s->other;
	return transport_flow_is_connection(s->other);
}

static inline bool on_known(void *argument, const struct transport_arrival *arrival)
{
	const struct side *s = argument;
	assert_true(arrival->message->via.branch.length > 0);
	return !s->stranger;
}

static inline void on_response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	struct side *s = argument;
	(void)client;
	s->responses++;
	s->status = arrival->message->status;
	if (s->status < 200)
		s->provisionals++;
	span_copy_to(arrival->message->bytes, s->response, sizeof(s->response));
}

static inline void on_failed(void *argument, struct transport_client *client, const struct transport_failure *failure)
{
	struct side *s = argument;
	(void)client;
	s->failures++;
	s->failure = *failure;
	if (failure->net)
		s->net = *failure->net;
}

static inline void on_client_ended(void *argument, struct transport_client *client)
{
	struct side *s = argument;
	s->client_ended++;
	transport_client_release(client);
}

static const struct transport_client_user CLIENT_USER = { on_response, on_failed, on_client_ended };

static inline void on_record(void *argument, const struct record *r)
{
	struct side *s = argument;
	s->records[r->kind]++;
	if (r->kind != RECORD_MESSAGE)
		return;
	if (r->message.direction == RECORD_SENT)
		s->records_sent++;
	else
		s->records_received++;
	span_copy_to(r->head.serial, s->serial, sizeof(s->serial));
}

static inline bool on_send(void *argument, struct span bytes)
{
	struct side *s = argument;
	span_copy_to(span_first(bytes, sizeof(s->last_sent) - 1), s->last_sent, sizeof(s->last_sent));
	if (s->lose == 0)
		return false;
	s->lose--;
	s->lost++;
	return true;
}

/* ---- life ---- */

static inline struct net_address address_of(const char *host, uint16_t port)
{
	struct net_address address;
	assert_int_equal(net_address_parse(span_of(host), port, &address), 0);
	return address;
}

static inline struct transport_params side_params(struct side *s, struct transport_listener *listeners, size_t count)
{
	for (size_t i = 0; i < count; i++)
		listeners[i].address = address_of(s->host, 0);
	s->sink = (struct record_sink){ on_record, s };
	return (struct transport_params){
		.worker_count = 1,
		.loop = s->fixture->loop,
		.random = &s->random,
		.listeners = listeners,
		.listener_count = count,
		.node = span_of(s->host),
		.bind = address_of(s->host, 0),
		.trying_us = 200 * CLOCK_MS_US,
		.token_key = { { 1, 2 } },
		.sink = &s->sink,
		.user = {
			.request = on_request,
			.ack = on_ack,
			.cancelled = on_cancelled,
			.defect = on_defect,
			.ended = on_server_ended,
			.judge = on_judge,
			.alias = on_alias,
			.known = on_known,
			.instead = on_instead,
			.closed = on_flow_closed,
			.argument = s,
		},
	};
}

static inline void side_start(struct side *s, const struct transport_params *params)
{
	size_t listener = 99;
	int status = transport_new(params, &s->transport, &listener);
	if (status < 0)
		fail_msg("listener %zu: %s", listener, strerror(-status));
	s->transport->lose = on_send;
	s->transport->lose_argument = s;
}

static inline void fixture_init(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->time = (struct clock_fake){ INT64_C(1763850000000000), 1000000 };
	f->clock = clock_of_fake(&f->time);
	assert_int_equal(net_loop_new(&f->clock, &f->loop), 0);
	f->caller.fixture = f->callee.fixture = f;
	f->caller.host = CALLER;
	f->callee.host = CALLEE;
	random_init_seed(&f->caller.random, 1);
	random_init_seed(&f->callee.random, 2);
	f->callee.answer = 200;
}

/* Both listen on UDP, TCP and, where there are contexts, TLS; adjust may change the callee's limits. */
static inline void fixture_start(
	struct fixture *f, const struct transport_limits *callee_limits, const struct transport_limits *caller_limits)
{
	struct side *sides[] = { &f->caller, &f->callee };
	for (size_t i = 0; i < 2; i++) {
		struct transport_listener listeners[] = {
			{ .protocol = TRANSPORT_UDP },
			{ .protocol = TRANSPORT_TCP },
			{ .protocol = TRANSPORT_TLS },
		};
		struct transport_params params = side_params(sides[i], listeners, f->tls[i] ? 3 : 2);
		params.tls = f->tls[i];
		const struct transport_limits *limits = i ? callee_limits : caller_limits;
		if (limits)
			params.limits = *limits;
		side_start(sides[i], &params);
	}
}

static inline void fixture_done(struct fixture *f)
{
	transport_free(f->caller.transport);
	transport_free(f->callee.transport);
	for (int i = 0; i < 10; i++)
		pump(f);
	net_loop_free(f->loop);
	net_tls_unref(f->tls[0]);
	net_tls_unref(f->tls[1]);
}

/* ---- requests ---- */

static inline const struct net_address *address_at(const struct side *s, enum transport_protocol protocol)
{
	for (size_t i = 0; i < s->transport->port_count; i++)
		if (s->transport->ports[i].protocol == protocol)
			return &s->transport->ports[i].address;
	fail_msg("no such listener");
	return &s->transport->bind;
}

static inline struct transport_target target_at(const struct side *s, enum transport_protocol protocol)
{
	return (struct transport_target){
		.protocol = protocol,
		.address = *address_at(s, protocol),
		.flow = TRANSPORT_FLOW_NONE,
	};
}

/* The Call-ID that the next request made here will have; in a static buffer. */
static inline struct span next_call_id(const struct fixture *f)
{
	static char text[32];
	snprintf(text, sizeof(text), "call-%u@test", f->serial + 1);
	return span_of(text);
}

#define LOOP_HASH "0123456789abcdef0123456789abcdef"

/* A whole request; extra are more header lines with CRLF. */
static inline size_t make_request(struct side *from, const char *method, enum transport_protocol protocol,
	const char *branch, const char *extra, char *text, size_t capacity)
{
	struct span sent_by = transport_sent_by(from->transport, protocol);
	unsigned serial = ++from->fixture->serial;

	int length = snprintf(text, capacity,
		"%s sip:2000@" CALLEE " SIP/2.0\r\n"
		"Via: SIP/2.0/%s %.*s;branch=%s;rport\r\n"
		"From: <sip:1000@" CALLER ">;tag=caller\r\n"
		"To: <sip:2000@" CALLEE ">\r\n"
		"Call-ID: call-%u@test\r\n"
		"CSeq: 1 %s\r\n"
		"Max-Forwards: 70\r\n"
		"%s"
		"Content-Length: 0\r\n\r\n",
		method, transport_protocol_name(protocol), SPAN_PRINT(sent_by), branch, serial, method,
		extra ? extra : "");
	assert_true(length > 0 && (size_t)length < capacity);
	return (size_t)length;
}

static inline int send_to(struct side *from, const char *method, const struct transport_target *target,
	const char *extra, struct transport_client **ret_client)
{
	char branch[TRANSPORT_BRANCH_LENGTH + 1];
	char text[8192];
	transport_branch_make(from->transport, SPAN(LOOP_HASH), branch);
	size_t length = make_request(from, method, target->protocol, branch, extra, text, sizeof(text));
	struct iovec part = { text, length };
	struct transport_request request = {
		.target = target,
		.parts = &part,
		.part_count = 1,
		.method = sip_method_find(span_of(method)),
		.branch = span_of(branch),
		.user = &CLIENT_USER,
		.argument = from,
		.note = &(struct transport_note){ .serial = SPAN("serial-1") },
	};
	return transport_send_request(from->transport, &request, ret_client);
}

static inline struct transport_client *send_request_to(
	struct side *from, const char *method, const struct transport_target *target)
{
	struct transport_client *client = NULL;
	assert_int_equal(send_to(from, method, target, NULL, &client), 0);
	return client;
}
#endif
