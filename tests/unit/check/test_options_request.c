/* SPDX-License-Identifier: Apache-2.0 */
/* The OPTIONS as it is sent, and every kind of answer. */
#include "base/require.h"
#include "check/options_request.h"
#include "sip/message.h"
#include "unit/cmocka_all.h"

#include <errno.h>

static struct random dice;

static int begin(struct check_options_exchange *exchange, const char *domain, const char *from, const char *host)
{
	*exchange = (struct check_options_exchange){ 0 };
	return check_options_begin(exchange, &(struct check_options_request){
						     .domain = span_of(domain),
						     .from = span_of(from),
						     .host = span_of(host),
						     .host_is_ipv6 = strchr(host, ':') != NULL,
						     .random = &dice,
					     });
}

static void assert_value(const struct sip_message *m, enum sip_header_id id, const char *value)
{
	struct span found = sip_message_value(m, id);
	if (!span_is(found, value))
		fail_msg("%.*s: %.*s, not %s", SPAN_PRINT(sip_header_name(id)), SPAN_PRINT(found), value);
}

/* RFC 3261 8.1.1 and 11.1: what every request has, read back by the parser of the edge. */
static void test_request(void **state)
{
	(void)state;
	struct check_options_exchange exchange, other;
	struct sip_message m;
	struct sip_defect defect;
	random_init_seed(&dice, 1);
	assert_int_equal(begin(&exchange, "skype.lab", "sip:fedge-check@a.lab", "2001:db8::5"), 0);
	assert_int_equal(sip_message_parse(exchange.request, &m, &defect), 0);
	assert_true(m.is_request && m.method == SIP_METHOD_OPTIONS);
	assert_true(span_is(m.request_uri, "sip:skype.lab"));
	assert_int_equal(m.max_forwards, 70);
	assert_int_equal(m.cseq, 1);
	assert_int_equal(m.content_length, 0);
	assert_true(span_is(m.from.uri, "sip:fedge-check@a.lab") && m.from.tag.length > 8);
	assert_true(span_is(m.to.uri, "sip:skype.lab") && !m.to.tag.at);
	assert_true(span_starts_nocase(m.via.branch, SPAN("z9hG4bK")));
	assert_true(span_starts_nocase(sip_message_value(&m, SIP_HEADER_VIA), SPAN("SIP/2.0/TLS [2001:db8::5];")));
	assert_true(span_find_span(sip_message_value(&m, SIP_HEADER_VIA), SPAN(";rport")) > 0);
	assert_value(&m, SIP_HEADER_CONTACT, "<sip:fedge-check@[2001:db8::5];transport=tls>");
	assert_value(&m, SIP_HEADER_ACCEPT, "application/sdp");
	assert_true(span_starts_nocase(sip_message_value(&m, SIP_HEADER_USER_AGENT), SPAN("fedge/")));
	/* No two are alike. */
	assert_int_equal(begin(&other, "skype.lab", "sip:fedge-check@a.lab", "192.0.2.1"), 0);
	assert_false(span_equal(exchange.call_id, other.call_id));
	check_options_end(&exchange);
	check_options_end(&other);
	check_options_end(&other);
}

static void test_cannot_be_written(void **state)
{
	(void)state;
	struct check_options_exchange exchange;
	random_init_seed(&dice, 2);
	assert_int_equal(begin(&exchange, "skype.lab", "sip:a@b\r\nX: y", "192.0.2.1"), -EINVAL);
	check_options_end(&exchange);
	assert_int_equal(begin(&exchange, "skype lab", "sip:a@b", "192.0.2.1"), -EINVAL);
	check_options_end(&exchange);
}

/* %s stands for the Call-ID. */
#define TOP "Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@b.lab>;tag=1\r\nTo: <sip:c.lab>;tag=2\r\n"
#define MIDDLE "Call-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
#define END "Content-Length: 0\r\n\r\n"
#define ANSWER(line, more) "SIP/2.0 " line "\r\n" TOP MIDDLE more END

