/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "store/history_private.h"
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>

/* A file of this size is read through in about a tenth of a second. */
#define CHECK_MAXIMUM ((uint64_t)32 << 20)
/* Of the rows, when the file is too large: so that it is not done for every batch. */
#define SHRINK_PART 16
#define VACUUM_ROWS 1000
#define VACUUM "PRAGMA incremental_vacuum(2000)"

/* docs/formats.md describes every column. */
static const char *const steps[] = {
	"CREATE TABLE search ("
	"id INTEGER PRIMARY KEY AUTOINCREMENT, start_us INTEGER NOT NULL, duration_us INTEGER NOT NULL,"
	"kind INTEGER NOT NULL, status INTEGER NOT NULL, steps_cut INTEGER NOT NULL, texts_cut INTEGER NOT NULL,"
	"ended INTEGER NOT NULL, found INTEGER NOT NULL, authenticated INTEGER NOT NULL,"
	"node TEXT NOT NULL, serial TEXT UNIQUE, tag TEXT NOT NULL, call_id TEXT NOT NULL, method TEXT NOT NULL,"
	"state TEXT NOT NULL, source TEXT NOT NULL, destination TEXT NOT NULL, zone TEXT NOT NULL,"
	"remote TEXT NOT NULL, variant TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,"
	"finding TEXT NOT NULL, steps TEXT NOT NULL);"
	"CREATE INDEX search_by_start ON search (start_us);"
	"CREATE INDEX search_by_call ON search (call_id) WHERE call_id <> '';"
	"CREATE INDEX search_by_tag ON search (tag) WHERE tag <> '';",
};

enum statement { PUT, DROP_OLD, DROP_MANY, DROP_PART, WRITER_COUNT };

#define MARK(name) ", ?"
#define SET(name) ", " #name " = excluded." #name
static const char *const texts[WRITER_COUNT] = {
	[PUT] = "INSERT INTO search (" HISTORY_COLUMNS ", steps) VALUES (NULL" HISTORY_NUMBERS(MARK)
		STORE_HISTORY_TEXTS(
			MARK) ", ?) ON CONFLICT (serial) DO UPDATE SET steps = excluded.steps" HISTORY_NUMBERS(SET)
			STORE_HISTORY_TEXTS(SET),
	[DROP_OLD] = "DELETE FROM search WHERE start_us < ?1",
	[DROP_MANY] = "DELETE FROM search WHERE id <= (SELECT max(id) FROM search) - ?1",
	[DROP_PART] = "DELETE FROM search WHERE id <= (SELECT min(id) + (max(id) - min(id)) / ?1 FROM search)",
};

static const struct store_sqlite_kind history_kind = {
	.application_id = 0x66646869, /* "fdhi" */
	.version = BASE_COUNT(steps),
	.steps = steps,
	.statements = texts,
	.statement_count = BASE_COUNT(texts),
	/* Only a file without tables can be told so. */
	.prepare = "PRAGMA auto_vacuum = INCREMENTAL",
	.check_maximum = CHECK_MAXIMUM,
};

struct history_sqlite {
	struct store_sqlite db;
	bool in_batch;
};

static int open_it(void *store, const char *name, bool writes)
{
	struct history_sqlite *h = store;
	return writes ? store_sqlite_open(&h->db, name, &history_kind)
		      : store_sqlite_open_reader(&h->db, name, &history_kind);
}

static void close_it(void *store)
{
	struct history_sqlite *h = store;
	store_sqlite_close(&h->db);
}

static const char *error_of(const void *store)
{
	return ((const struct history_sqlite *)store)->db.error;
}

/* ---- writing ---- */

static void roll_back(struct history_sqlite *h)
{
	store_sqlite_roll_back(&h->db);
	h->in_batch = false;
}

static int begin(void *store)
{
	struct history_sqlite *h = store;
	roll_back(h);
	int status = store_sqlite_run(&h->db, "BEGIN IMMEDIATE");
	h->in_batch = status == 0;
	return status;
}

static int fail(struct history_sqlite *h, int status)
{
	roll_back(h);
	return status;
}

/* Rows without a serial are no rivals of each other. */
static void bind_text(sqlite3_stmt *s, int index, struct span text, bool may_be_null)
{
	if (may_be_null && text.length == 0)
		sqlite3_bind_null(s, index);
	else
		store_sqlite_bind(s, index, text);
}

static int put(void *store, const struct store_history_row *row)
{
	struct history_sqlite *h = store;
	sqlite3_stmt *s = h->db.statements[PUT];
	int index = 0;
	if (!h->in_batch)
		return -ECANCELED;
#define BIND(name) sqlite3_bind_int64(s, ++index, (sqlite3_int64)row->name);
	HISTORY_NUMBERS(BIND)
#undef BIND
#define BIND(name) bind_text(s, ++index, row->name, &row->name == &row->serial);
	STORE_HISTORY_TEXTS(BIND)
#undef BIND
	store_sqlite_bind(s, ++index, row->steps);
	int status = store_sqlite_finish(&h->db, s);
	return status < 0 ? fail(h, status) : 0;
}

static int pages_used(struct history_sqlite *h, int64_t *ret_bytes)
{
	int64_t size = 0, count = 0, unused = 0;
	int status = store_sqlite_number(&h->db, "PRAGMA page_size", &size);
	if (status == 0)
		status = store_sqlite_number(&h->db, "PRAGMA page_count", &count);
	if (status == 0)
		status = store_sqlite_number(&h->db, "PRAGMA freelist_count", &unused);
	*ret_bytes = size * (count - unused);
	return status;
}

static int drop(struct history_sqlite *h, enum statement statement, int64_t number)
{
	sqlite3_bind_int64(h->db.statements[statement], 1, number);
	return store_sqlite_finish(&h->db, h->db.statements[statement]);
}

