/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_HEADER_PRIVATE_H
#define FEDGE_SIP_HEADER_PRIVATE_H
/* sip_header_find for the message reader and the framer: end bounds what may be read after the name. A CR in the place
 * of a hyphen is taken for one here; the reader tells it as a defect of the line. */
#include "sip/header.h"
#include "sip/header_slots.h"
#include "sip/scan.h"

/* Names of more than 24 bytes agree in 24: do they in all? */
bool sip_header_is_long_name(enum sip_header_id id, struct span name);

static inline enum sip_header_id sip_header_find_compact(char letter)
{
	unsigned index = ((unsigned char)letter | 0x20u) - 'a';
	return letter >= 'A' && index < 26 ? (enum sip_header_id)header_compacts[index] : SIP_HEADER_OTHER;
}

static inline enum sip_header_id sip_header_identify(const char *name, size_t length, const char *end)
{
	uint64_t first, last;
	if (length >= 8) {
		first = scan_load8(name) | SCAN_CASE;
		last = scan_load8(name + length - 8) | SCAN_CASE;
	} else {
		if (length <= 1)
			return length ? sip_header_find_compact(*name) : SIP_HEADER_OTHER;
		first = end - name >= 8 ? (scan_load8(name) | SCAN_CASE) & ((UINT64_C(1) << (8 * length)) - 1)
					: scan_lower8(name, length, end);
		last = first;
	}
	uint64_t mixed = ((first ^ length) + (last << 1)) * HEADER_SLOT_MULTIPLIER;
	enum sip_header_id id = (enum sip_header_id)header_slots[mixed >> (64 - HEADER_SLOT_BITS)];
	const struct header_key *key = &header_keys[id];
	if (key->first != first || key->last != last || key->length != length)
		return SIP_HEADER_OTHER;
	if (length <= 16)
		return id;
	bool same = (scan_load8(name + 8) | SCAN_CASE) == key->middle;
	return same && (length <= 24 || sip_header_is_long_name(id, span_make(name, length))) ? id : SIP_HEADER_OTHER;
}
#endif
