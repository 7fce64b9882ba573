/* SPDX-License-Identifier: Apache-2.0 */
/* The long texts: `fedge help CODE`, the list of codes, and docs/findings.md. */
#include "base/require.h"
#include "finding/paper.h"

#define WIDTH_DEFAULT 80

/* The title for the code as such: the template's own words instead of a subject. */
static void plain_title(enum finding_code code, struct buffer *out)
{
	char previous = ' ';
	for (const char *c = finding_entry(code)->title; *c; c++) {
		/* A subject without words, "the domain {} is", leaves a blank too many. */
		if (*c == '{' || *c == '}' || (*c == ' ' && previous == ' '))
			continue;
		buffer_append_byte(out, *c);
		previous = *c;
	}
	while (out->length > 0 && out->at[out->length - 1] == ' ')
		out->at[--out->length] = '\0';
}

static const char *who_acts(enum finding_who who)
{
	switch (who) {
	case FINDING_YOU:
		return "you";
	case FINDING_PARTNER:
		return "the partner";
	case FINDING_OWNER:
		return "the owner of the domain";
	case FINDING_NETWORK:
		break;
	}
	return "whoever runs the network or the resolver between the two";
}

static void title_line(struct paper *p, enum finding_code code)
{
	const struct finding_entry *entry = finding_entry(code);
	struct buffer title;
	buffer_init(&title, 1024);
	plain_title(code, &title);
	paper_ink(p, PAPER_BOLD);
	paper_printf(p, "%s[%s]: ", finding_severity_name(entry->severity), entry->code);
	paper_text(p, buffer_span(&title));
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 4);
	buffer_done(&title);
}

static void face_lines(struct paper *p, const struct finding_entry *entry)
{
	paper_printf(p, "  who must act: %s", who_acts(entry->who));
	paper_end(p, 4);
	if (entry->status) {
		paper_printf(p, "  answer: %u", (unsigned)entry->status);
		paper_end(p, 4);
	}
	if (entry->microsoft.id) {
		paper_printf(p, "  ms-diagnostics: %u \"%s\"%s", (unsigned)entry->microsoft.id, entry->microsoft.reason,
			entry->microsoft.confirmed ? "" : " (fedge's own use of the id)");
		paper_end(p, 4);
	}
	if (entry->result.code) {
		paper_printf(p, "  result code: 0x%08x %s", entry->result.code, entry->result.name);
		paper_end(p, 4);
	}
	if (entry->hresult.code) {
		paper_printf(p, "  HRESULT: %s", entry->hresult.text);
		paper_end(p, 4);
	}
}

int finding_help(enum finding_code code, const struct finding_style *style, struct buffer *out)
{
	const struct finding_entry *entry = finding_entry(code);
	struct finding_style own = *style;
	if (own.width == 0)
		own.width = WIDTH_DEFAULT;
	struct paper p;
	paper_init(&p, out, &own);
	title_line(&p, code);
	face_lines(&p, entry);
	struct span rest = span_of(entry->help);
	while (rest.at) {
		buffer_append_byte(out, '\n');
		paper_text(&p, span_cut(&rest, '\n'));
		paper_end(&p, 0);
	}
	return paper_done(&p);
}

static size_t longest_code(void)
{
	size_t longest = 0;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		size_t length = strlen(finding_entry((enum finding_code)i)->code);
		if (length > longest)
			longest = length;
	}
	return longest;
}

int finding_help_list(const struct finding_style *style, struct buffer *out)
{
	struct paper p;
	paper_init(&p, out, style);
	size_t column = longest_code() + 2;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		enum finding_code code = (enum finding_code)i;
		struct buffer title;
		buffer_init(&title, 1024);
		plain_title(code, &title);
		paper_text(&p, span_of(finding_entry(code)->code));
		paper_fill(&p, ' ', column - paper_column(&p));
		paper_text(&p, buffer_span(&title));
		paper_end(&p, column);
		buffer_done(&title);
	}
	return paper_done(&p);
}

/* ---- docs/findings.md ---- */

static void markdown_entry(enum finding_code code, struct buffer *out)
{
	const struct finding_entry *entry = finding_entry(code);
	buffer_printf(out, "\n### %s\n\n**", entry->code);
	plain_title(code, out);
	buffer_printf(out,
		"**\n\n| severity | who must act | answer | ms-diagnostics | HRESULT |\n"
		"|---|---|---|---|---|\n| %s | %s | ",
		finding_severity_name(entry->severity), who_acts(entry->who));
	if (entry->status)
		buffer_printf(out, "%u | ", (unsigned)entry->status);
	else
		buffer_append_text(out, "– | ");
	if (entry->microsoft.id)
		buffer_printf(out, "%u \"%s\"%s", (unsigned)entry->microsoft.id, entry->microsoft.reason,
			entry->microsoft.confirmed ? "" : " \\*");
	else
		buffer_append_text(out, "–");
	buffer_printf(out, " | %s |\n", entry->hresult.text ? entry->hresult.text : "–");
	if (entry->result.code)
		buffer_printf(out, "\nIn a SIPStack trace: `0x%08x %s`\n", entry->result.code, entry->result.name);
	struct span rest = span_of(entry->help);
	while (rest.at) {
		struct span paragraph = span_cut(&rest, '\n');
		buffer_printf(out, "\n%.*s\n", SPAN_PRINT(paragraph));
	}
}

static const char preface[] =
	"# Findings\n\n"
	"Every judgement of fedge has one of these codes. They are stable: scripts may rely on them. The list stands "
	"in\n"
	"the order of refusal: of several errors the first in this order is the answer.\n\n"
	"\"The owner of the domain\" is you where your own domain is examined, and the partner otherwise.\n"
	"An asterisk marks an ms-diagnostics id that fedge uses by its own decision; the others were seen on the wire\n"
	"or are documented for the Microsoft products.\n\n"
	"This page is made from the catalogue in `src/finding/catalogue.def`; `fedge help CODE` prints the same "
	"texts.\n";

int finding_render_markdown(struct buffer *out)
{
	buffer_append_text(out, preface);
	int stage = -1;
	for (int i = FINDING_NONE + 1; i < FINDING_COUNT; i++) {
		enum finding_code code = (enum finding_code)i;
		if ((int)finding_entry(code)->stage != stage) {
			stage = (int)finding_entry(code)->stage;
			buffer_printf(out, "\n## %s\n", finding_stage_name(finding_entry(code)->stage));
		}
		markdown_entry(code, out);
	}
	return out->status;
}
