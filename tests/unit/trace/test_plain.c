/* SPDX-License-Identifier: Apache-2.0 */
/* SIP as text, in every shape that docs/formats.md names: the messages come back byte for byte, with time, direction,
 * addresses and transport as far as the text tells them, and it does not matter in which pieces it comes.
 *
 * Fixtures hold messages by name: {=invite} as on the wire, {-invite} with LF for CR LF, {.invite} with dots for CR,
 * {~invite} with dots for CR and LF, {>invite} indented by three blanks, {#invite} on one line with #015#012,
 * {\invite} on one line with \r\n, {^invite} with ^M for CR, {5invite} with #015 for CR, {|invite} with the prefix that
 * stands before it on each line. */
#include "base/buffer.h"
#include "base/require.h"
#include "trace/plain.h"
#include "trace/reader.h"
#include "trace/stamp_read.h"
#include "unit/cmocka_all.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SDP                                                                                                            \
	"v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP "               \
	"0\r\na=sendrecv\r\n"
#define QUOTED                                                                                                         \
	"U 192.0.2.9:5060 -> 192.0.2.8:5060\r\n"                                                                       \
	"OPTIONS sip:x@c.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n\r\n"                                        \
	"<--- Received SIP request (4 bytes) from UDP:192.0.2.9:5060 --->\r\n---\r\n"                                  \
	"Jan  1 12:00:00 pbx kamailio[77]: x\r\n[2024-01-01 12:00:00] VERBOSE[9] a.c: y\r\n"                           \
	"SIP/2.0 200 OK\r\n-------------------------\r\n"

static const struct message {
	const char *name;
	const char *bytes;
} messages[] = {
	{ "invite",
		"INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
		"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1@a.example\r\nCSeq: 1 INVITE\r\n"
		"Content-Type: application/sdp\r\nContent-Length: 99\r\n\r\n" SDP },
	{ "ok", "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nCall-ID: 1@a.example\r\n"
		"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n" },
	{ "busy", "SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nCall-ID: 1@a.example\r\n"
		  "CSeq: 1 INVITE\r\nl: 0\r\n\r\n" },
	{ "ack", "ACK sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n"
		 "Call-ID: 1@a.example\r\nCSeq: 1 ACK\r\n\r\n" },
	{ "text", "MESSAGE sip:b@b.example SIP/2.0\r\nCall-ID: 2@a.example\r\nCSeq: 1 MESSAGE\r\n"
		  "Subject: folded\r\n  here\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello" },
	{ "quoting", "MESSAGE sip:b@b.example SIP/2.0\r\nCall-ID: 3@a.example\r\nCSeq: 1 MESSAGE\r\n"
		     "Content-Type: text/plain\r\nContent-Length: 291\r\n\r\n" QUOTED },
	{ "lines", "MESSAGE sip:b@b.example SIP/2.0\r\nCall-ID: 4@a.example\r\nCSeq: 1 MESSAGE\r\n"
		   "Content-Type: text/plain\r\nContent-Length: 12\r\n\r\none\ntwo\nsix\n" },
	{ "cut", "INVITE sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK2\r\n"
		 "Call-ID: 5@a.example\r\n" },
	{ "short", "INVITE sip:b@b.example SIP/2.0\r\nCall-ID: 6@a.example\r\nContent-Type: application/sdp\r\n"
		   "Content-Length: 900\r\n\r\nv=0\r\n" },
};

/* ---- fixtures ---- */

static struct span message_named(struct span name)
{
	for (size_t i = 0; i < BASE_COUNT(messages); i++)
		if (span_is(name, messages[i].name))
			return span_of(messages[i].bytes);
	fail_msg("no message %.*s", SPAN_PRINT(name));
	return SPAN_NONE;
}

static void put_byte(struct buffer *out, char way, char byte, struct span prefix, bool starts_line)
{
	static const struct {
		char way;
		const char *cr, *lf;
	} ways[] = { { '=', "\r", "\n" }, { '-', "", "\n" }, { '.', ".", "\n" }, { '~', ".", "." }, { '>', "", "\n" },
		{ '#', "#015", "#012" }, { '\\', "\\r", "\\n" }, { '^', "^M", "\n" }, { '5', "#015", "\n" },
		{ '|', "", "\n" } };
	if (starts_line && way == '>')
		(void)buffer_append_text(out, "   ");
	if (starts_line && way == '|')
		(void)buffer_append(out, prefix);
	for (size_t i = 0; i < BASE_COUNT(ways); i++)
		if (ways[i].way == way && (byte == '\r' || byte == '\n')) {
			(void)buffer_append_text(out, byte == '\r' ? ways[i].cr : ways[i].lf);
			return;
		}
	(void)buffer_append_byte(out, byte);
}

