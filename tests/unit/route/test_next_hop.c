/* SPDX-License-Identifier: Apache-2.0 */
/* Route headers and Request-URI by RFC 3261 16.4 and 16.12. "Ours" is the host us.example. */
#include "base/require.h"
#include "route/next_hop.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>

static bool is_ours(const struct sip_uri *uri, void *argument)
{
	(void)argument;
	return span_is_nocase(uri->host, "us.example");
}

static const struct {
	const char *name, *uri, *routes;
	int status;
	size_t own;
	const char *own_user, *last_own_user;
	bool has_route, strict, was_strict;
	const char *next_host, *real_uri;
} CASES[] = {
	{ "no Route: the Request-URI", "sip:b@b.example", "", 0, 0, NULL, NULL, false, false, false, "b.example",
		NULL },
	{ "one Route of ours is dropped", "sip:b@b.example", "Route: <sip:tok@us.example;lr>\r\n", 0, 1, "tok", "tok",
		false, false, false, "b.example", NULL },
	{ "two of ours, one a side", "sip:b@b.example", "Route: <sip:t1@us.example;lr>, <sip:t2@us.example;lr>\r\n", 0,
		2, "t1", "t2", false, false, false, "b.example", NULL },
	{ "ours, then a loose router", "sip:b@b.example",
		"Route: <sip:t1@us.example;lr>\r\nRoute: <sip:next.example;lr>\r\n", 0, 1, "t1", "t1", true, false,
		false, "next.example", NULL },
	{ "a strict router next", "sip:b@b.example", "Route: <sip:next.example>\r\n", 0, 0, NULL, NULL, true, true,
		false, "next.example", NULL },
	{ "ours behind another is not dropped", "sip:b@b.example",
		"Route: <sip:next.example;lr>, <sip:t@us.example;lr>\r\n", 0, 0, NULL, NULL, true, false, false,
		"next.example", NULL },
	{ "a strict router came before us", "sip:tok@us.example;lr", "Route: <sip:b@b.example>\r\n", 0, 0, "tok", "tok",
		false, false, true, "b.example", "sip:b@b.example" },
	{ "a strict router before us, a loose one after", "sip:tok@us.example;lr",
		"Route: <sip:next.example;lr>, <sip:b@b.example>\r\n", 0, 0, "tok", "tok", true, false, true,
		"next.example", "sip:b@b.example" },
	{ "to ourselves without user is no strict route", "sip:us.example;lr", "Route: <sip:next.example;lr>\r\n", 0, 0,
		NULL, NULL, true, false, false, "next.example", NULL },
	{ "a Route nobody can read", "sip:b@b.example", "Route: <sip:>\r\n", -1, 0, NULL, NULL, false, false, false,
		NULL, NULL },
};

static void check_span(const char *name, const char *what, struct span got, const char *want)
{
	if (want ? !span_is(got, want) : got.length != 0)
		fail_msg("%s: %s is '%.*s', wanted '%s'", name, what, SPAN_PRINT(got), want ? want : "");
}

static void next_hops(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(CASES); i++) {
		struct sip_message m;
		struct sip_defect defect;
		struct route_next_hop hop;
		char bytes[2048];
		const char *name = CASES[i].name;
		int length = snprintf(bytes, sizeof(bytes),
			"BYE %s SIP/2.0\r\nVia: SIP/2.0/TCP c.example;branch=z9hG4bK1\r\n%sFrom: "
			"<sip:a@a.example>;tag=1\r\n"
			"To: <sip:b@b.example>;tag=2\r\nCall-ID: one\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n",
			CASES[i].uri, CASES[i].routes);
		assert_int_equal(sip_message_parse(span_make(bytes, (size_t)length), &m, &defect), 0);
		int status = route_next_hop(&m, is_ours, NULL, &hop);
		if ((status < 0) != (CASES[i].status < 0))
			fail_msg("%s: status %d", name, status);
		if (status < 0)
			continue;
		if (hop.own_routes != CASES[i].own || hop.has_route != CASES[i].has_route ||
			hop.strict != CASES[i].strict || hop.was_strict != CASES[i].was_strict)
			fail_msg("%s: own %zu route %d strict %d was strict %d", name, hop.own_routes, hop.has_route,
				hop.strict, hop.was_strict);
		check_span(name, "own user", hop.own_user, CASES[i].own_user);
		check_span(name, "last own user", hop.last_own_user, CASES[i].last_own_user);
		check_span(name, "next host", hop.uri.host, CASES[i].next_host);
		check_span(name, "real URI", hop.real_uri, CASES[i].real_uri);
	}
}

static void aliases(void **state)
{
	static const struct {
		const char *uri, *alias;
	} cases[] = {
		{ "sip:alice@example.com", "alice@example.com" },
		{ "sip:alice@example.com:5070;transport=tls", "alice@example.com" },
		{ "sip:example.com", "example.com" },
		{ "tel:+4930123;phone-context=x", "+4930123" },
		{ "sip:alice:secret@example.com", NULL },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sip_uri uri;
		assert_int_equal(sip_uri_parse(span_of(cases[i].uri), &uri, NULL), 0);
		check_span(cases[i].uri, "alias", route_alias(&uri), cases[i].alias);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(next_hops), cmocka_unit_test(aliases) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
