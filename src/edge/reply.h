/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_REPLY_H
#define FEDGE_EDGE_REPLY_H
/* Responses on their way back: our Via off, what may not cross the boundary off, and on to the
 * server transaction (RFC 3261 16.7). */
#include "edge/request.h"
#include "sip/draft.h"

/* Passes a response of a target in that zone on as it is. extra: header lines to be added, as pairs of name and
 * value; may be none. 0 or negative errno of transport_respond. */
struct edge_reply_header {
	struct span name;
	struct span value;
};
int edge_reply_pass(struct edge_request *request, const struct sip_message *response, const struct edge_zone *zone,
	const struct edge_reply_header *extra, size_t extra_count);
/* RFC 3261 16.7 step 7: the challenges in all these 401 and 407 responses but those of best, as header lines to be
 * added to it; their number. Texts are borrowed. */
size_t edge_reply_challenges(const struct sip_message *best, const struct sip_message *const *responses, size_t count,
	struct edge_reply_header *ret_headers, size_t capacity);
/* Is the new final response a better answer than the one we have (RFC 3261 16.7 step 6)? */
bool edge_reply_is_better(uint16_t status, uint16_t than);
#endif
