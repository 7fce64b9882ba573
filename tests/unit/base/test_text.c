/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "base/text.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdlib.h>

static void escapes(void **state)
{
	static const struct {
		const char *input, *json, *safe;
	} cases[] = {
		{ "", "\"\"", "" }, { "plain text", "\"plain text\"", "plain text" },
		{ "\"\\", "\"\\\"\\\\\"", "\"\\" },
		{ "a\r\n\tb", "\"a\\r\\n\\tb\"",
			"a\\x0D\\x0A\\x09"
			"b" },
		{ "\x1b[31m\x7f", "\"\\u001b[31m\\u007f\"", "\\x1B[31m\\x7F" },
		{ "Jos\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "\"Jos\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
			"Jos\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80" },
		{ "\xff", "\"\xef\xbf\xbd\"", "\\xFF" }, { "\xc3", "\"\xef\xbf\xbd\"", "\\xC3" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"", "\\xC0\\xAF" }, /* overlong */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\\xED\\xA0\\x80" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\\xF4\\x90\\x80\\x80" },
		{ "\xc2\x9b", "\"\\u009b\"", "\\xC2\\x9B" }, /* C1: a control sequence in one character */
		{ "\xe2\x80\xae", "\"\\u202e\"", "\\xE2\\x80\\xAE" }, /* right-to-left override */
		{ "\xef\xbf\xbe", "\"\\ufffe\"", "\\xEF\\xBF\\xBE" }, /* a code point that is no character */
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct buffer b;
		buffer_init(&b, 1000);
		print_message("case %zu\n", i);
		assert_int_equal(text_append_json(&b, span_of(cases[i].input)), 0);
		assert_string_equal(b.at, cases[i].json);
		buffer_clear(&b);
		buffer_append(&b, SPAN(""));
		assert_int_equal(text_append_safe(&b, span_of(cases[i].input)), 0);
		assert_string_equal(b.at, cases[i].safe);
		assert_int_equal(text_is_safe(span_of(cases[i].input)), strcmp(cases[i].input, cases[i].safe) == 0);
		buffer_done(&b);
	}
	struct buffer b;
	buffer_init(&b, 1000);
	text_append_json(&b, span_make("a\0b", 3));
	assert_string_equal(b.at, "\"a\\u0000b\"");
	buffer_done(&b);
	buffer_init(&b, 4);
	assert_int_equal(text_append_safe(&b, SPAN("12345")), -ENOBUFS);
	assert_int_equal(text_append_json(&b, SPAN("12345")), -ENOBUFS);
	buffer_done(&b);
}

static void counts_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns;
	} cases[] = { { "", 0 }, { "abc", 3 }, { "Jos\xc3\xa9", 4 }, { "e\xcc\x81", 1 },
		{ "\xe6\x97\xa5\xe6\x9c\xac", 4 }, { "\xf0\x9f\x98\x80", 2 }, { "\xff", 1 } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("'%s'\n", cases[i].text);
		assert_int_equal(text_columns(span_of(cases[i].text)), cases[i].columns);
	}
}

static void measures_distance(void **state)
{
	static const struct {
		const char *a, *b;
		size_t limit, distance;
	} cases[] = { { "", "", 5, 0 }, { "a", "", 5, 1 }, { "kitten", "sitting", 9, 3 }, { "kitten", "sitting", 3, 3 },
		{ "kitten", "sitting", 2, 2 }, { "listen", "listen", 1, 0 }, { "abc", "xyz", 9, 3 },
		{ "trust", "trsut", 9, 2 } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct span a = span_of(cases[i].a), b = span_of(cases[i].b);
		print_message("'%s' and '%s'\n", cases[i].a, cases[i].b);
		assert_int_equal(text_distance(a, b, cases[i].limit), cases[i].distance);
		assert_int_equal(text_distance(b, a, cases[i].limit), cases[i].distance);
	}
}

static void names_the_nearest(void **state)
{
	static const char *const keys[] = { "listen", "address", "authorities", "dns", NULL };
	static const struct {
		const char *word, *nearest;
	} cases[] = { { "lisen", "listen" }, { "adress", "address" }, { "authority", "authorities" }, { "dn", "dns" },
		{ "zebra", NULL }, { "", NULL }, { "dns", "dns" } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		const char *nearest = text_nearest(span_of(cases[i].word), keys);
		print_message("'%s'\n", cases[i].word);
		if (cases[i].nearest)
			assert_string_equal(nearest, cases[i].nearest);
		else
			assert_null(nearest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes),
		cmocka_unit_test(counts_columns),
		cmocka_unit_test(measures_distance),
		cmocka_unit_test(names_the_nearest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
