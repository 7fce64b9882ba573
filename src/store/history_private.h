/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_HISTORY_PRIVATE_H
#define FEDGE_STORE_HISTORY_PRIVATE_H
/* The two ways to keep a history, behind one table of functions: history_sqlite.c, history_postgres.c. */
#include "store/history.h"

/* Columns of a row but its id, in the order of every statement: numbers first, then texts, steps last. */
#define HISTORY_NUMBERS(X)                                                                                             \
	X(start_us)                                                                                                    \
	X(duration_us)                                                                                                 \
	X(kind)                                                                                                        \
	X(status)                                                                                                      \
	X(steps_cut)                                                                                                   \
	X(texts_cut)                                                                                                   \
	X(ended)                                                                                                       \
	X(found)                                                                                                       \
	X(authenticated)

struct store_history_backend {
	int (*open)(void *store, const char *name, bool writes); /* after a failure: close it */
	void (*close)(void *store);
	int (*begin)(void *store);
	int (*put)(void *store, const struct store_history_row *row);
	int (*commit)(void *store, const struct store_history_limits *limits, int64_t now_us);
	int (*find)(void *store, const struct store_history_query *query,
		bool (*visit)(void *argument, const struct store_history_row *row), void *argument);
	int (*size)(void *store, struct store_history_size *ret_size);
	const char *(*error)(const void *store);
	size_t bytes; /* of the store's own structure */
};
extern const struct store_history_backend store_history_sqlite;
extern const struct store_history_backend store_history_postgres;

#define HISTORY_COLUMN_NAME(name) ", " #name
#define HISTORY_COLUMNS "id" HISTORY_NUMBERS(HISTORY_COLUMN_NAME) STORE_HISTORY_TEXTS(HISTORY_COLUMN_NAME)
#endif
