/* SPDX-License-Identifier: Apache-2.0 */
/* R2, R5, R6 of docs/rules.md: from a domain to the servers that may speak for it. */
#include "base/buffer.h"
#include "base/require.h"
#include "finding/remedy.h"
#include "trust/judge.h"
#include "trust/names.h"
#include "trust/words.h"

#include <errno.h>

static struct span service_of(const struct trust_domain *facts)
{
	return facts->service.length ? facts->service : SPAN(TRUST_SERVICE);
}

static void judge_blocked(const struct trust_judge *judge, struct span domain)
{
	struct finding *f = finding_add(judge->findings, FINDING_DOMAIN_BLOCKED, domain);
	finding_value(f, "domain", domain);
	finding_observed(f, SPAN("the domain is on the list of blocked domains"));
	finding_fix(f, FINDING_YOU, "the configuration",
		words_printf(judge, "if it is not meant, take %.*s off trust: blocked", SPAN_PRINT(domain)));
}

static void judge_not_allowed(const struct trust_judge *judge, struct span domain)
{
	struct finding *f = finding_add(judge->findings, FINDING_DOMAIN_NOT_ALLOWED, domain);
	finding_value(f, "domain", domain);
	finding_observed(f, SPAN("the domain is not on the list of allowed domains"));
	struct finding_fix *fix =
		finding_fix(f, FINDING_YOU, "the configuration", SPAN("allow the domain, or set discover: yes"));
	finding_fix_line(fix, "trust: {allowed: [%.*s]}", SPAN_PRINT(words_name(domain, "DOMAIN")));
}

bool trust_judge_lists(const struct trust_judge *judge, struct span domain, struct trust_plan *ret_plan)
{
	struct trust_plan plan = { .domain = domain, .standing = trust_policy_standing(judge->policy, domain) };
	switch (plan.standing) {
	case TRUST_STANDING_BLOCKED:
		judge_blocked(judge, domain);
		break;
	case TRUST_STANDING_NOT_ALLOWED:
		judge_not_allowed(judge, domain);
		break;
	case TRUST_STANDING_CONFIGURED: {
		const struct trust_partner *partner = trust_policy_partner(judge->policy, domain);
		struct trust_candidate *candidate = arena_zero(judge->findings->arena, sizeof(*candidate));
		if (!candidate)
			break; /* not accepted: without a candidate nobody can be called or matched */
		candidate->kind = TRUST_CANDIDATE_SERVER;
		candidate->domain = domain;
		candidate->name = trust_name_strip(partner->server);
		candidate->port = partner->port ? partner->port : TRUST_DEFAULT_PORT;
		plan.candidates = candidate;
		plan.candidate_count = 1;
		plan.accepted = true;
		break;
	}
	default:
		return false;
	}
	*ret_plan = plan;
	return true;
}

/* "_sipfederationtls._tcp.a.example. 300 IN SRV 0 0 5061 vcse.a.example." *ret_target: the last word. */
static struct span record_text(const struct trust_judge *judge, const struct trust_domain *facts,
	const struct trust_srv *record, struct span *ret_target)
{
	struct span text = words_printf(judge, "%.*s.%.*s. %u IN SRV %u %u %u %.*s.", SPAN_PRINT(service_of(facts)),
		SPAN_PRINT(facts->domain), (unsigned)record->ttl_s, (unsigned)record->priority,
		(unsigned)record->weight, (unsigned)record->port, SPAN_PRINT(record->target));
	*ret_target = text.at ? span_from(text, text.length - record->target.length - 1) : SPAN_NONE;
	return text;
}

static struct span question_text(const struct trust_judge *judge, const struct trust_domain *facts, const char *answer)
{
	return words_printf(
		judge, "%.*s.%.*s. IN SRV: %s", SPAN_PRINT(service_of(facts)), SPAN_PRINT(facts->domain), answer);
}

static struct span address_for_fix(const struct trust_domain *facts, struct span host)
{
	for (size_t i = 0; i < facts->host_count; i++)
		if (trust_name_equal(facts->hosts[i].name, host) && facts->hosts[i].address_count > 0)
			return facts->hosts[i].addresses[0].text;
	return SPAN("ADDRESS");
}

static struct span label_for_fix(const struct trust_domain *facts, struct span old_target)
{
	bool apex = trust_domain_compare(facts->domain, old_target) == TRUST_DOMAIN_APEX;
	return words_first_label(apex ? SPAN_NONE : old_target);
}

