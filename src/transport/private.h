/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRANSPORT_PRIVATE_H
#define FEDGE_TRANSPORT_PRIVATE_H
/* What the files of this folder share. The way of a message: connection.c or datagram.c (or mesh.c)
 * → receive.c (parse, whose is it) → server.c or client.c (transactions) → the user; and back:
 * server.c or client.c → send.c → connection.c, datagram.c or mesh.c. pool.c finds or opens the
 * connection for a target. */
#include "base/arena.h"
#include "base/buffer.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/require.h"
#include "net/failure.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/stream.h"
#include "net/tls.h"
#include "net/udp.h"
#include "record/sink.h"
#include "sip/framer.h"
#include "sip/transaction.h"
#include "transport/facts.h"
#include "transport/transport.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

struct transport_connection;

/* ---- a listener in use ---- */

struct transport_port {
	struct transport *transport;
	enum transport_protocol protocol;
	uint16_t index; /* TRANSPORT_LISTENER_NONE: the socket for UDP requests of a node that does not listen */
	struct net_address address; /* as bound */
	char *sent_by;
	struct net_udp *udp; /* one of the two; NULL once closed */
	struct net_listener *listener;
};

/* ---- the pool ---- */

/* What makes two targets share a connection. The texts belong to the connection. */
struct transport_pool_key {
	struct net_address address;
	enum transport_protocol protocol;
	struct span name;
	struct span identity;
	uint64_t mark;
};

/* Something that wants to be sent as soon as the connection stands and is judged. ready is called
 * once: with the connection, or with NULL and the failure. */
struct transport_waiting {
	struct list link;
	struct transport_connection *connection; /* the one waited for, or NULL */
	void (*ready)(struct transport_waiting *waiting, struct transport_connection *connection,
		const struct transport_failure *failure);
	void (*dropped)(struct transport_waiting *waiting); /* instead, where the transport is freed; may be NULL */
};

/* ---- connections ---- */

struct transport_connection {
	struct transport *transport;
	struct net_stream *stream;
	uint32_t slot;
	uint32_t generation;
	enum transport_protocol protocol;
	uint16_t listener;
	bool inbound;
	bool opened;
	bool ended; /* closed or closing: nothing is sent any more */
	bool heard; /* something was received */
	bool stalled; /* we gave up waiting for it */
	bool alias_asked;
	bool pooled; /* pool_link is in transport.pool (ours) or transport.aliases (inbound) */
	struct hash_link pool_link;
	struct transport_pool_key key; /* of a connection we opened; of an aliased one: address and protocol */
	char *texts; /* of the key */
	uint64_t judged_generation; /* transport.trust_generation when judge was last asked; 0: never */
	uint64_t judged_key; /* hash of the key it was asked for */
	int judged;
	struct sip_framer framer;
	struct wheel_timer message_timer;
	struct list waiting; /* struct transport_waiting */
	size_t waiting_count;
	struct list clients; /* client transactions sent over it that no response came for yet */
	struct transport_facts *facts; /* made when first handed to another worker */
	bool shared; /* other workers have sent over it: they are told of its end */
	int64_t started_us; /* steady */
};

struct transport_slot {
	struct transport_connection *connection; /* NULL: free */
	uint32_t generation; /* of the connection in it, or of the last one */
	uint32_t next_free;
};

/* ---- the transport ---- */

#define TRANSPORT_SPARE_ARENAS 256

/* Something to be done when no callback is on the stack any more: telling the user of an end,
 * giving an object back. In the list at most once. */
struct transport_deferred {
	struct list link;
	void (*run)(struct transport_deferred *deferred);
};

struct transport {
	uint16_t worker;
	uint16_t worker_count;
	struct transport_mesh *mesh;
	struct net_loop *loop;
	struct wheel *wheel;
	const struct clock *clock;
	struct net_resolver *resolver;
	struct random *random;
	struct net_tls *tls;
	char *node;
	struct net_address bind;
	struct transport_limits limits;
	struct transport_user user;
	struct hash_key token_key;
	const struct record_sink *sink;
	struct sip_timers timers;
	int64_t accepted_us;
	struct buffer scratch; /* a message in one piece, for the record of what was sent in parts */

	struct transport_port ports[TRANSPORT_LISTENER_MAXIMUM];
	size_t port_count;
	struct transport_port outgoing[2]; /* UDP, IPv4 and IPv6: opened when first needed */

	struct transport_slot *slots;
	uint32_t slot_count;
	uint32_t slot_free; /* head of the free ones, or TRANSPORT_SLOT_NONE */
	uint32_t first_generation; /* of every slot */
	size_t connection_count;
	struct hash_table pool;
	struct hash_table aliases;
	struct hash_table peers; /* of struct transport_peer: inbound connections by address */
	uint64_t trust_generation; /* from 1 */

