/* SPDX-License-Identifier: Apache-2.0 */
/* What people type, and what it means. */
#include "base/require.h"
#include "check/name.h"
#include "unit/cmocka_all.h"

#define L10 "aaaaaaaaaa"
#define L60 L10 L10 L10 L10 L10 L10

static const struct {
	const char *typed;
	const char *domain; /* NULL: none */
	const char *why_not; /* a part of it */
} cases[] = {
	{ "example.com", "example.com", NULL }, { "Example.COM.", "example.com", NULL },
	{ "  example.com \r\n", "example.com", NULL }, { "sip:2000@acano.steven.lab", "acano.steven.lab", NULL },
	{ "sips:2000@acano.steven.lab:5061;transport=tls?x=y", "acano.steven.lab", NULL },
	{ "SIP:acano.steven.lab", "acano.steven.lab", NULL }, { "alice@Example.com", "example.com", NULL },
	{ "a@b@example.com", "example.com", NULL },
	{ "b\xc3\xbc"
	  "cher.example",
		"xn--bcher-kva.example", NULL },
	{ "B\xc3\x9c"
	  "CHER.Example",
		"xn--bcher-kva.example", NULL },
	{ "bu\xcc\x88"
	  "cher.example",
		"xn--bcher-kva.example", NULL }, /* u and a combining diaeresis */
	{ "stra\xc3\x9f"
	  "e.example",
		"xn--strae-oqa.example", NULL }, /* not "strasse": IDNA 2008 */
	{ "\xe4\xbe\x8b\xe3\x80\x82\xe6\xb5\x8b\xe8\xaf\x95", "xn--fsq.xn--0zwm56d", NULL }, /* an ideographic dot */
	{ "alice@b\xc3\xbc"
	  "cher.example",
		"xn--bcher-kva.example", NULL },
	{ "xn--bcher-kva.example", "xn--bcher-kva.example", NULL },
	{ "under_score.example", "under_score.example", NULL }, { "lab", "lab", NULL }, { "", NULL, "nothing" },
	{ "   ", NULL, "nothing" }, { "sip:", NULL, "no domain name" }, { "alice@", NULL, "no domain name" },
	{ ".", NULL, "no domain name" }, { "a..b", NULL, "no domain name" }, { ".example.com", NULL, "no domain name" },
	{ "-example.com", NULL, "no domain name" }, { "two words.example", NULL, "no domain name" },
	{ "quo\"te.example", NULL, "no domain name" }, { "192.0.2.1", NULL, "IP address" },
	{ "2001:db8::1", NULL, "IP address" }, { "[2001:db8::1]", NULL, "IP address" },
	{ "sip:alice@192.0.2.1:5061", NULL, "IP address" }, { "sip:alice@[2001:db8::1]:5061", NULL, "IP address" },
	{ "300.1.2.3", NULL, "ends in a number" }, { "https://example.com/", NULL, "address of a page" },
	{ "example.com/federation", NULL, "address of a page" }, { "example.com:5061", NULL, "without a port" },
	{ L60 "aaaa.example", NULL, "63 bytes" }, { L60 "aaa.example", L60 "aaa.example", NULL },
	{ L60 "." L60 "." L60 "." L60 ".example", NULL, "too long" },
	{ "b\xc3\xbc" L60 "aa.example", NULL, "63 bytes" },
	{ "b\xfc"
	  "cher.example",
		NULL, "UTF-8" },
	{ "a\xe2\x80\x8f.example", NULL, "internationalized" }, /* a right-to-left mark */
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct arena arena;
		struct span domain = SPAN("unset"), why_not = SPAN_NONE;
		arena_init(&arena, 65536);
		bool good = check_name_read(span_of(cases[i].typed), &arena, &domain, &why_not);
		if (good != (cases[i].domain != NULL))
			fail_msg("'%s': %s %.*s", cases[i].typed,
				good ? "taken as" : "refused:", SPAN_PRINT(good ? domain : why_not));
		if (good && !span_is(domain, cases[i].domain))
			fail_msg("'%s': became '%.*s'", cases[i].typed, SPAN_PRINT(domain));
		if (!good && (domain.at || span_find_span(why_not, span_of(cases[i].why_not)) == why_not.length))
			fail_msg("'%s': refused because '%.*s'", cases[i].typed, SPAN_PRINT(why_not));
		arena_done(&arena);
	}
}

/* Longer than any name, and with a NUL in it. */
static void test_bytes(void **state)
{
	(void)state;
	static char much[5000];
	struct arena arena;
	struct span domain, why_not;
	arena_init(&arena, 65536);
	memset(much, 'a', sizeof(much));
	assert_false(check_name_read(span_make(much, sizeof(much)), &arena, &domain, &why_not));
	assert_false(check_name_read(span_make("a.example\0.lab", 14), &arena, &domain, &why_not));
	assert_false(check_name_read(span_make("b\xc3\xbc"
					       "cher\0.lab",
					     12),
		&arena, &domain, &why_not));
	assert_false(check_name_read(SPAN_NONE, &arena, &domain, &why_not));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
