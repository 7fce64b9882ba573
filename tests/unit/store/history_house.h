/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_STORE_HISTORY_HOUSE_H
#define FEDGE_TESTS_STORE_HISTORY_HOUSE_H
/* A search history that a test may do anything to: a file in a folder of its own, or the tables of a server. */
#include "store/history.h"
#include "unit/scratch.h"
#include "unit/store/postgres_server.h"

#define SECOND_US INT64_C(1000000)

struct house {
	const struct postgres_server *server; /* NULL: it is a file */
	char folder[SCRATCH_SIZE];
	char path[160]; /* or the address */
	char error[STORE_HISTORY_ERROR_SIZE];
	struct store_history *store;
	struct store_history_limits limits;
};

/* *state: the server, or NULL. */
static inline int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	h->server = *state;
	if (scratch_make(h->folder) < 0)
		return -1;
	snprintf(h->path, sizeof(h->path), "%s/history.db", h->folder);
	if (h->server) {
		postgres_sql(h->server, "DROP TABLE IF EXISTS fedge_store, fedge_search, fedge_binding");
		snprintf(h->path, sizeof(h->path), "%s", h->server->address);
	}
	*state = h;
	return 0;
}

static inline int tear_down(void **state)
{
	struct house *h = *state;
	store_history_close(h->store);
	int status = scratch_remove(h->folder);
	free(h);
	return status;
}

static inline void open_store(struct house *h)
{
	int status = store_history_open(h->path, &h->store, h->error);
	if (status < 0)
		fail_msg("not opened: %d, %s", status, h->error);
}

static inline void open_reader(struct house *h)
{
	int status = store_history_open_reader(h->path, &h->store, h->error);
	if (status < 0)
		fail_msg("not opened: %d, %s", status, h->error);
}

static inline void close_store(struct house *h)
{
	store_history_close(h->store);
	h->store = NULL;
}

/* Number n: its serial, its start in seconds. */
static inline int put(struct house *h, unsigned n, const struct store_history_row *like)
{
	char serial[32];
	struct store_history_row row = like ? *like : (struct store_history_row){ .steps = SPAN("[]") };
	int length = snprintf(serial, sizeof(serial), "serial-%u", n);
	if (!row.serial.at && row.kind == 0)
		row.serial = span_make(serial, (size_t)length);
	row.start_us = row.start_us ? row.start_us : (int64_t)n * SECOND_US;
	return store_history_put(h->store, &row);
}

static inline void put_many(struct house *h, unsigned from, unsigned to, const struct store_history_row *like)
{
	assert_int_equal(store_history_begin(h->store), 0);
	for (unsigned n = from; n <= to; n++)
		assert_int_equal(put(h, n, like), 0);
	assert_int_equal(store_history_commit(h->store, &h->limits, (int64_t)to * SECOND_US), 0);
}

struct seen {
	unsigned count;
	int64_t first_us, last_us;
	struct store_history_row row; /* without its texts */
	char texts[1024];
	char source[3000];
	size_t source_length;
	bool stop;
};

static inline bool look(void *argument, const struct store_history_row *row)
{
	struct seen *seen = argument;
	if (seen->count++ == 0)
		seen->first_us = row->start_us;
	seen->last_us = row->start_us;
	seen->row = *row;
	seen->source_length = span_first(row->source, sizeof(seen->source)).length;
	if (seen->source_length)
		memcpy(seen->source, row->source.at, seen->source_length);
	int used = 0;
#define X(name)                                                                                                        \
	used += snprintf(seen->texts + used, sizeof(seen->texts) - (size_t)used, #name "=%.*s;", SPAN_PRINT(row->name));
	STORE_HISTORY_TEXTS(X)
	X(steps)
#undef X
	return !seen->stop;
}

static inline struct seen find(struct house *h, struct store_history_query query)
{
	struct seen seen = { .count = 0 };
	int status = store_history_find(h->store, &query, look, &seen);
	if (status < 0)
		fail_msg("%d: %s", status, store_history_error(h->store));
	return seen;
}

#define ALL ((struct store_history_query){ .events = true })
#endif