	struct sip_transaction_table table;
	struct list remote_clients; /* client transactions over other workers' connections, without an answer */
	struct hash_table datagram_clients; /* UDP clients without an answer, by remote address */
	struct list servers; /* all, for transport_free */
	struct list clients;
	struct list server_pool; /* objects to be used again */
	struct list client_pool;
	struct arena spare[TRANSPORT_SPARE_ARENAS]; /* with a chunk each, from transactions that only linger */
	size_t spare_count;
	size_t server_pool_count;
	size_t client_pool_count;
	size_t server_count;
	size_t client_count;
	struct list deferred; /* struct transport_deferred, worked off at the end of the turn */
	struct net_hook hook;

	struct list fallbacks; /* responses that look for another way */

	struct list offers; /* struct transport_offer: asked of other workers, oldest first */
	size_t offer_count;
	uint64_t offer_next;
	struct wheel_timer offer_timer;

	/* Tests: what is to be sent is lost instead where this says so. */
	bool (*lose)(void *argument, struct span first_part);
	void *lose_argument;

	bool draining;
	void (*drained)(void *argument);
	void *drained_argument;
	struct wheel_timer drain_timer;
	int64_t drain_deadline_us;
	int64_t drain_quiet_us; /* nothing that is waited for: then it is over */

	struct transport_atomic_counters {
#define X(name) _Atomic uint64_t name;
		TRANSPORT_COUNTERS(X)
#undef X
		_Atomic uint64_t connections;
		_Atomic uint64_t server_transactions;
		_Atomic uint64_t client_transactions;
	} counters;
};

/* One thread writes, others only read: no locked instruction is needed. */
static inline void transport_count(_Atomic uint64_t *counter, uint64_t by)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + by, memory_order_relaxed);
}

static inline size_t transport_parts_length(const struct iovec *parts, size_t part_count)
{
	size_t length = 0;
	for (size_t i = 0; i < part_count; i++)
		length += parts[i].iov_len;
	return length;
}
/* All parts as one in the arena; absent at its maximum. */
struct span transport_parts_copy(struct arena *a, const struct iovec *parts, size_t part_count);

/* ---- linger.c ---- */

/* One piece of memory: size bytes for the caller, then copies of the texts, whose spans point there
 * afterwards. Absent spans stay absent. NULL (and nothing changed) without memory. */
void *transport_compact(size_t size, struct span *const *texts, size_t text_count);
/* An empty arena that may have a chunk already; and back. */
void transport_arena_take(struct transport *t, struct arena *a);
void transport_arena_give(struct transport *t, struct arena *a);

/* ---- receive.c ---- */

/* A message and how it came, as it goes through receive.c. */
struct transport_incoming {
	struct transport_arrival arrival; /* message is set while it is being handled */
	struct transport_connection *connection; /* of this worker; NULL for UDP and for what was handed over */
	struct transport_facts *facts; /* of what was handed over; borrowed */
	bool handed_over;
	bool refused; /* every other worker has refused it: it is new */
};
/* One framed message. */
void transport_receive(struct transport *t, struct span bytes, struct transport_incoming *in);
/* Only if a transaction here claims it. */
bool transport_receive_claim(struct transport *t, struct span bytes, struct transport_incoming *in);
/* What the framer refused: answered where it can be. */
void transport_receive_defect(struct transport *t, const struct sip_frame *frame, struct transport_incoming *in);
/* Facts that may travel: made and kept by the connection at the first call; borrowed. NULL where there are none. */
struct transport_facts *transport_incoming_facts(const struct transport_incoming *in);

/* ---- server.c, client.c ---- */

void transport_defer(struct transport *t, struct transport_deferred *deferred);
/* A new request; defect is NULL where it is well formed. */
void transport_server_receive(struct transport *t, struct transport_incoming *in, const struct sip_defect *defect);
/* An ACK that no transaction claims; user.ack is there. */
void transport_server_receive_ack(struct transport *t, struct transport_incoming *in);
/* A CANCEL whose INVITE is here. */
void transport_server_receive_cancel(
	struct transport *t, struct sip_transaction *invite, struct transport_incoming *in);
/* A retransmission, or an ACK to an INVITE here. */
void transport_server_receive_again(
	struct transport *t, struct sip_transaction *transaction, struct transport_incoming *in);
void transport_client_receive(struct transport *t, struct sip_transaction *transaction, struct transport_incoming *in);
/* The connection it was sent over is gone, or (UDP) its address cannot be reached. */
void transport_client_lost(
	struct list *connection_link, const struct transport_connection *c, const struct transport_failure *failure);
/* A connection of another worker is gone. */
void transport_clients_flow_lost(struct transport *t, struct transport_flow flow);
void transport_clients_unreachable(struct transport *t, const struct net_address *to, int error);
void transport_servers_done(struct transport *t);
void transport_clients_done(struct transport *t);
/* Is there one without a final answer? */
bool transport_servers_wait(const struct transport *t);
bool transport_clients_wait(const struct transport *t);

/* ---- offer.c ---- */

void transport_offers_init(struct transport *t);
void transport_offers_done(struct transport *t);
/* True where the others are being asked: it comes back by itself. */
bool transport_offer(struct transport *t, const struct transport_incoming *in, struct span bytes);
void transport_offer_replied(struct transport *t, uint64_t number, bool claimed);

