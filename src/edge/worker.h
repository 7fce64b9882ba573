/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_WORKER_H
#define FEDGE_EDGE_WORKER_H
/* One worker: a thread with its own loop, transport and view of the peers. Nothing of it is
 * touched by another thread but through its loop's posts, its counters, and what edge/node.h says. */
#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"
#include "edge/site.h"
#include "record/sink.h"
#include "transport/transport.h"

#include <pthread.h>
#include <stdatomic.h>

struct edge_keeper;
struct edge_links;
struct net_loop;
struct net_resolver;
struct net_tls;
struct peer_cache;
struct peer_limits;
struct peer_view;
struct edge_registry;

/* Written by the worker alone, read by the status command. */
#define EDGE_COUNTERS(X)                                                                                               \
	X(requests) /* taken in */                                                                                     \
	X(forwarded)                                                                                                   \
	X(answered_by_us) /* final answers of our own making */                                                        \
	X(refused_by_trust)                                                                                            \
	X(calls) /* INVITEs that were answered 2xx */                                                                  \
	X(loops)

struct edge_counters {
#define X(name) _Atomic uint64_t name;
	EDGE_COUNTERS(X)
#undef X
};
static inline void edge_count(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1, memory_order_relaxed);
}

static inline void edge_count_down(_Atomic uint64_t *counter)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) - 1, memory_order_relaxed);
}

/* What all workers of a node share. Set before they start, never changed. */
struct edge_shared {
	struct clock clock;
	struct span node; /* FQDN */
	struct span log_name;
	struct hash_key key; /* flow tokens, loop hashes */
	struct net_tls *tls; /* NULL: the node speaks no TLS */
	struct net_resolver *resolver; /* NULL: no dns section */
	struct peer_cache *peers;
	struct peer_limits *limits;
	struct edge_registry *registry;
	struct transport_mesh *mesh;
	struct edge_links *links; /* never NULL */
	const struct transport_listener *listeners;
	size_t listener_count;
	uint16_t worker_count;
};

/* A stranger that was let in: this connection, for this domain, until then (edge/admit.c). */
#define EDGE_ADMISSIONS 512
struct edge_admission {
	struct transport_flow flow;
	uint64_t site_generation;
	uint64_t forgotten;
	int64_t until_us;
	char domain[96]; /* longer ones are judged every time */
};

/* Which domain a connection was opened for, where the policy asks (edge/send.c). */
#define EDGE_MARKS 256
struct edge_mark {
	uint64_t mark;
	char domain[256];
};

struct edge_worker {
	uint16_t number;
	const struct edge_shared *shared;
	struct net_loop *loop;
	struct transport *transport;
	struct edge_keeper *keeper;
	struct transport_listener
		doors[TRANSPORT_LISTENER_MAXIMUM]; /* ports of traversal zones that are open; ANY: none */
	struct peer_view *peers;
	char service[80]; /* what it asks SRV records of: "_sipfederationtls._tcp" */
	struct random random;
	struct record_named_sink named; /* gives records the node's name */
	struct record_sink sink;
	struct edge_site *site; /* the newest; requests keep their own */
	struct list requests; /* under way */
	bool draining;
	uint64_t forgotten; /* counts the flushes of the peer cache: what was admitted before is judged anew */
	struct edge_admission admissions[EDGE_ADMISSIONS];
	struct edge_mark marks[EDGE_MARKS];
	struct edge_counters counters;
	_Atomic uint64_t under_way; /* request_count, for the status command */
	/* The thread; touched by the main thread only. */
	pthread_t thread;
	bool started;
	int status;
	void (*drained)(void *argument);
	void *drained_argument;
};

/* The functions that transport calls: the doors of edge/. */
struct transport_user edge_worker_user(struct edge_worker *worker);
#endif
