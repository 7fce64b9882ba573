/* SPDX-License-Identifier: Apache-2.0 */
/* What zones ask of messages: media encryption, what is stripped; and the order of a phone's contacts. */
#include "base/require.h"
#include "edge/contacts.h"
#include "edge/media.h"
#include "edge/strip.h"
#include "unit/cmocka_all.h"

static const struct sip_message *request_of(
	struct arena *arena, const char *method, const char *lines, const char *type, const char *body)
{
	struct sip_message parsed;
	struct sip_defect defect;
	struct span text = arena_printf(arena,
		"%s sip:b@b.example SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n"
		"From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>\r\nCall-ID: 1\r\nCSeq: 1 %s\r\n"
		"%s%s%s%sContent-Length: %zu\r\n\r\n%s",
		method, method, lines, body[0] ? "Content-Type: " : "", body[0] ? type : "", body[0] ? "\r\n" : "",
		strlen(body), body);
	assert_int_equal(sip_message_parse(text, &parsed, &defect), 0);
	const struct sip_message *copy = sip_message_copy(arena, &parsed);
	assert_non_null(copy);
	return copy;
}

#define SDP(media) "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" media
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"

static void media_that_break_the_policy(void **state)
{
	static const struct {
		const char *why, *method, *sdp;
		const char *encrypted, *unencrypted; /* the breach of either policy; NULL: none */
	} cases[] = {
		{ "plain audio", "INVITE", SDP("m=audio 4000 RTP/AVP 0\r\n"), "audio 4000 RTP/AVP", NULL },
		{ "secure audio", "INVITE", SDP("m=audio 4000 RTP/SAVP 0\r\n" CRYPTO), NULL, "audio 4000 RTP/SAVP" },
		{ "DTLS", "INVITE", SDP("m=video 4000 UDP/TLS/RTP/SAVPF 96\r\na=fingerprint:sha-256 0A\r\n"), NULL,
			"video 4000 UDP/TLS/RTP/SAVPF" },
		{ "may become either", "INVITE", SDP("m=audio 4000 RTP/AVP 0\r\n" CRYPTO), "audio 4000 RTP/AVP",
			"audio 4000 RTP/AVP" },
		{ "one of two", "INVITE", SDP("m=audio 4000 RTP/SAVP 0\r\nm=video 4002 RTP/AVP 96\r\n"),
			"video 4002 RTP/AVP", "audio 4000 RTP/SAVP" },
		{ "what is refused does not count", "INVITE",
			SDP("m=audio 4000 RTP/SAVP 0\r\nm=video 0 RTP/AVP 96\r\n"), NULL, "audio 4000 RTP/SAVP" },
		{ "what is no RTP does not count", "INVITE", SDP("m=application 5070 UDP/BFCP *\r\n"), NULL, NULL },
		{ "late offer", "INVITE", "", "no offer", "no offer" },
		{ "an UPDATE without one refreshes", "UPDATE", "", NULL, NULL },
		{ "other methods have no media", "MESSAGE", SDP("m=audio 4000 RTP/AVP 0\r\n"), NULL, NULL },
	};
	(void)state;
	struct arena arena;
	arena_init(&arena, 1u << 20);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		const struct sip_message *m = request_of(&arena, cases[i].method, "", "application/sdp", cases[i].sdp);
		struct span encrypted = edge_media_breach(CONFIG_MEDIA_FORCE_ENCRYPTED, m);
		struct span unencrypted = edge_media_breach(CONFIG_MEDIA_FORCE_UNENCRYPTED, m);
		if (!span_is(encrypted, cases[i].encrypted ? cases[i].encrypted : "") ||
			!span_is(unencrypted, cases[i].unencrypted ? cases[i].unencrypted : ""))
			fail_msg("%s: %.*s, %.*s", cases[i].why, SPAN_PRINT(encrypted), SPAN_PRINT(unencrypted));
		assert_null(edge_media_breach(CONFIG_MEDIA_AUTO, m).at);
		assert_null(edge_media_breach(CONFIG_MEDIA_BEST_EFFORT, m).at);
	}
	arena_done(&arena);
}

static struct span stripped(struct arena *arena, const struct config_strip *strip, const struct sip_message *m)
{
	struct sip_draft draft;
	sip_draft_forward(&draft, arena, m);
	edge_strip(strip, m, &draft, arena);
	struct span text = sip_draft_text(&draft);
	assert_non_null(text.at);
	return text;
}

static bool has(struct span text, const char *part)
{
	return span_find_span(text, span_of(part)) < text.length;
}

