/* SPDX-License-Identifier: Apache-2.0 */
/* ms-diagnostics, Warning, and what shows Microsoft's dialect. */
#include "guard.h"
#include "sip/diagnostics.h"
#include "sip/dialect.h"

#include <errno.h>

struct row {
	const char *text;
	const char *parts; /* id.sub reason source domain; NULL: malformed */
};

static const struct row rows[] = {
	/* the shapes of [MS-OCER] and of Cisco TAC 212383 */
	{ "1008;reason=\"Unable to resolve DNS SRV "
	  "record\";domain=\"steven.lab\";dns-srv-result=\"NegativeResult\";source=\"sip.skype.lab\"",
		"1008.0|Unable to resolve DNS SRV record|sip.skype.lab|steven.lab" },
	{ "10003;source=\"med.skype.lab\";reason=\"Gateway returned final response\"",
		"10003.0|Gateway returned final response|med.skype.lab|-" },
	{ " 1010.7 ; Source = \"s\" ; REASON=\"a \\\"b\\\"; c\";Domain=d ", "1010.7|a \\\"b\\\"; c|s|d" },
	{ "52017;reason=\"Encryption levels dont match\"", "52017.0|Encryption levels dont match|-|-" },
	{ "21", "21.0|-|-|-" },
	{ "1008\r\n ;reason=\"x\"", "1008.0|x|-|-" },
	{ "1008;reason=\"open", "1008.0|\"open|-|-" },
	{ "", NULL },
	{ "reason=\"x\"", NULL },
	{ "1008 reason", NULL },
	{ "1008.x;a=b", NULL },
	{ "-1", NULL },
	{ "99999999999", NULL },
};

static const char *or_dash(struct span s, char *text)
{
	snprintf(text, 128, "%.*s", SPAN_PRINT(s));
	return s.at ? text : "-";
}

static void reads_diagnostics(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct guard g = guard_make(span_of(rows[i].text));
		struct sip_diagnostics d;
		struct span domain = SPAN_NONE;
		char parts[512], a[128], b[128], c[128];
		int status = sip_diagnostics_parse(g.bytes, &d, NULL);
		if (status != (rows[i].parts ? 0 : -EBADMSG))
			fail_msg("%s: %d", rows[i].text, status);
		if (status == 0) {
			(void)sip_diagnostics_parameter(&d, SPAN("domain"), &domain);
			snprintf(parts, sizeof(parts), "%u.%u|%s|%s|%s", (unsigned)d.id, (unsigned)d.sub_id,
				or_dash(d.reason, a), or_dash(d.source, b), or_dash(domain, c));
			assert_string_equal(parts, rows[i].parts);
		}
		guard_done(&g);
	}
}

static void every_line_is_walked(void **state)
{
	static const char text[] =
		"SIP/2.0 504 Server time-out\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nms-diagnostics: 1034;reason=\"a\"\r\n"
		"MS-Diagnostics: nonsense\r\nms-diagnostics: 10003;source=\"b\"\r\n"
		"ms-diagnostics-public: 1034;reason=\"a\"\r\nms-client-diagnostics: 21\r\nl: 0\r\n\r\n";
	static const struct {
		enum sip_header_id header;
		unsigned id;
	} expected[] = { { SIP_HEADER_MS_DIAGNOSTICS, 1034 }, { SIP_HEADER_MS_DIAGNOSTICS, 10003 },
		{ SIP_HEADER_MS_DIAGNOSTICS_PUBLIC, 1034 }, { SIP_HEADER_MS_CLIENT_DIAGNOSTICS, 21 } };
	struct sip_message m;
	struct sip_diagnostics d;
	size_t position = 0, count = 0;
	(void)state;
	assert_int_equal(sip_message_parse(span_of(text), &m, NULL), 0);
	for (; sip_diagnostics_next(&m, &position, &d); count++) {
		assert_in_range(count, 0, BASE_COUNT(expected) - 1);
		assert_int_equal(d.header, expected[count].header);
		assert_int_equal(d.id, expected[count].id);
	}
	assert_int_equal(count, BASE_COUNT(expected));
}

