/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_LIST_H
#define FEDGE_BASE_LIST_H
/* A circular list whose links live inside the items. Owns nothing. */
#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *previous;
};

static inline void list_init(struct list *head)
{
	head->next = head->previous = head;
}
static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}
static inline void list_insert_before(struct list *position, struct list *item)
{
	item->next = position;
	item->previous = position->previous;
	position->previous->next = item;
	position->previous = item;
}
static inline void list_append(struct list *head, struct list *item)
{
	list_insert_before(head, item);
}
/* The item is a list of its own afterwards, so removing it twice is harmless. */
static inline void list_remove(struct list *item)
{
	item->previous->next = item->next;
	item->next->previous = item->previous;
	list_init(item);
}
#define list_each(item, head) for (struct list *item = (head)->next; item != (head); item = item->next)
/* The current item may be removed. */
#define list_each_safe(item, following, head)                                                                          \
	for (struct list *item = (head)->next, *following = item->next; item != (head);                                \
		item = following, following = item->next)
#endif
