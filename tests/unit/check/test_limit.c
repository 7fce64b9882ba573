/* SPDX-License-Identifier: Apache-2.0 */
/* Limits by server: the arithmetic with a clock of the test's own, then the gate between real threads. */
#include "base/random.h"
#include "base/require.h"
#include "check/limit_gate.h"
#include "unit/cmocka_all.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define MS CLOCK_MS_US
#define SECOND CLOCK_SECOND_US

/* ---- so many a second ---- */

static void buckets_keep_their_rate(void **state)
{
	static const struct {
		uint32_t rate, burst;
		int64_t for_us;
		unsigned least, most;
	} rows[] = {
		{ 50, 5, SECOND, 54, 55 }, { 50, 5, 10 * SECOND, 504, 505 }, { 1, 0, 10 * SECOND, 10, 11 },
		{ 3000, 300, 2 * SECOND, 6298, 6301 }, { 0, 0, SECOND / 100, 10001, 10001 }, /* no limit */
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct check_bucket bucket;
		unsigned taken = 0;
		int64_t start_us = 7 * SECOND;
		check_bucket_init(&bucket, rows[i].rate, rows[i].burst);
		for (int64_t now_us = start_us; now_us <= start_us + rows[i].for_us; now_us++) {
			while (check_bucket_due_us(&bucket, now_us) == 0) {
				check_bucket_take(&bucket, now_us);
				taken++;
				if (rows[i].rate == 0)
					break;
			}
		}
		print_message("%u a second, bursts of %u: %u in %lld us\n", rows[i].rate, rows[i].burst, taken,
			(long long)rows[i].for_us);
		assert_in_range(taken, rows[i].least, rows[i].most);
	}
}

static void a_bucket_says_when(void **state)
{
	struct check_bucket bucket;
	(void)state;
	check_bucket_init(&bucket, 10, 2);
	assert_true(check_bucket_is_full(&bucket, SECOND));
	check_bucket_take(&bucket, SECOND);
	assert_false(check_bucket_is_full(&bucket, SECOND));
	assert_int_equal(check_bucket_due_us(&bucket, SECOND), 0);
	check_bucket_take(&bucket, SECOND);
	assert_int_equal(check_bucket_due_us(&bucket, SECOND), SECOND + 100 * MS);
	assert_int_equal(check_bucket_due_us(&bucket, SECOND + 100 * MS - 1), SECOND + 100 * MS);
	assert_int_equal(check_bucket_due_us(&bucket, SECOND + 100 * MS), 0);
	assert_false(check_bucket_is_full(&bucket, SECOND + 200 * MS - 1));
	assert_true(check_bucket_is_full(&bucket, SECOND + 200 * MS));
}

/* ---- by this machine ---- */

/* A thread that needs so long for each connection in a turn, all of them ready in each: it finds its number. */
static void a_pace_that_can_be_kept(void **state)
{
	static const struct {
		const char *name;
		int64_t each_us;
		size_t least, most;
	} rows[] = {
		{ "half a millisecond each", 500, 75, 230 },
		{ "five milliseconds each", 5000, CHECK_PACE_LEAST, 24 },
		{ "a very slow machine", 50000, CHECK_PACE_LEAST, CHECK_PACE_LEAST },
		{ "nearly nothing", 10, 3500, 12000 },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct check_pace pace;
		int64_t now_us = SECOND;
		print_message("%s\n", rows[i].name);
		check_pace_init(&pace, now_us);
		for (int turn = 0; turn < 2000; turn++) {
			int64_t worked_us = (int64_t)pace.most * rows[i].each_us;
			now_us += worked_us + 10 * MS;
			check_pace_turn(&pace, now_us, worked_us, true);
			if (turn > 1000)
				assert_in_range(pace.most, rows[i].least, rows[i].most);
		}
	}
}

static void a_pace_nobody_asks_for_stays(void **state)
{
	struct check_pace pace;
	(void)state;
	check_pace_init(&pace, SECOND);
	size_t first = pace.most;
	for (int turn = 0; turn < 1000; turn++)
		check_pace_turn(&pace, SECOND + turn * 10 * MS, MS, false);
	assert_int_equal(pace.most, first);
	/* Servers that never answer cost no time: within two seconds there are 2,000 of them. */
	for (int turn = 0; turn < 200; turn++)
		check_pace_turn(&pace, 20 * SECOND + turn * 10 * MS, MS, true);
	assert_true(pace.most > 2000);
}

