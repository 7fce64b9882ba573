/* SPDX-License-Identifier: Apache-2.0 */
/* The rounds of a watch, and the parts that it keeps open. */
#include "check/watch.h"

#include "base/cleanup.h"
#include "check/watch_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define NOTE_SIZE 512
#define LOOK_EVERY_US (50 * CLOCK_MS_US) /* at the wish to stop */
#define GRACE_US (2 * CLOCK_SECOND_US) /* of commands that run when we are asked to stop */

/* ---- what is said ---- */

void watch_note(struct watch *watch, const char *format, ...)
{
	char text[NOTE_SIZE];
	va_list arguments;
	if (!watch->settings->note)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	watch->settings->note(watch->settings->argument, text);
}

void watch_tell_commands(struct watch *watch)
{
	char text[CHECK_RUNNER_NOTE_SIZE];
	while (watch->runner && check_runner_note(watch->runner, text)) {
		if (watch->command_notes == WATCH_COMMAND_NOTES_MAXIMUM) {
			watch->command_notes_held++;
			continue;
		}
		watch->command_notes++;
		watch_note(watch, "%s", text);
	}
}

static void tell_held(struct watch *watch)
{
	if (watch->command_notes_held)
		watch_note(watch, "%u more lines about commands that failed are left out", watch->command_notes_held);
	watch->command_notes = watch->command_notes_held = 0;
}

static void tell_dropped(struct watch *watch)
{
	if (!watch->runner)
		return;
	struct check_runner_counts counts = check_runner_counts(watch->runner);
	if (counts.dropped > watch->dropped_told)
		watch_note(watch, "%llu commands were not run: too many were waiting",
			(unsigned long long)(counts.dropped - watch->dropped_told));
	watch->dropped_told = counts.dropped;
}

void watch_store_failed(struct watch *watch)
{
	watch_note(watch, "%s; the round is not remembered", store_watch_error(watch->store));
	watch->store_failed = true;
	watch->figures.store_failures++;
}

/* ---- the list ---- */

/* Names of the command line as the list that a round reads. */
static int write_names(FILE *file, const struct check_watch_settings *settings)
{
	for (size_t i = 0; i < settings->domain_count; i++) {
		/* In a list these would not be part of the name. */
		if (strpbrk(settings->domains[i], "#\r\n"))
			return -EINVAL;
		fprintf(file, "%s\n", settings->domains[i]);
	}
	return fflush(file) == 0 && fseek(file, 0, SEEK_SET) == 0 ? 0 : -errno;
}

static int open_names(const struct check_watch_settings *settings, FILE **ret_file)
{
	base_cleanup(close_descriptor) int memory = memfd_create("domains", MFD_CLOEXEC);
	if (memory < 0)
		return -errno;
	FILE *file = fdopen(memory, "r+");
	if (!file)
		return -errno;
	memory = -1;
	int status = write_names(file, settings);
	if (status < 0)
		fclose(file);
	else
		*ret_file = file;
	return status;
}

static int open_list(const struct check_watch_settings *settings, FILE **ret_file)
{
	if (!settings->domains_path)
		return open_names(settings, ret_file);
	*ret_file = fopen(settings->domains_path, "re");
	return *ret_file ? 0 : -errno;
}

/* ---- a round ---- */

static void take_result(void *argument, const struct check_report *const *reports, size_t count)
{
	watch_take_reports(argument, reports, count);
}

static void take_progress(void *argument, const struct check_bulk_counts *counts)
{
	struct watch *watch = argument;
	watch_tell_commands(watch);
	if (watch->settings->progress)
		watch->settings->progress(watch->settings->argument, counts);
}

static void show_metrics(struct watch *watch, struct check_metrics_round *domains)
{
	struct buffer text;
	if (!watch->metrics)
		return;
	watch->figures.period_us = watch->settings->period_us;
	if (watch->runner)
		watch->figures.commands = check_runner_counts(watch->runner);
	buffer_init(&text, CHECK_METRICS_TEXT_MAXIMUM + (1u << 20)); /* the domains' and our own */
	int status = check_metrics_round_write(domains, &watch->figures, &text);
	if (status == 0)
		status = check_metrics_show(watch->metrics, &text);
	if (status < 0)
		watch_note(watch, "no memory to show the metrics of this round; those of the one before stay");
	buffer_done(&text);
}

/* A round that was stopped is kept, unless a change in it would never reach the command. */
static void remember_round(struct watch *watch)
{
	unsigned days = watch->settings->keep_days ? watch->settings->keep_days : CHECK_WATCH_KEEP_DAYS;
	if (watch->store_failed)
		return;
	if (watch_is_stopped(watch) && watch->runner && check_runner_counts(watch->runner).waiting > 0) {
		watch_note(watch, "commands were still waiting: the round is not remembered, the next start finds its "
				  "changes again");
		return;
	}
	if (store_watch_commit(watch->store, days) < 0)
		watch_store_failed(watch);
}

static int run_bulk(struct watch *watch, struct check_bulk_counts *ret_counts)
{
	struct check_bulk_settings bulk = watch->settings->bulk;
	int status = open_list(watch->settings, &bulk.domains);
	if (status < 0)
		return status;
	bulk.result = take_result;
	bulk.progress = take_progress;
	bulk.argument = watch;
	status = check_bulk_run(&bulk, ret_counts);
	fclose(bulk.domains);
	return status;
}

/* The transaction of a round is begun right after that of the one before: nobody else writes in between. */
static void begin_to_remember(struct watch *watch)
{
	watch->store_failed = false;
	if (store_watch_begin(watch->store) < 0)
		watch_store_failed(watch);
}

