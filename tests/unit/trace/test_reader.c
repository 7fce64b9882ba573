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
	struct trace_reader_settings settings = { .format = format, .take = take, .unread = unread, .argument = got };
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
	assert_int_equal(trace_reader_end(reader), 0);
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
		cmocka_unit_test(a_line_without_end_is_passed_over),
		cmocka_unit_test(times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
