/* SPDX-License-Identifier: Apache-2.0 */
/* An Expressway's log as others leave it: lines of all releases, of relays and of copies. Each case gives what is read
 * of it in a few words, so that a table shows what is made of what. */
#include "unit/trace/told.h"

#define STAMP "2017-03-02T08:10:46.240+01:00 vcse tvcs: "
#define UTC "UTCTime=\"2017-03-02 07:10:46,240\" "
#define ENDS "Local-ip=\"192.0.2.47\" Local-port=\"25002\" Src-ip=\"192.0.2.6\" Src-port=\"5061\" "
#define SIP_DEBUG STAMP UTC "Module=\"network.sip\" Level=\"DEBUG\":  Action=\"Received\" " ENDS "Msg-Hash=\"7\"\n"
#define SIP_INFO                                                                                                       \
	STAMP UTC "Module=\"network.sip\" Level=\"INFO\":  Action=\"Received\" " ENDS                                  \
		  "Detail=\"Receive Response Code=404, Method=INVITE, CSeq=5, To=sip:b@b.example, Call-ID=c1, "        \
		  "From-Tag=f, To-Tag=t, Msg-Hash=7, Local-SessionID=aa, Remote-SessionID=bb\"\n"
/* With identifiers as long as they are. */
#define SESSION "0123456789abcdef0123456789abcdef"
#define PAIR                                                                                                           \
	STAMP UTC "Module=\"network.sip\" Level=\"INFO\":  Action=\"Received\" " ENDS                                  \
		  "Detail=\"Receive Response Code=404, Method=INVITE, CSeq=5, To=sip:b@b.example, Call-ID=c1, "        \
		  "From-Tag=f, To-Tag=t, Msg-Hash=7, Local-SessionID=" SESSION ", Remote-SessionID=" SESSION           \
		  "\"\n" SIP_DEBUG

#define COMPARE(cases) told_compare(TRACE_KIND_EXPRESSWAY, cases, sizeof(cases) / sizeof((cases)[0]))
#define MESSAGE "1 message received remote=192.0.2.6:5061"
#define BYTES " bytes=SIP/2.0 404 Not Found\\r\\nCall-ID: c1\\r\\n"

static void messages(void **state)
{
	(void)state;
	static const struct told_reading cases[] = {
		{ "as our own log has it", SPAN(SIP_DEBUG " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n\n\n |\n"),
			MESSAGE BYTES "\\r\\n" },
		{ "without the bar at the end",
			SPAN(SIP_DEBUG " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n \n" SIP_DEBUG),
			MESSAGE BYTES "\\r\\n\nother 1" },
		{ "no blank in front of anything",
			SPAN(SIP_DEBUG "SIPMSG:\n|SIP/2.0 404 Not Found\nCall-ID: c1\n\n" SIP_DEBUG),
			MESSAGE BYTES "\\r\\n\nother 1" },
		{ "the bar in the first column, no empty line",
			SPAN(SIP_DEBUG " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n|\n"),
			MESSAGE BYTES "\\r\\n" },
		{ "a body, then the bar in the first column",
			SPAN(SIP_DEBUG
				" SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n Content-Length: 4\n \n ab\n|\n"),
			MESSAGE BYTES "Content-Length: 4\\r\\n\\r\\nab\\r\\n" },
		{ "the bar behind the last line of the body",
			SPAN(SIP_DEBUG
				" SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n Content-Length: 2\n \n ab|\n"),
			MESSAGE BYTES "Content-Length: 2\\r\\n\\r\\nab" },
		{ "a body whose lines ended in LF",
			SPAN(SIP_DEBUG
				" SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n l: 5\n \n a\n bc\n" SIP_DEBUG),
			MESSAGE BYTES "l: 5\\r\\n\\r\\na\\nbc\\n\nother 1" },
		{ "a body shorter than it says",
			SPAN(SIP_DEBUG "SIPMSG:\n|SIP/2.0 404 Not Found\nCall-ID: c1\nl: 99\n\nab\n"),
			MESSAGE BYTES "l: 99\\r\\n\\r\\nab\\r\\n" },
		{ "CR LF in the log", SPAN(SIP_DEBUG "SIPMSG:\r\n|SIP/2.0 404 Not Found\r\nCall-ID: c1\r\n\r\n"),
			MESSAGE BYTES "\\r\\n" },
		{ "a header as long as a block",
			SPAN(SIP_DEBUG
				" SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n X: "
				"0123456789012345678901234567890123456789012345678901234567890123456789\n \n |\n"),
			MESSAGE BYTES
			"X: 0123456789012345678901234567890123456789012345678901234567890123456789\\r\\n\\r\\n" },
		{ "cut off at the end of the file", SPAN(SIP_DEBUG " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1"),
			MESSAGE BYTES "\\r\\n" },
		{ "nothing behind it", SPAN(SIP_DEBUG SIP_DEBUG), "other 2" },
		{ "an old release: no Action, two blanks",
			SPAN("2012-12-11T03:07:02+00:00 cisco tvcs: UTCTime=\"2012-12-11 03:07:02,238\" "
			     "Module=\"network.sip\" Level=\"DEBUG\":  Dst-ip=\"192.0.2.6\"  Dst-port=\"5061\" \n "
			     "SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n|\n"),
			"1 message sent remote=192.0.2.6:5061" BYTES "\\r\\n" },
		{ "blanks inside the quotes",
			SPAN(STAMP UTC "Module=\"network.sip\" Level=\"DEBUG\": Action=\" Sent \" Local-ip=\" "
				       "192.0.2.47 \" Dst-ip=\"192.0.2.6 \" Dst-port=\" 5061 \" Msg-Hash= "
				       "\"7\"\nSIPMSG:\n|SIP/2.0 404 Not Found\nCall-ID: c1\n\n"),
			"1 message sent remote=192.0.2.6:5061" BYTES "\\r\\n" },
	};
	COMPARE(cases);
}

