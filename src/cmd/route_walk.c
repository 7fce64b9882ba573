/* SPDX-License-Identifier: Apache-2.0 */
/* The search itself, by the functions that the edge makes its own by; but nothing is sent to where it leads. */
#include "cmd/route_command.h"
#include "edge/dress.h"
#include "edge/journal.h"
#include "edge/partner.h"
#include "record/judgement.h"

#include <errno.h>
#include <stdio.h>

/* ---- records ---- */

/* All of one search; its serial need not tell it from others. */
void route_command_head(const struct route_command *c, struct record *r)
{
	r->head.time_us = clock_wall_us(&c->clock);
	r->head.node = c->config->log_name;
	r->head.serial = SPAN("dry-run");
}

void route_command_record(struct route_command *c, struct record *r)
{
	route_command_head(c, r);
	record_take(&c->sink, r);
}

static const char *variant_word(enum route_variant variant)
{
	static const char *const words[] = { [ROUTE_VARIANT_STANDARDS] = "standards",
		[ROUTE_VARIANT_MICROSOFT_AV] = "microsoft-av",
		[ROUTE_VARIANT_MICROSOFT_IM] = "microsoft-im" };
	return words[variant];
}

static void record_search(struct route_command *c, enum record_search_event event)
{
	struct record r = { .kind = RECORD_SEARCH };
	r.search.event = event;
	r.search.method = SPAN("INVITE");
	r.search.source = c->from;
	r.search.destination = c->to;
	r.search.zone = c->source_name;
	r.search.variant = span_of(variant_word(c->request.variant));
	r.search.authenticated = c->request.authenticated;
	r.search.found = c->found;
	r.search.response_code = c->status;
	r.search.reason = c->reason;
	r.search.detail = c->detail;
	route_command_record(c, &r);
}

static void record_steps(struct route_command *c, const struct route_plan *plan)
{
	char action[EDGE_JOURNAL_ACTION_SIZE];
	for (size_t i = 0; i < plan->step_count; i++) {
		struct record r = { .kind = RECORD_RULE };
		edge_journal_step(c->site, &plan->steps[i], c->source_name, action, &r.rule);
		route_command_record(c, &r);
	}
}

static void record_finding(struct route_command *c, const struct finding *finding, uint16_t status)
{
	struct record_judgement_storage storage;
	struct record r = { .kind = RECORD_JUDGEMENT };
	record_judgement_of(finding, &storage, &r.judgement);
	r.judgement.status = status;
	if (status)
		r.judgement.reason = edge_dress_phrase(status);
	route_command_record(c, &r);
}

static enum record_transport transport_of(enum transport_protocol protocol)
{
	switch (protocol) {
	case TRANSPORT_UDP:
		return RECORD_UDP;
	case TRANSPORT_TCP:
		return RECORD_TCP;
	case TRANSPORT_TLS:
		return RECORD_TLS;
	default:
		return RECORD_TRANSPORT_NONE;
	}
}

static void record_attempt(struct route_command *c, struct record *r)
{
	r->kind = RECORD_ATTEMPT;
	r->attempt.zone = c->site->zones[c->target->zone].name;
	r->attempt.alias = c->target->alias;
	r->attempt.group = c->target->group + 1;
	route_command_record(c, r);
}

void route_command_place(
	struct route_command *c, struct span name, const struct net_address *address, enum transport_protocol protocol)
{
	struct record r = { .kind = RECORD_ATTEMPT };
	r.attempt.event = RECORD_ATTEMPT_SKIPPED;
	r.attempt.target = name;
	r.attempt.reason = SPAN("a dry run");
	if (address)
		r.attempt.remote = record_address_of(&address->any);
	r.attempt.transport = transport_of(protocol);
	record_attempt(c, &r);
}

/* ---- the zones ---- */

static bool look_word(struct route_command *c, struct span name, struct span why)
{
	struct record r = { .kind = RECORD_ATTEMPT };
	r.attempt.event = RECORD_ATTEMPT_SKIPPED;
	r.attempt.target = name;
	r.attempt.reason = why;
	record_attempt(c, &r);
	return true;
}

static bool look_at(struct route_command *c, const struct edge_zone *zone)
{
	switch (zone->config->kind) {
	case CONFIG_ZONE_NEIGHBOR:
	case CONFIG_ZONE_TRAVERSAL_CLIENT:
		return route_command_look_peers(c, zone);
	case CONFIG_ZONE_TRAVERSAL_SERVER:
		return look_word(c, SPAN("the connection of its client"), SPAN("a dry run"));
	case CONFIG_ZONE_LOCAL:
		return look_word(c, SPAN("a phone"), SPAN("the running node knows whether it is registered"));
	case CONFIG_ZONE_DNS:
		return span_is_nocase(zone->config->service, "sip") ? route_command_look_dns(c, zone)
								    : route_command_look_partner(c);
	case CONFIG_ZONE_DEFAULT:
		break;
	}
	return false;
}

