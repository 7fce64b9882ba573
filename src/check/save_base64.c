/* SPDX-License-Identifier: Apache-2.0 */
#include "check/save_base64.h"

#include <errno.h>

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int save_base64_write(struct span bytes, struct buffer *out)
{
	for (size_t i = 0; i < bytes.length; i += 3) {
		size_t left = bytes.length - i < 3 ? bytes.length - i : 3;
		uint32_t group = 0;
		for (size_t j = 0; j < 3; j++)
			group = group << 8 | (j < left ? (unsigned char)bytes.at[i + j] : 0);
		char text[4];
		for (size_t j = 0; j < 4; j++)
			text[j] = j <= left ? digits[group >> (18 - 6 * j) & 63] : '=';
		buffer_append(out, span_make(text, sizeof(text)));
	}
	return out->status;
}

static int digit_value(char c)
{
	const char *at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Three bytes of four characters, fewer where padding says so; the bits behind the last byte must be zero. */
static int read_group(const char *text, bool last, char ret_bytes[3], size_t *ret_count)
{
	size_t count = 3;
	if (last && text[3] == '=')
		count = text[2] == '=' ? 1 : 2;
	uint32_t group = 0;
	for (size_t i = 0; i < 4; i++) {
		int value = i <= count ? digit_value(text[i]) : 0;
		if (value < 0)
			return -EBADMSG;
		group = group << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < 3; i++)
		ret_bytes[i] = (char)(group >> (16 - 8 * i));
	if ((count < 3 && ret_bytes[2]) || (count < 2 && ret_bytes[1]))
		return -EBADMSG;
	*ret_count = count;
	return 0;
}

int save_base64_read(struct span text, struct arena *arena, struct span *ret_bytes)
{
	if (text.length % 4)
		return -EBADMSG;
	char *bytes = arena_allocate(arena, text.length / 4 * 3 + 1);
	size_t length = 0;
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < text.length; i += 4) {
		size_t count = 0;
		if (read_group(text.at + i, i + 4 == text.length, bytes + length, &count) < 0)
			return -EBADMSG;
		length += count;
	}
	*ret_bytes = span_make(bytes, length);
	return 0;
}
