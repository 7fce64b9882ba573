/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/pipeline.h"

#include "base/require.h"
#include "edge/answer.h"
#include "edge/cancel.h"
#include "edge/dress.h"
#include "edge/forward.h"
#include "edge/keeper.h"
#include "edge/worker_private.h"
#include "edge/zone.h"
#include "net/loop.h"
#include "peer/view.h"

/* The whole way of a request, top to bottom. */
static const struct edge_step {
	const char *name;
	enum edge_progress (*take)(struct edge_request *request);
} STEPS[] = {
	{ "sanity", edge_sanity }, /* can it be served at all (RFC 3261 16.3) */
	{ "zone", edge_zone_find }, /* which neighbor sent it, or a stranger */
	{ "loop", edge_loop }, /* where does it want to go, and was it here before */
	{ "admit", edge_admit }, /* strangers: the rules of trust */
	{ "authenticate", edge_authenticate }, /* phones, and zones that must prove to be somebody: digest */
	{ "register", edge_register }, /* a REGISTER for the registrar here ends here */
	{ "plan", edge_plan }, /* search rules, or the route it brings along */
	{ "forward", edge_forward }, /* the targets of one priority side by side, dressed for who gets it */
};

void edge_request_resume(struct edge_request *request)
{
	while (request->step < BASE_COUNT(STEPS)) {
		enum edge_progress progress = STEPS[request->step].take(request);
		if (progress != EDGE_CONTINUE)
			return;
		request->step++;
	}
}

struct finding_list *edge_request_findings(struct edge_request *request)
{
	if (!request->has_findings) {
		finding_list_init(&request->findings, request->arena, FINDING_PARTNER);
		request->has_findings = true;
	}
	return &request->findings;
}

struct trust_judge edge_request_judge(struct edge_request *request)
{
	return (struct trust_judge){
		.policy = &request->site->policy,
		.findings = edge_request_findings(request),
		.now_s = clock_wall_us(&request->worker->shared->clock) / CLOCK_SECOND_US,
		.random = &request->worker->random,
	};
}

static struct edge_request *request_new(
	struct edge_worker *worker, struct arena *arena, const struct transport_arrival *arrival)
{
	struct edge_request *request = arena_zero(arena, sizeof(*request));
	if (!request)
		return NULL;
	request->worker = worker;
	request->site = edge_site_ref(worker->site);
	request->arrival = arrival;
	request->message = arrival->message;
	request->arena = arena;
	request->in_dialog = arrival->message->to.tag.length > 0;
	request->started_us = net_loop_now_us(worker->loop);
	list_init(&request->link);
	return request;
}

void edge_request_finish(struct edge_request *request)
{
	struct edge_worker *worker = request->worker;
	edge_forward_stop(request);
	if (request->ask)
		peer_ask_cancel(request->ask);
	request->ask = NULL;
	edge_site_unref(request->site);
	request->site = NULL;
	if (!list_is_empty(&request->link)) {
		list_remove(&request->link);
		edge_count_down(&worker->under_way);
	}
	transport_server_set_context(request->server, NULL);
	transport_server_release(request->server);
}

static void on_request(void *argument, struct transport_server *server, const struct transport_arrival *arrival)
{
	struct edge_worker *worker = argument;
	edge_count(&worker->counters.requests);
	struct edge_request *request = request_new(worker, transport_server_arena(server), arrival);
	if (!request) {
		edge_answer_overload(worker, server);
		transport_server_release(server);
		return;
	}
	request->server = server;
	transport_server_set_context(server, request);
	list_append(&worker->requests, &request->link);
	edge_count(&worker->under_way);
	edge_request_resume(request);
}

static void on_defect(void *argument, struct transport_server *server, const struct transport_arrival *arrival,
	const struct sip_defect *defect)
{
	struct edge_worker *worker = argument;
	(void)arrival;
	edge_count(&worker->counters.requests);
	edge_answer_malformed(worker, server, defect);
	transport_server_release(server);
}

static void on_cancelled(void *argument, struct transport_server *server, const struct transport_arrival *cancel)
{
	(void)argument;
	struct edge_request *request = transport_server_context(server);
	if (request)
		edge_cancel(request, cancel->message);
}

static void on_ended(void *argument, struct transport_server *server)
{
	(void)argument;
	struct edge_request *request = transport_server_context(server);
	if (!request)
		return;
	if (!request->answered)
		edge_forward_cancel(request, NULL, SPAN_NONE); /* nobody is left to hear what they say */
	edge_request_finish(request);
}

void edge_worker_forget_requests(struct edge_worker *worker)
{
	list_each_safe (link, following, &worker->requests)
		edge_request_finish(base_container(link, struct edge_request, link));
}

struct transport_user edge_worker_user(struct edge_worker *worker)
{
	return (struct transport_user){
		.request = on_request,
		.ack = on_request, /* to a 2xx: forwarded as any request in a dialog, and never answered */
		.cancelled = on_cancelled,
		.defect = on_defect,
		.ended = on_ended,
		.judge = edge_forward_judge,
		.known = edge_zone_is_known,
		.instead = edge_zone_instead,
		.stamp = edge_dress_stamp,
		.alias = edge_zone_alias,
		.closed = edge_keeper_flow_closed,
		.argument = worker,
	};
}
