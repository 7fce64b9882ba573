/* SPDX-License-Identifier: Apache-2.0 */
#include "route/next_hop.h"

#include <errno.h>

static bool was_strictly_routed(
	const struct sip_message *m, struct span last, route_is_ours_h *is_ours, void *argument, struct span *ret_real)
{
	struct sip_address address;
	/* Our Record-Route always carries lr and a user part; only a strict router moves it into the
	 * Request-URI. A request *to* us (OPTIONS sip:our.host) has no user. */
	if (!last.at || !sip_uri_is_sip(&m->uri) || !m->uri.user.at || !sip_uri_is_loose(&m->uri) ||
		!is_ours(&m->uri, argument))
		return false;
	if (sip_address_parse(last, &address, NULL) < 0)
		return false;
	*ret_real = address.uri;
	return true;
}

int route_next_hop(
	const struct sip_message *m, route_is_ours_h *is_ours, void *argument, struct route_next_hop *ret_next_hop)
{
	struct route_next_hop hop = { .uri = m->uri };
	struct sip_values values = sip_message_values(m, SIP_HEADER_ROUTE);
	struct span value, last = SPAN_NONE;
	while (sip_values_next(&values, &value)) {
		struct sip_address address;
		struct sip_uri uri;
		hop.route_count++;
		last = value;
		if (hop.has_route)
			continue;
		if (sip_address_parse_uri(value, &address, &uri) < 0)
			return -EBADMSG;
		if (sip_uri_is_sip(&uri) && is_ours(&uri, argument)) {
			if (hop.own_routes++ == 0)
				hop.own_user = uri.user;
			hop.last_own_user = uri.user;
			hop.last_own = uri;
			continue;
		}
		hop.has_route = true;
		hop.route = value;
		hop.uri = uri;
		hop.strict = !sip_uri_is_loose(&uri);
	}
	if (was_strictly_routed(m, last, is_ours, argument, &hop.real_uri)) {
		hop.was_strict = true;
		hop.own_user = hop.last_own_user = m->uri.user;
		hop.last_own = m->uri;
		if (hop.route_count == 1 || !hop.has_route) {
			hop.has_route = false;
			hop.strict = false;
			if (sip_uri_parse(hop.real_uri, &hop.uri, NULL) < 0)
				return -EBADMSG;
		}
	}
	*ret_next_hop = hop;
	return 0;
}

struct span route_alias(const struct sip_uri *uri)
{
	if (uri->scheme == SIP_SCHEME_TEL)
		return uri->user;
	if (!sip_uri_is_sip(uri))
		return uri->whole;
	if (!uri->user.at)
		return uri->host;
	if (uri->password.at || uri->is_ipv6)
		return SPAN_NONE;
	return span_make(uri->user.at, (size_t)(uri->host.at + uri->host.length - uri->user.at));
}
