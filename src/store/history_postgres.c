/* SPDX-License-Identifier: Apache-2.0 */
/* The same table in a PostgreSQL database; several nodes may write it. The row of fedge_store is their turn: whoever
 * has locked it numbers his entries, so that a smaller number is never seen later, and keeps the sum of their sizes. */
#include "base/require.h"
#include "store/history_private.h"
#include "store/postgres.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROW_BYTES 400 /* what a row takes besides its texts, with its part of the indexes */
#define DROPPED_AT_ONCE "5000"
#define SHRINK_PART 16 /* of the size, when it is too large: so that it is not done for every batch */
#define TRANSACTION_SIZE 24

/* docs/formats.md describes every column. */
static const char *const steps[] = {
	"CREATE TABLE fedge_search ("
	"id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, start_us BIGINT NOT NULL, duration_us BIGINT NOT NULL,"
	"kind BIGINT NOT NULL, status BIGINT NOT NULL, steps_cut BIGINT NOT NULL, texts_cut BIGINT NOT NULL,"
	"ended BIGINT NOT NULL, found BIGINT NOT NULL, authenticated BIGINT NOT NULL,"
	"node TEXT NOT NULL, serial TEXT UNIQUE, tag TEXT NOT NULL, call_id TEXT NOT NULL, method TEXT NOT NULL,"
	"state TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL, zone TEXT NOT NULL,"
	"remote TEXT NOT NULL, variant TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,"
	"finding TEXT NOT NULL, steps TEXT NOT NULL, bytes BIGINT NOT NULL);"
	"CREATE INDEX fedge_search_by_start ON fedge_search (start_us);"
	/* Of strangers' texts by hash: the other kind refuses what is longer than 2.7 kB. */
	"CREATE INDEX fedge_search_by_call ON fedge_search USING hash (call_id) WHERE call_id <> '';"
	"CREATE INDEX fedge_search_by_tag ON fedge_search USING hash (tag) WHERE tag <> ''",
};

static const char *const columns[] = {
#define X(name) #name,
	HISTORY_NUMBERS(X) STORE_HISTORY_TEXTS(X)
#undef X
		"steps",
	"bytes",
};
#define NUMBERS(name) +1
enum { NUMBER_COUNT = 0 HISTORY_NUMBERS(NUMBERS) };

struct history_postgres {
	struct store_postgres db;
	struct store_postgres_values values;
	struct buffer room;
	bool in_batch;
	bool is_there; /* the batch turned out to be in the database already */
	char transaction[TRANSACTION_SIZE]; /* the batch's */
	char doubtful[TRANSACTION_SIZE]; /* one whose commit was never answered; "" */
	int64_t bytes_added;
};

/* ---- life ---- */

static void append_list(struct buffer *sql, const char *format)
{
	for (size_t i = 0; i < BASE_COUNT(columns); i++) {
		const char *type = i < NUMBER_COUNT || i == BASE_COUNT(columns) - 1 ? "bigint" : "text";
		buffer_append_text(sql, i ? ", " : "");
		for (const char *c = format; *c; c++) {
			if (*c == 'n')
				buffer_append_text(sql, columns[i]);
			else if (*c == '$')
				buffer_printf(sql, "$%zu::%s", i + 1, type);
			else
				buffer_append_byte(sql, *c);
		}
	}
}

/* ON CONFLICT would take a number for each row that is there already. Gives the size of what was replaced. */
static int prepare(struct store_postgres *db)
{
	struct buffer sql;
	size_t serial = 0;
	while (strcmp(columns[serial], "serial") != 0)
		serial++;
	buffer_init(&sql, 16384);
	buffer_printf(&sql,
		"WITH before AS (SELECT bytes FROM fedge_search WHERE serial = $%zu::text), "
		"changed AS (UPDATE fedge_search SET ",
		serial + 1);
	append_list(&sql, "n = $");
	buffer_printf(
		&sql, " WHERE serial = $%zu::text RETURNING id), made AS (INSERT INTO fedge_search (", serial + 1);
	append_list(&sql, "n");
	buffer_append_text(&sql, ") SELECT ");
	append_list(&sql, "$");
	buffer_append_text(&sql, " WHERE NOT EXISTS (SELECT FROM changed) RETURNING id) "
				 "SELECT coalesce((SELECT bytes FROM before), 0)");
	int status = sql.status < 0 ? sql.status : store_postgres_prepare(db, "put", sql.at);
	buffer_done(&sql);
	return status;
}

