/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader makes of what a writer wrote is the same record; writing it again gives the same bytes; and it does not
 * matter in which pieces the text comes. */
#include "base/buffer.h"
#include "record/pack.h"
#include "trace/reader.h"
#include "trace/stamp_read.h"
#include "unit/cmocka_all.h"
#include "unit/record/random_record.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- what a reader gave ---- */

struct got {
	struct buffer packed[64];
	uint64_t lines[64];
	size_t count;
	char why[128];
	size_t unread;
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct got *got = argument;
	assert_true(got->count < 64);
	buffer_init(&got->packed[got->count], 1 << 22);
	assert_int_equal(record_pack_to(r, &got->packed[got->count]), 0);
	got->lines[got->count++] = place->line;
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	struct got *got = argument;
	(void)place;
	got->unread++;
	(void)snprintf(got->why, sizeof(got->why), "%s", why);
}

static void forget(struct got *got)
{
	for (size_t i = 0; i < got->count; i++)
		buffer_done(&got->packed[i]);
	*got = (struct got){ 0 };
}

/* piece 0: all at once. */
static void read_all(enum trace_format format, struct span text, size_t piece, struct got *got)
{
	struct trace_reader_settings settings = {
		.kind = (enum trace_kind)format, .take = take, .unread = unread, .argument = got
	};
	struct trace_reader *reader = trace_reader_new(&settings);
	assert_non_null(reader);
	while (text.length > 0) {
		struct span part = span_first(text, piece ? piece : text.length);
		/* A copy of its own, so that a reader that looks too far is seen. */
		char *copy = malloc(part.length);
		memcpy(copy, part.at, part.length);
		assert_int_equal(trace_reader_feed(reader, span_make(copy, part.length)), 0);
		free(copy);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	trace_reader_free(reader);
}

/* ---- json ---- */

static struct random_record made;

static void compare(const struct buffer *packed, const struct record *wanted, struct span text)
{
	struct record_unpacked back;
	const char *name = "-";
	assert_int_equal(record_unpack(buffer_span(packed), &back), 0);
	if (!record_equal(wanted, &back.record, &name))
		fail_msg("%s differs in %s: %.*s", record_kind_word(wanted->kind), name, SPAN_PRINT(text));
}

static void json_carries_everything(void **state)
{
	(void)state;
	struct random random;
	struct trace_writer_settings settings = { .format = TRACE_JSON };
	struct trace_writer *w = trace_writer_new(&settings);
	struct buffer text, again;
	struct got got = { 0 };
	random_init_seed(&random, 1008);
	buffer_init(&text, 1 << 22);
	buffer_init(&again, 1 << 22);
	for (int round = 0; round < 200; round++)
		for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
			struct record_unpacked back;
			random_record_make(&made, (enum record_kind)kind, &random, round % 2);
			buffer_clear(&text);
			buffer_clear(&again);
			assert_int_equal(trace_writer_write(w, &made.record, &text), 0);
			read_all(TRACE_JSON, buffer_span(&text), round % 3 ? (size_t)round : 0, &got);
			if (got.count != 1)
				fail_msg("%s: %s", got.why, text.at);
			compare(&got.packed[0], &made.record, buffer_span(&text));
			assert_int_equal(record_unpack(buffer_span(&got.packed[0]), &back), 0);
			assert_int_equal(trace_writer_write(w, &back.record, &again), 0);
			assert_true(span_equal(buffer_span(&text), buffer_span(&again)));
			forget(&got);
		}
	buffer_done(&text);
	buffer_done(&again);
	trace_writer_free(w);
}

#define HEAD "{\"kind\":\"node\",\"time\":\"2017-03-02T07:10:46.240000Z\""