static void summaries(void **state)
{
	(void)state;
	static const char made[] = "1 message summary received remote=192.0.2.6:5061 session=aa bytes=SIP/2.0 404 "
				   "\\r\\nFrom: <>;tag=f\\r\\nTo: <sip:b@b.example>;tag=t\\r\\nCall-ID: c1\\r\\nCSeq: "
				   "5 INVITE\\r\\nContent-Length: 0\\r\\n\\r\\n";
	static const struct told_reading cases[] = {
		{ "a summary only", SPAN(SIP_INFO), made },
		{ "a summary, then its message",
			SPAN(SIP_INFO SIP_DEBUG " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n\n\n |\n"),
			"2 message received remote=192.0.2.6:5061 session=aa" BYTES "\\r\\n\nother 1" },
		{ "a summary, then its message, behind another line",
			SPAN(STAMP UTC "Module=\"x\" Level=\"DEBUG\": a=\"b\"\n" PAIR
				       " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n\n\n |\n"),
			"3 message received remote=192.0.2.6:5061 session=0123456789abcdef0123456789abcdef" BYTES
			"\\r\\n\nother 2" },
		{ "a message, then its summary",
			SPAN(SIP_DEBUG " SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n\n\n |\n" SIP_INFO),
			MESSAGE BYTES "\\r\\n\nother 1" },
		{ "a summary whose message does not come within a second",
			SPAN(SIP_INFO "2017-03-02T08:10:48.000+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:48,000\" "
				      "Event=\"x\"\n"),
			"1 message summary received remote=192.0.2.6:5061 session=aa bytes=SIP/2.0 404 \\r\\nFrom: "
			"<>;tag=f\\r\\nTo: <sip:b@b.example>;tag=t\\r\\nCall-ID: c1\\r\\nCSeq: 5 "
			"INVITE\\r\\nContent-Length: 0\\r\\n\\r\\n"
			"\n2 notice note module=tvcs name=x" },
	};
	COMPARE(cases);
}

/* A summary and its message, as most of a log is: by connection, by hash. */
#define FROM(port) "Local-ip=\"192.0.2.47\" Local-port=\"25002\" Src-ip=\"192.0.2.6\" Src-port=\"" port "\""
#define PAIR_OF(ends, hash)                                                                                            \
	STAMP UTC "Module=\"network.sip\" Level=\"INFO\":  Action=\"Received\" " ends                                  \
		  " Detail=\"Receive Response Code=404, Method=INVITE, CSeq=5, To=sip:b@b.example, Call-ID=c1, "       \
		  "From-Tag=f, To-Tag=t, Msg-Hash=" hash ", Local-SessionID=, Remote-SessionID=\"\n" STAMP UTC         \
		  "Module=\"network.sip\" Level=\"DEBUG\":  Action=\"Received\" " ends " Msg-Hash=\"" hash             \
		  "\"\n SIPMSG:\n |SIP/2.0 404 Not Found\n Call-ID: c1\n\n\n |\n"