static void put_message(struct buffer *out, char way, struct span bytes)
{
	size_t line = out->length;
	while (line > 0 && out->at[line - 1] != '\n')
		line--;
	char prefix[128] = "";
	assert_true(span_copy_to(span_from(buffer_span(out), line), prefix, sizeof(prefix)));
	for (size_t i = 0; i < bytes.length; i++) {
		bool starts_line = i > 0 ? bytes.at[i - 1] == '\n' : way == '>';
		put_byte(out, way, bytes.at[i], span_of(prefix), starts_line);
	}
}

static void expand(const char *text, struct buffer *out)
{
	struct span rest = span_of(text);
	while (rest.length > 0) {
		if (rest.at[0] != '{') {
			(void)buffer_append_byte(out, rest.at[0]);
			rest = span_from(rest, 1);
			continue;
		}
		size_t end = span_find(rest, '}');
		put_message(out, rest.at[1], message_named(span_first(span_from(rest, 2), end - 2)));
		rest = span_from(rest, end + 1);
	}
}

/* ---- what comes back ---- */

static void put_address(struct buffer *out, const struct record_address *a)
{
	char text[RECORD_ADDRESS_TEXT];
	size_t length = record_address_format(a, text);
	(void)buffer_printf(out, length ? "%s:%u" : "-", text, a->port);
}

/* Microseconds behind 2024-01-01T12:00:00Z, as all fixtures are from then. */
static void put_time(struct buffer *out, int64_t time_us)
{
	int64_t noon_us = trace_stamp_us(2024, 1, 1, 43200, 0);
	if (time_us == 0)
		(void)buffer_append_text(out, "?");
	else
		(void)buffer_printf(out, "%+" PRId64, time_us - noon_us);
}

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	static const char *const directions[] = { "received", "sent", "passed" };
	static const char *const transports[] = { "none", "udp", "tcp", "tls" };
	struct buffer *out = argument;
	const char *name = "other";
	for (size_t i = 0; i < BASE_COUNT(messages); i++)
		if (span_is(r->message.bytes, messages[i].bytes))
			name = messages[i].name;
	assert_int_equal(r->kind, RECORD_MESSAGE);
	(void)buffer_printf(out, "%" PRIu64 " %s %s %s ", place->line, name, directions[r->message.direction],
		transports[r->message.transport]);
	put_address(out, &r->message.local);
	(void)buffer_append_byte(out, ' ');
	put_address(out, &r->message.remote);
	(void)buffer_append_byte(out, ' ');
	put_time(out, r->head.time_us);
	if (r->head.node.length > 0)
		(void)buffer_printf(out, " %.*s", SPAN_PRINT(r->head.node));
	if (r->head.process)
		(void)buffer_printf(out, " %u", r->head.process);
	(void)buffer_append_byte(out, '\n');
	if (name[0] == 'o' && name[1] == 't')
		(void)buffer_printf(out, "%.*s<<<\n", SPAN_PRINT(r->message.bytes));
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	(void)buffer_printf(argument, "%" PRIu64 " unread: %s\n", place->line, why);
}

