/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/private.h"

struct transport_client {
	struct sip_transaction transaction;
	struct transport *transport;
	struct list link; /* transport.clients, or transport.client_pool */
	struct transport_deferred deferred;
	struct arena arena;
	struct transport_target target; /* its texts are in the arena */
	const struct transport_client_user *user; /* NULL: nobody cares (a CANCEL of ours) */
	void *argument;
	struct transport_note note;
	struct span bytes; /* as sent */
	struct span ack;
	struct span cancel_reason;
	void *kept; /* its texts, when it only lingers */
	struct transport_waiting waiting;
	struct list connection_link; /* transport_connection.clients, or transport.remote_clients where the connection
					is another worker's; until a final answer, or one over another connection */
	struct hash_link datagram_link; /* transport.datagram_clients, likewise */
	bool in_datagrams;
	struct transport_flow flow;
	struct net_address local;
	struct net_address remote;
	struct transport_incoming *incoming; /* the response just being worked off */
	int send_status;
	bool held; /* by the user */
	bool alive;
	bool started; /* the machine */
	bool starting; /* inside transport_send_request: errors are returned, not told */
	bool retried; /* once over a new connection, since the old one had just been closed */
	bool rings; /* more than 100 was heard */
	bool cut_off; /* its connection is gone; the answer may still come over another one, for a while */
	bool given_up; /* cancelled before it was sent */
	bool told; /* of its end */
};

#define POOL_MAXIMUM 4096

/* ---- objects ---- */

static void client_later(struct transport_deferred *deferred);
static void waiting_ready(struct transport_waiting *waiting, struct transport_connection *connection,
	const struct transport_failure *failure);

static struct transport_client *client_take(struct transport *t)
{
	struct transport_client *c;
	if (!list_is_empty(&t->client_pool)) {
		c = base_container(t->client_pool.next, struct transport_client, link);
		list_remove(&c->link);
		t->client_pool_count--;
		memset(c, 0, sizeof(*c));
	} else {
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
	}
	transport_arena_take(t, &c->arena);
	c->transport = t;
	c->flow = TRANSPORT_FLOW_NONE;
	list_init(&c->deferred.link);
	c->deferred.run = client_later;
	list_init(&c->connection_link);
	list_init(&c->waiting.link);
	c->waiting.ready = waiting_ready;
	list_append(&t->clients, &c->link);
	t->client_count++;
	transport_count(&t->counters.client_transactions, 1);
	return c;
}

/* It no longer cares what becomes of its connection. */
static void client_detach(struct transport_client *c)
{
	transport_pool_forget(&c->waiting);
	list_remove(&c->connection_link);
	if (c->in_datagrams)
		hash_remove(&c->transport->datagram_clients, &c->datagram_link);
	c->in_datagrams = false;
}

static void client_give(struct transport_client *c)
{
	struct transport *t = c->transport;
	client_detach(c);
	list_remove(&c->link);
	list_remove(&c->deferred.link);
	transport_arena_give(t, &c->arena);
	free(c->kept);
	t->client_count--;
	transport_count(&t->counters.client_transactions, (uint64_t)-1);
	if (t->client_pool_count < POOL_MAXIMUM) {
		list_insert_before(t->client_pool.next, &c->link);
		t->client_pool_count++;
	} else {
		free(c);
	}
}

/* A final answer came and nobody is interested any more: only its branch, its ACK and what records
 * show are needed for the repetitions that may still come. */
static void client_linger(struct transport_client *c)
{
	if (c->kept || !sip_transaction_is_final(&c->transaction))
		return;
	struct transport_note note = c->note;
	struct span branch = c->transaction.branch;
	struct span method_name = c->transaction.method_name;
	struct span ack = c->ack;
	struct span *const texts[] = { &branch, &method_name, &ack, &note.serial, &note.tag, &note.local_session,
		&note.remote_session, &note.peer, &note.zone };
	void *kept = transport_compact(0, texts, BASE_COUNT(texts));
	if (!kept)
		return;
	c->kept = kept;
	c->note = note;
	c->transaction.branch = branch;
	c->transaction.method_name = method_name;
	c->ack = ack;
	c->bytes = c->cancel_reason = c->target.name = SPAN_NONE;
	c->target.identity = NULL;
	transport_arena_give(c->transport, &c->arena);
}

