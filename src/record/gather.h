/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_RECORD_GATHER_H
#define FEDGE_RECORD_GATHER_H
/* From many threads that make records to one that writes them somewhere. Each producer has a ring of its own: taking a
 * record is one copy into it, without a lock or a system call (but for one wake-up after idling). The writing thread
 * merges the rings by time. Never blocks a producer: what does not fit into a ring is refused and counted. */
#include "base/clock.h"
#include "record/sink.h"

struct record_gather;

struct record_gather_settings {
	uint32_t producers; /* a producer's number is below this; at least 1 */
	size_t ring_bytes; /* of each ring; 0: 4 MiB */
	/* Which records are copied at all, asked on the producer's thread; NULL: all. */
	bool (*wants)(const struct record *r);
};
/* 0, -EINVAL, -ENOMEM, or the errno of eventfd(2). */
int record_gather_new(const struct record_gather_settings *settings, struct record_gather **ret_gather);
/* Both sides must have stopped. Accepts NULL; returns NULL. */
struct record_gather *record_gather_free(struct record_gather *g);

/* The sink of one producer; only one thread at a time may use it. NULL gives a sink that nobody listens to. */
struct record_sink record_gather_producer(struct record_gather *g, uint32_t producer);
/* Wakes the writing thread; from any thread. */
void record_gather_wake(struct record_gather *g);
/* Records that did not fit, ever; from any thread. */
uint64_t record_gather_refused(const struct record_gather *g);

/* ---- the writing thread alone ---- */

/* All that was taken before this call is drained by the next drain; gives how much that is. */
uint64_t record_gather_look(struct record_gather *g);
/* Hands those records over in the order of their times, each borrowed for the call. Younger ones of other producers go
 * before them where their time says so. */
void record_gather_drain(struct record_gather *g, const struct record_sink *to);
/* For so long, or until somebody wakes it; negative: for ever. */
void record_gather_pause(struct record_gather *g, int timeout_ms);
/* The same, but also until the next record. No record is left waiting. */
void record_gather_sleep(struct record_gather *g, int timeout_ms);
#endif
