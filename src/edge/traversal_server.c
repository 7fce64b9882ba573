/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/traversal_server.h"

#include "base/require.h"
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/journal.h"
#include "edge/keeper.h"
#include "edge/nonce.h"
#include "edge/peers.h"
#include "edge/registry.h"
#include "net/failure.h"
#include "net/loop.h"
#include "sip/digest.h"

#include <stdio.h>
#include <stdlib.h>

#define INTERVALS 3 /* without a proof, and the link is over */
#define REFUSED 401

/* A connection that proved itself; of this worker. */
struct edge_door {
	struct list link;
	struct edge_worker *worker;
	struct span zone; /* in the memory behind */
	struct transport_flow flow;
	size_t number; /* of its entry in edge/link.h */
	uint64_t print; /* of the zone it proved itself for */
	uint64_t client; /* hash of the Call-ID of its OPTIONS */
	struct wheel_timer patience;
	char shown[NET_ADDRESS_TEXT_SIZE];
	char text[];
};

/* ---- the end of a link ---- */

/* The zone's own entry: shown while no client is linked, or when one was refused. */
static void tell_zone(struct edge_worker *worker, struct span zone, enum edge_link_state state, struct span peer,
	struct span ground, struct span why)
{
	struct edge_link_news news = { .state = state, .peer = peer, .ground = ground, .why = why };
	edge_keeper_tell(worker, zone, 0, &news);
}

static void door_free(struct edge_door *door)
{
	list_remove(&door->link);
	wheel_disarm(net_loop_wheel(door->worker->loop), &door->patience);
	free(door);
}

static void door_end(struct edge_door *door, struct span why)
{
	struct edge_worker *worker = door->worker;
	struct edge_links *links = worker->shared->links;
	struct edge_link_news news = { .state = EDGE_LINK_FAILED, .peer = span_of(door->shown), .why = why };
	edge_keeper_tell(worker, door->zone, door->number, &news);
	edge_link_drop(links, door->zone, door->number);
	/* The last one's end stays to be seen. */
	if (edge_link_zone_state(links, door->zone) != EDGE_LINK_ACTIVE) {
		enum edge_link_state before;
		bool changed;
		news.now_us = clock_wall_us(&worker->shared->clock);
		(void)edge_link_tell(links, door->zone, 0, &news, &before, &changed);
	}
	transport_flow_close(worker->transport, door->flow);
	door_free(door);
}

static void patience_over(struct wheel_timer *timer, int64_t now_us)
{
	struct edge_door *door = base_container(timer, struct edge_door, patience);
	(void)now_us;
	door_end(door, SPAN("the client has not proved itself for three intervals"));
}

void edge_doors_flow_closed(struct edge_worker *worker, struct transport_flow flow, const struct net_failure *why)
{
	list_each (link, edge_keeper_doors(worker->keeper)) {
		struct edge_door *door = base_container(link, struct edge_door, link);
		char text[256];
		if (!transport_flow_equal(door->flow, flow))
			continue;
		snprintf(text, sizeof(text), "the connection ended: %s", why->text[0] ? why->text : "closed in order");
		door_end(door, span_of(text));
		return;
	}
}

/* ---- a link ---- */

static struct edge_door *door_find(struct edge_worker *worker, struct transport_flow flow)
{
	list_each (link, edge_keeper_doors(worker->keeper)) {
		struct edge_door *door = base_container(link, struct edge_door, link);
		if (transport_flow_equal(door->flow, flow))
			return door;
	}
	return NULL;
}

/* The same client's connection of before was lost on the way and nobody noticed. On another worker it ends there. */
static void door_replace(struct edge_worker *worker, const struct edge_door *by)
{
	struct transport_flow flow;
	for (size_t i = 0; i < EDGE_LINK_PEERS_MAXIMUM; i++) {
		if (!edge_link_other(worker->shared->links, by->zone, by->client, by->flow, &flow))
			return;
		struct edge_door *door = door_find(worker, flow);
		if (door)
			door_end(door, SPAN("the client has come back over another connection"));
		else
			transport_flow_close(worker->transport, flow);
		if (!door)
			return;
	}
}

