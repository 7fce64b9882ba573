/* SPDX-License-Identifier: Apache-2.0 */
#include "config/check.h"

#include <stdlib.h>

/* Lists may be long: all domains are sorted once, and equal ones stand side by side. */
struct entry {
	struct span domain;
	const char *list;
	struct config_place place;
	size_t order; /* in the file */
};

static int by_domain(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	int order = span_compare(a->domain, b->domain);
	return order ? order : a->order < b->order ? -1 : a->order > b->order;
}

static void add_domain(struct entry *entries, size_t *count, struct entry entry)
{
	if (!entry.domain.at)
		return; /* faulty, and reported */
	entry.order = *count;
	entries[(*count)++] = entry;
}

static void add_texts(struct entry *entries, size_t *count, const struct document_node *list, const char *name,
	struct config_texts texts)
{
	const struct document_item *item = texts.count ? list->items : NULL;
	for (size_t i = 0; i < texts.count; i++, item = item->next)
		add_domain(entries, count, (struct entry){ texts.items[i], name, item->value->place, 0 });
}

static void report_pair(struct config_report *report, const struct entry *first, const struct entry *second)
{
	if (second->place.line < first->place.line ||
		(second->place.line == first->place.line && second->place.column < first->place.column)) {
		const struct entry *earlier = second;
		second = first;
		first = earlier;
	}
	if (first->list == second->list)
		config_error(report, second->place, "`%s` is on the list `%s` twice; first in line %u",
			config_shown(second->domain).text, second->list, first->place.line);
	else
		config_error(report, second->place, "`%s` is on the list `%s` and, in line %u, on the list `%s`",
			config_shown(second->domain).text, second->list, first->place.line, first->list);
}

void config_domains_check(struct bind_context *c, const struct document_node *root, const struct config_node *node)
{
	const struct document_node *trust = document_find(root, "trust");
	size_t count = 0, room = node->domains.count + node->trust.allowed_count + node->trust.blocked.count;
	struct entry *entries = room ? calloc(room, sizeof(*entries)) : NULL;
	if (!entries) {
		c->no_memory = c->no_memory || room;
		return;
	}
	add_texts(entries, &count, document_find(root, "domains"), "domains", node->domains);
	for (size_t i = 0; i < node->trust.allowed_count; i++)
		add_domain(entries, &count,
			(struct entry){ node->trust.allowed[i].domain, "allowed", node->trust.allowed[i].place, 0 });
	add_texts(entries, &count, document_find(trust, "blocked"), "blocked", node->trust.blocked);
	qsort(entries, count, sizeof(*entries), by_domain);
	for (size_t i = 1; i < count; i++) {
		if (span_equal(entries[i - 1].domain, entries[i].domain))
			report_pair(c->report, &entries[i - 1], &entries[i]);
	}
	free(entries);
}
