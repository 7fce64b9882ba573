/* SPDX-License-Identifier: Apache-2.0 */
/* Where addresses come from when a search was made: neighbors by their configured peers, traversal zones by
 * their connections. (edge/partner.c has the federation partners, edge/contacts.c phones, edge/own_way.c what follows
 * its own way.) */
#include "edge/answer.h"
#include "edge/contacts.h"
#include "edge/forward.h"
#include "edge/journal.h"
#include "edge/link.h"
#include "edge/partner.h"
#include "edge/plain.h"

#include <errno.h>

/* Most branches have one target: room is made as it is needed. */
static bool targets_grow(struct edge_branch *branch)
{
	size_t capacity = branch->target_capacity ? TRANSPORT_TARGET_MAXIMUM : 2;
	struct transport_target *targets = arena_allocate(branch->request->arena, capacity * sizeof(*targets));
	if (branch->target_capacity >= TRANSPORT_TARGET_MAXIMUM || !targets)
		return false;
	if (branch->target_count)
		memcpy(targets, branch->targets, branch->target_count * sizeof(*targets));
	branch->targets = targets;
	branch->target_capacity = capacity;
	return true;
}

void edge_target_add(struct edge_branch *branch, struct transport_target target)
{
	if (target.protocol != TRANSPORT_TLS && !(target.flags & TRANSPORT_TARGET_FLOW)) {
		/* Only our own side is met without TLS, and nothing is proved there. A mark would but open a second
		 * connection for what follows in a dialog, and that could overtake what came before. */
		target.mark = 0;
		target.flags |= TRANSPORT_TARGET_ALIAS;
	}
	if (branch->target_count < branch->target_capacity || targets_grow(branch))
		branch->targets[branch->target_count++] = target;
}

/* ---- names to addresses by RFC 3263 ---- */

static void resolved(void *argument, const struct transport_answer *answer)
{
	struct edge_branch *branch = argument;
	struct edge_request *request = branch->request;
	branch->query = NULL;
	for (size_t i = 0; i < answer->target_count; i++) {
		struct transport_target target = answer->targets[i];
		/* A neighbor proves itself by the name it is configured with, whatever its host is called. */
		bool named = branch->zone && branch->zone->inside && branch->zone->config->verify_name.at;
		target.name = named ? branch->zone->config->verify_name : arena_copy(request->arena, target.name);
		edge_target_add(branch, target);
	}
	if (answer->target_count == 0) {
		enum finding_code code =
			answer->status == -ENOENT ? FINDING_ADDRESS_MISSING : FINDING_ADDRESS_LOOKUP_FAILED;
		struct span host = branch->server ? branch->server->name : answer->host;
		finding_observed(finding_add(edge_request_findings(request), code, host), answer->why);
	}
	edge_branch_resume(branch);
}

struct transport_question edge_target_question(const struct sip_uri *uri, uint64_t mark)
{
	return (struct transport_question){
		.host = uri->host,
		.port = uri->port,
		.protocol = transport_protocol_of(sip_uri_transport(uri)),
		.secure = uri->scheme == SIP_SCHEME_SIPS,
		.flags = TRANSPORT_TARGET_MAY_SWITCH,
		.mark = mark,
	};
}

bool edge_target_numeric(struct edge_branch *branch, const struct transport_question *question)
{
	struct transport_target target = {
		.protocol = question->secure     ? TRANSPORT_TLS
			    : question->protocol ? question->protocol
			    : question->fallback ? question->fallback
						 : TRANSPORT_UDP,
		.mark = question->mark,
		.flags = question->flags,
	};
	uint16_t port = question->port ? question->port : transport_protocol_port(target.protocol);
	if (net_address_parse(question->host, port, &target.address) < 0)
		return false;
	edge_target_add(branch, target);
	return true;
}

/* Searches have their questions in the log and the history; what follows in a dialog asks the same again. */
static void told(void *argument, const char *name, enum net_dns_type type, const struct net_dns_answer *answer)
{
	const struct edge_branch *branch = argument;
	if (branch->request->planned)
		edge_journal_dns(branch->request, name, type, answer);
}

enum edge_progress edge_target_resolve(struct edge_branch *branch, const struct transport_question *question)
{
	struct edge_worker *worker = branch->request->worker;
	struct transport_resolving with = { worker->shared->resolver, worker->loop, &worker->random, told };
	if (!with.resolver)
		return EDGE_CONTINUE; /* nobody to ask: as if there were no address */
	if (transport_resolve(&with, question, resolved, branch, &branch->query) < 0)
		return EDGE_CONTINUE;
	return EDGE_WAIT;
}

