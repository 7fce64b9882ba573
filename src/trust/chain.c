/* SPDX-License-Identifier: Apache-2.0 */
/* R3, R4, R8 of docs/rules.md: the certificate that a peer showed. */
#include "base/require.h"
#include "trust/judge.h"
#include "trust/names.h"
#include "trust/tlsa.h"
#include "trust/trial.h"
#include "trust/words.h"

#define RSA_BITS_MINIMUM 2048
#define EC_BITS_MINIMUM 224
#define DAY_S 86400

struct finding *trial_add(struct trial *t, enum finding_code code, struct span subject)
{
	struct finding *f = finding_add(t->judge->findings, code, subject);
	finding_value(f, "tls-target", t->target);
	if (t->leaf)
		finding_value(f, "PeerServer", trust_certificate_name(t->leaf));
	if (finding_entry(code)->severity == FINDING_ERROR)
		t->failed = true;
	return f;
}

void trial_evidence(struct trial *t, struct finding *f, struct span note)
{
	struct span mark;
	struct span text = words_certificate(t->judge, t->leaf, &mark);
	finding_evidence(f, FINDING_EVIDENCE_CERTIFICATE, text, note.length ? mark : SPAN_NONE, note);
}

/* ---- dates ---- */

static void date_finding(
	struct trial *t, enum finding_code code, const struct trust_certificate *c, struct span observed)
{
	struct finding *f = trial_add(t, code, t->target);
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(f, observed);
	finding_expected(f, words_printf(t->judge, "valid on %.*s", SPAN_PRINT(words_date(t->judge, t->judge->now_s))));
	if (code == FINDING_CERTIFICATE_NOT_YET_VALID)
		words_fix(f, "the certificate",
			SPAN("compare the clocks; if they are right, wait or have it issued anew"));
	else if (c == t->leaf)
		words_request(f, t->leaf,
			&(struct words_wish){ .title = SPAN("renew it, and load it into the edge"),
				.name = t->target,
				.usages = true });
	else
		words_fix(f, "the server", SPAN("replace that issuer's certificate in the file by the current one"));
	words_mail(t->judge, f);
}

static struct span date_words(struct trial *t, const struct trust_certificate *c, const char *what, int64_t when_s)
{
	struct span date = words_date(t->judge, when_s);
	if (c == t->leaf)
		return words_printf(t->judge, "the certificate %s %.*s", what, SPAN_PRINT(date));
	return words_printf(t->judge, "the issuer %.*s %s %.*s", SPAN_PRINT(c->subject), what, SPAN_PRINT(date));
}

static void warn_expiry(struct trial *t)
{
	int64_t soon_s = t->judge->policy->expires_soon_s ? t->judge->policy->expires_soon_s : TRUST_EXPIRES_SOON_S;
	int64_t left_s;
	if (__builtin_sub_overflow(t->leaf->not_after_s, t->judge->now_s, &left_s) || soon_s < 0 || left_s >= soon_s)
		return;
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_EXPIRES_SOON, t->target);
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(
		f, words_printf(t->judge, "valid until %.*s, %lld days left",
			   SPAN_PRINT(words_date(t->judge, t->leaf->not_after_s)), (long long)(left_s / DAY_S)));
	finding_expected(f, words_printf(t->judge, "at least %lld days left", (long long)(soon_s / DAY_S)));
	words_request(f, t->leaf,
		&(struct words_wish){ .title = SPAN("renew it before that day"), .name = t->target, .usages = true });
}

/* Not of what was merely sent along: a certificate that signed none of the others, or a root that is not the one the
 * chain ends in. Verifiers pass them over, and old ones lie about in many chain files. */
static bool dates_count(const struct trust_chain *chain, size_t i)
{
	const struct trust_certificate *c = &chain->certificates[i];
	if (i == 0)
		return true;
	if (c->self_signed && chain->authority.length > 0)
		return span_equal(c->subject, chain->authority);
	return trial_is_issuer(chain, i);
}

