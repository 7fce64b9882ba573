/* SPDX-License-Identifier: Apache-2.0 */
#include "phone/bridge.h"

#include "base/random.h"
#include "base/require.h"

#include <errno.h>
#include <stdlib.h>

#define BRIDGED_MAXIMUM 10000
/* A call that nobody has to refresh: longer than any that is meant. */
#define LONGEST_US (12 * 3600 * CLOCK_SECOND_US)

struct phone_bridge *phone_bridge_of(const struct bridge_call *call)
{
	return call->phone->bridge;
}

/* ---- where to ---- */

struct transport_target phone_bridge_target(const struct bridge_leg *leg)
{
	return phone_next_target(leg->call->phone, &leg->dialog, leg->has_flow ? &leg->flow : NULL, &leg->peer);
}

void phone_bridge_keep_flow(struct bridge_leg *leg, const struct transport_arrival *arrival)
{
	leg->has_flow = transport_flow_is_connection(arrival->flow);
	leg->flow = transport_flow_target(arrival);
	leg->flow.name = arena_copy(&leg->call->arena, leg->flow.name);
	leg->flow.identity = NULL;
	leg->peer = phone_bridge_of(leg->call)->next_hop; /* nobody else is talked to */
}

/* ---- the end ---- */

void phone_bridge_over(struct bridge_call *call)
{
	struct phone_bridge *bridge = phone_bridge_of(call);
	if (call->state == BRIDGE_OVER)
		return;
	call->state = BRIDGE_OVER;
	phone_disarm(call->phone, &call->deadline);
	phone_bridge_drop_exchanges(call);
	while (!list_is_empty(&call->byes))
		phone_request_drop(base_container(call->byes.next, struct phone_request, link));
	for (unsigned i = 0; i < BRIDGE_LEGS; i++) {
		if (call->legs[i].is_known_by_id)
			hash_remove(&bridge->legs_by_id, &call->legs[i].by_id);
		sip_dialog_end(&call->legs[i].dialog);
	}
	list_remove(&call->link);
	list_append(&bridge->ended_calls, &call->link);
	bridge->call_count--;
	call->outcome.ended_us = phone_now_us(call->phone);
	if (bridge->params.ended)
		bridge->params.ended(bridge->params.argument, &call->outcome);
}

static void bye_finished(
	struct phone_request *request, const struct transport_arrival *arrival, const struct transport_failure *failure)
{
	struct bridge_call *call = request->owner;
	(void)arrival;
	(void)failure;
	phone_request_drop(request);
	if (list_is_empty(&call->byes))
		phone_bridge_over(call);
}

static void send_bye(struct bridge_leg *leg, const struct sip_message *reason)
{
	struct bridge_call *call = leg->call;
	struct transport_target target = phone_bridge_target(leg);
	struct phone_request *request = phone_request_new(call->phone, &call->byes, SIP_METHOD_BYE);
	struct sip_draft d;
	struct span branch;
	if (!request)
		return;
	request->owner = call;
	request->finished = bye_finished;
	const struct sip_dialog_request bye = {
		.method = SPAN("BYE"),
		.via = phone_via(call->phone, &request->arena, target.protocol, &branch),
	};
	sip_dialog_draft(&leg->dialog, &d, &request->arena, &bye);
	sip_draft_append(&d, SIP_HEADER_USER_AGENT, phone_agent(call->phone));
	if (reason)
		phone_bridge_copy_reason(&d, reason);
	phone_request_send(request, &d, &target, branch);
}

void phone_bridge_leave(struct bridge_call *call, const struct sip_message *reason, unsigned except)
{
	if (call->state >= BRIDGE_LEAVING)
		return;
	bool rings = call->state == BRIDGE_RINGING;
	call->state = BRIDGE_LEAVING;
	phone_arm(call->phone, &call->deadline, 64 * call->phone->timers.t1_us);
	if (rings) {
		phone_bridge_cancel(call, 487);
		return;
	}
	for (unsigned i = 0; i < BRIDGE_LEGS; i++)
		if (i != except && call->legs[i].dialog.state == SIP_DIALOG_CONFIRMED)
			send_bye(&call->legs[i], reason);
	if (list_is_empty(&call->byes))
		phone_bridge_over(call);
}

