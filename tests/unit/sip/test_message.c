/* SPDX-License-Identifier: Apache-2.0 */
/* Every file of tests/messages, and what reading it must give. */
#include "guard.h"
#include "sip/message.h"

#include <dirent.h>
#include <errno.h>

struct row {
	const char *file;
	int status;
	enum sip_rule rule;
	const char *near; /* the defect's offset is where this text begins; NULL: not looked at */
	const char *summary; /* of well-formed ones */
};

static const struct row rows[] = {
	{ "good-compact", 0, SIP_RULE_NONE, NULL,
		"INVITE[1] sip:bob@skype.lab | via 1 192.0.2.7:0 z9hG4bKc1 | from sip:ann@steven.lab #c | to "
		"sip:bob@skype.lab # | compact@192.0.2.7 | 1 | hops 70 length 87 body 87 sdp 87 | 10 lines, 2 via, 0 "
		"route, 1 contact" },
	{ "good-datagram-longer", 0, SIP_RULE_NONE, NULL,
		"MESSAGE[10] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 4 | hops 70 length 3 body 3 sdp 0 | 8 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "good-datagram-no-length", 0, SIP_RULE_NONE, NULL,
		"MESSAGE[10] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 4 | hops 70 length -1 body 9 sdp 0 | 7 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "good-empty-values", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops 70 length 0 body 0 sdp 0 | 10 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "good-escaped-user", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] sip:sips%3Auser%40example.com@example.net | via 2 192.0.2.7:5060 z9hG4bKk7 | from "
		"sip:ann@steven.lab #a1 | to sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops 70 length 0 body 0 sdp 0 | "
		"7 lines, 1 via, 0 route, 0 contact" },
	{ "good-folded", 0, SIP_RULE_NONE, NULL,
		"MESSAGE[10] sip:bob@skype.lab;transport=TCP | via 2 edge.steven.lab:5080 z9hG4bKfold | from "
		"sip:ann@steven.lab #fold1 | to sip:bob@skype.lab # | folded.1@[2001:db8::7] | 9 | hops 10 length 2 "
		"body 2 sdp 0 | 9 lines, 1 via, 0 route, 0 contact" },
	{ "good-ipv6", 0, SIP_RULE_NONE, NULL,
		"INVITE[1] sip:bob@[2001:db8::9]:5070;transport=tls | via 3 2001:db8::7:5061 z9hG4bKv6 | from "
		"sip:ann@[2001:db8::7] #six | to sip:bob@[2001:db8::9] # | six@[2001:db8::7] | 6 | hops 70 length 0 "
		"body 0 sdp 0 | 8 lines, 1 via, 0 route, 1 contact" },
	{ "good-lists", 0, SIP_RULE_NONE, NULL,
		"INVITE[1] sip:bob@skype.lab | via 3 a.example:5061 z9hG4bKa | from sip:ann@steven.lab #bare | to "
		"tel:+3225550100 # | lists | 2 | hops 9 length 0 body 0 sdp 0 | 14 lines, 3 via, 4 route, 3 contact" },
	{ "good-microsoft-504", 0, SIP_RULE_NONE, NULL,
		"504 \"Server time-out\" INVITE | via 3 10.48.36.47:5061 "
		"z9hG4bK42ee6fd77d32cc8925196770b950b33554.731d73c3f4246d6a255e38a9f695bfc0 | from "
		"sip:2000@acano.steven.lab #9fea3e7d70afd884 | to sip:stejanss@skype.lab "
		"#C65A7B0A8766A5F1D386474833D07882 | f1b3ad5d-183b-4632-b210-c2f9bec71960 | 2066245576 | hops -1 "
		"length 0 body 0 sdp 0 | 9 lines, 3 via, 0 route, 0 contact" },
	{ "good-microsoft-request", 0, SIP_RULE_NONE, NULL,
		"SERVICE[15] SIP:stejanss@skype.lab | via 3 192.0.2.71:12723  | from SIP:stejanss@skype.lab "
		"#4cd8a4bb3e | to sip:stejanss@skype.lab # | 57f7c0c1a2c94d53b3d9d1e8 | 1 | hops 70 length 4 body 4 "
		"sdp 0 | 12 lines, 1 via, 0 route, 1 contact" },
	{ "good-multipart-alternative", 0, SIP_RULE_NONE, NULL,
		"INVITE[1] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 3 | hops 70 length 385 body 385 sdp 87 | 9 lines, 1 via, 0 "
		"route, 0 contact" },
	{ "good-multipart-nested", 0, SIP_RULE_NONE, NULL,
		"INVITE[1] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 3 | hops 70 length 376 body 376 sdp 87 | 8 lines, 1 via, 0 "
		"route, 0 contact" },
	{ "good-no-blank-after-status", 0, SIP_RULE_NONE, NULL,
		"200 \"\" BYE | via 1 192.0.2.7:0 z9hG4bKn | from sip:a@b #1 | to sip:c@d #2 | n | 5 | hops -1 length "
		"0 body 0 sdp 0 | 6 lines, 1 via, 0 route, 0 contact" },
	{ "good-no-forwards", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops -1 length 0 body 0 sdp 0 | 6 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "good-no-reason", 0, SIP_RULE_NONE, NULL,
		"100 \"\" INVITE | via 1 192.0.2.7:0 z9hG4bKn | from sip:a@b #1 | to sip:c@d # | n | 5 | hops -1 "
		"length -1 body 0 sdp 0 | 5 lines, 1 via, 0 route, 0 contact" },
	{ "good-odd-tokens", 0, SIP_RULE_NONE, NULL,
		"!odd_Method.`token'*+~%1[0] "
		"sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
		";;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com | via 7 host_1.example.com:0 "
		"z9hG4bK-.!%66*_+`'~ | from sip:mundane@example.com #_token~1'+`*%!-. | to "
		"sip:1_unusual.URI@example.com # | odd%ZK-!.*_+'@word`~)(><:\\/\"][?}{ | 139122385 | hops 255 length 0 "
		"body 0 sdp 0 | 8 lines, 1 via, 0 route, 0 contact" },
	{ "good-register-wildcard", 0, SIP_RULE_NONE, NULL,
		"REGISTER[6] sip:steven.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:ann@steven.lab # | 7-1@192.0.2.7 | 4 | hops 70 length 0 body 0 sdp 0 | 9 lines, 1 via, 0 route, 1 "
		"contact" },
	{ "good-same-length-twice", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops 70 length 0 body 0 sdp 0 | 8 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "good-semicolon-user", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] sip:user;par=u%40example.net@example.com | via 2 192.0.2.7:5060 z9hG4bKk7 | from "
		"sip:ann@steven.lab #a1 | to sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops 70 length 0 body 0 sdp 0 | "
		"7 lines, 1 via, 0 route, 0 contact" },
	{ "good-tel", 0, SIP_RULE_NONE, NULL,
		"INVITE[1] tel:+1-816-555.1212;phone-context=example.com | via 2 192.0.2.7:5060 z9hG4bKk7 | from "
		"sip:ann@steven.lab #a1 | to sip:bob@skype.lab # | 7-1@192.0.2.7 | 1 | hops 70 length 0 body 0 sdp 0 | "
		"7 lines, 1 via, 0 route, 0 contact" },
	{ "good-unknown-scheme", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] nobodyKnowsThisScheme:totallyopaquecontent | via 2 192.0.2.7:5060 z9hG4bKk7 | from "
		"sip:ann@steven.lab #a1 | to sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops 70 length 0 body 0 sdp 0 | "
		"7 lines, 1 via, 0 route, 0 contact" },
	{ "good-utf8-reason", 0, SIP_RULE_NONE, NULL,
		"200 \"= 2**3 * 5**2 но сто девяносто девять - простое\" INVITE | via 1 192.0.2.198:0 z9hG4bK1324923 | "
		"from sip:user@example.com #11141343 | to sip:user@example.edu #2229 | "
		"unreason.1234ksdfak3j2erwedfsASdf | 35 | hops -1 length 0 body 0 sdp 0 | 6 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "good-zero-forwards", 0, SIP_RULE_NONE, NULL,
		"OPTIONS[5] sip:bob@skype.lab | via 2 192.0.2.7:5060 z9hG4bKk7 | from sip:ann@steven.lab #a1 | to "
		"sip:bob@skype.lab # | 7-1@192.0.2.7 | 7 | hops 0 length 0 body 0 sdp 0 | 7 lines, 1 via, 0 route, 0 "
		"contact" },
	{ "hard-http", -EBADMSG, SIP_RULE_START_LINE, "GET / HTTP/1.1", NULL },
	{ "hard-lines-only", -EBADMSG, SIP_RULE_START_LINE, NULL, NULL },
	{ "hard-no-line-end", -EBADMSG, SIP_RULE_START_LINE, "OPTIONS sip:bo", NULL },
	{ "hard-no-via", -EBADMSG, SIP_RULE_VIA_MISSING, NULL, NULL },
	{ "hard-one-word", -EBADMSG, SIP_RULE_START_LINE, "OPTIONS", NULL },
	{ "hard-status-words", -EBADMSG, SIP_RULE_START_LINE, "SIP/2.0 two hu", NULL },
	{ "hard-tls-hello", -EBADMSG, SIP_RULE_START_LINE, "", NULL },
	{ "hard-via-ipv6-open", -EBADMSG, SIP_RULE_VIA, ";branch=z9hG4b", NULL },
	{ "hard-via-no-host", -EBADMSG, SIP_RULE_VIA, ";branch=z9hG4b", NULL },
	{ "hard-via-port", -EBADMSG, SIP_RULE_VIA, "99999;branch=z", NULL },
	{ "hard-via-version", -EBADMSG, SIP_RULE_VIA, "SIP/1.0/TCP 19", NULL },
	{ "soft-all-lf", -EPROTO, SIP_RULE_LINE_END, NULL, NULL },
	{ "soft-bare-cr", -EPROTO, SIP_RULE_LINE_END, "\rX-Hidden: b", NULL },
	{ "soft-bare-lf", -EPROTO, SIP_RULE_LINE_END, NULL, NULL },
	{ "soft-body-short", -EPROTO, SIP_RULE_BODY_SHORT, NULL, NULL },
	{ "soft-call-id-blank", -EPROTO, SIP_RULE_CALL_ID, " words", NULL },
	{ "soft-cseq-2-31", -EPROTO, SIP_RULE_CSEQ, "2147483648 OPT", NULL },
	{ "soft-cseq-large", -EPROTO, SIP_RULE_CSEQ, "36893488147419", NULL },
	{ "soft-cseq-no-method", -EPROTO, SIP_RULE_CSEQ, "7", NULL },
	{ "soft-cseq-other-method", -EPROTO, SIP_RULE_CSEQ_METHOD, "INVITE", NULL },
	{ "soft-cseq-words", -EPROTO, SIP_RULE_CSEQ, "seven OPTIONS", NULL },
	{ "soft-first-header-folded", -EPROTO, SIP_RULE_HEADER_NAME, " folded: x", NULL },
	{ "soft-forwards-256", -EPROTO, SIP_RULE_MAX_FORWARDS, "256", NULL },
	{ "soft-forwards-words", -EPROTO, SIP_RULE_MAX_FORWARDS, "many", NULL },
	{ "soft-from-no-scheme", -EPROTO, SIP_RULE_FROM, "ann;tag=1", NULL },
	{ "soft-length-huge", -EPROTO, SIP_RULE_LENGTH, "99999999999999", NULL },
	{ "soft-length-negative", -EPROTO, SIP_RULE_LENGTH, "-999", NULL },
	{ "soft-length-words", -EPROTO, SIP_RULE_LENGTH, "0 bytes", NULL },
	{ "soft-lengths-differ", -EPROTO, SIP_RULE_LENGTH_CONFLICT, "Content-Length", NULL },
	{ "soft-many-headers", -EPROTO, SIP_RULE_HEADER_COUNT, "X-154: 154", NULL },
	{ "soft-method-bracket", -EPROTO, SIP_RULE_METHOD, "<IONS sip:bob@", NULL },
	{ "soft-name-blank", -EPROTO, SIP_RULE_HEADER_NAME, "two words: x", NULL },
	{ "soft-name-empty", -EPROTO, SIP_RULE_HEADER_NAME, ": x", NULL },
	{ "soft-no-call-id", -EPROTO, SIP_RULE_CALL_ID_MISSING, NULL, NULL },
	{ "soft-no-colon", -EPROTO, SIP_RULE_HEADER_NAME, "this line has ", NULL },
	{ "soft-no-cseq", -EPROTO, SIP_RULE_CSEQ_MISSING, NULL, NULL },
	{ "soft-no-empty-line", -EPROTO, SIP_RULE_HEAD_END, NULL, NULL },
	{ "soft-no-from", -EPROTO, SIP_RULE_FROM_MISSING, NULL, NULL },
	{ "soft-no-to", -EPROTO, SIP_RULE_TO_MISSING, NULL, NULL },
	{ "soft-nul", -EPROTO, SIP_RULE_CONTROL_BYTE, NULL, NULL },
	{ "soft-status-700", -EPROTO, SIP_RULE_STATUS, "700 Beyond", NULL },
	{ "soft-to-after-bracket", -EPROTO, SIP_RULE_TO, "tag=1", NULL },
	{ "soft-to-bracket", -EPROTO, SIP_RULE_TO, NULL, NULL },
	{ "soft-to-quote", -EPROTO, SIP_RULE_TO, "\"Bob <sip:bob@", NULL },
	{ "soft-two-call-ids", -EPROTO, SIP_RULE_DUPLICATE, "i: another", NULL },
	{ "soft-two-froms", -EPROTO, SIP_RULE_DUPLICATE, "f: <sip:eve@st", NULL },
	{ "soft-uri-blank", -EPROTO, SIP_RULE_REQUEST_URI, " lr SIP/2.0", NULL },
	{ "soft-uri-brackets", -EPROTO, SIP_RULE_REQUEST_URI, "<sip:bob@skype", NULL },
	{ "soft-uri-empty", -EPROTO, SIP_RULE_REQUEST_URI, " SIP/2.0", NULL },
	{ "soft-uri-escape", -EPROTO, SIP_RULE_REQUEST_URI, "%2@skype.lab S", NULL },
	{ "soft-uri-port", -EPROTO, SIP_RULE_REQUEST_URI, "70000 SIP/2.0", NULL },
	{ "soft-uri-two-blanks", -EPROTO, SIP_RULE_REQUEST_URI, " sip:bob@skype", NULL },
	{ "soft-version-7", -EPROTO, SIP_RULE_VERSION, "SIP/7.0", NULL },
};

