/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/reach.h"

static void found(void *argument, const struct transport_answer *answer)
{
	struct edge_reach *reach = argument;
	struct transport_target like = reach->targets[0];
	reach->query = NULL;
	reach->count = 0;
	for (size_t i = 0; i < answer->target_count && i < EDGE_REACH_ADDRESSES; i++) {
		reach->targets[i] = answer->targets[i];
		reach->targets[i].name = like.name;
		reach->count++;
	}
	reach->found(reach, answer->why);
}

bool edge_reach_ask(struct edge_reach *reach, const struct edge_reach_question *question, struct span *ret_why)
{
	struct edge_worker *worker = reach->worker;
	struct transport_target target = {
		.protocol = question->protocol,
		.name = question->name,
		.flags = question->flags,
		.mark = question->mark,
	};
	uint16_t port = question->port ? question->port : transport_protocol_port(question->protocol);
	reach->targets[0] = target;
	reach->count = 0;
	if (net_address_parse(question->host, port, &reach->targets[0].address) == 0) {
		reach->count = 1;
		return true;
	}
	struct transport_resolving with = { worker->shared->resolver, worker->loop, &worker->random };
	struct transport_question asked = {
		.host = question->host,
		.port = question->port,
		.protocol = question->protocol,
		.flags = question->flags,
		.mark = question->mark,
	};
	*ret_why = SPAN("its name cannot be looked up: this node has no dns section");
	if (!with.resolver)
		return true;
	*ret_why = SPAN("its name cannot be looked up now");
	return transport_resolve(&with, &asked, found, reach, &reach->query) < 0;
}

void edge_reach_stop(struct edge_reach *reach)
{
	if (reach->query)
		transport_query_cancel(reach->query);
	reach->query = NULL;
}
