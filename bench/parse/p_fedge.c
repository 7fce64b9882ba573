/* SPDX-License-Identifier: Apache-2.0 */
/* All that an edge does with a message it received over TLS: frames it out of the stream, reads it (every header
 * identified; start line, top Via, From, To, Call-ID, CSeq decoded), takes the From and To URIs, every Via and every
 * Record-Route apart, and finds the session description. */
#include "harness.h"
#include "sip/framer.h"
#include "sip/message.h"

static struct sip_framer framer;

static int bench_start(void)
{
	sip_framer_init(&framer, SIP_FRAMER_LIMITS_DEFAULT);
	return 0;
}

static int decode(const struct sip_message *m)
{
	struct sip_uri uri;
	struct sip_via via;
	struct sip_address address;
	struct span top;
	int vias = 1, status;
	if (sip_uri_parse(m->from.uri, &uri, NULL) < 0 || sip_uri_parse(m->to.uri, &uri, NULL) < 0)
		return 1;
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	if (!sip_values_next(&values, &top)) /* decoded by the reader */
		return 1;
	while ((status = sip_values_next_via(&values, &via)) > 0)
		vias++;
	if (status < 0 || vias < 2)
		return 1;
	values = sip_message_values(m, SIP_HEADER_RECORD_ROUTE);
	while ((status = sip_values_next_address(&values, &address, &uri)) > 0)
		;
	return status < 0 || (m->is_request && sip_message_sdp(m).length == 0);
}

static int bench_message(const char *bytes, size_t length)
{
	struct sip_message m;
	struct sip_frame frame;
	struct span input = { bytes, length };
	if (!sip_framer_next(&framer, &input, &frame) || frame.kind != SIP_FRAME_MESSAGE)
		return 1;
	if (sip_message_parse(frame.bytes, &m, NULL) != 0)
		return 1;
	return decode(&m);
}

BENCH_MAIN("fedge")
