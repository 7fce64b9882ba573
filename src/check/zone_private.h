/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_ZONE_PRIVATE_H
#define FEDGE_CHECK_ZONE_PRIVATE_H
/* The planned zone from inside: zone_text.c (words), zone_read.c (records), zone.c (what it answers), overlay.c (in
 * front of a resolver). */
#include "base/arena.h"
#include "check/zone.h"

/* A name turned around, so that what lies under a name follows it when sorted: "vcse.cms.lab" is "lab/cms/vcse/" with
 * the byte 1 for the slash, in lower case; the root is empty. */
#define ZONE_SEPARATOR '\1'
#define ZONE_KEY_SIZE (NET_DNS_NAME_TEXT_SIZE + 2)
#define ZONE_TYPE_CNAME 5

struct zone_record {
	const char *key;
	const char *name; /* as written, without the root dot */
	int type; /* an enum net_dns_type, or ZONE_TYPE_CNAME */
	uint32_t ttl_s;
	uint32_t line;
	struct span data; /* RDATA in wire form */
	const char *target; /* of a CNAME */
};

struct check_zone {
	struct arena arena; /* of everything */
	const char *path;
	struct zone_record *records; /* by key, type and line */
	size_t count, capacity, skipped;
	const char **apexes; /* keys of the file's zones */
	size_t apex_count;
	const char **cuts; /* keys of names that are given to other servers */
	size_t cut_count;
	const char *notes[CHECK_ZONE_NOTES_MAXIMUM];
	size_t note_count;
};

/* name: as answers write them, with or without the root dot. false: too long. */
bool zone_key(const char *name, char ret_key[ZONE_KEY_SIZE]);
/* Index of the first record whose key is not below it. */
size_t zone_lower_bound(const struct check_zone *zone, const char *key);
#endif
