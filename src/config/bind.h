/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_BIND_H
#define FEDGE_CONFIG_BIND_H
/* For this folder only. A document (config/document.h) by a schema (config/schema.h) into structs.
 * Every list item has its place in the array even where it is faulty, so that check.c may walk
 * document and structs side by side. */
#include "config/document.h"
#include "config/schema.h"

struct bind_context {
	struct arena *arena; /* of the result */
	struct config_report *report;
	const char *folder; /* what relative paths are relative to; NULL: kept */
	bool check_files; /* look whether files that are named exist and can be read */
	bool no_memory;
};

/* All mistakes go into the report; object is filled as far as can be, defaults included. */
void bind_section(
	struct bind_context *c, const struct schema_section *section, const struct document_node *node, void *object);
/* The object as if the section stood there with nothing in it, required keys or not. */
void bind_defaults(
	struct bind_context *c, const struct schema_section *section, struct config_place place, void *object);
/* "1s to 30d", with the units of the key's type. */
void bind_write_range(struct buffer *b, const struct schema_key *key);
#endif
