/* SPDX-License-Identifier: Apache-2.0 */
#include "explain/judge.h"

#include "base/require.h"
#include "explain/judge_private.h"

#include <errno.h>

const char *explain_confidence_word(enum explain_confidence confidence)
{
	static const char *const words[] = {
		[EXPLAIN_NONE] = "none",
		[EXPLAIN_POSSIBLE] = "possible",
		[EXPLAIN_LIKELY] = "likely",
		[EXPLAIN_PROVED] = "proved",
	};
	return words[confidence];
}

/* ---- whose it is ---- */

static enum side other_side(enum side side)
{
	return side == SIDE_CALLER ? SIDE_CALLEE : side == SIDE_CALLEE ? SIDE_CALLER : SIDE_UNKNOWN;
}

static uint32_t logger_of(const struct judge *j)
{
	return signature_logger(&j->subject->steps[j->match.steps[0]], j->match.events[0]);
}

/* The side that the name in question belongs to; where it tells nothing, the other one than the log's own. */
static enum side subject_side(const struct judge *j)
{
	const struct judge_facts *f = &j->facts;
	const struct span names[] = { f->domain, f->target, f->subject, f->shown };
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		enum side side = names[i].length ? sides_of_name(&j->sides, names[i]) : SIDE_UNKNOWN;
		if (side != SIDE_UNKNOWN)
			return side;
	}
	return other_side(sides_of_host(&j->sides, logger_of(j)));
}

static uint32_t peer_host(const struct judge *j)
{
	const struct explain_step *step = &j->subject->steps[j->match.steps[0]];
	return !step->is_arrow ? EXPLAIN_NO_STEP : logger_of(j) == step->from ? step->to : step->from;
}

static enum finding_who relative(const struct judge *j, enum finding_who who, enum side logger)
{
	switch (who) {
	case FINDING_YOU:
		return sides_who(&j->sides, logger);
	case FINDING_PARTNER:
		return sides_who(&j->sides, other_side(logger));
	case FINDING_NETWORK:
		return FINDING_NETWORK;
	default:
		return sides_who(&j->sides, subject_side(j));
	}
}

static enum finding_who who_acts(const struct judge *j, enum signature_owner owner, enum finding_code code)
{
	enum side logger = sides_of_host(&j->sides, logger_of(j));
	switch (owner) {
	case SIGNATURE_OWNER_CALLER:
		return sides_who(&j->sides, SIDE_CALLER);
	case SIGNATURE_OWNER_CALLEE:
		return sides_who(&j->sides, SIDE_CALLEE);
	case SIGNATURE_OWNER_LOGGER:
		/* Of a capture nobody knows whose it is; the words "our certificate" take it for the client's. */
		if (code == FINDING_CERTIFICATE_REFUSED_BY_PARTNER && logger == SIDE_UNKNOWN && !j->sides.own_is_known)
			return FINDING_YOU;
		return sides_who(&j->sides, logger);
	case SIGNATURE_OWNER_PEER: {
		uint32_t peer = peer_host(j);
		return sides_who(
			&j->sides, peer == EXPLAIN_NO_STEP ? other_side(logger) : sides_of_host(&j->sides, peer));
	}
	case SIGNATURE_OWNER_REFUSER:
		return sides_who(&j->sides, sides_of_host(&j->sides, j->subject->refused_by));
	case SIGNATURE_OWNER_NETWORK:
		return FINDING_NETWORK;
	case SIGNATURE_OWNER_RECORD:
		if (j->facts.who != FINDING_OWNER)
			return relative(j, j->facts.who, logger);
		break;
	case SIGNATURE_OWNER_CATALOGUE:
		break;
	}
	return relative(j, finding_entry(code)->who, logger);
}

/* ---- subjects ---- */

