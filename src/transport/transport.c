/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/transport.h"

#include "transport/mesh_private.h"

/* ---- end of turn ---- */

void transport_defer(struct transport *t, struct transport_deferred *deferred)
{
	if (list_is_empty(&deferred->link))
		list_append(&t->deferred, &deferred->link);
}

static void drain_look(struct transport *t);

static void turn_ends(void *argument)
{
	struct transport *t = argument;
	while (!list_is_empty(&t->deferred)) {
		struct transport_deferred *deferred = base_container(t->deferred.next, struct transport_deferred, link);
		list_remove(&deferred->link);
		deferred->run(deferred);
	}
	if (t->draining)
		drain_look(t);
}

struct span transport_parts_copy(struct arena *a, const struct iovec *parts, size_t part_count)
{
	size_t length = transport_parts_length(parts, part_count);
	char *bytes = arena_allocate(a, length + 1);
	if (!bytes)
		return SPAN_NONE;
	char *out = bytes;
	for (size_t i = 0; i < part_count; i++) {
		memcpy(out, parts[i].iov_base, parts[i].iov_len);
		out += parts[i].iov_len;
	}
	*out = '\0';
	return span_make(bytes, length);
}

/* ---- settings ---- */

static size_t or_size(size_t value, size_t otherwise)
{
	return value ? value : otherwise;
}

static int64_t or_time(int64_t value, int64_t otherwise)
{
	return value ? value : otherwise;
}

static struct transport_limits limits_of(const struct transport_limits *given)
{
	return (struct transport_limits){
		.message_bytes = or_size(given->message_bytes, 65536),
		.connections = or_size(given->connections, 10000),
		.connections_per_peer = given->connections_per_peer,
		.transactions = or_size(given->transactions, 200000),
		.waiting = or_size(given->waiting, 1000),
		.output_bytes = or_size(given->output_bytes, (size_t)8 << 20),
		.connect_us = or_time(given->connect_us, 4 * CLOCK_SECOND_US),
		.handshake_us = or_time(given->handshake_us, 10 * CLOCK_SECOND_US),
		.idle_us = or_time(given->idle_us, 3600 * CLOCK_SECOND_US),
		.message_us = or_time(given->message_us, 30 * CLOCK_SECOND_US),
		.arena_bytes = or_size(given->arena_bytes, (size_t)1 << 20),
	};
}

static struct sip_timers timers_of(const struct transport_params *params)
{
	struct sip_timers timers = sip_timers_standard();
	if (params->t1_us) {
		timers.t1_us = params->t1_us;
		timers.d_us = 64 * params->t1_us; /* RFC 3261 17.1.1.2: 32 s, which is 64·T1 */
	}
	timers.t2_us = or_time(params->t2_us, timers.t2_us);
	timers.t4_us = or_time(params->t4_us, timers.t4_us);
	timers.trying_us = params->trying_us;
	timers.c_us = params->ringing_us;
	return timers;
}

/* ---- listeners ---- */

int transport_listener_probe(const struct transport_listener *listener)
{
	int type = listener->protocol == TRANSPORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
	return net_port_probe(&listener->address, type);
}

static char *sent_by_of(const struct transport *t, const struct transport_listener *listener)
{
	if (listener->sent_by.at)
		return span_copy(listener->sent_by);
	char *text = NULL;
	if (asprintf(&text, "%s:%u", t->node, (unsigned)net_address_port(&listener->address)) < 0)
		return NULL;
	return text;
}

static int listen_stream(struct transport_port *port)
{
	struct transport *t = port->transport;
	if (port->protocol == TRANSPORT_TLS && !t->tls)
		return -EINVAL;
	struct net_listen listen = {
		.local = port->address,
		.shared = t->worker_count > 1,
		/* One more than ever are: transport_connection_accepted refuses, and counts it. */
		.connection_maximum = t->limits.connections + 1,
		.tls = port->protocol == TRANSPORT_TLS ? t->tls : NULL,
		.limits = { 0, t->limits.handshake_us, t->limits.idle_us, 0, t->limits.output_bytes },
		.events = &transport_connection_events,
		.accepted = transport_connection_accepted,
		.argument = port,
	};
	int status = net_listener_open(t->loop, &listen, &port->listener);
	if (status == 0)
		port->address = *net_listener_local(port->listener);
	return status;
}

