/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_HISTORY_SCRIPT_H
#define FEDGE_TESTS_HISTORY_SCRIPT_H
/* Records from lines a person can read: `MS KIND field=value field=value …`, fields by their names in record/field.c,
 * values without blanks (~ stands for one), lists with commas, addresses as 192.0.2.1:5061. Every record of a line has
 * the serial "s1" unless the line gives another; `serial=-`: none. */
#include "base/arena.h"
#include "record/field.h"
#include "record/sink.h"

#include <stdio.h>
#include <stdlib.h>

#define SCRIPT_START_US INT64_C(1488987722000000) /* 2017-03-08 15:42:02 UTC */

struct script {
	struct arena arena;
	const struct record_sink *sink;
};

static inline struct span script_text(struct script *s, struct span word)
{
	struct span copy = arena_copy(&s->arena, word);
	char *at = arena_copy_text(&s->arena, copy.at);
	for (size_t i = 0; i < copy.length; i++)
		if (at[i] == '~')
			at[i] = ' ';
	return span_make(at, copy.length);
}

static inline struct record_address script_address(struct span word)
{
	struct record_address address = { 0 };
	uint64_t port = 0;
	size_t colon = word.length;
	while (colon > 0 && word.at[colon - 1] != ':')
		colon--;
	(void)span_to_u64(span_from(word, colon), UINT16_MAX, &port);
	struct span host = span_first(word, colon - 1);
	if (host.at[0] == '[')
		host = span_make(host.at + 1, host.length - 2);
	if (record_address_parse(host, &address) < 0)
		abort();
	address.port = (uint16_t)port;
	return address;
}

static inline void script_list(struct script *s, struct span words, struct record_spans *list)
{
	struct span *items = arena_zero(&s->arena, RECORD_LIST_MAXIMUM * sizeof(*items));
	size_t count = 0;
	while (words.at && count < RECORD_LIST_MAXIMUM)
		items[count++] = script_text(s, span_cut(&words, ','));
	*list = (struct record_spans){ items, count };
}

static inline void script_set(struct script *s, struct record *r, const struct record_field *f, struct span value)
{
	void *at = record_field_in(r, f);
	uint64_t number = 0;
	unsigned int word = 0;
	(void)span_to_u64(value, UINT64_MAX, &number);
	switch (f->type) {
	case RECORD_FIELD_U16:
		*(uint16_t *)at = (uint16_t)number;
		break;
	case RECORD_FIELD_U32:
	case RECORD_FIELD_I32:
		*(uint32_t *)at = (uint32_t)number;
		break;
	case RECORD_FIELD_TIME:
	case RECORD_FIELD_U64:
	case RECORD_FIELD_ID:
		*(uint64_t *)at = number;
		break;
	case RECORD_FIELD_BOOL:
		*(bool *)at = span_is(value, "true");
		break;
	case RECORD_FIELD_WORD:
		while (f->words[word] && !span_is(value, f->words[word]))
			word++;
		if (!f->words[word])
			abort();
		memcpy(at, &word, sizeof(word));
		break;
	case RECORD_FIELD_ADDRESS:
		*(struct record_address *)at = script_address(value);
		break;
	case RECORD_FIELD_SPAN:
		*(struct span *)at = span_is(value, "-") ? SPAN_NONE : script_text(s, value);
		break;
	case RECORD_FIELD_SPANS:
		script_list(s, value, at);
		break;
	case RECORD_FIELD_PAIRS:
		break;
	}
}

static inline const struct record_field *script_field(
	const struct record_field *fields, const struct record_field *others, struct span name)
{
	for (; fields->name; fields++)
		if (span_is(name, fields->name))
			return fields;
	for (; others->name; others++)
		if (span_is(name, others->name))
			return others;
	fprintf(stderr, "no field %.*s\n", SPAN_PRINT(name));
	abort();
}

static inline void script_line(struct script *s, struct span line)
{
	uint64_t ms;
	struct record r = { .head = { .serial = SPAN("s1") } };
	if (span_to_u64(span_cut(&line, ' '), UINT32_MAX, &ms) < 0)
		abort();
	r.head.time_us = SCRIPT_START_US + (int64_t)ms * 1000;
	r.kind = record_kind_of(span_cut(&line, ' '));
	if (r.kind == RECORD_NONE)
		abort();
	while (line.at) {
		struct span value = span_cut(&line, ' ');
		struct span name = span_cut(&value, '=');
		if (name.length)
			script_set(s, &r, script_field(record_kind_fields(r.kind), record_head_fields, name), value);
	}
	record_take(s->sink, &r);
}

/* Lines end with \n. */
static inline void script_run(const struct record_sink *sink, const char *lines)
{
	struct script s = { .sink = sink };
	struct span rest = span_of(lines);
	arena_init(&s.arena, 4 << 20);
	while (rest.length) {
		struct span line = span_cut(&rest, '\n');
		if (line.length)
			script_line(&s, line);
	}
	arena_done(&s.arena);
}
#endif
