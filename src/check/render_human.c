/* SPDX-License-Identifier: Apache-2.0 */
/* The whole of a report for people: verdict, matrix, what TLS showed, findings. */
#include "base/require.h"
#include "base/text.h"
#include "check/render_parts.h"

#include <stdlib.h>

#define LINE_MAXIMUM (64 * 1024)
#define TITLE_MAXIMUM 1024

static void write_verdict(const struct check_report *report, struct paper *p)
{
	struct buffer text;
	buffer_init(&text, LINE_MAXIMUM);
	render_domain(report->facts, &text);
	if (report->policy != TRUST_POLICY_MICROSOFT)
		buffer_printf(&text, " as %s", check_policy_name(report->policy));
	paper_ink(p, PAPER_BOLD);
	paper_text(p, buffer_span(&text));
	paper_text(p, SPAN(": "));
	paper_ink(p, render_verdict_ink(report->verdict));
	paper_printf(p, "%s", check_verdict_name(report->verdict));
	paper_ink(p, PAPER_PLAIN);
	paper_text(p, SPAN(": "));
	buffer_clear(&text);
	render_reason(report, &text);
	paper_text(p, buffer_span(&text));
	paper_end(p, 2);
	buffer_done(&text);
}

static bool ways_differ(const struct check_report *report)
{
	bool known = report->from.verdict != CHECK_UNKNOWN || report->from.answer;
	bool to_is_open = report->to.verdict == CHECK_PASS || report->to.verdict == CHECK_WARN;
	bool from_is_open = report->from.verdict == CHECK_PASS || report->from.verdict == CHECK_WARN;
	return known && to_is_open != from_is_open;
}

/* Where an edge refuses one direction only, each is said. */
static void write_ways(const struct check_report *report, struct paper *p)
{
	static const char *const names[] = { "  calls to it:    ", "  calls from it:  " };
	const struct check_way *ways[] = { &report->to, &report->from };
	if (!ways_differ(report))
		return;
	for (size_t i = 0; i < BASE_COUNT(ways); i++) {
		struct buffer text;
		buffer_init(&text, LINE_MAXIMUM);
		render_way(report, ways[i], &text);
		paper_printf(p, "%s", names[i]);
		size_t indent = paper_column(p);
		paper_text(p, buffer_span(&text));
		paper_end(p, indent);
		buffer_done(&text);
	}
}

/* Who looked, when, and under which conditions: what a ticket needs beside the result. */
static void write_circumstances(const struct check_report *report, struct paper *p)
{
	const struct check_facts *facts = report->facts;
	char when[40], elapsed[16];
	if (facts->domain.length == 0)
		return;
	paper_ink(p, PAPER_FAINT);
	paper_text(p, SPAN("examined"));
	/* 2017-03-02T07:10:46.240123Z */
	if (clock_format_utc(facts->examined_us, when, sizeof(when)) >= 19)
		paper_printf(p, " %.10s %.8s UTC", when, when + 11);
	render_duration(facts->elapsed_us, elapsed);
	paper_printf(p, " in %s", elapsed);
	if (facts->vantage.length) {
		paper_text(p, SPAN(" by "));
		paper_text(p, facts->vantage);
	}
	if (facts->resolvers.length) {
		paper_text(p, SPAN(", resolver "));
		paper_text(p, facts->resolvers);
	}
	if (facts->why_not_validated.length) {
		paper_text(p, SPAN(", without DNSSEC: "));
		paper_text(p, facts->why_not_validated);
	}
	if (facts->planned_zone)
		paper_text(p, SPAN(", with planned records"));
	if (!facts->client_certificate && !facts->not_connected)
		paper_text(p, SPAN(", without a certificate of our own"));
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 2);
}

/* Errors and warnings in full; notes by their titles, unless asked for, because they call for nothing. */
static void write_findings(const struct check_report *report, const struct finding_style *style, struct buffer *out)
{
	struct finding_list list = report->findings;
	struct finding *copies = calloc(FINDING_LIST_MAXIMUM + 1, sizeof(*copies));
	size_t count = 0;
	list.first = NULL;
	list.last = &list.first;
	for (const struct finding *f = report->findings.first; copies && f && count <= FINDING_LIST_MAXIMUM;
		f = f->next) {
		if (f->severity == FINDING_NOTE && !style->notes)
			continue;
		copies[count] = *f;
		copies[count].next = NULL;
		*list.last = &copies[count];
		list.last = &copies[count++].next;
	}
	if (count || list.dropped)
		buffer_append_byte(out, '\n');
	finding_render_list(&list, style, out);
	free(copies);
}

static void write_notes(const struct check_report *report, struct paper *p)
{
	bool first = true;
	for (const struct finding *f = report->findings.first; f; f = f->next) {
		char title[TITLE_MAXIMUM];
		if (f->severity != FINDING_NOTE)
			continue;
		if (first)
			paper_end(p, 0);
		first = false;
		finding_title(f, title, sizeof(title));
		paper_ink(p, PAPER_BLUE);
		paper_printf(p, "note[%s]", finding_entry(f->code)->code);
		paper_ink(p, PAPER_PLAIN);
		paper_text(p, SPAN(": "));
		paper_text(p, span_of(title));
		paper_end(p, 4);
	}
}

int check_render_human(const struct check_report *report, const struct finding_style *style, struct buffer *out)
{
	struct paper p;
	paper_init(&p, out, style);
	write_verdict(report, &p);
	write_ways(report, &p);
	write_circumstances(report, &p);
	/* What is no domain name has no steps. */
	if (report->row_count && report->facts->domain.length) {
		paper_end(&p, 0);
		render_matrix(report, &p);
	}
	render_details(report, &p);
	write_findings(report, style, out);
	if (!style->notes)
		write_notes(report, &p);
	return paper_done(&p);
}
