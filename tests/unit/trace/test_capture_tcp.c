/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of TCP: segments in any order, connections that fail, what is spoken on them. */
#include "capture_build.h"
#include "unit/cmocka_all.h"

#include <stdio.h>

#define CLIENT "192.0.2.1:4000 192.0.2.2:5060"
#define SERVER "192.0.2.2:5060 192.0.2.1:4000"
#define OPENED "3 tcp opened " CLIENT "\n"

static const struct span one = SPAN("OPTIONS sip:one SIP/2.0\r\nContent-Length: 4\r\n\r\nbody");
static const struct span two = SPAN("OPTIONS sip:two SIP/2.0\r\nContent-Length: 0\r\n\r\n");
static const struct span three = SPAN("OPTIONS sip:three SIP/2.0\r\nl: 2\r\n\r\nhi");
static const struct span answer = SPAN("SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");

static void expect(const struct build *b, const char *name, const char *wanted)
{
	static const size_t pieces[] = { 0, 1, 333 };
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		char *seen = build_read(b, pieces[i], NULL, NULL);
		if (strcmp(seen, wanted) != 0)
			fail_msg("%s in pieces of %zu:\n%sinstead of\n%s", name, pieces[i], seen, wanted);
		free(seen);
	}
}

static void begin(struct build *b, struct build_flow *f, int port)
{
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	*f = build_flow(b, port);
}

static struct span three_messages(struct build *b)
{
	return BUILD(b, one, two, three);
}

static void test_whole(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_connect(&f);
	build_send(&f, 0, SPAN("\r\n\r\n"));
	build_send(&f, 0, three_messages(b));
	build_send(&f, 1, answer);
	build_send(&f, 0, span_first(one, 10));
	build_send(&f, 0, span_from(one, 10));
	build_close(&f, 0);
	build_close(&f, 1);
	expect(b, "whole",
		OPENED "5 tcp " CLIENT " OPTIONS sip:one SIP/2.0\n5 tcp " CLIENT
		       " OPTIONS sip:two SIP/2.0\n5 tcp " CLIENT " OPTIONS sip:three SIP/2.0\n6 tcp " SERVER
		       " SIP/2.0 200 OK\n8 tcp " CLIENT " OPTIONS sip:one SIP/2.0\n9 tcp closed " CLIENT
		       ": closed by the client\n");
	build_done(b);
}

/* Segments of the three messages, in any order; the numbers wrap around inside them. */
struct part {
	int64_t at, length;
};

static void test_orders(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct part parts[8];
	} cases[] = {
		{ "in order", { { 0, 40 }, { 40, 60 }, { 100, 99 } } },
		{ "backwards", { { 100, 99 }, { 40, 60 }, { 0, 40 } } },
		{ "every other one first", { { 20, 20 }, { 60, 20 }, { 100, 99 }, { 0, 20 }, { 40, 20 }, { 80, 20 } } },
		{ "all twice", { { 0, 40 }, { 0, 40 }, { 40, 60 }, { 40, 60 }, { 0, 40 }, { 100, 99 } } },
		{ "overlapping", { { 0, 40 }, { 20, 60 }, { 10, 120 }, { 90, 99 } } },
		{ "overlapping and early", { { 50, 60 }, { 40, 80 }, { 110, 99 }, { 0, 45 } } },
		{ "one within another", { { 0, 10 }, { 40, 20 }, { 30, 60 }, { 5, 99 }, { 90, 99 } } },
		{ "a keep-alive of a byte that came", { { 0, 99 }, { 98, 1 }, { 99, 99 } } },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct build build, *b = &build;
		struct build_flow f;
		struct trace_reader_counts counts;
		begin(b, &f, 5060);
		build_connect(&f);
		struct span all = three_messages(b);
		for (const struct part *p = cases[i].parts; p->length; p++)
			build_segment(
				&f, 0, p->at, BUILD_ACK, span_first(span_from(all, (size_t)p->at), (size_t)p->length));
		char *seen = build_read(b, 0, NULL, &counts);
		char *first = strstr(seen, "sip:one"), *second = strstr(seen, "sip:two"),
		     *third = strstr(seen, "sip:three");
		if (counts.records != 4 || counts.unread || !first || !second || !third || first > second ||
			second > third)
			fail_msg("%s:\n%s", cases[i].name, seen);
		free(seen);
		build_done(b);
	}
}

