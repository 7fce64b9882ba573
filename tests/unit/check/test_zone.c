/* SPDX-License-Identifier: Apache-2.0 */
/* Planned records: what a zone file says, what it answers, and how its mistakes are named. */
#include "base/buffer.h"
#include "base/require.h"
#include "check/zone.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PATH "planned.zone"

static struct check_zone *read_zone(const char *text, const char *origin)
{
	char error[CHECK_ZONE_ERROR_SIZE] = "";
	struct check_zone *zone = NULL;
	int status = check_zone_read_text(PATH, span_of(text), span_of(origin), &zone, error);
	if (status < 0)
		fail_msg("refused: %s\n%s", error, text);
	return zone;
}

/* "192.0.2.1 192.0.2.2", "0 0 5061 vcse.a.lab", "3 1 1 0123" ... */
static void write_records(const struct net_dns_answer *answer, struct buffer *out)
{
	for (size_t i = 0; i < answer->record_count; i++) {
		const struct net_dns_record *record = &answer->records[i];
		char text[NET_ADDRESS_TEXT_SIZE];
		buffer_append_text(out, i ? ", " : "");
		switch (answer->type) {
		case NET_DNS_SRV:
			buffer_printf(out, "%u %u %u %s", record->srv.priority, record->srv.weight, record->srv.port,
				record->srv.target);
			break;
		case NET_DNS_TLSA:
			buffer_printf(out, "%u %u %u %zu", record->tlsa.usage, record->tlsa.selector,
				record->tlsa.matching, record->tlsa.data.length);
			break;
		case NET_DNS_NAPTR:
			buffer_printf(out, "%u %u %.*s %s", record->naptr.order, record->naptr.preference,
				SPAN_PRINT(record->naptr.service), record->naptr.replacement);
			break;
		default:
			net_address_format_host(&record->address, text);
			buffer_append_text(out, text);
			break;
		}
	}
}

/* The answer in one line: "OK 300 records", "OK 300 via NAME: records", "NXDOMAIN", "network", "network NAME". */
static void write_answer(
	const struct check_zone *zone, const char *name, enum net_dns_type type, bool only, struct buffer *out)
{
	const struct net_dns_answer *answer = NULL;
	const char *alias = NULL;
	switch (check_zone_ask(zone, name, type, only, &answer, &alias)) {
	case CHECK_ZONE_ELSEWHERE:
		buffer_append_text(out, "network");
		return;
	case CHECK_ZONE_ALIAS:
		buffer_printf(out, "network %s", alias);
		return;
	case CHECK_ZONE_ANSWER:
		break;
	}
	assert_non_null(answer);
	assert_false(answer->secure);
	assert_int_equal(answer->type, type);
	assert_int_equal(strlen(answer->name), strlen(name) - (name[strlen(name) - 1] == '.'));
	buffer_append_text(out, net_dns_status_name(answer->status));
	if (answer->status == NET_DNS_OK)
		buffer_printf(out, " %u", answer->ttl_s);
	if (answer->alias)
		buffer_printf(out, " via %s", answer->canonical);
	if (answer->record_count)
		buffer_append_text(out, answer->alias ? ": " : " ");
	write_records(answer, out);
	net_dns_answer_unref(answer);
}

/* ---- what a file answers ---- */

static const char plan[] = "; what we mean to publish\r\n"
			   "$ORIGIN cms.steven.lab.\r\n"
			   "$TTL 300\r\n"
			   "@\tIN SOA ns hostmaster (\r\n"
			   "\t1 ; serial\r\n"
			   "\t2h 10m 1w 30 )\r\n"
			   "\tNS ns\n"
			   "_sipfederationtls._tcp 60 IN SRV 10 0 5061 vcse\n"
			   "\tIN 120 SRV ( 20 5 5062 ; over two lines\n"
			   "\t\tvcse2.other.lab. )\n"
			   "VCSE A 192.0.2.47\n"
			   "vcse A 192.0.2.48\n"
			   "vcse A 192.0.2.47 ; the same again\n"
			   " AAAA 2001:db8::47\n"
			   "_5061._tcp.vcse TLSA 3 1 1 ( 00112233445566778899AABBCCDDEEFF\n"
			   "   00112233445566778899aabbccddeeff )\n"
			   "@ NAPTR 10 20 \"s\" \"SIPS+D2T\" \"\" _sips._tcp\n"
			   "text TXT \"a ; b ( c\" d\\;e\n"
			   "alias CNAME alias2\n"
			   "alias2 30 CNAME vcse\n"
			   "out CNAME edge.example.com.\n"
			   "gone CNAME nothing\n"
			   "a CNAME b\nb CNAME a\n"
			   "*.rooms A 192.0.2.99\n"
			   "*.rooms CH TXT \"another class\"\n"
			   "one.rooms TXT \"is there\"\n"
			   "*.moved CNAME vcse\n"
			   "deep.down A 192.0.2.5\n"
			   "branch NS ns.example.com.\n"
			   "whole.example.com. A 192.0.2.200\n"
			   "web HTTPS 1 . alpn=h2\n"
			   "$ORIGIN sub\n"
			   "host A 192.0.2.6\n"
			   "generic TYPE1 \\# 4 C0000207\n";

