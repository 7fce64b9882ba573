/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_HISTORY_H
#define FEDGE_STORE_HISTORY_H
/* A search history on disk: an SQLite file, or a table in a PostgreSQL database (store/address.h). One row an entry;
 * what the texts mean is the caller's. One thread at a time; several nodes may share a store, any number read
 * meanwhile, and who reads sees the entries' numbers grow. What was not committed is not there after a crash. */
#include "base/span.h"

struct store_history;

#define STORE_HISTORY_ERROR_SIZE 256

/* For writing: creates what is missing (a file is readable by its owner alone). 0; 1 and one line: the database cannot
 * be reached just now, begin tries again; or a negative errno and one line:
 * -ENOTSUP       written by a newer version of this program, or PostgreSQL older than 13
 * -EMEDIUMTYPE   an SQLite file of something else, a database that is not in UTF-8
 * -EBADMSG       no SQLite file, or a damaged one
 * -EROFS         it can only be read
 * -EBUSY         another program keeps it locked
 * -EACCES        the database does not let us in, or not make our tables
 * -EINVAL        no address of a database
 * or that of the system call that failed. */
int store_history_open(const char *store, struct store_history **ret_store, char reterr_text[STORE_HISTORY_ERROR_SIZE]);
/* For reading; nothing is made. Never 1. -ENOENT: there is none; -ENODATA: nothing is in it yet; -ENOTCONN: the
 * database cannot be reached. */
int store_history_open_reader(
	const char *store, struct store_history **ret_store, char reterr_text[STORE_HISTORY_ERROR_SIZE]);
/* Rolls back what was not committed. NULL is harmless. */
void store_history_close(struct store_history *store);
/* One line about the last function that failed. */
const char *store_history_error(const struct store_history *store);

#define STORE_HISTORY_TEXTS(X)                                                                                         \
	X(node)                                                                                                        \
	X(serial) /* unique, where there is one: a second put of it replaces the first */                              \
	X(tag)                                                                                                         \
	X(call_id)                                                                                                     \
	X(method)                                                                                                      \
	X(state)                                                                                                       \
	X(source)                                                                                                      \
	X(destination)                                                                                                 \
	X(zone)                                                                                                        \
	X(remote)                                                                                                      \
	X(variant)                                                                                                     \
	X(reason)                                                                                                      \
	X(detail)                                                                                                      \
	X(finding)
struct store_history_row {
	uint64_t id; /* the store's; larger is newer */
	int64_t start_us;
	uint64_t duration_us;
	uint32_t kind; /* 0: a search */
	uint32_t status;
	uint32_t steps_cut, texts_cut;
	bool ended, found, authenticated;
#define X(name) struct span name;
	STORE_HISTORY_TEXTS(X)
#undef X
	struct span steps; /* JSON; absent in what find visits */
};

/* ---- writing ---- */

struct store_history_limits {
	/* 0: any. A file: of its used pages. A database: of its entries' texts and 400 bytes an entry; it has its own
	 * ways with unused space. */
	uint64_t size_bytes;
	int64_t age_s; /* 0: any */
	uint32_t searches; /* rows; 0: any */
};
/* One batch is one transaction. After a failure of put or commit nothing of it is kept, and begin starts anew (it also
 * connects again, where the connection to a database was lost). After a commit that failed the next batch is the same
 * one again: a database may have kept it although nobody could say so, then it is not written twice.
 * put: -EMSGSIZE, this row will never be taken. */
int store_history_begin(struct store_history *store);
int store_history_put(struct store_history *store, const struct store_history_row *row);
/* Then what is beyond the limits goes, the oldest first; a failure in that is none of the commit. */
int store_history_commit(struct store_history *store, const struct store_history_limits *limits, int64_t now_us);

/* ---- reading ---- */

struct store_history_query {
	uint64_t id; /* that one alone; 0: any */
	uint64_t above_id; /* newer than that one; 0: any */
	int64_t since_us, until_us; /* start, both included; until 0: any */
	bool failed; /* searches that found nothing */
	bool events; /* those that are no searches too */
	bool with_steps;
	/* A call's: the rows with this Call-ID, serial or tag, and all that share a tag with one of them. Absent: any.
	 */
	struct span call;
	bool oldest_first;
};
/* Stops where visit returns false; visit may not use the store. The row is borrowed for the call. */
int store_history_find(struct store_history *store, const struct store_history_query *query,
	bool (*visit)(void *argument, const struct store_history_row *row), void *argument);

struct store_history_size {
	uint64_t bytes; /* of a file, without its log; of a database, what is reckoned for the limit. 0: not known */
	uint64_t rows; /* reckoned from the first and the last id: at least as many as there are */
	uint64_t newest_id;
};
int store_history_size(struct store_history *store, struct store_history_size *ret_size);
#endif
