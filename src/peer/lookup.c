/* SPDX-License-Identifier: Apache-2.0 */
/* Questions under way: one per name and worker, however many wait for it. The answers become one
 * entry, which goes into the shared table and to everybody who waits. */
#include "base/require.h"
#include "net/resolver.h"
#include "peer/dns_record.h"
#include "peer/view_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RECORD_MAXIMUM 256 /* SRV records of a domain, addresses of a host: kept */
#define QUERY_MAXIMUM 3 /* A, AAAA, TLSA */

struct query {
	struct peer_lookup *lookup;
	enum net_dns_type type;
	struct net_query *handle;
	const struct net_dns_answer *answer;
	int64_t asked_us;
};

struct peer_lookup {
	struct hash_link link;
	struct list all;
	struct list asks;
	struct peer_view *view;
	enum peer_kind kind;
	uint16_t port;
	uint64_t hash, epoch;
	struct peer_entry *entry; /* what will be told, made before it is needed */
	struct query queries[QUERY_MAXIMUM];
	size_t query_count, answered_count;
	char serial[40], tag[40]; /* of whoever asked first, for the records */
	char name[PEER_NAME_SIZE];
};

/* ---- records ---- */

static struct record record_of(const struct peer_lookup *lookup)
{
	struct record r = {
		.head = { .time_us = clock_wall_us(&lookup->view->clock),
			.serial = span_of(lookup->serial[0] ? lookup->serial : NULL),
			.tag = span_of(lookup->tag[0] ? lookup->tag : NULL),
			.worker = lookup->view->settings.worker },
	};
	r.dns = (struct record_dns){ .transport = RECORD_TLS, .port = lookup->port };
	return r;
}

static void tell_question(const struct query *q, const char *name)
{
	const struct record_sink *sink = q->lookup->view->settings.sink;
	if (!record_wanted(sink))
		return;
	struct record r = record_of(q->lookup);
	peer_dns_record_question(sink, &r, name, q->type);
}

static void tell_answer(const struct query *q, const struct net_dns_answer *answer)
{
	const struct record_sink *sink = q->lookup->view->settings.sink;
	if (!record_wanted(sink))
		return;
	struct record r = record_of(q->lookup);
	int64_t elapsed_us = clock_steady_us(&q->lookup->view->clock) - q->asked_us;
	peer_dns_record_answer(sink, &r, answer, elapsed_us);
}

/* ---- answers into facts ---- */

static const enum trust_lookup_status trust_statuses[] = {
	[NET_DNS_OK] = TRUST_LOOKUP_OK,
	[NET_DNS_NODATA] = TRUST_LOOKUP_NODATA,
	[NET_DNS_NXDOMAIN] = TRUST_LOOKUP_NXDOMAIN,
	[NET_DNS_SERVFAIL] = TRUST_LOOKUP_SERVFAIL,
	[NET_DNS_REFUSED] = TRUST_LOOKUP_REFUSED,
	[NET_DNS_TIMEOUT] = TRUST_LOOKUP_TIMEOUT,
	[NET_DNS_BOGUS] = TRUST_LOOKUP_BOGUS,
	[NET_DNS_CANCELLED] = TRUST_LOOKUP_CANCELLED,
};

static struct trust_lookup lookup_facts(struct arena *arena, const struct net_dns_answer *answer)
{
	return (struct trust_lookup){
		.status = trust_statuses[answer->status],
		.secure = answer->secure,
		.bogus = answer->bogus,
		.ttl_s = answer->ttl_s,
		.name = arena_copy(arena, span_of(answer->name)),
		.canonical = answer->alias ? arena_copy(arena, span_of(answer->canonical)) : SPAN_NONE,
		.why = answer->why[0] ? arena_copy(arena, span_of(answer->why)) : SPAN_NONE,
	};
}

static size_t kept(const struct net_dns_answer *answer)
{
	if (answer->status != NET_DNS_OK)
		return 0;
	return answer->record_count < RECORD_MAXIMUM ? answer->record_count : RECORD_MAXIMUM;
}

