/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_OPTIONS_REQUEST_H
#define FEDGE_CHECK_OPTIONS_REQUEST_H
/* The OPTIONS of --probe (RFC 3261 11): written, and its answer read out of whatever bytes come back. No sockets. */
#include "base/arena.h"
#include "base/random.h"
#include "check/facts.h"
#include "sip/framer.h"

struct check_options_request {
	struct span domain; /* To and the Request-URI: sip:DOMAIN */
	struct span from; /* a SIP URI, taken as it is */
	struct span host; /* ours, for Via and Contact: an address without brackets, or a name */
	bool host_is_ipv6;
	struct random *random; /* branch, tag, Call-ID */
};

/* One request and what came back for it. Zeroed before check_options_begin; check_options_end gives its memory back. */
struct check_options_exchange {
	struct arena arena;
	struct span request; /* the whole message */
	struct span call_id;
	struct sip_framer framer;
	size_t heard; /* bytes of the answer that the framer has had */
	bool over; /* a final answer came, or what no answer can follow */
	unsigned provisional, strange; /* messages passed over */
	struct check_answer answer; /* text lives in the arena */
};
/* 0, -ENOMEM, or -EINVAL (from or domain cannot stand in a message). */
int check_options_begin(struct check_options_exchange *exchange, const struct check_options_request *request);
/* All bytes that have come so far, growing from call to call. true: there is nothing to wait for any more. */
bool check_options_hear(struct check_options_exchange *exchange, struct span answer);
/* The end: what is to be said of it. Borrows from the exchange; elapsed_us is the caller's. */
const struct check_answer *check_options_answer(struct check_options_exchange *exchange);
void check_options_end(struct check_options_exchange *exchange);
#endif
