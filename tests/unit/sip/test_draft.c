/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "sip/draft.h"
#include "sip/parameter.h"
#include "sip/via.h"

#include <errno.h>

#define VIAS                                                                                                           \
	"Via: SIP/2.0/TLS 10.48.36.46:5061;branch=z9hG4bKb;rport\r\nv:SIP/2.0/TLS a.example;branch=z9hG4bKa, "         \
	"SIP/2.0/UDP z\r\n"
#define REST                                                                                                           \
	"Route: <sip:r1;lr> , <sip:r2;lr>\r\nMax-Forwards: 69\r\nX-Odd :  kept \r\n as it is\r\n"                      \
	"f: <sip:a@b>;tag=1\r\nTO: <sip:c@d>\r\nRoute: <sip:r3;lr>\r\nCall-ID: 1@h\r\n"                                \
	"CSeq: 7 INVITE\r\nRecord-Route: <sip:x;lr>\r\nTimestamp: 54\r\nX-Odd: again\r\nContact: <sip:a@h>\r\n"        \
	"Content-Type: text/plain\r\n"
#define REQUEST "INVITE sip:c@d SIP/2.0\r\n" VIAS REST "Content-Length: 2\r\n\r\nhi"

struct bench {
	struct arena arena;
	struct sip_message m;
	struct sip_draft d;
};

static void setup(struct bench *b, const char *text)
{
	arena_init(&b->arena, 1 << 18);
	assert_int_equal(sip_message_parse(span_of(text), &b->m, NULL), 0);
	sip_draft_forward(&b->d, &b->arena, &b->m);
}

/* What the draft gives must be this, in all three ways of writing. */
static void expect(struct bench *b, const char *expected)
{
	struct buffer text, spliced;
	struct iovec pieces[SIP_DRAFT_PIECES_MAXIMUM];
	buffer_init(&text, 1 << 17);
	buffer_init(&spliced, 1 << 17);
	assert_int_equal(b->d.status, 0);
	assert_int_equal(sip_draft_write(&b->d, &text), 0);
	int count = sip_draft_pieces(&b->d, pieces, SIP_DRAFT_PIECES_MAXIMUM);
	assert_true(count > 0);
	for (int i = 0; i < count; i++)
		buffer_append(&spliced, span_make(pieces[i].iov_base, pieces[i].iov_len));
	assert_string_equal(text.at, expected);
	assert_string_equal(spliced.at, expected);
	assert_true(span_is(sip_draft_text(&b->d), expected));
	buffer_done(&text);
	buffer_done(&spliced);
	arena_done(&b->arena);
}

static void untouched_leaves_as_it_came(void **state)
{
	struct bench b;
	struct iovec pieces[4];
	(void)state;
	setup(&b, REQUEST);
	/* One piece: nothing was cut. */
	assert_int_equal(sip_draft_pieces(&b.d, pieces, 4), 1);
	assert_ptr_equal(pieces[0].iov_base, b.m.bytes.at);
	expect(&b, REQUEST);
}

static void a_proxy_forwards_a_request(void **state)
{
	struct bench b;
	struct sip_via_stamp stamp = { .received = SPAN("127.0.0.1"), .rport = 28119, .ingress_zone = SPAN("ZoneA") };
	(void)state;
	setup(&b, REQUEST);
	sip_draft_stamp_via(&b.d, &stamp);
	sip_draft_prepend(&b.d, SIP_HEADER_VIA, SPAN("SIP/2.0/TLS me;branch=z9hG4bKnew"));
	sip_draft_prepend(&b.d, SIP_HEADER_RECORD_ROUTE, SPAN("<sip:in;lr>"));
	sip_draft_prepend(&b.d, SIP_HEADER_RECORD_ROUTE, SPAN("<sip:out;lr>"));
	sip_draft_set_request_uri(&b.d, SPAN("sip:new@d;transport=tls"));
	sip_draft_drop_first(&b.d, SIP_HEADER_ROUTE, 1);
	sip_draft_set_max_forwards(&b.d, 68);
	sip_draft_drop_name(&b.d, SPAN("x-odd"));
	sip_draft_append_name(&b.d, SPAN("X-Tag"), SPAN("t"));
	expect(&b,
		"INVITE sip:new@d;transport=tls SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bKnew\r\n"
		"Via: SIP/2.0/TLS "
		"10.48.36.46:5061;branch=z9hG4bKb;received=127.0.0.1;rport=28119;ingress-zone=ZoneA\r\n"
		"v:SIP/2.0/TLS a.example;branch=z9hG4bKa, SIP/2.0/UDP z\r\nRoute: <sip:r2;lr>\r\nMax-Forwards: 68\r\n"
		"f: <sip:a@b>;tag=1\r\nTO: <sip:c@d>\r\nRoute: <sip:r3;lr>\r\nCall-ID: 1@h\r\nCSeq: 7 INVITE\r\n"
		"Record-Route: <sip:out;lr>\r\nRecord-Route: <sip:in;lr>\r\nRecord-Route: <sip:x;lr>\r\nTimestamp: "
		"54\r\n"
		"Contact: <sip:a@h>\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nX-Tag: t\r\n\r\nhi");
}

