/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/node.h"

#include "base/require.h"
#include "edge/chronicle.h"
#include "edge/journal.h"
#include "edge/link.h"
#include "edge/node_key.h"
#include "edge/node_parts.h"
#include "edge/own_certificate.h"
#include "edge/registry.h"
#include "edge/worker_private.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAXIMUM 256

struct edge_node {
	struct edge_shared shared;
	struct net_loop *loop; /* of the main thread */
	struct random random;
	struct edge_site *site;
	struct trace_file_sink *logs;
	struct edge_chronicle chronicle;
	/* Of each worker, then of the main thread: to logs and history. */
	struct record_fanout fanouts[WORKERS_MAXIMUM + 1];
	struct record_named_sink named;
	struct record_sink sink; /* the main thread's */
	struct net_tls_watch *watch;
	struct transport_listener listeners[TRANSPORT_LISTENER_MAXIMUM];
	struct edge_worker *workers[WORKERS_MAXIMUM];
	struct edge_node_life life;
	char name[256]; /* a reload frees the configuration they came from */
	char log_name[256];
	uint16_t not_drained; /* workers; on the main thread */
	struct wheel_timer registry_tick;
};

static void note(struct edge_node *node, enum record_node_event event, enum record_severity severity, const char *text)
{
	edge_journal_note(&node->sink, &node->shared.clock, event, severity, span_of(text));
}

/* ---- opening ---- */

static uint16_t workers_wanted(const struct config_node *config)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	uint32_t wanted = config->workers ? config->workers : cores > 0 ? (uint32_t)cores : 1;
	return (uint16_t)(wanted > WORKERS_MAXIMUM ? WORKERS_MAXIMUM : wanted);
}

static int logs_open(struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	uint32_t producers = node->shared.worker_count + 1u;
	int status = edge_parts_logs(config, &node->shared.clock, producers, &node->logs, reterr_text);
	if (status == 0)
		status = edge_chronicle_open(&node->chronicle, config, &node->shared.clock,
			random_hash_key(&node->random), producers, reterr_text);
	if (status < 0)
		return status;
	for (uint32_t i = 0; i < producers; i++) {
		record_fanout_add(&node->fanouts[i], trace_file_sink_producer(node->logs, i));
		record_fanout_add(&node->fanouts[i], history_producer(node->chronicle.history, i));
	}
	node->named =
		(struct record_named_sink){ record_fanout_sink(&node->fanouts[producers - 1]), node->shared.log_name };
	if (node->named.next.take)
		node->sink = record_named_sink(&node->named);
	return 0;
}

static int peers_open(struct edge_node *node)
{
	struct peer_cache_settings cache = { .clock = &node->shared.clock, .key = random_hash_key(&node->random) };
	struct peer_limits_settings limits = { .key = random_hash_key(&node->random) };
	int status = peer_cache_new(&cache, &node->shared.peers);
	return status < 0 ? status : peer_limits_new(&limits, &node->shared.limits);
}

static void tls_reloaded(void *argument, int status, const char *text)
{
	struct edge_node *node = argument;
	if (status < 0)
		note(node, RECORD_NODE_NOTE, RECORD_ERROR, text);
	else
		note(node, RECORD_NODE_RELOADED, RECORD_NOTE, "certificate files changed: the new ones are in use");
	for (uint16_t i = 0; status == 0 && i < node->shared.worker_count; i++)
		edge_worker_forget_peers(node->workers[i]);
}

static int shared_open(struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	int status = edge_parts_listeners(config, node->listeners, reterr_text);
	if (status == 0)
		status = edge_parts_doors(node->site, NULL, reterr_text);
	if (status == 0)
		status = edge_links_new(&node->shared.links);
	if (status == 0)
		status = logs_open(node, config, reterr_text);
	if (status == 0)
		status = peers_open(node);
	if (status == 0)
		status =
			edge_parts_tls(config, &node->shared.clock, node->shared.peers, &node->shared.tls, reterr_text);
	if (status == 0)
		status = edge_parts_resolver(config, &node->shared.clock, &node->shared.resolver, reterr_text);
	if (status == 0 && node->shared.worker_count > 1)
		status = transport_mesh_new(node->shared.worker_count, 0, &node->shared.mesh);
	if (status == 0 && node->shared.tls)
		status = net_tls_watch_new(node->loop, node->shared.tls, 0, tls_reloaded, node, &node->watch);
	return status;
}

