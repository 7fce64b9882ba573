/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>

static void pieces_are_aligned_and_apart(void **state)
{
	struct arena a;
	unsigned char *pieces[300];
	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 300; i++) {
		pieces[i] = arena_allocate(&a, i);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		memset(pieces[i], (int)(i & 255), i);
	}
	for (size_t i = 0; i < 300; i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal(pieces[i][j], i & 255);
	arena_done(&a);
	arena_done(&a);
}

static void maximum_is_kept(void **state)
{
	struct arena a;
	size_t count = 0;
	(void)state;
	arena_init(&a, 10000);
	assert_null(arena_allocate(&a, 10001));
	assert_null(arena_allocate(&a, SIZE_MAX));
	while (arena_allocate(&a, 100))
		count++;
	assert_int_equal(count, 10000 / 112);
	assert_null(arena_copy(&a, SPAN("0123456789012345678901234567890123456789012345678901234567890123456789"
					"0123456789012345678901234567890123456789"))
			    .at);
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	assert_non_null(arena_allocate(&a, 9000));
	arena_done(&a);
}

static void copies_and_prints(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	struct span copy = arena_copy(&a, span_make("a\0b", 3));
	assert_int_equal(copy.length, 3);
	assert_memory_equal(copy.at, "a\0b\0", 4);
	assert_null(arena_copy(&a, SPAN_NONE).at);
	assert_non_null(arena_copy(&a, SPAN("")).at);
	assert_string_equal(arena_copy_text(&a, "text"), "text");
	assert_true(span_is(arena_printf(&a, "%d %s", 5, "x"), "5 x"));
	unsigned char *zero = arena_zero(&a, 70000);
	assert_non_null(zero);
	for (size_t i = 0; i < 70000; i++)
		assert_int_equal(zero[i], 0);
	arena_done(&a);
}

static void resets_again_and_again(void **state)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	arena_reset(&a);
	/* 10 MB in all from an arena of one: what a round took is given back by its reset. */
	for (int round = 0; round < 1000; round++) {
		for (int i = 0; i < 50; i++) {
			char *part = arena_allocate(&a, 200);
			assert_non_null(part);
			memset(part, round, 200);
		}
		arena_reset(&a);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(maximum_is_kept),
		cmocka_unit_test(copies_and_prints),
		cmocka_unit_test(resets_again_and_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
