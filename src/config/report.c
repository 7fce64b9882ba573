/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "config/defect.h"

#include <errno.h>
#include <stdlib.h>

#define TEXT_MAXIMUM 4000

void config_report_init(struct config_report *report)
{
	*report = (struct config_report){ NULL };
}

void config_report_done(struct config_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		free(report->defects[i].text);
	free(report->defects);
	free(report->file);
	config_report_init(report);
}

static struct config_defect *report_slot(struct config_report *report)
{
	if (report->count == CONFIG_DEFECT_MAXIMUM)
		return NULL;
	if (!report->defects)
		report->defects = calloc(CONFIG_DEFECT_MAXIMUM, sizeof(*report->defects));
	return report->defects ? &report->defects[report->count] : NULL;
}

static void report_add(struct config_report *report, struct config_defect defect, const char *format, va_list arguments)
	__attribute__((format(printf, 3, 0)));

/* What finds no room is counted: an error is never forgotten altogether. */
static void report_add(struct config_report *report, struct config_defect defect, const char *format, va_list arguments)
{
	struct buffer b;
	buffer_init(&b, TEXT_MAXIMUM);
	buffer_vprintf(&b, format, arguments);
	defect.text = buffer_take(&b);
	buffer_done(&b);
	if (defect.severity == CONFIG_ERROR)
		report->error_count++;
	struct config_defect *slot = defect.text ? report_slot(report) : NULL;
	if (!slot) {
		free(defect.text);
		report->dropped++;
		return;
	}
	*slot = defect;
	report->count++;
}

void config_error(struct config_report *report, struct config_place place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report_add(report, (struct config_defect){ CONFIG_ERROR, place, NULL }, format, arguments);
	va_end(arguments);
}

void config_warning(struct config_report *report, struct config_place place, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	report_add(report, (struct config_defect){ CONFIG_WARNING, place, NULL }, format, arguments);
	va_end(arguments);
}

static bool stands_after(struct config_place a, struct config_place b)
{
	uint32_t line_a = a.line ? a.line : UINT32_MAX, line_b = b.line ? b.line : UINT32_MAX;
	return line_a != line_b ? line_a > line_b : a.column > b.column;
}

/* Insertion sort: few entries, nearly sorted, and equal places keep their order. */
void config_report_sort(struct config_report *report)
{
	for (size_t i = 1; i < report->count; i++) {
		struct config_defect moved = report->defects[i];
		size_t to = i;
		for (; to > 0 && stands_after(report->defects[to - 1].place, moved.place); to--)
			report->defects[to] = report->defects[to - 1];
		report->defects[to] = moved;
	}
}

int config_report_write(const struct config_report *report, struct buffer *b)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct config_defect *defect = &report->defects[i];
		text_append_safe(b, span_of(report->file ? report->file : "configuration"));
		if (defect->place.line)
			buffer_printf(b, ":%u:%u", defect->place.line, defect->place.column);
		buffer_printf(b, ": %s: %s\n", defect->severity == CONFIG_ERROR ? "error" : "warning", defect->text);
	}
	if (report->dropped)
		buffer_printf(
			b, "%s: %zu more not shown\n", report->file ? report->file : "configuration", report->dropped);
	return b->status;
}

struct config_shown config_shown(struct span s)
{
	struct config_shown shown;
	struct buffer b;
	buffer_init(&b, 8 * sizeof(shown.text));
	bool cut = s.length > sizeof(shown.text) - 112;
	text_append_safe(&b, cut ? span_first(s, sizeof(shown.text) - 112) : s);
	size_t length = b.length < sizeof(shown.text) - 4 ? b.length : sizeof(shown.text) - 4;
	cut = cut || length < b.length;
	if (length)
		memcpy(shown.text, b.at, length);
	memcpy(shown.text + length, cut ? "..." : "", cut ? 4 : 1);
	buffer_done(&b);
	return shown;
}
