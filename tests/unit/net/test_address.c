/* SPDX-License-Identifier: Apache-2.0 */
#include "net_test.h"

static void reads_and_writes(void **state)
{
	static const struct {
		const char *text;
		const char *written; /* NULL: refused */
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1:5060" },
		{ "192.0.2.1:5061", "192.0.2.1:5061" },
		{ "192.0.2.1:0", "192.0.2.1:0" },
		{ "2001:db8::1", "[2001:db8::1]:5060" },
		{ "[2001:db8::1]", "[2001:db8::1]:5060" },
		{ "[2001:DB8::1]:65535", "[2001:db8::1]:65535" },
		{ "::ffff:192.0.2.7", "192.0.2.7:5060" },
		{ "fe80::1%1", "[fe80::1%1]:5060" },
		{ "192.0.2.1:65536", NULL },
		{ "192.0.2.1:", NULL },
		{ "192.0.2", NULL },
		{ "192.0.2.1 ", NULL },
		{ "[192.0.2.1", NULL },
		{ "[::1]5060", NULL },
		{ "example.com", NULL },
		{ "192.0.2.1%1", NULL },
		{ "fe80::1%", NULL },
		{ "", NULL },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct net_address address = NET_ADDRESS_NONE;
		char text[NET_ADDRESS_TEXT_SIZE];
		int status = net_address_parse_port(span_of(cases[i].text), 5060, &address);
		print_message("%s\n", cases[i].text);
		assert_int_equal(status, cases[i].written ? 0 : -EINVAL);
		if (!cases[i].written)
			continue;
		assert_int_equal(net_address_format(&address, text), strlen(cases[i].written));
		assert_string_equal(text, cases[i].written);
	}
}

static void tells_equal_ones(void **state)
{
	struct net_address a = address_of("192.0.2.1:1"), b = address_of("[::ffff:192.0.2.1]:1");
	struct net_address c = address_of("192.0.2.1:2"), d = address_of("[2001:db8::1]:1"), none = NET_ADDRESS_NONE;
	(void)state;
	assert_true(net_address_equal(&a, &b));
	assert_false(net_address_equal(&a, &c));
	assert_true(net_address_equal_host(&a, &c));
	assert_false(net_address_equal_host(&a, &d));
	assert_false(net_address_equal(&a, &none));
	net_address_set_port(&c, 1);
	assert_true(net_address_equal(&a, &c));
	assert_int_equal(net_address_port(&d), 1);
}

static void knows_private_ones(void **state)
{
	static const struct {
		const char *text;
		bool private;
	} cases[] = {
		{ "10.1.2.3", true },
		{ "172.15.255.255", false },
		{ "172.16.0.0", true },
		{ "172.31.255.255", true },
		{ "172.32.0.0", false },
		{ "100.64.0.1", true },
		{ "100.128.0.1", false },
		{ "127.48.36.6", true },
		{ "169.254.1.1", true },
		{ "192.168.255.1", true },
		{ "192.169.0.1", false },
		{ "8.8.8.8", false },
		{ "239.1.1.1", true },
		{ "fd00::1", true },
		{ "fe80::1", true },
		{ "::1", true },
		{ "2001:db8::5", true },
		{ "2a00:1450:4001::1", false },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct net_address address = address_of(cases[i].text);
		print_message("%s\n", cases[i].text);
		assert_int_equal(net_address_is_private(&address), cases[i].private);
	}
}

static void networks(void **state)
{
	static const struct {
		const char *address, *network;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
		{ "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64" },
		{ "2001:db8:1:3::1", "2001:db8:1:3::/64" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64" },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct net_address address;
		char text[NET_ADDRESS_TEXT_SIZE];
		assert_int_equal(net_address_parse(span_of(cases[i].address), 5060, &address), 0);
		assert_int_equal(net_address_format_network(&address, text), strlen(cases[i].network));
		assert_string_equal(text, cases[i].network);
	}
	struct net_address none = NET_ADDRESS_NONE;
	char text[NET_ADDRESS_TEXT_SIZE];
	assert_int_equal(net_address_format_network(&none, text), 1);
	assert_string_equal(text, "-");
}

static void names_alerts(void **state)
{
	(void)state;
	assert_string_equal(net_alert_name(48), "unknown ca");
	assert_string_equal(net_alert_name(116), "certificate required");
	assert_null(net_alert_name(200));
	assert_string_equal(net_stage_name(NET_STAGE_AFTER_HANDSHAKE), "after-handshake");
	assert_string_equal(net_cause_name(NET_CAUSE_SYSTEM), "system");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(tells_equal_ones),
		cmocka_unit_test(knows_private_ones),
		cmocka_unit_test(networks),
		cmocka_unit_test(names_alerts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
