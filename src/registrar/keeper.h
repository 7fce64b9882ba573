/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_REGISTRAR_KEEPER_H
#define FEDGE_REGISTRAR_KEEPER_H
/* Writes down who is registered (store/bindings.h) by a thread of its own: what changed is in the file at the latest
 * 200 ms later, as far as the disk goes along, many changes in one batch. Nobody waits for it. A crash loses what was
 * not written yet; registrar_keeper_stop writes all. Where the disk fails or the database is away, what changed is kept
 * in mind (which addresses of record, not each change) and tried again each second.
 *
 * What is read at the start has no flow: a binding by UDP, or with a Contact that listens, is reached as before; one
 * that lives by its phone's own connection is reached when the phone has registered again. */
#include "base/clock.h"
#include "registrar/location.h"

struct registrar_keeper;
#define REGISTRAR_KEEPER_ERROR_SIZE 256

/* Opens the store (a file's path or a database's address; node: whose registrations), puts what has not expired into
 * the table, starts the thread. Negative errno with one line that names the store: also where a database cannot be
 * reached, since a node that does not know its phones would tell callers that they are gone. */
int registrar_keeper_start(const char *address, struct span node, const struct clock *clock,
	struct registrar_location *location, struct registrar_keeper **ret_keeper,
	char reterr_text[REGISTRAR_KEEPER_ERROR_SIZE]);
/* Writes what is left and ends. NULL is accepted; returns NULL. */
struct registrar_keeper *registrar_keeper_stop(struct registrar_keeper *keeper);

struct registrar_keeper_status {
	uint64_t batches;
	uint64_t failures; /* of batches, ever */
	bool is_failing; /* the last one failed */
	size_t restored; /* at the start */
	size_t not_restored; /* beyond the maximum */
	char error[REGISTRAR_KEEPER_ERROR_SIZE]; /* of the last failure; "" */
};
void registrar_keeper_status(struct registrar_keeper *keeper, struct registrar_keeper_status *ret_status);
#endif
