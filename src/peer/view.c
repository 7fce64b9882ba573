/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/view.h"

#include "base/require.h"
#include "net/resolver.h"
#include "peer/view_private.h"
#include "trust/policy.h"

#include <errno.h>
#include <stdlib.h>

#define KNOWN_DEFAULT 4096
#define RUNNING_MAXIMUM 16384

struct remembered {
	struct hash_link link;
	struct peer_entry *entry;
};

static int ask_resolver(void *argument, const struct net_question *question, struct net_query **ret_query)
{
	struct peer_view *view = argument;
	return net_resolver_ask(view->settings.resolver, view->settings.loop, question, ret_query);
}

static void cancel_resolver(void *argument, struct net_query *query)
{
	(void)argument;
	net_query_cancel(query);
}

int peer_view_new(const struct peer_view_settings *settings, struct peer_view **ret_view)
{
	struct peer_view *view = calloc(1, sizeof(*view));
	if (!view)
		return -ENOMEM;
	view->settings = *settings;
	view->cache = settings->cache;
	view->clock = settings->clock ? *settings->clock : *peer_cache_settings(settings->cache)->clock;
	view->epoch = peer_cache_epoch(view->cache);
	if (!view->settings.known_maximum)
		view->settings.known_maximum = KNOWN_DEFAULT;
	if (!view->settings.service)
		view->settings.service = TRUST_SERVICE;
	if (!view->settings.ask) {
		view->settings.ask = ask_resolver;
		view->settings.cancel = cancel_resolver;
		view->settings.ask_argument = view;
	}
	list_init(&view->lookups);
	int status = hash_init(&view->running, RUNNING_MAXIMUM);
	for (int i = 0; i < PEER_KIND_COUNT && status == 0; i++)
		status = hash_init(&view->known[i], view->settings.known_maximum);
	if (status < 0) {
		peer_view_free(view);
		return status;
	}
	*ret_view = view;
	return 0;
}

static void forget(struct hash_table *table, struct remembered *item)
{
	hash_remove(table, &item->link);
	peer_entry_unref(item->entry);
	free(item);
}

static bool forget_visit(struct hash_link *link, void *argument)
{
	forget(argument, base_container(link, struct remembered, link));
	return true;
}

static void forget_all(struct peer_view *view)
{
	for (int i = 0; i < PEER_KIND_COUNT; i++)
		if (view->known[i].slots)
			hash_walk(&view->known[i], forget_visit, &view->known[i]);
}

void peer_view_free(struct peer_view *view)
{
	if (!view)
		return;
	peer_lookup_free_all(view);
	forget_all(view);
	for (int i = 0; i < PEER_KIND_COUNT; i++)
		hash_done(&view->known[i]);
	hash_done(&view->running);
	free(view);
}

/* ---- the small table ---- */

/* One atomic load: did anybody flush since? */
static void follow_flushes(struct peer_view *view)
{
	uint64_t epoch = peer_cache_epoch(view->cache);
	if (epoch == view->epoch)
		return;
	forget_all(view);
	view->epoch = epoch;
}

static struct peer_entry *known_name(
	struct peer_view *view, enum peer_kind kind, struct span name, uint16_t port, uint64_t hash)
{
	struct hash_table *table = &view->known[kind];
	for (struct hash_link *link = hash_first(table, hash); link; link = hash_next(link)) {
		struct remembered *item = base_container(link, struct remembered, link);
		if (!peer_entry_is(item->entry, name, port))
			continue;
		if (item->entry->expires_us > clock_steady_us(&view->clock))
			return peer_entry_ref(item->entry);
		forget(table, item);
		return NULL;
	}
	return NULL;
}

static struct peer_entry *known_leaf(struct peer_view *view, struct x509_st *leaf, bool server, uint64_t hash)
{
	const struct hash_table *table = &view->known[PEER_CHAIN];
	for (struct hash_link *link = hash_first(table, hash); link; link = hash_next(link)) {
		struct remembered *item = base_container(link, struct remembered, link);
		if (peer_entry_is_leaf(item->entry, leaf, server))
			return peer_entry_ref(item->entry);
	}
	return NULL;
}

