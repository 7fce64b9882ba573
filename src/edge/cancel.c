/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/cancel.h"

#include "edge/answer.h"
#include "edge/forward.h"

void edge_cancel(struct edge_request *request, const struct sip_message *cancel)
{
	if (request->answered || request->cancelled)
		return;
	request->cancelled = true;
	if (request->client) {
		/* RFC 3326: its Reason goes on to the callee ("Call completed elsewhere"). */
		transport_cancel(request->client, sip_message_value(cancel, SIP_HEADER_REASON));
		return;
	}
	edge_forward_stop(request);
	edge_answer_outcome(request, EDGE_OUTCOME_CANCELLED);
}
