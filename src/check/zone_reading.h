/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_ZONE_READING_H
#define FEDGE_CHECK_ZONE_READING_H
/* A zone file while it is read: zone_names.c (names, and saying what is wrong), zone_data.c (values), zone_read.c
 * (directives, records, the whole). Functions that give an int give 0, or a negative errno with r->error written. */
#include "check/zone_private.h"
#include "check/zone_text.h"

#include <ldns/ldns.h>

struct zone_reading {
	struct check_zone *zone;
	ldns_rdf *origin; /* NULL: none yet */
	ldns_rdf *owner; /* of the record before */
	uint32_t ttl_s;
	bool has_authority; /* an SOA came */
	uint32_t line;
	struct zone_entry *entry;
	char *error; /* CHECK_ZONE_ERROR_SIZE */
};

/* ---- saying what is wrong: "FILE:LINE: what", escaped ---- */
int zone_refuse(struct zone_reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
int zone_no_memory(struct zone_reading *r);
void zone_add_note(struct zone_reading *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A word of the file in a message: not all of a long one. */
#define ZONE_SHOW(word) (int)((word).length < 80 ? (word).length : 80), (word).at

/* ---- names ---- */
/* Without the root dot at its end ("a\\." ends with a dot that is part of the label). */
bool zone_name_is_relative(struct span word);
/* The whole name; the caller's to free by ldns_rdf_deep_free. */
int zone_read_name(struct zone_reading *r, struct span word, ldns_rdf **ret_name);
bool zone_name_text(const ldns_rdf *name, char ret_text[NET_DNS_NAME_TEXT_SIZE]);
const char *zone_copy_key(struct zone_reading *r, const ldns_rdf *name); /* in the zone's arena; NULL without memory */
/* Into a set of keys that grows up to a maximum. */
int zone_add_key(struct zone_reading *r, const ldns_rdf *name, const char ***keys, size_t *count, size_t maximum);

/* ---- values ---- */
enum zone_field {
	ZONE_FIELD_U8,
	ZONE_FIELD_U16,
	ZONE_FIELD_NAME,
	ZONE_FIELD_TEXT,
	ZONE_FIELD_HEX,
	ZONE_FIELD_OTHER, /* ldns knows */
};

struct zone_type {
	const char *name;
	int type;
	enum zone_field fields[6];
	size_t count; /* at least */
	bool open; /* the last value may go on over several words */
	const char *takes;
};
/* "SRV", or "TYPE33" (RFC 3597 5); NULL for types that are not needed. */
const struct zone_type *zone_type_find(struct span word);
/* RDATA in wire form, in the zone's arena. */
int zone_read_data(struct zone_reading *r, const struct zone_type *type, const struct span *values, size_t count,
	struct span *ret_data);
#endif
