/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/require.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>

static void formats_utc(void **state)
{
	static const struct {
		int64_t wall_us;
		const char *text;
	} cases[] = {
		{ 0, "1970-01-01T00:00:00.000000Z" },
		{ INT64_C(1795388926230123), "2026-11-22T23:08:46.230123Z" },
		{ INT64_C(951782399999999), "2000-02-28T23:59:59.999999Z" },
		{ INT64_C(951782400000001), "2000-02-29T00:00:00.000001Z" },
		{ -1, "1969-12-31T23:59:59.999999Z" },
	};
	char text[28];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		assert_int_equal(clock_format_utc(cases[i].wall_us, text, sizeof(text)), 27);
		assert_string_equal(text, cases[i].text);
	}
	assert_int_equal(clock_format_utc(0, text, 27), 0);
	assert_int_equal(clock_format_utc(0, text, 0), 0);
}

static void fake_stands_still_until_told(void **state)
{
	struct clock_fake fake = { .wall_us = 1000, .steady_us = 5 };
	struct clock c = clock_of_fake(&fake);
	(void)state;
	assert_int_equal(clock_wall_us(&c), 1000);
	assert_int_equal(clock_steady_us(&c), 5);
	clock_fake_advance(&fake, 10);
	assert_int_equal(clock_wall_us(&c), 1010);
	assert_int_equal(clock_steady_us(&c), 15);
}

static void system_moves_forward(void **state)
{
	struct clock c = clock_system();
	(void)state;
	int64_t before = clock_steady_us(&c);
	assert_true(clock_steady_us(&c) >= before);
	assert_true(clock_wall_us(&c) > INT64_C(1600000000) * CLOCK_SECOND_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_utc),
		cmocka_unit_test(fake_stands_still_until_told),
		cmocka_unit_test(system_moves_forward),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
