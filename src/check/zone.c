/* SPDX-License-Identifier: Apache-2.0 */
/* What a planned zone answers (RFC 1034 4.3.2, RFC 4592). */
#include "check/zone_private.h"

#include <stdio.h>
#include <stdlib.h>

#define NEGATIVE_TTL_S 60

void check_zone_free(struct check_zone *zone)
{
	if (!zone)
		return;
	free(zone->records);
	arena_done(&zone->arena);
	free(zone);
}

size_t check_zone_count(const struct check_zone *zone)
{
	return zone->count;
}

size_t check_zone_skipped(const struct check_zone *zone)
{
	return zone->skipped;
}

const char *check_zone_note(const struct check_zone *zone, size_t index)
{
	return index < zone->note_count ? zone->notes[index] : NULL;
}

/* ---- keys ---- */

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

bool zone_key(const char *name, char ret_key[ZONE_KEY_SIZE])
{
	size_t length = strlen(name), used = 0;
	if (length > 0 && name[length - 1] == '.')
		length--;
	if (length >= NET_DNS_NAME_TEXT_SIZE)
		return false;
	for (size_t end = length; end > 0;) {
		size_t begin = end;
		while (begin > 0 && name[begin - 1] != '.')
			begin--;
		for (size_t i = begin; i < end; i++)
			ret_key[used++] = lower(name[i]);
		ret_key[used++] = ZONE_SEPARATOR;
		end = begin > 0 ? begin - 1 : 0;
	}
	ret_key[used] = '\0';
	return true;
}

/* The key of the name one label up; false where it is the root already. */
static bool key_up(char *key)
{
	size_t length = strlen(key);
	if (length == 0)
		return false;
	for (length--; length > 0 && key[length - 1] != ZONE_SEPARATOR;)
		length--;
	key[length] = '\0';
	return true;
}

static bool key_within(const char *key, const char *ancestor)
{
	return strncmp(key, ancestor, strlen(ancestor)) == 0;
}

