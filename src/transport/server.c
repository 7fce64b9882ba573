/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/private.h"

struct transport_server {
	struct sip_transaction transaction;
	struct transport *transport;
	struct list link; /* transport.servers, or transport.server_pool */
	struct transport_deferred deferred;
	struct arena arena;
	struct transport_arrival arrival;
	struct net_stream *stream; /* keeps the connection's facts readable; or */
	struct transport_facts *facts; /* the facts that came with it from another worker */
	struct transport_note note;
	void *context;
	struct span response; /* the last one, for the machine to send again */
	struct span trying; /* the 100 that we make ourselves */
	char *provisional; /* in the arena: room for the newest one, used again by the next */
	size_t provisional_capacity;
	struct sip_message *stub; /* what is left of the request when it only lingers */
	const struct iovec *parts; /* the response just being given */
	size_t part_count;
	struct transport_incoming *incoming; /* the message just being worked off */
	int send_status;
	unsigned holds;
	bool alive; /* the machine, or the one answer of a stateless one, is still to come */
	bool stateless; /* no machine: malformed, never answered, or a stranger's datagram */
	bool stranger; /* see transport_user.known */
	bool answered;
	bool told; /* of its end */
};

#define POOL_MAXIMUM 4096

/* ---- objects ---- */

static void finished(struct transport_deferred *deferred);

static struct transport_server *server_take(struct transport *t)
{
	struct transport_server *s;
	if (!list_is_empty(&t->server_pool)) {
		s = base_container(t->server_pool.next, struct transport_server, link);
		list_remove(&s->link);
		t->server_pool_count--;
		memset(s, 0, sizeof(*s));
	} else {
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
	}
	transport_arena_take(t, &s->arena);
	s->transport = t;
	list_init(&s->deferred.link);
	s->deferred.run = finished;
	list_append(&t->servers, &s->link);
	t->server_count++;
	transport_count(&t->counters.server_transactions, 1);
	return s;
}

static void server_give(struct transport_server *s)
{
	struct transport *t = s->transport;
	list_remove(&s->link);
	list_remove(&s->deferred.link);
	if (s->stream)
		net_stream_unref(s->stream);
	transport_facts_unref(s->facts);
	transport_arena_give(t, &s->arena);
	free(s->stub);
	t->server_count--;
	transport_count(&t->counters.server_transactions, (uint64_t)-1);
	if (t->server_pool_count < POOL_MAXIMUM) {
		list_insert_before(t->server_pool.next, &s->link); /* the warmest first */
		t->server_pool_count++;
	} else {
		free(s);
	}
}

/* Most of a transaction's life is waiting for repetitions that never come (Timers L, J, H), and nobody
 * needs its request any more: what the table, the response's way and the records need is kept in
 * one small piece, the arena serves the next request while it is still in the caches. RFC 2543's
 * matching looks at everything, so there it stays. */
static void server_linger(struct transport_server *s)
{
	const struct sip_message *request = s->arrival.message;
	if (s->stub || !s->answered || s->stateless || !sip_via_has_cookie(&request->via))
		return;
	struct sip_via via = {
		.host = request->via.host,
		.branch = request->via.branch,
		.received = request->via.received,
		.transport = request->via.transport,
		.port = request->via.port,
		.rport = request->via.rport,
		.has_rport = request->via.has_rport,
		.is_ipv6 = request->via.is_ipv6,
	};
	struct span method_name = request->method_name;
	struct span response = s->response;
	struct span target_name = s->arrival.target_name;
	struct transport_note note = s->note;
	struct span *const texts[] = { &via.host, &via.branch, &via.received, &method_name, &response, &target_name,
		&note.serial, &note.tag, &note.local_session, &note.remote_session, &note.peer, &note.zone };
	size_t head = offsetof(struct sip_message, headers);
	struct sip_message *stub = transport_compact(head, texts, BASE_COUNT(texts));
	if (!stub)
		return;
	memset(stub, 0, head);
	stub->is_request = true;
	stub->method = request->method;
	stub->method_name = method_name;
	stub->via = via;
	s->stub = stub;
	s->response = response;
	s->trying = SPAN_NONE;
	s->provisional = NULL;
	s->provisional_capacity = 0;
	s->note = note;
	s->arrival.message = stub;
	s->arrival.target_name = target_name;
	s->transaction.request = stub;
	s->transaction.branch = via.branch;
	s->transaction.method_name = method_name;
	transport_arena_give(s->transport, &s->arena);
}

