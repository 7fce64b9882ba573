/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_REGISTRY_H
#define FEDGE_EDGE_REGISTRY_H
/* What all workers share of the registrar: who is registered, which nonces were used, who asks too much. Made by the
 * node before its workers, gone after them. It is there on every node (a reload may bring users or a registrar); only
 * the store of bindings is opened for good at the start. */
#include "config/node.h"
#include "record/sink.h"
#include "registrar/guard.h"
#include "registrar/keeper.h"
#include "registrar/location.h"
#include "registrar/nonce.h"
#include "registrar/users.h"

struct edge_registry {
	struct clock clock;
	struct registrar_location *location;
	struct registrar_nonces *nonces;
	struct registrar_guard *guard;
	struct registrar_keeper *keeper; /* NULL: bindings are kept in memory only */
	bool is_reloaded; /* since the last tick */
	bool has_told; /* these two: what edge_registry_tick said last */
	bool was_failing;
};

#define EDGE_REGISTRY_ERROR_SIZE 1024
/* key: what it marks is known again after a restart with the same key. Its nonces are not: which of them were used is
 * known to this process alone. Negative errno and one line ("/var/lib/fedge/bindings.db: it is damaged; move it away to
 * begin anew"). */
int edge_registry_new(const struct config_node *config, const struct clock *clock, const struct hash_key *key,
	struct random *random, struct edge_registry **ret_registry, char reterr_text[EDGE_REGISTRY_ERROR_SIZE]);
/* Writes down what is left. NULL is accepted; returns NULL. */
struct edge_registry *edge_registry_free(struct edge_registry *registry);
/* The node has another configuration, or its first one: bindings of users, addresses and domains that it does not have
 * any more go (they may have been in the store), each is recorded. users: of that configuration; they are asked once
 * more at the next tick, when no worker grants by the configuration of before. */
void edge_registry_reloaded(struct edge_registry *registry, const struct config_node *config,
	const struct registrar_users *users, const struct record_sink *sink);
/* Once a second, by one thread: what has expired goes and is recorded; a file that cannot be written is told. */
#define EDGE_REGISTRY_TICK_US (INT64_C(1000000))
void edge_registry_tick(struct edge_registry *registry, const struct config_node *config,
	const struct registrar_users *users, const struct record_sink *sink);

/* The users of a configuration; *ret_users stays NULL where there is neither a registrar nor a user. 0 or -ENOMEM. */
int edge_registry_users(const struct config_node *config, struct registrar_users **ret_users);
#endif
