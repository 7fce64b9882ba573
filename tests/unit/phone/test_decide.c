/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/require.h"
#include "phone/decide.h"
#include "phone/phone.h"

#include <stdio.h>

static void users_match(void **state)
{
	static const struct {
		const char *pattern, *uri;
		bool matches;
	} cases[] = {
		{ "sip:2000@acano.steven.lab", "sip:2000@acano.steven.lab", true },
		{ "sip:2000@acano.steven.lab", "sip:2000@ACANO.steven.lab:5061;transport=tls", true },
		{ "sip:2000@acano.steven.lab", "sips:2000@acano.steven.lab", true },
		{ "sip:2000@acano.steven.lab", "sip:2001@acano.steven.lab", false },
		{ "sip:Bob@b.example", "sip:bob@b.example", false },
		{ "sip:*@cms.steven.lab", "sip:any.body@cms.steven.lab", true },
		{ "sip:*@cms.steven.lab", "sip:cms.steven.lab", true },
		{ "sip:*@cms.steven.lab", "sip:x@sub.cms.steven.lab", false },
		{ "sip:2000@a.example", "tel:2000", false },
		{ "nonsense", "sip:2000@a.example", false },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct sip_uri uri;
		assert_int_equal(sip_uri_parse(span_of(cases[i].uri), &uri, NULL), 0);
		print_message("%s as %s\n", cases[i].uri, cases[i].pattern);
		assert_int_equal(phone_user_matches(span_of(cases[i].pattern), &uri), cases[i].matches);
	}
}

#define NEW ""
#define WITHIN ";tag=ours"

static void requests_are_decided(void **state)
{
	static const struct {
		const char *name, *method, *tag, *uri, *more;
		struct phone_situation situation;
		struct phone_decision decision;
	} cases[] = {
		{ "a call", "INVITE", NEW, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_RING, 180 } },
		{ "a call for somebody else", "INVITE", NEW, "sip:u@a", "", { 0 }, { PHONE_ACT_REPLY, 404 } },
		{ "a call to a telephone number", "INVITE", NEW, "tel:+49", "", { .for_us = true },
			{ PHONE_ACT_REPLY, 416 } },
		{ "one call too many", "INVITE", NEW, "sip:u@a", "", { .for_us = true, .busy = true },
			{ PHONE_ACT_REPLY, 486 } },
		{ "a call while stopping", "INVITE", NEW, "sip:u@a", "", { .for_us = true, .stopping = true },
			{ PHONE_ACT_REPLY, 503 } },
		{ "a call come twice", "INVITE", NEW, "sip:u@a", "", { .for_us = true, .merged = true },
			{ PHONE_ACT_REPLY, 482 } },
		{ "a call that requires what we know", "INVITE", NEW, "sip:u@a", "Require: timer\r\n",
			{ .for_us = true }, { PHONE_ACT_RING, 180 } },
		{ "a call that requires what we do not know", "INVITE", NEW, "sip:u@a", "Require: timer, 100rel\r\n",
			{ .for_us = true }, { PHONE_ACT_REPLY, 420, PHONE_EXTRA_UNSUPPORTED } },
		{ "OPTIONS", "OPTIONS", NEW, "sip:u@a", "", { .for_us = true },
			{ PHONE_ACT_REPLY, 200, PHONE_EXTRA_CAPABILITIES } },
		{ "OPTIONS while busy", "OPTIONS", NEW, "sip:u@a", "", { .for_us = true, .busy = true },
			{ PHONE_ACT_REPLY, 200, PHONE_EXTRA_CAPABILITIES } },
		{ "a message", "MESSAGE", NEW, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_REPLY, 200 } },
		{ "a message for somebody else", "MESSAGE", NEW, "sip:u@a", "", { 0 }, { PHONE_ACT_REPLY, 404 } },
		{ "INFO outside", "INFO", NEW, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_REPLY, 481 } },
		{ "BYE outside", "BYE", NEW, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_REPLY, 481 } },
		{ "CANCEL of nothing", "CANCEL", NEW, "sip:u@a", "Require: x\r\n", { .for_us = true },
			{ PHONE_ACT_REPLY, 481 } },
		{ "a subscription", "SUBSCRIBE", NEW, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_REPLY, 489 } },
		{ "a registration", "REGISTER", NEW, "sip:u@a", "", { .for_us = true },
			{ PHONE_ACT_REPLY, 405, PHONE_EXTRA_ALLOW } },
		{ "an unknown method", "FLY", NEW, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_REPLY, 501 } },
		{ "BENOTIFY is never answered", "BENOTIFY", NEW, "sip:u@a", "Require: x\r\n", { 0 },
			{ PHONE_ACT_IGNORE } },

		{ "a dialog of nobody", "BYE", WITHIN, "sip:u@a", "", { .for_us = true }, { PHONE_ACT_REPLY, 481 } },
		{ "a call in a dialog of nobody", "INVITE", WITHIN, "sip:u@a", "", { .for_us = true },
			{ PHONE_ACT_REPLY, 481 } },
		{ "BYE, whatever its Request-URI", "BYE", WITHIN, "sip:u@192.0.2.1", "", { .call_known = true },
			{ PHONE_ACT_HANG_UP, 200 } },
		{ "out of order", "INFO", WITHIN, "sip:u@a", "", { .call_known = true, .out_of_order = true },
			{ PHONE_ACT_REPLY, 500, PHONE_EXTRA_RETRY } },
		{ "re-INVITE", "INVITE", WITHIN, "sip:u@a", "", { .call_known = true }, { PHONE_ACT_REFRESH, 200 } },
		{ "re-INVITE while one is open", "INVITE", WITHIN, "sip:u@a", "",
			{ .call_known = true, .inviting = true }, { PHONE_ACT_REPLY, 491 } },
		{ "UPDATE", "UPDATE", WITHIN, "sip:u@a", "", { .call_known = true }, { PHONE_ACT_REFRESH, 200 } },
		{ "INFO", "INFO", WITHIN, "sip:u@a", "", { .call_known = true }, { PHONE_ACT_REPLY, 200 } },
		{ "OPTIONS within", "OPTIONS", WITHIN, "sip:u@a", "", { .call_known = true },
			{ PHONE_ACT_REPLY, 200, PHONE_EXTRA_CAPABILITIES } },
		{ "PRACK that nobody asked for", "PRACK", WITHIN, "sip:u@a", "", { .call_known = true },
			{ PHONE_ACT_REPLY, 481 } },
		{ "REFER", "REFER", WITHIN, "sip:u@a", "", { .call_known = true },
			{ PHONE_ACT_REPLY, 405, PHONE_EXTRA_ALLOW } },
		{ "an unknown method within", "FLY", WITHIN, "sip:u@a", "", { .call_known = true },
			{ PHONE_ACT_REPLY, 501 } },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char text[1024];
		static struct sip_message m;
		int length = snprintf(text, sizeof(text),
			"%s %s SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:x@x>;tag=t\r\n"
			"To: <sip:u@a>%s\r\nCall-ID: c\r\nCSeq: 1 %s\r\n%s\r\n",
			cases[i].method, cases[i].uri, cases[i].tag, cases[i].method, cases[i].more);
		assert_int_equal(sip_message_parse(span_make(text, (size_t)length), &m, NULL), 0);
		struct phone_decision found = phone_decide(&m, &cases[i].situation);
		print_message("%s\n", cases[i].name);
		assert_int_equal(found.act, cases[i].decision.act);
		assert_int_equal(found.status, cases[i].decision.status);
		assert_int_equal(found.extra, cases[i].decision.extra);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_match),
		cmocka_unit_test(requests_are_decided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
