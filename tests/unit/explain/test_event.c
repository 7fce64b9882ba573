/* SPDX-License-Identifier: Apache-2.0 */
/* Records boiled down: what is kept of a message, of one that is damaged, of one in Microsoft's dialect; that the short
 * way of reading gives what the parser gives; that copies are whole. */
#include "record/field.h"
#include "sip/message.h"
#include "unit/explain/material.h"

static struct arena arena;

static const struct explain_event *boil_text(const char *text)
{
	struct record r = { .kind = RECORD_MESSAGE,
		.head = { .time_us = 5, .node = SPAN("vcse") },
		.message = { .direction = RECORD_RECEIVED, .bytes = span_of(text), .zone = SPAN("DNSZone1") } };
	struct explain_seen seen = { .line = 7, .raw = span_of(text) };
	bool full;
	const struct explain_event *e = explain_boil(&r, &seen, &arena, &full);
	assert_false(full);
	return e;
}

#define HEAD                                                                                                           \
	"Via: SIP/2.0/TLS "                                                                                            \
	"10.0.0.2:5061;egress-zone=DNSZone1;branch=z9hG4bKa;proxy-call-id=S2;rport;received=10.0.0.9\r\n"              \
	"Via: SIP/2.0/TLS 10.0.0.1:5061;branch=z9hG4bKb;ingress-zone=\"A;B\";proxy-call-id=S1\r\n"                     \
	"Call-ID: c1@x\r\nCSeq: 7 INVITE\r\n"                                                                          \
	"From: \"DX70 \\\"S\\\"\" <sip:2000@a.lab>;tag=ft\r\nTo: <sip:bob@b.lab>;tag=tt\r\n"

static void a_refusal_with_all_its_details(void **state)
{
	(void)state;
	const struct explain_event *e = boil_text(
		"SIP/2.0 504 Server time-out\r\n" HEAD
		"Session-ID: aa;remote=bb\r\nServer: RTC/6.0\r\nWarning: 399 h \"Policy Response\"\r\n"
		"P-Asserted-Identity: \"n\" <tel:+1>,<sip:2000@pai.lab>\r\n"
		"MS-Diagnostics: 1010;source=\"sip.b.lab\";HRESULT=\"0x80090322(SEC_E_WRONG_PRINCIPAL)\";reason=\" a; "
		"b \"\r\n"
		"ms-diagnostics-public: 1034.5;reason=\"c\";Domain=x\r\nms-client-diagnostics: none\r\n"
		"Content-Length: 0\r\n\r\n");
	const struct explain_message *m = &e->message;
	const struct explain_detail *d = m->detail;
	assert_non_null(d);
	assert_false(m->is_damaged);
	assert_int_equal(m->status, 504);
	assert_int_equal(m->cseq, 7);
	assert_int_equal(m->method, SIP_METHOD_INVITE);
	assert_true(span_is(m->method_name, "INVITE"));
	assert_true(span_is(m->call_id, "c1@x"));
	assert_true(span_is(m->branch, "z9hG4bKa"));
	assert_true(span_is(m->serial, "S2"));
	assert_true(span_is(m->from_uri, "sip:2000@a.lab"));
	assert_true(span_is(m->to_tag, "tt"));
	assert_true(span_is(m->local_session, "aa") && span_is(m->remote_session, "bb"));
	assert_true(span_is(m->zone, "DNSZone1"));
	assert_int_equal(d->via_count, 2);
	assert_true(span_is(d->vias[0].received, "10.0.0.9"));
	assert_true(span_is(d->vias[0].egress_zone, "DNSZone1"));
	assert_true(span_is(d->vias[1].ingress_zone, "A;B"));
	assert_true(span_is(d->vias[1].serial, "S1"));
	assert_int_equal(d->vias[1].port, 5061);
	assert_true(span_is(d->asserted, "sip:2000@pai.lab"));
	assert_true(span_is(d->warning, "399 h \"Policy Response\""));
	assert_int_equal(d->diagnostics_count, 2);
	assert_int_equal(d->diagnostics[0].id, 1010);
	assert_true(span_is(d->diagnostics[0].header, "ms-diagnostics"));
	assert_true(span_is(d->diagnostics[0].reason, "a; b"));
	assert_true(span_is(d->diagnostics[0].source, "sip.b.lab"));
	assert_int_equal(d->diagnostics[0].pairs.count, 3);
	assert_true(span_is(d->diagnostics[0].pairs.at[1].value, "0x80090322(SEC_E_WRONG_PRINCIPAL)"));
	assert_int_equal(d->diagnostics[1].id, 1034);
	assert_true(span_is(d->diagnostics[1].header, "ms-diagnostics-public"));
	assert_true(span_starts_nocase(e->place.quote, SPAN("SIP/2.0 504")));
	assert_int_equal(e->place.line, 7);
}

