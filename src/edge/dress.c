/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/dress.h"

#include "edge/local.h"
#include "edge/mark.h"
#include "edge/peers.h"
#include "edge/zone.h"
#include "sip/parameter.h"

#include <ctype.h>
#include <stdio.h>

#define FEDGE_SERVER SPAN("fedge/" FEDGE_VERSION)

/* RFC 4122: version 4 and variant 1 set in 128 bits that are as good as random. */
static void uuid_write(uint64_t high, uint64_t low, char ret_uuid[37])
{
	high = (high & ~UINT64_C(0xf000)) | UINT64_C(0x4000);
	low = (low & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62);
	snprintf(ret_uuid, 37, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32), (unsigned)(high >> 16) & 0xffff,
		(unsigned)high & 0xffff, (unsigned)(low >> 48), (unsigned long long)low & 0xffffffffffff);
}

static bool is_uuid(struct span s)
{
	for (size_t i = 0; i < s.length; i++)
		if (!isxdigit((unsigned char)s.at[i]) && s.at[i] != '-')
			return false;
	return s.length == 36;
}

static struct span serial_brought_back(const struct edge_worker *worker, const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_ROUTE);
	struct sip_address address;
	struct sip_uri uri;
	struct span value, serial;
	if (!sip_values_next(&values, &value) || sip_address_parse_uri(value, &address, &uri) < 0 ||
		!edge_dress_is_ours(&uri, (void *)(uintptr_t)worker) ||
		!sip_uri_parameter(&uri, SPAN("proxy-call-id"), &serial) || !is_uuid(serial))
		return SPAN_NONE;
	return serial;
}

void edge_dress_serial(const struct edge_worker *worker, const struct sip_message *m, char ret_uuid[37])
{
	struct span known = serial_brought_back(worker, m);
	if (known.at) {
		span_copy_to(known, ret_uuid, 37);
		return;
	}
	const struct hash_key *key = &worker->shared->key;
	struct hash_key other = { { key->word[1], ~key->word[0] } };
	uint64_t high = hash_mix(hash_keyed(key, m->call_id), hash_keyed(key, m->via.branch));
	uint64_t low = hash_mix(hash_keyed(&other, m->call_id), hash_keyed(&other, m->via.branch));
	uuid_write(high, hash_mix(low, m->cseq), ret_uuid);
}

void edge_dress_call_tag(const struct sip_message *m, char ret_uuid[37])
{
	/* No secret: every node must come to the same. */
	static const struct hash_key first = { { 0x6665646765207461, 0x6720686967680000 } };
	static const struct hash_key second = { { 0x6665646765207461, 0x67206c6f77000000 } };
	uuid_write(hash_keyed(&first, m->call_id), hash_keyed(&second, m->call_id), ret_uuid);
}

struct transport_note edge_dress_note(const struct edge_branch *branch)
{
	const struct edge_request *request = branch->request;
	const struct edge_zone *zone = branch->target_zone;
	return (struct transport_note){
		.serial = request->serial,
		.tag = request->tag,
		.peer = branch->target.name,
		.zone = zone ? zone->name : SPAN_NONE,
		.side = zone && zone->inside ? RECORD_INTERNAL : RECORD_EXTERNAL,
	};
}

/* ---- on arrival ---- */

static struct span scratch_add(struct transport_stamp *stamp, size_t *used, const char *text)
{
	size_t length = strlen(text);
	if (*used + length > sizeof(stamp->scratch))
		return SPAN_NONE;
	char *at = stamp->scratch + *used;
	memcpy(at, text, length);
	*used += length;
	return span_make(at, length);
}