static int port_open(struct transport *t, uint16_t index, const struct transport_listener *listener)
{
	struct transport_port *port = &t->ports[index];
	*port = (struct transport_port){
		.transport = t,
		.protocol = listener->protocol,
		.index = index,
		.address = listener->address,
	};
	int status;
	if (port->protocol == TRANSPORT_UDP)
		status = transport_datagram_open(port, t->worker_count > 1);
	else
		status = listen_stream(port);
	if (status < 0) {
		*port = (struct transport_port){ .protocol = TRANSPORT_ANY };
		return status;
	}
	if (index >= t->port_count)
		t->port_count = index + 1u;
	struct transport_listener bound = *listener;
	bound.address = port->address;
	port->sent_by = sent_by_of(t, &bound);
	return port->sent_by ? 0 : -ENOMEM;
}

static void port_stop_listening(struct transport_port *port)
{
	if (port->listener)
		net_listener_close(port->listener);
	port->listener = NULL;
}

static void port_close(struct transport_port *port)
{
	port_stop_listening(port);
	if (port->udp)
		net_udp_close(port->udp);
	port->udp = NULL;
	free(port->sent_by);
	port->sent_by = NULL;
}

static int ports_open(struct transport *t, const struct transport_params *params, size_t *reterr_listener)
{
	for (size_t i = 0; i < params->listener_count; i++) {
		int status = i < TRANSPORT_LISTENER_MAXIMUM ? port_open(t, (uint16_t)i, &params->listeners[i]) : -E2BIG;
		if (status == 0)
			continue;
		if (reterr_listener)
			*reterr_listener = i;
		return status;
	}
	return 0;
}

int transport_listener_open(struct transport *t, uint16_t index, const struct transport_listener *listener)
{
	if (index >= TRANSPORT_LISTENER_MAXIMUM)
		return -E2BIG;
	if (t->ports[index].protocol != TRANSPORT_ANY)
		return -EBUSY;
	return t->draining ? -ESHUTDOWN : port_open(t, index, listener);
}

void transport_listener_close(struct transport *t, uint16_t index)
{
	if (index >= t->port_count || t->ports[index].protocol == TRANSPORT_ANY)
		return;
	port_close(&t->ports[index]);
	t->ports[index].protocol = TRANSPORT_ANY;
	for (uint32_t i = 0; i < t->slot_count; i++) {
		struct transport_connection *c = t->slots[i].connection;
		if (c && c->inbound && c->listener == index)
			transport_connection_close(c);
	}
}

/* ---- life ---- */

static int tables_init(struct transport *t)
{
	size_t transactions = t->limits.transactions;
	int status = sip_transaction_table_init(&t->table, random_hash_key(t->random), transactions);
	if (status == 0)
		status = hash_init(&t->datagram_clients, transactions);
	if (status == 0)
		status = hash_init(&t->pool, t->limits.connections);
	if (status == 0)
		status = hash_init(&t->aliases, t->limits.connections);
	if (status == 0)
		status = hash_init(&t->peers, t->limits.connections);
	return status;
}

static void lists_init(struct transport *t)
{
	list_init(&t->servers);
	list_init(&t->clients);
	list_init(&t->remote_clients);
	list_init(&t->server_pool);
	list_init(&t->client_pool);
	list_init(&t->deferred);
	list_init(&t->fallbacks);
	transport_offers_init(t);
	buffer_init(&t->scratch, 1 << 20);
	t->slot_free = TRANSPORT_SLOT_NONE;
	t->first_generation = (uint32_t)random_u64(t->random);
	t->trust_generation = 1;
	t->hook = (struct net_hook){ .run = turn_ends, .argument = t };
	net_loop_add_hook(t->loop, &t->hook);
}

static void settle(struct transport *t, const struct transport_params *params)
{
	t->worker = params->worker;
	t->worker_count = params->worker_count ? params->worker_count : 1;
	t->mesh = t->worker_count > 1 ? params->mesh : NULL;
	t->loop = params->loop;
	t->wheel = net_loop_wheel(params->loop);
	t->clock = net_loop_clock(params->loop);
	t->resolver = params->resolver;
	t->random = params->random;
	t->tls = params->tls ? net_tls_ref(params->tls) : NULL;
	t->bind = params->bind;
	t->limits = limits_of(&params->limits);
	t->timers = timers_of(params);
	t->accepted_us = or_time(params->accepted_us, 5 * CLOCK_SECOND_US);
	t->token_key = params->token_key;
	t->sink = params->sink;
	t->user = params->user;
	base_require(t->user.request && t->worker < t->worker_count && t->worker_count <= 256);
}

