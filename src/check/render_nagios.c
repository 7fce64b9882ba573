/* SPDX-License-Identifier: Apache-2.0 */
/* The monitoring plugins' interface: one status line with performance data behind a bar, then details. */
#include "base/require.h"
#include "base/text.h"
#include "check/render_parts.h"

#define TEXT_MAXIMUM (64 * 1024)
#define DETAILS_MAXIMUM 200
#define DAY_S 86400

static const char *const states[] = {
	[CHECK_PASS] = "OK",
	[CHECK_WARN] = "WARNING",
	[CHECK_FAIL] = "CRITICAL",
	[CHECK_UNKNOWN] = "UNKNOWN",
};

/* A bar would begin the performance data, so it is written as other dangerous characters are. */
static void append_plain(struct span text, struct buffer *out)
{
	struct buffer safe;
	buffer_init(&safe, TEXT_MAXIMUM);
	text_append_safe(&safe, text);
	struct span rest = buffer_span(&safe);
	for (bool first = true; rest.at; first = false) {
		if (!first)
			buffer_append_text(out, "\\x7C");
		buffer_append(out, span_cut(&rest, '|'));
	}
	buffer_done(&safe);
}

/* Between quotes: neither they nor the equals sign may stand in a label. */
static void append_label(const struct check_report *report, bool several, const char *name, struct buffer *out)
{
	if (!several) {
		buffer_printf(out, " %s", name);
		return;
	}
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	struct span domain = report->facts->domain.length ? report->facts->domain : report->facts->typed;
	append_plain(domain, &text);
	buffer_append_text(out, " '");
	for (size_t i = 0; i < text.length; i++)
		buffer_append_byte(out, text.at[i] == '\'' || text.at[i] == '=' ? '_' : text.at[i]);
	buffer_printf(out, " %s %s'", check_policy_name(report->policy), name);
	buffer_done(&text);
}

/* label=value[unit];warn;crit;min;max. A range "21:" asks for at least 21. */
static void append_performance(const struct check_report *report, bool several, struct buffer *out)
{
	struct render_addresses addresses = render_count_addresses(report);
	append_label(report, several, "time", out);
	buffer_printf(out, "=%.3fs;;;0", (double)report->facts->elapsed_us / 1e6);
	append_label(report, several, "addresses", out);
	buffer_printf(out, "=%zu;;;0;%zu", addresses.good, addresses.total);
	if (report->certificate_days == INT32_MIN)
		return;
	append_label(report, several, "certificate_days", out);
	buffer_printf(out, "=%d;", (int)report->certificate_days);
	if (report->expires_soon_s >= 0)
		buffer_printf(out, "%lld:", (long long)(report->expires_soon_s / DAY_S));
	buffer_append_text(out, ";0:");
}

static void append_verdict(const struct check_report *report, struct buffer *out)
{
	struct buffer text;
	buffer_init(&text, TEXT_MAXIMUM);
	render_domain(report->facts, &text);
	if (report->policy != TRUST_POLICY_MICROSOFT)
		buffer_printf(&text, " as %s", check_policy_name(report->policy));
	buffer_append_text(&text, ": ");
	render_reason(report, &text);
	append_plain(buffer_span(&text), out);
	buffer_done(&text);
}

/* How many of each, the bad ones first: "1 fail, 2 warn, 9 pass of 12: ". */
static void append_counts(const struct check_report *const *reports, size_t count, struct buffer *out)
{
	static const enum check_verdict order[] = { CHECK_FAIL, CHECK_UNKNOWN, CHECK_WARN, CHECK_PASS };
	const char *between = "";
	for (size_t i = 0; i < BASE_COUNT(order); i++) {
		size_t found = 0;
		for (size_t j = 0; j < count; j++)
			found += reports[j]->verdict == order[i];
		if (!found)
			continue;
		buffer_printf(out, "%s%zu %s", between, found, check_verdict_name(order[i]));
		between = ", ";
	}
	buffer_append_text(out, "; ");
}

static void append_details(
	const struct check_report *report, enum finding_severity severity, size_t *ret_left, struct buffer *out)
{
	for (const struct finding *f = report->findings.first; f; f = f->next) {
		char title[1024];
		if (f->severity != severity || *ret_left == 0)
			continue;
		--*ret_left;
		finding_title(f, title, sizeof(title));
		buffer_printf(out, "  %s %s: ", finding_severity_name(f->severity), finding_entry(f->code)->code);
		append_plain(span_of(title), out);
		buffer_append_byte(out, '\n');
	}
}

static const struct check_report *worst_of(const struct check_report *const *reports, size_t count)
{
	const struct check_report *worst = reports[0];
	for (size_t i = 1; i < count; i++)
		if (check_verdict_worst(worst->verdict, reports[i]->verdict) != worst->verdict)
			worst = reports[i];
	return worst;
}

int check_render_nagios(const struct check_report *const *reports, size_t count, struct buffer *out)
{
	if (count == 0) {
		buffer_append_text(out, "FEDGE UNKNOWN - no domain was examined\n");
		return out->status;
	}
	const struct check_report *worst = worst_of(reports, count);
	bool several = count > 1;
	size_t left = DETAILS_MAXIMUM;
	buffer_printf(out, "FEDGE %s - ", states[worst->verdict]);
	if (several)
		append_counts(reports, count, out);
	append_verdict(worst, out);
	buffer_append_text(out, " |");
	for (size_t i = 0; i < count; i++)
		append_performance(reports[i], several, out);
	buffer_append_byte(out, '\n');
	for (size_t i = 0; i < count; i++) {
		if (several && left > 0) {
			left--;
			buffer_printf(out, "%s ", states[reports[i]->verdict]);
			append_verdict(reports[i], out);
			buffer_append_byte(out, '\n');
		}
		append_details(reports[i], FINDING_ERROR, &left, out);
		append_details(reports[i], FINDING_WARNING, &left, out);
	}
	return out->status;
}