/* ---- by server ---- */

struct client {
	struct check_limit_waiter waiter;
	struct net_address address;
	bool going;
};
struct scene {
	struct check_limit limit;
	int64_t now_us;
	struct client *order[512]; /* in the order let in by and by */
	size_t ordered;
};

static void scene_granted(void *argument, struct check_limit_waiter *waiter)
{
	struct scene *scene = argument;
	struct client *client = base_container(waiter, struct client, waiter);
	assert_false(client->going);
	client->going = true;
	scene->order[scene->ordered++ % BASE_COUNT(scene->order)] = client;
}

static void scene_start(struct scene *scene, struct check_limit_settings settings)
{
	memset(scene, 0, sizeof(*scene));
	settings.key = (struct hash_key){ { 5, 6 } };
	settings.granted = scene_granted;
	settings.argument = scene;
	scene->now_us = 1000 * SECOND;
	assert_int_equal(check_limit_init(&scene->limit, &settings, scene->now_us), 0);
}
static void scene_stop(struct scene *scene)
{
	check_limit_done(&scene->limit);
	check_limit_done(&scene->limit);
}
static void ask(struct scene *scene, struct client *client, const char *address)
{
	client->going = false;
	assert_int_equal(net_address_parse_port(span_of(address), 5061, &client->address), 0);
	client->going = check_limit_ask(&scene->limit, &client->address, scene->now_us, &client->waiter);
}
static void leave(struct scene *scene, struct client *client)
{
	assert_true(client->going);
	client->going = false;
	check_limit_release(&scene->limit, &client->address, scene->now_us);
}
static void pass(struct scene *scene, int64_t by_us)
{
	scene->now_us += by_us;
	check_limit_advance(&scene->limit, scene->now_us);
}
static size_t going(const struct client *clients, size_t count)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++)
		sum += clients[i].going;
	return sum;
}

static void connections_at_once_to_one_address(void **state)
{
	struct scene scene;
	struct client clients[6];
	(void)state;
	scene_start(&scene, (struct check_limit_settings){ .server_connections = 2 });
	for (size_t i = 0; i < 5; i++)
		ask(&scene, &clients[i], i % 2 ? "192.0.2.1:5061" : "192.0.2.1:443"); /* ports do not matter */
	assert_int_equal(going(clients, 5), 2);
	assert_int_equal(scene.limit.waiting, 3);
	ask(&scene, &clients[5], "192.0.2.2");
	assert_true(clients[5].going); /* another server is not held up */
	assert_int_equal(check_limit_next_us(&scene.limit), INT64_MAX);
	leave(&scene, &clients[0]);
	assert_true(clients[2].going);
	assert_false(clients[3].going);
	leave(&scene, &clients[1]);
	leave(&scene, &clients[2]);
	assert_true(clients[3].going && clients[4].going);
	assert_ptr_equal(scene.order[0], &clients[2]);
	assert_ptr_equal(scene.order[1], &clients[3]);
	assert_ptr_equal(scene.order[2], &clients[4]);
	scene_stop(&scene);
}

static void connections_begun_a_second(void **state)
{
	struct scene scene;
	struct client clients[100];
	(void)state;
	scene_start(&scene, (struct check_limit_settings){ .server_rate = 50 });
	for (size_t i = 0; i < 100; i++)
		ask(&scene, &clients[i], "2001:db8::1");
	assert_int_equal(going(clients, 100), 5); /* a tenth of the rate at one moment */
	assert_int_equal(check_limit_next_us(&scene.limit), scene.now_us + 20 * MS);
	for (size_t i = 0; i < 5; i++)
		leave(&scene, &clients[i]);
	assert_int_equal(going(clients, 100), 0); /* to have ended does not help */
	for (int tick = 0; tick < 1000; tick++)
		pass(&scene, MS);
	assert_int_equal(going(clients, 100), 50);
	pass(&scene, 10 * SECOND);
	assert_int_equal(going(clients, 100), 55); /* a pause is no credit beyond the burst */
	for (int tick = 0; tick < 900; tick++)
		pass(&scene, MS);
	assert_int_equal(scene.limit.waiting, 0);
	for (size_t i = 1; i < scene.ordered; i++)
		assert_true(scene.order[i] == scene.order[i - 1] + 1); /* nobody is overtaken */
	scene_stop(&scene);
}

