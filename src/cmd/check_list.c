/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check --domains FILE: many, in order of completion. */
#include "base/text.h"
#include "check/bulk.h"
#include "cmd/check_output.h"
#include "cmd/check_tasks.h"
#include "cmd/stop.h"

#include <errno.h>
#include <unistd.h>

#define DOMAIN_LINE_MAXIMUM 65536
#define SUMMARY_MAXIMUM (1u << 20)
#define PROGRESS_MAXIMUM 256
#define LINE_EVERY_US (10 * CLOCK_SECOND_US) /* where progress cannot be rewritten in place */

struct listing {
	struct check_command *command;
	struct check_teller teller;
	struct check_output output;
	struct command_stop stop;
	FILE *domains;
	FILE *save; /* NULL: not wanted */
	int64_t said_us; /* when the last line of progress was */
	bool broken; /* a result could not be written: no more is wanted */
};

/* ---- while it runs ---- */

static bool is_done(void *argument, struct span typed)
{
	const struct listing *l = argument;
	return check_resume_is_done(l->output.done, typed);
}

static void take_result(void *argument, const struct check_report *const *reports, size_t count)
{
	struct listing *l = argument;
	const struct command_line *line = l->command->line;
	if (l->broken || count == 0)
		return;
	command_progress_clear(l->command->line);
	/* In this order: by the result of which no facts were saved a run that goes on sees what was interrupted. */
	if (!check_teller_tell(&l->teller, reports, count)) {
		l->broken = true;
	} else if (l->save && check_command_save(line, l->save, reports[0]->facts) != COMMAND_GOOD) {
		l->broken = true;
		l->teller.code = COMMAND_UNDECIDED;
	}
	if (l->broken)
		command_stop_ask(&l->stop);
}

static void show_progress(void *argument, const struct check_bulk_counts *counts)
{
	struct listing *l = argument;
	const struct command_line *line = l->command->line;
	char text[PROGRESS_MAXIMUM];
	if (!line->terminal && counts->elapsed_us - l->said_us < LINE_EVERY_US)
		return;
	l->said_us = counts->elapsed_us;
	check_bulk_progress_text(counts, text, sizeof(text));
	command_progress(line, "%s", text);
	if (!line->terminal) {
		fprintf(line->errors, "%s: %s\n", line->program, text);
		fflush(line->errors);
	}
}

/* ---- before and after ---- */

static FILE *open_save(const struct command_line *line, bool *failed)
{
	const char *path = command_value(line, "save", NULL);
	FILE *file = NULL;
	if (path)
		file = command_has(line, "resume") ? check_output_append(path) : fopen(path, "we");
	*failed = path && !file;
	if (*failed)
		command_fail(line, COMMAND_USAGE, "cannot write %s: %s", path, strerror(errno));
	return file;
}

static int open_files(struct listing *l)
{
	const struct command_line *line = l->command->line;
	bool failed = false;
	l->domains = check_command_open_input(line, command_value(line, "domains", "-"));
	if (!l->domains)
		return COMMAND_USAGE;
	if (command_has(line, "resume") && l->command->format != CHECK_FORMAT_JSON)
		return command_usage(line, "--resume finds out by JSON lines what is done: leave the format at json");
	int code = check_output_open(&l->output, line, l->teller.kind_count);
	if (code == COMMAND_GOOD)
		l->save = open_save(line, &failed);
	if (l->output.file)
		l->teller.file = l->output.file;
	return failed ? COMMAND_USAGE : code;
}

static void show_summary(const struct listing *l, const struct check_bulk_counts *counts)
{
	struct buffer text;
	buffer_init(&text, SUMMARY_MAXIMUM);
	if (check_bulk_summary(counts, &text) == 0)
		fwrite(text.at ? text.at : "", 1, text.length, l->command->line->errors);
	buffer_done(&text);
}

