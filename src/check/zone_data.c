/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a record: what each type takes, checked with words of our own, then read by ldns. */
#include "base/buffer.h"
#include "base/require.h"
#include "check/zone_reading.h"

#include <errno.h>
#include <stdlib.h>

static const struct zone_type zone_types[] = {
	{ "SRV", NET_DNS_SRV, { ZONE_FIELD_U16, ZONE_FIELD_U16, ZONE_FIELD_U16, ZONE_FIELD_NAME }, 4, false,
		"priority, weight, port and target, such as 0 0 5061 sip.example.com." },
	{ "A", NET_DNS_A, { ZONE_FIELD_OTHER }, 1, false, "one IPv4 address" },
	{ "AAAA", NET_DNS_AAAA, { ZONE_FIELD_OTHER }, 1, false, "one IPv6 address" },
	{ "CNAME", ZONE_TYPE_CNAME, { ZONE_FIELD_NAME }, 1, false, "one name" },
	{ "TLSA", NET_DNS_TLSA, { ZONE_FIELD_U8, ZONE_FIELD_U8, ZONE_FIELD_U8, ZONE_FIELD_HEX }, 4, true,
		"usage, selector, matching type and hexadecimal digits, such as 3 1 1 0123…" },
	{ "NAPTR", NET_DNS_NAPTR,
		{ ZONE_FIELD_U16, ZONE_FIELD_U16, ZONE_FIELD_TEXT, ZONE_FIELD_TEXT, ZONE_FIELD_TEXT, ZONE_FIELD_NAME },
		6, false, "order, preference, \"flags\", \"service\", \"regexp\" and replacement" },
};

const struct zone_type *zone_type_find(struct span word)
{
	uint64_t number = 0;
	if (span_starts_nocase(word, SPAN("TYPE")) && span_to_u64(span_from(word, 4), UINT16_MAX, &number) < 0)
		return NULL;
	for (size_t i = 0; i < BASE_COUNT(zone_types); i++)
		if (span_is_nocase(word, zone_types[i].name) || (uint64_t)zone_types[i].type == number)
			return &zone_types[i];
	return NULL;
}

/* Of the last value, which may stand in several words: an odd digit would be lost silently. */
static int check_digits(struct zone_reading *r, const struct span *words, size_t count)
{
	size_t digits = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < words[i].length; j++, digits++)
			if (!memchr("0123456789abcdefABCDEF", words[i].at[j], 22))
				return zone_refuse(
					r, "`%.*s` is not written in hexadecimal digits", ZONE_SHOW(words[i]));
	return digits % 2 ? zone_refuse(r, "%zu hexadecimal digits are no whole bytes: one is missing", digits) : 0;
}

static int check_number(struct zone_reading *r, struct span word, uint64_t maximum)
{
	uint64_t value;
	if (span_to_u64(word, maximum, &value) == 0)
		return 0;
	return zone_refuse(r, "`%.*s` is no number from 0 to %llu", ZONE_SHOW(word), (unsigned long long)maximum);
}

/* Names are made whole here, so that ldns needs no origin. */
static int append_name(struct zone_reading *r, struct span word, struct buffer *out)
{
	ldns_rdf *name;
	int status = zone_read_name(r, word, &name);
	if (status < 0)
		return status;
	char *text = ldns_rdf2str(name);
	ldns_rdf_deep_free(name);
	if (!text)
		return zone_no_memory(r);
	buffer_append_text(out, text);
	free(text);
	return 0;
}

static int append_field(struct zone_reading *r, enum zone_field field, struct span word, struct buffer *out)
{
	int status = 0;
	buffer_append_byte(out, ' ');
	if (field == ZONE_FIELD_U8 || field == ZONE_FIELD_U16)
		status = check_number(r, word, field == ZONE_FIELD_U8 ? UINT8_MAX : UINT16_MAX);
	if (field == ZONE_FIELD_TEXT && word.length > 255 + 2)
		return zone_refuse(r, "`%.*s…` is longer than 255 bytes", ZONE_SHOW(word));
	if (field == ZONE_FIELD_NAME)
		return append_name(r, word, out);
	buffer_append(out, word);
	return status;
}

/* ". 0 IN SRV 0 0 5061 vcse.example.com." for ldns. */
static int write_record(struct zone_reading *r, const struct zone_type *type, const struct span *values, size_t count,
	struct buffer *out)
{
	bool generic = count > 0 && span_is(values[0], "\\#"); /* RFC 3597 5 */
	if (!generic && (count < type->count || (count > type->count && !type->open)))
		return zone_refuse(r, "%s takes %s", type->name, type->takes);
	buffer_printf(out, ". 0 IN %s", type->name);
	for (size_t i = 0; i < count; i++) {
		size_t last = i < type->count ? i : type->count - 1;
		int status = append_field(r, generic ? ZONE_FIELD_OTHER : type->fields[last], values[i], out);
		if (status < 0)
			return status;
	}
	if (!generic && type->fields[type->count - 1] == ZONE_FIELD_HEX &&
		check_digits(r, values + type->count - 1, count - type->count + 1) < 0)
		return -EBADMSG;
	return out->status < 0 ? zone_no_memory(r) : 0;
}

static int take_data(struct zone_reading *r, const ldns_rr *rr, struct span *ret_data)
{
	size_t length = 0;
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++)
		length += ldns_rdf_size(ldns_rr_rdf(rr, i));
	char *bytes = arena_allocate(&r->zone->arena, length + 1);
	if (!bytes)
		return zone_no_memory(r);
	*ret_data = span_make(bytes, length);
	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		size_t size = ldns_rdf_size(ldns_rr_rdf(rr, i));
		memcpy(bytes, ldns_rdf_data(ldns_rr_rdf(rr, i)), size);
		bytes += size;
	}
	return 0;
}

int zone_read_data(struct zone_reading *r, const struct zone_type *type, const struct span *values, size_t count,
	struct span *ret_data)
{
	struct buffer text;
	ldns_rr *rr = NULL;
	buffer_init(&text, (size_t)2 * CHECK_ZONE_LINE_MAXIMUM);
	int status = write_record(r, type, values, count, &text);
	if (status == 0) {
		ldns_status read = ldns_rr_new_frm_str(&rr, text.at, 0, NULL, NULL);
		if (read == LDNS_STATUS_MEM_ERR)
			status = zone_no_memory(r);
		else if (read != LDNS_STATUS_OK)
			status = zone_refuse(r, "`%.*s` cannot be read: %s takes %s", ZONE_SHOW(values[count - 1]),
				type->name, type->takes);
	}
	buffer_done(&text);
	if (status == 0)
		status = take_data(r, rr, ret_data);
	ldns_rr_free(rr);
	return status;
}
