/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_VARIABLE_H
#define FEDGE_ROUTE_VARIABLE_H
/* Pattern variables of Expressway: %name% in a pattern or a replacement stands for something that the node knows of
 * itself. Filled in once, when a table is made. Confirmed of Expressway (administrator guide, "Pattern matching
 * variables", "Configuring domains"): all but %self% and %systemname%, which are fedge's own reading of names that
 * circulate.
 *
 *   %ip%                all addresses of the node          in a pattern only: any of them
 *   %ipv4% %ipv6%       all of that family                 in a pattern only
 *   %ipv4_1% %ipv6_2%   the first, second … one            both
 *   %localdomains%      all domains of the node            in a pattern only
 *   %localdomain1% …    the first, second … one            both
 *   %self%              the node's host name               both
 *   %systemname%        its short name                     both
 *   %%                  one percent sign
 *
 * What has several values has a place in regexes only. In a regex an IPv6 address stands for itself with and without
 * brackets; elsewhere it comes without them. A percent sign that begins no name stays one. */
#include "base/arena.h"
#include "base/span.h"

struct route_names {
	struct span node; /* host name */
	struct span system_name;
	const struct span *domains;
	size_t domain_count;
	const struct span *ipv4;
	size_t ipv4_count;
	const struct span *ipv6;
	size_t ipv6_count;
};

enum route_use {
	ROUTE_USE_REGEX, /* what is filled in is quoted, alternatives in a group */
	ROUTE_USE_PLAIN, /* exact, prefix, suffix: variables with one value only */
	ROUTE_USE_REPLACEMENT, /* backslashes of values are doubled */
};
/* The text with its variables filled in, in the arena (or the text itself where it has none). 0; -EINVAL: there is no
 * such variable, it has no value here, or it has many where one is needed (*reterr_offset: its percent sign); -ENOMEM.
 */
int route_variable_expand(const struct route_names *names, enum route_use use, struct span text, struct arena *arena,
	struct span *ret_text, size_t *reterr_offset);
#endif
