/* SPDX-License-Identifier: Apache-2.0 */
/* The json format carries every field of every kind: random records are written and read back by
 * jansson through the field table. The other formats take the same records without harm. */
#include "base/buffer.h"
#include "trace/writer.h"
#include "unit/cmocka_all.h"
#include "unit/record/random_record.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct random_record made;

/* What is read back, and where its texts live. */
static struct {
	struct record record;
	struct span spans[RECORD_LIST_MAXIMUM];
	struct record_pair pairs[RECORD_LIST_MAXIMUM];
	char bytes[1 << 17];
	size_t used;
} back;

static struct span keep(const char *text, size_t length)
{
	assert_true(back.used + length <= sizeof(back.bytes));
	char *at = back.bytes + back.used;
	if (length > 0)
		memcpy(at, text, length);
	back.used += length;
	return span_make(at, length);
}

static struct span from_base64(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t start = back.used;
	unsigned int word = 0, bits = 0;
	for (; *text && *text != '='; text++) {
		const char *digit = strchr(digits, *text);
		assert_non_null(digit);
		word = word << 6 | (unsigned int)(digit - digits);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			char byte = (char)(word >> bits);
			(void)keep(&byte, 1);
		}
	}
	return span_make(back.bytes + start, back.used - start);
}

static struct span text_of(const json_t *value)
{
	if (json_is_object(value))
		return from_base64(json_string_value(json_object_get(value, "base64")));
	if (!json_is_string(value))
		return SPAN_NONE;
	return keep(json_string_value(value), json_string_length(value));
}

static int64_t time_of(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	assert_non_null(rest);
	return (int64_t)timegm(&tm) * 1000000 + strtol(rest + 1, NULL, 10);
}

static struct record_address address_of(const char *text)
{
	struct record_address address = { 0 };
	struct span all = span_of(text);
	size_t colon = all.length;
	while (colon > 0 && all.at[colon - 1] != ':' && all.at[colon - 1] != ']')
		colon--;
	if (colon > 0 && all.at[colon - 1] == ':') {
		address.port = (uint16_t)strtoul(text + colon, NULL, 10);
		all = span_first(all, colon - 1);
	}
	if (all.length > 0 && all.at[0] == '[')
		all = span_make(all.at + 1, all.length - 2);
	if (all.length > 0)
		assert_int_equal(record_address_parse(all, &address), 0);
	return address;
}

static void read_list(const struct record_field *f, const json_t *value)
{
	size_t count = json_array_size(value);
	for (size_t i = 0; i < count; i++) {
		const json_t *item = json_array_get(value, i);
		if (f->type == RECORD_FIELD_SPANS) {
			back.spans[i] = text_of(item);
		} else {
			back.pairs[i].name = text_of(json_array_get(item, 0));
			back.pairs[i].value = text_of(json_array_get(item, 1));
		}
	}
	if (f->type == RECORD_FIELD_SPANS)
		*(struct record_spans *)record_field_in(&back.record, f) = (struct record_spans){ back.spans, count };
	else
		*(struct record_pairs *)record_field_in(&back.record, f) = (struct record_pairs){ back.pairs, count };
}

static unsigned int word_of(const struct record_field *f, const char *text)
{
	for (unsigned int i = 0; f->words[i]; i++)
		if (strcmp(f->words[i], text) == 0)
			return i;
	fail_msg("%s is no %s", text, f->name);
	return 0;
}

static void read_field(const struct record_field *f, const json_t *value)
{
	void *at = record_field_in(&back.record, f);
	unsigned int word;
	if (!value)
		return;
	switch (f->type) {
	case RECORD_FIELD_TIME:
		*(int64_t *)at = time_of(json_string_value(value));
		break;
	case RECORD_FIELD_U16:
		*(uint16_t *)at = (uint16_t)json_integer_value(value);
		break;
	case RECORD_FIELD_U32:
		*(uint32_t *)at = (uint32_t)json_integer_value(value);
		break;
	case RECORD_FIELD_U64:
		*(uint64_t *)at = (uint64_t)json_integer_value(value);
		break;
	case RECORD_FIELD_ID:
		*(uint64_t *)at = strtoull(json_string_value(value), NULL, 10);
		break;
	case RECORD_FIELD_I32:
		*(int32_t *)at = (int32_t)json_integer_value(value);
		break;
	case RECORD_FIELD_BOOL:
		*(bool *)at = json_is_true(value);
		break;
	case RECORD_FIELD_WORD:
		word = word_of(f, json_string_value(value));
		memcpy(at, &word, sizeof(word));
		break;
	case RECORD_FIELD_ADDRESS:
		*(struct record_address *)at = address_of(json_string_value(value));
		break;
	case RECORD_FIELD_SPAN:
		*(struct span *)at = text_of(value);
		break;
	case RECORD_FIELD_SPANS:
	case RECORD_FIELD_PAIRS:
		read_list(f, value);
		break;
	}
}