static int workers_open(struct edge_node *node, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	for (uint16_t i = 0; i < node->shared.worker_count; i++) {
		struct record_sink sink = record_fanout_sink(&node->fanouts[i]);
		size_t listener = SIZE_MAX;
		int status = edge_worker_new(&node->shared, i, node->site, sink, &node->workers[i], &listener);
		if (status == 0)
			continue;
		if (listener < node->shared.listener_count) {
			char address[NET_ADDRESS_TEXT_SIZE];
			net_address_format(&node->listeners[listener].address, address);
			snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "cannot listen on %s: %s", address,
				strerror(-status));
		}
		return status;
	}
	for (uint16_t i = 0; i < node->shared.worker_count; i++) {
		int status = edge_worker_start(node->workers[i]);
		if (status < 0)
			return status;
	}
	return 0;
}

/* ---- the registrar ---- */

static void registry_tick(struct wheel_timer *timer, int64_t now_us)
{
	struct edge_node *node = base_container(timer, struct edge_node, registry_tick);
	edge_registry_tick(node->shared.registry, node->site->config, node->site->users, &node->sink);
	edge_chronicle_tick(&node->chronicle, &node->shared.clock, &node->sink);
	wheel_arm(net_loop_wheel(node->loop), timer, now_us + EDGE_REGISTRY_TICK_US);
}

static int registry_open(
	struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	int status = edge_registry_new(
		config, &node->shared.clock, &node->shared.key, &node->random, &node->shared.registry, reterr_text);
	if (status < 0)
		return status;
	edge_registry_reloaded(node->shared.registry, config, node->site->users, &node->sink);
	wheel_timer_init(&node->registry_tick, registry_tick);
	wheel_arm(
		net_loop_wheel(node->loop), &node->registry_tick, net_loop_now_us(node->loop) + EDGE_REGISTRY_TICK_US);
	return 0;
}

static int node_open(struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	int status = random_init(&node->random);
	if (status == 0)
		status = edge_site_new(config, 1, &node->site);
	if (status < 0)
		return status;
	const struct config_node *own = node->site->config;
	span_copy_to(own->node, node->name, sizeof(node->name));
	span_copy_to(own->log_name, node->log_name, sizeof(node->log_name));
	node->shared.node = span_of(node->name);
	node->shared.log_name = span_of(node->log_name);
	status = edge_node_key(own, &node->random, &node->shared.key, reterr_text);
	if (status < 0)
		return status;
	node->shared.listeners = node->listeners;
	node->shared.listener_count = own->listen_count;
	node->shared.worker_count = workers_wanted(own);
	if (own->listen_count > TRANSPORT_LISTENER_MAXIMUM) {
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "more than %d listeners", TRANSPORT_LISTENER_MAXIMUM);
		return -E2BIG;
	}
	status = net_loop_new(&node->shared.clock, &node->loop);
	if (status == 0)
		status = shared_open(node, own, reterr_text);
	if (status == 0)
		status = registry_open(node, own, reterr_text);
	if (status == 0)
		status = workers_open(node, reterr_text);
	return status;
}

void edge_node_each_warning(
	const struct edge_node *node, void (*warn)(void *argument, struct span text), void *argument)
{
	if (node->site->config->tls.keylog.at)
		warn(argument, SPAN("TLS keys are written to a file: whoever reads it can read all traffic"));
	edge_node_key_warning(node->site->config, warn, argument);
	if (node->shared.tls)
		edge_own_certificate_each_warning(
			node->shared.tls, &node->site->policy, &node->shared.clock, warn, argument);
}

static void warning_note(void *argument, struct span text)
{
	struct edge_node *node = argument;
	edge_journal_note(&node->sink, &node->shared.clock, RECORD_NODE_NOTE, RECORD_WARNING, text);
}