static void only_what_may_be_asked_for_has_details(void **state)
{
	static const struct {
		const char *start;
		bool has;
	} cases[] = {
		{ "SIP/2.0 100 Trying", false },
		{ "SIP/2.0 200 OK", false },
		{ "SIP/2.0 302 Moved", true },
		{ "SIP/2.0 603 Decline", true },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[2048];
		snprintf(text, sizeof(text), "%s\r\n" HEAD "Content-Length: 0\r\n\r\n", cases[i].start);
		const struct explain_event *e = boil_text(text);
		if (!e || (e->message.detail != NULL) != cases[i].has)
			fail_msg("%s", cases[i].start);
		assert_int_equal(e->place.quote.length > 0, e->message.status >= 300);
	}
	const struct explain_event *bye =
		boil_text("BYE sip:x@b SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
			  "From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c\r\n"
			  "CSeq: 2 BYE\r\nReason: SIP;cause=488\r\nContent-Length: 0\r\n\r\n");
	assert_non_null(bye->message.detail);
	assert_true(span_is(bye->message.detail->reason, "SIP;cause=488"));
}

/* What pastes and cut logs leave of messages: text, then what must be read of it. */
static const struct damaged {
	const char *name, *text;
	unsigned status;
	const char *method, *call_id, *from, *via;
	uint32_t id; /* ms-diagnostics */
	bool is_damaged;
} damaged[] = {
	{ "line ends of LF alone, no empty line",
		"SIP/2.0 504 Server time-out\nVia: SIP/2.0/TLS 10.0.0.1:1;branch=z9hG4bK1\nCall-ID: c\nCSeq: 1 INVITE\n"
		"From: <sip:a@a>;tag=1\nTo: <sip:b@b>",
		504, "INVITE", "c", "sip:a@a", "10.0.0.1", 0, false },
	{ "the status line joined to the first header",
		"SIP/2.0 504 Server time-out Via: SIP/2.0/TLS 10.0.0.1:1;branch=z9hG4bK1\nCall-ID: c\nCSeq: 1 INVITE\n"
		"From: <sip:a@a>;tag=1\nTo: <sip:b@b>\n",
		504, "INVITE", "c", "sip:a@a", "10.0.0.1", 0, false },
	{ "the client's refusal as a page of documentation has it",
		"SIP/2.0 504 Server time-out Authentication-Info: TLS-DSK qop=\"auth\", version=4 From: \"Steven\n "
		"Janssens\"\n"
		"\nINVITE Via: SIP/2.0/TLS 10.55.186.71:62937;ms-received-port=62937\nms-diagnostics: 1009;\n"
		" reason=\"No match\";domain=\"b.lab\";source=\"sip.b.lab\" Server: RTC/6.0 Content-Length: 0\n",
		504, "INVITE", NULL, NULL, "10.55.186.71", 1009, true },
	{ "blanks before colons, headers twice",
		"SIP/2.0 403 Forbidden\r\nVia : SIP/2.0/TLS 10.0.0.1:1\r\nCall-ID : c\r\nCall-ID: d\r\nCSeq: 1 "
		"MESSAGE\r\n"
		"From : <sip:a@a>;tag=1\r\nTo : <sip:b@b>\r\n\r\n",
		403, "MESSAGE", "c", "sip:a@a", "10.0.0.1", 0, false },
	{ "a request that lost everything", "INVITE sip:b@b SIP/2.0\r\n\r\n", 0, "INVITE", NULL, NULL, NULL, 0, true },
	{ "a summary, which has neither Via nor From",
		"SIP/2.0 404 \r\nFrom: <>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
		"Content-Length: 0\r\n\r\n",
		404, "INVITE", "c", NULL, NULL, 0, true },
};

