/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "base/span.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdlib.h>

static void compares_without_case(void **state)
{
	static const struct {
		const char *a, *b;
		bool equal, starts, ends;
	} cases[] = {
		{ "Via", "VIA", true, true, true }, { "Via", "vi", false, true, false },
		{ "Via", "iA", false, false, true }, { "Via", "", false, true, true }, { "", "", true, true, true },
		{ "a", "ab", false, false, false },
		{ "[", "{", false, false, false }, /* differ by the bit of case, but are no letters */
		{ "\xc4", "\xe4", false, false, false }, /* human text has no case here */
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct span a = span_of(cases[i].a), b = span_of(cases[i].b);
		print_message("'%s' and '%s'\n", cases[i].a, cases[i].b);
		assert_int_equal(span_equal_nocase(a, b), cases[i].equal);
		assert_int_equal(span_is_nocase(a, cases[i].b), cases[i].equal);
		assert_int_equal(span_starts_nocase(a, b), cases[i].starts);
		assert_int_equal(span_ends_nocase(a, b), cases[i].ends);
		assert_int_equal(span_hash_nocase(a) == span_hash_nocase(b), cases[i].equal);
	}
}

static void orders_the_shorter_first(void **state)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = { { "a", "a", 0 }, { "a", "ab", -1 }, { "b", "ab", 1 }, { "", "a", -1 }, { "\xff", "a", 1 } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		int order = span_compare(span_of(cases[i].a), span_of(cases[i].b));
		print_message("'%s' and '%s'\n", cases[i].a, cases[i].b);
		assert_int_equal((order > 0) - (order < 0), cases[i].order);
	}
}

static void finds(void **state)
{
	static const struct {
		const char *in, *needle;
		size_t at;
	} cases[] = { { "a;b;c", ";", 1 }, { "abc", "x", 3 }, { "", "x", 0 }, { "a\r\n\r\nb", "\r\n\r\n", 1 },
		{ "abc", "", 0 }, { "ab", "abc", 2 } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct span in = span_of(cases[i].in), needle = span_of(cases[i].needle);
		print_message("'%s' in '%s'\n", cases[i].needle, cases[i].in);
		assert_int_equal(span_find_span(in, needle), cases[i].at);
		if (needle.length == 1)
			assert_int_equal(span_find(in, needle.at[0]), cases[i].at);
	}
	assert_int_equal(span_find(SPAN_NONE, 'a'), 0);
}

static void trims_and_cuts(void **state)
{
	(void)state;
	assert_true(span_is(span_trim(SPAN(" \t\r\n a b \r\n")), "a b"));
	assert_int_equal(span_trim(SPAN(" \t ")).length, 0);
	assert_null(span_trim(SPAN_NONE).at);

	struct span rest = SPAN("a,,b");
	assert_true(span_is(span_cut(&rest, ','), "a"));
	assert_true(span_is(span_cut(&rest, ','), ""));
	assert_non_null(rest.at);
	assert_true(span_is(span_cut(&rest, ','), "b"));
	assert_null(rest.at);

	struct span tail = SPAN("a,");
	assert_true(span_is(span_cut(&tail, ','), "a"));
	assert_non_null(tail.at);
	assert_int_equal(tail.length, 0);
	assert_true(span_is(span_from(SPAN("abc"), 1), "bc"));
	assert_int_equal(span_from(SPAN("abc"), 9).length, 0);
	assert_true(span_is(span_first(SPAN("abc"), 2), "ab"));
}

static void reads_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t maximum;
		int status;
		uint64_t value;
	} cases[] = {
		{ "0", 10, 0, 0 },
		{ "5061", 65535, 0, 5061 },
		{ "65536", 65535, -ERANGE, 7 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 7 },
		{ "99999999999999999999999", UINT64_MAX, -ERANGE, 7 },
		{ "99999999999999999999999x", UINT64_MAX, -EINVAL, 7 },
		{ "", 10, -EINVAL, 7 },
		{ "+1", 10, -EINVAL, 7 },
		{ " 1", 10, -EINVAL, 7 },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		uint64_t value = 7;
		print_message("'%s'\n", cases[i].text);
		assert_int_equal(span_to_u64(span_of(cases[i].text), cases[i].maximum, &value), cases[i].status);
		assert_true(value == cases[i].value);
	}
}

static void copies(void **state)
{
	char small[4];
	(void)state;
	char *copy = span_copy(span_make("ab\0c", 4));
	assert_memory_equal(copy, "ab\0c\0", 5);
	free(copy);
	assert_true(span_copy_to(SPAN("abc"), small, sizeof(small)));
	assert_string_equal(small, "abc");
	assert_false(span_copy_to(SPAN("abcd"), small, sizeof(small)));
	assert_string_equal(small, "abc");
	assert_false(span_copy_to(SPAN("a"), small, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_without_case),
		cmocka_unit_test(orders_the_shorter_first),
		cmocka_unit_test(finds),
		cmocka_unit_test(trims_and_cuts),
		cmocka_unit_test(reads_numbers),
		cmocka_unit_test(copies),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
