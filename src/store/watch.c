/* SPDX-License-Identifier: Apache-2.0 */
#include "store/watch.h"

#include "base/require.h"
#include "store/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_US (INT64_C(86400) * 1000000)

/* docs/formats.md describes every column. */
static const char *const steps[] = {
	"CREATE TABLE state ("
	"domain TEXT NOT NULL, policy TEXT NOT NULL, examined_us INTEGER NOT NULL, decided_us INTEGER NOT NULL,"
	"undecided INTEGER NOT NULL, verdict TEXT NOT NULL, finding TEXT NOT NULL, findings TEXT NOT NULL,"
	"targets TEXT NOT NULL, certificates TEXT NOT NULL, expires_s INTEGER NOT NULL,"
	"PRIMARY KEY (domain, policy)) WITHOUT ROWID;"
	"CREATE TABLE change ("
	"id INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, domain TEXT NOT NULL, policy TEXT NOT NULL,"
	"what TEXT NOT NULL, was TEXT NOT NULL, became TEXT NOT NULL, finding TEXT NOT NULL);"
	"CREATE INDEX change_by_domain ON change (domain, id);"
	"CREATE INDEX change_by_time ON change (at_us);",
};

enum statement {
	GET,
	PUT,
	ADD,
	DROP_OLD,
	DROP_MANY,
	EACH,
	EACH_OF_DOMAIN,
	STATEMENT_COUNT,
};

static const char *const texts[STATEMENT_COUNT] = {
	[GET] = "SELECT examined_us, decided_us, undecided, verdict, finding, findings, targets, certificates, "
		"expires_s FROM state WHERE domain = ?1 AND policy = ?2",
	[PUT] = "REPLACE INTO state (domain, policy, examined_us, decided_us, undecided, verdict, finding, findings, "
		"targets, certificates, expires_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[ADD] = "INSERT INTO change (at_us, domain, policy, what, was, became, finding) "
		"VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	[DROP_OLD] = "DELETE FROM change WHERE at_us < ?1",
	[DROP_MANY] = "DELETE FROM change WHERE id <= (SELECT max(id) FROM change) - ?1",
	[EACH] = "SELECT at_us, domain, policy, what, was, became, finding FROM change ORDER BY id DESC",
	[EACH_OF_DOMAIN] = "SELECT at_us, domain, policy, what, was, became, finding FROM change WHERE domain = ?1 "
			   "ORDER BY id DESC",
};

static const struct store_sqlite_kind watch_kind = {
	.application_id = 0x66647761, /* "fdwa" */
	.version = BASE_COUNT(steps),
	.steps = steps,
	.statements = texts,
	.statement_count = BASE_COUNT(texts),
};

struct store_watch {
	struct store_sqlite db;
	bool in_round;
	int64_t newest_us; /* of what was put and added in this round */
};

int store_watch_open(const char *path, struct store_watch **ret_store, char reterr_text[STORE_WATCH_ERROR_SIZE])
{
	struct store_watch *store = calloc(1, sizeof(*store));
	if (!store) {
		snprintf(reterr_text, STORE_WATCH_ERROR_SIZE, "%.120s: no memory", path);
		return -ENOMEM;
	}
	int status = store_sqlite_open(&store->db, path, &watch_kind);
	if (status == 0) {
		*ret_store = store;
		return 0;
	}
	snprintf(reterr_text, STORE_WATCH_ERROR_SIZE, "%s", store->db.error);
	store_watch_close(store);
	return status;
}

void store_watch_close(struct store_watch *store)
{
	if (!store)
		return;
	store_sqlite_close(&store->db);
	free(store);
}

const char *store_watch_error(const struct store_watch *store)
{
	return store->db.error;
}

/* The row that store_watch_get gave is valid until here. */
static void let_go(struct store_watch *store)
{
	sqlite3_reset(store->db.statements[GET]);
}

static void roll_back(struct store_watch *store)
{
	let_go(store);
	store_sqlite_roll_back(&store->db);
	store->in_round = false;
}

int store_watch_begin(struct store_watch *store)
{
	roll_back(store);
	int status = store_sqlite_run(&store->db, "BEGIN IMMEDIATE");
	store->in_round = status == 0;
	store->newest_us = INT64_MIN;
	return status;
}

/* Without this, what follows a rollback by the library itself would be kept piece by piece. */
static int require_round(struct store_watch *store)
{
	if (store->in_round && !sqlite3_get_autocommit(store->db.handle))
		return 0;
	if (store->db.error[0] == '\0')
		snprintf(store->db.error, sizeof(store->db.error), "%.120s: no round was begun", store->db.path);
	return -ECANCELED;
}

static void note_time(struct store_watch *store, int64_t at_us)
{
	if (at_us > store->newest_us)
		store->newest_us = at_us;
}

