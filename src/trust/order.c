/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/judge.h"

#include <stdlib.h>

/* Within a priority the heaviest first: the order where no randomness is wanted. Records of weight 0
 * come first in the random case (RFC 2782: "arranged in any order, except that all those with weight
 * 0 are placed at the beginning"). */
static int compare(const void *a, const void *b)
{
	const struct trust_candidate *left = a, *right = b;
	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	if (left->weight != right->weight)
		return left->weight > right->weight ? -1 : 1;
	int order = span_compare(left->name, right->name);
	return order ? order : (left->port > right->port) - (left->port < right->port);
}

/* RFC 2782, the usage rules: choose a running sum at random, take the first record that reaches it.
 * The list is sorted heaviest first, so the zero weights are at its end; walking it backwards is the
 * order that the RFC asks for. */
static size_t pick(const struct trust_candidate *candidates, size_t count, struct random *random)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += candidates[i].weight;
	uint64_t chosen = random_below(random, sum + 1);
	uint64_t running = 0;
	for (size_t i = count; i-- > 0;) {
		running += candidates[i].weight;
		if (running >= chosen)
			return i;
	}
	return 0;
}

static void shuffle_priority(struct trust_candidate *candidates, size_t count, struct random *random)
{
	for (; count > 1; candidates++, count--) {
		size_t chosen = pick(candidates, count, random);
		struct trust_candidate first = candidates[chosen];
		/* The rest keeps its order by weight. */
		memmove(candidates + 1, candidates, chosen * sizeof(*candidates));
		candidates[0] = first;
	}
}

void trust_order_candidates(struct trust_candidate *candidates, size_t count, struct random *random)
{
	if (count < 2)
		return;
	qsort(candidates, count, sizeof(*candidates), compare);
	if (!random)
		return;
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && candidates[to].priority == candidates[from].priority; to++)
			;
		shuffle_priority(candidates + from, to - from, random);
	}
}
