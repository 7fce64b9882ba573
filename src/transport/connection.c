/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/mesh_private.h"

/* ---- slots ---- */

static bool slots_grow(struct transport *t)
{
	uint32_t count = t->slot_count ? t->slot_count * 2 : 64;
	struct transport_slot *slots = realloc(t->slots, count * sizeof(*slots));
	if (!slots)
		return false;
	for (uint32_t i = t->slot_count; i < count; i++)
		slots[i] = (struct transport_slot){ .generation = t->first_generation,
			.next_free = i + 1 < count ? i + 1 : TRANSPORT_SLOT_NONE };
	t->slot_free = t->slot_count;
	t->slots = slots;
	t->slot_count = count;
	return true;
}

static bool slot_take(struct transport *t, struct transport_connection *c)
{
	if (t->slot_free == TRANSPORT_SLOT_NONE && !slots_grow(t))
		return false;
	c->slot = t->slot_free;
	struct transport_slot *slot = &t->slots[c->slot];
	t->slot_free = slot->next_free;
	if (++slot->generation == 0)
		slot->generation = 1; /* 0 means "no connection" */
	slot->connection = c;
	c->generation = slot->generation;
	return true;
}

static void slot_give(struct transport_connection *c)
{
	struct transport *t = c->transport;
	t->slots[c->slot].connection = NULL;
	t->slots[c->slot].next_free = t->slot_free;
	t->slot_free = c->slot;
}

/* ---- inbound connections by address ---- */

struct transport_peer {
	struct hash_link link;
	struct net_address host; /* port 0 */
	size_t count;
};

static struct transport_peer *peer_find(struct transport *t, const struct net_address *host, uint64_t hash)
{
	for (struct hash_link *link = hash_first(&t->peers, hash); link; link = hash_next(link)) {
		struct transport_peer *peer = base_container(link, struct transport_peer, link);
		if (net_address_equal(&peer->host, host))
			return peer;
	}
	return NULL;
}

static struct net_address host_only(const struct net_address *address)
{
	struct net_address host = *address;
	net_address_set_port(&host, 0);
	return host;
}

static uint64_t hash_of(const struct transport *t, const struct net_address *address)
{
	unsigned char bytes[24];
	return hash_keyed(&t->token_key, net_address_key(address, bytes));
}

/* False where the address has as many connections as one may have. */
static bool peer_enter(struct transport *t, const struct net_address *remote)
{
	if (t->limits.connections_per_peer == 0)
		return true;
	struct net_address host = host_only(remote);
	uint64_t hash = hash_of(t, &host);
	struct transport_peer *peer = peer_find(t, &host, hash);
	if (!peer) {
		peer = calloc(1, sizeof(*peer));
		if (!peer || hash_insert(&t->peers, &peer->link, hash) < 0) {
			free(peer);
			return false;
		}
		peer->host = host;
	}
	if (peer->count >= t->limits.connections_per_peer)
		return false;
	peer->count++;
	return true;
}

static void peer_leave(struct transport *t, const struct net_address *remote)
{
	if (t->limits.connections_per_peer == 0)
		return;
	struct net_address host = host_only(remote);
	struct transport_peer *peer = peer_find(t, &host, hash_of(t, &host));
	if (!peer || --peer->count > 0)
		return;
	hash_remove(&t->peers, &peer->link);
	free(peer);
}

void transport_connection_leave(const struct transport_connection *c)
{
	if (c->inbound)
		peer_leave(c->transport, net_stream_remote(c->stream));
}

/* ---- life ---- */

static void message_overdue(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	struct transport_connection *c = base_container(timer, struct transport_connection, message_timer);
	transport_count(&c->transport->counters.connections_closed_stalled, 1);
	c->stalled = true;
	c->ended = true;
	transport_pool_remove(c);
	net_stream_abort(c->stream);
}

/* A tenth is for those we open: whoever fills us with connections cannot keep us from our own. */
static bool has_room_inbound(const struct transport *t)
{
	return t->connection_count < t->limits.connections - t->limits.connections / 10;
}

struct transport_connection *transport_connection_new(struct transport *t, enum transport_protocol protocol)
{
	if (t->connection_count >= t->limits.connections)
		return NULL;
	struct transport_connection *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->transport = t;
	c->protocol = protocol;
	c->listener = TRANSPORT_LISTENER_NONE;
	c->started_us = net_loop_now_us(t->loop);
	if (!slot_take(t, c)) {
		free(c);
		return NULL;
	}
	list_init(&c->waiting);
	list_init(&c->clients);
	wheel_timer_init(&c->message_timer, message_overdue);
	sip_framer_init(
		&c->framer, (struct sip_framer_limits){ t->limits.message_bytes < SIP_FRAMER_LIMITS_DEFAULT.head_maximum
								? t->limits.message_bytes
								: SIP_FRAMER_LIMITS_DEFAULT.head_maximum,
				    t->limits.message_bytes });
	t->connection_count++;
	transport_count(&t->counters.connections, 1);
	return c;
}

