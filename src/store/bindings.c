/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bindings.h"

#include "base/require.h"
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* docs/formats.md describes every column. */
static const char *const steps[] = {
	"CREATE TABLE binding ("
	"id INTEGER PRIMARY KEY, aor TEXT NOT NULL, contact TEXT NOT NULL, parameters TEXT NOT NULL,"
	"call_id TEXT NOT NULL, path TEXT NOT NULL, agent TEXT NOT NULL, instance TEXT NOT NULL,"
	"received TEXT NOT NULL, transport TEXT NOT NULL, user TEXT NOT NULL,"
	"registered_us INTEGER NOT NULL, refreshed_us INTEGER NOT NULL, expires_us INTEGER NOT NULL,"
	"cseq INTEGER NOT NULL, reg_id INTEGER NOT NULL, q INTEGER NOT NULL, outbound INTEGER NOT NULL);"
	"CREATE INDEX binding_by_aor ON binding (aor);",
};

static const struct store_sqlite_kind bindings_kind = {
	.application_id = 0x66646269, /* "fdbi" */
	.version = BASE_COUNT(steps),
	.steps = steps,
};

enum statement { EACH, DROP, ADD, STATEMENT_COUNT };

static const char *const texts[STATEMENT_COUNT] = {
	[EACH] = "SELECT aor, contact, parameters, call_id, path, agent, instance, received, transport, user, "
		 "registered_us, refreshed_us, expires_us, cseq, reg_id, q, outbound FROM binding ORDER BY id",
	[DROP] = "DELETE FROM binding WHERE aor = ?1",
	[ADD] = "INSERT INTO binding (aor, contact, parameters, call_id, path, agent, instance, received, transport, "
		"user, registered_us, refreshed_us, expires_us, cseq, reg_id, q, outbound) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
};

struct store_bindings {
	struct store_sqlite db;
	sqlite3_stmt *statements[STATEMENT_COUNT];
};

/* Taken at once, so that a second node on the file fails at its start and not hours later. */
static int hold(struct store_sqlite *db)
{
	int status = store_sqlite_run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 1000");
	if (status == 0)
		status = store_sqlite_run(db, "BEGIN EXCLUSIVE; COMMIT");
	return status;
}

int store_bindings_open(
	const char *path, struct store_bindings **ret_store, char reterr_text[STORE_BINDINGS_ERROR_SIZE])
{
	struct store_bindings *store = calloc(1, sizeof(*store));
	if (!store) {
		snprintf(reterr_text, STORE_BINDINGS_ERROR_SIZE, "%.120s: no memory", path);
		return -ENOMEM;
	}
	int status = store_sqlite_open(&store->db, path, &bindings_kind);
	if (status == 0)
		status = hold(&store->db);
	for (size_t i = 0; status == 0 && i < STATEMENT_COUNT; i++)
		status = store_sqlite_prepare(&store->db, texts[i], &store->statements[i]);
	if (status == 0) {
		*ret_store = store;
		return 0;
	}
	snprintf(reterr_text, STORE_BINDINGS_ERROR_SIZE, "%s", store->db.error);
	store_bindings_close(store);
	return status;
}

void store_bindings_close(struct store_bindings *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	store_sqlite_close(&store->db);
	free(store);
}

const char *store_bindings_error(const struct store_bindings *store)
{
	return store->db.error;
}

static void read_row(sqlite3_stmt *row, struct store_binding *ret_binding)
{
	int column = 0;
	ret_binding->aor = store_sqlite_column(row, column++);
#define X(name) ret_binding->name = store_sqlite_column(row, column++);
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name) ret_binding->name = sqlite3_column_int64(row, column++);
	STORE_BINDINGS_NUMBERS(X)
#undef X
}

int store_bindings_each(struct store_bindings *store,
	bool (*visit)(void *argument, const struct store_binding *binding), void *argument)
{
	sqlite3_stmt *each = store->statements[EACH];
	int result;
	while ((result = sqlite3_step(each)) == SQLITE_ROW) {
		struct store_binding binding;
		read_row(each, &binding);
		if (!visit(argument, &binding))
			break;
	}
	int status = result == SQLITE_DONE || result == SQLITE_ROW ? 0 : store_sqlite_fail(&store->db, result);
	sqlite3_reset(each);
	return status;
}

static void roll_back(struct store_bindings *store)
{
	/* Some failures have rolled back already; the library's complaint about that means nothing. */
	if (!sqlite3_get_autocommit(store->db.handle))
		sqlite3_exec(store->db.handle, "ROLLBACK", NULL, NULL, NULL);
}

int store_bindings_begin(struct store_bindings *store)
{
	roll_back(store);
	return store_sqlite_run(&store->db, "BEGIN IMMEDIATE");
}

static int add(struct store_bindings *store, struct span aor, const struct store_binding *binding)
{
	sqlite3_stmt *statement = store->statements[ADD];
	int column = 1;
	store_sqlite_bind(statement, column++, aor);
#define X(name) store_sqlite_bind(statement, column++, binding->name);
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name) sqlite3_bind_int64(statement, column++, binding->name);
	STORE_BINDINGS_NUMBERS(X)
#undef X
	return store_sqlite_finish(&store->db, statement);
}

int store_bindings_replace(
	struct store_bindings *store, struct span aor, const struct store_binding *bindings, size_t count)
{
	/* Without this, what follows a rollback by the library itself would be kept piece by piece. */
	if (sqlite3_get_autocommit(store->db.handle))
		return -ECANCELED;
	store_sqlite_bind(store->statements[DROP], 1, aor);
	int status = store_sqlite_finish(&store->db, store->statements[DROP]);
	for (size_t i = 0; status == 0 && i < count; i++)
		status = add(store, aor, &bindings[i]);
	if (status < 0)
		roll_back(store);
	return status;
}

int store_bindings_commit(struct store_bindings *store)
{
	if (sqlite3_get_autocommit(store->db.handle))
		return -ECANCELED;
	int status = store_sqlite_run(&store->db, "COMMIT");
	if (status < 0)
		roll_back(store);
	return status;
}