static void test_every_cut(void **state)
{
	(void)state;
	for (size_t length = 1; length < 150; length += length < 20 ? 1 : 13) {
		struct build build, *b = &build;
		struct build_flow f;
		struct trace_reader_counts counts;
		begin(b, &f, 5060);
		build_connect(&f);
		for (struct span rest = three_messages(b); rest.length; rest = span_from(rest, length))
			build_send(&f, 0, span_first(rest, length));
		char *seen = build_read(b, 0, NULL, &counts);
		if (counts.records != 4 || counts.unread)
			fail_msg("pieces of %zu:\n%s", length, seen);
		free(seen);
		build_done(b);
	}
}

static void test_first_wins(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_connect(&f);
	struct span whole = SPAN("OPTIONS sip:aaaaaaaaaaaaaaaaaa SIP/2.0\r\nContent-Length: 0\r\n\r\n");
	build_segment(&f, 0, 0, BUILD_ACK, span_first(whole, 20));
	build_segment(&f, 0, 15, BUILD_ACK, SPAN("bbbbbbbbbb"));
	build_send(&f, 0, whole);
	char *seen = build_read(b, 0, NULL, NULL);
	assert_non_null(strstr(seen, "OPTIONS sip:aaaaaaaabbbbbaaaaa SIP/2.0"));
	free(seen);
	build_done(b);
}

static void test_lost_segment(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_connect(&f);
	build_send(&f, 0, one);
	f.next[0] += 20; /* not in the capture: the beginning of the next message */
	build_send(&f, 0, BUILD(b, span_from(one, 20), three, two));
	build_close(&f, 0);
	build_close(&f, 1);
	/* Also behind a body that has no line's end. */
	expect(b, "lost",
		OPENED "4 tcp " CLIENT " OPTIONS sip:one SIP/2.0\n"
		       "7 ? a part of a connection is not in the capture: messages are missing\n"
		       "7 tcp " CLIENT " OPTIONS sip:three SIP/2.0\n7 tcp " CLIENT " OPTIONS sip:two SIP/2.0\n"
		       "7 tcp closed " CLIENT ": closed by the client\n");
	build_done(b);
	begin(b, &f, 5060);
	build_connect(&f);
	f.next[0] += 20;
	build_send(&f, 0, BUILD(b, span_from(two, 20), three, two));
	for (int i = 0; i < 70; i++)
		build_send(&f, 1, SPAN("\r\n"));
	build_send(&f, 0, two);
	char *seen = build_read(b, 0, NULL, NULL);
	assert_non_null(strstr(seen, "sip:three"));
	assert_non_null(strstr(seen, "sip:two"));
	assert_non_null(strstr(strstr(seen, "sip:two") + 1, "sip:two"));
	free(seen);
	build_done(b);
}

static void test_cut_segment(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_connect(&f);
	b->cut = 40 + 20;
	build_send(&f, 0, one);
	b->cut = 0;
	build_send(&f, 0, two);
	char *seen = build_read(b, 0, NULL, NULL);
	if (!strstr(seen, "4 ? a part of a connection is not in the capture") ||
		!strstr(seen, "5 tcp " CLIENT " OPTIONS sip:two"))
		fail_msg("cut:\n%s", seen);
	free(seen);
	build_done(b);
}

static void test_joined_in_the_middle(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_send(&f, 1, SPAN("the end of a body\r\na=x\r\n"));
	build_send(&f, 1, answer);
	build_send(&f, 0, BUILD(b, SPAN("Via: x\r\n\r\n"), two));
	build_segment(&f, 1, 0, BUILD_RST, SPAN_NONE);
	expect(b, "joined",
		"2 tcp " SERVER " SIP/2.0 200 OK\n3 tcp " CLIENT " OPTIONS sip:two SIP/2.0\n4 tcp closed " CLIENT
		": reset by the server\n");
	build_done(b);
}