int store_watch_get(
	struct store_watch *store, struct span domain, struct span policy, struct store_watch_state *ret_state)
{
	sqlite3_stmt *s = store->db.statements[GET];
	let_go(store);
	store_sqlite_bind(s, 1, domain);
	store_sqlite_bind(s, 2, policy);
	int result = sqlite3_step(s);
	if (result != SQLITE_ROW) {
		let_go(store);
		return result == SQLITE_DONE ? 0 : store_sqlite_fail(&store->db, result);
	}
	*ret_state = (struct store_watch_state){
		.domain = domain,
		.policy = policy,
		.examined_us = sqlite3_column_int64(s, 0),
		.decided_us = sqlite3_column_int64(s, 1),
		.undecided = (uint32_t)sqlite3_column_int64(s, 2),
		.verdict = store_sqlite_column(s, 3),
		.finding = store_sqlite_column(s, 4),
		.findings = store_sqlite_column(s, 5),
		.targets = store_sqlite_column(s, 6),
		.certificates = store_sqlite_column(s, 7),
		.expires_s = sqlite3_column_int64(s, 8),
	};
	return 1;
}

int store_watch_put(struct store_watch *store, const struct store_watch_state *state)
{
	sqlite3_stmt *s = store->db.statements[PUT];
	int status = require_round(store);
	if (status < 0)
		return status;
	const struct span columns[] = { state->verdict, state->finding, state->findings, state->targets,
		state->certificates };
	store_sqlite_bind(s, 1, state->domain);
	store_sqlite_bind(s, 2, state->policy);
	sqlite3_bind_int64(s, 3, state->examined_us);
	sqlite3_bind_int64(s, 4, state->decided_us);
	sqlite3_bind_int64(s, 5, state->undecided);
	for (int i = 0; i < (int)BASE_COUNT(columns); i++)
		store_sqlite_bind(s, 6 + i, columns[i]);
	sqlite3_bind_int64(s, 11, state->expires_s);
	note_time(store, state->examined_us);
	status = store_sqlite_finish(&store->db, s);
	let_go(store); /* not before: the texts may be those that get gave */
	return status;
}

int store_watch_add_change(struct store_watch *store, const struct store_watch_change *change)
{
	sqlite3_stmt *s = store->db.statements[ADD];
	int status = require_round(store);
	if (status < 0)
		return status;
	const struct span columns[] = { change->domain, change->policy, change->what, change->before, change->after,
		change->finding };
	sqlite3_bind_int64(s, 1, change->at_us);
	for (int i = 0; i < (int)BASE_COUNT(columns); i++)
		store_sqlite_bind(s, 2 + i, columns[i]);
	note_time(store, change->at_us);
	return store_sqlite_finish(&store->db, s); /* what get gave stays: put comes after it */
}

static int drop_old(struct store_watch *store, unsigned keep_days)
{
	sqlite3_bind_int64(store->db.statements[DROP_MANY], 1, STORE_WATCH_CHANGES_MAXIMUM);
	int status = store_sqlite_finish(&store->db, store->db.statements[DROP_MANY]);
	if (status < 0 || keep_days == 0 || store->newest_us == INT64_MIN)
		return status;
	sqlite3_bind_int64(store->db.statements[DROP_OLD], 1, store->newest_us - (int64_t)keep_days * DAY_US);
	return store_sqlite_finish(&store->db, store->db.statements[DROP_OLD]);
}

int store_watch_commit(struct store_watch *store, unsigned keep_days)
{
	int status = require_round(store);
	let_go(store);
	if (status == 0)
		status = drop_old(store, keep_days);
	if (status == 0)
		status = store_sqlite_run(&store->db, "COMMIT");
	if (status < 0)
		roll_back(store);
	store->in_round = false;
	return status;
}

int store_watch_each_change(struct store_watch *store, struct span domain,
	bool (*visit)(void *argument, const struct store_watch_change *change), void *argument)
{
	sqlite3_stmt *s = store->db.statements[domain.at ? EACH_OF_DOMAIN : EACH];
	int result;
	let_go(store);
	if (domain.at)
		store_sqlite_bind(s, 1, domain);
	while ((result = sqlite3_step(s)) == SQLITE_ROW) {
		struct store_watch_change change = {
			.at_us = sqlite3_column_int64(s, 0),
			.domain = store_sqlite_column(s, 1),
			.policy = store_sqlite_column(s, 2),
			.what = store_sqlite_column(s, 3),
			.before = store_sqlite_column(s, 4),
			.after = store_sqlite_column(s, 5),
			.finding = store_sqlite_column(s, 6),
		};
		if (!visit(argument, &change))
			break;
	}
	int status = result == SQLITE_ROW || result == SQLITE_DONE ? 0 : store_sqlite_fail(&store->db, result);
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return status;
}
