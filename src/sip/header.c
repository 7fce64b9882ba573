/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/header.h"

#include "sip/header_private.h"
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

bool sip_header_is_long_name(enum sip_header_id id, struct span name)
{
	return span_equal_nocase(name, rows[id].name);
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
