/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/run.h"

#include "base/cleanup.h"

#include <errno.h>
#include <stdio.h>

#define DIFFERENCES_MAXIMUM 16384
#define TAILS_MAXIMUM (256u << 10)
#define TAIL_LINES 25

void lab_tally_init(struct lab_tally *tally)
{
	*tally = (struct lab_tally){ 0 };
	buffer_init(&tally->tails, TAILS_MAXIMUM);
}

void lab_tally_done(struct lab_tally *tally)
{
	buffer_done(&tally->tails);
}

/* ---- judging ---- */

static void judge_status(struct lab_result *result, const struct lab_answer *answer, const char *callee, int expected)
{
	if (answer->status == expected)
		return;
	if (answer->status == 0)
		buffer_printf(&result->differences, "expected %d from %s, there was no answer\n", expected, callee);
	else
		buffer_printf(&result->differences, "expected %d from %s, it was %d %s\n", expected, callee,
			answer->status, answer->reason);
}

static void judge_diagnostics(
	struct lab_result *result, const struct lab_diagnostics *found, int expected, const char *header)
{
	if (expected == LAB_ANY || found->id == expected)
		return;
	if (expected == 0)
		buffer_printf(&result->differences, "expected no %s, it was %s\n", header, found->text);
	else if (found->id == 0)
		buffer_printf(&result->differences, "expected %s %d, there was none\n", header, expected);
	else
		buffer_printf(&result->differences, "expected %s %d, it was %d\n", header, expected, found->id);
}

static void judge_finding(struct lab_result *result, const char *expected)
{
	const char *wanted = expected ? expected : "";
	if (strcmp(result->finding, wanted) == 0)
		return;
	buffer_printf(&result->differences, "expected %s%s, it was %s\n", *wanted ? "the finding " : "no finding",
		wanted, result->finding[0] ? result->finding : "none");
}

static void judge_marks(struct lab_result *result, const struct lab_place *place, const struct lab_mark *marks)
{
	for (; marks && marks->shows; marks++) {
		int status = lab_evidence_find(place, marks, &result->ids);
		if (status > 0)
			continue;
		const struct lab_host *host = lab_host(marks->host);
		buffer_printf(&result->differences, "expected in the %s log of %s that %s, %s\n", marks->format,
			host->name, marks->shows, status == 0 ? "it is not there" : strerror(-status));
	}
}

void lab_result_judge(struct lab_result *result, const struct lab_place *place)
{
	const struct lab_expectation *expected = &result->scenario->expected[result->direction];
	judge_status(result, &result->answer, result->callee, expected->status);
	if (result->further_callee)
		judge_status(result, &result->further_answer, result->further_callee, expected->status);
	judge_diagnostics(result, &result->answer.diagnostics, expected->diagnostics, "ms-diagnostics");
	judge_diagnostics(
		result, &result->answer.public_diagnostics, expected->public_diagnostics, "ms-diagnostics-public");
	judge_finding(result, expected->finding);
	for (size_t i = 0; i < LAB_MARK_LISTS; i++)
		judge_marks(result, place, expected->marks[i]);
	result->as_expected = result->differences.length == 0 && result->differences.status == 0;
}

/* ---- running ---- */

static void result_init(struct lab_result *result, const struct lab_scenario *scenario, enum lab_direction direction,
	const char *folder)
{
	*result = (struct lab_result){
		.scenario = scenario,
		.direction = direction,
		.caller = lab_scenario_caller(scenario, direction),
		.callee = lab_scenario_callee(scenario, direction),
		.further_callee = scenario->expected[direction].further_callee,
		.folder = folder,
	};
	buffer_init(&result->differences, DIFFERENCES_MAXIMUM);
}

static int call_once(
	struct lab_instance *instance, struct lab_result *result, const char *callee, struct lab_answer *ret_answer)
{
	const struct lab_call_settings call = {
		.from = result->direction == LAB_OUTBOUND ? LAB_PHONE : LAB_CLIENT,
		.caller = result->caller,
		.callee = callee,
	};
	int status = lab_instance_call(instance, &call, ret_answer);
	if (status < 0 && status != -EINTR)
		buffer_printf(&result->differences, "%s\n", instance->why.at ? instance->why.at : strerror(-status));
	return status == -EINTR ? status : 0;
}

static int call_all(struct lab_instance *instance, struct lab_result *result)
{
	int status = call_once(instance, result, result->callee, &result->answer);
	if (status == 0 && result->further_callee)
		status = call_once(instance, result, result->further_callee, &result->further_answer);
	return status;
}

