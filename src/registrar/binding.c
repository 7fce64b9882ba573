/* SPDX-License-Identifier: Apache-2.0 */
#include "registrar/binding.h"

#include <stdio.h>

struct span registrar_source_of_datagram(struct span received, char ret_text[REGISTRAR_SOURCE_SIZE])
{
	int length = snprintf(ret_text, REGISTRAR_SOURCE_SIZE, "udp %.*s", SPAN_PRINT(received));
	return length < REGISTRAR_SOURCE_SIZE ? span_make(ret_text, (size_t)length) : SPAN_NONE;
}

static char lower(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

struct span registrar_aor_of(const struct sip_uri *uri, struct arena *arena)
{
	struct buffer plain, text;
	struct span aor = SPAN_NONE;
	if (!sip_uri_is_sip(uri) || !uri->user.length || !uri->host.length)
		return SPAN_NONE;
	buffer_init(&plain, 4096);
	buffer_init(&text, 8192);
	if (sip_escape_undo(&plain, uri->user) == 0 && sip_escape_user(&text, buffer_span(&plain)) == 0) {
		buffer_append_byte(&text, '@');
		buffer_append(&text, uri->host);
		for (size_t i = 0; i < text.length; i++)
			text.at[i] = lower(text.at[i]);
		if (text.status == 0)
			aor = arena_copy(arena, buffer_span(&text));
	}
	buffer_done(&plain);
	buffer_done(&text);
	return aor;
}

struct span registrar_aor_of_text(struct span text, struct arena *arena)
{
	struct sip_uri uri;
	bool has_scheme = span_starts_nocase(text, SPAN("sip:")) || span_starts_nocase(text, SPAN("sips:"));
	struct span whole = has_scheme ? text : arena_printf(arena, "sip:%.*s", SPAN_PRINT(text));
	if (!whole.at || sip_uri_parse(whole, &uri, NULL) < 0)
		return SPAN_NONE;
	return registrar_aor_of(&uri, arena);
}
