/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "sip/uri.h"

#include <errno.h>

struct row {
	const char *text;
	const char *parts; /* scheme user[:password] host port parameters headers; "!" and the rule's number where
			      malformed */
	enum sip_rule rule;
	size_t offset;
};

static const struct row rows[] = {
	{ "sip:bob@skype.lab", "1 bob|- skype.lab 0 | -", 0, 0 },
	{ "sips:bob@skype.lab:5071;transport=tcp", "2 bob|- skype.lab 5071 ;transport=tcp| -", 0, 0 },
	{ "SIP:bob@skype.lab", "1 bob|- skype.lab 0 | -", 0, 0 },
	{ "sip:skype.lab", "1 -|- skype.lab 0 | -", 0, 0 },
	{ "sip:skype.lab;lr", "1 -|- skype.lab 0 ;lr| -", 0, 0 },
	{ "sip:10.48.36.47:5061", "1 -|- 10.48.36.47 5061 | -", 0, 0 },
	{ "sip:alice:secretword@atlanta.com;transport=tcp", "1 alice|secretword atlanta.com 0 ;transport=tcp| -", 0,
		0 },
	{ "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		"1 alice|- atlanta.com 0 | subject=project%20x&priority=urgent", 0, 0 },
	{ "sip:+1-212-555-1212:1234@gateway.com;user=phone", "1 +1-212-555-1212|1234 gateway.com 0 ;user=phone| -", 0,
		0 },
	{ "sip:alice;day=tuesday@atlanta.com", "1 alice;day=tuesday|- atlanta.com 0 | -", 0, 0 },
	{ "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
		"1 -|- atlanta.com 0 ;method=REGISTER| to=alice%40atlanta.com", 0, 0 },
	{ "sip:[2001:db8::10]", "1 -|- 2001:db8::10 0 | -", 0, 0 },
	{ "sip:a@[::ffff:192.0.2.1]:5070;lr", "1 a|- ::ffff:192.0.2.1 5070 ;lr| -", 0, 0 },
	{ "sip:a@h?", "1 a|- h 0 | ", 0, 0 },
	{ "sip:*21#@h", "1 *21#|- h 0 | -", 0, 0 },
	{ "sip:a@h_1.lab", "1 a|- h_1.lab 0 | -", 0, 0 },
	{ "sip:a@h.lab.", "1 a|- h.lab. 0 | -", 0, 0 },
	{ "sip:u@d;opaque=user:epid:bH6Gx1-_A==;gruu", "1 u|- d 0 ;opaque=user:epid:bH6Gx1-_A==;gruu| -", 0, 0 },
	{ "sip:fe.lab:5061;transport=tls;ms-fe=s;opaque=state:F:T:Eu:Ci.R37abe00;lr;ms-route-sig=aa/b+c=",
		"1 -|- fe.lab 5061 ;transport=tls;ms-fe=s;opaque=state:F:T:Eu:Ci.R37abe00;lr;ms-route-sig=aa/b+c=| -",
		0, 0 },
	{ "tel:+1-201-555-0123", "3 +1-201-555-0123|- - 0 | -", 0, 0 },
	{ "TEL:7042;phone-context=example.com", "3 7042|- - 0 ;phone-context=example.com| -", 0, 0 },
	{ "urn:service:sos", "0 -|- - 0 -| -", 0, 0 },
	{ "", NULL, SIP_RULE_URI_SCHEME, 0 },
	{ "bob", NULL, SIP_RULE_URI_SCHEME, 0 },
	{ ":x", NULL, SIP_RULE_URI_SCHEME, 0 },
	{ "<sip:a@b>", NULL, SIP_RULE_URI_SCHEME, 0 },
	{ "sip:", NULL, SIP_RULE_URI_HOST, 4 },
	{ "sip:@h", NULL, SIP_RULE_URI, 4 },
	{ "sip:a@", NULL, SIP_RULE_URI_HOST, 6 },
	{ "sip:a@b@c", NULL, SIP_RULE_URI_HOST, 7 },
	{ "sip:a b@c", NULL, SIP_RULE_URI, 5 },
	{ "sip:a@h:", NULL, SIP_RULE_URI_PORT, 8 },
	{ "sip:a@h:x", NULL, SIP_RULE_URI_PORT, 8 },
	{ "sip:a@h:65536", NULL, SIP_RULE_URI_PORT, 8 },
	{ "sip:a@h:99999999999999999999", NULL, SIP_RULE_URI_PORT, 8 },
	{ "sip:a@[::1", NULL, SIP_RULE_URI_HOST, 10 },
	{ "sip:a@[host]", NULL, SIP_RULE_URI_HOST, 7 },
	{ "sip:a@[]", NULL, SIP_RULE_URI_HOST, 7 },
	{ "sip:a%4@h", NULL, SIP_RULE_URI_ESCAPE, 5 },
	{ "sip:a%zz@h", NULL, SIP_RULE_URI_ESCAPE, 5 },
	{ "sip:a:p%@h", NULL, SIP_RULE_URI_ESCAPE, 7 },
	{ "sip:a@h;x=%4", NULL, SIP_RULE_URI_ESCAPE, 10 },
	{ "sip:a@h;x=\"q\"", NULL, SIP_RULE_URI, 10 },
	{ "sip:a@h ", NULL, SIP_RULE_URI_HOST, 7 },
	{ "sip:a@h;lr>", NULL, SIP_RULE_URI, 10 },
	{ "tel:", NULL, SIP_RULE_URI, 4 },
	{ "tel:call-me", NULL, SIP_RULE_URI, 6 },
	{ "urn:", NULL, SIP_RULE_URI, 4 },
	{ "urn:a b", NULL, SIP_RULE_URI, 5 },
};

static const char *or_dash(struct span s, char *text)
{
	snprintf(text, 128, "%.*s", SPAN_PRINT(s));
	return s.at ? text : "-";
}

static void reads_and_tells_defects(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		const struct row *row = &rows[i];
		struct guard g = guard_make(span_of(row->text));
		struct sip_defect defect = { 0, 0 };
		struct sip_uri uri;
		char parts[1024], a[128], b[128], c[128], d[128], e[128];
		int status = sip_uri_parse(g.bytes, &uri, &defect);
		if (status != (row->parts ? 0 : -EBADMSG) || defect.rule != row->rule || defect.offset != row->offset)
			fail_msg("%s: %d, %s at %zu", row->text, status, sip_rule_text(defect.rule), defect.offset);
		if (status == 0) {
			snprintf(parts, sizeof(parts), "%d %s|%s %s %u %s| %s", (int)uri.scheme, or_dash(uri.user, a),
				or_dash(uri.password, b), or_dash(uri.host, c), (unsigned)uri.port,
				or_dash(uri.parameters, d), or_dash(uri.headers, e));
			if (strcmp(parts, row->parts) != 0)
				fail_msg("%s:\n%s\n%s", row->text, parts, row->parts);
		}
		guard_done(&g);
	}
}

