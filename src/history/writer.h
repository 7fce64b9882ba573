/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_WRITER_H
#define FEDGE_HISTORY_WRITER_H
/* Entries of the history into its store, in the order they were given, by a thread of its own: a disk that is slow, or
 * a database that does not answer, holds up nobody but it. Up to HISTORY_WAITING_MAXIMUM entries wait; then the oldest
 * go, and are counted. A batch that the store did not take is tried again, the same and nothing before it. */
#include "base/clock.h"
#include "history/row.h"

struct history_writer;

#define HISTORY_WAITING_MAXIMUM 10000

/* Takes the store, also where it fails. away: why the store cannot be reached just now; "" where it can. */
int history_writer_start(struct store_history *store, const struct store_history_limits *limits,
	const struct clock *clock, const char *away, struct history_writer **ret_writer);
/* Writes all that waits as far as the store takes it; what it does not take is lost, the number. NULL is accepted. */
uint64_t history_writer_stop(struct history_writer *writer);

/* Takes the entry; NULL is one that there was no memory for. Never waits for the store. */
void history_writer_give(struct history_writer *writer, struct history_entry *entry);

struct history_writer_status {
	uint64_t written, dropped;
	uint64_t bytes; /* of the store; 0: not known */
	uint32_t waiting;
	char error[STORE_HISTORY_ERROR_SIZE]; /* why the store does not take entries now; "" where it does */
};
void history_writer_status(struct history_writer *writer, struct history_writer_status *ret_status);
#endif
