/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_ROUTE_LOOP_H
#define FEDGE_ROUTE_LOOP_H
/* Loop detection of RFC 3261 16.3 step 4 and RFC 5393 4.2: the second half of our branch is a hash
 * of everything that decides where a request goes. A request that comes back with the same hash
 * in one of its Vias will go round for ever; one that comes back changed is a spiral, and fine.
 * The top Via is never part of it. */
#include "base/hash.h"
#include "base/span.h"
#include "sip/message.h"

#define ROUTE_LOOP_HASH_LENGTH 32

struct route_loop_input {
	struct span source_zone;
	struct span identity; /* who calls, as routing sees it: the domain that was judged, or From's URI */
	struct span request_uri;
	const struct sip_message *message; /* its Route values, Call-ID, tags, CSeq */
};
/* 32 hexadecimal digits and a NUL. The key is the node's, the same in all workers. */
void route_loop_hash(
	const struct hash_key *key, const struct route_loop_input *input, char ret_text[ROUTE_LOOP_HASH_LENGTH + 1]);

/* Does any Via below carry this hash in a branch of the form that ours have ("z9hG4bK… .HASH")? */
bool route_loop_is_seen(const struct sip_message *m, struct span loop_hash);
#endif