static void writes_what_it_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct sip_uri uri;
		struct buffer b;
		if (!rows[i].parts)
			continue;
		buffer_init(&b, 4096);
		assert_int_equal(sip_uri_parse(span_of(rows[i].text), &uri, NULL), 0);
		assert_int_equal(sip_uri_write(&b, &uri), 0);
		assert_string_equal(b.at, rows[i].text);
		buffer_done(&b);
	}
}

struct pair {
	const char *a;
	const char *b;
	bool equal;
};

static const struct pair pairs[] = {
	/* RFC 3261 19.1.4: equivalent */
	{ "sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", true },
	{ "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true },
	{ "sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true },
	{ "sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true },
	{ "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
		"sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true },
	{ "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
		"sip:alice@atlanta.com?priority=urgent&subject=project%20x", true },
	/* RFC 3261 19.1.4: not equivalent */
	{ "SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false },
	{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false },
	{ "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false },
	{ "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false },
	{ "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false },
	{ "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false },
	/* "equality is not transitive", the third pair of its example */
	{ "sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false },
	/* the rules around the examples */
	{ "sips:a@h", "sip:a@h", false },
	{ "sip:a@h", "sip:h", false },
	{ "sip:a:p@h", "sip:a@h", false },
	{ "sip:a:p@h", "sip:a:P@h", false },
	{ "sip:a%3Bb@h", "sip:a;b@h", false }, /* reserved: an escape is another thing */
	{ "sip:a%2Db@h", "sip:a-b@h", true },
	{ "sip:a@h;ttl=1", "sip:a@h", false },
	{ "sip:a@h;maddr=x", "sip:a@h", false },
	{ "sip:a@h;user=phone", "sip:a@h", false },
	{ "sip:a@h;method=BYE", "sip:a@h", false },
	{ "sip:a@h;lr", "sip:a@h;lr=on", false },
	{ "sip:a@h;x=1;x=2", "sip:a@h;x=1", true }, /* the first counts */
	{ "sip:a@h;x=1;x=2", "sip:a@h;x=2", false },
	{ "sip:a@h;lr", "sip:a@h", true },
	{ "sip:a@[2001:DB8::1]", "sip:a@[2001:db8::1]", true },
	{ "sip:a@h?x=1&x=1", "sip:a@h?x=1", false },
	{ "tel:+358-555-1234567", "tel:+3585551234567", true },
	{ "tel:7042;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com", true },
	{ "tel:7042;phone-context=example.com", "tel:7042", false },
	{ "tel:+1", "tel:+12", false },
	{ "URN:service:sos", "urn:service:sos", true },
	{ "urn:service:sos", "urn:service:SOS", false },
};

static void compares(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(pairs); i++) {
		struct sip_uri a, b;
		assert_int_equal(sip_uri_parse(span_of(pairs[i].a), &a, NULL), 0);
		assert_int_equal(sip_uri_parse(span_of(pairs[i].b), &b, NULL), 0);
		if (sip_uri_equal(&a, &b) != pairs[i].equal || sip_uri_equal(&b, &a) != pairs[i].equal)
			fail_msg("%s and %s must%s be equal", pairs[i].a, pairs[i].b, pairs[i].equal ? "" : " not");
		assert_true(sip_uri_equal(&a, &a));
	}
}

static void many_parameters_are_compared_as_text(void **state)
{
	struct buffer text, other;
	struct sip_uri a, b;
	(void)state;
	buffer_init(&text, 1 << 20);
	buffer_init(&other, 1 << 20);
	buffer_append_text(&text, "sip:h");
	for (unsigned i = 0; i < 20000; i++)
		buffer_printf(&text, ";p%u=%u", i, i);
	buffer_append(&other, buffer_span(&text));
	assert_int_equal(sip_uri_parse(buffer_span(&text), &a, NULL), 0);
	assert_int_equal(sip_uri_parse(buffer_span(&other), &b, NULL), 0);
	assert_true(sip_uri_equal(&a, &b));
	buffer_append_text(&other, ";q");
	assert_int_equal(sip_uri_parse(buffer_span(&other), &b, NULL), 0);
	assert_false(sip_uri_equal(&a, &b));
	buffer_done(&text);
	buffer_done(&other);
}

static void parameters_are_found(void **state)
{
	struct sip_uri uri;
	struct span value;
	(void)state;
	assert_int_equal(sip_uri_parse(SPAN("sip:h;Transport=TLS;lr;maddr=192.0.2.1"), &uri, NULL), 0);
	assert_int_equal(sip_uri_transport(&uri), SIP_TRANSPORT_TLS);
	assert_true(sip_uri_is_loose(&uri));
	assert_true(sip_uri_parameter(&uri, SPAN("MADDR"), &value));
	assert_true(span_is(value, "192.0.2.1"));
	assert_false(sip_uri_parameter(&uri, SPAN("mad"), &value));
	assert_int_equal(sip_uri_parse(SPAN("sip:h;transport=carrier-pigeon"), &uri, NULL), 0);
	assert_int_equal(sip_uri_transport(&uri), SIP_TRANSPORT_OTHER);
	assert_int_equal(sip_uri_parse(SPAN("sip:h"), &uri, NULL), 0);
	assert_int_equal(sip_uri_transport(&uri), SIP_TRANSPORT_NONE);
	assert_false(sip_uri_is_loose(&uri));
}

static void transports_have_names(void **state)
{
	(void)state;
	for (unsigned i = SIP_TRANSPORT_UDP; i < SIP_TRANSPORT_OTHER; i++) {
		assert_int_equal(sip_transport_find(sip_transport_name((enum sip_transport)i)), i);
		assert_int_equal(sip_transport_find(sip_transport_name_lower((enum sip_transport)i)), i);
	}
	assert_int_equal(sip_transport_find(SPAN("TL")), SIP_TRANSPORT_OTHER);
	assert_int_equal(sip_transport_default_port(SIP_TRANSPORT_TLS), 5061);
	assert_int_equal(sip_transport_default_port(SIP_TRANSPORT_UDP), 5060);
}

static void escapes_are_undone_and_made(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 256);
	assert_int_equal(sip_escape_undo(&b, SPAN("a%40b%2fc%00")), 0);
	assert_int_equal(b.length, 6);
	assert_memory_equal(b.at, "a@b/c\0", 6);
	buffer_clear(&b);
	assert_int_equal(sip_escape_undo(&b, SPAN("a%4")), -EBADMSG);
	assert_int_equal(sip_escape_undo(&b, SPAN("a%4g")), -EBADMSG);
	buffer_clear(&b);
	assert_int_equal(sip_escape_user(&b, SPAN("a b@c:d%;\xff#")), 0);
	assert_string_equal(b.at, "a%20b%40c%3Ad%25;%FF%23");
	buffer_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_tells_defects),
		cmocka_unit_test(writes_what_it_read),
		cmocka_unit_test(compares),
		cmocka_unit_test(many_parameters_are_compared_as_text),
		cmocka_unit_test(parameters_are_found),
		cmocka_unit_test(transports_have_names),
		cmocka_unit_test(escapes_are_undone_and_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
