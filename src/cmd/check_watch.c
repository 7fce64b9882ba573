/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check --watch PERIOD: what changed since. */
#include "base/text.h"
#include "check/json_write.h"
#include "check/watch.h"
#include "cmd/check_tasks.h"
#include "cmd/stop.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define CHANGE_MAXIMUM (16u << 20)
#define PROGRESS_MAXIMUM 256

struct watching {
	struct check_command *command;
	struct command_stop stop;
	enum check_verdict worst; /* of the last round */
	unsigned rounds;
	size_t changes; /* of all rounds */
	int code; /* COMMAND_GOOD, or it cannot be written */
};

/* ---- what is said ---- */

static void say_change(void *argument, const struct store_watch_change *change, const struct check_report *report)
{
	struct watching *w = argument;
	const struct command_line *line = w->command->line;
	struct buffer text;
	(void)report;
	buffer_init(&text, CHANGE_MAXIMUM);
	if (w->command->format == CHECK_FORMAT_JSON) {
		check_json_line(check_watch_change_json(change), &text);
	} else {
		check_watch_change_text(change, &text);
		buffer_append_byte(&text, '\n');
	}
	command_progress_clear(line);
	fwrite(text.at ? text.at : "", 1, text.length, line->output);
	if (fflush(line->output) != 0 && w->code == COMMAND_GOOD) {
		w->code = command_fail(line, COMMAND_UNDECIDED, "cannot write: %s", strerror(errno));
		command_stop_ask(&w->stop);
	}
	buffer_done(&text);
}

static enum check_verdict worst_of(const struct check_bulk_counts *counts)
{
	enum check_verdict worst = CHECK_PASS;
	for (int i = CHECK_PASS; i <= CHECK_UNKNOWN; i++) {
		if (counts->verdicts[i])
			worst = check_verdict_worst(worst, (enum check_verdict)i);
	}
	return worst;
}

static void say_round(void *argument, const struct check_bulk_counts *counts, unsigned number, size_t changes)
{
	struct watching *w = argument;
	const struct command_line *line = w->command->line;
	w->worst = worst_of(counts);
	w->rounds = number;
	w->changes += changes;
	command_progress_clear(line);
	fprintf(line->errors,
		"%s: round %u: %llu domain%s in %.1f s: %llu pass, %llu warn, %llu fail, %llu unknown; %zu change%s\n",
		line->program, number, (unsigned long long)counts->done, counts->done == 1 ? "" : "s",
		(double)counts->elapsed_us / 1e6, (unsigned long long)counts->verdicts[CHECK_PASS],
		(unsigned long long)counts->verdicts[CHECK_WARN], (unsigned long long)counts->verdicts[CHECK_FAIL],
		(unsigned long long)counts->verdicts[CHECK_UNKNOWN], changes, changes == 1 ? "" : "s");
	fflush(line->errors);
}

static void say_note(void *argument, const char *text)
{
	const struct watching *w = argument;
	command_progress_clear(w->command->line);
	command_fail(w->command->line, COMMAND_GOOD, "%s", text);
}

static void show_progress(void *argument, const struct check_bulk_counts *counts)
{
	const struct watching *w = argument;
	char text[PROGRESS_MAXIMUM];
	check_bulk_progress_text(counts, text, sizeof(text));
	command_progress(w->command->line, "%s", text);
}

/* ---- where it remembers ---- */

/* XDG Base Directory Specification: $XDG_STATE_HOME, else ~/.local/state. */
static const char *default_state(struct check_command *c)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	struct span folder;
	if (state && *state == '/')
		folder = arena_printf(&c->arena, "%s/fedge", state);
	else if (home && *home == '/')
		folder = arena_printf(&c->arena, "%s/.local/state/fedge", home);
	else
		return NULL;
	char *path = folder.at ? arena_copy_text(&c->arena, folder.at) : NULL;
	for (char *slash = path ? strchr(path + 1, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	if (path)
		mkdir(path, 0700);
	return path ? arena_printf(&c->arena, "%s/watch.sqlite", path).at : NULL;
}

static int run(struct watching *w, struct check_desk *desk, const struct check_bench *bench)
{
	struct check_command *c = w->command;
	const struct command_line *line = c->line;
	char why[CHECK_ERROR_SIZE] = "";
	const struct check_watch_settings settings = {
		.bulk = {
			.desk = desk,
			.bench = bench,
			.workers = (unsigned)c->workers,
			.concurrency = (size_t)c->concurrency,
			.rate = (uint32_t)c->rate,
			.server_rate = (uint32_t)c->server_rate,
			.stop = &w->stop.asked,
		},
		.domains_path = command_value(line, "domains", NULL),
		.domains = line->operand_count ? line->operands : NULL,
		.domain_count = line->operand_count,
		.period_us = c->watch_us,
		.rounds = (unsigned)c->rounds,
		.store_path = command_has(line, "state") ? command_value(line, "state", NULL) : default_state(c),
		.on_change = command_value(line, "on-change", NULL),
		.metrics = command_value(line, "metrics", NULL),
		.changed = say_change,
		.progress = show_progress,
		.round = say_round,
		.note = say_note,
		.argument = w,
	};
	if (!settings.store_path)
		return command_usage(line, "--state FILE is needed: there is no home directory to remember things in");
	int status = check_watch_run(&settings, why);
	if (w->code != COMMAND_GOOD)
		return w->code;
	if (status < 0)
		return command_fail(line, status == -ENOMEM ? COMMAND_UNDECIDED : COMMAND_USAGE, "%s",
			*why ? why : strerror(-status));
	if (!command_stop_asked(&w->stop))
		return check_verdict_exit(w->worst);
	command_progress_clear(line);
	return command_fail(line, COMMAND_GOOD, "stopped by a signal after %u round%s and %zu change%s", w->rounds,
		w->rounds == 1 ? "" : "s", w->changes, w->changes == 1 ? "" : "s");
}

int check_run_watch(struct check_command *c)
{
	struct watching w = { .command = c };
	struct check_bench bench;
	struct check_desk *desk = NULL;
	int status = command_stop_begin(&w.stop);
	if (status < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status));
	int code = check_command_open(c, &desk, &bench);
	if (code == COMMAND_GOOD)
		code = run(&w, desk, &bench);
	check_desk_free(desk);
	command_stop_end(&w.stop);
	return code;
}