int edge_node_new(const struct config_node *config, const struct clock *clock, struct edge_node **ret_node,
	char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	struct edge_node *node = calloc(1, sizeof(*node));
	if (!node)
		return -ENOMEM;
	reterr_text[0] = '\0';
	node->shared.clock = *clock;
	int status = node_open(node, config, reterr_text);
	if (status < 0) {
		if (!reterr_text[0])
			snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "cannot start: %s", strerror(-status));
		edge_node_free(node);
		return status;
	}
	node->life = (struct edge_node_life){
		.started_us = clock_wall_us(clock), .generation = 1, .worker_count = node->shared.worker_count
	};
	note(node, RECORD_NODE_STARTED, RECORD_NOTE, "started");
	edge_node_each_warning(node, warning_note, node);
	note(node, RECORD_NODE_READY, RECORD_NOTE, "ready");
	*ret_node = node;
	return 0;
}

struct edge_node *edge_node_free(struct edge_node *node)
{
	if (!node)
		return NULL;
	for (uint16_t i = 0; i < node->shared.worker_count; i++)
		edge_worker_join(node->workers[i]);
	net_tls_watch_free(node->watch);
	/* The resolver answers into the workers' loops: it ends first. */
	if (node->shared.resolver)
		net_resolver_free(node->shared.resolver);
	for (uint16_t i = 0; i < node->shared.worker_count; i++)
		edge_worker_free(node->workers[i]);
	transport_mesh_free(node->shared.mesh);
	net_tls_unref(node->shared.tls);
	if (node->shared.limits)
		peer_limits_free(node->shared.limits);
	if (node->shared.peers)
		peer_cache_free(node->shared.peers);
	edge_registry_free(node->shared.registry);
	if (node->sink.take)
		note(node, RECORD_NODE_STOPPED, RECORD_NOTE, "stopped");
	edge_links_free(node->shared.links);
	struct record_sink log = trace_file_sink_producer(node->logs, node->shared.worker_count);
	edge_chronicle_close(&node->chronicle, &node->shared.clock, &log);
	trace_file_sink_stop(node->logs);
	if (node->loop)
		net_loop_free(node->loop);
	edge_site_unref(node->site);
	free(node);
	return NULL;
}

/* ---- life ---- */

struct net_loop *edge_node_loop(struct edge_node *node)
{
	return node->loop;
}

int edge_node_run(struct edge_node *node)
{
	return net_loop_run(node->loop);
}

static void worker_drained(void *argument)
{
	struct edge_node *node = argument;
	if (--node->not_drained == 0)
		net_loop_stop(node->loop);
}

/* On a worker's thread. */
static void drained(void *argument)
{
	struct edge_node *node = argument;
	net_loop_post(node->loop, worker_drained, node);
}

void edge_node_stop(struct edge_node *node)
{
	if (node->life.draining) {
		net_loop_stop(node->loop);
		return;
	}
	node->life.draining = true;
	note(node, RECORD_NODE_DRAINING, RECORD_NOTE, "stopping: no new calls are taken");
	node->not_drained = node->shared.worker_count;
	for (uint16_t i = 0; i < node->shared.worker_count; i++)
		if (edge_worker_drain(node->workers[i], drained, node) < 0)
			net_loop_stop(node->loop);
}

/* ---- reload ---- */

static int reload_parts(
	struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	char ignored[EDGE_NODE_ERROR_SIZE];
	if ((node->shared.tls != NULL) != edge_parts_want_tls(config) ||
		(node->shared.resolver == NULL) != !config->dns.enabled) {
		snprintf(
			reterr_text, EDGE_NODE_ERROR_SIZE, "a tls or dns section that appears or goes needs a restart");
		return -EINVAL;
	}
	int status = edge_parts_resolver(config, &node->shared.clock, &node->shared.resolver, reterr_text);
	if (status < 0)
		return status;
	status = edge_parts_tls(config, &node->shared.clock, node->shared.peers, &node->shared.tls, reterr_text);
	if (status < 0) /* whole or not at all */
		edge_parts_resolver(node->site->config, &node->shared.clock, &node->shared.resolver, ignored);
	return status;
}

static int changes_make(struct edge_node *node, struct edge_site *site, struct edge_site_change **changes)
{
	for (uint16_t i = 0; i < node->shared.worker_count; i++) {
		changes[i] = edge_worker_change_site(node->workers[i], site);
		if (!changes[i])
			return -ENOMEM;
	}
	return 0;
}

