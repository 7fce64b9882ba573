/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_UTF16_H
#define FEDGE_TRACE_UTF16_H
/* Text of two bytes a character, as editors and PowerShell on Windows write it, into UTF-8. Takes it in pieces. */
#include "base/buffer.h"

struct utf16 {
	bool is_on;
	bool is_big; /* the larger byte first */
	unsigned char rest[4]; /* a character that was cut */
	size_t rest_length;
};

/* From the first bytes: a byte order mark, or every second byte a NUL. */
void utf16_begin(struct utf16 *u, struct span head);
/* Appends the piece as UTF-8, without byte order marks; half a pair becomes U+FFFD. 0, -ENOMEM or -ENOBUFS. */
int utf16_decode(struct utf16 *u, struct span piece, struct buffer *out);
#endif