static const struct {
	const char *what, *name;
	enum net_dns_type type;
	const char *overlay, *only; /* only: NULL where it is the same */
} questions[] = {
	{ "SRV with its own TTLs, the smaller counts", "_sipfederationtls._tcp.cms.steven.lab", NET_DNS_SRV,
		"OK 60 10 0 5061 vcse.cms.steven.lab, 20 5 5062 vcse2.other.lab", NULL },
	{ "case and the root dot do not count", "_SIPfederationTLS._tcp.CMS.steven.lab.", NET_DNS_SRV,
		"OK 60 10 0 5061 vcse.cms.steven.lab, 20 5 5062 vcse2.other.lab", NULL },
	{ "names of different case are one, doubles too", "vcse.cms.steven.lab", NET_DNS_A,
		"OK 300 192.0.2.47, 192.0.2.48", NULL },
	{ "a blank takes the name before", "vcse.cms.steven.lab", NET_DNS_AAAA, "OK 300 2001:db8::47", NULL },
	{ "TLSA over two lines", "_5061._tcp.vcse.cms.steven.lab", NET_DNS_TLSA, "OK 300 3 1 1 32", NULL },
	{ "NAPTR", "cms.steven.lab", NET_DNS_NAPTR, "OK 300 10 20 SIPS+D2T _sips._tcp.cms.steven.lab", NULL },
	{ "a CNAME of a CNAME", "alias.cms.steven.lab", NET_DNS_A,
		"OK 30 via vcse.cms.steven.lab: 192.0.2.47, 192.0.2.48", NULL },
	{ "a CNAME out of the file", "out.cms.steven.lab", NET_DNS_A, "network edge.example.com", NULL },
	{ "a CNAME to nothing", "gone.cms.steven.lab", NET_DNS_A, "network nothing.cms.steven.lab",
		"NXDOMAIN via nothing.cms.steven.lab" },
	{ "CNAMEs in a circle", "a.cms.steven.lab", NET_DNS_A, "SERVFAIL", NULL },
	{ "a wildcard", "room1.rooms.cms.steven.lab", NET_DNS_A, "OK 300 192.0.2.99", NULL },
	{ "a wildcard covers several labels", "x.y.rooms.cms.steven.lab", NET_DNS_A, "OK 300 192.0.2.99", NULL },
	{ "a wildcard has not every type", "room1.rooms.cms.steven.lab", NET_DNS_AAAA, "network", "NODATA" },
	{ "a wildcard with a CNAME", "room1.moved.cms.steven.lab", NET_DNS_AAAA,
		"OK 300 via vcse.cms.steven.lab: 2001:db8::47", NULL },
	{ "the wildcard itself", "*.rooms.cms.steven.lab", NET_DNS_A, "OK 300 192.0.2.99", NULL },
	{ "not above it", "rooms.cms.steven.lab", NET_DNS_A, "network", "NODATA" },
	{ "a type that the file has not", "deep.down.cms.steven.lab", NET_DNS_AAAA, "network", "NODATA" },
	{ "a name that only others stand under", "down.cms.steven.lab", NET_DNS_A, "network", "NODATA" },
	{ "a name that the file has not", "nobody.cms.steven.lab", NET_DNS_A, "network", "NXDOMAIN" },
	{ "a delegated name", "host.branch.cms.steven.lab", NET_DNS_A, "network", "network" },
	{ "another zone", "vcse.steven.lab", NET_DNS_A, "network", "network" },
	{ "the tail of a label is no parent", "vcse.notcms.steven.lab", NET_DNS_A, "network", "network" },
	{ "a whole name of another zone", "whole.example.com", NET_DNS_A, "OK 300 192.0.2.200", NULL },
	{ "its type that is not there", "whole.example.com", NET_DNS_AAAA, "network", "network" },
	{ "an origin below another", "host.sub.cms.steven.lab", NET_DNS_A, "OK 300 192.0.2.6", NULL },
	{ "the generic form (RFC 3597)", "generic.sub.cms.steven.lab", NET_DNS_A, "OK 300 192.0.2.7", NULL },
};