/* The two zone lines that make the domain right: a host of this label directly under it. */
static void fix_records(
	struct finding *f, const struct trust_domain *facts, struct span title, struct span old_target, uint16_t port)
{
	remedy_records(f, &(struct remedy_records){ .title = title,
				  .service = service_of(facts),
				  .domain = facts->domain,
				  .label = label_for_fix(facts, old_target),
				  .address = address_for_fix(facts, old_target),
				  .port = port });
}

static void judge_missing(const struct trust_judge *judge, const struct trust_domain *facts)
{
	struct finding *f = finding_add(judge->findings, FINDING_SRV_MISSING, facts->domain);
	enum trust_lookup_status status = facts->lookup.status;
	const char *answer = trust_lookup_status_name(
		status == TRUST_LOOKUP_OK ? TRUST_LOOKUP_NODATA : status); /* an empty answer */
	finding_value(f, "domain", facts->domain);
	finding_observed(f,
		words_printf(judge, "%s %.*s.%.*s", answer, SPAN_PRINT(service_of(facts)), SPAN_PRINT(facts->domain)));
	finding_expected(f, words_printf(judge, "an SRV record to a host directly under %.*s, port 5061",
				    SPAN_PRINT(facts->domain)));
	finding_evidence(f, FINDING_EVIDENCE_DNS, question_text(judge, facts, answer), SPAN_NONE, SPAN_NONE);
	fix_records(f, facts, SPAN("publish the record, and put its target into the certificate"), SPAN_NONE,
		TRUST_DEFAULT_PORT);
	words_mail(judge, f);
}

static void judge_declined(const struct trust_judge *judge, const struct trust_domain *facts)
{
	struct finding *f = finding_add(judge->findings, FINDING_SRV_DECLINED, facts->domain);
	finding_value(f, "domain", facts->domain);
	finding_observed(f, SPAN("the only target is \".\": no such service here (RFC 2782)"));
	finding_expected(f, words_printf(judge, "a host directly under %.*s", SPAN_PRINT(facts->domain)));
	struct span target;
	struct span text = record_text(judge, facts, &facts->records[0], &target);
	finding_evidence(f, FINDING_EVIDENCE_DNS, text, target, SPAN("decidedly no service"));
	fix_records(f, facts, SPAN("if the domain wants calls, replace the record"), SPAN_NONE, TRUST_DEFAULT_PORT);
	words_mail(judge, f);
}

static void judge_lookup_failed(const struct trust_judge *judge, struct span domain, const struct trust_domain *facts)
{
	struct finding *f = finding_add(judge->findings, FINDING_SRV_LOOKUP_FAILED, domain);
	const char *answer = facts ? trust_lookup_status_name(facts->lookup.status) : "not asked";
	finding_value(f, "domain", domain);
	if (facts && facts->lookup.why.length)
		finding_observed(f, words_printf(judge, "%s: %.*s", answer, SPAN_PRINT(facts->lookup.why)));
	else
		finding_observed(f, span_of(answer));
	finding_expected(f, SPAN("an answer, be it that there is no record"));
	if (facts)
		finding_evidence(f, FINDING_EVIDENCE_DNS, question_text(judge, facts, answer), SPAN_NONE, SPAN_NONE);
	remedy_ask(f, "SRV", TRUST_SERVICE ".", domain);
	if (facts && facts->lookup.status == TRUST_LOOKUP_BOGUS)
		finding_fix(f, FINDING_OWNER, "DNS",
			SPAN("repair DNSSEC of the zone: the signatures do not fit what the parent zone says"));
}

/* What the carets say of a target outside the domain. */
static struct span outside_note(const struct trust_judge *judge, struct span domain, struct span target)
{
	size_t more = trust_name_labels(target) - trust_name_labels(domain);
	static const char *const numbers[] = { "", "one", "two", "three", "four" };
	switch (trust_domain_compare(domain, target)) {
	case TRUST_DOMAIN_BELOW:
		if (more < BASE_COUNT(numbers))
			return words_printf(judge, "one label under %.*s is allowed, this has %s", SPAN_PRINT(domain),
				numbers[more]);
		return words_printf(judge, "one label under %.*s is allowed, this has %zu", SPAN_PRINT(domain), more);
	case TRUST_DOMAIN_ABOVE:
		return words_printf(judge, "this is in a domain above %.*s", SPAN_PRINT(domain));
	case TRUST_DOMAIN_APEX:
		return SPAN("this is the domain itself, without a host name in front");
	default:
		return words_printf(judge, "this is in another domain, not in %.*s", SPAN_PRINT(domain));
	}
}

