/* SPDX-License-Identifier: Apache-2.0 */
/* Traces of Lync and Skype for Business servers and logs of their clients, as several releases leave them. */
#include "unit/trace/told.h"

#define OLD                                                                                                            \
	"TL_INFO(TF_PROTOCOL) [0]06E4.0EB4::01/18/2012-05:00:43.101.00005386 "                                         \
	"(SIPStack,SIPAdminLog::TraceProtocolRecord:SIPAdminLog.cpp(125))$$begin_record\n"
#define NEW(what)                                                                                                      \
	"TL_WARN(TF_" what ") [sfvedge\\sfvedge]0584.0A44::03/02/2017-07:10:46.230.0000773e "                          \
	"(SIPStack,SIPAdminLog::WriteDiagnosticEvent:SIPAdminLog.cpp(830)) [156659184] $$begin_record\n"
#define LINE(level)                                                                                                    \
	"TL_" level "(TF_COMPONENT) [0]06E4.0EB4::01/18/2012-05:00:43.101.00005387 "                                   \
	"(SIPStack,CSIPRequest::Route:SIPRequest.cpp(2440))"
#define DIAGNOSIS                                                                                                      \
	"Severity: warning\nText: no match\nResult-Code: 0xc3e93d6f "                                                  \
	"SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH\nSIP-Start-Line: INVITE sip:b@b.example "                \
	"SIP/2.0\nSIP-Call-ID: c1\nSIP-CSeq: 1 INVITE\nPeer: vcse.a.example:25002\nData: domain=\"a.example\"; "       \
	"fqdn1=\"vcse.c.example:5061\"\n"

static void traces(void **state)
{
	(void)state;
	static const char diagnosed[] =
		"1 judgement 0xc3e93d6f name=SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH text=no match "
		"call=c1 peer=vcse.a.example:25002 domain=a.example fqdn1=vcse.c.example:5061";
	static const struct told_reading cases[] = {
		{ "a message, headers in another order",
			SPAN(OLD
				"Trace-Correlation-Id: 2003888399\nInstance-Id: 0000C23F\nDirection: "
				"incoming;source=\"internal edge\";destination=\"external edge\"\nPeer: "
				"lync.a.example:61182\nMessage-Type: request\nStart-Line: OPTIONS sip:x@b.example "
				"SIP/2.0\nTo: <sip:x@b.example>\nCSeq: 1 OPTIONS\nMAX-FORWARDS: 70\nROUTE: "
				"<sip:b.example;lr>;ms-edge-route\nCONTENT-LENGTH: 0\nMessage-Body: -\n$$end_record\n"),
			"1 message received remote=:61182 bytes=OPTIONS sip:x@b.example SIP/2.0\\r\\nTo: "
			"<sip:x@b.example>\\r\\nCSeq: 1 OPTIONS\\r\\nMAX-FORWARDS: 70\\r\\nROUTE: "
			"<sip:b.example;lr>;ms-edge-route\\r\\nCONTENT-LENGTH: 0\\r\\n\\r\\n" },
		{ "a body that was taken out",
			SPAN(OLD "Direction: outgoing\nPeer: 192.0.2.6:5061\nMessage-Type: request\nStart-Line: "
				 "MESSAGE sip:x@b.example SIP/2.0\nContent-Length: 5\nMessage-Body: ****MESSAGE BODY "
				 "DELETED****\n$$end_record\n"),
			"1 message sent remote=192.0.2.6:5061 bytes=MESSAGE sip:x@b.example "
			"SIP/2.0\\r\\nContent-Length: 5\\r\\n\\r\\n" },
		{ "a record that the next one cuts",
			SPAN(OLD "Direction: incoming\nStart-Line: SIP/2.0 200 OK\nCSeq: 1 OPTIONS\n" NEW("DIAG")
					DIAGNOSIS "$$end_record\n"),
			"1 message received bytes=SIP/2.0 200 OK\\r\\nCSeq: 1 OPTIONS\\r\\n\\r\\n\n5 judgement "
			"0xc3e93d6f name=SIPPROXY_E_EPROUTING_MSG_ALLOWED_DOMAIN_NO_SRV_MATCH text=no match call=c1 "
			"peer=vcse.a.example:25002 domain=a.example fqdn1=vcse.c.example:5061" },
		{ "a diagnosis", SPAN(NEW("DIAG") DIAGNOSIS "$$end_record\n"), diagnosed },
		{ "a diagnosis with its type in front",
			SPAN(NEW("DIAG") "LogType: diagnostic\n" DIAGNOSIS "$$end_record\n"), diagnosed },
		{ "a diagnosis in a record of another flag", SPAN(NEW("SECURITY") DIAGNOSIS "$$end_record\n"),
			diagnosed },
		{ "a diagnosis, CR LF",
			SPAN("TL_WARN(TF_DIAG) [0]0584.0A44::03/02/2017-07:10:46.230.0000773E "
			     "(SIPStack,a)$$begin_record\r\nText: no match\r\nResult-Code: 0xC3E9FFFF "
			     "SIPPROXY_E_NEW\r\n$$end_record\r\n"),
			"1 judgement 0xc3e9ffff name=SIPPROXY_E_NEW text=no match" },
		{ "a code without a name", SPAN(NEW("DIAG") "Text: x\nResult-Code: 0xc3e93d99\n$$end_record\n"),
			"1 judgement 0xc3e93d99 text=x" },
		{ "what a component decided",
			SPAN(LINE("WARN") "( 00000000028FDD70 ) Exit - route headers from untrusted source. Result "
					  "0xC3E93C5E(SIPPROXY_E_ROUTING)\n"),
			"1 judgement 0xc3e93c5e name=SIPPROXY_E_ROUTING text=Exit - route headers from untrusted "
			"source." },
		{ "a component's success and its steps",
			SPAN(LINE("INFO") "( 00000000028FDD70 ) Exit. Result 0x00000000(S_OK)\n" LINE(
				"INFO") "Enter\n"),
			"other 2" },
		{ "a component's warning", SPAN(LINE("WARN") "( 00000000028FDD70 ) cannot resolve a.example\n"),
			"1 notice warning module=SIPStack name=cannot resolve a detail=cannot resolve a.example" },
		{ "a step of a connection that is not known",
			SPAN(NEW("CONNECTION") "LogType: connection\nSeverity: information\nText: TLS negotiation "
					       "started\nLocal-IP: 192.0.2.7:5061\nPeer-IP: "
					       "192.0.2.6:25002\n$$end_record\n"),
			"1 notice note module=TF_CONNECTION name=TLS negotiation started remote=192.0.2.6:25002" },
		{ "a first line that is damaged", SPAN("TL_INFO(TF_PROTOCOL) [0]zz\n"),
			"1 unread: a record whose first line is damaged" },
	};
	told_compare(TRACE_KIND_SIPSTACK, cases, sizeof(cases) / sizeof(cases[0]));
}

