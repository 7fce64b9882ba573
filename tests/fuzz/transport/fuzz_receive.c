/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a stranger sends: a stream of messages goes through framing, parsing, transactions, a user that
 * answers, cancels and forwards, and the timers of a minute. Nothing may crash, leak or stay behind. */
#include "transport/private.h"

#include <unistd.h>

struct world {
	struct clock_fake time;
	struct clock clock;
	struct net_loop *loop;
	struct random random;
	struct transport *transport;
	unsigned number; /* of requests seen: decides what is done with one */
	struct transport_server *kept;
};

static bool lose_all(void *argument, struct span bytes)
{
	(void)argument;
	(void)bytes;
	return true; /* nothing leaves the house */
}

static void respond(struct transport_server *server, uint16_t status)
{
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	sip_draft_response(&draft, transport_server_arena(server), transport_server_request(server), status, SPAN_NONE,
		SPAN("tag"));
	int count = sip_draft_pieces(&draft, pieces, BASE_COUNT(pieces));
	if (count > 0)
		(void)transport_respond(server, status, pieces, (size_t)count);
}

static void ended(void *argument, struct transport_server *server)
{
	struct world *w = argument;
	if (w->kept == server)
		w->kept = NULL;
	transport_server_release(server);
}

static void request(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct world *w = argument;
	(void)arrival;
	static const uint16_t answers[] = { 200, 486, 180, 0, 302 };
	unsigned number = w->number++;
	uint16_t status = answers[number % BASE_COUNT(answers)];
	if (status)
		respond(server, status);
	if (status == 180) {
		w->kept = server;
		return; /* until `ended`, or the end */
	}
	transport_server_release(server);
}

static void cancelled(void *argument, struct transport_server *server, const struct transport_arrival *cancel)
{
	(void)argument;
	(void)cancel;
	respond(server, 487);
}

static void defect(void *argument, struct transport_server *server, const struct transport_arrival *arrival,
	const struct sip_defect *what)
{
	(void)argument;
	(void)arrival;
	(void)what;
	respond(server, 400);
	transport_server_release(server);
}

static void response(void *argument, struct transport_client *client, const struct transport_arrival *arrival)
{
	(void)argument;
	if (arrival->message->status == 180)
		(void)transport_cancel(client, SPAN("SIP;cause=200"));
}

static void client_ended(void *argument, struct transport_client *client)
{
	(void)argument;
	transport_client_release(client);
}

static const struct transport_client_user CLIENT_USER = { .response = response, .ended = client_ended };

/* An INVITE with a known branch waits for whatever the input answers. */
static void send_invite(struct world *w)
{
	static const char text[] = "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKours\r\n"
				   "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: ours\r\nCSeq: 1 INVITE\r\n"
				   "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n";
	struct iovec part = { (void *)(uintptr_t)text, sizeof(text) - 1 };
	struct transport_target target = { .protocol = TRANSPORT_UDP };
	struct transport_client *client;
	(void)net_address_parse(SPAN("127.0.0.1"), 9, &target.address);
	struct transport_request send = {
		.target = &target,
		.parts = &part,
		.part_count = 1,
		.method = SIP_METHOD_INVITE,
		.branch = SPAN("z9hG4bKours"),
		.user = &CLIENT_USER,
		.argument = w,
	};
	base_require(transport_send_request(w->transport, &send, &client) == 0);
}

static void world_start(struct world *w)
{
	*w = (struct world){ .time = { 1000000, 1000000 } };
	w->clock = clock_of_fake(&w->time);
	random_init_seed(&w->random, 1);
	base_require(net_loop_new(&w->clock, &w->loop) == 0);
	struct transport_params params = {
		.worker_count = 1,
		.loop = w->loop,
		.random = &w->random,
		.node = SPAN("node.example"),
		.ringing_us = 60 * CLOCK_SECOND_US,
		.limits = { .transactions = 64, .message_bytes = 16384 },
		.user = {
			.request = request,
			.cancelled = cancelled,
			.defect = defect,
			.ended = ended,
			.argument = w,
		},
	};
	base_require(transport_new(&params, &w->transport, NULL) == 0);
	w->transport->lose = lose_all;
	send_invite(w);
}

static void feed(struct world *w, struct span input)
{
	struct sip_framer framer;
	struct transport_incoming in = {
		.arrival = { .flow = { 0, 0, 0 }, .protocol = TRANSPORT_UDP, .listener = TRANSPORT_LISTENER_NONE },
	};
	(void)net_address_parse(SPAN("192.0.2.1"), 5060, &in.arrival.remote);
	sip_framer_init(&framer, (struct sip_framer_limits){ 8192, 16384 });
	bool broken = false;
	for (struct sip_frame frame; !broken && sip_framer_next(&framer, &input, &frame);) {
		if (frame.kind == SIP_FRAME_MESSAGE)
			transport_receive(w->transport, frame.bytes, &in);
		else if (frame.kind == SIP_FRAME_DEFECT)
			transport_receive_defect(w->transport, &frame, &in);
		broken = frame.kind == SIP_FRAME_DEFECT;
	}
	sip_framer_done(&framer);
}

static void live_on(struct world *w)
{
	for (int seconds = 0; seconds < 150; seconds++) {
		clock_fake_advance(&w->time, CLOCK_SECOND_US);
		wheel_advance(net_loop_wheel(w->loop), w->time.steady_us);
		(void)net_loop_turn(w->loop, 0);
		if (seconds == 60 && w->kept)
			respond(w->kept, 200);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w;
	world_start(&w);
	feed(&w, span_make((const char *)data, size));
	live_on(&w);
	/* All that the input began has come to its end, but for those that the user keeps unanswered. */
	base_require(w.transport->client_count == 0);
	transport_free(w.transport);
	net_loop_free(w.loop);
	return 0;
}
