/* SPDX-License-Identifier: Apache-2.0 */
#include "guard.h"
#include "sip/sdp.h"

#include <errno.h>

#define HEAD "v=0\r\no=- 20518 3 IN IP4 203.0.113.1\r\ns=-\r\n"

struct row {
	const char *name;
	const char *text;
	const char *written; /* as we write it; NULL: as it is */
	enum sip_rule rule;
	const char *near;
};

static const struct row rows[] = {
	{ "RFC 8866 5",
		"v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call to John Smith\r\n"
		"i=SDP Offer #1\r\nu=http://www.jdoe.example.com/home.html\r\ne=Jane Doe <jane@jdoe.example.com>\r\n"
		"p=+1 617 555-6011\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\nm=audio 49180 "
		"RTP/AVP 0\r\n"
		"m=video 51372 RTP/AVP 99\r\nc=IN IP6 2001:db8::2\r\na=rtpmap:99 h263-1998/90000\r\n",
		NULL, 0, NULL },
	{ "repeats and zones",
		HEAD "t=3724394400 3724398000\r\nr=604800 3600 0 90000\r\nt=3 4\r\nz=3730928400 -1h\r\na=recvonly\r\n",
		NULL, 0, NULL },
	{ "port count", HEAD "t=0 0\r\nm=video 49170/2 RTP/AVP 31\r\n", NULL, 0, NULL },
	{ "order is made right", HEAD "a=x\r\nt=0 0\r\nb=CT:99980\r\nc=IN IP4 203.0.113.1\r\n",
		HEAD "c=IN IP4 203.0.113.1\r\nb=CT:99980\r\nt=0 0\r\na=x\r\n", 0, NULL },
	{ "fallback of 2007: neither v nor t",
		"o=- 0 0 IN IP4 192.0.2.71\r\ns=session\r\nc=IN IP4 192.0.2.71\r\nm=audio 0 RTP/AVP\r\n",
		"v=0\r\no=- 0 0 IN IP4 192.0.2.71\r\ns=session\r\nc=IN IP4 192.0.2.71\r\nt=0 0\r\nm=audio 0 "
		"RTP/AVP\r\n",
		0, NULL },
	{ "bare LF and no last line end", "v=0\no=- 1 1 IN IP4 h\ns=-\nt=0 0",
		"v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nt=0 0\r\n", 0, NULL },
	{ "version 1", "v=1\r\no=- 1 1 IN IP4 h\r\ns=-\r\n", NULL, SIP_RULE_SDP, "v=1" },
	{ "no origin address", "v=0\r\no=- 1 1 IN\r\ns=-\r\n", NULL, SIP_RULE_SDP, "o=" },
	{ "port in words", HEAD "m=audio many RTP/AVP 0\r\n", NULL, SIP_RULE_SDP, "m=" },
	{ "port too large", HEAD "m=audio 65536 RTP/AVP 0\r\n", NULL, SIP_RULE_SDP, "m=" },
	{ "no protocol", HEAD "m=audio 4\r\n", NULL, SIP_RULE_SDP, "m=" },
	{ "half an address", HEAD "c=IN IP4\r\n", NULL, SIP_RULE_SDP, "c=" },
	{ "no equals sign", HEAD "nonsense\r\n", NULL, SIP_RULE_SDP, "nonsense" },
	{ "a blank before", HEAD " t=0 0\r\n", NULL, SIP_RULE_SDP, " t" },
	{ "nothing", "", NULL, SIP_RULE_SDP, "" },
	{ "only a version", "v=0\r\n", NULL, SIP_RULE_SDP, "" },
};

static void reads_and_writes(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct guard g = guard_make(span_of(rows[i].text));
		struct sip_sdp sdp;
		struct sip_defect defect = { 0, 0 };
		int status = sip_sdp_parse(g.bytes, &sdp, &defect);
		if (status != (rows[i].rule ? -EBADMSG : 0) || defect.rule != rows[i].rule)
			fail_msg("%s: %d, %s at %zu", rows[i].name, status, sip_rule_text(defect.rule), defect.offset);
		if (status < 0 && strncmp(rows[i].text + defect.offset, rows[i].near, strlen(rows[i].near)) != 0)
			fail_msg("%s: the defect is told at %zu", rows[i].name, defect.offset);
		if (status == 0) {
			struct buffer b;
			buffer_init(&b, 4096);
			assert_int_equal(sip_sdp_write(&b, &sdp), 0);
			const char *expected = rows[i].written ? rows[i].written : rows[i].text;
			if (strcmp(b.at, expected) != 0)
				fail_msg("%s: %s", rows[i].name, b.at);
			/* What we wrote reads and writes as itself. */
			struct buffer again;
			buffer_init(&again, 4096);
			assert_int_equal(sip_sdp_parse(buffer_span(&b), &sdp, NULL), 0);
			assert_int_equal(sip_sdp_write(&again, &sdp), 0);
			assert_string_equal(again.at, b.at);
			buffer_done(&again);
			buffer_done(&b);
		}
		guard_done(&g);
	}
}