static struct peer_entry *find_entry(
	struct peer_view *view, enum peer_kind kind, struct span name, uint16_t port, uint64_t hash)
{
	follow_flushes(view);
	struct peer_entry *entry = known_name(view, kind, name, port, hash);
	if (entry)
		return entry;
	entry = peer_cache_find_name(view->cache, kind, name, port, hash);
	if (entry)
		peer_view_keep(view, entry, hash);
	return entry;
}

struct peer_entry *peer_view_find_leaf(struct peer_view *view, struct x509_st *leaf, bool server, uint64_t hash)
{
	follow_flushes(view);
	struct peer_entry *entry = known_leaf(view, leaf, server, hash);
	if (entry)
		return entry;
	entry = peer_cache_find_leaf(view->cache, leaf, server, hash);
	if (entry)
		peer_view_keep(view, entry, hash);
	return entry;
}

/* The item that stands for the same name or leaf. */
static struct remembered *same(struct peer_view *view, const struct peer_entry *entry, uint64_t hash)
{
	const struct hash_table *table = &view->known[entry->kind];
	for (struct hash_link *link = hash_first(table, hash); link; link = hash_next(link)) {
		struct remembered *item = base_container(link, struct remembered, link);
		if (entry->kind == PEER_CHAIN ? peer_entry_is_leaf(item->entry, entry->leaf, entry->server)
					      : peer_entry_is(item->entry, entry->key, entry->port))
			return item;
	}
	return NULL;
}

void peer_view_forget(struct peer_view *view, struct peer_entry *entry, uint64_t hash)
{
	struct remembered *item = same(view, entry, hash);
	if (item)
		forget(&view->known[entry->kind], item);
}

void peer_view_keep(struct peer_view *view, struct peer_entry *entry, uint64_t hash)
{
	struct hash_table *table = &view->known[entry->kind];
	peer_view_forget(view, entry, hash);
	if (table->count >= view->settings.known_maximum)
		hash_walk(table, forget_visit, table);
	struct remembered *item = calloc(1, sizeof(*item));
	if (!item)
		return; /* the shared table knows it */
	item->entry = peer_entry_ref(entry);
	if (hash_insert(table, &item->link, hash) < 0) {
		peer_entry_unref(entry);
		free(item);
	}
}

/* ---- finding ---- */

static int find(
	struct peer_view *view, enum peer_kind kind, struct span text, uint16_t port, struct peer_entry **ret_entry)
{
	char name[PEER_NAME_SIZE];
	if (!peer_name_fold(text, name))
		return -EINVAL;
	struct span key = span_of(name);
	*ret_entry = find_entry(view, kind, key, port, peer_name_hash(view->cache, key, port));
	return *ret_entry != NULL;
}

static uint16_t port_of(const struct peer_view *view, uint16_t port)
{
	return view->settings.tlsa ? port : 0;
}

int peer_find_domain(struct peer_view *view, struct span domain, const struct peer_found *found,
	const struct peer_domain **ret_domain, struct peer_ask **ret_ask)
{
	struct peer_entry *entry;
	int status = find(view, PEER_DOMAIN, domain, 0, &entry);
	if (status == 1)
		*ret_domain = &entry->domain;
	return status ? status : peer_lookup_join(view, PEER_DOMAIN, domain, 0, found, ret_ask);
}

int peer_find_host(struct peer_view *view, struct span host, uint16_t port, const struct peer_found *found,
	const struct peer_host **ret_host, struct peer_ask **ret_ask)
{
	struct peer_entry *entry;
	port = port_of(view, port);
	int status = find(view, PEER_HOST, host, port, &entry);
	if (status == 1)
		*ret_host = &entry->host;
	return status ? status : peer_lookup_join(view, PEER_HOST, host, port, found, ret_ask);
}

const struct peer_domain *peer_domain_known(struct peer_view *view, struct span domain)
{
	struct peer_entry *entry = NULL;
	return find(view, PEER_DOMAIN, domain, 0, &entry) == 1 ? &entry->domain : NULL;
}

const struct peer_host *peer_host_known(struct peer_view *view, struct span host, uint16_t port)
{
	struct peer_entry *entry = NULL;
	return find(view, PEER_HOST, host, port_of(view, port), &entry) == 1 ? &entry->host : NULL;
}
