/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_HEP_H
#define FEDGE_TRACE_HEP_H
/* One packet of HEP version 3 (the "Homer Encapsulation Protocol" in which Kamailio, OpenSIPS, FreeSWITCH, Asterisk,
 * sngrep and capture agents hand on what they saw) into its parts. The packet is six bytes of header, "HEP3" and its
 * whole length, then chunks, each with vendor, type and length of 16 bits. Only chunks of the common vendor (0) are
 * read; all others are passed over. docs/formats.md names the sources. */
#include "record/record.h"

#define TRACE_HEP_SIP 1 /* payload_type: the payload is a SIP message */
#define TRACE_HEP_PACKET_MAXIMUM 65535

struct trace_hep {
	size_t length; /* of the whole packet as it says itself; 0: not even that is known */
	struct record_address source; /* family 0 where no chunk tells it; ports are there or 0 */
	struct record_address destination;
	enum record_transport transport; /* NONE: not said, or none of ours */
	uint8_t ip_protocol; /* as it stands: 6, 17 …; 0: not said */
	uint8_t payload_type; /* TRACE_HEP_SIP, 5: RTCP as JSON, 100: log …; 0: not said */
	int64_t time_us; /* since 1970 UTC; 0: not said */
	uint32_t agent; /* number of whoever captured it; 0: not said */
	struct span node; /* its name */
	struct span correlation; /* what joins packets of one call; mostly a Call-ID */
	struct span payload; /* absent where there is none, as in a keep-alive */
	bool is_compressed; /* the payload came in the chunk for compressed ones: it is as it stood */
};

/* The packet at the front of bytes; all spans borrow from them.
 * 0; -EAGAIN: it is not whole (length is set once six bytes are there); -EINVAL: this is no HEP version 3 (length is
 * 0); -EBADMSG: a length inside it lies, what stood before is set, and length says where the next packet begins. */
int trace_hep_read(struct span bytes, struct trace_hep *ret_packet);
#endif
