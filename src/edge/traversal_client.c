/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/traversal_client.h"

#include "edge/back_off.h"
#include "edge/keeper.h"
#include "edge/peers.h"
#include "edge/ping.h"
#include "edge/reach.h"
#include "net/failure.h"
#include "net/loop.h"
#include "sip/digest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHALLENGE_MAXIMUM 1024
#define UNAVAILABLE 503

/* One server of one zone. */
struct edge_dial {
	struct list link;
	struct edge_worker *worker;
	struct arena arena; /* of the texts below */
	struct span zone;
	struct span name;
	struct span username;
	struct span password;
	struct config_endpoint peer;
	struct span shown;
	struct span uri;
	struct span call_id; /* of all our OPTIONS: by it the server knows a client that has come back */
	enum transport_protocol protocol;
	size_t number; /* among the zone's peers */
	uint64_t print;
	uint64_t mark;
	int64_t interval_us, timeout_us, retry_us;
	struct wheel_timer due; /* the next OPTIONS, or the next try */
	struct edge_reach reach;
	struct edge_ping ping;
	struct transport_target target; /* the address that is tried, or that the link goes to */
	size_t next; /* of its addresses */
	uint32_t cseq;
	uint32_t failures;
	bool proved;
	bool challenged; /* the OPTIONS under way answers a challenge */
	enum sip_header_id challenge_header; /* of our credentials */
	char challenge[CHALLENGE_MAXIMUM]; /* the last one, to be answered in advance; "" where there is none */
	uint32_t nonce_count;
	bool wanted;
	bool draining;
};

/* ---- marks ---- */

uint64_t edge_traversal_mark(const struct edge_worker *worker, struct span zone_name)
{
	static const uint64_t traversal =
		0x74726176657273; /* another number than a partner's domain of that name has */
	return (hash_mix(hash_keyed(&worker->shared->key, zone_name), traversal) & ~UINT64_C(1)) | UINT64_C(4);
}

static const struct edge_zone *zone_of_mark(
	const struct edge_worker *worker, const struct edge_site *site, uint64_t mark)
{
	if (mark & 1 || !(mark & 4))
		return NULL;
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct edge_zone *zone = &site->zones[i];
		if (zone->config->kind == CONFIG_ZONE_TRAVERSAL_CLIENT &&
			mark == edge_traversal_mark(worker, zone->name))
			return zone;
	}
	return NULL;
}

bool edge_traversal_client_judge(struct edge_worker *worker, const struct transport_target *target,
	const struct net_tls_facts *facts, int *ret_status)
{
	const struct edge_zone *zone = zone_of_mark(worker, worker->site, target->mark);
	if (!zone)
		return false;
	struct span name = zone->config->verify_name;
	bool good = zone->protocol != TRANSPORT_TLS || (facts && name.at && edge_peers_covers(worker, facts, name));
	*ret_status = good ? 0 : -EACCES;
	return true;
}

const struct edge_zone *edge_traversal_client_zone(
	const struct edge_worker *worker, const struct edge_site *site, const struct transport_arrival *arrival)
{
	bool ours = arrival->listener == TRANSPORT_LISTENER_NONE;
	return ours ? zone_of_mark(worker, site, arrival->target_mark) : NULL;
}

/* ---- what is known now ---- */

static void tell(struct edge_dial *d, enum edge_link_state state, struct span why)
{
	struct edge_link_news news = {
		.state = state,
		.peer = d->shown,
		.why = why,
	};
	if (state == EDGE_LINK_ACTIVE)
		news.way = d->target;
	edge_keeper_tell(d->worker, d->zone, d->number, &news);
}

static void arm(struct edge_dial *d, int64_t in_us)
{
	wheel_arm(net_loop_wheel(d->worker->loop), &d->due, net_loop_now_us(d->worker->loop) + in_us);
}

/* The connection goes, whatever it is good for. */
static void hang_up(struct edge_dial *d)
{
	struct transport_flow flow = d->target.flow;
	bool had = (d->target.flags & TRANSPORT_TARGET_FLOW) && transport_flow_is_connection(flow);
	d->proved = false;
	d->challenge[0] = '\0';
	d->target.flags = 0;
	d->target.flow = TRANSPORT_FLOW_NONE;
	if (had)
		transport_flow_close(d->worker->transport, flow);
}

static void fail(struct edge_dial *d, struct span why)
{
	d->failures++;
	tell(d, EDGE_LINK_FAILED, why); /* before the connection goes: no call is to be sent over it any more */
	hang_up(d);
	if (!d->draining)
		arm(d, edge_back_off_us(d->retry_us, d->failures, &d->worker->random));
}