static void questions_are_answered(void **state)
{
	struct check_zone *zone = read_zone(plan, NULL);
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(questions); i++)
		for (int only = 0; only < 2; only++) {
			struct buffer got;
			const char *expected = only && questions[i].only ? questions[i].only : questions[i].overlay;
			buffer_init(&got, 65536);
			write_answer(zone, questions[i].name, questions[i].type, only, &got);
			if (strcmp(got.at, expected) != 0)
				fail_msg("%s%s: %s, not %s", questions[i].what, only ? " (only the file)" : "", got.at,
					expected);
			buffer_done(&got);
		}
	check_zone_free(zone);
}

static void records_are_counted(void **state)
{
	struct check_zone *zone = read_zone(plan, NULL);
	(void)state;
	assert_int_equal(check_zone_count(zone), 19);
	/* SOA, two NS, two TXT, one of class CH, HTTPS */
	assert_int_equal(check_zone_skipped(zone), 7);
	assert_null(check_zone_note(zone, 0));
	check_zone_free(zone);
}

static void a_circle_is_named(void **state)
{
	struct check_zone *zone = read_zone(plan, NULL);
	const struct net_dns_answer *answer = NULL;
	const char *alias = NULL;
	(void)state;
	assert_int_equal(check_zone_ask(zone, "b.cms.steven.lab", NET_DNS_A, true, &answer, &alias), CHECK_ZONE_ANSWER);
	assert_non_null(strstr(answer->why, PATH ":2"));
	assert_non_null(strstr(answer->why, "circle"));
	net_dns_answer_unref(answer);
	check_zone_free(zone);
}

/* ---- origins and times ---- */

static const struct {
	const char *what, *text, *origin, *name, *answer;
} origins[] = {
	{ "the origin given", "vcse A 192.0.2.1\n", "a.lab", "vcse.a.lab", "OK 3600 192.0.2.1" },
	{ "the origin given, with its dot", "@ A 192.0.2.1\n", "a.lab.", "a.lab", "OK 3600 192.0.2.1" },
	{ "the file's own goes before it", "$ORIGIN b.lab.\nvcse A 192.0.2.1\n", "a.lab", "vcse.b.lab",
		"OK 3600 192.0.2.1" },
	{ "one that is relative", "$ORIGIN x\nvcse A 192.0.2.1\n", "a.lab", "vcse.x.a.lab", "OK 3600 192.0.2.1" },
	{ "the root", "$ORIGIN .\nvcse.a.lab A 192.0.2.1\n", NULL, "vcse.a.lab", "OK 3600 192.0.2.1" },
	{ "the zone is the origin", "vcse A 192.0.2.1\n", "a.lab", "other.a.lab", "NXDOMAIN" },
	{ "the root is nobody's zone", "$ORIGIN .\nvcse.a.lab A 192.0.2.1\n", NULL, "other.lab", "network" },
	{ "whole names need no origin", "vcse.a.lab. A 192.0.2.1\n", NULL, "vcse.a.lab", "OK 3600 192.0.2.1" },
	{ "and make no zone", "vcse.a.lab. A 192.0.2.1\n", NULL, "other.a.lab", "network" },
	{ "but are all that there is of them", "vcse.a.lab. AAAA 2001:db8::1\n", NULL, "vcse.a.lab", "NODATA" },
	{ "nothing is said of what is above", "vcse.a.lab. AAAA 2001:db8::1\n", NULL, "a.lab", "network" },
	{ "an SOA says what the zone is", "$ORIGIN lab.\na SOA ns h 1 2 3 4 5\nvcse.a A 192.0.2.1\n", NULL, "b.lab",
		"network" },
	{ "a dot escaped is no root dot", "vcse\\.\tA 192.0.2.1\n", "a.lab", "vcse\\046.a.lab", "OK 3600 192.0.2.1" },
	{ "times with units", "$TTL 1h30m\nvcse A 192.0.2.1\n", "a.lab", "vcse.a.lab", "OK 5400 192.0.2.1" },
	{ "time before class", "vcse 1D IN A 192.0.2.1\n", "a.lab", "vcse.a.lab", "OK 86400 192.0.2.1" },
	{ "a name that looks like a time", "300 A 192.0.2.1\n", "a.lab", "300.a.lab", "OK 3600 192.0.2.1" },
	{ "a name that looks like a class", "in in a 192.0.2.1\n", "a.lab", "in.a.lab", "OK 3600 192.0.2.1" },
	{ "a byte order mark and no last newline", "\xef\xbb\xbfvcse A 192.0.2.1", "a.lab", "vcse.a.lab",
		"OK 3600 192.0.2.1" },
	{ "an empty file", "", "a.lab", "vcse.a.lab", "NXDOMAIN" },
};

