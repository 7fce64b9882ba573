/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks too much, and what is told of it. */
#include "base/clock.h"
#include "registrar/guard.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

#define NOW_US (INT64_C(1000) * CLOCK_SECOND_US)
#define MINE SPAN("192.0.2.4")

static int set_up(void **state)
{
	static const struct hash_key key = { { 5, 6 } };
	struct registrar_guard *guard;
	int status = registrar_guard_new(&key, 1000, &guard);
	*state = guard;
	return status;
}

static int tear_down(void **state)
{
	registrar_guard_free(*state);
	return 0;
}

static unsigned take_all(struct registrar_guard *guard, struct span source, unsigned cost, int64_t now_us)
{
	unsigned count = 0;
	while (registrar_guard_take(guard, source, cost, now_us) && count < 100000)
		count++;
	return count;
}

static void a_measure_is_used_up_and_filled(void **state)
{
	struct registrar_guard *guard = *state;
	assert_int_equal(take_all(guard, MINE, 1, NOW_US), REGISTRAR_GUARD_MEASURE);
	assert_int_equal(take_all(guard, SPAN("192.0.2.5"), 20, NOW_US), REGISTRAR_GUARD_MEASURE / 20);
	assert_int_equal(take_all(guard, MINE, 1, NOW_US + CLOCK_SECOND_US / 2), REGISTRAR_GUARD_A_SECOND / 2);
	assert_int_equal(take_all(guard, MINE, 1, NOW_US + 3600 * CLOCK_SECOND_US), REGISTRAR_GUARD_MEASURE);
}

static void small_steps_fill_as_much_as_large_ones(void **state)
{
	struct registrar_guard *guard = *state;
	unsigned count = take_all(guard, MINE, 1, NOW_US);
	count = 0;
	for (int64_t at_us = NOW_US; at_us <= NOW_US + CLOCK_SECOND_US; at_us += 3000)
		count += take_all(guard, MINE, 1, at_us);
	assert_in_range(count, REGISTRAR_GUARD_A_SECOND - 1, REGISTRAR_GUARD_A_SECOND);
}

static void proof_gives_back(void **state)
{
	struct registrar_guard *guard = *state;
	for (unsigned i = 0; i < 10 * REGISTRAR_GUARD_MEASURE; i++) {
		assert_true(registrar_guard_take(guard, MINE, 1, NOW_US));
		registrar_guard_give(guard, MINE, 1, NOW_US);
	}
	registrar_guard_give(guard, MINE, 1000, NOW_US);
	assert_int_equal(take_all(guard, MINE, 1, NOW_US), REGISTRAR_GUARD_MEASURE);
}

static void a_clock_that_goes_back_gives_nothing(void **state)
{
	struct registrar_guard *guard = *state;
	take_all(guard, MINE, 1, NOW_US);
	assert_false(registrar_guard_take(guard, MINE, 1, NOW_US - 3600 * CLOCK_SECOND_US));
}

static void ten_a_minute_are_told(void **state)
{
	struct registrar_guard *guard = *state;
	uint64_t left_out, told = 0;
	for (int i = 0; i < 1000; i++)
		told += registrar_guard_tell(guard, MINE, NOW_US + i, &left_out);
	assert_int_equal(told, REGISTRAR_GUARD_TELLS);
	assert_true(registrar_guard_tell(guard, MINE, NOW_US + 61 * CLOCK_SECOND_US, &left_out));
	assert_int_equal(left_out, 1000 - REGISTRAR_GUARD_TELLS);
	assert_true(registrar_guard_tell(guard, MINE, NOW_US + 61 * CLOCK_SECOND_US, &left_out));
	assert_int_equal(left_out, 0);
}

static void the_table_does_not_grow_and_forgets_the_quiet(void **state)
{
	struct registrar_guard *guard = *state;
	const int64_t later_us = NOW_US + 120 * CLOCK_SECOND_US;
	char source[32];
	take_all(guard, MINE, 1, NOW_US);
	registrar_guard_prove(guard, MINE, NOW_US + 60 * CLOCK_SECOND_US);
	assert_true(registrar_guard_is_proved(guard, MINE, NOW_US));
	assert_false(registrar_guard_is_proved(guard, MINE, NOW_US + 61 * CLOCK_SECOND_US));
	assert_false(registrar_guard_is_proved(guard, SPAN("192.0.2.5"), NOW_US));
	for (int i = 0; i < 20000; i++) {
		snprintf(source, sizeof(source), "10.0.%d.%d", i / 256, i % 256);
		assert_true(registrar_guard_take(guard, span_of(source), 1, later_us));
	}
	/* Forgotten: a full measure again, and nothing proved. */
	assert_true(registrar_guard_take(guard, MINE, REGISTRAR_GUARD_MEASURE, NOW_US));
	assert_false(registrar_guard_is_proved(guard, MINE, NOW_US));
}

static void who_proved_himself_is_not_driven_out(void **state)
{
	struct registrar_guard *guard = *state;
	char source[32];
	registrar_guard_prove(guard, MINE, NOW_US + 60 * CLOCK_SECOND_US);
	for (int i = 0; i < 20000; i++) {
		snprintf(source, sizeof(source), "10.0.%d.%d", i / 256, i % 256);
		assert_true(registrar_guard_take(guard, span_of(source), 1, NOW_US + i));
	}
	assert_true(registrar_guard_is_proved(guard, MINE, NOW_US + CLOCK_SECOND_US));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_measure_is_used_up_and_filled),
		CASE(small_steps_fill_as_much_as_large_ones),
		CASE(proof_gives_back),
		CASE(a_clock_that_goes_back_gives_nothing),
		CASE(ten_a_minute_are_told),
		CASE(the_table_does_not_grow_and_forgets_the_quiet),
		CASE(who_proved_himself_is_not_driven_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