/* ---- OPTIONS ---- */

static void credentials_make(struct edge_dial *d, struct buffer *text)
{
	struct sip_digest_challenge challenge;
	char cnonce[17];
	if (!d->challenge[0] || sip_digest_challenge_parse(span_of(d->challenge), &challenge, NULL) < 0)
		return;
	random_hex(&d->worker->random, 16, cnonce);
	struct sip_digest_answer answer = {
		.username = d->username,
		.password = d->password,
		.method = SPAN("OPTIONS"),
		.uri = d->uri,
		.body = SPAN(""),
		.cnonce = span_of(cnonce),
		.nonce_count = ++d->nonce_count,
	};
	if (sip_digest_answer(&challenge, &answer, text) < 0)
		text->length = 0;
}

static int options_send(struct edge_dial *d)
{
	struct buffer credentials;
	buffer_init(&credentials, 4096);
	credentials_make(d, &credentials);
	struct edge_ping_question question = {
		.target = &d->target,
		.uri = d->uri,
		.call_id = d->call_id,
		.cseq = ++d->cseq,
		.credentials_header = d->challenge_header,
		.credentials = credentials.length ? buffer_span(&credentials) : SPAN_NONE,
		.zone = d->zone,
		.patience_us = d->timeout_us,
	};
	int status = edge_ping_send(&d->ping, &question);
	buffer_done(&credentials);
	return status;
}

/* The next address of the server, with a connection of its own. */
static void try_next(struct edge_dial *d, struct span why)
{
	while (d->next < d->reach.count) {
		hang_up(d);
		d->target = d->reach.targets[d->next++];
		d->challenged = false;
		int status = options_send(d);
		if (status == 0)
			return;
		why = span_of(strerror(-status));
	}
	fail(d, why);
}

/* RFC 8760 2.4: of several challenges the first that we can answer. */
static bool challenge_take(struct edge_dial *d, const struct sip_message *m)
{
	enum sip_header_id id = m->status == 401 ? SIP_HEADER_WWW_AUTHENTICATE : SIP_HEADER_PROXY_AUTHENTICATE;
	const struct sip_header *header = sip_message_find(m, id);
	for (; header; header = sip_message_find_next(m, header)) {
		struct sip_digest_challenge challenge;
		if (sip_digest_challenge_parse(header->value, &challenge, NULL) < 0 ||
			!sip_digest_challenge_is_known(&challenge) ||
			!span_copy_to(header->value, d->challenge, sizeof(d->challenge)))
			continue;
		d->nonce_count = 0;
		d->challenge_header = m->status == 401 ? SIP_HEADER_AUTHORIZATION : SIP_HEADER_PROXY_AUTHORIZATION;
		return true;
	}
	d->challenge[0] = '\0';
	return false;
}

static void refused(struct edge_dial *d, const struct sip_message *m)
{
	char why[EDGE_PING_WHY_SIZE];
	struct span reason = span_first(m->reason, 80);
	const char *what = m->status == 401 || m->status == 407 ? "authentication failed: wrong username or password"
			   : m->status == 403 ? "refused; does our certificate carry the name that the server expects?"
					      : "the server does not take us";
	snprintf(why, sizeof(why), "%s (%u %.*s)", what, m->status, SPAN_PRINT(reason));
	fail(d, span_of(why));
}

static void active(struct edge_dial *d)
{
	d->proved = true;
	d->failures = 0;
	tell(d, EDGE_LINK_ACTIVE, SPAN(""));
	arm(d, d->interval_us);
}

/* It stops, and takes no calls now; the connection stays for those that stand. */
static void unavailable(struct edge_dial *d)
{
	tell(d, EDGE_LINK_FAILED, SPAN("the server takes no calls now (503)"));
	arm(d, d->interval_us);
}

/* What was good when the connection was opened may have run out since, or is not trusted any more. */
static bool is_still_trusted(struct edge_dial *d, const struct transport_arrival *arrival)
{
	return d->protocol != TRANSPORT_TLS || edge_peers_covers(d->worker, arrival->tls, d->name);
}