/* ---- connection.c ---- */

extern const struct net_stream_events transport_connection_events;
/* An accepted stream, or a new object for a connection about to be opened (stream NULL). NULL at a limit. */
struct transport_connection *transport_connection_new(struct transport *t, enum transport_protocol protocol);
/* Only for one that never got a stream. */
void transport_connection_free(struct transport_connection *connection);
/* Before its stream goes: its address has one less. */
void transport_connection_leave(const struct transport_connection *connection);
void *transport_connection_accepted(void *argument, struct net_stream *stream, bool *ret_accept);
/* Of this worker; NULL where it is gone or ending. */
struct transport_connection *transport_connection_find(const struct transport *t, struct transport_flow flow);
static inline struct transport_flow transport_connection_flow(const struct transport_connection *c)
{
	return (struct transport_flow){ c->transport->worker, c->slot, c->generation };
}
void transport_connection_describe(const struct transport_connection *c, struct transport_incoming *ret_in);
void transport_connection_close(struct transport_connection *c);
/* 0; -ENOBUFS: too much waits to be sent (it is being aborted as stalled); -EPIPE: it is ending. */
int transport_connection_write(struct transport_connection *c, const struct iovec *parts, size_t part_count);

/* ---- pool.c ---- */

/* A connection for the target, ready to be written to: 0 and *ret_connection. Otherwise 0 and NULL:
 * waiting->ready will be called, later. Negative errno, ready is not called: -ENOTCONN (the flow
 * demanded is gone), -ENOBUFS (limits), or what opening gave. */
int transport_pool_get(struct transport *t, const struct transport_target *target, struct transport_waiting *waiting,
	struct transport_connection **ret_connection);
void transport_pool_forget(struct transport_waiting *waiting); /* ready will not be called */
/* The oldest that waits for it is freed without a word: it is all coming down. */
void transport_pool_drop(struct transport_connection *c);
void transport_pool_opened(struct transport_connection *c);
void transport_pool_closed(struct transport_connection *c, const struct net_failure *why);
void transport_pool_remove(struct transport_connection *c);
/* An inbound connection whose peer may be reached over it (RFC 5923). */
void transport_pool_alias(struct transport_connection *c, const struct net_address *address);

/* ---- datagram.c ---- */

int transport_datagram_open(struct transport_port *port, bool shared);
/* The port to send UDP requests from: 0, or why none could be opened. */
int transport_datagram_port(struct transport *t, const struct net_address *to, struct transport_port **ret_port);
struct transport_port *transport_datagram_by_slot(struct transport *t, uint32_t slot);
static inline struct transport_flow transport_port_flow(const struct transport_port *port)
{
	struct transport *t = port->transport;
	bool listens = port->index != TRANSPORT_LISTENER_NONE;
	uint32_t slot = listens ? port->index : (uint32_t)(TRANSPORT_LISTENER_MAXIMUM + (port - t->outgoing));
	return (struct transport_flow){ t->worker, slot, 0 };
}
int transport_datagram_send(
	struct transport_port *port, const struct net_address *to, const struct iovec *parts, size_t part_count);

/* ---- send.c ---- */

struct transport_way {
	struct transport_flow flow;
	struct net_address remote; /* counts for UDP flows only */
	/* Of a response over another worker's connection: where that is gone it looks for another way itself (RFC
	 * 3261 18.2.2). */
	bool may_change;
};
/* Over the flow, on whichever worker it is. 0, -ENOTCONN, -ENOBUFS, -EPIPE, -EMSGSIZE. */
int transport_send_flow(
	struct transport *t, const struct transport_way *way, const struct iovec *parts, size_t part_count);
/* From another worker. */
void transport_send_handed_over(struct transport *t, uint16_t from, const struct transport_way *way, struct span bytes);
/* Where a response goes over UDP (RFC 3261 18.2.2, RFC 3581 4). Its maddr is for requests that were sent to a multicast
 * address (18.1.1), which we do not hear; in others it would send our answers to whomever it names. */
struct net_address transport_response_address(const struct sip_via *via, const struct net_address *source);

/* ---- fallback.c ---- */

/* RFC 3261 18.2.2: the connection that the request came by is gone. via is the response's top one, the peer's, who must
 * be known (transport_user.known). */
void transport_send_fallback(struct transport *t, const struct sip_via *via, const struct transport_note *note,
	const struct iovec *parts, size_t part_count);
void transport_fallbacks_done(struct transport *t);

/* ---- record.c ---- */

void transport_record_message(struct transport *t, enum record_direction direction, const struct transport_arrival *way,
	const struct transport_note *note, const struct iovec *parts, size_t part_count);
void transport_record_connection(
	struct transport_connection *c, enum record_connection_event event, const struct net_failure *why);
void transport_record_handshake(struct transport_connection *c, const struct net_failure *why);
void transport_record_dropped(struct transport *t, const struct transport_arrival *way, const char *why);
/* Copies the texts that are there into the arena; the others stay what they were. */
void transport_note_merge(struct arena *a, struct transport_note *note, const struct transport_note *more);
#endif
