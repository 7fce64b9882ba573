/* SPDX-License-Identifier: Apache-2.0 */
/* The ports of traversal servers' zones, under numbers that all workers share and that a reload keeps. */
#include "edge/site.h"

#include <errno.h>

static bool is_same(const struct edge_site_door *a, const struct transport_listener *b)
{
	return a->zone && a->listener.protocol == b->protocol && net_address_equal(&a->listener.address, &b->address);
}

/* The number it had, else one that was free and is. */
static int number_of(
	const struct edge_site *site, const struct edge_site *before, const struct transport_listener *listener)
{
	for (size_t i = 0; before && i < TRANSPORT_LISTENER_MAXIMUM; i++)
		if (is_same(&before->doors[i], listener))
			return (int)i;
	for (size_t i = site->config->listen_count; i < TRANSPORT_LISTENER_MAXIMUM; i++)
		if (!site->doors[i].zone && !(before && before->doors[i].zone))
			return (int)i;
	return -E2BIG;
}

static int listener_of(const struct edge_zone *zone, const struct config_node *config, struct transport_listener *ret)
{
	struct span address = config->address.at ? config->address : SPAN("0.0.0.0");
	*ret = (struct transport_listener){ .protocol = zone->protocol };
	return net_address_parse(address, zone->config->port, &ret->address);
}

int edge_site_number_doors(struct edge_site *site, const struct edge_site *before)
{
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct edge_zone *zone = &site->zones[i];
		struct transport_listener listener;
		if (zone->config->kind != CONFIG_ZONE_TRAVERSAL_SERVER)
			continue;
		int status = listener_of(zone, site->config, &listener);
		int number = status < 0 ? status : number_of(site, before, &listener);
		if (number < 0)
			return number;
		site->doors[number] = (struct edge_site_door){ zone, listener };
	}
	return 0;
}