static void client_end(struct transport_client *c)
{
	if (!c->alive)
		return;
	c->alive = false;
	client_detach(c);
	sip_transaction_drop(&c->transaction, &c->transport->table, c->transport->wheel);
	transport_defer(c->transport, &c->deferred);
}

static void tell_failed(struct transport_client *c, struct transport_failure *failure)
{
	failure->target = &c->target;
	if (failure->kind == TRANSPORT_FAILED_TIMEOUT)
		transport_count(&c->transport->counters.timeouts, 1);
	if (c->held && c->user->failed)
		c->user->failed(c->argument, c, failure);
}

static void client_fail(struct transport_client *c, const struct transport_failure *why)
{
	if (!c->alive)
		return;
	struct transport_failure failure = *why;
	client_end(c);
	tell_failed(c, &failure);
}

static void client_later(struct transport_deferred *deferred)
{
	struct transport_client *c = base_container(deferred, struct transport_client, deferred);
	if (c->alive && c->given_up)
		client_fail(c, &(struct transport_failure){ .kind = TRANSPORT_FAILED_CANCELLED });
	if (!c->alive && c->held && !c->told) {
		c->told = true;
		if (c->user->ended)
			c->user->ended(c->argument, c);
	}
	if (c->held)
		return;
	if (c->alive)
		client_linger(c);
	else
		client_give(c);
}

bool transport_clients_wait(const struct transport *t)
{
	list_each (link, &t->clients) {
		const struct transport_client *c = base_container(link, struct transport_client, link);
		if (c->alive && c->held && !sip_transaction_is_final(&c->transaction))
			return true;
	}
	return false;
}

void transport_clients_done(struct transport *t)
{
	list_each_safe (link, following, &t->clients) {
		struct transport_client *c = base_container(link, struct transport_client, link);
		client_end(c);
		client_give(c);
	}
	list_each_safe (link, following, &t->client_pool) {
		free(base_container(link, struct transport_client, link));
	}
}

/* ---- sending ---- */

static int client_send(struct transport_client *c, struct span bytes)
{
	struct transport *t = c->transport;
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	struct transport_way to = { .flow = c->flow, .remote = c->remote };
	int status = transport_send_flow(t, &to, &part, 1);
	if (status < 0)
		return status;
	struct transport_arrival way = {
		.flow = c->flow,
		.protocol = c->target.protocol,
		.local = c->local,
		.remote = c->remote,
	};
	transport_record_message(t, RECORD_SENT, &way, &c->note, &part, 1);
	return 0;
}

static const struct sip_message *sent_message(const struct transport_client *c, struct sip_message *room)
{
	struct sip_defect defect;
	return sip_message_parse(c->bytes, room, &defect) == 0 ? room : NULL;
}

/* RFC 3261 17.1.1.3: made once, then kept for every repetition of the answer. */
static void send_ack(struct transport_client *c)
{
	struct sip_message room;
	const struct sip_message *sent;
	if (!c->ack.at && c->incoming && (sent = sent_message(c, &room))) {
		struct sip_draft draft;
		sip_draft_ack(&draft, &c->arena, sent, c->incoming->arrival.message);
		c->ack = sip_draft_text(&draft);
	}
	if (c->ack.at && client_send(c, c->ack) < 0)
		transport_count(&c->transport->counters.dropped_send, 1);
}