static void read_all(struct span text, size_t piece, struct buffer *out)
{
	struct trace_reader_settings settings = { .kind = TRACE_KIND_PLAIN,
		.written_us = trace_stamp_us(2024, 6, 1, 0, 0),
		.take = take,
		.unread = unread,
		.argument = out };
	struct trace_reader *reader = trace_reader_new(&settings);
	assert_non_null(reader);
	while (text.length > 0) {
		struct span part = span_first(text, piece ? piece : text.length);
		char *copy = malloc(part.length);
		memcpy(copy, part.at, part.length);
		assert_int_equal(trace_reader_feed(reader, span_make(copy, part.length)), 0);
		free(copy);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	trace_reader_free(reader);
}

struct shape {
	const char *name;
	const char *text;
	const char *records;
};

static void check(const struct shape *shapes, size_t count)
{
	static const size_t pieces[] = { 0, 1, 61 };
	for (size_t i = 0; i < count; i++)
		for (size_t p = 0; p < BASE_COUNT(pieces); p++) {
			struct buffer text, out;
			buffer_init(&text, 1 << 20);
			buffer_init(&out, 1 << 20);
			expand(shapes[i].text, &text);
			read_all(buffer_span(&text), pieces[p], &out);
			if (!span_is(buffer_span(&out), shapes[i].records))
				fail_msg("%s, in pieces of %zu:\n%.*s-- expected:\n%s", shapes[i].name, pieces[p],
					SPAN_PRINT(buffer_span(&out)), shapes[i].records);
			buffer_done(&text);
			buffer_done(&out);
		}
}

/* ---- shapes ---- */

#define A "192.0.2.1:5060"
#define B "192.0.2.2:5061"
#define STAMP "2024/01/01 12:00:00.000123"

static void ngrep(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "-W byline -t -q",
			"interface: eth0 (192.0.2.0/255.255.255.0)\nmatch: SIP\n\nU " STAMP " " A " -> " B
			" #1\n{.invite}\n\nU " STAMP " " B " -> " A " #2\n{.ok}\n",
			"4 invite passed udp " A " " B " +123\n23 ok passed udp " B " " A " +123\n" },
		{ "-W byline, no time", "#\nU " A " -> " B "\n{.invite}\n##\nU " B " -> " A "\n{.ok}\n##exit\n",
			"2 invite passed udp " A " " B " ?\n21 ok passed udp " B " " A " ?\n" },
		{ "distance to the last packet", "U +0.000001 " A " -> " B "\n{.ok}\n",
			"1 ok passed udp " A " " B " ?\n" },
		{ "TCP, and what is no SIP",
			"T " STAMP " " A " -> " B " [A] #3\n......\n\nT " STAMP " " A " -> " B " [AP] #4\n{.invite}\n",
			"4 invite passed tcp " A " " B " +123\n" },
		{ "two messages in a segment", "T " A " -> " B " [AP]\n{.ok}{.ack}\n#\n",
			"1 ok passed tcp " A " " B " ?\n8 ack passed tcp " A " " B " ?\n" },
		{ "IPv6, the protocol's number", "U(17) 2001:db8::1:5060 -> 2001:db8::2:5061\n{.ok}\n",
			"1 ok passed udp 2001:db8::1:5060 2001:db8::2:5061 ?\n" },
		{ "-W none", "#\nU " A " -> " B " #1\n{~invite}\n#\nU " B " -> " A " #2\n{~ok}\n",
			"2 invite passed udp " A " " B " ?\n5 ok passed udp " B " " A " ?\n" },
		{ "dots of its own", "U " A " -> " B "\nSIP/2.0 180 Well.....Call-ID: a..b..To: x....\n",
			"1 other passed udp " A " " B
			" ?\nSIP/2.0 180 Well...\r\nCall-ID: a..b\r\nTo: x\r\n\r\n<<<\n" },
		{ "-W single", "#\nU " A " -> " B " {~invite}\nU " B " -> " A " {~ok}\n",
			"2 invite passed udp " A " " B " ?\n3 ok passed udp " B " " A " ?\n" },
		{ "wrapped",
			"#\nU " A " -> " B "\n  SIP/2.0 200 OK..Via: SIP/2.0/UDP 192.0.2.1:5060;bra\n"
			"  nch=z9hG4bK1..Call-ID: 1@a.example..CSeq: 1 INVITE..Co\n  ntent-Length: 0....           "
			"\n#\n",
			"2 ok passed udp " A " " B " ?\n" },
		{ "a body without a line end", "U " A " -> " B "\n{.text}\n\nU " B " -> " A "\n{.ok}\n",
			"1 text passed udp " A " " B " ?\n12 ok passed udp " B " " A " ?\n" },
	};
	check(shapes, BASE_COUNT(shapes));
}

/* A message in two segments of TCP, cut anywhere behind its start line. */
static void ngrep_segments(void **state)
{
	(void)state;
	static const char *const between[] = { "\n#\n", "\n\n", "\n####\n" };
	struct span bytes = message_named(SPAN("invite"));
	for (size_t cut = span_find(bytes, '\n') + 1; cut < bytes.length; cut++) {
		struct buffer text, out;
		buffer_init(&text, 1 << 20);
		buffer_init(&out, 1 << 20);
		(void)buffer_append_text(&text, "T " A " -> " B " [A] #1\n");
		put_message(&text, '.', span_first(bytes, cut));
		(void)buffer_printf(&text, "%sT " A " -> " B " [AP] #2\n", between[cut % 3]);
		put_message(&text, '.', span_from(bytes, cut));
		(void)buffer_append_text(&text, "\n#\nU " B " -> " A "\n");
		put_message(&text, '.', message_named(SPAN("ok")));
		read_all(buffer_span(&text), 0, &out);
		struct span rest = buffer_span(&out);
		struct span first = span_cut(&rest, '\n');
		if (!span_is(first, "1 invite passed tcp " A " " B " ?") ||
			span_find_span(rest, SPAN(" ok passed udp ")) > 3)
			fail_msg("cut at %zu:\n%.*s", cut, SPAN_PRINT(buffer_span(&out)));
		buffer_done(&text);
		buffer_done(&out);
	}
}