void transport_connection_free(struct transport_connection *c)
{
	struct transport *t = c->transport;
	wheel_disarm(t->wheel, &c->message_timer);
	transport_pool_remove(c);
	sip_framer_done(&c->framer);
	transport_facts_unref(c->facts);
	slot_give(c);
	free(c->texts);
	free(c);
	t->connection_count--;
	transport_count(&t->counters.connections, (uint64_t)-1);
}

void *transport_connection_accepted(void *argument, struct net_stream *stream, bool *ret_accept)
{
	struct transport_port *port = argument;
	struct transport *t = port->transport;
	*ret_accept = false;
	if (t->draining || !has_room_inbound(t) || !peer_enter(t, net_stream_remote(stream))) {
		transport_count(&t->counters.connections_refused, 1);
		return NULL;
	}
	struct transport_connection *c = transport_connection_new(t, port->protocol);
	if (!c) {
		peer_leave(t, net_stream_remote(stream));
		transport_count(&t->counters.connections_refused, 1);
		return NULL;
	}
	c->stream = stream;
	c->inbound = true;
	c->listener = port->index;
	transport_count(&t->counters.connections_accepted, 1);
	transport_record_connection(c, RECORD_CONNECTION_ACCEPTED, NULL);
	*ret_accept = true;
	return c;
}

struct transport_connection *transport_connection_find(const struct transport *t, struct transport_flow flow)
{
	if (flow.worker != t->worker || !transport_flow_is_connection(flow) || flow.slot >= t->slot_count)
		return NULL;
	struct transport_connection *c = t->slots[flow.slot].connection;
	return c && c->generation == flow.generation && !c->ended ? c : NULL;
}

void transport_connection_describe(const struct transport_connection *c, struct transport_incoming *ret_in)
{
	*ret_in = (struct transport_incoming){
		.arrival = {
			.flow = transport_connection_flow(c),
			.protocol = c->protocol,
			.local = *net_stream_local(c->stream),
			.remote = *net_stream_remote(c->stream),
			.tls = net_stream_tls_facts(c->stream),
			.listener = c->listener,
			.target_name = c->inbound ? SPAN_NONE : c->key.name,
			.target_mark = c->inbound ? 0 : c->key.mark,
			.received_us = clock_wall_us(c->transport->clock),
		},
		.connection = c->transport->slots[c->slot].connection,
	};
}

void transport_connection_close(struct transport_connection *c)
{
	if (c->ended)
		return;
	c->ended = true;
	transport_pool_remove(c);
	net_stream_close(c->stream);
}

int transport_connection_write(struct transport_connection *c, const struct iovec *parts, size_t part_count)
{
	if (c->ended)
		return -EPIPE;
	int status = net_stream_write(c->stream, parts, part_count);
	if (status == -ENOBUFS) {
		/* The peer takes nothing: what waits can only grow old. */
		transport_count(&c->transport->counters.connections_closed_stalled, 1);
		c->stalled = true;
		c->ended = true;
		transport_pool_remove(c);
		net_stream_abort(c->stream);
	}
	if (status == 0)
		transport_count(&c->transport->counters.bytes_sent, transport_parts_length(parts, part_count));
	return status;
}

/* ---- what the stream tells ---- */

static void on_opened(struct net_stream *stream, void *argument)
{
	(void)stream;
	struct transport_connection *c = argument;
	struct transport *t = c->transport;
	c->opened = true;
	if (c->protocol == TRANSPORT_TLS)
		transport_record_handshake(c, NULL);
	if (c->inbound) {
		/* Whoever connects has something to say; one who does not holds memory for nothing. */
		wheel_arm(t->wheel, &c->message_timer, net_loop_now_us(t->loop) + t->limits.message_us);
		return;
	}
	transport_count(&t->counters.connections_opened, 1);
	transport_record_connection(c, RECORD_CONNECTION_OPENED, NULL);
	transport_pool_opened(c);
}

static void frame_handle(struct transport_connection *c, const struct sip_frame *frame, struct transport_incoming *in)
{
	struct transport *t = c->transport;
	static const char pong[] = "\r\n";
	switch (frame->kind) {
	case SIP_FRAME_MESSAGE:
		transport_receive(t, frame->bytes, in);
		break;
	case SIP_FRAME_PING: /* RFC 5626 4.4.1 */
		transport_count(&t->counters.pings, 1);
		(void)transport_connection_write(c, &(struct iovec){ (void *)(uintptr_t)pong, sizeof(pong) - 1 }, 1);
		break;
	case SIP_FRAME_PONG:
		break;
	case SIP_FRAME_DEFECT:
		transport_receive_defect(t, frame, in);
		transport_connection_close(c);
		break;
	}
}

