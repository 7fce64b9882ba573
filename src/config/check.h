/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_CHECK_H
#define FEDGE_CONFIG_CHECK_H
/* For this folder only. What one line of the schema cannot say: values worked out from others
 * (complete), names that refer to others (resolve), and settings that contradict each other
 * (check). The document gives the places. */
#include "config/bind.h"

/* The arrays are the arena's, const only for those who get the snapshot. */
#define OPENED(type, items) ((type *)(uintptr_t)(items))

void config_complete(struct bind_context *c, const struct document_node *root, struct config_node *node);
/* Passwords from the files they stand in (where files are looked at at all). */
void config_complete_secrets(struct bind_context *c, const struct document_node *root, struct config_node *node);
void config_resolve(struct bind_context *c, const struct document_node *root, struct config_node *node);
bool config_is_source_word(struct span name); /* any, all-zones …: what no zone can be called */
void config_check(struct bind_context *c, const struct document_node *root, const struct config_node *node);

/* After config_check, which wants to know what was given: certificates that serve both roles. */
void config_complete_identities(struct config_node *node);

/* What all checks look at. */
struct check {
	struct bind_context *context;
	struct config_report *report;
	const struct document_node *root;
	const struct config_node *node;
};
/* Of the key's value in a mapping, of the mapping where it is not given. */
struct config_place config_place_of(const struct document_node *mapping, const char *key);
/* Of a sequence; NULL for anything else. Lists of the node are as long, but for zones: one may have been added. */
const struct document_item *config_items(const struct document_node *list);

void config_zones_check(const struct check *k); /* check_zones.c */
void config_calls_check(const struct check *k); /* check_call.c: transforms, policy, rules, registrar, users */

/* After all others: what only the dial plan as a whole shows, made as the edge makes it. */
void config_table_check(const struct check *k);
struct route_table;
/* check_plan.c: entries that do nothing; zones, domains and partners that no rule leads to. 0 or -ENOMEM. */
int config_plan_check(const struct check *k, const struct route_table *table, struct arena *arena);

/* A text of the file that is a regex, or a replacement that asks for its groups. */
struct config_regex {
	const char *key;
	const struct document_node *value; /* NULL: not given */
	struct span text;
};
/* Compiles it, and looks at the groups that the replacement (NULL: none) asks for. name: "the pattern". */
void config_regex_check(struct config_report *report, const struct config_regex *regex,
	const struct config_regex *replacement, const char *name);
/* Domains on two lists, or twice on one. */
void config_domains_check(struct bind_context *c, const struct document_node *root, const struct config_node *node);
#endif