static void other_captures(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "sngrep", STAMP " " A " -> " B "\n{=invite}\n\n" STAMP " " B " -> " A "\n{=ok}\n\n",
			"1 invite passed none " A " " B " +123\n20 ok passed none " B " " A " +123\n" },
		{ "sngrep, IPv6", STAMP " [2001:db8::1]:5060 -> [2001:db8::2]:5061\n{=ok}\n\n",
			"1 ok passed none 2001:db8::1:5060 2001:db8::2:5061 +123\n" },
		{ "Homer, saved as text",
			"proto:TLS 2024-01-01T12:00:00.000123456Z  " A " ---> " B
			"\r\n\r\n{=invite}\r\n\r\nproto:17 2024-01-01T12:00:00.000124Z  " B " ---> " A
			"\r\n\r\n{=ok}\r\n",
			"1 invite passed tls " A " " B " +123\n21 ok passed none " B " " A " +124\n" },
		{ "tcpdump -A",
			"12:00:00.000123 IP 192.0.2.1.5060 > 192.0.2.2.5061: UDP, length 514\n"
			"E.....@.@.h.........:.:.O{-invite}\n"
			"12:00:00.000124 IP 192.0.2.2.5061 > 192.0.2.1.5060: SIP: SIP/2.0 200 OK\nE..U..@.A.TS{-ok}\n",
			"1 invite passed udp " A " " B " ?\n19 ok passed udp " B " " A " ?\n" },
		{ "tcpdump -A -tttt -v",
			"2024-01-01 12:00:00.000123 IP (tos 0x0, ttl 64, proto UDP (17), length 542)\n"
			"    192.0.2.1.5060 > 192.0.2.2.5061: [udp sum ok] UDP, length 514\nE..\n..{-invite}\n",
			"1 invite passed udp " A " " B " +123\n" },
		{ "tcpdump -v has the message twice",
			"2024-01-01 12:00:00.000123 IP (tos 0x0, proto UDP (17), length 542)\n"
			"    192.0.2.1.5060 > 192.0.2.2.5061: SIP, length: 602\n\tSIP/2.0 200 OK\n\tCall-ID: 1\n\t\n"
			"E..v.2@.@..TSIP/2.0 200 OK\nCall-ID: 1\n\n",
			"1 other passed udp " A " " B " +123\nSIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n<<<\n" },
		{ "tcpdump on any device, TCP",
			"12:00:00.1 eth0  In  IP6 2001:db8::1.5060 > 2001:db8::2.5061: Flags [P.], "
			"length 9\n`...{-ok}\n",
			"1 ok passed none 2001:db8::1:5060 2001:db8::2:5061 ?\n" },
		{ "SIPp",
			"----------------------------------------------- 2024-01-01 12:00:00.000123\n"
			"UDP message sent (514 bytes):\n\n{=invite}\n"
			"----------------------------------------------- 2024-01-01 12:00:00.000124\n"
			"TCP message received [313] bytes :\n\n{=ok}\n",
			"1 invite sent udp - - +123\n21 ok received tcp - - +124\n" },
	};
	check(shapes, BASE_COUNT(shapes));
}

#define DUMP(tag, from, to)                                                                                            \
	"====================\ntag: " tag "\npid: 77\nprocess: 1\ntime: 1704110400.000123\n"                           \
	"date: Mon Jan  1 13:00:00 2024\nproto: tls ipv4\nsrcip: 192.0.2." from "\nsrcport: 5060\n"                    \
	"dstip: 192.0.2." to "\ndstport: 5060\n~~~~~~~~~~~~~~~~~~~~\n"
#define BARS "||||||||||||||||||||\n"

static void proxies(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "Kamailio's sipdump", DUMP("rcv", "1", "2") "{=invite}" BARS DUMP("snd", "2", "1") "{=ok}" BARS,
			"1 invite received tls 192.0.2.2:5060 192.0.2.1:5060 +123 77\n"
			"30 ok sent tls 192.0.2.2:5060 192.0.2.1:5060 +123 77\n" },
		{ "a body without a line end", DUMP("rcv", "1", "2") "{=text}" BARS DUMP("snd", "2", "1") "{=ok}" BARS,
			"1 text received tls 192.0.2.2:5060 192.0.2.1:5060 +123 77\n"
			"22 ok sent tls 192.0.2.2:5060 192.0.2.1:5060 +123 77\n" },
		{ "the whole message in a log on standard error",
			" 1(77) INFO: <script>: {=invite} 2(78) NOTICE: bye\n"
			" 2(78) INFO: <script>: got {=ok}",
			"1 invite passed none - - ? 77\n18 ok passed none - - ? 78\n" },
		{ "OpenSIPS, a file",
			"in udp 2024-01-01 12:00:00 " A " -> " B "\n{=invite}\n\n"
			"out tcp 2024-01-01 12:00:01 " B " -> " A "\n{=ok}\n\n",
			"1 invite received udp " B " " A " +0\n20 ok sent tcp " B " " A " +1000000\n" },
		{ "OpenSIPS, a syslog",
			"Jan  1 12:00:00 sbc opensips[77]: INFO:tracer:trace_write_syslog: in tls " A " -> " B
			"#012{#invite}#012\n",
			"1 invite received tls " B " " A " +0 sbc 77\n" },
	};
	check(shapes, BASE_COUNT(shapes));
}