static void deadline_reached(struct wheel_timer *timer, int64_t now_us)
{
	struct bridge_call *call = base_container(timer, struct bridge_call, deadline);
	(void)now_us;
	if (call->state == BRIDGE_LEAVING) {
		phone_bridge_over(call);
		return;
	}
	call->outcome.ended_by = PHONE_ENDED_BY_TIMER;
	phone_bridge_leave(call, NULL, BRIDGE_LEGS);
}

void phone_bridge_refreshed(struct bridge_call *call, const struct sip_message *answer)
{
	uint32_t interval_s = 0;
	if (sip_message_number(answer, SIP_HEADER_SESSION_EXPIRES, &interval_s) < 0 || interval_s == 0)
		phone_arm(call->phone, &call->deadline, LONGEST_US);
	else
		phone_arm(call->phone, &call->deadline, interval_s * CLOCK_SECOND_US);
}

void phone_bridge_stands(struct bridge_call *call, const struct sip_message *answer)
{
	call->state = BRIDGE_STANDING;
	call->outcome.kind = PHONE_ANSWERED;
	call->outcome.answered_us = phone_now_us(call->phone);
	phone_bridge_refreshed(call, answer);
}

/* ---- the beginning ---- */

static void name_leg(struct bridge_leg *leg, struct span call_id)
{
	struct phone *phone = leg->call->phone;
	uint64_t hash = hash_keyed(&phone->call_id_key, call_id);
	leg->is_known_by_id = hash_insert(&phone->bridge->legs_by_id, &leg->by_id, hash) == 0;
}

static struct bridge_call *call_new(struct phone *phone, const struct sip_message *invite)
{
	struct phone_bridge *bridge = phone->bridge;
	struct bridge_call *call = calloc(1, sizeof(*call));
	char id[37];
	if (!call)
		return NULL;
	call->phone = phone;
	arena_init(&call->arena, PHONE_CALL_BYTES);
	list_init(&call->exchanges);
	list_init(&call->byes);
	wheel_timer_init(&call->deadline, deadline_reached);
	random_uuid(phone->params.random, id);
	call->outcome = (struct phone_outcome){
		.kind = PHONE_NO_ANSWER,
		.started_us = phone_now_us(phone),
		.call_id = arena_copy(&call->arena, invite->call_id),
		.bridged_call_id = arena_copy(&call->arena, span_of(id)),
		.local = arena_copy(&call->arena, invite->request_uri),
		.remote = arena_copy(&call->arena, invite->from.uri),
	};
	for (unsigned i = 0; i < BRIDGE_LEGS; i++) {
		call->legs[i].call = call;
		random_hex(phone->params.random, PHONE_TAG_LENGTH, call->legs[i].tag);
	}
	name_leg(&call->legs[BRIDGE_CALLER], call->outcome.call_id);
	name_leg(&call->legs[BRIDGE_CALLEE], call->outcome.bridged_call_id);
	list_append(&bridge->calls, &call->link);
	bridge->call_count++;
	phone_arm(phone, &call->deadline, LONGEST_US);
	return call;
}

static void refuse(struct phone *phone, struct transport_server *server, uint16_t status)
{
	phone_reply(phone, server, (struct phone_decision){ .status = status }, SPAN_NONE);
	transport_server_release(server);
}

void phone_bridge_take(struct phone *phone, struct transport_server *server, const struct transport_arrival *arrival)
{
	const struct sip_message *invite = transport_server_request(server);
	if (invite->max_forwards == 0) {
		refuse(phone, server, 483);
		return;
	}
	struct bridge_call *call = call_new(phone, invite);
	if (!call) {
		refuse(phone, server, 500);
		return;
	}
	struct bridge_leg *leg = &call->legs[BRIDGE_CALLER];
	phone_bridge_keep_flow(leg, arrival);
	leg->user = arena_copy(&call->arena, invite->uri.user);
	if (sip_dialog_answer(&leg->dialog, &call->arena, invite, span_of(leg->tag)) < 0) {
		refuse(phone, server, 400);
		phone_bridge_over(call);
		return;
	}
	phone_bridge_pass_first(call, server);
}

/* Only from where it sends to itself: nobody else may have calls placed in the names of others. */
bool phone_bridge_wants(const struct phone *phone, const struct transport_arrival *arrival)
{
	return phone->bridge && net_address_equal_host(&arrival->remote, &phone->bridge->next_hop.address);
}

/* ---- who is meant ---- */

static struct bridge_leg *leg_of(struct hash_link *link)
{
	return link ? base_container(link, struct bridge_leg, by_id) : NULL;
}