static bool is_too_large(struct history_sqlite *h, uint64_t size_bytes)
{
	int64_t used = 0;
	return size_bytes && pages_used(h, &used) == 0 && (uint64_t)used > size_bytes;
}

/* In transactions of their own: what was committed stays, whatever happens here. */
static void keep_limits(struct history_sqlite *h, const struct store_history_limits *limits, int64_t now_us)
{
	int64_t before = sqlite3_total_changes64(h->db.handle);
	bool shrunk = false;
	if (limits->searches)
		(void)drop(h, DROP_MANY, limits->searches);
	if (limits->age_s)
		(void)drop(h, DROP_OLD, now_us - limits->age_s * 1000000);
	for (int i = 0; i < SHRINK_PART && is_too_large(h, limits->size_bytes); i++) {
		shrunk = true;
		if (drop(h, DROP_PART, SHRINK_PART) < 0)
			break;
	}
	if (shrunk || sqlite3_total_changes64(h->db.handle) - before > VACUUM_ROWS)
		(void)store_sqlite_run(&h->db, VACUUM);
}

static int commit(void *store, const struct store_history_limits *limits, int64_t now_us)
{
	struct history_sqlite *h = store;
	if (!h->in_batch || sqlite3_get_autocommit(h->db.handle))
		return -ECANCELED;
	int status = store_sqlite_run(&h->db, "COMMIT");
	if (status < 0)
		return fail(h, status);
	h->in_batch = false;
	keep_limits(h, limits, now_us);
	return 0;
}

/* ---- reading ---- */

#define CALL                                                                                                           \
	" AND (call_id = ?5 OR serial = ?5 OR tag = ?5 OR tag IN (SELECT tag FROM search WHERE tag <> '' AND "         \
	"(call_id = ?5 OR serial = ?5)))"

static void append_query(char *sql, size_t capacity, const struct store_history_query *query)
{
	snprintf(sql, capacity,
		"SELECT " HISTORY_COLUMNS "%s FROM search WHERE 1%s%s%s%s%s%s "
		"ORDER BY id %s",
		query->with_steps ? ", steps" : "",
		query->since_us || query->until_us ? " AND start_us BETWEEN ?1 AND ?2" : "",
		query->id ? " AND id = ?3" : "", query->above_id ? " AND id > ?4" : "", query->call.length ? CALL : "",
		query->failed ? " AND ended AND NOT found" : "", query->events || query->id ? "" : " AND kind = 0",
		query->oldest_first ? "ASC" : "DESC");
}

static void bind_query(sqlite3_stmt *s, const struct store_history_query *query)
{
	sqlite3_bind_int64(s, 1, query->since_us);
	sqlite3_bind_int64(s, 2, query->until_us ? query->until_us : INT64_MAX);
	if (query->id)
		sqlite3_bind_int64(s, 3, (sqlite3_int64)query->id);
	if (query->above_id)
		sqlite3_bind_int64(s, 4, (sqlite3_int64)query->above_id);
	if (query->call.length)
		store_sqlite_bind(s, 5, query->call);
}

/* Numbers are what some program wrote into the file: taken as their type has room. */
static void read_row(sqlite3_stmt *s, bool with_steps, struct store_history_row *row)
{
	int index = 0;
	*row = (struct store_history_row){ .id = (uint64_t)sqlite3_column_int64(s, index) };
#define READ(name) row->name = (__typeof__(row->name))sqlite3_column_int64(s, ++index);
	HISTORY_NUMBERS(READ)
#undef READ
#define READ(name) row->name = store_sqlite_column(s, ++index);
	STORE_HISTORY_TEXTS(READ)
#undef READ
	if (with_steps)
		row->steps = store_sqlite_column(s, ++index);
}

static int find(void *store, const struct store_history_query *query,
	bool (*visit)(void *argument, const struct store_history_row *row), void *argument)
{
	struct history_sqlite *h = store;
	char sql[1024];
	sqlite3_stmt *s = NULL;
	append_query(sql, sizeof(sql), query);
	int result = sqlite3_prepare_v2(h->db.handle, sql, -1, &s, NULL);
	if (result == SQLITE_OK) {
		bind_query(s, query);
		while ((result = sqlite3_step(s)) == SQLITE_ROW) {
			struct store_history_row row;
			read_row(s, query->with_steps, &row);
			if (!visit(argument, &row))
				break;
		}
	}
	int status = result == SQLITE_ROW || result == SQLITE_DONE ? 0 : store_sqlite_fail(&h->db, result);
	sqlite3_finalize(s);
	return status;
}

static int size_of(void *store, struct store_history_size *ret_size)
{
	struct history_sqlite *h = store;
	int64_t size = 0, count = 0, first = 0, last = 0;
	int status = store_sqlite_number(&h->db, "PRAGMA page_size", &size);
	if (status == 0)
		status = store_sqlite_number(&h->db, "PRAGMA page_count", &count);
	if (status == 0)
		status = store_sqlite_number(&h->db, "SELECT coalesce(min(id), 1) FROM search", &first);
	if (status == 0)
		status = store_sqlite_number(&h->db, "SELECT coalesce(max(id), 0) FROM search", &last);
	*ret_size = (struct store_history_size){
		.bytes = (uint64_t)(size * count), .rows = (uint64_t)(last - first + 1), .newest_id = (uint64_t)last
	};
	return status;
}

const struct store_history_backend store_history_sqlite = {
	.open = open_it,
	.close = close_it,
	.begin = begin,
	.put = put,
	.commit = commit,
	.find = find,
	.size = size_of,
	.error = error_of,
	.bytes = sizeof(struct history_sqlite),
};