static void add_target(const struct trust_judge *judge, struct finding *f, const struct trust_domain *facts,
	const struct trust_srv *record)
{
	struct span target;
	struct span text = record_text(judge, facts, record, &target);
	finding_evidence(f, FINDING_EVIDENCE_DNS, text, target, outside_note(judge, facts->domain, record->target));
	finding_value(f, "fqdn", words_printf(judge, "%.*s:%u", SPAN_PRINT(record->target), (unsigned)record->port));
}

static struct span targets_text(const struct trust_judge *judge, const struct trust_domain *facts)
{
	struct buffer text;
	buffer_init(&text, 4096);
	for (size_t i = 0; i < facts->record_count; i++)
		buffer_printf(&text, "%s%.*s:%u", i ? ", " : "", SPAN_PRINT(facts->records[i].target),
			(unsigned)facts->records[i].port);
	struct span copy = arena_copy(judge->findings->arena, buffer_span(&text));
	buffer_done(&text);
	return copy;
}

/* No target is in the domain: the apex alone is a verdict of its own, for nobody documents it. */
static void judge_outside(const struct trust_judge *judge, const struct trust_domain *facts)
{
	bool only_apex = true;
	for (size_t i = 0; i < facts->record_count; i++)
		only_apex &= trust_domain_compare(facts->domain, facts->records[i].target) == TRUST_DOMAIN_APEX;
	struct finding *f = finding_add(judge->findings,
		only_apex ? FINDING_SRV_TARGET_IS_DOMAIN : FINDING_SRV_TARGET_OUTSIDE_DOMAIN, facts->domain);
	f->severity = FINDING_ERROR;
	f->suppresses = finding_entry(FINDING_SRV_TARGET_OUTSIDE_DOMAIN)->suppresses;
	finding_value(f, "domain", facts->domain);
	for (size_t i = 0; i < facts->record_count; i++)
		add_target(judge, f, facts, &facts->records[i]);
	finding_observed(f, targets_text(judge, facts));
	finding_expected(
		f, words_printf(judge, "a host with exactly one label in front of %.*s", SPAN_PRINT(facts->domain)));
	fix_records(f, facts,
		SPAN("point the record at a name directly under the domain, then put that name into the certificate"),
		facts->records[0].target, facts->records[0].port);
	words_mail(judge, f);
}

void trust_judge_proposal(const struct trust_judge *judge, struct finding *f, const struct trust_domain *facts,
	const struct trust_chain *chain)
{
	if (chain->count == 0 || facts->record_count == 0)
		return;
	const struct trust_certificate *leaf = &chain->certificates[0];
	struct span name = words_printf(judge, "%.*s.%.*s", SPAN_PRINT(label_for_fix(facts, facts->records[0].target)),
		SPAN_PRINT(words_name(facts->domain, "DOMAIN")));
	enum trust_name_match match = trust_certificate_covers(leaf, name);
	if (match == TRUST_NAME_EXACT || match == TRUST_NAME_COMMON) {
		struct span mark;
		struct span text = words_certificate(judge, leaf, &mark);
		finding_evidence(f, FINDING_EVIDENCE_CERTIFICATE, text, SPAN_NONE,
			words_printf(judge, "%.*s is in the certificate already", SPAN_PRINT(name)));
		return;
	}
	words_request(f, leaf,
		&(struct words_wish){
			.title = words_printf(judge, "then request one that contains %.*s", SPAN_PRINT(name)),
			.name = name });
}

/* Where there is a good target, the others are worth a warning only. */
static void warn_record(const struct trust_judge *judge, enum finding_code code, const struct trust_domain *facts,
	const struct trust_srv *record)
{
	struct finding *f = finding_add(judge->findings, code, facts->domain);
	finding_value(f, "domain", facts->domain);
	add_target(judge, f, facts, record);
	finding_observed(f, record->target);
	finding_expected(
		f, words_printf(judge, "a host with exactly one label in front of %.*s", SPAN_PRINT(facts->domain)));
	words_fix(f, "DNS",
		words_printf(judge, "remove the record, or point it at a host directly under %.*s",
			SPAN_PRINT(facts->domain)));
}