static void check(const char *name, const char *what, struct span is, const char *wanted)
{
	if (!span_equal(is, span_of(wanted)))
		fail_msg("%s: %s is '%.*s'", name, what, SPAN_PRINT(is));
}

static void what_is_there_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damaged) / sizeof(damaged[0]); i++) {
		const struct damaged *t = &damaged[i];
		const struct explain_event *e = boil_text(t->text);
		if (!e)
			fail_msg("%s: no event", t->name);
		const struct explain_message *m = &e->message;
		if (m->status != t->status || m->is_damaged != t->is_damaged)
			fail_msg("%s: status %u, damaged %d", t->name, (unsigned)m->status, m->is_damaged);
		check(t->name, "method", m->method_name, t->method);
		check(t->name, "Call-ID", m->call_id, t->call_id);
		check(t->name, "From", m->from_uri, t->from);
		check(t->name, "Via", m->detail && m->detail->via_count ? m->detail->vias[0].host : SPAN_NONE, t->via);
		assert_int_equal(m->detail && m->detail->diagnostics_count ? m->detail->diagnostics[0].id : 0, t->id);
	}
}

static void what_is_no_message_tells_nothing(void **state)
{
	static const char *const texts[] = { "", "\r\n\r\n", "hello", "SIP/2.0 abc", "GET / HTTP/1.1\r\n\r\n", "x y" };
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (boil_text(texts[i]))
			fail_msg("'%s' made an event", texts[i]);
}

/* Messages of which each is read in the short way: the parser must say the same. */
static const char *const plain[] = {
	"SIP/2.0 200 OK\r\n" HEAD "Content-Length: 0\r\n\r\n",
	"SIP/2.0 180 \r\nv:SIP/2.0/UDP h:1;rport=5;branch=z9hG4bK-1\r\nf:<sip:a@a>\r\nt: <sip:b@b>;x=y;TAG=z\r\n"
	"i: c\r\nCSEQ: 1 SUBSCRIBE\r\nl: 0\r\n\r\n",
	"ACK sip:b@b;transport=tls SIP/2.0\r\nVIA: SIP/2.0/TLS h;branch=z9hG4bK1 \r\nFROM: \"A, B\" <sip:a@a>;tag=1\r\n"
	"To: b <sip:b@b>;tag=2\r\nCall-ID: c\r\nCSeq: 1 ACK\r\nSession-ID: aa;remote=bb\r\nContent-Length: 0\r\n\r\n",
	"CANCEL sip:b@b SIP/2.0\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\n"
	"Call-ID: c\r\nCSeq: 1 CANCEL\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS h;branch=z9hG4bK1, SIP/2.0/TLS g;branch=z9hG4bK2\r\nFrom: sip:a@a;tag=1\r\n"
	"To: \"x \\\" y\" <sip:b@b>\r\n ;tag=2\r\nCall-ID: c\r\nCSeq: 1 FOO\r\nContent-Length: 0\r\n\r\n",
	"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS h\r\nFrom: <sip:a@a>;tag=1\r\nTo: <sip:b@b>;tag=2\r\nCall-ID: c\r\n"
	"CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
};

static void the_short_way_gives_what_the_parser_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		static struct sip_message parsed;
		struct sip_defect defect;
		assert_int_equal(sip_message_parse(span_of(plain[i]), &parsed, &defect), 0);
		const struct explain_message *m = &boil_text(plain[i])->message;
		assert_int_equal(m->is_request, parsed.is_request);
		assert_int_equal(m->status, parsed.status);
		assert_int_equal(m->method, parsed.method);
		assert_int_equal(m->cseq, parsed.cseq);
		const struct {
			const char *name;
			struct span is, wanted;
		} fields[] = {
			{ "method", m->method_name, parsed.method_name },
			{ "reason", m->reason, parsed.reason },
			{ "uri", m->request_uri, parsed.request_uri },
			{ "Call-ID", m->call_id, parsed.call_id },
			{ "branch", m->branch, parsed.via.branch },
			{ "From", m->from_uri, parsed.from.uri },
			{ "From tag", m->from_tag, parsed.from.tag },
			{ "To", m->to_uri, parsed.to.uri },
			{ "To tag", m->to_tag, parsed.to.tag },
		};
		for (size_t k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (!span_equal(fields[k].is, fields[k].wanted))
				fail_msg("%zu: %s is '%.*s'", i, fields[k].name, SPAN_PRINT(fields[k].is));
	}
}