static int count_values(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values values = sip_message_values(m, id);
	int count = 0;
	for (struct span value; sip_values_next(&values, &value);)
		count++;
	return count;
}

/* What was read, in one line. */
static void summarize(const struct sip_message *m, struct buffer *b)
{
	if (m->is_request)
		buffer_printf(
			b, "%.*s[%d] %.*s", SPAN_PRINT(m->method_name), (int)m->method, SPAN_PRINT(m->request_uri));
	else
		buffer_printf(
			b, "%u \"%.*s\" %.*s", (unsigned)m->status, SPAN_PRINT(m->reason), SPAN_PRINT(m->method_name));
	buffer_printf(b, " | via %d %.*s:%u %.*s", (int)m->via.transport, SPAN_PRINT(m->via.host),
		(unsigned)m->via.port, SPAN_PRINT(m->via.branch));
	buffer_printf(b, " | from %.*s #%.*s", SPAN_PRINT(m->from.uri), SPAN_PRINT(m->from.tag));
	buffer_printf(b, " | to %.*s #%.*s", SPAN_PRINT(m->to.uri), SPAN_PRINT(m->to.tag));
	buffer_printf(b, " | %.*s | %u", SPAN_PRINT(m->call_id), (unsigned)m->cseq);
	buffer_printf(b, " | hops %d length %d body %zu sdp %zu", (int)m->max_forwards, (int)m->content_length,
		m->body.length, sip_message_sdp(m).length);
	buffer_printf(b, " | %u lines, %d via, %d route, %d contact", (unsigned)m->header_count,
		count_values(m, SIP_HEADER_VIA), count_values(m, SIP_HEADER_ROUTE),
		count_values(m, SIP_HEADER_CONTACT));
}