static void origins_complete_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(origins); i++) {
		struct check_zone *zone = read_zone(origins[i].text, origins[i].origin);
		struct buffer got;
		buffer_init(&got, 65536);
		write_answer(zone, origins[i].name, NET_DNS_A, true, &got);
		if (strcmp(got.at, origins[i].answer) != 0)
			fail_msg("%s: %s, not %s", origins[i].what, got.at, origins[i].answer);
		buffer_done(&got);
		check_zone_free(zone);
	}
}

/* ---- mistakes ---- */

static const struct {
	const char *text, *error; /* after "planned.zone:" */
} mistakes[] = {
	{ "vcse A 192.0.2.1\n", "1: `vcse` has no dot at its end and there is no $ORIGIN to complete it" },
	{ "@ A 192.0.2.1\n", "1: `@` has no dot at its end and there is no $ORIGIN to complete it" },
	{ "\n\na.lab. SRV 0 0 5061 vcse\n", "3: `vcse` has no dot at its end" },
	{ " A 192.0.2.1\n", "1: the first record has no name (the line begins with a blank)" },
	{ "a.lab. A 192.0.2.300\n", "1: `192.0.2.300` cannot be read: A takes one IPv4 address" },
	{ "a.lab. A 2001:db8::1\n", "1: `2001:db8::1` cannot be read: A takes one IPv4 address" },
	{ "a.lab. AAAA 192.0.2.1\n", "1: `192.0.2.1` cannot be read: AAAA takes one IPv6 address" },
	{ "a.lab. A 192.0.2.1 192.0.2.2\n", "1: A takes one IPv4 address" },
	{ "a.lab. SRV 0 0 vcse.a.lab.\n", "1: SRV takes priority, weight, port and target" },
	{ "a.lab. SRV 0 0 65536 vcse.a.lab.\n", "1: `65536` is no number from 0 to 65535" },
	{ "a.lab. SRV 0 0 sip vcse.a.lab.\n", "1: `sip` is no number from 0 to 65535" },
	{ "a.lab. SRV 0 -1 5061 vcse.a.lab.\n", "1: `-1` is no number from 0 to 65535" },
	{ "a.lab. SVR 0 0 5061 vcse.a.lab.\n", "1: `SVR` is no record type; is SRV meant?" },
	{ "a.lab. 0 0 5061 vcse.a.lab.\n", "1: `0` is no record type" },
	{ "a.lab. IN\n", "1: after the name `a.lab.` a record type and its values are missing" },
	{ "a.lab.\n", "1: after the name `a.lab.` a record type and its values are missing" },
	{ "a.lab. TLSA 3 1 1 012\n", "1: 3 hexadecimal digits are no whole bytes: one is missing" },
	{ "a.lab. TLSA 3 1 1 01 0g\n", "1: `0g` is not written in hexadecimal digits" },
	{ "a.lab. TLSA 256 1 1 01\n", "1: `256` is no number from 0 to 255" },
	{ "a.lab. TLSA 3 1 1\n", "1: TLSA takes usage, selector, matching type and hexadecimal digits" },
	{ "a.lab. A 192.0.2.1\n\na.lab. CNAME b.lab.\n", "3: `a.lab` has a CNAME and another record (line 1)" },
	{ "a.lab. CNAME b.lab.\nA.LAB. CNAME c.lab.\n", "2: `A.LAB` has a CNAME and another record (line 1)" },
	{ "a..lab. A 192.0.2.1\n", "1: `a..lab.` is no name: labels have 1 to 63 bytes, a name 255 in all" },
	{ "b\xc3\xbc"
	  "cher.lab. A 192.0.2.1\n",
		"1: write `b\xc3\xbc"
		"cher.lab.` as the DNS has it, with xn--" },
	{ "\"a.lab.\" A 192.0.2.1\n", "1: a name stands without quotation marks" },
	{ "a.lab. TXT ( \"x\"\n\n; end\n", "1: a parenthesis is opened here and never closed" },
	{ "a.lab. TXT x )\n", "1: a parenthesis is closed that was not opened" },
	{ "a.lab. TXT ( ( x ) )\n", "1: a parenthesis is opened within another" },
	{ "b.lab. TXT x\na.lab. TXT \"x\n", "2: a quotation mark is not closed on its line" },
	{ "a.lab. TXT x\\\n", "1: a backslash stands at the end of a line" },
	{ "a.lab. TXT \x1b[2J\n", "1: there is a control character; this is no plain text file" },
	{ "$INCLUDE other.zone\n", "1: $INCLUDE is not followed" },
	{ "$ORIGIN\n", "1: $ORIGIN takes one name" },
	{ "$ORIGIN a.lab\n", "1: `a.lab` has no dot at its end" },
	{ "$TTL soon\n", "1: $TTL takes one time in seconds, such as 300 or 1h" },
	{ "$TTL 99999999999\n", "1: $TTL takes one time in seconds" },
	{ "$ORGIN a.lab.\n", "1: `$ORGIN` is no directive" },
	{ "<html>\n<body>\n", "1: `<html>` has no dot at its end" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(mistakes); i++) {
		char error[CHECK_ZONE_ERROR_SIZE], expected[CHECK_ZONE_ERROR_SIZE];
		struct check_zone *zone = NULL;
		int status = check_zone_read_text(PATH, span_of(mistakes[i].text), SPAN_NONE, &zone, error);
		snprintf(expected, sizeof(expected), PATH ":%s", mistakes[i].error);
		if (status != -EBADMSG || strncmp(error, expected, strlen(expected)) != 0)
			fail_msg("%s%d %s, not %s", mistakes[i].text, status, error, expected);
	}
}

