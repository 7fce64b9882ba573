/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "store/bindings_private.h"
#include "store/sqlite.h"

#include <errno.h>

/* docs/formats.md describes every column. */
static const char *const steps[] = {
	"CREATE TABLE binding ("
	"id INTEGER PRIMARY KEY, aor TEXT NOT NULL, contact TEXT NOT NULL, parameters TEXT NOT NULL,"
	"call_id TEXT NOT NULL, path TEXT NOT NULL, agent TEXT NOT NULL, instance TEXT NOT NULL,"
	"received TEXT NOT NULL, transport TEXT NOT NULL, user TEXT NOT NULL,"
	"registered_us INTEGER NOT NULL, refreshed_us INTEGER NOT NULL, expires_us INTEGER NOT NULL,"
	"cseq INTEGER NOT NULL, reg_id INTEGER NOT NULL, q INTEGER NOT NULL, outbound INTEGER NOT NULL);"
	"CREATE INDEX binding_by_aor ON binding (aor);",
	"ALTER TABLE binding ADD COLUMN direct INTEGER NOT NULL DEFAULT 0;",
};

enum statement { EACH, DROP, ADD, STATEMENT_COUNT };

static const char *const texts[STATEMENT_COUNT] = {
	[EACH] = "SELECT aor, contact, parameters, call_id, path, agent, instance, received, transport, user, "
		 "registered_us, refreshed_us, expires_us, cseq, reg_id, q, outbound, direct FROM binding ORDER BY id",
	[DROP] = "DELETE FROM binding WHERE aor = ?1",
	[ADD] = "INSERT INTO binding (aor, contact, parameters, call_id, path, agent, instance, received, transport, "
		"user, registered_us, refreshed_us, expires_us, cseq, reg_id, q, outbound, direct) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
};

static const struct store_sqlite_kind bindings_kind = {
	.application_id = 0x66646269, /* "fdbi" */
	.version = BASE_COUNT(steps),
	.steps = steps,
	.statements = texts,
	.statement_count = BASE_COUNT(texts),
};

struct bindings_sqlite {
	struct store_sqlite db;
};

/* Taken at once, so that a second node on the file fails at its start and not hours later. */
static int hold(struct store_sqlite *db)
{
	int status = store_sqlite_run(db, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA busy_timeout = 1000");
	if (status == 0)
		status = store_sqlite_run(db, "BEGIN EXCLUSIVE; COMMIT");
	return status;
}

static int open_it(void *store, const char *path, struct span node)
{
	struct bindings_sqlite *b = store;
	(void)node; /* the file is his alone */
	int status = store_sqlite_open(&b->db, path, &bindings_kind);
	return status == 0 ? hold(&b->db) : status;
}

static void close_it(void *store)
{
	struct bindings_sqlite *b = store;
	store_sqlite_close(&b->db);
}

static const char *error_of(const void *store)
{
	return ((const struct bindings_sqlite *)store)->db.error;
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

static int each(void *store, bool (*visit)(void *argument, const struct store_binding *binding), void *argument)
{
	struct bindings_sqlite *b = store;
	sqlite3_stmt *rows = b->db.statements[EACH];
	int result;
	while ((result = sqlite3_step(rows)) == SQLITE_ROW) {
		struct store_binding binding;
		read_row(rows, &binding);
		if (!visit(argument, &binding))
			break;
	}
	int status = result == SQLITE_DONE || result == SQLITE_ROW ? 0 : store_sqlite_fail(&b->db, result);
	sqlite3_reset(rows);
	return status;
}

static int begin(void *store)
{
	struct bindings_sqlite *b = store;
	store_sqlite_roll_back(&b->db);
	return store_sqlite_run(&b->db, "BEGIN IMMEDIATE");
}

static int add(struct bindings_sqlite *b, struct span aor, const struct store_binding *binding)
{
	sqlite3_stmt *statement = b->db.statements[ADD];
	int column = 1;
	store_sqlite_bind(statement, column++, aor);
#define X(name) store_sqlite_bind(statement, column++, binding->name);
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name) sqlite3_bind_int64(statement, column++, binding->name);
	STORE_BINDINGS_NUMBERS(X)
#undef X
	return store_sqlite_finish(&b->db, statement);
}

static int replace(void *store, struct span aor, const struct store_binding *bindings, size_t count)
{
	struct bindings_sqlite *b = store;
	/* Without this, what follows a rollback by the library itself would be kept piece by piece. */
	if (sqlite3_get_autocommit(b->db.handle))
		return -ECANCELED;
	store_sqlite_bind(b->db.statements[DROP], 1, aor);
	int status = store_sqlite_finish(&b->db, b->db.statements[DROP]);
	for (size_t i = 0; status == 0 && i < count; i++)
		status = add(b, aor, &bindings[i]);
	if (status < 0)
		store_sqlite_roll_back(&b->db);
	return status;
}

static int commit(void *store)
{
	struct bindings_sqlite *b = store;
	if (sqlite3_get_autocommit(b->db.handle))
		return -ECANCELED;
	int status = store_sqlite_run(&b->db, "COMMIT");
	if (status < 0)
		store_sqlite_roll_back(&b->db);
	return status;
}

const struct store_bindings_backend store_bindings_sqlite = {
	.open = open_it,
	.close = close_it,
	.each = each,
	.begin = begin,
	.replace = replace,
	.commit = commit,
	.error = error_of,
	.bytes = sizeof(struct bindings_sqlite),
};
