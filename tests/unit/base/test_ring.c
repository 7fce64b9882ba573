/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/ring.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

static int write_text(struct ring *r, const char *text)
{
	struct span part = span_of(text);
	return ring_write(r, &part, 1);
}

static void keeps_records_whole_and_in_order(void **state)
{
	struct ring r;
	(void)state;
	assert_int_equal(ring_init(&r, 100), 0);
	assert_int_equal(r.capacity, 128);
	assert_null(ring_peek(&r).at);
	ring_release(&r);
	struct span parts[] = { SPAN("one"), SPAN_NONE, SPAN("-two") };
	assert_int_equal(ring_write(&r, parts, 3), 0);
	assert_int_equal(ring_write(&r, NULL, 0), 0);
	assert_true(span_is(ring_peek(&r), "one-two"));
	assert_true(span_is(ring_peek(&r), "one-two"));
	ring_release(&r);
	struct span empty = ring_peek(&r);
	assert_non_null(empty.at);
	assert_int_equal(empty.length, 0);
	ring_release(&r);
	assert_null(ring_peek(&r).at);
	ring_done(&r);
}

static void refuses_and_counts_what_does_not_fit(void **state)
{
	static const char thirty[] = "123456789012345678901234567890";
	static char huge[4096];
	struct ring r;
	(void)state;
	assert_int_equal(ring_init(&r, 128), 0);
	assert_int_equal(write_text(&r, thirty), 0);
	assert_int_equal(write_text(&r, thirty), 0);
	assert_int_equal(write_text(&r, thirty), 0);
	assert_int_equal(write_text(&r, thirty), -ENOBUFS);
	struct span part = span_make(huge, sizeof(huge));
	assert_int_equal(ring_write(&r, &part, 1), -ENOBUFS);
	struct span sum[] = { { huge, SIZE_MAX }, { huge, 2 } };
	assert_int_equal(ring_write(&r, sum, 2), -ENOBUFS);
	assert_int_equal(atomic_load(&r.refused), 3);
	for (int i = 0; i < 3; i++) {
		assert_true(span_is(ring_peek(&r), thirty));
		ring_release(&r);
	}
	assert_null(ring_peek(&r).at);
	ring_done(&r);
}

/* Whatever the place in memory, a record of less than half the ring fits once the reader caught up. */
static void half_a_ring_fits_at_each_place(void **state)
{
	static const char fifty[] = "12345678901234567890123456789012345678901234567890";
	struct ring r;
	(void)state;
	assert_int_equal(ring_init(&r, 128), 0);
	for (int i = 0; i < 500; i++) {
		char small[2] = { 'x', 0 };
		if (i % 3 == 0) {
			assert_int_equal(write_text(&r, small), 0);
			assert_true(span_is(ring_peek(&r), "x"));
			ring_release(&r);
		}
		int status = write_text(&r, fifty);
		if (status < 0) {
			assert_null(ring_peek(&r).at);
			status = write_text(&r, fifty);
		}
		assert_int_equal(status, 0);
		assert_true(span_is(ring_peek(&r), fifty));
		ring_release(&r);
	}
	ring_done(&r);
}

#define RECORDS 200000

static void *writer(void *argument)
{
	struct ring *r = argument;
	struct random chance;
	char bytes[400];
	random_init_seed(&chance, 5);
	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t length = random_below(&chance, sizeof(bytes));
		memset(bytes, (int)(i & 255), length);
		struct span parts[] = { { (const char *)&i, sizeof(i) }, { bytes, length } };
		while (ring_write(r, parts, 2) < 0)
			sched_yield();
	}
	return NULL;
}

static void two_threads_lose_nothing(void **state)
{
	struct ring r;
	pthread_t thread;
	struct random chance;
	(void)state;
	random_init_seed(&chance, 5);
	assert_int_equal(ring_init(&r, 4096), 0);
	assert_int_equal(pthread_create(&thread, NULL, writer, &r), 0);
	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t length = random_below(&chance, 400);
		struct span record;
		while (!(record = ring_peek(&r)).at)
			sched_yield();
		uint32_t number;
		memcpy(&number, record.at, sizeof(number));
		if (number != i || record.length != sizeof(number) + length)
			fail_msg("record %u came as %u with %zu bytes", i, number, record.length);
		for (size_t at = sizeof(number); at < record.length; at++)
			if ((unsigned char)record.at[at] != (i & 255))
				fail_msg("record %u is damaged at %zu", i, at);
		ring_release(&r);
	}
	assert_null(ring_peek(&r).at);
	pthread_join(thread, NULL);
	ring_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_records_whole_and_in_order),
		cmocka_unit_test(refuses_and_counts_what_does_not_fit),
		cmocka_unit_test(half_a_ring_fits_at_each_place),
		cmocka_unit_test(two_threads_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
