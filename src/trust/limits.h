/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRUST_LIMITS_H
#define FEDGE_TRUST_LIMITS_H
/* Limits on discovered partners (R7): 20 messages a second, 1 a second once most of their requests
 * fail, and an end after 1,000 distinct addresses asked for ([MS] R2-FED as quoted in docs/rules.md).
 * The state of one partner, without lock and clock: peer/limits.h shares it between workers. */
#include "base/span.h"

struct trust_limits {
	uint32_t rate; /* messages a second, 20; 0: no limit */
	uint32_t suspicious_rate; /* 1 */
	uint32_t addresses; /* 1,000; 0: no limit */
};
#define TRUST_LIMITS_DEFAULT ((struct trust_limits){ 20, 1, 1000 })

struct trust_limits_state {
	int64_t refilled_us; /* steady time; 0: never used */
	int64_t tokens_us; /* tokens, each worth one second divided by the rate */
	uint32_t good; /* recent answers, both halved when their sum reaches 128 */
	uint32_t bad;
	uint64_t *addresses; /* hashes of the distinct addresses asked for, a set with open addressing */
	uint32_t address_count;
	uint32_t address_capacity;
};

enum trust_limits_verdict {
	TRUST_LIMITS_PASS,
	TRUST_LIMITS_RATE, /* partner-rate-limited: 503 */
	TRUST_LIMITS_ADDRESSES, /* partner-enumerating: 403 */
};

void trust_limits_init(struct trust_limits_state *state);
void trust_limits_done(struct trust_limits_state *state);
/* A request of the partner for an address (its keyed hash) arrives. Without memory for the set: PASS. */
enum trust_limits_verdict trust_limits_take(
	struct trust_limits_state *state, const struct trust_limits *limits, uint64_t address_hash, int64_t now_us);
/* How that request ended: a final answer of 200-299 or not. */
void trust_limits_answered(struct trust_limits_state *state, bool good);
/* More than half of at least 16 recent answers were failures. */
bool trust_limits_is_suspicious(const struct trust_limits_state *state);
#endif
