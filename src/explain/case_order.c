/* SPDX-License-Identifier: Apache-2.0 */
/* Causes before their effects: each log is in order, and a message that two of them have ties them together. What
 * follows from that goes before what clocks say; times decide the rest. */
#include "explain/joiner_private.h"

#include <stdlib.h>

/* The items of one clock in the order of its log, without those that another stands for. */
struct chain {
	struct joiner_item **at;
	uint32_t count, next;
};

/* The item that is told for this one. */
static struct joiner_item *told_for(
	struct joiner_item *item, struct joiner_item *const *firsts, const struct joiner_item *items)
{
	return item->is_second ? firsts[item - items] : item;
}

static int compare_arrival(const void *a, const void *b)
{
	const struct joiner_item *x = *(struct joiner_item *const *)a, *y = *(struct joiner_item *const *)b;
	return x->entry->order < y->entry->order ? -1 : x->entry->order > y->entry->order;
}

/* chains: one a clock. firsts: of each second sighting the first. */
static bool make_chains(struct chain *chains, struct joiner_item **firsts, struct joiner_item *items, uint32_t count,
	struct arena *arena)
{
	for (uint32_t i = 0; i < count; i++) {
		chains[items[i].entry->clock].count += !items[i].is_dropped;
		if (items[i].second)
			firsts[items[i].second - items] = &items[i];
	}
	for (uint32_t k = 0; k < JOINER_CLOCKS_MAXIMUM; k++) {
		if (chains[k].count == 0)
			continue;
		chains[k].at = arena_allocate(arena, chains[k].count * sizeof(*chains[k].at));
		if (!chains[k].at)
			return false;
		chains[k].count = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct chain *chain = &chains[items[i].entry->clock];
		if (!items[i].is_dropped)
			chain->at[chain->count++] = &items[i];
	}
	for (uint32_t k = 0; k < JOINER_CLOCKS_MAXIMUM; k++)
		if (chains[k].count > 1)
			qsort(chains[k].at, chains[k].count, sizeof(*chains[k].at), compare_arrival);
	return true;
}

static bool is_head(const struct chain *chains, const struct joiner_item *item)
{
	const struct chain *chain = &chains[item->entry->clock];
	return chain->next < chain->count && chain->at[chain->next] == item;
}

/* The earliest that nothing stands before in any log; where logs contradict each other, the earliest of all. */
static struct chain *pick(struct chain *chains, struct joiner_item *const *firsts, const struct joiner_item *items,
	const bool *told_already)
{
	struct chain *best = NULL, *earliest = NULL;
	int64_t best_us = 0, earliest_us = 0;
	for (uint32_t k = 0; k < JOINER_CLOCKS_MAXIMUM; k++) {
		struct chain *chain = &chains[k];
		if (chain->next == chain->count)
			continue;
		struct joiner_item *item = chain->at[chain->next], *told = told_for(item, firsts, items);
		int64_t time_us = told->time_us;
		if (told_already[told - items])
			return chain;
		if (!earliest || time_us < earliest_us) {
			earliest = chain;
			earliest_us = time_us;
		}
		const struct joiner_item *other = item->is_second ? told : item->second;
		if (other && !is_head(chains, other))
			continue;
		if (!best || time_us < best_us) {
			best = chain;
			best_us = time_us;
		}
	}
	return best ? best : earliest;
}

/* Fills order[] with the items to tell, each once. */
static uint32_t put_in_order(struct chain *chains, struct joiner_item *const *firsts, struct joiner_item *items,
	bool *told_already, struct joiner_item *ret_order)
{
	uint32_t count = 0;
	for (struct chain *chain; (chain = pick(chains, firsts, items, told_already));) {
		struct joiner_item *item = told_for(chain->at[chain->next++], firsts, items);
		if (told_already[item - items])
			continue;
		told_already[item - items] = true;
		ret_order[count++] = *item;
	}
	return count;
}

struct joiner_item *joiner_order(struct joiner_item *items, uint32_t count, struct arena *arena, uint32_t *ret_count)
{
	struct chain *chains = arena_zero(arena, JOINER_CLOCKS_MAXIMUM * sizeof(*chains));
	struct joiner_item **firsts = arena_zero(arena, (count + 1) * sizeof(struct joiner_item *));
	bool *told = arena_zero(arena, count + 1);
	struct joiner_item *order = arena_allocate(arena, (count + 1) * sizeof(*order));
	if (!chains || !firsts || !told || !order || !make_chains(chains, firsts, items, count, arena))
		return NULL;
	*ret_count = put_in_order(chains, firsts, items, told, order);
	return order;
}
