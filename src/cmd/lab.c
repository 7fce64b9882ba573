/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "cmd/table.h"
#include "lab/document.h"
#include "lab/run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define EXECUTABLE "/proc/self/exe"
#define OUTPUT_MAXIMUM (1u << 20)

static int print(FILE *file, const struct buffer *text)
{
	if (text->length)
		fwrite(text->at, 1, text->length, file);
	return fflush(file) == 0 ? 0 : -EIO;
}

static const struct lab_scenario *find_scenario(const struct command_line *line, const char *name)
{
	const struct lab_scenario *scenario = lab_scenario_find(name);
	if (scenario)
		return scenario;
	const char *names[LAB_SCENARIO_MAXIMUM + 1];
	lab_scenario_names(names);
	const char *near = text_nearest(span_of(name), names);
	if (near)
		command_usage(line, "there is no scenario \"%s\"; did you mean %s?", name, near);
	else
		command_usage(line, "there is no scenario \"%s\"; fedge lab list has them all", name);
	return NULL;
}

/* COMMAND_GOOD, or why not was said. */
static int take_lock(const struct command_line *line, int *ret_lock)
{
	pid_t holder = 0;
	int status = lab_lock_take(ret_lock, &holder);
	if (status == 0)
		return COMMAND_GOOD;
	if (status != -EBUSY)
		return command_fail(line, COMMAND_UNDECIDED, "cannot take the lab's lock: %s", strerror(-status));
	if (holder)
		return command_fail(line, COMMAND_UNDECIDED,
			"another lab is up on this machine (process %d), and its addresses and ports are the same; end "
			"it first",
			(int)holder);
	return command_fail(
		line, COMMAND_UNDECIDED, "another lab is up on this machine, and its addresses and ports are the same");
}

static char *choose_folder(const struct command_line *line)
{
	const char *kept = command_value(line, "keep", NULL);
	char *folder = NULL;
	if (kept)
		return strdup(kept);
	int status = lab_place_default(&folder);
	if (status < 0)
		command_fail(line, COMMAND_UNDECIDED, "no folder for the lab's files: %s (give one by --keep)",
			strerror(-status));
	return folder;
}

/* ---- list ---- */

static void list_json(const struct lab_scenario *scenario, struct buffer *b)
{
	buffer_append_text(b, "{\"scenario\":");
	text_append_json(b, span_of(scenario->name));
	buffer_append_text(b, ",\"description\":");
	text_append_json(b, span_of(scenario->description));
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++) {
		const struct lab_expectation *expected = &scenario->expected[i];
		buffer_printf(b, ",\"%s\":{\"status\":%d,\"finding\":", lab_direction_name((enum lab_direction)i),
			expected->status);
		if (expected->finding)
			text_append_json(b, span_of(expected->finding));
		else
			buffer_append_text(b, "null");
		buffer_append_byte(b, '}');
	}
	buffer_append_text(b, "}\n");
}

static int run_list(struct command_line *line)
{
	struct buffer text;
	buffer_init(&text, OUTPUT_MAXIMUM);
	for (size_t i = 0; i < lab_scenario_count(); i++) {
		const struct lab_scenario *scenario = lab_scenario_at(i);
		if (command_has(line, "json"))
			list_json(scenario, &text);
		else
			buffer_printf(&text, "%-26s %s\n", scenario->name, scenario->description);
	}
	print(line->output, &text);
	buffer_done(&text);
	return COMMAND_GOOD;
}

/* ---- run ---- */

struct report {
	const struct command_line *line;
	size_t total;
	bool json;
};

static void report_begins(void *argument, size_t index, const struct lab_scenario *scenario)
{
	const struct report *report = argument;
	command_progress(report->line, "%zu of %zu: %s", index + 1, report->total, scenario->name);
}

static void report_result(void *argument, const struct lab_result *result)
{
	const struct report *report = argument;
	struct buffer text;
	buffer_init(&text, OUTPUT_MAXIMUM);
	if (report->json)
		lab_result_json(result, &text);
	else
		lab_result_line(result, isatty(STDOUT_FILENO) ? report->line->width : 0, &text);
	command_progress_clear(report->line);
	print(report->line->output, &text);
	buffer_done(&text);
}

