/* SPDX-License-Identifier: Apache-2.0 */
/* Answers whose connection is gone (RFC 3261 18.2.2, RFC 3263 5). */
#include "fixture.h"
/* after cmocka */
#include "fake_dns.h"

static const struct zone_line ZONE[] = {
	{ "caller.example", NET_DNS_A, CALLER },
	{ "nowhere.example", NET_DNS_A, "127.61.1.99" },
};
const struct zone_line *const fake_zone = ZONE;
const size_t fake_zone_count = BASE_COUNT(ZONE);

/* The request came over a connection from an address that now refuses connections; the callee is
 * told so by a Via that another worker's stamp might have written. */
static void answer_to(struct fixture *f, const char *host, uint16_t port)
{
	char via[256];
	struct sip_via parsed;
	static const char answer[] = "SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP x;branch=z9hG4bKstray\r\n"
				     "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: one\r\n"
				     "CSeq: 1 INFO\r\nContent-Length: 0\r\n\r\n";
	snprintf(via, sizeof(via), "SIP/2.0/TCP %s:%u;branch=z9hG4bKx;received=127.61.1.98", host, port);
	assert_int_equal(sip_via_parse(span_of(via), &parsed, NULL), 0);
	struct iovec part = { (void *)(uintptr_t)answer, sizeof(answer) - 1 };
	struct transport_note note = { .serial = SPAN("serial-9") };
	transport_send_fallback(f->callee.transport, &parsed, &note, &part, 1);
	memset(via, 'x', sizeof(via)); /* nothing of it is needed any more */
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	static int anything;
	fixture_init(f);
	fixture_start(f, NULL, NULL);
	f->callee.transport->resolver = (struct net_resolver *)(void *)&anything;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	fixture_done(*state);
	free(*state);
	return 0;
}

static uint64_t dropped(const struct side *s)
{
	struct transport_counters counters;
	transport_counters(s->transport, &counters);
	return counters.dropped_send;
}

static void test_name_is_looked_up(void **state)
{
	struct fixture *f = *state;
	answer_to(f, "caller.example", net_address_port(address_at(&f->caller, TRANSPORT_TCP)));
	for (int i = 0; i < 2000 && f->caller.records_received == 0; i++)
		pass(f, CLOCK_MS_US);
	assert_int_equal(f->caller.records_received, 1);
	assert_int_equal(dropped(&f->callee), 0);
	assert_string_equal(f->callee.serial, "serial-9");
	assert_true(list_is_empty(&f->callee.transport->fallbacks));
}

static void test_no_way_is_counted(void **state)
{
	struct fixture *f = *state;
	static const char *const hosts[] = { "nowhere.example", "unknown.example", "127.61.1.97" };
	for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
		answer_to(f, hosts[i], 9);
		for (int k = 0; k < 2000 && dropped(&f->callee) == i; k++)
			pass(f, CLOCK_MS_US);
		if (dropped(&f->callee) != i + 1)
			fail_msg("%s: %u dropped", hosts[i], (unsigned)dropped(&f->callee));
	}
	assert_true(list_is_empty(&f->callee.transport->fallbacks));
}

/* A stranger's Via must not make us connect to wherever it says. */
static void test_only_the_known_are_looked_for(void **state)
{
	struct fixture *f = *state;
	struct transport_target target = target_at(&f->callee, TRANSPORT_TCP);
	f->callee.answer = 0;
	for (unsigned i = 0; i < 2; i++) {
		f->callee.stranger = i == 0;
		send_request_to(&f->caller, "OPTIONS", &target);
		wait_for(f, f->callee.requests == i + 1);
		transport_flow_close(f->callee.transport, f->callee.flow);
		wait_for(f, f->caller.failures == i + 1);
		assert_int_equal(respond(f->callee.server, 200), 0);
		settle_down(f);
		assert_int_equal(dropped(&f->callee), 1); /* the stranger's */
		assert_int_equal(f->caller.records_received, i); /* the other's: over a connection to its sent-by */
	}
	assert_true(list_is_empty(&f->callee.transport->fallbacks));
}

static void test_freed_on_the_way(void **state)
{
	struct fixture *f = *state;
	answer_to(f, "caller.example", 9);
	answer_to(f, "caller.example", 9);
	settle_down(f); /* refused by now, and being looked up */
	assert_false(list_is_empty(&f->callee.transport->fallbacks));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_name_is_looked_up),
		TEST(test_no_way_is_counted),
		TEST(test_only_the_known_are_looked_for),
		TEST(test_freed_on_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