static void final(struct edge_dial *d, const struct transport_arrival *arrival)
{
	const struct sip_message *m = arrival->message;
	bool challenge = m->status == 401 || m->status == 407;
	if (!is_still_trusted(d, arrival)) {
		fail(d, SPAN("its certificate has run out or is not trusted any more"));
	} else if (m->status >= 200 && m->status < 300 && d->challenge[0]) {
		active(d);
	} else if (m->status < 300) {
		/* Nobody who asks for no proof is the server of a traversal zone. */
		fail(d, SPAN("the server asks for no authentication: it is no traversal server"));
	} else if (challenge && !d->challenged && challenge_take(d, m)) {
		d->challenged = true;
		int status = options_send(d);
		if (status < 0)
			fail(d, span_of(strerror(-status)));
	} else if (m->status == UNAVAILABLE && d->proved) {
		unavailable(d);
	} else {
		refused(d, m);
	}
}

static void answered(struct edge_ping *ping, const struct edge_ping_answer *answer)
{
	struct edge_dial *d = base_container(ping, struct edge_dial, ping);
	bool stood = d->target.flags & TRANSPORT_TARGET_FLOW;
	if (transport_flow_is_connection(answer->flow)) {
		d->target.flow = answer->flow;
		d->target.flags = TRANSPORT_TARGET_FLOW;
	}
	if (answer->arrival)
		final(d, answer->arrival);
	else if (stood)
		fail(d, span_of(answer->why));
	else
		try_next(d, span_of(answer->why));
}

/* ---- dialling ---- */

static void found(struct edge_reach *reach, struct span why)
{
	struct edge_dial *d = base_container(reach, struct edge_dial, reach);
	d->next = 0;
	try_next(d, why);
}

static void dial(struct edge_dial *d)
{
	struct span why = SPAN("");
	struct edge_reach_question question = {
		.host = d->peer.host,
		.port = d->peer.port,
		.protocol = d->protocol,
		.name = d->protocol == TRANSPORT_TLS ? d->name : SPAN_NONE,
		.mark = d->mark,
	};
	if (edge_reach_ask(&d->reach, &question, &why))
		found(&d->reach, why);
}

static void fired(struct wheel_timer *timer, int64_t now_us)
{
	struct edge_dial *d = base_container(timer, struct edge_dial, due);
	(void)now_us;
	if (!d->proved) {
		dial(d);
		return;
	}
	d->challenged = false;
	int status = options_send(d);
	if (status < 0)
		fail(d, span_of(strerror(-status)));
}

void edge_dials_flow_closed(struct edge_worker *worker, struct transport_flow flow, const struct net_failure *why)
{
	list_each (link, edge_keeper_dials(worker->keeper)) {
		struct edge_dial *d = base_container(link, struct edge_dial, link);
		char text[EDGE_PING_WHY_SIZE];
		if (!(d->target.flags & TRANSPORT_TARGET_FLOW) || !transport_flow_equal(d->target.flow, flow))
			continue;
		snprintf(text, sizeof(text), "the connection ended: %s", why->text[0] ? why->text : "closed in order");
		edge_ping_drop(&d->ping);
		fail(d, span_of(text));
		return;
	}
}

/* ---- life ---- */

static void dial_free(struct edge_dial *d)
{
	list_remove(&d->link);
	wheel_disarm(net_loop_wheel(d->worker->loop), &d->due);
	edge_reach_stop(&d->reach);
	edge_ping_stop(&d->ping);
	arena_done(&d->arena);
	free(d);
}

static void times_take(struct edge_dial *d, const struct config_zone *zone)
{
	d->interval_us = zone->monitor_interval_ms * CLOCK_MS_US;
	d->timeout_us = zone->monitor_timeout_ms * CLOCK_MS_US;
	d->retry_us = zone->retry_ms * CLOCK_MS_US;
}

static void texts_take(struct edge_dial *d, const struct config_zone *zone, const struct config_endpoint *peer)
{
	struct arena *a = &d->arena;
	char call_id[33], shown[EDGE_LINK_ENDPOINT_SIZE];
	random_hex(&d->worker->random, 32, call_id);
	d->zone = arena_copy(a, zone->name);
	d->name = zone->verify_name.at ? arena_copy(a, zone->verify_name) : SPAN_NONE;
	d->username = arena_copy(a, zone->username);
	d->password = arena_copy(a, zone->password);
	d->peer = *peer;
	d->peer.host = arena_copy(a, peer->host);
	edge_link_endpoint_write(peer->host, peer->port, shown);
	d->shown = arena_copy(a, span_of(shown));
	d->uri = edge_ping_uri(a, d->peer.host, peer->port, d->protocol);
	d->call_id = arena_copy(a, span_of(call_id));
}

static struct config_endpoint endpoint_of(const struct edge_zone *zone, size_t number)
{
	struct config_endpoint peer = zone->config->peers.items[number];
	if (!peer.port)
		peer.port = EDGE_TRAVERSAL_PORT;
	return peer;
}

