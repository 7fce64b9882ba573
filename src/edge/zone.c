/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/zone.h"

#include "edge/peers.h"

/* An address alone proves little: with a name to verify, the certificate decides. */
static bool is_proved(struct edge_worker *worker, const struct edge_zone *zone, const struct transport_arrival *arrival)
{
	struct span name = zone->config->verify_name;
	return !name.at || edge_peers_covers(worker, arrival->tls, name);
}

static const struct edge_zone *zone_of(
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

enum edge_progress edge_zone_find(struct edge_request *request)
{
	request->source = zone_of(request->worker, request->site, request->arrival);
	request->inside = request->source != NULL;
	request->source_name = request->source ? request->source->name : SPAN("DefaultZone");
	return EDGE_CONTINUE;
}

bool edge_zone_is_known(void *argument, const struct transport_arrival *arrival)
{
	struct edge_worker *worker = argument;
	return zone_of(worker, worker->site, arrival) != NULL;
}

bool edge_zone_alias(void *argument, const struct transport_arrival *arrival)
{
	struct edge_worker *worker = argument;
	const struct edge_zone *zone = zone_of(worker, worker->site, arrival);
	/* Without a certificate that was held against a name, whoever is at that host could take the calls. */
	return !edge_site_is_microsoft(worker->site) && zone && arrival->protocol == TRANSPORT_TLS &&
	       zone->config->verify_name.at;
}
