/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "sip/header.h"
#include "sip/method.h"

#include <ctype.h>

static const char *const names[] = {
#define NAME(id, name, compact, shape) name,
	SIP_HEADERS(NAME)
#undef NAME
};
static const char compacts[] = {
#define COMPACT(id, name, compact, shape) compact,
	SIP_HEADERS(COMPACT)
#undef COMPACT
};

static void check(const char *text, enum sip_header_id expected)
{
	struct guard g = guard_make(span_of(text));
	enum sip_header_id id = sip_header_find(g.bytes);
	if (id != expected)
		fail_msg("\"%s\" is found as %d \"%s\"", text, (int)id, sip_header_name(id).at);
	guard_done(&g);
}

static void every_name_finds_itself_in_any_case(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		char upper[64] = "", lower[64] = "";
		for (size_t j = 0; names[i][j]; j++) {
			upper[j] = (char)toupper((unsigned char)names[i][j]);
			lower[j] = (char)tolower((unsigned char)names[i][j]);
		}
		check(names[i], (enum sip_header_id)(i + 1));
		check(upper, (enum sip_header_id)(i + 1));
		check(lower, (enum sip_header_id)(i + 1));
		assert_true(span_is(sip_header_name((enum sip_header_id)(i + 1)), names[i]));
	}
}

static void compact_forms_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(compacts); i++) {
		char lower[2] = { compacts[i], 0 }, upper[2] = { (char)toupper((unsigned char)compacts[i]), 0 };
		if (!compacts[i])
			continue;
		check(lower, (enum sip_header_id)(i + 1));
		check(upper, (enum sip_header_id)(i + 1));
	}
}

/* Names that differ from ours in one byte, also where the table does not look first. */
static void near_names_are_unknown(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		for (size_t j = 0; names[i][j]; j++) {
			char text[64] = "";
			memcpy(text, names[i], strlen(names[i]));
			text[j] = '~';
			check(text, SIP_HEADER_OTHER);
			/* Bytes that lower-casing by one bit would mistake for a letter or hyphen. */
			text[j] = (char)(names[i][j] ^ (names[i][j] == '-' ? 0x20 : 0x40));
			check(text, SIP_HEADER_OTHER);
		}
	}
	check("", SIP_HEADER_OTHER);
	check("-", SIP_HEADER_OTHER);
	check("z", SIP_HEADER_OTHER);
	check("Vi", SIP_HEADER_OTHER);
	check("Viaa", SIP_HEADER_OTHER);
	check("P-Asserted-Identity-Of-A-Very-Long-Name-That-Nobody-Has", SIP_HEADER_OTHER);
}

static void shapes_are_known(void **state)
{
	(void)state;
	assert_int_equal(sip_header_shape(SIP_HEADER_VIA), SIP_SHAPE_LIST);
	assert_int_equal(sip_header_shape(SIP_HEADER_FROM), SIP_SHAPE_ONCE);
	assert_int_equal(sip_header_shape(SIP_HEADER_AUTHORIZATION), SIP_SHAPE_MANY);
	assert_int_equal(sip_header_shape(SIP_HEADER_OTHER), SIP_SHAPE_MANY);
}

static void methods_are_found_with_case(void **state)
{
	(void)state;
	for (unsigned i = SIP_METHOD_OTHER + 1; i < SIP_METHOD_COUNT; i++)
		assert_int_equal(sip_method_find(sip_method_name((enum sip_method)i)), i);
	assert_int_equal(sip_method_find(SPAN("invite")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_find(SPAN("INVITES")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_find(SPAN("")), SIP_METHOD_OTHER);
	assert_int_equal(sip_method_name(SIP_METHOD_OTHER).length, 0);
	assert_false(sip_method_is_answered(SIP_METHOD_BENOTIFY));
	assert_true(sip_method_is_answered(SIP_METHOD_OTHER));
	assert_true(sip_method_makes_dialog(SIP_METHOD_SUBSCRIBE));
	assert_false(sip_method_makes_dialog(SIP_METHOD_BYE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_finds_itself_in_any_case),
		cmocka_unit_test(compact_forms_are_understood),
		cmocka_unit_test(near_names_are_unknown),
		cmocka_unit_test(shapes_are_known),
		cmocka_unit_test(methods_are_found_with_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
