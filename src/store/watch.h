/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_WATCH_H
#define FEDGE_STORE_WATCH_H
/* What a watch remembers of each domain between its rounds, in an SQLite file: the last state and every change. Plain
 * texts; what they mean is the caller's. One thread at a time. A crash loses at most the round that was running. */
#include "base/span.h"

struct store_watch;

#define STORE_WATCH_ERROR_SIZE 256
/* Opens or creates; a file of a newer version or that is none is refused. 0, or a negative errno and one line. */
int store_watch_open(const char *path, struct store_watch **ret_store, char reterr_text[STORE_WATCH_ERROR_SIZE]);
void store_watch_close(struct store_watch *store);

struct store_watch_state {
	struct span domain; /* the key, with policy */
	struct span policy;
	int64_t examined_us;
	struct span verdict; /* "pass" */
	struct span finding; /* code of the answer, or of the worst warning; absent: none */
	struct span targets; /* "vcse.a.example:5061 192.0.2.1", one a line, sorted */
	struct span certificates; /* serial and issuer of each leaf, one a line, sorted */
	int64_t expires_s; /* the earliest end of a leaf; 0: unknown */
};
/* One round is one transaction: begun, put for each domain, then committed (or rolled back by the next begin). */
int store_watch_begin(struct store_watch *store);
/* 1: *ret_state is what was kept, valid until the next call; 0: never seen; or a negative errno. */
int store_watch_get(
	struct store_watch *store, struct span domain, struct span policy, struct store_watch_state *ret_state);
int store_watch_put(struct store_watch *store, const struct store_watch_state *state);
/* Adds a line to the history of changes; kept for keep_days (the older ones go at commit). */
struct store_watch_change {
	int64_t at_us;
	struct span domain, policy;
	struct span what; /* "verdict", "targets", "certificate", "expiry", "finding" */
	struct span before, after;
};
int store_watch_add_change(struct store_watch *store, const struct store_watch_change *change);
int store_watch_commit(struct store_watch *store, unsigned keep_days);
/* Newest first; stops where visit returns false. domain absent: all. */
int store_watch_each_change(struct store_watch *store, struct span domain,
	bool (*visit)(void *argument, const struct store_watch_change *change), void *argument);
#endif