#define VERBOSE "[2024-01-01 12:00:00.500] VERBOSE[123] res_pjsip_logger.c: "

static void exchanges(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "Asterisk, a console",
			"<--- Received SIP request (485 bytes) from UDP:" A " --->\n{=invite}\n"
			"  == Using SIP RTP Audio TOS bits 184\n<--- Transmitting SIP response (300 bytes) to TLS:" B
			" --->\n{=ok}\n\n",
			"1 invite received udp - " A " ?\n20 ok sent tls - " B " ?\n" },
		{ "Asterisk, a file",
			VERBOSE "<--- Received SIP request (485 bytes) from UDP:[2001:db8::1]:5060 --->\n"
				"{=invite}\n" VERBOSE "<--- Transmitting SIP response (300 bytes) to UDP:" A
				" --->\n{=ok}\n\n",
			"1 invite received udp - 2001:db8::1:5060 +500000 123\n19 ok sent udp - " A " +500000 123\n" },
		{ "Asterisk, chan_sip",
			"\n<--- SIP read from UDP:" A " --->\n{-invite}<------------->\n"
			"--- (8 headers 7 lines) ---\nReally destroying SIP dialog\n<--- Transmitting (no NAT) to " A
			" --->\n{-ok}\n<------------>\nReliably Transmitting (NAT) to " B ":\n{-invite}\n---\n"
			"Retransmitting #2 (NAT) to " B ":\n{-invite}\n---\n",
			"2 invite received udp - " A " ?\n22 ok sent none - " A " ?\n"
			"31 invite sent none - " B " ?\n50 invite sent none - " B " ?\n" },
		{ "Asterisk, a stamp on each line",
			"[Jan  1 12:00:00] <--- SIP read from TCP:" A
			" --->\n[Jan  1 12:00:00] {|invite}<------------->\n",
			"1 invite received tcp - " A " +0\n" },
		{ "FreeSWITCH",
			"2024-01-01 12:00:00.000000 [DEBUG] sofia.c:1 x\n"
			"recv 1015 bytes from udp/[192.0.2.1]:5060 at 12:00:00.000123:\n"
			"   ------------------------------------------------------------------------\n{>invite}"
			"   ------------------------------------------------------------------------\n"
			"send 300 bytes to tls/[2001:db8::1]:5061 at 12:00:00.000124:\n"
			"   ------------------------------------------------------------------------\n{>ok}"
			"   ------------------------------------------------------------------------\n",
			"2 invite received udp - 192.0.2.1:5060 +123\n21 ok sent tls - 2001:db8::1:5061 +124\n" },
		{ "FreeSWITCH, in colours",
			"\033[m\033[36mrecv 326 bytes from udp/[192.0.2.1] at 12:00:00.1:\033[0m\n"
			"------------------------------------------------------------------------\n{-ok}\033[m\n",
			"1 ok received udp - 192.0.2.1:0 ?\n" },
		{ "FreeSWITCH, over midnight",
			"2023-12-31 23:59:59.000000 [DEBUG] x\n"
			"recv 1 bytes from udp/[192.0.2.1]:5060 at 12:00:00.000000:\n{-ok}\n"
			"2023-12-31 23:59:59.000000 [DEBUG] x\nrecv 1 bytes from udp/[192.0.2.1]:5060 at "
			"00:00:01.000000:\n"
			"{-ok}\n",
			"2 ok received udp - 192.0.2.1:5060 -86400000000\n"
			"11 ok received udp - 192.0.2.1:5060 -43199000000\n" },
		{ "sofia-sip, a dump",
			"dump started at Mon Jan  1 12:00:00 2024\n\n"
			"recv 5 bytes from udp/[192.0.2.1]:5060 at 12:00:00.000123:\n{=ack}\v\n"
			"sent 5 bytes to udp/[192.0.2.1]:5060 at 12:00:00.000124:\n{=invite}\v\n",
			"3 ack received udp - 192.0.2.1:5060 ?\n10 invite sent udp - 192.0.2.1:5060 ?\n" },
	};
	check(shapes, BASE_COUNT(shapes));
}