static struct edge_door *door_new(struct edge_request *request, const struct edge_zone *zone, uint64_t client)
{
	struct edge_worker *worker = request->worker;
	int number = edge_link_take(worker->shared->links, zone->name);
	struct edge_door *door = number < 0 ? NULL : calloc(1, sizeof(*door) + zone->name.length + 1);
	if (!door) {
		if (number >= 0)
			edge_link_drop(worker->shared->links, zone->name, (size_t)number);
		return NULL;
	}
	span_copy_to(zone->name, door->text, zone->name.length + 1);
	net_address_format(&request->arrival->remote, door->shown);
	door->worker = worker;
	door->zone = span_make(door->text, zone->name.length);
	door->flow = request->arrival->flow;
	door->number = (size_t)number;
	door->print = edge_keeper_print(worker, zone->config);
	door->client = client;
	wheel_timer_init(&door->patience, patience_over);
	list_append(edge_keeper_doors(worker->keeper), &door->link);
	return door;
}

static void door_tell(const struct edge_door *door, const struct transport_arrival *arrival)
{
	struct edge_link_news news = {
		.state = EDGE_LINK_ACTIVE,
		.peer = span_of(door->shown),
		.way = transport_flow_target(arrival),
		.key = door->client,
	};
	edge_keeper_tell(door->worker, door->zone, door->number, &news);
	edge_link_drop(door->worker->shared->links, door->zone, 0);
}

/* False: the zone has as many links as it may. */
static bool prove(struct edge_request *request, const struct edge_zone *zone)
{
	struct edge_worker *worker = request->worker;
	uint64_t client = hash_keyed(&worker->shared->key, request->message->call_id);
	struct edge_door *door = door_find(worker, request->arrival->flow);
	if (!door) {
		door = door_new(request, zone, client);
		if (!door)
			return false;
		door_tell(door, request->arrival);
		door_replace(worker, door);
	}
	int64_t patience_us = INTERVALS * zone->config->monitor_interval_ms * CLOCK_MS_US;
	wheel_arm(net_loop_wheel(worker->loop), &door->patience, net_loop_now_us(worker->loop) + patience_us);
	return true;
}

/* ---- who is there? ---- */

static struct span remote_text(struct edge_request *request)
{
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&request->arrival->remote, text);
	return arena_copy(request->arena, span_of(text));
}

/* The port is anybody's to knock at: ten refusals a minute of one sender are recorded, and how many were left out. */
static bool may_tell(const struct edge_request *request, uint64_t *ret_left_out)
{
	struct edge_worker *worker = request->worker;
	char network[NET_ADDRESS_TEXT_SIZE], source[NET_ADDRESS_TEXT_SIZE + 16];
	net_address_format_network(&request->arrival->remote, network);
	int length = snprintf(source, sizeof(source), "traversal %s", network);
	return registrar_guard_tell(worker->shared->registry->guard, span_make(source, (size_t)length),
		net_loop_now_us(worker->loop), ret_left_out);
}

/* Which refusal it is: without a word of who was refused. */
struct refusal {
	enum finding_code code;
	uint16_t status;
	struct span ground;
};

static void tell(struct edge_request *request, const struct edge_zone *zone, const struct refusal *refusal,
	const struct finding *finding, struct span why)
{
	struct edge_worker *worker = request->worker;
	enum edge_link_state state = edge_link_zone_state(worker->shared->links, zone->name);
	uint64_t left_out;
	bool may = may_tell(request, &left_out);
	request->is_recorded = true;
	if (state != EDGE_LINK_ACTIVE && (may || state != EDGE_LINK_FAILED))
		tell_zone(worker, zone->name, EDGE_LINK_FAILED, remote_text(request), refusal->ground, why);
	if (!may || !finding)
		return;
	struct span reason = edge_dress_phrase(refusal->status);
	if (left_out)
		reason = arena_printf(request->arena, "%.*s (%llu more of this sender were not recorded)",
			SPAN_PRINT(reason), (unsigned long long)left_out);
	edge_journal_judgement(request, finding, remote_text(request), refusal->status, reason);
}

/* Refused: said in the log, shown in the status, and the connection goes once it was answered. Whoever was proved
 * before and fails now is no link any more. */
static void refuse(
	struct edge_request *request, const struct edge_zone *zone, const struct refusal *refusal, struct span why)
{
	struct edge_worker *worker = request->worker;
	struct edge_door *door = door_find(worker, request->arrival->flow);
	struct finding *f = finding_add(edge_request_findings(request), refusal->code, zone->name);
	finding_value(f, "peer", remote_text(request));
	finding_observed(f, why);
	if (door) {
		edge_link_drop(worker->shared->links, door->zone, door->number);
		door_free(door);
	}
	tell(request, zone, refusal, f, why);
}