static int run_calls(struct lab_instance *instance, const struct lab_run_settings *settings, struct lab_result *results)
{
	int status = 0;
	for (int i = 0; i < LAB_DIRECTION_COUNT && status == 0; i++) {
		if (settings->directions[i])
			status = call_all(instance, &results[i]);
	}
	const char *fallen = status == 0 ? lab_instance_fallen(instance) : NULL;
	for (int i = 0; i < LAB_DIRECTION_COUNT && fallen; i++)
		buffer_printf(&results[i].differences, "%s has ended by itself\n", fallen);
	return status;
}

/* A host that stops by a signal or with an error has a fault that the calls did not show. */
static void judge_exits(const struct lab_instance *instance, struct lab_result *results)
{
	for (int id = 0; id < LAB_HOST_COUNT; id++) {
		const struct lab_process *process = &instance->hosts[id];
		int code = lab_process_exit_code(process);
		for (int i = 0; i < LAB_DIRECTION_COUNT && process->has_ended && code != 0; i++)
			buffer_printf(&results[i].differences, "%s ended with exit code %d\n",
				lab_host((enum lab_host_id)id)->name, code);
	}
}

static void judge_one(struct lab_instance *instance, struct lab_result *result)
{
	if (result->answer.call_id[0]) {
		(void)span_copy_to(span_of(result->answer.call_id), result->ids.first, sizeof(result->ids.first));
		int status = lab_evidence_bridged(&instance->place, &result->ids);
		if (status == 0)
			status = lab_evidence_finding(
				&instance->place, &result->ids, result->finding, &result->differences);
		if (status < 0)
			buffer_printf(&result->differences, "the logs cannot be read: %s\n", strerror(-status));
	}
	lab_result_judge(result, &instance->place);
}

static void hand_over(const struct lab_run_settings *settings, struct lab_tally *tally, struct lab_result *results)
{
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++) {
		if (!settings->directions[i])
			continue;
		if (results[i].as_expected)
			tally->as_expected++;
		else
			tally->different++;
		settings->take(settings->argument, &results[i]);
	}
}

static bool all_as_expected(const struct lab_run_settings *settings, const struct lab_result *results)
{
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++) {
		if (settings->directions[i] && !results[i].as_expected)
			return false;
	}
	return true;
}

static int run_instance(const struct lab_run_settings *settings, struct lab_watch *watch,
	const struct lab_instance_settings *wanted, struct lab_result *results, struct lab_tally *tally)
{
	struct lab_instance instance;
	int64_t began_us = clock_steady_us(&watch->clock);
	int started = lab_instance_start(&instance, watch, wanted);
	int status = started == 0 ? run_calls(&instance, settings, results) : started;
	lab_instance_stop(&instance);
	for (int i = 0; i < LAB_DIRECTION_COUNT && started < 0; i++)
		buffer_printf(&results[i].differences, "%s\n", instance.why.at ? instance.why.at : strerror(-started));
	if (started == 0)
		judge_exits(&instance, results);
	for (int i = 0; i < LAB_DIRECTION_COUNT && started == 0 && status == 0; i++) {
		if (settings->directions[i])
			judge_one(&instance, &results[i]);
		results[i].elapsed_us = clock_steady_us(&watch->clock) - began_us;
	}
	if (!all_as_expected(settings, results) && tally->tails.length == 0 && instance.place.folder &&
		status != -EINTR)
		lab_evidence_tails(&instance.place, TAIL_LINES, &tally->tails);
	lab_instance_done(&instance);
	return status == -EINTR ? status : 0;
}

static int run_scenario(const struct lab_run_settings *settings, struct lab_watch *watch,
	const struct lab_scenario *scenario, struct lab_tally *tally)
{
	struct lab_result results[LAB_DIRECTION_COUNT];
	char *folder = NULL;
	if (asprintf(&folder, "%s/%s", settings->folder, scenario->name) < 0)
		return -ENOMEM;
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++)
		result_init(&results[i], scenario, (enum lab_direction)i, folder);
	const struct lab_instance_settings wanted = {
		.scenario = scenario,
		.folder = folder,
		.executable = settings->executable,
	};
	int status = run_instance(settings, watch, &wanted, results, tally);
	if (status == 0)
		hand_over(settings, tally, results);
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++)
		buffer_done(&results[i].differences);
	free(folder);
	return status;
}

int lab_run(const struct lab_run_settings *settings, struct lab_watch *watch, struct lab_tally *tally)
{
	int status = 0;
	for (size_t i = 0; i < settings->scenario_count && status == 0; i++) {
		if (settings->begins)
			settings->begins(settings->argument, i, settings->scenarios[i]);
		status = run_scenario(settings, watch, settings->scenarios[i], tally);
	}
	return status;
}
