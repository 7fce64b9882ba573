/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/clock.h"
#include "base/require.h"
#include "machine_messages.h"
#include "sip/session_timer.h"

#define REQUEST                                                                                                        \
	"UPDATE sip:b@b.example SIP/2.0\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\nFrom: <sip:a@a>;tag=a\n"                  \
	"To: <sip:b@b>;tag=b\nCall-ID: c\nCSeq: 1 UPDATE\n%s"
#define RESPONSE                                                                                                       \
	"SIP/2.0 %d X\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\nFrom: <sip:a@a>;tag=a\nTo: <sip:b@b>;tag=b\n"               \
	"Call-ID: c\nCSeq: 1 UPDATE\n%s"

/* The headers a draft got beyond those of a bare request, on one line. */
static void assert_added(struct sip_draft *d, const char *expected)
{
	struct buffer b;
	buffer_init(&b, 4096);
	sip_draft_append(d, SIP_HEADER_CONTENT_LENGTH, SPAN("0"));
	assert_int_equal(sip_draft_write(d, &b), 0);
	struct span text = buffer_span(&b);
	text = span_from(text, span_find_span(text, SPAN("\r\n")) + 2);
	text = span_first(text, span_find_span(text, SPAN("Content-Length")));
	struct buffer line;
	buffer_init(&line, 4096);
	buffer_append(&line, SPAN(""));
	while (text.length > 0) {
		size_t end = span_find_span(text, SPAN("\r\n"));
		buffer_printf(&line, "%s%.*s", line.length ? ", " : "", (int)end, text.at);
		text = span_from(text, end + 2);
	}
	assert_string_equal(line.at, expected);
	buffer_done(&line);
	buffer_done(&b);
}

static void caller_offers_and_agrees(void **state)
{
	static const struct {
		const char *name;
		uint32_t wanted, smallest;
		const char *offer;
		const char *answer;
		uint32_t interval;
		enum sip_refresher refresher;
		const char *refresh;
	} cases[] = {
		{ "the other one refreshes", 1800, 90, "Supported: timer, Session-Expires: 1800",
			"Session-Expires: 1200;refresher=uas\n", 1200, SIP_REFRESHER_PEER,
			"Supported: timer, Session-Expires: 1200;refresher=uas" },
		{ "we refresh", 1800, 120, "Supported: timer, Session-Expires: 1800, Min-SE: 120",
			"Require: timer\nx: 1800; Refresher=UAC\n", 1800, SIP_REFRESHER_US,
			"Supported: timer, Session-Expires: 1800;refresher=uac, Min-SE: 120" },
		{ "nobody does", 1800, 90, "Supported: timer, Session-Expires: 1800", "", 0, SIP_REFRESHER_NONE,
			"Supported: timer, Session-Expires: 1800" },
		{ "we ask for none, the other wants one", 0, 90, "Supported: timer",
			"Session-Expires: 600;refresher=uac\n", 600, SIP_REFRESHER_US,
			"Supported: timer, Session-Expires: 600;refresher=uac" },
		{ "less than the least is not asked for", 30, 0, "Supported: timer, Session-Expires: 90", "", 0,
			SIP_REFRESHER_NONE, "Supported: timer, Session-Expires: 90" },
	};
	static struct sip_draft d;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sip_session_timer s;
		struct arena a;
		arena_init(&a, 1 << 20);
		print_message("%s\n", cases[i].name);
		sip_session_timer_init(&s, cases[i].wanted, cases[i].smallest);
		sip_draft_request(&d, &a, SPAN("UPDATE"), SPAN("sip:b"));
		sip_session_timer_offer(&s, &d, &a);
		assert_added(&d, cases[i].offer);
		sip_session_timer_accepted(&s, message_of(&a, RESPONSE, 200, cases[i].answer), 5);
		assert_int_equal(s.interval_s, cases[i].interval);
		assert_int_equal(s.refresher, cases[i].refresher);
		sip_draft_request(&d, &a, SPAN("UPDATE"), SPAN("sip:b"));
		sip_session_timer_offer(&s, &d, &a);
		assert_added(&d, cases[i].refresh);
		arena_done(&a);
	}
}

static void caller_raises_what_was_too_small(void **state)
{
	struct sip_session_timer s;
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	sip_session_timer_init(&s, 100, 90);
	assert_false(sip_session_timer_too_small(&s, message_of(&a, RESPONSE, 422, "")));
	assert_false(sip_session_timer_too_small(&s, message_of(&a, RESPONSE, 400, "Min-SE: 600\n")));
	assert_true(sip_session_timer_too_small(&s, message_of(&a, RESPONSE, 422, "Min-SE: 600\n")));
	assert_int_equal(s.wanted_s, 600);
	/* The same again would be a loop. */
	assert_false(sip_session_timer_too_small(&s, message_of(&a, RESPONSE, 422, "Min-SE: 600\n")));
	arena_done(&a);
}

