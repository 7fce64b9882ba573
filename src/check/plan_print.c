/* SPDX-License-Identifier: Apache-2.0 */
/* A plan for people: the verdict, what is wrong with it, then what to paste. */
#include "base/text.h"
#include "check/plan_private.h"
#include "check/render_parts.h"
#include "trust/judge.h"

#include <stdio.h>

#define TEXT_MAXIMUM (64 * 1024)
#define INDENT 2

/* ---- pieces ---- */

static void heading(struct paper *p, const char *text)
{
	paper_end_whole(p);
	paper_ink(p, PAPER_BOLD);
	paper_printf(p, "%s", text);
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 0);
}

__attribute__((format(printf, 2, 3))) static void sentence(struct paper *p, const char *format, ...)
{
	struct buffer text;
	va_list arguments;
	buffer_init(&text, TEXT_MAXIMUM);
	va_start(arguments, format);
	buffer_vprintf(&text, format, arguments);
	va_end(arguments);
	paper_fill(p, ' ', INDENT);
	paper_text(p, buffer_span(&text));
	paper_end(p, INDENT);
	buffer_done(&text);
}

/* Lines to paste: never wrapped. */
static void pasted(struct paper *p, const struct buffer *lines)
{
	struct span rest = buffer_span(lines);
	while (rest.at && rest.length > 0) {
		paper_fill(p, ' ', 2 * INDENT);
		paper_text(p, span_cut(&rest, '\n'));
		paper_end_whole(p);
	}
}

/* ---- the verdict ---- */

static void put_domain(struct paper *p, const struct plan_judgement *judgement)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	render_domain(judgement->facts, &text);
	paper_printf(p, "%s", text.at ? text.at : "");
	buffer_done(&text);
}

static void put_reason(struct paper *p, const struct plan_judgement *judgement)
{
	enum check_verdict verdict = judgement->report.verdict;
	struct buffer text;
	if (verdict == CHECK_PASS) {
		paper_printf(p, "will be accepted once this is published and the certificate is there");
		return;
	}
	buffer_init(&text, TEXT_MAXIMUM);
	render_reason(&judgement->report, &text);
	paper_printf(p, "%s%s", verdict == CHECK_FAIL ? "as planned, " : "", text.at ? text.at : "");
	buffer_done(&text);
}

static void put_verdicts(struct paper *p, const struct plan_work *work)
{
	for (size_t i = 0; i < work->site_count; i++)
		for (size_t j = 0; j < work->sites[i].judgement_count; j++) {
			const struct plan_judgement *judgement = &work->sites[i].judgements[j];
			put_domain(p, judgement);
			if (work->sites[i].judgement_count > 1)
				paper_printf(p, ", %s", check_policy_name(judgement->policy));
			paper_printf(p, ": ");
			paper_ink(p, render_verdict_ink(judgement->report.verdict));
			paper_printf(p, "%s", check_verdict_name(judgement->report.verdict));
			paper_ink(p, PAPER_PLAIN);
			paper_printf(p, ": ");
			put_reason(p, judgement);
			paper_end(p, INDENT);
		}
}

/* ---- the findings ---- */

static bool said_before(const struct plan_work *work, const struct finding *f)
{
	for (size_t i = 0; i < work->site_count; i++)
		for (size_t j = 0; j < work->sites[i].judgement_count; j++)
			for (const struct finding *g = work->sites[i].judgements[j].report.findings.first; g;
				g = g->next) {
				if (g == f)
					return false;
				if (g->code == f->code && span_equal(g->subject, f->subject))
					return true;
			}
	return false;
}

/* Notes speak of what was seen; nothing was. */
static int put_findings(const struct plan_work *work, const struct finding_style *style, struct buffer *out)
{
	int status = 0;
	for (size_t i = 0; i < work->site_count; i++)
		for (size_t j = 0; j < work->sites[i].judgement_count; j++) {
			const struct finding_list *list = &work->sites[i].judgements[j].report.findings;
			for (const struct finding *f = list->first; f && status == 0; f = f->next) {
				if (f->severity == FINDING_NOTE || said_before(work, f))
					continue;
				buffer_append_byte(out, '\n');
				status = finding_render(f, style, out);
			}
		}
	return status;
}

/* ---- what to do ---- */

static void put_advice(struct paper *p, const struct plan_work *work)
{
	for (size_t i = 0; i < work->site_count; i++) {
		const struct plan_site *site = &work->sites[i];
		if (span_equal(site->host, site->advised))
			continue;
		paper_end_whole(p);
		paper_printf(p, "The rest is for the name that would do: %.*s", SPAN_PRINT(site->advised));
		paper_end(p, 0);
	}
}

static void put_zone(struct paper *p, const struct plan_work *work)
{
	for (size_t i = 0; i < work->site_count; i++) {
		struct buffer lines;
		char title[320];
		buffer_init(&lines, TEXT_MAXIMUM);
		snprintf(title, sizeof(title), "DNS, in the zone of %.*s", SPAN_PRINT(work->sites[i].domain));
		heading(p, title);
		plan_zone_lines(work, &work->sites[i], &lines);
		pasted(p, &lines);
		buffer_done(&lines);
	}
	sentence(p, "A short TTL while you try, 3600 once it works. Partners may remember for a while that there was "
		    "no record.");
}

