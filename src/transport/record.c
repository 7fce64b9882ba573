/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/private.h"

static enum record_transport transport_of(enum transport_protocol protocol)
{
	static const enum record_transport words[TRANSPORT_PROTOCOL_COUNT] = {
		[TRANSPORT_UDP] = RECORD_UDP,
		[TRANSPORT_TCP] = RECORD_TCP,
		[TRANSPORT_TLS] = RECORD_TLS,
	};
	return words[protocol];
}

static struct record_address address_of(const struct net_address *a)
{
	return record_address_of(net_address_is_set(a) ? &a->any : NULL);
}

/* Worker, slot and generation in one number; UDP flows are no connection. */
static uint64_t connection_of(struct transport_flow flow)
{
	if (!transport_flow_is_connection(flow))
		return 0;
	return (uint64_t)flow.worker << 56 | (uint64_t)(flow.slot & 0xffffff) << 32 | flow.generation;
}

static struct record_head head_of(const struct transport *t, struct transport_flow flow)
{
	return (struct record_head){
		.time_us = clock_wall_us(t->clock),
		.connection = connection_of(flow),
		.worker = t->worker,
	};
}

static struct span in_one_piece(struct transport *t, const struct iovec *parts, size_t part_count)
{
	if (part_count == 1)
		return span_make(parts[0].iov_base, parts[0].iov_len);
	buffer_clear(&t->scratch);
	for (size_t i = 0; i < part_count; i++)
		(void)buffer_append(&t->scratch, span_make(parts[i].iov_base, parts[i].iov_len));
	return buffer_span(&t->scratch);
}

void transport_record_message(struct transport *t, enum record_direction direction, const struct transport_arrival *way,
	const struct transport_note *note, const struct iovec *parts, size_t part_count)
{
	if (direction == RECORD_RECEIVED)
		transport_count(&t->counters.messages_received, 1);
	else
		transport_count(&t->counters.messages_sent, 1);
	if (!record_wanted(t->sink))
		return;
	struct record r = { .kind = RECORD_MESSAGE, .head = head_of(t, way->flow) };
	if (direction == RECORD_RECEIVED)
		r.head.time_us = way->received_us;
	r.message.direction = direction;
	r.message.transport = transport_of(way->protocol);
	r.message.local = address_of(&way->local);
	r.message.remote = address_of(&way->remote);
	r.message.bytes = in_one_piece(t, parts, part_count);
	if (note) {
		r.head.serial = note->serial;
		r.head.tag = note->tag;
		r.head.local_session = note->local_session;
		r.head.remote_session = note->remote_session;
		r.message.peer = note->peer;
		r.message.zone = note->zone;
		r.message.side = note->side;
	}
	record_take(t->sink, &r);
}

void transport_record_dropped(struct transport *t, const struct transport_arrival *way, const char *why)
{
	if (!record_wanted(t->sink))
		return;
	char remote[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&way->remote, remote);
	char text[256];
	int length = snprintf(text, sizeof(text), "dropped what %s sent over %s: %s", remote,
		transport_protocol_name(way->protocol), why);
	struct record r = { .kind = RECORD_NODE, .head = head_of(t, way->flow) };
	r.node.event = RECORD_NODE_NOTE;
	r.node.severity = RECORD_WARNING;
	r.node.text = span_make(text, length < (int)sizeof(text) ? (size_t)length : sizeof(text) - 1);
	record_take(t->sink, &r);
}

void transport_record_connection(
	struct transport_connection *c, enum record_connection_event event, const struct net_failure *why)
{
	struct transport *t = c->transport;
	if (!record_wanted(t->sink))
		return;
	struct record r = { .kind = RECORD_CONNECTION, .head = head_of(t, transport_connection_flow(c)) };
	r.connection.event = event;
	r.connection.transport = transport_of(c->protocol);
	r.connection.local = address_of(net_stream_local(c->stream));
	r.connection.remote = address_of(net_stream_remote(c->stream));
	r.connection.peer = c->inbound ? SPAN_NONE : c->key.name;
	if (why) {
		r.connection.stage = span_of(net_stage_name(why->stage));
		r.connection.reason =
			c->stalled ? SPAN("the peer stalled: half a message or unread output") : span_of(why->text);
		r.connection.error = -why->error;
		r.connection.duration_us = (uint64_t)(net_loop_now_us(t->loop) - c->started_us);
	}
	record_take(t->sink, &r);
}

#define NAME_MAXIMUM 256
void transport_record_handshake(struct transport_connection *c, const struct net_failure *why)
{
	struct transport *t = c->transport;
	const struct net_tls_facts *facts = net_stream_tls_facts(c->stream);
	if (!record_wanted(t->sink) || !facts)
		return;
	char common_name[NAME_MAXIMUM];
	char issuer[NAME_MAXIMUM];
	char storage[4096];
	struct span names[RECORD_LIST_MAXIMUM];
	struct record r = { .kind = RECORD_HANDSHAKE, .head = head_of(t, transport_connection_flow(c)) };
	r.handshake = (struct record_handshake){
		.failed = why != NULL,
		.role = facts->server ? RECORD_SERVER : RECORD_CLIENT,
		.resumed = facts->resumed,
		.local = address_of(net_stream_local(c->stream)),
		.remote = address_of(net_stream_remote(c->stream)),
		.server_name = span_of(facts->server_name),
		.version = span_of(facts->version),
		.cipher = span_of(facts->cipher),
		.duration_us = (uint64_t)(net_loop_now_us(t->loop) - c->started_us),
	};
	r.handshake.common_name =
		span_make(common_name, transport_facts_common_name(facts, common_name, sizeof(common_name)));
	r.handshake.issuer = span_make(issuer, transport_facts_issuer(facts, issuer, sizeof(issuer)));
	r.handshake.names = (struct record_spans){ names,
		transport_facts_names(facts, storage, sizeof(storage), names, RECORD_LIST_MAXIMUM) };
	if (facts->problem_count > 0) {
		r.handshake.verify_error = facts->problems[0].error;
		r.handshake.verify_reason = span_of(net_tls_verify_text(facts->problems[0].error));
	}
	if (why) {
		r.handshake.reason = span_of(why->text);
		if (why->alert != NET_ALERT_NONE) {
			r.handshake.alert_direction = why->alert_received ? RECORD_ALERT_RECEIVED : RECORD_ALERT_SENT;
			r.handshake.alert = (uint16_t)why->alert;
		}
		if (why->verify_error) {
			r.handshake.verify_error = why->verify_error;
			r.handshake.verify_reason = span_of(net_tls_verify_text(why->verify_error));
		}
	}
	record_take(t->sink, &r);
}

static void merge(struct arena *a, struct span *text, struct span more)
{
	if (more.at && !(text->at && span_equal(*text, more)))
		*text = arena_copy(a, more);
}

void transport_note_merge(struct arena *a, struct transport_note *note, const struct transport_note *more)
{
	if (!more)
		return;
	merge(a, &note->serial, more->serial);
	merge(a, &note->tag, more->tag);
	merge(a, &note->local_session, more->local_session);
	merge(a, &note->remote_session, more->remote_session);
	merge(a, &note->peer, more->peer);
	merge(a, &note->zone, more->zone);
	if (more->side != RECORD_SIDE_UNKNOWN)
		note->side = more->side;
}
