/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_BUDGET_H
#define FEDGE_CHECK_BUDGET_H
/* How many bytes the facts of a run may hold together: each domain may have megabytes of certificates shown to it, and
 * a thousand are in flight at once. Shared by all threads; whoever holds a reference keeps it alive. It counts, and
 * owns no memory but its own. */
#include <stddef.h>

struct check_budget;

/* NULL without memory. */
struct check_budget *check_budget_new(size_t maximum);
struct check_budget *check_budget_ref(struct check_budget *budget);
void check_budget_unref(struct check_budget *budget); /* NULL is harmless */
/* How many of the wanted bytes there are: all, fewer, or none. They are taken until they are given back. */
size_t check_budget_take(struct check_budget *budget, size_t wanted);
/* Takes them even where there are not so many. */
void check_budget_overdraw(struct check_budget *budget, size_t bytes);
void check_budget_give_back(struct check_budget *budget, size_t bytes);
size_t check_budget_taken(const struct check_budget *budget);
#endif
