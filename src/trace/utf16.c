/* SPDX-License-Identifier: Apache-2.0 */
#include "trace/utf16.h"

#define HEAD_LENGTH 64

void utf16_begin(struct utf16 *u, struct span head)
{
	*u = (struct utf16){ 0 };
	const unsigned char *at = (const unsigned char *)head.at;
	size_t nul[2] = { 0, 0 }, length = (head.length < HEAD_LENGTH ? head.length : HEAD_LENGTH) / 2 * 2;
	if (length < 4)
		return;
	bool marked = (at[0] == 0xff && at[1] == 0xfe) || (at[0] == 0xfe && at[1] == 0xff);
	for (size_t i = 0; i < length; i++)
		nul[i % 2] += at[i] == 0;
	u->is_big = marked ? at[0] == 0xfe : nul[0] > nul[1];
	u->is_on = marked || (nul[u->is_big ? 0 : 1] >= length / 2 - length / 8 && nul[u->is_big ? 1 : 0] == 0);
}

static void append_utf8(struct buffer *out, uint32_t c)
{
	char bytes[4];
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = { 0, 0x00, 0xc0, 0xe0, 0xf0 };
	for (size_t i = length; i-- > 1; c >>= 6)
		bytes[i] = (char)(0x80 | (c & 0x3f));
	bytes[0] = (char)(first[length] | c);
	(void)buffer_append(out, span_make(bytes, length));
}

static uint32_t unit_at(const struct utf16 *u, const unsigned char *at)
{
	return u->is_big ? (uint32_t)at[0] << 8 | at[1] : (uint32_t)at[1] << 8 | at[0];
}

/* One character from the front; gives its bytes, 0 where it is not whole. */
static size_t decode_one(const struct utf16 *u, const unsigned char *at, size_t length, struct buffer *out)
{
	if (length < 2)
		return 0;
	uint32_t c = unit_at(u, at);
	if (c < 0xd800 || c > 0xdfff) {
		if (c != 0xfeff)
			append_utf8(out, c);
		return 2;
	}
	if (c < 0xdc00 && length < 4)
		return 0;
	uint32_t second = c < 0xdc00 ? unit_at(u, at + 2) : 0;
	if (second < 0xdc00 || second > 0xdfff) {
		append_utf8(out, 0xfffd);
		return 2;
	}
	append_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (second - 0xdc00));
	return 4;
}

int utf16_decode(struct utf16 *u, struct span piece, struct buffer *out)
{
	const unsigned char *at = (const unsigned char *)piece.at;
	size_t length = piece.length;
	while (u->rest_length > 0 && length > 0) {
		u->rest[u->rest_length++] = *at++;
		length--;
		size_t used = decode_one(u, u->rest, u->rest_length, out);
		memmove(u->rest, u->rest + used, u->rest_length - used);
		u->rest_length -= used;
	}
	size_t used;
	while ((used = decode_one(u, at, length, out)) > 0) {
		at += used;
		length -= used;
	}
	for (size_t i = 0; i < length; i++)
		u->rest[u->rest_length++] = at[i];
	return out->status;
}