static void on_received(struct net_stream *stream, void *argument, struct span bytes)
{
	(void)stream;
	struct transport_connection *c = argument;
	struct transport *t = c->transport;
	transport_count(&t->counters.bytes_received, bytes.length);
	struct transport_incoming in;
	transport_connection_describe(c, &in);
	bool whole = false;
	for (struct sip_frame frame; !c->ended && sip_framer_next(&c->framer, &bytes, &frame);) {
		whole = true;
		c->heard = true;
		frame_handle(c, &frame, &in);
	}
	if (c->ended) {
		wheel_disarm(t->wheel, &c->message_timer);
		return;
	}
	/* One deadline for each message, however slowly its bytes drip in. */
	if (whole)
		wheel_disarm(t->wheel, &c->message_timer);
	if (sip_framer_pending(&c->framer) > 0 && !wheel_is_armed(&c->message_timer))
		wheel_arm(t->wheel, &c->message_timer, net_loop_now_us(t->loop) + t->limits.message_us);
}

static void count_end(struct transport_connection *c, const struct net_failure *why)
{
	struct transport_atomic_counters *counters = &c->transport->counters;
	if (!c->opened && !c->inbound)
		transport_count(&counters->connections_failed, 1);
	if (why->stage == NET_STAGE_HANDSHAKE || why->stage == NET_STAGE_AFTER_HANDSHAKE)
		transport_count(&counters->handshakes_failed, 1);
	if (why->cause == NET_CAUSE_IDLE)
		transport_count(&counters->connections_closed_idle, 1);
	if (why->cause == NET_CAUSE_STALL || (why->cause == NET_CAUSE_TIMEOUT && c->inbound))
		transport_count(&counters->connections_closed_stalled, 1);
}

/* Other workers hold client transactions that are not in our list. */
static void tell_workers(const struct transport_connection *c)
{
	struct transport *t = c->transport;
	for (uint16_t to = 0; c->shared && to < t->worker_count; to++)
		if (to != t->worker)
			transport_mesh_lost(t, to, transport_connection_flow(c));
}

static void on_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	struct transport_connection *c = argument;
	c->ended = true;
	count_end(c, why);
	bool in_handshake = why->stage == NET_STAGE_HANDSHAKE || why->stage == NET_STAGE_AFTER_HANDSHAKE;
	if (in_handshake && !net_failure_is_orderly(why))
		transport_record_handshake(c, why);
	transport_record_connection(
		c, c->opened || c->inbound ? RECORD_CONNECTION_CLOSED : RECORD_CONNECTION_FAILED, why);
	transport_pool_remove(c);
	transport_pool_closed(c, why);
	tell_workers(c);
	if (c->transport->user.closed && (c->opened || c->inbound))
		c->transport->user.closed(c->transport->user.argument, transport_connection_flow(c), why);
	transport_connection_leave(c);
	transport_connection_free(c);
}

const struct net_stream_events transport_connection_events = {
	.opened = on_opened,
	.received = on_received,
	.closed = on_closed,
};

/* ---- flows for the user ---- */

int transport_flow_describe(
	const struct transport *t, struct transport_flow flow, struct transport_arrival *ret_arrival)
{
	struct transport_connection *c = transport_connection_find(t, flow);
	if (!c)
		return -ENOTCONN;
	struct transport_incoming in;
	transport_connection_describe(c, &in);
	*ret_arrival = in.arrival;
	return 0;
}

int transport_flow_find(
	const struct transport *t, struct span token, struct span call_id, struct transport_flow *ret_flow)
{
	struct transport_flow flow;
	int status = transport_token_parse(&t->token_key, token, call_id, &flow);
	if (status < 0)
		return status;
	*ret_flow = flow;
	if (flow.worker != t->worker || !transport_flow_is_connection(flow))
		return 0;
	return transport_connection_find(t, flow) ? 0 : -ENOTCONN;
}

void transport_flow_token(const struct transport *t, struct transport_flow flow, struct span call_id,
	char ret_text[TRANSPORT_TOKEN_LENGTH + 1])
{
	transport_token_write(&t->token_key, flow, call_id, ret_text);
}

struct transport_facts *transport_incoming_facts(const struct transport_incoming *in)
{
	if (in->facts || !in->connection || !in->arrival.tls)
		return in->facts;
	if (!in->connection->facts)
		in->connection->facts = transport_facts_new(in->arrival.tls);
	return in->connection->facts;
}