/* A look that makes five connections takes five of those that a second has. */
static void looks_of_several_connections(void **state)
{
	static const struct {
		uint32_t rate, each;
		int64_t for_us;
		unsigned least, most; /* connections */
	} rows[] = {
		{ 50, 5, 10 * SECOND, 500, 505 },
		{ 100, 5, 10 * SECOND, 1000, 1010 },
		{ 1, 5, 20 * SECOND, 20, 25 },
		{ 50, 1, 10 * SECOND, 504, 505 },
		{ 50, 0, 10 * SECOND, 504, 505 },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct scene scene;
		struct client client;
		unsigned begun = 0;
		scene_start(&scene, (struct check_limit_settings){ .server_rate = rows[i].rate, .each = rows[i].each });
		int64_t end_us = scene.now_us + rows[i].for_us;
		ask(&scene, &client, "192.0.2.1");
		while (scene.now_us <= end_us) {
			while (client.going) {
				begun += rows[i].each ? rows[i].each : 1;
				leave(&scene, &client);
				ask(&scene, &client, "192.0.2.1");
			}
			pass(&scene, MS);
		}
		check_limit_forget(&scene.limit, &client.waiter, scene.now_us);
		print_message("%u a second, %u each: %u\n", rows[i].rate, rows[i].each, begun);
		assert_in_range(begun, rows[i].least, rows[i].most);
		scene_stop(&scene);
	}
}

static void both_rules_hold_together(void **state)
{
	struct scene scene;
	struct client clients[40];
	(void)state;
	scene_start(&scene, (struct check_limit_settings){ .server_rate = 20, .server_connections = 3 });
	for (size_t i = 0; i < 40; i++)
		ask(&scene, &clients[i], "192.0.2.1");
	for (int tick = 0; tick < 2000; tick++) {
		pass(&scene, MS);
		assert_true(going(clients, 40) <= 3);
	}
	assert_int_equal(going(clients, 40), 3); /* none ends: the rate alone lets nobody in */
	for (int tick = 0; tick < 3000; tick++) {
		pass(&scene, MS);
		for (size_t i = 0; i < 40; i++)
			if (clients[i].going && tick % 10 == 0)
				leave(&scene, &clients[i]);
		assert_true(going(clients, 40) <= 3);
	}
	assert_int_equal(scene.limit.waiting, 0);
	scene_stop(&scene);
}

static void all_together_and_in_turn(void **state)
{
	struct scene scene;
	struct client busy[50], others[3];
	(void)state;
	scene_start(&scene, (struct check_limit_settings){ .connections = 4 });
	for (size_t i = 0; i < 50; i++)
		ask(&scene, &busy[i], "192.0.2.1");
	ask(&scene, &others[0], "192.0.2.2");
	ask(&scene, &others[1], "192.0.2.3");
	ask(&scene, &others[2], "192.0.2.4");
	assert_int_equal(going(busy, 50), 4);
	assert_int_equal(going(others, 3), 0);
	/* 46 wait before them at the busy server; they wait for one each. */
	for (size_t i = 0; i < 4; i++)
		leave(&scene, &busy[i]);
	assert_int_equal(going(others, 3), 3);
	assert_int_equal(going(busy, 50), 1);
	for (size_t i = 0; i < 3; i++)
		leave(&scene, &others[i]);
	assert_int_equal(going(busy, 50), 4);
	for (size_t i = 8; i < 50; i++) /* the first four have left, the next four are in */
		check_limit_forget(&scene.limit, &busy[i].waiter, scene.now_us);
	assert_int_equal(scene.limit.waiting, 0);
	scene_stop(&scene);
}

static void whoever_leaves_the_line_is_not_called(void **state)
{
	struct scene scene;
	struct client clients[4];
	(void)state;
	scene_start(&scene, (struct check_limit_settings){ .server_connections = 1, .server_rate = 10 });
	for (size_t i = 0; i < 4; i++)
		ask(&scene, &clients[i], "192.0.2.1");
	check_limit_forget(&scene.limit, &clients[1].waiter, scene.now_us);
	leave(&scene, &clients[0]);
	pass(&scene, SECOND);
	assert_false(clients[1].going);
	assert_true(clients[2].going);
	check_limit_forget(&scene.limit, &clients[3].waiter, scene.now_us);
	leave(&scene, &clients[2]);
	assert_int_equal(check_limit_next_us(&scene.limit), INT64_MAX);
	pass(&scene, SECOND);
	assert_int_equal(going(clients, 4), 0);
	scene_stop(&scene);
}