struct span explain_judge_host_name(const struct judge *j, uint32_t host)
{
	if (host >= j->subject->host_count)
		return SPAN_NONE;
	const struct explain_host *h = &j->subject->hosts[host];
	char text[RECORD_ADDRESS_TEXT];
	if (h->name.length > 0)
		return h->name;
	if (h->address_count == 0 || record_address_format(&h->addresses[0], text) == 0)
		return SPAN_NONE;
	return arena_printf(j->arena, "%s", text);
}

static struct span without_port(struct span name)
{
	return span_first(name, span_find(name, ':'));
}

static struct span first_of(struct span a, struct span b)
{
	return a.length > 0 ? a : b;
}

static struct span domain_in_question(const struct judge *j)
{
	if (j->facts.domain.length > 0)
		return j->facts.domain;
	return sides_of_host(&j->sides, j->subject->refused_by) == SIDE_CALLER
		       ? j->sides.callee
		       : first_of(j->sides.caller, j->sides.callee);
}

struct span explain_judge_subject(const struct judge *j, enum signature_subject kind, enum finding_code code)
{
	const struct judge_facts *f = &j->facts;
	struct span refuser = explain_judge_host_name(j, j->subject->refused_by);
	struct span peer = explain_judge_host_name(j, peer_host(j));
	if (f->subject.length > 0)
		return f->subject;
	switch (kind) {
	case SIGNATURE_SUBJECT_DOMAIN:
		return code == FINDING_PEER_ANSWERED ? refuser : domain_in_question(j);
	case SIGNATURE_SUBJECT_TARGET:
		if (f->target.length > 0)
			return f->target;
		return f->fqdn_count > 0 ? without_port(f->fqdns[0]) : first_of(f->shown, first_of(f->address, peer));
	case SIGNATURE_SUBJECT_ADDRESS:
		return first_of(f->address, first_of(f->target, first_of(peer, refuser)));
	case SIGNATURE_SUBJECT_PEER:
		return first_of(refuser, first_of(peer, f->address));
	case SIGNATURE_SUBJECT_BOX:
		return explain_judge_host_name(j, logger_of(j));
	case SIGNATURE_SUBJECT_CALLER:
		return j->subject->from;
	case SIGNATURE_SUBJECT_CALLEE:
		return j->subject->to;
	case SIGNATURE_SUBJECT_NONE:
		break;
	}
	return SPAN_NONE;
}

/* ---- how sure ---- */

static bool is_on_a_known_leg(const struct explain_case *c, const struct explain_step *step)
{
	if (step->leg == EXPLAIN_NO_LEG)
		return c->leg_count == 0;
	return step->leg >= c->leg_count || c->legs[step->leg].join != EXPLAIN_JOIN_PARTIES;
}

/* ---- connections of the case ---- */

struct ends {
	const struct record_address *local, *remote;
};

static struct ends ends_of(const struct explain_event *e)
{
	switch (e->kind) {
	case RECORD_MESSAGE:
		return (struct ends){ &e->message.local, &e->message.remote };
	case RECORD_CONNECTION:
		return (struct ends){ &e->record->connection.local, &e->record->connection.remote };
	case RECORD_HANDSHAKE:
		return (struct ends){ &e->record->handshake.local, &e->record->handshake.remote };
	case RECORD_NOTICE:
		return (struct ends){ &e->record->notice.local, &e->record->notice.remote };
	default:
		return (struct ends){ NULL, NULL };
	}
}

static bool is_same_pair(struct ends a, struct ends b)
{
	if (!a.local || !b.local || !a.local->port || !a.remote->port || !a.local->family || !a.remote->family)
		return false;
	return (record_address_equal(a.local, b.local) && record_address_equal(a.remote, b.remote)) ||
	       (record_address_equal(a.local, b.remote) && record_address_equal(a.remote, b.local));
}

/* A node's judgement of this very call names the address that was called. */
static bool is_named(const struct judge *j, const struct record_judgement *r, struct ends ends)
{
	const struct record_address *addresses[] = { ends.local, ends.remote };
	for (size_t i = 0; ends.local && i < BASE_COUNT(addresses); i++) {
		struct span text = judge_show_address(j, addresses[i]);
		for (size_t k = 0; text.length > 0 && k < r->parameters.count; k++)
			if (span_equal(r->parameters.at[k].value, text))
				return true;
	}
	return false;
}

