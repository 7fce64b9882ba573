/* SPDX-License-Identifier: Apache-2.0 */
#include "store/bindings.h"

#include "store/address.h"
#include "store/bindings_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct store_bindings {
	const struct store_bindings_backend *backend;
	void *store;
};

int store_bindings_open(const char *address, struct span node, struct store_bindings **ret_store,
	char reterr_text[STORE_BINDINGS_ERROR_SIZE])
{
	const struct store_bindings_backend *backend =
		store_address_is_postgres(span_of(address)) ? &store_bindings_postgres : &store_bindings_sqlite;
	struct store_bindings *store = calloc(1, sizeof(*store));
	if (store)
		store->store = calloc(1, backend->bytes);
	if (!store || !store->store) {
		snprintf(reterr_text, STORE_BINDINGS_ERROR_SIZE, "no memory");
		free(store);
		return -ENOMEM;
	}
	store->backend = backend;
	int status = backend->open(store->store, address, node);
	if (status == 0) {
		*ret_store = store;
		return 0;
	}
	snprintf(reterr_text, STORE_BINDINGS_ERROR_SIZE, "%s", backend->error(store->store));
	store_bindings_close(store);
	return status;
}

void store_bindings_close(struct store_bindings *store)
{
	if (!store)
		return;
	store->backend->close(store->store);
	free(store->store);
	free(store);
}

const char *store_bindings_error(const struct store_bindings *store)
{
	return store->backend->error(store->store);
}

int store_bindings_each(struct store_bindings *store,
	bool (*visit)(void *argument, const struct store_binding *binding), void *argument)
{
	return store->backend->each(store->store, visit, argument);
}

int store_bindings_begin(struct store_bindings *store)
{
	return store->backend->begin(store->store);
}

int store_bindings_replace(
	struct store_bindings *store, struct span aor, const struct store_binding *bindings, size_t count)
{
	return store->backend->replace(store->store, aor, bindings, count);
}

int store_bindings_commit(struct store_bindings *store)
{
	return store->backend->commit(store->store);
}