static void finished(struct transport_deferred *deferred)
{
	struct transport_server *s = base_container(deferred, struct transport_server, deferred);
	struct transport *t = s->transport;
	if (!s->alive && s->holds > 0 && !s->told) {
		s->told = true;
		if (t->user.ended)
			t->user.ended(t->user.argument, s);
	}
	if (s->holds > 0)
		return;
	if (s->alive)
		server_linger(s);
	else
		server_give(s);
}

static void server_end(struct transport_server *s)
{
	if (!s->alive)
		return;
	s->alive = false;
	if (!s->stateless)
		sip_transaction_drop(&s->transaction, &s->transport->table, s->transport->wheel);
	transport_defer(s->transport, &s->deferred);
}

bool transport_servers_wait(const struct transport *t)
{
	list_each (link, &t->servers) {
		const struct transport_server *s = base_container(link, struct transport_server, link);
		if (s->alive && !s->answered && !s->stateless)
			return true;
	}
	return false;
}

void transport_servers_done(struct transport *t)
{
	list_each_safe (link, following, &t->servers) {
		struct transport_server *s = base_container(link, struct transport_server, link);
		server_end(s);
		server_give(s);
	}
	list_each_safe (link, following, &t->server_pool) {
		free(base_container(link, struct transport_server, link));
	}
}

/* ---- sending ---- */

static bool is_known(const struct transport *t, const struct transport_arrival *arrival)
{
	return !t->user.known || t->user.known(t->user.argument, arrival);
}

static struct net_address response_address(const struct transport_server *s)
{
	if (s->arrival.protocol != TRANSPORT_UDP || s->stranger)
		return s->arrival.remote;
	return transport_response_address(&s->arrival.message->via, &s->arrival.remote);
}

/* Over the sender's other connection, if there is one: true where it could be sent there. */
static bool send_instead(struct transport_server *s, const struct iovec *parts, size_t part_count)
{
	struct transport *t = s->transport;
	struct transport_flow flow;
	if (!t->user.instead || !t->user.instead(t->user.argument, &s->arrival, &flow) ||
		transport_flow_equal(flow, s->arrival.flow))
		return false;
	struct transport_way way = { .flow = flow, .remote = s->arrival.remote };
	s->send_status = transport_send_flow(t, &way, parts, part_count);
	if (s->send_status == 0)
		s->arrival.flow = flow;
	return s->send_status == 0;
}

static void record_sent(const struct transport_server *s, const struct net_address *remote, const struct iovec *parts,
	size_t part_count)
{
	struct transport_arrival way = s->arrival;
	way.remote = *remote;
	transport_record_message(s->transport, RECORD_SENT, &way, &s->note, parts, part_count);
}

static void server_send(struct transport_server *s, const struct iovec *parts, size_t part_count)
{
	struct transport *t = s->transport;
	bool elsewhere = s->arrival.flow.worker != t->worker;
	bool stream = s->arrival.protocol != TRANSPORT_UDP;
	struct transport_way way_back = {
		.flow = s->arrival.flow,
		.remote = response_address(s),
		.may_change = elsewhere && stream && is_known(t, &s->arrival),
	};
	/* Whether a connection of another worker stands is not known here; what was made instead of it is. */
	if (elsewhere && stream && send_instead(s, parts, part_count)) {
		record_sent(s, &way_back.remote, parts, part_count);
		return;
	}
	s->send_status = transport_send_flow(t, &way_back, parts, part_count);
	bool gone = s->send_status == -ENOTCONN || s->send_status == -EPIPE;
	if (gone && stream && !send_instead(s, parts, part_count) && is_known(t, &s->arrival)) {
		/* Its record is made when it has found another way. */
		s->send_status = 0;
		transport_send_fallback(t, &s->arrival.message->via, &s->note, parts, part_count);
		return;
	}
	if (s->send_status < 0) {
		transport_count(&t->counters.dropped_send, 1);
		return;
	}
	record_sent(s, &way_back.remote, parts, part_count);
}

