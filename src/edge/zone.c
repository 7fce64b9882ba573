/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/zone.h"

#include "edge/answer.h"
#include "edge/authenticate.h"
#include "edge/link.h"
#include "edge/local.h"
#include "edge/peers.h"
#include "edge/traversal_client.h"
#include "edge/traversal_server.h"

/* An address alone proves little: with a name to verify, the certificate decides. */
static bool is_proved(struct edge_worker *worker, const struct edge_zone *zone, const struct transport_arrival *arrival)
{
	struct span name = zone->config->verify_name;
	return !name.at || edge_peers_covers(worker, arrival->tls, name);
}

static const struct edge_zone *neighbor_of(
	struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival)
{
	const struct edge_zone *zone = edge_site_neighbor(site, &arrival->remote, arrival->protocol);
	if (!zone || arrival->protocol != TRANSPORT_TLS || is_proved(worker, zone, arrival))
		return zone;
	for (size_t i = 0; i < site->zone_count; i++)
		if (edge_site_may_be(&site->zones[i], &arrival->remote, arrival->protocol) &&
			is_proved(worker, &site->zones[i], arrival))
			return &site->zones[i];
	return NULL;
}

/* The zone whose port it came in by. */
static const struct edge_zone *door_of(const struct edge_site *site, const struct transport_arrival *arrival)
{
	return arrival->listener < TRANSPORT_LISTENER_MAXIMUM ? site->doors[arrival->listener].zone : NULL;
}

/* On a connection that somebody opened to us for a link, or we to him, nothing counts but its proof. */
static bool is_of_link(
	const struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival)
{
	return door_of(site, arrival) || edge_traversal_client_zone(worker, site, arrival);
}

static const struct edge_zone *linked_zone(
	const struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival)
{
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct edge_zone *zone = &site->zones[i];
		bool traversal = zone->config->kind == CONFIG_ZONE_TRAVERSAL_CLIENT ||
				 zone->config->kind == CONFIG_ZONE_TRAVERSAL_SERVER;
		if (traversal && edge_link_is_proved(worker->shared->links, zone, arrival->flow))
			return zone;
	}
	return NULL;
}

/* "TLS verify inbound mapping": a stranger, but one with a zone of his own. */
static const struct edge_zone *mapped_zone(
	struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival)
{
	if (arrival->protocol != TRANSPORT_TLS)
		return NULL;
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct config_zone *config = site->zones[i].config;
		if (config->kind == CONFIG_ZONE_DNS && config->inbound_mapping && config->verify_name.at &&
			edge_peers_covers(worker, arrival->tls, config->verify_name))
			return &site->zones[i];
	}
	return NULL;
}

const struct edge_zone *edge_zone_of(
	struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival)
{
	if (is_of_link(worker, site, arrival))
		return linked_zone(worker, site, arrival);
	const struct edge_zone *zone = neighbor_of(worker, site, arrival);
	return zone ? zone : mapped_zone(worker, site, arrival);
}

enum edge_progress edge_zone_find(struct edge_request *request)
{
	const struct edge_zone *zone = edge_zone_of(request->worker, request->site, request->arrival);
	const struct edge_zone *door = door_of(request->site, request->arrival);
	bool of_link = is_of_link(request->worker, request->site, request->arrival);
	request->source = zone;
	request->inside = zone && zone->inside;
	/* Of our own side once it has proved what the Local Zone asks for (edge/authenticate.c). */
	if (!zone && !of_link && request->site->local && edge_local_is_phone(request->worker, request->arrival)) {
		request->source = zone = request->site->local;
		request->is_phone = true;
	}
	request->source_name = zone ? zone->name : SPAN("DefaultZone");
	if (door)
		return edge_traversal_server_take(request, door);
	if (!zone && of_link)
		return edge_answer_outcome(request, EDGE_OUTCOME_LINK_UNPROVED);
	return EDGE_CONTINUE;
}

bool edge_zone_is_known(void *argument, const struct transport_arrival *arrival)
{
	struct edge_worker *worker = argument;
	const struct edge_zone *zone = edge_zone_of(worker, worker->site, arrival);
	return (zone && zone->inside) || edge_local_is_phone(worker, arrival) ||
	       edge_authenticate_is_reached(worker, arrival);
}

bool edge_zone_instead(void *argument, const struct transport_arrival *arrival, struct transport_flow *ret_flow)
{
	struct edge_worker *worker = argument;
	const struct edge_zone *zone = door_of(worker->site, arrival);
	struct transport_flow another;
	if (!zone)
		zone = edge_traversal_client_zone(worker, worker->site, arrival);
	/* Of several nobody knows who sent it. */
	return zone && edge_link_flow(worker->shared->links, zone, 0, ret_flow) &&
	       edge_link_flow(worker->shared->links, zone, 1, &another) && transport_flow_equal(another, *ret_flow);
}

bool edge_zone_alias(void *argument, const struct transport_arrival *arrival)
{
	struct edge_worker *worker = argument;
	if (is_of_link(worker, worker->site, arrival))
		return false;
	const struct edge_zone *zone = neighbor_of(worker, worker->site, arrival);
	/* Without a certificate that was held against a name, whoever is at that host could take the calls. */
	return !edge_site_is_microsoft(worker->site) && zone && arrival->protocol == TRANSPORT_TLS &&
	       zone->config->verify_name.at;
}
