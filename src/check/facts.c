/* SPDX-License-Identifier: Apache-2.0 */
#include "check/facts.h"

#include "check/budget.h"

#include <stdlib.h>

struct check_facts *check_facts_new(void)
{
	struct check_facts *facts = calloc(1, sizeof(*facts));
	if (!facts)
		return NULL;
	arena_init(&facts->arena, CHECK_FACTS_BYTES_MAXIMUM);
	facts->lookup_us = -1;
	return facts;
}

void check_facts_free(struct check_facts *facts)
{
	if (!facts)
		return;
	arena_done(&facts->arena);
	if (facts->budget)
		check_budget_give_back(facts->budget, facts->leased);
	check_budget_unref(facts->budget);
	free(facts);
}

void check_facts_live_within(struct check_facts *facts, struct check_budget *budget)
{
	facts->budget = check_budget_ref(budget);
}

/* ---- what a domain holds beyond what it is sure of ---- */

void check_facts_claim(struct check_facts *facts, size_t bytes)
{
	struct arena *arena = &facts->arena;
	size_t wanted = arena->used + bytes;
	if (!facts->budget)
		return;
	if (wanted > CHECK_FACTS_BYTES_MAXIMUM)
		wanted = CHECK_FACTS_BYTES_MAXIMUM;
	size_t sure = CHECK_FACTS_SURE_BYTES + facts->leased;
	if (wanted > sure)
		facts->leased += check_budget_take(facts->budget, wanted - sure);
	sure = CHECK_FACTS_SURE_BYTES + facts->leased;
	arena->maximum = sure < arena->used ? arena->used : sure;
}

void check_facts_settle(struct check_facts *facts)
{
	struct arena *arena = &facts->arena;
	size_t needed = arena->used > CHECK_FACTS_SURE_BYTES ? arena->used - CHECK_FACTS_SURE_BYTES : 0;
	if (!facts->budget)
		return;
	if (needed > facts->leased)
		check_budget_overdraw(facts->budget, needed - facts->leased);
	else
		check_budget_give_back(facts->budget, facts->leased - needed);
	facts->leased = needed;
	arena->maximum = CHECK_FACTS_BYTES_MAXIMUM;
}
