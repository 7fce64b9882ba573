/* SPDX-License-Identifier: Apache-2.0 */
/* Who would refuse whom, for people and for programs. */
#include "check/against.h"
#include "check/render_parts.h"
#include "check/words.h"
#include "finding/json.h"

#define TITLE_MAXIMUM 1024
#define TEXT_MAXIMUM (64 * 1024)
#define REPORTS 4

/* ---- the sentence ---- */

static void append_title(const struct finding *f, struct buffer *out)
{
	char title[TITLE_MAXIMUM];
	finding_title(f, title, sizeof(title));
	buffer_append_text(out, title);
}

/* " (504, ms-diagnostics 1009)": the id only where a real product answers so. */
static void append_status(const struct check_report *report, const struct finding *f, struct buffer *out)
{
	const struct finding_entry *entry = finding_entry(f->code);
	if (!f->status)
		return;
	buffer_printf(out, " (%u", (unsigned)f->status);
	if (report->policy == TRUST_POLICY_MICROSOFT && entry->microsoft.confirmed && entry->microsoft.id)
		buffer_printf(out, ", ms-diagnostics %u", (unsigned)entry->microsoft.id);
	buffer_append_byte(out, ')');
}

/* What refuses, or what leaves it open. */
static const struct finding *reason_of(const struct check_report *report)
{
	if (report->answer)
		return report->answer;
	for (const struct finding *f = report->findings.first; f; f = f->next)
		if (finding_is_undecided(f->code))
			return f;
	return NULL;
}

static void append_reason(const struct check_report *report, struct buffer *out)
{
	const struct finding *f = reason_of(report);
	if (!f) {
		buffer_append_text(out, report->findings.incomplete ? "out of memory" : "too little was seen");
		return;
	}
	append_title(f, out);
	if (report->verdict == CHECK_FAIL)
		append_status(report, f, out);
}

static bool is_open(const struct check_report *report)
{
	return report->verdict == CHECK_FAIL || report->verdict == CHECK_UNKNOWN;
}

static bool admits_not(const struct check_against *against, size_t index)
{
	return is_open(&against->ways[index].admit) && !against->ways[index].dns_only;
}

static void append_names(
	const struct check_facts *first, const char *between, const struct check_facts *second, struct buffer *out)
{
	render_domain(first, out);
	buffer_append_text(out, between);
	render_domain(second, out);
}

/* The caller's own edge comes first: what it does not let out, the other never sees. */
static void append_refusals(const struct check_against *against, size_t index, struct buffer *out)
{
	const struct check_report *reach = &against->ways[index].reach, *admit = &against->ways[index].admit;
	const struct check_facts *caller = against->ways[index].caller, *called = against->ways[index].called;
	if (is_open(reach)) {
		bool refuses = reach->verdict == CHECK_FAIL;
		buffer_append_text(out, refuses ? "the edge of " : "it is open whether the edge of ");
		append_names(caller, refuses ? " would refuse to go to " : " would go to ", called, out);
		buffer_append_text(out, ": ");
		append_reason(reach, out);
	}
	if (admits_not(against, index)) {
		bool refuses = admit->verdict == CHECK_FAIL;
		buffer_append_text(out, is_open(reach) ? "; and " : "");
		buffer_append_text(out, refuses ? "the edge of " : "it is open whether the edge of ");
		append_names(called, refuses ? " would refuse " : " would let in ", caller, out);
		buffer_append_text(out, ": ");
		append_reason(admit, out);
	}
}

static const struct finding *first_warning(const struct check_report *report)
{
	const struct finding *first = NULL;
	for (const struct finding *f = report->findings.first; f; f = f->next)
		if (f->severity == FINDING_WARNING &&
			(!first || finding_entry(f->code)->stage < finding_entry(first->code)->stage))
			first = f;
	return first;
}

static void append_passage(const struct check_against *against, size_t index, struct buffer *out)
{
	const struct finding *f = first_warning(&against->ways[index].reach);
	if (!f && !against->ways[index].dns_only)
		f = first_warning(&against->ways[index].admit);
	buffer_append_text(out, "neither edge would refuse it");
	if (against->ways[index].dns_only)
		buffer_append_text(out, " as far as DNS goes");
	if (f) {
		buffer_append_text(out, ", but ");
		append_title(f, out);
	}
}

static void append_heading(const struct check_against *against, size_t index, struct buffer *out)
{
	buffer_append_text(out, "a call from ");
	append_names(against->ways[index].caller, " to ", against->ways[index].called, out);
}

static void append_what(const struct check_against *against, size_t index, struct buffer *out)
{
	if (is_open(&against->ways[index].reach) || admits_not(against, index))
		append_refusals(against, index, out);
	else
		append_passage(against, index, out);
}

void check_against_sentence(const struct check_against *against, size_t index, struct buffer *out)
{
	append_heading(against, index, out);
	buffer_printf(out, ": %s: ", check_verdict_name(against->ways[index].verdict));
	append_what(against, index, out);
}

