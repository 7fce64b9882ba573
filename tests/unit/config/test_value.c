/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "config/value.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

static const struct {
	const char *text;
	int64_t ms; /* -1: refused */
} durations[] = { { "0", 0 }, { "500ms", 500 }, { "3s", 3000 }, { "5m", 300000 }, { "1h", 3600000 },
	{ "21d", 21 * INT64_C(86400000) }, { "3S", 3000 }, { "3", -1 }, { "s", -1 }, { "", -1 }, { "-3s", -1 },
	{ "3 s", -1 }, { "3w", -1 }, { "1.5s", -1 }, { "99999999999999999999s", -1 }, { "9999999999999999d", -1 } };

static void durations_need_a_unit(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(durations); i++) {
		uint64_t ms = 0;
		const char *wrong = value_duration(span_of(durations[i].text), &ms);
		if ((durations[i].ms < 0) != (wrong != NULL) || (!wrong && (int64_t)ms != durations[i].ms))
			fail_msg("duration `%s`: %s, %llu", durations[i].text, wrong ? wrong : "taken",
				(unsigned long long)ms);
	}
}

static const struct {
	const char *text;
	int64_t bytes;
} sizes[] = { { "0", 0 }, { "64K", 65536 }, { "100M", 104857600 }, { "1G", 1073741824 }, { "1200", 1200 },
	{ "64k", 65536 }, { "64KB", -1 }, { "K", -1 }, { "", -1 }, { "-1", -1 }, { "17179869184G", -1 } };

static void sizes_are_powers_of_1024(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
		uint64_t bytes = 0;
		const char *wrong = value_size(span_of(sizes[i].text), &bytes);
		if ((sizes[i].bytes < 0) != (wrong != NULL) || (!wrong && (int64_t)bytes != sizes[i].bytes))
			fail_msg("size `%s`: %s, %llu", sizes[i].text, wrong ? wrong : "taken",
				(unsigned long long)bytes);
	}
}

typedef const char *name_function(struct arena *a, struct span text, struct span *ret_name);
static const struct {
	name_function *function;
	const char *text;
	const char *expected; /* NULL: refused */
} names[] = {
	{ value_domain, "Steven.LAB.", "steven.lab" },
	{ value_domain, "localhost", "localhost" },
	{ value_domain, "_sip._tls.a.example", "_sip._tls.a.example" },
	{ value_domain, "a..b", NULL },
	{ value_domain, ".", NULL },
	{ value_domain, "", NULL },
	{ value_domain, "-a.example", NULL },
	{ value_domain,
		"b\xc3\xbc"
		"cher.example",
		NULL },
	{ value_domain, "user@a.example", NULL },
	{ value_domain, "192.0.2.1", NULL },
	{ value_domain, "a.example:5061", NULL },
	{ value_domain, "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff1234.example", NULL },
	{ value_host, "edge.a.example", "edge.a.example" },
	{ value_host, "edge", NULL },
	{ value_server_name, "*.A.example", "*.a.example" },
	{ value_server_name, "*.example", NULL },
	{ value_server_name, "*", NULL },
	{ value_address, "192.0.2.1", "192.0.2.1" },
	{ value_address, "2001:DB8:0:0::1", "2001:db8::1" },
	{ value_address, "192.0.2.256", NULL },
	{ value_address, "192.0.2", NULL },
	{ value_address, "[::1]", NULL },
	{ value_address, "fe80::1%eth0", NULL },
	{ value_address, "edge.a.example", NULL },
};

static void names_are_made_canonical(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		struct span name = SPAN("untouched");
		const char *wrong = names[i].function(&a, span_of(names[i].text), &name);
		const char *expected = names[i].expected ? names[i].expected : "untouched";
		if ((names[i].expected == NULL) != (wrong != NULL) || !span_is(name, expected))
			fail_msg("`%s`: %s, gives %.*s", names[i].text, wrong ? wrong : "taken", SPAN_PRINT(name));
	}
	arena_done(&a);
}

typedef const char *endpoint_function(struct arena *a, struct span text, struct config_endpoint *ret_endpoint);
static const struct {
	endpoint_function *function;
	const char *text;
	const char *host; /* NULL: refused */
	uint16_t port;
	bool is_address;
} endpoints[] = {
	{ value_endpoint, "127.48.54.160:5061", "127.48.54.160", 5061, true },
	{ value_endpoint, "192.0.2.1", "192.0.2.1", 0, true },
	{ value_endpoint, "[2001:db8::1]:5061", "2001:db8::1", 5061, true },
	{ value_endpoint, "[2001:db8::1]", "2001:db8::1", 0, true },
	{ value_endpoint, "2001:db8::1", "2001:db8::1", 0, true },
	{ value_endpoint, "Edge.a.example:5061", "edge.a.example", 5061, false },
	{ value_endpoint, "localhost", "localhost", 0, false },
	{ value_endpoint, "edge.a.example:", NULL, 0, false },
	{ value_endpoint, "edge.a.example:0", NULL, 0, false },
	{ value_endpoint, "edge.a.example:65536", NULL, 0, false },
	{ value_endpoint, "[2001:db8::1", NULL, 0, false },
	{ value_endpoint, "[2001:db8::1]5061", NULL, 0, false },
	{ value_endpoint, "[edge]:5061", NULL, 0, false },
	{ value_endpoint, ":5061", NULL, 0, false },
	{ value_address_endpoint, "127.48.53.53@53", "127.48.53.53", 53, true },
	{ value_address_endpoint, "2001:db8::53@5353", "2001:db8::53", 5353, true },
	{ value_address_endpoint, "127.48.53.53:53", "127.48.53.53", 53, true },
	{ value_address_endpoint, "127.48.53.53:53@53", NULL, 0, false },
	{ value_address_endpoint, "dns.a.example", NULL, 0, false },
	{ value_host_endpoint, "edge.b.example", "edge.b.example", 0, false },
	{ value_host_endpoint, "192.0.2.1:5061", NULL, 0, false },
	{ value_host_endpoint, "edge", NULL, 0, false },
};

static void endpoints_keep_host_and_port_apart(void **state)
{
	(void)state;
	struct arena a;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < BASE_COUNT(endpoints); i++) {
		struct config_endpoint got = { .host = SPAN("untouched") };
		const char *wrong = endpoints[i].function(&a, span_of(endpoints[i].text), &got);
		bool good = endpoints[i].host
				    ? !wrong && span_is(got.host, endpoints[i].host) && got.port == endpoints[i].port &&
					      got.is_address == endpoints[i].is_address
				    : wrong && span_is(got.host, "untouched");
		if (!good)
			fail_msg("`%s`: %s, gives %.*s port %u", endpoints[i].text, wrong ? wrong : "taken",
				SPAN_PRINT(got.host), got.port);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(sizes_are_powers_of_1024),
		cmocka_unit_test(names_are_made_canonical),
		cmocka_unit_test(endpoints_keep_host_and_port_apart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