static void writes_diagnostics(void **state)
{
	struct buffer b;
	struct sip_diagnostics d = {
		.id = 1009, .reason = SPAN("No match for \"x\""), .source = SPAN("sip.skype.lab")
	};
	const struct sip_diagnostics_pair pairs[] = { { "domain", SPAN("acano.steven.lab") }, { "fqdn1", SPAN_NONE },
		{ "fqdn2", SPAN("v:5061") } };
	(void)state;
	buffer_init(&b, 1024);
	assert_int_equal(sip_diagnostics_write(&b, &d, pairs, BASE_COUNT(pairs)), 0);
	assert_string_equal(b.at, "1009;reason=\"No match for "
				  "\\\"x\\\"\";domain=\"acano.steven.lab\";fqdn2=\"v:5061\";source=\"sip.skype.lab\"");
	buffer_clear(&b);
	d = (struct sip_diagnostics){ .id = 1, .sub_id = 2 };
	assert_int_equal(sip_diagnostics_write(&b, &d, NULL, 0), 0);
	assert_string_equal(b.at, "1.2");
	buffer_done(&b);
}

static void warnings_are_read_and_written(void **state)
{
	static const char *const bad[] = { "", "399", "399 agent", "399 agent \"open", "39 agent \"x\"",
		"3990 agent \"x\"", "x99 a \"b\"", "399 agent \"x\" y", "399\"x\"" };
	struct sip_warning w;
	struct buffer b;
	(void)state;
	buffer_init(&b, 256);
	assert_int_equal(sip_warning_parse(SPAN("399 vcse.steven.lab:5061 \"say \\\"why\\\"\""), &w, NULL), 0);
	assert_int_equal(w.code, 399);
	assert_true(span_is(w.agent, "vcse.steven.lab:5061"));
	assert_true(span_is(w.text, "say \\\"why\\\""));
	w.text = SPAN("a \"b\"");
	assert_int_equal(sip_warning_write(&b, &w), 0);
	assert_string_equal(b.at, "399 vcse.steven.lab:5061 \"a \\\"b\\\"\"");
	buffer_done(&b);
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct guard g = guard_make(span_of(bad[i]));
		if (sip_warning_parse(g.bytes, &w, NULL) != -EBADMSG)
			fail_msg("%s is read as a warning", bad[i]);
		guard_done(&g);
	}
}

struct dialect_row {
	const char *file;
	unsigned facts;
	bool is_microsoft;
};

static const struct dialect_row dialects[] = {
	{ "good-microsoft-request",
		SIP_DIALECT_AGENT | SIP_DIALECT_NO_BRANCH | SIP_DIALECT_EPID | SIP_DIALECT_HEADER | SIP_DIALECT_GRUU |
			SIP_DIALECT_OPTION | SIP_DIALECT_UPPER_CASE,
		true },
	{ "good-microsoft-504", SIP_DIALECT_AGENT | SIP_DIALECT_RECEIVED, true },
	{ "good-ipv6", 0, false },
	{ "good-compact", 0, false },
	{ "good-folded", 0, false },
	{ "good-lists", 0, false },
};

static void dialects_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(dialects); i++) {
		struct guard g = guard_message(dialects[i].file);
		struct sip_message m;
		assert_int_equal(sip_message_parse(g.bytes, &m, NULL), 0);
		unsigned facts = sip_dialect_facts(&m);
		if (facts != dialects[i].facts || sip_dialect_is_microsoft(facts) != dialects[i].is_microsoft)
			fail_msg("%s: facts %x, not %x", dialects[i].file, facts, dialects[i].facts);
		guard_done(&g);
	}
	assert_false(
		sip_dialect_is_microsoft(SIP_DIALECT_DIAGNOSTICS | SIP_DIALECT_UPPER_CASE | SIP_DIALECT_NO_BRANCH));
}

static void epid_is_found(void **state)
{
	struct sip_address address;
	(void)state;
	assert_int_equal(sip_address_parse(SPAN("<sip:a@b>;tag=1;EPID=4fcd"), &address, NULL), 0);
	assert_true(span_is(sip_dialect_epid(&address), "4fcd"));
	assert_int_equal(sip_address_parse(SPAN("<sip:a@b;epid=1>"), &address, NULL), 0);
	assert_null(sip_dialect_epid(&address).at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_diagnostics),
		cmocka_unit_test(every_line_is_walked),
		cmocka_unit_test(writes_diagnostics),
		cmocka_unit_test(warnings_are_read_and_written),
		cmocka_unit_test(dialects_are_told_apart),
		cmocka_unit_test(epid_is_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
