/* SPDX-License-Identifier: Apache-2.0 */
/* What a file is, told by its content; and that reading it in two parts gives what reading it at once gives. */
#include "base/buffer.h"
#include "trace/reader.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>

#define STAMP "2017-03-02T08:10:46.240+01:00 vcse tvcs: "
#define UTC "UTCTime=\"2017-03-02 07:10:46,240\" "
#define SIP_LINE                                                                                                       \
	STAMP UTC "Module=\"network.sip\" Level=\"DEBUG\":  Action=\"Received\" Src-ip=\"192.0.2.6\" Msg-Hash=\"7\"\n"
#define MESSAGE " SIPMSG:\n |OPTIONS sip:a@b.example SIP/2.0\n Call-ID: 1\n CSeq: 1 OPTIONS\n\n |\n"
#define EVENT STAMP "Event=\"Search Attempted\" Service=\"SIP\" Level=\"1\" " UTC "\n"
#define STACK                                                                                                          \
	"TL_INFO(TF_PROTOCOL) [0]06E4.0EB4::01/18/2012-05:00:43.101.00005386 "                                         \
	"(SIPStack,A::B:C.cpp(125))$$begin_record\n"
#define STACK_BODY                                                                                                     \
	"Direction: incoming\nStart-Line: OPTIONS sip:a@b.example SIP/2.0\nCSeq: 1 OPTIONS\nMessage-Body: "            \
	"-\n$$end_record\n"
#define CLIENT "03/02/2017|08:10:46.240 0584:0A44 INFO  :: "
#define PACKET                                                                                                         \
	CLIENT "Data Received -192.0.2.6:5061 (To Local Address: 192.0.2.7:25002) 64 bytes:\n" CLIENT                  \
	       "SIP/2.0 200 OK\nCSeq: 1 OPTIONS\n\n" CLIENT                                                            \
	       "End of Data Received -192.0.2.6:5061 (To Local Address: 192.0.2.7:25002) 64 bytes\n"
#define NOISE "\1\2\3\4\5\6\7\1\2\3\4\5\6\7\0\0\0\0\0\0"
#define JSON "{\"kind\":\"node\",\"time\":\"2017-03-02T07:10:46.240000Z\"}\n"

