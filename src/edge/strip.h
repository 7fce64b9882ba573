/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_STRIP_H
#define FEDGE_EDGE_STRIP_H
/* What is taken out of requests to a zone that chokes on it (its setting `strip`). Works on drafts; sends nothing. */
#include "config/node.h"
#include "sip/draft.h"

/* The draft is of that message, its body not yet changed. Texts go into the arena. */
void edge_strip(
	const struct config_strip *strip, const struct sip_message *m, struct sip_draft *draft, struct arena *arena);
/* Does Proxy-Require demand nothing but what the zone has taken out? (RFC 3261 16.3 step 5: else it is refused.) */
bool edge_strip_covers(const struct config_strip *strip, const struct sip_message *m);
#endif
