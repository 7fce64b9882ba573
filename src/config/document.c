/* SPDX-License-Identifier: Apache-2.0 */
#include "config/document.h"

#include <errno.h>
#include <stdlib.h>
#include <yaml.h>

struct anchor {
	struct anchor *next;
	struct span name;
	struct document_node *node;
};

struct reader {
	struct arena *arena;
	struct config_report *report;
	yaml_parser_t parser;
	struct document_node *root;
	struct document_node *stack[CONFIG_DEPTH_MAXIMUM];
	struct document_node *keys[CONFIG_DEPTH_MAXIMUM]; /* of a mapping: the key that waits for its value */
	size_t depth;
	size_t documents;
	size_t values; /* aliases written out */
	struct anchor *anchors;
	bool ended;
};

static struct config_place place_of(yaml_mark_t mark)
{
	return (struct config_place){ (uint32_t)mark.line + 1, (uint32_t)mark.column + 1 };
}

static int reader_refuse(struct reader *r, yaml_mark_t mark, const char *text)
{
	config_error(r->report, place_of(mark), "%s", text);
	return -EINVAL;
}

/* libyaml's own words, with the hint that most people need. */
static int reader_syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	const char *problem = p->problem ? p->problem : "unreadable";
	if (p->error == YAML_READER_ERROR) {
		/* The reader counts bytes and stops before it knows a line. */
		config_error(r->report, place_of(p->mark), "not YAML: %s", problem);
		return -EINVAL;
	}
	const char *hint = strstr(problem, "cannot start any token")
				   ? " (a tab cannot indent, and a text that starts with % @ ` needs quotes)"
				   : "";
	if (p->context)
		config_error(r->report, place_of(p->problem_mark), "not YAML: %s, %s%s", p->context, problem, hint);
	else
		config_error(r->report, place_of(p->problem_mark), "not YAML: %s%s", problem, hint);
	return -EINVAL;
}

static struct document_node *node_new(struct reader *r, enum document_kind kind, yaml_mark_t mark)
{
	struct document_node *node = arena_zero(r->arena, sizeof(*node));
	if (!node)
		return NULL;
	node->kind = kind;
	node->place = place_of(mark);
	node->weight = 1;
	node->last_item = &node->items;
	return node;
}

static int reader_remember(struct reader *r, const yaml_char_t *name, struct document_node *node)
{
	if (!name)
		return 0;
	struct anchor *anchor = arena_zero(r->arena, sizeof(*anchor));
	if (!anchor)
		return -ENOMEM;
	*anchor = (struct anchor){ r->anchors, arena_copy(r->arena, span_of((const char *)name)), node };
	if (!anchor->name.at)
		return -ENOMEM;
	r->anchors = anchor;
	return 0;
}

/* The newest anchor of that name (YAML 1.1, 7.1: a later one hides an earlier one). */
static struct document_node *reader_anchor(const struct reader *r, const yaml_char_t *name)
{
	for (const struct anchor *anchor = r->anchors; anchor; anchor = anchor->next) {
		if (span_is(anchor->name, (const char *)name))
			return anchor->node;
	}
	return NULL;
}

static int reader_append(struct reader *r, struct document_node *key, struct document_node *value)
{
	struct document_node *parent = r->stack[r->depth - 1];
	struct document_item *item = arena_zero(r->arena, sizeof(*item));
	if (!item)
		return -ENOMEM;
	item->key = key;
	item->value = value;
	*parent->last_item = item;
	parent->last_item = &item->next;
	parent->count++;
	return 0;
}

/* Hangs a value into the tree: as root, item, key or value. */
static int reader_place(struct reader *r, struct document_node *node, yaml_mark_t mark)
{
	if (r->depth == 0) {
		r->root = node;
		return 0;
	}
	struct document_node *parent = r->stack[r->depth - 1];
	if (parent->kind == DOCUMENT_SEQUENCE)
		return reader_append(r, NULL, node);
	struct document_node *key = r->keys[r->depth - 1];
	if (key) {
		r->keys[r->depth - 1] = NULL;
		return reader_append(r, key, node);
	}
	if (node->kind != DOCUMENT_SCALAR)
		return reader_refuse(r, mark, "a key must be a single word");
	r->keys[r->depth - 1] = node;
	return 0;
}

static int reader_count(struct reader *r, size_t weight, yaml_mark_t mark)
{
	r->values += weight;
	if (r->values > CONFIG_VALUES_MAXIMUM)
		return reader_refuse(r, mark, "too many values (aliases count each time they are used)");
	return 0;
}

static int reader_scalar(struct reader *r, const yaml_event_t *event)
{
	struct document_node *node = node_new(r, DOCUMENT_SCALAR, event->start_mark);
	if (!node)
		return -ENOMEM;
	static const enum document_style styles[] = {
		[YAML_PLAIN_SCALAR_STYLE] = DOCUMENT_PLAIN,
		[YAML_SINGLE_QUOTED_SCALAR_STYLE] = DOCUMENT_SINGLE_QUOTED,
		[YAML_DOUBLE_QUOTED_SCALAR_STYLE] = DOCUMENT_DOUBLE_QUOTED,
		[YAML_LITERAL_SCALAR_STYLE] = DOCUMENT_BLOCK,
		[YAML_FOLDED_SCALAR_STYLE] = DOCUMENT_BLOCK,
	};
	node->style = styles[event->data.scalar.style];
	node->one_line = event->start_mark.line == event->end_mark.line;
	node->text = arena_copy(r->arena, span_make((const char *)event->data.scalar.value, event->data.scalar.length));
	if (!node->text.at)
		return -ENOMEM;
	int status = reader_count(r, 1, event->start_mark);
	if (status == 0)
		status = reader_remember(r, event->data.scalar.anchor, node);
	return status < 0 ? status : reader_place(r, node, event->start_mark);
}