#define P77 "Jan  1 12:00:00 pbx kamailio[77]: "
#define P78 "Jan  1 12:00:00 pbx kamailio[78]: "

static void syslogs(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "a prefix on each line", P77 "{|ok}" P77 "noise\n" P77 "{|ack}" P78 "noise\n",
			"1 ok passed none - - +0 pbx 77\n8 ack passed none - - +0 pbx 77\n" },
		{ "on one line, CR and LF in octal", P77 "INFO: <script>: {#invite}\n" P77 "{#ok}\n",
			"1 invite passed none - - +0 pbx 77\n2 ok passed none - - +0 pbx 77\n" },
		{ "on one line, as in C", P77 "got \"{\\invite}\"\n", "1 invite passed none - - +0 pbx 77\n" },
		{ "CR as #015", P77 "SIP/2.0 200 OK#015\n" P77 "Call-ID: 1#015\n" P77 "#015\n",
			"1 other passed none - - +0 pbx 77\nSIP/2.0 200 OK\r\nCall-ID: 1\r\n\r\n<<<\n" },
		{ "RFC 5424",
			"<134>1 2024-01-01T13:00:00.5+01:00 pbx asterisk 77 - - {#ok}\n"
			"<134>1 2024-01-01T12:00:00Z pbx asterisk - m [a@1 b=\"c\"] {#ok}\n",
			"1 ok passed none - - +500000 pbx 77\n2 ok passed none - - +0 pbx\n" },
		{ "rsyslog's own time", "2024-01-01T13:00:00.000123+01:00 pbx kamailio[77]: {#ok}\n",
			"1 ok passed none - - +123 pbx 77\n" },
		{ "no host", "<13>Jan  1 12:00:00 kamailio[77]: {#ok}\n", "1 ok passed none - - +0 77\n" },
		{ "journalctl: further lines without a prefix", P77 "{-invite}" P78 "{-ok}",
			"1 invite passed none - - +0 pbx 77\n17 ok passed none - - +0 pbx 78\n" },
		{ "two senders, line by line",
			P77 "SIP/2.0 200 OK\n" P78 "ACK sip:b@b.example SIP/2.0\n" P77
			    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\n" P78
			    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\n" P78 "Call-ID: 1@a.example\n" P77
			    "Call-ID: 1@a.example\n" P77 "CSeq: 1 INVITE\n" P78 "CSeq: 1 ACK\n" P78 "\n" P77
			    "Content-Length: 0\n" P77 "\n",
			"2 ack passed none - - +0 pbx 78\n1 ok passed none - - +0 pbx 77\n" },
		{ "a whole message in the log's words is none",
			P77 "INFO: got OPTIONS sip:b@b.example SIP/2.0\n" P77 "reply SIP/2.0 200 OK sent\n", "" },
	};
	check(shapes, BASE_COUNT(shapes));
}

static void messages_alone(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "one after another", "{=invite}{=ok}{=ack}",
			"1 invite passed none - - ?\n17 ok passed none - - ?\n"
			"23 ack passed none - - ?\n" },
		{ "LF, empty lines between", "{-invite}\n\n{-ok}\n{-ack}\n{-busy}",
			"1 invite passed none - - ?\n19 ok passed none - - ?\n26 ack passed none - - ?\n"
			"32 busy passed none - - ?\n" },
		{ "LF, nothing between", "{-ok}{-invite}{-invite}{-ack}",
			"1 ok passed none - - ?\n7 invite passed none - - ?\n23 invite passed none - - ?\n"
			"39 ack passed none - - ?\n" },
		{ "^M, as an editor shows it", "{^invite}{^ok}",
			"1 invite passed none - - ?\n17 ok passed none - - ?\n" },
		{ "indented", "code:\n\n{>invite}\n{>ok}", "3 invite passed none - - ?\n20 ok passed none - - ?\n" },
		{ "a body in LF", "{-lines}{-ok}", "1 lines passed none - - ?\n10 ok passed none - - ?\n" },
		{ "words around", "Hello,\nthis is what I see:\n{-ok}\nRegards\n", "3 ok passed none - - ?\n" },
		{ "nothing of ours", "Via: SIP/2.0/UDP 192.0.2.1\n\nSIP/2.0 is a protocol\nGET / HTTP/1.1\nHost: a\n\n",
			"" },
	};
	check(shapes, BASE_COUNT(shapes));
}

