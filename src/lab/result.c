/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "lab/run.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

/* ---- a table for people ---- */

#define SCENARIO_COLUMNS 25
#define DIRECTION_COLUMNS 9
#define STATUS_COLUMNS 8
#define FINDING_COLUMNS 30
#define VERDICT_COLUMNS 7
#define GAPS (5 * 2)
#define OTHER_COLUMNS (SCENARIO_COLUMNS + DIRECTION_COLUMNS + 2 * STATUS_COLUMNS + VERDICT_COLUMNS + GAPS)

static int finding_columns(unsigned width)
{
	if (width == 0 || width >= OTHER_COLUMNS + FINDING_COLUMNS)
		return FINDING_COLUMNS;
	return width > OTHER_COLUMNS + 8 ? (int)(width - OTHER_COLUMNS) : 8;
}

static void append_row(const char *const cells[6], unsigned width, struct buffer *b)
{
	int columns = finding_columns(width);
	bool cut = strlen(cells[3]) > (size_t)columns;
	buffer_printf(b, "%-*s  %-*s  %-*s  ", SCENARIO_COLUMNS, cells[0], DIRECTION_COLUMNS, cells[1], STATUS_COLUMNS,
		cells[2]);
	if (cut)
		buffer_printf(b, "%.*s…", columns - 1, cells[3]);
	else
		buffer_printf(b, "%-*s", columns, cells[3]);
	buffer_printf(b, "  %-*s  %s\n", STATUS_COLUMNS, cells[4], cells[5]);
}

int lab_result_heading(unsigned width, struct buffer *b)
{
	const char *const cells[6] = { "scenario", "direction", "status", "finding", "expected", "verdict" };
	append_row(cells, width, b);
	return b->status;
}

/* "504 1009": the answer and the id of the reason given to the caller. */
static void format_status(int status, int id, int public_id, char ret_text[32])
{
	int shown = id > 0 ? id : public_id;
	if (status == 0)
		snprintf(ret_text, 32, "none");
	else if (shown > 0)
		snprintf(ret_text, 32, "%d %d", status, shown);
	else
		snprintf(ret_text, 32, "%d", status);
}

int lab_result_line(const struct lab_result *result, unsigned width, struct buffer *b)
{
	const struct lab_expectation *expected = &result->scenario->expected[result->direction];
	const struct lab_answer *answer = &result->answer;
	char status[32];
	char wanted[32];
	/* Where the table does not judge ms-diagnostics, the one it judges is shown. */
	int id = expected->diagnostics == LAB_ANY ? 0 : answer->diagnostics.id;
	format_status(answer->status, id, answer->public_diagnostics.id, status);
	format_status(expected->status, expected->diagnostics, expected->public_diagnostics, wanted);
	const char *const cells[6] = { result->scenario->name, lab_direction_name(result->direction), status,
		result->finding[0] ? result->finding : "-", wanted, result->as_expected ? "ok" : "NOT SO" };
	append_row(cells, width, b);
	for (struct span rest = buffer_span(&result->differences); rest.at && rest.length;) {
		buffer_append_text(b, "    ");
		text_append_safe(b, span_cut(&rest, '\n'));
		buffer_append_byte(b, '\n');
	}
	return b->status;
}

/* ---- JSON ---- */

static json_t *diagnostics_json(const struct lab_diagnostics *diagnostics)
{
	if (diagnostics->id == 0)
		return json_null();
	return json_pack(
		"{s:i, s:s, s:s}", "id", diagnostics->id, "reason", diagnostics->reason, "text", diagnostics->text);
}

static json_t *logs_json(const struct lab_result *result)
{
	json_t *logs = json_array();
	for (int id = 0; id < LAB_HOST_COUNT; id++) {
		const struct lab_host *host = lab_host((enum lab_host_id)id);
		for (size_t i = 0; host->logs[i]; i++)
			json_array_append_new(logs, json_sprintf("%s/%s.%s", result->folder, host->short_name,
							    strcmp(host->logs[i], "json") == 0 ? "json" : "log"));
	}
	return logs;
}

static json_t *lines_json(const struct buffer *lines)
{
	json_t *array = json_array();
	for (struct span rest = buffer_span(lines); rest.at && rest.length;) {
		struct span line = span_cut(&rest, '\n');
		json_array_append_new(array, json_stringn(line.at, line.length));
	}
	return array;
}

static json_t *expected_json(const struct lab_expectation *expected)
{
	json_t *object = json_pack("{s:i}", "status", expected->status);
	json_object_set_new(object, "ms_diagnostics",
		expected->diagnostics > 0 ? json_integer(expected->diagnostics) : json_null());
	json_object_set_new(object, "ms_diagnostics_public",
		expected->public_diagnostics > 0 ? json_integer(expected->public_diagnostics) : json_null());
	json_object_set_new(object, "finding", expected->finding ? json_string(expected->finding) : json_null());
	return object;
}

static json_t *answer_json(const char *callee, const struct lab_answer *answer)
{
	return json_pack("{s:s, s:i, s:s, s:s}", "callee", callee, "status", answer->status, "reason", answer->reason,
		"call_id", answer->call_id);
}

static json_t *result_json(const struct lab_result *result)
{
	const struct lab_answer *answer = &result->answer;
	json_t *object = json_object();
	json_object_set_new(object, "scenario", json_string(result->scenario->name));
	json_object_set_new(object, "direction", json_string(lab_direction_name(result->direction)));
	json_object_set_new(object, "caller", json_string(result->caller));
	json_object_set_new(object, "callee", json_string(result->callee));
	json_object_set_new(object, "status", answer->status ? json_integer(answer->status) : json_null());
	json_object_set_new(object, "reason", json_string(answer->reason));
	json_object_set_new(object, "ms_diagnostics", diagnostics_json(&answer->diagnostics));
	json_object_set_new(object, "ms_diagnostics_public", diagnostics_json(&answer->public_diagnostics));
	json_object_set_new(object, "finding", result->finding[0] ? json_string(result->finding) : json_null());
	json_object_set_new(object, "as_expected", json_boolean(result->as_expected));
	json_object_set_new(object, "expected", expected_json(&result->scenario->expected[result->direction]));
	json_object_set_new(object, "differences", lines_json(&result->differences));
	json_object_set_new(object, "call_id", json_string(answer->call_id));
	json_t *ids = json_array();
	json_array_append_new(ids, json_string(answer->call_id));
	if (result->ids.second[0])
		json_array_append_new(ids, json_string(result->ids.second));
	json_object_set_new(object, "call_ids", ids);
	if (result->further_callee) {
		json_t *further = json_array();
		json_array_append_new(further, answer_json(result->further_callee, &result->further_answer));
		json_object_set_new(object, "further", further);
	}
	json_object_set_new(object, "logs", logs_json(result));
	json_object_set_new(object, "elapsed_ms", json_integer(result->elapsed_us / 1000));
	return object;
}

int lab_result_json(const struct lab_result *result, struct buffer *b)
{
	json_t *object = result_json(result);
	char *text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!text)
		return -ENOMEM;
	buffer_append_text(b, text);
	free(text);
	return buffer_append_byte(b, '\n');
}