static int reader_open(struct reader *r, enum document_kind kind, const yaml_char_t *anchor, yaml_mark_t mark)
{
	if (r->depth == CONFIG_DEPTH_MAXIMUM)
		return reader_refuse(r, mark, "nested too deeply");
	struct document_node *node = node_new(r, kind, mark);
	if (!node)
		return -ENOMEM;
	node->open = true;
	node->weight = r->values; /* until it is closed: the count before it */
	int status = reader_count(r, 1, mark);
	if (status == 0)
		status = reader_remember(r, anchor, node);
	if (status == 0)
		status = reader_place(r, node, mark);
	if (status < 0)
		return status;
	r->keys[r->depth] = NULL;
	r->stack[r->depth++] = node;
	return 0;
}

static void reader_close(struct reader *r)
{
	struct document_node *node = r->stack[--r->depth];
	node->open = false;
	node->weight = r->values - node->weight;
}

static int reader_alias(struct reader *r, const yaml_event_t *event)
{
	struct document_node *node = reader_anchor(r, event->data.alias.anchor);
	if (!node) /* Its name is not shown: it may be a password that begins with an asterisk. */
		return reader_refuse(
			r, event->start_mark, "no anchor has this name (a text that starts with * needs quotes)");
	if (node->open)
		return reader_refuse(r, event->start_mark, "an alias cannot stand inside of what it stands for");
	int status = reader_count(r, node->weight, event->start_mark);
	return status < 0 ? status : reader_place(r, node, event->start_mark);
}

static const yaml_char_t *event_tag(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.tag;
	default:
		return NULL;
	}
}

static int reader_event(struct reader *r, const yaml_event_t *event)
{
	if (event_tag(event))
		return reader_refuse(r, event->start_mark, "tags (!…) are not used here: types are fixed by the keys");
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (++r->documents > 1)
			return reader_refuse(r, event->start_mark, "a second document: one file describes one node");
		return 0;
	case YAML_STREAM_END_EVENT:
		r->ended = true;
		return 0;
	case YAML_SCALAR_EVENT:
		return reader_scalar(r, event);
	case YAML_ALIAS_EVENT:
		return reader_alias(r, event);
	case YAML_SEQUENCE_START_EVENT:
		return reader_open(r, DOCUMENT_SEQUENCE, event->data.sequence_start.anchor, event->start_mark);
	case YAML_MAPPING_START_EVENT:
		return reader_open(r, DOCUMENT_MAPPING, event->data.mapping_start.anchor, event->start_mark);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		reader_close(r);
		return 0;
	default:
		return 0;
	}
}

static int reader_run(struct reader *r)
{
	while (!r->ended) {
		yaml_event_t event;
		if (!yaml_parser_parse(&r->parser, &event))
			return reader_syntax_error(r);
		int status = reader_event(r, &event);
		yaml_event_delete(&event);
		if (status < 0)
			return status;
	}
	return 0;
}

int document_parse(struct arena *a, struct span bytes, struct config_report *report, struct document_node **ret_root)
{
	struct reader r = { .arena = a, .report = report };
	if (!yaml_parser_initialize(&r.parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)(bytes.at ? bytes.at : ""), bytes.length);
	int status = reader_run(&r);
	if (status == 0 && (!r.root || document_is_empty(r.root))) {
		r.root = node_new(&r, DOCUMENT_MAPPING, (yaml_mark_t){ 0, 0, 0 });
		status = r.root ? 0 : -ENOMEM;
	}
	yaml_parser_delete(&r.parser);
	if (status == 0)
		*ret_root = r.root;
	return status;
}

struct document_node *document_find(const struct document_node *node, const char *key)
{
	if (!node || node->kind != DOCUMENT_MAPPING)
		return NULL;
	for (const struct document_item *item = node->items; item; item = item->next) {
		if (span_is(item->key->text, key))
			return item->value;
	}
	return NULL;
}

struct document_node *document_at(const struct document_node *node, size_t index)
{
	if (!node || node->kind != DOCUMENT_SEQUENCE)
		return NULL;
	const struct document_item *item = node->items;
	while (item && index-- > 0)
		item = item->next;
	return item ? item->value : NULL;
}

bool document_is_empty(const struct document_node *node)
{
	return node->kind == DOCUMENT_SCALAR && node->style == DOCUMENT_PLAIN &&
	       (span_is_empty(node->text) || span_is(node->text, "~") || span_is(node->text, "null"));
}

/* How many more columns the file needs for this character than the text does. */
static uint32_t columns_hidden(enum document_style style, char c)
{
	if (style == DOCUMENT_SINGLE_QUOTED)
		return c == '\'';
	if (style == DOCUMENT_DOUBLE_QUOTED)
		return c == '"' || c == '\\';
	return 0;
}

struct config_place document_place_in(const struct document_node *node, size_t offset)
{
	struct config_place place = node->place;
	if (!node->one_line || node->style == DOCUMENT_BLOCK)
		return place;
	if (node->style != DOCUMENT_PLAIN)
		place.column++;
	for (size_t i = 0; i < offset && i < node->text.length; i++) {
		char c = node->text.at[i];
		/* Columns count characters: UTF-8's following bytes are none. */
		if (((unsigned char)c & 0xc0) != 0x80)
			place.column += 1 + columns_hidden(node->style, c);
	}
	return place;
}