static void a_long_path_keeps_its_end(void **state)
{
	char path[700], error[CHECK_ZONE_ERROR_SIZE];
	struct check_zone *zone = NULL;
	(void)state;
	memset(path, 'x', sizeof(path));
	strcpy(path + 600, "/planned.zone");
	assert_int_equal(check_zone_read_text(path, SPAN("a.lab. A 192.0.2.300\n"), SPAN_NONE, &zone, error), -EBADMSG);
	assert_non_null(strstr(error, "xxx/planned.zone:1: `192.0.2.300` cannot be read: A takes one IPv4 address"));
}

/* ---- what is allowed and hardly meant ---- */

static const struct {
	const char *text, *note;
} doubts[] = {
	{ "$ORIGIN a.lab.\nvcse.a.lab A 192.0.2.1\n", "2: `vcse.a.lab` becomes vcse.a.lab.a.lab.: is the dot" },
	{ "$ORIGIN a.lab.\nx SRV 0 0 5061 vcse.a.lab\n", "2: `vcse.a.lab` becomes vcse.a.lab.a.lab.: is the dot" },
	{ "$ORIGIN a.lab.\nx SRV 0 0 5061 192.0.2.1\n", "2: `192.0.2.1` is an address where a name must stand" },
	{ "$ORIGIN a.lab.\n$GENERATE 1-9 h$ A 192.0.2.$\n", "2: $GENERATE is skipped" },
	{ "$ORIGIN a.lab.\nold DNAME new\n", "2: a DNAME is not followed" },
	{ "$ORIGIN lab.\nlab A 192.0.2.1\n", NULL },
	{ "$ORIGIN a.lab.\nvcse.ba.lab. A 192.0.2.1\n", NULL },
};

static void doubts_are_noted(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(doubts); i++) {
		struct check_zone *zone = read_zone(doubts[i].text, NULL);
		const char *note = check_zone_note(zone, 0);
		if (!note != !doubts[i].note ||
			(note && strncmp(note + strlen(PATH ":"), doubts[i].note, strlen(doubts[i].note)) != 0))
			fail_msg("%s%s", doubts[i].text, note ? note : "nothing was noted");
		check_zone_free(zone);
	}
}

/* ---- limits ---- */

static void expect_refusal(struct buffer *text, const char *why)
{
	char error[CHECK_ZONE_ERROR_SIZE];
	struct check_zone *zone = NULL;
	assert_int_equal(text->status, 0);
	assert_int_equal(check_zone_read_text(PATH, buffer_span(text), SPAN("a.lab"), &zone, error), -EBADMSG);
	if (!strstr(error, why))
		fail_msg("%s, not %s", error, why);
	buffer_done(text);
}

