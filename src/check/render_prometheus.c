/* SPDX-License-Identifier: Apache-2.0 */
/* The text format of Prometheus, for a node exporter's text file collector or a scrape: every family once, over all
 * reports; no sample twice. */
#include "base/require.h"
#include "base/text.h"
#include "check/render_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define VALUE_MAXIMUM 4096

/* Backslash, quote and line feed are escaped by the format; what is not UTF-8 it does not take at all. */
static void append_label(struct buffer *out, const char *name, struct span value)
{
	struct buffer safe;
	buffer_init(&safe, VALUE_MAXIMUM);
	text_append_safe(&safe, value);
	if (out->length > 0 && out->at[out->length - 1] != '{')
		buffer_append_byte(out, ',');
	buffer_printf(out, "%s=\"", name);
	for (size_t i = 0; i < safe.length; i++) {
		if (safe.at[i] == '"' || safe.at[i] == '\\')
			buffer_append_byte(out, '\\');
		buffer_append_byte(out, safe.at[i]);
	}
	buffer_append_byte(out, '"');
	buffer_done(&safe);
}

static struct span domain_of(const struct check_report *report)
{
	return report->facts->domain.length ? report->facts->domain : report->facts->typed;
}

/* "fedge_check_NAME{domain=\"…\"" */
static void begin(struct buffer *out, const char *name, const struct check_report *report, bool with_policy)
{
	buffer_printf(out, "fedge_check_%s{", name);
	append_label(out, "domain", domain_of(report));
	if (with_policy)
		append_label(out, "policy", span_of(check_policy_name(report->policy)));
}

static void end_count(struct buffer *out, int64_t value)
{
	buffer_printf(out, "} %lld\n", (long long)value);
}

static void end_seconds(struct buffer *out, int64_t us)
{
	buffer_printf(out, "} %.6f\n", (double)us / 1e6);
}

/* ---- one function a family; each writes the samples of one report ---- */

static void write_verdict(const char *name, const struct check_report *report, struct buffer *out)
{
	for (unsigned verdict = CHECK_PASS; verdict <= CHECK_UNKNOWN; verdict++) {
		begin(out, name, report, true);
		append_label(out, "verdict", span_of(check_verdict_name((enum check_verdict)verdict)));
		end_count(out, report->verdict == (enum check_verdict)verdict);
	}
}

static void write_success(const char *name, const struct check_report *report, struct buffer *out)
{
	begin(out, name, report, true);
	end_count(out, report->verdict == CHECK_PASS || report->verdict == CHECK_WARN);
}

static void write_diagnostics(const char *name, const struct check_report *report, struct buffer *out)
{
	begin(out, name, report, true);
	end_count(out, report->answer ? finding_entry(report->answer->code)->microsoft.id : 0);
}

static bool was_said(const struct check_report *report, const struct finding *than)
{
	for (const struct finding *f = report->findings.first; f != than; f = f->next)
		if (f->code == than->code && f->severity == than->severity)
			return true;
	return false;
}

static void write_finding(const char *name, const struct check_report *report, struct buffer *out)
{
	for (const struct finding *f = report->findings.first; f; f = f->next) {
		if (was_said(report, f))
			continue;
		begin(out, name, report, true);
		append_label(out, "code", span_of(finding_entry(f->code)->code));
		append_label(out, "severity", span_of(finding_severity_name(f->severity)));
		end_count(out, 1);
	}
}

/* Two records may name one host at one port, and then there are two rows for an address. */
static bool row_was_said(const struct check_report *report, size_t index)
{
	const struct check_row *row = &report->rows[index];
	for (size_t i = 0; i < index; i++)
		if (span_equal(report->rows[i].host, row->host) && report->rows[i].port == row->port &&
			span_equal(report->rows[i].address, row->address))
			return true;
	return false;
}

static void write_address(const char *name, const struct check_report *report, struct buffer *out)
{
	for (size_t i = 0; i < report->row_count; i++) {
		const struct check_row *row = &report->rows[i];
		if (!row->address.length || row_was_said(report, i))
			continue;
		char port[8];
		snprintf(port, sizeof(port), "%u", (unsigned)row->port);
		begin(out, name, report, true);
		append_label(out, "host", row->host);
		append_label(out, "address", row->address);
		append_label(out, "port", span_of(port));
		end_count(out, row->accepted);
	}
}

