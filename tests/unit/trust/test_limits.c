/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"
#include "trust/limits.h"

#define SECOND_US INT64_C(1000000)

struct gate {
	struct trust_limits_state state;
	struct trust_limits limits;
	int64_t now_us;
};

static void gate_open(struct gate *g)
{
	*g = (struct gate){ .limits = TRUST_LIMITS_DEFAULT, .now_us = SECOND_US };
	trust_limits_init(&g->state);
}

static enum trust_limits_verdict gate_take(struct gate *g, uint64_t address)
{
	return trust_limits_take(&g->state, &g->limits, address, g->now_us);
}

/* How many of so many requests, sent at even distances within so many seconds, pass. */
static unsigned gate_passes(struct gate *g, unsigned requests, unsigned seconds)
{
	unsigned passed = 0;
	for (unsigned i = 0; i < requests; i++) {
		passed += gate_take(g, 1) == TRUST_LIMITS_PASS;
		g->now_us += (int64_t)seconds * SECOND_US / requests;
	}
	return passed;
}

static void twenty_a_second_pass(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	assert_int_equal(gate_passes(&g, 200, 10), 200);
	trust_limits_done(&g.state);
	gate_open(&g);
	/* 100 a second: 20 at once, then 20 a second. */
	assert_in_range(gate_passes(&g, 1000, 10), 200, 221);
	trust_limits_done(&g.state);
}

static void a_burst_is_one_second_worth(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	unsigned passed = 0;
	for (int i = 0; i < 100; i++)
		passed += gate_take(&g, 1) == TRUST_LIMITS_PASS;
	assert_int_equal(passed, 20);
	assert_int_equal(gate_take(&g, 1), TRUST_LIMITS_RATE);
	g.now_us += SECOND_US / 20;
	assert_int_equal(gate_take(&g, 1), TRUST_LIMITS_PASS);
	/* A long silence is worth no more than one second. */
	g.now_us += 3600 * SECOND_US;
	passed = 0;
	for (int i = 0; i < 100; i++)
		passed += gate_take(&g, 1) == TRUST_LIMITS_PASS;
	assert_int_equal(passed, 20);
	trust_limits_done(&g.state);
}

static void failures_make_suspicious(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	for (int i = 0; i < 15; i++)
		trust_limits_answered(&g.state, false);
	assert_false(trust_limits_is_suspicious(&g.state)); /* too few to say */
	trust_limits_answered(&g.state, false);
	assert_true(trust_limits_is_suspicious(&g.state));
	g.now_us += SECOND_US;
	assert_in_range(gate_passes(&g, 100, 10), 10, 11);
	/* Good answers make it good again, and old failures count less and less. */
	for (int i = 0; i < 17; i++)
		trust_limits_answered(&g.state, true);
	assert_false(trust_limits_is_suspicious(&g.state));
	for (int i = 0; i < 100000; i++)
		trust_limits_answered(&g.state, false);
	for (int i = 0; i < 200; i++)
		trust_limits_answered(&g.state, true);
	assert_false(trust_limits_is_suspicious(&g.state));
	trust_limits_done(&g.state);
}

static void half_is_not_most(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	for (int i = 0; i < 20; i++)
		trust_limits_answered(&g.state, i % 2);
	assert_false(trust_limits_is_suspicious(&g.state));
	trust_limits_done(&g.state);
}

static void a_thousand_addresses_and_an_end(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	g.limits.rate = 0;
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(gate_take(&g, i * UINT64_C(0x9e3779b97f4a7c15)), TRUST_LIMITS_PASS);
	/* The same ones again are fine. */
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(gate_take(&g, i * UINT64_C(0x9e3779b97f4a7c15)), TRUST_LIMITS_PASS);
	assert_int_equal(g.state.address_count, 1000);
	assert_int_equal(gate_take(&g, 12345), TRUST_LIMITS_ADDRESSES);
	/* From then on everything is refused. */
	assert_int_equal(gate_take(&g, 0), TRUST_LIMITS_ADDRESSES);
	assert_true(g.state.address_capacity <= 4096);
	/* A higher limit, set by a reload, opens it again. */
	g.limits.addresses = 2000;
	assert_int_equal(gate_take(&g, 12345), TRUST_LIMITS_PASS);
	trust_limits_done(&g.state);
}

static void zero_is_no_limit(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	g.limits = (struct trust_limits){ 0 };
	for (int i = 0; i < 16; i++)
		trust_limits_answered(&g.state, false);
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(gate_take(&g, i), TRUST_LIMITS_PASS);
	assert_null(g.state.addresses);
	trust_limits_done(&g.state);
}

static void time_that_jumps_back_gives_nothing(void **state)
{
	(void)state;
	struct gate g;
	gate_open(&g);
	for (int i = 0; i < 20; i++)
		gate_take(&g, 1);
	g.now_us = 1;
	assert_int_equal(gate_take(&g, 1), TRUST_LIMITS_RATE);
	trust_limits_done(&g.state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(twenty_a_second_pass),
		cmocka_unit_test(a_burst_is_one_second_worth),
		cmocka_unit_test(failures_make_suspicious),
		cmocka_unit_test(half_is_not_most),
		cmocka_unit_test(a_thousand_addresses_and_an_end),
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(time_that_jumps_back_gives_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
