/* SPDX-License-Identifier: Apache-2.0 */
/* Where the zones are: configured peers, partners by their federation records, anybody by RFC 3263. Looks up and
 * judges; connects to nobody. */
#include "cmd/route_command.h"
#include "config/parts.h"
#include "edge/partner.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "peer/dns_record.h"
#include "peer/view.h"

#include <errno.h>
#include <stdio.h>

#define TURN_US 200000

/* ---- asking ---- */

static int resolver_open(struct route_command *c)
{
	char why[NET_RESOLVER_ERROR_SIZE] = "";
	struct net_resolver_settings settings;
	int status = config_parts_resolver(c->config, &c->arena, &settings);
	if (status == 0) {
		settings.clock = &c->clock;
		status = net_resolver_new(&settings, &c->resolver, why);
	}
	return status < 0 ? command_fail(c->line, COMMAND_UNDECIDED, "%s", *why ? why : strerror(-status))
			  : COMMAND_GOOD;
}

static int view_open(struct route_command *c)
{
	struct peer_cache_settings cache = { .clock = &c->clock, .key = random_hash_key(&c->random) };
	struct span service = config_node_service(c->config);
	if (service.at)
		snprintf(c->service, sizeof(c->service), "_%.*s._tcp", SPAN_PRINT(service));
	struct peer_view_settings view = {
		.loop = c->loop,
		.resolver = c->resolver,
		.sink = &c->sink,
		.clock = &c->clock,
		.service = c->service[0] ? c->service : NULL,
		.tlsa = c->site->policy.kind == TRUST_POLICY_DANE,
	};
	int status = peer_cache_new(&cache, &c->cache);
	view.cache = c->cache;
	return status < 0 ? status : peer_view_new(&view, &c->view);
}

int route_command_open(struct route_command *c)
{
	if (!c->dns)
		return COMMAND_GOOD;
	int code = resolver_open(c);
	if (code != COMMAND_GOOD)
		return code;
	int status = net_loop_new(&c->clock, &c->loop);
	if (status == 0)
		status = view_open(c);
	return status < 0 ? command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status)) : COMMAND_GOOD;
}

void route_command_close(struct route_command *c)
{
	peer_domain_unref(c->domain);
	peer_host_unref(c->host);
	if (c->view)
		peer_view_free(c->view);
	if (c->loop)
		net_loop_free(c->loop);
	if (c->cache)
		peer_cache_free(c->cache);
	if (c->resolver)
		net_resolver_free(c->resolver);
}

/* Every question is answered within its own deadline. */
static void wait_for_answer(struct route_command *c)
{
	while (c->waiting)
		net_loop_turn(c->loop, TURN_US);
}

/* ---- names to addresses by RFC 3263 ---- */

static void resolved(void *argument, const struct transport_answer *answer)
{
	struct route_command *c = argument;
	c->waiting = false;
	for (size_t i = 0; i < answer->target_count; i++)
		route_command_place(c, arena_copy(&c->arena, answer->targets[i].name), &answer->targets[i].address,
			answer->targets[i].protocol);
	c->looked_up = answer->target_count ? 0 : answer->status;
}

static void told(void *argument, const char *name, enum net_dns_type type, const struct net_dns_answer *answer)
{
	struct route_command *c = argument;
	struct record r = { 0 };
	route_command_head(c, &r);
	if (answer)
		peer_dns_record_answer(&c->sink, &r, answer, answer->answered_us - answer->asked_us);
	else
		peer_dns_record_question(&c->sink, &r, name, type);
}

/* True: there is an address to try. */
static bool look_up(struct route_command *c, const struct transport_question *question)
{
	struct transport_resolving with = { c->resolver, c->loop, &c->random, told };
	struct transport_query *query;
	if (!c->dns) {
		route_command_place(c, question->host, NULL, question->protocol);
		return true;
	}
	c->waiting = true;
	c->looked_up = transport_resolve(&with, question, resolved, c, &query);
	c->waiting = c->looked_up == 0;
	wait_for_answer(c);
	if (c->looked_up == 0)
		return true;
	bool missing = c->looked_up == -ENOENT || c->looked_up == -EINVAL;
	finding_add(&c->findings, missing ? FINDING_ADDRESS_MISSING : FINDING_ADDRESS_LOOKUP_FAILED, question->host);
	return false;
}