static void warn_port(const struct trust_judge *judge, const struct trust_domain *facts, const struct trust_srv *record)
{
	struct finding *f = finding_add(judge->findings, FINDING_SRV_PORT_UNUSUAL, record->target);
	struct span target;
	struct span text = record_text(judge, facts, record, &target);
	struct span port = words_printf(judge, "%u", (unsigned)record->port);
	struct span mark = text.at && port.at ? span_make(target.at - port.length - 1, port.length) : SPAN_NONE;
	finding_evidence(f, FINDING_EVIDENCE_DNS, text, mark, SPAN("partners expect 5061"));
	finding_observed(f, port);
	finding_expected(f, SPAN("5061"));
	struct finding_fix *fix = words_fix(f, "DNS", SPAN("let the edge listen on 5061 and say so in the record"));
	finding_fix_line(fix, "%.*s.%.*s.\t300 IN SRV\t%u %u 5061 %.*s.", SPAN_PRINT(service_of(facts)),
		SPAN_PRINT(words_name(facts->domain, "DOMAIN")), (unsigned)record->priority, (unsigned)record->weight,
		SPAN_PRINT(words_name(record->target, "TARGET")));
}

/* R2 for one record: does it become a candidate, and of which kind? */
static bool record_counts(const struct trust_judge *judge, const struct trust_domain *facts,
	const struct trust_srv *record, enum trust_candidate_kind *ret_kind)
{
	if (judge->policy->kind != TRUST_POLICY_MICROSOFT) {
		*ret_kind = TRUST_CANDIDATE_ANY;
		return true;
	}
	if (trust_policy_is_provider(judge->policy, record->target)) {
		*ret_kind = TRUST_CANDIDATE_PROVIDER;
		return true;
	}
	*ret_kind = TRUST_CANDIDATE_IN_DOMAIN;
	enum trust_domain_match match = trust_domain_compare(facts->domain, record->target);
	return match == TRUST_DOMAIN_IN || (match == TRUST_DOMAIN_APEX && judge->policy->apex_targets);
}

static size_t collect(
	const struct trust_judge *judge, const struct trust_domain *facts, struct trust_candidate *candidates)
{
	size_t count = 0;
	for (size_t i = 0; i < facts->record_count; i++) {
		const struct trust_srv *record = &facts->records[i];
		enum trust_candidate_kind kind;
		if (record->target.length == 0 || !record_counts(judge, facts, record, &kind))
			continue;
		candidates[count++] = (struct trust_candidate){
			.kind = kind,
			.domain = facts->domain,
			.name = trust_name_strip(record->target),
			.port = record->port,
			.priority = record->priority,
			.weight = record->weight,
			.secure = facts->lookup.secure,
		};
	}
	return count;
}

static void warn_about_records(const struct trust_judge *judge, const struct trust_domain *facts)
{
	for (size_t i = 0; i < facts->record_count; i++) {
		const struct trust_srv *record = &facts->records[i];
		enum trust_candidate_kind kind;
		if (record->target.length == 0)
			continue;
		bool counts = record_counts(judge, facts, record, &kind);
		bool apex = judge->policy->kind == TRUST_POLICY_MICROSOFT && kind == TRUST_CANDIDATE_IN_DOMAIN &&
			    trust_domain_compare(facts->domain, record->target) == TRUST_DOMAIN_APEX;
		if (apex)
			warn_record(judge, FINDING_SRV_TARGET_IS_DOMAIN, facts, record);
		else if (!counts)
			warn_record(judge, FINDING_SRV_TARGET_PARTLY_OUTSIDE, facts, record);
		if (counts && record->port != TRUST_DEFAULT_PORT)
			warn_port(judge, facts, record);
	}
}

static bool names_the_same(const struct trust_srv *a, const struct trust_srv *b)
{
	return a->port == b->port && trust_name_equal(a->target, b->target);
}

/* The first record whose server an earlier one names; the rest of them is the same story. */
static void note_duplicates(const struct trust_judge *judge, const struct trust_domain *facts)
{
	for (size_t i = 1; i < facts->record_count; i++) {
		const struct trust_srv *record = &facts->records[i];
		size_t k = 0;
		while (k < i && !names_the_same(&facts->records[k], record))
			k++;
		if (k == i)
			continue;
		struct finding *f = finding_add(judge->findings, FINDING_SRV_RECORDS_DUPLICATE, facts->domain);
		struct span target;
		struct span text = record_text(judge, facts, &facts->records[k], &target);
		finding_evidence(f, FINDING_EVIDENCE_DNS, text, SPAN_NONE, SPAN_NONE);
		text = record_text(judge, facts, record, &target);
		finding_evidence(f, FINDING_EVIDENCE_DNS, text, target, SPAN("the same server again"));
		finding_observed(f, record->target);
		words_fix(f, "DNS", SPAN("remove one of the records, or point it at another server"));
		return;
	}
}

