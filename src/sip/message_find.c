/* SPDX-License-Identifier: Apache-2.0 */
/* Looking things up in a message that was read. */
#include "sip/message.h"
#include "sip/multipart.h"
#include "sip/read.h"
#include "sip/scan.h"

#include <errno.h>
#include <string.h>

const struct sip_header *sip_message_find(const struct sip_message *m, enum sip_header_id id)
{
	return id > SIP_HEADER_OTHER && id < SIP_HEADER_COUNT && m->first[id] ? &m->headers[m->first[id] - 1] : NULL;
}

bool sip_message_has(const struct sip_message *m, enum sip_header_id id)
{
	return sip_message_find(m, id) != NULL;
}

struct span sip_message_value(const struct sip_message *m, enum sip_header_id id)
{
	const struct sip_header *header = sip_message_find(m, id);
	return header ? header->value : SPAN_NONE;
}

static const struct sip_header *find_other(const struct sip_message *m, const struct sip_header *from, struct span name)
{
	for (const struct sip_header *header = from; header < m->headers + m->header_count; header++) {
		if (header->id == SIP_HEADER_OTHER && span_equal_nocase(header->name, name))
			return header;
	}
	return NULL;
}

const struct sip_header *sip_message_find_name(const struct sip_message *m, struct span name)
{
	enum sip_header_id id = sip_header_find(name);
	return id == SIP_HEADER_OTHER ? find_other(m, m->headers, name) : sip_message_find(m, id);
}

const struct sip_header *sip_message_find_next(const struct sip_message *m, const struct sip_header *header)
{
	if (header->id == SIP_HEADER_OTHER)
		return find_other(m, header + 1, header->name);
	for (const struct sip_header *next = header + 1; next < m->headers + m->header_count; next++) {
		if (next->id == header->id)
			return next;
	}
	return NULL;
}

struct span sip_message_line(const struct sip_message *m, const struct sip_header *header)
{
	(void)m;
	return span_make(header->name.at, header->line_length);
}

int sip_message_number(const struct sip_message *m, enum sip_header_id id, uint32_t *ret_number)
{
	const struct sip_header *header = sip_message_find(m, id);
	uint64_t number;
	if (!header)
		return -ENOENT;
	struct span rest = header->value, digits = span_trim(span_cut(&rest, ';'));
	if (span_to_u64(digits, UINT32_MAX, &number) < 0)
		return -EBADMSG;
	*ret_number = (uint32_t)number;
	return 0;
}

bool sip_message_lists(const struct sip_message *m, enum sip_header_id id, struct span token)
{
	struct sip_values values = sip_message_values(m, id);
	for (struct span value; sip_values_next(&values, &value);) {
		if (span_equal_nocase(value, token))
			return true;
	}
	return false;
}

struct sip_values sip_message_values(const struct sip_message *m, enum sip_header_id id)
{
	return (struct sip_values){ .message = m, .id = id };
}

/* The next line of that id, or NULL. */
static const struct sip_header *next_line(const struct sip_values *values)
{
	if (!values->header)
		return sip_message_find(values->message, values->id);
	return sip_message_find_next(values->message, values->header);
}

static inline const char *limit_of(const struct sip_values *values)
{
	return values->message->bytes.at + values->message->bytes.length;
}

bool sip_values_next(struct sip_values *values, struct span *ret_value)
{
	bool is_list = sip_header_shape(values->id) == SIP_SHAPE_LIST;
	while (values->rest.length == 0 || !sip_list_read(&values->rest, limit_of(values), ret_value)) {
		const struct sip_header *header = next_line(values);
		if (!header)
			return false;
		values->header = header;
		if (!is_list) {
			*ret_value = header->value;
			return true;
		}
		values->rest = header->value;
	}
	return true;
}

int sip_values_next_via(struct sip_values *values, struct sip_via *ret_via)
{
	struct span value;
	struct sip_via via;
	if (!sip_values_next(values, &value))
		return 0;
	int status = sip_via_read(value, limit_of(values), &via, NULL);
	if (status < 0)
		return status;
	*ret_via = via;
	return 1;
}

