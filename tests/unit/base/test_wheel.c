/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/require.h"
#include "base/wheel.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>

struct alarm {
	struct wheel_timer timer;
	int64_t wanted_us; /* 0: must not fire */
	int64_t fired_us;
	int fired;
	struct wheel *wheel;
	int64_t again_us; /* re-arms itself for now + this */
	struct alarm *victim; /* disarmed when it fires */
};

static void ring_alarm(struct wheel_timer *timer, int64_t now_us)
{
	struct alarm *alarm = base_container(timer, struct alarm, timer);
	alarm->fired++;
	alarm->fired_us = now_us;
	assert_false(wheel_is_armed(timer));
	if (alarm->victim)
		wheel_disarm(alarm->wheel, &alarm->victim->timer);
	if (alarm->again_us)
		wheel_arm(alarm->wheel, timer, now_us + alarm->again_us);
}

static void alarm_init(struct alarm *alarm, struct wheel *wheel)
{
	*alarm = (struct alarm){ .wheel = wheel };
	wheel_timer_init(&alarm->timer, ring_alarm);
}

static void fires_once_not_early_and_in_its_millisecond(void **state)
{
	static const int64_t delays_us[] = { 1, 999, 1000, 1001, 200000, 255000, 256000, 257000, 500000, 32000000,
		65535000, 65536000, 65537000, 180000000, INT64_C(1800000000), INT64_C(16777216000),
		INT64_C(86400000000), INT64_C(4294967296000), INT64_C(31536000000000) };
	static const int64_t starts_us[] = { 0, 1, 123456789, 255999, 256000, 65535999, INT64_C(987654321012) };
	(void)state;
	for (size_t s = 0; s < BASE_COUNT(starts_us); s++) {
		for (size_t d = 0; d < BASE_COUNT(delays_us); d++) {
			static struct wheel w;
			struct alarm alarm;
			int64_t due_us = starts_us[s] + delays_us[d];
			wheel_init(&w, starts_us[s]);
			alarm_init(&alarm, &w);
			wheel_arm(&w, &alarm.timer, due_us);
			assert_int_equal(w.count, 1);
			wheel_advance(&w, due_us - 1);
			print_message("start %lld delay %lld\n", (long long)starts_us[s], (long long)delays_us[d]);
			assert_int_equal(alarm.fired, 0);
			wheel_advance(&w, due_us);
			assert_int_equal(alarm.fired, 1);
			assert_int_equal(w.count, 0);
			assert_false(wheel_is_armed(&alarm.timer));
		}
	}
}

/* Sleeping exactly until wheel_next_us must reach each timer on time, with few wakings. */
static void next_leads_to_each_timer(void **state)
{
	static struct wheel w;
	static struct alarm alarms[200];
	struct random r;
	int64_t now_us = 5000000;
	size_t wakings = 0;
	(void)state;
	random_init_seed(&r, 3);
	wheel_init(&w, now_us);
	assert_true(wheel_next_us(&w) == INT64_MAX);
	for (size_t i = 0; i < BASE_COUNT(alarms); i++) {
		alarm_init(&alarms[i], &w);
		alarms[i].wanted_us = now_us + 1 + (int64_t)random_below(&r, UINT64_C(1) << (10 + i % 28));
		wheel_arm(&w, &alarms[i].timer, alarms[i].wanted_us);
	}
	while (w.count > 0) {
		int64_t next_us = wheel_next_us(&w);
		assert_true(next_us < INT64_MAX);
		if (next_us > now_us)
			now_us = next_us;
		wheel_advance(&w, now_us);
		wakings++;
		for (size_t i = 0; i < BASE_COUNT(alarms); i++)
			assert_int_equal(alarms[i].fired, alarms[i].wanted_us <= now_us);
	}
	for (size_t i = 0; i < BASE_COUNT(alarms); i++)
		assert_int_equal(alarms[i].fired_us, alarms[i].wanted_us);
	assert_in_range(wakings, 1, 4 * BASE_COUNT(alarms));
}

