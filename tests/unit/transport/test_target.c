/* SPDX-License-Identifier: Apache-2.0 */
/* From a host to an ordered list of targets (RFC 3263), with a resolver that answers from a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants those above first */
#include "fake_dns.h"
#include "transport/target.h"

#include <cmocka.h>
#include <errno.h>

/* ---- the DNS of these tests ---- */

static const struct zone_line ZONE[] = {
	{ "plain.example", NET_DNS_A, "192.0.2.1" },
	{ "plain.example", NET_DNS_AAAA, "2001:db8::1" },
	{ "two.example", NET_DNS_A, "192.0.2.2" },
	{ "two.example", NET_DNS_A, "192.0.2.3" },
	{ "_sip._tcp.srv.example", NET_DNS_SRV, "20 0 5070 late.example" },
	{ "_sip._tcp.srv.example", NET_DNS_SRV, "10 0 5080 plain.example" },
	{ "late.example", NET_DNS_A, "192.0.2.9" },
	{ "_sips._tcp.srv.example", NET_DNS_SRV, "1 1 5061 two.example" },
	{ "_sip._udp.srv.example", NET_DNS_SRV, "1 1 5060 late.example" },
	{ "srv.example", NET_DNS_A, "192.0.2.200" },
	{ "_sip._udp.closed.example", NET_DNS_SRV, "0 0 0 ." },
	{ "closed.example", NET_DNS_A, "192.0.2.66" },
	{ "naptr.example", NET_DNS_NAPTR, "20 1 SIP+D2U _sip._udp.srv.example" },
	{ "naptr.example", NET_DNS_NAPTR, "10 5 SIPS+D2T _sips._tcp.srv.example" },
	{ "naptr.example", NET_DNS_NAPTR, "10 1 SIP+D2T _sip._tcp.srv.example" },
	{ "naptr.example", NET_DNS_NAPTR, "1 1 E2U+sip nonsense.example" },
	{ "_sip._tcp.weights.example", NET_DNS_SRV, "1 0 1000 late.example" },
	{ "_sip._tcp.weights.example", NET_DNS_SRV, "1 10 1010 late.example" },
	{ "_sip._tcp.weights.example", NET_DNS_SRV, "1 90 1090 late.example" },
	{ "_sip._tcp.broken.example", NET_DNS_SRV, "!servfail" },
	{ "_sip._tcp.slow.example", NET_DNS_SRV, "!timeout" },
	{ "halfbroken.example", NET_DNS_A, "192.0.2.5" },
	{ "halfbroken.example", NET_DNS_AAAA, "!servfail" },
	{ "wholebroken.example", NET_DNS_A, "!bogus" },
};

const struct zone_line *const fake_zone = ZONE;
const size_t fake_zone_count = BASE_COUNT(ZONE);

/* ---- asking ---- */

struct heard {
	bool done;
	int status;
	char targets[512]; /* "TCP 192.0.2.1:5060 name, …" */
	char why[256];
	char identity[32]; /* of the last target, as the following */
	uint64_t mark;
	unsigned flags;
};

static void done(void *argument, const struct transport_answer *answer)
{
	struct heard *h = argument;
	assert_false(h->done);
	h->done = true;
	h->status = answer->status;
	span_copy_to(answer->why, h->why, sizeof(h->why));
	size_t length = 0;
	for (size_t i = 0; i < answer->target_count; i++) {
		const struct transport_target *target = &answer->targets[i];
		char text[NET_ADDRESS_TEXT_SIZE];
		net_address_format(&target->address, text);
		span_copy_to(span_of(target->identity ? target->identity : ""), h->identity, sizeof(h->identity));
		h->mark = target->mark;
		h->flags = target->flags;
		length += (size_t)snprintf(h->targets + length, sizeof(h->targets) - length, "%s%s %s%s%.*s%s",
			length ? ", " : "", transport_protocol_name(target->protocol), text,
			target->name.length ? " " : "", SPAN_PRINT(target->name),
			target->flags & TRANSPORT_TARGET_MAY_SWITCH ? " +" : "");
	}
}

struct bench {
	struct clock_fake time;
	struct clock clock;
	struct net_loop *loop;
	struct random random;
	struct transport_resolving with;
};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	b->time = (struct clock_fake){ 1, 1000000 };
	b->clock = clock_of_fake(&b->time);
	assert_int_equal(net_loop_new(&b->clock, &b->loop), 0);
	random_init_seed(&b->random, 4);
	static int anything;
	b->with = (struct transport_resolving){ (struct net_resolver *)(void *)&anything, b->loop, &b->random };
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	net_loop_free(b->loop);
	free(b);
	return 0;
}

