/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "route/loop.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>

static const struct hash_key KEY = { { 1, 2 } };

static void parse(struct sip_message *m, char *bytes, size_t capacity, const char *via, const char *extra)
{
	struct sip_defect defect;
	int length = snprintf(bytes, capacity,
		"INVITE sip:b@b.example SIP/2.0\r\n%s"
		"Via: SIP/2.0/TLS far.example;branch=z9hG4bKfar\r\n"
		"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: one\r\nCSeq: 7 INVITE\r\n"
		"Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
		via, extra);
	assert_int_equal(sip_message_parse(span_make(bytes, (size_t)length), m, &defect), 0);
}

static void hash_of(
	const char *zone, const char *identity, const char *uri, const char *via, const char *extra, char *ret)
{
	struct sip_message m;
	char bytes[2048];
	parse(&m, bytes, sizeof(bytes), via, extra);
	struct route_loop_input input = { span_of(zone), span_of(identity), span_of(uri), &m };
	route_loop_hash(&KEY, &input, ret);
}

static void the_hash_covers_what_routing_sees(void **state)
{
	static const struct {
		const char *name, *zone, *identity, *uri, *via, *extra;
		bool same;
	} cases[] = {
		{ "the same again", "Z", "sip:a@a", "sip:b@b", "", "", true },
		{ "another top Via", "Z", "sip:a@a", "sip:b@b", "Via: SIP/2.0/TLS x.example;branch=z9hG4bKother\r\n",
			"", true },
		{ "a header that does not route", "Z", "sip:a@a", "sip:b@b", "", "Subject: x\r\n", true },
		{ "another zone", "Y", "sip:a@a", "sip:b@b", "", "", false },
		{ "another identity", "Z", "sip:c@c", "sip:b@b", "", "", false },
		{ "another Request-URI", "Z", "sip:a@a", "sip:c@b", "", "", false },
		{ "a Route", "Z", "sip:a@a", "sip:b@b", "", "Route: <sip:r.example;lr>\r\n", false },
	};
	char first[ROUTE_LOOP_HASH_LENGTH + 1], other[ROUTE_LOOP_HASH_LENGTH + 1];
	(void)state;
	hash_of("Z", "sip:a@a", "sip:b@b", "", "", first);
	assert_int_equal(strlen(first), ROUTE_LOOP_HASH_LENGTH);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		hash_of(cases[i].zone, cases[i].identity, cases[i].uri, cases[i].via, cases[i].extra, other);
		if ((strcmp(first, other) == 0) != cases[i].same)
			fail_msg("%s", cases[i].name);
	}
}

static void it_is_seen_in_any_via(void **state)
{
	static const char HASH[] = "0123456789abcdef0123456789abcdef";
	static const struct {
		const char *name, *via;
		bool seen;
	} cases[] = {
		{ "no Via of ours", "", false },
		{ "on top", "Via: SIP/2.0/TLS us;branch=z9hG4bK00aa.0123456789abcdef0123456789abcdef\r\n", true },
		{ "below, in a comma list",
			"Via: SIP/2.0/UDP x;branch=z9hG4bKx, SIP/2.0/TLS "
			"us;branch=z9hG4bK0.0123456789ABCDEF0123456789abcdef\r\n",
			true },
		{ "another hash: a spiral",
			"Via: SIP/2.0/TLS us;branch=z9hG4bK00aa.1123456789abcdef0123456789abcdef\r\n", false },
		{ "the digits without the dot",
			"Via: SIP/2.0/TLS us;branch=z9hG4bK0123456789abcdef0123456789abcdef\r\n", false },
		{ "a Via without branch", "Via: SIP/2.0/TLS us\r\n", false },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sip_message m;
		char bytes[2048];
		parse(&m, bytes, sizeof(bytes), cases[i].via, "");
		if (route_loop_is_seen(&m, span_of(HASH)) != cases[i].seen)
			fail_msg("%s", cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_covers_what_routing_sees),
		cmocka_unit_test(it_is_seen_in_any_via),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