static void send_trying(struct transport_server *s)
{
	if (!s->trying.at) {
		struct sip_draft draft;
		sip_draft_response(&draft, &s->arena, s->arrival.message, 100, SPAN_NONE, SPAN_NONE);
		s->trying = sip_draft_text(&draft);
	}
	struct iovec part = { (void *)(uintptr_t)s->trying.at, s->trying.length };
	if (s->trying.at)
		server_send(s, &part, 1);
}

static void send_response(struct transport_server *s)
{
	if (s->parts) {
		server_send(s, s->parts, s->part_count);
	} else if (s->response.at) {
		struct iovec part = { (void *)(uintptr_t)s->response.at, s->response.length };
		transport_count(&s->transport->counters.retransmissions_sent, 1);
		server_send(s, &part, 1);
	}
}

/* ---- the machine ---- */

static void receive_ack(struct transport *t, struct transport_incoming *in, const struct transport_note *known);

static void tell(struct transport_server *s, enum sip_tell what)
{
	const struct transport_user *user = &s->transport->user;
	switch (what) {
	case SIP_TELL_REQUEST:
		transport_count(&s->transport->counters.requests, 1);
		user->request(user->argument, s, &s->arrival);
		break;
	case SIP_TELL_ACK:
		if (user->ack && s->incoming)
			receive_ack(s->transport, s->incoming, &s->note);
		break;
	case SIP_TELL_CANCEL:
		if (user->cancelled && s->incoming && s->holds > 0)
			user->cancelled(user->argument, s, &s->incoming->arrival);
		break;
	case SIP_TELL_TIMEOUT: /* no ACK: nobody can do anything about it (Timer H) */
		transport_count(&s->transport->counters.timeouts, 1);
		break;
	default:
		break;
	}
}

static int64_t due_of(const struct transport_server *s, const struct sip_action *action)
{
	const struct transport *t = s->transport;
	bool accepted = s->transaction.state == SIP_STATE_ACCEPTED && s->transaction.reliable;
	int64_t soon_us = net_loop_now_us(t->loop) + t->accepted_us;
	return accepted && action->due_us > soon_us ? soon_us : action->due_us;
}

/* The timers first: what an action causes may set them anew, and that must stand. It may also end the
 * transaction; then the rest no longer counts. */
static void run(struct transport_server *s, const struct sip_actions *actions)
{
	for (size_t i = 0; i < actions->count; i++) {
		const struct sip_action *action = &actions->items[i];
		if (action->kind == SIP_ACTION_ARM)
			wheel_arm(s->transport->wheel, action->timer, due_of(s, action));
		else if (action->kind == SIP_ACTION_DISARM)
			wheel_disarm(s->transport->wheel, action->timer);
	}
	for (size_t i = 0; i < actions->count && s->alive; i++) {
		const struct sip_action *action = &actions->items[i];
		if (action->kind == SIP_ACTION_TELL)
			tell(s, action->tell);
		else if (action->kind == SIP_ACTION_END)
			server_end(s);
		else if (action->kind == SIP_ACTION_SEND && action->send == SIP_SEND_TRYING)
			send_trying(s);
		else if (action->kind == SIP_ACTION_SEND)
			send_response(s);
	}
}

static void fired_repeat(struct wheel_timer *timer, int64_t now_us)
{
	struct transport_server *s = base_container(timer, struct transport_server, transaction.repeat);
	struct sip_actions actions;
	sip_transaction_timer(&s->transaction, SIP_TIMER_REPEAT, now_us, &actions);
	run(s, &actions);
}

static void fired_end(struct wheel_timer *timer, int64_t now_us)
{
	struct transport_server *s = base_container(timer, struct transport_server, transaction.end);
	struct sip_actions actions;
	sip_transaction_timer(&s->transaction, SIP_TIMER_END, now_us, &actions);
	run(s, &actions);
}

