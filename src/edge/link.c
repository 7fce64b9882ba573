/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/link.h"

#include "base/require.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

/* Names are found in an open table that only grows: a zone that was removed leaves its (empty) place, so a reader needs
 * no lock to follow a pointer. Room for the most zones a configuration may have, over several reloads with other names.
 */
#define TABLE_SIZE 4096
#define TABLE_FILL 3072

/* What a reader of the message path takes whole: the flow in one word (0: none), then protocol and address. */
#define WAY_WORDS ((8 + sizeof(struct net_address) + 7) / 8)
#define WORDS (1 + WAY_WORDS)

struct link_entry {
	_Atomic bool used;
	_Atomic uint32_t state; /* enum edge_link_state */
	_Atomic uint64_t key;
	_Atomic uint32_t sequence; /* odd while words are being written */
	_Atomic uint64_t words[WORDS];
	/* Under the lock: */
	bool taken; /* given out, perhaps not yet told */
	int64_t since_us;
	uint32_t failures;
	char peer[256];
	char why[256];
	char ground[256];
};

struct link_zone {
	_Atomic(struct link_entry *)
		entries[EDGE_LINK_PEERS_MAXIMUM]; /* made when first needed, never freed before all */
	_Atomic uint32_t count; /* all at and above it are NULL */
	size_t name_length;
	char name[];
};

struct edge_links {
	pthread_mutex_t lock; /* of writers, and of readers that want the texts */
	size_t fill;
	_Atomic(struct link_zone *) table[TABLE_SIZE];
};

const char *edge_link_state_name(enum edge_link_state state)
{
	static const char *const names[] = {
		[EDGE_LINK_OFF] = "off",
		[EDGE_LINK_CHECKING] = "checking",
		[EDGE_LINK_ACTIVE] = "active",
		[EDGE_LINK_FAILED] = "failed",
	};
	return names[state];
}

/* ---- life ---- */

int edge_links_new(struct edge_links **ret_links)
{
	struct edge_links *links = calloc(1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	pthread_mutex_init(&links->lock, NULL);
	*ret_links = links;
	return 0;
}

struct edge_links *edge_links_free(struct edge_links *links)
{
	if (!links)
		return NULL;
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		struct link_zone *zone = links->table[i];
		for (size_t j = 0; zone && j < EDGE_LINK_PEERS_MAXIMUM; j++)
			free(zone->entries[j]);
		free(zone);
	}
	pthread_mutex_destroy(&links->lock);
	free(links);
	return NULL;
}

/* ---- finding ---- */

static bool is_named(const struct link_zone *zone, struct span name)
{
	return span_equal(span_make(zone->name, zone->name_length), name);
}

/* The zone, or where it would stand (NULL there). */
static struct link_zone *zone_at(const struct edge_links *links, struct span name, size_t *ret_place)
{
	size_t place = span_hash_nocase(name) % TABLE_SIZE;
	struct link_zone *zone;
	while ((zone = atomic_load_explicit(&links->table[place], memory_order_acquire)) && !is_named(zone, name))
		place = (place + 1) % TABLE_SIZE;
	*ret_place = place;
	return zone;
}

static const struct link_zone *zone_find(const struct edge_links *links, struct span name)
{
	size_t place;
	return zone_at(links, name, &place);
}

/* NULL where nothing was ever told of it, or it is gone. */
static const struct link_entry *entry_find(const struct link_zone *zone, size_t number)
{
	if (!zone || number >= EDGE_LINK_PEERS_MAXIMUM)
		return NULL;
	const struct link_entry *entry = atomic_load_explicit(&zone->entries[number], memory_order_acquire);
	return entry && atomic_load_explicit(&entry->used, memory_order_acquire) ? entry : NULL;
}

static size_t entry_count(const struct link_zone *zone)
{
	return zone ? atomic_load_explicit(&zone->count, memory_order_acquire) : 0;
}

static enum edge_link_state state_of(const struct link_entry *entry)
{
	return (enum edge_link_state)atomic_load_explicit(&entry->state, memory_order_relaxed);
}

/* ---- a way in words ---- */

/* 8 bits of worker (transport_token_write has no more), 24 of slot, 32 of generation. */
static bool flow_fits(struct transport_flow flow)
{
	return flow.generation != 0 && flow.worker < 256 && flow.slot < 1u << 24;
}

