/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_TRACE_SAMPLES_H
#define FEDGE_TESTS_TRACE_SAMPLES_H
/* One record of every kind and shape, with the lab's own values: the 504 of the seed document and
 * its two diagnostic records among them. */
#include "base/require.h"
#include "record/record.h"

#define SAMPLE_TIME_US (INT64_C(1488438646) * 1000000) /* 2017-03-02 07:10:46 UTC */

/* Constants, where SPAN() makes values. */
#define TEXT(literal)                                                                                                  \
	{                                                                                                              \
		"" literal, sizeof(literal) - 1                                                                        \
	}
#define ABSENT                                                                                                         \
	{                                                                                                              \
		NULL, 0                                                                                                \
	}

struct sample {
	const char *name;
	struct record record;
};

#define SAMPLE_504                                                                                                     \
	"SIP/2.0 504 Server time-out\r\n"                                                                              \
	"Via: SIP/2.0/TLS 127.48.36.47:5061;egress-zone=DNSZone1;"                                                     \
	"branch=z9hG4bK42ee6fd77d32cc8925196770b950b33554.731d73c3f4246d6a255e38a9f695bfc0;"                           \
	"proxy-call-id=6b2a018a-2da5-4013-a7e5-4e1455feadf7;rport;received=127.48.36.47;"                              \
	"ms-received-port=25002;ms-received-cid=100\r\n"                                                               \
	"Via: SIP/2.0/TLS 127.48.54.160:52768;branch=z9hG4bK6594a02846406f4a5459d5f58a8d26b3;"                         \
	"received=127.48.54.160;ingress-zone=NeighborZoneAcano1SIP\r\n"                                                \
	"Call-ID: f1b3ad5d-183b-4632-b210-c2f9bec71960\r\n"                                                            \
	"CSeq: 2066245576 INVITE\r\n"                                                                                  \
	"From: \"DX70 Steven\" <sip:2000@acano.steven.lab>;tag=9fea3e7d70afd884\r\n"                                   \
	"To: <sip:stejanss@skype.lab>;tag=C65A7B0A8766A5F1D386474833D07882\r\n"                                        \
	"Server: RTC/6.0\r\n"                                                                                          \
	"Content-Length: 0\r\n"                                                                                        \
	"\r\n"

#define SAMPLE_INVITE                                                                                                  \
	"INVITE sip:stejanss@skype.lab SIP/2.0\r\n"                                                                    \
	"Via: SIP/2.0/TLS 127.48.36.47:5061;branch=z9hG4bK00.1\r\n"                                                    \
	"i: f1b3ad5d-183b-4632-b210-c2f9bec71960\r\n"                                                                  \
	"CSeq: 2066245576 INVITE\r\n"                                                                                  \
	"f: \"tag=no; <sip:x>\" <sip:2000@acano.steven.lab>;tag=9fea3e7d70afd884\r\n"                                  \
	"t: sip:stejanss@skype.lab\r\n"                                                                                \
	"Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000\r\n"                     \
	"Content-Type: application/sdp\r\n"                                                                            \
	"Content-Length: 49\r\n"                                                                                       \
	"\r\n"                                                                                                         \
	"v=0\r\n"                                                                                                      \
	"o=- 1 1 IN IP4 127.48.54.160\r\n"                                                                             \
	"$$end_record\r\n"                                                                                             \
	" 03/02/2017|"

static const struct span sample_names[] = { TEXT("vcse.steven.lab"), TEXT("vcse.acano.steven.lab") };
static const struct span sample_srv[] = { TEXT("0 0 5061 vcse.steven.lab.") };
static const struct span sample_a[] = { TEXT("127.48.36.47"), TEXT("2001:db8::47") };
static const struct record_pair sample_no_match[] = {
	{ TEXT("domain"), TEXT("acano.steven.lab") },
	{ TEXT("fqdn1"), TEXT("vcse.steven.lab:5061") },
};
static const struct record_pair sample_mismatch[] = {
	{ TEXT("expected-fqdn"), TEXT("vcse.acano.steven.lab") },
	{ TEXT("certName"), TEXT("vcse.steven.lab") },
	{ TEXT("info"), TEXT("The peer certificate does not contain a matching FQDN") },
};

