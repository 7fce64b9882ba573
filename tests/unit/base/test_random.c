/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>

/* RFC 8439 2.3.2: the block function with its key, counter 1 and nonce. */
static void block_is_chacha20(void **state)
{
	static const unsigned char expected[64] = { 0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd,
		0x1f, 0xa3, 0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a,
		0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9,
		0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50,
		0x3c, 0x4e };
	unsigned char bytes[64];
	struct random r;
	(void)state;
	random_init_seed(&r, 0);
	for (uint32_t i = 0; i < 8; i++)
		r.state[4 + i] = 0x03020100 + i * 0x04040404;
	r.state[12] = 1;
	r.state[13] = 0x09000000;
	r.state[14] = 0x4a000000;
	r.state[15] = 0;
	random_bytes(&r, bytes, 64);
	assert_memory_equal(bytes, expected, 64);
}

static void seeds_repeat_themselves(void **state)
{
	struct random a, b, c;
	unsigned char whole[1000], parts[1000];
	(void)state;
	random_init_seed(&a, 42);
	random_init_seed(&b, 42);
	random_init_seed(&c, 43);
	random_bytes(&a, whole, sizeof(whole));
	for (size_t at = 0, step = 1; at < sizeof(parts); at += step, step = step % 90 + 1) {
		if (at + step > sizeof(parts))
			step = sizeof(parts) - at;
		random_bytes(&b, parts + at, step);
	}
	assert_memory_equal(whole, parts, sizeof(whole));
	random_bytes(&c, parts, sizeof(parts));
	assert_memory_not_equal(whole, parts, sizeof(whole));
}

static void kernel_keyed_ones_differ(void **state)
{
	struct random a, b;
	(void)state;
	assert_int_equal(random_init(&a), 0);
	assert_int_equal(random_init(&b), 0);
	assert_true(random_u64(&a) != random_u64(&b));
	assert_true(random_u64(&a) != random_u64(&a));
}

static void below_is_uniform(void **state)
{
	unsigned seen[10] = { 0 };
	struct random r;
	(void)state;
	random_init_seed(&r, 7);
	for (int i = 0; i < 100000; i++) {
		uint64_t value = random_below(&r, 10);
		assert_true(value < 10);
		seen[value]++;
	}
	/* Five standard deviations. */
	for (int i = 0; i < 10; i++)
		assert_in_range(seen[i], 9500, 10500);
	assert_true(random_below(&r, 1) == 0);
	for (int i = 0; i < 100; i++)
		assert_true(random_below(&r, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
}

static void texts_have_their_form(void **state)
{
	char text[65];
	struct random r;
	(void)state;
	random_init_seed(&r, 9);
	for (size_t digits = 0; digits <= 64; digits++) {
		random_hex(&r, digits, text);
		assert_int_equal(strlen(text), digits);
		assert_int_equal(strspn(text, "0123456789abcdef"), digits);
		random_hex_upper(&r, digits, text);
		assert_int_equal(strspn(text, "0123456789ABCDEF"), digits);
		assert_int_equal(strlen(text), digits);
	}
	for (int i = 0; i < 100; i++) {
		random_uuid(&r, text);
		assert_int_equal(strlen(text), 36);
		for (size_t at = 0; at < 36; at++) {
			bool dash = at == 8 || at == 13 || at == 18 || at == 23;
			assert_int_equal(text[at] == '-', dash);
		}
		assert_int_equal(text[14], '4');
		assert_non_null(strchr("89ab", text[19]));
	}
	struct hash_key a = random_hash_key(&r), b = random_hash_key(&r);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(block_is_chacha20),
		cmocka_unit_test(seeds_repeat_themselves),
		cmocka_unit_test(kernel_keyed_ones_differ),
		cmocka_unit_test(below_is_uniform),
		cmocka_unit_test(texts_have_their_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
