/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TRACE_SIP_TEXT_H
#define FEDGE_TRACE_SIP_TEXT_H
/* What a log line says of a message, read off its bytes without judging them: a log must also
 * show what sip/message.h refuses. Everything that is not found is an absent span. */
#include "base/span.h"

struct trace_sip_text {
	struct span start_line;
	bool is_request;
	struct span method; /* of the request line, or of the CSeq in a response */
	struct span request_uri;
	struct span status;
	struct span headers; /* lines after the start line, without the empty line */
	struct span body; /* after the empty line */
	struct span call_id;
	struct span cseq; /* the number */
	struct span from_tag;
	struct span to_tag;
	struct span to; /* URI of the To header */
	struct span local_session; /* Session-ID, RFC 7989 section 5 */
	struct span remote_session;
};
void trace_sip_text_read(struct span bytes, struct trace_sip_text *ret_text);
#endif