static enum edge_progress refuse_certificate(struct edge_request *request, const struct edge_zone *zone)
{
	struct transport *transport = request->worker->transport;
	struct transport_flow flow = request->arrival->flow;
	char name[128];
	if (!edge_peers_copy_name(request->worker, request->arrival->tls, name, sizeof(name)))
		snprintf(name, sizeof(name), "(none)");
	static const struct refusal refusal = { FINDING_TRAVERSAL_CERTIFICATE_REFUSED, 403,
		{ "the client's certificate", 24 } };
	refuse(request, zone, &refusal,
		arena_printf(request->arena, "the client's certificate is for %s and must be a trusted one for %.*s",
			name, SPAN_PRINT(zone->config->verify_name)));
	enum edge_progress progress = edge_answer_findings(request);
	transport_flow_close(transport, flow);
	return progress;
}

static struct span challenge_value(
	struct edge_request *request, const struct edge_zone *zone, enum sip_digest_algorithm algorithm, bool stale)
{
	struct edge_worker *worker = request->worker;
	char nonce[EDGE_NONCE_LENGTH + 1];
	struct buffer text;
	edge_nonce_make(&worker->shared->key, net_loop_now_us(worker->loop), request->arrival->flow, zone->name, nonce);
	struct sip_digest_challenge challenge = {
		.realm = worker->shared->node,
		.nonce = span_of(nonce),
		.algorithm = algorithm,
		.algorithm_name = algorithm == SIP_DIGEST_MD5 ? SPAN("MD5") : SPAN("SHA-256"),
		.is_stale = stale,
		.has_qop = true,
		.offers_auth = true,
	};
	buffer_init(&text, 1024);
	sip_digest_challenge_write(&text, &challenge);
	struct span value = arena_copy(request->arena, buffer_span(&text));
	buffer_done(&text);
	return value;
}

static enum edge_progress challenge(struct edge_request *request, const struct edge_zone *zone, bool stale)
{
	struct span values[] = {
		challenge_value(request, zone, SIP_DIGEST_SHA256, stale),
		challenge_value(request, zone, SIP_DIGEST_MD5, stale),
	};
	return edge_answer_challenge(request, REFUSED, values, BASE_COUNT(values));
}

static enum edge_progress refuse_password(struct edge_request *request, const struct edge_zone *zone, struct span user)
{
	struct transport *transport = request->worker->transport;
	struct transport_flow flow = request->arrival->flow;
	struct span why = arena_printf(
		request->arena, "wrong username or password (it came as '%.*s')", SPAN_PRINT(span_first(user, 64)));
	static const struct refusal refusal = { FINDING_TRAVERSAL_AUTHENTICATION_FAILED, REFUSED,
		{ "wrong username or password", 26 } };
	refuse(request, zone, &refusal, why);
	enum edge_progress progress = challenge(request, zone, false);
	transport_flow_close(transport, flow); /* what was answered is still sent */
	return progress;
}

enum proof { PROOF_NONE, PROOF_STALE, PROOF_WRONG, PROOF_GOOD };

static bool is_right(const struct sip_digest_credentials *credentials, const struct edge_zone *zone)
{
	const struct config_zone *config = zone->config;
	char secret[SIP_DIGEST_HEX_MAXIMUM];
	if (!span_equal(credentials->username, config->username) ||
		sip_digest_secret(
			credentials->algorithm, config->username, credentials->realm, config->password, secret) < 0)
		return false;
	return sip_digest_check(credentials, span_of(secret), SPAN("OPTIONS"), SPAN(""));
}

static enum proof proof_of(struct edge_request *request, const struct edge_zone *zone, struct span *ret_user)
{
	struct edge_worker *worker = request->worker;
	const struct sip_header *header = sip_message_find(request->message, SIP_HEADER_AUTHORIZATION);
	struct sip_digest_credentials credentials;
	if (!header || sip_digest_credentials_parse(header->value, &credentials, NULL) < 0)
		return PROOF_NONE;
	*ret_user = credentials.username;
	if (credentials.qop == SIP_DIGEST_QOP_AUTH_INT || !span_equal(credentials.realm, worker->shared->node))
		return PROOF_NONE; /* not an answer to what we asked */
	enum edge_nonce_verdict nonce = edge_nonce_check(&worker->shared->key, net_loop_now_us(worker->loop),
		request->arrival->flow, zone->name, credentials.nonce);
	if (nonce == EDGE_NONCE_FOREIGN)
		return PROOF_NONE;
	if (!is_right(&credentials, zone))
		return PROOF_WRONG;
	return nonce == EDGE_NONCE_OLD ? PROOF_STALE : PROOF_GOOD;
}