static void put_tlsa(struct paper *p, const struct plan_work *work)
{
	struct buffer lines;
	if (!(work->policies & CHECK_AS_DANE))
		return;
	buffer_init(&lines, TEXT_MAXIMUM);
	heading(p, "DANE: once the key is made, this prints the TLSA records");
	for (size_t i = 0; i < work->site_count; i++)
		plan_tlsa_line(work, &work->sites[i], &lines);
	pasted(p, &lines);
	sentence(p, "The zones must be signed (DNSSEC) and their DS records published. A new key needs its record two "
		    "TTLs before it is used.");
	buffer_done(&lines);
}

static void put_certificate(struct paper *p, const struct plan_work *work)
{
	struct buffer lines;
	buffer_init(&lines, TEXT_MAXIMUM);
	heading(p, "Certificate: make the key and the request, give the request to an authority that partners trust");
	plan_request_line(work, &lines);
	pasted(p, &lines);
	sentence(p, "Ask for both usages, serverAuth and clientAuth: an edge shows this certificate when it is called "
		    "and when it calls. Public authorities stop issuing clientAuth in 2026; partners that demand it "
		    "then refuse calls from you.");
	sentence(p, "RSA with 2048 bits is the least that counts as strong. Whether every edge takes a key of "
		    "another kind is not documented.");
	sentence(p, "No wildcard: edges look for the name of the SRV target itself%s.",
		work->site_count > 1 ? ", and each domain has its own" : "");
	if (!(work->policies & CHECK_AS_RFC5922))
		sentence(p, "Partners that go by RFC 5922 look for the SIP domain instead; --as all plans for both.");
	sentence(p, "The file that the edge sends begins with its own certificate, then come the intermediates; the "
		    "root is left out.");
	buffer_done(&lines);
}

static void put_firewall(struct paper *p, const struct plan_work *work)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	heading(p, "Firewall");
	plan_firewall_in(work, &text);
	sentence(p, "%s", text.at ? text.at : "");
	buffer_clear(&text);
	plan_firewall_out(work, &text);
	sentence(p, "%s", text.at ? text.at : "");
	buffer_done(&text);
}

static void put_configuration(struct paper *p, const struct plan_work *work)
{
	struct buffer lines;
	buffer_init(&lines, TEXT_MAXIMUM);
	heading(p, "Where the edge is fedge: its configuration begins like this");
	plan_configuration_lines(work, &lines);
	pasted(p, &lines);
	buffer_done(&lines);
}

/* ---- the checks ---- */

static void put_check(struct paper *p, enum check_step step, const char *text)
{
	paper_fill(p, ' ', INDENT);
	paper_printf(p, "%s", check_step_name(step));
	paper_fill(p, ' ', 13 - text_columns(span_of(check_step_name(step))));
	paper_text(p, span_of(text));
	paper_end(p, INDENT + 13);
}

static void put_site_checks(struct paper *p, const struct plan_work *work, const struct plan_site *site)
{
	char text[1024];
	snprintf(text, sizeof(text), TRUST_SERVICE ".%.*s leads to %.*s, port %u", SPAN_PRINT(site->domain),
		SPAN_PRINT(site->advised), (unsigned)work->port);
	put_check(p, CHECK_STEP_SRV, text);
	if (trust_domain_compare(site->domain, site->advised) == TRUST_DOMAIN_IN) {
		snprintf(text, sizeof(text), "%.*s is %.*s with one label in front", SPAN_PRINT(site->advised),
			SPAN_PRINT(site->domain));
		put_check(p, CHECK_STEP_DOMAIN, text);
	}
	snprintf(text, sizeof(text), "%.*s is a DNS name in the certificate", SPAN_PRINT(site->advised));
	put_check(p, CHECK_STEP_NAME, text);
}

static bool is_accepted(const struct plan_site *site)
{
	return site->verdict == CHECK_PASS || site->verdict == CHECK_WARN || !span_equal(site->host, site->advised);
}

static void put_checks(struct paper *p, const struct plan_work *work)
{
	bool any = false;
	for (size_t i = 0; i < work->site_count; i++) {
		if (!is_accepted(&work->sites[i]))
			continue;
		if (!any)
			heading(p, "What will hold");
		any = true;
		put_site_checks(p, work, &work->sites[i]);
	}
	if (!any)
		return;
	sentence(p, "Taken for granted: that the port is open, that partners trust the authority, and that they have "
		    "not blocked you.");
	heading(p, "Then");
	struct buffer lines;
	buffer_init(&lines, TEXT_MAXIMUM);
	buffer_append_text(&lines, "fedge check");
	for (size_t i = 0; i < work->site_count; i++)
		buffer_printf(&lines, " %.*s", SPAN_PRINT(work->sites[i].domain));
	buffer_append_byte(&lines, '\n');
	pasted(p, &lines);
	buffer_done(&lines);
}

static int print(const struct plan_work *work, const struct finding_style *style, struct buffer *out)
{
	struct paper p;
	paper_init(&p, out, style);
	put_verdicts(&p, work);
	int status = put_findings(work, style, out);
	if (status == 0) {
		put_advice(&p, work);
		put_zone(&p, work);
		put_certificate(&p, work);
		put_tlsa(&p, work);
		put_firewall(&p, work);
		put_configuration(&p, work);
		put_checks(&p, work);
	}
	int done = paper_done(&p);
	return status < 0 ? status : done;
}

int check_plan_print(const struct check_plan *plan, const struct check_bench *bench, const struct finding_style *style,
	struct buffer *out, enum check_verdict *ret_verdict, char reterr_text[256])
{
	struct plan_work work;
	int status = plan_make(plan, bench, &work, reterr_text);
	if (status == 0) {
		*ret_verdict = work.verdict;
		status = print(&work, style, out);
	}
	plan_done(&work);
	return status;
}
