/* SPDX-License-Identifier: Apache-2.0 */
#include "record/pack.h"

#include "base/require.h"
#include "record/field.h"

#include <errno.h>

/* The bytes of a packed record:
 *	prefix: total length, kind, count of the list, 0
 *	the first bytes of struct record, as far as its kind goes (pointers in it mean nothing)
 *	the array of the list, where the kind has one (its pointers mean nothing either)
 *	the bytes of each span in the order of the field tables, then those of the list.
 * The lengths stand in the struct and the array, so nothing is written twice. Whether a span is
 * absent is kept by its pointer being NULL. */
enum { PREFIX_LENGTH, PREFIX_KIND, PREFIX_LIST, PREFIX_UNUSED };

#define END_OF(member) (offsetof(struct record, member) + sizeof(((struct record *)0)->member))
static const size_t fixed_lengths[RECORD_KIND_COUNT] = {
	[RECORD_NONE] = END_OF(head),
	[RECORD_MESSAGE] = END_OF(message),
	[RECORD_DNS_QUERY] = END_OF(dns),
	[RECORD_DNS_ANSWER] = END_OF(dns),
	[RECORD_CONNECTION] = END_OF(connection),
	[RECORD_HANDSHAKE] = END_OF(handshake),
	[RECORD_JUDGEMENT] = END_OF(judgement),
	[RECORD_RULE] = END_OF(rule),
	[RECORD_SEARCH] = END_OF(search),
	[RECORD_CALL] = END_OF(call),
	[RECORD_NODE] = END_OF(node),
	[RECORD_NOTICE] = END_OF(notice),
	[RECORD_ATTEMPT] = END_OF(attempt),
	[RECORD_REGISTRATION] = END_OF(registration),
	[RECORD_ZONE] = END_OF(zone),
};

static void add_part(struct record_pack *pack, const void *at, size_t length)
{
	base_require(pack->part_count < RECORD_PACK_PARTS);
	if (length > 0)
		pack->parts[pack->part_count++] = span_make(at, length);
}

static void add_spans(struct record_pack *pack, const struct record *r, const struct record_field *fields)
{
	for (const struct record_field *f = fields; f->name; f++) {
		if (f->type != RECORD_FIELD_SPAN)
			continue;
		const struct span *s = record_field_at(r, f);
		add_part(pack, s->at, s->length);
	}
}

/* The pairs of a kind that has some, else NULL. */
static const struct record_pairs *pairs_of(const struct record *r)
{
	return r->kind == RECORD_JUDGEMENT ? &r->judgement.parameters
	       : r->kind == RECORD_NOTICE  ? &r->notice.pairs
					   : NULL;
}

/* The one list of a kind, if it has one: its array and how many spans are in it. */
static size_t list_of(const struct record *r, const struct span **ret_spans, size_t *ret_span_count)
{
	const struct record_pairs *pairs = pairs_of(r);
	size_t count = 0;
	*ret_spans = NULL;
	if (r->kind == RECORD_DNS_QUERY || r->kind == RECORD_DNS_ANSWER) {
		count = r->dns.records.count;
		*ret_spans = r->dns.records.at;
	} else if (r->kind == RECORD_HANDSHAKE) {
		count = r->handshake.names.count;
		*ret_spans = r->handshake.names.at;
	} else if (pairs) {
		count = pairs->count;
		*ret_spans = count > 0 ? &pairs->at[0].name : NULL;
	}
	if (count > RECORD_LIST_MAXIMUM)
		count = RECORD_LIST_MAXIMUM;
	*ret_span_count = pairs ? 2 * count : count;
	return count;
}
_Static_assert(sizeof(struct record_pair) == 2 * sizeof(struct span), "a pair is read as two spans");

void record_pack(const struct record *r, struct record_pack *ret_pack)
{
	base_require((unsigned int)r->kind < RECORD_KIND_COUNT);
	const struct span *spans;
	size_t span_count, length = 0;
	size_t count = list_of(r, &spans, &span_count);
	ret_pack->part_count = 0;
	add_part(ret_pack, ret_pack->prefix, sizeof(ret_pack->prefix));
	add_part(ret_pack, r, fixed_lengths[r->kind]);
	add_part(ret_pack, spans, span_count * sizeof(*spans));
	add_spans(ret_pack, r, record_head_fields);
	add_spans(ret_pack, r, record_kind_fields(r->kind));
	for (size_t i = 0; i < span_count; i++)
		add_part(ret_pack, spans[i].at, spans[i].length);
	for (size_t i = 0; i < ret_pack->part_count; i++)
		length += ret_pack->parts[i].length;
	/* A record beyond 4 GiB fits into no ring: the reader never sees this length. */
	ret_pack->prefix[PREFIX_LENGTH] = length > UINT32_MAX ? UINT32_MAX : (uint32_t)length;
	ret_pack->prefix[PREFIX_KIND] = (uint32_t)r->kind;
	ret_pack->prefix[PREFIX_LIST] = (uint32_t)count;
	ret_pack->prefix[PREFIX_UNUSED] = 0;
}

