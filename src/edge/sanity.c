/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3261 16.3: can this request be served at all? */
#include "edge/answer.h"
#include "edge/dress.h"
#include "edge/strip.h"

/* Then edge/send.c decides, when it knows the zone. */
static bool some_zone_strips(const struct edge_request *request)
{
	const struct edge_site *site = request->site;
	for (size_t i = 0; i < site->zone_count; i++)
		if (edge_strip_covers(&site->zones[i].config->strip, request->message))
			return true;
	return false;
}

/* RFC 5393 5.3.3: over how many branches at once, ours and those of others behind us, it may be spread. One that is no
 * number counts as none; more than we would give is not believed. What nobody answers spreads nowhere. */
static void read_breadth(struct edge_request *request)
{
	const struct sip_header *line = sip_message_find_name(request->message, SPAN("Max-Breadth"));
	uint64_t value;
	request->breadth = EDGE_BREADTH;
	if (!line || !sip_method_is_answered(request->message->method))
		return;
	request->has_breadth = true;
	if (span_to_u64(line->value, UINT32_MAX, &value) == 0 && value < EDGE_BREADTH)
		request->breadth = (uint32_t)value;
}

enum edge_progress edge_sanity(struct edge_request *request)
{
	const struct sip_message *m = request->message;
	bool for_us = m->uri.scheme != SIP_SCHEME_TEL && !m->uri.user.at && sip_uri_is_sip(&m->uri) &&
		      edge_dress_is_ours(&m->uri, request->worker);
	if (m->method == SIP_METHOD_CANCEL)
		return edge_answer_outcome(request, EDGE_OUTCOME_NO_TRANSACTION);
	if (m->uri.scheme == SIP_SCHEME_OTHER)
		return edge_answer_outcome(request, EDGE_OUTCOME_UNKNOWN_SCHEME);
	/* Whoever gets it next might make headers of them. RFC 4475 3.1.2.11: 400 will do. */
	if (m->uri.headers.at)
		return edge_answer_outcome(request, EDGE_OUTCOME_URI_WITH_HEADERS);
	bool stays = for_us && m->method == SIP_METHOD_OPTIONS && !sip_message_has(m, SIP_HEADER_ROUTE);
	if (m->max_forwards == 0 && !stays)
		return edge_answer_too_many_hops(request);
	read_breadth(request);
	if (request->breadth == 0 && !stays)
		return edge_answer_outcome(request, EDGE_OUTCOME_TOO_BROAD);
	if (sip_message_has(m, SIP_HEADER_PROXY_REQUIRE) && !for_us && !some_zone_strips(request))
		return edge_answer_outcome(request, EDGE_OUTCOME_UNKNOWN_EXTENSION);
	if (request->worker->draining && !request->in_dialog)
		return edge_answer_outcome(request, EDGE_OUTCOME_DRAINING);
	return EDGE_CONTINUE;
}