static bool is_of_the_case(const struct judge *j, const struct explain_event *event)
{
	const struct explain_case *c = j->subject;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (c->steps[i].leg == EXPLAIN_NO_LEG || !is_on_a_known_leg(c, &c->steps[i]))
			continue;
		bool is_judged = e->kind == RECORD_JUDGEMENT && is_named(j, &e->record->judgement, ends_of(event));
		if (is_judged || is_same_pair(ends_of(event), ends_of(e)))
			return true;
	}
	return false;
}

/* A node that wrote the same judgement of this very call proves what else only stands near it in time. */
static bool is_judged_so(const struct explain_case *c, enum finding_code code)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_JUDGEMENT && is_on_a_known_leg(c, &c->steps[i]) &&
			signature_judgement_code(&e->record->judgement) == code)
			return true;
	}
	return false;
}

static enum explain_confidence confidence_of(
	const struct judge *j, enum explain_confidence wanted, enum finding_code code)
{
	if (wanted < EXPLAIN_PROVED)
		return wanted;
	for (size_t i = 0; i < j->match.count; i++) {
		const struct explain_step *step = &j->subject->steps[j->match.steps[i]];
		/* A capture shows the certificate; that its date was the reason, nobody says. */
		if (j->match.signature->all[i].sight == SIGNATURE_VERIFY && j->match.events[i]->node.length == 0)
			return EXPLAIN_LIKELY;
		if (!is_on_a_known_leg(j->subject, step) && !is_of_the_case(j, j->match.events[i]) &&
			!is_judged_so(j->subject, code))
			return EXPLAIN_LIKELY;
	}
	return wanted;
}

/* ---- the problem ---- */

void explain_judge_domain(struct judge *j, struct span domain)
{
	struct explain_problem *p = j->problem;
	if (domain.length == 0 || p->domain_count == EXPLAIN_DOMAINS_MAXIMUM)
		return;
	for (size_t i = 0; i < p->domain_count; i++)
		if (span_equal_nocase(p->domains[i], domain))
			return;
	domain = arena_copy(j->arena, domain);
	if (domain.at)
		p->domains[p->domain_count++] = domain;
}

static enum finding_code code_of(const struct judge *j, enum explain_confidence *confidence)
{
	const struct signature *row = j->match.signature;
	if (row->by_result)
		return explain_judge_name_fault(&j->facts, confidence);
	if (row->finding != FINDING_NONE)
		return row->finding;
	return signature_judgement_code(&j->match.events[0]->record->judgement);
}

static struct finding *add_finding(
	const struct judge *j, enum finding_code code, struct span subject, enum finding_who who)
{
	struct finding_list *list = &j->problem->findings;
	list->owner = who == FINDING_YOU ? FINDING_YOU : FINDING_PARTNER;
	struct finding *f = finding_add(list, code, subject);
	f->who = who;
	return f;
}

/* A candidate speaks of what the row's finding would speak of, if it were the cause. */
static struct span candidate_subject(const struct judge *j, enum finding_code code, enum signature_owner owner)
{
	if (code == FINDING_IDENTITY_MISMATCH)
		return j->subject->from;
	if (code == FINDING_FEDERATION_NOT_ENABLED)
		return j->subject->to;
	switch (finding_entry(code)->stage) {
	case FINDING_STAGE_LOOKUP:
	case FINDING_STAGE_DOMAIN:
	case FINDING_STAGE_POLICY:
		return domain_in_question(j);
	case FINDING_STAGE_CERTIFICATE:
		/* Ours that the other side refused; else which name it is, is for the examiner to find. */
		return owner == SIGNATURE_OWNER_LOGGER ? explain_judge_host_name(j, logger_of(j)) : j->facts.target;
	case FINDING_STAGE_CONNECTION:
	case FINDING_STAGE_TLS:
		return first_of(j->facts.address, explain_judge_host_name(j, j->subject->refused_by));
	default:
		return code == FINDING_USER_NOT_FOUND || code == FINDING_NO_RULE_MATCHES
			       ? j->subject->to
			       : explain_judge_host_name(j, j->subject->refused_by);
	}
}

