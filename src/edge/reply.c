/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/reply.h"

#include "base/require.h"
#include "edge/authenticate.h"
#include "edge/dress.h"

int edge_reply_pass(struct edge_request *request, const struct sip_message *response, const struct edge_zone *zone,
	const struct edge_reply_header *extra, size_t extra_count)
{
	struct sip_draft draft;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	sip_draft_forward(&draft, request->arena, response);
	sip_draft_drop_first(&draft, SIP_HEADER_VIA, 1);
	if (!zone || zone->inside != request->inside)
		edge_dress_boundary(request, &draft, request->inside);
	edge_authenticate_dress_response(&draft, zone);
	for (size_t i = 0; i < extra_count; i++)
		sip_draft_append_name(&draft, extra[i].name, extra[i].value);
	int count = sip_draft_pieces(&draft, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	if (count < 0)
		return count;
	return transport_respond(request->server, response->status, pieces, (size_t)count);
}

/* A 6xx beats all; else the lowest class; within 4xx those that tell the caller how to go on. */
static int rank(uint16_t status)
{
	static const uint16_t helpful[] = { 401, 407, 415, 420, 484 };
	if (status >= 600)
		return 0;
	for (size_t i = 0; i < sizeof(helpful) / sizeof(helpful[0]); i++)
		if (status == helpful[i])
			return 400;
	/* 503 says something about that target alone, so any other answer is preferred. */
	return status == 503 ? 599 : status / 100 * 100 + 50;
}

bool edge_reply_is_better(uint16_t status, uint16_t than)
{
	return rank(status) < rank(than);
}

static size_t challenges_of(
	const struct sip_message *m, enum sip_header_id id, struct edge_reply_header *ret_headers, size_t capacity)
{
	size_t count = 0;
	const struct sip_header *line = sip_message_find(m, id);
	for (; line && count < capacity; line = sip_message_find_next(m, line))
		ret_headers[count++] = (struct edge_reply_header){ line->name, line->value };
	return count;
}

size_t edge_reply_challenges(const struct sip_message *best, const struct sip_message *const *responses, size_t count,
	struct edge_reply_header *ret_headers, size_t capacity)
{
	static const enum sip_header_id ids[] = { SIP_HEADER_WWW_AUTHENTICATE, SIP_HEADER_PROXY_AUTHENTICATE };
	size_t added = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < BASE_COUNT(ids) && responses[i] != best; k++)
			added += challenges_of(responses[i], ids[k], ret_headers + added, capacity - added);
	return added;
}