static void what_is_stripped(void **state)
{
	(void)state;
	struct arena arena;
	arena_init(&arena, 1u << 20);
	const struct sip_message *m = request_of(&arena, "INVITE",
		"Allow: INVITE, UPDATE, ACK\r\nAllow: update\r\nProxy-Require: one, two\r\n", "application/sdp",
		SDP("m=audio 4000 RTP/AVP 0\r\nm=application 5070 UDP/BFCP *\r\na=floorctrl:c-s\r\n"
		    "m=application 4004 UDP/UDT/IX *\r\n"));
	assert_true(span_equal(stripped(&arena, &(struct config_strip){ .update = false }, m), m->bytes));

	struct span text = stripped(&arena, &(struct config_strip){ .update = true, .udp_bfcp = true }, m);
	assert_true(has(text, "Allow: INVITE, ACK\r\n"));
	assert_false(has(text, "UPDATE"));
	assert_false(has(text, "update"));
	assert_true(has(text, "m=application 0 UDP/BFCP *\r\na=floorctrl:c-s\r\nm=application 4004 UDP/UDT/IX *\r\n"));

	text = stripped(&arena, &(struct config_strip){ .udp_bfcp = true, .udp_ix = true }, m);
	assert_true(has(text, "m=application 0 UDP/BFCP *\r\n"));
	assert_true(has(text, "m=application 0 UDP/UDT/IX *\r\n"));
	assert_true(has(text, "m=audio 4000 RTP/AVP 0\r\n"));

	struct span both[] = { SPAN("ONE"), SPAN("two") };
	struct config_strip tags = { .proxy_require = { both, 1 } };
	assert_false(edge_strip_covers(&tags, m));
	assert_true(has(stripped(&arena, &tags, m), "Proxy-Require: two\r\n"));
	tags.proxy_require.count = 2;
	assert_true(edge_strip_covers(&tags, m));
	assert_false(has(stripped(&arena, &tags, m), "Proxy-Require"));
	arena_done(&arena);
}

static void only_the_session_description_is_left(void **state)
{
	static const char body[] =
		"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
		"--b\r\nContent-Type: application/sdp\r\n\r\n" SDP("m=application 9 UDP/BFCP *\r\n") "\r\n--b--\r\n";
	(void)state;
	struct arena arena;
	arena_init(&arena, 1u << 20);
	const struct sip_message *m = request_of(&arena, "INVITE", "", "multipart/mixed;boundary=b", body);
	struct span text = stripped(&arena, &(struct config_strip){ .multipart = true, .udp_bfcp = true }, m);
	assert_true(has(text, "Content-Type: application/sdp\r\n"));
	assert_true(has(text, "\r\n\r\nv=0\r\n"));
	assert_true(has(text, "m=application 0 UDP/BFCP *\r\n"));
	assert_false(has(text, "hello"));
	text = stripped(&arena, &(struct config_strip){ .udp_bfcp = true }, m);
	assert_true(has(text, "hello"));
	assert_true(has(text, "m=application 0 UDP/BFCP *\r\n"));
	arena_done(&arena);
}

/* As long as a message may be: work and memory grow with its length, not with its square. */
static void long_lists_are_stripped_in_one_go(void **state)
{
	static const char media[] = "m=application 1 UDP/BFCP *\r\nm=application  UDP/BFCP *\r\n";
	enum { VALUES = 8000, LINES = 1000 };
	(void)state;
	struct arena arena;
	arena_init(&arena, 1u << 20);
	char *allow = arena_allocate(&arena, VALUES * 2 + 32);
	char *body = arena_allocate(&arena, LINES * sizeof(media) + 128);
	char *end = stpcpy(allow, "Allow: UPDATE");
	for (size_t i = 0; i < VALUES; i++)
		end = stpcpy(end, ",A");
	stpcpy(end, "\r\n");
	end = stpcpy(body, SDP(""));
	for (size_t i = 0; i < LINES; i++)
		end = stpcpy(end, media);
	const struct sip_message *m = request_of(&arena, "INVITE", allow, "application/sdp", body);
	struct span text = stripped(&arena, &(struct config_strip){ .update = true, .udp_bfcp = true }, m);
	size_t kept = 0;
	size_t refused = 0;
	for (size_t i = 0; i + 3 < text.length; i++) {
		kept += memcmp(text.at + i, ", A", 3) == 0;
		refused += memcmp(text.at + i, "n 0 ", 4) == 0;
	}
	assert_int_equal(kept, VALUES - 1);
	assert_int_equal(refused, LINES); /* and a line without a port stays as it is */
	assert_false(has(text, "UPDATE"));
	arena_done(&arena);
}

static void contacts_of_one_q_are_one_tier(void **state)
{
	(void)state;
	const struct edge_contact contacts[] = {
		{ .q = 1000, .instance = SPAN("<urn:uuid:1>"), .reg_id = 1 },
		{ .q = 1000, .instance = SPAN("<urn:uuid:2>") },
		{ .q = 1000, .instance = SPAN("<urn:uuid:1>"), .reg_id = 2 },
		{ .q = 1000 },
		{ .q = 1000 },
		{ .q = 500, .instance = SPAN("<urn:uuid:2>") },
	};
	uint8_t branch_of[EDGE_CONTACTS_MAXIMUM];
	size_t branches;
	size_t end = edge_contacts_tier(contacts, BASE_COUNT(contacts), 0, branch_of, &branches);
	static const uint8_t expected[] = { 0, 1, 0, 2, 3 }; /* both flows of one phone are one branch */
	assert_int_equal(end, 5);
	assert_int_equal(branches, 4);
	assert_memory_equal(branch_of, expected, sizeof(expected));
	assert_int_equal(edge_contacts_tier(contacts, BASE_COUNT(contacts), end, branch_of, &branches), 6);
	assert_int_equal(branches, 1);
	assert_int_equal(edge_contacts_tier(contacts, BASE_COUNT(contacts), 6, branch_of, &branches), 6);
	assert_int_equal(branches, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_that_break_the_policy),
		cmocka_unit_test(what_is_stripped),
		cmocka_unit_test(long_lists_are_stripped_in_one_go),
		cmocka_unit_test(only_the_session_description_is_left),
		cmocka_unit_test(contacts_of_one_q_are_one_tier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
