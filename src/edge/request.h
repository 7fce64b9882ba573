/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_REQUEST_H
#define FEDGE_EDGE_REQUEST_H
/* One request on its way through the edge. It lives in the arena of its server transaction and
 * passes the steps of edge/pipeline.c in order; each step says whether to go on, to wait (an
 * answer of the DNS will resume it), or that the request has been dealt with. Everything that was
 * learned of it stands here, so that a step reads what the ones before it found. */
#include "edge/worker.h"
#include "finding/finding.h"
#include "route/loop.h"
#include "route/next_hop.h"
#include "trust/judge.h"

enum edge_progress {
	EDGE_CONTINUE,
	EDGE_WAIT, /* edge_request_resume will be called */
	EDGE_DONE, /* answered, forwarded, or dropped */
};

struct peer_ask;

/* The zone that is being asked: its servers one after the other, and their addresses. */
struct edge_attempt {
	const struct edge_zone *zone; /* NULL: not known before the address is */
	struct span alias; /* as the search rule left it; absent: the request follows its own way */
	struct span domain; /* partners: whose edge is looked for */
	const struct trust_candidate *servers; /* partners: in the order of RFC 2782; neighbors: their peers */
	size_t server_count;
	size_t next_server;
	const struct trust_candidate *server; /* whose addresses are in targets */
	struct transport_target *targets;
	size_t target_count;
	size_t target_capacity;
	size_t next_target;
};

struct edge_request {
	struct list link; /* of worker->requests */
	struct edge_worker *worker;
	struct edge_site *site;
	struct transport_server *server; /* an ACK or a BENOTIFY has one too, but no transaction */
	const struct transport_arrival *arrival;
	const struct sip_message *message;
	struct arena *arena;
	size_t step;

	/* zone */
	const struct edge_zone *source; /* NULL: the default zone */
	bool inside;
	struct span source_name; /* "DefaultZone" where there is none */

	/* loop */
	struct route_next_hop hop;
	bool in_dialog; /* To has a tag */
	char loop_hash[ROUTE_LOOP_HASH_LENGTH + 1];
	struct span serial; /* proxy-call-id */
	struct span tag;

	/* admit */
	struct span identity; /* domain that was judged; absent for our own side */
	struct finding_list findings;
	bool has_findings; /* the list has been started */
	const struct finding *refusal; /* the finding of what was answered */

	/* plan, forward */
	struct route_plan plan;
	size_t next_plan_target;
	bool planned; /* a search was made (its result is recorded) */
	struct edge_attempt attempt;
	struct peer_ask *ask; /* a question to peer/ under way */
	struct transport_query *query; /* a question of RFC 3263 under way */
	struct transport_client *client; /* the branch under way; one at a time */
	struct transport_target target; /* of the client */
	const struct edge_zone *target_zone; /* of the client */
	uint32_t provisional_count; /* passed on */
	bool cancelled;
	bool answered; /* a final answer was sent */
	const struct sip_message *best; /* best final response so far, a copy in the arena */
	const struct edge_zone *best_zone;
	struct span best_peer;
	bool timed_out; /* some target gave no answer in time */
	int64_t started_us; /* steady */
};

/* Goes on after a wait. The request may be gone afterwards. */
void edge_request_resume(struct edge_request *request);
/* The findings of this request; started at the first call. */
struct finding_list *edge_request_findings(struct edge_request *request);
/* What judges need, with this request's findings. */
struct trust_judge edge_request_judge(struct edge_request *request);
/* Gives everything back; the server transaction ends by itself. */
void edge_request_finish(struct edge_request *request);

/* The steps, each in the file of its name. */
enum edge_progress edge_sanity(struct edge_request *request);
enum edge_progress edge_zone_find(struct edge_request *request);
enum edge_progress edge_loop(struct edge_request *request);
enum edge_progress edge_admit(struct edge_request *request);
enum edge_progress edge_plan(struct edge_request *request);
enum edge_progress edge_forward(struct edge_request *request);
#endif