static void microsoft_is_understood(void **state)
{
	static const char text[] =
		"v=0\r\no=- 0 0 IN IP4 192.0.2.71\r\ns=session\r\nc=IN IP4 192.0.2.71\r\nb=CT:99980\r\nt=0 0\r\n"
		"a=x-devicecaps:audio:send,recv;video:send,recv\r\nm=audio 50028 RTP/SAVP 117 0 101\r\n"
		"a=ice-ufrag: 6nxO\r\na=candidate:1 1 UDP 2130706431 192.0.2.71 50028 typ host\r\n"
		"a=candidate:2 1 TCP-PASS 6556159 192.0.2.71 54112 typ relay raddr 192.0.2.71 rport 5\r\n"
		"a=x-ssrc-range:1-2\r\na=recvonly \r\na=rtpmap:117 "
		"G722/8000/2\r\na=encryption:required\r\na=rtcp-mux\r\n"
		"m=video 0/0 RTP/SAVP 122\r\na=inactive\r\n";
	struct guard g = guard_make(span_of(text));
	struct sip_sdp sdp;
	struct span value, lines;
	(void)state;
	assert_int_equal(sip_sdp_parse(g.bytes, &sdp, NULL), 0);
	assert_int_equal(sdp.media_count, 2);
	const struct sip_sdp_media *audio = &sdp.media[0], *video = &sdp.media[1];
	assert_int_equal(audio->port, 50028);
	assert_true(span_is(audio->formats, "117 0 101"));
	assert_true(sip_sdp_attribute(audio->lines, SPAN("ice-ufrag"), &value));
	assert_true(span_is(value, "6nxO"));
	assert_true(sip_sdp_attribute(audio->lines, SPAN("rtcp-mux"), &value));
	assert_null(value.at);
	assert_false(sip_sdp_attribute(audio->lines, SPAN("rtcp"), &value));
	assert_false(sip_sdp_attribute(sdp.lines, SPAN("encryption"), NULL));
	assert_true(sip_sdp_attribute(sdp.lines, SPAN("x-devicecaps"), NULL));
	lines = audio->lines;
	assert_true(sip_sdp_attribute_next(&lines, SPAN("candidate"), &value));
	assert_true(sip_sdp_attribute_next(&lines, SPAN("candidate"), &value));
	assert_true(span_starts_nocase(value, SPAN("2 1 TCP-PASS")));
	assert_false(sip_sdp_attribute_next(&lines, SPAN("candidate"), &value));
	assert_int_equal(sip_sdp_direction(&sdp, audio), SIP_SDP_RECVONLY);
	assert_int_equal(sip_sdp_direction(&sdp, video), SIP_SDP_INACTIVE);
	assert_true(span_is(sip_sdp_rtpmap(audio, SPAN("117")), "G722/8000/2"));
	assert_true(span_is(sip_sdp_rtpmap(audio, SPAN("0")), "PCMU/8000"));
	assert_null(sip_sdp_rtpmap(audio, SPAN("101")).at);
	assert_true(span_is(sip_sdp_connection(&sdp, audio)->address, "192.0.2.71"));
	guard_done(&g);
}

static void media_have_their_own(void **state)
{
	struct sip_sdp sdp;
	(void)state;
	assert_int_equal(
		sip_sdp_parse(SPAN(HEAD "c=IN IP4 a\r\nt=0 0\r\na=sendonly\r\nm=audio 1 RTP/AVP 0\r\ni=title\r\n"
					"m=audio 1 RTP/AVP 0\r\nc=IN IP6 ::1\r\na=sendrecv\r\n"),
			&sdp, NULL),
		0);
	assert_true(span_is(sip_sdp_connection(&sdp, &sdp.media[0])->address, "a"));
	assert_true(span_is(sip_sdp_connection(&sdp, &sdp.media[1])->address, "::1"));
	assert_int_equal(sip_sdp_direction(&sdp, &sdp.media[0]), SIP_SDP_SENDONLY);
	assert_int_equal(sip_sdp_direction(&sdp, &sdp.media[1]), SIP_SDP_SENDRECV);
	assert_true(span_is(sdp.media[0].title, "title"));
	assert_true(span_is(sdp.origin.session_version, "3"));
}

static void too_many_media_are_refused(void **state)
{
	struct buffer b;
	struct sip_sdp sdp;
	struct sip_defect defect;
	(void)state;
	buffer_init(&b, 1 << 16);
	buffer_append_text(&b, HEAD "t=0 0\r\n");
	for (size_t i = 0; i < SIP_SDP_MEDIA_MAXIMUM; i++)
		buffer_append_text(&b, "m=audio 1 RTP/AVP 0\r\n");
	assert_int_equal(sip_sdp_parse(buffer_span(&b), &sdp, &defect), 0);
	assert_int_equal(sdp.media_count, SIP_SDP_MEDIA_MAXIMUM);
	buffer_append_text(&b, "m=audio 1 RTP/AVP 0\r\n");
	assert_int_equal(sip_sdp_parse(buffer_span(&b), &sdp, &defect), -EBADMSG);
	assert_int_equal(defect.rule, SIP_RULE_SDP_LIMIT);
	buffer_done(&b);
}

static void writes_new_ones(void **state)
{
	struct buffer b;
	struct sip_sdp_head head = { .session_id = 1, .session_version = 2, .address = SPAN("2001:db8::1") };
	(void)state;
	buffer_init(&b, 4096);
	sip_sdp_write_head(&b, &head);
	sip_sdp_write_media(&b, SPAN("audio"), 4000, SPAN("RTP/AVP"), SPAN("0 8"));
	sip_sdp_write_attribute(&b, SPAN("rtpmap"), SPAN("0 PCMU/8000"));
	assert_int_equal(sip_sdp_write_attribute(&b, SPAN("sendrecv"), SPAN_NONE), 0);
	assert_string_equal(b.at, "v=0\r\no=- 1 2 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\nt=0 "
				  "0\r\nm=audio 4000 RTP/AVP 0 8\r\n"
				  "a=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n");
	buffer_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(microsoft_is_understood),
		cmocka_unit_test(media_have_their_own),
		cmocka_unit_test(too_many_media_are_refused),
		cmocka_unit_test(writes_new_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
