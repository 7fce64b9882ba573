/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_WATCH_H
#define FEDGE_STORE_WATCH_H
/* What a watch remembers of each domain between its rounds, in an SQLite file: the last state and every change. Plain
 * texts; what they mean is the caller's. One thread at a time. A crash loses at most the round that was running. */
#include "base/span.h"

struct store_watch;

#define STORE_WATCH_ERROR_SIZE 256
/* The newest changes that are kept, whatever their age. */
#define STORE_WATCH_CHANGES_MAXIMUM 1000000

/* Opens or creates (readable by its owner alone); nothing is ever overwritten. 0, or a negative errno and one line that
 * names the file:
 * -ENOTSUP       written by a newer version of this program
 * -EMEDIUMTYPE   an SQLite file of something else
 * -EBADMSG       no SQLite file, or a damaged one
 * -EROFS         it can only be read
 * -EBUSY         another program keeps it locked
 * or that of the system call that failed. */
int store_watch_open(const char *path, struct store_watch **ret_store, char reterr_text[STORE_WATCH_ERROR_SIZE]);
/* Rolls a round back that was not committed. NULL is harmless. */
void store_watch_close(struct store_watch *store);
/* One line about the last function that failed; it names the file. */
const char *store_watch_error(const struct store_watch *store);

struct store_watch_state {
	struct span domain; /* the key, with policy */
	struct span policy;
	int64_t examined_us;
	int64_t decided_us; /* when a verdict was last reached; 0: never */
	uint32_t undecided; /* rounds since, one after the other, that could not decide */
	struct span verdict; /* "pass" */
	struct span finding; /* code of the answer, or of the worst warning; absent: none */
	struct span findings; /* codes of all errors and warnings, one a line, sorted */
	struct span targets; /* "vcse.a.example:5061 192.0.2.1", one a line, sorted */
	struct span certificates; /* address, end, serial and issuer of each leaf, one a line, sorted */
	int64_t expires_s; /* the earliest end of a leaf; 0: unknown */
};
/* One round is one transaction: begun, put for each domain, then committed (or rolled back by the next begin). It keeps
 * all others from writing, whoever they are, and nobody from reading. -EBUSY: another program is writing. */
int store_watch_begin(struct store_watch *store);
/* 1: *ret_state is what was kept, valid until the next get or put returns (add_change leaves it); 0: never
 * seen; or a negative errno. */
int store_watch_get(
	struct store_watch *store, struct span domain, struct span policy, struct store_watch_state *ret_state);
/* Only in a round, as store_watch_add_change; -ECANCELED: an earlier failure ended it, all of it is rolled back. */
int store_watch_put(struct store_watch *store, const struct store_watch_state *state);
/* Adds a line to the history of changes; kept for keep_days (the older ones go at commit). */
struct store_watch_change {
	int64_t at_us;
	struct span domain, policy;
	struct span what; /* "verdict", "finding", "targets", "certificate", "expiry", "addresses" */
	struct span before, after; /* several items: one a line */
	struct span finding; /* what explains it: the code that led; absent: none */
};
int store_watch_add_change(struct store_watch *store, const struct store_watch_change *change);
/* Days are counted back from the newest time put or added in this round; 0: all are kept. On failure nothing of the
 * round is kept, and all that was there before. */
int store_watch_commit(struct store_watch *store, unsigned keep_days);
/* Newest first; stops where visit returns false. domain absent: all. visit may not use the store. */
int store_watch_each_change(struct store_watch *store, struct span domain,
	bool (*visit)(void *argument, const struct store_watch_change *change), void *argument);
#endif
