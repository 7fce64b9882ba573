/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_REQUEST_H
#define FEDGE_EDGE_REQUEST_H
/* One request on its way through the edge. It lives in the arena of its server transaction and
 * passes the steps of edge/pipeline.c in order; each step says whether to go on, to wait (an
 * answer of the DNS will resume it), or that the request has been dealt with. Everything that was
 * learned of it stands here, so that a step reads what the ones before it found. */
#include "edge/branch.h"
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

#define EDGE_BRANCHES_MAXIMUM 32 /* of one request, one after the other and side by side */
#define EDGE_CHALLENGES_MAXIMUM 8
#define EDGE_BREADTH 60 /* RFC 5393 5.3.3: where a request names none */

/* A plan and how far it has come. What a redirection leads to is searched before what is left of the plan below. */
struct edge_search {
	struct edge_search *below;
	struct route_plan plan;
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
	bool in_plain_dialog; /* of a call placed by a plain dns zone, from its far end: no rules of trust */
	char loop_hash[ROUTE_LOOP_HASH_LENGTH + 1];
	struct span serial; /* proxy-call-id */
	struct span tag;

	/* admit */
	struct span identity; /* domain that was judged; absent for our own side */
	struct finding_list findings;
	bool has_findings; /* the list has been started */
	const struct finding *refusal; /* the finding of what was answered */
	bool is_recorded; /* the judgement of it, or left out as one of very many: answering adds none */
	struct peer_ask *ask; /* a question to peer/ under way, before anything is sent on */

	/* authenticate */
	bool claims_local; /* it came from nowhere we know and says that it is from one of the registrar's domains */
	bool authenticated; /* by digest, or its zone is treated so: what rules and policy ask */
	bool is_phone; /* it came from a phone registered here */
	struct span user; /* who proved to be whom; absent: nobody */
	struct span asserted; /* the identity that we assert: "2000@steven.lab" */
	bool has_told_disbelief; /* that its own assertion was taken out */

	/* plan */
	bool planned; /* a search was made (its result is recorded) */
	bool by_route; /* what was searched for is a Route that it brought, not its Request-URI */
	bool follows_route; /* and no rule took it: it is followed as it stands */
	enum route_variant variant;
	struct edge_search *search; /* the topmost; NULL: nothing is left */
	uint32_t restarts; /* redirections that were followed */

	/* forward */
	struct edge_branch first; /* most requests have but this one */
	struct edge_branch *branches; /* newest first */
	uint32_t branch_count;
	uint32_t breadth; /* what open branches leave of its Max-Breadth */
	bool has_breadth; /* it came with one */
	uint32_t open_count;
	uint32_t group; /* of the newest */
	struct edge_contacts *contacts; /* of phones that are being tried */
	uint32_t provisional_count; /* passed on, of all branches */
	bool sent_for_good; /* a request that nobody answers has left */
	bool stopped; /* somebody's answer ends the search: nothing new is begun */
	bool cancelled; /* by the caller */
	bool answered; /* a final answer was sent */
	const struct sip_message *best; /* best final response so far, a copy in the arena */
	const struct edge_zone *best_zone;
	struct span best_peer;
	struct span best_domain;
	const struct sip_message *challenges[EDGE_CHALLENGES_MAXIMUM]; /* all 401 and 407, copies */
	size_t challenge_count;
	unsigned outcomes; /* what went wrong that is no finding: bits of enum edge_outcome */
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
enum edge_progress edge_authenticate(struct edge_request *request);
enum edge_progress edge_register(struct edge_request *request);
enum edge_progress edge_plan(struct edge_request *request);
enum edge_progress edge_forward(struct edge_request *request);
#endif
