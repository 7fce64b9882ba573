/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/strip.h"

#include "sip/multipart.h"

#include <string.h>

static bool is_no_update(const void *strip, size_t index, struct span value)
{
	(void)strip;
	(void)index;
	return !span_is_nocase(value, "UPDATE");
}

static bool is_kept_tag(const void *argument, size_t index, struct span value)
{
	const struct config_strip *strip = argument;
	(void)index;
	for (size_t i = 0; i < strip->proxy_require.count; i++)
		if (span_equal_nocase(strip->proxy_require.items[i], value))
			return false;
	return true;
}

/* A list header without some of its values; with none left it goes. */
static void strip_values(const struct config_strip *strip, const struct sip_message *m, enum sip_header_id id,
	sip_value_wanted_h *wanted, struct sip_draft *draft, struct arena *arena)
{
	size_t left_out;
	struct span kept = sip_message_join(m, id, wanted, strip, arena, &left_out);
	if (left_out == 0)
		return;
	if (kept.length)
		sip_draft_replace(draft, id, kept);
	else
		sip_draft_drop(draft, id);
}

/* ---- bodies ---- */

/* Of "m=application 5060 UDP/BFCP *" the port; absent for any other line. */
static struct span unwanted_port(const struct config_strip *strip, struct span line)
{
	static const struct span start = { "m=application ", 14 };
	if (!span_starts_nocase(line, start))
		return SPAN_NONE;
	struct span rest = span_from(line, start.length);
	struct span port = span_cut(&rest, ' ');
	struct span protocol = span_cut(&rest, ' ');
	bool unwanted = (strip->udp_bfcp && span_is_nocase(protocol, "UDP/BFCP")) ||
			(strip->udp_ix && span_is_nocase(protocol, "UDP/UDT/IX"));
	return unwanted && port.length > 0 && !span_is(port, "0") ? port : SPAN_NONE;
}

/* Port 0: the media is offered no more (RFC 3264 5.1), and the number of m= lines stays. Absent where nothing changes;
 * what changes never grows. */
static struct span without_ports(const struct config_strip *strip, struct span body, struct arena *arena)
{
	char *changed = NULL;
	size_t length = 0; /* of what stands in changed */
	size_t taken = 0; /* of the body */
	for (size_t line_at = 0; line_at < body.length;) {
		struct span rest = span_from(body, line_at);
		struct span line = span_first(rest, span_find(rest, '\n') + 1);
		struct span port = unwanted_port(strip, line);
		line_at += line.length;
		if (!port.at)
			continue;
		if (!changed && !(changed = arena_allocate(arena, body.length)))
			return SPAN_NONE;
		size_t port_at = (size_t)(port.at - body.at);
		memcpy(changed + length, body.at + taken, port_at - taken);
		length += port_at - taken;
		changed[length++] = '0';
		taken = port_at + port.length;
	}
	if (!changed)
		return SPAN_NONE;
	memcpy(changed + length, body.at + taken, body.length - taken);
	return span_make(changed, length + body.length - taken);
}

static void strip_body(
	const struct config_strip *strip, const struct sip_message *m, struct sip_draft *draft, struct arena *arena)
{
	struct span type = SPAN_NONE; /* as it was */
	struct span body = m->body;
	struct span sdp = sip_message_sdp(m);
	if (sdp.length == 0)
		return;
	if (strip->multipart && sdp.length != body.length) {
		type = SPAN("application/sdp");
		body = sdp;
	}
	struct span changed = without_ports(strip, body, arena);
	if (changed.at || type.at)
		sip_draft_set_body(draft, type, changed.at ? changed : body);
}

/* ---- all of it ---- */

void edge_strip(
	const struct config_strip *strip, const struct sip_message *m, struct sip_draft *draft, struct arena *arena)
{
	if (strip->update)
		strip_values(strip, m, SIP_HEADER_ALLOW, is_no_update, draft, arena);
	if (strip->proxy_require.count > 0)
		strip_values(strip, m, SIP_HEADER_PROXY_REQUIRE, is_kept_tag, draft, arena);
	if (strip->multipart || strip->udp_bfcp || strip->udp_ix)
		strip_body(strip, m, draft, arena);
}

bool edge_strip_covers(const struct config_strip *strip, const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_PROXY_REQUIRE);
	for (struct span value; sip_values_next(&values, &value);)
		if (is_kept_tag(strip, 0, value))
			return false;
	return true;
}
