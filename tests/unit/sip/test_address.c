/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, Via, and the small words they are made of. */
#include "guard.h"
#include "sip/address.h"
#include "sip/parameter.h"
#include "sip/via.h"

#include <errno.h>

struct row {
	const char *text;
	const char *parts; /* NULL: malformed */
	enum sip_rule rule;
	size_t offset;
};

static const struct row addresses[] = {
	{ "\"Alice\" <sip:a@h;lr>;tag=x", "Alice|sip:a@h;lr|;tag=x|x", 0, 0 },
	{ "<sip:a@h>", "-|sip:a@h||-", 0, 0 },
	{ "  < sip:a@h > ; tag = x ; y ", "-|sip:a@h|; tag = x ; y|x", 0, 0 },
	{ "sip:a@h;tag=x", "-|sip:a@h|;tag=x|x", 0, 0 },
	{ "sip:a@h ;tag=x", "-|sip:a@h|;tag=x|x", 0, 0 },
	{ "Two Words <sip:a@h>", "Two Words|sip:a@h||-", 0, 0 },
	{ "\"a;b,c<\\\">\" <sip:a@h>;TAG=Q", "a;b,c<\\\">|sip:a@h|;TAG=Q|Q", 0, 0 },
	{ "\"\"<sip:a@h>", "|sip:a@h||-", 0, 0 },
	{ "<sip:a@h>;epid=1;tag=\"q;r\"", "-|sip:a@h|;epid=1;tag=\"q;r\"|\"q;r\"", 0, 0 },
	{ "<tel:+1;x=y>", "-|tel:+1;x=y||-", 0, 0 },
	{ "*", "-|-||-", 0, 0 },
	{ "", NULL, SIP_RULE_ADDRESS, 0 },
	{ "alice", NULL, SIP_RULE_ADDRESS, 0 },
	{ "<>", NULL, SIP_RULE_ADDRESS, 1 },
	{ "<sip:a@h", NULL, SIP_RULE_ADDRESS, 8 },
	{ "<sip:<a@h>", NULL, SIP_RULE_ADDRESS, 5 },
	{ "\"Alice <sip:a@h>", NULL, SIP_RULE_QUOTE, 0 },
	{ "\"Alice\\\" <sip:a@h>", NULL, SIP_RULE_QUOTE, 0 },
	{ "\"Alice\" sip:a@h", NULL, SIP_RULE_ADDRESS, 8 },
	{ "\"Alice\"", NULL, SIP_RULE_ADDRESS, 7 },
	{ "<sip:a@h> tag=x", NULL, SIP_RULE_ADDRESS, 10 },
	{ " ;tag=x", NULL, SIP_RULE_ADDRESS, 1 },
};

static const char *or_dash(struct span s, char *text)
{
	snprintf(text, 128, "%.*s", SPAN_PRINT(s));
	return s.at ? text : "-";
}

static void reads_addresses(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(addresses); i++) {
		const struct row *row = &addresses[i];
		struct guard g = guard_make(span_of(row->text));
		struct sip_address address;
		struct sip_defect defect = { 0, 0 };
		char parts[512], a[128], b[128], c[128];
		int status = sip_address_parse(g.bytes, &address, &defect);
		if (status != (row->parts ? 0 : -EBADMSG) || defect.rule != row->rule || defect.offset != row->offset)
			fail_msg("%s: %d, %s at %zu", row->text, status, sip_rule_text(defect.rule), defect.offset);
		if (status == 0) {
			snprintf(parts, sizeof(parts), "%s|%s|%.*s|%s", or_dash(address.display, a),
				or_dash(address.uri, b), SPAN_PRINT(address.parameters), or_dash(address.tag, c));
			assert_string_equal(parts, row->parts);
		}
		guard_done(&g);
	}
}

static void wildcard_and_brackets_are_told(void **state)
{
	struct sip_address address;
	struct sip_uri uri;
	(void)state;
	assert_int_equal(sip_address_parse(SPAN("*"), &address, NULL), 0);
	assert_true(address.is_wildcard);
	assert_int_equal(sip_address_parse(SPAN("*star <sip:a@b>"), &address, NULL), 0);
	assert_false(address.is_wildcard);
	assert_true(address.has_brackets);
	assert_int_equal(sip_address_parse_uri(SPAN("sip:a@b"), &address, &uri), 0);
	assert_false(address.has_brackets);
	assert_true(span_is(uri.host, "b"));
	assert_int_equal(sip_address_parse_uri(SPAN("<sip:a@b:x>"), &address, &uri), -EBADMSG);
}