static void judge_dates(struct trial *t)
{
	for (size_t i = 0; i < t->chain->count; i++) {
		const struct trust_certificate *c = &t->chain->certificates[i];
		if (!dates_count(t->chain, i))
			continue;
		if (t->judge->now_s > c->not_after_s) {
			date_finding(t, FINDING_CERTIFICATE_EXPIRED, c, date_words(t, c, "ended on", c->not_after_s));
			return;
		}
		if (t->judge->now_s < c->not_before_s) {
			date_finding(t, FINDING_CERTIFICATE_NOT_YET_VALID, c,
				date_words(t, c, "begins on", c->not_before_s));
			return;
		}
	}
	warn_expiry(t);
}

/* ---- usage ---- */

static struct span usage_words(const struct trial *t)
{
	unsigned usage = t->leaf->usage;
	return words_printf(t->judge, "extended key usage:%s%s%s", usage & TRUST_USAGE_SERVER ? " serverAuth" : "",
		usage & TRUST_USAGE_CLIENT ? " clientAuth" : "", usage & TRUST_USAGE_OTHER ? " others" : "");
}

static void usage_finding(struct trial *t, enum finding_code code, const char *wanted, bool is_error)
{
	struct finding *f = trial_add(t, code, t->target);
	f->severity = is_error ? FINDING_ERROR : FINDING_WARNING;
	t->failed |= is_error;
	trial_evidence(t, f, SPAN_NONE);
	finding_observed(f, usage_words(t));
	finding_expected(f, words_printf(t->judge, "%s among them, or no such extension", wanted));
	words_request(f, t->leaf,
		&(struct words_wish){ .title = words_printf(t->judge, "request it with %s", wanted),
			.name = t->target,
			.usages = true });
	if (is_error)
		words_mail(t->judge, f);
}

static void judge_usage(struct trial *t)
{
	unsigned usage = t->leaf->usage;
	bool any = usage == TRUST_USAGE_ABSENT || (usage & TRUST_USAGE_ANY);
	if (!any && !t->chain->seen_as_client && !(usage & TRUST_USAGE_SERVER))
		usage_finding(t, FINDING_CERTIFICATE_NO_SERVER_USAGE, "serverAuth", true);
	if (!any && !(usage & TRUST_USAGE_CLIENT))
		usage_finding(t, FINDING_CERTIFICATE_NO_CLIENT_USAGE, "clientAuth",
			t->chain->seen_as_client && t->judge->policy->require_client_usage);
}

/* ---- names ---- */

static bool name_counts(const struct trial *t, enum trust_name_match match)
{
	return match == TRUST_NAME_EXACT || match == TRUST_NAME_COMMON ||
	       (match == TRUST_NAME_WILDCARD && t->judge->policy->wildcards);
}

static const enum finding_code name_faults[] = {
	[TRUST_NAME_WILDCARD] = FINDING_CERTIFICATE_WILDCARD_ONLY,
	[TRUST_NAME_COMMON_IGNORED] = FINDING_CERTIFICATE_CN_IGNORED,
	[TRUST_NAME_NONE] = FINDING_CERTIFICATE_NAME_MISMATCH,
};

static struct span name_note(const struct trial *t, enum trust_name_match match, struct span name)
{
	switch (match) {
	case TRUST_NAME_WILDCARD:
		return words_printf(t->judge, "only a wildcard covers %.*s", SPAN_PRINT(name));
	case TRUST_NAME_COMMON_IGNORED:
		return words_printf(
			t->judge, "%.*s is not among them, and the CN does not count beside them", SPAN_PRINT(name));
	default:
		return words_printf(t->judge, "%.*s is not in it", SPAN_PRINT(name));
	}
}

static struct span names_seen(const struct trial *t)
{
	struct span mark;
	words_certificate(t->judge, t->leaf, &mark);
	return mark;
}

