/* SPDX-License-Identifier: Apache-2.0 */
/* The message as it leaves (RFC 3261 16.6), and who may get it. */
#include "base/require.h"
#include "edge/answer.h"
#include "edge/authenticate.h"
#include "edge/dress.h"
#include "edge/forward.h"
#include "edge/journal.h"
#include "edge/local.h"
#include "edge/mark.h"
#include "edge/media.h"
#include "edge/registry.h"
#include "edge/strip.h"
#include "net/loop.h"
#include "peer/view.h"

#include <errno.h>

/* ---- Request-URI and Route ---- */

/* What was found, in place of what was asked for. A search for a Route leaves the Request-URI alone. */
static void set_request_uri(struct edge_branch *branch, struct sip_draft *draft)
{
	struct edge_request *request = branch->request;
	struct span alias = branch->alias;
	if (branch->contact) {
		sip_draft_set_request_uri(draft, branch->contact->uri);
		return;
	}
	if (!alias.at || request->by_route || span_equal(alias, route_alias(&request->hop.uri)))
		return;
	bool secure = request->hop.uri.scheme == SIP_SCHEME_SIPS;
	sip_draft_set_request_uri(
		draft, arena_printf(request->arena, "%s:%.*s", secure ? "sips" : "sip", SPAN_PRINT(alias)));
}

struct rest_of_route {
	size_t drop;
	size_t end;
};

static bool is_of_rest(const void *argument, size_t index, struct span value)
{
	const struct rest_of_route *rest = argument;
	(void)value;
	return index >= rest->drop && index < rest->end;
}

/* All Route values but the first `drop` and, where a strict router put the real Request-URI at the
 * end, but the last; with `last` behind them. */
static void rewrite_routes(
	struct edge_request *request, struct sip_draft *draft, size_t drop, size_t end, struct span last)
{
	const struct rest_of_route rest = { drop, end };
	struct span joined =
		sip_message_join(request->message, SIP_HEADER_ROUTE, is_of_rest, &rest, request->arena, NULL);
	if (last.at)
		joined = arena_printf(request->arena, "%.*s%s<%.*s>", SPAN_PRINT(joined), joined.length ? ", " : "",
			SPAN_PRINT(last));
	if (joined.length)
		sip_draft_replace(draft, SIP_HEADER_ROUTE, joined);
	else
		sip_draft_drop(draft, SIP_HEADER_ROUTE);
}

static void set_routes(struct edge_request *request, struct sip_draft *draft)
{
	const struct route_next_hop *hop = &request->hop;
	struct span target_uri = hop->was_strict ? hop->real_uri : request->message->request_uri;
	if (!hop->was_strict && !hop->strict) {
		if (hop->own_routes)
			sip_draft_drop_first(draft, SIP_HEADER_ROUTE, hop->own_routes);
		return;
	}
	size_t end = hop->was_strict ? hop->route_count - 1 : hop->route_count;
	if (hop->strict) {
		/* RFC 3261 16.6 step 6: the strict router's URI takes the Request-URI's place. */
		sip_draft_set_request_uri(draft, hop->uri.whole);
		rewrite_routes(request, draft, hop->own_routes + 1, end, target_uri);
	} else {
		sip_draft_set_request_uri(draft, target_uri);
		rewrite_routes(request, draft, hop->own_routes, end, SPAN_NONE);
	}
}

/* RFC 3261 16.6 step 4: where a dialog may come of it. Unknown methods may make dialogs too. */
static bool wants_record_route(const struct edge_request *request)
{
	enum sip_method method = request->message->method;
	return !request->in_dialog && (sip_method_makes_dialog(method) || method == SIP_METHOD_OTHER);
}

/* The lower of what it came with and what the zone allows. */
static unsigned hops_of(const struct edge_branch *branch)
{
	const struct edge_zone *zone = branch->target_zone;
	int16_t came = branch->request->message->max_forwards;
	unsigned hops = came < 0 ? 70 : came > 0 ? (unsigned)came - 1 : 0;
	return zone && zone->config->hop_count && zone->config->hop_count < hops ? zone->config->hop_count : hops;
}

