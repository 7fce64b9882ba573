/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlite.h"

#include "base/require.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what went wrong ---- */

static const struct {
	int result; /* primary code */
	int error; /* 0: what the system said */
	const char *text;
} failures[] = {
	{ SQLITE_FULL, ENOSPC, "there is no space left for it" },
	{ SQLITE_READONLY, EROFS, "it can only be read" },
	{ SQLITE_CORRUPT, EBADMSG, "it is damaged; move it away to begin anew" },
	{ SQLITE_NOTADB, EBADMSG, "it is no SQLite file" },
	{ SQLITE_BUSY, EBUSY, "another program is writing into it" },
	{ SQLITE_LOCKED, EBUSY, "another program is writing into it" },
	{ SQLITE_NOMEM, ENOMEM, "no memory" },
	{ SQLITE_TOOBIG, EMSGSIZE, "a text is too long for it" },
	{ SQLITE_PERM, EACCES, "it may not be opened" },
	{ SQLITE_CANTOPEN, 0, "it cannot be opened" },
	{ SQLITE_IOERR, 0, "it cannot be read or written" },
	{ SQLITE_PROTOCOL, EBUSY, "another program keeps it locked" },
};

static int fail(struct store_sqlite *db, int error, const char *text, const char *more)
{
	snprintf(db->error, sizeof(db->error), "%.120s: %s%s%s", db->path ? db->path : "", text, more ? ": " : "",
		more ? more : "");
	return -error;
}

int store_sqlite_refuse(struct store_sqlite *db, int error, const char *text)
{
	return fail(db, error, text, NULL);
}

int store_sqlite_fail(struct store_sqlite *db, int result)
{
	for (size_t i = 0; i < BASE_COUNT(failures); i++) {
		if (failures[i].result != (result & 0xff))
			continue;
		if (failures[i].error)
			return fail(db, failures[i].error, failures[i].text, NULL);
		int system = db->handle ? sqlite3_system_errno(db->handle) : 0;
		return fail(db, system ? system : EIO, failures[i].text,
			system ? strerrordesc_np(system) : sqlite3_errstr(result));
	}
	return fail(db, EIO, "it cannot be used", sqlite3_errstr(result));
}

/* ---- statements ---- */

int store_sqlite_run(struct store_sqlite *db, const char *sql)
{
	int result = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);
	return result == SQLITE_OK ? 0 : store_sqlite_fail(db, result);
}