#define VCSE(number)                                                                                                   \
	{                                                                                                              \
		4, { 127, 48, 36, 47 }, (number)                                                                       \
	}
#define EDGE(number)                                                                                                   \
	{                                                                                                              \
		4, { 127, 48, 36, 6 }, (number)                                                                        \
	}
#define HEAD(us)                                                                                                       \
	{                                                                                                              \
		.time_us = SAMPLE_TIME_US + (us), .worker = 1, .process = 0x584, .thread = 0xa44                       \
	}
#define CALL_HEAD(us)                                                                                                  \
	{                                                                                                              \
		.time_us = SAMPLE_TIME_US + (us), .worker = 1, .process = 0x584, .thread = 0xa44,                      \
		.serial = TEXT("6b2a018a-2da5-4013-a7e5-4e1455feadf7"),                                                \
		.tag = TEXT("d54b2a66-6c2c-4c3f-8a1b-0c2e7c2a9d10")                                                    \
	}
#define SOURCE TEXT("sip:2000@acano.steven.lab")
#define DESTINATION TEXT("sip:stejanss@skype.lab")

static const struct sample samples[] = {
	{ "message received: the bare 504 of the seed",
		{ .kind = RECORD_MESSAGE,
			.head = HEAD(240123),
			.message = { RECORD_RECEIVED, RECORD_TLS, RECORD_EXTERNAL, VCSE(25002), EDGE(5061),
				TEXT("sip.skype.lab"), TEXT("DNSZone1"), TEXT(SAMPLE_504),
				UINT64_C(13707918855517357847) } } },
	{ "message sent: a request with compact names and a hostile body",
		{ .kind = RECORD_MESSAGE,
			.head = CALL_HEAD(200000),
			.message = { RECORD_SENT, RECORD_TLS, RECORD_INTERNAL, VCSE(25002), EDGE(5061), ABSENT, ABSENT,
				TEXT(SAMPLE_INVITE), 0 } } },
	{ "message sent: the 504 as the edge logs it, correlation and sequence known",
		{ .kind = RECORD_MESSAGE,
			.head = { .time_us = SAMPLE_TIME_US + 230000,
				.process = 0x584,
				.thread = 0xa44,
				.sequence = 0x773e,
				.correlation = 156659184 },
			.message = { RECORD_SENT, RECORD_TLS, RECORD_EXTERNAL, EDGE(5061), VCSE(25002),
				TEXT("vcse.steven.lab"), ABSENT, TEXT(SAMPLE_504), 0 } } },
	{ "message received: no SIP at all", { .kind = RECORD_MESSAGE,
						     .head = HEAD(1),
						     .message = { .direction = RECORD_RECEIVED,
							     .transport = RECORD_UDP,
							     .local = { 6, { 0x20, 1, 0xd, 0xb8, [15] = 0x47 }, 5060 },
							     .remote = { 6, { [15] = 1 }, 40000 },
							     .bytes = TEXT("\x1b[2J\xff\n|") } } },
	{ "dns query",
		{ .kind = RECORD_DNS_QUERY,
			.head = HEAD(2),
			.dns = { .name = TEXT("_sipfederationtls._tcp.acano.steven.lab"), .type = TEXT("SRV") } } },
	{ "dns answer: a service", { .kind = RECORD_DNS_ANSWER,
					   .head = HEAD(3000),
					   .dns = { .name = TEXT("_sipfederationtls._tcp.acano.steven.lab"),
						   .type = TEXT("SRV"),
						   .records = { sample_srv, 1 },
						   .ttl_s = 300,
						   .secure = true,
						   .elapsed_us = 2998 } } },
	{ "dns answer: addresses", { .kind = RECORD_DNS_ANSWER,
					   .head = HEAD(4000),
					   .dns = { .name = TEXT("vcse.acano.steven.lab"),
						   .type = TEXT("A"),
						   .records = { sample_a, 2 },
						   .ttl_s = 300,
						   .transport = RECORD_TLS,
						   .port = 5061 } } },
	{ "dns answer: a failure", { .kind = RECORD_DNS_ANSWER,
					   .head = HEAD(5000),
					   .dns = { .name = TEXT("_sipfederationtls._tcp.cms.steven.lab"),
						   .type = TEXT("SRV"),
						   .status = RECORD_DNS_SERVFAIL,
						   .why = TEXT("the server said \"no\"") } } },
	{ "connection attempted", { .kind = RECORD_CONNECTION,
					  .head = HEAD(6000),
					  .connection = { .event = RECORD_CONNECTION_ATTEMPTED,
						  .transport = RECORD_TLS,
						  .local = VCSE(25002),
						  .remote = EDGE(5061),
						  .peer = TEXT("sip.skype.lab") } } },
	{ "connection accepted", { .kind = RECORD_CONNECTION,
					 .head = HEAD(7000),
					 .connection = { .event = RECORD_CONNECTION_ACCEPTED,
						 .role = RECORD_SERVER,
						 .transport = RECORD_TLS,
						 .local = EDGE(5061),
						 .remote = VCSE(25002) } } },
	{ "connection opened", { .kind = RECORD_CONNECTION,
				       .head = HEAD(8000),
				       .connection = { .event = RECORD_CONNECTION_OPENED,
					       .transport = RECORD_TCP,
					       .local = VCSE(25002),
					       .remote = EDGE(5061) } } },
	{ "connection closed", { .kind = RECORD_CONNECTION,
				       .head = { .time_us = SAMPLE_TIME_US + 9000,
					       .connection = UINT64_C(0x0001000000020003),
					       .process = 1 },
				       .connection = { .event = RECORD_CONNECTION_CLOSED,
					       .role = RECORD_SERVER,
					       .transport = RECORD_TLS,
					       .local = EDGE(5061),
					       .remote = VCSE(25002),
					       .reason = TEXT("Got EOF on socket") } } },
	{ "connection failed", { .kind = RECORD_CONNECTION,
				       .head = HEAD(10000),
				       .connection = { .event = RECORD_CONNECTION_FAILED,
					       .transport = RECORD_TLS,
					       .local = VCSE(25003),
					       .remote = EDGE(5061),
					       .peer = TEXT("sip.skype.lab"),
					       .stage = TEXT("connect"),
					       .reason = TEXT("Connection refused"),
					       .error = 111 } } },
	{ "handshake succeeded", { .kind = RECORD_HANDSHAKE,
					 .head = HEAD(11000),
					 .handshake = { .role = RECORD_SERVER,
						 .resumed = true,
						 .local = EDGE(5061),
						 .remote = VCSE(25002),
						 .server_name = TEXT("sip.skype.lab"),
						 .version = TEXT("TLSv1.3"),
						 .cipher = TEXT("TLS_AES_256_GCM_SHA384"),
						 .common_name = TEXT("vcse.steven.lab"),
						 .names = { sample_names, 2 },
						 .issuer = TEXT("CN=steven.lab root") } } },
	{ "handshake failed: the peer's alert", { .kind = RECORD_HANDSHAKE,
							.head = HEAD(12000),
							.handshake = { .failed = true,
								.role = RECORD_CLIENT,
								.local = VCSE(25002),
								.remote = EDGE(5061),
								.server_name = TEXT("sip.skype.lab"),
								.alert_direction = RECORD_ALERT_RECEIVED,
								.alert = 48,
								.reason = TEXT("tlsv1 alert unknown ca") } } },
	{ "handshake failed: our own verdict",
		{ .kind = RECORD_HANDSHAKE,
			.head = HEAD(13000),
			.handshake = { .failed = true,
				.role = RECORD_SERVER,
				.local = EDGE(5061),
				.remote = VCSE(25002),
				.common_name = TEXT("vcse.steven.lab"),
				.alert_direction = RECORD_ALERT_SENT,
				.alert = 48,
				.reason = TEXT("certificate verify failed"),
				.verify_error = 19,
				.verify_reason = TEXT("self signed certificate in certificate chain") } } },
	{ "judgement: domain rule, only the code is given",
		{ .kind = RECORD_JUDGEMENT,
			.head = { .time_us = SAMPLE_TIME_US + 230000,
				.process = 0x584,
				.thread = 0xa44,
				.sequence = 0x773e,
				.correlation = 156659184 },
			.judgement = { .code = TEXT("srv-target-outside-domain"),
				.severity = RECORD_ERROR,
				.subject = TEXT("acano.steven.lab"),
				.parameters = { sample_no_match, 2 },
				.start_line = TEXT("INVITE sip:stejanss@skype.lab SIP/2.0"),
				.call_id = TEXT("f1b3ad5d-183b-4632-b210-c2f9bec71960"),
				.cseq = TEXT("2066245576 INVITE"),
				.peer = TEXT("vcse.steven.lab:25002"),
				.status = 504,
				.reason = TEXT("Server time-out") } } },
	{ "judgement: certificate, as a reader gives it",
		{ .kind = RECORD_JUDGEMENT,
			.head = { .time_us = INT64_C(1488436240025000),
				.process = 0xb60,
				.thread = 0xd6c,
				.sequence = 0x5602,
				.correlation = 3634190282 },
			.judgement = { .severity = RECORD_ERROR,
				.text = TEXT("Message cannot be routed because the peer's certificate does not contain "
					     "a matching FQDN"),
				.result_code = 0xc3e93d67,
				.result_name = TEXT("SIPPROXY_E_ROUTING_MSG_CERT_MISMATCH"),
				.parameters = { sample_mismatch, 3 },
				.start_line = TEXT("INVITE sip:stejanss@skype.lab SIP/2.0"),
				.call_id = TEXT("e144704c-1dd0-4ea7-929f-77e7e071c24c"),
				.cseq = TEXT("1567605805 INVITE"),
				.peer = TEXT("vcse.steven.lab:25001") } } },
	{ "judgement: no result code is known", { .kind = RECORD_JUDGEMENT,
							.head = CALL_HEAD(250000),
							.judgement = { .code = TEXT("srv-missing"),
								.severity = RECORD_ERROR,
								.subject = TEXT("cms.steven.lab"),
								.text = TEXT("no SRV record"),
								.who = TEXT("partner"),
								.diagnostics = 1008,
								.remote = VCSE(25002),
								.status = 504 } } },
	{ "rule did not match",
		{ .kind = RECORD_RULE,
			.head = HEAD(14000),
			.rule = { TEXT("to partners"), RECORD_RULE_DID_NOT_MATCH, TEXT("2001@steven.lab"),
				TEXT("DefaultZone"), TEXT("DNSZone1"), 100 } } },
	{ "rule ignored: source", { .kind = RECORD_RULE,
					  .head = HEAD(14100),
					  .rule = { TEXT("B"), RECORD_RULE_IGNORED_SOURCE, TEXT("x"),
						  TEXT("DefaultZone"), TEXT("DNSZone1"), 100 } } },
	{ "rule ignored: disabled", { .kind = RECORD_RULE,
					    .head = HEAD(14200),
					    .rule = { TEXT("B"), RECORD_RULE_IGNORED_DISABLED, TEXT("x"),
						    TEXT("DefaultZone"), TEXT("DNSZone1"), 100 } } },
	{ "rule considered", { .kind = RECORD_RULE,
				     .head = HEAD(14300),
				     .rule = { TEXT("to \"partners\""), RECORD_RULE_CONSIDERED,
					     TEXT("stejanss@skype.lab"), TEXT("Acano"), TEXT("DNSZone1"), 100 } } },
	{ "rule ignored: not authenticated (json alone)",
		{ .kind = RECORD_RULE,
			.head = HEAD(14310),
			.rule = { .name = TEXT("B"), .verdict = RECORD_RULE_IGNORED_UNAUTHENTICATED } } },
	{ "transform (json alone)", { .kind = RECORD_RULE,
					    .head = HEAD(14320),
					    .rule = { .name = TEXT("strip 9"),
						    .verdict = RECORD_RULE_CONSIDERED,
						    .alias = TEXT("2000@steven.lab"),
						    .priority = 1,
						    .part = RECORD_RULE_TRANSFORM } } },
	{ "policy allows", { .kind = RECORD_RULE,
				   .head = HEAD(14330),
				   .rule = { .name = TEXT("inside"),
					   .verdict = RECORD_RULE_CONSIDERED,
					   .alias = TEXT("stejanss@skype.lab"),
					   .source = TEXT("Acano"),
					   .part = RECORD_RULE_POLICY,
					   .action = TEXT("allow") } } },
	{ "policy rejects", { .kind = RECORD_RULE,
				    .head = HEAD(14340),
				    .rule = { .name = TEXT("nobody else"),
					    .verdict = RECORD_RULE_CONSIDERED,
					    .alias = TEXT("00@steven.lab"),
					    .part = RECORD_RULE_POLICY,
					    .action = TEXT("reject 403 Not \"here\"") } } },
	{ "attempt (json alone)", { .kind = RECORD_ATTEMPT,
					  .head = CALL_HEAD(14400),
					  .attempt = { .event = RECORD_ATTEMPT_FAILED,
						  .zone = TEXT("DNSZone1"),
						  .alias = TEXT("stejanss@skype.lab"),
						  .target = TEXT("sip.skype.lab"),
						  .remote = EDGE(5061),
						  .transport = RECORD_TLS,
						  .branch = 2,
						  .group = 1,
						  .reason = TEXT("connect: Connection refused"),
						  .elapsed_us = 812 } } },
	{ "registration accepted", { .kind = RECORD_REGISTRATION,
					   .head = HEAD(14500),
					   .registration = { .event = RECORD_REGISTRATION_ACCEPTED,
						   .alias = TEXT("2000@steven.lab"),
						   .contact = TEXT("sip:2000@127.48.54.11:5060;transport=tcp"),
						   .user = TEXT("2000"),
						   .agent = TEXT("Cisco-DX70/10.2.5"),
						   .expires_s = 3600,
						   .remote = { 4, { 127, 48, 54, 11 }, 51000 },
						   .transport = RECORD_TCP } } },
	{ "registration rejected", { .kind = RECORD_REGISTRATION,
					   .head = HEAD(14600),
					   .registration = { .event = RECORD_REGISTRATION_REJECTED,
						   .alias = TEXT("2000@steven.lab"),
						   .remote = { 4, { 127, 48, 54, 12 }, 5060 },
						   .transport = RECORD_UDP,
						   .status = 403,
						   .reason = TEXT("Forbidden") } } },
	{ "zone failed (json alone)", { .kind = RECORD_ZONE,
					      .head = HEAD(14700),
					      .zone = { .zone = TEXT("TraversalZoneClient1"),
						      .state = TEXT("failed"),
						      .before = TEXT("active"),
						      .peer = TEXT("127.48.36.47:7001"),
						      .reason = TEXT("no answer to OPTIONS") } } },
	{ "search attempted", { .kind = RECORD_SEARCH,
				      .head = CALL_HEAD(15000),
				      .search = { .event = RECORD_SEARCH_ATTEMPTED,
					      .method = TEXT("INVITE"),
					      .source = SOURCE,
					      .destination = DESTINATION,
					      .remote = { 4, { 127, 48, 54, 160 }, 52768 },
					      .transport = RECORD_TLS } } },
	{ "search completed: found", { .kind = RECORD_SEARCH,
					     .head = CALL_HEAD(16000),
					     .search = { .event = RECORD_SEARCH_COMPLETED,
						     .method = TEXT("OPTIONS"),
						     .source = SOURCE,
						     .destination = DESTINATION,
						     .found = true,
						     .duration_us = 12000000 } } },
	{ "search completed: not found", { .kind = RECORD_SEARCH,
						 .head = CALL_HEAD(17000),
						 .search = { .event = RECORD_SEARCH_COMPLETED,
							 .method = TEXT("INVITE"),
							 .source = SOURCE,
							 .destination = DESTINATION,
							 .reason = TEXT("Not Found"),
							 .detail = TEXT("Policy Response"),
							 .response_code = 404,
							 .duration_us = 4211 } } },
	{ "call attempted", { .kind = RECORD_CALL,
				    .head = CALL_HEAD(18000),
				    .call = { .event = RECORD_CALL_ATTEMPTED,
					    .source = SOURCE,
					    .destination = DESTINATION,
					    .remote = { 4, { 127, 48, 54, 160 }, 52768 },
					    .transport = RECORD_TLS,
					    .authenticated = true } } },
	{ "call connected", { .kind = RECORD_CALL,
				    .head = CALL_HEAD(19000),
				    .call = { .event = RECORD_CALL_CONNECTED,
					    .source = SOURCE,
					    .destination = DESTINATION,
					    .transport = RECORD_TLS } } },
	{ "call rejected", { .kind = RECORD_CALL,
				   .head = CALL_HEAD(20000),
				   .call = { .event = RECORD_CALL_REJECTED,
					   .source = SOURCE,
					   .destination = DESTINATION,
					   .call_id = TEXT("f1b3ad5d-183b-4632-b210-c2f9bec71960"),
					   .local = VCSE(5061),
					   .remote = { 4, { 127, 48, 54, 160 }, 52768 },
					   .transport = RECORD_TLS,
					   .reason = TEXT("Server time-out"),
					   .response_code = 504 } } },
	{ "call disconnected", { .kind = RECORD_CALL,
				       .head = CALL_HEAD(21000),
				       .call = { .event = RECORD_CALL_DISCONNECTED,
					       .source = SOURCE,
					       .destination = DESTINATION,
					       .reason = TEXT("Normal clearing"),
					       .duration_us = 61500000 } } },
	{ "node started", { .kind = RECORD_NODE,
				  .head = HEAD(22000),
				  .node = { RECORD_NODE_STARTED, RECORD_NOTE, TEXT("fedge 0.1.0"), 0 } } },
	{ "node ready", { .kind = RECORD_NODE, .head = HEAD(22100), .node = { .event = RECORD_NODE_READY } } },
	{ "node reloaded", { .kind = RECORD_NODE, .head = HEAD(22200), .node = { .event = RECORD_NODE_RELOADED } } },
	{ "node draining", { .kind = RECORD_NODE, .head = HEAD(22300), .node = { .event = RECORD_NODE_DRAINING } } },
	{ "node stopped", { .kind = RECORD_NODE, .head = HEAD(22400), .node = { .event = RECORD_NODE_STOPPED } } },
	{ "node warning", { .kind = RECORD_NODE,
				  .head = { .time_us = SAMPLE_TIME_US + 22500, .node = TEXT("other") },
				  .node = { RECORD_NODE_NOTE, RECORD_WARNING, TEXT("keylog is on: keys.log"), 0 } } },
	{ "node dropped",
		{ .kind = RECORD_NODE,
			.head = HEAD(22600),
			.node = { RECORD_NODE_DROPPED, RECORD_WARNING, TEXT("the log could not keep up"), 17 } } },
};
#endif
