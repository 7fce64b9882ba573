/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_ROUTE_COMMAND_H
#define FEDGE_CMD_ROUTE_COMMAND_H
/* `fedge route` from inside. route_read.c reads what was typed, route_walk.c makes the plan and asks the zones that it
 * leads to, route_look.c looks up where they are; what they find goes as records to the collector of a search history,
 * which tells it as that of any other search. */
#include "cmd/command.h"
#include "edge/site.h"
#include "history/collect.h"
#include "history/tree.h"
#include "trust/judge.h"

struct net_loop;
struct net_resolver;
struct peer_cache;
struct peer_view;

struct route_command {
	const struct command_line *line;
	const struct config_node *config;
	struct edge_site *site;
	struct arena arena;
	struct clock clock;
	struct random random;

	/* what is asked */
	struct span from, to; /* URIs */
	struct route_request request;
	struct span source_name;
	bool dns;

	/* what is found */
	struct history_collector *collector;
	struct record_sink sink;
	struct finding_list findings;
	bool found; /* somebody would be asked */
	uint16_t status; /* of the answer where not; 0: a finding has it */
	struct span reason, detail;
	int printed; /* 0, or what became of printing it */

	/* who is asked (route_look.c) */
	struct net_loop *loop;
	struct net_resolver *resolver;
	struct peer_cache *cache;
	struct peer_view *view;
	char service[80]; /* "_sipfederationtls._tcp" */
	bool waiting;
	int looked_up; /* what came of the last question for addresses */
	const struct peer_domain *domain; /* references that an answer left */
	const struct peer_host *host;
	const struct route_target *target; /* that is looked at */
};

/* COMMAND_GOOD: what is asked stands, and so does the site. route_command_done in every case. */
int route_command_read(struct route_command *c, const struct command_line *line);
void route_command_done(struct route_command *c);

/* The whole search, up to its end. COMMAND_GOOD, or what could not be done was said. */
int route_command_walk(struct route_command *c);
/* A record of the search: its head is filled in; the second one takes it too. */
void route_command_head(const struct route_command *c, struct record *r);
void route_command_record(struct route_command *c, struct record *r);
/* What the rules of trust need to judge for this node. */
struct trust_judge route_command_judge(struct route_command *c);
/* A place that would be tried for the target: a host name (may be absent), an address (NULL: none is known). */
void route_command_place(
	struct route_command *c, struct span name, const struct net_address *address, enum transport_protocol protocol);

/* COMMAND_GOOD, or why not was said. Without --dns nothing is opened. */
int route_command_open(struct route_command *c);
void route_command_close(struct route_command *c);
/* Where a zone of that kind is; what is wrong is added to the findings. True: somebody would be asked. */
bool route_command_look_peers(struct route_command *c, const struct edge_zone *zone);
bool route_command_look_partner(struct route_command *c);
bool route_command_look_dns(struct route_command *c, const struct edge_zone *zone);
#endif