size_t zone_lower_bound(const struct check_zone *zone, const char *key)
{
	size_t low = 0, high = zone->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(zone->records[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The name has records, or names under it have. */
static bool key_exists(const struct check_zone *zone, const char *key)
{
	size_t at = zone_lower_bound(zone, key);
	return at < zone->count && key_within(zone->records[at].key, key);
}

/* The records of a key and type: how many follow *ret_first. */
static size_t find_set(const struct check_zone *zone, const char *key, int type, const struct zone_record **ret_first)
{
	size_t at = zone_lower_bound(zone, key), count = 0;
	for (; at < zone->count && strcmp(zone->records[at].key, key) == 0; at++) {
		if (zone->records[at].type != type)
			continue;
		if (count++ == 0)
			*ret_first = &zone->records[at];
	}
	return count;
}

static bool has_records(const struct check_zone *zone, const char *key)
{
	size_t at = zone_lower_bound(zone, key);
	return at < zone->count && strcmp(zone->records[at].key, key) == 0;
}

/* Longest match: the name lies in a zone of the file, and not beyond one of its cuts. A file that names no zone has
 * its names alone. */
static bool is_ours(const struct check_zone *zone, const char *key)
{
	size_t best = 0;
	if (zone->apex_count == 0)
		return has_records(zone, key);
	bool ours = false;
	for (size_t i = 0; i < zone->apex_count; i++)
		if (key_within(key, zone->apexes[i]) && strlen(zone->apexes[i]) >= best) {
			best = strlen(zone->apexes[i]);
			ours = true;
		}
	for (size_t i = 0; i < zone->cut_count; i++)
		if (key_within(key, zone->cuts[i]) && strlen(zone->cuts[i]) > best)
			return false;
	return ours;
}

/* ---- one name ---- */

/* Where the records for a name stand: its own key, or that of the wildcard which covers it. false: there is none. */
static bool find_owner(const struct check_zone *zone, const char *key, char ret_owner[ZONE_KEY_SIZE])
{
	strcpy(ret_owner, key);
	if (key_exists(zone, key))
		return true;
	while (key_up(ret_owner)) {
		if (!key_exists(zone, ret_owner))
			continue;
		size_t length = strlen(ret_owner);
		if (length + 3 > ZONE_KEY_SIZE)
			return false;
		memcpy(ret_owner + length, "*\1", 3);
		return key_exists(zone, ret_owner);
	}
	return false;
}

struct walk {
	const struct check_zone *zone;
	const char *asked; /* without the root dot */
	const char *name; /* where the aliases have led so far */
	enum net_dns_type type;
	uint32_t ttl_s;
	unsigned aliases;
};

static const struct net_dns_answer *tell(
	const struct walk *walk, enum net_dns_status status, const struct zone_record *set, size_t count)
{
	struct span data[NET_DNS_RECORD_MAXIMUM + 1];
	uint32_t ttl_s = status == NET_DNS_OK ? walk->ttl_s : NEGATIVE_TTL_S;
	size_t kept = 0;
	for (size_t i = 0; i < count && kept < NET_DNS_RECORD_MAXIMUM + 1; i++) {
		data[kept++] = set[i].data;
		if (set[i].ttl_s < ttl_s)
			ttl_s = set[i].ttl_s;
	}
	struct net_dns_told told = { .name = walk->asked,
		.type = walk->type,
		.status = status,
		.canonical = walk->aliases ? walk->name : NULL,
		.ttl_s = ttl_s,
		.data = data,
		.data_count = kept };
	return net_dns_answer_tell(&told);
}

static const struct net_dns_answer *tell_circle(const struct walk *walk, const struct zone_record *last)
{
	char why[CHECK_ZONE_ERROR_SIZE];
	snprintf(why, sizeof(why), "%s:%u: more than %d CNAMEs follow one another; do they lead in a circle?",
		walk->zone->path, last->line, CHECK_ZONE_ALIASES_MAXIMUM);
	struct net_dns_told told = { .name = walk->asked, .type = walk->type, .status = NET_DNS_SERVFAIL, .why = why };
	return net_dns_answer_tell(&told);
}

/* Nothing of that name and type. */
static enum check_zone_result not_here(const struct walk *walk, const char *key, bool only, bool exists,
	const struct net_dns_answer **ret_answer, const char **ret_alias)
{
	if (only && is_ours(walk->zone, key)) {
		*ret_answer = tell(walk, exists ? NET_DNS_NODATA : NET_DNS_NXDOMAIN, NULL, 0);
		return CHECK_ZONE_ANSWER;
	}
	if (walk->aliases == 0)
		return CHECK_ZONE_ELSEWHERE;
	*ret_alias = walk->name;
	return CHECK_ZONE_ALIAS;
}

static enum check_zone_result walk_on(
	struct walk *walk, bool only, const struct net_dns_answer **ret_answer, const char **ret_alias)
{
	char key[ZONE_KEY_SIZE], owner[ZONE_KEY_SIZE];
	for (;;) {
		const struct zone_record *set = NULL;
		if (!zone_key(walk->name, key))
			return CHECK_ZONE_ELSEWHERE;
		bool exists = find_owner(walk->zone, key, owner);
		size_t count = exists ? find_set(walk->zone, owner, (int)walk->type, &set) : 0;
		if (count > 0) {
			*ret_answer = tell(walk, NET_DNS_OK, set, count);
			return CHECK_ZONE_ANSWER;
		}
		if (!exists || find_set(walk->zone, owner, ZONE_TYPE_CNAME, &set) == 0)
			return not_here(walk, key, only, exists, ret_answer, ret_alias);
		if (walk->aliases++ == CHECK_ZONE_ALIASES_MAXIMUM) {
			*ret_answer = tell_circle(walk, set);
			return CHECK_ZONE_ANSWER;
		}
		walk->name = set->target;
		if (set->ttl_s < walk->ttl_s)
			walk->ttl_s = set->ttl_s;
	}
}

enum check_zone_result check_zone_ask(const struct check_zone *zone, const char *name, enum net_dns_type type,
	bool only, const struct net_dns_answer **ret_answer, const char **ret_alias)
{
	char asked[NET_DNS_NAME_TEXT_SIZE];
	struct span given = span_of(name);
	if (given.length > 0 && given.at[given.length - 1] == '.')
		given.length--;
	if (!span_copy_to(given, asked, sizeof(asked)))
		return CHECK_ZONE_ELSEWHERE;
	struct walk walk = { .zone = zone, .asked = asked, .name = asked, .type = type, .ttl_s = UINT32_MAX };
	return walk_on(&walk, only, ret_answer, ret_alias);
}