static const struct store_postgres_kind history_kind = {
	.part = "history",
	.version = BASE_COUNT(steps),
	.steps = steps,
	.greet = prepare,
};

static int open_it(void *store, const char *name, bool writes)
{
	struct history_postgres *h = store;
	store_postgres_values_init(&h->values);
	buffer_init(&h->room, (size_t)64 << 20);
	int status = store_postgres_open(&h->db, name, &history_kind, writes);
	return status == -ENOTCONN && writes ? 1 : status;
}

static void close_it(void *store)
{
	struct history_postgres *h = store;
	store_postgres_close(&h->db);
	store_postgres_values_done(&h->values);
	buffer_done(&h->room);
}

static const char *error_of(const void *store)
{
	return ((const struct history_postgres *)store)->db.error;
}

/* ---- writing ---- */

/* After a commit that nobody answered: is the batch there? A server that knows nothing of the transaction (it is
 * another one, or it was years ago) has not got it. */
static int ask_what_became(struct history_postgres *h)
{
	char sql[160];
	int64_t state = 0;
	if (!h->doubtful[0])
		return 0;
	snprintf(sql, sizeof(sql),
		"SELECT CASE pg_xact_status('%s'::xid8) WHEN 'committed' THEN 1 WHEN 'in progress' THEN 2 ELSE 0 END",
		h->doubtful);
	int status = store_postgres_number(&h->db, sql, NULL, &state);
	if (status < 0 && !store_postgres_is_connected(&h->db))
		return status;
	if (status == 0 && state == 2)
		return store_postgres_refuse(&h->db, EBUSY, "the last transaction has not ended yet");
	h->is_there = status == 0 && state == 1;
	h->doubtful[0] = '\0';
	return 0;
}

static int take_turn(struct history_postgres *h)
{
	int64_t transaction = 0;
	int status = store_postgres_run(&h->db, "BEGIN");
	if (status == 0)
		status = store_postgres_number(&h->db,
			"SELECT pg_current_xact_id()::text FROM fedge_store WHERE part = 'history' FOR UPDATE", NULL,
			&transaction);
	if (status == 0 && transaction == 0)
		status = store_postgres_refuse(&h->db, ENODATA, "its row of fedge_store is gone");
	snprintf(h->transaction, sizeof(h->transaction), "%lld", (long long)transaction);
	return status;
}

static int begin(void *store)
{
	struct history_postgres *h = store;
	h->in_batch = false;
	h->is_there = false;
	h->bytes_added = 0;
	int status = store_postgres_ready(&h->db);
	if (status == 0)
		status = ask_what_became(h);
	if (status == 0 && !h->is_there)
		status = take_turn(h);
	h->in_batch = status == 0;
	return status;
}

static int64_t bytes_of(const struct store_history_row *row)
{
	size_t bytes = ROW_BYTES + row->steps.length;
#define X(name) bytes += row->name.length;
	STORE_HISTORY_TEXTS(X)
#undef X
	return (int64_t)bytes;
}

static int put(void *store, const struct store_history_row *row)
{
	struct history_postgres *h = store;
	struct store_postgres_values *values = &h->values;
	int64_t bytes = bytes_of(row), replaced = 0;
	if (!h->in_batch)
		return -ECANCELED;
	if (h->is_there)
		return 0;
	store_postgres_values_clear(values);
#define X(name) store_postgres_add_number(values, (int64_t)row->name);
	HISTORY_NUMBERS(X)
#undef X
#define X(name)                                                                                                        \
	if (&row->name == &row->serial && row->name.length == 0)                                                       \
		store_postgres_add_null(values); /* rows without a serial are no rivals of each other */               \
	else                                                                                                           \
		store_postgres_add_text(values, row->name);
	STORE_HISTORY_TEXTS(X)
#undef X
	store_postgres_add_plain(values, row->steps);
	store_postgres_add_number(values, bytes);
	int status = store_postgres_execute(&h->db, "put", values, &replaced);
	h->in_batch = status == 0;
	h->bytes_added += bytes - replaced;
	return status;
}