static bool all_declined(const struct trust_domain *facts)
{
	for (size_t i = 0; i < facts->record_count; i++)
		if (facts->records[i].target.length > 0)
			return false;
	return true;
}

static void warn_cut(const struct trust_judge *judge, const struct trust_domain *facts)
{
	struct finding *f = finding_add(judge->findings, FINDING_SRV_RECORDS_CUT, facts->domain);
	finding_observed(
		f, words_printf(judge, "more than %zu records, or some that could not be read", facts->record_count));
	words_fix(f, "DNS", SPAN("remove the records of servers that are gone"));
}

/* No server among the records that were kept: one of the others could name it. */
static void judge_unseen(const struct trust_judge *judge, const struct trust_domain *facts)
{
	struct finding *f = finding_add(judge->findings, FINDING_EXAMINATION_CUT, facts->domain);
	f->status = finding_entry(FINDING_SRV_LOOKUP_FAILED)->status;
	f->suppresses = finding_entry(FINDING_SRV_LOOKUP_FAILED)->suppresses;
	finding_value(f, "domain", facts->domain);
	finding_observed(f,
		words_printf(judge, "%zu SRV records were looked at, none names a server of the domain; there are more",
			facts->record_count));
	finding_expected(f, SPAN("every record seen, or a right one among the first"));
}

static int judge_records(const struct trust_judge *judge, const struct trust_domain *facts, struct trust_plan *plan)
{
	struct trust_candidate *candidates =
		arena_allocate(judge->findings->arena, (facts->record_count + 1) * sizeof(*candidates));
	if (!candidates)
		return -ENOMEM;
	size_t count = collect(judge, facts, candidates);
	if (facts->cut)
		warn_cut(judge, facts);
	if (count == 0 && facts->cut) {
		judge_unseen(judge, facts);
		plan->undecided = true;
		return 0;
	}
	if (count == 0) {
		judge_outside(judge, facts);
		return 0;
	}
	warn_about_records(judge, facts);
	note_duplicates(judge, facts);
	trust_order_candidates(candidates, count, judge->random);
	plan->candidates = candidates;
	plan->candidate_count = count;
	plan->accepted = true;
	return 0;
}

int trust_judge_domain(const struct trust_judge *judge, struct span domain, const struct trust_domain *facts,
	struct trust_plan *ret_plan)
{
	if (trust_judge_lists(judge, domain, ret_plan))
		return ret_plan->standing == TRUST_STANDING_CONFIGURED && !ret_plan->accepted ? -ENOMEM : 0;
	struct trust_plan plan = { .domain = domain, .standing = trust_policy_standing(judge->policy, domain) };
	enum trust_lookup_status status = facts ? facts->lookup.status : TRUST_LOOKUP_NOT_ASKED;
	int result = 0;
	if (status == TRUST_LOOKUP_NODATA || status == TRUST_LOOKUP_NXDOMAIN ||
		(status == TRUST_LOOKUP_OK && facts->record_count == 0 && !facts->cut)) {
		judge_missing(judge, facts);
	} else if (status != TRUST_LOOKUP_OK) {
		judge_lookup_failed(judge, domain, facts);
		plan.undecided = true;
	} else if (all_declined(facts) && !facts->cut) {
		judge_declined(judge, facts);
	} else {
		result = judge_records(judge, facts, &plan);
	}
	*ret_plan = plan;
	return result;
}

bool trust_judge_destination(const struct trust_judge *judge, struct span domain)
{
	if (trust_policy_is_own(judge->policy, domain))
		return true;
	struct finding *f = finding_add(judge->findings, FINDING_DOMAIN_NOT_OURS, domain);
	finding_observed(f, domain);
	finding_expected(f, SPAN("one of this node's SIP domains"));
	struct finding_fix *fix =
		finding_fix(f, FINDING_YOU, "the configuration", SPAN("if the domain is yours, serve it"));
	finding_fix_line(fix, "domains: [%.*s]", SPAN_PRINT(words_name(domain, "DOMAIN")));
	return false;
}