static void read_record(const json_t *object)
{
	back.used = 0;
	memset(&back.record, 0, sizeof(back.record));
	back.record.kind = record_kind_of(span_of(json_string_value(json_object_get(object, "kind"))));
	for (const struct record_field *f = record_head_fields; f->name; f++)
		read_field(f, json_object_get(object, f->name));
	for (const struct record_field *f = record_kind_fields(back.record.kind); f->name; f++)
		read_field(f, json_object_get(object, f->name));
}

/* Durations and counts are below what a JSON integer of jansson holds. */
static void tame(struct record *r)
{
	for (const struct record_field *f = record_kind_fields(r->kind); f->name; f++)
		if (f->type == RECORD_FIELD_U64)
			*(uint64_t *)record_field_in(r, f) >>= 1;
}

static void everything_comes_back(void **state)
{
	(void)state;
	struct random random;
	struct trace_writer_settings settings = { .format = TRACE_JSON };
	struct trace_writer *w = trace_writer_new(&settings);
	struct buffer text, again;
	random_init_seed(&random, 504);
	buffer_init(&text, 1 << 22);
	buffer_init(&again, 1 << 22);
	for (int round = 0; round < 300; round++)
		for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
			const char *name = "-";
			json_error_t error;
			random_record_make(&made, (enum record_kind)kind, &random, round % 2);
			tame(&made.record);
			buffer_clear(&text);
			buffer_clear(&again);
			assert_int_equal(trace_writer_write(w, &made.record, &text), 0);
			json_t *object =
				json_loadb(text.at, text.length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
			if (!object)
				fail_msg("%s: %s", error.text, text.at);
			read_record(object);
			if (!record_equal(&made.record, &back.record, &name))
				fail_msg("%s differs in %s: %s", record_kind_word((enum record_kind)kind), name,
					text.at);
			assert_int_equal(trace_writer_write(w, &back.record, &again), 0);
			assert_true(span_equal(buffer_span(&text), buffer_span(&again)));
			json_decref(object);
		}
	buffer_done(&text);
	buffer_done(&again);
	trace_writer_free(w);
}

/* Any bytes anywhere: whole lines come out, and every line of ours begins as one. */
static void the_text_formats_stay_in_shape(void **state)
{
	(void)state;
	static const char *const starts[] = {
		[TRACE_EXPRESSWAY] = "2", [TRACE_SIPSTACK] = "TL_", [TRACE_UCCAPI] = "0"
	};
	struct random random;
	struct buffer text;
	random_init_seed(&random, 1009);
	buffer_init(&text, 1 << 22);
	for (unsigned int format = 0; format < TRACE_JSON; format++) {
		struct trace_writer_settings settings = { .format = (enum trace_format)format, .node = SPAN("n") };
		struct trace_writer *w = trace_writer_new(&settings);
		for (int round = 0; round < 300; round++)
			for (unsigned int kind = 1; kind < RECORD_KIND_COUNT; kind++) {
				random_record_make(&made, (enum record_kind)kind, &random, false);
				made.record.head.time_us = 1488438646000000;
				buffer_clear(&text);
				assert_int_equal(trace_writer_write(w, &made.record, &text), 0);
				if (text.length == 0)
					continue;
				assert_true(text.at[text.length - 1] == '\n');
				assert_int_equal(strncmp(text.at, starts[format], strlen(starts[format])), 0);
			}
		trace_writer_free(w);
	}
	buffer_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_back),
		cmocka_unit_test(the_text_formats_stay_in_shape),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