#define FROM_PORT(line, port) #line " message received remote=192.0.2.6:" port BYTES "\\r\\n\n"

static void connections(void **state)
{
	(void)state;
	static const struct told_reading cases[] = {
		{ "ends that were seen before are those of the line, not of the message before",
			SPAN(PAIR_OF(FROM("5061"), "11") PAIR_OF(FROM("5061"), "12") PAIR_OF(FROM("5061"), "13")
					PAIR_OF(FROM("5062"), "14") PAIR_OF(FROM("5061"), "15")
						PAIR_OF(FROM("5062"), "16")),
			FROM_PORT(2, "5061") FROM_PORT(10, "5061") FROM_PORT(18, "5061") FROM_PORT(26, "5062")
				FROM_PORT(34, "5061") FROM_PORT(42, "5062") "other 6" },
	};
	COMPARE(cases);
}

struct front {
	char node[32];
	int64_t time_us;
	size_t count;
};

static void take_front(void *argument, const struct record *r, const struct trace_place *place)
{
	struct front *front = argument;
	(void)place;
	assert_true(span_copy_to(r->head.node, front->node, sizeof(front->node)));
	front->time_us = r->head.time_us;
	front->count++;
}

static int32_t an_hour_east(void *argument, int64_t local_us)
{
	(void)argument;
	(void)local_us;
	return 3600;
}

static struct front read_front(const char *front, const char *rest)
{
	struct buffer text;
	struct front got = { 0 };
	struct trace_reader_settings settings = { .kind = TRACE_KIND_EXPRESSWAY,
		.take = take_front,
		.argument = &got,
		.utc_offset_s = an_hour_east,
		.written_us = INT64_C(1488438646000000) };
	struct trace_reader *reader = trace_reader_new(&settings);
	buffer_init(&text, 4096);
	buffer_printf(&text, "%s%s\n", front, rest);
	assert_int_equal(trace_reader_feed(reader, buffer_span(&text)), 0);
	trace_reader_end(reader);
	trace_reader_free(reader);
	buffer_done(&text);
	return got;
}

