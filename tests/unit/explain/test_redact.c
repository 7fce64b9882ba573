/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/redact.h"
#include "unit/cmocka_all.h"

#include <string.h>

static void check_text(struct explain_redactor *r, const char *text, const char *expected)
{
	struct buffer out;
	buffer_init(&out, 1u << 20);
	assert_int_equal(explain_redact(r, span_of(text), &out), 0);
	if (!span_is(buffer_span(&out), expected))
		fail_msg("%s\n  gives    %.*s\n  expected %s", text, SPAN_PRINT(buffer_span(&out)), expected);
	buffer_done(&out);
}

/* One run: what came first keeps its number. */
static void what_tells_of_somebody_is_replaced(void **state)
{
	(void)state;
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "INVITE sip:stejanss@skype.lab SIP/2.0", "INVITE sip:user1@domain1.example SIP/2.0" },
		{ "sip:STEJANSS@SKYPE.LAB", "sip:user1@domain1.example" },
		{ "_sipfederationtls._tcp.acano.steven.lab. 300 IN SRV 0 0 5061 vcse.acano.steven.lab.",
			"_sipfederationtls._tcp.host1.domain2.example. 300 IN SRV 0 0 5061 "
			"host2.host1.domain2.example." },
		{ "vcse.steven.lab:25002", "host2.domain2.example:25002" },
		{ "vcse said it, sub.cms.steven.lab too", "host2 said it, host3.host4.domain2.example too" },
		{ "10.48.36.47:5061 and 10.48.36.46", "198.18.0.1:5061 and 198.18.0.2" },
		{ "from [2001:db8:5::6]:5061.", "from [2001:db8::0:1]:5061." },
		{ "10.48.36.47.", "198.18.0.1." },
		{ "From: \"DX70 Steven\" <sip:2000@acano.steven.lab>",
			"From: \"name1\" <sip:user2@host1.domain2.example>" },
		{ "call +3227045555 or tel:003227045555", "call +1555000001 or tel:+1555000002" },
		{ "2017-03-02T08:10:46.240+01:00", "2017-03-02T08:10:46.240+01:00" },
		{ "egress-zone=DNSZone1;rport", "egress-zone=name2;rport" },
		{ "MatchedZone=\"DNSZone1\"", "MatchedZone=\"name2\"" },
		{ "it went to DNSZone1", "it went to name2" },
		{ "CN=vcse.steven.lab, O=Steven's Lab", "CN=host2.domain2.example, O=name3" },
		{ "sipfed.online.lync.com", "sipfed.online.lync.com" },
		{ "contoso.onmicrosoft.com", "host5.domain3.example" },
		{ "certName=\"*.acano.steven.lab\" or *.SKYPE.lab",
			"certName=\"*.host1.domain2.example\" or *.domain1.example" },
		{ "openssl req -new -key vcse.key -out mail.csr -config vcse.steven.lab.txt",
			"openssl req -new -key host2.key -out host6.csr -config host2.domain2.example.txt" },
		{ "-in vcse.steven.lab.PEM, /tmp/vcse.pcap.", "-in host2.domain2.example.PEM, /tmp/host2.pcap." },
		{ "SIP/2.0 504 Server time-out", "SIP/2.0 504 Server time-out" },
		{ "Server: RTC/6.0 TANDBERG/4135 (X8.10.2)", "Server: RTC/6.0 TANDBERG/4135 (X8.10.2)" },
		{ "0xc3e93d6f SIPPROXY_E_ROUTING 1009", "0xc3e93d6f SIPPROXY_E_ROUTING 1009" },
		{ "", "" },
	};
	struct explain_redactor *r = explain_redactor_new(SPAN("a secret of thirty-two bytes, more or less"));
	assert_non_null(r);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_text(r, cases[i].text, cases[i].expected);
	explain_redactor_free(r);
}

static void text_of(struct explain_redactor *r, const char *text, char *ret_text, size_t capacity)
{
	struct buffer out;
	buffer_init(&out, 1u << 20);
	assert_int_equal(explain_redact(r, span_of(text), &out), 0);
	assert_true(span_copy_to(buffer_span(&out), ret_text, capacity));
	buffer_done(&out);
}

/* Equal ones stay equal, and no secret says what it was. */
static void identifiers_are_hashed(void **state)
{
	(void)state;
	static const char *const texts[] = { "tag=9fea3e7d70afd884", "branch=z9hG4bK42ee6fd77d32cc89",
		"Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960", "f1b3ad5d-183b-4632-b210-c2f9bec71960",
		"proxy-call-id=6b2a018a-2da5-4013-a7e5-4e1455feadf7;rport", "opaque=\"FA404B9C\"" };
	struct explain_redactor *r = explain_redactor_new(SPAN("first")), *other = explain_redactor_new(SPAN("second"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char once[128], twice[128], elsewhere[128];
		text_of(r, texts[i], once, sizeof(once));
		text_of(r, texts[i], twice, sizeof(twice));
		text_of(other, texts[i], elsewhere, sizeof(elsewhere));
		assert_string_equal(once, twice);
		assert_string_not_equal(once, elsewhere);
		assert_string_not_equal(once, texts[i]);
	}
	char header[128], alone[128];
	text_of(r, texts[2], header, sizeof(header));
	text_of(r, texts[3], alone, sizeof(alone));
	assert_non_null(strstr(header, alone));
	assert_non_null(strstr(header, "Call-ID: "));
	explain_redactor_free(r);
	explain_redactor_free(other);
}

static void words_that_were_learned_go_wherever_they_stand(void **state)
{
	(void)state;
	struct explain_redactor *r = explain_redactor_new(SPAN("secret"));
	assert_int_equal(explain_redactor_learn(r, SPAN("sfvedge")), 0);
	assert_int_equal(explain_redactor_learn(r, SPAN("sip:stejanss@skype.lab")), 0);
	check_text(r, "[sfvedge\\sfvedge] stejanss rang", "[host1\\host1] user1 rang");
	explain_redactor_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_tells_of_somebody_is_replaced),
		cmocka_unit_test(identifiers_are_hashed),
		cmocka_unit_test(words_that_were_learned_go_wherever_they_stand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