static void put_sentence(struct paper *p, const struct check_against *against, size_t index)
{
	enum check_verdict verdict = against->ways[index].verdict;
	struct buffer heading, what;
	buffer_init(&heading, TEXT_MAXIMUM);
	buffer_init(&what, TEXT_MAXIMUM);
	append_heading(against, index, &heading);
	append_what(against, index, &what);
	paper_printf(p, "%s: ", heading.at ? heading.at : "");
	paper_ink(p, render_verdict_ink(verdict));
	paper_printf(p, "%s", check_verdict_name(verdict));
	paper_ink(p, PAPER_PLAIN);
	paper_printf(p, ": %s", what.at ? what.at : "");
	paper_end(p, 2);
	buffer_done(&heading);
	buffer_done(&what);
}

/* ---- the findings, each once ---- */

/* That nobody was called was asked for. */
static bool is_worth_saying(const struct check_report *report, const struct finding *f)
{
	return f->code != FINDING_CERTIFICATE_NOT_SEEN || !report->facts->not_connected;
}

/* Yours first: you can act on it. */
static void take_reports(const struct check_against *against, const struct check_report *ret_reports[REPORTS])
{
	ret_reports[0] = &against->ways[0].admit;
	ret_reports[1] = &against->ways[1].reach;
	ret_reports[2] = &against->ways[0].reach;
	ret_reports[3] = &against->ways[1].admit;
}

static bool same_finding(const struct finding *a, const struct finding *b)
{
	return a->code == b->code && a->who == b->who && span_equal_nocase(a->subject, b->subject) &&
	       span_equal(a->observed, b->observed);
}

/* The same judgement in another report; the severer one is said, then the first. */
static bool is_said_elsewhere(const struct check_report *const *reports, const struct finding *f)
{
	bool before = true;
	for (size_t i = 0; i < REPORTS; i++)
		for (const struct finding *g = reports[i]->findings.first; g; g = g->next) {
			if (g == f)
				before = false;
			else if (same_finding(f, g) &&
				 (g->severity > f->severity || (g->severity == f->severity && before)))
				return true;
		}
	return false;
}

static int put_findings(const struct check_report *const *reports, enum finding_severity severity,
	const struct finding_style *style, struct buffer *out)
{
	int status = 0;
	for (size_t i = 0; i < REPORTS; i++)
		for (const struct finding *f = reports[i]->findings.first; f && status == 0; f = f->next) {
			if (f->severity != severity || !is_worth_saying(reports[i], f) || is_said_elsewhere(reports, f))
				continue;
			buffer_append_byte(out, '\n');
			status = finding_render(f, style, out);
		}
	return status;
}

int check_against_human(const struct check_against *against, const struct finding_style *style, struct buffer *out)
{
	const struct check_report *reports[REPORTS];
	struct paper p;
	take_reports(against, reports);
	paper_init(&p, out, style);
	put_sentence(&p, against, 0);
	put_sentence(&p, against, 1);
	int status = paper_done(&p);
	if (status == 0)
		status = put_findings(reports, FINDING_ERROR, style, out);
	if (status == 0)
		status = put_findings(reports, FINDING_WARNING, style, out);
	if (status == 0 && style->notes)
		status = put_findings(reports, FINDING_NOTE, style, out);
	return status < 0 ? status : out->status;
}

/* ---- for programs ---- */

static json_t *text_json(void (*write)(const struct check_against *, size_t, struct buffer *),
	const struct check_against *against, size_t index)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	write(against, index, &text);
	json_t *json = check_json_text(buffer_span(&text));
	buffer_done(&text);
	return json;
}

static json_t *domain_json(const struct check_facts *facts)
{
	return check_json_text(facts->domain.length ? facts->domain : facts->typed);
}

static json_t *side_json(const struct check_report *report)
{
	const struct finding *answer = report->answer;
	return json_pack("{s:s, s:o, s:o}", "verdict", check_verdict_name(report->verdict), "code",
		answer ? json_string(finding_entry(answer->code)->code) : json_null(), "ms_diagnostics",
		finding_json_diagnostics(answer));
}

static json_t *way_json(const struct check_against *against, size_t index)
{
	return json_pack("{s:o, s:o, s:s, s:b, s:o, s:o, s:o}", "caller", domain_json(against->ways[index].caller),
		"called", domain_json(against->ways[index].called), "verdict",
		check_verdict_name(against->ways[index].verdict), "dns_only", (int)against->ways[index].dns_only,
		"sentence", text_json(check_against_sentence, against, index), "reach",
		side_json(&against->ways[index].reach), "admit", side_json(&against->ways[index].admit));
}

static json_t *findings_json(const struct check_against *against)
{
	const struct check_report *reports[REPORTS];
	json_t *findings = json_array();
	take_reports(against, reports);
	for (size_t i = 0; i < REPORTS; i++)
		for (const struct finding *f = reports[i]->findings.first; f; f = f->next)
			if (is_worth_saying(reports[i], f) && !is_said_elsewhere(reports, f))
				json_array_append_new(findings, finding_json(f));
	return findings;
}

json_t *check_against_json(const struct check_against *against)
{
	return json_pack("{s:o, s:o, s:s, s:s, s:[o,o], s:o}", "yours", domain_json(against->ways[0].caller), "partner",
		domain_json(against->ways[0].called), "policy", check_policy_name(against->ways[0].reach.policy),
		"verdict", check_verdict_name(against->verdict), "ways", way_json(against, 0), way_json(against, 1),
		"findings", findings_json(against));
}
