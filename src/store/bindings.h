/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_STORE_BINDINGS_H
#define FEDGE_STORE_BINDINGS_H
/* Registrations on disk, so that a restart need not wait for every phone to come again: an SQLite file, or a table in a
 * PostgreSQL database (store/address.h), with a row for each binding. It knows no SIP: what is put comes back as it
 * was. Used by one thread at a time; blocks on the disk or the network, so never by one that handles messages
 * (registrar/keeper.h has a thread for it).
 *
 * Whoever opens a file holds it for himself until he closes it: two nodes that kept their registrations in one file
 * would take away each other's. In a database each node has its own, by its name, and holds those. */
#include "base/span.h"

#define STORE_BINDINGS_TEXTS(X)                                                                                        \
	X(contact)                                                                                                     \
	X(parameters)                                                                                                  \
	X(call_id)                                                                                                     \
	X(path)                                                                                                        \
	X(agent)                                                                                                       \
	X(instance)                                                                                                    \
	X(received)                                                                                                    \
	X(transport)                                                                                                   \
	X(user)
#define STORE_BINDINGS_NUMBERS(X)                                                                                      \
	X(registered_us)                                                                                               \
	X(refreshed_us)                                                                                                \
	X(expires_us)                                                                                                  \
	X(cseq)                                                                                                        \
	X(reg_id)                                                                                                      \
	X(q)                                                                                                           \
	X(outbound)                                                                                                    \
	X(direct)

/* Absent and empty texts come back as absent ones. Times are microseconds since 1970. */
struct store_binding {
	struct span aor;
#define X(name) struct span name;
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name) int64_t name;
	STORE_BINDINGS_NUMBERS(X)
#undef X
};

struct store_bindings;
#define STORE_BINDINGS_ERROR_SIZE 256

/* 0, or a negative errno and one line with the file's name or the database's address: -EBADMSG damaged or no SQLite
 * file, -EMEDIUMTYPE a file of something else, -ENOTSUP of a newer version, -EBUSY another program has it, -ENOTCONN
 * the database cannot be reached, -EACCES it does not let us in, -EINVAL no address … */
int store_bindings_open(const char *address, struct span node, struct store_bindings **ret_store,
	char reterr_text[STORE_BINDINGS_ERROR_SIZE]);
void store_bindings_close(struct store_bindings *store); /* NULL is accepted */
/* One line about the last failure. */
const char *store_bindings_error(const struct store_bindings *store);

/* All rows; what visit is given lives for the call. It stops where visit returns false. */
int store_bindings_each(struct store_bindings *store,
	bool (*visit)(void *argument, const struct store_binding *binding), void *argument);

/* A batch is kept whole or not at all: begin, replace for each address of record, commit. After a failure nothing of
 * it is kept for certain, and the next begin starts anew (a database may have kept a batch although its commit was
 * never answered: putting it again is no harm). */
int store_bindings_begin(struct store_bindings *store);
/* These are all the bindings of the address of record now; their aor is not looked at. */
int store_bindings_replace(
	struct store_bindings *store, struct span aor, const struct store_binding *bindings, size_t count);
int store_bindings_commit(struct store_bindings *store);
#endif