static void dial_new(struct edge_worker *worker, const struct edge_zone *zone, size_t number)
{
	struct config_endpoint peer = endpoint_of(zone, number);
	struct edge_dial *d = calloc(1, sizeof(*d));
	if (!d)
		return; /* tried again with the next site; the zone has no link until then */
	arena_init(&d->arena, 64u << 10);
	d->worker = worker;
	d->protocol = zone->protocol;
	d->number = number;
	d->print = edge_keeper_print(worker, zone->config);
	d->mark = edge_traversal_mark(worker, zone->name);
	d->reach = (struct edge_reach){ .worker = worker, .found = found };
	d->target.flow = TRANSPORT_FLOW_NONE;
	d->wanted = true;
	edge_ping_init(&d->ping, worker, answered);
	wheel_timer_init(&d->due, fired);
	texts_take(d, zone->config, &peer);
	times_take(d, zone->config);
	list_append(edge_keeper_dials(worker->keeper), &d->link);
	tell(d, EDGE_LINK_CHECKING, SPAN(""));
	arm(d, 1);
}

static struct edge_dial *find(struct edge_worker *worker, const struct edge_zone *zone, size_t number)
{
	uint64_t print = edge_keeper_print(worker, zone->config);
	struct config_endpoint peer = endpoint_of(zone, number);
	list_each (link, edge_keeper_dials(worker->keeper)) {
		struct edge_dial *d = base_container(link, struct edge_dial, link);
		if (d->number == number && d->print == print &&
			edge_link_endpoint_key(&d->peer) == edge_link_endpoint_key(&peer))
			return d;
	}
	return NULL;
}

static bool is_dialled(const struct edge_worker *worker, const struct edge_zone *zone)
{
	return zone->config->kind == CONFIG_ZONE_TRAVERSAL_CLIENT && edge_keeper_is_mine(worker, zone->name);
}

static size_t peer_count(const struct edge_zone *zone)
{
	size_t count = zone->config->peers.count;
	return count < EDGE_LINK_PEERS_MAXIMUM ? count : EDGE_LINK_PEERS_MAXIMUM;
}

static void mark_wanted(struct edge_worker *worker)
{
	const struct edge_site *site = worker->site;
	list_each (link, edge_keeper_dials(worker->keeper))
		base_container(link, struct edge_dial, link)->wanted = false;
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct edge_zone *zone = &site->zones[i];
		for (size_t j = 0; is_dialled(worker, zone) && j < peer_count(zone); j++) {
			struct edge_dial *d = find(worker, zone, j);
			if (!d)
				continue;
			d->wanted = true;
			times_take(d, zone->config);
		}
	}
}

void edge_dials_site(struct edge_worker *worker)
{
	const struct edge_site *site = worker->site;
	mark_wanted(worker);
	/* Those no longer wanted first: their numbers may be given anew. */
	list_each_safe (link, following, edge_keeper_dials(worker->keeper)) {
		struct edge_dial *d = base_container(link, struct edge_dial, link);
		if (d->wanted)
			continue;
		edge_link_drop(worker->shared->links, d->zone, d->number);
		edge_ping_drop(&d->ping);
		hang_up(d);
		dial_free(d);
	}
	for (size_t i = 0; i < site->zone_count; i++) {
		const struct edge_zone *zone = &site->zones[i];
		for (size_t j = 0; is_dialled(worker, zone) && j < peer_count(zone); j++)
			if (!find(worker, zone, j))
				dial_new(worker, zone, j);
	}
}

void edge_dials_drain(struct edge_worker *worker)
{
	list_each (link, edge_keeper_dials(worker->keeper)) {
		struct edge_dial *d = base_container(link, struct edge_dial, link);
		d->draining = true;
		if (d->proved)
			continue;
		wheel_disarm(net_loop_wheel(worker->loop), &d->due);
		edge_reach_stop(&d->reach);
		edge_ping_drop(&d->ping);
		hang_up(d);
	}
}

void edge_dials_close(struct edge_worker *worker)
{
	list_each (link, edge_keeper_dials(worker->keeper)) {
		struct edge_dial *d = base_container(link, struct edge_dial, link);
		wheel_disarm(net_loop_wheel(worker->loop), &d->due);
		edge_ping_drop(&d->ping);
		hang_up(d);
	}
}

void edge_dials_free(struct edge_worker *worker)
{
	list_each_safe (link, following, edge_keeper_dials(worker->keeper))
		dial_free(base_container(link, struct edge_dial, link));
}
