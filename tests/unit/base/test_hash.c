/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"
#include "base/random.h"
#include "base/require.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdlib.h>

/* From the reference implementation: key 00 01 … 0f, input 00 01 … of each length. */
static void keyed_hash_is_siphash_2_4(void **state)
{
	static const uint64_t expected[] = {
		UINT64_C(0x726fdb47dd0e0e31),
		UINT64_C(0x74f839c593dc67fd),
		UINT64_C(0x0d6c8009d9a94f5a),
		UINT64_C(0x85676696d7fb7e2d),
		UINT64_C(0xcf2794e0277187b7),
		UINT64_C(0x18765564cd99a68d),
		UINT64_C(0xcbc9466e58fee3ce),
		UINT64_C(0xab0200f58b01d137),
		UINT64_C(0x93f5f5799a932462),
		UINT64_C(0x9e0082df0ba9e4b0),
		UINT64_C(0x7a5dbbc594ddb9f3),
		UINT64_C(0xf4b32f46226bada7),
		UINT64_C(0x751e8fbc860ee5fb),
		UINT64_C(0x14ea5627c0843d90),
		UINT64_C(0xf723ca908e7af2ee),
		UINT64_C(0xa129ca6149be45e5),
	};
	const struct hash_key key = { { UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908) } };
	char input[16];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(expected); i++) {
		print_message("%zu bytes\n", i);
		assert_true(hash_keyed(&key, span_make(input, i)) == expected[i]);
		input[i] = (char)i;
	}
	assert_true(hash_keyed(&key, SPAN_NONE) == expected[0]);
}

static void mixing_minds_the_order(void **state)
{
	(void)state;
	assert_true(hash_mix(1, 2) != hash_mix(2, 1));
	assert_true(hash_mix(1, 2) == hash_mix(1, 2));
	assert_true(hash_mix(0, 0) != 0);
}

struct item {
	int value;
	bool in_table;
	struct hash_link link;
};

static struct item *item_of(struct hash_link *link)
{
	return base_container(link, struct item, link);
}

static bool found(const struct hash_table *t, const struct item *item, uint64_t hash)
{
	for (struct hash_link *link = hash_first(t, hash); link; link = hash_next(link))
		if (item_of(link) == item)
			return true;
	return false;
}

static void table_agrees_with_a_plain_array(void **state)
{
	static struct item items[2000];
	struct hash_table t;
	struct random r;
	size_t count = 0;
	(void)state;
	memset(items, 0, sizeof(items));
	random_init_seed(&r, 1);
	assert_int_equal(hash_init(&t, 1500), 0);
	for (int step = 0; step < 20000; step++) {
		struct item *item = &items[random_below(&r, BASE_COUNT(items))];
		uint64_t hash = (uint64_t)(item - items) % 700; /* many share one */
		if (item->in_table) {
			hash_remove(&t, &item->link);
			item->in_table = false;
			count--;
		} else {
			int status = hash_insert(&t, &item->link, hash);
			assert_int_equal(status, count < 1500 ? 0 : -ENOSPC);
			item->in_table = status == 0;
			count += status == 0;
		}
		assert_int_equal(t.count, count);
		assert_int_equal(found(&t, item, hash), item->in_table);
	}
	for (size_t i = 0; i < BASE_COUNT(items); i++)
		assert_int_equal(found(&t, &items[i], i % 700), items[i].in_table);
	hash_done(&t);
}

static bool remove_odd(struct hash_link *link, void *argument)
{
	if (item_of(link)->value % 2)
		hash_remove(argument, link);
	return true;
}

static bool stop_at_third(struct hash_link *link, void *argument)
{
	(void)link;
	return ++*(int *)argument < 3;
}

static void walk_may_remove_and_stop(void **state)
{
	struct item items[100];
	struct hash_table t;
	int visited = 0;
	(void)state;
	assert_int_equal(hash_init(&t, 100), 0);
	for (int i = 0; i < 100; i++) {
		items[i].value = i;
		assert_int_equal(hash_insert(&t, &items[i].link, (uint64_t)i / 4), 0);
	}
	hash_walk(&t, remove_odd, &t);
	assert_int_equal(t.count, 50);
	for (int i = 0; i < 100; i++)
		assert_int_equal(found(&t, &items[i], (uint64_t)i / 4), i % 2 == 0);
	hash_remove(&t, &items[1].link);
	assert_int_equal(t.count, 50);
	hash_walk(&t, stop_at_third, &visited);
	assert_int_equal(visited, 3);
	hash_done(&t);
}

static bool count_visit(struct hash_link *link, void *argument)
{
	(void)argument;
	base_container(link, struct item, link)->value++;
	return true;
}

/* Every item once, with more parts than slots, with fewer, and where the table grows between two parts. */
static void parts_are_the_whole(void **state)
{
	static struct item items[1200];
	(void)state;
	for (size_t parts = 1; parts <= 4096; parts *= 8) {
		struct hash_table t;
		size_t filled = 0;
		assert_int_equal(hash_init(&t, SIZE_MAX), 0);
		memset(items, 0, sizeof(items));
		for (; filled < 600; filled++)
			hash_insert(&t, &items[filled].link, hash_mix(7, filled));
		for (size_t part = 0; part < parts; part++) {
			hash_walk_part(&t, parts, part, count_visit, NULL);
			if (part == parts / 2)
				for (; filled < BASE_COUNT(items); filled++)
					hash_insert(&t, &items[filled].link, hash_mix(7, filled));
		}
		for (size_t i = 0; i < BASE_COUNT(items); i++)
			if (i < 600 ? items[i].value != 1 : items[i].value > 1)
				fail_msg("%zu parts: item %zu was seen %d times", parts, i, items[i].value);
		hash_done(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keyed_hash_is_siphash_2_4),
		cmocka_unit_test(mixing_minds_the_order),
		cmocka_unit_test(table_agrees_with_a_plain_array),
		cmocka_unit_test(walk_may_remove_and_stop),
		cmocka_unit_test(parts_are_the_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
