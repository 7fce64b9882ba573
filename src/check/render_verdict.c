/* SPDX-License-Identifier: Apache-2.0 */
/* The verdict in one line. Only what was seen of a real product is said of one (finding/catalogue.h). */
#include "base/text.h"
#include "check/render_parts.h"

#define TITLE_MAXIMUM 1024
#define LINE_MAXIMUM (64 * 1024)

static void append_title(const struct finding *f, struct buffer *out)
{
	char title[TITLE_MAXIMUM];
	finding_title(f, title, sizeof(title));
	buffer_append_text(out, title);
}

/* "504, ms-diagnostics 1009: " */
static void append_status(const struct finding *f, struct buffer *out)
{
	uint16_t id = finding_entry(f->code)->microsoft.id;
	buffer_printf(out, "%u", (unsigned)f->status);
	if (id)
		buffer_printf(out, ", ms-diagnostics %u", (unsigned)id);
	buffer_append_text(out, ": ");
}

static void say_refusal(const struct check_report *report, const struct finding *f, struct buffer *out)
{
	bool microsoft = report->policy == TRUST_POLICY_MICROSOFT && finding_entry(f->code)->microsoft.confirmed;
	bool when_called = f == report->from.answer && f != report->to.answer;
	if (f->status) {
		buffer_append_text(out, when_called ? "a call from it gets "
					: microsoft ? "a Lync or Skype for Business caller gets "
						    : "fedge answers ");
		append_status(f, out);
	}
	append_title(f, out);
}

static bool is_before(const struct finding *f, const struct finding *than)
{
	return !than || finding_entry(f->code)->stage < finding_entry(than->code)->stage;
}

static void say_warning(const struct check_report *report, struct buffer *out)
{
	const struct finding *first = NULL;
	size_t count = 0;
	for (const struct finding *f = report->findings.first; f; f = f->next) {
		if (f->severity == FINDING_NOTE)
			continue;
		count++;
		if (is_before(f, first))
			first = f;
	}
	buffer_append_text(out, "can be federated with");
	if (!first)
		return;
	buffer_append_text(out, ", but ");
	append_title(first, out);
	if (count > 1)
		buffer_printf(out, " (and %zu more)", count - 1);
}

static void say_good(const struct check_report *report, struct buffer *out)
{
	struct render_addresses addresses = render_count_addresses(report);
	if (report->facts->not_connected) {
		buffer_append_text(out, "right as far as DNS goes; no connection was made");
		return;
	}
	buffer_append_text(out, "can be federated with");
	if (addresses.total)
		buffer_printf(out, "; %zu of %zu address%s good", addresses.good, addresses.total,
			addresses.total == 1 ? "" : "es");
	if (report->certificate_days >= 0)
		buffer_printf(out, ", certificate good for %d more day%s", (int)report->certificate_days,
			report->certificate_days == 1 ? "" : "s");
}

static void say_unknown(const struct check_report *report, const struct finding *answer, struct buffer *out)
{
	buffer_append_text(out, "could not decide");
	if (answer) {
		buffer_append_text(out, ": ");
		append_title(answer, out);
	} else if (report->facts->why_not.length) {
		buffer_append_text(out, ": no domain name: ");
		text_append_safe(out, report->facts->why_not);
	} else if (report->findings.incomplete) {
		buffer_append_text(out, ": out of memory");
	}
}

static void say(
	const struct check_report *report, enum check_verdict verdict, const struct finding *answer, struct buffer *out)
{
	if (verdict == CHECK_UNKNOWN)
		say_unknown(report, answer, out);
	else if (verdict == CHECK_FAIL && answer)
		say_refusal(report, answer, out);
	else if (verdict == CHECK_FAIL)
		buffer_append_text(out, "cannot be federated with");
	else if (verdict == CHECK_WARN)
		say_warning(report, out);
	else
		say_good(report, out);
}

void render_reason(const struct check_report *report, struct buffer *out)
{
	say(report, report->verdict, report->answer, out);
}

void render_way(const struct check_report *report, const struct check_way *way, struct buffer *out)
{
	/* What the verdict says already is not said again. */
	if (way->verdict == CHECK_FAIL && way->answer && way->answer != report->answer) {
		buffer_append_text(out, "refused, ");
		if (way->answer->status)
			append_status(way->answer, out);
		append_title(way->answer, out);
	} else if (way->verdict == CHECK_UNKNOWN) {
		say_unknown(report, way->answer, out);
	} else {
		buffer_append_text(out, way->verdict == CHECK_FAIL ? "refused" : "accepted");
	}
}

int check_render_short(const struct check_report *report, const struct finding_style *style, struct buffer *out)
{
	struct paper p;
	struct buffer text;
	paper_init(&p, out, style);
	buffer_init(&text, LINE_MAXIMUM);
	paper_ink(&p, PAPER_BOLD);
	render_domain(report->facts, &text);
	if (report->policy != TRUST_POLICY_MICROSOFT)
		buffer_printf(&text, " as %s", check_policy_name(report->policy));
	buffer_append_text(&text, ": ");
	paper_text(&p, buffer_span(&text));
	paper_ink(&p, render_verdict_ink(report->verdict));
	paper_printf(&p, "%s", check_verdict_name(report->verdict));
	paper_ink(&p, PAPER_PLAIN);
	buffer_clear(&text);
	buffer_append_text(&text, ": ");
	render_reason(report, &text);
	paper_text(&p, buffer_span(&text));
	/* One line, however narrow the terminal: it is searched and cut by programs. */
	paper_end_whole(&p);
	buffer_done(&text);
	return paper_done(&p);
}

static void policy_row(const struct check_report *report, size_t name_width, struct paper *p)
{
	struct buffer text;
	buffer_init(&text, LINE_MAXIMUM);
	paper_printf(p, "  %-*s  ", (int)name_width, check_policy_name(report->policy));
	paper_ink(p, render_verdict_ink(report->verdict));
	paper_printf(p, "%-7s", check_verdict_name(report->verdict));
	paper_ink(p, PAPER_PLAIN);
	paper_text(p, SPAN("  "));
	size_t indent = paper_column(p);
	render_reason(report, &text);
	paper_text(p, buffer_span(&text));
	paper_end(p, indent);
	buffer_done(&text);
}

int check_render_policies(
	const struct check_report *const *reports, size_t count, const struct finding_style *style, struct buffer *out)
{
	struct paper p;
	paper_init(&p, out, style);
	size_t widest = 0;
	for (size_t i = 0; i < count; i++) {
		size_t width = strlen(check_policy_name(reports[i]->policy));
		widest = width > widest ? width : widest;
	}
	const struct check_facts *shown = NULL;
	for (size_t i = 0; i < count; i++) {
		if (reports[i]->facts != shown) {
			struct buffer name;
			buffer_init(&name, LINE_MAXIMUM);
			shown = reports[i]->facts;
			render_domain(shown, &name);
			paper_ink(&p, PAPER_BOLD);
			paper_text(&p, buffer_span(&name));
			paper_ink(&p, PAPER_PLAIN);
			paper_end(&p, 2);
			buffer_done(&name);
		}
		policy_row(reports[i], widest, &p);
	}
	return paper_done(&p);
}
