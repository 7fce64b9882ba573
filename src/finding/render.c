/* SPDX-License-Identifier: Apache-2.0 */
#include "finding/render.h"

#include "base/require.h"
#include "base/text.h"
#include "finding/paper.h"

#include <stdlib.h>

#define HELP_COLUMN 57 /* where "fedge help CODE" stands, if there is room */
#define TITLE_MAXIMUM 1024
#define EVIDENCE_ALWAYS 8 /* that much is never cut */
#define EVIDENCE_SHOWN 4

static const char *const evidence_names[] = {
	[FINDING_EVIDENCE_DNS] = "DNS",
	[FINDING_EVIDENCE_CERTIFICATE] = "certificate",
	[FINDING_EVIDENCE_CONNECTION] = "connection",
	[FINDING_EVIDENCE_CONFIGURATION] = "configuration",
	[FINDING_EVIDENCE_MESSAGE] = "message",
};

static void write_header(struct paper *p, const struct finding *f)
{
	char title[TITLE_MAXIMUM];
	finding_title(f, title, sizeof(title));
	enum paper_ink ink = f->severity == FINDING_ERROR     ? PAPER_RED
			     : f->severity == FINDING_WARNING ? PAPER_YELLOW
							      : PAPER_BLUE;
	paper_ink(p, ink);
	paper_printf(p, "%s[%s]", finding_severity_name(f->severity), finding_entry(f->code)->code);
	paper_ink(p, PAPER_BOLD);
	paper_text(p, SPAN(": "));
	paper_text(p, span_of(title));
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 4);
}

/* Carets under the marked part, and the note behind them; on a line of its own where it would be too wide. */
static void write_carets(struct paper *p, const struct finding_evidence *e, size_t column)
{
	size_t before = paper_columns(span_first(e->text, e->mark_offset));
	size_t carets = paper_columns(span_first(span_from(e->text, e->mark_offset), e->mark_length));
	column += before;
	bool beside = p->width == 0 || column + carets + 1 + paper_columns(e->note) <= p->width;
	if (p->width && column + carets > p->width) {
		/* The marked part itself runs over the edge: the note alone says enough. */
		paper_printf(p, "      ^ ");
		paper_text(p, e->note);
		paper_end(p, 8);
		return;
	}
	paper_fill(p, ' ', column);
	paper_ink(p, PAPER_RED);
	paper_fill(p, '^', carets);
	if (beside && e->note.length) {
		paper_text(p, SPAN(" "));
		paper_text(p, e->note);
	}
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 0);
	if (beside || !e->note.length)
		return;
	size_t wide = paper_columns(e->note);
	size_t start = wide + 6 <= p->width && column + wide > p->width ? p->width - wide : column;
	paper_fill(p, ' ', start < p->width / 2 ? start : (wide + 6 <= p->width ? start : 6));
	paper_text(p, e->note);
	paper_end(p, 6);
}

static void write_evidence(struct paper *p, const struct finding_evidence *e)
{
	paper_ink(p, PAPER_BLUE);
	paper_text(p, SPAN("  --> "));
	paper_ink(p, PAPER_PLAIN);
	if (e->kind == FINDING_EVIDENCE_FILE) {
		paper_text(p, e->file);
		paper_printf(p, ":%u ", e->line);
	} else {
		paper_printf(p, "%s ", evidence_names[e->kind]);
	}
	size_t column = paper_column(p);
	paper_text(p, e->text);
	bool wrapped = paper_end(p, column < 40 ? column : 8);
	if (e->mark_length && !wrapped) {
		write_carets(p, e, column);
	} else if (e->note.length) {
		paper_fill(p, ' ', 6);
		paper_text(p, e->note);
		paper_end(p, 6);
	}
}

/* One "= …" line; continued under its first word. */
static void write_fact(struct paper *p, const char *label, struct span text)
{
	paper_ink(p, PAPER_BLUE);
	paper_text(p, SPAN("   = "));
	paper_ink(p, PAPER_PLAIN);
	paper_text(p, span_of(label));
	paper_text(p, text);
	paper_end(p, 5);
}

/* Only what was seen of a real product is said of one. */
static void write_consequence(struct paper *p, const struct finding *f)
{
	const struct finding_entry *entry = finding_entry(f->code);
	if (f->severity != FINDING_ERROR || !f->status)
		return;
	struct buffer text;
	buffer_init(&text, 1024);
	bool microsoft = entry->microsoft.id && entry->microsoft.confirmed && !f->list->other_rules;
	const char *caller = finding_is_undecided(f->code) ? "could not decide; an edge in the same place answers"
			     : microsoft                   ? "a Lync or Skype for Business caller gets"
							   : "fedge answers";
	buffer_printf(&text, "%s %u", caller, (unsigned)f->status);
	if (entry->microsoft.id)
		buffer_printf(
			&text, ", ms-diagnostics %u \"%s\"", (unsigned)entry->microsoft.id, entry->microsoft.reason);
	write_fact(p, "", buffer_span(&text));
	buffer_done(&text);
}

