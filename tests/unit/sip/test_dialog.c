/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/require.h"
#include "machine_messages.h"
#include "sip/dialog.h"

#include <errno.h>

#define REQUEST_HEAD                                                                                                   \
	"INVITE sip:b@b.example SIP/2.0\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK1\nMax-Forwards: 70\n"               \
	"From: \"A\" <sip:a@a.example>;tag=ta\nTo: <sip:b@b.example>\nCall-ID: c1\nCSeq: 7 INVITE\n"
#define RESPONSE_HEAD(status)                                                                                          \
	"SIP/2.0 " status "\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK1\n"                                             \
	"From: \"A\" <sip:a@a.example>;tag=ta\nTo: <sip:b@b.example>;tag=tb\nCall-ID: c1\nCSeq: 7 INVITE\n"

struct fixture {
	struct arena arena;
	struct sip_dialog dialog;
};

static int set_up(void **state)
{
	static struct fixture f;
	arena_init(&f.arena, 1 << 20);
	*state = &f;
	return 0;
}

static int tear_down(void **state)
{
	arena_done(&((struct fixture *)*state)->arena);
	return 0;
}

static void assert_written(struct fixture *f, const struct sip_dialog_request *request, const char *expected)
{
	static struct sip_draft draft;
	struct buffer b;
	buffer_init(&b, 1 << 16);
	sip_dialog_draft(&f->dialog, &draft, &f->arena, request);
	assert_int_equal(sip_draft_write(&draft, &b), 0);
	for (size_t i = 0, at = 0; i <= b.length; i++) {
		if (b.at[i] == '\r')
			continue;
		b.at[at++] = b.at[i];
	}
	if (strncmp(b.at, expected, strlen(expected)) != 0)
		fail_msg("expected\n%s\nfound\n%s", expected, b.at);
	buffer_done(&b);
}

static void caller_reverses_the_routes(void **state)
{
	struct fixture *f = *state;
	const struct sip_message *sent = message_of(&f->arena, REQUEST_HEAD "Contact: <sip:a@192.0.2.1>\n");
	const struct sip_message *ringing =
		message_of(&f->arena, RESPONSE_HEAD("180 Ringing") "Record-Route: <sip:p2;lr>, <sip:p1;lr>\n");
	const struct sip_message *ok = message_of(&f->arena,
		RESPONSE_HEAD("200 OK") "Contact: <sip:b@192.0.2.2:5070;transport=tcp>;x=y\n"
					"Record-Route: <sip:p3;lr>,\n <sip:p2;lr>\nRecord-Route: <sip:p1;lr>;a=b\n");
	assert_int_equal(sip_dialog_call(&f->dialog, &f->arena, sent, ringing), 0);
	assert_int_equal(f->dialog.state, SIP_DIALOG_EARLY);
	assert_int_equal(f->dialog.route_count, 2);
	assert_true(span_is(f->dialog.remote_target, "sip:b@b.example"));
	assert_int_equal(sip_dialog_confirm(&f->dialog, ok), 0);
	assert_int_equal(f->dialog.state, SIP_DIALOG_CONFIRMED);
	assert_true(span_is(sip_dialog_next_hop(&f->dialog), "sip:p1;lr"));
	assert_written(f, &(struct sip_dialog_request){ SPAN("ACK"), SPAN("SIP/2.0/TCP a;branch=z9hG4bK2"), 7 },
		"ACK sip:b@192.0.2.2:5070;transport=tcp SIP/2.0\nVia: SIP/2.0/TCP a;branch=z9hG4bK2\n"
		"Route: <sip:p1;lr>;a=b\nRoute: <sip:p2;lr>\nRoute: <sip:p3;lr>\nMax-Forwards: 70\n"
		"From: \"A\" <sip:a@a.example>;tag=ta\nTo: <sip:b@b.example>;tag=tb\nCall-ID: c1\nCSeq: 7 ACK\n");
	assert_written(f, &(struct sip_dialog_request){ SPAN("BYE"), SPAN("SIP/2.0/TCP a;branch=z9hG4bK3"), 0 },
		"BYE sip:b@192.0.2.2:5070;transport=tcp SIP/2.0\nVia: SIP/2.0/TCP a;branch=z9hG4bK3\n"
		"Route: <sip:p1;lr>;a=b\nRoute: <sip:p2;lr>\nRoute: <sip:p3;lr>\nMax-Forwards: 70\n"
		"From: \"A\" <sip:a@a.example>;tag=ta\nTo: <sip:b@b.example>;tag=tb\nCall-ID: c1\nCSeq: 8 BYE\n");
}

