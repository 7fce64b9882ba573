/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "net/failure.h"
#include "net/tls.h"
#include "peer/chain.h"
#include "unit/cmocka_all.h"

/* What net says of an end, and what trust is told. */
static const struct {
	const char *name;
	enum net_stage stage;
	enum net_cause cause;
	int alert;
	enum trust_connect_status connect;
	enum trust_handshake_status handshake;
} cases[] = {
	{ "refused", NET_STAGE_CONNECT, NET_CAUSE_REFUSED, -1, TRUST_CONNECT_REFUSED, TRUST_HANDSHAKE_NOT_TRIED },
	{ "silent", NET_STAGE_CONNECT, NET_CAUSE_TIMEOUT, -1, TRUST_CONNECT_TIMEOUT, TRUST_HANDSHAKE_NOT_TRIED },
	{ "no route", NET_STAGE_CONNECT, NET_CAUSE_UNREACHABLE, -1, TRUST_CONNECT_UNREACHABLE,
		TRUST_HANDSHAKE_NOT_TRIED },
	{ "our own limit", NET_STAGE_CONNECT, NET_CAUSE_LIMIT, -1, TRUST_CONNECT_FAILED, TRUST_HANDSHAKE_NOT_TRIED },
	{ "we gave up", NET_STAGE_CONNECT, NET_CAUSE_LOCAL, -1, TRUST_CONNECT_NOT_TRIED, TRUST_HANDSHAKE_NOT_TRIED },
	{ "alert in the handshake", NET_STAGE_HANDSHAKE, NET_CAUSE_ALERT_RECEIVED, 48, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_ALERT_RECEIVED },
	{ "late alert of TLS 1.3", NET_STAGE_AFTER_HANDSHAKE, NET_CAUSE_ALERT_RECEIVED, 116, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_ALERT_RECEIVED },
	{ "later still, while reading", NET_STAGE_READ, NET_CAUSE_ALERT_RECEIVED, 48, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_ALERT_RECEIVED },
	{ "an alert in use is no refusal", NET_STAGE_READ, NET_CAUSE_ALERT_RECEIVED, 20, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_DONE },
	{ "reset in use", NET_STAGE_WRITE, NET_CAUSE_RESET, -1, TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_DONE },
	{ "reset in the handshake", NET_STAGE_HANDSHAKE, NET_CAUSE_RESET, -1, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_RESET },
	{ "cut in the handshake", NET_STAGE_HANDSHAKE, NET_CAUSE_CUT, -1, TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_RESET },
	{ "reset right after ours was shown", NET_STAGE_AFTER_HANDSHAKE, NET_CAUSE_RESET, -1, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_RESET },
	{ "closed in order after it", NET_STAGE_AFTER_HANDSHAKE, NET_CAUSE_PEER_CLOSED, -1, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_DONE },
	{ "we refused what is no certificate", NET_STAGE_HANDSHAKE, NET_CAUSE_ALERT_SENT, 42, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_FAILED },
	{ "we refused something else", NET_STAGE_HANDSHAKE, NET_CAUSE_ALERT_SENT, 47, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_ALERT_SENT },
	{ "we refused the chain", NET_STAGE_HANDSHAKE, NET_CAUSE_VERIFY, 48, TRUST_CONNECT_OPEN,
		TRUST_HANDSHAKE_ALERT_SENT },
	{ "no version", NET_STAGE_HANDSHAKE, NET_CAUSE_VERSION, 70, TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_VERSION },
	{ "no TLS", NET_STAGE_HANDSHAKE, NET_CAUSE_NOT_TLS, -1, TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_NOT_TLS },
	{ "endless", NET_STAGE_HANDSHAKE, NET_CAUSE_TIMEOUT, -1, TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_TIMEOUT },
	{ "anything else", NET_STAGE_HANDSHAKE, NET_CAUSE_TLS, -1, TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_FAILED },
};

static void ends_are_translated(void **state)
{
	(void)state;
	struct net_tls_facts facts = { .version = "TLSv1.3", .certificate_requested = true, .certificate_sent = true };
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct net_failure why = {
			.stage = cases[i].stage, .cause = cases[i].cause, .alert = cases[i].alert, .text = "said so"
		};
		struct trust_connection c;
		peer_connection_of(SPAN("vcse.a.lab"), SPAN("192.0.2.1:5061"), &why, &facts, &c);
		if (c.connect != cases[i].connect || c.handshake != cases[i].handshake)
			fail_msg("%s: connect %d, handshake %d", cases[i].name, c.connect, c.handshake);
		assert_int_equal(c.alert, cases[i].alert < 0 ? 0 : cases[i].alert);
		assert_true(span_is(c.text, "said so"));
		assert_true(span_is(c.version, "TLSv1.3"));
	}
}

static void a_standing_connection_is_open(void **state)
{
	(void)state;
	struct trust_connection c;
	struct net_tls_facts facts = { .complete = true };
	peer_connection_of(SPAN("vcse.a.lab"), SPAN("192.0.2.1:5061"), NULL, &facts, &c);
	assert_int_equal(c.connect, TRUST_CONNECT_OPEN);
	assert_int_equal(c.handshake, TRUST_HANDSHAKE_DONE);
	peer_connection_of(SPAN("vcse.a.lab"), SPAN("192.0.2.1:5060"), NULL, NULL, &c);
	assert_int_equal(c.handshake, TRUST_HANDSHAKE_NOT_TRIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_are_translated),
		cmocka_unit_test(a_standing_connection_is_open),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
