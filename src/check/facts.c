/* SPDX-License-Identifier: Apache-2.0 */
#include "check/facts.h"

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
	free(facts);
}
