/* SPDX-License-Identifier: Apache-2.0 */
/* What an edge does with each message that comes in over TLS: frames it out of the stream, reads it (every header
 * identified; Request-URI, top Via, From, To, Call-ID, CSeq, Max-Forwards, Content-Length decoded), walks the
 * Record-Route set and finds the session description. With FEDGE_ALL it also takes apart every other Via and the URIs
 * of From, To and each Record-Route. */
#include "harness.h"
#include "sip/framer.h"
#include "sip/message.h"

static struct sip_framer framer;

static int bench_start(void)
{
	sip_framer_init(&framer, SIP_FRAMER_LIMITS_DEFAULT);
	return 0;
}

/* All values of that header; ret_uri as sip_values_next_address has it. */
static int walk(const struct sip_message *m, enum sip_header_id id, struct sip_uri *ret_uri)
{
	struct sip_address address;
	struct sip_values values = sip_message_values(m, id);
	int count = 0, status;
	while ((status = sip_values_next_address(&values, &address, ret_uri)) > 0)
		count++;
	return status < 0 ? status : count;
}

#ifdef FEDGE_ALL
#define NAME "fedge_all"
static int decode(const struct sip_message *m)
{
	struct sip_uri uri;
	struct sip_via via;
	struct span top;
	if (sip_uri_parse(m->from.uri, &uri, NULL) < 0 || sip_uri_parse(m->to.uri, &uri, NULL) < 0)
		return 1;
	struct sip_values values = sip_message_values(m, SIP_HEADER_VIA);
	int vias = sip_values_next(&values, &top), status;
	while ((status = sip_values_next_via(&values, &via)) > 0)
		vias++;
	return status < 0 || vias < 2 || walk(m, SIP_HEADER_RECORD_ROUTE, &uri) < 0;
}
#else
#define NAME "fedge"
static int decode(const struct sip_message *m)
{
	return walk(m, SIP_HEADER_RECORD_ROUTE, NULL) < 0;
}
#endif

static int bench_message(const char *bytes, size_t length)
{
	struct sip_message m;
	struct sip_frame frame;
	struct span input = { bytes, length };
	if (!sip_framer_next(&framer, &input, &frame) || frame.kind != SIP_FRAME_MESSAGE)
		return 1;
	if (sip_message_parse(frame.bytes, &m, NULL) != 0)
		return 1;
	return decode(&m) || (m.is_request && sip_message_sdp(&m).length == 0);
}

BENCH_MAIN(NAME)