static void check_row(const struct row *row)
{
	struct guard g = guard_message(row->file);
	struct sip_message m;
	struct sip_defect defect = { SIP_RULE_NONE, 0 };
	struct buffer b;
	buffer_init(&b, 4096);
	int status = sip_message_parse(g.bytes, &m, &defect);
	if (status != row->status || defect.rule != row->rule)
		fail_msg("%s: %d, %s at %zu", row->file, status, sip_rule_text(defect.rule), defect.offset);
	if (row->near && strncmp(g.bytes.at + defect.offset, row->near, strlen(row->near)) != 0)
		fail_msg("%s: the defect is told at %zu, not at \"%s\"", row->file, defect.offset, row->near);
	if (status == 0) {
		summarize(&m, &b);
		if (strcmp(b.at, row->summary) != 0)
			fail_msg("%s:\n%s\n%s", row->file, b.at, row->summary);
	}
	buffer_done(&b);
	guard_done(&g);
}

static void reads_every_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++)
		check_row(&rows[i]);
}

static void every_file_has_a_row(void **state)
{
	char path[512];
	(void)state;
	snprintf(path, sizeof(path), "%s/tests/messages", getenv("FEDGE_SOURCE"));
	DIR *folder = opendir(path);
	assert_non_null(folder);
	size_t count = 0;
	for (struct dirent *entry; (entry = readdir(folder));)
		count += strstr(entry->d_name, ".sip") != NULL;
	closedir(folder);
	assert_int_equal(count, BASE_COUNT(rows));
}