static void bodies_that_quote(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "as on the wire", "{=quoting}{=ok}", "1 quoting passed none - - ?\n17 ok passed none - - ?\n" },
		{ "LF", "{-quoting}{-ok}", "1 quoting passed none - - ?\n17 ok passed none - - ?\n" },
		{ "ngrep", "#\nU " A " -> " B "\n{.quoting}\n#\nU " B " -> " A "\n{.ok}\n",
			"2 quoting passed udp " A " " B " ?\n21 ok passed udp " B " " A " ?\n" },
		{ "Asterisk",
			VERBOSE "<--- Received SIP request (485 bytes) from UDP:" A " --->\n{=quoting}\n" VERBOSE
				"<--- Transmitting SIP response (300 bytes) to UDP:" A " --->\n{=ok}\n",
			"1 quoting received udp - " A " +500000 123\n19 ok sent udp - " A " +500000 123\n" },
		{ "a syslog", P77 "{|quoting}" P77 "{|ok}",
			"1 quoting passed none - - +0 pbx 77\n17 ok passed none - - +0 pbx 77\n" },
		{ "sipdump", DUMP("rcv", "1", "2") "{=quoting}" BARS,
			"1 quoting received tls 192.0.2.2:5060 192.0.2.1:5060 +123 77\n" },
	};
	check(shapes, BASE_COUNT(shapes));
}

static void messages_that_were_cut(void **state)
{
	(void)state;
	static const struct shape shapes[] = {
		{ "in the headers, by the end", "{=cut}", "1 cut passed none - - ?\n" },
		{ "in the headers, by an envelope", "U " A " -> " B "\n{.cut}U " B " -> " A "\n{.ok}\n",
			"1 cut passed udp " A " " B " ?\n5 ok passed udp " B " " A " ?\n" },
		{ "in the headers, by a start line", "{-cut}{-ok}",
			"1 cut passed none - - ?\n4 ok passed none - - ?\n" },
		{ "in the headers, by another line", "{-cut}that was it\n{-ok}",
			"1 cut passed none - - ?\n5 ok passed none - - ?\n" },
		{ "in the body, by an envelope",
			"U " A " -> " B "\n{.short}U " B " -> " A "\n{.ok}U " A " -> " B "\n{.ack}",
			"1 short passed udp " A " " B " ?\n8 ok passed udp " B " " A " ?\n"
			"15 ack passed udp " A " " B " ?\n" },
		{ "in the body, by the end", "{-short}", "1 short passed none - - ?\n" },
		{ "two of them", "{=short}{=short}{=ok}",
			"1 short passed none - - ?\n7 short passed none - - ?\n13 ok passed none - - ?\n" },
		{ "a start line and nothing else",
			"OPTIONS sip:b@b.example SIP/2.0\n\nOPTIONS sip:b@b.example SIP/2.0\n", "" },
	};
	check(shapes, BASE_COUNT(shapes));
}

/* ---- places, counts ---- */

static void keep_raw(void *argument, const struct record *r, const struct trace_place *place)
{
	(void)r;
	(void)buffer_printf(argument, "%" PRIu64 ":%zu ", place->offset, place->raw.length);
}

static void places_and_counts(void **state)
{
	(void)state;
	struct buffer text, out;
	struct trace_reader_settings settings = { .kind = TRACE_KIND_PLAIN, .take = keep_raw, .argument = &out };
	struct trace_reader *reader = trace_reader_new(&settings);
	buffer_init(&text, 1 << 16);
	buffer_init(&out, 1 << 16);
	expand("noise\nU " A " -> " B "\n{.ok}\nU " A " -> " B "\nno SIP\nnoise\n", &text);
	assert_int_equal(trace_reader_feed(reader, buffer_span(&text)), 0);
	trace_reader_end(reader);
	/* Behind "noise\n"; 35 bytes of the envelope, the message. */
	struct span ok = message_named(span_of("ok"));
	char wanted[64];
	(void)snprintf(wanted, sizeof(wanted), "6:%zu ", 35 + ok.length);
	assert_string_equal(out.at, wanted);
	const struct trace_reader_counts *counts = trace_reader_counts(reader);
	assert_int_equal(counts->lines, 12);
	assert_int_equal(counts->bytes, text.length);
	assert_int_equal(counts->records, 1);
	assert_int_equal(counts->other, 4);
	assert_int_equal(counts->unread, 0);
	trace_reader_free(reader);
	buffer_done(&text);
	buffer_done(&out);
}

/* ---- what is known by one line ---- */