/* ---- limits ---- */

struct extent {
	int64_t bytes, first, last, start_us; /* first, last: ids; start_us: of the oldest; 0: there is none */
};

static bool read_extent(void *argument, const struct pg_result *result)
{
	struct extent *extent = argument;
	struct store_postgres_row row = { .result = result };
	extent->bytes = store_postgres_next_number(&row);
	extent->first = store_postgres_next_number(&row);
	extent->last = store_postgres_next_number(&row);
	extent->start_us = store_postgres_next_number(&row);
	return true;
}

static int extent_of(struct history_postgres *h, struct extent *ret_extent)
{
	*ret_extent = (struct extent){ .bytes = 0 };
	return store_postgres_each(&h->db,
		"SELECT coalesce(max(bytes), 0), coalesce((SELECT min(id) FROM fedge_search), 1),"
		"coalesce((SELECT max(id) FROM fedge_search), 0),"
		"coalesce((SELECT min(start_us) FROM fedge_search), 0) FROM fedge_store WHERE part = 'history'",
		NULL, read_extent, ret_extent);
}

/* The oldest that are beyond one of the limits; a great many take several batches' turns. $1: the last number that
 * goes; $2: so many bytes go; $3: what began before then goes. */
#define DROP                                                                                                           \
	"WITH weighed AS (SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS before FROM "                            \
	"(SELECT id, bytes FROM fedge_search ORDER BY id LIMIT " DROPPED_AT_ONCE ") AS oldest), "                      \
	"aged AS (SELECT id FROM fedge_search WHERE start_us < $3::bigint LIMIT " DROPPED_AT_ONCE "), "                \
	"gone AS (DELETE FROM fedge_search WHERE id IN (SELECT id FROM weighed WHERE id <= $1::bigint OR "             \
	"before < $2::bigint UNION SELECT id FROM aged) RETURNING bytes) "                                             \
	"UPDATE fedge_store SET bytes = bytes - (SELECT coalesce(sum(bytes), 0) FROM gone) WHERE part = 'history'"

static void drop(struct history_postgres *h, int64_t id, int64_t bytes, int64_t start_us)
{
	store_postgres_values_clear(&h->values);
	store_postgres_add_number(&h->values, id);
	store_postgres_add_number(&h->values, bytes);
	store_postgres_add_number(&h->values, start_us);
	int status = take_turn(h);
	if (status == 0)
		status = store_postgres_number(&h->db, DROP, &h->values, &id);
	/* Left open, it would be rolled back by the next begin, seconds later. */
	if (store_postgres_is_connected(&h->db))
		(void)store_postgres_run(&h->db, status == 0 ? "COMMIT" : "ROLLBACK");
}

static void keep_limits(struct history_postgres *h, const struct store_history_limits *limits, int64_t now_us)
{
	struct extent extent;
	int64_t size = limits->size_bytes > INT64_MAX ? INT64_MAX : (int64_t)limits->size_bytes;
	int64_t oldest_us = limits->age_s ? now_us - limits->age_s * 1000000 : INT64_MIN;
	if (extent_of(h, &extent) < 0)
		return;
	bool too_large = size && extent.bytes > size;
	bool too_many = limits->searches && extent.last - extent.first >= (int64_t)limits->searches;
	bool too_old = limits->age_s && extent.last && extent.start_us < oldest_us;
	if (too_large || too_many || too_old)
		drop(h, limits->searches ? extent.last - (int64_t)limits->searches : 0,
			too_large ? extent.bytes - size + size / SHRINK_PART : 0, oldest_us);
}

static int end_batch(struct history_postgres *h)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "UPDATE fedge_store SET bytes = bytes + %lld WHERE part = 'history'",
		(long long)h->bytes_added);
	int status = store_postgres_run(&h->db, sql);
	if (status < 0)
		return status;
	status = store_postgres_run(&h->db, "COMMIT");
	if (status < 0 && !store_postgres_is_connected(&h->db))
		memcpy(h->doubtful, h->transaction, sizeof(h->doubtful));
	return status;
}