static int reload(struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	const char *key = config_node_restart_key(node->site->config, config);
	struct edge_site_change *changes[WORKERS_MAXIMUM] = { NULL };
	struct edge_site *site;
	if (key) {
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "'%s' has changed: that needs a restart", key);
		return -EINVAL;
	}
	int status = edge_site_new(config, node->life.generation + 1, &site);
	if (status < 0)
		return status;
	status = changes_make(node, site, changes);
	if (status == 0)
		status = edge_parts_doors(site, node->site, reterr_text);
	if (status == 0)
		status = reload_parts(node, config, reterr_text);
	if (status < 0) {
		for (uint16_t i = 0; i < node->shared.worker_count; i++)
			edge_site_change_drop(changes[i]);
		edge_site_unref(site);
		return status;
	}
	edge_site_unref(node->site);
	node->site = site;
	node->life.generation++;
	node->life.reloaded_us = clock_wall_us(&node->shared.clock);
	for (uint16_t i = 0; i < node->shared.worker_count; i++)
		edge_worker_take_site(changes[i]);
	edge_registry_reloaded(node->shared.registry, site->config, site->users, &node->sink);
	return 0;
}

int edge_node_reload(struct edge_node *node, const struct config_node *config, char reterr_text[EDGE_NODE_ERROR_SIZE])
{
	reterr_text[0] = '\0';
	int status = reload(node, config, reterr_text);
	if (status < 0 && !reterr_text[0])
		snprintf(reterr_text, EDGE_NODE_ERROR_SIZE, "cannot reload: %s", strerror(-status));
	if (status < 0)
		note(node, RECORD_NODE_NOTE, RECORD_ERROR, reterr_text);
	else
		note(node, RECORD_NODE_RELOADED, RECORD_NOTE, "configuration reloaded");
	return status;
}

void edge_node_reopen_logs(struct edge_node *node)
{
	if (node->logs)
		trace_file_sink_reopen(node->logs);
}

size_t edge_node_flush(struct edge_node *node, struct span domain)
{
	size_t forgotten = peer_cache_flush(node->shared.peers, domain);
	peer_limits_flush(node->shared.limits, domain);
	if (node->shared.resolver)
		net_resolver_flush(node->shared.resolver);
	for (uint16_t i = 0; i < node->shared.worker_count; i++)
		edge_worker_forget_peers(node->workers[i]);
	return forgotten;
}

/* ---- what is shown ---- */

const struct config_node *edge_node_config(const struct edge_node *node)
{
	return node->site->config;
}

struct peer_cache *edge_node_peers(const struct edge_node *node)
{
	return node->shared.resolver ? node->shared.peers : NULL;
}

struct peer_limits *edge_node_limits(const struct edge_node *node)
{
	return node->shared.limits;
}

const struct edge_links *edge_node_links(const struct edge_node *node)
{
	return node->shared.links;
}

struct net_tls *edge_node_tls(const struct edge_node *node)
{
	return node->shared.tls;
}

struct edge_registry *edge_node_registry(const struct edge_node *node)
{
	return node->shared.registry;
}

bool edge_node_log_status(const struct edge_node *node, size_t index, struct trace_file_status *ret_status)
{
	return node->logs && trace_file_sink_status(node->logs, index, ret_status) == 0;
}

bool edge_node_history_status(const struct edge_node *node, struct history_status *ret_status)
{
	if (node->chronicle.history)
		history_status(node->chronicle.history, ret_status);
	return node->chronicle.history != NULL;
}

struct edge_node_life edge_node_life(const struct edge_node *node)
{
	return node->life;
}

static void counts_add(struct edge_node_counts *sum, const struct edge_worker *worker)
{
	struct transport_counters transport;
	transport_counters(worker->transport, &transport);
#define X(name) sum->name += atomic_load_explicit(&worker->counters.name, memory_order_relaxed);
	EDGE_COUNTERS(X)
#undef X
#define X(name) sum->transport.name += transport.name;
	TRANSPORT_COUNTERS(X)
#undef X
	sum->transport.connections += transport.connections;
	sum->transport.server_transactions += transport.server_transactions;
	sum->transport.client_transactions += transport.client_transactions;
	sum->requests_under_way += atomic_load_explicit(&worker->under_way, memory_order_relaxed);
}

void edge_node_counts(const struct edge_node *node, struct edge_node_counts *ret_counts)
{
	memset(ret_counts, 0, sizeof(*ret_counts));
	for (uint16_t i = 0; i < node->shared.worker_count; i++)
		counts_add(ret_counts, node->workers[i]);
}