static int fill_domain(struct peer_entry *entry, const struct peer_lookup *lookup)
{
	const struct net_dns_answer *answer = lookup->queries[0].answer;
	size_t count = kept(answer);
	struct trust_srv *records = arena_zero(&entry->arena, (count + 1) * sizeof(*records));
	if (!records)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct net_dns_record *record = &answer->records[i];
		struct span target = span_of(record->srv.target);
		/* RFC 2782: the root as target says that there is no such service. */
		if (span_is(target, "."))
			target.length = 0;
		records[i] = (struct trust_srv){
			.priority = record->srv.priority,
			.weight = record->srv.weight,
			.port = record->srv.port,
			.target = arena_copy(&entry->arena, target),
			.ttl_s = answer->ttl_s,
		};
		if (!records[i].target.at)
			return -ENOMEM;
	}
	entry->domain.facts = (struct trust_domain){
		.domain = entry->key,
		.service = arena_copy(&entry->arena, span_of(lookup->view->settings.service)),
		.lookup = lookup_facts(&entry->arena, answer),
		.records = records,
		.record_count = count,
		.cut = answer->truncated || answer->record_count > count,
	};
	entry->domain.expires_us = entry->expires_us;
	entry->domain.learned_us = clock_wall_us(&lookup->view->clock);
	return 0;
}

static int add_addresses(struct arena *arena, const struct net_dns_answer *answer, struct net_address *addresses,
	struct trust_address *facts, size_t *count)
{
	for (size_t i = 0; i < kept(answer); i++) {
		const struct net_address *address = &answer->records[i].address;
		char text[NET_ADDRESS_TEXT_SIZE];
		net_address_format_host(address, text);
		addresses[*count] = *address;
		facts[*count] = (struct trust_address){
			.text = arena_copy(arena, span_of(text)),
			.is_ipv6 = answer->type == NET_DNS_AAAA,
			.is_private = trust_address_is_private(span_of(text)),
		};
		if (!facts[*count].text.at)
			return -ENOMEM;
		(*count)++;
	}
	return 0;
}

static int fill_tlsa(struct peer_entry *entry, const struct net_dns_answer *answer)
{
	size_t count = kept(answer);
	struct trust_tlsa *records = arena_zero(&entry->arena, (count + 1) * sizeof(*records));
	if (!records)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct net_dns_record *record = &answer->records[i];
		records[i] = (struct trust_tlsa){ record->tlsa.usage, record->tlsa.selector, record->tlsa.matching,
			arena_copy(&entry->arena, record->tlsa.data) };
	}
	entry->host.facts.tlsa_lookup = lookup_facts(&entry->arena, answer);
	entry->host.facts.tlsa = records;
	entry->host.facts.tlsa_count = count;
	return 0;
}

static int fill_host(struct peer_entry *entry, const struct peer_lookup *lookup)
{
	const struct net_dns_answer *a = lookup->queries[0].answer, *aaaa = lookup->queries[1].answer;
	size_t room = kept(a) + kept(aaaa) + 1, count = 0;
	struct net_address *addresses = arena_zero(&entry->arena, room * sizeof(*addresses));
	struct trust_address *facts = arena_zero(&entry->arena, room * sizeof(*facts));
	if (!addresses || !facts || add_addresses(&entry->arena, a, addresses, facts, &count) < 0 ||
		add_addresses(&entry->arena, aaaa, addresses, facts, &count) < 0)
		return -ENOMEM;
	entry->host.facts = (struct trust_host){
		.name = entry->key,
		.a = lookup_facts(&entry->arena, a),
		.aaaa = lookup_facts(&entry->arena, aaaa),
		.addresses = facts,
		.address_count = count,
	};
	entry->host.addresses = addresses;
	entry->host.expires_us = entry->expires_us;
	entry->host.learned_us = clock_wall_us(&lookup->view->clock);
	return lookup->query_count > 2 ? fill_tlsa(entry, lookup->queries[2].answer) : 0;
}

/* ---- how long ---- */

static uint32_t seconds_of(const struct peer_cache_settings *settings, const struct net_dns_answer *answer)
{
	uint32_t maximum_s;
	switch (answer->status) {
	case NET_DNS_OK:
		maximum_s = settings->positive_maximum_s;
		break;
	case NET_DNS_NODATA:
	case NET_DNS_NXDOMAIN:
		maximum_s = settings->negative_maximum_s;
		break;
	default:
		return settings->failure_s;
	}
	/* A TTL of 0 is for the transaction under way (RFC 1035 3.2.1): a second lets that one end. */
	uint32_t ttl_s = answer->ttl_s ? answer->ttl_s : 1;
	return ttl_s < maximum_s ? ttl_s : maximum_s;
}

static uint32_t shortest_s(const struct peer_lookup *lookup)
{
	const struct peer_cache_settings *settings = peer_cache_settings(lookup->view->cache);
	uint32_t shortest = UINT32_MAX;
	for (size_t i = 0; i < lookup->query_count; i++) {
		const struct net_dns_answer *answer = lookup->queries[i].answer;
		uint32_t seconds = seconds_of(settings, answer);
		/* One family alone is usual, and its absence no reason to ask again soon. */
		bool absent = lookup->kind == PEER_HOST && i < 2 &&
			      (answer->status == NET_DNS_NODATA || answer->status == NET_DNS_NXDOMAIN) &&
			      lookup->queries[1 - i].answer->status == NET_DNS_OK;
		if (!absent && seconds < shortest)
			shortest = seconds;
	}
	return shortest;
}

