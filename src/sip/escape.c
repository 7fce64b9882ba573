/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/fail.h"
#include "sip/scan.h"
#include "sip/uri.h"

static int digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

int sip_escape_undo(struct buffer *b, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] != '%') {
			buffer_append_byte(b, text.at[i]);
			continue;
		}
		if (text.length - i < 3 || !sip_class_is(text.at[i + 1], SIP_CLASS_HEX) ||
			!sip_class_is(text.at[i + 2], SIP_CLASS_HEX))
			return -EBADMSG;
		buffer_append_byte(b, (char)(digit(text.at[i + 1]) * 16 + digit(text.at[i + 2])));
		i += 2;
	}
	return b->status;
}

int sip_escape_user(struct buffer *b, struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (sip_class_is(text.at[i], SIP_CLASS_USER) && text.at[i] != '#')
			buffer_append_byte(b, text.at[i]);
		else
			buffer_printf(b, "%%%02X", (unsigned)(unsigned char)text.at[i]);
	}
	return b->status;
}