static enum edge_progress examine(struct edge_request *request, const struct edge_zone *zone)
{
	struct span user = SPAN("");
	struct span name = zone->config->verify_name;
	if (zone->protocol == TRANSPORT_TLS &&
		!(name.at && edge_peers_covers(request->worker, request->arrival->tls, name)))
		return refuse_certificate(request, zone);
	switch (proof_of(request, zone, &user)) {
	case PROOF_GOOD:
		return edge_answer_outcome(request, prove(request, zone) ? EDGE_OUTCOME_ALIVE : EDGE_OUTCOME_INTERNAL);
	case PROOF_WRONG:
		return refuse_password(request, zone, user);
	default:
		break;
	}
	return challenge(request, zone, sip_message_has(request->message, SIP_HEADER_AUTHORIZATION));
}

/* To whoever has the port, and to nobody behind it. */
static bool is_keepalive(const struct edge_request *request)
{
	const struct sip_message *m = request->message;
	return m->method == SIP_METHOD_OPTIONS && !request->in_dialog && sip_uri_is_sip(&m->uri) && !m->uri.user.at &&
	       !sip_message_has(m, SIP_HEADER_ROUTE) && request->arrival->flow.worker == request->worker->number;
}

enum edge_progress edge_traversal_server_take(struct edge_request *request, const struct edge_zone *zone)
{
	if (is_keepalive(request))
		return examine(request, zone);
	if (edge_link_is_proved(request->worker->shared->links, zone, request->arrival->flow))
		return EDGE_CONTINUE;
	return edge_answer_outcome(request, EDGE_OUTCOME_LINK_UNPROVED);
}

/* ---- what the configuration wants ---- */

static const struct edge_zone *zone_named(const struct edge_site *site, struct span name)
{
	for (size_t i = 0; i < site->zone_count; i++)
		if (span_equal(site->zones[i].name, name))
			return &site->zones[i];
	return NULL;
}

static void doors_check(struct edge_worker *worker)
{
	list_each_safe (link, following, edge_keeper_doors(worker->keeper)) {
		struct edge_door *door = base_container(link, struct edge_door, link);
		const struct edge_zone *zone = zone_named(worker->site, door->zone);
		if (zone && edge_keeper_print(worker, zone->config) == door->print)
			continue;
		struct transport_flow flow = door->flow;
		edge_link_drop(worker->shared->links, door->zone, door->number);
		door_free(door);
		transport_flow_close(worker->transport, flow);
	}
}

static void listener_take(struct edge_worker *worker, uint16_t index, const struct transport_listener *wanted)
{
	struct transport_listener *open = &worker->doors[index];
	bool same = wanted && open->protocol == wanted->protocol && net_address_equal(&open->address, &wanted->address);
	if (same)
		return;
	if (open->protocol != TRANSPORT_ANY)
		transport_listener_close(worker->transport, index);
	*open = (struct transport_listener){ .protocol = TRANSPORT_ANY };
	if (!wanted)
		return;
	int status = transport_listener_open(worker->transport, index, wanted);
	if (status == 0) {
		*open = *wanted;
		return;
	}
	char address[NET_ADDRESS_TEXT_SIZE], text[256];
	net_address_format(&wanted->address, address);
	int length = snprintf(text, sizeof(text), "cannot listen on %s: %s", address, strerror(-status));
	edge_journal_note(
		&worker->sink, &worker->shared->clock, RECORD_NODE_NOTE, RECORD_ERROR, span_make(text, (size_t)length));
}

void edge_doors_site(struct edge_worker *worker)
{
	const struct edge_site *site = worker->site;
	doors_check(worker);
	for (uint16_t i = 0; i < TRANSPORT_LISTENER_MAXIMUM; i++) {
		const struct edge_zone *zone = site->doors[i].zone;
		listener_take(worker, i, zone ? &site->doors[i].listener : NULL);
		if (zone && edge_keeper_is_mine(worker, zone->name) &&
			edge_link_zone_state(worker->shared->links, zone->name) == EDGE_LINK_OFF)
			tell_zone(worker, zone->name, EDGE_LINK_CHECKING, SPAN(""), SPAN_NONE,
				SPAN("no client has come yet"));
	}
}

void edge_doors_close(struct edge_worker *worker)
{
	list_each_safe (link, following, edge_keeper_doors(worker->keeper)) {
		struct edge_door *door = base_container(link, struct edge_door, link);
		edge_link_drop(worker->shared->links, door->zone, door->number);
		transport_flow_close(worker->transport, door->flow);
		door_free(door);
	}
}

void edge_doors_free(struct edge_worker *worker)
{
	list_each_safe (link, following, edge_keeper_doors(worker->keeper))
		door_free(base_container(link, struct edge_door, link));
}