static void report_heading(const struct command_line *line)
{
	struct buffer text;
	buffer_init(&text, OUTPUT_MAXIMUM);
	lab_result_heading(isatty(STDOUT_FILENO) ? line->width : 0, &text);
	print(line->output, &text);
	buffer_done(&text);
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static int report_end(const struct command_line *line, const struct lab_run_settings *settings,
	const struct lab_tally *tally, int64_t elapsed_us)
{
	/* JSON goes to the output alone; what a person wants to know besides goes beside it. */
	FILE *file = command_has(line, "json") ? line->errors : line->output;
	size_t calls = tally->as_expected + tally->different;
	command_progress_clear(line);
	if (tally->tails.length) {
		fputs("\nThe ends of the logs of the first that went wrong:\n", line->errors);
		print(line->errors, &tally->tails);
	}
	fprintf(file, "%zu scenario%s, %zu call%s: ", settings->scenario_count, plural(settings->scenario_count), calls,
		plural(calls));
	if (tally->different)
		fprintf(file, "%zu went as the table says, %zu did NOT", tally->as_expected, tally->different);
	else
		fputs("all went as the table says", file);
	fprintf(file, ", in %.1f s; files are in %s\n", (double)elapsed_us / 1e6, settings->folder);
	fflush(file);
	return tally->different ? COMMAND_FAILED : COMMAND_GOOD;
}

/* Runs with everything chosen: watch, lock and folder are the caller's. */
static int run_scenarios(struct command_line *line, struct lab_run_settings *settings, struct lab_watch *watch)
{
	struct report report = { line, settings->scenario_count, command_has(line, "json") };
	struct lab_tally tally;
	int64_t began_us = clock_steady_us(&watch->clock);
	settings->take = report_result;
	settings->begins = report_begins;
	settings->argument = &report;
	lab_tally_init(&tally);
	if (!report.json)
		report_heading(line);
	int status = lab_run(settings, watch, &tally);
	int code;
	if (status == -EINTR)
		code = command_fail(line, COMMAND_UNDECIDED, "stopped by a signal; nothing is left running");
	else if (status < 0)
		code = command_fail(line, COMMAND_UNDECIDED, "%s", strerror(-status));
	else
		code = report_end(line, settings, &tally, clock_steady_us(&watch->clock) - began_us);
	lab_tally_done(&tally);
	return code;
}

static int with_watch(struct command_line *line, struct lab_run_settings *settings)
{
	struct clock clock = clock_system();
	struct lab_watch watch;
	int lock = -1;
	int code = take_lock(line, &lock);
	if (code != COMMAND_GOOD)
		return code;
	char *folder = choose_folder(line);
	int status = folder ? lab_watch_open(&watch, &clock) : -ENOENT;
	if (status == 0) {
		settings->folder = folder;
		code = run_scenarios(line, settings, &watch);
		lab_watch_close(&watch);
	} else {
		code = COMMAND_UNDECIDED;
	}
	free(folder);
	close(lock);
	return code;
}

/* The named ones in the order given, each once; all where none is named. */
static bool choose_scenarios(
	const struct command_line *line, const struct lab_scenario *ret_chosen[LAB_SCENARIO_MAXIMUM], size_t *ret_count)
{
	size_t count = 0;
	for (size_t i = 0; line->operand_count == 0 && i < lab_scenario_count(); i++)
		ret_chosen[count++] = lab_scenario_at(i);
	for (size_t i = 0; i < line->operand_count; i++) {
		const struct lab_scenario *scenario = find_scenario(line, line->operands[i]);
		bool twice = false;
		if (!scenario)
			return false;
		for (size_t j = 0; j < count; j++)
			twice = twice || ret_chosen[j] == scenario;
		if (!twice)
			ret_chosen[count++] = scenario;
	}
	*ret_count = count;
	return true;
}

static int run_run(struct command_line *line)
{
	const struct lab_scenario *chosen[LAB_SCENARIO_MAXIMUM];
	struct lab_run_settings settings = { .scenarios = chosen, .executable = EXECUTABLE };
	if (!choose_scenarios(line, chosen, &settings.scenario_count))
		return COMMAND_USAGE;
	const char *direction = command_value(line, "direction", "both");
	for (int i = 0; i < LAB_DIRECTION_COUNT; i++)
		settings.directions[i] = strcmp(direction, "both") == 0 ||
					 strcmp(direction, lab_direction_name((enum lab_direction)i)) == 0;
	return with_watch(line, &settings);
}

/* ---- up ---- */

static int say_ready(uint64_t descriptor)
{
	ssize_t written = write((int)descriptor, "ready\n", 6);
	return written == 6 ? 0 : -errno;
}

static void show_usage(const struct command_line *line, const struct lab_instance *instance)
{
	const struct lab_document document = { instance->settings.scenario, instance->resolver_port };
	struct buffer text;
	char *program = realpath(EXECUTABLE, NULL);
	buffer_init(&text, OUTPUT_MAXIMUM);
	lab_document_usage(&document, instance->place.folder, program ? program : "fedge", &text);
	print(line->output, &text);
	buffer_done(&text);
	free(program);
}

static int say_fallen(const struct command_line *line, const struct lab_instance *instance, const char *name)
{
	return command_fail(
		line, COMMAND_FAILED, "%s has ended by itself; see the logs in %s", name, instance->place.folder);
}

/* Hosts that ended come back; the DNS server does not. */
static int revive(const struct command_line *line, struct lab_instance *instance, int64_t *ret_due_us)
{
	const char *revived = NULL;
	int status = lab_instance_revive(instance, &revived, ret_due_us);
	if (status < 0)
		return command_fail(
			line, COMMAND_FAILED, "%s", instance->why.at ? instance->why.at : strerror(-status));
	if (revived)
		fprintf(line->errors, "%s has ended and was started again\n", revived);
	return lab_process_is_alive(&instance->dns) ? COMMAND_GOOD : say_fallen(line, instance, "knotd");
}

/* Until somebody asks to stop, or a host has ended by itself. */
static int stay(struct command_line *line, struct lab_instance *instance)
{
	struct lab_watch *watch = instance->watch;
	bool restarts = command_has(line, "restart");
	int64_t revive_us = INT64_MAX;
	for (;;) {
		int64_t due_us = clock_steady_us(&watch->clock) + 3600 * CLOCK_SECOND_US;
		int code = COMMAND_GOOD;
		if (lab_watch_wait(watch, -1, revive_us < due_us ? revive_us : due_us) == -EINTR)
			return code;
		const char *fallen = restarts ? NULL : lab_instance_fallen(instance);
		if (restarts)
			code = revive(line, instance, &revive_us);
		else if (fallen)
			code = say_fallen(line, instance, fallen);
		if (code != COMMAND_GOOD)
			return code;
	}
}

static int bring_up(struct command_line *line, const struct lab_instance_settings *settings, uint64_t ready)
{
	struct clock clock = clock_system();
	struct lab_watch watch;
	struct lab_instance instance;
	int status = lab_watch_open(&watch, &clock);
	if (status < 0)
		return command_fail(line, COMMAND_UNDECIDED, "%s", strerror(-status));
	int code = COMMAND_GOOD;
	status = lab_instance_start(&instance, &watch, settings);
	if (status == 0) {
		show_usage(line, &instance);
		if (ready && say_ready(ready) < 0)
			code = command_fail(line, COMMAND_UNDECIDED, "cannot write to descriptor %d", (int)ready);
		else
			code = stay(line, &instance);
	} else if (status != -EINTR) {
		struct buffer tails;
		code = command_fail(line, COMMAND_FAILED, "%s", instance.why.at ? instance.why.at : strerror(-status));
		buffer_init(&tails, OUTPUT_MAXIMUM);
		if (instance.place.folder && lab_evidence_tails(&instance.place, 15, &tails) == 0)
			print(line->errors, &tails);
		buffer_done(&tails);
	}
	lab_instance_stop(&instance);
	lab_instance_done(&instance);
	lab_watch_close(&watch);
	return code;
}

static int run_up(struct command_line *line)
{
	static uint64_t limits[2] = { 1, 1023 };
	uint64_t ready = 0;
	const char *name = line->operand_count ? line->operands[0] : "healthy";
	const struct lab_scenario *scenario = find_scenario(line, name);
	if (!scenario || (command_has(line, "ready-fd") && !command_number(line, "ready-fd", limits, &ready)))
		return COMMAND_USAGE;
	int lock = -1;
	int code = take_lock(line, &lock);
	if (code != COMMAND_GOOD)
		return code;
	char *folder = choose_folder(line);
	const struct lab_instance_settings settings = {
		.scenario = scenario,
		.folder = folder,
		.executable = EXECUTABLE,
	};
	code = folder ? bring_up(line, &settings, ready) : COMMAND_UNDECIDED;
	free(folder);
	close(lock);
	return code;
}

/* ---- the table ---- */

static const char *const directions[] = { "outbound", "inbound", "both", NULL };

static const struct command_option list_options[] = {
	{ .name = "json", .help = "one JSON object a line" },
	{ 0 },
};

static const struct command_option run_options[] = {
	{ .name = "direction",
		.value = "WHICH",
		.help = "only calls outbound, inbound, or both (the default)",
		.choices = directions },
	{ .name = "keep",
		.value = "DIR",
		.help = "put configurations, certificates and logs there, a folder a scenario" },
	{ .name = "json", .help = "one JSON object for each scenario and direction" },
	{ 0 },
};

static const struct command_option up_options[] = {
	{ .name = "keep", .value = "DIR", .help = "put configurations, certificates, logs and lab.json there" },
	{ .name = "restart", .help = "start a host again that has ended: stop or kill one, and see what calls do" },
	{ .name = "ready-fd", .value = "N", .help = "write a line to this descriptor when everything is up" },
	{ 0 },
};

static const struct command_section run_sections[] = {
	{ "Exit status:", "0 where all went as the table says, 2 where something did not, 3 where the lab could not be "
			  "run at all." },
	{ "Examples:", " fedge lab run healthy\n fedge lab run srv-other-domain --direction inbound --keep /tmp/lab\n"
		       " fedge lab run --json | jq 'select(.as_expected | not)'" },
	{ "Files:", "Without --keep the files go to fedge-lab-UID in TMPDIR (or /tmp), and stay there until the next "
		    "run." },
	{ 0 },
};

static const struct command_section up_sections[] = {
	{ "Files:",
		"lab.json in the folder names the resolver, the authority and all hosts with their addresses, ports, "
		"configurations and logs." },
	{ "Examples:", " fedge lab up srv-subdomain --keep /tmp/lab" },
	{ 0 },
};

static const struct command command_lab_list = {
	.name = "list",
	.summary = "name the scenarios, one a line",
	.options = list_options,
	.run = run_list,
};

static const struct command command_lab_run = {
	.name = "run",
	.operands = "[SCENARIO…]",
	.summary = "run scenarios and compare with the table",
	.description = "Starts a DNS server and every host of two organisations on loopback addresses, calls in both "
		       "directions, and compares the answers, the findings and the logs with what each scenario must "
		       "give. All scenarios where none is named.",
	.options = run_options,
	.sections = run_sections,
	.operand_maximum = LAB_SCENARIO_MAXIMUM,
	.run = run_run,
};

static const struct command command_lab_up = {
	.name = "up",
	.operands = "[SCENARIO]",
	.summary = "start a scenario and keep it running until Ctrl-C",
	.description =
		"Starts the hosts of a scenario (healthy where none is named), prints how to use them, and keeps "
		"them running: for your own calls, for a look at the records, for an afternoon of trying things.",
	.options = up_options,
	.sections = up_sections,
	.operand_maximum = 1,
	.run = run_up,
};

static const struct command *const subcommands[] = { &command_lab_list, &command_lab_run, &command_lab_up, NULL };

const struct command command_lab = {
	.name = "lab",
	.summary = "rehearse a federation on this machine, healthy and with every fault",
	.subcommands = subcommands,
};
