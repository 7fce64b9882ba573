/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "base/require.h"
#include "check/json_write.h"
#include "unit/cmocka_all.h"

#include <errno.h>

/* Text as jansson writes it too, and what only we write otherwise. */
static const char *const texts[] = {
	"{}",
	"[]",
	"{\"a\":{}}",
	"[[],[[]],{}]",
	"{\"domain\":\"a.example\",\"verdict\":\"pass\",\"n\":[1,-1,0,9223372036854775807,-9223372036854775808]}",
	"[true,false,null,\"\",\"a \\\"b\\\" \\\\c\"]",
	"[0.5,-1.25,1e300,1.0]",
	"{\"gr\xc3\xbc\xc3\x9f\":\"\xe2\x82\xac\xf0\x9f\x98\x80\",\"z\":1,\"a\":2}",
	"[\"\\u0000\\u0001\\u001f\\n\\t\\r\"]",
};

static void what_is_read_back_is_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(texts); i++) {
		struct buffer out;
		json_t *value = json_loads(texts[i], JSON_ALLOW_NUL, NULL);
		print_message("%s\n", texts[i]);
		assert_non_null(value);
		buffer_init(&out, 4096);
		assert_int_equal(check_json_write(value, &out), 0);
		json_t *again = json_loadb(out.at, out.length, JSON_ALLOW_NUL, NULL);
		assert_non_null(again);
		assert_true(json_equal(value, again));
		char *plain = json_dumps(value, JSON_COMPACT);
		if (!strstr(plain, "\\u"))
			assert_string_equal(out.at, plain);
		free(plain);
		json_decref(again);
		json_decref(value);
		buffer_done(&out);
	}
}

static json_t *any_value(struct random *random, unsigned depth)
{
	char text[16];
	json_t *value;
	switch (random_below(random, depth < 6 ? 8 : 6)) {
	case 0:
		return json_null();
	case 1:
		return json_boolean((int)random_below(random, 2));
	case 2:
		return json_integer((json_int_t)random_u64(random));
	case 3:
		return json_real((double)random_u64(random) / 1e7);
	case 4:
	case 5:
		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = (char)random_below(random, 128);
		return json_stringn(text, random_below(random, sizeof(text)));
	case 6:
		value = json_array();
		for (uint64_t count = random_below(random, 5); count > 0; count--)
			json_array_append_new(value, any_value(random, depth + 1));
		return value;
	default:
		value = json_object();
		for (uint64_t count = random_below(random, 5); count > 0; count--) {
			random_hex(random, 8, text);
			json_object_set_new(value, text, any_value(random, depth + 1));
		}
		return value;
	}
}

static void any_value_at_all(void **state)
{
	struct random random;
	(void)state;
	random_init_seed(&random, 5);
	for (int i = 0; i < 3000; i++) {
		struct buffer out;
		json_t *value = any_value(&random, 0);
		buffer_init(&out, 1 << 20);
		assert_int_equal(check_json_write(value, &out), 0);
		json_t *again = json_loadb(out.at, out.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(again);
		assert_true(json_equal(value, again));
		json_decref(again);
		json_decref(value);
		buffer_done(&out);
	}
}

static void failures(void **state)
{
	struct buffer out;
	(void)state;
	buffer_init(&out, 10);
	assert_int_equal(check_json_write(NULL, &out), -ENOMEM);
	json_t *value = json_string("longer than ten bytes");
	assert_int_equal(check_json_write(value, &out), -ENOBUFS);
	json_decref(value);
	buffer_done(&out);
}

static void a_line(void **state)
{
	struct buffer out;
	(void)state;
	buffer_init(&out, 10);
	assert_int_equal(check_json_line(NULL, &out), -ENOMEM);
	assert_int_equal(out.length, 0);
	assert_int_equal(check_json_line(json_integer(7), &out), 0);
	assert_int_equal(check_json_line(json_true(), &out), 0);
	assert_true(span_is(buffer_span(&out), "7\ntrue\n"));
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_read_back_is_the_same),
		cmocka_unit_test(any_value_at_all),
		cmocka_unit_test(failures),
		cmocka_unit_test(a_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
