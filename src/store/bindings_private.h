/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_BINDINGS_PRIVATE_H
#define FEDGE_STORE_BINDINGS_PRIVATE_H
/* The two ways to keep registrations, behind one table of functions: bindings_sqlite.c, bindings_postgres.c. */
#include "store/bindings.h"

struct store_bindings_backend {
	int (*open)(void *store, const char *address, struct span node); /* close it in either case */
	void (*close)(void *store);
	int (*each)(void *store, bool (*visit)(void *argument, const struct store_binding *binding), void *argument);
	int (*begin)(void *store);
	int (*replace)(void *store, struct span aor, const struct store_binding *bindings, size_t count);
	int (*commit)(void *store);
	const char *(*error)(const void *store);
	size_t bytes; /* of the store's own structure */
};
extern const struct store_bindings_backend store_bindings_sqlite;
extern const struct store_bindings_backend store_bindings_postgres;
#endif