/* What the first request shows to be otherwise is no cause. */
static bool is_ruled_out(const struct judge *j, enum finding_code code)
{
	const struct explain_case *c = j->subject;
	if (code != FINDING_IDENTITY_MISMATCH || c->request >= c->step_count)
		return false;
	const struct explain_event *e = c->steps[c->request].event;
	if (e->kind != RECORD_MESSAGE || !e->message.detail)
		return false;
	struct span asserted = sides_domain(e->message.detail->asserted);
	return asserted.length == 0 || span_equal_nocase(asserted, sides_domain(c->from));
}

static void add_candidates(struct judge *j)
{
	struct explain_problem *p = j->problem;
	const struct signature_cause *causes = j->match.signature->causes;
	for (size_t i = 0; i < SIGNATURE_CAUSES_MAXIMUM && causes[i].code != FINDING_NONE; i++) {
		if (is_ruled_out(j, causes[i].code))
			continue;
		enum finding_who who = who_acts(j, causes[i].owner, causes[i].code);
		struct finding *f =
			add_finding(j, causes[i].code, candidate_subject(j, causes[i].code, causes[i].owner), who);
		if (f->subject.length > 0)
			explain_judge_fixes(j, f);
		p->candidates[p->candidate_count++] = (struct explain_candidate){
			.finding = f,
			.confidence = i == 0 && p->confidence == EXPLAIN_PROVED && !j->match.signature->is_even
					      ? EXPLAIN_LIKELY
					      : EXPLAIN_POSSIBLE,
			.why = arena_copy(j->arena, span_of(causes[i].why)),
		};
	}
}

static void take_match(struct judge *j)
{
	struct explain_problem *p = j->problem;
	const struct signature *row = j->match.signature;
	explain_judge_facts_read(j);
	enum explain_confidence confidence = row->confidence;
	enum finding_code code = code_of(j, &confidence);
	p->confidence = confidence_of(j, confidence, code);
	p->is_federation = !row->is_inside && j->subject->kind != EXPLAIN_REGISTRATION;
	p->failing = j->subject->refusal != EXPLAIN_NO_STEP ? j->subject->refusal : j->match.steps[0];
	struct finding *f =
		add_finding(j, code, explain_judge_subject(j, row->subject, code), who_acts(j, row->owner, code));
	explain_judge_values(j, f);
	explain_judge_evidence(j, f);
	explain_judge_observed(j, f);
	explain_judge_fixes(j, f);
	p->finding = f;
	add_candidates(j);
}

static bool has_failed(const struct explain_case *c)
{
	return c->outcome == EXPLAIN_FAILED || (c->outcome == EXPLAIN_UNKNOWN && c->status >= 300);
}

/* ---- what is none of SIP ---- */

/* 5065 and from 7001 on are the ports that edges and traversal zones are given besides those of RFC 3261. */
static bool is_sip_port(uint16_t port)
{
	return port == 0 || (port >= 5060 && port <= 5062) || port == 5065 || port >= 7001;
}

static uint16_t server_port(const struct explain_event *e)
{
	struct ends ends = ends_of(e);
	bool called = e->kind == RECORD_CONNECTION ? e->record->connection.role == RECORD_CLIENT
						   : e->record->handshake.role == RECORD_CLIENT;
	return called ? ends.remote->port : ends.local->port;
}