int transport_new(const struct transport_params *params, struct transport **ret_transport, size_t *reterr_listener)
{
	struct transport *t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	settle(t, params);
	lists_init(t);
	t->node = span_copy(params->node.at ? params->node : SPAN("localhost"));
	int status = t->node ? tables_init(t) : -ENOMEM;
	if (status == 0)
		status = ports_open(t, params, reterr_listener);
	if (status < 0) {
		transport_free(t);
		return status;
	}
	if (t->mesh)
		transport_mesh_join(t);
	*ret_transport = t;
	return 0;
}

/* What still happens to a stream must not reach what has been freed. */
static void nothing_opened(struct net_stream *stream, void *argument)
{
	(void)stream;
	(void)argument;
}

static void nothing_received(struct net_stream *stream, void *argument, struct span bytes)
{
	(void)stream;
	(void)argument;
	(void)bytes;
}

static void nothing_closed(struct net_stream *stream, void *argument, const struct net_failure *why)
{
	(void)stream;
	(void)argument;
	(void)why;
}

static const struct net_stream_events NO_EVENTS = {
	.opened = nothing_opened,
	.received = nothing_received,
	.closed = nothing_closed,
};

static void connections_done(struct transport *t)
{
	for (uint32_t i = 0; i < t->slot_count; i++) {
		struct transport_connection *c = t->slots[i].connection;
		if (!c)
			continue;
		while (!list_is_empty(&c->waiting))
			transport_pool_drop(c);
		if (c->stream) {
			transport_connection_leave(c);
			net_stream_set_events(c->stream, &NO_EVENTS, NULL);
			net_stream_abort(c->stream);
		}
		transport_connection_free(c);
	}
	free(t->slots);
}

struct transport *transport_free(struct transport *t)
{
	if (!t)
		return NULL;
	if (t->mesh)
		transport_mesh_leave(t);
	list_remove(&t->hook.link);
	wheel_disarm(t->wheel, &t->drain_timer);
	transport_offers_done(t);
	transport_fallbacks_done(t);
	transport_clients_done(t);
	transport_servers_done(t);
	for (size_t i = 0; i < t->port_count; i++)
		port_close(&t->ports[i]);
	for (size_t i = 0; i < BASE_COUNT(t->outgoing); i++)
		port_close(&t->outgoing[i]);
	connections_done(t);
	while (t->spare_count > 0)
		arena_done(&t->spare[--t->spare_count]);
	sip_transaction_table_done(&t->table);
	hash_done(&t->datagram_clients);
	hash_done(&t->pool);
	hash_done(&t->aliases);
	hash_done(&t->peers);
	buffer_done(&t->scratch);
	net_tls_unref(t->tls);
	free(t->node);
	free(t);
	return NULL;
}

/* ---- draining ---- */

static void drain_end(struct transport *t)
{
	void (*drained)(void *) = t->drained;
	t->drained = NULL;
	wheel_disarm(t->wheel, &t->drain_timer);
	if (drained)
		drained(t->drained_argument);
}

static void drain_look(struct transport *t)
{
	if (t->drained && t->server_count == 0 && t->client_count == 0)
		drain_end(t);
}

#define DRAIN_LOOK_US (100 * CLOCK_MS_US)

/* Behind the last final answer: time for its ACK, and for giving it once or twice more where a datagram was lost. The
 * timers of RFC 3261 17.2 would take half a minute. */
static int64_t drain_linger_us(const struct transport *t)
{
	return 4 * t->timers.t1_us;
}

static void drain_tick(struct wheel_timer *timer, int64_t now_us)
{
	struct transport *t = base_container(timer, struct transport, drain_timer);
	if (transport_servers_wait(t) || transport_clients_wait(t))
		t->drain_quiet_us = now_us + drain_linger_us(t);
	int64_t end_us = t->drain_quiet_us < t->drain_deadline_us ? t->drain_quiet_us : t->drain_deadline_us;
	if (now_us >= end_us)
		drain_end(t);
	else
		wheel_arm(t->wheel, timer, end_us < now_us + DRAIN_LOOK_US ? end_us : now_us + DRAIN_LOOK_US);
}

void transport_drain(struct transport *t, int64_t deadline_us, void (*done)(void *argument), void *argument)
{
	t->draining = true;
	t->drained = done;
	t->drained_argument = argument;
	for (size_t i = 0; i < t->port_count; i++)
		port_stop_listening(&t->ports[i]);
	int64_t now_us = net_loop_now_us(t->loop);
	t->drain_deadline_us = deadline_us;
	t->drain_quiet_us = now_us + drain_linger_us(t);
	wheel_timer_init(&t->drain_timer, drain_tick);
	/* With no transaction at all it is over after this turn (drain_look), and one must come. */
	wheel_arm(t->wheel, &t->drain_timer, now_us);
}