/* RFC 3261 9.1: a transaction of its own, the same way as the INVITE went. */
static void send_cancel(struct transport_client *c)
{
	struct sip_message room;
	const struct sip_message *sent = sent_message(c, &room);
	if (!sent)
		return;
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	sip_draft_cancel(&draft, &c->arena, sent);
	if (c->cancel_reason.at)
		sip_draft_append(&draft, SIP_HEADER_REASON, c->cancel_reason);
	int count = sip_draft_pieces(&draft, pieces, BASE_COUNT(pieces));
	if (count < 0)
		return;
	struct transport_target target = c->target;
	target.address = c->remote;
	target.flow = c->flow;
	target.flags = TRANSPORT_TARGET_FLOW;
	struct transport_request request = {
		.target = &target,
		.parts = pieces,
		.part_count = (size_t)count,
		.method = SIP_METHOD_CANCEL,
		.branch = sent->via.branch,
		.note = &c->note,
	};
	struct transport_client *cancel;
	if (transport_send_request(c->transport, &request, &cancel) == 0)
		transport_client_release(cancel);
}

static void run(struct transport_client *c, const struct sip_actions *actions);

static void client_transport_error(struct transport_client *c, int status)
{
	c->send_status = status;
	if (c->starting)
		return; /* transport_send_request returns it */
	struct sip_actions actions;
	sip_transaction_transport_error(&c->transaction, net_loop_now_us(c->transport->loop), &actions);
	run(c, &actions);
}

static void send_request(struct transport_client *c)
{
	if (!list_is_empty(&c->waiting.link))
		return; /* moved to a connection that is not open yet */
	int status = client_send(c, c->bytes);
	if (status < 0)
		client_transport_error(c, status);
}

/* ---- the machine ---- */

static void tell(struct transport_client *c, enum sip_tell what)
{
	switch (what) {
	case SIP_TELL_RESPONSE:
		transport_count(&c->transport->counters.responses, 1);
		if (c->held && c->incoming)
			c->user->response(c->argument, c, &c->incoming->arrival);
		break;
	case SIP_TELL_TIMEOUT:
		tell_failed(c, &(struct transport_failure){ .kind = TRANSPORT_FAILED_TIMEOUT });
		break;
	case SIP_TELL_TRANSPORT_ERROR:
		tell_failed(c, &(struct transport_failure){ .kind = TRANSPORT_FAILED_SEND, .error = c->send_status });
		break;
	default:
		break;
	}
}

static int64_t due_of(const struct transport_client *c, const struct sip_action *action)
{
	const struct transport *t = c->transport;
	bool accepted = c->transaction.state == SIP_STATE_ACCEPTED && c->transaction.reliable;
	int64_t soon_us = net_loop_now_us(t->loop) + t->accepted_us;
	return accepted && action->due_us > soon_us ? soon_us : action->due_us;
}

static void send_what(struct transport_client *c, enum sip_send what)
{
	if (what == SIP_SEND_REQUEST)
		send_request(c);
	else if (what == SIP_SEND_ACK)
		send_ack(c);
	else if (what == SIP_SEND_CANCEL)
		send_cancel(c);
}

/* The timers first: what an action causes (the user cancels while he is told of a 180) may set them anew, and
 * that must stand. It may also end the transaction; then the rest no longer counts. */
static void run(struct transport_client *c, const struct sip_actions *actions)
{
	for (size_t i = 0; i < actions->count; i++) {
		const struct sip_action *action = &actions->items[i];
		if (action->kind == SIP_ACTION_ARM)
			wheel_arm(c->transport->wheel, action->timer, due_of(c, action));
		else if (action->kind == SIP_ACTION_DISARM)
			wheel_disarm(c->transport->wheel, action->timer);
	}
	for (size_t i = 0; i < actions->count && c->alive; i++) {
		const struct sip_action *action = &actions->items[i];
		if (action->kind == SIP_ACTION_SEND)
			send_what(c, action->send);
		else if (action->kind == SIP_ACTION_TELL)
			tell(c, action->tell);
		else if (action->kind == SIP_ACTION_END)
			client_end(c);
	}
}