static void stamp_note(struct edge_worker *worker, const struct transport_arrival *arrival,
	const struct edge_zone *zone, struct transport_stamp *stamp, size_t *used)
{
	char uuid[37];
	if (!record_wanted(&worker->sink))
		return;
	edge_dress_serial(worker, arrival->message, uuid);
	stamp->note.serial = scratch_add(stamp, used, uuid);
	edge_dress_call_tag(arrival->message, uuid);
	stamp->note.tag = scratch_add(stamp, used, uuid);
	stamp->note.zone = zone ? zone->name : SPAN("DefaultZone");
	stamp->note.side = zone && zone->inside ? RECORD_INTERNAL : RECORD_EXTERNAL;
	char name[64];
	if (edge_peers_copy_name(worker, arrival->tls, name, sizeof(name)))
		stamp->note.peer = scratch_add(stamp, used, name);
}

static void stamp_microsoft(const struct transport_arrival *arrival, struct transport_stamp *stamp, size_t *used)
{
	char cid[16];
	/* rport gets no value, the port has a parameter of its own. */
	stamp->via.rport = 0;
	stamp->via.ms_received_port = net_address_port(&arrival->remote);
	snprintf(cid, sizeof(cid), "%X", ((arrival->flow.slot + 1) << 8) + (arrival->flow.generation & 0xff));
	stamp->via.ms_received_cid = scratch_add(stamp, used, cid);
}

void edge_dress_stamp(void *argument, const struct transport_arrival *arrival, struct transport_stamp *stamp)
{
	struct edge_worker *worker = argument;
	const struct edge_site *site = worker->site;
	const struct edge_zone *zone = edge_zone_of(worker, site, arrival);
	if (!zone && site->local && edge_local_is_phone(worker, arrival))
		zone = site->local;
	/* transport may have put the address there. */
	size_t used = stamp->via.received.at == stamp->scratch ? stamp->via.received.length + 1 : 0;
	/* What goes on the wire has its place before what only goes into the log. */
	if (edge_site_is_microsoft(site))
		stamp_microsoft(arrival, stamp, &used);
	else if (site->config->via_zones)
		stamp->via.ingress_zone = zone ? zone->name : SPAN("DefaultZone");
	stamp_note(worker, arrival, zone, stamp, &used);
}

/* The name of a zone as the value of a parameter (RFC 3261 25.1): it may have blanks in it. */
static struct span zone_value(struct arena *a, struct span name)
{
	return sip_is_token(name) ? name : arena_printf(a, "\"%.*s\"", SPAN_PRINT(name));
}

struct span edge_dress_via(struct edge_branch *branch, struct span *ret_branch)
{
	struct edge_request *request = branch->request;
	enum transport_protocol protocol = branch->target.protocol;
	const struct edge_zone *egress = branch->target_zone;
	char text[TRANSPORT_BRANCH_LENGTH + 1];
	transport_branch_make(request->worker->transport, span_of(request->loop_hash), text);
	struct span sent_by = transport_sent_by(request->worker->transport, protocol);
	const char *name = transport_protocol_name(protocol);
	struct span poison = edge_mark_of_via(request->worker, egress, request->message->call_id, request->arena);
	struct span via;
	if (edge_site_is_microsoft(request->site))
		via = arena_printf(request->arena, "SIP/2.0/%s %.*s;branch=%s%.*s", name, SPAN_PRINT(sent_by), text,
			SPAN_PRINT(poison));
	else if (request->site->config->via_zones && egress)
		via = arena_printf(request->arena,
			"SIP/2.0/%s %.*s;egress-zone=%.*s;branch=%s;proxy-call-id=%.*s;rport%.*s", name,
			SPAN_PRINT(sent_by), SPAN_PRINT(zone_value(request->arena, egress->name)), text,
			SPAN_PRINT(request->serial), SPAN_PRINT(poison));
	else
		via = arena_printf(request->arena, "SIP/2.0/%s %.*s;branch=%s;rport%.*s", name, SPAN_PRINT(sent_by),
			text, SPAN_PRINT(poison));
	*ret_branch = SPAN_NONE;
	if (via.at)
		*ret_branch = span_make(via.at + span_find_span(via, SPAN("z9hG4bK")), TRANSPORT_BRANCH_LENGTH);
	return via;
}

