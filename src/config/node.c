/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "config/schema.h"
#include "config/snapshot.h"

#include <stdlib.h>

#define SNAPSHOT_MAXIMUM (256u << 20)

struct config_snapshot *config_snapshot_new(void)
{
	struct config_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	if (!snapshot)
		return NULL;
	arena_init(&snapshot->arena, SNAPSHOT_MAXIMUM);
	atomic_init(&snapshot->references, 1);
	return snapshot;
}

/* Counting references changes the snapshot around the node, not the node. */
static struct config_snapshot *snapshot_of(const struct config_node *node)
{
	struct config_node *opened = (struct config_node *)(uintptr_t)node;
	return base_container(opened, struct config_snapshot, node);
}

const struct config_node *config_node_ref(const struct config_node *node)
{
	atomic_fetch_add_explicit(&snapshot_of(node)->references, 1, memory_order_relaxed);
	return node;
}

void config_node_unref(const struct config_node *node)
{
	if (!node)
		return;
	struct config_snapshot *snapshot = snapshot_of(node);
	if (atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) != 1)
		return;
	arena_done(&snapshot->arena);
	free(snapshot);
}

const struct config_zone *config_node_zone(const struct config_node *node, struct span name)
{
	for (size_t i = 0; i < node->zone_count; i++) {
		if (node->zones[i].name.at && span_equal(node->zones[i].name, name))
			return &node->zones[i];
	}
	return NULL;
}

bool config_node_owns(const struct config_node *node, struct span domain)
{
	for (size_t i = 0; i < node->domains.count; i++) {
		if (span_equal_nocase(node->domains.items[i], domain))
			return true;
	}
	return false;
}

/* ---- comparing ---- */

static bool texts_equal(struct span a, struct span b)
{
	return (a.at != NULL) == (b.at != NULL) && span_equal(a, b);
}

static bool listeners_equal(const struct config_node *a, const struct config_node *b)
{
	bool equal = a->listen_count == b->listen_count;
	for (size_t i = 0; equal && i < a->listen_count; i++)
		equal = a->listen[i].transport == b->listen[i].transport && a->listen[i].port == b->listen[i].port &&
			texts_equal(a->listen[i].address, b->listen[i].address);
	return equal;
}

static bool logs_equal(const struct config_node *a, const struct config_node *b)
{
	bool equal = a->log_count == b->log_count;
	for (size_t i = 0; equal && i < a->log_count; i++)
		equal = a->logs[i].format == b->logs[i].format && texts_equal(a->logs[i].file, b->logs[i].file) &&
			a->logs[i].rotate_bytes == b->logs[i].rotate_bytes && a->logs[i].keep == b->logs[i].keep;
	return equal;
}

static bool histories_equal(const struct config_history *a, const struct config_history *b)
{
	return a->enabled == b->enabled && texts_equal(a->store, b->store) && a->size_bytes == b->size_bytes &&
	       a->age_s == b->age_s && a->searches == b->searches;
}

static bool limits_equal(const struct config_limits *a, const struct config_limits *b)
{
	return a->connections == b->connections && a->message_bytes == b->message_bytes &&
	       a->transactions == b->transactions && a->handshake_ms == b->handshake_ms && a->idle_ms == b->idle_ms &&
	       a->drain_ms == b->drain_ms;
}

struct span config_node_service(const struct config_node *node)
{
	for (size_t i = 0; i < node->zone_count; i++)
		if (node->zones[i].kind == CONFIG_ZONE_DNS && !span_is_nocase(node->zones[i].service, "sip"))
			return node->zones[i].service;
	return SPAN_NONE;
}

const char *config_node_restart_key(const struct config_node *running, const struct config_node *wanted)
{
	const struct {
		const char *key;
		bool equal;
	} keys[] = {
		{ "node", texts_equal(running->node, wanted->node) },
		{ "log_name", texts_equal(running->log_name, wanted->log_name) },
		{ "dialect", running->dialect == wanted->dialect },
		{ "address", texts_equal(running->address, wanted->address) },
		{ "workers", running->workers == wanted->workers },
		{ "listen", listeners_equal(running, wanted) },
		{ "log", logs_equal(running, wanted) },
		{ "control", texts_equal(running->control, wanted->control) },
		{ "service", texts_equal(config_node_service(running), config_node_service(wanted)) },
		{ "registrar.store", texts_equal(running->registrar.store, wanted->registrar.store) },
		{ "history", histories_equal(&running->history, &wanted->history) },
		{ "key_file", texts_equal(running->key_file, wanted->key_file) },
		{ "limits", limits_equal(&running->limits, &wanted->limits) },
	};
	for (size_t i = 0; i < BASE_COUNT(keys); i++) {
		if (!keys[i].equal)
			return keys[i].key;
	}
	return NULL;
}