static void json_as_others_leave_it(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		const char *text;
		size_t records, unread;
		const char *node_text; /* of the first record */
	} cases[] = {
		{ "as written", HEAD ",\"text\":\"ready\"}\n", 1, 0, "ready" },
		{ "no newline at the end", HEAD ",\"text\":\"ready\"}", 1, 0, "ready" },
		{ "CR LF", HEAD ",\"text\":\"ready\"}\r\n\r\n" HEAD "}\r\n", 2, 0, "ready" },
		{ "blanks between", "{ \"kind\" : \"node\" , \"text\" : \"ready\" }\n", 1, 0, "ready" },
		{ "kind not first", "{\"text\":\"ready\",\"kind\":\"node\"}\n", 1, 0, "ready" },
		{ "a field of another version",
			HEAD ",\"new\":{\"a\":[1,{\"b\":null}],\"c\":-1.5e3},\"text\":\"ready\"}\n", 1, 0, "ready" },
		{ "escapes", HEAD ",\"text\":\"a\\u00e9\\ud83d\\ude00\\n\\\"\"}\n", 1, 0,
			"a\xc3\xa9\xf0\x9f\x98\x80\n\"" },
		{ "half a surrogate", HEAD ",\"text\":\"\\ud83d\"}\n", 0, 1, NULL },
		{ "cut off", HEAD ",\"te", 0, 1, NULL },
		{ "cut off, then whole", HEAD ",\"te\n" HEAD ",\"text\":\"b\"}\n", 1, 1, "b" },
		{ "two on a line", HEAD "}" HEAD "}\n", 0, 1, NULL },
		{ "another object", "{\"domain\":\"a.example\"}\n", 0, 1, NULL },
		{ "no object", "[]\n\"kind\"\nnull\n", 0, 3, NULL },
		{ "a word that is none", HEAD ",\"event\":\"flying\"}\n", 0, 1, NULL },
		{ "a number too large", HEAD ",\"process\":4294967296}\n", 0, 1, NULL },
		{ "a day that is none", "{\"kind\":\"node\",\"time\":\"2017-02-29T07:10:46Z\"}\n", 0, 1, NULL },
		{ "another zone", "{\"kind\":\"node\",\"time\":\"2017-03-02T08:10:46.240000+01:00\",\"text\":\"z\"}\n",
			1, 0, "z" },
		{ "base64 that is none", HEAD ",\"text\":{\"base64\":\"*\"}}\n", 0, 1, NULL },
		{ "deep", HEAD ",\"x\":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}\n", 0, 1, NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 0; piece < 3; piece++) {
			struct got got = { 0 };
			read_all(TRACE_JSON, span_of(cases[i].text), piece, &got);
			if (got.count != cases[i].records || got.unread != cases[i].unread)
				fail_msg("%s: %zu records, %zu unread (%s)", cases[i].name, got.count, got.unread,
					got.why);
			if (cases[i].node_text) {
				struct record_unpacked back;
				assert_int_equal(record_unpack(buffer_span(&got.packed[0]), &back), 0);
				if (!span_is(back.record.node.text, cases[i].node_text))
					fail_msg("%s: %.*s", cases[i].name, SPAN_PRINT(back.record.node.text));
			}
			forget(&got);
		}
}

/* ---- all readers ---- */

static void write_got(const struct got *got, enum trace_format format, struct buffer *ret_text)
{
	struct trace_writer_settings settings = { .format = format, .node = SPAN("n"), .process = 1 };
	struct trace_writer *w = trace_writer_new(&settings);
	for (size_t i = 0; i < got->count; i++) {
		struct record_unpacked back;
		assert_int_equal(record_unpack(buffer_span(&got->packed[i]), &back), 0);
		assert_int_equal(trace_writer_write(w, &back.record, ret_text), 0);
	}
	trace_writer_free(w);
}

/* A message with lines that could pass for those of a log. The length of its body is said, and right. */
static struct span made_message(struct random *random)
{
	static const char *const lines[] = { "Via: SIP/2.0/TLS 127.48.36.47:5061;branch=z9hG4bK1", "$$end_record",
		" $$end_record",
		"TL_INFO(TF_PROTOCOL) [0]06E4.0EB4::01/18/2012-05:00:43.101.00005386 (SIPStack,x)$$begin_record",
		"  TL_WARN", "03/02/2017|08:10:46.240 0584:0A44 INFO  :: End of Data Received", " 03/02/2017|", "|",
		" |",
		"2017-03-02T08:10:46.240+01:00 vcse tvcs: UTCTime=\"2017-03-02 07:10:46,240\" Module=\"network.sip\"",
		" SIPMSG:", "x: \\x41 \\\\ \"", "Call-ID: a", "v=0", "Subject: ***",
		"ms-diagnostics: 1009;reason=\"No match\"" };
	static char text[8192];
	char body[4096];
	size_t length = 0;
	body[0] = '\0';
	for (uint64_t i = random_below(random, 6); i > 0; i--)
		length += (size_t)snprintf(body + length, sizeof(body) - length, "%s%s",
			lines[random_below(random, 16)], i > 1 || random_below(random, 2) ? "\r\n" : "");
	size_t used = (size_t)snprintf(text, sizeof(text), "%s\r\nContent-Length: %zu\r\n",
		random_below(random, 2) ? "INVITE sip:a@b.example SIP/2.0" : "SIP/2.0 504 Server time-out", length);
	for (uint64_t i = random_below(random, 9); i > 0; i--)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s\r\n", lines[random_below(random, 16)]);
	used += (size_t)snprintf(text + used, sizeof(text) - used, "\r\n%s", body);
	return span_make(text, used);
}

