/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "guard.h"
#include "sip/multipart.h"

#include <errno.h>

struct row {
	const char *name;
	const char *type;
	const char *body;
	const char *parts; /* type=body for each part in brackets; NULL: no multipart */
};

static const struct row rows[] = {
	{ "two parts", "multipart/mixed;boundary=b",
		"--b\r\nContent-Type: a/b\r\n\r\none\r\n--b\r\nc: c/d\r\n\r\ntwo\r\n\r\n--b--\r\n",
		"[a/b=one][c/d=two\r\n]" },
	{ "prologue and epilogue", "multipart/mixed; boundary=\"x y\"",
		"before\r\n--x y\r\n\r\none\r\n--x y--\r\nafter", "[=one]" },
	{ "no closing delimiter", "MULTIPART/mixed;boundary=b", "--b\r\n\r\none\r\n", "[=one\r\n]" },
	{ "bare LF", "multipart/mixed;boundary=b", "--b\nContent-Type: a/b\n\none\n--b--\n", "[a/b=one]" },
	{ "empty part", "multipart/mixed;boundary=b", "--b\r\n\r\n\r\n--b--", "[=]" },
	{ "headers only", "multipart/mixed;boundary=b", "--b\r\nContent-Type: a/b\r\n--b--", "[a/b=]" },
	{ "a longer boundary is another one", "multipart/mixed;boundary=b", "--b\r\n\r\n--bb\r\nx\r\n--b--",
		"[=--bb\r\nx]" },
	{ "blanks after the delimiter", "multipart/mixed;boundary=b", "--b \t\r\n\r\nx\r\n--b-- \r\n", "[=x]" },
	{ "folded header", "multipart/mixed;boundary=b", "--b\r\nContent-Type: a/b;\r\n c=d\r\n\r\nx\r\n--b--",
		"[a/b;\r\n c=d=x]" },
	{ "a delimiter inside a line is none", "multipart/mixed;boundary=b", "--b\r\n\r\nx --b y\r\n--b--",
		"[=x --b y]" },
	{ "no boundary", "multipart/mixed", "--b\r\n\r\nx\r\n--b--", NULL },
	{ "empty boundary", "multipart/mixed;boundary=\"\"", "--\r\n\r\nx\r\n----", NULL },
	{ "not multipart", "text/plain;boundary=b", "--b\r\n\r\nx\r\n--b--", NULL },
	{ "no delimiter", "multipart/mixed;boundary=b", "nothing here", NULL },
	{ "empty body", "multipart/mixed;boundary=b", "", NULL },
};

static void takes_bodies_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		struct guard g = guard_make(span_of(rows[i].body));
		struct sip_parts parts;
		struct sip_part part;
		struct buffer b;
		buffer_init(&b, 4096);
		buffer_append_text(&b, "");
		int status = sip_parts_init(&parts, span_of(rows[i].type), g.bytes);
		if (status != (rows[i].parts ? 0 : -EBADMSG))
			fail_msg("%s: %d", rows[i].name, status);
		while (status == 0 && sip_parts_next(&parts, &part))
			buffer_printf(&b, "[%.*s=%.*s]", SPAN_PRINT(part.content_type), SPAN_PRINT(part.body));
		if (rows[i].parts && strcmp(b.at, rows[i].parts) != 0)
			fail_msg("%s: %s, not %s", rows[i].name, b.at, rows[i].parts);
		buffer_done(&b);
		guard_done(&g);
	}
}

static void media_types_are_compared(void **state)
{
	(void)state;
	assert_true(sip_media_type_is(SPAN("Application/SDP"), SPAN("application/sdp")));
	assert_true(sip_media_type_is(SPAN(" application / sdp ; charset=x"), SPAN("application/sdp")));
	assert_false(sip_media_type_is(SPAN("application/sdpx"), SPAN("application/sdp")));
	assert_false(sip_media_type_is(SPAN("application"), SPAN("application/sdp")));
	assert_false(sip_media_type_is(SPAN_NONE, SPAN("application/sdp")));
	assert_false(sip_media_type_is(SPAN(""), SPAN("application/sdp")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_bodies_apart),
		cmocka_unit_test(media_types_are_compared),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
