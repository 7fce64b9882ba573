/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_IMPORT_WRITE_H
#define FEDGE_CONFIG_IMPORT_WRITE_H
/* For the importer only (config/import.h): its parts, and lines of YAML. */
#include "config/import_dump.h"
#include "config/node.h"
#include "route/variable.h"

/* What a zone of the dump became, for the rules that name it. */
struct import_zone {
	struct span name; /* there */
	struct span result; /* here; absent: the zone was left out */
};
struct import_zones {
	struct import_zone *items;
	size_t count;
};

#define IMPORT_ADDRESSES_MAXIMUM 2 /* of one family: one for each interface */
#define IMPORT_LISTENERS_MAXIMUM 4

struct import {
	struct config_import *result;
	struct import_dump dump;
	struct import_zones zones;
	struct span node; /* the host name */
	struct route_names names; /* what the result's variables stand for */
	struct span addresses[2][IMPORT_ADDRESSES_MAXIMUM]; /* IPv4, IPv6; where a pattern asks for them */
	uint16_t ports[IMPORT_LISTENERS_MAXIMUM];
	size_t port_count;
	bool dns; /* a zone needs the section */
	bool tls; /* a listener or zone needs a certificate */
	bool users; /* somebody checks credentials */
	bool registrar;
	int status;
};

/* Each writes its section, or nothing where there is nothing to say. */
void import_write_node(struct import *import); /* import_node.c: name, domains, listeners; decides on the registrar */
void import_write_zones(struct import *import); /* import_zones.c; fills import->zones */
void import_write_transforms(struct import *import); /* import_rules.c, like the next */
void import_write_rules(struct import *import);
void import_write_services(struct import *import); /* import_node.c: registrar, users, dns, tls; last */

/* ---- lines: "  key: value" with the front ("  ", "  - ") first ---- */

void import_line(struct import *import, const char *front, const char *key, const char *word);
/* key NULL: an item of a list. */
void import_line_quoted(struct import *import, const char *front, const char *key, struct span text);
/* Nothing where the text is absent. */
void import_line_given(struct import *import, const char *front, const char *key, struct span text);

/* A word of the dump and ours. NULL: none of them. */
struct import_word {
	const char *there, *here;
};
const char *import_word(const struct import_word *words, size_t count, struct span there);
bool import_is_on(struct span value); /* On, Yes; absent: no */

/* A name as value_name allows, unlike the first `taken` of the others: what it may not hold becomes "_". */
struct span import_name(struct import *import, struct span name, const char *fallback, uint32_t index,
	bool (*is_taken)(const void *argument, struct span name), const void *argument);
/* "secrets/zone-3-NAME.txt", and a note that it is needed. No two things of a kind have one index. */
struct span import_secret_file(
	struct import *import, const char *kind, uint32_t index, struct span name, const char *what);
#endif
