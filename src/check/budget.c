/* SPDX-License-Identifier: Apache-2.0 */
#include "check/budget.h"

#include "base/require.h"

#include <stdatomic.h>
#include <stdlib.h>

struct check_budget {
	size_t maximum;
	atomic_size_t taken;
	atomic_uint references;
};

struct check_budget *check_budget_new(size_t maximum)
{
	struct check_budget *budget = calloc(1, sizeof(*budget));
	if (!budget)
		return NULL;
	budget->maximum = maximum;
	atomic_init(&budget->taken, 0);
	atomic_init(&budget->references, 1);
	return budget;
}

struct check_budget *check_budget_ref(struct check_budget *budget)
{
	atomic_fetch_add(&budget->references, 1);
	return budget;
}

void check_budget_unref(struct check_budget *budget)
{
	if (budget && atomic_fetch_sub(&budget->references, 1) == 1)
		free(budget);
}

size_t check_budget_take(struct check_budget *budget, size_t wanted)
{
	size_t taken = atomic_load(&budget->taken), granted;
	do {
		size_t left = taken < budget->maximum ? budget->maximum - taken : 0;
		granted = wanted < left ? wanted : left;
	} while (!atomic_compare_exchange_weak(&budget->taken, &taken, taken + granted));
	return granted;
}

void check_budget_overdraw(struct check_budget *budget, size_t bytes)
{
	atomic_fetch_add(&budget->taken, bytes);
}

void check_budget_give_back(struct check_budget *budget, size_t bytes)
{
	base_require(atomic_fetch_sub(&budget->taken, bytes) >= bytes);
}

size_t check_budget_taken(const struct check_budget *budget)
{
	return atomic_load(&budget->taken);
}
