/* SPDX-License-Identifier: Apache-2.0 */
/* A response whose connection is gone (RFC 3261 18.2.2): first to the address the request came from, at
 * the port of its sent-by, then where its sent-by leads by DNS (RFC 3263 5). The server name is what the Via
 * calls itself, and judge is asked (with mark 0) as for any other connection. */
#include "transport/private.h"

#define WAYS_MAXIMUM 8

struct fallback {
	struct list link; /* transport.fallbacks */
	struct transport_waiting waiting;
	struct transport *transport;
	struct arena arena;
	struct transport_note note;
	struct span bytes;
	enum transport_protocol protocol;
	struct span host; /* of sent-by; absent where it is a number or was looked up already */
	uint16_t port; /* 0: none was written */
	struct span name;
	struct net_address ways[WAYS_MAXIMUM];
	size_t way_count;
	size_t next_way;
	struct transport_query *query;
};

static void fallback_free(struct fallback *f)
{
	list_remove(&f->link);
	transport_pool_forget(&f->waiting);
	transport_query_cancel(f->query);
	arena_done(&f->arena);
	free(f);
}

static void try_next(struct fallback *f);

static void send_now(struct fallback *f, struct transport_connection *c)
{
	struct iovec part = { (void *)(uintptr_t)f->bytes.at, f->bytes.length };
	if (transport_connection_write(c, &part, 1) < 0) {
		try_next(f);
		return;
	}
	struct transport_incoming way;
	transport_connection_describe(c, &way);
	transport_record_message(f->transport, RECORD_SENT, &way.arrival, &f->note, &part, 1);
	fallback_free(f);
}

static void ready(
	struct transport_waiting *waiting, struct transport_connection *c, const struct transport_failure *failure)
{
	(void)failure; /* its connection has a record */
	struct fallback *f = base_container(waiting, struct fallback, waiting);
	if (c)
		send_now(f, c);
	else
		try_next(f);
}

static void looked_up(void *argument, const struct transport_answer *answer)
{
	struct fallback *f = argument;
	f->query = NULL;
	for (size_t i = 0; i < answer->target_count && f->way_count < WAYS_MAXIMUM; i++)
		f->ways[f->way_count++] = answer->targets[i].address;
	try_next(f);
}

static bool look_up(struct fallback *f)
{
	struct transport *t = f->transport;
	struct transport_resolving with = { t->resolver, t->loop, t->random };
	struct transport_question question = { .host = f->host, .port = f->port, .protocol = f->protocol };
	if (!t->resolver || !f->host.at)
		return false;
	f->host = SPAN_NONE;
	return transport_resolve(&with, &question, looked_up, f, &f->query) == 0;
}

/* True where it is on its way, or waits for its connection. */
static bool try_way(struct fallback *f, const struct net_address *address)
{
	struct transport_target target = {
		.protocol = f->protocol,
		.address = *address,
		.name = f->name,
		.flow = TRANSPORT_FLOW_NONE,
	};
	struct transport_connection *c;
	if (transport_pool_get(f->transport, &target, &f->waiting, &c) < 0)
		return false;
	if (c)
		send_now(f, c);
	return true;
}

static void try_next(struct fallback *f)
{
	while (f->next_way < f->way_count)
		if (try_way(f, &f->ways[f->next_way++]))
			return;
	if (look_up(f))
		return;
	transport_count(&f->transport->counters.dropped_send, 1);
	fallback_free(f);
}

static struct fallback *fallback_new(struct transport *t, const struct sip_via *via, const struct transport_note *note)
{
	struct fallback *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->transport = t;
	arena_init(&f->arena, t->limits.arena_bytes);
	transport_note_merge(&f->arena, &f->note, note);
	list_init(&f->waiting.link);
	f->waiting.ready = ready;
	f->protocol = transport_protocol_of(via->transport);
	f->port = via->port;
	list_append(&t->fallbacks, &f->link);
	return f;
}

void transport_send_fallback(struct transport *t, const struct sip_via *via, const struct transport_note *note,
	const struct iovec *parts, size_t part_count)
{
	struct fallback *f = fallback_new(t, via, note);
	if (f)
		f->bytes = transport_parts_copy(&f->arena, parts, part_count);
	if (!f || !f->bytes.at || !transport_protocol_is_stream(f->protocol)) {
		transport_count(&t->counters.dropped_send, 1);
		if (f)
			fallback_free(f);
		return;
	}
	struct net_address numeric;
	if (net_address_parse(via->host, 0, &numeric) < 0)
		f->host = f->name = arena_copy(&f->arena, via->host);
	struct span address = via->received.at ? via->received : via->host;
	if (net_address_parse(address, sip_via_port(via), &f->ways[0]) == 0)
		f->way_count = 1;
	try_next(f);
}

void transport_fallbacks_done(struct transport *t)
{
	list_each_safe (link, following, &t->fallbacks)
		fallback_free(base_container(link, struct fallback, link));
}
