/* SPDX-License-Identifier: Apache-2.0 */
/* Where does the request want to go by its own words (Route, Request-URI), may its sender say so,
 * and has it been here before with the same words (RFC 3261 16.3 step 4, RFC 5393)? */
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/mark.h"

#include <errno.h>

/* What was read of those that name us, in their order. */
struct own_routes {
	bool sealed, strange;
};

/* Ours are whole, and all of one dialog: one with our token but another's words is written by somebody else, and so is
 * one that stands behind ours without our seal. Where none has a token of ours they are older than this process, and
 * nothing of them is believed. One without a user part names this node and no dialog. */
static bool own_route_fits(const struct edge_request *request, const struct sip_uri *uri, struct own_routes *read)
{
	struct edge_worker *worker = request->worker;
	struct span call_id = request->message->call_id;
	struct transport_flow flow;
	if (edge_mark_is_sealed(worker, uri, call_id)) {
		read->sealed = true;
		return !read->strange;
	}
	if (!uri->user.at)
		return !read->sealed;
	read->strange = true;
	int status = transport_flow_find(worker->transport, uri->user, call_id, &flow);
	return !read->sealed && status != 0 && status != -ENOTCONN;
}

static bool own_routes_fit(const struct edge_request *request)
{
	const struct route_next_hop *hop = &request->hop;
	struct sip_values values = sip_message_values(request->message, SIP_HEADER_ROUTE);
	struct own_routes read = { .sealed = false };
	struct sip_address address;
	struct sip_uri uri;
	struct span value;
	if (hop->was_strict && !own_route_fits(request, &request->message->uri, &read))
		return false;
	for (size_t i = 0; i < hop->own_routes && sip_values_next(&values, &value); i++)
		if (sip_address_parse_uri(value, &address, &uri) < 0 || !own_route_fits(request, &uri, &read))
			return false;
	return true;
}

/* A Record-Route that names us, from somebody who is none of our own side: what our own side sends in the dialog would
 * come to us with it, and he may have it from another dialog with the same Call-ID. Calls that left us and come back
 * this way would have to be a stranger's. Absent: there is none. */
static struct span record_route_of_ours(const struct edge_request *request)
{
	struct sip_values values = sip_message_values(request->message, SIP_HEADER_RECORD_ROUTE);
	struct sip_address address;
	struct sip_uri uri;
	for (struct span value; !request->inside && sip_values_next(&values, &value);)
		if (sip_address_parse_uri(value, &address, &uri) == 0 && sip_uri_is_sip(&uri) &&
			edge_dress_is_ours(&uri, request->worker))
			return value;
	return SPAN_NONE;
}

/* A stranger may bring a Route only in a dialog that we gave it to him for: the token's MAC proves that. */
static bool route_is_allowed(struct edge_request *request)
{
	const struct route_next_hop *hop = &request->hop;
	if (request->inside || (hop->route_count == 0 && !hop->was_strict))
		return true;
	/* It names us and nobody beyond us (RFC 3608: a phone's Service-Route): that leads nowhere else. Without phones
	 * of our own it is nothing that we gave to anybody. */
	if (request->site->local && !request->in_dialog && !hop->has_route && !hop->was_strict)
		return true;
	struct transport_flow flow;
	if (!hop->own_user.at || !request->in_dialog)
		return false;
	struct span call_id = request->message->call_id;
	int status = transport_flow_find(request->worker->transport, hop->own_user, call_id, &flow);
	return status == 0 || status == -ENOTCONN;
}

/* The far end of a call that we placed by a plain dns zone: a stranger by the rules of trust, but the token of this
 * very dialog, for the side of that zone, was given to nobody else. */
static void find_plain_zone(struct edge_request *request)
{
	struct sip_values values = sip_message_values(request->message, SIP_HEADER_ROUTE);
	struct sip_address address;
	struct sip_uri uri;
	struct span first;
	if (request->inside || request->source || !request->in_dialog || request->hop.own_routes == 0 ||
		!sip_values_next(&values, &first) || sip_address_parse_uri(first, &address, &uri) < 0)
		return;
	const struct edge_zone *zone = edge_mark_zone(request->worker, request->site, &uri, request->message->call_id);
	if (!zone || !edge_site_zone_is_plain(zone))
		return;
	request->source = zone;
	request->source_name = zone->name;
	request->in_plain_dialog = true;
}

/* What a strict router, before us or behind us, makes the Request-URI of a Route (RFC 3261 16.4, 16.6 step 6). */
static bool becomes_request_uri_with_headers(const struct route_next_hop *hop)
{
	struct sip_uri real;
	if (hop->was_strict && (sip_uri_parse(hop->real_uri, &real, NULL) < 0 || real.headers.at))
		return true;
	return hop->strict && hop->uri.headers.at;
}

enum edge_progress edge_loop(struct edge_request *request)
{
	struct edge_worker *worker = request->worker;
	if (route_next_hop(request->message, edge_dress_is_ours, worker, &request->hop) < 0)
		return edge_answer_outcome(request, EDGE_OUTCOME_BAD_ROUTE);
	if (becomes_request_uri_with_headers(&request->hop))
		return edge_answer_outcome(request, EDGE_OUTCOME_URI_WITH_HEADERS);
	char serial[37], tag[37];
	edge_dress_serial(worker, request->message, serial);
	edge_dress_call_tag(request->message, tag);
	request->serial = arena_copy(request->arena, span_of(serial));
	request->tag = arena_copy(request->arena, span_of(tag));
	struct span forged = record_route_of_ours(request);
	if (forged.at)
		return edge_answer_route_untrusted(request, forged);
	if (!own_routes_fit(request) || !route_is_allowed(request))
		return edge_answer_route_untrusted(request, sip_message_value(request->message, SIP_HEADER_ROUTE));
	find_plain_zone(request);
	const struct config_zone *source = edge_site_source(request->site, request->source);
	if (source && source->poison && request->source &&
		edge_mark_was_sent_to(worker, request->source, request->message))
		return edge_answer_loop(request);
	struct route_loop_input input = {
		.source_zone = request->source_name,
		.identity = request->message->from.uri,
		.request_uri = request->message->request_uri,
		.message = request->message,
	};
	route_loop_hash(&worker->shared->key, &input, request->loop_hash);
	if (route_loop_is_seen(request->message, span_of(request->loop_hash)))
		return edge_answer_loop(request);
	return EDGE_CONTINUE;
}