static void fired_repeat(struct wheel_timer *timer, int64_t now_us)
{
	struct transport_client *c = base_container(timer, struct transport_client, transaction.repeat);
	struct sip_actions actions;
	sip_transaction_timer(&c->transaction, SIP_TIMER_REPEAT, now_us, &actions);
	for (size_t i = 0; i < actions.count; i++)
		if (actions.items[i].kind == SIP_ACTION_SEND && actions.items[i].send == SIP_SEND_REQUEST)
			transport_count(&c->transport->counters.retransmissions_sent, 1);
	run(c, &actions);
}

static void fired_end(struct wheel_timer *timer, int64_t now_us)
{
	struct transport_client *c = base_container(timer, struct transport_client, transaction.end);
	struct sip_actions actions;
	if (c->cut_off && !sip_transaction_is_final(&c->transaction)) {
		client_fail(c, &(struct transport_failure){ .kind = TRANSPORT_FAILED_LOST });
		return;
	}
	sip_transaction_timer(&c->transaction, SIP_TIMER_END, now_us, &actions);
	run(c, &actions);
}

/* The connection under an INVITE that has been taken in went away. Whoever lives answers over a new one; whoever was
 * started again knows nothing of it. Nobody can tell which it is, so that it is given up after a while: soon where
 * nothing is known but that it arrived. */
static void client_cut_off(struct transport_client *c)
{
	const struct transport *t = c->transport;
	int64_t due_us = net_loop_now_us(t->loop) + (c->rings ? 64 : 4) * t->timers.t1_us;
	struct wheel_timer *end = &c->transaction.end;
	c->cut_off = true;
	if (!wheel_is_armed(end) || due_us < end->due_us)
		wheel_arm(t->wheel, end, due_us);
}

static void heard_again(struct transport_client *c)
{
	if (c->cut_off)
		wheel_disarm(c->transport->wheel, &c->transaction.end); /* the machine arms it as it needs it */
	c->cut_off = false;
}

/* What becomes of the connection matters as long as the final answer is to come over it. */
static void client_heard(struct transport_client *c, const struct transport_arrival *arrival)
{
	uint16_t status = arrival->message->status;
	bool waits = status < 200 && c->transaction.method == SIP_METHOD_INVITE &&
		     transport_flow_is_connection(c->flow) && transport_flow_equal(arrival->flow, c->flow);
	if (!waits)
		client_detach(c);
	if (status == 100)
		return;
	c->rings = true;
	heard_again(c);
}

void transport_client_receive(struct transport *t, struct sip_transaction *transaction, struct transport_incoming *in)
{
	struct transport_client *c = base_container(transaction, struct transport_client, transaction);
	struct span bytes = in->arrival.message->bytes;
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	transport_record_message(t, RECORD_RECEIVED, &in->arrival, &c->note, &part, 1);
	client_heard(c, &in->arrival);
	struct transport_incoming *outer = c->incoming;
	c->incoming = in;
	struct sip_actions actions;
	sip_transaction_receive_response(transaction, in->arrival.message->status, net_loop_now_us(t->loop), &actions);
	run(c, &actions);
	c->incoming = outer;
	if (!c->held && c->alive)
		transport_defer(t, &c->deferred);
}

/* ---- the way ---- */

static uint64_t datagram_hash(const struct transport *t, const struct net_address *to)
{
	unsigned char bytes[24];
	return hash_keyed(&t->token_key, net_address_key(to, bytes));
}

/* The way is known: start the machine, or send again what the last connection swallowed. */
static void client_go(struct transport_client *c)
{
	if (c->started) {
		send_request(c);
		return;
	}
	c->started = true;
	struct sip_actions actions;
	bool reliable = c->target.protocol != TRANSPORT_UDP;
	sip_transaction_start(&c->transaction, reliable, net_loop_now_us(c->transport->loop), &actions);
	run(c, &actions);
}