static bool has_mark(const struct finding *f)
{
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		if (e->mark_length)
			return true;
	return false;
}

static void write_observed(struct paper *p, const struct finding *f)
{
	if (has_mark(f))
		return;
	if (f->observed.length)
		write_fact(p, "seen: ", f->observed);
	if (f->expected.length)
		write_fact(p, "expected: ", f->expected);
}

static void write_fix(struct paper *p, const struct finding_fix *fix)
{
	paper_ink(p, PAPER_BLUE);
	paper_text(p, SPAN("   = "));
	paper_ink(p, PAPER_GREEN);
	paper_printf(
		p, "fix (%s%s%s)", finding_who_name(fix->who), fix->where ? ", in " : "", fix->where ? fix->where : "");
	paper_ink(p, PAPER_PLAIN);
	paper_text(p, SPAN(": "));
	paper_text(p, fix->title);
	paper_end(p, 5);
	struct buffer lines;
	buffer_init(&lines, 256 * 1024);
	finding_fix_lines(fix, &lines);
	struct span rest = buffer_span(&lines);
	while (rest.at && rest.length) {
		paper_fill(p, ' ', 7);
		paper_text(p, span_cut(&rest, '\n'));
		paper_end_whole(p);
	}
	buffer_done(&lines);
}

static void write_last(struct paper *p, const struct finding *f)
{
	const char *code = finding_entry(f->code)->code;
	paper_ink(p, PAPER_BLUE);
	paper_text(p, SPAN("   = "));
	paper_ink(p, PAPER_PLAIN);
	if (f->suppresses) {
		const char *comma = "";
		paper_text(p, SPAN("not judged, because of this: "));
		for (unsigned stage = 0; stage < FINDING_STAGE_COUNT; stage++) {
			if (!(f->suppresses & FINDING_STAGE_BIT(stage)))
				continue;
			paper_printf(p, "%s%s", comma, finding_stage_name((enum finding_stage)stage));
			comma = ", ";
		}
		size_t column = paper_column(p) + 3 > HELP_COLUMN ? paper_column(p) + 3 : HELP_COLUMN;
		size_t help = strlen("fedge help ") + strlen(code);
		if (p->width && column + help > p->width) {
			paper_end(p, 5);
			paper_text(p, SPAN("   = "));
		} else {
			paper_fill(p, ' ', column - paper_column(p));
		}
	}
	paper_ink(p, PAPER_FAINT);
	paper_printf(p, "fedge help %s", code);
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 5);
}

/* Where there is much, some of it and the count: JSON has all. */
static void write_all_evidence(struct paper *p, const struct finding *f)
{
	size_t count = 0, shown = 0;
	for (const struct finding_evidence *e = f->evidence; e; e = e->next)
		count++;
	for (const struct finding_evidence *e = f->evidence; e; e = e->next) {
		if (count > EVIDENCE_ALWAYS && shown == EVIDENCE_SHOWN)
			break;
		write_evidence(p, e);
		shown++;
	}
	if (shown == count)
		return;
	paper_printf(p, "      and %zu more like these", count - shown);
	paper_end(p, 6);
}

int finding_render(const struct finding *f, const struct finding_style *style, struct buffer *out)
{
	struct paper p;
	paper_init(&p, out, style);
	write_header(&p, f);
	write_all_evidence(&p, f);
	write_observed(&p, f);
	write_consequence(&p, f);
	for (const struct finding_fix *fix = f->fixes; fix; fix = fix->next)
		write_fix(&p, fix);
	write_last(&p, f);
	return paper_done(&p);
}

static int compare(const void *a, const void *b)
{
	const struct finding *left = *(const struct finding *const *)a, *right = *(const struct finding *const *)b;
	if (left->severity != right->severity)
		return left->severity > right->severity ? -1 : 1;
	return (int)finding_entry(left->code)->stage - (int)finding_entry(right->code)->stage;
}

/* Insertion: lists are short, and findings of one kind keep their order. */
static void sort(const struct finding **findings, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const struct finding *f = findings[i];
		size_t to = i;
		for (; to > 0 && compare(&findings[to - 1], &f) > 0; to--)
			findings[to] = findings[to - 1];
		findings[to] = f;
	}
}

int finding_render_list(const struct finding_list *list, const struct finding_style *style, struct buffer *out)
{
	const struct finding *findings[FINDING_LIST_MAXIMUM + 1];
	size_t count = 0;
	for (const struct finding *f = list->first; f && count < BASE_COUNT(findings); f = f->next)
		findings[count++] = f;
	sort(findings, count);
	for (size_t i = 0; i < count; i++) {
		if (i)
			buffer_append_byte(out, '\n');
		finding_render(findings[i], style, out);
	}
	if (list->dropped)
		buffer_printf(out, "\n%zu more findings are not shown\n", list->dropped);
	return out->status;
}