/* Somebody's connection to a web server, or anything else that no SIP goes over. */
static bool is_foreign(const struct explain_case *c)
{
	bool is_seen = false;
	if (c->kind != EXPLAIN_CONNECTION)
		return false;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind == RECORD_DNS_QUERY || e->kind == RECORD_DNS_ANSWER)
			continue;
		if (e->kind != RECORD_CONNECTION && e->kind != RECORD_HANDSHAKE)
			return false;
		if (is_sip_port(server_port(e)))
			return false;
		is_seen = true;
	}
	return is_seen;
}

static bool is_directly_under(struct span name, struct span domain)
{
	name = without_port(name);
	if (span_ends_nocase(name, SPAN(".")))
		name = span_first(name, name.length - 1);
	if (domain.length == 0 || name.length < domain.length + 2 || !span_ends_nocase(name, domain))
		return false;
	return span_find(name, '.') == name.length - domain.length - 1;
}

/* What a refusal says is not taken for proved against the names that it gives itself. */
static bool names_target_inside(struct judge *j)
{
	explain_judge_facts_read(j);
	for (size_t i = 0; i < j->facts.fqdn_count; i++)
		if (is_directly_under(j->facts.fqdns[i], j->facts.domain))
			return true;
	return false;
}

static bool is_domain_of(struct span domain, struct span uri)
{
	struct span own = sides_domain(uri);
	struct span longer = own.length > domain.length ? own : domain, other = longer.at == own.at ? domain : own;
	return own.length == 0 || span_equal_nocase(own, domain) ||
	       (span_ends_nocase(longer, other) && longer.at[longer.length - other.length - 1] == '.');
}

/* What an edge says of a domain that has no part in the call is no fault of either side. */
static bool names_third_domain(struct judge *j)
{
	const struct explain_case *c = j->subject;
	explain_judge_facts_read(j);
	struct span domain = j->facts.domain;
	if (domain.length == 0 || is_domain_of(domain, c->from) || is_domain_of(domain, c->to) ||
		is_domain_of(domain, j->sides.caller) || is_domain_of(domain, j->sides.callee))
		return false;
	for (uint32_t i = 0; i < c->leg_count; i++)
		if (is_domain_of(domain, c->legs[i].from_uri) || is_domain_of(domain, c->legs[i].to_uri))
			return false;
	return true;
}

static void find_match(struct judge *j)
{
	size_t count;
	const struct signature *table = signature_table(&count);
	bool outside = j->subject->refused_by != EXPLAIN_NO_STEP &&
		       sides_of_host(&j->sides, j->subject->refused_by) == other_side(j->sides.own);
	for (size_t i = 0; i < count; i++) {
		if (!signature_matches(&table[i], j->subject, outside, &j->match) ||
			(table[i].is_outside && names_target_inside(j)) ||
			(table[i].is_of_a_side && names_third_domain(j)) ||
			(table[i].is_third && !names_third_domain(j)))
			continue;
		take_match(j);
		return;
	}
	j->problem->failing = j->subject->refusal;
}

int explain_judge(const struct explain_judge_settings *settings, const struct explain_case *c, struct arena *arena,
	struct explain_problem **ret_problem)
{
	struct explain_problem *p = arena_zero(arena, sizeof(*p));
	*ret_problem = NULL;
	if (!p)
		return -ENOMEM;
	struct judge j = { .settings = settings, .subject = c, .arena = arena, .problem = p };
	p->subject = c;
	p->failing = EXPLAIN_NO_STEP;
	finding_list_init(&p->findings, arena, FINDING_PARTNER);
	sides_find(c, settings, &j.sides);
	if (has_failed(c) && !is_foreign(c))
		find_match(&j);
	explain_judge_sentence(&j);
	explain_judge_why(&j);
	if (p->finding)
		explain_judge_next(&j);
	p->own_file = j.sides.own_file;
	if (j.sides.own_is_known)
		p->own = arena_copy(arena, j.sides.own == SIDE_CALLER ? j.sides.caller : j.sides.callee);
	if (p->findings.incomplete || !p->sentence.at)
		return -ENOMEM;
	*ret_problem = p;
	return 0;
}