static void a_name_with_blanks_is_quoted(void **state)
{
	struct bench b;
	struct sip_via_stamp stamp = { .ingress_zone = SPAN("call server") };
	struct sip_via via;
	struct span value;
	(void)state;
	setup(&b, "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKb\r\nFrom: <sip:a@b>;tag=1\r\n"
		  "To: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	sip_draft_stamp_via(&b.d, &stamp);
	expect(&b, "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKb;ingress-zone=\"call server\"\r\n"
		   "From: <sip:a@b>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n"
		   "Content-Length: 0\r\n\r\n");
	assert_int_equal(
		sip_via_parse(SPAN("SIP/2.0/TCP h;ingress-zone=\"call server\";branch=z9hG4bKb"), &via, NULL), 0);
	assert_true(sip_parameter_find(via.parameters, SPAN("ingress-zone"), &value));
	assert_true(span_is(sip_unquote(value), "call server"));
}

static void values_go_one_by_one(void **state)
{
	static const char *const routes[] = { "Route: <sip:r1;lr> , <sip:r2;lr>\r\n|Route: <sip:r3;lr>\r\n",
		"Route: <sip:r2;lr>\r\n|Route: <sip:r3;lr>\r\n", "|Route: <sip:r3;lr>\r\n", "|", "|" };
	(void)state;
	for (size_t drop = 0; drop < BASE_COUNT(routes); drop++) {
		struct bench b;
		char expected[256];
		const char *bar = strchr(routes[drop], '|');
		snprintf(expected, sizeof(expected),
			"OPTIONS sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n%.*sFrom: <sip:a@b>;tag=1\r\n"
			"To: <sip:a@b>\r\n%sCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			(int)(bar - routes[drop]), routes[drop], bar + 1);
		setup(&b, "OPTIONS sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nRoute: <sip:r1;lr> , <sip:r2;lr>\r\n"
			  "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nRoute: <sip:r3;lr>\r\nCall-ID: 1\r\nCSeq: 1 "
			  "OPTIONS\r\n"
			  "Content-Length: 0\r\n\r\n");
		/* At once, and one after the other: the same. */
		if (drop % 2)
			sip_draft_drop_first(&b.d, SIP_HEADER_ROUTE, drop);
		else
			for (size_t i = 0; i < drop; i++)
				sip_draft_drop_first(&b.d, SIP_HEADER_ROUTE, 1);
		expect(&b, expected);
	}
}

static void a_proxy_forwards_a_response(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS me;branch=z9hG4bKnew, SIP/2.0/TLS a\r\nFrom: <sip:a@b>;tag=1\r\n"
		  "To: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nl: 0\r\n\r\n");
	sip_draft_drop_first(&b.d, SIP_HEADER_VIA, 1);
	sip_draft_append(&b.d, SIP_HEADER_WARNING, SPAN("399 h \"why\""));
	expect(&b,
		"SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\n"
		"CSeq: 1 INVITE\r\nl: 0\r\nWarning: 399 h \"why\"\r\n\r\n");
}

static void responses_carry_what_they_must(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, REQUEST);
	sip_draft_response(&b.d, &b.arena, &b.m, 504, SPAN_NONE, SPAN("C65A"));
	sip_draft_append(&b.d, SIP_HEADER_SERVER, SPAN("RTC/6.0"));
	expect(&b, "SIP/2.0 504 Server Time-out\r\n" VIAS
		   "f: <sip:a@b>;tag=1\r\nTO: <sip:c@d>;tag=C65A\r\nCall-ID: 1@h\r\n"
		   "CSeq: 7 INVITE\r\nServer: RTC/6.0\r\nContent-Length: 0\r\n\r\n");
	setup(&b, REQUEST);
	sip_draft_response(&b.d, &b.arena, &b.m, 100, SPAN_NONE, SPAN("C65A"));
	expect(&b, "SIP/2.0 100 Trying\r\n" VIAS
		   "f: <sip:a@b>;tag=1\r\nTO: <sip:c@d>\r\nCall-ID: 1@h\r\nCSeq: 7 INVITE\r\n"
		   "Timestamp: 54\r\nContent-Length: 0\r\n\r\n");
	setup(&b, REQUEST);
	sip_draft_response(&b.d, &b.arena, &b.m, 180, SPAN("Ringing, really"), SPAN("t"));
	sip_draft_set_body(&b.d, SPAN("text/x"), SPAN("body"));
	expect(&b,
		"SIP/2.0 180 Ringing, really\r\n" VIAS "f: <sip:a@b>;tag=1\r\nTO: <sip:c@d>;tag=t\r\nCall-ID: 1@h\r\n"
		"CSeq: 7 INVITE\r\nRecord-Route: <sip:x;lr>\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nbody");
}

