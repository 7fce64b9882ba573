/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/mesh_private.h"

int transport_send_flow(
	struct transport *t, const struct transport_way *way, const struct iovec *parts, size_t part_count)
{
	if (t->lose && t->lose(t->lose_argument, span_make(parts[0].iov_base, parts[0].iov_len)))
		return 0;
	if (way->flow.worker != t->worker)
		return transport_mesh_send(t, way, parts, part_count);
	if (transport_flow_is_connection(way->flow)) {
		struct transport_connection *c = transport_connection_find(t, way->flow);
		return c ? transport_connection_write(c, parts, part_count) : -ENOTCONN;
	}
	struct transport_port *port = transport_datagram_by_slot(t, way->flow.slot);
	return port ? transport_datagram_send(port, &way->remote, parts, part_count) : -ENOTCONN;
}

void transport_send_handed_over(struct transport *t, uint16_t from, const struct transport_way *way, struct span bytes)
{
	struct iovec part = { (void *)(uintptr_t)bytes.at, bytes.length };
	struct transport_connection *c = transport_connection_find(t, way->flow);
	if (c)
		c->shared = true;
	int status = transport_send_flow(t, way, &part, 1);
	if (status == 0)
		return;
	if (transport_flow_is_connection(way->flow) && !way->may_change)
		transport_mesh_lost(t, from, way->flow);
	struct sip_message m;
	struct sip_defect defect;
	if (status != -ENOTCONN || !way->may_change || sip_message_parse(bytes, &m, &defect) < 0 || m.is_request) {
		transport_count(&t->counters.dropped_send, 1);
		return;
	}
	transport_send_fallback(t, &m.via, NULL, &part, 1);
}

void transport_flow_close(struct transport *t, struct transport_flow flow)
{
	if (flow.worker != t->worker) {
		transport_mesh_close(t, flow);
		return;
	}
	struct transport_connection *c = transport_connection_find(t, flow);
	if (c)
		transport_connection_close(c);
}

struct transport_target transport_flow_target(const struct transport_arrival *arrival)
{
	return (struct transport_target){
		.protocol = arrival->protocol,
		.address = arrival->remote,
		.name = arrival->target_name,
		.flags = TRANSPORT_TARGET_FLOW,
		.flow = arrival->flow,
		.mark = arrival->target_mark,
	};
}

struct net_address transport_response_address(const struct sip_via *via, const struct net_address *source)
{
	struct net_address to = *source;
	if (!via->has_rport)
		net_address_set_port(&to, sip_via_port(via));
	return to;
}

/* ---- sending once over a connection that may have to be opened ---- */

struct once {
	struct transport_waiting waiting;
	struct transport *transport;
	struct arena arena; /* of the note */
	struct transport_note note;
	struct span bytes;
	char storage[];
};

static void once_free(struct once *once)
{
	arena_done(&once->arena);
	free(once);
}

static void record_sent(
	struct transport_connection *c, const struct transport_note *note, const struct iovec *parts, size_t part_count)
{
	struct transport_incoming way;
	transport_connection_describe(c, &way);
	transport_record_message(c->transport, RECORD_SENT, &way.arrival, note, parts, part_count);
}

static void once_ready(
	struct transport_waiting *waiting, struct transport_connection *c, const struct transport_failure *failure)
{
	(void)failure; /* its connection has a record; nobody waits for this message */
	struct once *once = base_container(waiting, struct once, waiting);
	struct iovec part = { (void *)(uintptr_t)once->bytes.at, once->bytes.length };
	if (c && transport_connection_write(c, &part, 1) == 0)
		record_sent(c, &once->note, &part, 1);
	else
		transport_count(&once->transport->counters.dropped_send, 1);
	once_free(once);
}

static void once_dropped(struct transport_waiting *waiting)
{
	once_free(base_container(waiting, struct once, waiting));
}

static struct once *once_new(struct transport *t, const struct iovec *parts, size_t part_count)
{
	size_t length = transport_parts_length(parts, part_count);
	struct once *once = malloc(sizeof(*once) + length);
	if (!once)
		return NULL;
	*once = (struct once){ .waiting = { .ready = once_ready, .dropped = once_dropped }, .transport = t };
	arena_init(&once->arena, 4096);
	char *out = once->storage;
	for (size_t i = 0; i < part_count; i++) {
		memcpy(out, parts[i].iov_base, parts[i].iov_len);
		out += parts[i].iov_len;
	}
	once->bytes = span_make(once->storage, length);
	return once;
}

static int send_once_stream(struct transport *t, const struct transport_target *target, const struct iovec *parts,
	size_t part_count, const struct transport_note *note)
{
	struct once *once = once_new(t, parts, part_count);
	if (!once)
		return -ENOMEM;
	transport_note_merge(&once->arena, &once->note, note);
	struct transport_connection *c;
	int status = transport_pool_get(t, target, &once->waiting, &c);
	if (status == 0 && !c)
		return 0; /* it waits */
	if (status == 0)
		status = transport_connection_write(c, parts, part_count);
	if (status == 0)
		record_sent(c, note, parts, part_count);
	once_free(once);
	return status;
}

static int send_once_datagram(struct transport *t, const struct transport_target *target, const struct iovec *parts,
	size_t part_count, const struct transport_note *note)
{
	struct transport_port *port;
	int status = 0;
	if (target->flags & TRANSPORT_TARGET_FLOW)
		status = (port = transport_datagram_by_slot(t, target->flow.slot)) ? 0 : -ENOTCONN;
	else
		status = transport_datagram_port(t, &target->address, &port);
	if (status < 0)
		return status;
	struct transport_way to = { .flow = transport_port_flow(port), .remote = target->address };
	status = transport_send_flow(t, &to, parts, part_count);
	struct transport_arrival way = {
		.flow = transport_port_flow(port),
		.protocol = TRANSPORT_UDP,
		.local = port->address,
		.remote = target->address,
	};
	if (status == 0)
		transport_record_message(t, RECORD_SENT, &way, note, parts, part_count);
	return status;
}

int transport_send_stateless(struct transport *t, const struct transport_target *target, const struct iovec *parts,
	size_t part_count, const struct transport_note *note)
{
	if (transport_parts_length(parts, part_count) > t->limits.message_bytes)
		return -EMSGSIZE;
	if ((target->flags & TRANSPORT_TARGET_FLOW) && target->flow.worker != t->worker) {
		struct transport_arrival way = {
			.flow = target->flow,
			.protocol = target->protocol,
			.remote = target->address,
		};
		struct transport_way to = { .flow = target->flow, .remote = target->address };
		int status = transport_send_flow(t, &to, parts, part_count);
		if (status == 0)
			transport_record_message(t, RECORD_SENT, &way, note, parts, part_count);
		return status;
	}
	if (target->protocol == TRANSPORT_UDP)
		return send_once_datagram(t, target, parts, part_count, note);
	return send_once_stream(t, target, parts, part_count, note);
}