static void starters(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		bool starts;
	} lines[] = {
		{ "INVITE sip:b@b.example SIP/2.0", true },
		{ "  SIP/2.0 200 OK", true },
		{ "U " A " -> " B, true },
		{ "<--- SIP read from UDP:" A " --->", true },
		{ VERBOSE "<--- Received SIP request (485 bytes) from UDP:" A " --->", true },
		{ "recv 1015 bytes from udp/[192.0.2.1]:5060 at 12:00:00.000123:", true },
		{ "====================", true },
		{ P77 "INFO: <script>: SIP/2.0 200 OK#015#012Via: SIP/2.0/UDP 192.0.2.1#015#012", true },
		{ P77 "got INVITE sip:b@b.example SIP/2.0", true },
		{ "Via: SIP/2.0/UDP 192.0.2.1", false },
		{ P77 "Via: SIP/2.0/UDP 192.0.2.1", false },
		{ "a=sendrecv", false },
		{ "", false },
		{ "---", false },
		{ "GET / HTTP/1.1", false },
		{ "Testing went well, see the log", false },
	};
	for (size_t i = 0; i < BASE_COUNT(lines); i++)
		if (trace_plain_starts(span_of(lines[i].line)) != lines[i].starts)
			fail_msg("%s", lines[i].line);
}

/* ---- hostile ---- */

static void count_only(void *argument, const struct record *r, const struct trace_place *place)
{
	(void)r;
	(void)place;
	++*(size_t *)argument;
}

static struct trace_reader_counts feed_many(const char *text, size_t times)
{
	size_t records = 0;
	struct trace_reader_settings settings = { .kind = TRACE_KIND_PLAIN, .take = count_only, .argument = &records };
	struct trace_reader *reader = trace_reader_new(&settings);
	struct buffer block;
	buffer_init(&block, 4 << 20);
	for (size_t i = 0; i < 1000; i++)
		expand(text, &block);
	for (size_t i = 0; i < times / 1000; i++)
		assert_int_equal(trace_reader_feed(reader, buffer_span(&block)), 0);
	buffer_done(&block);
	trace_reader_end(reader);
	struct trace_reader_counts counts = *trace_reader_counts(reader);
	assert_int_equal(counts.records, records);
	trace_reader_free(reader);
	return counts;
}

static void hostile(void **state)
{
	(void)state;
	/* One line of 50 MB. */
	struct trace_reader_counts counts = feed_many("INVITE sip:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 1000000);
	assert_int_equal(counts.unread, 1);
	assert_int_equal(counts.records, 0);
	/* A million envelopes without a message. */
	counts = feed_many("U " A " -> " B "\n", 1000000);
	assert_int_equal(counts.other, 1000000);
	/* Lengths that lie: each message is found again behind the one before, as far as that may cost. */
	counts = feed_many("OPTIONS sip:a@b.example SIP/2.0\r\nl: 2000\r\n\r\n", 20000);
	assert_in_range(counts.records, 1000, 20000);
	/* A header that never ends, a body that never comes, a sender a line. */
	counts = feed_many("A: b\n", 1000000);
	assert_int_equal(counts.other, 1000000);
	counts = feed_many("SIP/2.0 200 OK\nCall-ID: 1\nContent-Type: a\n\nb\n", 20000);
	assert_int_equal(counts.records, 20000);
}

static void many_senders(void **state)
{
	(void)state;
	struct buffer text, out;
	buffer_init(&text, 1 << 20);
	buffer_init(&out, 1 << 20);
	for (unsigned int line = 0; line < 2; line++)
		for (unsigned int sender = 1; sender <= 40; sender++)
			(void)buffer_printf(&text, "Jan  1 12:00:00 pbx k[%u]: %s\n", sender,
				line ? "Call-ID: 1" : "SIP/2.0 200 OK");
	read_all(buffer_span(&text), 0, &out);
	/* More than are kept apart: those that came longest ago are given up, and counted. */
	size_t records = 0;
	for (size_t i = 0; i < out.length; i++)
		records += out.at[i] == '<';
	assert_in_range(records / 3, 0, 40);
	buffer_done(&text);
	buffer_done(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ngrep),
		cmocka_unit_test(ngrep_segments),
		cmocka_unit_test(other_captures),
		cmocka_unit_test(proxies),
		cmocka_unit_test(exchanges),
		cmocka_unit_test(syslogs),
		cmocka_unit_test(messages_alone),
		cmocka_unit_test(bodies_that_quote),
		cmocka_unit_test(messages_that_were_cut),
		cmocka_unit_test(places_and_counts),
		cmocka_unit_test(starters),
		cmocka_unit_test(hostile),
		cmocka_unit_test(many_senders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
