/* SPDX-License-Identifier: Apache-2.0 */
/* The stages as a matrix: one row for each address of each target, one column for each step. Where the terminal is too
 * narrow the columns first lose their facts and long labels, then the addresses move to lines of their own, and at last
 * a row becomes a sentence. */
#include "base/require.h"
#include "check/render_parts.h"

#include <stdio.h>
#include <stdlib.h>

#define CELL_SIZE 16
#define ROWS_ALWAYS 12 /* that many rows are never folded */
#define ROWS_ALIKE 2 /* shown of each kind, where there are more */
#define ROWS_MAXIMUM 24

struct cell {
	char text[CELL_SIZE];
	enum paper_ink ink;
};

struct layout {
	bool long_labels; /* "domain rule" instead of "rule" */
	bool facts; /* "12 ms" instead of "ok" */
	bool stacked; /* addresses on lines of their own */
	bool flowing; /* no columns at all */
	size_t gap;
	size_t label; /* columns of the first one */
	size_t widths[CHECK_STEP_COUNT]; /* 0: the step is not shown */
};

static const char *const short_labels[CHECK_STEP_COUNT] = {
	[CHECK_STEP_DOMAIN] = "rule",
	[CHECK_STEP_ADDRESS] = "addr",
	[CHECK_STEP_OPTIONS] = "SIP",
};

/* From the richest to the one that always fits. */
static const struct layout layouts[] = {
	{ .long_labels = true, .facts = true, .gap = 2 },
	{ .facts = true, .gap = 2 },
	{ .long_labels = true, .facts = true, .stacked = true, .gap = 2 },
	{ .facts = true, .stacked = true, .gap = 2 },
	{ .stacked = true, .gap = 2 },
	{ .stacked = true, .gap = 1 },
	{ .flowing = true },
};

static const char *label_of(const struct layout *layout, enum check_step step)
{
	const char *brief = short_labels[step];
	return layout->long_labels || !brief ? check_step_name(step) : brief;
}

static void good_fact(
	const struct check_report *report, const struct check_row *row, enum check_step step, char ret_text[CELL_SIZE])
{
	const struct check_attempt *attempt = row->attempt;
	const struct trust_certificate *leaf = render_leaf(attempt);
	if (!attempt)
		return;
	struct span version = attempt->probe.connection.version;
	if (step == CHECK_STEP_TCP && attempt->probe.connect_us >= 0)
		render_duration(attempt->probe.connect_us, ret_text);
	else if (step == CHECK_STEP_TLS && span_starts_nocase(version, SPAN("TLSv")) && version.length < 12)
		snprintf(ret_text, CELL_SIZE, "%.*s", SPAN_PRINT(span_from(version, 4)));
	else if (step == CHECK_STEP_DATES && leaf && render_days(leaf->not_after_s, report->judged_at_s) < 100000)
		snprintf(ret_text, CELL_SIZE, "%d d", (int)render_days(leaf->not_after_s, report->judged_at_s));
	else if (step == CHECK_STEP_OPTIONS && attempt->answer.status)
		snprintf(ret_text, CELL_SIZE, "%u", (unsigned)attempt->answer.status);
}

static struct cell cell_of(const struct check_report *report, const struct check_row *row, enum check_step step,
	const struct layout *layout)
{
	static const struct cell cells[] = {
		[CHECK_STATE_NOT_JUDGED] = { "–", PAPER_FAINT },
		[CHECK_STATE_GOOD] = { "ok", PAPER_GREEN },
		[CHECK_STATE_WARNING] = { "warn", PAPER_YELLOW },
		[CHECK_STATE_BAD] = { "FAIL", PAPER_RED },
		[CHECK_STATE_UNKNOWN] = { "?", PAPER_YELLOW },
	};
	struct cell cell = cells[row->cells[step].state];
	if (layout->facts && row->cells[step].state == CHECK_STATE_GOOD)
		good_fact(report, row, step, cell.text);
	return cell;
}

/* What stands before the cells of a row: its address. */
static struct span label_of_row(const struct check_row *row)
{
	if (row->address.length)
		return row->address;
	return row->host.length ? SPAN("no address") : SPAN("no target");
}