static void limits_hold(void **state)
{
	struct buffer text;
	(void)state;
	buffer_init(&text, 64u << 20);
	for (int i = 0; i <= CHECK_ZONE_RECORDS_MAXIMUM; i++)
		buffer_printf(&text, "h%d A 192.0.2.1\n", i);
	expect_refusal(&text, ":100001: more than 100000 records");
	for (int i = 0; i < 5000; i++)
		buffer_printf(&text, "h SRV 0 0 %d vcse\n", i);
	expect_refusal(&text, ":4097: more than 4096 records of one type for `h.a.lab`");
	buffer_append_text(&text, "h TXT (");
	for (int i = 0; i < 3000; i++)
		buffer_append_text(&text, " x");
	expect_refusal(&text, ":1: the record has too many words");
	buffer_append_text(&text, "h TXT \"");
	for (int i = 0; i < CHECK_ZONE_LINE_MAXIMUM; i++)
		buffer_append_byte(&text, 'x');
	buffer_append_text(&text, "\" y");
	expect_refusal(&text, ":1: the record is longer than 65536 bytes");
}

static void more_records_than_an_answer_keeps(void **state)
{
	struct buffer text;
	char error[CHECK_ZONE_ERROR_SIZE];
	struct check_zone *zone = NULL;
	const struct net_dns_answer *answer = NULL;
	const char *alias = NULL;
	(void)state;
	buffer_init(&text, 1u << 20);
	for (int i = 0; i < 300; i++)
		buffer_printf(&text, "h SRV 0 0 %d vcse\n", i);
	assert_int_equal(check_zone_read_text(PATH, buffer_span(&text), SPAN("a.lab"), &zone, error), 0);
	assert_int_equal(check_zone_ask(zone, "h.a.lab", NET_DNS_SRV, false, &answer, &alias), CHECK_ZONE_ANSWER);
	assert_int_equal(answer->record_count, NET_DNS_RECORD_MAXIMUM);
	assert_true(answer->truncated);
	net_dns_answer_unref(answer);
	check_zone_free(zone);
	buffer_done(&text);
}

/* An answer lives on without its zone, and may be shared. */
static void an_answer_is_its_own(void **state)
{
	struct check_zone *zone = read_zone(plan, NULL);
	const struct net_dns_answer *answer = NULL;
	const char *alias = NULL;
	(void)state;
	assert_int_equal(
		check_zone_ask(zone, "alias.cms.steven.lab", NET_DNS_A, false, &answer, &alias), CHECK_ZONE_ANSWER);
	check_zone_free(zone);
	const struct net_dns_answer *other = net_dns_answer_ref(answer);
	net_dns_answer_unref(answer);
	const struct net_dns_answer *renamed = net_dns_answer_as("other.lab", other, true, false);
	net_dns_answer_unref(other);
	assert_string_equal(renamed->name, "other.lab");
	assert_string_equal(renamed->canonical, "vcse.cms.steven.lab");
	assert_true(renamed->alias);
	assert_int_equal(renamed->record_count, 2);
	net_dns_answer_unref(renamed);
}

/* ---- files ---- */

static void files_are_read(void **state)
{
	char path[] = "/tmp/fedge-zone-XXXXXX", error[CHECK_ZONE_ERROR_SIZE];
	struct check_zone *zone = NULL;
	int descriptor = mkstemp(path);
	(void)state;
	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, plan, strlen(plan)), strlen(plan));
	close(descriptor);
	assert_int_equal(check_zone_read(path, SPAN_NONE, &zone, error), 0);
	assert_int_equal(check_zone_count(zone), 19);
	check_zone_free(zone);
	unlink(path);
	assert_int_equal(check_zone_read(path, SPAN_NONE, &zone, error), -ENOENT);
	assert_non_null(strstr(error, path));
	assert_int_equal(check_zone_read("/tmp", SPAN_NONE, &zone, error), -EISDIR);
	assert_string_equal(error, "/tmp: Is a directory");
	assert_true(check_zone_read("/dev/zero", SPAN_NONE, &zone, error) < 0);
	assert_non_null(strstr(error, "32 MB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_answered),
		cmocka_unit_test(records_are_counted),
		cmocka_unit_test(a_circle_is_named),
		cmocka_unit_test(origins_complete_names),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(a_long_path_keeps_its_end),
		cmocka_unit_test(doubts_are_noted),
		cmocka_unit_test(limits_hold),
		cmocka_unit_test(more_records_than_an_answer_keeps),
		cmocka_unit_test(an_answer_is_its_own),
		cmocka_unit_test(files_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