static void test_broken_messages(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		struct span broken;
		const char *wanted;
	} cases[] = {
		{ "no Content-Length", SPAN("OPTIONS sip:bad SIP/2.0\r\nTo: x\r\n\r\n"),
			"4 ? a SIP message without a Content-Length, in a stream\n4 tcp " CLIENT
			" OPTIONS sip:bad SIP/2.0 (part)\n" },
		{ "a Content-Length of words", SPAN("OPTIONS sip:bad SIP/2.0\r\nContent-Length: many\r\n\r\n"),
			"4 ? a SIP message with a Content-Length that cannot be\n4 tcp " CLIENT
			" OPTIONS sip:bad SIP/2.0 (part)\n" },
		{ "a Content-Length of 2 GB", SPAN("OPTIONS sip:bad SIP/2.0\r\nContent-Length: 2000000000\r\n\r\n"),
			"4 ? a SIP message longer than any may be\n4 tcp " CLIENT " OPTIONS sip:bad SIP/2.0 (part)\n" },
		{ "garbage", SPAN("garbage is here\r\n"), "4 ? bytes that are no SIP between messages\n" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct build build, *b = &build;
		struct build_flow f;
		char wanted[1024];
		begin(b, &f, 5060);
		build_connect(&f);
		build_send(&f, 0, BUILD(b, two, cases[i].broken, two));
		snprintf(wanted, sizeof(wanted),
			OPENED "4 tcp " CLIENT " OPTIONS sip:two SIP/2.0\n%s4 tcp " CLIENT " OPTIONS sip:two SIP/2.0\n",
			cases[i].wanted);
		expect(b, cases[i].name, wanted);
		build_done(b);
	}
}

/* ---- connections ---- */

static void test_refused(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5061);
	build_segment(&f, 0, 0, BUILD_SYN, SPAN_NONE);
	f.next[0]++;
	build_segment(&f, 1, 0, BUILD_RST | BUILD_ACK, SPAN_NONE);
	expect(b, "refused", "1 tcp failed 192.0.2.1:4000 192.0.2.2:5061: Connection refused\n");
	build_done(b);
}

static void test_unanswered(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int tries;
		int64_t then_us; /* until another packet of somebody else */
		bool is_failed;
	} cases[] = {
		{ "once, the capture ends", 1, 1000, false },
		{ "once, and long before the end", 1, 4000000, true },
		{ "again and again", 3, 1000, true },
		{ "its time has passed", 1, 40000000, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct build build, *b = &build;
		struct build_flow f, other;
		begin(b, &f, 5061);
		other = f;
		other.client_port = 4001;
		for (int n = 0; n < cases[i].tries; n++)
			build_segment(&f, 0, 0, BUILD_SYN, SPAN_NONE);
		b->time_us += cases[i].then_us;
		build_segment(&other, 0, 0, BUILD_ACK, SPAN("x"));
		expect(b, cases[i].name,
			cases[i].is_failed ? "1 tcp failed 192.0.2.1:4000 192.0.2.2:5061: Connection timed out\n" : "");
		build_done(b);
	}
}

static void test_unreachable(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5061);
	build_segment(&f, 0, 0, BUILD_SYN, SPAN_NONE);
	struct span quoted = build_ip4(b, 1, 2, 6, BUILD(b, N2(4000), N2(5061), N4(f.next[0])));
	build_pcap_packet(b, build_ip4(b, 9, 1, 1, BUILD(b, N1(3), N1(1), N2(0), N4(0), quoted)));
	quoted = build_datagram(b, two);
	build_pcap_packet(b, build_ip4(b, 2, 1, 1, BUILD(b, N1(3), N1(3), N2(0), N4(0), span_first(quoted, 28 + 20))));
	quoted = build_ip4(b, 1, 2, 17, build_udp(b, 4000, 514, SPAN("<13>a line of a log")));
	build_pcap_packet(b, build_ip4(b, 2, 1, 1, BUILD(b, N1(3), N1(3), N2(0), N4(0), quoted)));
	quoted = build_ip6(b, 1, 2, 17, build_udp(b, 5060, 5060, two));
	build_pcap_packet(b, build_ip6(b, 2, 1, 58, BUILD(b, N1(1), N1(4), N2(0), N4(0), quoted)));
	expect(b, "unreachable",
		"1 tcp failed 192.0.2.1:4000 192.0.2.2:5061: No route to host\n"
		"3 udp failed 192.0.2.1:5060 192.0.2.2:5060: Connection refused\n"
		"5 udp failed 2001:db8::1:5060 2001:db8::2:5060: Connection refused\n");
	build_done(b);
}