static int run_round(struct watch *watch)
{
	struct check_bulk_counts counts = { 0 };
	int64_t began_us = clock_wall_us(&watch->clock);
	watch->round_changes = 0;
	tell_held(watch);
	check_metrics_round_init(&watch->domains, CHECK_METRICS_TEXT_MAXIMUM);
	int status = run_bulk(watch, &counts);
	tell_dropped(watch);
	remember_round(watch);
	if (status == 0 && !watch_is_stopped(watch)) {
		watch->figures.rounds++;
		watch->figures.began_us = began_us;
		watch->figures.elapsed_us = counts.elapsed_us;
		watch->figures.last = counts;
		watch->figures.left_out = watch->domains.left_out;
		show_metrics(watch, &watch->domains);
		if (watch->settings->round)
			watch->settings->round(watch->settings->argument, &counts, (unsigned)watch->figures.rounds,
				watch->round_changes);
	}
	check_metrics_round_done(&watch->domains);
	return status;
}

static void pause_until(struct watch *watch, int64_t due_us)
{
	int64_t left_us;
	while (!watch_is_stopped(watch) && (left_us = due_us - clock_steady_us(&watch->clock)) > 0) {
		int64_t pause_us = left_us < LOOK_EVERY_US ? left_us : LOOK_EVERY_US;
		struct timespec pause = { .tv_nsec = (long)(pause_us * 1000) };
		nanosleep(&pause, NULL);
		watch_tell_commands(watch);
	}
}

/* After the last round: whatever was found in it is told first. */
static void await_commands(struct watch *watch)
{
	for (;;) {
		struct check_runner_counts counts = check_runner_counts(watch->runner);
		if (counts.waiting + counts.running == 0 || watch_is_stopped(watch))
			return;
		pause_until(watch, clock_steady_us(&watch->clock) + LOOK_EVERY_US);
	}
}

/* ---- its life ---- */

static int list_error(const struct check_watch_settings *settings, int status, char *reterr_text)
{
	if (settings->domains_path)
		snprintf(reterr_text, CHECK_ERROR_SIZE, "%.200s: the list of domains cannot be read: %s",
			settings->domains_path, strerrordesc_np(-status));
	else
		snprintf(reterr_text, CHECK_ERROR_SIZE, "the domains cannot be examined: %s", strerrordesc_np(-status));
	return status;
}

static int run_rounds(struct watch *watch, char reterr_text[CHECK_ERROR_SIZE])
{
	const struct check_watch_settings *settings = watch->settings;
	for (unsigned round = 1; !watch_is_stopped(watch); round++) {
		int64_t began_us = clock_steady_us(&watch->clock);
		int status = run_round(watch);
		if (status < 0) {
			list_error(settings, status, reterr_text);
			if (round == 1)
				return status;
			watch_note(watch, "%s", reterr_text);
		}
		if (watch_is_stopped(watch) || round == settings->rounds)
			break;
		begin_to_remember(watch);
		pause_until(watch, began_us + settings->period_us);
		check_desk_forget(settings->bulk.desk);
	}
	return 0;
}

static int open_parts(struct watch *watch, char reterr_text[CHECK_ERROR_SIZE])
{
	const struct check_watch_settings *settings = watch->settings;
	_Static_assert(CHECK_ERROR_SIZE >= STORE_WATCH_ERROR_SIZE, "its errors become ours");
	_Static_assert(CHECK_ERROR_SIZE >= CHECK_METRICS_ERROR_SIZE, "its errors become ours");
	int status = store_watch_open(settings->store_path, &watch->store, reterr_text);
	if (status < 0)
		return status;
	status = store_watch_begin(watch->store);
	if (status < 0) {
		snprintf(reterr_text, CHECK_ERROR_SIZE, "%s", store_watch_error(watch->store));
		return status;
	}
	if (settings->metrics)
		status = check_metrics_open(settings->metrics, &watch->metrics, reterr_text);
	if (status == 0 && settings->on_change) {
		status = check_runner_new(settings->on_change, NULL, &watch->runner);
		if (status < 0)
			snprintf(reterr_text, CHECK_ERROR_SIZE, "no thread for the commands: %s",
				strerrordesc_np(-status));
	}
	return status;
}

static void close_parts(struct watch *watch)
{
	if (watch->runner) {
		check_runner_stop(watch->runner, GRACE_US);
		watch_tell_commands(watch);
		tell_held(watch);
		check_runner_free(watch->runner);
	}
	check_metrics_close(watch->metrics);
	store_watch_close(watch->store); /* forgets a round that was not committed */
	arena_done(&watch->arena);
}

int check_watch_run(const struct check_watch_settings *settings, char reterr_text[CHECK_ERROR_SIZE])
{
	struct watch *watch = calloc(1, sizeof(*watch));
	reterr_text[0] = '\0';
	if (!watch) {
		snprintf(reterr_text, CHECK_ERROR_SIZE, "no memory");
		return -ENOMEM;
	}
	watch->settings = settings;
	watch->clock = settings->clock ? *settings->clock : clock_system();
	arena_init(&watch->arena, CHECK_CHANGE_ARENA_MAXIMUM);
	int status = open_parts(watch, reterr_text);
	if (status == 0) {
		show_metrics(watch, NULL);
		if (watch->metrics)
			watch_note(watch, "metrics are served on %s", check_metrics_url(watch->metrics));
		status = run_rounds(watch, reterr_text);
	}
	if (status == 0 && watch->runner)
		await_commands(watch);
	close_parts(watch);
	free(watch);
	return status;
}
