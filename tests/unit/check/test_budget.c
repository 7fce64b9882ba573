/* SPDX-License-Identifier: Apache-2.0 */
#include "check/budget.h"
#include "check/facts.h"
#include "unit/cmocka_all.h"

static void what_is_left_is_given(void **state)
{
	(void)state;
	struct check_budget *budget = check_budget_new(100);
	assert_non_null(budget);
	assert_int_equal(check_budget_take(budget, 60), 60);
	assert_int_equal(check_budget_take(budget, 60), 40);
	assert_int_equal(check_budget_take(budget, 1), 0);
	check_budget_give_back(budget, 10);
	assert_int_equal(check_budget_take(budget, 60), 10);
	check_budget_overdraw(budget, 5);
	check_budget_give_back(budget, 3);
	assert_int_equal(check_budget_take(budget, 60), 0); /* more is out than there is */
	assert_int_equal(check_budget_taken(budget), 102);
	check_budget_unref(budget);
}

static struct check_facts *facts_within(struct check_budget *budget)
{
	struct check_facts *facts = check_facts_new();
	assert_non_null(facts);
	check_facts_live_within(facts, budget);
	return facts;
}

static bool keeps(struct check_facts *facts, size_t bytes)
{
	check_facts_claim(facts, bytes);
	bool kept = arena_allocate(&facts->arena, bytes) != NULL;
	check_facts_settle(facts);
	return kept;
}

static void domains_share_what_is_beyond_their_own(void **state)
{
	(void)state;
	struct check_budget *budget = check_budget_new((size_t)100 << 10);
	struct check_facts *one = facts_within(budget), *other = facts_within(budget);
	check_budget_unref(budget); /* the facts keep it */
	assert_true(keeps(one, CHECK_FACTS_SURE_BYTES));
	assert_int_equal(check_budget_taken(budget), 0);
	assert_true(keeps(one, (size_t)80 << 10));
	assert_int_equal(check_budget_taken(budget), (size_t)80 << 10);
	assert_false(keeps(one, (size_t)80 << 10));
	assert_int_equal(check_budget_taken(budget), (size_t)80 << 10); /* what came to nothing is given back */
	assert_true(keeps(other, CHECK_FACTS_SURE_BYTES));
	assert_false(keeps(other, (size_t)40 << 10));
	check_facts_free(one);
	assert_true(keeps(other, (size_t)40 << 10));
	assert_int_equal(check_budget_taken(budget), (size_t)40 << 10);
	check_facts_free(other);
}

/* Between claims small things are kept whatever the others hold, and counted. */
static void small_things_find_room(void **state)
{
	(void)state;
	struct check_budget *budget = check_budget_new(0);
	struct check_facts *facts = facts_within(budget);
	assert_true(keeps(facts, CHECK_FACTS_SURE_BYTES));
	assert_false(keeps(facts, 16));
	assert_non_null(arena_allocate(&facts->arena, 1024));
	check_facts_settle(facts);
	assert_int_equal(check_budget_taken(budget), 1024);
	check_facts_free(facts);
	assert_int_equal(check_budget_taken(budget), 0);
	check_budget_unref(budget);
}

static void one_domain_has_a_maximum_of_its_own(void **state)
{
	(void)state;
	struct check_budget *budget = check_budget_new((size_t)1 << 30);
	struct check_facts *facts = facts_within(budget), *free_facts = check_facts_new();
	assert_false(keeps(facts, (size_t)CHECK_FACTS_BYTES_MAXIMUM + 1));
	assert_true(keeps(facts, CHECK_FACTS_BYTES_MAXIMUM));
	assert_false(keeps(facts, 16));
	check_facts_free(facts);
	/* Facts that were read from a file live in no budget. */
	assert_true(keeps(free_facts, CHECK_FACTS_BYTES_MAXIMUM));
	check_facts_free(free_facts);
	assert_int_equal(check_budget_taken(budget), 0);
	check_budget_unref(budget);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_is_given),
		cmocka_unit_test(domains_share_what_is_beyond_their_own),
		cmocka_unit_test(small_things_find_room),
		cmocka_unit_test(one_domain_has_a_maximum_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