static void judge_name_fault(struct trial *t, enum trust_name_match match, struct span name)
{
	t->target = name;
	struct finding *f = trial_add(t, name_faults[match], name);
	trial_evidence(t, f, name_note(t, match, name));
	finding_observed(f, names_seen(t));
	finding_expected(f, words_printf(t->judge, "DNS:%.*s", SPAN_PRINT(name)));
	words_request(f, t->leaf,
		&(struct words_wish){ .title = words_printf(t->judge, "request one that contains %.*s",
					      SPAN_PRINT(words_name(name, "NAME"))),
			.name = name });
	words_mail(t->judge, f);
}

/* R4: one candidate must be covered; of several faults the one nearest to right is told. */
static void judge_names(struct trial *t, const struct trust_candidate *candidates, size_t count)
{
	enum trust_name_match best = TRUST_NAME_NONE;
	struct span name = t->target;
	for (size_t i = 0; i < count; i++) {
		enum trust_name_match match = trust_certificate_covers(t->leaf, candidates[i].name);
		if (name_counts(t, match))
			return;
		if (match >= best)
			continue;
		best = match;
		name = candidates[i].name;
	}
	judge_name_fault(t, best, name);
}

/* RFC 5922 7.1, 7.2: sip: URIs first; DNS names only where there is none; CN only without names. */
static bool names_domain(const struct trust_certificate *c, struct span domain)
{
	bool has_sip = false;
	for (size_t i = 0; i < c->uri_name_count; i++) {
		struct span uri = c->uri_names[i];
		if (!span_starts_nocase(uri, SPAN("sip:")))
			continue;
		has_sip = true;
		/* A user part makes it somebody's address, not a domain: it does not compare equal. */
		if (trust_name_equal(span_from(uri, 4), domain))
			return true;
	}
	if (has_sip)
		return false;
	for (size_t i = 0; i < c->dns_name_count; i++)
		if (trust_name_equal(c->dns_names[i], domain))
			return true;
	return !c->has_names && trust_name_equal(c->common_name, domain);
}

static void judge_domain_name(struct trial *t)
{
	if (names_domain(t->leaf, t->domain))
		return;
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_DOMAIN_MISMATCH, t->domain);
	trial_evidence(t, f, words_printf(t->judge, "%.*s is not named", SPAN_PRINT(t->domain)));
	finding_observed(f, names_seen(t));
	finding_expected(
		f, words_printf(t->judge, "URI:sip:%.*s or DNS:%.*s", SPAN_PRINT(t->domain), SPAN_PRINT(t->domain)));
	words_request(f, t->leaf,
		&(struct words_wish){ .title = words_printf(t->judge, "request one that also names sip:%.*s",
					      SPAN_PRINT(words_name(t->domain, "DOMAIN"))),
			.name = t->target,
			.domain = t->domain });
	words_mail(t->judge, f);
}

/* ---- strength ---- */

static const char *weakness(const struct trust_certificate *c)
{
	if (c->signature_weak && !c->self_signed)
		return "a weak signature";
	if (c->key_kind == TRUST_KEY_RSA && c->key_bits < RSA_BITS_MINIMUM)
		return "an RSA key that is too short";
	if (c->key_kind == TRUST_KEY_EC && c->key_bits < EC_BITS_MINIMUM)
		return "an EC key that is too short";
	return NULL;
}

static void judge_strength(struct trial *t)
{
	for (size_t i = 0; i < t->chain->count; i++) {
		const struct trust_certificate *c = &t->chain->certificates[i];
		const char *what = weakness(c);
		if (!what)
			continue;
		struct finding *f = trial_add(t, FINDING_CERTIFICATE_WEAK, t->target);
		trial_evidence(t, f, SPAN_NONE);
		finding_observed(f, words_printf(t->judge, "%s: %u bits, %.*s", what, (unsigned)c->key_bits,
					    SPAN_PRINT(c->signature)));
		finding_expected(f, SPAN("RSA 2048 or EC 224 and more, signed with SHA-256 or better"));
		words_request(f, t->leaf,
			&(struct words_wish){ .title = SPAN("have it issued anew with a key and signature of today"),
				.name = t->target,
				.usages = true });
		return;
	}
}

