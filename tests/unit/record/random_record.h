/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_RANDOM_RECORD_H
#define FEDGE_TESTS_RANDOM_RECORD_H
/* Records of every kind with random values in every field, from a seed; made by the field table,
 * so a new field is tested without a line here. */
#include "base/random.h"
#include "record/field.h"

struct random_record {
	struct record record;
	char bytes[65536];
	size_t used;
	struct span spans[RECORD_LIST_MAXIMUM];
	struct record_pair pairs[RECORD_LIST_MAXIMUM];
};

/* One span in four is absent, one in eight empty; any byte may be in it unless only_text. */
static inline struct span random_record_span(struct random_record *r, struct random *random, bool only_text)
{
	uint64_t choice = random_below(random, 8);
	size_t length = choice < 3 ? 0 : (size_t)random_below(random, choice == 7 ? 600 : 40);
	if (choice < 2)
		return SPAN_NONE;
	if (length > sizeof(r->bytes) - r->used)
		length = sizeof(r->bytes) - r->used;
	char *at = r->bytes + r->used;
	random_bytes(random, at, length);
	for (size_t i = 0; only_text && i < length; i++)
		at[i] = (char)(' ' + (unsigned char)at[i] % 95);
	r->used += length;
	return span_make(at, length);
}

static inline struct record_address random_record_address(struct random *random)
{
	struct record_address address = { 0 };
	address.family = (uint8_t)(random_below(random, 3) * 2);
	if (address.family == 2)
		address.family = 6;
	random_bytes(random, address.bytes, address.family == 6 ? 16 : address.family == 4 ? 4 : 0);
	if (address.family)
		address.port = (uint16_t)random_u64(random);
	return address;
}

static inline unsigned int random_record_word(const struct record_field *field, struct random *random)
{
	unsigned int count = 0;
	while (field->words[count])
		count++;
	return (unsigned int)random_below(random, count);
}

static inline void random_record_field(
	struct random_record *r, const struct record_field *f, struct random *random, bool only_text)
{
	void *at = record_field_in(&r->record, f);
	uint64_t number = random_below(random, 3) ? random_u64(random) : 0;
	unsigned int word;
	switch (f->type) {
	case RECORD_FIELD_TIME:
		/* Years 1970 to 2100. */
		*(int64_t *)at = (int64_t)random_below(random, UINT64_C(4102444800000000));
		break;
	case RECORD_FIELD_U16:
		*(uint16_t *)at = (uint16_t)number;
		break;
	case RECORD_FIELD_U32:
		*(uint32_t *)at = (uint32_t)number;
		break;
	case RECORD_FIELD_U64:
	case RECORD_FIELD_ID:
		*(uint64_t *)at = number;
		break;
	case RECORD_FIELD_I32:
		*(int32_t *)at = (int32_t)(uint32_t)number;
		break;
	case RECORD_FIELD_BOOL:
		*(bool *)at = number % 2;
		break;
	case RECORD_FIELD_WORD:
		word = random_record_word(f, random);
		memcpy(at, &word, sizeof(word));
		break;
	case RECORD_FIELD_ADDRESS:
		*(struct record_address *)at = random_record_address(random);
		break;
	case RECORD_FIELD_SPAN:
		*(struct span *)at = random_record_span(r, random, only_text);
		break;
	case RECORD_FIELD_SPANS: {
		size_t count = (size_t)random_below(random, RECORD_LIST_MAXIMUM + 1);
		for (size_t i = 0; i < count; i++)
			r->spans[i] = random_record_span(r, random, only_text);
		*(struct record_spans *)at = (struct record_spans){ r->spans, count };
		break;
	}
	case RECORD_FIELD_PAIRS: {
		size_t count = (size_t)random_below(random, RECORD_LIST_MAXIMUM + 1);
		for (size_t i = 0; i < count; i++) {
			r->pairs[i].name = random_record_span(r, random, only_text);
			r->pairs[i].value = random_record_span(r, random, only_text);
		}
		*(struct record_pairs *)at = (struct record_pairs){ r->pairs, count };
		break;
	}
	}
}

static inline void random_record_make(
	struct random_record *r, enum record_kind kind, struct random *random, bool only_text)
{
	memset(&r->record, 0, sizeof(r->record));
	r->used = 0;
	r->record.kind = kind;
	for (const struct record_field *f = record_head_fields; f->name; f++)
		random_record_field(r, f, random, only_text);
	for (const struct record_field *f = record_kind_fields(kind); f->name; f++)
		random_record_field(r, f, random, only_text);
}
#endif