#define STAMP "03/02/2017|08:10:46.240 "
#define IDS "0584:0A44 INFO  :: "
#define RECEIVED "Data Received -192.0.2.6:5061 (To Local Address: 192.0.2.7:62937) 40 bytes:\n"
#define END "End of Data Received -192.0.2.6:5061 (To Local Address: 192.0.2.7:62937) 40 bytes\n"
#define BYTES "bytes=SIP/2.0 504 Server time-out\\r\\nCSeq: 1 I\\r\\n\\r\\n"

static void clients(void **state)
{
	(void)state;
	static const struct told_reading cases[] = {
		{ "the start line behind a stamp",
			SPAN(STAMP IDS RECEIVED STAMP IDS "SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n" STAMP IDS END),
			"1 message received remote=192.0.2.6:5061 " BYTES },
		{ "the start line bare",
			SPAN(STAMP IDS RECEIVED "SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n" STAMP IDS END),
			"1 message received remote=192.0.2.6:5061 " BYTES },
		{ "a bare stamp behind the message",
			SPAN(STAMP IDS RECEIVED "SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n01/15/2012|11:30:10.163\n"),
			"1 message received remote=192.0.2.6:5061 " BYTES "\nother 1" },
		{ "nothing between stamp and text",
			SPAN(STAMP RECEIVED STAMP "SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n" STAMP END),
			"1 message received remote=192.0.2.6:5061 " BYTES },
		{ "only the level",
			SPAN(STAMP "INFO  :: " RECEIVED STAMP
				   "INFO  :: SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n" STAMP "INFO  :: " END),
			"1 message received remote=192.0.2.6:5061 " BYTES },
		{ "sent",
			SPAN(STAMP IDS "Sending Packet - 192.0.2.6:5061 (From Local Address: 192.0.2.7:62937) 40 "
				       "bytes:\n" STAMP IDS "SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n" STAMP IDS
				       "End of Sending Packet - 192.0.2.6:5061 (From Local Address: 192.0.2.7:62937) "
				       "40 bytes\n"),
			"1 message sent remote=192.0.2.6:5061 " BYTES },
		{ "one message right behind the other",
			SPAN(STAMP IDS RECEIVED STAMP IDS RECEIVED STAMP IDS
				"SIP/2.0 504 Server time-out\nCSeq: 1 I\n\n"),
			"2 message received remote=192.0.2.6:5061 " BYTES "\nother 1" },
		{ "cut off behind its headers",
			SPAN(STAMP IDS RECEIVED STAMP IDS "SIP/2.0 504 Server time-out\nCSeq: 1 I\n"),
			"1 message received remote=192.0.2.6:5061 " BYTES },
		{ "what keeps alive", SPAN(STAMP IDS RECEIVED STAMP IDS "\n\n" STAMP IDS END), "other 1" },
		{ "steps of the client", SPAN(STAMP "0584:0A44 TRACE :: CSIPClient::Step\n"), "other 1" },
		{ "lines of no log", SPAN("Hello\n"), "1 unread: a line outside of any record" },
	};
	told_compare(TRACE_KIND_UCCAPI, cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces),
		cmocka_unit_test(clients),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