int record_pack_to(const struct record *r, struct buffer *b)
{
	struct record_pack pack;
	record_pack(r, &pack);
	for (size_t i = 0; i < pack.part_count; i++)
		buffer_append(b, pack.parts[i]);
	return b->status;
}

/* Points the span at the next bytes; false where there are not so many. */
static bool take_span(struct span *rest, struct span *span)
{
	if (span->length > rest->length || (!span->at && span->length > 0))
		return false;
	/* An empty span that is not absent may point anywhere: here. */
	if (span->at)
		span->at = rest->at;
	*rest = span_from(*rest, span->length);
	return true;
}

static bool take_fields(struct span *rest, struct record *r, const struct record_field *fields)
{
	for (const struct record_field *f = fields; f->name; f++)
		if (f->type == RECORD_FIELD_SPAN && !take_span(rest, record_field_in(r, f)))
			return false;
	return true;
}

static bool take_bytes(struct span *rest, void *ret_bytes, size_t length)
{
	if (rest->length < length)
		return false;
	if (length > 0)
		memcpy(ret_bytes, rest->at, length);
	*rest = span_from(*rest, length);
	return true;
}

/* Makes the list point into our own storage; returns the storage and how many spans it holds. */
static struct span *adopt_list(struct record_unpacked *u, size_t count, size_t *ret_span_count)
{
	struct record *r = &u->record;
	*ret_span_count = count;
	if (pairs_of(r)) {
		struct record_pairs *pairs = r->kind == RECORD_JUDGEMENT ? &r->judgement.parameters : &r->notice.pairs;
		*pairs = (struct record_pairs){ u->pairs, count };
		*ret_span_count = 2 * count;
		return &u->pairs[0].name;
	}
	if (r->kind == RECORD_HANDSHAKE)
		r->handshake.names = (struct record_spans){ u->spans, count };
	else if (r->kind == RECORD_DNS_QUERY || r->kind == RECORD_DNS_ANSWER)
		r->dns.records = (struct record_spans){ u->spans, count };
	else
		*ret_span_count = 0;
	return u->spans;
}

/* Numbers that a bad byte would turn into undefined behaviour: enums index tables, a bool has two values. */
static bool fields_are_sane(const struct record *r, const struct record_field *fields)
{
	for (const struct record_field *f = fields; f->name; f++) {
		unsigned char byte = *(const unsigned char *)record_field_at(r, f);
		unsigned int word;
		if (f->type == RECORD_FIELD_BOOL && byte > 1)
			return false;
		if (f->type != RECORD_FIELD_WORD)
			continue;
		memcpy(&word, record_field_at(r, f), sizeof(word));
		if (strcmp(record_word(f->words, word), "?") == 0)
			return false;
	}
	return true;
}

int record_unpack(struct span bytes, struct record_unpacked *ret_record)
{
	struct span rest = bytes;
	uint32_t prefix[4];
	struct record_unpacked *u = ret_record;
	if (!take_bytes(&rest, prefix, sizeof(prefix)) || prefix[PREFIX_LENGTH] != bytes.length ||
		prefix[PREFIX_KIND] >= RECORD_KIND_COUNT || prefix[PREFIX_LIST] > RECORD_LIST_MAXIMUM)
		return -EBADMSG;
	size_t span_count, list_count = prefix[PREFIX_LIST];
	if (!take_bytes(&rest, &u->record, fixed_lengths[prefix[PREFIX_KIND]]))
		return -EBADMSG;
	u->record.kind = (enum record_kind)prefix[PREFIX_KIND];
	struct span *spans = adopt_list(u, list_count, &span_count);
	if (!take_bytes(&rest, spans, span_count * sizeof(*spans)))
		return -EBADMSG;
	const struct record_field *fields = record_kind_fields(u->record.kind);
	if (!fields_are_sane(&u->record, fields) || !take_fields(&rest, &u->record, record_head_fields) ||
		!take_fields(&rest, &u->record, fields))
		return -EBADMSG;
	for (size_t i = 0; i < span_count; i++)
		if (!take_span(&rest, &spans[i]))
			return -EBADMSG;
	return rest.length == 0 ? 0 : -EBADMSG;
}

int64_t record_pack_time_us(struct span bytes)
{
	int64_t time_us;
	size_t offset = sizeof(((struct record_pack *)0)->prefix) + offsetof(struct record, head.time_us);
	if (bytes.length < offset + sizeof(time_us))
		return INT64_MIN;
	memcpy(&time_us, bytes.at + offset, sizeof(time_us));
	return time_us;
}
