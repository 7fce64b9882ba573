/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "guard.h"
#include "sip/framer.h"

#define HEAD "OPTIONS sip:b@c SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nX-Content-Length: 9\r\n"

struct row {
	const char *name;
	const char *input;
	const char *frames; /* M<length>, P(ing), p(ong), D<rule number>; the expectation is written with names below */
};

#define MESSAGE_0 HEAD "Content-Length: 0\r\n\r\n"
#define MESSAGE_5 HEAD "l:\r\n 5\r\nX: y\r\n\r\n12345"
#define MESSAGE_9 HEAD "CONTENT-LENGTH : 9\r\nc: text/plain\r\nSubject: long\r\n Content-Length: 2\r\n\r\n\r\n\r\nabcde"

static const struct row rows[] = {
	{ "one", MESSAGE_0, "M" },
	{ "two", MESSAGE_0 MESSAGE_5, "MM" },
	{ "three and a rest", MESSAGE_5 MESSAGE_9 MESSAGE_0 "OPTIONS sip:b", "MMM+" },
	{ "ping", "\r\n\r\n", "P" },
	{ "pong, message", "\r\n" MESSAGE_0, "pM" },
	{ "ping between", MESSAGE_0 "\r\n\r\n" MESSAGE_5, "MPM" },
	{ "ping, pong, message", "\r\n\r\n\r\n" MESSAGE_5, "PpM" },
	{ "same length twice", HEAD "l: 0\r\nContent-Length: 0\r\n\r\n", "M" },
	{ "response with an empty reason", "SIP/2.0 200 \r\nContent-Length: 0\r\n\r\n", "M" },
	{ "response", "SIP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nxy", "M" },
	{ "line ends of another kind are the parser's to tell", "OPTIONS sip:b@c SIP/2.0\nContent-Length: 1\n\nx",
		"M" },
	{ "other version", "OPTIONS sip:b@c SIP/7.0\r\nl:0\r\n\r\n", "M" },
	{ "no length", HEAD "\r\n", "D:LENGTH_MISSING" },
	{ "no headers", "OPTIONS sip:b@c SIP/2.0\r\n\r\n", "D:LENGTH_MISSING" },
	{ "negative length", HEAD "Content-Length: -1\r\n\r\n", "D:LENGTH" },
	{ "length in words", HEAD "Content-Length: five\r\n\r\n", "D:LENGTH" },
	{ "empty length", HEAD "Content-Length:\r\n\r\n", "D:LENGTH" },
	{ "huge length", HEAD "Content-Length: 99999999999999999999\r\n\r\n", "D:LENGTH" },
	{ "two lengths", HEAD "l: 1\r\nl: 2\r\n\r\n12", "D:LENGTH_CONFLICT" },
	{ "too large", HEAD "l: 5000\r\n\r\n", "D:TOO_LARGE" },
	{ "HTTP", "GET / HTTP/1.1\r\n", "D:GARBAGE" },
	{ "TLS", "\x16\x03\x01\x02", "D:GARBAGE" },
	{ "blank first", " OPTIONS", "D:GARBAGE" },
	{ "CR and no LF", "\rOPTIONS", "D:GARBAGE" },
	{ "good, then garbage", MESSAGE_5 "nonsense\r\n", "MD:GARBAGE" },
};

static const char *const rule_names[] = {
#define RULE(name, text) #name,
	SIP_RULES(RULE)
#undef RULE
};

static const struct sip_framer_limits limits = { 1024, 2048 };

/* All frames of the input, given in pieces of one size. */
static void frame(const char *name, const char *input, size_t piece, struct buffer *frames, struct buffer *bytes)
{
	struct sip_framer f;
	struct span whole = span_of(input);
	bool broken = false;
	sip_framer_init(&f, limits);
	while (whole.length && !broken) {
		/* Each piece dies after its turn, and nothing may be read beyond it. */
		struct guard g = guard_make(span_first(whole, piece));
		struct span rest = g.bytes;
		whole = span_from(whole, g.bytes.length);
		for (struct sip_frame frame; !broken && sip_framer_next(&f, &rest, &frame);) {
			broken = frame.kind == SIP_FRAME_DEFECT;
			buffer_append_byte(frames, "MPpD"[frame.kind]);
			if (broken)
				buffer_printf(frames, ":%s", rule_names[frame.defect.rule]);
			else
				buffer_append(bytes, frame.bytes);
		}
		if (!broken && rest.length)
			fail_msg("%s in pieces of %zu: input is left over", name, piece);
		guard_done(&g);
	}
	if (!broken && sip_framer_pending(&f))
		buffer_append_byte(frames, '+');
	sip_framer_done(&f);
}

static void frames_come_out_alike_in_any_pieces(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		for (size_t piece = 1; piece <= strlen(rows[i].input) + 1; piece++) {
			struct buffer frames, bytes;
			buffer_init(&frames, 256);
			buffer_init(&bytes, 4096);
			frame(rows[i].name, rows[i].input, piece, &frames, &bytes);
			/* A ping in two pieces is told as a pong first: see the header. */
			const char *got = frames.at ? frames.at : "";
			bool has_ping = strchr(rows[i].frames, 'P') != NULL;
			if (!has_ping && strcmp(got, rows[i].frames) != 0)
				fail_msg("%s in pieces of %zu: %s, not %s", rows[i].name, piece, got, rows[i].frames);
			if (has_ping && strchr(got, 'P') == NULL)
				fail_msg("%s in pieces of %zu: %s has no ping", rows[i].name, piece, got);
			if (strchr(rows[i].frames, 'D') == NULL && bytes.length > strlen(rows[i].input))
				fail_msg("%s in pieces of %zu: more came out than went in", rows[i].name, piece);
			buffer_done(&frames);
			buffer_done(&bytes);
		}
	}
}