/* Where it is spread, or came with one (RFC 5393 5.3.3): its share of what is left. */
static void set_breadth(const struct edge_branch *branch, struct sip_draft *draft)
{
	struct edge_request *request = branch->request;
	if (!request->has_breadth && branch->breadth == EDGE_BREADTH)
		return;
	sip_draft_drop_name(draft, SPAN("Max-Breadth"));
	sip_draft_append_name(draft, SPAN("Max-Breadth"), arena_printf(request->arena, "%u", branch->breadth));
}

static void draft_make(struct edge_branch *branch, struct sip_draft *draft, struct span *ret_branch)
{
	struct edge_request *request = branch->request;
	const struct edge_zone *zone = branch->target_zone;
	sip_draft_forward(draft, request->arena, request->message);
	set_routes(request, draft);
	set_request_uri(branch, draft);
	if (branch->contact && branch->contact->path.length > 0)
		sip_draft_prepend(draft, SIP_HEADER_ROUTE, branch->contact->path);
	sip_draft_set_max_forwards(draft, hops_of(branch));
	set_breadth(branch, draft);
	if (zone)
		edge_strip(&zone->config->strip, request->message, draft, request->arena);
	if (wants_record_route(request))
		edge_dress_record_route(branch, draft);
	if (!zone || zone->inside != request->inside)
		edge_dress_boundary(request, draft, zone && zone->inside);
	edge_authenticate_dress(request, draft, zone);
	sip_draft_prepend(draft, SIP_HEADER_VIA, edge_dress_via(branch, ret_branch));
}

/* ---- may it go there ---- */

/* The far end of the dialog is a partner: his Contact and his Record-Route lead to none of our neighbors. (Where
 * the token is none of ours, it is older than this process; then nobody can tell any more.) */
static bool belongs_to_partner(const struct edge_request *request)
{
	const struct route_next_hop *hop = &request->hop;
	struct transport_flow flow;
	if (request->planned || !request->in_dialog || !hop->own_user.at)
		return false;
	struct transport *transport = request->worker->transport;
	int status = transport_flow_find(transport, hop->own_user, request->message->call_id, &flow);
	return (status == 0 || status == -ENOTCONN) && edge_dress_dialog(request).crosses;
}

/* What follows in a dialog with a phone goes to where the phone was when it began, or where one is registered now: the
 * Request-URI that leads there is the sender's to write, and whoever talked to a phone once could reach anybody. Our
 * neighbors may send anywhere, and stand before phones (Path). */
static bool leads_to_a_phone(const struct edge_request *request, const struct transport_target *target)
{
	struct edge_worker *worker = request->worker;
	char remote[NET_ADDRESS_TEXT_SIZE], source[REGISTRAR_SOURCE_SIZE];
	if (request->planned || (request->source && request->source->inside && request->source != request->site->local))
		return true;
	if (edge_mark_is_host(worker, &request->hop.last_own, &target->address, request->message->call_id) ||
		edge_site_neighbor(request->site, &target->address, target->protocol))
		return true;
	net_address_format(&target->address, remote);
	return registrar_location_is_source(
		worker->shared->registry->location, registrar_source_of_datagram(span_of(remote), source));
}

/* A stranger's request never leaves towards another stranger, whatever its Route says; and nothing leaves
 * towards a partner but over TLS (rule R3), whatever transport his Contact names. Phones, and what a plain dns zone
 * leads to, are as the configuration has them. */
