/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_LIMIT_H
#define FEDGE_CHECK_LIMIT_H
/* How much of a run falls on one server: connections at once and connections begun a second, by address (all ports
 * together), and connections at once over all. Whoever is too many waits in line; lines are served in turn, so a busy
 * server delays nobody but its own. A server that is idle is forgotten as soon as that changes nothing.
 * Knows no clock, no thread, no socket: the caller says what time it is (steady). check/limit_gate.h is the same for
 * the threads of a run. */
#include "base/clock.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/wheel.h"
#include "net/address.h"

/* ---- so many a second ---- */
/* A token bucket: `rate` a second in the long run, at most `burst` at one moment after a pause. Zeroed: no limit. */
struct check_bucket {
	int64_t interval_ns; /* 0: no limit */
	int64_t slack_ns; /* how far ahead of its interval a taker may be */
	int64_t next_ns; /* when the next one would be on time */
};
void check_bucket_init(struct check_bucket *bucket, uint32_t rate, uint32_t burst); /* rate 0: no limit */
/* Each one taken counts for so many (1 and more), in the rate and in the burst; at once after init. */
void check_bucket_weigh(struct check_bucket *bucket, uint32_t weight);
/* 0: one may be taken now; else when (steady, microseconds). */
int64_t check_bucket_due_us(const struct check_bucket *bucket, int64_t now_us);
/* Takes one; only where check_bucket_due_us gave 0. */
void check_bucket_take(struct check_bucket *bucket, int64_t now_us);
/* Nothing taken is remembered any more. */
bool check_bucket_is_full(const struct check_bucket *bucket, int64_t now_us);

/* ---- by this machine ---- */
/* How many connections a thread may have open so that it keeps up: handshakes cost time here too, and an answer that
 * lies unread while a thousand others are worked off would look like a server that does not answer. Grows while there
 * is time left, shrinks as soon as a turn of the loop takes too long. */
struct check_pace {
	size_t most;
	int64_t grown_us; /* steady */
};
#define CHECK_PACE_STEP_US (50 * CLOCK_MS_US) /* grows at most so often; turns are to be no longer than twice this */
#define CHECK_PACE_LEAST 16
void check_pace_init(struct check_pace *pace, int64_t now_us);
/* After each turn that took worked_us. wanted: somebody waits because of `most`. */
void check_pace_turn(struct check_pace *pace, int64_t now_us, int64_t worked_us, bool wanted);

/* ---- by server ---- */
struct limit_server;
struct check_limit_waiter { /* the caller's memory while it waits */
	struct list link;
	struct limit_server *server;
};
struct check_limit_settings {
	struct hash_key key; /* partners choose their addresses: random_hash_key */
	uint32_t server_rate; /* connections begun a second to one address; 0: no limit. Bursts: a tenth of it */
	uint32_t each; /* connections that one who is let in begins, for server_rate; 0: one */
	uint32_t server_connections; /* to one address at once; 0: no limit */
	size_t connections; /* over all at once; 0: no limit */
	int64_t patience_us; /* struct check_gate has it; only handed on */
	/* The waiter's turn has come; it is counted and its memory is the caller's again. From inside release, forget
	 * and advance; must not call back. */
	void (*granted)(void *argument, struct check_limit_waiter *waiter);
	void *argument;
};
struct check_limit {
	struct check_limit_settings settings;
	struct hash_table servers; /* struct limit_server */
	struct list idle; /* servers nobody uses or waits for, the longest so first */
	struct list ready; /* servers whose first waiter lacks nothing but a place among `connections` */
	struct wheel wheel; /* servers whose first waiter is too early */
	size_t in_use; /* connections, over all */
	size_t waiting;
};

int check_limit_init(struct check_limit *limit, const struct check_limit_settings *settings, int64_t now_us);
void check_limit_done(struct check_limit *limit); /* after the last waiter; may be called twice */

/* true: go, it is counted. false: the waiter is in line. waiter NULL, or no memory to keep count: always true. */
bool check_limit_ask(struct check_limit *limit, const struct net_address *address, int64_t now_us,
	struct check_limit_waiter *waiter);
/* The connection is over. */
void check_limit_release(struct check_limit *limit, const struct net_address *address, int64_t now_us);
/* Leaves the line. */
void check_limit_forget(struct check_limit *limit, struct check_limit_waiter *waiter, int64_t now_us);
/* Lets those in whose time has come. */
void check_limit_advance(struct check_limit *limit, int64_t now_us);
/* When to advance next; INT64_MAX: nobody waits for time to pass. */
int64_t check_limit_next_us(const struct check_limit *limit);
#endif