static void idle_servers_are_forgotten(void **state)
{
	struct scene scene;
	struct client client;
	size_t largest = 0;
	(void)state;
	scene_start(&scene, (struct check_limit_settings){ .server_rate = 1, .server_connections = 1 });
	for (int i = 0; i < 20000; i++) {
		char address[32];
		snprintf(address, sizeof(address), "10.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
		ask(&scene, &client, address);
		leave(&scene, &client);
		pass(&scene, MS);
		if (scene.limit.servers.count > largest)
			largest = scene.limit.servers.count;
	}
	/* One begun a second: each has to be remembered for 1,000 more. */
	assert_in_range(largest, 1000, 1002);
	/* And what is remembered counts: the same one again must wait. */
	ask(&scene, &client, "192.0.2.1");
	leave(&scene, &client);
	pass(&scene, SECOND - MS);
	ask(&scene, &client, "192.0.2.1");
	assert_false(client.going);
	pass(&scene, MS);
	assert_true(client.going);
	leave(&scene, &client);
	scene_stop(&scene);
}

/* Anything at all, in any order, keeps the rules and loses nobody. */
static void whatever_happens(void **state)
{
	struct scene scene;
	static struct client clients[300];
	static int place[300]; /* 0: outside, 1: asked */
	struct random random;
	(void)state;
	random_init_seed(&random, 11);
	scene_start(&scene,
		(struct check_limit_settings){ .server_connections = 3, .server_rate = 100, .connections = 20 });
	memset(clients, 0, sizeof(clients));
	for (int step = 0; step < 200000; step++) {
		size_t i = random_below(&random, BASE_COUNT(clients));
		struct client *client = &clients[i];
		char address[32];
		snprintf(address, sizeof(address), "192.0.2.%u", (unsigned)random_below(&random, 12));
		if (place[i] == 0) {
			ask(&scene, client, address);
			place[i] = 1;
		} else if (client->going) {
			leave(&scene, client);
			place[i] = 0;
		} else if (random_below(&random, 20) == 0) {
			check_limit_forget(&scene.limit, &client->waiter, scene.now_us);
			place[i] = 0;
		}
		if (random_below(&random, 4) == 0)
			pass(&scene, (int64_t)random_below(&random, 3 * MS));
		assert_true(scene.limit.in_use <= 20);
		assert_int_equal(scene.limit.in_use, going(clients, BASE_COUNT(clients)));
	}
	for (int round = 0; round < 10000 && scene.limit.waiting > 0; round++) {
		for (size_t i = 0; i < BASE_COUNT(clients); i++)
			if (clients[i].going)
				leave(&scene, &clients[i]);
		pass(&scene, 10 * MS);
	}
	assert_int_equal(scene.limit.waiting, 0);
	assert_true(scene.ordered > 10000);
	scene_stop(&scene);
}

/* ---- between threads ---- */

#define THREADS 4
#define VISITS 2000
#define VISITORS 200

struct visitor {
	struct house *house;
	struct net_address address;
	struct wheel_timer stay;
	bool inside;
};
struct house { /* a thread */
	struct check_limit_gate *gate;
	struct clock clock;
	pthread_t thread;
	struct net_loop *loop;
	struct check_limit_window window;
	struct visitor visitors[VISITORS];
	struct random random;
	unsigned seed, visits, forgotten;
	bool inside_ask;
	_Atomic unsigned *present; /* by server, over all threads */
	_Atomic unsigned *finished;
};

static void visitor_come(struct visitor *visitor);

static _Atomic unsigned *visitor_count(const struct visitor *visitor)
{
	return &visitor->house->present[ntohl(visitor->address.v4.sin_addr.s_addr) & 7];
}

static void visitor_enter(struct visitor *visitor)
{
	struct house *house = visitor->house;
	base_require(atomic_fetch_add(visitor_count(visitor), 1) < 5);
	visitor->inside = true;
	wheel_arm(net_loop_wheel(house->loop), &visitor->stay,
		net_loop_now_us(house->loop) + (int64_t)random_below(&house->random, 2 * MS));
}

static void visitor_granted(void *ticket)
{
	struct visitor *visitor = ticket;
	base_require(!visitor->house->inside_ask);
	base_require(!visitor->inside);
	visitor_enter(visitor);
}

static void visitor_left(struct wheel_timer *timer, int64_t now_us)
{
	struct visitor *visitor = base_container(timer, struct visitor, stay);
	struct house *house = visitor->house;
	(void)now_us;
	atomic_fetch_sub(visitor_count(visitor), 1);
	visitor->inside = false;
	house->window.face.release(house->window.face.argument, &visitor->address);
	if (++house->visits == VISITS)
		atomic_fetch_add(house->finished, 1);
	visitor_come(visitor);
	struct visitor *other = &house->visitors[random_below(&house->random, VISITORS)];
	if (house->visits % 16 == 0 && !other->inside) { /* waits, or its grant is on the way */
		house->window.face.forget(house->window.face.argument, &other->address, other);
		house->forgotten++;
		visitor_come(other);
	}
}

static void visitor_come(struct visitor *visitor)
{
	struct house *house = visitor->house;
	char address[32];
	snprintf(address, sizeof(address), "192.0.2.%u", (unsigned)random_below(&house->random, 8));
	base_require(net_address_parse(span_of(address), 5061, &visitor->address) == 0);
	house->inside_ask = true;
	bool go = house->window.face.ask(house->window.face.argument, &visitor->address, visitor_granted, visitor);
	house->inside_ask = false;
	if (go)
		visitor_enter(visitor);
}

static void *house_run(void *argument)
{
	struct house *house = argument;
	random_init_seed(&house->random, house->seed);
	for (size_t i = 0; i < VISITORS; i++) {
		house->visitors[i].house = house;
		wheel_timer_init(&house->visitors[i].stay, visitor_left);
		visitor_come(&house->visitors[i]);
	}
	while (atomic_load(house->finished) < THREADS)
		net_loop_turn(house->loop, 5 * MS);
	for (size_t i = 0; i < VISITORS; i++) {
		struct visitor *visitor = &house->visitors[i];
		wheel_disarm(net_loop_wheel(house->loop), &visitor->stay);
		if (visitor->inside) {
			atomic_fetch_sub(visitor_count(visitor), 1);
			house->window.face.release(house->window.face.argument, &visitor->address);
		} else {
			house->window.face.forget(house->window.face.argument, &visitor->address, visitor);
		}
		visitor->inside = true; /* whoever is called now is called wrongly */
	}
	check_limit_window_close(&house->window);
	net_loop_free(house->loop);
	return NULL;
}

static void one_gate_for_all_threads(void **state)
{
	static struct house houses[THREADS];
	static _Atomic unsigned present[8], finished;
	struct check_limit_gate *gate;
	struct clock clock = clock_system();
	struct check_limit_settings settings = {
		.key = { { 1, 2 } }, .server_connections = 5, .server_rate = 20000, .connections = 30
	};
	(void)state;
	assert_int_equal(check_limit_gate_new(&settings, &clock, &gate), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		houses[i] = (struct house){ .gate = gate, .seed = i + 1, .present = present, .finished = &finished };
		assert_int_equal(net_loop_new(&clock, &houses[i].loop), 0);
		check_limit_window_open(&houses[i].window, gate, houses[i].loop);
		if (i % 2) /* some can have little at once */
			houses[i].window.pace = (struct check_pace){ .most = 3, .grown_us = INT64_MAX / 2 };
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&houses[i].thread, NULL, house_run, &houses[i]), 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(houses[i].thread, NULL);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_true(houses[i].visits >= VISITS);
		assert_true(houses[i].forgotten > 0);
	}
	assert_int_equal(check_limit_gate_waiting(gate), 0);
	check_limit_gate_free(gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_keep_their_rate),
		cmocka_unit_test(a_bucket_says_when),
		cmocka_unit_test(a_pace_that_can_be_kept),
		cmocka_unit_test(a_pace_nobody_asks_for_stays),
		cmocka_unit_test(connections_at_once_to_one_address),
		cmocka_unit_test(connections_begun_a_second),
		cmocka_unit_test(looks_of_several_connections),
		cmocka_unit_test(both_rules_hold_together),
		cmocka_unit_test(all_together_and_in_turn),
		cmocka_unit_test(whoever_leaves_the_line_is_not_called),
		cmocka_unit_test(idle_servers_are_forgotten),
		cmocka_unit_test(whatever_happens),
		cmocka_unit_test(one_gate_for_all_threads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
