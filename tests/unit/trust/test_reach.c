/* SPDX-License-Identifier: Apache-2.0 */
#include "bench.h"

static const struct trust_candidate candidate = { .name = { "vcse.a.lab", 10 }, .port = 5061 };

static const struct {
	const char *name;
	enum trust_lookup_status a, aaaa;
	const char *canonical;
	const char *addresses[3];
	const char *codes;
	bool usable;
} hosts[] = {
	{ "an address", TRUST_LOOKUP_OK, TRUST_LOOKUP_NODATA, NULL, { "198.51.101.7" }, "", true },
	{ "no address", TRUST_LOOKUP_NXDOMAIN, TRUST_LOOKUP_NXDOMAIN, NULL, { NULL }, "address-missing", false },
	{ "the name alone", TRUST_LOOKUP_NODATA, TRUST_LOOKUP_NODATA, NULL, { NULL }, "address-missing", false },
	{ "A failed", TRUST_LOOKUP_SERVFAIL, TRUST_LOOKUP_NODATA, NULL, { NULL }, "address-lookup-failed", false },
	{ "AAAA failed", TRUST_LOOKUP_NODATA, TRUST_LOOKUP_TIMEOUT, NULL, { NULL }, "address-lookup-failed", false },
	{ "AAAA failed, but A is there", TRUST_LOOKUP_OK, TRUST_LOOKUP_TIMEOUT, NULL, { "198.51.101.7" },
		"address-lookup-partly-failed", true },
	{ "an alias", TRUST_LOOKUP_OK, TRUST_LOOKUP_NODATA, "edge.b.lab", { "198.51.101.7" }, "srv-target-is-alias",
		true },
	{ "canonical is the name itself", TRUST_LOOKUP_OK, TRUST_LOOKUP_NODATA, "VCSE.a.lab.", { "198.51.101.7" }, "",
		true },
	{ "an alias to nowhere", TRUST_LOOKUP_NXDOMAIN, TRUST_LOOKUP_NXDOMAIN, "gone.b.lab", { NULL },
		"srv-target-is-alias address-missing", false },
	{ "private", TRUST_LOOKUP_OK, TRUST_LOOKUP_NODATA, NULL, { "10.1.2.3" }, "address-private", true },
	{ "private beside a public one", TRUST_LOOKUP_OK, TRUST_LOOKUP_OK, NULL, { "198.51.101.7", "fd00::1" },
		"address-private", true },
};

static void hosts_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(hosts); i++) {
		struct bench b;
		struct trust_address addresses[3];
		char codes[1024];
		size_t count = 0;
		bench_open(&b);
		for (; count < 3 && hosts[i].addresses[count]; count++) {
			struct span text = span_of(hosts[i].addresses[count]);
			addresses[count] = (struct trust_address){
				.text = text,
				.is_ipv6 = strchr(hosts[i].addresses[count], ':') != NULL,
				.is_private = trust_address_is_private(text),
			};
		}
		struct trust_host facts = {
			.name = SPAN("vcse.a.lab"),
			.a = { .status = hosts[i].a, .canonical = span_of(hosts[i].canonical) },
			.aaaa = { .status = hosts[i].aaaa },
			.addresses = addresses,
			.address_count = count,
		};
		bool usable = trust_judge_host(&b.judge, &candidate, &facts);
		if (strcmp(bench_codes(&b, codes), hosts[i].codes) != 0 || usable != hosts[i].usable)
			fail_msg("%s: %s, usable %d", hosts[i].name, codes, usable);
		bench_close(&b);
	}
}

static const struct {
	const char *name;
	enum trust_connect_status connect;
	enum trust_handshake_status handshake;
	uint8_t alert;
	bool asked;
	const char *code;
	bool go_on;
} connections[] = {
	{ "all well", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_DONE, 0, true, "", true },
	{ "refused", TRUST_CONNECT_REFUSED, 0, 0, false, "connect-refused", false },
	{ "silent", TRUST_CONNECT_TIMEOUT, 0, 0, false, "connect-timeout", false },
	{ "no route", TRUST_CONNECT_UNREACHABLE, 0, 0, false, "connect-unreachable", false },
	{ "some other error", TRUST_CONNECT_FAILED, 0, 0, false, "connect-unreachable", false },
	{ "not tried: nothing known, nothing said", TRUST_CONNECT_NOT_TRIED, 0, 0, false, "", false },
	{ "unknown_ca", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 48, true, "certificate-refused-by-partner",
		false },
	{ "certificate_required", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 116, true,
		"certificate-refused-by-partner", false },
	{ "unsupported_certificate", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 43, true,
		"certificate-refused-by-partner", false },
	{ "certificate_expired", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 45, true,
		"certificate-refused-by-partner", false },
	{ "handshake_failure after we were asked", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 40, true,
		"certificate-refused-by-partner", false },
	{ "handshake_failure at once", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 40, false,
		"tls-handshake-failed", false },
	{ "protocol_version", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 70, false, "tls-version-unsupported",
		false },
	{ "unrecognized_name", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 112, false, "tls-handshake-failed",
		false },
	{ "an alert nobody knows", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_RECEIVED, 200, true,
		"tls-handshake-failed", false },
	{ "cut", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_RESET, 0, true, "tls-reset", false },
	{ "no version in common", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_VERSION, 0, false, "tls-version-unsupported",
		false },
	{ "endless", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_TIMEOUT, 0, false, "tls-handshake-failed", false },
	{ "no TLS", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_NOT_TLS, 0, false, "tls-handshake-failed", false },
	{ "some other failure", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_FAILED, 0, false, "tls-handshake-failed", false },
	{ "we refused the certificate: it is judged next", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_SENT, 48, true, "",
		true },
	{ "we refused something else", TRUST_CONNECT_OPEN, TRUST_HANDSHAKE_ALERT_SENT, 50, true, "tls-handshake-failed",
		false },
};

static void connections_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(connections); i++) {
		struct bench b;
		char codes[1024];
		bench_open(&b);
		struct trust_connection facts = {
			.target = candidate.name,
			.address = SPAN("198.51.101.7:5061"),
			.connect = connections[i].connect,
			.handshake = connections[i].handshake,
			.alert = connections[i].alert,
			.certificate_asked = connections[i].asked,
			.our_certificate_sent = connections[i].asked,
		};
		bool go_on = trust_judge_connection(&b.judge, &candidate, &facts);
		if (strcmp(bench_codes(&b, codes), connections[i].code) != 0 || go_on != connections[i].go_on)
			fail_msg("%s: %s, go on %d", connections[i].name, codes, go_on);
		bench_close(&b);
	}
}

/* The alert is named, and what it can mean is said under it. */
static void a_refusal_names_the_alert(void **state)
{
	(void)state;
	struct bench b;
	bench_open(&b);
	struct trust_connection facts = {
		.target = candidate.name,
		.address = SPAN("198.51.101.7:5061"),
		.connect = TRUST_CONNECT_OPEN,
		.handshake = TRUST_HANDSHAKE_ALERT_RECEIVED,
		.alert = 48,
	};
	trust_judge_connection(&b.judge, &candidate, &facts);
	const struct finding *f = b.list.first;
	assert_true(span_is(f->observed, "TLS alert unknown_ca (48) received"));
	assert_true(span_is(finding_value_get(f, "alert"), "unknown_ca"));
	assert_true(span_find_span(f->evidence->note, SPAN("does not trust our authority")) < f->evidence->note.length);
	assert_int_equal(f->who, FINDING_YOU);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_are_judged),
		cmocka_unit_test(connections_are_judged),
		cmocka_unit_test(a_refusal_names_the_alert),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
