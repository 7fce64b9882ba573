/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams: SIP told by its first line, whatever the port; questions to the DNS by theirs; HEP by its first word. */
#include "sip/class.h"
#include "trace/capture_private.h"
#include "trace/hep.h"

#define UDP_HEADER 8
#define PORT_DNS 53

/* ---- SIP ---- */

#define METHOD_MAXIMUM 32

/* "INVITE sip:a@b SIP/2.0": the line without its end. */
static bool is_request_line(struct span line)
{
	static const struct span version = { " SIP/2.0", 8 };
	return line.length > version.length + 2 &&
	       memcmp(line.at + line.length - version.length, version.at, version.length) == 0;
}

enum capture_likeness capture_likeness_of(struct span bytes)
{
	static const char status[] = "SIP/2.0 ";
	size_t token = 0;
	if (memcmp(bytes.at, status, bytes.length < 8 ? bytes.length : 8) == 0)
		return bytes.length < 12                          ? CAPTURE_PERHAPS_SIP
		       : bytes.at[8] >= '1' && bytes.at[8] <= '9' ? CAPTURE_SIP
								  : CAPTURE_NO_SIP;
	while (token < bytes.length && token <= METHOD_MAXIMUM && sip_class_is(bytes.at[token], SIP_CLASS_TOKEN))
		token++;
	if (token == bytes.length)
		return CAPTURE_PERHAPS_SIP;
	if (token == 0 || bytes.at[token] != ' ')
		return CAPTURE_NO_SIP;
	struct span start = span_first(bytes, CAPTURE_FIRST_LINE_MAXIMUM);
	size_t end = span_find(start, '\n');
	if (end == start.length)
		return end < CAPTURE_FIRST_LINE_MAXIMUM ? CAPTURE_PERHAPS_SIP : CAPTURE_NO_SIP;
	return is_request_line(span_trim(span_first(start, end))) ? CAPTURE_SIP : CAPTURE_NO_SIP;
}

static bool has_whole_head(struct span message)
{
	return span_find_span(message, SPAN("\r\n\r\n")) < message.length ||
	       span_find_span(message, SPAN("\n\n")) < message.length;
}

/* Line ends before a message are allowed (RFC 3261 7.5). */
static struct span without_line_ends(struct span bytes)
{
	while (bytes.length > 0 && (*bytes.at == '\r' || *bytes.at == '\n'))
		bytes = span_from(bytes, 1);
	return bytes;
}

static void take_sip(struct capture *c, const struct capture_ends *ends, struct span message)
{
	bool is_cut = c->packet.is_cut;
	if (is_cut)
		capture_unread(c, message, "a message that the capture's snapshot length has cut");
	if (!is_cut || has_whole_head(message))
		capture_give_message(c, ends, RECORD_UDP, message, is_cut);
}

/* ---- HEP ---- */

void capture_hep_take(struct capture *c, struct span packet)
{
	struct trace_hep hep;
	if (trace_hep_read(packet, &hep) != 0) {
		capture_unread(c, packet, "a damaged HEP packet");
		return;
	}
	struct span message = without_line_ends(hep.payload);
	if (hep.payload_type != TRACE_HEP_SIP || hep.is_compressed || message.length == 0 ||
		capture_likeness_of(message) == CAPTURE_NO_SIP) {
		capture_other(c);
		return;
	}
	struct record r = { .kind = RECORD_MESSAGE, .head = { .time_us = hep.time_us, .node = hep.node } };
	r.message.direction = RECORD_PASSED;
	r.message.transport = hep.transport;
	r.message.local = hep.source;
	r.message.remote = hep.destination;
	r.message.bytes = message;
	if (r.head.time_us == 0)
		r.head.time_us = c->packet.time_us;
	capture_give(c, &r, message);
}

/* ---- all datagrams ---- */

void capture_udp_take(struct capture *c, struct capture_ends *ends, struct span datagram)
{
	if (datagram.length < UDP_HEADER) {
		capture_unread(c, datagram, "a UDP header that is not whole");
		return;
	}
	ends->from.port = capture_u16(datagram.at);
	ends->to.port = capture_u16(datagram.at + 2);
	size_t claimed = capture_u16(datagram.at + 4);
	if ((claimed > 0 && claimed < UDP_HEADER) || (claimed > datagram.length && !c->packet.is_cut)) {
		capture_unread(c, datagram, "a UDP header that lies about its length");
		return;
	}
	struct span payload = span_from(span_first(datagram, claimed ? claimed : datagram.length), UDP_HEADER);
	struct span message = without_line_ends(payload);
	if (message.length > 0 && sip_class_is(*message.at, SIP_CLASS_TOKEN) &&
		capture_likeness_of(message) == CAPTURE_SIP)
		take_sip(c, ends, message);
	else if (payload.length >= 6 && memcmp(payload.at, "HEP3", 4) == 0)
		capture_hep_take(c, payload);
	else if (ends->from.port == PORT_DNS || ends->to.port == PORT_DNS)
		capture_dns_take(c, ends, payload);
	else
		capture_other(c);
}