/* Cut anywhere, a message is read without a step beyond its end, and never as well formed but where its body may be
 * short. */
static void cut_messages_are_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct guard whole = guard_message(rows[i].file);
		for (size_t length = 0; length < whole.bytes.length && length < 1500; length++) {
			struct guard cut = guard_make(span_first(whole.bytes, length));
			struct sip_message m;
			int status = sip_message_parse(cut.bytes, &m, NULL);
			if (status == 0 && m.content_length >= 0 && m.body.length != (size_t)m.content_length)
				fail_msg("%s cut at %zu is taken for whole", rows[i].file, length);
			if (status != -EBADMSG)
				(void)sip_message_sdp(&m);
			guard_done(&cut);
		}
		guard_done(&whole);
	}
}

/* Wherever it stands to the blocks that the reader looks at. */
static void odd_bytes_are_found_everywhere(void **state)
{
	static const struct {
		const char *odd;
		enum sip_rule rule;
	} odds[] = { { "\x01", SIP_RULE_CONTROL_BYTE }, { "\r", SIP_RULE_LINE_END }, { "\t", SIP_RULE_NONE },
		{ "\\\x01", SIP_RULE_NONE }, { "\n ", SIP_RULE_LINE_END }, { "\r\n ", SIP_RULE_NONE } };
	char text[512];
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(odds); i++) {
		for (int before = 0; before < 140; before++) {
			struct sip_message m;
			struct sip_defect defect = { SIP_RULE_NONE, 0 };
			int length = snprintf(text, sizeof(text),
				"OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
				"<sip:a@b>\r\n"
				"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nSubject: x%*s%sx\r\n\r\n",
				before, "", odds[i].odd);
			struct guard g = guard_make(span_make(text, (size_t)length));
			int status = sip_message_parse(g.bytes, &m, &defect);
			if (defect.rule != odds[i].rule || (status == 0) != (odds[i].rule == SIP_RULE_NONE))
				fail_msg("odd byte %zu after %d blanks: %s", i, before, sip_rule_text(defect.rule));
			guard_done(&g);
		}
	}
}

