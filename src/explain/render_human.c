/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/text.h"
#include "explain/ladder_text.h"
#include "explain/render.h"
#include "finding/paper.h"

#include <errno.h>

#define LADDER_ARENA_MAXIMUM (16u << 20)
#define LADDER_ROWS_MAXIMUM 60

static int append_ladder(const struct explain_problem *p, const struct explain_style *style, struct buffer *out)
{
	struct arena arena;
	arena_init(&arena, LADDER_ARENA_MAXIMUM);
	const struct explain_ladder *ladder = explain_ladder_make(p->subject, p->failing, LADDER_ROWS_MAXIMUM, &arena);
	int status = ladder ? 0 : -ENOMEM;
	if (ladder && ladder->row_count > 0) {
		buffer_append_byte(out, '\n');
		status = explain_ladder_text(ladder, style, out);
	}
	arena_done(&arena);
	return status;
}

static void append_heading(const struct explain_problem *p, size_t number, struct paper *paper)
{
	paper_ink(paper, PAPER_BOLD);
	paper_printf(paper, "%s %zu: ", explain_case_kind_word(p->subject->kind), number);
	paper_ink(paper, PAPER_PLAIN);
	paper_text(paper, p->sentence);
	paper_end(paper, 2);
	if (p->subject->call_id.length > 0) {
		paper_ink(paper, PAPER_FAINT);
		paper_text(paper, SPAN("  Call-ID "));
		paper_text(paper, p->subject->call_id);
		paper_ink(paper, PAPER_PLAIN);
		paper_end_whole(paper);
	}
}

static enum paper_ink ink_of(enum explain_confidence confidence)
{
	return confidence == EXPLAIN_PROVED ? PAPER_RED : confidence == EXPLAIN_LIKELY ? PAPER_YELLOW : PAPER_PLAIN;
}

static void append_confidence(const struct explain_problem *p, struct paper *paper)
{
	paper_text(paper, SPAN("   = "));
	paper_ink(paper, ink_of(p->confidence));
	paper_text(paper, span_of(explain_confidence_word(p->confidence)));
	paper_ink(paper, PAPER_PLAIN);
	if (p->why.length > 0) {
		paper_text(paper, SPAN(": "));
		paper_text(paper, p->why);
	}
	paper_end(paper, 5);
}

static void append_candidates(const struct explain_problem *p, struct paper *paper)
{
	char title[256];
	if (p->candidate_count == 0)
		return;
	paper_end_whole(paper);
	paper_text(paper, p->candidate_count == 1 ? SPAN("what can be behind it:")
						  : SPAN("what can be behind it, the likeliest first:"));
	paper_end(paper, 0);
	for (size_t i = 0; i < p->candidate_count; i++) {
		const struct explain_candidate *candidate = &p->candidates[i];
		size_t length = finding_title(candidate->finding, title, sizeof(title));
		paper_printf(paper, "  %zu. ", i + 1);
		paper_ink(paper, ink_of(candidate->confidence));
		paper_printf(paper, "%s", explain_confidence_word(candidate->confidence));
		paper_ink(paper, PAPER_PLAIN);
		paper_text(paper, SPAN("  "));
		paper_text(paper, span_make(title, length));
		paper_printf(paper, "  [%s]", finding_entry(candidate->finding->code)->code);
		paper_end(paper, 15);
		if (candidate->why.length > 0) {
			paper_fill(paper, ' ', 15);
			paper_ink(paper, PAPER_FAINT);
			paper_text(paper, candidate->why);
			paper_ink(paper, PAPER_PLAIN);
			paper_end(paper, 15);
		}
	}
}

static void append_next(const struct explain_problem *p, struct paper *paper)
{
	if (p->next_count == 0)
		return;
	paper_end_whole(paper);
	paper_text(paper, SPAN("to know more:"));
	paper_end(paper, 0);
	for (size_t i = 0; i < p->next_count; i++) {
		paper_text(paper, SPAN("  - "));
		paper_text(paper, p->next[i].text);
		paper_end(paper, 4);
		if (p->next[i].command.length > 0) {
			paper_text(paper, SPAN("      "));
			paper_ink(paper, PAPER_BOLD);
			paper_text(paper, p->next[i].command);
			paper_ink(paper, PAPER_PLAIN);
			paper_end_whole(paper);
		}
	}
}

/* Lines of evidence are cut with an ellipsis, one column wide: what stands for it is too, so carets stay where they
 * are. */
static void replace_ellipses(struct buffer *out, size_t from)
{
	static const struct span ellipsis = SPAN("\xe2\x80\xa6");
	size_t to = from;
	for (size_t at = from; at < out->length; to++) {
		bool is_one = span_starts_nocase(span_make(out->at + at, out->length - at), ellipsis);
		out->at[to] = is_one ? '~' : out->at[at];
		at += is_one ? ellipsis.length : 1;
	}
	out->length = to;
}

int explain_render_human(
	const struct explain_problem *p, size_t number, const struct explain_style *style, struct buffer *out)
{
	size_t from = out->length;
	struct paper paper;
	paper_init(&paper, out, &style->finding);
	append_heading(p, number, &paper);
	int status = append_ladder(p, style, out);
	if (p->finding) {
		paper_end_whole(&paper);
		int rendered = finding_render(p->finding, &style->finding, out);
		status = status ? status : rendered;
		append_confidence(p, &paper);
	}
	append_candidates(p, &paper);
	append_next(p, &paper);
	int printed = paper_done(&paper);
	if (style->ascii && out->length > from)
		replace_ellipses(out, from);
	return status ? status : printed;
}

int explain_render_line(const struct explain_problem *p, size_t number, size_t as, const struct explain_style *style,
	struct buffer *out)
{
	struct paper paper;
	paper_init(&paper, out, &style->finding);
	paper_printf(&paper, "%s %zu: ", explain_case_kind_word(p->subject->kind), number);
	paper_text(&paper, p->sentence);
	if (as)
		paper_printf(&paper, " (as %zu)", as);
	paper_end(&paper, 2);
	return paper_done(&paper);
}
