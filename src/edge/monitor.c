/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/monitor.h"

#include "edge/keeper.h"
#include "edge/ping.h"
#include "edge/reach.h"
#include "net/loop.h"

#include <stdio.h>
#include <stdlib.h>

#define UNAVAILABLE 503
#define AGAIN_US (250 * CLOCK_MS_US)

/* One peer of one neighbor. */
struct edge_monitor {
	struct list link;
	struct edge_worker *worker;
	struct arena arena; /* of the texts below */
	struct span zone;
	struct span name; /* that its certificate must carry; absent: not checked */
	struct config_endpoint peer;
	struct span shown;
	struct span uri;
	struct span call_id;
	enum transport_protocol protocol;
	size_t number; /* among the zone's peers */
	uint64_t print;
	uint32_t cseq;
	uint32_t failures; /* since it last lived */
	int64_t interval_us;
	int64_t timeout_us;
	struct wheel_timer due;
	struct edge_reach reach;
	struct edge_ping ping;
	size_t next; /* of its addresses */
	bool told; /* something was */
	bool wanted; /* by the newest site */
};

/* ---- what is known now ---- */

static void tell(struct edge_monitor *m, enum edge_link_state state, struct span why)
{
	struct edge_link_news news = {
		.state = state,
		.peer = m->shown,
		.why = why,
		.key = edge_link_endpoint_key(&m->peer),
	};
	edge_keeper_tell(m->worker, m->zone, m->number, &news);
	m->told = true;
}

/* A dead peer soon, then ever more seldom up to the interval: after a power cut, or where two were started side by
 * side, it may be back in a moment. */
static int64_t wait_us(const struct edge_monitor *m)
{
	int64_t wait_us = m->failures ? AGAIN_US : m->interval_us;
	for (uint32_t i = 1; i < m->failures && wait_us < m->interval_us; i++)
		wait_us *= 2;
	return wait_us < m->interval_us ? wait_us : m->interval_us;
}

static void over(struct edge_monitor *m, enum edge_link_state state, struct span why)
{
	tell(m, state, why);
	m->failures = state == EDGE_LINK_FAILED ? m->failures + 1 : 0;
	/* Not all at once: a tenth of the time more or less. */
	int64_t about_us = wait_us(m);
	int64_t jitter_us = (int64_t)random_below(&m->worker->random, (uint64_t)(about_us / 5) + 1);
	int64_t due_us = net_loop_now_us(m->worker->loop) + about_us - about_us / 10 + jitter_us;
	wheel_arm(net_loop_wheel(m->worker->loop), &m->due, due_us);
}

/* ---- asking ---- */

/* One address after the other: who has several names of one peer means any of them. */
static void ask_next(struct edge_monitor *m, struct span why)
{
	while (m->next < m->reach.count) {
		struct edge_ping_question question = {
			.target = &m->reach.targets[m->next++],
			.uri = m->uri,
			.call_id = m->call_id,
			.cseq = ++m->cseq,
			.zone = m->zone,
			.patience_us = m->timeout_us,
		};
		int status = edge_ping_send(&m->ping, &question);
		if (status == 0)
			return;
		why = span_of(strerror(-status));
	}
	over(m, EDGE_LINK_FAILED, why);
}

static void answered(struct edge_ping *ping, const struct edge_ping_answer *answer)
{
	struct edge_monitor *m = base_container(ping, struct edge_monitor, ping);
	char why[EDGE_PING_WHY_SIZE];
	if (!answer->arrival) {
		ask_next(m, span_of(answer->why));
		return;
	}
	const struct sip_message *said = answer->arrival->message;
	if (said->status != UNAVAILABLE) {
		over(m, EDGE_LINK_ACTIVE, SPAN(""));
		return;
	}
	snprintf(why, sizeof(why), "it says %u %.*s", said->status, (int)span_first(said->reason, 80).length,
		said->reason.at);
	ask_next(m, span_of(why));
}

static void found(struct edge_reach *reach, struct span why)
{
	struct edge_monitor *m = base_container(reach, struct edge_monitor, reach);
	m->next = 0;
	ask_next(m, why);
}

static void fired(struct wheel_timer *timer, int64_t now_us)
{
	struct edge_monitor *m = base_container(timer, struct edge_monitor, due);
	struct span why = SPAN("");
	(void)now_us;
	struct edge_reach_question question = {
		.host = m->peer.host,
		.port = m->peer.port,
		.protocol = m->protocol,
		.name = m->protocol == TRANSPORT_TLS ? m->name : SPAN_NONE,
		/* As calls go there: over the same connections. */
		.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS,
	};
	if (!m->told)
		tell(m, EDGE_LINK_CHECKING, why);
	if (edge_reach_ask(&m->reach, &question, &why))
		found(&m->reach, why);
}

/* ---- life ---- */

