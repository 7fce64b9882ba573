/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_NONCE_H
#define FEDGE_EDGE_NONCE_H
/* Nonces of digest challenges on a traversal zone's port: the time, and a MAC over it, the connection and the zone.
 * Nothing is kept; a nonce is good on the connection it was given out on and nowhere else. */
#include "base/hash.h"
#include "transport/flow.h"

#define EDGE_NONCE_LENGTH 48
#define EDGE_NONCE_LIFE_US (INT64_C(300) * 1000000)

enum edge_nonce_verdict {
	EDGE_NONCE_FOREIGN, /* not ours, or another connection's or zone's */
	EDGE_NONCE_OLD, /* ours, but no longer good: ask again with stale=true */
	EDGE_NONCE_GOOD,
};
/* now_us: steady. */
void edge_nonce_make(const struct hash_key *key, int64_t now_us, struct transport_flow flow, struct span zone_name,
	char ret_text[EDGE_NONCE_LENGTH + 1]);
enum edge_nonce_verdict edge_nonce_check(const struct hash_key *key, int64_t now_us, struct transport_flow flow,
	struct span zone_name, struct span nonce);
#endif