static bool relay_is_allowed(
	const struct edge_request *request, const struct transport_target *target, const struct edge_zone *zone)
{
	bool judged = target->protocol == TRANSPORT_TLS && target->mark; /* by edge_forward_judge, as a partner's */
	if (!zone || (!zone->inside && !request->inside))
		return false;
	if (!zone->inside)
		return target->protocol == TRANSPORT_TLS || edge_site_zone_is_plain(zone);
	if ((target->flags & TRANSPORT_TARGET_FLOW) && edge_mark_is_needed(zone))
		return true; /* the connection that a phone registered by, or a proved one of a traversal zone */
	if (request->inside && !judged && belongs_to_partner(request))
		return false;
	if (zone->config->kind == CONFIG_ZONE_LOCAL && !leads_to_a_phone(request, target))
		return false;
	return request->inside || target->protocol == TRANSPORT_TLS || zone->protocol != TRANSPORT_TLS ||
	       zone->config->kind == CONFIG_ZONE_LOCAL;
}

/* Both zones have a say: the one it comes from and the one it goes to. */
static bool media_are_allowed(struct edge_request *request, const struct edge_zone *zone)
{
	const struct config_zone *ends[] = { edge_site_source(request->site, request->source), zone->config };
	for (size_t i = 0; i < BASE_COUNT(ends); i++) {
		if (!ends[i])
			continue;
		struct span breach = edge_media_breach(ends[i]->media_encryption, request->message);
		if (!breach.at)
			continue;
		finding_observed(
			finding_add(edge_request_findings(request), FINDING_MEDIA_ENCRYPTION, ends[i]->name), breach);
		return false;
	}
	return true;
}

static bool extensions_are_known(struct edge_request *request, const struct edge_zone *zone)
{
	if (!sip_message_has(request->message, SIP_HEADER_PROXY_REQUIRE) ||
		edge_strip_covers(&zone->config->strip, request->message))
		return true;
	edge_answer_note(request, EDGE_OUTCOME_UNKNOWN_EXTENSION);
	return false;
}

static int send_pieces(struct edge_branch *branch, const struct iovec *pieces, size_t count, struct span name)
{
	const struct edge_request *request = branch->request;
	const struct transport_target *target = &branch->target;
	struct transport_note note = edge_dress_note(branch);
	struct transport *transport = request->worker->transport;
	if (!sip_method_is_answered(request->message->method))
		return transport_send_stateless(transport, target, pieces, count, &note);
	struct transport_request send = {
		.target = target,
		.parts = pieces,
		.part_count = count,
		.method = request->message->method,
		.branch = name,
		.user = &edge_outcome_user,
		.argument = branch,
		.note = &note,
	};
	return transport_send_request(transport, &send, &branch->client);
}

int edge_send(struct edge_branch *branch, const struct transport_target *target, const struct edge_zone *zone)
{
	struct edge_request *request = branch->request;
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	struct span name;
	if (!zone)
		zone = edge_site_zone_of_target(request->site, &target->address);
	if (!relay_is_allowed(request, target, zone)) {
		struct finding *f =
			finding_add(edge_request_findings(request), FINDING_ROUTE_UNTRUSTED, request->source_name);
		finding_observed(f, request->hop.uri.whole);
		return -EACCES;
	}
	if (!media_are_allowed(request, zone) || !extensions_are_known(request, zone))
		return -EACCES;
	branch->target = *target;
	branch->target_zone = zone;
	branch->has_final = false;
	branch->sent_us = net_loop_now_us(request->worker->loop);
	/* Of an ACK nobody would hear that TCP was refused: it goes as the address says. */
	if (sip_method_is_answered(request->message->method) &&
		transport_target_switch(&branch->target, request->message->bytes.length + 400))
		branch->target.flags &= ~(unsigned)TRANSPORT_TARGET_MAY_SWITCH;
	draft_make(branch, &draft, &name);
	int count = sip_draft_pieces(&draft, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	if (count < 0)
		return count;
	int status = send_pieces(branch, pieces, (size_t)count, name);
	if (status == 0)
		edge_count(&request->worker->counters.forwarded);
	edge_journal_sent(branch, status);
	return status;
}