struct bridge_leg *phone_bridge_find(const struct phone *phone, const struct sip_message *m)
{
	if (!phone->bridge)
		return NULL;
	struct hash_link *link = hash_first(&phone->bridge->legs_by_id, hash_keyed(&phone->call_id_key, m->call_id));
	while (link && !sip_dialog_matches(&leg_of(link)->dialog, m))
		link = hash_next(link);
	return leg_of(link);
}

bool phone_bridge_is_merged(const struct phone *phone, const struct sip_message *request)
{
	if (!phone->bridge)
		return false;
	struct hash_link *link =
		hash_first(&phone->bridge->legs_by_id, hash_keyed(&phone->call_id_key, request->call_id));
	for (; link; link = hash_next(link)) {
		list_each (item, &leg_of(link)->call->exchanges) {
			const struct bridge_exchange *x = base_container(item, struct bridge_exchange, link);
			if (x->begins && x->server &&
				sip_request_is_merged(request, transport_server_request(x->server)))
				return true;
		}
	}
	return false;
}

/* ---- life ---- */

static struct phone_bridge_domain *copy_domains(
	struct arena *a, const struct phone_bridge_domain *domains, size_t count)
{
	struct phone_bridge_domain *copy = arena_allocate(a, (count ? count : 1) * sizeof(*copy));
	for (size_t i = 0; copy && i < count; i++)
		copy[i] = (struct phone_bridge_domain){ arena_copy(a, domains[i].from), arena_copy(a, domains[i].to) };
	return copy;
}

int phone_bridge_open(struct phone *phone, const struct phone_bridge_params *params)
{
	struct phone_bridge *bridge = phone->bridge ? NULL : calloc(1, sizeof(*bridge));
	if (!bridge)
		return phone->bridge ? -EALREADY : -ENOMEM;
	arena_init(&bridge->arena, PHONE_REQUEST_BYTES);
	bridge->params = *params;
	bridge->params.server_name = arena_copy(&bridge->arena, params->server_name);
	bridge->params.callers = copy_domains(&bridge->arena, params->callers, params->caller_count);
	bridge->params.callees = copy_domains(&bridge->arena, params->callees, params->callee_count);
	bridge->next_hop = (struct transport_target){
		.protocol = params->protocol,
		.address = params->next_hop,
		.name = bridge->params.server_name,
		.mark = params->server_name.at ? PHONE_MARK_VERIFY : 0,
	};
	list_init(&bridge->calls);
	list_init(&bridge->ended_calls);
	phone->bridge = bridge;
	int status = hash_init(&bridge->legs_by_id, BRIDGE_LEGS * BRIDGED_MAXIMUM);
	if (status == 0 && (!bridge->params.callers || !bridge->params.callees))
		status = -ENOMEM;
	if (status < 0)
		phone_bridge_free(phone);
	return status;
}

bool phone_bridge_is_busy(const struct phone *phone)
{
	return phone->bridge && phone->bridge->call_count >= BRIDGED_MAXIMUM;
}

bool phone_bridge_is_over(const struct phone *phone)
{
	return !phone->bridge || phone->bridge->call_count == 0;
}

void phone_bridge_stop(struct phone *phone)
{
	if (!phone->bridge)
		return;
	list_each_safe (item, following, &phone->bridge->calls) {
		struct bridge_call *call = base_container(item, struct bridge_call, link);
		if (call->state < BRIDGE_LEAVING)
			call->outcome.ended_by = PHONE_ENDED_BY_US;
		phone_bridge_leave(call, NULL, BRIDGE_LEGS);
	}
}

void phone_bridge_tidy(struct phone *phone)
{
	while (phone->bridge && !list_is_empty(&phone->bridge->ended_calls)) {
		struct bridge_call *call = base_container(phone->bridge->ended_calls.next, struct bridge_call, link);
		list_remove(&call->link);
		arena_done(&call->arena);
		free(call);
	}
}

void phone_bridge_free(struct phone *phone)
{
	struct phone_bridge *bridge = phone->bridge;
	if (!bridge)
		return;
	bridge->params.ended = NULL;
	while (!list_is_empty(&bridge->calls))
		phone_bridge_over(base_container(bridge->calls.next, struct bridge_call, link));
	phone_bridge_tidy(phone);
	hash_done(&bridge->legs_by_id);
	arena_done(&bridge->arena);
	free(bridge);
	phone->bridge = NULL;
}
