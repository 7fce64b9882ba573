/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/require.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdlib.h>

static void appends_in_all_ways(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 4096);
	buffer_append(&b, SPAN("a"));
	buffer_append_text(&b, "bc");
	buffer_append_byte(&b, '\n');
	buffer_append_u64(&b, 0);
	buffer_append_u64(&b, UINT64_MAX);
	buffer_printf(&b, " %s=%d", "x", -1);
	assert_int_equal(b.status, 0);
	assert_string_equal(b.at, "abc\n018446744073709551615 x=-1");
	assert_int_equal(b.length, strlen(b.at));
	buffer_consume(&b, 4);
	assert_string_equal(b.at, "018446744073709551615 x=-1");
	buffer_consume(&b, 1000);
	assert_string_equal(b.at, "");
	buffer_done(&b);
	buffer_done(&b);
}

static void first_failure_sticks(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 8);
	assert_int_equal(buffer_append(&b, SPAN("12345678")), 0);
	assert_int_equal(buffer_append(&b, SPAN("")), 0);
	assert_int_equal(buffer_append_byte(&b, '9'), -ENOBUFS);
	buffer_consume(&b, 4);
	assert_int_equal(buffer_append_byte(&b, '9'), -ENOBUFS);
	assert_int_equal(buffer_printf(&b, "x"), -ENOBUFS);
	assert_string_equal(b.at, "5678");
	assert_null(buffer_take(&b));
	assert_int_equal(b.status, 0);
	buffer_clear(&b);
	assert_int_equal(buffer_append(&b, SPAN("12345678")), 0);
	buffer_done(&b);
}

static void never_exceeds_its_maximum(void **state)
{
	static const size_t maxima[] = { 0, 1, 127, 128, 129, 1000, 5000 };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(maxima); i++) {
		struct buffer b;
		size_t fitted = 0;
		buffer_init(&b, maxima[i]);
		while (buffer_append_byte(&b, 'x') == 0)
			fitted++;
		print_message("maximum %zu\n", maxima[i]);
		assert_int_equal(fitted, maxima[i]);
		assert_true(b.capacity <= maxima[i]);
		buffer_done(&b);
	}
	struct buffer b;
	buffer_init(&b, SIZE_MAX);
	assert_int_equal(buffer_append_byte(&b, 'x'), 0);
	assert_int_equal(buffer_reserve(&b, SIZE_MAX), -ENOBUFS);
	buffer_done(&b);
}

static void bytes_can_be_taken(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 100);
	char *nothing = buffer_take(&b);
	assert_string_equal(nothing, "");
	free(nothing);
	buffer_append_text(&b, "mine");
	char *text = buffer_take(&b);
	assert_string_equal(text, "mine");
	assert_int_equal(b.length, 0);
	free(text);
	buffer_append_text(&b, "next");
	assert_string_equal(b.at, "next");
	buffer_done(&b);
}

static void reserved_room_is_the_writers(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 1 << 20);
	buffer_append_text(&b, "head ");
	assert_int_equal(buffer_reserve(&b, 100000), 0);
	memset(b.at + b.length, 'y', 100000);
	b.length += 100000;
	assert_int_equal(buffer_append_byte(&b, '.'), 0);
	assert_int_equal(b.length, 100006);
	assert_memory_equal(b.at, "head yy", 7);
	buffer_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_in_all_ways),
		cmocka_unit_test(first_failure_sticks),
		cmocka_unit_test(never_exceeds_its_maximum),
		cmocka_unit_test(bytes_can_be_taken),
		cmocka_unit_test(reserved_room_is_the_writers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