static void caller_write(
	const struct edge_worker *worker, struct span tag, bool crosses, char ret_text[EDGE_CALLER_LENGTH + 1])
{
	const struct hash_key *key = &worker->shared->key;
	struct hash_key other = { { ~key->word[0], key->word[1] } };
	snprintf(ret_text, EDGE_CALLER_LENGTH + 1, "%08x", (unsigned)hash_keyed(crosses ? key : &other, tag));
}

static bool caller_is(const struct edge_worker *worker, struct span caller, struct span tag, bool crosses)
{
	char text[EDGE_CALLER_LENGTH + 1];
	caller_write(worker, tag, crosses, text);
	return span_is_nocase(caller, text);
}

struct edge_dialog edge_dress_dialog(const struct edge_request *request)
{
	const struct edge_worker *worker = request->worker;
	const struct sip_message *m = request->message;
	const struct route_next_hop *hop = &request->hop;
	struct edge_dialog dialog = { .crosses = true };
	struct span caller;
	if ((!hop->own_routes && !hop->was_strict) || !edge_mark_is_sealed(worker, &hop->last_own, m->call_id) ||
		!sip_uri_parameter(&hop->last_own, SPAN("caller"), &caller))
		return dialog;
	bool sender_crosses = caller_is(worker, caller, m->from.tag, true);
	bool receiver_crosses = caller_is(worker, caller, m->to.tag, true);
	dialog.by_sender = sender_crosses || caller_is(worker, caller, m->from.tag, false);
	dialog.by_receiver = receiver_crosses || caller_is(worker, caller, m->to.tag, false);
	dialog.crosses = sender_crosses || receiver_crosses || (!dialog.by_sender && !dialog.by_receiver);
	if (receiver_crosses && !sip_uri_parameter(&hop->last_own, SPAN("partner"), &dialog.partner))
		dialog.partner = SPAN_NONE;
	return dialog;
}

/* Whom our side reaches in this dialog is judged by his domain, which From need not tell (rule R1). */
static struct span partner_of(const struct edge_request *request)
{
	struct sip_uri from;
	if (!request->identity.at)
		return SPAN_NONE;
	bool told = sip_uri_parse(request->message->from.uri, &from, NULL) == 0 && sip_uri_is_sip(&from) &&
		    span_equal_nocase(from.host, request->identity);
	return told ? SPAN_NONE : request->identity;
}

/* One side of the dialog, as it will be found again. */
struct side {
	struct transport_flow flow;
	enum transport_protocol protocol;
	const struct edge_zone *zone;
	struct span host;
	const struct net_address *address; /* of the far end */
};

static void record_route_add(struct edge_branch *branch, struct sip_draft *draft, const struct side *side)
{
	struct edge_request *request = branch->request;
	struct span call_id = request->message->call_id;
	char token[TRANSPORT_TOKEN_LENGTH + 1];
	char caller[EDGE_CALLER_LENGTH + 1];
	char mark[EDGE_MARK_LENGTH + 1] = "", at[EDGE_MARK_LENGTH + 1] = "", seal[EDGE_MARK_LENGTH + 1];
	struct span partner = partner_of(request);
	bool crosses = !request->inside || !branch->target_zone || !branch->target_zone->inside;
	transport_flow_token(request->worker->transport, side->flow, call_id, token);
	caller_write(request->worker, request->message->from.tag, crosses, caller);
	if (edge_mark_is_needed(side->zone))
		edge_mark_write(request->worker, side->zone->name, call_id, mark);
	if (side->zone && side->zone->config->kind == CONFIG_ZONE_LOCAL)
		edge_mark_host_write(request->worker, side->address, call_id, at);
	const struct edge_mark_words words = { span_of(token), mark[0] ? span_of(mark) : SPAN_NONE,
		at[0] ? span_of(at) : SPAN_NONE, span_of(caller), partner };
	edge_mark_seal_write(request->worker, &words, call_id, seal);
	struct span value = arena_printf(request->arena,
		"<sip:%s@%.*s;transport=%s;proxy-call-id=%.*s;caller=%s%s%.*s%s%s%s%s;seal=%s;lr>", token,
		SPAN_PRINT(side->host), transport_protocol_parameter(side->protocol), SPAN_PRINT(request->serial),
		caller, partner.at ? ";partner=" : "", SPAN_PRINT(partner), mark[0] ? ";zone=" : "", mark,
		at[0] ? ";at=" : "", at, seal);
	sip_draft_prepend(draft, SIP_HEADER_RECORD_ROUTE, value);
}