/* ---- neighbors ---- */

void edge_targets_unreachable(struct edge_branch *branch, struct span why)
{
	struct finding_list *findings = edge_request_findings(branch->request);
	edge_journal_attempt(branch, RECORD_ATTEMPT_SKIPPED, 0, why);
	finding_observed(finding_add(findings, FINDING_ZONE_UNREACHABLE, branch->zone->name), why);
}

static enum edge_progress neighbor_servers(struct edge_branch *branch)
{
	const struct edge_zone *zone = branch->zone;
	struct trust_candidate *servers =
		arena_zero(branch->request->arena, (zone->address_count + 1) * sizeof(*servers));
	if (!servers) {
		edge_answer_note(branch->request, EDGE_OUTCOME_INTERNAL);
		return EDGE_CONTINUE;
	}
	for (size_t i = 0; i < zone->address_count; i++) {
		const struct config_endpoint *peer = &zone->config->peers.items[i];
		servers[i].kind = TRUST_CANDIDATE_SERVER;
		servers[i].name =
			zone->config->verify_name.at ? zone->config->verify_name : peer->host; /* for findings */
		servers[i].port = peer->port;
	}
	branch->servers = servers;
	branch->server_count = zone->address_count;
	return EDGE_CONTINUE;
}

/* A peer that answers no OPTIONS is passed over; with all of them dead the zone is. */
static void skip(struct edge_branch *branch)
{
	static const char why[] = "it answers no OPTIONS";
	if (++branch->skipped == branch->server_count)
		edge_targets_unreachable(branch, span_of(why));
	else
		edge_journal_attempt(branch, RECORD_ATTEMPT_SKIPPED, 0, span_of(why));
}

static enum edge_progress neighbor_server(struct edge_branch *branch, size_t peer)
{
	const struct edge_zone *zone = branch->zone;
	const struct net_address *address = &zone->addresses[peer];
	branch->server = &branch->servers[peer];
	if (!edge_link_is_usable(branch->request->worker->shared->links, zone, peer)) {
		skip(branch);
		return EDGE_CONTINUE;
	}
	if (net_address_is_set(address)) {
		edge_target_add(
			branch, (struct transport_target){ .protocol = zone->protocol,
					.address = *address,
					.name = zone->protocol == TRANSPORT_TLS ? zone->config->verify_name : SPAN_NONE,
					.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS });
		return EDGE_CONTINUE;
	}
	struct transport_question question = {
		.host = zone->config->peers.items[peer].host,
		.port = branch->server->port,
		.protocol = zone->protocol,
		.flags = TRANSPORT_TARGET_MAY_SWITCH | TRANSPORT_TARGET_ALIAS,
	};
	return edge_target_resolve(branch, &question);
}

/* ---- traversal zones: over the connection that stands ---- */

static enum edge_progress link_targets(struct edge_branch *branch)
{
	struct edge_request *request = branch->request;
	const struct edge_links *links = request->worker->shared->links;
	struct transport_target target;
	uint32_t turn = (uint32_t)random_below(&request->worker->random, UINT32_MAX / 2);
	/* All that stand, whose turn it is first: where one is lost the next is tried. */
	for (uint32_t i = 0; i < TRANSPORT_TARGET_MAXIMUM && edge_link_target(links, branch->zone, turn + i, &target);
		i++) {
		if (i > 0 && transport_flow_equal(target.flow, branch->targets[0].flow))
			break;
		edge_target_add(branch, target);
	}
	if (branch->target_count == 0)
		edge_targets_unreachable(branch, SPAN("no connection of the traversal zone"));
	return EDGE_CONTINUE;
}

/* ---- which of them ---- */

enum edge_progress edge_targets_of_zone(struct edge_branch *branch)
{
	switch (branch->way) {
	case EDGE_WAY_PARTNER:
		return edge_partner_servers(branch);
	case EDGE_WAY_LINK:
		return link_targets(branch);
	case EDGE_WAY_PLAIN:
		return edge_plain_search(branch);
	default:
		return neighbor_servers(branch);
	}
}

enum edge_progress edge_targets_of_server(struct edge_branch *branch, size_t server)
{
	switch (branch->way) {
	case EDGE_WAY_PARTNER:
		return edge_partner_server(branch, server);
	case EDGE_WAY_CONTACT:
		return edge_contacts_targets(branch, server);
	default:
		return neighbor_server(branch, server);
	}
}