static void writes_addresses(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 256);
	assert_int_equal(sip_address_write(&b, SPAN("say \"hi\"\r\nX: y\\"), SPAN("sip:a@h"), SPAN(";tag=1")), 0);
	assert_string_equal(b.at, "\"say \\\"hi\\\"  X: y\\\\\" <sip:a@h>;tag=1");
	buffer_clear(&b);
	assert_int_equal(sip_address_write(&b, SPAN_NONE, SPAN("sip:a@h"), SPAN_NONE), 0);
	assert_string_equal(b.at, "<sip:a@h>");
	buffer_done(&b);
}

static const struct row vias[] = {
	{ "SIP/2.0/UDP h", "1 h:0 branch=- received=- maddr=- rport=0/0", 0, 0 },
	{ "sip/2.0/tls H.lab:5061;Branch=z9hG4bKx", "3 H.lab:5061 branch=z9hG4bKx received=- maddr=- rport=0/0", 0, 0 },
	{ "SIP / 2.0 / TCP h : 5070 ;rport", "2 h:5070 branch=- received=- maddr=- rport=1/0", 0, 0 },
	{ "SIP/2.0/UDP [2001:db8::1]:5062;received=[::1];rport=7;maddr=x;branch=b;branch=c",
		"1 2001:db8::1:5062 branch=b received=[::1] maddr=x rport=1/7", 0, 0 },
	{ "SIP/2.0/CARRIER.PIGEON h", "7 h:0 branch=- received=- maddr=- rport=0/0", 0, 0 },
	{ "SIP/2.0/TLS h;ms-received-port=25002;ms-received-cid=100", "3 h:0 branch=- received=- maddr=- rport=0/0", 0,
		0 },
	{ "", NULL, SIP_RULE_VIA, 0 },
	{ "SIP/2.0", NULL, SIP_RULE_VIA, 0 },
	{ "SIP/3.0/UDP h", NULL, SIP_RULE_VIA, 0 },
	{ "XIP/2.0/UDP h", NULL, SIP_RULE_VIA, 0 },
	{ "SIP/2.0/ h", NULL, SIP_RULE_VIA, 10 },
	{ "SIP/2.0/UDP", NULL, SIP_RULE_VIA, 11 },
	{ "SIP/2.0/UDP ;branch=x", NULL, SIP_RULE_VIA, 12 },
	{ "SIP/2.0/UDP h:", NULL, SIP_RULE_VIA, 14 },
	{ "SIP/2.0/UDP h:70000", NULL, SIP_RULE_VIA, 14 },
	{ "SIP/2.0/UDP h x", NULL, SIP_RULE_VIA, 14 },
	{ "SIP/2.0/UDP h;rport=x", NULL, SIP_RULE_VIA, 14 },
	{ "SIP/2.0/UDP h;rport=70000", NULL, SIP_RULE_VIA, 14 },
};

static void reads_vias(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(vias); i++) {
		const struct row *row = &vias[i];
		struct guard g = guard_make(span_of(row->text));
		struct sip_via via;
		struct sip_defect defect = { 0, 0 };
		char parts[512], a[128], b[128], c[128];
		int status = sip_via_parse(g.bytes, &via, &defect);
		if (status != (row->parts ? 0 : -EBADMSG) || defect.rule != row->rule || defect.offset != row->offset)
			fail_msg("%s: %d, %s at %zu", row->text, status, sip_rule_text(defect.rule), defect.offset);
		if (status == 0) {
			snprintf(parts, sizeof(parts), "%d %.*s:%u branch=%s received=%s maddr=%s rport=%d/%u",
				(int)via.transport, SPAN_PRINT(via.host), (unsigned)via.port, or_dash(via.branch, a),
				or_dash(via.received, b), or_dash(via.maddr, c), (int)via.has_rport,
				(unsigned)via.rport);
			assert_string_equal(parts, row->parts);
		}
		guard_done(&g);
	}
}

