/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_PING_H
#define FEDGE_EDGE_PING_H
/* One OPTIONS of our own, to see whether a peer lives (RFC 3261 11), or that keeps a traversal link and proves who we
 * are. No call hangs on it; it goes past the pipeline. */
#include "base/arena.h"
#include "base/require.h"
#include "base/wheel.h"
#include "edge/worker.h"
#include "sip/header.h"

#define EDGE_PING_WHY_SIZE 256

struct edge_ping_answer {
	const struct transport_arrival *arrival; /* its message is the final answer; NULL: none came. Borrowed */
	struct transport_flow flow; /* that it was sent by */
	enum transport_failed failed; /* where none came; TIMEOUT also for our own patience */
	char why[EDGE_PING_WHY_SIZE]; /* where none came: one line, "cannot connect: connection refused" */
};

struct edge_ping {
	struct edge_worker *worker;
	/* Called once for each ping sent, never from inside edge_ping_send; may send the next one. */
	void (*done)(struct edge_ping *ping, const struct edge_ping_answer *answer);
	struct arena arena;
	struct transport_client *client; /* NULL: none under way */
	struct wheel_timer patience;
};

struct edge_ping_question {
	const struct transport_target *target;
	struct span uri;
	struct span call_id;
	uint32_t cseq;
	enum sip_header_id credentials_header; /* with credentials only */
	struct span credentials;
	struct span zone; /* for the records */
	int64_t patience_us;
};

void edge_ping_init(struct edge_ping *ping, struct edge_worker *worker,
	void (*done)(struct edge_ping *ping, const struct edge_ping_answer *answer));
/* None may be under way. 0, or a negative errno as transport_send_request: then done is not called. */
int edge_ping_send(struct edge_ping *ping, const struct edge_ping_question *question);
/* The one under way, if any, is given up: done is not called for it. */
void edge_ping_drop(struct edge_ping *ping);
/* The same, for the last time. */
void edge_ping_stop(struct edge_ping *ping);
static inline bool edge_ping_is_under_way(const struct edge_ping *ping)
{
	return ping->client != NULL;
}
/* "sip:host:port;transport=tls" in the arena, IPv6 in brackets; port 0: none is written. */
struct span edge_ping_uri(struct arena *arena, struct span host, uint16_t port, enum transport_protocol protocol);
#endif