/* ---- a new request ---- */

/* The request with its top Via stamped, in the arena: read once more, since every span moves. */
static const struct sip_message *stamped_copy(
	struct arena *a, const struct sip_message *m, const struct transport_stamp *stamp)
{
	struct sip_draft draft;
	sip_draft_forward(&draft, a, m);
	sip_draft_stamp_via(&draft, &stamp->via);
	struct span bytes = sip_draft_text(&draft);
	struct sip_message read;
	struct sip_defect defect;
	/* -EPROTO: broken as before, and good enough for the 400. */
	if (!bytes.at || sip_message_parse(bytes, &read, &defect) == -EBADMSG)
		return NULL;
	size_t size = offsetof(struct sip_message, headers) + read.header_count * sizeof(read.headers[0]);
	struct sip_message *copy = arena_allocate(a, size);
	if (copy)
		memcpy(copy, &read, size);
	return copy;
}

static void stamp_of(struct transport *t, const struct transport_incoming *in, struct transport_stamp *stamp,
	char text[NET_ADDRESS_TEXT_SIZE])
{
	memset(stamp, 0, sizeof(*stamp));
	stamp->via.received = span_make(text, net_address_format_host(&in->arrival.remote, text));
	stamp->via.rport = net_address_port(&in->arrival.remote);
	if (t->user.stamp)
		t->user.stamp(t->user.argument, &in->arrival, stamp);
}

static bool server_fill(struct transport_server *s, const struct transport_incoming *in)
{
	struct transport_stamp stamp;
	char text[NET_ADDRESS_TEXT_SIZE];
	stamp_of(s->transport, in, &stamp, text);
	const struct sip_message *request = stamped_copy(&s->arena, in->arrival.message, &stamp);
	if (!request)
		return false;
	transport_note_merge(&s->arena, &s->note, &stamp.note);
	s->arrival = in->arrival;
	s->arrival.message = request;
	if (in->arrival.target_name.at)
		s->arrival.target_name = arena_copy(&s->arena, in->arrival.target_name);
	if (in->connection)
		s->stream = net_stream_ref(in->connection->stream);
	else
		s->facts = transport_facts_ref(in->facts);
	return true;
}

static void record_received(struct transport_server *s, const struct transport_incoming *in)
{
	struct span bytes = in->arrival.message->bytes;
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	transport_record_message(s->transport, RECORD_RECEIVED, &in->arrival, &s->note, &part, 1);
}

/* RFC 5923 5: the peer says that its connection may be used the other way round. */
static void ask_alias(struct transport *t, const struct transport_incoming *in)
{
	struct transport_connection *c = in->connection;
	const struct sip_via *via = &in->arrival.message->via;
	if (!t->user.alias || !c || !c->inbound || c->alias_asked || !sip_via_parameter(via, SPAN("alias"), NULL))
		return;
	c->alias_asked = true;
	struct net_address address = in->arrival.remote;
	net_address_set_port(&address, sip_via_port(via));
	if (t->user.alias(t->user.argument, &in->arrival))
		transport_pool_alias(c, &address);
}

/* known: what an earlier message has told of this one (the INVITE of a CANCEL), or NULL. */
static struct transport_server *server_new(
	struct transport *t, struct transport_incoming *in, const struct transport_note *known)
{
	struct transport_server *s = NULL;
	if (t->server_count + t->client_count < t->limits.transactions)
		s = server_take(t);
	if (s && !server_fill(s, in)) {
		server_give(s);
		s = NULL;
	}
	if (!s) {
		transport_count(&t->counters.dropped_limit, 1);
		return NULL;
	}
	s->holds = 1;
	s->alive = true;
	transport_note_merge(&s->arena, &s->note, known);
	return s;
}

/* False at the table's maximum: then it is gone. */
static bool server_enter(struct transport_server *s)
{
	struct transport *t = s->transport;
	sip_transaction_init_server(&s->transaction, s->arrival.message, &t->timers);
	sip_transaction_set_timers(&s->transaction, fired_repeat, fired_end);
	if (sip_transaction_table_add(&t->table, &s->transaction) == 0)
		return true;
	s->stateless = true; /* nothing to take out of the table */
	s->holds = 0;
	server_end(s);
	transport_count(&t->counters.dropped_limit, 1);
	return false;
}