static void ask_target(struct route_command *c, const struct route_target *target)
{
	struct record r = { .kind = RECORD_ATTEMPT };
	c->target = target;
	r.attempt.event = RECORD_ATTEMPT_ZONE;
	record_attempt(c, &r);
	if (look_at(c, &c->site->zones[target->zone]))
		c->found = true;
}

struct trust_judge route_command_judge(struct route_command *c)
{
	return (struct trust_judge){ .policy = &c->site->policy,
		.findings = &c->findings,
		.now_s = clock_wall_us(&c->clock) / CLOCK_SECOND_US,
		.random = &c->random };
}

/* ---- strangers at the door (edge/admit.c), as far as can be told without their connection ---- */

static bool is_one_of(const struct config_texts *domains, struct span domain)
{
	for (size_t i = 0; i < domains->count; i++)
		if (span_equal_nocase(domains->items[i], domain))
			return true;
	return false;
}

/* Somebody who is no stranger: his zone vouches for him, or he proves to be one of ours. */
static bool is_known(const struct route_command *c)
{
	const struct config_registrar *registrar = &c->config->registrar;
	struct span domain = edge_partner_domain(c->request.caller);
	return c->request.source != ROUTE_ZONE_DEFAULT || c->request.authenticated ||
	       (registrar->enabled && is_one_of(&registrar->domains, domain));
}

static bool is_admitted(struct route_command *c)
{
	struct trust_judge judge = route_command_judge(c);
	struct trust_plan plan;
	if (is_known(c))
		return true;
	if (!c->config->dns.enabled) {
		c->status = 403;
		c->reason = edge_dress_phrase(c->status);
		c->detail = SPAN("this node looks nobody up, so it knows no strangers");
		return false;
	}
	trust_judge_lists(&judge, edge_partner_domain(c->request.caller), &plan);
	return !finding_list_first_error(&c->findings) &&
	       trust_judge_destination(&judge, edge_partner_domain(c->request.alias));
}

/* ---- the whole ---- */

static void reject(struct route_command *c, const struct route_plan *plan)
{
	c->status = plan->rejected_status;
	c->reason = plan->rejected->action == ROUTE_REJECT && plan->rejected->reason.at ? plan->rejected->reason
											: edge_dress_phrase(c->status);
}

static void follow(struct route_command *c, const struct route_plan *plan)
{
	if (plan->rejected)
		reject(c, plan);
	else if (plan->goes_round)
		finding_add(&c->findings, FINDING_LOOP_DETECTED, c->to);
	else if (plan->target_count == 0)
		finding_add(&c->findings, FINDING_NO_RULE_MATCHES, c->to);
	for (size_t i = 0; i < plan->target_count; i++)
		ask_target(c, &plan->targets[i]);
}

/* What is wrong with some of the zones that were asked, and, where nobody is left, what the caller would be told. */
static void judge(struct route_command *c)
{
	const struct finding *answer = c->found || c->status ? NULL : finding_list_first_error(&c->findings);
	for (const struct finding *f = c->findings.first; f; f = f->next)
		if (f != answer && f->severity != FINDING_NOTE)
			record_finding(c, f, 0);
	if (answer) {
		c->status = answer->status ? answer->status : 504;
		c->reason = edge_dress_phrase(c->status);
		record_finding(c, answer, c->status);
	}
}

static bool is_undecided(const struct route_command *c)
{
	for (const struct finding *f = c->findings.first; f && !c->found; f = f->next)
		if (finding_is_undecided(f->code))
			return true;
	return false;
}

int route_command_walk(struct route_command *c)
{
	struct route_plan plan;
	record_search(c, RECORD_SEARCH_ATTEMPTED);
	if (is_admitted(c)) {
		int status = route_plan_make(c->site->table, &c->request, 0, &c->arena, &plan);
		if (status < 0)
			return command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status));
		record_steps(c, &plan);
		follow(c, &plan);
	}
	judge(c);
	record_search(c, RECORD_SEARCH_COMPLETED);
	if (is_undecided(c))
		return COMMAND_UNDECIDED;
	return c->found ? COMMAND_GOOD : COMMAND_FAILED;
}
