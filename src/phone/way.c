/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/private.h"

#include <errno.h>

static uint64_t mark_of(const struct phone_way *way)
{
	return way->server_name.at ? PHONE_MARK_VERIFY : 0;
}

static bool is_numeric(struct phone_way *way)
{
	enum transport_protocol protocol = way->protocol ? way->protocol : TRANSPORT_UDP;
	uint16_t port = way->port ? way->port : transport_protocol_port(protocol);
	struct net_address address;
	if (net_address_parse(way->host, port, &address) < 0)
		return false;
	way->targets[way->target_count++] = (struct transport_target){
		.protocol = protocol,
		.address = address,
		.name = way->server_name,
		.mark = mark_of(way),
	};
	return true;
}

static void resolved(void *argument, const struct transport_answer *answer)
{
	struct phone_way *way = argument;
	way->query = NULL;
	for (size_t i = 0; i < answer->target_count && way->target_count < PHONE_TARGETS_MAXIMUM; i++) {
		struct transport_target *target = &way->targets[way->target_count++];
		*target = answer->targets[i];
		target->name = arena_copy(way->arena, way->server_name.at ? way->server_name : answer->targets[i].name);
	}
	way->found(way, way->target_count > 0 ? SPAN_NONE : answer->why);
}

static void look_up(struct phone_way *way)
{
	const struct transport_resolving with = { way->phone->params.resolver, way->phone->params.loop,
		way->phone->params.random };
	const struct transport_question question = {
		.host = way->host,
		.port = way->port,
		.protocol = way->protocol,
		.mark = mark_of(way),
	};
	int status = with.resolver ? transport_resolve(&with, &question, resolved, way, &way->query) : -EINVAL;
	if (status < 0)
		way->found(way, arena_printf(way->arena, "cannot look up %.*s: %s", SPAN_PRINT(way->host),
					with.resolver ? strerror(-status) : "there is no resolver"));
}

void phone_way_find(struct phone_way *way)
{
	way->target_count = 0;
	way->target_used = 0;
	if (is_numeric(way))
		way->found(way, SPAN_NONE);
	else
		look_up(way);
}

void phone_way_stop(struct phone_way *way)
{
	if (way->query)
		transport_query_cancel(way->query);
	way->query = NULL;
}

bool phone_way_has_another(const struct phone_way *way)
{
	return way->target_used + 1 < way->target_count;
}