static void server_start(struct transport_server *s)
{
	struct transport *t = s->transport;
	struct sip_actions actions;
	bool reliable = s->arrival.protocol != TRANSPORT_UDP;
	sip_transaction_start(&s->transaction, reliable, net_loop_now_us(t->loop), &actions);
	run(s, &actions);
}

void transport_server_receive(struct transport *t, struct transport_incoming *in, const struct sip_defect *defect)
{
	struct transport_server *s = server_new(t, in, NULL);
	if (!s)
		return;
	record_received(s, in);
	s->stranger = s->arrival.protocol == TRANSPORT_UDP && !is_known(t, &s->arrival);
	if (defect) {
		s->stateless = true;
		t->user.defect(t->user.argument, s, &s->arrival, defect);
		return;
	}
	ask_alias(t, in);
	if (s->stranger || !sip_method_is_answered(s->arrival.message->method)) {
		s->stateless = true;
		tell(s, SIP_TELL_REQUEST);
		return;
	}
	if (server_enter(s))
		server_start(s);
}

/* The ACK to a 2xx has no transaction (RFC 3261 17), but who forwards it may have to wait for the DNS. known: as
 * of server_new; with it the record of the ACK has been made. */
static void receive_ack(struct transport *t, struct transport_incoming *in, const struct transport_note *known)
{
	struct transport_server *s = server_new(t, in, known);
	if (!s)
		return;
	if (!known)
		record_received(s, in);
	s->stateless = true;
	t->user.ack(t->user.argument, s, &s->arrival);
}

void transport_server_receive_ack(struct transport *t, struct transport_incoming *in)
{
	receive_ack(t, in, NULL);
}

void transport_server_receive_again(
	struct transport *t, struct sip_transaction *transaction, struct transport_incoming *in)
{
	struct transport_server *s = base_container(transaction, struct transport_server, transaction);
	record_received(s, in);
	if (in->arrival.message->method != SIP_METHOD_ACK)
		transport_count(&t->counters.retransmissions_received, 1);
	struct transport_incoming *outer = s->incoming;
	s->incoming = in;
	struct sip_actions actions;
	sip_transaction_receive_request(transaction, in->arrival.message->method, net_loop_now_us(t->loop), &actions);
	run(s, &actions);
	s->incoming = outer;
}

/* The CANCEL is a transaction of its own that lives on its 200 (RFC 3261 9.2): its To tag is that of the
 * INVITE's answers where the user has given one, else any. */
static void answer_cancel(struct transport_server *cancel)
{
	char tag[17];
	random_hex(cancel->transport->random, 16, tag);
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	sip_draft_response(&draft, &cancel->arena, cancel->arrival.message, 200, SPAN_NONE, span_of(tag));
	int count = sip_draft_pieces(&draft, pieces, BASE_COUNT(pieces));
	if (count > 0)
		(void)transport_respond(cancel, 200, pieces, (size_t)count);
	transport_server_release(cancel);
}

void transport_server_receive_cancel(
	struct transport *t, struct sip_transaction *transaction, struct transport_incoming *in)
{
	struct transport_server *invite = base_container(transaction, struct transport_server, transaction);
	struct transport_server *cancel = server_new(t, in, &invite->note);
	if (!cancel)
		return;
	record_received(cancel, in);
	if (!server_enter(cancel))
		return;
	struct sip_actions actions;
	sip_transaction_start(
		&cancel->transaction, in->arrival.protocol != TRANSPORT_UDP, net_loop_now_us(t->loop), &actions);
	actions.count = 0; /* the user hears of it through the INVITE */
	answer_cancel(cancel);
	struct transport_incoming *outer = invite->incoming;
	invite->incoming = in;
	sip_transaction_receive_cancel(transaction, net_loop_now_us(t->loop), &actions);
	run(invite, &actions);
	invite->incoming = outer;
}

