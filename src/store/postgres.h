/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_POSTGRES_H
#define FEDGE_STORE_POSTGRES_H
/* Private to this folder: what every store in a PostgreSQL database has in common.
 *
 * The database has a table fedge_store with a row for each part of it (the history, the registrations) and the part's
 * version; an older version is brought up step by step by whoever writes. Tables lie in the first schema of the search
 * path. A connection that was lost is made anew by store_postgres_ready, with pauses that grow; nothing waits longer
 * than the limits below, whatever the database or the network does. Used by one thread at a time. */
#include "base/buffer.h"
#include "store/address.h"

/* The library's PGconn and PGresult. */
struct pg_conn;
struct pg_result;

#define STORE_POSTGRES_CONNECT_S "5" /* to each address of its host; connect_timeout in the address goes before */
#define STORE_POSTGRES_ANSWER_MS 10000 /* of a writer: longer silence ends the connection */
#define STORE_POSTGRES_READER_MS 60000
#define STORE_POSTGRES_PAUSE_MAXIMUM_MS 15000 /* between attempts to connect; the first are 0.5, 1, 2 … s apart */
#define STORE_POSTGRES_OLDEST 130000 /* PostgreSQL 13, as the library numbers it */

struct store_postgres;
struct store_postgres_kind {
	const char *part; /* its row in fedge_store */
	int version; /* the newest: the number of steps */
	const char *const *steps; /* SQL that brings version i to i + 1 */
	/* For a writer's every new connection: statements, locks. 0, or the failure, told. */
	int (*greet)(struct store_postgres *db);
};

struct store_postgres {
	struct pg_conn *connection; /* NULL: there is none */
	const struct store_postgres_kind *kind;
	char *address;
	bool writes;
	int64_t pause_us, retry_us; /* steady; not before then */
	char shown[STORE_ADDRESS_SIZE];
	char error[256]; /* one line about the last failure */
};

/* 0, or a negative errno and db->error; db is to be closed in either case:
 * -ENOTCONN    it cannot be reached just now; store_postgres_ready tries again
 * -EACCES      it is there and does not let us in, or not do what we must
 * -EINVAL      the address is none
 * -ENOTSUP     too old a server, or written by a newer version of this program
 * -EMEDIUMTYPE the database's encoding is not UTF-8
 * -ENODATA, -EUCLEAN (readers) nothing of this kind is in it, or of an older version */
int store_postgres_open(
	struct store_postgres *db, const char *address, const struct store_postgres_kind *kind, bool writes);
void store_postgres_close(struct store_postgres *db);

/* A connection that has no transaction open: the one that is there, or a new one. 0; else as store_postgres_open. */
int store_postgres_ready(struct store_postgres *db);
/* Names what the server said in db->error; gives its negative errno. result may be NULL. */
int store_postgres_fail(struct store_postgres *db, const struct pg_result *result);
/* Says what is wrong in the words given; gives -error. */
int store_postgres_refuse(struct store_postgres *db, int error, const char *text);
bool store_postgres_is_connected(const struct store_postgres *db);

/* ---- values ---- */

/* The values of a statement's $1, $2 … The database takes neither a NUL nor bytes that are not UTF-8: in texts these
 * are \xNN, and a backslash is \\. */
#define STORE_POSTGRES_VALUES 32
struct store_postgres_values {
	struct buffer text; /* each with its NUL */
	size_t offsets[STORE_POSTGRES_VALUES]; /* SIZE_MAX: NULL */
	int count;
};
void store_postgres_values_init(struct store_postgres_values *values);
void store_postgres_values_done(struct store_postgres_values *values);
void store_postgres_values_clear(struct store_postgres_values *values);
void store_postgres_add_number(struct store_postgres_values *values, int64_t number);
void store_postgres_add_text(struct store_postgres_values *values, struct span text);
/* As it is: text of ours that is known to be UTF-8 without NUL. */
void store_postgres_add_plain(struct store_postgres_values *values, struct span text);
void store_postgres_add_null(struct store_postgres_values *values);

/* A row's columns. Texts lie in room, which store_postgres_row empties, until the next row. An empty text is absent. */
struct store_postgres_row {
	const struct pg_result *result;
	struct buffer *room;
	int row, column;
};
int store_postgres_row(struct store_postgres_row *row, const struct pg_result *result, int number, struct buffer *room);
int64_t store_postgres_next_number(struct store_postgres_row *row);
struct span store_postgres_next_text(struct store_postgres_row *row);
struct span store_postgres_next_plain(struct store_postgres_row *row);

/* ---- statements ---- */

/* SQL without results, or whose results do not matter; several statements are one transaction. */
int store_postgres_run(struct store_postgres *db, const char *sql);
/* The first column of the first row; 0 where there is none or it is NULL. values: NULL where it takes none. */
int store_postgres_number(
	struct store_postgres *db, const char *sql, const struct store_postgres_values *values, int64_t *ret_number);
/* Kept for the life of the connection. */
int store_postgres_prepare(struct store_postgres *db, const char *name, const char *sql);
/* ret_number as above; NULL: not wanted. */
int store_postgres_execute(
	struct store_postgres *db, const char *name, const struct store_postgres_values *values, int64_t *ret_number);
/* All rows, one at a time as they come; it stops where visit returns false. visit may not use the store. */
int store_postgres_each(struct store_postgres *db, const char *sql, const struct store_postgres_values *values,
	bool (*visit)(void *argument, const struct pg_result *row), void *argument);
#endif