static bool was_cancelled(const struct peer_lookup *lookup)
{
	for (size_t i = 0; i < lookup->query_count; i++)
		if (lookup->queries[i].answer->status == NET_DNS_CANCELLED)
			return true;
	return false;
}

/* ---- the end ---- */

static void lookup_unlink(struct peer_lookup *lookup)
{
	hash_remove(&lookup->view->running, &lookup->link);
	list_remove(&lookup->all);
}

static void lookup_free(struct peer_lookup *lookup)
{
	for (size_t i = 0; i < lookup->query_count; i++) {
		struct query *q = &lookup->queries[i];
		if (q->handle && !q->answer)
			lookup->view->settings.cancel(lookup->view->settings.ask_argument, q->handle);
		net_dns_answer_unref(q->answer);
	}
	while (!list_is_empty(&lookup->asks)) {
		struct peer_ask *ask = base_container(lookup->asks.next, struct peer_ask, link);
		list_remove(&ask->link);
		free(ask);
	}
	peer_entry_unref(lookup->entry);
	free(lookup);
}

/* Without memory for the facts: whoever waits learns that the lookup failed, and may ask again. */
static void fill_failure(struct peer_entry *entry)
{
	struct trust_lookup failed = {
		.status = TRUST_LOOKUP_SERVFAIL, .name = entry->key, .why = SPAN("out of memory")
	};
	if (entry->kind == PEER_DOMAIN)
		entry->domain.facts = (struct trust_domain){ .domain = entry->key, .lookup = failed };
	else
		entry->host.facts = (struct trust_host){ .name = entry->key, .a = failed, .aaaa = failed };
}

/* true: the entry is worth remembering. */
static bool entry_fill(const struct peer_lookup *lookup)
{
	struct peer_entry *entry = lookup->entry;
	entry->expires_us = clock_steady_us(&lookup->view->clock) + shortest_s(lookup) * CLOCK_SECOND_US;
	int status = lookup->kind == PEER_DOMAIN ? fill_domain(entry, lookup) : fill_host(entry, lookup);
	if (status < 0)
		fill_failure(entry);
	return status == 0 && !was_cancelled(lookup);
}

static void tell(const struct peer_entry *entry, const struct peer_found *found)
{
	if (entry->kind == PEER_DOMAIN)
		found->domain(found->argument, &entry->domain);
	else
		found->host(found->argument, &entry->host);
}

static void lookup_finish(struct peer_lookup *lookup)
{
	struct peer_view *view = lookup->view;
	bool keep = entry_fill(lookup);
	lookup_unlink(lookup);
	if (keep && lookup->epoch == peer_cache_epoch(view->cache)) {
		peer_cache_put(view->cache, lookup->entry, lookup->hash, lookup->epoch);
		peer_view_keep(view, lookup->entry, lookup->hash);
	}
	/* Whoever is called may cancel others that wait, or ask anew. */
	while (!list_is_empty(&lookup->asks)) {
		struct peer_ask *ask = base_container(lookup->asks.next, struct peer_ask, link);
		struct peer_found found = ask->found;
		list_remove(&ask->link);
		free(ask);
		tell(lookup->entry, &found);
	}
	lookup_free(lookup);
}

static void answered(void *argument, const struct net_dns_answer *answer)
{
	struct query *q = argument;
	q->answer = net_dns_answer_ref(answer);
	q->handle = NULL;
	tell_answer(q, answer);
	if (++q->lookup->answered_count == q->lookup->query_count)
		lookup_finish(q->lookup);
}

/* ---- the beginning ---- */

static int query_ask(struct peer_lookup *lookup, enum net_dns_type type, const char *name)
{
	struct peer_view *view = lookup->view;
	struct query *q = &lookup->queries[lookup->query_count];
	*q = (struct query){ .lookup = lookup, .type = type, .asked_us = clock_steady_us(&view->clock) };
	struct net_question question = {
		.name = name,
		.type = type,
		.timeout_us = view->settings.timeout_us,
		.answered = answered,
		.argument = q,
	};
	int status = view->settings.ask(view->settings.ask_argument, &question, &q->handle);
	if (status < 0)
		return status;
	lookup->query_count++;
	tell_question(q, name);
	return 0;
}

static int ask_domain(struct peer_lookup *lookup)
{
	char name[2 * PEER_NAME_SIZE];
	snprintf(name, sizeof(name), "%s.%s", lookup->view->settings.service, lookup->name);
	return query_ask(lookup, NET_DNS_SRV, name);
}

