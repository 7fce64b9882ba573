/* SPDX-License-Identifier: Apache-2.0 */
/* Captures of datagrams: both formats of files, link layers, IP and its fragments, SIP and DNS in UDP, and captures
 * that lie. */
#include "capture_build.h"
#include "unit/cmocka_all.h"

#include <stdlib.h>

#define OPTIONS SPAN("OPTIONS sip:b SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n")
#define SEEN "udp 192.0.2.1:5060 192.0.2.2:5060 OPTIONS sip:b SIP/2.0\n"
#define SEEN6 "udp 2001:db8::1:5060 2001:db8::2:5060 OPTIONS sip:b SIP/2.0\n"

/* However it is cut, the same is read. */
static void expect(const struct build *b, const char *name, const char *wanted)
{
	static const size_t pieces[] = { 0, 1, 7, 100, 1500 };
	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		char *seen = build_read(b, pieces[i], NULL, NULL);
		if (strcmp(seen, wanted) != 0)
			fail_msg("%s in pieces of %zu:\n%sinstead of\n%s", name, pieces[i], seen, wanted);
		free(seen);
	}
}

/* ---- files ---- */

static void test_pcap(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		uint32_t magic;
		bool is_swapped;
	} cases[] = {
		{ "microseconds", 0xa1b2c3d4, false },
		{ "the other order", 0xa1b2c3d4, true },
		{ "nanoseconds", 0xa1b23c4d, false },
		{ "nanoseconds in the other order", 0xa1b23c4d, true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct build build, *b = &build;
		build_begin(b);
		b->is_swapped = cases[i].is_swapped;
		build_pcap(b, cases[i].magic, 1);
		build_pcap_packet(b, build_ethernet(b, 0x0800, build_datagram(b, OPTIONS)));
		build_pcap_packet(b, build_ethernet(b, 0x0806, SPAN("an ARP")));
		build_pcap_packet(b, build_ethernet(b, 0x0800, build_datagram(b, OPTIONS)));
		expect(b, cases[i].name, "1 " SEEN "3 " SEEN);
		build_done(b);
	}
}

static int64_t first_time;
static void keep_time(void *argument, const struct record *r, const struct trace_place *place)
{
	(void)argument;
	(void)place;
	first_time = r->head.time_us;
}

static int64_t time_of(const struct build *b)
{
	const struct trace_reader_settings settings = { .kind = TRACE_KIND_CAPTURE, .take = keep_time };
	struct trace_reader *reader = trace_reader_new(&settings);
	first_time = -1;
	trace_reader_feed(reader, buffer_span(&b->file));
	trace_reader_end(reader);
	trace_reader_free(reader);
	return first_time;
}