bool route_command_look_peers(struct route_command *c, const struct edge_zone *zone)
{
	bool found = false;
	for (size_t i = 0; i < zone->address_count; i++) {
		const struct config_endpoint *peer = &zone->config->peers.items[i];
		struct transport_question question = {
			.host = peer->host, .port = peer->port, .protocol = zone->protocol
		};
		if (net_address_is_set(&zone->addresses[i])) {
			route_command_place(c, zone->config->verify_name, &zone->addresses[i], zone->protocol);
			found = true;
		} else if (look_up(c, &question)) {
			found = true;
		}
	}
	return found;
}

bool route_command_look_dns(struct route_command *c, const struct edge_zone *zone)
{
	struct span domain = zone->config->lookup_domain;
	struct transport_question question = {
		.host = domain.at ? domain : edge_partner_domain(c->target->alias),
		.protocol = TRANSPORT_ANY,
		.naptr = true,
	};
	return look_up(c, &question);
}

/* ---- partners ---- */

static void host_found(void *argument, const struct peer_host *host)
{
	struct route_command *c = argument;
	c->host = peer_host_ref(host);
	c->waiting = false;
}

static bool look_at_server(struct route_command *c, const struct trust_candidate *server)
{
	struct peer_found found = { .host = host_found, .argument = c, .serial = SPAN("dry-run") };
	struct trust_judge judge = route_command_judge(c);
	const struct peer_host *known = NULL;
	struct peer_ask *ask;
	c->host = NULL;
	int status = peer_find_host(c->view, server->name, server->port, &found, &known, &ask);
	c->waiting = status == 0;
	wait_for_answer(c);
	if (known)
		c->host = known;
	if (!c->host)
		finding_add(&c->findings, FINDING_ADDRESS_LOOKUP_FAILED, server->name);
	bool good = c->host && trust_judge_host(&judge, server, &c->host->facts);
	for (size_t i = 0; good && i < c->host->facts.address_count; i++) {
		struct net_address address = c->host->addresses[i];
		net_address_set_port(&address, server->port);
		route_command_place(c, server->name, &address, TRANSPORT_TLS);
	}
	peer_host_unref(c->host);
	c->host = NULL;
	return good;
}

static bool look_at_servers(struct route_command *c, const struct trust_plan *plan)
{
	bool found = false;
	for (size_t i = 0; plan->accepted && i < plan->candidate_count; i++) {
		if (c->dns)
			found = look_at_server(c, &plan->candidates[i]) || found;
		else
			route_command_place(c, plan->candidates[i].name, NULL, TRANSPORT_TLS);
	}
	return found || (plan->accepted && !c->dns);
}

static void domain_found(void *argument, const struct peer_domain *domain)
{
	struct route_command *c = argument;
	c->domain = peer_domain_ref(domain);
	c->waiting = false;
}

static bool ask_domain(struct route_command *c, struct span name)
{
	struct peer_found found = { .domain = domain_found, .argument = c, .serial = SPAN("dry-run") };
	const struct peer_domain *known = NULL;
	struct peer_ask *ask;
	int status = peer_find_domain(c->view, name, &found, &known, &ask);
	c->waiting = status == 0;
	wait_for_answer(c);
	if (known)
		c->domain = known;
	if (!c->domain)
		finding_add(&c->findings, FINDING_NO_RULE_MATCHES, c->to); /* no domain name at all */
	return c->domain != NULL;
}

bool route_command_look_partner(struct route_command *c)
{
	struct span name = edge_partner_domain(c->target->alias);
	struct trust_judge judge = route_command_judge(c);
	struct trust_plan plan;
	if (!c->config->dns.enabled) {
		finding_add(&c->findings, FINDING_NO_RULE_MATCHES, c->to); /* as the edge without a resolver */
		return false;
	}
	if (!c->dns && !trust_judge_lists(&judge, name, &plan)) {
		route_command_place(c, name, NULL, TRANSPORT_TLS);
		return true;
	}
	if (c->dns && (!ask_domain(c, name) || trust_judge_domain(&judge, name, &c->domain->facts, &plan) < 0))
		return false;
	bool found = look_at_servers(c, &plan);
	peer_domain_unref(c->domain);
	c->domain = NULL;
	return found;
}