static void kinds_by_content(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		enum trace_kind kind;
		struct span head;
	} cases[] = {
		{ "nothing", TRACE_KIND_UNKNOWN, SPAN("") },
		{ "a SIPp scenario", TRACE_KIND_UNKNOWN,
			SPAN("<?xml version=\"1.0\"?>\n<scenario name=\"caller\">\n<send><![CDATA[\n"
			     "INVITE sip:bob@b.lab SIP/2.0\nVia: SIP/2.0/TLS h;branch=[branch]\n"
			     "From: <sip:a@a.lab>;tag=1\nCall-ID: [call_id]\nCSeq: 1 INVITE\n\n]]></send>\n") },
		{ "expressway", TRACE_KIND_EXPRESSWAY, SPAN(SIP_LINE MESSAGE EVENT) },
		{ "expressway, one event", TRACE_KIND_EXPRESSWAY, SPAN(EVENT) },
		{ "expressway, first line cut", TRACE_KIND_EXPRESSWAY, SPAN("\"5061\" Detail=\"x\"\n" EVENT) },
		{ "expressway, cut inside a message", TRACE_KIND_EXPRESSWAY,
			SPAN(" CSeq: 1 OPTIONS\n \n" SIP_LINE MESSAGE) },
		{ "expressway, UTF-8 mark", TRACE_KIND_EXPRESSWAY, SPAN("\xef\xbb\xbf" SIP_LINE MESSAGE) },
		{ "expressway, holes in front", TRACE_KIND_EXPRESSWAY, SPAN("\0\0\0\0\0\0\0\0" SIP_LINE MESSAGE) },
		{ "expressway, CR LF", TRACE_KIND_EXPRESSWAY, SPAN(STAMP "Event=\"x\"\r\n" STAMP "Event=\"y\"\r\n") },
		{ "expressway, syslog priority", TRACE_KIND_EXPRESSWAY, SPAN("<166>" EVENT "<166>" SIP_LINE MESSAGE) },
		{ "expressway, a relay's stamp", TRACE_KIND_EXPRESSWAY,
			SPAN("Mar  2 08:10:46 relay tvcs: tvcs: " UTC "Module=\"network.dns\"\n") },
		{ "expressway, with an answer that explains itself", TRACE_KIND_EXPRESSWAY,
			SPAN(SIP_LINE " SIPMSG:\n |SIP/2.0 504 Server time-out\n ms-diagnostics: 1009;reason=\"x\"\n\n "
				      "|\n") },
		{ "sipstack", TRACE_KIND_SIPSTACK, SPAN(STACK STACK_BODY) },
		{ "sipstack, cut in front", TRACE_KIND_SIPSTACK,
			SPAN("CSeq: 1 OPTIONS\n$$end_record\n" STACK STACK_BODY) },
		{ "uccapi", TRACE_KIND_UCCAPI, SPAN(PACKET) },
		{ "json", TRACE_KIND_JSON, SPAN(JSON JSON) },
		{ "json, first line cut", TRACE_KIND_JSON, SPAN("e\":\"vcse\"}\n" JSON) },
		{ "another JSON", TRACE_KIND_MIXED, SPAN("{\"level\":\"info\"}\n") },
		{ "messages alone", TRACE_KIND_PLAIN, SPAN("SIP/2.0 200 OK\r\nCSeq: 1 OPTIONS\r\n\r\n") },
		{ "ngrep", TRACE_KIND_PLAIN,
			SPAN("U 192.0.2.1:5060 -> 192.0.2.2:5060\n  OPTIONS sip:a@b.example SIP/2.0.\n") },
		{ "messages that explain themselves", TRACE_KIND_PLAIN,
			SPAN("SIP/2.0 504 Server time-out\nms-diagnostics: 1009\n\n") },
		{ "prose", TRACE_KIND_MIXED, SPAN("Dear colleagues,\nthe call fails.\n") },
		{ "prose around a start line that was joined", TRACE_KIND_MIXED,
			SPAN("He gets\nSIP/2.0 504 Server time-out Via: SIP/2.0/TLS 192.0.2.1\n") },
		{ "prose around a log", TRACE_KIND_MIXED,
			SPAN("Dear colleagues,\nthe call fails.\nThis is\nwhat the log says:\n" EVENT
			     "\nIs it\nthe certificate?\n") },
		{ "a log that was wrapped", TRACE_KIND_MIXED,
			SPAN(STAMP "UTCTime=\"2017-03-02\n07:10:46,240\" Module=\"network.sip\"\nLevel=\"DEBUG\": "
				   "Action=\"Received\"\nMsg-Hash=\"1\"\nSIPMSG:\n") },
		{ "a message whose lines were wrapped", TRACE_KIND_MIXED,
			SPAN(SIP_LINE "SIPMSG:\n|SIP/2.0 200 OK\nVia: SIP/2.0/TLS "
				      "192.0.2.1;egress-\nzone=a;branch=b\n" SIP_LINE
				      "SIPMSG:\n|SIP/2.0 200 OK Via: SIP/2.0/TLS 192.0.2.1\n" SIP_LINE
				      "SIPMSG:\n|SIP/2.0 200 OK Via: SIP/2.0/TLS 192.0.2.1\n") },
		{ "numbers in front", TRACE_KIND_MIXED, SPAN("Line 190: " EVENT "Line 191: " EVENT) },
		{ "two kinds", TRACE_KIND_MIXED, SPAN(EVENT STACK STACK_BODY) },
		{ "a damaged stamp of a trace", TRACE_KIND_MIXED,
			SPAN("TL WARN(TF DIAG) [a\\b]0584.0A44::03/02/2017\n") },
		{ "UTF-16 with its mark", TRACE_KIND_MIXED,
			SPAN("\xff\xfe"
			     "0\0003\0/\0000\0002\0") },
		{ "UTF-16 without", TRACE_KIND_MIXED,
			SPAN("\0000\0003\0/\0000\0002\0/\0002\0000\0001\0007\0|\0000\0008") },
		{ "pcap", TRACE_KIND_CAPTURE, SPAN("\xd4\xc3\xb2\xa1\2\0\4\0") },
		{ "pcap, other byte order", TRACE_KIND_CAPTURE, SPAN("\xa1\xb2\xc3\xd4\0\2\0\4") },
		{ "pcap, nanoseconds", TRACE_KIND_CAPTURE, SPAN("\x4d\x3c\xb2\xa1\2\0\4\0") },
		{ "pcapng", TRACE_KIND_CAPTURE, SPAN("\n\r\r\n\x1c\0\0\0\x4d\x3c\x2b\x1a") },
		{ "pcapng, other byte order", TRACE_KIND_CAPTURE, SPAN("\n\r\r\n\0\0\0\x1c\x1a\x2b\x3c\x4d") },
		{ "nearly pcapng", TRACE_KIND_MIXED, SPAN("\n\r\r\nHello there\n") },
		{ "HEP", TRACE_KIND_HEP, SPAN("HEP3\0\x10\0\0\0\1\0\7") },
		{ "configuration", TRACE_KIND_DUMP,
			SPAN("*c xConfiguration SystemUnit Name: \"vcse\"\n*c xConfiguration Zones Zone 6 Name: "
			     "\"x\"\n") },
		{ "status", TRACE_KIND_DUMP, SPAN("*s SystemUnit: /\n  Product: \"x\"\n*s/end\n") },
		{ "configuration in XML", TRACE_KIND_DUMP,
			SPAN("<?xml version=\"1.0\"?>\n<Configuration>\n</Configuration>\n") },
		{ "bytes", TRACE_KIND_UNKNOWN,
			SPAN("\x7f"
			     "ELF\2\1\1\0\0\0\0\0\0\0\0\0SIP/2.0 200 OK\n") },
		{ "a broken byte in a log", TRACE_KIND_EXPRESSWAY,
			SPAN(SIP_LINE " SIPMSG:\n |OPTIONS sip:\1@b SIP/2.0\n\n |\n") },
		{ "many broken bytes in a short log", TRACE_KIND_EXPRESSWAY,
			SPAN(SIP_LINE " SIPMSG:\n |OPTIONS sip:" NOISE "@b SIP/2.0\n Subject: " NOISE
				      "\n\n |\n" EVENT) },
		{ "a short log and holes behind it", TRACE_KIND_SIPSTACK, SPAN(STACK STACK_BODY NOISE NOISE NOISE) },
		{ "the name of a product among bytes", TRACE_KIND_UNKNOWN, SPAN(NOISE " tvcs: UTCTime=\"" NOISE) },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		/* Of its own size, so that who looks too far is seen. */
		char *copy = malloc(cases[i].head.length ? cases[i].head.length : 1);
		memcpy(copy, cases[i].head.at, cases[i].head.length);
		enum trace_kind kind = trace_kind_detect(span_make(copy, cases[i].head.length));
		free(copy);
		if (kind != cases[i].kind)
			fail_msg("%s: %s instead of %s", cases[i].name, trace_kind_word(kind),
				trace_kind_word(cases[i].kind));
	}
}

