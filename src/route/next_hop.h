/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_NEXT_HOP_H
#define FEDGE_ROUTE_NEXT_HOP_H
/* Where a request says itself that it wants to go: Route headers and Request-URI read by RFC 3261
 * 16.4 and 16.12. Pure; who "we" are is asked of the caller. */
#include "base/span.h"
#include "sip/message.h"

/* Is the URI one of ours (our name or address and port)? */
typedef bool route_is_ours_h(const struct sip_uri *uri, void *argument);

struct route_next_hop {
	size_t own_routes; /* Route values at the top that name us: to be dropped */
	struct span own_user; /* user part of the first of them (a flow token), absent where there is none */
	struct span last_own_user; /* of the last of them: with a Record-Route for each side, the other side's */
	struct sip_uri last_own; /* its whole URI; where there is one */
	bool has_route; /* a Route value remains: the request follows it, not the Request-URI */
	struct span route; /* its whole value */
	struct sip_uri uri; /* of the remaining Route, or the Request-URI */
	bool strict; /* the remaining Route has no lr: its URI goes into the Request-URI (RFC 3261 16.6 step 6) */
	/* The previous hop was a strict router: the Request-URI is ours, and the last Route value is the
	 * real Request-URI (RFC 3261 16.4). It is to be put back and that value dropped. */
	bool was_strict;
	struct span real_uri;
	size_t route_count; /* all values */
};

/* 0 or -EBADMSG: a Route value cannot be read. */
int route_next_hop(
	const struct sip_message *m, route_is_ours_h *is_ours, void *argument, struct route_next_hop *ret_next_hop);

/* "user@host", or "host" where there is no user; a tel: URI gives its number. Borrowed from the URI's own text
 * where it stands there in one piece, which for sip: URIs with a password it does not: then absent. */
struct span route_alias(const struct sip_uri *uri);
#endif