static void finds_headers_by_id_and_name(void **state)
{
	struct guard g = guard_message("good-microsoft-request");
	struct sip_message m;
	(void)state;
	assert_int_equal(sip_message_parse(g.bytes, &m, NULL), 0);
	assert_true(span_is(sip_message_value(&m, SIP_HEADER_SUPPORTED), "gruu-10, ms-forking"));
	assert_true(sip_message_lists(&m, SIP_HEADER_SUPPORTED, SPAN("MS-Forking")));
	assert_false(sip_message_lists(&m, SIP_HEADER_SUPPORTED, SPAN("ms")));
	assert_null(sip_message_find(&m, SIP_HEADER_ROUTE));
	assert_false(sip_message_has(&m, SIP_HEADER_OTHER));
	const struct sip_header *from = sip_message_find_name(&m, SPAN("f"));
	assert_non_null(from);
	assert_true(span_is(from->name, "FROM"));
	assert_true(span_is(sip_message_line(&m, from),
		"FROM: \"Jan\" <SIP:stejanss@skype.lab>;tag=4cd8a4bb3e;epid=4fcd2a7e4d\r\n"));
	assert_null(sip_message_find_next(&m, from));
	guard_done(&g);
}

static bool is_not(const void *argument, size_t index, struct span value)
{
	(void)index;
	return !span_equal_nocase(value, *(const struct span *)argument);
}

