/* SPDX-License-Identifier: Apache-2.0 */
/* What an examination made just now says of the candidates. It sees the domain as it is now, the call was then: it
 * makes nothing sure, but it tells candidates apart that a log cannot. */
#include "explain/judge.h"

#include <errno.h>

/* Faults that one and the same log line may stand for. */
static const enum finding_code kin[][4] = {
	{ FINDING_CERTIFICATE_NAME_MISMATCH, FINDING_CERTIFICATE_CN_IGNORED, FINDING_CERTIFICATE_WILDCARD_ONLY },
	{ FINDING_SRV_TARGET_OUTSIDE_DOMAIN, FINDING_SRV_TARGET_IS_DOMAIN },
	{ FINDING_SRV_MISSING, FINDING_SRV_DECLINED },
};

static bool is_kin(enum finding_code a, enum finding_code b)
{
	if (a == b)
		return true;
	for (size_t i = 0; i < sizeof(kin) / sizeof(kin[0]); i++) {
		bool has_a = false, has_b = false;
		for (size_t k = 0; k < 4 && kin[i][k]; k++) {
			has_a |= kin[i][k] == a;
			has_b |= kin[i][k] == b;
		}
		if (has_a && has_b)
			return true;
	}
	return false;
}

/* clientAuth is a warning to an examiner; it is what the alert means all the same. That our own question was not
 * answered just now confirms nothing: it is not the question that the edge asked. */
static const struct finding *find_kin(const struct finding_list *found, enum finding_code code)
{
	for (const struct finding *f = found->first; f; f = f->next)
		if (is_kin(f->code, code) && !finding_is_undecided(f->code) &&
			(f->severity == FINDING_ERROR || f->code == FINDING_CERTIFICATE_NO_CLIENT_USAGE ||
				f->code == FINDING_CERTIFICATE_WEAK))
			return f;
	return NULL;
}

/* An examination that could not decide excludes nothing. */
static bool is_decided(const struct finding_list *found)
{
	for (const struct finding *f = found->first; f; f = f->next)
		if (finding_is_undecided(f->code))
			return false;
	return true;
}

/* Records and certificates can be seen from outside, lists and servers inside cannot. */
static bool can_be_seen(enum finding_code code)
{
	switch (finding_entry(code)->stage) {
	case FINDING_STAGE_LOOKUP:
	case FINDING_STAGE_DOMAIN:
	case FINDING_STAGE_ADDRESS:
	case FINDING_STAGE_CERTIFICATE:
		return true;
	case FINDING_STAGE_CONNECTION:
		return code == FINDING_CONNECT_REFUSED;
	default:
		return false;
	}
}

static bool is_about(const struct explain_problem *p, const struct finding *f, struct span domain)
{
	struct span subject = f->subject;
	if (span_find(subject, '.') == subject.length) /* none, or the short name of a box */
		return p->domain_count > 0 && span_equal_nocase(p->domains[0], domain);
	return span_equal_nocase(subject, domain) ||
	       (span_ends_nocase(subject, domain) && subject.length > domain.length &&
		       subject.at[subject.length - domain.length - 1] == '.');
}

/* ---- taking a finding of another list over ---- */

static void copy_evidence(struct finding *to, const struct finding *from)
{
	for (const struct finding_evidence *e = from->evidence; e; e = e->next) {
		struct span mark =
			e->mark_length ? span_first(span_from(e->text, e->mark_offset), e->mark_length) : SPAN_NONE;
		if (e->kind == FINDING_EVIDENCE_FILE)
			finding_evidence_line(to, e->file, e->line, e->text, mark, e->note);
		else
			finding_evidence(to, e->kind, e->text, mark, e->note);
	}
}

static void copy_fixes(struct finding *to, const struct finding *from)
{
	for (const struct finding_fix *fix = from->fixes; fix; fix = fix->next) {
		struct finding_fix *copy = finding_fix(to, fix->who, fix->where, fix->title);
		for (const struct finding_fix_line *line = fix->lines; line; line = line->next)
			finding_fix_line(copy, "%.*s", SPAN_PRINT(line->text));
	}
}

/* who: as the log showed whose side it is; the examiner only knows whose domain it was told. */
static struct finding *copy_finding(struct explain_problem *p, const struct finding *from, enum finding_who who)
{
	struct finding *f = finding_add(&p->findings, from->code, from->subject);
	f->severity = from->severity;
	f->who = who;
	finding_observed(f, from->observed);
	finding_expected(f, from->expected);
	for (const struct finding_value *v = from->values; v; v = v->next)
		finding_value(f, v->name, v->value);
	copy_evidence(f, from);
	copy_fixes(f, from);
	return f;
}