static void client_use(struct transport_client *c, struct transport_connection *connection)
{
	c->flow = transport_connection_flow(connection);
	c->local = *net_stream_local(connection->stream);
	c->remote = *net_stream_remote(connection->stream);
	list_append(&connection->clients, &c->connection_link);
	client_go(c);
}

static int route_datagram(struct transport_client *c)
{
	struct transport *t = c->transport;
	struct transport_port *port;
	int status = 0;
	if (c->target.flags & TRANSPORT_TARGET_FLOW)
		status = (port = transport_datagram_by_slot(t, c->target.flow.slot)) ? 0 : -ENOTCONN;
	else
		status = transport_datagram_port(t, &c->target.address, &port);
	if (status < 0)
		return status;
	c->flow = transport_port_flow(port);
	c->local = port->address;
	c->remote = c->target.address;
	c->in_datagrams = hash_insert(&t->datagram_clients, &c->datagram_link, datagram_hash(t, &c->remote)) == 0;
	client_go(c);
	return 0;
}

static int route_stream(struct transport_client *c)
{
	struct transport_connection *connection;
	int status = transport_pool_get(c->transport, &c->target, &c->waiting, &connection);
	if (status < 0 || !connection)
		return status;
	client_use(c, connection);
	return 0;
}

static int client_route(struct transport_client *c)
{
	if ((c->target.flags & TRANSPORT_TARGET_FLOW) && c->target.flow.worker != c->transport->worker) {
		c->flow = c->target.flow;
		c->remote = c->target.address;
		list_append(&c->transport->remote_clients, &c->connection_link);
		client_go(c);
		return 0;
	}
	if (c->target.protocol == TRANSPORT_UDP)
		return route_datagram(c);
	return route_stream(c);
}

static void waiting_ready(struct transport_waiting *waiting, struct transport_connection *connection,
	const struct transport_failure *failure)
{
	struct transport_client *c = base_container(waiting, struct transport_client, waiting);
	if (connection)
		client_use(c, connection);
	else
		client_fail(c, failure);
}

static bool may_retry(
	const struct transport_client *c, const struct transport_connection *connection, enum transport_failed kind)
{
	return kind == TRANSPORT_FAILED_LOST && connection->heard && !c->retried &&
	       !(c->target.flags & TRANSPORT_TARGET_FLOW);
}

void transport_client_lost(
	struct list *link, const struct transport_connection *connection, const struct transport_failure *failure)
{
	struct transport_client *c = base_container(link, struct transport_client, connection_link);
	if (c->transaction.state == SIP_STATE_PROCEEDING) {
		client_cut_off(c);
		return;
	}
	/* A connection that had served before was closed just as we wrote to it: once more over a new one.
	 * A peer that did read it sees a retransmission, the branch is the same. */
	if (may_retry(c, connection, failure->kind)) {
		c->retried = true;
		if (client_route(c) == 0)
			return;
	}
	client_fail(c, failure);
}

/* What a callback does may end others of the list: it is begun anew after each. */
static struct transport_client *remote_find(const struct transport *t, struct transport_flow flow)
{
	list_each (link, &t->remote_clients) {
		struct transport_client *c = base_container(link, struct transport_client, connection_link);
		if (transport_flow_equal(c->flow, flow))
			return c;
	}
	return NULL;
}

void transport_clients_flow_lost(struct transport *t, struct transport_flow flow)
{
	struct transport_client *c;
	while ((c = remote_find(t, flow))) {
		list_remove(&c->connection_link);
		if (c->transaction.state == SIP_STATE_PROCEEDING)
			client_cut_off(c);
		else
			client_fail(c, &(struct transport_failure){ .kind = TRANSPORT_FAILED_LOST });
	}
}

void transport_clients_unreachable(struct transport *t, const struct net_address *to, int error)
{
	struct hash_link *link = hash_first(&t->datagram_clients, datagram_hash(t, to));
	while (link) {
		struct hash_link *next = hash_next(link);
		struct transport_client *c = base_container(link, struct transport_client, datagram_link);
		if (net_address_equal(&c->remote, to))
			client_fail(c, &(struct transport_failure){ .kind = TRANSPORT_FAILED_SEND, .error = error });
		link = next;
	}
}