static uint64_t flow_pack(struct transport_flow flow)
{
	return flow_fits(flow) ? (uint64_t)flow.worker << 56 | (uint64_t)flow.slot << 32 | flow.generation : 0;
}

static struct transport_flow flow_unpack(uint64_t word)
{
	return (struct transport_flow){ (uint16_t)(word >> 56), (uint32_t)(word >> 32) & 0xffffff, (uint32_t)word };
}

static uint64_t flow_word(const struct link_entry *entry)
{
	return atomic_load_explicit(&entry->words[0], memory_order_acquire);
}

/* A sequence lock without fences, which the thread sanitizer does not know: every word is stored with release, so none
 * is seen before the odd number; and loaded with acquire, so the number is read again after all. */
static void way_write(struct link_entry *entry, const struct transport_target *way)
{
	uint64_t words[WORDS] = { flow_pack(way->flow), way->protocol };
	memcpy(&words[2], &way->address, sizeof(way->address));
	uint32_t sequence = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
	atomic_store_explicit(&entry->sequence, sequence + 1, memory_order_relaxed);
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&entry->words[i], words[i], memory_order_release);
	atomic_store_explicit(&entry->sequence, sequence + 2, memory_order_release);
}

static bool way_read(const struct link_entry *entry, struct transport_target *ret_way)
{
	uint64_t words[WORDS];
	uint32_t before, after;
	do {
		before = atomic_load_explicit(&entry->sequence, memory_order_acquire);
		for (size_t i = 0; i < WORDS; i++)
			words[i] = atomic_load_explicit(&entry->words[i], memory_order_acquire);
		after = atomic_load_explicit(&entry->sequence, memory_order_relaxed);
	} while (before != after || before & 1);
	if (!words[0])
		return false;
	*ret_way = (struct transport_target){
		.protocol = (enum transport_protocol)words[1],
		.flags = TRANSPORT_TARGET_FLOW,
		.flow = flow_unpack(words[0]),
	};
	memcpy(&ret_way->address, &words[2], sizeof(ret_way->address));
	return true;
}

/* ---- the message path ---- */

uint64_t edge_link_endpoint_key(const struct config_endpoint *peer)
{
	return hash_mix(span_hash_nocase(peer->host), peer->port) | 1;
}

void edge_link_endpoint_write(struct span host, uint16_t port, char ret_text[EDGE_LINK_ENDPOINT_SIZE])
{
	bool bare_ipv6 = span_find(host, ':') < host.length && host.at[0] != '[';
	int length = snprintf(ret_text, EDGE_LINK_ENDPOINT_SIZE, bare_ipv6 ? "[%.*s]" : "%.*s",
		SPAN_PRINT(span_first(host, EDGE_LINK_ENDPOINT_SIZE - 16)));
	if (port)
		snprintf(ret_text + length, (size_t)(EDGE_LINK_ENDPOINT_SIZE - length), ":%u", (unsigned)port);
}

bool edge_link_is_usable(const struct edge_links *links, const struct edge_zone *zone, size_t peer)
{
	if (zone->config->kind == CONFIG_ZONE_NEIGHBOR && !zone->config->monitor)
		return true;
	const struct link_entry *entry = entry_find(zone_find(links, zone->name), peer);
	if (!entry || state_of(entry) != EDGE_LINK_FAILED)
		return true;
	uint64_t key = atomic_load_explicit(&entry->key, memory_order_relaxed);
	return key && peer < zone->config->peers.count &&
	       key != edge_link_endpoint_key(&zone->config->peers.items[peer]);
}

static size_t live_count(const struct link_zone *zone)
{
	size_t live = 0;
	for (size_t i = 0; i < entry_count(zone); i++) {
		const struct link_entry *entry = entry_find(zone, i);
		live += entry && flow_word(entry);
	}
	return live;
}

bool edge_link_target(const struct edge_links *links, const struct edge_zone *zone, uint32_t turn,
	struct transport_target *ret_target)
{
	const struct link_zone *known = zone_find(links, zone->name);
	size_t live = live_count(known);
	size_t skip = live ? turn % live : 0;
	bool found = false;
	/* One that died since it was counted leaves the last that was seen. */
	for (size_t i = 0; i < entry_count(known); i++) {
		const struct link_entry *entry = entry_find(known, i);
		if (!entry || !way_read(entry, ret_target))
			continue;
		found = true;
		if (skip-- == 0)
			break;
	}
	return found;
}

