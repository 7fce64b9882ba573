/* SPDX-License-Identifier: Apache-2.0 */
/* The same table in a PostgreSQL database, with the node's name in each row. Who has a node's rows holds a lock of the
 * database, which goes with the connection and is taken anew with each. */
#include "base/require.h"
#include "store/bindings_private.h"
#include "store/postgres.h"

#include <errno.h>

/* docs/formats.md describes every column. */
static const char *const steps[] = {
	"CREATE TABLE fedge_binding ("
	"id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, node TEXT NOT NULL, aor TEXT NOT NULL,"
	"contact TEXT NOT NULL, parameters TEXT NOT NULL, call_id TEXT NOT NULL, path TEXT NOT NULL,"
	"agent TEXT NOT NULL, instance TEXT NOT NULL, received TEXT NOT NULL, transport TEXT NOT NULL,"
	"\"user\" TEXT NOT NULL, registered_us BIGINT NOT NULL, refreshed_us BIGINT NOT NULL,"
	"expires_us BIGINT NOT NULL, cseq BIGINT NOT NULL, reg_id BIGINT NOT NULL, q BIGINT NOT NULL,"
	"outbound BIGINT NOT NULL);"
	"CREATE INDEX fedge_binding_by_aor ON fedge_binding USING hash (aor)",
	"ALTER TABLE fedge_binding ADD COLUMN direct BIGINT NOT NULL DEFAULT 0",
};

#define NAME(name) ", \"" #name "\""
#define COLUMNS "aor" STORE_BINDINGS_TEXTS(NAME) STORE_BINDINGS_NUMBERS(NAME)

struct bindings_postgres {
	struct store_postgres db;
	struct store_postgres_values values;
	struct buffer room, node;
	bool in_batch;
};

static int hold(struct bindings_postgres *b)
{
	int64_t ignored;
	store_postgres_values_clear(&b->values);
	store_postgres_add_text(&b->values, buffer_span(&b->node));
	int status = store_postgres_number(&b->db,
		"SELECT pg_advisory_lock(hashtextextended('fedge_binding ' || $1::text, 0))", &b->values, &ignored);
	if (status == -EBUSY)
		return store_postgres_refuse(&b->db, EBUSY,
			"another node of this name has its registrations there, or its connection has not ended yet");
	return status;
}

static int greet(struct store_postgres *db)
{
	struct bindings_postgres *b = base_container(db, struct bindings_postgres, db);
	int status = hold(b);
	if (status == 0)
		status = store_postgres_prepare(
			db, "drop", "DELETE FROM fedge_binding WHERE node = $1::text AND aor = $2::text");
	if (status == 0)
		status = store_postgres_prepare(db, "add",
			"INSERT INTO fedge_binding (node, " COLUMNS ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
			"$10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
	return status;
}

static const struct store_postgres_kind bindings_kind = {
	.part = "registrations",
	.version = BASE_COUNT(steps),
	.steps = steps,
	.greet = greet,
};

static int open_it(void *store, const char *address, struct span node)
{
	struct bindings_postgres *b = store;
	store_postgres_values_init(&b->values);
	buffer_init(&b->room, (size_t)1 << 20);
	buffer_init(&b->node, 4096);
	int status = buffer_append(&b->node, node);
	return status < 0 ? status : store_postgres_open(&b->db, address, &bindings_kind, true);
}

static void close_it(void *store)
{
	struct bindings_postgres *b = store;
	store_postgres_close(&b->db);
	store_postgres_values_done(&b->values);
	buffer_done(&b->room);
	buffer_done(&b->node);
}

static const char *error_of(const void *store)
{
	return ((const struct bindings_postgres *)store)->db.error;
}

/* ---- reading ---- */

struct reading {
	struct bindings_postgres *store;
	bool (*visit)(void *argument, const struct store_binding *binding);
	void *argument;
	int status;
};

static bool visit_row(void *argument, const struct pg_result *result)
{
	struct reading *r = argument;
	struct store_postgres_row row;
	struct store_binding binding;
	if (store_postgres_row(&row, result, 0, &r->store->room) < 0) {
		r->status = store_postgres_refuse(&r->store->db, EMSGSIZE, "a row of it is too long");
		return false;
	}
	binding.aor = store_postgres_next_text(&row);
#define X(name) binding.name = store_postgres_next_text(&row);
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name) binding.name = store_postgres_next_number(&row);
	STORE_BINDINGS_NUMBERS(X)
#undef X
	return r->visit(r->argument, &binding);
}

static int each(void *store, bool (*visit)(void *argument, const struct store_binding *binding), void *argument)
{
	struct bindings_postgres *b = store;
	struct reading reading = { .store = b, .visit = visit, .argument = argument };
	int status = store_postgres_ready(&b->db);
	if (status < 0)
		return status;
	store_postgres_values_clear(&b->values);
	store_postgres_add_text(&b->values, buffer_span(&b->node));
	status = store_postgres_each(&b->db, "SELECT " COLUMNS " FROM fedge_binding WHERE node = $1::text ORDER BY id",
		&b->values, visit_row, &reading);
	return status < 0 ? status : reading.status;
}

/* ---- writing ---- */

static int begin(void *store)
{
	struct bindings_postgres *b = store;
	int status = store_postgres_ready(&b->db);
	if (status == 0)
		status = store_postgres_run(&b->db, "BEGIN");
	b->in_batch = status == 0;
	return status;
}

static void begin_values(struct bindings_postgres *b, struct span aor)
{
	store_postgres_values_clear(&b->values);
	store_postgres_add_text(&b->values, buffer_span(&b->node));
	store_postgres_add_text(&b->values, aor);
}

static int add(struct bindings_postgres *b, struct span aor, const struct store_binding *binding)
{
	begin_values(b, aor);
#define X(name) store_postgres_add_text(&b->values, binding->name);
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name) store_postgres_add_number(&b->values, binding->name);
	STORE_BINDINGS_NUMBERS(X)
#undef X
	return store_postgres_execute(&b->db, "add", &b->values, NULL);
}

static int replace(void *store, struct span aor, const struct store_binding *bindings, size_t count)
{
	struct bindings_postgres *b = store;
	if (!b->in_batch)
		return -ECANCELED;
	begin_values(b, aor);
	int status = store_postgres_execute(&b->db, "drop", &b->values, NULL);
	for (size_t i = 0; status == 0 && i < count; i++)
		status = add(b, aor, &bindings[i]);
	b->in_batch = status == 0;
	return status;
}

static int commit(void *store)
{
	struct bindings_postgres *b = store;
	if (!b->in_batch)
		return -ECANCELED;
	b->in_batch = false;
	return store_postgres_run(&b->db, "COMMIT");
}

const struct store_bindings_backend store_bindings_postgres = {
	.open = open_it,
	.close = close_it,
	.each = each,
	.begin = begin,
	.replace = replace,
	.commit = commit,
	.error = error_of,
	.bytes = sizeof(struct bindings_postgres),
};