/* As what we stand there towards that zone: our name, or the address we listen on. */
static struct span own_host(
	const struct edge_request *request, enum transport_protocol protocol, const struct edge_zone *zone)
{
	const struct edge_shared *shared = request->worker->shared;
	const struct config_zone *config = edge_site_source(request->site, zone);
	char text[NET_ADDRESS_TEXT_SIZE];
	for (size_t i = 0; config && config->record_route == CONFIG_RECORD_ROUTE_ADDRESS && i < shared->listener_count;
		i++) {
		const struct transport_listener *listener = &shared->listeners[i];
		if (listener->protocol != protocol || net_address_is_any(&listener->address))
			continue;
		net_address_format(&listener->address, text);
		return arena_copy(request->arena, span_of(text));
	}
	return transport_sent_by(request->worker->transport, protocol);
}

void edge_dress_record_route(struct edge_branch *branch, struct sip_draft *draft)
{
	const struct edge_request *request = branch->request;
	const struct transport_target *target = &branch->target;
	const struct transport_arrival *arrival = request->arrival;
	struct side from = { arrival->flow, arrival->protocol, request->source,
		own_host(request, arrival->protocol, request->source), &arrival->remote };
	/* The far side's flow is not known yet where it is no connection that stands; its token then keeps the dialog
	 * with this worker. */
	struct side to = { { request->worker->number, TRANSPORT_SLOT_NONE, 0 }, target->protocol, branch->target_zone,
		own_host(request, target->protocol, branch->target_zone), &target->address };
	bool is_flow = target->flags & TRANSPORT_TARGET_FLOW;
	if (is_flow)
		to.flow = target->flow;
	record_route_add(branch, draft, &from);
	if (!is_flow && span_equal(from.host, to.host) && !edge_mark_is_needed(from.zone) &&
		!edge_mark_is_needed(to.zone))
		return;
	record_route_add(branch, draft, &to);
}

struct span edge_dress_tag(struct edge_worker *worker, struct arena *arena)
{
	char tag[33];
	if (edge_site_is_microsoft(worker->site))
		random_hex_upper(&worker->random, 32, tag);
	else
		random_hex(&worker->random, 16, tag);
	return arena_copy(arena, span_of(tag));
}

struct span edge_dress_server(const struct edge_site *site)
{
	return edge_site_is_microsoft(site) ? SPAN("RTC/6.0") : FEDGE_SERVER;
}

struct span edge_dress_phrase(uint16_t status)
{
	return status == 504 ? SPAN("Server time-out") : sip_status_phrase(status);
}

void edge_dress_boundary(const struct edge_request *request, struct sip_draft *draft, bool towards_inside)
{
	if (towards_inside)
		return;
	sip_draft_drop(draft, SIP_HEADER_MS_DIAGNOSTICS);
	if (!edge_site_is_microsoft(request->site))
		return;
	sip_draft_drop(draft, SIP_HEADER_MS_DIAGNOSTICS_PUBLIC);
	sip_draft_drop(draft, SIP_HEADER_WARNING);
}

bool edge_dress_is_ours(const struct sip_uri *uri, void *worker)
{
	const struct edge_worker *self = worker;
	enum sip_transport transport = sip_uri_transport(uri);
	uint16_t port = uri->has_port ? uri->port : 0;
	/* Where we do not listen for that transport our bare name stands in what we write (transport_sent_by). */
	if (!port && span_equal_nocase(uri->host, self->shared->node) &&
		span_equal(transport_sent_by(self->transport, transport_protocol_of(transport)), self->shared->node))
		return true;
	if (!port && transport == SIP_TRANSPORT_TLS)
		port = 5061;
	return transport_is_our_address(self->transport, uri->host, port);
}