/* Steps that nobody was asked for (OPTIONS without --probe) have no column. */
static bool step_is_shown(const struct check_report *report, enum check_step step)
{
	if (step != CHECK_STEP_OPTIONS)
		return true;
	for (size_t i = 0; i < report->row_count; i++)
		if (report->rows[i].cells[step].state != CHECK_STATE_NOT_JUDGED ||
			(report->rows[i].attempt && report->rows[i].attempt->answer.asked))
			return true;
	return false;
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Fills in the widths; returns the columns of a whole row. */
static size_t measure(struct layout *layout, const struct check_report *report, const bool *shown)
{
	layout->label = layout->stacked ? 2 : 0;
	size_t total = 0;
	for (unsigned step = 0; step < CHECK_STEP_COUNT; step++) {
		layout->widths[step] = 0;
		if (!step_is_shown(report, (enum check_step)step))
			continue;
		layout->widths[step] = strlen(label_of(layout, (enum check_step)step));
		for (size_t i = 0; i < report->row_count; i++) {
			if (!shown[i])
				continue;
			struct cell cell = cell_of(report, &report->rows[i], (enum check_step)step, layout);
			layout->widths[step] = larger(layout->widths[step], paper_columns(span_of(cell.text)));
			if (!layout->stacked)
				layout->label =
					larger(layout->label, 2 + paper_columns(label_of_row(&report->rows[i])));
		}
		total += layout->gap + layout->widths[step];
	}
	return layout->label + total;
}

static struct layout choose_layout(const struct check_report *report, const bool *shown, size_t width)
{
	struct layout layout;
	for (size_t i = 0; i < BASE_COUNT(layouts); i++) {
		layout = layouts[i];
		size_t total = measure(&layout, report, shown);
		if (width == 0 || layout.flowing || total <= width)
			break;
	}
	return layout;
}

static void write_head(const struct layout *layout, struct paper *p)
{
	size_t column = layout->label;
	paper_ink(p, PAPER_FAINT);
	for (unsigned step = 0; step < CHECK_STEP_COUNT; step++) {
		if (!layout->widths[step])
			continue;
		paper_fill(p, ' ', column + layout->gap - paper_column(p));
		column += layout->gap + layout->widths[step];
		paper_printf(p, "%s", label_of(layout, (enum check_step)step));
	}
	paper_ink(p, PAPER_PLAIN);
	paper_end(p, 0);
}

static void write_cells(
	const struct check_report *report, const struct check_row *row, const struct layout *layout, struct paper *p)
{
	size_t column = layout->label;
	for (unsigned step = 0; step < CHECK_STEP_COUNT; step++) {
		if (!layout->widths[step])
			continue;
		struct cell cell = cell_of(report, row, (enum check_step)step, layout);
		paper_fill(p, ' ', column + layout->gap - paper_column(p));
		column += layout->gap + layout->widths[step];
		paper_ink(p, cell.ink);
		paper_printf(p, "%s", cell.text);
		paper_ink(p, PAPER_PLAIN);
	}
	paper_end(p, 4);
}

static void write_sentence(
	const struct check_report *report, const struct check_row *row, const struct layout *layout, struct paper *p)
{
	const char *between = ": ";
	for (unsigned step = 0; step < CHECK_STEP_COUNT; step++) {
		if (!layout->widths[step])
			continue;
		struct cell cell = cell_of(report, row, (enum check_step)step, layout);
		paper_printf(p, "%s%s ", between, label_of(layout, (enum check_step)step));
		paper_ink(p, cell.ink);
		paper_printf(p, "%s", cell.text);
		paper_ink(p, PAPER_PLAIN);
		between = ", ";
	}
	paper_end(p, 4);
}

static void write_row(
	const struct check_report *report, const struct check_row *row, const struct layout *layout, struct paper *p)
{
	paper_text(p, SPAN("  "));
	paper_text(p, label_of_row(row));
	if (layout->flowing) {
		write_sentence(report, row, layout, p);
		return;
	}
	if (layout->stacked)
		paper_end(p, 4);
	write_cells(report, row, layout, p);
}

/* Not in the domain, and not kept out with all of it by a list. */
static bool is_outside(const struct check_row *row)
{
	enum finding_code code = row->cells[CHECK_STEP_DOMAIN].code;
	return code != FINDING_NONE && finding_entry(code)->stage == FINDING_STAGE_DOMAIN;
}

static void write_host(const struct check_report *report, const struct check_row *row, struct paper *p)
{
	paper_text(p, row->host.length ? row->host : report->facts->domain);
	if (row->host.length)
		paper_printf(p, ":%u", (unsigned)row->port);
	if (row->host.length && !row->candidate && is_outside(row)) {
		paper_ink(p, PAPER_FAINT);
		paper_text(p, SPAN(" (does not speak for the domain)"));
		paper_ink(p, PAPER_PLAIN);
	}
	paper_end(p, 4);
}

static bool rows_are_alike(const struct check_row *a, const struct check_row *b)
{
	if (a->candidate != b->candidate || a->accepted != b->accepted)
		return false;
	for (size_t i = 0; i < CHECK_STEP_COUNT; i++)
		if (a->cells[i].state != b->cells[i].state || a->cells[i].code != b->cells[i].code)
			return false;
	return true;
}

/* Of many rows the first few of each kind; returns how many are not shown. */
static size_t fold(const struct check_report *report, bool *ret_shown)
{
	size_t shown = 0;
	for (size_t i = 0; i < report->row_count; i++) {
		size_t alike = 0;
		for (size_t before = 0; before < i && alike < ROWS_ALIKE; before++)
			alike += ret_shown[before] && rows_are_alike(&report->rows[before], &report->rows[i]);
		ret_shown[i] = report->row_count <= ROWS_ALWAYS || (alike < ROWS_ALIKE && shown < ROWS_MAXIMUM);
		shown += ret_shown[i];
	}
	return report->row_count - shown;
}

static void write_folded(const struct check_report *report, const bool *shown, size_t hidden, struct paper *p)
{
	size_t good = 0;
	for (size_t i = 0; i < report->row_count; i++)
		good += !shown[i] && report->rows[i].accepted;
	paper_printf(p, "  and %zu more like these: ", hidden);
	if (good)
		paper_printf(p, "%zu good%s", good, good < hidden ? ", " : "");
	if (good < hidden)
		paper_printf(p, "%zu not", hidden - good);
	paper_end(p, 4);
}

void render_matrix(const struct check_report *report, struct paper *p)
{
	bool *shown = report->row_count ? calloc(report->row_count, sizeof(*shown)) : NULL;
	if (!shown)
		return;
	size_t hidden = fold(report, shown);
	struct layout layout = choose_layout(report, shown, p->width);
	if (!layout.flowing)
		write_head(&layout, p);
	const struct check_row *last = NULL;
	for (size_t i = 0; i < report->row_count; i++) {
		const struct check_row *row = &report->rows[i];
		if (!shown[i])
			continue;
		if (!last || !span_equal(last->host, row->host) || last->port != row->port)
			write_host(report, row, p);
		write_row(report, row, &layout, p);
		last = row;
	}
	if (hidden)
		write_folded(report, shown, hidden, p);
	free(shown);
}