int store_sqlite_number(struct store_sqlite *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(db->handle, sql, -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(statement, 0);
	int status = result == SQLITE_ROW ? 0 : store_sqlite_fail(db, result);
	sqlite3_finalize(statement);
	return status;
}

static int prepare_all(struct store_sqlite *db, const struct store_sqlite_kind *kind)
{
	int result = SQLITE_OK;
	base_require(kind->statement_count <= STORE_SQLITE_STATEMENTS);
	for (size_t i = 0; result == SQLITE_OK && i < kind->statement_count; i++)
		result = sqlite3_prepare_v3(
			db->handle, kind->statements[i], -1, SQLITE_PREPARE_PERSISTENT, &db->statements[i], NULL);
	return result == SQLITE_OK ? 0 : store_sqlite_fail(db, result);
}

void store_sqlite_roll_back(struct store_sqlite *db)
{
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

int store_sqlite_finish(struct store_sqlite *db, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);
	int status = result == SQLITE_DONE ? 0 : store_sqlite_fail(db, result);
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	return status;
}

void store_sqlite_bind(sqlite3_stmt *statement, int index, struct span text)
{
	sqlite3_bind_text64(
		statement, index, text.at ? text.at : "", (sqlite3_uint64)text.length, SQLITE_STATIC, SQLITE_UTF8);
}

struct span store_sqlite_column(sqlite3_stmt *statement, int index)
{
	const char *text = (const char *)sqlite3_column_text(statement, index);
	int length = sqlite3_column_bytes(statement, index);
	return text && length > 0 ? span_make(text, (size_t)length) : SPAN_NONE;
}

/* ---- the file ---- */

/* The library would create it readable by all. Only a file that is not there is ever opened here: closing a second
 * descriptor of one that is in use would drop this process's locks on it (fcntl(2)). */
static int create(struct store_sqlite *db)
{
	struct stat status;
	int descriptor = open(db->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (descriptor >= 0) {
		close(descriptor);
		return 0;
	}
	if (errno != EEXIST)
		return fail(db, errno, "it cannot be made", strerrordesc_np(errno));
	if (stat(db->path, &status) == 0 && !S_ISREG(status.st_mode))
		return fail(db, EMEDIUMTYPE, "it is no regular file", NULL);
	return 0;
}

static int connect(struct store_sqlite *db)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	int result = sqlite3_open_v2(db->path, &db->handle, flags, NULL);
	if (result != SQLITE_OK)
		return store_sqlite_fail(db, result);
	sqlite3_busy_timeout(db->handle, STORE_SQLITE_BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return sqlite3_db_readonly(db->handle, "main") == 1 ? store_sqlite_fail(db, SQLITE_READONLY) : 0;
}

struct heading {
	int64_t application_id, version, tables;
};

static int read_heading(struct store_sqlite *db, struct heading *ret_heading)
{
	int status = store_sqlite_number(db, "PRAGMA application_id", &ret_heading->application_id);
	if (status == 0)
		status = store_sqlite_number(db, "PRAGMA user_version", &ret_heading->version);
	if (status == 0)
		status = store_sqlite_number(db, "SELECT count(*) FROM sqlite_schema", &ret_heading->tables);
	return status;
}

/* 0: ours, or empty. */
static int judge_heading(struct store_sqlite *db, const struct store_sqlite_kind *kind, const struct heading *heading)
{
	bool is_empty = heading->application_id == 0 && heading->version == 0 && heading->tables == 0;
	if (!is_empty && heading->application_id != kind->application_id)
		return fail(db, EMEDIUMTYPE, "it is an SQLite file of something else", NULL);
	if (heading->version > kind->version)
		return fail(db, ENOTSUP, "it was written by a newer version of this program", NULL);
	return 0;
}

static int raise_version(struct store_sqlite *db, const struct store_sqlite_kind *kind)
{
	struct heading heading = { 0 };
	char numbers[96];
	/* Somebody else may have done it between the look at the file and the lock. */
	int status = read_heading(db, &heading);
	if (status == 0)
		status = judge_heading(db, kind, &heading);
	for (int64_t version = heading.version; status == 0 && version < kind->version; version++)
		status = store_sqlite_run(db, kind->steps[version]);
	snprintf(numbers, sizeof(numbers), "PRAGMA application_id = %d; PRAGMA user_version = %d",
		(int)kind->application_id, kind->version);
	return status == 0 ? store_sqlite_run(db, numbers) : status;
}

static int upgrade(struct store_sqlite *db, const struct store_sqlite_kind *kind)
{
	int status = store_sqlite_run(db, "BEGIN IMMEDIATE");
	if (status < 0)
		return status;
	status = raise_version(db, kind);
	if (status == 0)
		return store_sqlite_run(db, "COMMIT");
	sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return status;
}

/* Better at the start than in the middle of a night; but not where that takes seconds. */
static int look_for_damage(struct store_sqlite *db, const struct store_sqlite_kind *kind)
{
	sqlite3_stmt *statement = NULL;
	int status = 0;
	struct stat file;
	if (kind->check_maximum && stat(db->path, &file) == 0 && (uint64_t)file.st_size > kind->check_maximum)
		return 0;
	int result = sqlite3_prepare_v2(db->handle, "PRAGMA quick_check(1)", -1, &statement, NULL);
	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result != SQLITE_ROW)
		status = store_sqlite_fail(db, result);
	else if (!span_is(store_sqlite_column(statement, 0), "ok"))
		status = store_sqlite_fail(db, SQLITE_CORRUPT);
	sqlite3_finalize(statement);
	return status;
}

/* Where the log cannot be (a file system without shared memory), or another program just has the file, the old journal
 * does as well: only readers and writer would then wait for each other. */
static int set_up(struct store_sqlite *db)
{
	sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	return store_sqlite_run(
		db, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 16777216; PRAGMA cell_size_check = ON");
}

int store_sqlite_open(struct store_sqlite *db, const char *path, const struct store_sqlite_kind *kind)
{
	struct heading heading = { 0 };
	*db = (struct store_sqlite){ .path = strdup(path) };
	if (!db->path)
		return fail(db, ENOMEM, "no memory", NULL);
	int status = create(db);
	if (status == 0)
		status = connect(db);
	if (status == 0)
		status = read_heading(db, &heading);
	if (status == 0)
		status = judge_heading(db, kind, &heading);
	if (status == 0)
		status = look_for_damage(db, kind);
	if (status == 0 && heading.tables == 0 && kind->prepare)
		status = store_sqlite_run(db, kind->prepare);
	if (status == 0 && heading.version < kind->version)
		status = upgrade(db, kind);
	if (status == 0)
		status = set_up(db);
	return status == 0 ? prepare_all(db, kind) : status;
}

int store_sqlite_open_reader(struct store_sqlite *db, const char *path, const struct store_sqlite_kind *kind)
{
	struct heading heading = { 0 };
	*db = (struct store_sqlite){ .path = strdup(path) };
	if (!db->path)
		return fail(db, ENOMEM, "no memory", NULL);
	if (access(path, F_OK) < 0)
		return fail(db, errno, strerrordesc_np(errno), NULL);
	/* A reader of a write-ahead log must be able to write beside it; where it may not, it reads what is in the
	 * file. */
	int result = sqlite3_open_v2(
		path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	if (result != SQLITE_OK)
		return store_sqlite_fail(db, result);
	sqlite3_busy_timeout(db->handle, STORE_SQLITE_BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	int status = store_sqlite_run(db, "PRAGMA query_only = ON; PRAGMA cell_size_check = ON");
	if (status == 0)
		status = read_heading(db, &heading);
	if (status == 0)
		status = judge_heading(db, kind, &heading);
	if (status == 0 && heading.tables == 0)
		status = fail(db, ENODATA, "there is nothing in it yet", NULL);
	if (status == 0 && heading.version < kind->version)
		status = fail(db, EUCLEAN, "it was written by an older version: start the node once", NULL);
	return status;
}

void store_sqlite_close(struct store_sqlite *db)
{
	for (size_t i = 0; i < STORE_SQLITE_STATEMENTS; i++)
		sqlite3_finalize(db->statements[i]);
	if (db->handle) {
		int result = sqlite3_close(db->handle);
		base_require(result == SQLITE_OK); /* otherwise a statement was not finalized */
	}
	free(db->path);
	db->handle = NULL;
	db->path = NULL;
}
