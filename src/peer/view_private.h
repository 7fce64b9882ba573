/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PEER_VIEW_PRIVATE_H
#define FEDGE_PEER_VIEW_PRIVATE_H
/* A worker's view from inside, for this folder. Names given here are folded. */
#include "peer/entry.h"
#include "peer/view.h"

struct peer_view {
	struct peer_view_settings settings;
	struct clock clock;
	struct peer_cache *cache;
	uint64_t epoch; /* of the cache, when the small tables were last emptied */
	struct hash_table known[PEER_KIND_COUNT]; /* struct remembered: what this worker has seen, without lock */
	struct hash_table running; /* struct peer_lookup */
	struct list lookups; /* the same, to be walked */
};

/* A reference of the caller's: from the small table, else from the shared one. */
struct peer_entry *peer_view_find_leaf(struct peer_view *view, struct x509_st *leaf, bool server, uint64_t hash);
/* Remembers it in the small table; takes a reference of its own. */
void peer_view_keep(struct peer_view *view, struct peer_entry *entry, uint64_t hash);
void peer_view_forget(struct peer_view *view, struct peer_entry *entry, uint64_t hash);

/* ---- questions under way ---- */
struct peer_ask {
	struct list link;
	struct peer_found found;
};

struct peer_lookup;
/* The one for that name, started where there is none. 0, or a negative errno of the resolver. */
int peer_lookup_join(struct peer_view *view, enum peer_kind kind, struct span name, uint16_t port,
	const struct peer_found *found, struct peer_ask **ret_ask);
/* Cancels all; nobody is called. */
void peer_lookup_free_all(struct peer_view *view);
#endif
