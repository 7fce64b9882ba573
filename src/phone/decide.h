/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_PHONE_DECIDE_H
#define FEDGE_PHONE_DECIDE_H
/* What the phone does with a request: pure, a request and what is known in, a decision out. */
#include "sip/message.h"

/* What the phone knows when a request comes. */
struct phone_situation {
	bool for_us; /* somebody here has that Request-URI */
	bool stopping;
	bool busy; /* too many calls */
	bool merged; /* the same request came by another way (RFC 3261 8.2.2.2) */
	bool call_known; /* its dialog is one of ours */
	bool out_of_order; /* its CSeq is older than the last one */
	bool inviting; /* an INVITE of ours, or the ACK of theirs, is still awaited in that dialog */
};

enum phone_act {
	PHONE_ACT_REPLY, /* with .status, and nothing else */
	PHONE_ACT_RING, /* a new call */
	PHONE_ACT_REFRESH, /* re-INVITE or UPDATE within a call */
	PHONE_ACT_HANG_UP, /* BYE: .status, and the call is over */
	PHONE_ACT_IGNORE, /* never answered */
};

enum phone_extra {
	PHONE_EXTRA_NONE,
	PHONE_EXTRA_ALLOW, /* Allow */
	PHONE_EXTRA_CAPABILITIES, /* Allow, Accept, Supported, … : OPTIONS */
	PHONE_EXTRA_UNSUPPORTED, /* Unsupported: what Require asked for */
	PHONE_EXTRA_RETRY, /* Retry-After: 0 … 10 s */
};

struct phone_decision {
	enum phone_act act;
	uint16_t status;
	enum phone_extra extra;
};
struct phone_decision phone_decide(const struct sip_message *request, const struct phone_situation *situation);

/* The option tags of Require that the phone does not know, one at a time; false where there are no more. */
bool phone_next_unsupported(struct sip_values *values, struct span *ret_tag);

#define PHONE_ALLOW "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, MESSAGE, UPDATE"
#define PHONE_ACCEPT "application/sdp, text/plain"
#define PHONE_SUPPORTED "timer"
#endif