/* ---- words ---- */

static int add_why(struct explain_problem *p, struct arena *arena, struct span words)
{
	struct span why =
		p->why.length ? arena_printf(arena, "%.*s; %.*s", SPAN_PRINT(p->why), SPAN_PRINT(words)) : words;
	if (!why.at)
		return -ENOMEM;
	p->why = why;
	return 0;
}

static struct span confirmed_words(struct arena *arena, struct span domain, const struct finding *f)
{
	char title[256];
	size_t length = finding_title(f, title, sizeof(title));
	return arena_printf(arena, "examined just now, %.*s shows it: %.*s", SPAN_PRINT(domain), (int)length, title);
}

/* ---- what is proved stays ---- */

static int examine_proved(
	struct explain_problem *p, struct span domain, const struct finding_list *found, struct arena *arena)
{
	if (!can_be_seen(p->finding->code) || !is_about(p, p->finding, domain) || !is_decided(found))
		return 0;
	if (find_kin(found, p->finding->code))
		return add_why(
			p, arena, arena_printf(arena, "examined just now, %.*s still is so", SPAN_PRINT(domain)));
	return add_why(p, arena,
		arena_printf(arena, "examined just now, %.*s is no longer so: it may have been repaired since",
			SPAN_PRINT(domain)));
}

/* ---- candidates ---- */

static void remove_candidate(struct explain_problem *p, size_t i)
{
	for (size_t k = i + 1; k < p->candidate_count; k++)
		p->candidates[k - 1] = p->candidates[k];
	p->candidate_count--;
}

/* The candidates that were looked for and are not there go. Their codes are written to excluded. */
static struct span exclude(
	struct explain_problem *p, struct span domain, const struct finding_list *found, struct arena *arena)
{
	struct span excluded = SPAN_NONE;
	for (size_t i = 0; i < p->candidate_count;) {
		const struct finding *f = p->candidates[i].finding;
		if (!can_be_seen(f->code) || !is_about(p, f, domain) || find_kin(found, f->code)) {
			i++;
			continue;
		}
		excluded = arena_printf(arena, "%.*s%s%s", SPAN_PRINT(excluded), excluded.length ? ", " : "",
			finding_entry(f->code)->code);
		remove_candidate(p, i);
	}
	return excluded;
}

static int take_confirmed(
	struct explain_problem *p, size_t i, const struct finding *seen, struct span domain, struct arena *arena)
{
	struct explain_candidate candidate = p->candidates[i];
	const struct finding *before = p->finding;
	struct finding *f = copy_finding(p, seen, candidate.finding->who);
	remove_candidate(p, i);
	if (p->confidence == EXPLAIN_PROVED) {
		/* That the peer refused is proved; this is what is behind it. */
		for (size_t k = p->candidate_count++; k > 0; k--)
			p->candidates[k] = p->candidates[k - 1];
		p->candidates[0] = (struct explain_candidate){ f, EXPLAIN_LIKELY, candidate.why };
	} else {
		copy_evidence(f, before);
		p->finding = f;
		p->confidence = EXPLAIN_LIKELY;
	}
	return add_why(p, arena, confirmed_words(arena, domain, f));
}

static int examine_candidates(
	struct explain_problem *p, struct span domain, const struct finding_list *found, struct arena *arena)
{
	for (size_t i = 0; i < p->candidate_count; i++) {
		const struct finding *f = p->candidates[i].finding;
		const struct finding *seen = is_about(p, f, domain) ? find_kin(found, f->code) : NULL;
		if (!seen)
			continue;
		int status = take_confirmed(p, i, seen, domain, arena);
		if (is_decided(found))
			(void)exclude(p, domain, found, arena);
		return status;
	}
	if (!is_decided(found))
		return 0;
	struct span excluded = exclude(p, domain, found, arena);
	if (excluded.length == 0)
		return 0;
	return add_why(p, arena,
		arena_printf(arena, "examined just now, %.*s gives no cause for %.*s", SPAN_PRINT(domain),
			SPAN_PRINT(excluded)));
}

int explain_judge_examined(
	struct explain_problem *problem, struct span domain, const struct finding_list *found, struct arena *arena)
{
	if (!problem->finding || domain.length == 0)
		return 0;
	int status = problem->confidence == EXPLAIN_PROVED ? examine_proved(problem, domain, found, arena) : 0;
	if (status == 0)
		status = examine_candidates(problem, domain, found, arena);
	return problem->findings.incomplete ? -ENOMEM : status;
}
