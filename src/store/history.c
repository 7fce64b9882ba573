/* SPDX-License-Identifier: Apache-2.0 */
#include "store/history.h"

#include "store/address.h"
#include "store/history_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct store_history {
	const struct store_history_backend *backend;
	void *store;
};

static const struct store_history_backend *backend_of(const char *store)
{
	return store_address_is_postgres(span_of(store)) ? &store_history_postgres : &store_history_sqlite;
}

static int open_it(
	const char *name, bool writes, struct store_history **ret_store, char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	const struct store_history_backend *backend = backend_of(name);
	struct store_history *store = calloc(1, sizeof(*store));
	if (store)
		store->store = calloc(1, backend->bytes);
	if (!store || !store->store) {
		snprintf(reterr_text, STORE_HISTORY_ERROR_SIZE, "no memory");
		free(store);
		return -ENOMEM;
	}
	store->backend = backend;
	int status = backend->open(store->store, name, writes);
	if (status >= 0)
		*ret_store = store;
	if (status != 0)
		snprintf(reterr_text, STORE_HISTORY_ERROR_SIZE, "%s", backend->error(store->store));
	if (status < 0)
		store_history_close(store);
	return status;
}

int store_history_open(const char *name, struct store_history **ret_store, char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	return open_it(name, true, ret_store, reterr_text);
}

int store_history_open_reader(
	const char *name, struct store_history **ret_store, char reterr_text[STORE_HISTORY_ERROR_SIZE])
{
	return open_it(name, false, ret_store, reterr_text);
}

void store_history_close(struct store_history *store)
{
	if (!store)
		return;
	store->backend->close(store->store);
	free(store->store);
	free(store);
}

const char *store_history_error(const struct store_history *store)
{
	return store->backend->error(store->store);
}

int store_history_begin(struct store_history *store)
{
	return store->backend->begin(store->store);
}

int store_history_put(struct store_history *store, const struct store_history_row *row)
{
	return store->backend->put(store->store, row);
}

int store_history_commit(struct store_history *store, const struct store_history_limits *limits, int64_t now_us)
{
	return store->backend->commit(store->store, limits, now_us);
}

int store_history_find(struct store_history *store, const struct store_history_query *query,
	bool (*visit)(void *argument, const struct store_history_row *row), void *argument)
{
	return store->backend->find(store->store, query, visit, argument);
}

int store_history_size(struct store_history *store, struct store_history_size *ret_size)
{
	return store->backend->size(store->store, ret_size);
}
