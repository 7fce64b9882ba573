/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_NODE_H
#define FEDGE_EDGE_NODE_H
/* A whole node: its workers, what they share, and its life from start to drained end. The main
 * thread owns it and runs its main loop (signals, the control socket, certificate files, reloads);
 * each worker is a thread of its own (edge/worker.h). Reads no configuration file itself and opens
 * no control socket: whoever runs it (cmd/serve.c) does, on the loop given here.
 *
 *	edge_node_new -> (control socket, signals on edge_node_loop) -> edge_node_run -> edge_node_free
 */
#include "base/clock.h"
#include "config/node.h"
#include "edge/worker.h"
#include "history/history.h"
#include "peer/cache.h"
#include "peer/limits.h"
#include "trace/file_sink.h"

struct edge_links;
struct edge_node;
struct edge_registry;
struct net_tls;

#define EDGE_NODE_ERROR_SIZE 1024

/* Opens everything (logs, certificates, resolver, ports) and starts the workers; when it returns 0 the
 * node answers. Takes a reference of config. Negative errno with one line that says what failed
 * ("cannot listen on 127.0.0.1:5061 (tls): another program has the port"). */
int edge_node_new(const struct config_node *config, const struct clock *clock, struct edge_node **ret_node,
	char reterr_text[EDGE_NODE_ERROR_SIZE]);
/* After edge_node_run has returned (or was never called). NULL is accepted; returns NULL. */
struct edge_node *edge_node_free(struct edge_node *node);

/* The main loop, for control socket and signals; belongs to the thread that called edge_node_new. */
struct net_loop *edge_node_loop(struct edge_node *node);
/* Runs until a stop has been asked for and every worker has drained. 0 or a negative errno. */
int edge_node_run(struct edge_node *node);
/* Begins the end: no new connections, 503 to new calls, calls being set up may finish until
 * limits.drain; a second call ends at once. On the main loop's thread. */
void edge_node_stop(struct edge_node *node);

/* Whole or not at all: the new configuration and its certificates are made ready, then every worker
 * goes over to it between two messages; requests under way end under the old one. -EINVAL: a setting
 * changed that needs a restart, or a certificate is unusable; the text says which. */
int edge_node_reload(struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE]);
/* Closes and opens the log files again, for logrotate. */
void edge_node_reopen_logs(struct edge_node *node);
/* Forgets what is known of a partner (absent: of all), in the peer cache, the resolver, the limits and the workers.
 * The number of entries forgotten. */
size_t edge_node_flush(struct edge_node *node, struct span domain);

/* ---- what the control socket shows; all on the main loop's thread ---- */
const struct config_node *edge_node_config(const struct edge_node *node);
struct peer_cache *edge_node_peers(const struct edge_node *node); /* NULL without a dns section */
struct peer_limits *edge_node_limits(const struct edge_node *node);
const struct edge_links *edge_node_links(const struct edge_node *node); /* what zones live: edge/link.h */
struct net_tls *edge_node_tls(const struct edge_node *node); /* NULL where the node speaks no TLS */
struct edge_registry *edge_node_registry(const struct edge_node *node); /* who is registered */
bool edge_node_log_status(const struct edge_node *node, size_t index, struct trace_file_status *ret_status);
/* False where the node keeps no search history. */
bool edge_node_history_status(const struct edge_node *node, struct history_status *ret_status);

/* What an administrator should know of a node that runs: keys written to a file, own certificates that partners
 * will not like for long. Also in the log at start. */
void edge_node_each_warning(
	const struct edge_node *node, void (*warn)(void *argument, struct span text), void *argument);

struct edge_node_counts {
#define X(name) uint64_t name;
	EDGE_COUNTERS(X)
#undef X
	struct transport_counters transport; /* summed over the workers */
	uint64_t requests_under_way;
};
void edge_node_counts(const struct edge_node *node, struct edge_node_counts *ret_counts);
struct edge_node_life {
	int64_t started_us; /* wall */
	int64_t reloaded_us; /* 0: never */
	uint64_t generation;
	uint16_t worker_count;
	bool draining;
};
struct edge_node_life edge_node_life(const struct edge_node *node);
#endif
