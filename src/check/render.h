/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_RENDER_H
#define FEDGE_CHECK_RENDER_H
/* A report for people and for machines. Everything that came from outside is escaped. 0 or the buffer's failure. */
#include "base/buffer.h"
#include "check/judge.h"
#include "finding/render.h"

#include <jansson.h>

/* The verdict, the matrix, the details of TLS, errors and warnings in full, notes by their titles (style->notes: in
 * full); ended by a newline. No line but those to be pasted is wider than the style. */
int check_render_human(const struct check_report *report, const struct finding_style *style, struct buffer *out);
/* One line that stands alone: "cms.steven.lab: fail: 504, ms-diagnostics 1009: no SRV target is in the domain …".
 * Never wrapped: the style gives the colour only. */
int check_render_short(const struct check_report *report, const struct finding_style *style, struct buffer *out);
/* The rows of --as all: one line per rule book. */
int check_render_policies(
	const struct check_report *const *reports, size_t count, const struct finding_style *style, struct buffer *out);
/* Monitoring plugin: status line with performance data, more lines as details. Several reports: the worst leads. */
int check_render_nagios(const struct check_report *const *reports, size_t count, struct buffer *out);
/* Text for a node exporter's collector or a scrape; every family once, with HELP and TYPE. */
int check_render_prometheus(const struct check_report *const *reports, size_t count, struct buffer *out);
/* The object of docs/formats.md, "The JSON of check"; a new reference, NULL without memory. */
json_t *check_render_json(const struct check_report *report);
#endif