static void test_the_same_numbers_again(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_connect(&f);
	build_send(&f, 0, span_first(one, 10));
	f.next[0] = 5;
	f.next[1] = 9;
	build_connect(&f);
	build_send(&f, 0, two);
	expect(b, "again", OPENED "7 tcp opened " CLIENT "\n8 tcp " CLIENT " OPTIONS sip:two SIP/2.0\n");
	build_done(b);
}

/* More connections than are kept, each with the beginning of a message: memory ends somewhere. */
static void test_too_many(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	struct trace_reader_counts counts;
	begin(b, &f, 5060);
	for (int i = 0; i < 40000; i++) {
		f.client_port = 1024 + i;
		build_segment(&f, 0, 0, BUILD_ACK, span_first(one, 20));
		arena_reset(&b->arena);
	}
	f.client_port = 1024 + 39999;
	build_segment(&f, 0, 20, BUILD_ACK, span_from(one, 20));
	char *seen = build_read(b, 0, NULL, &counts);
	free(seen);
	assert_int_equal(counts.unread, 40000 - 32768);
	assert_int_equal(counts.records, 1);
	build_done(b);
}

/* A gap that is never filled does not gather bytes for ever. */
static void test_gap_without_end(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	struct trace_reader_counts counts;
	static const char filler[1400];
	begin(b, &f, 5060);
	build_connect(&f);
	build_send(&f, 0, two);
	for (int i = 0; i < 3000; i++) {
		build_segment(&f, 0, 10 + i * 1400, BUILD_ACK, span_make(filler, sizeof(filler)));
		arena_reset(&b->arena);
	}
	char *seen = build_read(b, 0, NULL, &counts);
	if (!strstr(seen, "messages are missing"))
		fail_msg("%s", seen);
	free(seen);
	assert_int_equal(counts.records, 2);
	build_done(b);
}

/* ---- WebSocket, HEP, DNS ---- */

static struct span frame(struct build *b, int first, struct span payload, bool is_masked)
{
	struct span length = payload.length < 126 ? N1(payload.length | (is_masked ? 128 : 0))
						  : BUILD(b, N1(126 | (is_masked ? 128 : 0)), N2(payload.length));
	static const char mask[] = { 1, 2, 3, 4 };
	char *at = arena_allocate(&b->arena, payload.length + 1);
	for (size_t i = 0; i < payload.length; i++)
		at[i] = is_masked ? (char)(payload.at[i] ^ mask[i % 4]) : payload.at[i];
	return BUILD(b, N1(first), length, is_masked ? span_make(mask, 4) : SPAN_NONE, span_make(at, payload.length));
}