/* As far as detection looks there is more noise than log. */
static void a_log_before_noise_is_a_log(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int first, step; /* bytes of the noise */
	} cases[] = { { "holes", 0, 0 }, { "bytes", 1, 7 } };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer text;
		buffer_init(&text, 1 << 20);
		while (text.length < 18000)
			(void)buffer_append(&text, SPAN(SIP_LINE MESSAGE EVENT));
		for (int n = 0; n < 64000; n++)
			buffer_append_byte(&text, (char)(cases[i].first + n * cases[i].step));
		enum trace_kind kind = trace_kind_detect(buffer_span(&text));
		buffer_done(&text);
		if (kind != TRACE_KIND_EXPRESSWAY)
			fail_msg("%s behind a log: %s", cases[i].name, trace_kind_word(kind));
	}
}

static void words(void **state)
{
	(void)state;
	assert_string_equal(trace_kind_word(TRACE_KIND_EXPRESSWAY), "expressway");
	assert_string_equal(trace_kind_word(TRACE_KIND_DUMP), "dump");
	assert_string_equal(trace_kind_word(TRACE_KIND_UNKNOWN), "unknown");
	assert_true(trace_kind_counts_packets(TRACE_KIND_HEP));
	assert_false(trace_kind_counts_packets(TRACE_KIND_MIXED));
}