/* Three of the kind after one another, in text or in any bytes; then read, written again, compared. */
static void again_the_same_bytes(enum trace_format format, enum record_kind kind, int round, struct random *random)
{
	struct trace_writer_settings settings = { .format = format, .node = SPAN("n"), .process = 1 };
	struct trace_writer *w = trace_writer_new(&settings);
	struct buffer text, again;
	struct got got = { 0 };
	buffer_init(&text, 1 << 22);
	buffer_init(&again, 1 << 22);
	for (int i = 0; i < 3; i++) {
		random_record_make(&made, kind, random, round % 4 != 0);
		/* No clock of a log shows other times. */
		made.record.head.time_us = (int64_t)random_below(random, UINT64_C(4000000000)) * 1000000;
		/* A node's name is ours, and a host name. */
		made.record.head.node = i % 2 ? SPAN("edge-2") : SPAN_NONE;
		if (kind == RECORD_MESSAGE)
			made.record.message.bytes = made_message(random);
		made.record.head.local_session = i ? SPAN("ab30317f1a784dc48ff824d0d3715d86") : SPAN_NONE;
		made.record.head.remote_session = i ? SPAN("00000000000000000000000000000000") : SPAN_NONE;
		/* So are the names of a pair. */
		for (size_t k = 0; k < RECORD_LIST_MAXIMUM; k++)
			made.pairs[k].name = k % 2 ? SPAN("fqdn1") : SPAN("domain");
		assert_int_equal(trace_writer_write(w, &made.record, &text), 0);
	}
	read_all(format, buffer_span(&text), round % 3 ? (size_t)round : 0, &got);
	if (got.unread)
		fail_msg("%s, %s: %s: %s", trace_format_word(format), record_kind_word(kind), got.why, text.at);
	write_got(&got, format, &again);
	if (kind == RECORD_MESSAGE && got.count == 3) {
		struct record_unpacked back;
		assert_int_equal(record_unpack(buffer_span(&got.packed[2]), &back), 0);
		if (!span_equal(back.record.message.bytes, made.record.message.bytes))
			fail_msg("%s: the message was\n%.*s\nand is\n%.*s", trace_format_word(format),
				SPAN_PRINT(made.record.message.bytes), SPAN_PRINT(back.record.message.bytes));
	}
	size_t same = 0;
	while (same < text.length && same < again.length && text.at[same] == again.at[same])
		same++;
	if (same < text.length || same < again.length) {
		size_t from = same < 60 ? 0 : same - 60;
		fail_msg("%s, %s differs at %zu:\n%.100s\n----\n%.100s", trace_format_word(format),
			record_kind_word(kind), same, text.at + from,
			same <= again.length && again.at ? again.at + from : "nothing");
	}
	forget(&got);
	buffer_done(&text);
	buffer_done(&again);
	trace_writer_free(w);
}

static void what_was_read_is_written_to_the_same_bytes(void **state)
{
	(void)state;
	static const enum trace_format formats[] = { TRACE_EXPRESSWAY, TRACE_SIPSTACK, TRACE_UCCAPI, TRACE_JSON };
	struct random random;
	random_init_seed(&random, 1009);
	for (size_t f = 0; f < sizeof(formats) / sizeof(formats[0]); f++)
		for (int round = 0; round < 200; round++)
			for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++)
				again_the_same_bytes(formats[f], (enum record_kind)kind, round, &random);
}

static void a_line_without_end_is_passed_over(void **state)
{
	(void)state;
	struct buffer text;
	struct got got = { 0 };
	buffer_init(&text, 8 << 20);
	assert_int_equal(buffer_append_text(&text, HEAD "}\n" HEAD ",\"text\":\""), 0);
	for (size_t i = 0; i < 3 << 20; i++)
		buffer_append_byte(&text, 'x');
	buffer_append_text(&text, "\"}\n" HEAD "}\n");
	for (size_t piece = 0; piece < 300000; piece = piece * 2 + 70000) {
		read_all(TRACE_JSON, buffer_span(&text), piece, &got);
		assert_int_equal(got.count, 2);
		assert_int_equal(got.unread, 1);
		assert_int_equal(got.lines[1], 3);
		forget(&got);
	}
	buffer_done(&text);
}

static void times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t us; /* -1: none */
	} cases[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2017-03-02T07:10:46.240Z", INT64_C(1488438646240000) },
		{ "2017-03-02 08:10:46,240+01:00", INT64_C(1488438646240000) },
		{ "2017-03-02T02:40:46.24-0430", INT64_C(1488438646240000) },
		{ "2017-03-02T07:10:46.2400009Z", INT64_C(1488438646240000) },
		{ "2000-02-29T00:00:00Z", INT64_C(951782400000000) },
		{ "2100-02-29T00:00:00Z", -1 },
		{ "2017-13-02T07:10:46Z", -1 },
		{ "2017-03-02T24:10:46Z", -1 },
		{ "2017-03-02T07:10:46", -1 },
		{ "2017-03-02T07:10:46Zz", -1 },
		{ "17-03-02T07:10:46Z", -1 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t us = -1;
		bool read = trace_stamp_read_utc(span_of(cases[i].text), &us);
		if (read != (cases[i].us >= 0) || us != cases[i].us)
			fail_msg("%s: %lld", cases[i].text, (long long)us);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_carries_everything),
		cmocka_unit_test(json_as_others_leave_it),
		cmocka_unit_test(what_was_read_is_written_to_the_same_bytes),
		cmocka_unit_test(a_line_without_end_is_passed_over),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