static int commit(void *store, const struct store_history_limits *limits, int64_t now_us)
{
	struct history_postgres *h = store;
	if (!h->in_batch)
		return -ECANCELED;
	h->in_batch = false;
	int status = h->is_there ? 0 : end_batch(h);
	if (status == 0)
		keep_limits(h, limits, now_us);
	return status;
}

/* ---- reading ---- */

#define CALL                                                                                                           \
	" AND (call_id = $1 OR serial = $1 OR tag = $1 OR tag IN (SELECT tag FROM fedge_search WHERE tag <> '' AND "   \
	"(call_id = $1 OR serial = $1)))"

static int append_query(struct buffer *sql, const struct store_history_query *query)
{
	buffer_append_text(sql, "SELECT " HISTORY_COLUMNS);
	if (query->with_steps)
		buffer_append_text(sql, ", steps");
	buffer_append_text(sql, " FROM fedge_search WHERE true");
	if (query->since_us)
		buffer_printf(sql, " AND start_us >= %lld", (long long)query->since_us);
	if (query->until_us)
		buffer_printf(sql, " AND start_us <= %lld", (long long)query->until_us);
	if (query->id)
		buffer_printf(sql, " AND id = %llu", (unsigned long long)query->id);
	if (query->above_id)
		buffer_printf(sql, " AND id > %llu", (unsigned long long)query->above_id);
	if (query->failed)
		buffer_append_text(sql, " AND ended <> 0 AND found = 0");
	if (!query->events && !query->id)
		buffer_append_text(sql, " AND kind = 0");
	if (query->call.length)
		buffer_append_text(sql, CALL);
	return buffer_printf(sql, " ORDER BY id %s", query->oldest_first ? "ASC" : "DESC");
}

struct finding_rows {
	struct history_postgres *store;
	bool with_steps;
	bool (*visit)(void *argument, const struct store_history_row *row);
	void *argument;
	int status;
};

static bool visit_row(void *argument, const struct pg_result *result)
{
	struct finding_rows *f = argument;
	struct store_postgres_row from;
	if (store_postgres_row(&from, result, 0, &f->store->room) < 0) {
		f->status = store_postgres_refuse(&f->store->db, EMSGSIZE, "a row of it is too long");
		return false;
	}
	struct store_history_row row = { .id = (uint64_t)store_postgres_next_number(&from) };
#define X(name) row.name = (__typeof__(row.name))store_postgres_next_number(&from);
	HISTORY_NUMBERS(X)
#undef X
#define X(name) row.name = store_postgres_next_text(&from);
	STORE_HISTORY_TEXTS(X)
#undef X
	if (f->with_steps)
		row.steps = store_postgres_next_plain(&from);
	return f->visit(f->argument, &row);
}

static int find(void *store, const struct store_history_query *query,
	bool (*visit)(void *argument, const struct store_history_row *row), void *argument)
{
	struct history_postgres *h = store;
	struct finding_rows f = { .store = h, .with_steps = query->with_steps, .visit = visit, .argument = argument };
	struct buffer sql;
	int status = store_postgres_ready(&h->db);
	if (status < 0)
		return status;
	buffer_init(&sql, 16384);
	store_postgres_values_clear(&h->values);
	if (query->call.length)
		store_postgres_add_text(&h->values, query->call);
	status = append_query(&sql, query);
	if (status == 0)
		status = store_postgres_each(&h->db, sql.at, &h->values, visit_row, &f);
	buffer_done(&sql);
	return status < 0 ? status : f.status;
}

static int size_of(void *store, struct store_history_size *ret_size)
{
	struct history_postgres *h = store;
	struct extent extent = { .bytes = 0 };
	int status = store_postgres_ready(&h->db);
	if (status == 0)
		status = extent_of(h, &extent);
	*ret_size = (struct store_history_size){ .bytes = (uint64_t)(extent.bytes > 0 ? extent.bytes : 0),
		.rows = (uint64_t)(extent.last - extent.first + 1),
		.newest_id = (uint64_t)extent.last };
	return status;
}

const struct store_history_backend store_history_postgres = {
	.open = open_it,
	.close = close_it,
	.begin = begin,
	.put = put,
	.commit = commit,
	.find = find,
	.size = size_of,
	.error = error_of,
	.bytes = sizeof(struct history_postgres),
};