static void answerer_keeps_the_routes(void **state)
{
	struct fixture *f = *state;
	const struct sip_message *request = message_of(&f->arena,
		REQUEST_HEAD "Contact: <sip:a@192.0.2.1>\nRecord-Route: <sip:p2;lr>\nRecord-Route: <sip:p1;lr>\n");
	assert_int_equal(sip_dialog_answer(&f->dialog, &f->arena, request, SPAN("tb")), 0);
	assert_int_equal(sip_dialog_confirm(&f->dialog, NULL), 0);
	assert_written(f, &(struct sip_dialog_request){ SPAN("BYE"), SPAN("SIP/2.0/TCP b;branch=z9hG4bK3"), 0 },
		"BYE sip:a@192.0.2.1 SIP/2.0\nVia: SIP/2.0/TCP b;branch=z9hG4bK3\nRoute: <sip:p2;lr>\nRoute: "
		"<sip:p1;lr>\n"
		"Max-Forwards: 70\nFrom: <sip:b@b.example>;tag=tb\nTo: \"A\" <sip:a@a.example>;tag=ta\nCall-ID: c1\n"
		"CSeq: 1 BYE\n");
}

/* RFC 3261 12.2.1.1: the first route without lr. */
static void strict_routers_get_their_way(void **state)
{
	struct fixture *f = *state;
	const struct sip_message *request =
		message_of(&f->arena, REQUEST_HEAD "Contact: <sip:a@192.0.2.1>\nRecord-Route: <sip:p2>, <sip:p1;lr>\n");
	assert_int_equal(sip_dialog_answer(&f->dialog, &f->arena, request, SPAN("tb")), 0);
	assert_true(span_is(sip_dialog_next_hop(&f->dialog), "sip:p2"));
	assert_written(f, &(struct sip_dialog_request){ SPAN("BYE"), SPAN("SIP/2.0/TCP b;branch=z9hG4bK3"), 0 },
		"BYE sip:p2 SIP/2.0\nVia: SIP/2.0/TCP b;branch=z9hG4bK3\nRoute: <sip:p1;lr>\n"
		"Route: <sip:a@192.0.2.1>\nMax-Forwards: 70\n");
}

static void broken_ones_are_refused(void **state)
{
	static const struct {
		const char *name, *text;
		int status;
	} cases[] = {
		{ "no Contact", REQUEST_HEAD, -EPROTO },
		{ "a wildcard for Contact", REQUEST_HEAD "Contact: *\n", -EPROTO },
		{ "a Contact that is none", REQUEST_HEAD "Contact: <sip:a\n", -EPROTO },
		{ "a Record-Route that is none", REQUEST_HEAD "Contact: <sip:a@x>\nRecord-Route: <sip:p\n", -EPROTO },
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		print_message("%s\n", cases[i].name);
		const struct sip_message *request = message_of(&f->arena, "%s", cases[i].text);
		assert_int_equal(sip_dialog_answer(&f->dialog, &f->arena, request, SPAN("tb")), cases[i].status);
	}
	const struct sip_message *sent = message_of(&f->arena, REQUEST_HEAD);
	const struct sip_message *ok = message_of(&f->arena, RESPONSE_HEAD("200 OK"));
	assert_int_equal(sip_dialog_call(&f->dialog, &f->arena, sent, ok), -EPROTO);
	struct arena tiny;
	arena_init(&tiny, 16);
	assert_int_equal(sip_dialog_call(&f->dialog, &tiny, sent, ok), -ENOMEM);
	arena_done(&tiny);
}

static void too_many_routes_are_refused(void **state)
{
	struct fixture *f = *state;
	struct buffer b;
	buffer_init(&b, 4000);
	buffer_append_text(&b, REQUEST_HEAD "Contact: <sip:a@x>\n");
	for (int i = 0; i < SIP_DIALOG_ROUTES_MAXIMUM; i++)
		buffer_append_text(&b, "Record-Route: <sip:p;lr>\n");
	assert_int_equal(sip_dialog_answer(&f->dialog, &f->arena, message_of(&f->arena, "%s", b.at), SPAN("t")), 0);
	buffer_append_text(&b, "Record-Route: <sip:p;lr>\n");
	assert_int_equal(
		sip_dialog_answer(&f->dialog, &f->arena, message_of(&f->arena, "%s", b.at), SPAN("t")), -ENOBUFS);
	buffer_done(&b);
}

