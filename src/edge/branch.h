/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_BRANCH_H
#define FEDGE_EDGE_BRANCH_H
/* One of the ways that a request is tried (RFC 3261 16.6: a branch of its response context): a zone, or a contact of
 * a phone, with its servers one after the other and of each server the addresses (RFC 3263 4.3). Branches of one
 * group run side by side and know nothing of each other; edge/forward.h looks at all of them together. Lives in the
 * request's arena. */
#include "edge/site.h"
#include "sip/message.h"
#include "transport/transport.h"
#include "trust/judge.h"

struct edge_contact;
struct edge_request;
struct peer_ask;

enum edge_way {
	EDGE_WAY_OWN, /* the request's own words: a dialog's */
	EDGE_WAY_ZONE, /* a zone's peers: a neighbor */
	EDGE_WAY_LINK, /* the connection of a traversal zone */
	EDGE_WAY_PARTNER, /* found and judged by the rules of trust */
	EDGE_WAY_PLAIN, /* RFC 3263 */
	EDGE_WAY_CONTACT, /* a phone's */
};

/* The contacts of one address of record, best q first: those of one q side by side, the next when all have failed. */
struct edge_contacts {
	struct edge_contacts *next; /* of the request */
	const struct edge_zone *zone;
	struct span alias;
	const struct edge_contact *contacts;
	size_t count;
	size_t next_contact;
	uint32_t open; /* branches under way */
	uint32_t group;
	size_t beside; /* what else of the group is to begin after its first branches */
};

struct edge_branch {
	struct edge_branch *next; /* of the request, newest first */
	struct edge_request *request;
	uint32_t number; /* 1, 2, … */
	uint32_t group;
	bool open; /* it may still give something */
	uint32_t breadth; /* what it holds of the request's while it is open, and passes on */
	bool cancelled; /* no more is tried, whatever comes back */
	bool has_final;
	uint32_t provisional_count; /* passed on */

	enum edge_way way;
	const struct edge_zone *zone; /* NULL: not known before the address is */
	struct span alias; /* as the search left it; absent: the request follows its own way */
	struct span domain; /* partners: whose edge is looked for */
	struct edge_contacts *of; /* contacts: which phone's */
	const struct edge_contact *contact; /* that is being tried */
	const struct edge_contact *const *flows; /* of one phone, to be tried one after the other */

	/* Partners: in the order of RFC 2782; neighbors: their peers; phones: their flows (the numbers alone count). */
	const struct trust_candidate *servers;
	size_t server_count;
	size_t next_server;
	size_t skipped; /* that are known to be dead */
	const struct trust_candidate *server; /* whose addresses are in targets; NULL for phones and dialogs */
	struct transport_target *targets;
	size_t target_count;
	size_t target_capacity;
	size_t next_target;

	struct peer_ask *ask; /* a question to peer/ under way */
	struct transport_query *query; /* a question of RFC 3263 under way */
	struct transport_client *client; /* one at a time */
	struct transport_target target; /* of the client */
	const struct edge_zone *target_zone; /* of the client */
	int64_t sent_us; /* steady */
};
#endif
