/* SPDX-License-Identifier: Apache-2.0 */
/* Which of two final responses the caller gets: RFC 3261 16.7 step 6. */
#include "base/require.h"
#include "edge/reply.h"
#include "unit/cmocka_all.h"

static void the_better_response(void **state)
{
	static const struct {
		const char *why;
		uint16_t status, than;
		bool better;
	} cases[] = {
		{ "a 6xx ends everything", 603, 404, true },
		{ "and nothing beats it", 404, 603, false },
		{ "the lower class wins", 302, 404, true },
		{ "a busy callee tells more than a broken server", 486, 500, true },
		{ "500 is worse than 486", 500, 486, false },
		{ "401 tells the caller how to go on", 401, 404, true },
		{ "so does 407", 407, 486, true },
		{ "415, 420 and 484 too", 484, 480, true },
		{ "503 is about one server only", 500, 503, true },
		{ "so it is better than nothing but the other 5xx", 503, 504, false },
		{ "of equals the first stays", 404, 486, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (edge_reply_is_better(cases[i].status, cases[i].than) != cases[i].better)
			fail_msg("%s: %u against %u", cases[i].why, cases[i].status, cases[i].than);
}

/* ---- RFC 3261 16.7 step 7 ---- */

static const struct sip_message *response(struct arena *arena, const char *lines)
{
	struct sip_message parsed;
	struct sip_defect defect;
	struct span text = arena_printf(arena,
		"SIP/2.0 407 Proxy Authentication Required\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n"
		"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
		"%sContent-Length: 0\r\n\r\n",
		lines);
	assert_int_equal(sip_message_parse(text, &parsed, &defect), 0);
	const struct sip_message *copy = sip_message_copy(arena, &parsed);
	assert_non_null(copy);
	return copy;
}

static void challenges_of_all_but_the_best(void **state)
{
	(void)state;
	struct arena arena;
	struct edge_reply_header headers[3];
	arena_init(&arena, 1u << 20);
	const struct sip_message *all[] = {
		response(&arena, "Proxy-Authenticate: Digest realm=\"best\"\r\n"),
		response(&arena, "WWW-Authenticate: Digest realm=\"a\", nonce=\"1, 2\"\r\nProxy-Authenticate: Digest "
				 "realm=\"b\"\r\nWWW-Authenticate: Digest realm=\"c\"\r\n"),
		response(&arena, ""),
		response(&arena, "Proxy-Authenticate: Digest realm=\"beyond the room\"\r\n"),
	};
	assert_int_equal(edge_reply_challenges(all[0], all, BASE_COUNT(all), headers, 0), 0);
	assert_int_equal(edge_reply_challenges(all[0], all, BASE_COUNT(all), headers, 3), 3);
	assert_true(span_is(headers[0].name, "WWW-Authenticate"));
	assert_true(span_is(headers[0].value, "Digest realm=\"a\", nonce=\"1, 2\""));
	assert_true(span_is(headers[1].value, "Digest realm=\"c\""));
	assert_true(span_is(headers[2].name, "Proxy-Authenticate"));
	assert_true(span_is(headers[2].value, "Digest realm=\"b\""));
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_better_response),
		cmocka_unit_test(challenges_of_all_but_the_best),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