static void fronts(void **state)
{
	(void)state;
	static const struct {
		const char *front, *node;
		int64_t stamp_us; /* where the line has no UTCTime; -1: no time at all */
	} cases[] = {
		{ "2017-03-02T08:10:46.240+01:00 vcse tvcs: ", "vcse", INT64_C(1488438646240000) },
		{ "2017-03-02T08:10:46+01:00 vcse tvcs: ", "vcse", INT64_C(1488438646000000) },
		{ "2017-03-02 08:10:46,240 vcse tvcs: ", "vcse", INT64_C(1488438646240000) },
		{ "<166>2017-03-02T07:10:46Z vcse tvcs: tvcs: ", "vcse", INT64_C(1488438646000000) },
		{ "<166>Mar  2 08:10:46 vcse tvcs: ", "vcse", INT64_C(1488438646000000) },
		{ "Mar  2 08:10:46 vcse tvcs: ", "vcse", INT64_C(1488438646000000) },
		{ "Dec 31 08:10:46 vcse tvcs: ", "vcse", INT64_C(1483168246000000) },
		{ "Mar  2 09:10:46 relay 2017-03-02T08:10:46.240+01:00 vcse tvcs: ", "vcse",
			INT64_C(1488438646240000) },
		{ "<166>1 2017-03-02T08:10:46.240+01:00 vcse tvcs 123 - - ", "vcse", INT64_C(1488438646240000) },
		{ "<166>1 2017-03-02T08:10:46.240+01:00 vcse tvcs - ID [a b=\"c\"] tvcs: ", "vcse",
			INT64_C(1488438646240000) },
		{ "2017-03-02T08:10:46.240+01:00 vcse tvcs[123]: ", "vcse", INT64_C(1488438646240000) },
		{ "2017-03-02T08:10:46.240+01:00 vcse ", "vcse", INT64_C(1488438646240000) },
		{ "2017-03-02T08:10:46.240+01:00 ", "", INT64_C(1488438646240000) },
		{ "2017-03-02T08:10:46.240+01:00 of no host tvcs: ", "of no host", INT64_C(1488438646240000) },
		{ "tvcs: ", "", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct front got = read_front(cases[i].front, UTC "Event=\"x\"");
		if (got.count != 1 || got.time_us != INT64_C(1488438646240000) || strcmp(got.node, cases[i].node) != 0)
			fail_msg(
				"%s: %zu records, node %s, %" PRId64, cases[i].front, got.count, got.node, got.time_us);
		got = read_front(cases[i].front, "Event=\"x\"");
		if (got.count != (cases[i].stamp_us >= 0) || (got.count && got.time_us != cases[i].stamp_us))
			fail_msg("%swithout UTCTime: %zu records, %" PRId64, cases[i].front, got.count, got.time_us);
	}
}

#define SSL(level)                                                                                                     \
	STAMP UTC "Module=\"developer.ssl\" Level=\"" level                                                            \
		  "\" CodeLocation=\"ttssl_openssl.cpp(68)\" Thread=\"0x7f29ddefa700\":  "
#define SSL_FAILED(reason)                                                                                             \
	STAMP UTC "Module=\"developer.ssl\" Level=\"ERROR\" CodeLocation=\"ttssl_openssl.cpp(68)\" "                   \
		  "Method=\"::TTSSLErrorOutput\" Thread=\"0x7f29ddefa700\": TTSSL_continueHandshake: Failed to "       \
		  "establish SSL connection iResult=\"-1\" error=\"1\" bServer=\"true\" "                              \
		  "localAddress=\"['IPv4''TCP''192.0.2.47:5061']\" remoteAddress=\"['IPv4''TCP''192.0.2.6:58531']\" "  \
		  "ssl_error_reason=\"" reason "\"\n"
#define TLS_EVENT(detail)                                                                                              \
	STAMP "Event=\"Inbound TLS Negotiation Error\" Service=\"SIP\" Src-ip=\"192.0.2.6\" Src-port=\"58531\" "       \
	      "Dst-ip=\"192.0.2.47\" Dst-port=\"5061\" Detail=\"" detail                                               \
	      "\" Protocol=\"TLS\" Level=\"1\" UTCTime=\"2017-03-02 07:10:46,240\"\n"

static void handshakes(void **state)
{
	(void)state;
	static const struct told_reading cases[] = {
		{ "names, then success",
			SPAN(SSL("DEBUG") "Detail=\"Found common name in peer certificate\" "
					  "CommonName=\"a.example\"\n" SSL(
						  "DEBUG") "Detail=\"Found DNS alt-name in peer certificate\" "
							   "AltName=\"b.example\"\n" SSL(
								   "INFO") "Detail="
									   "\"Handshake "
									   "in "
									   "progress\" "
									   "Reason="
									   "\"want "
									   "read/"
									   "write\""
									   "\n" SSL("DEBU"
										    "G") "Detail=\"Handshake "
											 "succeeded\"\n"),
			"4 handshake done client cn=a.example name=b.example\nother 3" },
		{ "an event alone", SPAN(TLS_EVENT("Peer's TLS certificate identity was unacceptable")),
			"1 handshake failed server remote=192.0.2.6:58531 reason=Peer's TLS certificate "
			"identity was unacceptable" },
		{ "an event, blanks inside the quotes",
			SPAN(STAMP "Event=\" Inbound TLS Negotiation Error \" Src-ip=\"192.0.2.6\" "
				   "Detail=\"x\" " UTC "\n"),
			"1 handshake failed server remote=192.0.2.6:0 reason=x" },
		{ "the module alone",
			SPAN(SSL_FAILED("error:14089086:SSL routines:ssl3_get_client_certificate: certificate "
					"verify failed")),
			"1 handshake failed server remote=192.0.2.6:58531 reason=error:14089086:SSL "
			"routines:ssl3_get_client_certificate: certificate verify failed" },
		{ "the event, then the module",
			SPAN(TLS_EVENT("self signed certificate in certificate chain")
					SSL_FAILED("certificate verify failed")),
			"1 handshake failed server remote=192.0.2.6:58531 reason=certificate verify failed "
			"verify=self signed certificate in certificate chain" },
		{ "the module, then the event",
			SPAN(SSL_FAILED("certificate verify failed")
					TLS_EVENT("self signed certificate in certificate chain")),
			"1 handshake failed server remote=192.0.2.6:58531 reason=certificate verify failed "
			"verify=self signed certificate in certificate chain" },
		{ "both say the same",
			SPAN(TLS_EVENT("sslv3 alert certificate unknown")
					SSL_FAILED("error:14094416:SSL routines:ssl3_read_bytes: sslv3 alert "
						   "certificate unknown")),
			"1 handshake failed server remote=192.0.2.6:58531 reason=error:14094416:SSL "
			"routines:ssl3_read_bytes: sslv3 alert certificate unknown alert=46" },
		{ "two failures", SPAN(TLS_EVENT("a") TLS_EVENT("tlsv1 alert unknown ca")),
			"1 handshake failed server remote=192.0.2.6:58531 reason=a\n2 handshake failed server "
			"remote=192.0.2.6:58531 reason=tlsv1 alert unknown ca alert=48" },
	};
	COMPARE(cases);
}

static void other_lines(void **state)
{
	(void)state;
	static const struct told_reading cases[] = {
		{ "an address that was found",
			SPAN(STAMP UTC
				"Module=\"network.dns\" Level=\"DEBUG\":  Detail=\"Resolved hostname to:  "
				"['IPv4''TCP''192.0.2.6:5060'] (A/AAAA) Number of relevant records retrieved: 1\"\n"),
			"1 dns-answer type=A record=192.0.2.6" },
		{ "a question",
			SPAN(STAMP UTC "Module=\"network.dns\" Level=\"DEBUG\":  Detail=\"Sending DNS query\" "
				       "Name=\"_sip._tcp.a.example\" Type=\"SRV (IPv4 and IPv6)\"\n"),
			"1 dns-query name=_sip._tcp.a.example type=SRV" },
		{ "a connection that failed",
			SPAN(STAMP UTC
				"Module=\"network.tcp\" Level=\"ERROR\":  Src-ip=\"192.0.2.47\" Src-port=\"27921\" "
				"Dst-ip=\"192.0.2.6\" Dst-port=\"4401\" Detail=\"TCP Connection Failed\"\n"),
			"1 connection 4 client remote=192.0.2.6:4401" },
		{ "a search, Level and UTCTime last",
			SPAN(STAMP "Event=\"Search Completed\" Reason=\"Not Found\" Service=\"SIP\" "
				   "Response-code=\"404\" Level=\"1\" UTCTime=\"2017-03-02 07:10:46,240\"\n"),
			"1 search reason=Not Found 404" },
		{ "an event without a record of its own",
			SPAN(STAMP "Event=\"Authentication Failed\" Service=\"SIP\" Src-ip=\"192.0.2.6\" "
				   "Src-port=\"25723\" Detail=\"Incorrect authentication credential for user\" "
				   "Protocol=\"TLS\" Method=\"OPTIONS\" Level=\"1\" UTCTime=\"2017-03-02 "
				   "07:10:46,240\"\n"),
			"1 notice warning module=tvcs name=Authentication Failed detail=Incorrect authentication "
			"credential for user remote=192.0.2.6:25723" },
		{ "an alarm",
			SPAN("2020-08-12T14:57:43.524-05:00 expc01 alarm: Level=\"WARN\" Event=\"Alarm Raised\" "
			     "Id=\"20006\" Severity=\"warning\" Detail=\"Cluster database communication failure: x\" "
			     "UTCTime=\"2020-08-12 19:57:43,524\"\n"),
			"1 notice warning module=alarm name=Alarm Raised detail=Cluster database communication "
			"failure: x" },
		{ "policy",
			SPAN(STAMP UTC "Module=\"network.cpl\" Level=\"DEBUG\": Remote-ip=\"192.0.2.6\" Detail=\"CPL: "
				       "<reject status=\\\"403\\\"/> \"\n"),
			"1 notice note module=network.cpl name=CPL detail=CPL: <reject status=\"403\"/>" },
		{ "a zone by its certificate",
			SPAN(STAMP UTC "Module=\"developer.zone.zonemgr\" Level=\"DEBUG\" Thread=\"0x7f577f0a0700\":  "
				       "this=\"0x56408ff81220\"  Detail=\"Searched for DNS Zones by Subject Name\" "
				       "Found=\"True\" MatchedZone=\"Partners\"\n"),
			"1 notice note module=developer.zone.zonemgr name=Searched for DNS Zones by Subject Name "
			"detail=Searched for DNS Zones by Subject Name MatchedZone=Partners" },
		{ "words in no key",
			SPAN(STAMP UTC "Module=\"developer.zone.zonemgr\" Level=\"DEBUG\" Thread=\"0x7f\":  "
				       "this=\"0x56\" classified subject name a.example into DNS zone Partners\n"),
			"1 notice note module=developer.zone.zonemgr name=classified subject name a.example into DNS "
			"zone Partners detail=classified subject name a.example into DNS zone Partners" },
		{ "credentials",
			SPAN(STAMP UTC "Module=\"network.ldap\" Level=\"INFO\": Detail=\"Authentication credential "
				       "found in directory for identity: traversal\"\n"),
			"1 notice note module=network.ldap name=Authentication credential found in directory for "
			"identity detail=Authentication credential found in directory for identity: traversal" },
		{ "a warning of any module",
			SPAN(STAMP UTC "Module=\"developer.nomodule\" Level=\"WARN\" CodeLocation=\"x.cpp(686)\" "
				       "Thread=\"0x7f\": calculated response does not match supplied response, "
				       "response=319a\n"),
			"1 notice warning module=developer.nomodule name=calculated response does not match supplied "
			"response detail=calculated response does not match supplied response, response=319a" },
		{ "H.323 without an answer",
			SPAN(STAMP UTC "Module=\"network.h323\" Level=\"INFO\":  Action=\"Sent\" Dst-ip=\"192.0.2.16\" "
				       "Dst-port=\"1719\" Detail=\"Sending RAS LRQ  SeqNum=52320 Timeout=True\"\n"),
			"1 notice note module=network.h323 name=Sending RAS LRQ  SeqNum detail=Sending RAS LRQ  "
			"SeqNum=52320 Timeout=True remote=192.0.2.16:1719" },
		{ "a mark", SPAN(STAMP "DEBUG_MARKER: here it fails " UTC "\n"),
			"1 notice note module=tvcs name=DEBUG_MARKER detail=DEBUG_MARKER: here it fails" },
		{ "lines for developers, of unknown modules and processes",
			SPAN(STAMP UTC "Module=\"developer.fsm.x\" Level=\"TRACE\" Self=\"a\" Msg=\"b\"\n" STAMP UTC
				       "Module=\"network.mediarouting\" Level=\"DEBUG\":  Detail=\"Route\"\n" STAMP UTC
				       "Module=\"network.new\" Level=\"DEBUG\": Detail=\"x\"\n" STAMP UTC
				       "Module=\"developer.sip.transport\" Level=\"DEBUG\": this=\"0x55\" "
				       "Event=\"connection idle\"\n2017-03-02T08:10:46.240+01:00 vcse licensemanager: "
				       "Level=\"INFO\" Detail=\"License granted\"\n"),
			"other 5" },
		{ "lines of no log", SPAN("Dear colleagues,\n\nthe call fails.\n" STAMP UTC "Module=\"x\"\n"),
			"1 unread: a line outside of any record\n3 unread: a line outside of any record\nother 1" },
		{ "what stands behind one stamp is not supposed of the next",
			SPAN("2017-03-02T08:10:46.240+01:00 a=b tvcs: Event=\"x\"\n2017-03-02T08:10:46.240+01:00 vcse "
			     "alarm: Event=\"x\"\n" STAMP "Event=\"x\"\n"),
			"1 notice note module=tvcs name=x detail=a=b tvcs:\n2 notice note module=alarm name=x\n3 "
			"notice note module=tvcs name=x" },
		{ "a day that is none", SPAN("2017-02-30T08:10:46.240+01:00 vcse tvcs: Event=\"x\"\n"),
			"1 unread: a line whose time is damaged" },
	};
	COMPARE(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(summaries),
		cmocka_unit_test(connections),
		cmocka_unit_test(fronts),
		cmocka_unit_test(handshakes),
		cmocka_unit_test(other_lines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