static void a_tag_that_is_there_stays(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, "BYE sip:c@d SIP/2.0\r\nVia: SIP/2.0/TLS h\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		  "<sip:a@b>;tag=2\r\nCall-ID: 1\r\n"
		  "CSeq: 1 BYE\r\nl: 0\r\n\r\n");
	sip_draft_response(&b.d, &b.arena, &b.m, 481, SPAN_NONE, SPAN("new"));
	sip_draft_stamp_via(&b.d, &(struct sip_via_stamp){ .received = SPAN("10.0.0.1"),
					  .rport = 4,
					  .ms_received_port = 25002,
					  .ms_received_cid = SPAN("1F") });
	expect(&b, "SIP/2.0 481 Call/Transaction Does Not Exist\r\n"
		   "Via: SIP/2.0/TLS h;received=10.0.0.1;ms-received-port=25002;ms-received-cid=1F\r\n"
		   "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\nContent-Length: "
		   "0\r\n\r\n");
}

/* A request too broken for anything but 400 is answered with what it has. */
static void broken_requests_are_answered(void **state)
{
	struct bench b;
	struct sip_defect defect;
	(void)state;
	arena_init(&b.arena, 1 << 16);
	assert_int_equal(
		sip_message_parse(SPAN("OPTIONS sip:c@d SIP/2.0\nVia: SIP/2.0/UDP h\nnonsense\nFrom: <sip:a@b>;tag=1\n"
				       "To: <sip:a@b>\nCSeq: 1 OPTIONS\n\n"),
			&b.m, &defect),
		-EPROTO);
	sip_draft_response(&b.d, &b.arena, &b.m, 400, SPAN("Bad Request"), SPAN("t"));
	expect(&b, "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=t\r\n"
		   "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
}

static void requests_from_nothing(void **state)
{
	struct bench b;
	(void)state;
	arena_init(&b.arena, 1 << 16);
	sip_draft_request(&b.d, &b.arena, SPAN("OPTIONS"), SPAN("sip:d"));
	sip_draft_append(&b.d, SIP_HEADER_MAX_FORWARDS, SPAN("70"));
	sip_draft_append(&b.d, SIP_HEADER_FROM, SPAN("<sip:a@b>;tag=1"));
	sip_draft_prepend(&b.d, SIP_HEADER_VIA, SPAN("SIP/2.0/UDP h"));
	sip_draft_replace(&b.d, SIP_HEADER_MAX_FORWARDS, SPAN("5"));
	sip_draft_set_body(&b.d, SPAN("text/plain"), SPAN("abc"));
	sip_draft_set_body(&b.d, SPAN_NONE, SPAN("abcd"));
	expect(&b, "OPTIONS sip:d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nMax-Forwards: 5\r\nFrom: <sip:a@b>;tag=1\r\n"
		   "Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nabcd");
}

static void cancel_and_ack_follow_their_invite(void **state)
{
	struct bench b;
	struct sip_message response;
	(void)state;
	setup(&b,
		"INVITE sip:c@d SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bK1, SIP/2.0/TLS you\r\nMax-Forwards: 9\r\n"
		"Route: <sip:r1;lr>\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nRoute: <sip:r2;lr>\r\nCall-ID: 1\r\n"
		"CSeq: 8 INVITE\r\nContact: <sip:a@h>\r\nSupported: timer\r\nl: 1\r\n\r\nx");
	sip_draft_cancel(&b.d, &b.arena, &b.m);
	expect(&b, "CANCEL sip:c@d SIP/2.0\r\nVia: SIP/2.0/TLS me;branch=z9hG4bK1\r\nRoute: <sip:r1;lr>\r\n"
		   "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nRoute: <sip:r2;lr>\r\nCall-ID: 1\r\nCSeq: 8 CANCEL\r\n"
		   "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
	setup(&b, REQUEST);
	assert_int_equal(sip_message_parse(SPAN("SIP/2.0 486 Busy\r\nVia: SIP/2.0/TLS x\r\nt: \"C\" "
						"<sip:c@d>;tag=9\r\nf: <sip:a@b>;tag=1\r\n"
						"i: 1\r\nCSeq: 7 INVITE\r\n\r\n"),
				 &response, NULL),
		0);
	sip_draft_ack(&b.d, &b.arena, &b.m, &response);
	expect(&b, "ACK sip:c@d SIP/2.0\r\nVia: SIP/2.0/TLS 10.48.36.46:5061;branch=z9hG4bKb;rport\r\n"
		   "Route: <sip:r1;lr> , <sip:r2;lr>\r\nf: <sip:a@b>;tag=1\r\nTO: \"C\" <sip:c@d>;tag=9\r\nRoute: "
		   "<sip:r3;lr>\r\n"
		   "Call-ID: 1@h\r\nCSeq: 7 ACK\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n");
}

static void a_length_is_added_for_streams(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, "MESSAGE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: "
		  "1\r\n"
		  "CSeq: 1 MESSAGE\r\n\r\nfive!");
	expect(&b, "MESSAGE sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
		   "<sip:a@b>\r\nCall-ID: 1\r\n"
		   "CSeq: 1 MESSAGE\r\nContent-Length: 5\r\n\r\nfive!");
}

static void replaced_and_dropped(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, REQUEST);
	sip_draft_replace(&b.d, SIP_HEADER_ROUTE, SPAN("<sip:only;lr>"));
	sip_draft_replace(&b.d, SIP_HEADER_SUBJECT, SPAN("new"));
	sip_draft_replace(&b.d, SIP_HEADER_SUBJECT, SPAN("newer"));
	sip_draft_replace_first(&b.d, SIP_HEADER_CONTACT, SPAN("<sip:me>"));
	sip_draft_drop(&b.d, SIP_HEADER_VIA);
	sip_draft_drop(&b.d, SIP_HEADER_TIMESTAMP);
	expect(&b,
		"INVITE sip:c@d SIP/2.0\r\nRoute: <sip:only;lr>\r\nMax-Forwards: 69\r\nX-Odd :  kept \r\n as it is\r\n"
		"f: <sip:a@b>;tag=1\r\nTO: <sip:c@d>\r\nCall-ID: 1@h\r\nCSeq: 7 INVITE\r\nRecord-Route: <sip:x;lr>\r\n"
		"X-Odd: again\r\nContact: <sip:me>\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nSubject: "
		"newer\r\n\r\nhi");
}

