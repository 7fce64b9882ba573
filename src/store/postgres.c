/* SPDX-License-Identifier: Apache-2.0 */
/* The connection: made, lost and made again; the version of what lies in the database. postgres_ask.c speaks over it.
 */
#include "store/postgres.h"

#include "base/clock.h"
#include "base/require.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#define PAUSE_FIRST_MS 500
#define LOCK "1717856361" /* of those who make tables at once */

static int64_t steady_us(void)
{
	struct clock clock = clock_system();
	return clock_steady_us(&clock);
}

/* ---- what went wrong ---- */

static const struct {
	const char *state; /* SQLSTATE, or its class: PostgreSQL documentation, appendix A */
	int error;
} errors[] = {
	{ "22", EMSGSIZE }, /* data_exception */
	{ "25006", EROFS }, /* read_only_sql_transaction */
	{ "28000", EACCES }, /* invalid_authorization_specification */
	{ "40P01", EBUSY }, /* deadlock_detected */
	{ "42501", EACCES }, /* insufficient_privilege */
	{ "53100", ENOSPC }, /* disk_full */
	{ "53200", ENOMEM }, /* out_of_memory */
	{ "54", EMSGSIZE }, /* program_limit_exceeded */
	{ "55P03", EBUSY }, /* lock_not_available */
};

int store_postgres_refuse(struct store_postgres *db, int error, const char *text)
{
	snprintf(db->error, sizeof(db->error), "%.100s: %s", db->shown, text);
	return -error;
}

bool store_postgres_is_connected(const struct store_postgres *db)
{
	return db->connection && PQstatus(db->connection) == CONNECTION_OK;
}

/* The library's messages begin with where it was connected to, which we say ourselves, and go on for several lines. */
static struct span first_line(const char *message)
{
	struct span rest = span_trim(span_of(message));
	struct span line = span_cut(&rest, '\n');
	size_t failed = span_find_span(line, SPAN(" failed: "));
	if (span_starts_nocase(line, SPAN("connection to server ")) && failed < line.length)
		line = span_from(line, failed + sizeof(" failed: ") - 1);
	return span_trim(line);
}

int store_postgres_fail(struct store_postgres *db, const PGresult *result)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	struct span text = first_line(message ? message : db->connection ? PQerrorMessage(db->connection) : "");
	int error = store_postgres_is_connected(db) ? EIO : ENOTCONN;
	for (size_t i = 0; state && i < BASE_COUNT(errors); i++)
		if (strncmp(state, errors[i].state, strlen(errors[i].state)) == 0)
			error = errors[i].error;
	if (text.length == 0)
		text = SPAN("the connection was lost");
	snprintf(db->error, sizeof(db->error), "%.100s: %.*s", db->shown, SPAN_PRINT(span_first(text, 150)));
	return -error;
}

static void drop_connection(struct store_postgres *db)
{
	if (db->connection)
		PQfinish(db->connection);
	db->connection = NULL;
}

/* ---- what lies in it ---- */

static int read_version(struct store_postgres *db, int64_t *ret_version)
{
	char sql[128];
	int64_t is_there = 0;
	*ret_version = 0;
	int status = store_postgres_number(
		db, "SELECT CASE WHEN to_regclass('fedge_store') IS NULL THEN 0 ELSE 1 END", NULL, &is_there);
	if (status < 0 || !is_there)
		return status;
	snprintf(sql, sizeof(sql), "SELECT version FROM fedge_store WHERE part = '%s'", db->kind->part);
	return store_postgres_number(db, sql, NULL, ret_version);
}

/* Two nodes may start at once: the second waits for the first, and finds its work. */
static int raise_version(struct store_postgres *db)
{
	char sql[256];
	int64_t version = 0;
	int status = store_postgres_run(db,
		"BEGIN; SELECT pg_advisory_xact_lock(" LOCK "); CREATE TABLE IF NOT EXISTS fedge_store (part TEXT "
		"PRIMARY KEY, version INTEGER NOT NULL, bytes BIGINT NOT NULL DEFAULT 0)");
	if (status == 0)
		status = read_version(db, &version);
	for (; status == 0 && version < db->kind->version; version++)
		status = store_postgres_run(db, db->kind->steps[version]);
	snprintf(sql, sizeof(sql),
		"INSERT INTO fedge_store (part, version) VALUES ('%s', %d) ON CONFLICT (part) DO UPDATE SET version = "
		"greatest(fedge_store.version, excluded.version)",
		db->kind->part, db->kind->version);
	if (status == 0)
		status = store_postgres_run(db, sql);
	if (status == 0)
		return store_postgres_run(db, "COMMIT");
	/* What it says of that must not stand for what went wrong. */
	drop_connection(db);
	return status;
}

