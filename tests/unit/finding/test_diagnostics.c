/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "base/require.h"
#include "finding/finding.h"
#include "unit/cmocka_all.h"

/* What each code makes of the same values, written as the headers write it. The first two are the
 * samples of Cisco TAC 212383, with their own values. */
static const struct {
	enum finding_code code;
	const char *values[8][2];
	const char *header; /* ms-diagnostics */
	const char *open; /* ms-diagnostics-public */
	const char *data; /* Data line of the trace */
} cases[] = {
	{ FINDING_SRV_TARGET_OUTSIDE_DOMAIN,
		{ { "domain", "cms.steven.lab" }, { "fqdn", "vcse.sub.cms.steven.lab:5061" } },
		"1009;reason=\"No match for domain in DNS SRV results\";domain=\"cms.steven.lab\";"
		"fqdn1=\"vcse.sub.cms.steven.lab:5061\";source=\"sip.skype.lab\"",
		"1009;reason=\"No match for domain in DNS SRV results\";domain=\"cms.steven.lab\";"
		"fqdn1=\"vcse.sub.cms.steven.lab:5061\"",
		";domain=\"cms.steven.lab\";fqdn1=\"vcse.sub.cms.steven.lab:5061\"" },
	{ FINDING_CERTIFICATE_NAME_MISMATCH,
		{ { "tls-target", "vcse.cms.steven.lab" }, { "PeerServer", "vcse.steven.lab" } },
		"1010;reason=\"Certificate trust with another server could not be established\";"
		"ErrorType=\"The peer certificate does not contain a matching FQDN\";"
		"tls-target=\"vcse.cms.steven.lab\";PeerServer=\"vcse.steven.lab\";"
		"HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\";source=\"sip.skype.lab\"",
		"1010;reason=\"Certificate trust with another server could not be established\";"
		"ErrorType=\"The peer certificate does not contain a matching FQDN\";"
		"tls-target=\"vcse.cms.steven.lab\";PeerServer=\"vcse.steven.lab\";"
		"HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\"",
		";expected-fqdn=\"vcse.cms.steven.lab\";certName=\"vcse.steven.lab\";"
		"info=\"The peer certificate does not contain a matching FQDN\"" },
	{ FINDING_SRV_TARGET_OUTSIDE_DOMAIN,
		{ { "domain", "a.example" }, { "fqdn", "x.b.example:5061" }, { "fqdn", "y.b.example:5062" } },
		"1009;reason=\"No match for domain in DNS SRV results\";domain=\"a.example\";"
		"fqdn1=\"x.b.example:5061\";fqdn2=\"y.b.example:5062\";source=\"sip.skype.lab\"",
		"1009;reason=\"No match for domain in DNS SRV results\";domain=\"a.example\";"
		"fqdn1=\"x.b.example:5061\";fqdn2=\"y.b.example:5062\"",
		";domain=\"a.example\";fqdn1=\"x.b.example:5061\";fqdn2=\"y.b.example:5062\"" },
	{ FINDING_SRV_MISSING, { { "domain", "a.example" } },
		"1008;reason=\"Unable to resolve DNS SRV record\";domain=\"a.example\";source=\"sip.skype.lab\"",
		"1008;reason=\"Unable to resolve DNS SRV record\";domain=\"a.example\"", "" },
	{ FINDING_ADDRESS_MISSING, { { "fqdn", "vcse.a.example" } },
		"1014;reason=\"Unable to resolve DNS A record\";fqdn=\"vcse.a.example\";source=\"sip.skype.lab\"",
		"1014;reason=\"Unable to resolve DNS A record\";fqdn=\"vcse.a.example\"", "" },
	/* Where we connected to is no record of the partner: strangers do not get it. */
	{ FINDING_CONNECT_REFUSED, { { "fqdn", "vcse.a.example" }, { "ip-address", "192.0.2.1:5061" } },
		"1046;reason=\"Failed to connect to a federated peer server\";fqdn=\"vcse.a.example\";"
		"ip-address=\"192.0.2.1:5061\";source=\"sip.skype.lab\"",
		"1046;reason=\"Failed to connect to a federated peer server\"", "" },
	{ FINDING_TLS_RESET,
		{ { "fqdn", "vcse.a.example" }, { "WinsockFailureCode", "10054(WSAECONNRESET)" },
			{ "WinsockFailureDescription", "The peer forced closure of the connection" } },
		"1047;reason=\"Failed to complete TLS negotiation with a federated peer server\";"
		"WinsockFailureCode=\"10054(WSAECONNRESET)\";"
		"WinsockFailureDescription=\"The peer forced closure of the connection\";fqdn=\"vcse.a.example\";"
		"source=\"sip.skype.lab\"",
		"1047;reason=\"Failed to complete TLS negotiation with a federated peer server\"", "" },
	{ FINDING_PEER_ANSWERED, { { "Domain", "a.example" }, { "PeerServer", "vcse.a.example" } },
		"1034;reason=\"Previous hop federated peer did not report diagnostic information\";"
		"Domain=\"a.example\";PeerServer=\"vcse.a.example\";source=\"sip.skype.lab\"",
		"1034;reason=\"Previous hop federated peer did not report diagnostic information\";"
		"Domain=\"a.example\";PeerServer=\"vcse.a.example\"",
		"" },
	/* Lists are our own business: no face at all. */
	{ FINDING_DOMAIN_BLOCKED, { { "domain", "a.example" } }, NULL, NULL, "" },
	{ FINDING_NO_RULE_MATCHES, { { "domain", "a.example" } }, NULL, NULL, "" },
};