static void frames_hold_the_very_bytes(void **state)
{
	static const char input[] = MESSAGE_5 MESSAGE_9 MESSAGE_0;
	(void)state;
	for (size_t piece = 1; piece < sizeof(input); piece++) {
		struct buffer frames, bytes;
		buffer_init(&frames, 256);
		buffer_init(&bytes, 4096);
		frame("bytes", input, piece, &frames, &bytes);
		assert_string_equal(bytes.at, input);
		buffer_done(&frames);
		buffer_done(&bytes);
	}
}

static void whole_messages_are_not_copied(void **state)
{
	struct sip_framer f;
	struct span input = SPAN(MESSAGE_5 MESSAGE_0);
	const char *start = input.at;
	struct sip_frame frame;
	(void)state;
	sip_framer_init(&f, limits);
	assert_true(sip_framer_next(&f, &input, &frame));
	assert_ptr_equal(frame.bytes.at, start);
	assert_int_equal(frame.bytes.length, strlen(MESSAGE_5));
	assert_true(sip_framer_next(&f, &input, &frame));
	assert_ptr_equal(frame.bytes.at, start + strlen(MESSAGE_5));
	assert_false(sip_framer_next(&f, &input, &frame));
	assert_int_equal(f.pending.capacity, 0);
	sip_framer_done(&f);
}

static void endless_heads_are_stopped(void **state)
{
	char text[3000];
	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t piece = 1; piece < sizeof(text); piece = piece * 3 + 1) {
		struct sip_framer f;
		struct sip_frame frame = { .kind = SIP_FRAME_PING };
		sip_framer_init(&f, limits);
		size_t given = 0;
		while (given < sizeof(text) && frame.kind != SIP_FRAME_DEFECT) {
			struct span input = span_first(span_make(text + given, sizeof(text) - given), piece);
			given += input.length;
			(void)sip_framer_next(&f, &input, &frame);
		}
		assert_int_equal(frame.kind, SIP_FRAME_DEFECT);
		assert_int_equal(frame.defect.rule, SIP_RULE_HEAD_TOO_LARGE);
		assert_in_range(given, 1024, 1024 + piece);
		assert_in_range(f.pending.length, 0, limits.message_maximum);
		sip_framer_done(&f);
	}
}

static void a_defect_stays(void **state)
{
	struct sip_framer f;
	struct span input = SPAN("GET / HTTP/1.1\r\n"), more = SPAN(MESSAGE_0);
	struct sip_frame frame;
	(void)state;
	sip_framer_init(&f, limits);
	assert_true(sip_framer_next(&f, &input, &frame));
	assert_int_equal(frame.kind, SIP_FRAME_DEFECT);
	assert_true(sip_framer_next(&f, &more, &frame));
	assert_int_equal(frame.kind, SIP_FRAME_DEFECT);
	assert_int_equal(frame.defect.rule, SIP_RULE_GARBAGE);
	sip_framer_done(&f);
}

/* The whole head of a message without a length is there, so that it can be answered. */
static void broken_heads_are_given(void **state)
{
	static const char text[] = HEAD "\r\n";
	struct sip_framer f;
	struct sip_frame frame = { .kind = SIP_FRAME_PING };
	(void)state;
	sip_framer_init(&f, limits);
	for (size_t i = 0; i + 1 < sizeof(text); i++) {
		struct span input = span_make(text + i, 1);
		(void)sip_framer_next(&f, &input, &frame);
	}
	assert_int_equal(frame.kind, SIP_FRAME_DEFECT);
	assert_true(span_is(frame.bytes, text));
	assert_int_equal(frame.defect.offset, strlen(text));
	sip_framer_done(&f);
}

static void datagrams_are_whole(void **state)
{
	static const struct {
		const char *text;
		enum sip_frame_kind kind;
		enum sip_rule rule;
	} datagrams[] = {
		{ "\r\n\r\n", SIP_FRAME_PING, 0 },
		{ "\r\n", SIP_FRAME_PONG, 0 },
		{ "", SIP_FRAME_PONG, 0 },
		{ "OPTIONS x", SIP_FRAME_MESSAGE, 0 },
		{ "\r\n\r\nOPTIONS x", SIP_FRAME_MESSAGE, 0 },
		{ "\x01", SIP_FRAME_DEFECT, SIP_RULE_GARBAGE },
		{ "0123456789012345678901234567890123456789", SIP_FRAME_DEFECT, SIP_RULE_TOO_LARGE },
	};
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(datagrams); i++) {
		struct guard g = guard_make(span_of(datagrams[i].text));
		struct sip_frame frame = sip_datagram_frame(g.bytes, 32);
		if (frame.kind != datagrams[i].kind || frame.defect.rule != datagrams[i].rule)
			fail_msg("%s: %d, %d", datagrams[i].text, (int)frame.kind, (int)frame.defect.rule);
		if (frame.kind == SIP_FRAME_MESSAGE)
			assert_true(span_is(frame.bytes, "OPTIONS x"));
		guard_done(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_come_out_alike_in_any_pieces),
		cmocka_unit_test(frames_hold_the_very_bytes),
		cmocka_unit_test(whole_messages_are_not_copied),
		cmocka_unit_test(endless_heads_are_stopped),
		cmocka_unit_test(a_defect_stays),
		cmocka_unit_test(broken_heads_are_given),
		cmocka_unit_test(datagrams_are_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
