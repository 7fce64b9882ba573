/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_LIMITS_H
#define FEDGE_PEER_LIMITS_H
/* The limits on discovered partners (rule R7), shared by all workers: a partner may not multiply
 * its rate by spreading over connections. One small lock a shard, taken for some nanoseconds.
 * Partners that were quiet longest are forgotten when there are too many. */
#include "base/hash.h"
#include "trust/limits.h"

struct peer_limits;

struct peer_limits_settings {
	struct hash_key key;
	size_t partner_maximum; /* 0: 65536 */
};
int peer_limits_new(const struct peer_limits_settings *settings, struct peer_limits **ret_limits);
void peer_limits_free(struct peer_limits *limits);

/* Any thread. A request of the domain for an address (user@domain, compared without case) came in; settings are
 * passed in because a reload may change them. */
enum trust_limits_verdict peer_limits_take(struct peer_limits *limits, const struct trust_limits *settings,
	struct span domain, struct span address, int64_t now_us);
/* Any thread. How it ended. */
void peer_limits_answered(struct peer_limits *limits, struct span domain, bool good);
/* Any thread. Forgets what a partner did; absent: all. */
void peer_limits_flush(struct peer_limits *limits, struct span domain);

struct peer_limits_entry {
	struct span domain;
	uint32_t addresses;
	uint32_t good, bad;
	bool suspicious;
};
/* Any thread. Stops where visit returns false. visit must not call peer_limits_…. */
void peer_limits_each(struct peer_limits *limits, bool (*visit)(void *argument, const struct peer_limits_entry *entry),
	void *argument);
#endif