static void requests_within(void **state)
{
	static const struct {
		const char *name, *method, *from_tag, *to_tag, *contact;
		unsigned cseq;
		bool matches;
		int status;
		const char *target;
	} steps[] = {
		{ "BYE of somebody else", "BYE", "tx", "tb", "", 8, false, 0, NULL },
		{ "BYE to another tag of ours", "BYE", "ta", "tx", "", 8, false, 0, NULL },
		{ "INFO", "INFO", "ta", "tb", "Contact: <sip:other@x>\n", 8, true, 0, "sip:a@192.0.2.1" },
		{ "an ACK is not counted", "ACK", "ta", "tb", "", 7, true, 0, "sip:a@192.0.2.1" },
		{ "out of order", "INFO", "ta", "tb", "", 7, true, -ESTALE, "sip:a@192.0.2.1" },
		{ "a re-INVITE moves the target", "INVITE", "ta", "tb", "Contact: <sip:new@x>\n", 20, true, 0,
			"sip:new@x" },
		{ "an UPDATE without Contact leaves it", "UPDATE", "ta", "tb", "", 21, true, 0, "sip:new@x" },
		{ "an UPDATE moves it back", "UPDATE", "ta", "tb", "Contact: <sip:a@192.0.2.1>\n", 22, true, 0,
			"sip:a@192.0.2.1" },
	};
	struct fixture *f = *state;
	const struct sip_message *request = message_of(&f->arena, REQUEST_HEAD "Contact: <sip:a@192.0.2.1>\n");
	assert_int_equal(sip_dialog_answer(&f->dialog, &f->arena, request, SPAN("tb")), 0);
	assert_int_equal(sip_dialog_confirm(&f->dialog, NULL), 0);
	for (size_t i = 0; i < BASE_COUNT(steps); i++) {
		const struct sip_message *m = message_of(&f->arena,
			"%s sip:b@192.0.2.2 SIP/2.0\nVia: SIP/2.0/TCP a.example;branch=z9hG4bK1\n"
			"From: <sip:a@a.example>;tag=%s\nTo: <sip:b@b.example>;tag=%s\nCall-ID: c1\nCSeq: %u %s\n%s",
			steps[i].method, steps[i].from_tag, steps[i].to_tag, steps[i].cseq, steps[i].method,
			steps[i].contact);
		print_message("%s\n", steps[i].name);
		assert_int_equal(sip_dialog_matches(&f->dialog, m), steps[i].matches);
		if (!steps[i].matches)
			continue;
		assert_int_equal(sip_dialog_take_request(&f->dialog, m), steps[i].status);
		assert_true(span_is(f->dialog.remote_target, steps[i].target));
	}
}

static void responses_within(void **state)
{
	struct fixture *f = *state;
	const struct sip_message *sent = message_of(&f->arena, REQUEST_HEAD);
	const struct sip_message *ok = message_of(&f->arena, RESPONSE_HEAD("200 OK") "Contact: <sip:b@one>\n");
	const struct sip_message *again = message_of(&f->arena, RESPONSE_HEAD("200 OK") "Contact: <sip:b@two>\n");
	const struct sip_message *gone =
		message_of(&f->arena, RESPONSE_HEAD("481 Call Leg/Transaction Does Not Exist"));
	assert_int_equal(sip_dialog_call(&f->dialog, &f->arena, sent, ok), 0);
	assert_int_equal(f->dialog.state, SIP_DIALOG_CONFIRMED);
	assert_true(sip_dialog_matches(&f->dialog, again));
	assert_int_equal(sip_dialog_take_response(&f->dialog, again), 0);
	assert_true(span_is(f->dialog.remote_target, "sip:b@two"));
	assert_int_equal(sip_dialog_take_response(&f->dialog, gone), 0);
	assert_int_equal(f->dialog.state, SIP_DIALOG_ENDED);
}

/* RFC 3261 13.3.1.4. */
static void answer_is_repeated_until_its_ack(void **state)
{
	static const int64_t expected_ms[] = { 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500, 32000 };
	const struct sip_timers timers = sip_timers_standard();
	struct sip_answer answer;
	(void)state;
	sip_answer_init(&answer, &timers, NULL);
	int64_t due_us = sip_answer_start(&answer, 7, 0);
	for (size_t i = 0; i < BASE_COUNT(expected_ms); i++) {
		assert_int_equal(due_us, expected_ms[i] * 1000);
		enum sip_answer_step step = sip_answer_timer(&answer, due_us, &due_us);
		assert_int_equal(step, i + 1 < BASE_COUNT(expected_ms) ? SIP_ANSWER_SEND : SIP_ANSWER_GIVE_UP);
	}
	assert_false(sip_answer_acknowledged(&answer, 7));
	assert_int_equal(sip_answer_timer(&answer, 40000000, &due_us), SIP_ANSWER_NOTHING);

	sip_answer_start(&answer, 8, 0);
	assert_false(sip_answer_acknowledged(&answer, 7));
	assert_true(sip_answer_acknowledged(&answer, 8));
	assert_int_equal(sip_answer_timer(&answer, 500000, &due_us), SIP_ANSWER_NOTHING);
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		WITH_FIXTURE(caller_reverses_the_routes),
		WITH_FIXTURE(answerer_keeps_the_routes),
		WITH_FIXTURE(strict_routers_get_their_way),
		WITH_FIXTURE(broken_ones_are_refused),
		WITH_FIXTURE(too_many_routes_are_refused),
		WITH_FIXTURE(requests_within),
		WITH_FIXTURE(responses_within),
		cmocka_unit_test(answer_is_repeated_until_its_ack),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
