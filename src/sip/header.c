/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/header.h"

#include "sip/header_private.h"
#include "sip/header_slots.h"
#include "sip/scan.h"

struct header_row {
	struct span name;
	char compact;
	enum sip_header_shape shape;
};

static const struct header_row rows[SIP_HEADER_COUNT] = { [SIP_HEADER_OTHER] = { { "", 0 }, 0, SIP_SHAPE_MANY },
#define HEADER_ROW(id, name, compact, shape)                                                                           \
	[SIP_HEADER_##id] = { { name, sizeof(name) - 1 }, compact, SIP_SHAPE_##shape },
	SIP_HEADERS(HEADER_ROW)
#undef HEADER_ROW
};

enum sip_header_id sip_header_identify(const char *name, size_t length, const char *end)
{
	if (length == 0 || length > UINT8_MAX)
		return SIP_HEADER_OTHER;
	uint64_t first = scan_lower8(name, length, end);
	uint64_t last = length < 8 ? first : scan_lower8(name + length - 8, 8, end);
	uint64_t mixed = ((first ^ length) + (last << 1)) * HEADER_SLOT_MULTIPLIER;
	enum sip_header_id id = (enum sip_header_id)header_slots[mixed >> (64 - HEADER_SLOT_BITS)];
	const struct header_key *key = &header_keys[id];
	if (length == 1)
		return (unsigned char)rows[id].compact == first ? id : SIP_HEADER_OTHER;
	if (key->first != first || key->last != last || key->length != length)
		return SIP_HEADER_OTHER;
	if (length > 16 && !span_equal_nocase(span_make(name, length), rows[id].name))
		return SIP_HEADER_OTHER;
	return id;
}

enum sip_header_id sip_header_find(struct span name)
{
	enum sip_header_id id = sip_header_identify(name.at, name.length, name.at + name.length);
	if (name.length > 1 && !span_equal_nocase(name, rows[id].name))
		return SIP_HEADER_OTHER;
	return id;
}

struct span sip_header_name(enum sip_header_id id)
{
	return rows[id < SIP_HEADER_COUNT ? id : SIP_HEADER_OTHER].name;
}

enum sip_header_shape sip_header_shape(enum sip_header_id id)
{
	return rows[id < SIP_HEADER_COUNT ? id : SIP_HEADER_OTHER].shape;
}