static void values_are_joined(void **state)
{
	static const char text[] =
		"OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nAllow: INVITE,ACK\r\nSupported: one\r\nAllow: ,  UPDATE ,\r\n\r\n";
	static const struct {
		enum sip_header_id id;
		const char *without;
		const char *joined; /* NULL: absent */
		size_t left_out;
	} cases[] = {
		{ SIP_HEADER_ALLOW, "none", "INVITE, ACK, UPDATE", 0 },
		{ SIP_HEADER_ALLOW, "ack", "INVITE, UPDATE", 1 },
		{ SIP_HEADER_ALLOW, "INVITE", "ACK, UPDATE", 1 },
		{ SIP_HEADER_SUPPORTED, "one", NULL, 1 },
		{ SIP_HEADER_ROUTE, "none", NULL, 0 },
	};
	struct sip_message m;
	struct arena arena;
	(void)state;
	arena_init(&arena, 1u << 16);
	assert_int_equal(sip_message_parse(span_of(text), &m, NULL), 0);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct span without = span_of(cases[i].without);
		size_t left_out = 99;
		struct span joined = sip_message_join(&m, cases[i].id, is_not, &without, &arena, &left_out);
		if (left_out != cases[i].left_out || !joined.at != !cases[i].joined ||
			(joined.at && !span_is(joined, cases[i].joined)))
			fail_msg("without %s: %.*s, %zu left out", cases[i].without, SPAN_PRINT(joined), left_out);
	}
	assert_true(span_is(sip_message_join(&m, SIP_HEADER_ALLOW, NULL, NULL, &arena, NULL), "INVITE, ACK, UPDATE"));
	arena_done(&arena);
}

static void unknown_headers_are_kept(void **state)
{
	static const char text[] =
		"OPTIONS sip:b@c SIP/2.0\r\nX-One: 1\r\nVia: SIP/2.0/UDP h\r\nx-ONE: 2\r\nFrom: <sip:a@b>;tag=1\r\n"
		"To: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nX-Two: 3\r\nExpires: 60;x\r\n\r\n";
	struct sip_message m;
	uint32_t number = 0;
	(void)state;
	assert_int_equal(sip_message_parse(span_of(text), &m, NULL), 0);
	const struct sip_header *header = sip_message_find_name(&m, SPAN("X-one"));
	assert_non_null(header);
	assert_true(span_is(header->value, "1"));
	header = sip_message_find_next(&m, header);
	assert_non_null(header);
	assert_true(span_is(header->value, "2"));
	assert_null(sip_message_find_next(&m, header));
	assert_int_equal(sip_message_number(&m, SIP_HEADER_EXPIRES, &number), 0);
	assert_int_equal(number, 60);
	assert_int_equal(sip_message_number(&m, SIP_HEADER_MIN_SE, &number), -ENOENT);
	assert_int_equal(sip_message_number(&m, SIP_HEADER_FROM, &number), -EBADMSG);
}

static void values_come_in_order(void **state)
{
	static const char *const expected[] = { "<sip:r1.example;lr>", "<sip:r2.example;lr>",
		"\"Three, with comma\" <sip:r3.example;lr>", "<sip:r4.example;lr>" };
	struct guard g = guard_message("good-lists");
	struct sip_message m;
	size_t count = 0;
	(void)state;
	assert_int_equal(sip_message_parse(g.bytes, &m, NULL), 0);
	struct sip_values values = sip_message_values(&m, SIP_HEADER_ROUTE);
	for (struct span value; sip_values_next(&values, &value); count++) {
		assert_in_range(count, 0, BASE_COUNT(expected) - 1);
		if (!span_is(value, expected[count]))
			fail_msg("route %zu is %.*s", count, SPAN_PRINT(value));
	}
	assert_int_equal(count, BASE_COUNT(expected));
	guard_done(&g);
}

static void copies_live_on(void **state)
{
	struct guard g = guard_message("good-lists");
	struct sip_message m;
	struct arena a, small;
	struct buffer before, after;
	(void)state;
	arena_init(&a, 1 << 16);
	arena_init(&small, 64);
	buffer_init(&before, 4096);
	buffer_init(&after, 4096);
	assert_int_equal(sip_message_parse(g.bytes, &m, NULL), 0);
	summarize(&m, &before);
	assert_null(sip_message_copy(&small, &m));
	const struct sip_message *copy = sip_message_copy(&a, &m);
	assert_non_null(copy);
	guard_done(&g);
	summarize(copy, &after);
	assert_string_equal(before.at, after.at);
	buffer_done(&before);
	buffer_done(&after);
	arena_done(&a);
	arena_done(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_file),
		cmocka_unit_test(every_file_has_a_row),
		cmocka_unit_test(cut_messages_are_broken),
		cmocka_unit_test(odd_bytes_are_found_everywhere),
		cmocka_unit_test(finds_headers_by_id_and_name),
		cmocka_unit_test(values_are_joined),
		cmocka_unit_test(unknown_headers_are_kept),
		cmocka_unit_test(values_come_in_order),
		cmocka_unit_test(copies_live_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