static void test_websocket(void **state)
{
	(void)state;
	for (size_t length = 1; length < 400; length = length * 2 + 1) {
		struct build build, *b = &build;
		struct build_flow f;
		begin(b, &f, 80);
		build_connect(&f);
		struct span longer =
			BUILD(b, SPAN("OPTIONS sip:long SIP/2.0\r\nVia: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
				      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n"));
		struct span sent = BUILD(b,
			SPAN("GET /sip HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\r\n"),
			frame(b, 0x81, two, true), frame(b, 0x01, span_first(longer, 30), true),
			frame(b, 0x89, SPAN("ping"), true), frame(b, 0x80, span_from(longer, 30), true),
			frame(b, 0x82, longer, true), frame(b, 0xc1, SPAN("zz"), true),
			frame(b, 0x81, SPAN("\r\n\r\n"), true));
		struct span back = BUILD(
			b, SPAN("HTTP/1.1 101 Switching\r\nupgrade: websocket\r\n\r\n"), frame(b, 0x81, answer, false));
		for (struct span rest = sent; rest.length; rest = span_from(rest, length))
			build_send(&f, 0, span_first(rest, length));
		build_send(&f, 1, back);
		char *seen = build_read(b, 0, NULL, NULL);
		static const char *const needed[] = { "OPTIONS sip:two", "OPTIONS sip:long", "OPTIONS sip:long",
			"a compressed message in", "SIP/2.0 200 OK" };
		char *at = seen;
		for (size_t i = 0; i < 5; i++) {
			at = strstr(at, needed[i]);
			if (!at)
				fail_msg("pieces of %zu: %s in\n%s", length, needed[i], seen);
			at++;
		}
		free(seen);
		build_done(b);
	}
}

static void test_websocket_that_lies(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 80);
	build_connect(&f);
	build_send(&f, 0, SPAN("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff"));
	build_send(&f, 1, SPAN("HTTP/1.1 200 OK\r\n\r\nSIP/2.0 200 OK\r\n"));
	expect(b, "a frame longer than all",
		"3 tcp opened 192.0.2.1:4000 192.0.2.2:80\n4 ? no WebSocket frame where one should begin\n");
	build_done(b);
}

static struct span hep(struct build *b, struct span payload)
{
	struct span chunks = BUILD(b, N2(0), N2(1), N2(7), N1(2), N2(0), N2(2), N2(7), N1(17), N2(0), N2(3), N2(10),
		N4(0xc0000207), N2(0), N2(4), N2(10), N4(0xc0000208), N2(0), N2(7), N2(8), N2(5060), N2(0), N2(8),
		N2(8), N2(5062), N2(0), N2(11), N2(7), N1(1), N2(0), N2(15), N2(6 + payload.length), payload);
	return BUILD(b, SPAN("HEP3"), N2(6 + chunks.length), chunks);
}

static void test_hep(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 9060);
	build_pcap_packet(b, build_ip4(b, 1, 2, 17, build_udp(b, 7, 9060, hep(b, two))));
	build_connect(&f);
	struct span packets = BUILD(b, hep(b, two), hep(b, answer));
	build_send(&f, 0, span_first(packets, 100));
	build_send(&f, 0, span_from(packets, 100));
	expect(b, "HEP",
		"1 udp 192.0.2.7:5060 192.0.2.8:5062 OPTIONS sip:two SIP/2.0\n4 tcp opened 192.0.2.1:4000 "
		"192.0.2.2:9060\n"
		"6 udp 192.0.2.7:5060 192.0.2.8:5062 OPTIONS sip:two SIP/2.0\n6 udp 192.0.2.7:5060 192.0.2.8:5062 "
		"SIP/2.0 200 OK\n");
	build_done(b);
}

static void test_dns_in_a_stream(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 53);
	build_connect(&f);
	struct span asked = BUILD(b, N2(1), N2(0x100), N2(1), N2(0), N4(0), SPAN("\1a\7example\0"), N2(1), N2(1));
	struct span said = BUILD(b, N2(1), N2(0x8180), N2(1), N2(1), N4(0), SPAN("\1a\7example\0"), N2(1), N2(1),
		N2(0xc00c), N2(1), N2(1), N4(60), N2(4), N4(0xc0000209));
	build_send(&f, 0, N2(asked.length));
	build_send(&f, 0, asked);
	build_send(&f, 1, BUILD(b, N2(said.length), said));
	expect(b, "DNS",
		"3 tcp opened 192.0.2.1:4000 192.0.2.2:53\n5 ask A a.example\n6 answer A a.example ok [192.0.2.9]\n");
	build_done(b);
}

static void test_damaged_headers(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct build_flow f;
	begin(b, &f, 5060);
	build_pcap_packet(b, build_ip4(b, 1, 2, 6, SPAN("short")));
	build_pcap_packet(b, build_ip4(b, 1, 2, 6, BUILD(b, N8(0), N4(0), N2(0xf010), N2(0), N4(0))));
	build_pcap_packet(b, build_ip4(b, 1, 2, 6, BUILD(b, N8(0), N4(0), N2(0x1010), N2(0), N4(0))));
	expect(b, "headers",
		"1 ? a TCP header that lies about its length\n2 ? a TCP header that lies about its length\n"
		"3 ? a TCP header that lies about its length\n");
	build_done(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_first_wins),
		cmocka_unit_test(test_lost_segment),
		cmocka_unit_test(test_cut_segment),
		cmocka_unit_test(test_joined_in_the_middle),
		cmocka_unit_test(test_broken_messages),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_the_same_numbers_again),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_gap_without_end),
		cmocka_unit_test(test_websocket),
		cmocka_unit_test(test_websocket_that_lies),
		cmocka_unit_test(test_hep),
		cmocka_unit_test(test_dns_in_a_stream),
		cmocka_unit_test(test_damaged_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
