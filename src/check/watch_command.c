/* SPDX-License-Identifier: Apache-2.0 */
/* What the command of an administrator is told: the changes in its environment, the whole report on its standard
 * input. docs/operations.md lists the variables. */
#include "base/require.h"
#include "base/text.h"
#include "check/json_write.h"
#include "check/render.h"
#include "check/watch_private.h"

#define TEXT_MAXIMUM (256u << 10)
#define TITLE_SIZE 1024

/* Several items on one line. */
static void append_items(struct buffer *out, struct span lines)
{
	for (bool first = true; lines.at; first = false) {
		if (!first)
			buffer_append_text(out, "; ");
		buffer_append(out, span_cut(&lines, '\n'));
	}
}

static void append_sentences(struct buffer *out, const struct check_change_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (i)
			buffer_append_text(out, "; ");
		check_watch_change_sentence(&set->changes[i], out);
	}
}

/* The finding that explains the verdict; "" where there is none. */
static void write_title(const struct check_report *report, struct span code, char ret_title[TITLE_SIZE])
{
	const struct finding *leading =
		code.length ? finding_list_find(&report->findings, finding_code_of(code)) : NULL;
	ret_title[0] = '\0';
	if (leading)
		finding_title(leading, ret_title, TITLE_SIZE);
}

/* The report, and what changed: one line. */
static void write_report(const struct check_report *report, const struct check_change_set *set, struct buffer *out)
{
	json_t *object = check_render_json(report);
	json_t *changes = json_array();
	for (size_t i = 0; i < set->count; i++)
		json_array_append_new(changes, check_watch_change_json(&set->changes[i]));
	json_object_set_new(object, "changes", changes);
	check_json_line(object, out);
}

void watch_run_command(struct watch *watch, const struct check_report *report, const struct check_change_set *set,
	const struct store_watch_state *last)
{
	const struct store_watch_change *first = &set->changes[0];
	struct buffer before, after, sentences, input;
	char title[TITLE_SIZE];
	buffer_init(&before, TEXT_MAXIMUM);
	buffer_init(&after, TEXT_MAXIMUM);
	buffer_init(&sentences, TEXT_MAXIMUM);
	buffer_init(&input, TEXT_MAXIMUM * 64);
	append_items(&before, first->before);
	append_items(&after, first->after);
	append_sentences(&sentences, set);
	write_title(report, set->state.finding, title);
	write_report(report, set, &input);
	const struct check_runner_variable variables[] = {
		{ "FEDGE_DOMAIN", set->state.domain },
		{ "FEDGE_POLICY", set->state.policy },
		{ "FEDGE_WHAT", first->what },
		{ "FEDGE_BEFORE", buffer_span(&before) },
		{ "FEDGE_AFTER", buffer_span(&after) },
		{ "FEDGE_CHANGES", buffer_span(&sentences) },
		{ "FEDGE_VERDICT", set->state.verdict },
		{ "FEDGE_PREVIOUS_VERDICT", last->verdict },
		{ "FEDGE_FINDING", set->state.finding },
		{ "FEDGE_TITLE", span_of(title) },
	};
	/* What cannot be run is counted there, and said at the end of the round. */
	(void)check_runner_submit(
		watch->runner, set->state.domain, variables, BASE_COUNT(variables), buffer_span(&input));
	buffer_done(&before);
	buffer_done(&after);
	buffer_done(&sentences);
	buffer_done(&input);
}
