/* SPDX-License-Identifier: Apache-2.0 */
/* What stands around the problems: what was read, how clocks differ, what is no matter of federation, the sum. */
#include "explain/render.h"
#include "finding/paper.h"

#include <stdio.h>

static void bytes_text(uint64_t bytes, char *ret_text, size_t capacity)
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t unit = 0;
	for (; value >= 1000 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
		value /= 1000;
	(void)snprintf(ret_text, capacity, unit && value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

static void append_file(struct paper *paper, const struct explain_file_line *file)
{
	char size[32];
	bytes_text(file->bytes, size, sizeof(size));
	paper_text(paper, SPAN("  "));
	paper_text(paper, file->name);
	paper_printf(paper, ": %s, %s, %llu record%s", file->kind, size, (unsigned long long)file->records,
		plural(file->records));
	if (file->other > 0)
		paper_printf(paper, ", %llu other line%s", (unsigned long long)file->other, plural(file->other));
	paper_end(paper, 6);
	if (file->unread > 0) {
		paper_ink(paper, PAPER_YELLOW);
		paper_printf(paper, "      %llu not read", (unsigned long long)file->unread);
		paper_ink(paper, PAPER_PLAIN);
		if (file->unread_first.length > 0) {
			paper_text(paper, SPAN("; the first: "));
			paper_text(paper, file->unread_first);
		}
		paper_end(paper, 8);
	}
	if (file->failure.length > 0) {
		paper_ink(paper, PAPER_RED);
		paper_text(paper, SPAN("      "));
		paper_text(paper, file->failure);
		paper_ink(paper, PAPER_PLAIN);
		paper_end(paper, 8);
	}
}

/* Worth a line of its own: something was found in it, or something went wrong with it. */
static bool is_told(const struct explain_file_line *file)
{
	return file->records > 0 || file->failure.length > 0;
}

#define NAMES_MAXIMUM 8

/* Those in which nothing was found: certificates, configurations and pictures lie in every archive. */
static void append_rest(struct paper *paper, const struct explain_overview *o, size_t count)
{
	size_t named = 0;
	if (count == 0)
		return;
	paper_ink(paper, PAPER_FAINT);
	paper_printf(paper, "  nothing for us in %zu file%s: ", count, plural(count));
	for (size_t i = 0; i < o->file_count && named < NAMES_MAXIMUM; i++) {
		if (is_told(&o->files[i]))
			continue;
		if (named++ > 0)
			paper_text(paper, SPAN(", "));
		paper_text(paper, o->files[i].name);
	}
	if (count > named)
		paper_printf(paper, " and %zu more", count - named);
	paper_ink(paper, PAPER_PLAIN);
	paper_end(paper, 6);
}

int explain_render_files(const struct explain_overview *o, const struct explain_style *style, struct buffer *out)
{
	struct paper paper;
	size_t told = 0;
	for (size_t i = 0; i < o->file_count; i++)
		told += is_told(&o->files[i]);
	paper_init(&paper, out, &style->finding);
	paper_printf(&paper, "read %zu file%s:", o->file_count, plural(o->file_count));
	paper_end(&paper, 0);
	for (size_t i = 0; i < o->file_count; i++)
		if (is_told(&o->files[i]))
			append_file(&paper, &o->files[i]);
	append_rest(&paper, o, o->file_count - told);
	return paper_done(&paper);
}

static void append_clock(struct paper *paper, const struct explain_clock *clock)
{
	if (clock->measures == 0 || clock->offset_us == 0)
		return;
	paper_text(paper, SPAN("the clock of "));
	paper_text(paper, clock->node);
	paper_printf(paper,
		" is %.3f s %s (by %u message%s in both logs, within %.3f s); the ladders are corrected by it",
		(double)(clock->offset_us < 0 ? -clock->offset_us : clock->offset_us) / 1e6,
		clock->offset_us < 0 ? "ahead" : "behind", clock->measures, plural(clock->measures),
		(double)clock->spread_us / 1e6);
	paper_end(paper, 2);
}

static void append_asides(struct paper *paper, const struct explain_overview *o, const struct explain_style *style)
{
	for (size_t i = 0; i < o->aside_count; i++) {
		const struct explain_aside *aside = &o->asides[i];
		paper_printf(
			paper, "not looked into: %llu x %s, first at ", (unsigned long long)aside->count, aside->what);
		paper_text(paper, style->file_name(style->argument, aside->first.file));
		paper_printf(paper, ":%llu", (unsigned long long)aside->first.line);
		paper_end(paper, 2);
	}
}

static void append_sum(struct paper *paper, const struct explain_overview *o)
{
	const struct explain_totals *t = o->totals;
	if (t->events == 0) {
		paper_text(paper, SPAN("nothing in these files tells of a call"));
		paper_end(paper, 0);
		return;
	}
	if (o->nothing.length > 0) {
		paper_ink(paper, PAPER_YELLOW);
		paper_text(paper, o->nothing);
		paper_ink(paper, PAPER_PLAIN);
		paper_text(paper, SPAN("; in all: "));
	} else if (o->federation == 0) {
		paper_ink(paper, PAPER_GREEN);
		paper_text(paper, SPAN("no federation failure here"));
		paper_ink(paper, PAPER_PLAIN);
		paper_text(paper, SPAN(": "));
	}
	paper_printf(paper,
		"%llu call%s: %llu answered, %llu failed, %llu given up by the caller, %llu without an end in these "
		"files",
		(unsigned long long)t->calls, plural(t->calls), (unsigned long long)t->answered,
		(unsigned long long)t->failed, (unsigned long long)t->abandoned, (unsigned long long)t->unknown);
	paper_end(paper, 2);
	if (t->forgotten > 0) {
		paper_ink(paper, PAPER_YELLOW);
		paper_printf(paper, "%llu failure%s did not fit into memory: choose with --since, --until or --call",
			(unsigned long long)t->forgotten, plural(t->forgotten));
		paper_ink(paper, PAPER_PLAIN);
		paper_end(paper, 2);
	}
}

int explain_render_end(const struct explain_overview *o, const struct explain_style *style, struct buffer *out)
{
	struct paper paper;
	paper_init(&paper, out, &style->finding);
	for (size_t i = 0; i < o->clock_count; i++)
		append_clock(&paper, &o->clocks[i]);
	append_asides(&paper, o, style);
	append_sum(&paper, o);
	return paper_done(&paper);
}