static const struct {
	const char *name;
	const char *bytes;
	bool over;
	uint16_t status;
	const char *reason, *server, *diagnostics;
	const char *text; /* a part of it */
} answers[] = {
	{ "200", ANSWER("200 OK", "Server: RTC/6.0\r\n"), true, 200, "OK", "RTC/6.0", NULL, NULL },
	{ "User-Agent where there is no Server", ANSWER("200 OK", "User-Agent: Kamailio\r\n"), true, 200, "OK",
		"Kamailio", NULL, NULL },
	{ "an empty reason", ANSWER("200 ", ""), true, 200, "", NULL, NULL, NULL },
	{ "provisional first", ANSWER("100 Trying", "") ANSWER("404 Not Found", ""), true, 404, "Not Found", NULL, NULL,
		NULL },
	{ "keep-alives first", "\r\n\r\n\r\n" ANSWER("200 OK", ""), true, 200, "OK", NULL, NULL, NULL },
	{ "ms-diagnostics",
		ANSWER("504 Server time-out", "Warning: 399 a \"b\"\r\nms-diagnostics: 1008;reason=\"x\"\r\n"), true,
		504, "Server time-out", NULL, "1008;reason=\"x\"", NULL },
	{ "public ones", ANSWER("504 Server time-out", "ms-diagnostics-public: 1034;reason=\"y\"\r\n"), true, 504,
		"Server time-out", NULL, "1034;reason=\"y\"", NULL },
	{ "a warning", ANSWER("403 Forbidden", "Warning: 399 a \"b\"\r\n"), true, 403, "Forbidden", NULL, "399 a \"b\"",
		NULL },
	{ "a request of theirs first",
		"OPTIONS sip:x SIP/2.0\r\n" TOP "Call-ID: theirs\r\nCSeq: 7 OPTIONS\r\n" END ANSWER("200 OK", ""), true,
		200, "OK", NULL, NULL, NULL },
	{ "an answer to something else", "SIP/2.0 200 OK\r\n" TOP "Call-ID: other\r\nCSeq: 1 OPTIONS\r\n" END, false, 0,
		NULL, NULL, NULL, "none of them an answer" },
	{ "provisional alone", ANSWER("100 Trying", ""), false, 0, NULL, NULL, NULL, "only provisional" },
	{ "nothing", "", false, 0, NULL, NULL, NULL, "no answer" },
	{ "empty lines", "\r\n\r\n", false, 0, NULL, NULL, NULL, "only empty lines" },
	{ "broken off", "SIP/2.0 200 OK\r\nVia: SIP", false, 0, NULL, NULL, NULL, "broke off after 24 bytes" },
	{ "another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", true, 0, NULL, NULL, NULL,
		"`HTTP/1.1 400 Bad Request`" },
	{ "binary", "\x16\x03\x01\x02\x03\r\n", true, 0, NULL, NULL, NULL, "no SIP" },
	{ "no From", "SIP/2.0 200 OK\r\nVia: SIP/2.0/TLS a;branch=z9hG4bK1\r\nTo: <sip:c.lab>\r\n" MIDDLE END, true, 0,
		NULL, NULL, NULL, "malformed: there is no From" },
	{ "no length", "SIP/2.0 200 OK\r\n" TOP MIDDLE "\r\n", true, 0, NULL, NULL, NULL, "Content-Length" },
	{ "a status that is none", ANSWER("999 Odd", ""), true, 0, NULL, NULL, NULL, "status code" },
};

static void assert_text(const char *name, const char *what, struct span found, const char *wanted)
{
	if (wanted ? !span_is(found, wanted) : found.at != NULL)
		fail_msg("%s: %s is '%.*s'", name, what, SPAN_PRINT(found));
}

static void assert_answer(size_t i, const struct check_answer *answer)
{
	const char *name = answers[i].name;
	assert_true(answer->asked);
	if (answer->status != answers[i].status)
		fail_msg("%s: status %u, %.*s", name, (unsigned)answer->status, SPAN_PRINT(answer->text));
	assert_text(name, "reason", answer->reason, answers[i].reason);
	assert_text(name, "server", answer->server, answers[i].server);
	assert_text(name, "diagnostics", answer->diagnostics, answers[i].diagnostics);
	if (answers[i].text ? span_find_span(answer->text, span_of(answers[i].text)) == answer->text.length
			    : answer->text.at != NULL)
		fail_msg("%s: text is '%.*s'", name, SPAN_PRINT(answer->text));
}

static size_t fill(const char *bytes, struct span call_id, char *ret_text)
{
	size_t length = 0;
	for (; *bytes; bytes++) {
		if (bytes[0] != '%' || bytes[1] != 's') {
			ret_text[length++] = *bytes;
			continue;
		}
		memcpy(ret_text + length, call_id.at, call_id.length);
		length += call_id.length;
		bytes++;
	}
	return length;
}

/* piece: how many bytes come at once. */
static void hear(size_t i, size_t piece)
{
	struct check_options_exchange exchange;
	char text[4096];
	random_init_seed(&dice, 3 + i);
	assert_int_equal(begin(&exchange, "c.lab", "sip:a@b.lab", "192.0.2.1"), 0);
	size_t length = fill(answers[i].bytes, exchange.call_id, text);
	bool over = false;
	for (size_t had = 0; had < length && !over;) {
		had = had + piece < length ? had + piece : length;
		over = check_options_hear(&exchange, span_make(text, had));
	}
	if (over != answers[i].over)
		fail_msg("%s in pieces of %zu: %s", answers[i].name, piece, over ? "over" : "not over");
	assert_answer(i, check_options_answer(&exchange));
	check_options_end(&exchange);
}

static void test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(answers); i++) {
		hear(i, 4096);
		hear(i, 7);
		hear(i, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_cannot_be_written),
		cmocka_unit_test(test_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