/* ---- dane ---- */

static void judge_dane(struct trial *t, const struct trust_candidate *candidate, const struct trust_host *host)
{
	enum trust_tlsa_match match;
	if (!trial_tlsa(t, candidate, host, &match))
		return;
	if (match == TRUST_TLSA_END_ENTITY) {
		/* RFC 7671 5.1: the record is the whole binding; names, dates and issuers do not count. */
		judge_strength(t);
		return;
	}
	if (match == TRUST_TLSA_AUTHORITY_CHECKED)
		trial_authority(t);
	judge_dates(t);
	judge_usage(t);
	judge_names(t, candidate, 1);
	judge_strength(t);
}

/* ---- the judges ---- */

static void trial_init(struct trial *t, const struct trust_judge *judge, const struct trust_chain *chain)
{
	*t = (struct trial){ .judge = judge, .chain = chain, .leaf = chain->count ? chain->certificates : NULL };
}

static bool judge_nothing_shown(struct trial *t)
{
	if (t->leaf)
		return false;
	struct finding *f = trial_add(t, FINDING_CERTIFICATE_MISSING, t->target);
	finding_evidence(f, FINDING_EVIDENCE_CONNECTION, SPAN("no certificate in the handshake"), SPAN_NONE, SPAN_NONE);
	finding_observed(f, SPAN("no certificate"));
	finding_expected(f, SPAN("a certificate: federation is mutual TLS"));
	words_fix(f, "the edge", SPAN("configure its certificate for calls out as well"));
	words_mail(t->judge, f);
	return true;
}

bool trust_judge_certificate(const struct trust_judge *judge, const struct trust_candidate *candidate,
	const struct trust_chain *chain, const struct trust_host *host)
{
	struct trial t;
	trial_init(&t, judge, chain);
	t.domain = candidate->domain;
	t.target = candidate->name;
	if (judge_nothing_shown(&t))
		return false;
	if (judge->policy->kind == TRUST_POLICY_DANE) {
		judge_dane(&t, candidate, host);
		return !t.failed;
	}
	trial_authority(&t);
	judge_dates(&t);
	judge_usage(&t);
	if (judge->policy->kind == TRUST_POLICY_RFC5922)
		judge_domain_name(&t);
	else
		judge_names(&t, candidate, 1);
	judge_strength(&t);
	return !t.failed;
}

bool trust_judge_presented(
	const struct trust_judge *judge, const struct trust_plan *plan, const struct trust_chain *chain)
{
	base_require(plan->candidate_count > 0);
	struct trial t;
	trial_init(&t, judge, chain);
	t.domain = plan->domain;
	t.target = plan->candidates[0].name;
	if (judge_nothing_shown(&t))
		return false;
	trial_authority(&t);
	judge_dates(&t);
	judge_usage(&t);
	/* TLSA vouches for servers only: a caller is judged by RFC 5922 under the policy dane too. */
	if (judge->policy->kind == TRUST_POLICY_MICROSOFT)
		judge_names(&t, plan->candidates, plan->candidate_count);
	else
		judge_domain_name(&t);
	judge_strength(&t);
	return !t.failed;
}

bool trust_judge_own_certificate(const struct trust_judge *judge, struct span name, const struct trust_chain *chain)
{
	struct trial t;
	trial_init(&t, judge, chain);
	t.domain = t.target = name;
	if (judge_nothing_shown(&t))
		return false;
	judge_dates(&t);
	judge_usage(&t);
	struct trust_candidate self = { .name = name };
	judge_names(&t, &self, 1);
	judge_strength(&t);
	return !t.failed;
}
