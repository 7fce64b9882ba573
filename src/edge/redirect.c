/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/redirect.h"

#include "edge/plan.h"
#include "sip/parameter.h"

#define CONTACTS_MAXIMUM 8

struct wanted {
	struct span alias;
	unsigned q; /* 0 … 1000 */
};

static unsigned q_of(const struct sip_address *address)
{
	struct span text;
	return sip_q_value(sip_address_parameter(address, SPAN("q"), &text) ? text : SPAN_NONE);
}

/* Best first; of equal ones as they stand. */
static size_t wanted_of(
	const struct sip_message *response, struct arena *arena, struct wanted ret_wanted[CONTACTS_MAXIMUM])
{
	struct sip_values values = sip_message_values(response, SIP_HEADER_CONTACT);
	size_t count = 0;
	for (struct span value; count < CONTACTS_MAXIMUM && sip_values_next(&values, &value);) {
		struct sip_address address;
		struct sip_uri uri;
		if (sip_address_parse_uri(value, &address, &uri) < 0 || !sip_uri_is_sip(&uri))
			continue;
		struct wanted wanted = { arena_copy(arena, route_alias(&uri)), q_of(&address) };
		size_t at = count;
		if (!wanted.alias.at)
			continue;
		for (; at > 0 && ret_wanted[at - 1].q < wanted.q; at--)
			ret_wanted[at] = ret_wanted[at - 1];
		ret_wanted[at] = wanted;
		count++;
	}
	return count;
}

bool edge_redirect_follow(struct edge_request *request, const struct sip_message *response)
{
	struct wanted wanted[CONTACTS_MAXIMUM];
	bool found = false;
	if (request->by_route || request->restarts >= ROUTE_RESTARTS_MAXIMUM)
		return false;
	request->restarts++;
	/* The last one put there is searched first. */
	for (size_t i = wanted_of(response, request->arena, wanted); i-- > 0;)
		if (edge_plan_search(request, wanted[i].alias) == 0 && request->search->plan.target_count > 0)
			found = true;
	return found;
}