/* ---- for the user ---- */

static int respond_stateless(struct transport_server *s, unsigned status, const struct iovec *parts, size_t part_count)
{
	if (!s->alive)
		return s->answered ? -EALREADY : -ENOTCONN;
	if (!sip_method_is_answered(s->arrival.message->method) || (s->stranger && status < 200))
		return 0;
	server_send(s, parts, part_count);
	if (status >= 200) {
		s->answered = true;
		server_end(s);
	}
	return s->send_status;
}

/* Will the machine want it again? Not a 2xx to an INVITE (RFC 6026), and over a connection nothing provisional. */
static bool is_kept(const struct transport_server *s, unsigned status)
{
	if (status < 200)
		return !s->transaction.reliable;
	return s->transaction.kind == SIP_SERVER_INVITE ? status >= 300 : !s->transaction.reliable;
}

#define PROVISIONAL_SMALLEST ((size_t)512)

/* Only the newest is ever wanted again. Room that is too small is left behind, but each is twice the last: however
 * many come, and of whatever lengths, all together are four times the longest at most. */
static struct span keep_provisional(struct transport_server *s, const struct iovec *parts, size_t part_count)
{
	size_t length = transport_parts_length(parts, part_count);
	size_t capacity = s->provisional_capacity ? s->provisional_capacity : PROVISIONAL_SMALLEST;
	while (capacity < length)
		capacity *= 2;
	if (capacity > s->provisional_capacity) {
		char *room = arena_allocate(&s->arena, capacity);
		if (!room)
			return SPAN_NONE;
		s->provisional = room;
		s->provisional_capacity = capacity;
	}
	char *out = s->provisional;
	for (size_t i = 0; i < part_count; i++) {
		memcpy(out, parts[i].iov_base, parts[i].iov_len);
		out += parts[i].iov_len;
	}
	return span_make(s->provisional, length);
}

static struct span keep(struct transport_server *s, unsigned status, const struct iovec *parts, size_t part_count)
{
	if (!is_kept(s, status))
		return SPAN_NONE;
	return status < 200 ? keep_provisional(s, parts, part_count)
			    : transport_parts_copy(&s->arena, parts, part_count);
}

int transport_respond(struct transport_server *s, unsigned status, const struct iovec *parts, size_t part_count)
{
	if (s->stateless)
		return respond_stateless(s, status, parts, part_count);
	if (!s->alive)
		return s->answered ? -EALREADY : -ENOTCONN;
	struct sip_actions actions;
	int result = sip_transaction_respond(
		&s->transaction, (uint16_t)status, net_loop_now_us(s->transport->loop), &actions);
	if (result < 0)
		return result;
	s->answered = s->answered || status >= 200;
	s->response = keep(s, status, parts, part_count);
	bool lost = is_kept(s, status) && !s->response.at;
	s->parts = parts;
	s->part_count = part_count;
	run(s, &actions);
	s->parts = NULL;
	return lost ? -ENOMEM : 0;
}

const struct transport_arrival *transport_server_arrival(const struct transport_server *s)
{
	return &s->arrival;
}

const struct sip_message *transport_server_request(const struct transport_server *s)
{
	return s->arrival.message;
}

struct arena *transport_server_arena(struct transport_server *s)
{
	return &s->arena;
}

void transport_server_set_context(struct transport_server *s, void *context)
{
	s->context = context;
}

void *transport_server_context(const struct transport_server *s)
{
	return s->context;
}

void transport_server_note(struct transport_server *s, const struct transport_note *note)
{
	transport_note_merge(&s->arena, &s->note, note);
}

bool transport_server_is_answered(const struct transport_server *s)
{
	return s->answered;
}

bool transport_server_is_ended(const struct transport_server *s)
{
	return !s->alive;
}

void transport_server_hold(struct transport_server *s)
{
	base_require(s->holds > 0);
	s->holds++;
}

void transport_server_release(struct transport_server *s)
{
	base_require(s->holds > 0);
	if (--s->holds > 0)
		return;
	if (!s->answered)
		server_end(s);
	transport_defer(s->transport, &s->deferred);
}
