/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_DOCUMENT_H
#define FEDGE_CONFIG_DOCUMENT_H
/* For this folder only. A YAML document as a tree in which every value knows its line and column.
 * Knows no schema: all scalars are texts. Anchors and aliases work; the tree shares what they
 * share, and what it would be written out is bounded (CONFIG_VALUES_MAXIMUM), so walking it is. */
#include "base/arena.h"
#include "config/defect.h"

enum document_kind { DOCUMENT_SCALAR, DOCUMENT_SEQUENCE, DOCUMENT_MAPPING };
struct document_item;
enum document_style { DOCUMENT_PLAIN, DOCUMENT_SINGLE_QUOTED, DOCUMENT_DOUBLE_QUOTED, DOCUMENT_BLOCK };

struct document_node {
	enum document_kind kind;
	struct config_place place;
	struct span text; /* scalars; a NUL follows */
	enum document_style style;
	bool one_line;
	size_t count; /* items, or pairs */
	struct document_item *items;
	struct document_item **last_item;
	size_t weight; /* values in it when aliases are written out, itself included */
	bool open; /* its end has not been read yet */
};
/* A value may stand in several places (aliases), so the links are outside. */
struct document_item {
	struct document_item *next;
	struct document_node *key; /* of a mapping; NULL in a sequence */
	struct document_node *value;
};

/* 0 and the root; -EINVAL with the syntax error in the report; -ENOMEM. An empty document gives
 * an empty mapping. */
int document_parse(struct arena *a, struct span bytes, struct config_report *report, struct document_node **ret_root);

/* The first value of that key, NULL where there is none or the node is no mapping. */
struct document_node *document_find(const struct document_node *node, const char *key);
/* The value at that index of a sequence, or NULL. */
struct document_node *document_at(const struct document_node *node, size_t index);
/* A scalar that says nothing: empty and not quoted, ~ or null. */
bool document_is_empty(const struct document_node *node);
/* Where in the file the byte at that offset of a scalar's text stands, as near as quotes allow. */
struct config_place document_place_in(const struct document_node *node, size_t offset);
#endif