/* ---- words ---- */

void transport_branch_make(struct transport *t, struct span loop_hash, char ret_text[TRANSPORT_BRANCH_LENGTH + 1])
{
	base_require(loop_hash.length == TRANSPORT_LOOP_HASH_LENGTH);
	static const char hex[] = "0123456789abcdef";
	memcpy(ret_text, "z9hG4bK", 7);
	ret_text[7] = hex[t->worker >> 4 & 15];
	ret_text[8] = hex[t->worker & 15];
	random_hex(t->random, 32, ret_text + 9);
	ret_text[41] = '.';
	memcpy(ret_text + 42, loop_hash.at, TRANSPORT_LOOP_HASH_LENGTH);
	ret_text[TRANSPORT_BRANCH_LENGTH] = '\0';
}

struct span transport_sent_by(const struct transport *t, enum transport_protocol protocol)
{
	for (size_t i = 0; i < t->port_count; i++)
		if (t->ports[i].protocol == protocol)
			return span_of(t->ports[i].sent_by);
	return span_of(t->node);
}

static struct span without_brackets(struct span host)
{
	bool bracketed = host.length > 2 && host.at[0] == '[' && host.at[host.length - 1] == ']';
	return bracketed ? span_make(host.at + 1, host.length - 2) : host;
}

/* host of "host:port" or "[v6]:port" */
static struct span host_of(struct span sent_by)
{
	if (sent_by.length > 0 && sent_by.at[0] == '[')
		return span_make(sent_by.at + 1, span_find(sent_by, ']') - 1);
	return span_first(sent_by, span_find(sent_by, ':'));
}

static bool is_host_of(const struct transport *t, const struct transport_port *port, struct span host)
{
	struct net_address numeric;
	if (net_address_parse(host, 0, &numeric) == 0)
		return net_address_equal_host(&numeric, &port->address);
	return span_is_nocase(host, t->node) || span_equal_nocase(host, host_of(span_of(port->sent_by)));
}

bool transport_is_our_address(const struct transport *t, struct span host, uint16_t port)
{
	host = without_brackets(host);
	for (size_t i = 0; i < t->port_count; i++) {
		const struct transport_port *ours = &t->ports[i];
		if (ours->protocol == TRANSPORT_ANY)
			continue;
		uint16_t wanted = port ? port : transport_protocol_port(ours->protocol);
		if (wanted == net_address_port(&ours->address) && is_host_of(t, ours, host))
			return true;
	}
	/* The bare name stands for the node wherever it listens. */
	return port == 0 && span_is_nocase(host, t->node);
}

#define DATAGRAM_COMFORTABLE 1300 /* RFC 3261 18.1.1 */

bool transport_target_switch(struct transport_target *target, size_t message_bytes)
{
	if (target->protocol != TRANSPORT_UDP || !(target->flags & TRANSPORT_TARGET_MAY_SWITCH) ||
		message_bytes <= DATAGRAM_COMFORTABLE)
		return false;
	target->protocol = TRANSPORT_TCP;
	return true;
}

const char *transport_failed_name(enum transport_failed kind)
{
	static const char *const names[] = {
		[TRANSPORT_FAILED_TIMEOUT] = "timeout",
		[TRANSPORT_FAILED_CONNECT] = "connect",
		[TRANSPORT_FAILED_HANDSHAKE] = "handshake",
		[TRANSPORT_FAILED_JUDGED] = "judged",
		[TRANSPORT_FAILED_LOST] = "lost",
		[TRANSPORT_FAILED_FLOW] = "flow",
		[TRANSPORT_FAILED_LIMIT] = "limit",
		[TRANSPORT_FAILED_SEND] = "send",
		[TRANSPORT_FAILED_CANCELLED] = "cancelled",
	};
	return kind < BASE_COUNT(names) && names[kind] ? names[kind] : "?";
}

void transport_counters(const struct transport *t, struct transport_counters *ret_counters)
{
#define X(name) ret_counters->name = atomic_load_explicit(&t->counters.name, memory_order_relaxed);
	TRANSPORT_COUNTERS(X)
	X(connections)
	X(server_transactions)
	X(client_transactions)
#undef X
}
