/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/mark.h"

#include "base/require.h"

#include <ctype.h>
#include <stdio.h>

bool edge_mark_is_needed(const struct edge_zone *zone)
{
	return zone && (edge_site_zone_is_link(zone) || edge_site_zone_is_plain(zone) ||
			       zone->config->kind == CONFIG_ZONE_LOCAL);
}

#define OF_ZONE UINT64_C(0x7a6f6e65)
#define OF_HOST UINT64_C(0x686f7374)
#define OF_SEAL UINT64_C(0x7365616c)

/* Hashes of one length, each in its own place, so that no two lists of words make the same text. */
static void digest(
	const struct hash_key *key, const uint64_t *hashes, size_t count, char ret_text[EDGE_MARK_LENGTH + 1])
{
	uint64_t hash = hash_keyed(key, span_make((const char *)hashes, count * sizeof(*hashes)));
	snprintf(ret_text, EDGE_MARK_LENGTH + 1, "%016llx", (unsigned long long)hash);
}

static void write(const struct edge_worker *worker, uint64_t kind, struct span what, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1])
{
	const struct hash_key *key = &worker->shared->key;
	struct hash_key own = { { key->word[0] ^ kind, ~key->word[1] } };
	const uint64_t hashes[] = { hash_keyed(&own, what), hash_keyed(&own, call_id) };
	digest(&own, hashes, BASE_COUNT(hashes), ret_text);
}

void edge_mark_write(const struct edge_worker *worker, struct span zone_name, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1])
{
	write(worker, OF_ZONE, zone_name, call_id, ret_text);
}

void edge_mark_host_write(const struct edge_worker *worker, const struct net_address *host, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1])
{
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format_host(host, text);
	write(worker, OF_HOST, span_of(text), call_id, ret_text);
}

/* ---- the seal ---- */

#define WORD_MAXIMUM 256

/* Peers may have changed the case. False: too long to be ours. */
static bool word_hash(const struct hash_key *key, struct span word, uint64_t *ret_hash)
{
	char lower[WORD_MAXIMUM];
	if (word.length > sizeof(lower))
		return false;
	for (size_t i = 0; i < word.length; i++)
		lower[i] = (char)tolower((unsigned char)word.at[i]);
	/* A word that is absent is none that is empty. */
	*ret_hash = word.at ? hash_keyed(key, span_make(lower, word.length)) : 0;
	return true;
}

static bool seal(const struct edge_worker *worker, const struct edge_mark_words *words, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1])
{
	const struct hash_key *key = &worker->shared->key;
	struct hash_key own = { { key->word[0] ^ OF_SEAL, ~key->word[1] } };
	const struct span all[] = { words->token, words->zone, words->at, words->caller, words->partner };
	uint64_t hashes[BASE_COUNT(all) + 1];
	for (size_t i = 0; i < BASE_COUNT(all); i++)
		if (!word_hash(&own, all[i], &hashes[i]))
			return false;
	hashes[BASE_COUNT(all)] = hash_keyed(&own, call_id);
	digest(&own, hashes, BASE_COUNT(hashes), ret_text);
	return true;
}

void edge_mark_seal_write(const struct edge_worker *worker, const struct edge_mark_words *words, struct span call_id,
	char ret_text[EDGE_MARK_LENGTH + 1])
{
	if (!seal(worker, words, call_id, ret_text))
		ret_text[0] = '\0';
}

static struct span word_of(const struct sip_uri *ours, struct span name)
{
	struct span value;
	return sip_uri_parameter(ours, name, &value) ? value : SPAN_NONE;
}

bool edge_mark_is_sealed(const struct edge_worker *worker, const struct sip_uri *ours, struct span call_id)
{
	char text[EDGE_MARK_LENGTH + 1];
	if (!ours->whole.at || !sip_uri_is_sip(ours))
		return false;
	const struct edge_mark_words words = { ours->user, word_of(ours, SPAN("zone")), word_of(ours, SPAN("at")),
		word_of(ours, SPAN("caller")), word_of(ours, SPAN("partner")) };
	return seal(worker, &words, call_id, text) && span_is_nocase(word_of(ours, SPAN("seal")), text);
}

/* ---- what it says ---- */

bool edge_mark_is_host(const struct edge_worker *worker, const struct sip_uri *ours, const struct net_address *host,
	struct span call_id)
{
	char text[EDGE_MARK_LENGTH + 1];
	struct span mark;
	if (!edge_mark_is_sealed(worker, ours, call_id) || !sip_uri_parameter(ours, SPAN("at"), &mark))
		return false;
	edge_mark_host_write(worker, host, call_id, text);
	return span_is_nocase(mark, text);
}

static bool is_mark_of(
	const struct edge_worker *worker, const struct edge_zone *zone, struct span call_id, struct span mark)
{
	char text[EDGE_MARK_LENGTH + 1];
	edge_mark_write(worker, zone->name, call_id, text);
	return span_is_nocase(mark, text);
}

const struct edge_zone *edge_mark_zone(
	const struct edge_worker *worker, const struct edge_site *site, const struct sip_uri *ours, struct span call_id)
{
	struct span mark;
	if (!edge_mark_is_sealed(worker, ours, call_id) || !sip_uri_parameter(ours, SPAN("zone"), &mark))
		return NULL;
	for (size_t i = 0; i < site->zone_count; i++)
		if (edge_mark_is_needed(&site->zones[i]) && is_mark_of(worker, &site->zones[i], call_id, mark))
			return &site->zones[i];
	return NULL;
}

static bool via_has_mark(
	const struct edge_worker *worker, const struct edge_zone *zone, const struct sip_message *m, struct span via)
{
	static const struct span name = { "poisoned=", 9 };
	for (size_t at = span_find_span(via, name); at < via.length; at = span_find_span(via, name)) {
		via = span_from(via, at + name.length);
		if (is_mark_of(worker, zone, m->call_id, span_first(via, EDGE_MARK_LENGTH)))
			return true;
	}
	return false;
}

bool edge_mark_was_sent_to(const struct edge_worker *worker, const struct edge_zone *zone, const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	for (struct span via; sip_values_next(&values, &via);)
		if (via_has_mark(worker, zone, m, via))
			return true;
	return false;
}

struct span edge_mark_of_via(
	const struct edge_worker *worker, const struct edge_zone *zone, struct span call_id, struct arena *arena)
{
	char text[EDGE_MARK_LENGTH + 1];
	if (!zone || !zone->config->poison)
		return SPAN("");
	edge_mark_write(worker, zone->name, call_id, text);
	return arena_printf(arena, ";poisoned=%s", text);
}