static bool lies_in(const struct explain_event *e, struct span s)
{
	const char *start = (const char *)e;
	return !s.at || (s.at >= start && s.at + s.length <= start + e->size);
}

static void a_copy_is_whole_and_of_one_piece(void **state)
{
	(void)state;
	const struct explain_event *e = boil_text(
		"SIP/2.0 504 Server time-out\r\n" HEAD "ms-diagnostics: 1009;reason=\"x\";domain=\"b.lab\"\r\n"
		"Content-Length: 0\r\n\r\n");
	struct arena other;
	arena_init(&other, 1 << 20);
	struct explain_event *copy = explain_event_copy(e, &other);
	arena_reset(&arena);
	memset(arena_allocate(&arena, 2000), 0xee, 2000);
	const struct explain_detail *d = copy->message.detail;
	assert_true(
		lies_in(copy, copy->node) && lies_in(copy, copy->message.call_id) && lies_in(copy, d->vias[1].branch));
	assert_true(span_is(copy->node, "vcse"));
	assert_true(span_is(copy->message.call_id, "c1@x"));
	assert_true(span_is(d->vias[1].branch, "z9hG4bKb"));
	assert_true(span_is(d->diagnostics[0].pairs.at[1].name, "domain"));
	assert_true(span_is(d->diagnostics[0].pairs.at[1].value, "b.lab"));
	assert_true(span_is(d->diagnostics[0].header, "ms-diagnostics"));
	assert_int_equal(explain_event_size(copy), copy->size);
	arena_done(&other);
}

/* Any record of any kind: the copy says the same. */
static void records_are_copied(void **state)
{
	(void)state;
	struct span answers[] = { SPAN("0 0 5061 a.lab."), SPAN("0 0 5061 b.lab.") };
	struct record_pair pairs[] = { { SPAN("domain"), SPAN("a.lab") }, { SPAN("info"), SPAN_NONE } };
	struct record records[] = {
		{ .kind = RECORD_DNS_ANSWER,
			.dns = { .name = SPAN("x"), .type = SPAN("SRV"), .records = { answers, 2 } } },
		{ .kind = RECORD_JUDGEMENT,
			.head = { .serial = SPAN("S") },
			.judgement = { .code = SPAN("x"), .parameters = { pairs, 2 } } },
		{ .kind = RECORD_HANDSHAKE, .handshake = { .names = { answers, 1 }, .reason = SPAN("r") } },
		{ .kind = RECORD_NOTICE, .notice = { .severity = RECORD_ERROR, .pairs = { pairs, 1 } } },
		{ .kind = RECORD_CALL, .call = { .reason = SPAN("Not Found") } },
	};
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		struct explain_seen seen = { .raw = SPAN("a line") };
		const char *name = "-";
		bool full;
		const struct explain_event *e = explain_boil(&records[i], &seen, &arena, &full);
		assert_non_null(e);
		struct explain_event *copy = explain_event_copy(e, &arena);
		if (!record_equal(copy->record, &records[i], &name))
			fail_msg("%zu: %s", i, name);
		assert_true(span_is(copy->place.quote, "a line"));
	}
}

static void a_full_arena_is_told(void **state)
{
	(void)state;
	struct arena small;
	struct record r = { .kind = RECORD_CALL };
	struct explain_seen seen = { .raw = SPAN("a line") };
	bool full = false;
	arena_init(&small, 64);
	assert_null(explain_boil(&r, &seen, &small, &full));
	assert_true(full);
	arena_done(&small);
}

static int open_arena(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int close_arena(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refusal_with_all_its_details),
		cmocka_unit_test(only_what_may_be_asked_for_has_details),
		cmocka_unit_test(what_is_there_is_read),
		cmocka_unit_test(what_is_no_message_tells_nothing),
		cmocka_unit_test(the_short_way_gives_what_the_parser_gives),
		cmocka_unit_test(a_copy_is_whole_and_of_one_piece),
		cmocka_unit_test(records_are_copied),
		cmocka_unit_test(a_full_arena_is_told),
	};
	return cmocka_run_group_tests(tests, open_arena, close_arena);
}
