/* SPDX-License-Identifier: Apache-2.0 */
/* Any records in any order, made of the input: the collector keeps its bounds, and what it gives can be shown, written
 * and read back. */
#include "base/require.h"
#include "history/collect.h"
#include "history/row.h"
#include "history/tree.h"
#include "record/field.h"

#include <stdlib.h>

#define RECORDS_MAXIMUM 300
#define STEPS_MAXIMUM 40

struct input {
	const uint8_t *at;
	size_t length;
};

static uint8_t next(struct input *in)
{
	if (in->length == 0)
		return 0;
	in->length--;
	return *in->at++;
}

static struct span next_span(struct input *in)
{
	static const char *const words[] = { "ok", "SRV", "a.example", "sip:a@a.example", "A", "reject 403 Forbidden",
		"zone-1", "zone-2", "504", "" };
	uint8_t choice = next(in);
	if (choice < 64)
		return SPAN_NONE;
	if (choice < 192)
		return span_of(words[choice % BASE_COUNT(words)]);
	size_t length = choice - 192;
	if (length > in->length)
		length = in->length;
	struct span s = span_make((const char *)in->at, length);
	in->at += length;
	in->length -= length;
	return s;
}

static void fill(struct input *in, struct record *r, const struct record_field *f, struct span *spans)
{
	void *at = record_field_in(r, f);
	unsigned int word = 0;
	switch (f->type) {
	case RECORD_FIELD_WORD:
		while (f->words[word])
			word++;
		word = next(in) % word;
		memcpy(at, &word, sizeof(word));
		return;
	case RECORD_FIELD_SPAN:
		*(struct span *)at = next_span(in);
		return;
	case RECORD_FIELD_BOOL:
		*(bool *)at = next(in) % 2;
		return;
	case RECORD_FIELD_U16:
		*(uint16_t *)at = (uint16_t)(next(in) << 8 | next(in));
		return;
	case RECORD_FIELD_U32:
	case RECORD_FIELD_I32:
		*(uint32_t *)at = (uint32_t)next(in) << 24 | next(in);
		return;
	case RECORD_FIELD_U64:
		*(uint64_t *)at = (uint64_t)next(in) << 56 | next(in);
		return;
	case RECORD_FIELD_ADDRESS:
		*(struct record_address *)at =
			(struct record_address){ .family = (uint8_t)(next(in) % 2 * 4), .bytes = { 127, next(in) } };
		return;
	case RECORD_FIELD_SPANS:
		for (size_t i = 0; i < 4; i++)
			spans[i] = next_span(in);
		*(struct record_spans *)at = (struct record_spans){ spans, next(in) % 5 };
		return;
	case RECORD_FIELD_TIME:
	case RECORD_FIELD_ID:
	case RECORD_FIELD_PAIRS:
		return;
	}
}

static void give(void *argument, const struct history_search *search)
{
	struct history_style style = { .page = { .width = 60, .colour = true } };
	struct history_columns columns = { 0 };
	struct history_search again;
	struct arena arena;
	struct buffer out;
	++*(unsigned *)argument;
	base_require(search->step_count <= STEPS_MAXIMUM + 16);
	buffer_init(&out, 64 << 20);
	arena_init(&arena, 64 << 20);
	history_list_measure(&columns, search);
	base_require(history_list_append(&out, search, &columns, &style) == 0);
	base_require(history_tree_append(&out, search, &style) == 0);
	base_require(history_search_append_json(&out, search) == 0);
	for (size_t i = 0; i < out.length; i++)
		base_require((unsigned char)out.at[i] >= ' ' || out.at[i] == '\n' || out.at[i] == '\033');
	struct history_entry *entry = history_entry_new(search);
	base_require(entry && history_search_of_row(history_entry_row(entry), &arena, &again) == 0);
	base_require(again.step_count == search->step_count && again.status == search->status);
	(void)history_search_holds(&again, SPAN("2017"), SPAN("a"));
	history_entry_free(entry);
	arena_done(&arena);
	buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const serials[] = { "s1", "s2", "s3", "s4", "s5", "" };
	struct input in = { data, size };
	struct history_collector *c;
	struct span spans[4];
	unsigned given = 0;
	int64_t now_us = INT64_C(1488987722000000);
	struct history_collect_settings settings = { .give = give,
		.argument = &given,
		.open_maximum = 4,
		.steps_maximum = STEPS_MAXIMUM,
		.bytes_maximum = 8192 };
	if (history_collect_new(&settings, &c) < 0)
		abort();
	for (int i = 0; in.length > 0 && i < RECORDS_MAXIMUM; i++) {
		struct record r = { .kind = (enum record_kind)(1 + next(&in) % (RECORD_KIND_COUNT - 1)) };
		now_us += (int64_t)next(&in) * next(&in) * 1000 - 20000;
		r.head.time_us = now_us;
		r.head.serial = span_of(serials[next(&in) % BASE_COUNT(serials)]);
		for (const struct record_field *f = record_kind_fields(r.kind); f->name; f++)
			fill(&in, &r, f, spans);
		history_collect_take(c, &r);
		if (next(&in) % 4 == 0)
			history_collect_tick(c, now_us);
		base_require(history_collect_counts(c).open <= 4);
	}
	history_collect_flush(c);
	base_require(history_collect_counts(c).open == 0 && history_collect_counts(c).given <= given);
	history_collect_free(c);
	return 0;
}
