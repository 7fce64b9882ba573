/* SPDX-License-Identifier: Apache-2.0 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "base/require.h"
#include "phone/media.h"

#include <errno.h>

#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"

static struct phone_media media_of(const char *address)
{
	struct phone_media media = { .session_id = 7, .version = 2, .port = 20000 };
	assert_int_equal(net_address_parse(span_of(address), 0, &media.local), 0);
	return media;
}

static void offers(void **state)
{
	struct phone_media v4 = media_of("192.0.2.1"), v6 = media_of("2001:db8::1");
	struct buffer b;
	(void)state;
	buffer_init(&b, 4096);
	assert_int_equal(phone_media_offer(&v4, &b), 0);
	assert_string_equal(b.at, "v=0\r\no=- 7 2 IN IP4 192.0.2.1\r\ns=fedge\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
				  "m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
				  "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n");
	buffer_clear(&b);
	assert_int_equal(phone_media_offer(&v6, &b), 0);
	assert_non_null(strstr(b.at, "c=IN IP6 2001:db8::1\r\n"));
	buffer_done(&b);
}

/* What follows the session's lines in our answer. */
static void answers(void **state)
{
	static const struct {
		const char *name, *offer, *answer;
		int status;
	} cases[] = {
		{ "static payload types need no line", HEAD "m=audio 4000 RTP/AVP 8 0 18\r\n",
			"m=audio 20000 RTP/AVP 8 0\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
			0 },
		{ "their numbers are kept",
			HEAD "m=audio 4000 RTP/AVP 111 98 96\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:98 pcmu/8000\r\n"
			     "a=rtpmap:96 telephone-event/8000\r\n",
			"m=audio 20000 RTP/AVP 98 96\r\na=rtpmap:98 PCMU/8000\r\na=rtpmap:96 telephone-event/8000\r\n"
			"a=fmtp:96 0-15\r\na=sendrecv\r\n",
			0 },
		{ "other streams are refused, in their places",
			HEAD "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 4000 RTP/AVP 0\r\n"
			     "m=audio 4004 RTP/AVP 0\r\n",
			"m=video 0 RTP/AVP 96\r\nm=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
			"m=audio 0 RTP/AVP 0\r\n",
			0 },
		{ "held by the other side", HEAD "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n",
			"m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=recvonly\r\n", 0 },
		{ "inactive for the whole session", HEAD "a=inactive\r\nm=audio 4000 RTP/AVP 0\r\n",
			"m=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n", 0 },
		{ "no codec of ours", HEAD "m=audio 4000 RTP/AVP 18\r\n", NULL, -ENOTSUP },
		{ "DTMF alone", HEAD "m=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n", NULL,
			-ENOTSUP },
		{ "audio that is switched off", HEAD "m=audio 0 RTP/AVP 0\r\n", NULL, -ENOTSUP },
		{ "keys that we cannot make", HEAD "m=audio 4000 RTP/SAVP 0\r\n", NULL, -ENOTSUP },
		{ "a plain stream beside the secure one", HEAD "m=audio 4000 RTP/SAVP 0\r\nm=audio 4000 RTP/AVP 0\r\n",
			"m=audio 0 RTP/SAVP 0\r\nm=audio 20000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
			0 },
		{ "no streams at all", HEAD, NULL, -ENOTSUP },
		{ "no description", "hello", NULL, -EBADMSG },
	};
	struct phone_media media = media_of("192.0.2.1");
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct buffer b;
		buffer_init(&b, 4096);
		buffer_append(&b, SPAN(""));
		print_message("%s\n", cases[i].name);
		assert_int_equal(phone_media_answer(&media, span_of(cases[i].offer), &b), cases[i].status);
		if (cases[i].status == 0) {
			const char *streams = strstr(b.at, "\r\nm=");
			assert_non_null(streams);
			assert_string_equal(streams + 2, cases[i].answer);
		} else {
			assert_int_equal(b.length, 0);
		}
		buffer_done(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers),
		cmocka_unit_test(answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
