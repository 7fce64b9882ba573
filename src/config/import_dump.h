/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_IMPORT_DUMP_H
#define FEDGE_CONFIG_IMPORT_DUMP_H
/* For the importer only (config/import.h): the settings of a dump, found by their names. Whoever asks for one carries
 * it over; what nobody asked for is listed at the end. */
#include "config/import.h"

/* Which list of the dump a setting belongs to. */
enum import_section {
	IMPORT_NODE, /* of none */
	IMPORT_DNS_SERVER,
	IMPORT_DOMAIN,
	IMPORT_CREDENTIAL,
	IMPORT_ZONE,
	IMPORT_TRANSFORM,
	IMPORT_RULE,
	IMPORT_SECTIONS
};

enum import_fate {
	IMPORT_UNASKED,
	IMPORT_CARRIED,
	IMPORT_IDLE, /* of no effect there: the pattern of a rule for any alias */
	IMPORT_LEFT_OUT, /* with the zone, rule or transform it belongs to */
	IMPORT_LISTED /* a note of its own says what to do */
};

struct import_entry {
	struct span key; /* whole: "Zones Zone 6 Name"; words with one blank between */
	struct span name; /* of it, what follows the section's number: "Name" */
	struct span value; /* without its quotes; text_is_safe */
	uint32_t line;
	uint32_t index; /* 6; 0 in IMPORT_NODE */
	enum import_section section;
	enum import_fate fate;
};

/* The settings of one thing: a zone, a rule, the node. */
struct import_object {
	struct import_entry *entries;
	size_t count;
	uint32_t index;
	uint32_t line; /* the first of its settings' */
};

struct import_dump {
	struct import_entry *entries; /* by section, index, key, line */
	size_t count;
	struct import_object *objects[IMPORT_SECTIONS];
	size_t object_counts[IMPORT_SECTIONS];
};

/* 0 or -ENOMEM. Lines that are none go onto the import's list. Texts borrow from bytes or live in the arena. */
int import_dump_read(struct config_import *import, struct span bytes, struct import_dump *ret_dump);

/* The value of that name (case does not matter), absent where there is none; an empty value counts as none. What it
 * gives counts as carried over. Of several the last one is taken. */
struct span import_get(const struct import_object *object, const char *name);
/* The same for a name with a number or a zone's kind in it. */
struct span import_get_format(const struct import_object *object, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* import_get, compared; a value that is absent is none of them. */
bool import_is(const struct import_object *object, const char *name, const char *value);
struct import_entry *import_find(const struct import_object *object, const char *name); /* carries nothing over */
void import_leave_out(const struct import_object *object);

/* ---- the list ---- */

/* text may be NULL. The import's memory running out is noticed by whoever finishes the list. */
void import_note(struct config_import *import, enum config_import_group group, const struct import_entry *entry,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
void import_note_line(struct config_import *import, enum config_import_group group, uint32_t line, struct span key,
	const char *format, ...) __attribute__((format(printf, 5, 6)));
/* What nobody asked for, each under the group its name belongs to. */
void import_note_unasked(struct config_import *import, struct import_dump *dump);
/* As comments at the end of the result, as far as they fit. */
void import_append_notes(struct config_import *import);
#endif
