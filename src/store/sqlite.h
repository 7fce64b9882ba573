/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_SQLITE_H
#define FEDGE_STORE_SQLITE_H
/* Private to this folder: what every SQLite file of ours has in common. A kind of file has a number of its own
 * (application_id) and a version (user_version); an older version is brought up step by step when it is opened. Write-
 * ahead log: readers never hold up the writer nor he them, and what was not committed is not there after a crash. */
#include "base/span.h"

#include <sqlite3.h>

struct store_sqlite_kind {
	int32_t application_id;
	int version; /* the newest: the number of steps */
	const char *const *steps; /* SQL that brings version i to i + 1 */
	const char *prepare; /* SQL for a file that has nothing in it yet, outside any transaction; NULL: none */
	uint64_t check_maximum; /* bytes; a larger file is not read through for damage when it is opened; 0: always */
	const char *const *statements; /* prepared for whoever writes, for the life of the file */
	size_t statement_count;
};

#define STORE_SQLITE_STATEMENTS 8
struct store_sqlite {
	sqlite3 *handle;
	sqlite3_stmt *statements[STORE_SQLITE_STATEMENTS]; /* the kind's */
	char *path;
	char error[256]; /* one line about the last failure */
};

#define STORE_SQLITE_BUSY_MS 5000
/* 0, or a negative errno as store/watch.h lists them and db->error; db is to be closed in either case. */
int store_sqlite_open(struct store_sqlite *db, const char *path, const struct store_sqlite_kind *kind);
/* The same for somebody who reads what another process writes: nothing is made, upgraded or read through. -ENOENT:
 * there is no such file; -ENODATA: nothing of this kind is in it yet; -EUCLEAN: it has an older version's shape. */
int store_sqlite_open_reader(struct store_sqlite *db, const char *path, const struct store_sqlite_kind *kind);
void store_sqlite_close(struct store_sqlite *db);

/* Names what went wrong with a result of the library in db->error; gives its negative errno. */
int store_sqlite_fail(struct store_sqlite *db, int result);
/* 0 or the failure, told. SQL without results, or whose results do not matter. */
int store_sqlite_run(struct store_sqlite *db, const char *sql);
/* The first column of the first row. */
int store_sqlite_number(struct store_sqlite *db, const char *sql, int64_t *ret_number);
/* Harmless where nothing was begun, or the library has rolled it back by itself. */
void store_sqlite_roll_back(struct store_sqlite *db);
/* Says what went wrong in the words given, for what the library knows nothing of; gives -error. */
int store_sqlite_refuse(struct store_sqlite *db, int error, const char *text);
/* Steps a statement that gives no rows and resets it. */
int store_sqlite_finish(struct store_sqlite *db, sqlite3_stmt *statement);
/* Borrowed until the statement is reset or bound anew. An absent span is an empty text. */
void store_sqlite_bind(sqlite3_stmt *statement, int index, struct span text);
/* Borrowed until the next step; an empty text is an absent span. */
struct span store_sqlite_column(sqlite3_stmt *statement, int index);
#endif