static void write_duration(const char *name, const struct check_report *report, struct buffer *out)
{
	begin(out, name, report, false);
	end_seconds(out, report->facts->elapsed_us);
}

static void write_examined(const char *name, const struct check_report *report, struct buffer *out)
{
	begin(out, name, report, false);
	end_seconds(out, report->facts->examined_us);
}

static bool leaf_was_said(const struct check_facts *facts, size_t index, const struct trust_certificate *leaf)
{
	for (size_t i = 0; i < index; i++) {
		const struct trust_certificate *other = render_leaf(&facts->attempts[i]);
		if (other && facts->attempts[i].host == facts->attempts[index].host &&
			span_equal(other->serial, leaf->serial))
			return true;
	}
	return false;
}

static void write_not_after(const char *name, const struct check_report *report, struct buffer *out)
{
	const struct check_facts *facts = report->facts;
	for (size_t i = 0; i < facts->attempt_count; i++) {
		const struct trust_certificate *leaf = render_leaf(&facts->attempts[i]);
		if (!leaf || leaf_was_said(facts, i, leaf))
			continue;
		begin(out, name, report, false);
		append_label(out, "host", facts->hosts[facts->attempts[i].host].name);
		append_label(out, "serial", leaf->serial);
		end_count(out, leaf->not_after_s);
	}
}

static const struct family {
	const char *name; /* after fedge_check_ */
	const char *help;
	bool by_policy; /* false: of the facts, the same whoever judges */
	void (*write)(const char *name, const struct check_report *report, struct buffer *out);
} families[] = {
	{ "verdict", "1 for the verdict of the domain, 0 for the others.", true, write_verdict },
	{ "success", "Whether the domain can be federated with (verdict pass or warn).", true, write_success },
	{ "ms_diagnostics_id", "The ms-diagnostics id that a refused caller is told, 0 for none.", true,
		write_diagnostics },
	{ "finding", "1 for each finding that was made.", true, write_finding },
	{ "address_success", "Whether the address of an SRV target is good in every respect.", true, write_address },
	{ "duration_seconds", "How long the examination took.", false, write_duration },
	{ "examined_timestamp_seconds", "When the examination began.", false, write_examined },
	{ "certificate_not_after_timestamp_seconds", "When the certificate that a host shows ends.", false,
		write_not_after },
};

/* By domain, then policy, then the order given. */
struct entry {
	const struct check_report *report;
	size_t place;
};

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = span_compare(domain_of(left->report), domain_of(right->report));
	if (order == 0)
		order = (int)left->report->policy - (int)right->report->policy;
	if (order == 0)
		order = left->place < right->place ? -1 : 1;
	return order;
}

static bool same_domain(const struct entry *a, const struct entry *b)
{
	return span_equal(domain_of(a->report), domain_of(b->report));
}

/* Of several reports on one domain and policy the last counts. */
static bool is_replaced(const struct entry *entries, size_t count, size_t i)
{
	return i + 1 < count && same_domain(&entries[i], &entries[i + 1]) &&
	       entries[i].report->policy == entries[i + 1].report->policy;
}

static void write_family(const struct family *family, const struct entry *entries, size_t count, struct buffer *out)
{
	buffer_printf(out, "# HELP fedge_check_%s %s\n# TYPE fedge_check_%s gauge\n", family->name, family->help,
		family->name);
	const struct entry *last = NULL;
	for (size_t i = 0; i < count; i++) {
		if (is_replaced(entries, count, i))
			continue;
		if (!family->by_policy && last && same_domain(last, &entries[i]))
			continue;
		family->write(family->name, entries[i].report, out);
		last = &entries[i];
	}
}

int check_render_prometheus(const struct check_report *const *reports, size_t count, struct buffer *out)
{
	struct entry *entries = calloc(count ? count : 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		entries[i] = (struct entry){ reports[i], i };
	qsort(entries, count, sizeof(*entries), compare_entries);
	for (size_t i = 0; i < BASE_COUNT(families); i++)
		write_family(&families[i], entries, count, out);
	free(entries);
	return out->status;
}
