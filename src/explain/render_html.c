/* SPDX-License-Identifier: Apache-2.0 */
/* One page that can be looked at, printed and sent: nothing is loaded from elsewhere, no script runs. */
#include "explain/html_ladder.h"
#include "finding/json.h"

#include <errno.h>

#define LADDER_ARENA_MAXIMUM (16u << 20)
#define ROWS_MAXIMUM 200
#define BLOCK_WIDTH 110

static const char style_sheet[] =
	":root{color-scheme:light dark;--ink:#1b1b1b;--faint:#6b6b6b;--bad:#b3261e;--good:#1b6e3c;--ask:#8a5a00;"
	"--line:#c9c9c9;--paper:#fff;--box:#f5f5f3}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e6e6;--faint:#9a9a9a;--bad:#ff8a80;--good:#7ddc9f;"
	"--ask:#ffc46b;--line:#4a4a4a;--paper:#161616;--box:#222}}\n"
	"body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1200px;"
	"margin:2rem auto;padding:0 1rem}\n"
	"h1{font-size:1.4rem}h2{font-size:1.1rem;margin:0 0 .3rem}article{border-top:1px solid var(--line);"
	"padding:1.2rem 0}\n"
	".id,.faint{color:var(--faint)}.id{font:12px ui-monospace,monospace;overflow-wrap:anywhere}\n"
	".sure{display:inline-block;padding:.1rem .6rem;border-radius:1rem;border:1px solid;font-size:.85rem}\n"
	".proved{color:var(--bad)}.likely{color:var(--ask)}.possible,.none{color:var(--faint)}\n"
	"pre{background:var(--box);padding:.8rem;overflow-x:auto;font:12.5px/1.45 ui-monospace,monospace}\n"
	".ladder{overflow-x:auto;margin:.8rem 0}svg text{font:12px ui-monospace,monospace;fill:currentColor}\n"
	"svg .host{font-weight:bold}svg .life{stroke:var(--line)}svg g{color:var(--ink)}"
	"svg g line,svg g path{stroke:currentColor;fill:none}svg g circle{fill:currentColor}\n"
	"svg g.faint{color:var(--faint)}svg g.good{color:var(--good)}svg g.ask{color:var(--ask)}"
	"svg g.bad{color:var(--bad)}svg g.failing line,svg g.failing path{stroke-width:2.5}\n"
	"svg .note{paint-order:stroke;stroke:var(--paper);stroke-width:4px}svg text.faint{fill:var(--faint)}\n"
	"code{font:13px ui-monospace,monospace}@media print{article{break-inside:avoid}}\n";

static void append_ladder(const struct explain_problem *p, const struct explain_style *style, struct buffer *out)
{
	struct arena arena;
	arena_init(&arena, LADDER_ARENA_MAXIMUM);
	const struct explain_ladder *ladder = explain_ladder_make(p->subject, p->failing, ROWS_MAXIMUM, &arena);
	if (!ladder)
		out->status = -ENOMEM;
	else if (ladder->row_count > 0)
		(void)explain_html_ladder(ladder, style, out);
	arena_done(&arena);
}

/* Text that is laid out already. */
static void append_lines(struct span text, struct buffer *out)
{
	buffer_append_text(out, "<pre>");
	while (text.length > 0) {
		explain_html_text(out, span_cut(&text, '\n'));
		buffer_append_byte(out, '\n');
	}
	buffer_append_text(out, "</pre>\n");
}

/* The block that a terminal shows, without its colours. */
static void append_finding(const struct finding *f, struct buffer *out)
{
	const struct finding_style plain = { .width = BLOCK_WIDTH };
	struct buffer text;
	buffer_init(&text, 4u << 20);
	if (finding_render(f, &plain, &text) < 0)
		out->status = text.status;
	append_lines(buffer_span(&text), out);
	buffer_done(&text);
}

static void append_confidence(const struct explain_problem *p, struct buffer *out)
{
	const char *word = explain_confidence_word(p->confidence);
	buffer_printf(out, "<p><span class=\"sure %s\">%s</span> ", word, word);
	explain_html_text(out, p->why);
	buffer_append_text(out, "</p>\n");
}

static void append_candidates(const struct explain_problem *p, struct buffer *out)
{
	char title[256];
	if (p->candidate_count == 0)
		return;
	buffer_append_text(out, "<p>What can be behind it, the likeliest first:</p>\n<ol>\n");
	for (size_t i = 0; i < p->candidate_count; i++) {
		const struct explain_candidate *candidate = &p->candidates[i];
		const char *word = explain_confidence_word(candidate->confidence);
		size_t length = finding_title(candidate->finding, title, sizeof(title));
		buffer_printf(out, "<li><span class=\"sure %s\">%s</span> ", word, word);
		explain_html_text(out, span_make(title, length));
		buffer_append_text(out, " <span class=\"faint\">");
		explain_html_text(out, candidate->why);
		buffer_append_text(out, "</span></li>\n");
	}
	buffer_append_text(out, "</ol>\n");
}

static void append_next(const struct explain_problem *p, struct buffer *out)
{
	if (p->next_count == 0)
		return;
	buffer_append_text(out, "<p>To know more:</p>\n<ul>\n");
	for (size_t i = 0; i < p->next_count; i++) {
		buffer_append_text(out, "<li>");
		explain_html_text(out, p->next[i].text);
		if (p->next[i].command.length > 0) {
			buffer_append_text(out, "<br><code>");
			explain_html_text(out, p->next[i].command);
			buffer_append_text(out, "</code>");
		}
		buffer_append_text(out, "</li>\n");
	}
	buffer_append_text(out, "</ul>\n");
}

int explain_render_html_begin(const struct explain_style *style, struct span title, struct buffer *out)
{
	(void)style;
	buffer_append_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
				"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
				"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
				"'unsafe-inline'\">\n"
				"<title>");
	explain_html_text(out, title);
	buffer_append_text(out, "</title>\n<style>\n");
	buffer_append_text(out, style_sheet);
	buffer_append_text(out, "</style></head><body>\n<h1>");
	explain_html_text(out, title);
	return buffer_append_text(out, "</h1>\n");
}

int explain_render_html(
	const struct explain_problem *p, size_t number, const struct explain_style *style, struct buffer *out)
{
	buffer_printf(
		out, "<article id=\"p%zu\">\n<h2>%s %zu: ", number, explain_case_kind_word(p->subject->kind), number);
	explain_html_text(out, p->sentence);
	buffer_append_text(out, "</h2>\n");
	if (p->subject->call_id.length > 0) {
		buffer_append_text(out, "<p class=\"id\">Call-ID ");
		explain_html_text(out, p->subject->call_id);
		buffer_append_text(out, "</p>\n");
	}
	append_ladder(p, style, out);
	if (p->finding) {
		append_finding(p->finding, out);
		append_confidence(p, out);
	}
	append_candidates(p, out);
	append_next(p, out);
	return buffer_append_text(out, "</article>\n");
}

int explain_render_html_end(const struct explain_overview *o, const struct explain_style *style, struct buffer *out)
{
	struct explain_style plain = *style;
	struct buffer text;
	plain.finding = (struct finding_style){ .width = BLOCK_WIDTH };
	buffer_init(&text, 16u << 20);
	int status = explain_render_files(o, &plain, &text);
	if (status == 0)
		status = explain_render_end(o, &plain, &text);
	buffer_append_text(out, "<article>\n");
	append_lines(buffer_span(&text), out);
	buffer_done(&text);
	buffer_append_text(out, "</article>\n</body></html>\n");
	return status ? status : out->status;
}