static void turn(struct bench *b)
{
	clock_fake_advance(&b->time, 5000);
	wheel_advance(net_loop_wheel(b->loop), b->time.steady_us);
	assert_int_equal(net_loop_turn(b->loop, 0), 0);
}

static struct heard resolve(struct bench *b, const struct transport_question *question)
{
	struct heard h = { 0 };
	struct transport_query *query;
	assert_int_equal(transport_resolve(&b->with, question, done, &h, &query), 0);
	assert_false(h.done);
	for (int i = 0; i < 20 && !h.done; i++)
		turn(b);
	assert_true(h.done);
	return h;
}

static void test_targets(void **state)
{
	static const struct {
		const char *name;
		struct transport_question question;
		int status;
		const char *targets;
	} cases[] = {
		{ "a number takes the default transport", { .host = { "192.0.2.7", 9 } }, 0, "UDP 192.0.2.7:5060 +" },
		{ "a number with a port", { .host = { "192.0.2.7", 9 }, .port = 5070, .protocol = TRANSPORT_TCP }, 0,
			"TCP 192.0.2.7:5070" },
		{ "a number over TLS has its port", { .host = { "192.0.2.7", 9 }, .protocol = TRANSPORT_TLS }, 0,
			"TLS 192.0.2.7:5061" },
		{ "sips is TLS", { .host = { "192.0.2.7", 9 }, .secure = true }, 0, "TLS 192.0.2.7:5061" },
		{ "an IPv6 reference", { .host = { "[2001:db8::7]", 13 }, .port = 9 }, 0, "UDP [2001:db8::7]:9 +" },
		{ "a port forbids SRV", { .host = { "srv.example", 11 }, .port = 5060 }, 0,
			"UDP 192.0.2.200:5060 srv.example +" },
		{ "both families", { .host = { "plain.example", 13 }, .port = 5062, .protocol = TRANSPORT_TLS }, 0,
			"TLS 192.0.2.1:5062 plain.example, TLS [2001:db8::1]:5062 plain.example" },
		{ "SRV by priority", { .host = { "srv.example", 11 }, .protocol = TRANSPORT_TCP }, 0,
			"TCP 192.0.2.1:5080 plain.example, TCP [2001:db8::1]:5080 plain.example, "
			"TCP 192.0.2.9:5070 late.example" },
		{ "SRV of sips", { .host = { "srv.example", 11 }, .secure = true }, 0,
			"TLS 192.0.2.2:5061 two.example, TLS 192.0.2.3:5061 two.example" },
		{ "SRV of every transport", { .host = { "srv.example", 11 } }, 0,
			"TLS 192.0.2.2:5061 two.example, TLS 192.0.2.3:5061 two.example, "
			"TCP 192.0.2.1:5080 plain.example, TCP [2001:db8::1]:5080 plain.example, "
			"TCP 192.0.2.9:5070 late.example, UDP 192.0.2.9:5060 late.example" },
		{ "no SRV: the address", { .host = { "two.example", 11 }, .protocol = TRANSPORT_TLS }, 0,
			"TLS 192.0.2.2:5061 two.example, TLS 192.0.2.3:5061 two.example" },
		{ "the root dot", { .host = { "two.example.", 12 }, .protocol = TRANSPORT_TLS }, 0,
			"TLS 192.0.2.2:5061 two.example, TLS 192.0.2.3:5061 two.example" },
		{ "NAPTR in its order", { .host = { "naptr.example", 13 }, .naptr = true }, 0,
			"TCP 192.0.2.1:5080 plain.example, TCP [2001:db8::1]:5080 plain.example, "
			"TCP 192.0.2.9:5070 late.example, TLS 192.0.2.2:5061 two.example, "
			"TLS 192.0.2.3:5061 two.example, UDP 192.0.2.9:5060 late.example" },
		{ "NAPTR of sips", { .host = { "naptr.example", 13 }, .naptr = true, .secure = true }, 0,
			"TLS 192.0.2.2:5061 two.example, TLS 192.0.2.3:5061 two.example" },
		{ "no NAPTR: SRV", { .host = { "two.example", 11 }, .naptr = true }, 0,
			"UDP 192.0.2.2:5060 two.example +, UDP 192.0.2.3:5060 two.example +" },
		{ "half an answer is enough", { .host = { "halfbroken.example", 18 }, .port = 1 }, 0,
			"UDP 192.0.2.5:1 halfbroken.example +" },
		{ "nothing there", { .host = { "nothing.example", 15 } }, -ENOENT, "" },
		{ "decidedly not available", { .host = { "closed.example", 14 }, .protocol = TRANSPORT_UDP }, -ENOENT,
			"" },
		{ "SRV that fails is not 'no SRV'", { .host = { "broken.example", 14 }, .protocol = TRANSPORT_TCP },
			-EAGAIN, "" },
		{ "SRV that is silent", { .host = { "slow.example", 12 }, .protocol = TRANSPORT_TCP }, -ETIMEDOUT, "" },
		{ "an address that is bogus", { .host = { "wholebroken.example", 19 }, .port = 1 }, -EBADMSG, "" },
	};
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct heard h = resolve(*state, &cases[i].question);
		if (h.status != cases[i].status || strcmp(h.targets, cases[i].targets) != 0)
			fail_msg("%s: %d, %s (%s)", cases[i].name, h.status, h.targets, h.why);
		if ((h.status != 0) != (h.why[0] != '\0'))
			fail_msg("%s: why is \"%s\"", cases[i].name, h.why);
	}
}