static int conclude(struct listing *l, int status, const struct check_bulk_counts *counts)
{
	const struct command_line *line = l->command->line;
	command_progress_clear(l->command->line);
	int code = check_teller_end(&l->teller);
	if (l->broken)
		return code;
	if (status == -EILSEQ)
		return command_fail(
			line, COMMAND_USAGE, "%s is UTF-16: save it as UTF-8", command_value(line, "domains", "-"));
	if (status < 0)
		return command_fail(line, COMMAND_UNDECIDED, "cannot work through %s: %s",
			command_value(line, "domains", "-"), strerror(-status));
	if (counts->read == 0 && !command_stop_asked(&l->stop))
		return command_fail(line, COMMAND_USAGE, "%s names no domain", command_value(line, "domains", "-"));
	show_summary(l, counts);
	if (command_stop_asked(&l->stop))
		return command_fail(line, COMMAND_UNDECIDED, "stopped by a signal%s",
			command_has(line, "output") ? "; --resume goes on from here" : "");
	return code;
}

static int work(struct listing *l, struct check_desk *desk, const struct check_bench *bench)
{
	const struct check_command *c = l->command;
	struct check_bulk_counts counts = { 0 };
	const struct check_bulk_settings settings = {
		.desk = desk,
		.bench = bench,
		.domains = l->domains,
		.workers = (unsigned)c->workers,
		.concurrency = (size_t)c->concurrency,
		.rate = (uint32_t)c->rate,
		.server_rate = (uint32_t)c->server_rate,
		.is_done = l->output.done ? is_done : NULL,
		.result = take_result,
		.progress = show_progress,
		.argument = l,
		.stop = &l->stop.asked,
	};
	int status = check_bulk_run(&settings, &counts);
	return conclude(l, status, &counts);
}

static void close_files(struct listing *l)
{
	check_command_close_input(l->domains);
	if (l->save)
		fclose(l->save);
	check_output_close(&l->output);
}

/* ---- formats that need all at once ---- */

static int read_names(struct check_command *c, FILE *file, struct span *ret_typed, size_t *ret_count)
{
	struct buffer text;
	size_t count = 0;
	bool whole;
	int status, code = COMMAND_GOOD;
	buffer_init(&text, DOMAIN_LINE_MAXIMUM + 1);
	while (code == COMMAND_GOOD && (status = check_command_line(file, DOMAIN_LINE_MAXIMUM, &text, &whole)) == 1) {
		struct span rest = buffer_span(&text);
		struct span name = span_trim(span_cut(&rest, '#'));
		if (span_is_empty(name))
			continue;
		if (count == CHECK_COMMAND_DOMAINS_MAXIMUM)
			code = command_fail(c->line, COMMAND_USAGE,
				"this format needs all results at once, and there are more than %d domains: --json has "
				"no limit",
				CHECK_COMMAND_DOMAINS_MAXIMUM);
		else
			ret_typed[count++] = arena_copy(&c->arena, name);
	}
	buffer_done(&text);
	if (code == COMMAND_GOOD && status < 0)
		code = command_fail(c->line, COMMAND_USAGE, "cannot read %s: %s",
			command_value(c->line, "domains", "-"), strerror(-status));
	if (code == COMMAND_GOOD && count == 0)
		code = command_fail(
			c->line, COMMAND_USAGE, "%s names no domain", command_value(c->line, "domains", "-"));
	*ret_count = count;
	return code;
}

static int run_whole(struct check_command *c)
{
	struct span typed[CHECK_COMMAND_DOMAINS_MAXIMUM];
	size_t count = 0;
	if (command_has(c->line, "output"))
		return command_usage(c->line, "--output takes results one by one; this format is written as a whole");
	FILE *file = check_command_open_input(c->line, command_value(c->line, "domains", "-"));
	if (!file)
		return COMMAND_USAGE;
	int code = read_names(c, file, typed, &count);
	check_command_close_input(file);
	return code == COMMAND_GOOD ? check_run_typed(c, typed, count) : code;
}

int check_run_list(struct check_command *c)
{
	struct listing l = { .command = c };
	struct check_desk *desk = NULL;
	struct check_bench bench;
	if (check_command_is_whole(c->format))
		return run_whole(c);
	int status = command_stop_begin(&l.stop);
	if (status < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "%s", strerror(-status));
	int code = check_command_open(c, &desk, &bench);
	if (code == COMMAND_GOOD) {
		check_teller_init(&l.teller, c, &bench);
		code = open_files(&l);
	}
	if (code == COMMAND_GOOD)
		code = work(&l, desk, &bench);
	close_files(&l);
	check_desk_free(desk);
	command_stop_end(&l.stop);
	return code;
}
