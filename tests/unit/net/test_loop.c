/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct counter {
	struct net_loop *loop;
	int count, stop_at;
};

static void count_up(void *argument)
{
	struct counter *counter = argument;
	if (++counter->count == counter->stop_at)
		net_loop_stop(counter->loop);
}

struct poster {
	struct net_loop *loop;
	struct counter *counter;
	int count;
};

static void *post_many(void *argument)
{
	struct poster *poster = argument;
	for (int i = 0; i < poster->count; i++) {
		while (net_loop_post(poster->loop, count_up, poster->counter) == -ENOBUFS)
			usleep(100);
	}
	return NULL;
}

static void posts_come_from_any_thread(void **state)
{
	struct clock clock = clock_system();
	struct net_loop *loop;
	pthread_t threads[3];
	(void)state;
	assert_int_equal(net_loop_new(&clock, &loop), 0);
	struct counter counter = { .loop = loop, .stop_at = 3 * 50000 };
	struct poster poster = { loop, &counter, 50000 };
	for (size_t i = 0; i < BASE_COUNT(threads); i++)
		pthread_create(&threads[i], NULL, post_many, &poster);
	assert_int_equal(net_loop_run(loop), 0);
	for (size_t i = 0; i < BASE_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(counter.count, counter.stop_at);
	net_loop_free(loop);
}

static void posts_have_a_maximum(void **state)
{
	struct clock clock = clock_system();
	struct net_loop *loop;
	struct counter counter = { 0 };
	int accepted = 0;
	(void)state;
	assert_int_equal(net_loop_new(&clock, &loop), 0);
	while (net_loop_post(loop, count_up, &counter) == 0)
		accepted++;
	assert_int_equal(accepted, 64 * 1024);
	net_loop_turn(loop, 0);
	assert_int_equal(counter.count, accepted);
	assert_int_equal(net_loop_post(loop, count_up, &counter), 0);
	net_loop_free(loop); /* runs what was posted */
	assert_int_equal(counter.count, accepted + 1);
}

struct repeated {
	struct net_task task;
	struct net_loop *loop;
	int count;
};

static void repeat(struct net_task *task)
{
	struct repeated *repeated = base_container(task, struct repeated, task);
	if (++repeated->count < 3)
		net_loop_submit(repeated->loop, task);
}

static void a_task_may_submit_itself_again(void **state)
{
	struct clock clock = clock_system();
	struct repeated repeated = { .task = { .run = repeat } };
	(void)state;
	assert_int_equal(net_loop_new(&clock, &repeated.loop), 0);
	net_loop_submit(repeated.loop, &repeated.task);
	for (int i = 1; i <= 3; i++) {
		net_loop_turn(repeated.loop, 100000);
		assert_int_equal(repeated.count, i);
	}
	net_loop_free(repeated.loop);
}

struct alarm {
	struct wheel_timer timer;
	int64_t fired_us;
	struct net_loop *loop;
};

static void rang(struct wheel_timer *timer, int64_t now_us)
{
	struct alarm *alarm = base_container(timer, struct alarm, timer);
	alarm->fired_us = now_us;
	net_loop_stop(alarm->loop);
}

static void timers_fire_in_time(void **state)
{
	struct clock clock = clock_system();
	struct alarm alarm = { 0 }, never = { 0 };
	(void)state;
	assert_int_equal(net_loop_new(&clock, &alarm.loop), 0);
	wheel_timer_init(&alarm.timer, rang);
	wheel_timer_init(&never.timer, rang);
	int64_t start_us = clock_steady_us(&clock);
	wheel_arm(net_loop_wheel(alarm.loop), &alarm.timer, start_us + 50000);
	wheel_arm(net_loop_wheel(alarm.loop), &never.timer, start_us + 1000000);
	net_loop_run(alarm.loop);
	assert_true(alarm.fired_us >= start_us + 50000);
	assert_true(alarm.fired_us < start_us + 50000 + 400000);
	assert_int_equal(never.fired_us, 0);
	net_loop_free(alarm.loop);
}

static void hooks_run_once_a_turn(void **state)
{
	struct clock clock = clock_system();
	struct counter counter = { 0 };
	struct net_hook hook = { .run = count_up, .argument = &counter };
	(void)state;
	assert_int_equal(net_loop_new(&clock, &counter.loop), 0);
	net_loop_add_hook(counter.loop, &hook);
	net_loop_turn(counter.loop, 0);
	int after_one = counter.count;
	assert_true(after_one >= 1);
	list_remove(&hook.link);
	net_loop_turn(counter.loop, 0);
	assert_int_equal(counter.count, after_one);
	net_loop_free(counter.loop);
}

static void caught(void *argument, int number)
{
	struct counter *counter = argument;
	counter->count = number;
	net_loop_stop(counter->loop);
}

static void signals_are_caught(void **state)
{
	struct clock clock = clock_system();
	struct counter counter = { 0 };
	(void)state;
	assert_int_equal(net_loop_new(&clock, &counter.loop), 0);
	assert_int_equal(net_loop_on_signal(counter.loop, SIGHUP, caught, &counter), 0);
	kill(getpid(), SIGHUP);
	net_loop_run(counter.loop);
	assert_int_equal(counter.count, SIGHUP);
	net_loop_free(counter.loop);
}

struct watched {
	struct net_watch *watch;
	int descriptor, events;
};

static void was_ready(void *argument, int events)
{
	struct watched *watched = argument;
	watched->events |= events;
	/* Freed from within, closed at once. */
	net_watch_free(watched->watch);
	close(watched->descriptor);
}

static void a_watch_may_be_freed_in_its_own_call(void **state)
{
	struct clock clock = clock_system();
	struct net_loop *loop;
	struct watched watched = { 0 };
	int ends[2];
	(void)state;
	assert_int_equal(net_loop_new(&clock, &loop), 0);
	assert_int_equal(pipe(ends), 0);
	watched.descriptor = ends[0];
	assert_int_equal(net_watch_new(loop, ends[0], NET_READABLE, was_ready, &watched, &watched.watch), 0);
	net_loop_turn(loop, 0);
	assert_int_equal(watched.events, 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	net_loop_turn(loop, 100000);
	assert_int_equal(watched.events, NET_READABLE);
	close(ends[1]);
	net_loop_free(loop);
}

/* ---- an answer and the end of the patience for it ---- */

struct waiting {
	struct net_loop *loop;
	struct wheel_timer patience;
	struct net_watch *watch;
	int ends[2];
	const char *came; /* what came first */
};

static void patience_ended(struct wheel_timer *timer, int64_t now_us)
{
	struct waiting *waiting = base_container(timer, struct waiting, patience);
	(void)now_us;
	if (!waiting->came)
		waiting->came = "the end of patience";
	net_loop_stop(waiting->loop);
}

static void answered(void *argument, int events)
{
	struct waiting *waiting = argument;
	char byte;
	(void)events;
	assert_int_equal(read(waiting->ends[0], &byte, 1), 1);
	if (!waiting->came)
		waiting->came = "the answer";
}

/* A turn that takes longer than the patience; the answer comes in its midst. */
static void turn_for_long(void *argument)
{
	struct waiting *waiting = argument;
	assert_int_equal(write(waiting->ends[1], "x", 1), 1);
	usleep(100000);
}

static void what_has_arrived_comes_before_what_is_due(void **state)
{
	(void)state;
	struct clock clock = clock_system();
	for (int by_turns = 0; by_turns < 2; by_turns++) {
		struct waiting waiting = { 0 };
		assert_int_equal(net_loop_new(&clock, &waiting.loop), 0);
		assert_int_equal(pipe(waiting.ends), 0);
		assert_int_equal(
			net_watch_new(waiting.loop, waiting.ends[0], NET_READABLE, answered, &waiting, &waiting.watch),
			0);
		wheel_timer_init(&waiting.patience, patience_ended);
		wheel_arm(net_loop_wheel(waiting.loop), &waiting.patience, clock_steady_us(&clock) + 30000);
		assert_int_equal(net_loop_post(waiting.loop, turn_for_long, &waiting), 0);
		if (by_turns)
			for (int i = 0; i < 3; i++)
				net_loop_turn(waiting.loop, 200000);
		else
			net_loop_run(waiting.loop);
		assert_string_equal(waiting.came, "the answer");
		assert_false(wheel_is_armed(&waiting.patience)); /* it came to its end too */
		net_watch_free(waiting.watch);
		close(waiting.ends[0]);
		close(waiting.ends[1]);
		net_loop_free(waiting.loop);
	}
}

/* One turn that waits until a timer is due fires it too. */
static void a_turn_fires_what_it_waited_for(void **state)
{
	(void)state;
	struct clock clock = clock_system();
	struct alarm alarm = { 0 };
	assert_int_equal(net_loop_new(&clock, &alarm.loop), 0);
	wheel_timer_init(&alarm.timer, rang);
	wheel_arm(net_loop_wheel(alarm.loop), &alarm.timer, clock_steady_us(&clock) + 20000);
	net_loop_turn(alarm.loop, 0); /* the timer is set */
	net_loop_turn(alarm.loop, 5000000);
	assert_true(alarm.fired_us > 0);
	net_loop_free(alarm.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(posts_come_from_any_thread),
		cmocka_unit_test(posts_have_a_maximum),
		cmocka_unit_test(a_task_may_submit_itself_again),
		cmocka_unit_test(timers_fire_in_time),
		cmocka_unit_test(hooks_run_once_a_turn),
		cmocka_unit_test(signals_are_caught),
		cmocka_unit_test(a_watch_may_be_freed_in_its_own_call),
		cmocka_unit_test(what_has_arrived_comes_before_what_is_due),
		cmocka_unit_test(a_turn_fires_what_it_waited_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
