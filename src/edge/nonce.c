/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/nonce.h"

#include <stdio.h>
#include <stdlib.h>

#define TIME_DIGITS 16

static uint64_t mac(
	const struct hash_key *key, uint64_t salt, int64_t time_us, struct transport_flow flow, struct span zone_name)
{
	/* All of fixed length: no two questions make the same text. */
	uint64_t covered[] = { salt, (uint64_t)time_us, flow.worker, flow.slot, flow.generation,
		hash_keyed(key, zone_name) };
	return hash_keyed(key, span_make((const char *)covered, sizeof(covered)));
}

void edge_nonce_make(const struct hash_key *key, int64_t now_us, struct transport_flow flow, struct span zone_name,
	char ret_text[EDGE_NONCE_LENGTH + 1])
{
	/* Two MACs of 64 bits, told apart by their salt. */
	snprintf(ret_text, EDGE_NONCE_LENGTH + 1, "%016llx%016llx%016llx", (unsigned long long)now_us,
		(unsigned long long)mac(key, 1, now_us, flow, zone_name),
		(unsigned long long)mac(key, 2, now_us, flow, zone_name));
}

enum edge_nonce_verdict edge_nonce_check(const struct hash_key *key, int64_t now_us, struct transport_flow flow,
	struct span zone_name, struct span nonce)
{
	char digits[TIME_DIGITS + 1], ours[EDGE_NONCE_LENGTH + 1];
	if (nonce.length != EDGE_NONCE_LENGTH)
		return EDGE_NONCE_FOREIGN;
	span_copy_to(span_first(nonce, TIME_DIGITS), digits, sizeof(digits));
	int64_t time_us = (int64_t)strtoull(digits, NULL, 16);
	edge_nonce_make(key, time_us, flow, zone_name, ours);
	if (!span_equal(span_of(ours), nonce))
		return EDGE_NONCE_FOREIGN;
	return time_us <= now_us && now_us - time_us < EDGE_NONCE_LIFE_US ? EDGE_NONCE_GOOD : EDGE_NONCE_OLD;
}
