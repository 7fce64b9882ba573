/* SPDX-License-Identifier: Apache-2.0 */
#include "sip/sdp.h"

static const char *address_type(struct span address)
{
	return span_find(address, ':') < address.length ? "IP6" : "IP4";
}

int sip_sdp_write_head(struct buffer *b, const struct sip_sdp_head *head)
{
	struct span username = head->username.length ? head->username : SPAN("-");
	struct span name = head->name.length ? head->name : SPAN("-");
	const char *type = address_type(head->address);
	buffer_printf(b, "v=0\r\no=%.*s %llu %llu IN %s %.*s\r\n", SPAN_PRINT(username),
		(unsigned long long)head->session_id, (unsigned long long)head->session_version, type,
		SPAN_PRINT(head->address));
	return buffer_printf(
		b, "s=%.*s\r\nc=IN %s %.*s\r\nt=0 0\r\n", SPAN_PRINT(name), type, SPAN_PRINT(head->address));
}

int sip_sdp_write_media(struct buffer *b, struct span kind, uint16_t port, struct span protocol, struct span formats)
{
	return buffer_printf(b, "m=%.*s %u %.*s %.*s\r\n", SPAN_PRINT(kind), (unsigned)port, SPAN_PRINT(protocol),
		SPAN_PRINT(formats));
}

int sip_sdp_write_attribute(struct buffer *b, struct span name, struct span value)
{
	return buffer_printf(b, "a=%.*s%s%.*s\r\n", SPAN_PRINT(name), value.at ? ":" : "", SPAN_PRINT(value));
}

/* All lines of these types as they were read, in the order of the types (RFC 8866 5). */
static void write_lines(struct buffer *b, struct span lines, const char *types)
{
	for (; *types; types++) {
		struct span rest = lines, value;
		while (sip_sdp_line_next(&rest, *types, &value))
			buffer_printf(b, "%c=%.*s\r\n", *types, SPAN_PRINT(value));
	}
}

/* t=, r= and z= belong together and may repeat: kept in the order they came. */
static void write_times(struct buffer *b, const struct sip_sdp *sdp)
{
	struct span rest = sdp->lines;
	if (!sdp->time.at) {
		buffer_append_text(b, "t=0 0\r\n");
		return;
	}
	while (rest.length) {
		struct span line = span_cut(&rest, '\n');
		if (line.length && line.at[line.length - 1] == '\r')
			line.length--;
		if (line.length >= 2 && line.at[1] == '=' && memchr("trz", line.at[0], 3))
			buffer_printf(b, "%.*s\r\n", SPAN_PRINT(line));
	}
}

static void write_media(struct buffer *b, const struct sip_sdp_media *media)
{
	buffer_printf(b, "m=%.*s %u", SPAN_PRINT(media->kind), (unsigned)media->port);
	if (media->port_count != 1)
		buffer_printf(b, "/%u", (unsigned)media->port_count);
	buffer_printf(b, " %.*s%s%.*s\r\n", SPAN_PRINT(media->protocol), media->formats.length ? " " : "",
		SPAN_PRINT(media->formats));
	write_lines(b, media->lines, "icbka");
}

int sip_sdp_write(struct buffer *b, const struct sip_sdp *sdp)
{
	buffer_append_text(b, "v=0\r\n");
	write_lines(b, sdp->lines, "o");
	if (sdp->name.at)
		write_lines(b, sdp->lines, "s");
	else
		buffer_append_text(b, "s=-\r\n");
	write_lines(b, sdp->lines, "iuepcb");
	write_times(b, sdp);
	write_lines(b, sdp->lines, "ka");
	for (size_t i = 0; i < sdp->media_count; i++)
		write_media(b, &sdp->media[i]);
	return b->status;
}
