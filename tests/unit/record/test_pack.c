/* SPDX-License-Identifier: Apache-2.0 */
/* What is packed comes out again, for every kind and any value of every field; bytes that were
 * not packed are refused. */
#include "base/ring.h"
#include "record/pack.h"
#include "unit/cmocka_all.h"
#include "unit/record/random_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static struct random_record made;
static struct record_unpacked unpacked;

static void every_kind_survives(void **state)
{
	(void)state;
	struct random random;
	random_init_seed(&random, 20261122);
	struct buffer bytes;
	buffer_init(&bytes, 1 << 20);
	for (int round = 0; round < 400; round++)
		for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
			const char *name = "-";
			random_record_make(&made, (enum record_kind)kind, &random, false);
			buffer_clear(&bytes);
			assert_int_equal(record_pack_to(&made.record, &bytes), 0);
			/* An exact copy on the heap: the sanitizer sees a read past its end. */
			char *copy = span_copy(buffer_span(&bytes));
			assert_non_null(copy);
			assert_int_equal(record_unpack(span_make(copy, bytes.length), &unpacked), 0);
			if (!record_equal(&made.record, &unpacked.record, &name))
				fail_msg("round %d: %s differs in %s", round, record_kind_word((enum record_kind)kind),
					name);
			assert_int_equal(record_pack_time_us(buffer_span(&bytes)), made.record.head.time_us);
			free(copy);
		}
	buffer_done(&bytes);
}

static void absent_stays_absent_and_empty_empty(void **state)
{
	(void)state;
	struct buffer bytes;
	buffer_init(&bytes, 4096);
	struct record r = { .kind = RECORD_NODE, .head = { .tag = SPAN(""), .serial = SPAN_NONE } };
	assert_int_equal(record_pack_to(&r, &bytes), 0);
	assert_int_equal(record_unpack(buffer_span(&bytes), &unpacked), 0);
	assert_non_null(unpacked.record.head.tag.at);
	assert_null(unpacked.record.head.serial.at);
	buffer_done(&bytes);
}

static void long_lists_are_cut(void **state)
{
	(void)state;
	struct span names[RECORD_LIST_MAXIMUM + 5];
	for (size_t i = 0; i < RECORD_LIST_MAXIMUM + 5; i++)
		names[i] = SPAN("vcse.steven.lab");
	struct record r = { .kind = RECORD_HANDSHAKE };
	r.handshake.names = (struct record_spans){ names, RECORD_LIST_MAXIMUM + 5 };
	struct buffer bytes;
	buffer_init(&bytes, 1 << 16);
	assert_int_equal(record_pack_to(&r, &bytes), 0);
	assert_int_equal(record_unpack(buffer_span(&bytes), &unpacked), 0);
	assert_int_equal(unpacked.record.handshake.names.count, RECORD_LIST_MAXIMUM);
	buffer_done(&bytes);
}

/* Every length but the right one is refused, and no flipped byte reads outside. */
static void damaged_bytes_are_harmless(void **state)
{
	(void)state;
	struct random random;
	random_init_seed(&random, 7);
	struct buffer bytes;
	buffer_init(&bytes, 1 << 20);
	for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
		random_record_make(&made, (enum record_kind)kind, &random, false);
		buffer_clear(&bytes);
		assert_int_equal(record_pack_to(&made.record, &bytes), 0);
		for (size_t length = 0; length < bytes.length; length++) {
			char *cut = malloc(length ? length : 1);
			assert_non_null(cut);
			memcpy(cut, bytes.at, length);
			assert_int_equal(record_unpack(span_make(cut, length), &unpacked), -EBADMSG);
			free(cut);
		}
		for (int flips = 0; flips < 4000; flips++) {
			char *flipped = span_copy(buffer_span(&bytes));
			assert_non_null(flipped);
			size_t place = (size_t)random_below(&random, bytes.length);
			flipped[place] = (char)(flipped[place] ^ (1 + (int)random_below(&random, 255)));
			if (record_unpack(span_make(flipped, bytes.length), &unpacked) == 0)
				(void)record_equal(&made.record, &unpacked.record, NULL);
			free(flipped);
		}
	}
	buffer_done(&bytes);
}

static void a_ring_carries_records(void **state)
{
	(void)state;
	struct random random;
	random_init_seed(&random, 3);
	struct ring ring;
	struct record_pack pack;
	assert_int_equal(ring_init(&ring, 1 << 18), 0);
	for (int round = 0; round < 500; round++) {
		enum record_kind kind = (enum record_kind)(1 + random_below(&random, RECORD_KIND_COUNT - 1));
		random_record_make(&made, kind, &random, false);
		record_pack(&made.record, &pack);
		assert_int_equal(ring_write(&ring, pack.parts, pack.part_count), 0);
		assert_int_equal(record_unpack(ring_peek(&ring), &unpacked), 0);
		assert_true(record_equal(&made.record, &unpacked.record, NULL));
		ring_release(&ring);
	}
	ring_done(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_survives),
		cmocka_unit_test(absent_stays_absent_and_empty_empty),
		cmocka_unit_test(long_lists_are_cut),
		cmocka_unit_test(damaged_bytes_are_harmless),
		cmocka_unit_test(a_ring_carries_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