static void test_what_is_asked_for_is_in_every_target(void **state)
{
	static const char *const hosts[] = { "192.0.2.1", "plain.example", "srv.example" };
	for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
		char identity[] = "me.example"; /* need not live as long as the question is being asked */
		struct transport_question question = {
			.host = span_of(hosts[i]),
			.protocol = TRANSPORT_TCP,
			.identity = identity,
			.mark = 9,
			.flags = TRANSPORT_TARGET_ALIAS,
		};
		struct heard h = { 0 };
		struct transport_query *query;
		struct bench *b = *state;
		assert_int_equal(transport_resolve(&b->with, &question, done, &h, &query), 0);
		memset(identity, 'x', sizeof(identity) - 1);
		for (int k = 0; k < 20 && !h.done; k++)
			turn(b);
		assert_int_equal(h.status, 0);
		assert_string_equal(h.identity, "me.example");
		assert_int_equal(h.mark, 9);
		assert_int_equal(h.flags, TRANSPORT_TARGET_ALIAS);
	}
}

static void test_weights_are_drawn(void **state)
{
	struct bench *b = *state;
	struct transport_question question = { .host = SPAN("weights.example"), .protocol = TRANSPORT_TCP };
	unsigned first_90 = 0;
	unsigned first_0 = 0;
	for (int i = 0; i < 2000; i++) {
		struct heard h = resolve(b, &question);
		first_90 += strncmp(h.targets, "TCP 192.0.2.9:1090", 18) == 0;
		first_0 += strncmp(h.targets, "TCP 192.0.2.9:1000", 18) == 0;
		assert_non_null(strstr(h.targets, ":1000"));
		assert_non_null(strstr(h.targets, ":1010"));
	}
	/* 90 of 100, and weight 0 "a very small chance" (RFC 2782) */
	if (first_90 < 1700 || first_90 > 1880 || first_0 == 0 || first_0 > 80)
		fail_msg("%u and %u of 2000", first_90, first_0);
}

static void test_bad_hosts(void **state)
{
	struct bench *b = *state;
	char long_name[300];
	memset(long_name, 'a', sizeof(long_name));
	struct transport_query *query;
	struct transport_question question = { .host = span_make(long_name, sizeof(long_name)) };
	assert_int_equal(transport_resolve(&b->with, &question, done, NULL, &query), -EINVAL);
	question.host = SPAN_NONE;
	assert_int_equal(transport_resolve(&b->with, &question, done, NULL, &query), -EINVAL);
}

static void test_cancelled_is_silent(void **state)
{
	struct bench *b = *state;
	static const char *const hosts[] = { "192.0.2.1", "srv.example", "plain.example" };
	for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
		for (int turns = 0; turns < 3; turns++) {
			struct heard h = { 0 };
			struct transport_query *query;
			struct transport_question question = { .host = span_of(hosts[i]) };
			assert_int_equal(transport_resolve(&b->with, &question, done, &h, &query), 0);
			for (int k = 0; k < turns && !h.done; k++)
				turn(b);
			if (h.done)
				continue;
			transport_query_cancel(query);
			for (int k = 0; k < 5; k++)
				turn(b);
			assert_false(h.done);
		}
	}
	assert_true(cancelled > 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_targets),
		TEST(test_what_is_asked_for_is_in_every_target),
		TEST(test_weights_are_drawn),
		TEST(test_bad_hosts),
		TEST(test_cancelled_is_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