int sip_values_next_address(struct sip_values *values, struct sip_address *ret_address, struct sip_uri *ret_uri)
{
	struct span value;
	struct sip_address address;
	struct sip_uri uri;
	if (!sip_values_next(values, &value))
		return 0;
	int status = sip_address_read(value, limit_of(values), &address, NULL);
	if (status == 0 && ret_uri)
		status = sip_uri_read(address.uri, limit_of(values), &uri, NULL);
	if (status < 0)
		return status;
	*ret_address = address;
	if (ret_uri)
		*ret_uri = uri;
	return 1;
}

/* The best of the parts of one level; deeper levels are asked in turn. */
static struct span find_in_parts(struct span content_type, struct span body, unsigned depth, bool *ret_is_fallback)
{
	struct sip_parts parts;
	struct sip_part part;
	struct span best = SPAN_NONE;
	bool is_alternative = sip_media_type_is(content_type, SPAN("multipart/alternative"));
	if (depth > 3 || sip_parts_init(&parts, content_type, body) < 0)
		return best;
	*ret_is_fallback = false;
	while (sip_parts_next(&parts, &part)) {
		struct span found = SPAN_NONE;
		bool is_fallback = false;
		if (sip_media_type_is(part.content_type, SPAN("application/sdp"))) {
			found = part.body;
			is_fallback = sip_parameter_find(part.content_disposition, SPAN("ms-proxy-2007fallback"), NULL);
		} else if (part.content_type.length > 10) {
			found = find_in_parts(part.content_type, part.body, depth + 1, &is_fallback);
		}
		if (found.at && (!best.at || (is_alternative ? !is_fallback : *ret_is_fallback && !is_fallback))) {
			best = found;
			*ret_is_fallback = is_fallback;
		}
	}
	return best;
}

struct span sip_message_sdp(const struct sip_message *m)
{
	struct span content_type = sip_message_value(m, SIP_HEADER_CONTENT_TYPE);
	bool is_fallback;
	if (m->body.length == 0 || !content_type.at)
		return SPAN_NONE;
	if (content_type.length == 15 && scan_equal_lower(content_type.at, "application/sdp", 15))
		return m->body;
	if (sip_media_type_is(content_type, SPAN("application/sdp")))
		return m->body;
	if (!span_starts_nocase(content_type, SPAN("multipart/")))
		return SPAN_NONE;
	return find_in_parts(content_type, m->body, 0, &is_fallback);
}

const struct sip_message *sip_message_copy(struct arena *a, const struct sip_message *m)
{
	struct sip_message copy;
	size_t size = offsetof(struct sip_message, headers) + m->header_count * sizeof(m->headers[0]);
	struct span bytes = arena_copy(a, m->bytes);
	struct sip_message *kept = bytes.at ? arena_allocate(a, size) : NULL;
	if (!kept)
		return NULL;
	/* What could be read once can be read again, and this finds every span. */
	(void)sip_message_parse(bytes, &copy, NULL);
	memcpy(kept, &copy, size);
	return kept;
}

/* ---- joined ---- */

static size_t join_maximum(const struct sip_message *m, enum sip_header_id id)
{
	struct sip_values values = sip_message_values(m, id);
	size_t length = 0;
	for (struct span value; sip_values_next(&values, &value);)
		length += value.length + 2;
	return length;
}

struct span sip_message_join(const struct sip_message *m, enum sip_header_id id, sip_value_wanted_h *wanted,
	const void *argument, struct arena *arena, size_t *ret_left_out)
{
	size_t length = join_maximum(m, id);
	char *joined = length ? arena_allocate(arena, length) : NULL;
	char *end = joined;
	size_t left_out = 0;
	struct sip_values values = sip_message_values(m, id);
	size_t index = 0;
	for (struct span value; joined && sip_values_next(&values, &value); index++) {
		if (wanted && !wanted(argument, index, value)) {
			left_out++;
			continue;
		}
		if (end > joined)
			end = mempcpy(end, ", ", 2);
		end = mempcpy(end, value.at, value.length);
	}
	if (ret_left_out)
		*ret_left_out = left_out;
	return end > joined ? span_make(joined, (size_t)(end - joined)) : SPAN_NONE;
}
