/* SPDX-License-Identifier: Apache-2.0 */
/* Which records an explainer wants to see. */
#include "explain/event_private.h"

bool explain_record_tells(const struct record *r)
{
	switch (r->kind) {
	case RECORD_DNS_QUERY:
	case RECORD_DNS_ANSWER:
	case RECORD_CONNECTION:
	case RECORD_HANDSHAKE:
	case RECORD_JUDGEMENT:
	case RECORD_RULE:
	case RECORD_SEARCH:
	case RECORD_CALL:
		return true;
	case RECORD_NODE:
		return r->node.event == RECORD_NODE_DROPPED || r->node.severity != RECORD_NOTE;
	case RECORD_NOTICE:
		return true;
	default:
		return false;
	}
}
