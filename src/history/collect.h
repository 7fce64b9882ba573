/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_HISTORY_COLLECT_H
#define FEDGE_HISTORY_COLLECT_H
/* Records in, searches out. Pure: no clock, no file, no thread; one thread uses it.
 *
 * The records of a search have its serial (head.serial). DNS questions that were asked on behalf of a search carry it
 * too; connections and handshakes do not, and are tied to the searches that wait for an answer of that address at that
 * time. Messages are not looked at: who a search came from and where it went is in its search and attempt records. A
 * call refused before it was searched for (by the rules of trust) is a search as well.
 *
 * Simplest use, one search from the records of one request (a call that is not placed):
 *
 *	struct history_collector *c;
 *	struct history_collect_settings settings = { .give = give, .argument = me };
 *	int status = history_collect_new(&settings, &c);
 *	struct record_sink sink = history_collect_sink(c);
 *	…each record: record_take(&sink, &r)…
 *	history_collect_flush(c);		calls give(me, search)
 *	history_collect_free(c);
 *
 * and in give: history_tree_append(…) of history/tree.h, or history_search_append_json(…). */
#include "base/hash.h"
#include "history/search.h"
#include "record/sink.h"

struct history_collector;

struct history_collect_settings {
	/* Takes one; borrowed for the call. A search that takes long is given once with ended == false, and again (the
	 * same serial) at its end. */
	void (*give)(void *argument, const struct history_search *search);
	void *argument;
	uint32_t open_maximum; /* searches under way, 0: 16384; beyond it the oldest is given as it stands */
	uint32_t steps_maximum; /* of one search, 0: 400; the rest is counted in steps_cut */
	size_t bytes_maximum; /* of one search's steps and texts, 0: 128 KiB; the same */
	size_t total_maximum; /* bytes of all under way, 0: 128 MiB; beyond it the oldest are given as they stand */
	int64_t linger_us; /* how long an ended search waits for what still belongs to it, 0: 100 ms */
	int64_t early_us; /* age at which one under way is given the first time, 0: 1 s */
	int64_t silence_us; /* one that nothing was heard of for so long has ended, 0: 10 min */
	struct hash_key key; /* random, where strangers choose serials */
};
/* 0 or -ENOMEM. */
int history_collect_new(const struct history_collect_settings *settings, struct history_collector **ret_collector);
/* What is under way is forgotten; flush first. NULL is harmless. */
void history_collect_free(struct history_collector *c);

/* True where a record of this kind can matter here: ask before copying it anywhere. */
bool history_collect_wants(const struct record *r);
/* The order of their times is expected; a little disorder does no harm. */
void history_collect_take(struct history_collector *c, const struct record *r);
struct record_sink history_collect_sink(struct history_collector *c);
/* Gives what is due at that wall time. A clock that jumps back delays, one that jumps forth hastens. */
void history_collect_tick(struct history_collector *c, int64_t now_us);
/* Gives everything; searches without an end as they stand (ended == false). */
void history_collect_flush(struct history_collector *c);

struct history_collect_counts {
	uint64_t taken; /* records */
	uint64_t ignored; /* belonged to no search */
	uint64_t given; /* entries, each once */
	uint64_t evicted; /* open_maximum or total_maximum was reached */
	uint64_t steps_cut, texts_cut;
	uint32_t open;
	size_t bytes; /* of those under way */
};
struct history_collect_counts history_collect_counts(const struct history_collector *c);
#endif