/* ---- for the user ---- */

static const struct transport_client_user NOBODY;

static int client_fill(struct transport_client *c, const struct transport_request *request)
{
	c->user = request->user ? request->user : &NOBODY;
	c->argument = request->argument;
	c->bytes = transport_parts_copy(&c->arena, request->parts, request->part_count);
	struct span branch = arena_copy(&c->arena, request->branch);
	if (!c->bytes.at || !branch.at)
		return -ENOMEM;
	c->target = *request->target;
	if (c->target.name.at)
		c->target.name = arena_copy(&c->arena, c->target.name);
	if (c->target.identity)
		c->target.identity = arena_copy_text(&c->arena, c->target.identity);
	transport_note_merge(&c->arena, &c->note, request->note);
	struct span method_name = span_first(c->bytes, span_find(c->bytes, ' '));
	sip_transaction_init_client(&c->transaction, request->method, method_name, branch, &c->transport->timers);
	sip_transaction_set_timers(&c->transaction, fired_repeat, fired_end);
	return 0;
}

static int client_try(struct transport_client *c)
{
	c->starting = true;
	int status = client_route(c);
	if (status == 0 && c->send_status == -EPIPE && !(c->target.flags & TRANSPORT_TARGET_FLOW)) {
		/* The pool did not know yet that this connection is ending. */
		struct transport_connection *ending = transport_connection_find(c->transport, c->flow);
		if (ending)
			transport_pool_remove(ending);
		client_detach(c);
		c->send_status = 0;
		status = client_route(c);
	}
	c->starting = false;
	return status < 0 ? status : c->send_status;
}

int transport_send_request(
	struct transport *t, const struct transport_request *request, struct transport_client **ret_client)
{
	if (transport_parts_length(request->parts, request->part_count) > t->limits.message_bytes)
		return -EMSGSIZE;
	if (t->server_count + t->client_count >= t->limits.transactions)
		return -ENOBUFS;
	struct transport_client *c = client_take(t);
	if (!c)
		return -ENOMEM;
	int status = client_fill(c, request);
	if (status == 0)
		status = sip_transaction_table_add(&t->table, &c->transaction) == 0 ? 0 : -ENOBUFS;
	if (status < 0) {
		client_give(c);
		return status;
	}
	c->alive = true;
	status = client_try(c);
	if (status < 0) {
		client_end(c); /* not held: given back at the end of the turn */
		return status;
	}
	c->held = true;
	*ret_client = c;
	return 0;
}

int transport_cancel(struct transport_client *c, struct span reason)
{
	if (c->transaction.method != SIP_METHOD_INVITE)
		return -EINVAL;
	if (!c->alive || c->given_up)
		return -EALREADY;
	if (!c->started) {
		c->given_up = true;
		transport_pool_forget(&c->waiting);
		transport_defer(c->transport, &c->deferred);
		return 0;
	}
	if (reason.at && !c->cancel_reason.at)
		c->cancel_reason = arena_copy(&c->arena, reason);
	struct sip_actions actions;
	int status = sip_transaction_cancel(&c->transaction, net_loop_now_us(c->transport->loop), &actions);
	if (status == 0)
		run(c, &actions);
	return status;
}

const struct transport_target *transport_client_target(const struct transport_client *c)
{
	return &c->target;
}

struct transport_flow transport_client_flow(const struct transport_client *c)
{
	return c->flow;
}

void *transport_client_argument(const struct transport_client *c)
{
	return c->argument;
}

void transport_client_release(struct transport_client *c)
{
	base_require(c->held);
	c->held = false;
	if (c->alive && !c->started)
		client_end(c); /* nothing was sent, nothing need be */
	transport_defer(c->transport, &c->deferred);
}