bool edge_link_flow(
	const struct edge_links *links, const struct edge_zone *zone, uint32_t turn, struct transport_flow *ret_flow)
{
	struct transport_target target;
	if (!edge_link_target(links, zone, turn, &target))
		return false;
	*ret_flow = target.flow;
	return true;
}

bool edge_link_target_of_flow(const struct edge_links *links, const struct edge_zone *zone, struct transport_flow flow,
	struct transport_target *ret_target)
{
	const struct link_zone *known = zone_find(links, zone->name);
	uint64_t wanted = flow_pack(flow);
	for (size_t i = 0; wanted && i < entry_count(known); i++) {
		const struct link_entry *entry = entry_find(known, i);
		if (entry && flow_word(entry) == wanted && way_read(entry, ret_target) &&
			transport_flow_equal(ret_target->flow, flow))
			return true;
	}
	return false;
}

bool edge_link_is_proved(const struct edge_links *links, const struct edge_zone *zone, struct transport_flow flow)
{
	struct transport_target ignored;
	return edge_link_target_of_flow(links, zone, flow, &ignored);
}

bool edge_link_other(const struct edge_links *links, struct span zone_name, uint64_t key, struct transport_flow flow,
	struct transport_flow *ret_flow)
{
	const struct link_zone *zone = zone_find(links, zone_name);
	for (size_t i = 0; i < entry_count(zone); i++) {
		const struct link_entry *entry = entry_find(zone, i);
		uint64_t word = entry ? flow_word(entry) : 0;
		if (!word || word == flow_pack(flow) || atomic_load_explicit(&entry->key, memory_order_relaxed) != key)
			continue;
		*ret_flow = flow_unpack(word);
		return true;
	}
	return false;
}

/* ---- keeping ---- */

static struct link_zone *zone_make(struct edge_links *links, struct span name)
{
	size_t place;
	struct link_zone *zone = zone_at(links, name, &place);
	if (zone || links->fill >= TABLE_FILL)
		return zone;
	zone = calloc(1, sizeof(*zone) + name.length);
	if (!zone)
		return NULL;
	zone->name_length = name.length;
	memcpy(zone->name, name.at, name.length);
	links->fill++;
	atomic_store_explicit(&links->table[place], zone, memory_order_release);
	return zone;
}

static struct link_entry *entry_make(struct link_zone *zone, size_t number)
{
	if (number >= EDGE_LINK_PEERS_MAXIMUM)
		return NULL;
	struct link_entry *entry = zone->entries[number];
	if (entry)
		return entry;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return NULL;
	atomic_store_explicit(&zone->entries[number], entry, memory_order_release);
	if (number >= entry_count(zone))
		atomic_store_explicit(&zone->count, (uint32_t)number + 1, memory_order_release);
	return entry;
}

static void text_set(char *text, size_t size, struct span value)
{
	span_copy_to(span_first(value, size - 1), text, size);
}

static struct span ground_of(const struct edge_link_news *news)
{
	return span_first(news->ground.at ? news->ground : news->why, sizeof(((struct link_entry *)0)->ground) - 1);
}

static void entry_tell(struct link_entry *entry, const struct edge_link_news *news)
{
	if (state_of(entry) != news->state || !entry->used)
		entry->since_us = news->now_us;
	entry->failures = news->state == EDGE_LINK_ACTIVE   ? 0
			  : news->state == EDGE_LINK_FAILED ? entry->failures + 1
							    : entry->failures;
	entry->taken = true;
	text_set(entry->peer, sizeof(entry->peer), news->peer);
	text_set(entry->why, sizeof(entry->why), news->why);
	text_set(entry->ground, sizeof(entry->ground), ground_of(news));
	way_write(entry, &news->way);
	atomic_store_explicit(&entry->key, news->key, memory_order_relaxed);
	atomic_store_explicit(&entry->state, news->state, memory_order_relaxed);
	atomic_store_explicit(&entry->used, true, memory_order_release);
}