static int ask_host(struct peer_lookup *lookup)
{
	int status = query_ask(lookup, NET_DNS_A, lookup->name);
	if (status == 0)
		status = query_ask(lookup, NET_DNS_AAAA, lookup->name);
	if (status < 0 || !lookup->port)
		return status;
	char name[2 * PEER_NAME_SIZE];
	snprintf(name, sizeof(name), "_%u._tcp.%s", (unsigned)lookup->port, lookup->name); /* RFC 7673 3.1 */
	return query_ask(lookup, NET_DNS_TLSA, name);
}

static struct peer_entry *entry_new(enum peer_kind kind, const char *name, uint16_t port)
{
	struct peer_entry *entry = peer_entry_new(kind);
	if (!entry)
		return NULL;
	entry->port = port;
	entry->key = arena_copy(&entry->arena, span_of(name));
	if (entry->key.at)
		return entry;
	peer_entry_unref(entry);
	return NULL;
}

static int lookup_start(struct peer_view *view, enum peer_kind kind, const char *name, uint16_t port, uint64_t hash,
	const struct peer_found *found, struct peer_lookup **ret_lookup)
{
	struct peer_lookup *lookup = calloc(1, sizeof(*lookup));
	if (!lookup)
		return -ENOMEM;
	lookup->view = view;
	lookup->kind = kind;
	lookup->port = port;
	lookup->hash = hash;
	lookup->epoch = peer_cache_epoch(view->cache);
	list_init(&lookup->asks);
	list_init(&lookup->all);
	span_copy_to(span_of(name), lookup->name, sizeof(lookup->name));
	span_copy_to(found->serial, lookup->serial, sizeof(lookup->serial));
	span_copy_to(found->tag, lookup->tag, sizeof(lookup->tag));
	lookup->entry = entry_new(kind, name, port);
	int status = lookup->entry ? hash_insert(&view->running, &lookup->link, hash_mix(hash, kind)) : -ENOMEM;
	if (status == 0) {
		list_append(&view->lookups, &lookup->all);
		status = kind == PEER_DOMAIN ? ask_domain(lookup) : ask_host(lookup);
		if (status < 0)
			lookup_unlink(lookup);
	}
	if (status < 0) {
		lookup_free(lookup);
		return status == -ENOSPC ? -ENOBUFS : status;
	}
	*ret_lookup = lookup;
	return 0;
}

/* One that began before a flush would bring back what was to be forgotten: it is not joined. */
static struct peer_lookup *lookup_find(
	struct peer_view *view, enum peer_kind kind, const char *name, uint16_t port, uint64_t hash)
{
	uint64_t epoch = peer_cache_epoch(view->cache);
	struct hash_link *link = hash_first(&view->running, hash_mix(hash, kind));
	for (; link; link = hash_next(link)) {
		struct peer_lookup *lookup = base_container(link, struct peer_lookup, link);
		if (lookup->kind == kind && lookup->port == port && lookup->epoch == epoch &&
			strcmp(lookup->name, name) == 0)
			return lookup;
	}
	return NULL;
}

int peer_lookup_join(struct peer_view *view, enum peer_kind kind, struct span text, uint16_t port,
	const struct peer_found *found, struct peer_ask **ret_ask)
{
	char name[PEER_NAME_SIZE];
	if (!peer_name_fold(text, name))
		return -EINVAL;
	struct peer_ask *ask = calloc(1, sizeof(*ask));
	if (!ask)
		return -ENOMEM;
	uint64_t hash = peer_name_hash(view->cache, span_of(name), port);
	struct peer_lookup *lookup = lookup_find(view, kind, name, port, hash);
	int status = lookup ? 0 : lookup_start(view, kind, name, port, hash, found, &lookup);
	if (status < 0) {
		free(ask);
		return status;
	}
	ask->found = *found;
	/* The texts were copied where they are needed; what they borrow from may be gone. */
	ask->found.serial = ask->found.tag = SPAN_NONE;
	list_append(&lookup->asks, &ask->link);
	if (ret_ask)
		*ret_ask = ask;
	return 0;
}

void peer_ask_cancel(struct peer_ask *ask)
{
	list_remove(&ask->link);
	free(ask);
}

void peer_lookup_free_all(struct peer_view *view)
{
	if (!view->lookups.next)
		return;
	while (!list_is_empty(&view->lookups)) {
		struct peer_lookup *lookup = base_container(view->lookups.next, struct peer_lookup, all);
		lookup_unlink(lookup);
		lookup_free(lookup);
	}
}
