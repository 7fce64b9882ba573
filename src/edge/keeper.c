/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/keeper.h"

#include "edge/journal.h"
#include "edge/monitor.h"
#include "edge/traversal_client.h"
#include "edge/traversal_server.h"

#include <errno.h>
#include <stdlib.h>

struct edge_keeper {
	struct edge_worker *worker;
	struct list monitors;
	struct list dials;
	struct list doors;
};

int edge_keeper_new(struct edge_worker *worker, struct edge_keeper **ret_keeper)
{
	struct edge_keeper *keeper = calloc(1, sizeof(*keeper));
	if (!keeper)
		return -ENOMEM;
	keeper->worker = worker;
	list_init(&keeper->monitors);
	list_init(&keeper->dials);
	list_init(&keeper->doors);
	*ret_keeper = keeper;
	return 0;
}

struct edge_keeper *edge_keeper_free(struct edge_keeper *keeper)
{
	if (!keeper)
		return NULL;
	edge_monitors_stop(keeper->worker);
	edge_dials_free(keeper->worker);
	edge_doors_free(keeper->worker);
	free(keeper);
	return NULL;
}

void edge_keeper_site(struct edge_keeper *keeper)
{
	if (keeper->worker->draining)
		return;
	edge_monitors_site(keeper->worker);
	edge_dials_site(keeper->worker);
	edge_doors_site(keeper->worker);
}

void edge_keeper_drain(struct edge_keeper *keeper)
{
	edge_monitors_stop(keeper->worker);
	edge_dials_drain(keeper->worker);
}

void edge_keeper_close(struct edge_keeper *keeper)
{
	edge_dials_close(keeper->worker);
	edge_doors_close(keeper->worker);
}

void edge_keeper_flow_closed(void *argument, struct transport_flow flow, const struct net_failure *why)
{
	struct edge_worker *worker = argument;
	edge_dials_flow_closed(worker, flow, why);
	edge_doors_flow_closed(worker, flow, why);
}

struct list *edge_keeper_monitors(struct edge_keeper *keeper)
{
	return &keeper->monitors;
}

struct list *edge_keeper_dials(struct edge_keeper *keeper)
{
	return &keeper->dials;
}

struct list *edge_keeper_doors(struct edge_keeper *keeper)
{
	return &keeper->doors;
}

bool edge_keeper_is_mine(const struct edge_worker *worker, struct span zone_name)
{
	return span_hash_nocase(zone_name) % worker->shared->worker_count == worker->number;
}

void edge_keeper_tell(
	struct edge_worker *worker, struct span zone_name, size_t entry, const struct edge_link_news *news)
{
	struct edge_link_news told = *news;
	enum edge_link_state before;
	bool changed;
	told.now_us = clock_wall_us(&worker->shared->clock);
	int status = edge_link_tell(worker->shared->links, zone_name, entry, &told, &before, &changed);
	if (status < 0)
		edge_journal_note(&worker->sink, &worker->shared->clock, RECORD_NODE_NOTE, RECORD_ERROR,
			SPAN("the state of a zone cannot be kept: too many zones or peers, or no memory"));
	if (status < 0 || !changed || !record_wanted(&worker->sink))
		return;
	struct record r = { .kind = RECORD_ZONE, .head = { .time_us = told.now_us } };
	r.zone.zone = zone_name;
	r.zone.state = span_of(edge_link_state_name(told.state));
	r.zone.before = span_of(edge_link_state_name(before));
	r.zone.peer = told.peer;
	r.zone.reason = told.why;
	record_take(&worker->sink, &r);
}

static uint64_t mix(const struct edge_worker *worker, uint64_t hash, struct span text)
{
	return hash_mix(hash, text.at ? hash_keyed(&worker->shared->key, text) : 1);
}

uint64_t edge_keeper_print(const struct edge_worker *worker, const struct config_zone *zone)
{
	uint64_t hash = mix(worker, 0, zone->name);
	hash = hash_mix(hash, (uint64_t)zone->kind << 32 | (uint64_t)zone->transport << 16 | zone->port);
	hash = mix(worker, hash, zone->verify_name);
	hash = mix(worker, hash, zone->username);
	return mix(worker, hash, zone->password);
}
