/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "edge/cancel.h"
#include "edge/keeper.h"
#include "edge/worker_private.h"
#include "net/loop.h"
#include "peer/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMER_C_US (INT64_C(181) * CLOCK_SECOND_US) /* RFC 3261 16.6 step 11: more than three minutes */

static struct transport_limits limits_of(const struct config_limits *limits)
{
	return (struct transport_limits){
		.message_bytes = limits->message_bytes,
		.connections = limits->connections,
		/* One host, whoever it is, leaves room for the others. */
		.connections_per_peer = limits->connections / 10 + 16,
		.transactions = limits->transactions,
		.handshake_us = limits->handshake_ms * CLOCK_MS_US,
		.idle_us = limits->idle_ms * CLOCK_MS_US,
	};
}

static int transport_open(struct edge_worker *worker, size_t *reterr_listener)
{
	const struct edge_shared *shared = worker->shared;
	const struct config_node *config = worker->site->config;
	struct transport_params params = {
		.worker = worker->number,
		.worker_count = shared->worker_count,
		.mesh = shared->mesh,
		.loop = worker->loop,
		.resolver = shared->resolver,
		.random = &worker->random,
		.listeners = shared->listeners,
		.listener_count = shared->listener_count,
		.tls = shared->tls,
		.node = shared->node,
		.limits = limits_of(&config->limits),
		.ringing_us = TIMER_C_US,
		.token_key = shared->key,
		.sink = &worker->sink,
		.user = edge_worker_user(worker),
	};
	if (config->address.at)
		net_address_parse(config->address, 0, &params.bind);
	return transport_new(&params, &worker->transport, reterr_listener);
}

static int peers_open(struct edge_worker *worker)
{
	const struct edge_shared *shared = worker->shared;
	/* Without a resolver too: certificates of neighbors are kept there. */
	struct span service = config_node_service(worker->site->config);
	if (service.at)
		snprintf(worker->service, sizeof(worker->service), "_%.*s._tcp", SPAN_PRINT(service));
	struct peer_view_settings settings = {
		.cache = shared->peers,
		.loop = worker->loop,
		.resolver = shared->resolver,
		.sink = &worker->sink,
		.clock = &shared->clock,
		.worker = worker->number,
		.service = worker->service[0] ? worker->service : NULL,
		.tlsa = worker->site->policy.kind == TRUST_POLICY_DANE,
	};
	return peer_view_new(&settings, &worker->peers);
}

int edge_worker_new(const struct edge_shared *shared, uint16_t number, struct edge_site *site, struct record_sink sink,
	struct edge_worker **ret_worker, size_t *reterr_listener)
{
	struct edge_worker *worker = calloc(1, sizeof(*worker));
	if (!worker)
		return -ENOMEM;
	worker->number = number;
	worker->shared = shared;
	worker->site = edge_site_ref(site);
	worker->named = (struct record_named_sink){ sink, shared->log_name };
	worker->sink = record_named_sink(&worker->named);
	list_init(&worker->requests);
	int status = random_init(&worker->random);
	if (status == 0)
		status = net_loop_new(&shared->clock, &worker->loop);
	if (status == 0)
		status = peers_open(worker);
	if (status == 0)
		status = transport_open(worker, reterr_listener);
	if (status == 0)
		status = edge_keeper_new(worker, &worker->keeper);
	if (status < 0) {
		edge_worker_free(worker);
		return status;
	}
	edge_keeper_site(worker->keeper);
	*ret_worker = worker;
	return 0;
}

struct edge_worker *edge_worker_free(struct edge_worker *worker)
{
	if (!worker)
		return NULL;
	if (worker->loop)
		net_loop_turn(worker->loop, 0); /* what was posted still finds everything in its place */
	edge_worker_forget_requests(worker);
	edge_keeper_free(worker->keeper);
	transport_free(worker->transport);
	peer_view_free(worker->peers);
	if (worker->loop)
		net_loop_free(worker->loop);
	edge_site_unref(worker->site);
	free(worker);
	return NULL;
}

static void *thread_main(void *argument)
{
	struct edge_worker *worker = argument;
	worker->status = net_loop_run(worker->loop);
	return NULL;
}

int edge_worker_start(struct edge_worker *worker)
{
	int status = pthread_create(&worker->thread, NULL, thread_main, worker);
	worker->started = status == 0;
	return -status;
}

void edge_worker_join(struct edge_worker *worker)
{
	if (!worker || !worker->started)
		return;
	net_loop_stop(worker->loop);
	pthread_join(worker->thread, NULL);
	worker->started = false;
}

/* ---- posts from the main thread ---- */

/* For the last answers and CANCELs to leave. */
#define FAREWELL_US (200 * CLOCK_MS_US)

static void drain_done(void *argument)
{
	struct edge_worker *worker = argument;
	edge_keeper_close(worker->keeper);
	worker->drained(worker->drained_argument);
}

static void drain_over(void *argument)
{
	struct edge_worker *worker = argument;
	if (edge_cancel_all(worker))
		transport_drain(worker->transport, net_loop_now_us(worker->loop) + FAREWELL_US, drain_done, worker);
	else
		drain_done(worker);
}

static void drain(void *argument)
{
	struct edge_worker *worker = argument;
	int64_t limit_us = worker->site->config->limits.drain_ms * CLOCK_MS_US;
	worker->draining = true;
	edge_keeper_drain(worker->keeper);
	transport_drain(worker->transport, net_loop_now_us(worker->loop) + limit_us, drain_over, worker);
}

int edge_worker_drain(struct edge_worker *worker, void (*drained)(void *argument), void *argument)
{
	worker->drained = drained;
	worker->drained_argument = argument;
	return net_loop_post(worker->loop, drain, worker);
}

struct edge_site_change {
	struct net_task task;
	struct edge_worker *worker;
	struct edge_site *site;
};

static void site_take(struct net_task *task)
{
	struct edge_site_change *change = base_container(task, struct edge_site_change, task);
	struct edge_worker *worker = change->worker;
	edge_site_unref(worker->site);
	worker->site = change->site;
	transport_trust_changed(worker->transport);
	edge_keeper_site(worker->keeper);
	free(change);
}

struct edge_site_change *edge_worker_change_site(struct edge_worker *worker, struct edge_site *site)
{
	struct edge_site_change *change = calloc(1, sizeof(*change));
	if (change) {
		change->task.run = site_take;
		change->worker = worker;
		change->site = edge_site_ref(site);
	}
	return change;
}

void edge_worker_take_site(struct edge_site_change *change)
{
	net_loop_submit(change->worker->loop, &change->task);
}

void edge_site_change_drop(struct edge_site_change *change)
{
	if (change)
		edge_site_unref(change->site);
	free(change);
}

static void forget(void *argument)
{
	struct edge_worker *worker = argument;
	worker->forgotten++;
	transport_trust_changed(worker->transport);
}

int edge_worker_forget_peers(struct edge_worker *worker)
{
	return net_loop_post(worker->loop, forget, worker);
}