static void write_pairs(struct buffer *out, const struct finding_pair *pairs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_printf(out, ";%s=\"%.*s\"", pairs[i].name, SPAN_PRINT(pairs[i].value));
}

static void assert_header(bool made, const struct finding_diagnostics *d, const char *expected)
{
	assert_int_equal(made, expected != NULL);
	if (!made)
		return;
	struct buffer text;
	buffer_init(&text, 4096);
	buffer_printf(&text, "%u", d->id);
	write_pairs(&text, d->pairs, d->count);
	assert_string_equal(text.at, expected);
	buffer_done(&text);
}

static void headers_are_as_the_product_writes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct arena arena;
		struct finding_list list;
		struct finding_diagnostics d;
		struct finding_pair pairs[FINDING_PAIRS_MAXIMUM];
		struct buffer data;
		arena_init(&arena, 65536);
		finding_list_init(&list, &arena, FINDING_PARTNER);
		struct finding *f = finding_add(&list, cases[i].code, SPAN("subject"));
		for (size_t j = 0; cases[i].values[j][0]; j++)
			finding_value(f, cases[i].values[j][0], span_of(cases[i].values[j][1]));
		assert_header(finding_diagnostics(f, SPAN("sip.skype.lab"), &d), &d, cases[i].header);
		assert_header(finding_diagnostics_public(f, &d), &d, cases[i].open);
		buffer_init(&data, 4096);
		buffer_append_text(&data, "");
		write_pairs(&data, pairs, finding_trace_data(f, pairs));
		assert_string_equal(data.at ? data.at : "", cases[i].data);
		buffer_done(&data);
		arena_done(&arena);
	}
}

static void many_targets_leave_room_for_source(void **state)
{
	(void)state;
	struct arena arena;
	struct finding_list list;
	struct finding_diagnostics d;
	arena_init(&arena, 65536);
	finding_list_init(&list, &arena, FINDING_PARTNER);
	struct finding *f = finding_add(&list, FINDING_SRV_TARGET_OUTSIDE_DOMAIN, SPAN("a.example"));
	finding_value(f, "domain", SPAN("a.example"));
	for (int i = 0; i < 40; i++)
		finding_value(f, "fqdn", SPAN("x.b.example:5061"));
	assert_true(finding_diagnostics(f, SPAN("sip.skype.lab"), &d));
	assert_int_equal(d.count, FINDING_PAIRS_MAXIMUM);
	assert_string_equal(d.pairs[0].name, "reason");
	assert_string_equal(d.pairs[d.count - 1].name, "source");
	arena_done(&arena);
}

/* No header for strangers may speak of us, whatever the code. */
static void strangers_learn_no_source(void **state)
{
	(void)state;
	struct arena arena;
	struct finding_list list;
	struct finding_diagnostics d;
	arena_init(&arena, 1 << 20);
	finding_list_init(&list, &arena, FINDING_PARTNER);
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		struct finding *f = finding_add(&list, (enum finding_code)i, SPAN("a.example"));
		finding_value(f, "source", SPAN("us"));
		finding_value(f, "ip-address", SPAN("us"));
		if (!finding_diagnostics_public(f, &d))
			continue;
		for (size_t j = 0; j < d.count; j++)
			assert_false(span_is(d.pairs[j].value, "us"));
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_as_the_product_writes_them),
		cmocka_unit_test(many_targets_leave_room_for_source),
		cmocka_unit_test(strangers_learn_no_source),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
