/* SPDX-License-Identifier: Apache-2.0 */
/* How an import is shown: its list as comments, a summary for people, all of it as JSON. */
#include "base/text.h"
#include "config/import_dump.h"
#include "config/load.h"

#include <stdlib.h>

#define LAST_LINES_ROOM 1024 /* for headings and the last line */

/* ---- comments at the end of the result ---- */

static void append_note(struct buffer *b, const struct config_import_note *note)
{
	buffer_append_text(b, "#   ");
	if (note->line)
		buffer_printf(b, "line %u: ", note->line);
	text_append_safe(b, note->key);
	if (note->value.at) {
		buffer_append_text(b, note->value.length ? " = " : " (empty)");
		text_append_safe(b, note->value);
	}
	if (note->text.at) {
		buffer_append_text(b, note->key.at ? ": " : "");
		text_append_safe(b, note->text);
	}
	buffer_append_byte(b, '\n');
}

static int by_group(const void *left, const void *right)
{
	const struct config_import_note *a = left, *b = right;
	if (a->group != b->group)
		return a->group < b->group ? -1 : 1;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* As a comment; nothing where it finds no room: a configuration may only be so large. */
static bool append_fitting(struct buffer *b, const struct config_import_note *note)
{
	struct buffer line;
	buffer_init(&line, CONFIG_FILE_MAXIMUM);
	append_note(&line, note);
	bool fits = line.status == 0 && b->length + line.length + LAST_LINES_ROOM < CONFIG_FILE_MAXIMUM;
	if (fits)
		buffer_append(b, buffer_span(&line));
	buffer_done(&line);
	return fits;
}

void import_append_notes(struct config_import *import)
{
	struct buffer *b = &import->yaml;
	size_t at = 0, listed = 0;
	if (import->note_count)
		qsort(import->notes, import->note_count, sizeof(*import->notes), by_group);
	for (int group = 0; group < CONFIG_IMPORT_GROUPS; group++) {
		if (import->group_counts[group] && b->length + LAST_LINES_ROOM < CONFIG_FILE_MAXIMUM)
			buffer_printf(
				b, "\n# %s: %zu\n", config_import_group_title(group), import->group_counts[group]);
		for (; at < import->note_count && import->notes[at].group == (enum config_import_group)group; at++)
			listed += append_fitting(b, &import->notes[at]);
	}
	size_t rest = import->note_count - listed + import->notes_dropped;
	if (rest && b->length + LAST_LINES_ROOM / 2 < CONFIG_FILE_MAXIMUM)
		buffer_printf(b, "\n# %zu more are counted, but find no room here\n", rest);
}

static void append_count(struct buffer *b, size_t count, const char *what, const char *after)
{
	buffer_printf(b, "%zu %s%s%s", count, what, count == 1 ? "" : "s", after);
}

int config_import_append_summary(const struct config_import *import, struct buffer *b)
{
	append_count(b, import->domain_count, "domain", ", ");
	append_count(b, import->zone_count, "zone", ", ");
	append_count(b, import->transform_count, "transform", ", ");
	append_count(b, import->rule_count, "rule", "");
	buffer_printf(b, "; of %zu settings %zu came over, %zu belong to what was left out, %zu are listed\n",
		import->setting_count, import->outcome_counts[CONFIG_IMPORT_OVER],
		import->outcome_counts[CONFIG_IMPORT_AWAY], import->outcome_counts[CONFIG_IMPORT_TOLD]);
	for (int group = 0; group < CONFIG_IMPORT_GROUPS; group++) {
		if (import->group_counts[group])
			buffer_printf(b, "%7zu  %s\n", import->group_counts[group], config_import_group_title(group));
	}
	return b->status;
}

/* ---- JSON ---- */

static json_t *json_span(struct span s)
{
	return s.at ? json_stringn(s.at, s.length) : json_null();
}

/* A text that is not UTF-8 (of a line that is damaged) is escaped. */
static json_t *json_text(struct span s)
{
	json_t *text = json_span(s);
	if (text)
		return text;
	struct buffer b;
	buffer_init(&b, 4096);
	text_append_safe(&b, s);
	text = b.status == 0 ? json_stringn(b.at ? b.at : "", b.length) : NULL;
	buffer_done(&b);
	return text;
}

/* The lines of the settings of one outcome. */
static json_t *json_lines(const struct config_import *import, enum config_import_outcome outcome)
{
	json_t *lines = json_array();
	for (size_t i = 0; i < import->setting_count; i++) {
		if (import->settings[i].outcome == outcome)
			json_array_append_new(lines, json_integer(import->settings[i].line));
	}
	return lines;
}

static json_t *json_notes(const struct config_import *import)
{
	json_t *notes = json_array();
	for (size_t i = 0; i < import->note_count; i++) {
		const struct config_import_note *note = &import->notes[i];
		json_array_append_new(
			notes, json_pack("{s:s,s:i,s:o,s:o,s:o}", "group", config_import_group_name(note->group),
				       "line", (int)note->line, "setting", json_text(note->key), "value",
				       json_text(note->value), "text", json_text(note->text)));
	}
	return notes;
}

static json_t *json_counts(const struct config_import *import)
{
	json_t *counts = json_object();
	for (int group = 0; group < CONFIG_IMPORT_GROUPS; group++)
		json_object_set_new(
			counts, config_import_group_name(group), json_integer((json_int_t)import->group_counts[group]));
	return counts;
}

json_t *config_import_json(const struct config_import *import)
{
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:I,s:{s:o,s:o,s:o},s:o,s:o,s:I}", "configuration",
		json_stringn(import->yaml.at ? import->yaml.at : "", import->yaml.length), "settings",
		(json_int_t)import->setting_count, "domains", (json_int_t)import->domain_count, "zones",
		(json_int_t)import->zone_count, "transforms", (json_int_t)import->transform_count, "rules",
		(json_int_t)import->rule_count, "lines", "carried_over", json_lines(import, CONFIG_IMPORT_OVER),
		"left_out", json_lines(import, CONFIG_IMPORT_AWAY), "listed", json_lines(import, CONFIG_IMPORT_TOLD),
		"counts", json_counts(import), "notes", json_notes(import), "not_listed",
		(json_int_t)import->notes_dropped);
}
