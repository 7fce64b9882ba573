/* SPDX-License-Identifier: Apache-2.0 */
/* May this connection be used for that target? Asked by transport once a connection, before its first
 * request: rules R3 and R4 for partners, the name to verify for neighbors. */
#include "edge/forward.h"
#include "edge/peers.h"
#include "edge/plain.h"
#include "edge/traversal_client.h"
#include "peer/chain.h"
#include "peer/view.h"

#include <errno.h>

uint64_t edge_forward_mark(struct edge_worker *worker, struct span domain)
{
	uint64_t mark = hash_keyed(&worker->shared->key, domain) | 1;
	struct edge_mark *slot = &worker->marks[(mark >> 1) % EDGE_MARKS];
	slot->mark = mark;
	if (!span_copy_to(domain, slot->domain, sizeof(slot->domain)))
		slot->mark = 0;
	return mark;
}

/* The domain of a mark; absent where the table has forgotten it, which then trusts nobody. */
static struct span mark_domain(struct edge_worker *worker, uint64_t mark)
{
	const struct edge_mark *slot = &worker->marks[(mark >> 1) % EDGE_MARKS];
	return mark && slot->mark == mark ? span_of(slot->domain) : SPAN_NONE;
}

/* In a dialog the next hop's name is the partner's own choice: its certificate must be that of a server of
 * the partner's domain, as if it had called us. */
static bool serves_domain(const struct trust_judge *judge, struct edge_worker *worker, struct span domain,
	const struct trust_chain *chain)
{
	struct trust_plan plan = { .accepted = false };
	const struct peer_domain *facts = peer_domain_known(worker->peers, domain);
	if (facts && trust_judge_domain(judge, domain, &facts->facts, &plan) < 0)
		plan.accepted = false;
	if (!facts && !trust_judge_lists(judge, domain, &plan))
		plan.accepted = false; /* its records are not known any more, and there is no time to ask */
	bool accepted = plan.accepted && trust_judge_presented(judge, &plan, chain);
	peer_domain_unref(facts);
	return accepted;
}

/* Under DANE the SRV answer that led here must have been signed. */
static bool is_secure(struct edge_worker *worker, struct span domain)
{
	const struct peer_domain *facts = domain.at ? peer_domain_known(worker->peers, domain) : NULL;
	bool secure = facts && facts->facts.lookup.secure;
	peer_domain_unref(facts);
	return secure;
}

static bool is_the_server(const struct trust_judge *judge, struct edge_worker *worker,
	const struct transport_target *target, struct span domain, const struct trust_chain *chain)
{
	struct trust_candidate candidate = { .kind = TRUST_CANDIDATE_IN_DOMAIN,
		.name = target->name,
		.domain = domain,
		.secure = is_secure(worker, domain),
		.port = net_address_port(&target->address) };
	if (!target->name.at)
		return false;
	const struct peer_host *host = peer_host_known(worker->peers, target->name, candidate.port);
	bool accepted = trust_judge_certificate(judge, &candidate, chain, host ? &host->facts : NULL);
	peer_host_unref(host);
	return accepted;
}

static int judge_partner(struct edge_worker *worker, const struct transport_target *target,
	const struct net_tls_facts *facts, struct arena *arena)
{
	const struct peer_chain *chain;
	static const struct trust_chain none;
	struct finding_list findings, others;
	finding_list_init(&findings, arena, FINDING_PARTNER);
	finding_list_init(&others, arena, FINDING_PARTNER);
	struct trust_judge judge = { .policy = &worker->site->policy,
		.findings = &findings,
		.now_s = clock_wall_us(&worker->shared->clock) / CLOCK_SECOND_US };
	struct span domain = mark_domain(worker, target->mark);
	if (edge_peers_chain(worker, facts, &chain) < 0)
		return -ESTALE;
	const struct trust_chain *shown = chain ? &chain->facts : &none;
	bool accepted = is_the_server(&judge, worker, target, domain, shown);
	judge.findings = &others;
	/* DANE knows no names but those that DNSSEC led to. */
	if (!accepted && domain.at && worker->site->policy.kind != TRUST_POLICY_DANE)
		accepted = serves_domain(&judge, worker, domain, shown);
	peer_chain_unref(chain);
	return accepted ? 0 : -EACCES;
}

int edge_forward_judge(void *argument, const struct transport_target *target, const struct net_tls_facts *facts)
{
	struct edge_worker *worker = argument;
	int traversal;
	if (edge_traversal_client_judge(worker, target, facts, &traversal))
		return traversal;
	if (!facts)
		return 0; /* plain TCP: edge_send lets only neighbors be reached so */
	const struct edge_zone *neighbor = edge_site_neighbor(worker->site, &target->address, TRANSPORT_TLS);
	if (neighbor && target->mark == 0) {
		struct span name = neighbor->config->verify_name;
		return !name.at || edge_peers_covers(worker, facts, name) ? 0 : -EACCES;
	}
	struct arena arena;
	int status;
	if (edge_plain_judge(worker, mark_domain(worker, target->mark), target, facts, &status))
		return status;
	arena_init(&arena, 256u << 10);
	status = judge_partner(worker, target, facts, &arena);
	arena_done(&arena);
	return status;
}