static void agrees_with_a_plain_array(void **state)
{
	static struct wheel w;
	static struct alarm alarms[500];
	struct random r;
	int64_t now_us = 77;
	(void)state;
	random_init_seed(&r, 4);
	wheel_init(&w, now_us);
	for (size_t i = 0; i < BASE_COUNT(alarms); i++)
		alarm_init(&alarms[i], &w);
	for (int step = 0; step < 20000; step++) {
		struct alarm *alarm = &alarms[random_below(&r, BASE_COUNT(alarms))];
		switch (random_below(&r, 4)) {
		case 0:
		case 1:
			alarm->wanted_us = now_us + 1 + (int64_t)random_below(&r, UINT64_C(1) << random_below(&r, 30));
			alarm->fired = 0;
			wheel_arm(&w, &alarm->timer, alarm->wanted_us);
			break;
		case 2:
			wheel_disarm(&w, &alarm->timer);
			alarm->wanted_us = 0;
			alarm->fired = 0;
			break;
		default:
			now_us += (int64_t)random_below(&r, UINT64_C(1) << random_below(&r, 26));
			wheel_advance(&w, now_us);
			for (size_t i = 0; i < BASE_COUNT(alarms); i++)
				assert_int_equal(
					alarms[i].fired, alarms[i].wanted_us > 0 && alarms[i].wanted_us <= now_us);
		}
	}
}

static void past_times_fire_at_the_next_advance(void **state)
{
	static struct wheel w;
	struct alarm alarm;
	(void)state;
	wheel_init(&w, 10000500);
	alarm_init(&alarm, &w);
	for (int64_t due_us = -5; due_us <= 10000500; due_us += 2000101) {
		int before = alarm.fired;
		wheel_arm(&w, &alarm.timer, due_us);
		assert_true(wheel_is_armed(&alarm.timer));
		assert_true(wheel_next_us(&w) <= 10000500);
		wheel_advance(&w, 10000500);
		assert_int_equal(alarm.fired, before + 1);
	}
}

static void callbacks_may_arm_and_disarm(void **state)
{
	static struct wheel w;
	struct alarm periodic, killer, victim, eager;
	(void)state;
	wheel_init(&w, 0);
	alarm_init(&periodic, &w);
	alarm_init(&killer, &w);
	alarm_init(&victim, &w);
	alarm_init(&eager, &w);
	periodic.again_us = 10000;
	killer.victim = &victim;
	wheel_arm(&w, &periodic.timer, 10000);
	wheel_arm(&w, &killer.timer, 50000);
	wheel_arm(&w, &victim.timer, 50000); /* the same slot, behind its killer */
	for (int64_t now_us = 0; now_us <= 1000000; now_us += 1000)
		wheel_advance(&w, now_us);
	assert_int_equal(periodic.fired, 100);
	assert_int_equal(killer.fired, 1);
	assert_int_equal(victim.fired, 0);
	/* One that wants to fire again at once must not hold up the advance. */
	eager.again_us = -1;
	wheel_arm(&w, &eager.timer, 1000001);
	wheel_advance(&w, 1002000);
	assert_in_range(eager.fired, 1, 4);
	assert_true(wheel_is_armed(&eager.timer));
}

static void hours_pass_in_no_time(void **state)
{
	static struct wheel w;
	struct alarm refresh;
	(void)state;
	wheel_init(&w, 0);
	alarm_init(&refresh, &w);
	refresh.again_us = INT64_C(900) * 1000000;
	wheel_arm(&w, &refresh.timer, refresh.again_us);
	for (int64_t now_us = 0; now_us < INT64_C(1000) * 3600 * 1000000; now_us = wheel_next_us(&w))
		wheel_advance(&w, now_us);
	assert_in_range(refresh.fired, 3999, 4000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fires_once_not_early_and_in_its_millisecond),
		cmocka_unit_test(next_leads_to_each_timer),
		cmocka_unit_test(agrees_with_a_plain_array),
		cmocka_unit_test(past_times_fire_at_the_next_advance),
		cmocka_unit_test(callbacks_may_arm_and_disarm),
		cmocka_unit_test(hours_pass_in_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