/* The Record-Route of a request that has none goes below the Vias. */
static void prepends_find_their_place(void **state)
{
	struct bench b;
	(void)state;
	setup(&b, "OPTIONS sip:c@d SIP/2.0\r\nX: y\r\nVia: SIP/2.0/UDP h\r\nVia: SIP/2.0/UDP g\r\nFrom: "
		  "<sip:a@b>;tag=1\r\n"
		  "To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
	sip_draft_prepend(&b.d, SIP_HEADER_RECORD_ROUTE, SPAN("<sip:1;lr>"));
	sip_draft_prepend(&b.d, SIP_HEADER_RECORD_ROUTE, SPAN("<sip:2;lr>"));
	sip_draft_prepend(&b.d, SIP_HEADER_VIA, SPAN("SIP/2.0/UDP me"));
	expect(&b,
		"OPTIONS sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP me\r\nX: y\r\nVia: SIP/2.0/UDP h\r\nVia: SIP/2.0/UDP g\r\n"
		"Record-Route: <sip:2;lr>\r\nRecord-Route: <sip:1;lr>\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
}

static void text_that_breaks_a_message_is_refused(void **state)
{
	static const char *const values[] = { "a\r\nX: y", "a\nb", "a\rb", "a\r\n", "\n" };
	struct bench b;
	struct buffer text;
	(void)state;
	buffer_init(&text, 1 << 16);
	for (size_t i = 0; i < BASE_COUNT(values); i++) {
		setup(&b, REQUEST);
		sip_draft_append(&b.d, SIP_HEADER_SUBJECT, span_of(values[i]));
		sip_draft_append(&b.d, SIP_HEADER_SUBJECT, SPAN("good"));
		assert_int_equal(sip_draft_write(&b.d, &text), -EINVAL);
		assert_int_equal(text.length, 0);
		assert_null(sip_draft_text(&b.d).at);
		arena_done(&b.arena);
	}
	setup(&b, REQUEST);
	sip_draft_append_name(&b.d, SPAN("two words"), SPAN("x"));
	assert_int_equal(b.d.status, -EINVAL);
	arena_done(&b.arena);
	setup(&b, REQUEST);
	sip_draft_set_request_uri(&b.d, SPAN("sip:a b"));
	assert_int_equal(b.d.status, -EINVAL);
	arena_done(&b.arena);
	setup(&b, REQUEST);
	sip_draft_response(&b.d, &b.arena, &b.m, 200, SPAN("OK\r\nX: y"), SPAN_NONE);
	assert_int_equal(b.d.status, -EINVAL);
	arena_done(&b.arena);
	buffer_done(&text);
}

static void limits_are_kept(void **state)
{
	struct bench b;
	struct iovec pieces[2];
	(void)state;
	setup(&b, REQUEST);
	for (size_t i = 0; i < SIP_DRAFT_EDITS_MAXIMUM + 1; i++)
		sip_draft_append(&b.d, SIP_HEADER_SUBJECT, SPAN("x"));
	assert_int_equal(b.d.status, -ENOBUFS);
	arena_done(&b.arena);
	setup(&b, REQUEST);
	sip_draft_append(&b.d, SIP_HEADER_SUBJECT, SPAN("x"));
	sip_draft_drop(&b.d, SIP_HEADER_CSEQ);
	assert_int_equal(sip_draft_pieces(&b.d, pieces, 2), -ENOBUFS);
	arena_done(&b.arena);
	/* Every arena that is too small fails cleanly. */
	for (size_t size = 0; size < 600; size += 7) {
		setup(&b, REQUEST);
		arena_done(&b.arena);
		arena_init(&b.arena, size);
		sip_draft_response(&b.d, &b.arena, &b.m, 404, SPAN_NONE, SPAN("t"));
		sip_draft_stamp_via(&b.d, &(struct sip_via_stamp){ .received = SPAN("1.2.3.4") });
		sip_draft_append(&b.d, SIP_HEADER_SUBJECT, SPAN("x"));
		if (b.d.status == 0)
			(void)sip_draft_text(&b.d);
		else
			assert_int_equal(b.d.status, -ENOMEM);
		arena_done(&b.arena);
	}
}

/* Every other line dropped and as many edits as there may be: the promised number of pieces suffices. */
static void pieces_always_suffice(void **state)
{
	struct buffer text;
	struct bench b;
	(void)state;
	buffer_init(&text, 1 << 16);
	buffer_append_text(&text,
		"OPTIONS sip:c@d SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\n");
	for (int i = 0; i < 77; i++)
		buffer_append_text(&text, "Drop: x\r\nX-Keep: y\r\n");
	buffer_append_text(&text, "\r\n");
	setup(&b, text.at);
	assert_int_equal(b.m.header_count, 159);
	sip_draft_drop_name(&b.d, SPAN("drop"));
	for (size_t i = 0; i < SIP_DRAFT_EDITS_MAXIMUM; i++)
		sip_draft_prepend(&b.d, i % 2 ? SIP_HEADER_VIA : SIP_HEADER_CSEQ, SPAN("SIP/2.0/UDP x"));
	assert_int_equal(b.d.status, 0);
	assert_non_null(sip_draft_text(&b.d).at);
	arena_done(&b.arena);
	buffer_done(&text);
}

static void phrases(void **state)
{
	(void)state;
	assert_true(span_is(sip_status_phrase(486), "Busy Here"));
	assert_true(span_is(sip_status_phrase(499), "Request Failure"));
	assert_true(span_is(sip_status_phrase(42), "Unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(untouched_leaves_as_it_came),
		cmocka_unit_test(a_proxy_forwards_a_request),
		cmocka_unit_test(a_name_with_blanks_is_quoted),
		cmocka_unit_test(values_go_one_by_one),
		cmocka_unit_test(a_proxy_forwards_a_response),
		cmocka_unit_test(responses_carry_what_they_must),
		cmocka_unit_test(a_tag_that_is_there_stays),
		cmocka_unit_test(broken_requests_are_answered),
		cmocka_unit_test(requests_from_nothing),
		cmocka_unit_test(cancel_and_ack_follow_their_invite),
		cmocka_unit_test(a_length_is_added_for_streams),
		cmocka_unit_test(replaced_and_dropped),
		cmocka_unit_test(prepends_find_their_place),
		cmocka_unit_test(text_that_breaks_a_message_is_refused),
		cmocka_unit_test(limits_are_kept),
		cmocka_unit_test(pieces_always_suffice),
		cmocka_unit_test(phrases),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
