/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_SIP_CLASS_H
#define FEDGE_SIP_CLASS_H
/* Which bytes may stand where (RFC 3261 25.1), as one table of bits. For this folder's own files. */
#include <stdbool.h>
#include <stdint.h>

enum {
	SIP_CLASS_TOKEN = 1 << 0, /* token */
	SIP_CLASS_USER = 1 << 1, /* user and telephone-subscriber, without "%" */
	SIP_CLASS_HOST = 1 << 2, /* hostname and IPv4address; "_" is forgiven */
	SIP_CLASS_TAIL = 1 << 3, /* URI parameters and headers with their separators, without "%" and "?" */
	SIP_CLASS_HEX = 1 << 4,
	SIP_CLASS_DIGIT = 1 << 5,
	SIP_CLASS_WORD = 1 << 6, /* word: Call-ID */
	SIP_CLASS_BLANK = 1 << 7 /* SP, HTAB, CR, LF: what is left of folds */
};
extern const uint8_t sip_class[256];

static inline bool sip_class_is(char byte, unsigned bits)
{
	return (sip_class[(unsigned char)byte] & bits) != 0;
}
#endif