static int tell(struct edge_links *links, struct span zone_name, size_t number, const struct edge_link_news *news,
	enum edge_link_state *ret_before, bool *ret_changed)
{
	struct link_zone *zone = zone_make(links, zone_name);
	if (!zone)
		return links->fill >= TABLE_FILL ? -ENOSPC : -ENOMEM;
	struct link_entry *entry = entry_make(zone, number);
	if (!entry)
		return number >= EDGE_LINK_PEERS_MAXIMUM ? -ENOSPC : -ENOMEM;
	*ret_before = entry->used ? state_of(entry) : EDGE_LINK_OFF;
	*ret_changed = *ret_before != news->state || !span_equal(span_of(entry->ground), ground_of(news));
	entry_tell(entry, news);
	return 0;
}

int edge_link_tell(struct edge_links *links, struct span zone_name, size_t entry, const struct edge_link_news *news,
	enum edge_link_state *ret_before, bool *ret_changed)
{
	pthread_mutex_lock(&links->lock);
	int status = tell(links, zone_name, entry, news, ret_before, ret_changed);
	pthread_mutex_unlock(&links->lock);
	return status;
}

static int take(struct edge_links *links, struct span zone_name)
{
	struct link_zone *zone = zone_make(links, zone_name);
	if (!zone)
		return links->fill >= TABLE_FILL ? -ENOSPC : -ENOMEM;
	for (size_t i = 1; i < EDGE_LINK_PEERS_MAXIMUM; i++) {
		struct link_entry *entry = entry_make(zone, i);
		if (!entry)
			return -ENOMEM;
		if (entry->taken)
			continue;
		entry->taken = true;
		return (int)i;
	}
	return -ENOSPC;
}

int edge_link_take(struct edge_links *links, struct span zone_name)
{
	pthread_mutex_lock(&links->lock);
	int number = take(links, zone_name);
	pthread_mutex_unlock(&links->lock);
	return number;
}

void edge_link_drop(struct edge_links *links, struct span zone_name, size_t number)
{
	pthread_mutex_lock(&links->lock);
	const struct link_zone *zone = zone_find(links, zone_name);
	struct link_entry *entry = zone && number < EDGE_LINK_PEERS_MAXIMUM ? zone->entries[number] : NULL;
	if (entry) {
		static const struct transport_target none;
		way_write(entry, &none);
		atomic_store_explicit(&entry->used, false, memory_order_release);
		atomic_store_explicit(&entry->state, EDGE_LINK_OFF, memory_order_relaxed);
		entry->taken = false;
		entry->failures = 0;
		entry->since_us = 0;
		entry->peer[0] = entry->why[0] = entry->ground[0] = '\0';
	}
	pthread_mutex_unlock(&links->lock);
}

/* ---- what is shown ---- */

static void status_of(const struct link_entry *entry, struct edge_link_status *status)
{
	*status = (struct edge_link_status){
		.state = state_of(entry),
		.since_us = entry->since_us,
		.failures = entry->failures,
	};
	memcpy(status->peer, entry->peer, sizeof(status->peer));
	memcpy(status->why, entry->why, sizeof(status->why));
}

size_t edge_link_status(
	const struct edge_links *links, struct span zone_name, struct edge_link_status *statuses, size_t capacity)
{
	struct edge_links *locked = (struct edge_links *)(uintptr_t)links;
	size_t count = 0;
	pthread_mutex_lock(&locked->lock);
	const struct link_zone *zone = zone_find(links, zone_name);
	for (size_t i = 0; i < entry_count(zone); i++) {
		const struct link_entry *entry = entry_find(zone, i);
		if (entry && count < capacity)
			status_of(entry, &statuses[count]);
		count += entry != NULL;
	}
	pthread_mutex_unlock(&locked->lock);
	return count;
}

enum edge_link_state edge_link_zone_state(const struct edge_links *links, struct span zone_name)
{
	static const enum edge_link_state strongest[] = { EDGE_LINK_ACTIVE, EDGE_LINK_FAILED, EDGE_LINK_CHECKING };
	const struct link_zone *zone = zone_find(links, zone_name);
	for (size_t s = 0; s < BASE_COUNT(strongest); s++)
		for (size_t i = 0; i < entry_count(zone); i++) {
			const struct link_entry *entry = entry_find(zone, i);
			if (entry && state_of(entry) == strongest[s])
				return strongest[s];
		}
	return EDGE_LINK_OFF;
}
