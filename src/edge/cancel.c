/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/cancel.h"

#include "base/require.h"
#include "edge/answer.h"
#include "edge/forward.h"
#include "peer/view.h"

void edge_cancel(struct edge_request *request, const struct sip_message *cancel)
{
	if (request->answered || request->cancelled)
		return;
	request->cancelled = true;
	/* RFC 3326: its Reason goes on to the callees ("Call completed elsewhere"). */
	edge_forward_cancel(request, NULL, sip_message_value(cancel, SIP_HEADER_REASON));
	if (request->open_count > 0)
		return; /* their answers will end it */
	if (request->ask)
		peer_ask_cancel(request->ask);
	request->ask = NULL;
	edge_answer_outcome(request, EDGE_OUTCOME_CANCELLED);
}

bool edge_cancel_all(struct edge_worker *worker)
{
	bool any = false;
	list_each_safe (link, following, &worker->requests) {
		struct edge_request *request = base_container(link, struct edge_request, link);
		if (request->answered)
			continue;
		any = true;
		request->cancelled = true; /* nothing new is begun */
		edge_forward_cancel(request, NULL, SPAN_NONE);
		edge_answer_outcome(request, EDGE_OUTCOME_DRAINING);
	}
	return any;
}