static void monitor_free(struct edge_monitor *m)
{
	list_remove(&m->link);
	wheel_disarm(net_loop_wheel(m->worker->loop), &m->due);
	edge_reach_stop(&m->reach);
	edge_ping_stop(&m->ping);
	arena_done(&m->arena);
	free(m);
}

static void times_take(struct edge_monitor *m, const struct config_zone *zone)
{
	m->interval_us = zone->monitor_interval_ms * CLOCK_MS_US;
	m->timeout_us = zone->monitor_timeout_ms * CLOCK_MS_US;
}

static void monitor_new(struct edge_worker *worker, const struct edge_zone *zone, size_t number)
{
	const struct config_endpoint *peer = &zone->config->peers.items[number];
	struct edge_monitor *m = calloc(1, sizeof(*m));
	char call_id[33], shown[EDGE_LINK_ENDPOINT_SIZE];
	if (!m)
		return; /* asked again with the next site; until then it counts as alive */
	arena_init(&m->arena, 16u << 10);
	random_hex(&worker->random, 32, call_id);
	m->worker = worker;
	m->zone = arena_copy(&m->arena, zone->name);
	m->name = zone->config->verify_name.at ? arena_copy(&m->arena, zone->config->verify_name) : SPAN_NONE;
	m->peer = *peer;
	m->peer.host = arena_copy(&m->arena, peer->host);
	m->protocol = zone->protocol;
	m->uri = edge_ping_uri(&m->arena, m->peer.host, peer->port, zone->protocol);
	edge_link_endpoint_write(peer->host, peer->port, shown);
	m->shown = arena_copy(&m->arena, span_of(shown));
	m->call_id = arena_copy(&m->arena, span_of(call_id));
	m->number = number;
	m->print = edge_keeper_print(worker, zone->config);
	m->reach = (struct edge_reach){ .worker = worker, .found = found };
	m->wanted = true;
	edge_ping_init(&m->ping, worker, answered);
	wheel_timer_init(&m->due, fired);
	times_take(m, zone->config);
	list_append(edge_keeper_monitors(worker->keeper), &m->link);
	/* The first at once, but not all in one instant. */
	int64_t soon_us = (int64_t)random_below(&worker->random, 50) * CLOCK_MS_US;
	wheel_arm(net_loop_wheel(worker->loop), &m->due, net_loop_now_us(worker->loop) + soon_us + 1);
}

static struct edge_monitor *find(struct edge_worker *worker, const struct edge_zone *zone, size_t number)
{
	uint64_t print = edge_keeper_print(worker, zone->config);
	uint64_t key = edge_link_endpoint_key(&zone->config->peers.items[number]);
	list_each (link, edge_keeper_monitors(worker->keeper)) {
		struct edge_monitor *m = base_container(link, struct edge_monitor, link);
		if (m->number == number && m->print == print && edge_link_endpoint_key(&m->peer) == key)
			return m;
	}
	return NULL;
}

static void zone_take(struct edge_worker *worker, const struct edge_zone *zone)
{
	for (size_t i = 0; i < zone->config->peers.count && i < EDGE_LINK_PEERS_MAXIMUM; i++) {
		struct edge_monitor *m = find(worker, zone, i);
		if (m) {
			m->wanted = true;
			times_take(m, zone->config);
		}
	}
}

static void zone_begin(struct edge_worker *worker, const struct edge_zone *zone)
{
	for (size_t i = 0; i < zone->config->peers.count && i < EDGE_LINK_PEERS_MAXIMUM; i++)
		if (!find(worker, zone, i))
			monitor_new(worker, zone, i);
}

static bool is_watched(const struct edge_worker *worker, const struct edge_zone *zone)
{
	return zone->config->kind == CONFIG_ZONE_NEIGHBOR && zone->config->monitor &&
	       edge_keeper_is_mine(worker, zone->name);
}

void edge_monitors_site(struct edge_worker *worker)
{
	const struct edge_site *site = worker->site;
	struct list *monitors = edge_keeper_monitors(worker->keeper);
	list_each (link, monitors)
		base_container(link, struct edge_monitor, link)->wanted = false;
	for (size_t i = 0; i < site->zone_count; i++)
		if (is_watched(worker, &site->zones[i]))
			zone_take(worker, &site->zones[i]);
	/* Those no longer wanted first: their numbers may be given anew. */
	list_each_safe (link, following, monitors) {
		struct edge_monitor *m = base_container(link, struct edge_monitor, link);
		if (m->wanted)
			continue;
		edge_link_drop(worker->shared->links, m->zone, m->number);
		monitor_free(m);
	}
	for (size_t i = 0; i < site->zone_count; i++)
		if (is_watched(worker, &site->zones[i]))
			zone_begin(worker, &site->zones[i]);
}

void edge_monitors_stop(struct edge_worker *worker)
{
	list_each_safe (link, following, edge_keeper_monitors(worker->keeper))
		monitor_free(base_container(link, struct edge_monitor, link));
}
