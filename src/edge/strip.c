/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/strip.h"

#include "sip/multipart.h"

typedef bool is_unwanted_h(const struct config_strip *strip, struct span value);

static bool is_update(const struct config_strip *strip, struct span value)
{
	(void)strip;
	return span_is_nocase(value, "UPDATE");
}

static bool is_stripped_tag(const struct config_strip *strip, struct span value)
{
	for (size_t i = 0; i < strip->proxy_require.count; i++)
		if (span_equal_nocase(strip->proxy_require.items[i], value))
			return true;
	return false;
}

/* A list header without some of its values; with none left it goes. */
static void strip_values(const struct config_strip *strip, const struct sip_message *m, enum sip_header_id id,
	is_unwanted_h *is_unwanted, struct sip_draft *draft, struct arena *arena)
{
	struct sip_values values = sip_message_values(m, id);
	struct span kept = SPAN("");
	bool changed = false;
	for (struct span value; sip_values_next(&values, &value);) {
		if (is_unwanted(strip, value))
			changed = true;
		else
			kept = arena_printf(
				arena, "%.*s%s%.*s", SPAN_PRINT(kept), kept.length ? ", " : "", SPAN_PRINT(value));
	}
	if (!changed)
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
	return unwanted && !span_is(port, "0") ? port : SPAN_NONE;
}

/* Port 0: the media is offered no more (RFC 3264 5.1), and the number of m= lines stays. */
static struct span without_ports(const struct config_strip *strip, struct span body, struct arena *arena)
{
	struct span done = SPAN_NONE;
	struct span rest = body;
	while (rest.length > 0) {
		struct span line = span_first(rest, span_find(rest, '\n') + 1);
		struct span port = unwanted_port(strip, line);
		if (port.at) {
			size_t before = (size_t)(port.at - body.at);
			struct span behind = span_from(body, before + port.length);
			body = arena_printf(
				arena, "%.*s0%.*s", SPAN_PRINT(span_first(body, before)), SPAN_PRINT(behind));
			if (!body.at)
				return SPAN_NONE;
			rest = span_from(body, before + 1);
			done = body;
		}
		rest = span_from(rest, span_find(rest, '\n') + 1);
	}
	return done;
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
		strip_values(strip, m, SIP_HEADER_ALLOW, is_update, draft, arena);
	if (strip->proxy_require.count > 0)
		strip_values(strip, m, SIP_HEADER_PROXY_REQUIRE, is_stripped_tag, draft, arena);
	if (strip->multipart || strip->udp_bfcp || strip->udp_ix)
		strip_body(strip, m, draft, arena);
}

bool edge_strip_covers(const struct config_strip *strip, const struct sip_message *m)
{
	struct sip_values values = sip_message_values(m, SIP_HEADER_PROXY_REQUIRE);
	for (struct span value; sip_values_next(&values, &value);)
		if (!is_stripped_tag(strip, value))
			return false;
	return true;
}
