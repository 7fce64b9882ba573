/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_HISTORY_H
#define FEDGE_HISTORY_HISTORY_H
/* The search history of a running node: records of its threads in, entries in a store out. One thread makes entries of
 * records, another writes them (writer.h), so that neither the node nor the records wait for a store.
 *
 * What does not fit into a ring, or what the store does not take for long, is dropped and counted. What is lost:
 *   - the node stops in order (history_stop): nothing that was taken, where the store takes it;
 *   - the process is killed: searches that ended within the last HISTORY_DELAY_MS, and of those under way all but what
 *     they had done in their first second;
 *   - the machine stops: the same (each batch is flushed to the disk);
 *   - the disk is full, the database away: up to HISTORY_WAITING_MAXIMUM entries wait, the oldest of them go. They are
 *     in memory: a node that stops or is killed meanwhile loses them. */
#include "base/clock.h"
#include "history/collect.h"
#include "history/writer.h"
#include "store/history.h"

struct history;

/* An entry is on the disk at the latest so long after its search's end: it waits for its last records, and for the
 * batch. */
#define HISTORY_DELAY_MS 400

struct history_settings {
	struct span store; /* a file's path, or "postgresql://…" */
	struct store_history_limits limits;
	uint32_t producers; /* a producer's number is below this */
	size_t ring_bytes; /* of each producer's ring; 0: 4 MiB */
	struct hash_key key; /* random */
	struct clock clock;
};

/* Opens the store and starts the threads. 0, also where a database cannot be reached just now (the status says so and
 * entries wait); or a negative errno (those of store_history_open among them) and one line that says why. */
int history_start(const struct history_settings *settings, struct history **ret_history,
	char reterr_text[STORE_HISTORY_ERROR_SIZE]);
/* Writes all that was taken, then ends the threads and closes. Producers must have stopped. The number of entries that
 * the store did not take. Accepts NULL. */
uint64_t history_stop(struct history *h);

/* The sink of one producer; only one thread at a time may use it. NULL gives a sink that nobody listens to. Messages
 * and whatever else a history has no use for are not copied. */
struct record_sink history_producer(struct history *h, uint32_t producer);

struct history_status {
	uint64_t records; /* taken out of the rings */
	uint64_t refused; /* records that did not fit into a ring */
	uint64_t cut; /* steps and texts that were more than an entry keeps */
	uint32_t open; /* searches under way */
	struct history_writer_status writer; /* of entries */
};
/* From any thread. */
void history_status(struct history *h, struct history_status *ret_status);
#endif