static int judge_version(struct store_postgres *db)
{
	int64_t version = 0;
	int status = read_version(db, &version);
	if (status < 0)
		return status;
	if (version > db->kind->version)
		return store_postgres_refuse(db, ENOTSUP, "it was written by a newer version of this program");
	if (version == db->kind->version)
		return 0;
	if (db->writes)
		return raise_version(db);
	return version == 0
		       ? store_postgres_refuse(db, ENODATA, "there is nothing in it yet")
		       : store_postgres_refuse(db, EUCLEAN, "it was written by an older version: start the node once");
}

/* ---- connecting ---- */

static void keep_quiet(void *argument, const PGresult *result)
{
	(void)argument;
	(void)result;
}

/* A node that is gone without a word does not keep its locks for hours. */
#define WRITER                                                                                                         \
	"SET lock_timeout = '2s'; SET idle_in_transaction_session_timeout = '20s'; SET tcp_keepalives_idle = 30;"      \
	"SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"

static int set_up(struct store_postgres *db)
{
	const char *encoding = PQparameterStatus(db->connection, "server_encoding");
	PQsetNoticeReceiver(db->connection, keep_quiet, NULL);
	PQsetnonblocking(db->connection, 1);
	if (PQserverVersion(db->connection) < STORE_POSTGRES_OLDEST)
		return store_postgres_refuse(db, ENOTSUP, "it is older than PostgreSQL 13");
	if (!encoding || strcmp(encoding, "UTF8") != 0)
		return store_postgres_refuse(db, EMEDIUMTYPE, "the database's encoding is not UTF8");
	int status = store_postgres_run(db, db->writes ? WRITER : "SET default_transaction_read_only = on");
	if (status == 0)
		status = judge_version(db);
	if (status == 0 && db->writes && db->kind->greet)
		status = db->kind->greet(db);
	return status;
}

/* What stands in the address goes before what stands here in front of it, and behind what follows it. */
static void dial(struct store_postgres *db)
{
	const char *const keys[] = { "connect_timeout", "fallback_application_name", "tcp_user_timeout",
		"keepalives_idle", "keepalives_interval", "keepalives_count", "target_session_attrs", "dbname",
		"client_encoding", NULL };
	const char *const values[] = { STORE_POSTGRES_CONNECT_S, "fedge", "10000", "10", "5", "3",
		db->writes ? "read-write" : "any", db->address, "UTF8", NULL };
	db->connection = PQconnectdbParams(keys, values, 1);
}

/* The library does not say whether nobody answered or somebody refused. */
static int connect_failed(struct store_postgres *db)
{
	const char *const keys[] = { "connect_timeout", "dbname", NULL };
	const char *const values[] = { STORE_POSTGRES_CONNECT_S, db->address, NULL };
	(void)store_postgres_fail(db, NULL);
	drop_connection(db);
	switch (PQpingParams(keys, values, 1)) {
	case PQPING_OK:
		return -EACCES;
	case PQPING_NO_ATTEMPT:
		return -EINVAL;
	default:
		return -ENOTCONN;
	}
}

static int connect(struct store_postgres *db)
{
	drop_connection(db);
	dial(db);
	int status = store_postgres_is_connected(db) ? set_up(db) : connect_failed(db);
	if (status == 0) {
		db->pause_us = 0;
		return 0;
	}
	drop_connection(db);
	db->pause_us = db->pause_us ? db->pause_us * 2 : PAUSE_FIRST_MS * CLOCK_MS_US;
	if (db->pause_us > STORE_POSTGRES_PAUSE_MAXIMUM_MS * CLOCK_MS_US)
		db->pause_us = STORE_POSTGRES_PAUSE_MAXIMUM_MS * CLOCK_MS_US;
	db->retry_us = steady_us() + db->pause_us;
	return status;
}

int store_postgres_open(
	struct store_postgres *db, const char *address, const struct store_postgres_kind *kind, bool writes)
{
	char wrong[STORE_ADDRESS_ERROR_SIZE];
	*db = (struct store_postgres){ .kind = kind, .writes = writes, .address = strdup(address) };
	store_address_show(span_of(address), db->shown);
	if (!db->address)
		return store_postgres_refuse(db, ENOMEM, "no memory");
	if (store_address_check(span_of(address), wrong) < 0)
		return store_postgres_refuse(db, EINVAL, wrong);
	return connect(db);
}

int store_postgres_ready(struct store_postgres *db)
{
	if (store_postgres_is_connected(db) && PQtransactionStatus(db->connection) == PQTRANS_IDLE)
		return 0;
	if (store_postgres_is_connected(db) && store_postgres_run(db, "ROLLBACK") == 0)
		return 0;
	drop_connection(db);
	/* The last error still says why. */
	return db->pause_us && steady_us() < db->retry_us ? -ENOTCONN : connect(db);
}

void store_postgres_close(struct store_postgres *db)
{
	drop_connection(db);
	free(db->address);
	db->address = NULL;
}
