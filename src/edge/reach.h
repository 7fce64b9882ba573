/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_REACH_H
#define FEDGE_EDGE_REACH_H
/* The addresses of one configured peer, asked anew each time (RFC 3263 without NAPTR): for those who watch peers and
 * dial to them outside of any request. */
#include "edge/worker.h"

#define EDGE_REACH_ADDRESSES 8
#define EDGE_REACH_NAME_MAXIMUM 255

struct edge_reach {
	struct edge_worker *worker;
	void (*found)(struct edge_reach *reach, struct span why); /* count may be 0: why then says why */
	struct transport_query *query;
	struct transport_target targets[EDGE_REACH_ADDRESSES]; /* texts are the caller's */
	size_t count;
};

struct edge_reach_question {
	struct span host;
	uint16_t port; /* 0: by SRV, else the protocol's own */
	enum transport_protocol protocol;
	struct span name; /* of every target: what the certificate is held against */
	unsigned flags;
	uint64_t mark;
};
/* Texts of the question stay the caller's and must outlive the targets. True: targets are there (or none, and found is
 * not called: *ret_why); false: found will be called. */
bool edge_reach_ask(struct edge_reach *reach, const struct edge_reach_question *question, struct span *ret_why);
void edge_reach_stop(struct edge_reach *reach);
#endif