static void via_answers_questions(void **state)
{
	struct sip_via via;
	struct span value;
	(void)state;
	assert_int_equal(sip_via_parse(SPAN("SIP/2.0/TLS h;ms-received-port=25002;branch=Z9HG4BKx"), &via, NULL), 0);
	assert_true(sip_via_parameter(&via, SPAN("MS-Received-Port"), &value));
	assert_true(span_is(value, "25002"));
	assert_true(sip_via_has_cookie(&via));
	assert_int_equal(sip_via_port(&via), 5061);
	assert_int_equal(sip_via_parse(SPAN("SIP/2.0/UDP h:5099;branch=1"), &via, NULL), 0);
	assert_false(sip_via_has_cookie(&via));
	assert_int_equal(sip_via_port(&via), 5099);
	assert_int_equal(sip_via_parse(SPAN("SIP/2.0/UDP h"), &via, NULL), 0);
	assert_false(sip_via_has_cookie(&via));
	assert_int_equal(sip_via_port(&via), 5060);
}

struct list {
	const char *text;
	const char *values; /* each in brackets */
};

static const struct list lists[] = {
	{ "a", "[a]" },
	{ "a,b", "[a][b]" },
	{ " a , b\r\n , c ", "[a][b][c]" },
	{ ",,a,,", "[a]" },
	{ "", "" },
	{ " , ", "" },
	{ "\"x,y\" <sip:a,b@h>,c", "[\"x,y\" <sip:a,b@h>][c]" },
	{ "\"x\\\",y\",z", "[\"x\\\",y\"][z]" },
	{ "\"open,z", "[\"open,z]" },
	{ "<open,z", "[<open,z]" },
};

static void takes_lists_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lists); i++) {
		struct guard g = guard_make(span_of(lists[i].text));
		struct span rest = g.bytes;
		char text[128] = "";
		size_t used = 0;
		for (struct span value; sip_list_next(&rest, &value);)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "[%.*s]", SPAN_PRINT(value));
		assert_string_equal(text, lists[i].values);
		guard_done(&g);
	}
	assert_true(sip_list_has(SPAN("replaces, Timer"), SPAN("timer")));
	assert_false(sip_list_has(SPAN("replaces, Timer"), SPAN("time")));
}

static const struct list parameters[] = {
	{ ";a=1;b;c=\"x;y=\\\"\"", "[a=1][b][c=\"x;y=\\\"\"]" },
	{ "a = 1 ; b = ; c", "[a=1][b=][c]" },
	{ ";;a;", "[a]" },
	{ "", "" },
	{ " ; ", "" },
	{ "a=\"open;b", "[a=\"open;b]" },
	{ "=x;b", "[=x][b]" },
	{ "a b;c", "[a b][c]" },
	{ "x=<a;b>", "[x=<a][b>]" },
};

static void takes_parameters_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(parameters); i++) {
		struct guard g = guard_make(span_of(parameters[i].text));
		struct span rest = g.bytes;
		struct sip_parameter parameter;
		char text[128] = "";
		size_t used = 0;
		while (sip_parameter_next(&rest, &parameter))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "[%.*s%s%.*s]",
				SPAN_PRINT(parameter.name), parameter.value.at ? "=" : "", SPAN_PRINT(parameter.value));
		assert_string_equal(text, parameters[i].values);
		guard_done(&g);
	}
}

static void quotes_are_made_and_undone(void **state)
{
	struct buffer b;
	(void)state;
	buffer_init(&b, 256);
	assert_int_equal(sip_unquote_write(&b, SPAN("\"a\\\"b\\\\\r\n c\"")), 0);
	assert_string_equal(b.at, "a\"b\\ c");
	buffer_clear(&b);
	assert_int_equal(sip_unquote_write(&b, SPAN("token\\")), 0);
	assert_string_equal(b.at, "token\\");
	assert_true(span_is(sip_unquote(SPAN("\"x\"")), "x"));
	assert_true(span_is(sip_unquote(SPAN("\"")), "\""));
	assert_true(sip_is_token(SPAN("a-b.c!%*_+`'~")));
	assert_false(sip_is_token(SPAN("a b")));
	assert_false(sip_is_token(SPAN("")));
	buffer_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses),
		cmocka_unit_test(wildcard_and_brackets_are_told),
		cmocka_unit_test(writes_addresses),
		cmocka_unit_test(reads_vias),
		cmocka_unit_test(via_answers_questions),
		cmocka_unit_test(takes_lists_apart),
		cmocka_unit_test(takes_parameters_apart),
		cmocka_unit_test(quotes_are_made_and_undone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
