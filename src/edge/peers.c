/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/peers.h"

#include "peer/chain.h"
#include "trust/judge.h"

int edge_peers_chain(struct edge_worker *worker, const struct net_tls_facts *facts, const struct peer_chain **ret_chain)
{
	*ret_chain = NULL;
	if (!facts)
		return 0;
	return peer_chain_learn(worker->peers, worker->shared->tls, facts, ret_chain);
}

bool edge_peers_trusts(const struct edge_worker *worker, const struct peer_chain *chain)
{
	int64_t now_s = clock_wall_us(&worker->shared->clock) / CLOCK_SECOND_US;
	if (!chain || chain->facts.status != TRUST_CHAIN_TRUSTED)
		return false;
	for (size_t i = 0; i < chain->facts.count; i++) {
		const struct trust_certificate *c = &chain->facts.certificates[i];
		if (now_s < c->not_before_s || now_s > c->not_after_s)
			return false;
	}
	return true;
}

bool edge_peers_covers(struct edge_worker *worker, const struct net_tls_facts *facts, struct span name)
{
	const struct peer_chain *chain;
	if (edge_peers_chain(worker, facts, &chain) < 0 || !chain)
		return false;
	enum trust_name_match match = trust_certificate_covers(&chain->facts.certificates[0], name);
	bool covers = edge_peers_trusts(worker, chain) && (match == TRUST_NAME_EXACT || match == TRUST_NAME_COMMON);
	peer_chain_unref(chain);
	return covers;
}

bool edge_peers_copy_name(
	struct edge_worker *worker, const struct net_tls_facts *facts, char *ret_name, size_t capacity)
{
	const struct peer_chain *chain = NULL;
	if (edge_peers_chain(worker, facts, &chain) < 0 || !chain)
		return false;
	struct span name = trust_certificate_name(&chain->facts.certificates[0]);
	bool fits = name.length > 0 && span_copy_to(name, ret_name, capacity);
	peer_chain_unref(chain);
	return fits;
}

struct span edge_peers_name(struct edge_worker *worker, const struct transport_arrival *arrival, struct arena *arena)
{
	const struct peer_chain *chain = NULL;
	struct span name = SPAN_NONE;
	uint16_t port = net_address_port(&arrival->remote);
	if (edge_peers_chain(worker, arrival->tls, &chain) == 0 && chain) {
		struct span shown = trust_certificate_name(&chain->facts.certificates[0]);
		if (shown.length)
			name = arena_printf(arena, "%.*s:%u", SPAN_PRINT(shown), port);
		peer_chain_unref(chain);
	}
	if (name.at)
		return name;
	char text[NET_ADDRESS_TEXT_SIZE];
	net_address_format(&arrival->remote, text);
	return arena_copy(arena, span_of(text));
}