static void test_clocks(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	build_pcap(b, 0xa1b23c4d, 101);
	b->time_us = 77000123; /* read as 77 s and 123 ns */
	build_pcap_packet(b, build_datagram(b, OPTIONS));
	assert_int_equal(time_of(b), 77000000);
	build_done(b);
	static const struct {
		const char *name;
		int resolution; /* -1: no option */
		int64_t offset_s;
		uint64_t units;
		int64_t wanted_us;
	} cases[] = {
		{ "microseconds where nothing is said", -1, 0, 1488438646240001, 1488438646240001 },
		{ "milliseconds", 3, 0, 1488438646240, 1488438646240000 },
		{ "nanoseconds", 9, 0, 1488438646240001999, 1488438646240001 },
		{ "seconds and an offset", 0, 1488438000, 646, 1488438646000000 },
		{ "an offset backwards", 6, -10, 11000000, 1000000 },
		{ "2^-10 s", 0x8a, 0, 1024 * 5 + 512, 5500000 },
		{ "no clock can be so fine", 0xff, 0, UINT64_MAX, 0 },
		{ "10^-127", 127, 0, UINT64_MAX, 0 },
		{ "beyond all time", 0, INT64_MAX, UINT64_MAX, INT64_MAX / 4 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		build_begin(b);
		build_section(b);
		struct span options = cases[i].resolution < 0 ? SPAN_NONE
							      : BUILD(b, F2(9), F2(1), N1(cases[i].resolution), N3(0),
									F2(14), F2(8), F8(cases[i].offset_s), F4(0));
		build_interface(b, 101, options);
		build_enhanced(b, 0, cases[i].units, build_datagram(b, OPTIONS));
		if (time_of(b) != cases[i].wanted_us)
			fail_msg("%s: %lld instead of %lld", cases[i].name, (long long)first_time,
				(long long)cases[i].wanted_us);
		build_done(b);
	}
}

static void build_sections(struct build *b)
{
	build_section(b);
	build_interface(b, 1, SPAN_NONE);
	build_interface(b, 101, SPAN_NONE);
	build_enhanced(b, 0, 1000000, build_ethernet(b, 0x0800, build_datagram(b, OPTIONS)));
	build_enhanced(b, 1, 1000000, build_datagram(b, OPTIONS));
	build_block(b, 0x4000abcd, SPAN("a block of somebody's own"));
	struct span frame = build_ethernet(b, 0x0800, build_datagram(b, OPTIONS));
	build_block(b, 2, BUILD(b, F2(0), F2(7), F4(0), F4(9), F4(frame.length), F4(frame.length), frame));
	build_block(b, 3, BUILD(b, F4(frame.length), frame));
	build_block(b, 4, BUILD(b, F2(1), F2(9), N4(0xc0000201), SPAN("edge\0"), F2(0), SPAN("\0"), F4(0)));
}

static void test_pcapng(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	build_sections(b);
	b->is_swapped = true;
	build_sections(b);
	build_section(b);
	build_interface(b, 229, SPAN_NONE);
	build_enhanced(b, 0, 1, build_ip6(b, 1, 2, 17, build_udp(b, 5060, 5060, OPTIONS)));
	build_enhanced(b, 1, 1, build_datagram(b, OPTIONS));
	expect(b, "sections",
		"1 " SEEN "2 " SEEN "3 " SEEN "4 " SEEN "4 notice edge\n"
		"5 " SEEN "6 " SEEN "7 " SEEN "8 " SEEN "8 notice edge\n"
		"9 " SEEN6 "10 ? a packet of an interface that the file does not describe\n");
	build_done(b);
}

/* ---- link layers ---- */

static void test_link_layers(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	struct span ip = build_datagram(b, OPTIONS), ip6 = build_ip6(b, 1, 2, 17, build_udp(b, 5060, 5060, OPTIONS));
	const struct {
		const char *name;
		uint16_t link;
		struct span frame;
		const char *wanted;
	} cases[] = {
		{ "Ethernet", 1, build_ethernet(b, 0x0800, ip), "1 " SEEN },
		{ "Ethernet with IPv6", 1, build_ethernet(b, 0x86dd, ip6), "1 " SEEN6 },
		{ "padding behind the packet", 1, BUILD(b, build_ethernet(b, 0x0800, ip), SPAN("\0\0\0\0\0\0")),
			"1 " SEEN },
		{ "802.1Q", 1, build_ethernet(b, 0x8100, BUILD(b, N2(100), N2(0x0800), ip)), "1 " SEEN },
		{ "QinQ", 1, build_ethernet(b, 0x88a8, BUILD(b, N2(7), N2(0x8100), N2(8), N2(0x86dd), ip6)),
			"1 " SEEN6 },
		{ "LLC and SNAP", 1, build_ethernet(b, 100, BUILD(b, SPAN("\xaa\xaa\3\0\0\0"), N2(0x0800), ip)),
			"1 " SEEN },
		{ "MPLS", 1, build_ethernet(b, 0x8847, BUILD(b, N4(0x00010040), N4(0x00020140), ip)), "1 " SEEN },
		{ "PPPoE", 1, build_ethernet(b, 0x8864, BUILD(b, N2(0x1100), N2(1), N2(ip.length + 2), N2(0x21), ip)),
			"1 " SEEN },
		{ "any of Linux", 113, BUILD(b, N2(0), N2(1), N2(6), N8(1), N2(0x0800), ip), "1 " SEEN },
		{ "any of Linux, version 2", 276, BUILD(b, N2(0x0800), N2(0), N4(1), N2(1), N1(0), N1(6), N8(1), ip),
			"1 " SEEN },
		{ "IP alone", 101, ip6, "1 " SEEN6 },
		{ "IPv4 alone", 228, ip, "1 " SEEN },
		{ "loopback", 0, BUILD(b, SPAN("\2\0\0\0"), ip), "1 " SEEN },
		{ "loopback of OpenBSD", 108, BUILD(b, SPAN("\0\0\0\30"), ip6), "1 " SEEN6 },
		{ "IPv4 in IPv6", 101, build_ip6(b, 9, 8, 4, ip), "1 " SEEN },
		{ "radio", 105, ip, "1 ? a packet of a link layer that is not read\n" },
		{ "nothing", 1, SPAN(""), "" },
		{ "tags and nothing behind them", 1, build_ethernet(b, 0x8100, SPAN("\0\1\x81\0\0\1\x81")), "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buffer_clear(&b->file);
		build_pcap(b, 0xa1b2c3d4, cases[i].link);
		build_pcap_packet(b, cases[i].frame);
		expect(b, cases[i].name, cases[i].wanted);
	}
	build_done(b);
}

/* ---- IP ---- */

static void test_ip(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	struct span udp = build_udp(b, 5060, 5060, OPTIONS);
	struct span ip = build_ip4(b, 1, 2, 17, udp);
	struct span tail = span_from(ip, 4), head = span_first(ip, 2);
	struct span behind_options =
		BUILD(b, N2(0x4600), N2(24 + udp.length), span_first(tail, 16), N4(0x01010100), udp);
	const struct {
		const char *name;
		struct span packet;
		const char *wanted;
	} cases[] = {
		{ "options of IPv4", behind_options, "1 " SEEN },
		{ "no length: a card cuts it later", BUILD(b, head, N2(0), tail), "1 " SEEN },
		{ "longer than its frame", BUILD(b, head, N2(4000), tail),
			"1 ? an IPv4 packet that is longer than its frame\n" },
		{ "shorter than its header", BUILD(b, head, N2(12), tail),
			"1 ? an IPv4 packet that is longer than its frame\n" },
		{ "a header of 60 bytes", BUILD(b, N1(0x4f), span_from(span_first(ip, 40), 1)),
			"1 ? an IPv4 header that lies about its length\n" },
		{ "a header of no length", BUILD(b, N1(0x40), span_from(ip, 1)),
			"1 ? an IPv4 header that lies about its length\n" },
		{ "neither", BUILD(b, N1(0x55), span_from(ip, 1)),
			"1 ? neither IPv4 nor IPv6 where a packet should begin\n" },
		{ "extension headers",
			build_ip6(b, 1, 2, 0,
				BUILD(b, N1(60), N1(0), N2(0), N4(0), N1(43), N1(1), N2(0), N4(0), N8(0), N1(51), N1(0),
					N2(0), N4(0), N1(17), N1(4), N2(0), N8(0), N8(0), N4(0), udp)),
			"1 " SEEN6 },
		{ "an extension header longer than the packet",
			build_ip6(b, 1, 2, 0, BUILD(b, N1(17), N1(255), N2(0), N4(0), udp)),
			"1 ? an IPv6 extension header that lies about its length\n" },
		{ "an IPv6 header alone", span_first(build_ip6(b, 1, 2, 17, udp), 39),
			"1 ? an IPv6 header that is not whole\n" },
		{ "in itself again and again", build_ip4(b, 1, 2, 4, build_ip4(b, 1, 2, 4, build_ip4(b, 1, 2, 4, ip))),
			"1 ? too many IP packets inside one another\n" },
		{ "UDP longer than IP",
			build_ip4(b, 1, 2, 17, BUILD(b, span_first(udp, 4), N2(600), span_from(udp, 6))),
			"1 ? a UDP header that lies about its length\n" },
		{ "UDP of three bytes", build_ip4(b, 1, 2, 17, SPAN("abc")), "1 ? a UDP header that is not whole\n" },
		{ "voice", build_ip4(b, 1, 2, 17, build_udp(b, 5060, 5060, SPAN("\x80\0\1\2INVITE sip:a SIP/2.0\r\n"))),
			"" },
		{ "any port", build_ip4(b, 1, 2, 17, build_udp(b, 1, 2, OPTIONS)),
			"1 udp 192.0.2.1:1 192.0.2.2:2 OPTIONS sip:b SIP/2.0\n" },
		{ "a keep-alive", build_ip4(b, 1, 2, 17, build_udp(b, 5060, 5060, SPAN("\r\n\r\n"))), "" },
		{ "line ends first", build_datagram(b, SPAN("\r\nSIP/2.0 200\r\n\r\n")),
			"1 udp 192.0.2.1:5060 192.0.2.2:5060 SIP/2.0 200\n" },
		{ "HTTP", build_datagram(b, SPAN("NOTIFY * HTTP/1.1\r\n\r\n")), "" },
		{ "a first line without an end", build_datagram(b, SPAN("INVITE sip:a@b SIP/2.0")), "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buffer_clear(&b->file);
		build_pcap(b, 0xa1b2c3d4, 101);
		build_pcap_packet(b, cases[i].packet);
		expect(b, cases[i].name, cases[i].wanted);
	}
	build_done(b);
}

static void test_cut_by_the_snapshot_length(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	struct span message = BUILD(b, OPTIONS, SPAN("a body of some length that the capture has not kept"));
	b->cut = 80; /* 28 bytes in front of 52 of the message, which has 42 without its body */
	build_pcap_packet(b, build_datagram(b, message));
	b->cut = 60;
	build_pcap_packet(b, build_datagram(b, message));
	b->cut = 30;
	build_pcap_packet(b, build_datagram(b, message));
	expect(b, "cut",
		"1 ? a message that the capture's snapshot length has cut\n"
		"1 udp 192.0.2.1:5060 192.0.2.2:5060 OPTIONS sip:b SIP/2.0 (part)\n"
		"2 ? a message that the capture's snapshot length has cut\n");
	build_done(b);
}

/* ---- fragments ---- */

struct piece {
	size_t offset, length;
	bool is_last;
};

static void add_pieces(struct build *b, struct span datagram, const struct piece *pieces, bool is_ip6)
{
	for (const struct piece *p = pieces; p->length; p++) {
		struct span part = span_first(span_from(datagram, p->offset), p->length);
		if (is_ip6)
			build_pcap_packet(b,
				build_ip6(b, 1, 2, 44,
					BUILD(b, N1(17), N1(0), N2(p->offset | (p->is_last ? 0 : 1)), N4(77), part)));
		else
			build_pcap_packet(b, build_ip4_piece(b, 1, 2, 17, 77, p->offset, p->is_last, part));
	}
}

static void test_fragments(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	struct span datagram = build_udp(b, 5060, 5060, OPTIONS);
	assert_int_equal(datagram.length, 50);
	static const struct {
		const char *name;
		struct piece pieces[5];
		const char *wanted, *wanted6;
	} cases[] = {
		{ "in order", { { 0, 16, false }, { 16, 24, false }, { 40, 10, true } }, "3 " SEEN, "3 " SEEN6 },
		{ "backwards", { { 40, 10, true }, { 16, 24, false }, { 0, 16, false } }, "3 " SEEN, "3 " SEEN6 },
		{ "one comes twice", { { 0, 16, false }, { 0, 16, false }, { 16, 34, true } }, "3 " SEEN, "3 " SEEN6 },
		{ "one is missing", { { 0, 16, false }, { 40, 10, true } }, "", "" },
		{ "overlapping", { { 0, 24, false }, { 16, 24, false }, { 40, 10, true } },
			"2 ? fragments that overlap\n", "2 ? fragments that overlap\n" },
		{ "two ends", { { 16, 24, true }, { 40, 10, true }, { 0, 16, false } },
			"2 ? fragments that contradict one another\n", "2 ? fragments that contradict one another\n" },
		{ "an odd length", { { 0, 13, false } }, "1 ? a fragment of a length that none can have\n",
			"1 ? a fragment of a length that none can have\n" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (int is_ip6 = 0; is_ip6 < 2; is_ip6++) {
			buffer_clear(&b->file);
			build_pcap(b, 0xa1b2c3d4, 101);
			add_pieces(b, datagram, cases[i].pieces, is_ip6);
			expect(b, cases[i].name, is_ip6 ? cases[i].wanted6 : cases[i].wanted);
		}
	build_done(b);
}

static void test_fragments_without_end(void **state)
{
	(void)state;
	struct build build, *b = &build;
	struct trace_reader_counts counts;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	for (int i = 0; i < 1000; i++)
		build_pcap_packet(b, build_ip4_piece(b, 1, 2, 17, i, 65528 / 2 / 8 * 8, false, SPAN("12345678")));
	build_pcap_packet(b, build_ip4_piece(b, 1, 2, 17, 5000, 65528, false, SPAN("12345678")));
	b->time_us += 60000000;
	build_pcap_packet(b, build_ip4_piece(b, 1, 2, 17, 5001, 0, false, SPAN("12345678")));
	char *seen = build_read(b, 0, NULL, &counts);
	free(seen);
	assert_int_equal(counts.records, 0);
	assert_int_equal(counts.unread, 1001);
	build_done(b);
}

/* ---- DNS ---- */

#define SRV_NAME SPAN("\x11_sipfederationtls\4_tcp\5right\7example\0")
#define SRV_TEXT "_sipfederationtls._tcp.right.example"

static struct span question(struct build *b, int flags, int answers, struct span name, int type, struct span rest)
{
	return BUILD(b, N2(4711), N2(flags), N2(1), N2(answers), N2(0), N2(0), name, N2(type), N2(1), rest);
}

static void ask(struct build *b, bool is_answer, struct span message)
{
	build_pcap_packet(b, is_answer ? build_ip4(b, 2, 1, 17, build_udp(b, 53, 4000, message))
				       : build_ip4(b, 1, 2, 17, build_udp(b, 4000, 53, message)));
}

static void test_dns(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	/* The names in answers point at the question: at 12, and at its third label. */
	struct span srv = BUILD(
		b, N2(0xc00c), N2(33), N2(1), N4(300), N2(14), N2(0), N2(10), N2(5061), SPAN("\5sipwi"), N2(0xc023));
	struct span a = BUILD(b, N2(0xc00c), N2(1), N2(1), N4(60), N2(4), N4(0xc0000207));
	struct span alias = BUILD(b, N2(0xc00c), N2(5), N2(1), N4(60), N2(2), N2(0xc00c));
	struct span tlsa = BUILD(b, N2(0xc00c), N2(52), N2(1), N4(60), N2(5), N1(3), N1(1), N1(1), N2(0xabcd));
	struct span naptr = BUILD(
		b, N2(0xc00c), N2(35), N2(1), N4(60), N2(18), N2(10), N2(100), SPAN("\1s\10SIPS+D2T\0"), N2(0xc00c));
	struct span loop = BUILD(b, N2(0xc02c + 26), N2(33), N2(1));
	const struct {
		const char *name;
		struct span answer;
		int type;
		const char *word, *wanted;
	} cases[] = {
		{ "SRV", question(b, 0x8180, 1, SRV_NAME, 33, srv), 33, "SRV",
			"answer SRV " SRV_TEXT " ok [0 10 5061 sipwi.right.example.]\n" },
		{ "A behind an alias", question(b, 0x8180, 2, SRV_NAME, 1, BUILD(b, alias, a)), 1, "A",
			"answer A " SRV_TEXT " ok [192.0.2.7]\n" },
		{ "two", question(b, 0x8180, 2, SRV_NAME, 1, BUILD(b, a, a)), 1, "A",
			"answer A " SRV_TEXT " ok [192.0.2.7, 192.0.2.7]\n" },
		{ "TLSA", question(b, 0x8180, 1, SRV_NAME, 52, tlsa), 52, "TLSA",
			"answer TLSA " SRV_TEXT " ok [3 1 1 abcd]\n" },
		{ "NAPTR", question(b, 0x8180, 1, SRV_NAME, 35, naptr), 35, "NAPTR",
			"answer NAPTR " SRV_TEXT " ok [10 100 \"s\" \"SIPS+D2T\" \"\" " SRV_TEXT ".]\n" },
		{ "nothing of that type", question(b, 0x8180, 1, SRV_NAME, 33, alias), 33, "SRV",
			"answer SRV " SRV_TEXT " nodata\n" },
		{ "NXDOMAIN", question(b, 0x8183, 0, SRV_NAME, 33, SPAN_NONE), 33, "SRV",
			"answer SRV " SRV_TEXT " nxdomain\n" },
		{ "SERVFAIL", question(b, 0x8182, 0, SRV_NAME, 33, SPAN_NONE), 33, "SRV",
			"answer SRV " SRV_TEXT " servfail\n" },
		{ "REFUSED", question(b, 0x8185, 0, SRV_NAME, 33, SPAN_NONE), 33, "SRV",
			"answer SRV " SRV_TEXT " refused\n" },
		{ "fewer than it says", question(b, 0x8180, 9, SRV_NAME, 33, srv), 33, "SRV",
			"? a damaged answer of the DNS\n" },
		{ "a name that points forwards", question(b, 0x8180, 1, SRV_NAME, 33, loop), 33, "SRV",
			"? a damaged answer of the DNS\n" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char wanted[512];
		buffer_clear(&b->file);
		build_pcap(b, 0xa1b2c3d4, 101);
		for (int n = 0; n < 2; n++) /* asked twice, told once */
			ask(b, false, question(b, 0x0100, 0, SRV_NAME, cases[i].type, SPAN_NONE));
		ask(b, true, cases[i].answer);
		snprintf(wanted, sizeof(wanted), "1 ask %s " SRV_TEXT "\n3 %s", cases[i].word, cases[i].wanted);
		expect(b, cases[i].name, wanted);
	}
	build_done(b);
}

static void test_dns_without_answer(void **state)
{
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	build_pcap(b, 0xa1b2c3d4, 101);
	ask(b, false, question(b, 0x0100, 0, SRV_NAME, 33, SPAN_NONE));
	build_pcap_packet(b, build_datagram(b, OPTIONS));
	expect(b, "the capture ends too early to say so", "1 ask SRV " SRV_TEXT "\n2 " SEEN);
	b->time_us += 20000000;
	build_pcap_packet(b, build_datagram(b, OPTIONS));
	expect(b, "no answer", "1 ask SRV " SRV_TEXT "\n2 " SEEN "3 " SEEN "1 answer SRV " SRV_TEXT " timeout\n");
	build_done(b);
}

/* ---- files that lie ---- */

static void test_damaged_files(void **state)
{
	static const char zeros[1024];
	(void)state;
	struct build build, *b = &build;
	build_begin(b);
	buffer_append(&b->file, SPAN("no capture at all"));
	expect(b, "no capture", "0 ? neither a pcap nor a pcapng file\n");
	buffer_clear(&b->file);
	build_pcap(b, 0xa1b2c3d4, 101);
	build_pcap_packet(b, build_datagram(b, OPTIONS));
	buffer_append(&b->file, BUILD(b, F4(1), F4(0), F4(0xffffffff), F4(0xffffffff), SPAN("rest")));
	expect(b, "a packet of 4 GB",
		"1 " SEEN "1 ? a packet longer than any: the file is damaged, its rest was not read\n");
	buffer_clear(&b->file);
	build_pcap(b, 0xa1b2c3d4, 101);
	buffer_append(&b->file, BUILD(b, F4(1), F4(0), F4(100), F4(100), SPAN("rest")));
	expect(b, "a packet that is not whole", "1 ? the capture ends inside a packet\n");
	buffer_clear(&b->file);
	build_section(b);
	build_interface(b, 101, SPAN_NONE);
	build_block(b, 6, BUILD(b, F4(0), F4(0), F4(0), F4(500), F4(500), SPAN("short")));
	build_enhanced(b, 0, 5, build_datagram(b, OPTIONS));
	buffer_append(&b->file, BUILD(b, F4(0x7777), F4(2 << 20)));
	for (int i = 0; i < 2 << 10; i++)
		buffer_append(&b->file, span_make(zeros, sizeof(zeros)));
	b->file.length -= 8;
	build_enhanced(b, 0, 5, build_datagram(b, OPTIONS));
	buffer_append(&b->file, BUILD(b, F4(1), F4(4), F4(4)));
	expect(b, "blocks",
		"1 ? a packet that is longer than its block\n2 " SEEN
		"2 ? a block longer than any packet was passed over\n3 " SEEN
		"3 ? a block shorter than its own frame: the rest of the file was not read\n");
	buffer_clear(&b->file);
	build_block(b, 0x0a0d0d0a, SPAN("no byte order"));
	expect(b, "a section of no order", "0 ? a section without a byte order: the rest of the file was not read\n");
	build_done(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pcap),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_pcapng),
		cmocka_unit_test(test_link_layers),
		cmocka_unit_test(test_ip),
		cmocka_unit_test(test_cut_by_the_snapshot_length),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragments_without_end),
		cmocka_unit_test(test_dns),
		cmocka_unit_test(test_dns_without_answer),
		cmocka_unit_test(test_damaged_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
