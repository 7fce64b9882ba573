/* SPDX-License-Identifier: Apache-2.0 */
/* Statements and their results. The library's own waiting has no end, so it is done here. */
#include "base/clock.h"
#include "base/require.h"
#include "store/postgres.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>

static int64_t left_ms(int64_t deadline_us)
{
	struct clock clock = clock_system();
	int64_t left_us = deadline_us - clock_steady_us(&clock);
	return left_us > 0 ? left_us / CLOCK_MS_US + 1 : 0;
}

static int64_t deadline(const struct store_postgres *db)
{
	struct clock clock = clock_system();
	return clock_steady_us(&clock) +
	       (db->writes ? STORE_POSTGRES_ANSWER_MS : STORE_POSTGRES_READER_MS) * CLOCK_MS_US;
}

/* Nothing more may come over it. */
static int give_up(struct store_postgres *db, int error, const char *text)
{
	int status = text ? store_postgres_refuse(db, error, text) : store_postgres_fail(db, NULL);
	PQfinish(db->connection);
	db->connection = NULL;
	return status;
}

/* Until a whole result is there, or there is none to come. */
static int await(struct store_postgres *db)
{
	int64_t due_us = deadline(db);
	for (;;) {
		int unsent = PQflush(db->connection);
		if (unsent < 0)
			return give_up(db, ENOTCONN, NULL);
		if (unsent == 0 && !PQisBusy(db->connection))
			return 0;
		struct pollfd socket = { .fd = PQsocket(db->connection),
			.events = (short)(POLLIN | (unsent ? POLLOUT : 0)) };
		int64_t ms = left_ms(due_us);
		if (ms == 0)
			return give_up(db, ETIMEDOUT, "it does not answer");
		if (poll(&socket, 1, (int)ms) < 0 && errno != EINTR)
			return give_up(db, errno, NULL);
		if (socket.revents && PQconsumeInput(db->connection) == 0)
			return give_up(db, ENOTCONN, NULL);
	}
}

/* NULL with status 0: there are no more. */
static PGresult *next_result(struct store_postgres *db, int *ret_status)
{
	*ret_status = await(db);
	return *ret_status < 0 ? NULL : PQgetResult(db->connection);
}

static bool is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE;
}

/* A server that says FATAL has ended the connection. */
static bool is_fatal(const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

static int told(struct store_postgres *db, const PGresult *result)
{
	if (is_good(result))
		return 0;
	bool is_over = is_fatal(result);
	int status = store_postgres_fail(db, result);
	if (is_over) {
		PQfinish(db->connection);
		db->connection = NULL;
	}
	return is_over ? -ENOTCONN : status;
}

/* All results of what was sent; the first number goes out. The first failure is the one that counts. */
static int finish(struct store_postgres *db, int64_t *ret_number)
{
	int status = 0, now = 0;
	if (ret_number)
		*ret_number = 0;
	for (PGresult *result; (result = next_result(db, &now)) != NULL; PQclear(result)) {
		if (status == 0)
			status = told(db, result);
		if (!db->connection) {
			PQclear(result);
			break;
		}
		if (ret_number && PQntuples(result) > 0)
			*ret_number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	}
	return status < 0 ? status : now;
}

/* values may be NULL. */
static int pointers(struct store_postgres *db, const struct store_postgres_values *values,
	const char *ret_at[STORE_POSTGRES_VALUES])
{
	if (values && values->text.status < 0)
		return store_postgres_refuse(db, EMSGSIZE, "a text is too long for it");
	for (int i = 0; values && i < values->count; i++)
		ret_at[i] = values->offsets[i] == SIZE_MAX ? NULL : values->text.at + values->offsets[i];
	return 0;
}

int store_postgres_run(struct store_postgres *db, const char *sql)
{
	if (!store_postgres_is_connected(db))
		return store_postgres_refuse(db, ENOTCONN, "the connection was lost");
	return PQsendQuery(db->connection, sql) ? finish(db, NULL) : give_up(db, ENOTCONN, NULL);
}

/* The values as libpq takes them, where there is somebody to send them to. */
static int ready_to_send(struct store_postgres *db, const struct store_postgres_values *values,
	const char *ret_at[STORE_POSTGRES_VALUES])
{
	int status = pointers(db, values, ret_at);
	if (status == 0 && !store_postgres_is_connected(db))
		status = store_postgres_refuse(db, ENOTCONN, "the connection was lost");
	return status;
}

static int send(struct store_postgres *db, const char *sql, const struct store_postgres_values *values)
{
	const char *at[STORE_POSTGRES_VALUES];
	int status = ready_to_send(db, values, at);
	if (status < 0)
		return status;
	if (!PQsendQueryParams(db->connection, sql, values ? values->count : 0, NULL, at, NULL, NULL, 0))
		return give_up(db, ENOTCONN, NULL);
	return 0;
}

int store_postgres_number(
	struct store_postgres *db, const char *sql, const struct store_postgres_values *values, int64_t *ret_number)
{
	int status = send(db, sql, values);
	return status < 0 ? status : finish(db, ret_number);
}

int store_postgres_prepare(struct store_postgres *db, const char *name, const char *sql)
{
	return PQsendPrepare(db->connection, name, sql, 0, NULL) ? finish(db, NULL) : give_up(db, ENOTCONN, NULL);
}

int store_postgres_execute(
	struct store_postgres *db, const char *name, const struct store_postgres_values *values, int64_t *ret_number)
{
	const char *at[STORE_POSTGRES_VALUES];
	int status = ready_to_send(db, values, at);
	if (status < 0)
		return status;
	if (!PQsendQueryPrepared(db->connection, name, values->count, at, NULL, NULL, 0))
		return give_up(db, ENOTCONN, NULL);
	return finish(db, ret_number);
}

/* ---- many rows ---- */

/* What is still on its way is not wanted any more. */
static void stop_asking(struct store_postgres *db)
{
	char ignored[64];
	PGcancel *cancel = PQgetCancel(db->connection);
	if (cancel)
		PQcancel(cancel, ignored, sizeof(ignored));
	PQfreeCancel(cancel);
}

int store_postgres_each(struct store_postgres *db, const char *sql, const struct store_postgres_values *values,
	bool (*visit)(void *argument, const PGresult *row), void *argument)
{
	bool wanted = true;
	int now = 0, status = send(db, sql, values);
	if (status < 0)
		return status;
	PQsetSingleRowMode(db->connection);
	for (PGresult *result; (result = next_result(db, &now)) != NULL; PQclear(result)) {
		if (wanted && PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
			wanted = visit(argument, result);
			if (!wanted)
				stop_asking(db);
		} else if (wanted && status == 0) {
			status = told(db, result);
		}
		if (!db->connection) {
			PQclear(result);
			break;
		}
	}
	return status < 0 ? status : now;
}