/* ---- cutting ---- */

static struct trace_writer *json;

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	(void)place;
	assert_int_equal(trace_writer_write(json, r, argument), 0);
}

static void read_part(enum trace_kind kind, struct span text, struct buffer *out)
{
	struct trace_reader_settings settings = { .kind = kind, .take = take, .argument = out };
	struct trace_writer_settings writer = { .format = TRACE_JSON };
	struct trace_reader *reader = trace_reader_new(&settings);
	json = trace_writer_new(&writer);
	assert_int_equal(trace_reader_feed(reader, text), 0);
	trace_reader_end(reader);
	trace_reader_free(reader);
	json = trace_writer_free(json);
}

static void any_cut_gives_the_same_records(void **state)
{
	(void)state;
	static const struct {
		enum trace_kind kind;
		struct span text;
	} cases[] = {
		{ TRACE_KIND_EXPRESSWAY, SPAN(SIP_LINE MESSAGE EVENT SIP_LINE MESSAGE EVENT EVENT SIP_LINE
						 " SIPMSG:\n |SIP/2.0 200 OK\n") },
		{ TRACE_KIND_SIPSTACK, SPAN(STACK STACK_BODY STACK STACK_BODY STACK STACK_BODY) },
		{ TRACE_KIND_UCCAPI, SPAN(PACKET CLIENT "Connecting to 192.0.2.6:5061\n" PACKET PACKET) },
		{ TRACE_KIND_JSON, SPAN(JSON JSON JSON) },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buffer whole, parts;
		buffer_init(&whole, 1 << 20);
		buffer_init(&parts, 1 << 20);
		read_part(cases[i].kind, cases[i].text, &whole);
		assert_true(whole.length > 0);
		assert_int_equal(trace_kind_next_record(cases[i].kind, cases[i].text), 0);
		for (size_t cut = 1; cut < cases[i].text.length; cut++) {
			size_t at = cut + trace_kind_next_record(cases[i].kind, span_from(cases[i].text, cut));
			buffer_clear(&parts);
			read_part(cases[i].kind, span_first(cases[i].text, at), &parts);
			read_part(cases[i].kind, span_from(cases[i].text, at), &parts);
			if (!span_equal(buffer_span(&whole), buffer_span(&parts)))
				fail_msg("%s cut at %zu, begun at %zu", trace_kind_word(cases[i].kind), cut, at);
		}
		buffer_done(&whole);
		buffer_done(&parts);
	}
	assert_int_equal(trace_kind_next_record(TRACE_KIND_MIXED, SPAN("a\nb\n")), 4);
	assert_int_equal(trace_kind_next_record(TRACE_KIND_UNKNOWN, SPAN("a\nb\n")), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_by_content),
		cmocka_unit_test(a_log_before_noise_is_a_log),
		cmocka_unit_test(words),
		cmocka_unit_test(any_cut_gives_the_same_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
