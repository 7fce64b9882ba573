/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_SCHEMA_H
#define FEDGE_CONFIG_SCHEMA_H
/* The table of all settings (schema.c): name, type, default, range, documentation, and where the
 * value goes in `struct config_node`. Parsing, messages, `fedge config schema`, its JSON Schema
 * and the reference in docs/configuration.md all come from it.
 *
 * To add a setting: a member in config/node.h, a line in schema.c, and `script/docs`. What one
 * line cannot say (two settings that contradict each other) is a rule in config/check.c. */
#include "base/buffer.h"
#include "config/node.h"

enum schema_type {
	SCHEMA_BOOLEAN,
	SCHEMA_NUMBER,
	SCHEMA_SIZE, /* bytes, with K, M, G */
	SCHEMA_DURATION, /* with ms, s, m, h, d; stored in the key's unit */
	SCHEMA_CHOICE, /* one of `choices`; stored as its index */
	SCHEMA_TEXT,
	SCHEMA_SECRET, /* text that no message shows */
	SCHEMA_HASH, /* the same, `maximum` hexadecimal digits; stored in lower case */
	SCHEMA_ALIAS, /* user@domain, the domain in lower case */
	SCHEMA_NAME, /* letters, digits, - _ . and blanks inside: of zones and rules */
	SCHEMA_DOMAIN, /* lower case, without the root dot */
	SCHEMA_HOST, /* a domain name with at least one dot */
	SCHEMA_SERVER_NAME, /* the same, or *.host */
	SCHEMA_ADDRESS, /* IPv4 or IPv6, written canonically */
	SCHEMA_PORT,
	SCHEMA_ENDPOINT, /* address or host name, with a port or without */
	SCHEMA_ADDRESS_ENDPOINT, /* IP, IP:PORT or IP@PORT */
	SCHEMA_HOST_ENDPOINT, /* host name, with a port or without */
	SCHEMA_FILE_READ, /* must exist and be readable */
	SCHEMA_FILE_WRITE, /* its folder must exist */
	SCHEMA_SOCKET, /* the same, and short enough for a socket */
	SCHEMA_STORE, /* the same, or the address of a database */
	SCHEMA_SOURCE, /* any, all-zones, default, local or a zone's name; resolved by complete.c */
	SCHEMA_ZONE, /* a zone's name; resolved by complete.c */
	SCHEMA_SECTION,
};

enum schema_flag {
	SCHEMA_REQUIRED = 1,
	SCHEMA_LIST = 2,
	SCHEMA_RESTART = 4, /* a running node cannot take it over */
	SCHEMA_COMPUTED = 8, /* default_text describes what load.c or check.c works out */
};

struct schema_section;
struct schema_key {
	const char *name; /* NULL ends the table */
	enum schema_type type;
	unsigned flags;
	size_t offset; /* in the section's struct; of a list: of the pointer to its items */
	size_t count_offset; /* of a list's size_t */
	size_t width; /* of the member: 1, 2, 4 or 8 bytes */
	const char *default_text; /* parsed like the file's own; NULL: absent, zero or empty */
	uint64_t minimum, maximum; /* numbers, sizes (bytes) and durations (ms); lists: of items */
	uint64_t unit_ms; /* durations: what is stored counts these; 0: 1 */
	const char *const *choices;
	const struct schema_section *section;
	/* The key belongs only where another key of its section (a choice) has that value: "a", or one of "a|b". */
	const char *only_key, *only_value;
	const char *help; /* one sentence or two, for people */
};

struct schema_section {
	const char *name; /* "a listener": for messages */
	size_t size; /* of the struct */
	size_t place_offset; /* of its struct config_place, or SCHEMA_NO_PLACE */
	const char *scalar_key; /* a bare scalar stands for {scalar_key: scalar}; NULL: not allowed */
	const struct schema_key *keys;
};
#define SCHEMA_NO_PLACE SIZE_MAX

extern const struct schema_section schema_node;

const struct schema_key *schema_find(const struct schema_section *section, struct span name);
/* For keys with an only_value: is the word one of them; and all of them for people, "a, b or c", each in quotes. */
bool schema_only_fits(const struct schema_key *key, struct span word);
void schema_only_write(struct buffer *b, const struct schema_key *key, const char *quote);
/* "text", "list of domains", "yes or no": for people. */
const char *schema_type_name(enum schema_type type);
#endif