/* RFC 4028 9 and its table 2. */
static void answerer_agrees(void **state)
{
	static const struct {
		const char *name;
		uint32_t wanted;
		const char *request;
		uint16_t status;
		const char *added;
		enum sip_refresher refresher;
	} cases[] = {
		{ "open: the caller does it", 0, "Supported: timer\nSession-Expires: 1800\n", 0,
			"Session-Expires: 1800;refresher=uac, Require: timer", SIP_REFRESHER_PEER },
		{ "the caller wants to", 0, "Supported: 100rel, timer\nSession-Expires: 1800;refresher=uac\n", 0,
			"Session-Expires: 1800;refresher=uac, Require: timer", SIP_REFRESHER_PEER },
		{ "the caller wants us to", 0, "Supported: timer\nSession-Expires: 1800;refresher=uas\n", 0,
			"Session-Expires: 1800;refresher=uas, Require: timer", SIP_REFRESHER_US },
		{ "a proxy asked, the caller knows nothing of it", 0, "Session-Expires: 1800\n", 0,
			"Session-Expires: 1800;refresher=uas", SIP_REFRESHER_US },
		{ "too short", 0, "Supported: timer\nSession-Expires: 60\n", 422, "Min-SE: 90", SIP_REFRESHER_NONE },
		{ "nobody wants one", 0, "Supported: timer\n", 0, "", SIP_REFRESHER_NONE },
		{ "we want one", 600, "Supported: timer\n", 0, "Session-Expires: 600;refresher=uac, Require: timer",
			SIP_REFRESHER_PEER },
		{ "we want one shorter than the caller allows", 600, "Supported: timer\nMin-SE: 900\n", 0,
			"Session-Expires: 900;refresher=uac, Require: timer", SIP_REFRESHER_PEER },
		{ "we want one, the caller knows nothing of it", 600, "", 0, "Session-Expires: 600;refresher=uas",
			SIP_REFRESHER_US },
	};
	static struct sip_draft d;
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sip_session_timer s;
		struct arena a;
		arena_init(&a, 1 << 20);
		print_message("%s\n", cases[i].name);
		sip_session_timer_init(&s, cases[i].wanted, 0);
		const struct sip_message *request = message_of(&a, REQUEST, cases[i].request);
		sip_draft_request(&d, &a, SPAN("X"), SPAN("sip:b"));
		assert_int_equal(sip_session_timer_judge(&s, request), cases[i].status);
		if (cases[i].status == 0)
			sip_session_timer_accept(&s, request, &d, &a, 0);
		else
			sip_session_timer_refuse(&s, &d, &a);
		assert_added(&d, cases[i].added);
		assert_int_equal(s.refresher, cases[i].refresher);
		arena_done(&a);
	}
}

static void times_are_kept(void **state)
{
	struct sip_session_timer s;
	(void)state;
	sip_session_timer_init(&s, 1800, 90);
	assert_true(sip_session_timer_next_us(&s) == INT64_MAX);
	assert_int_equal(sip_session_timer_step(&s, INT64_C(1) << 60), SIP_SESSION_NOTHING);

	s.interval_s = 1800;
	s.refresher = SIP_REFRESHER_US;
	assert_int_equal(sip_session_timer_next_us(&s), 900 * CLOCK_SECOND_US);
	assert_int_equal(sip_session_timer_step(&s, 899 * CLOCK_SECOND_US), SIP_SESSION_NOTHING);
	assert_int_equal(sip_session_timer_step(&s, 900 * CLOCK_SECOND_US), SIP_SESSION_REFRESH);
	assert_int_equal(sip_session_timer_step(&s, 901 * CLOCK_SECOND_US), SIP_SESSION_NOTHING);
	assert_int_equal(sip_session_timer_next_us(&s), 1768 * CLOCK_SECOND_US);
	assert_int_equal(sip_session_timer_step(&s, 1768 * CLOCK_SECOND_US), SIP_SESSION_EXPIRED);
	assert_true(sip_session_timer_next_us(&s) == INT64_MAX);

	s = (struct sip_session_timer){ .interval_s = 90, .refresher = SIP_REFRESHER_PEER };
	assert_int_equal(sip_session_timer_next_us(&s), 60 * CLOCK_SECOND_US);
	assert_int_equal(sip_session_timer_step(&s, 60 * CLOCK_SECOND_US), SIP_SESSION_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caller_offers_and_agrees),
		cmocka_unit_test(caller_raises_what_was_too_small),
		cmocka_unit_test(answerer_agrees),
		cmocka_unit_test(times_are_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
