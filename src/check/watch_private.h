/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_WATCH_PRIVATE_H
#define FEDGE_CHECK_WATCH_PRIVATE_H
/* Between watch.c (rounds), watch_report.c (one domain) and watch_command.c (what a command is told). */
#include "check/change.h"
#include "check/metrics.h"
#include "check/metrics_round.h"
#include "check/runner.h"
#include "check/watch.h"

struct watch {
	const struct check_watch_settings *settings;
	struct clock clock;
	struct store_watch *store;
	struct check_runner *runner; /* NULL: no command */
	struct check_metrics *metrics; /* NULL: not served */
	struct check_metrics_round domains; /* of the round that runs */
	struct check_watch_figures figures;
	struct arena arena; /* of one domain's changes */
	size_t round_changes;
	bool store_failed; /* in this round: it is neither asked nor told any more */
	uint64_t dropped_told; /* commands that were dropped, as far as it was said */
	unsigned command_notes, command_notes_held; /* since the round began: said, and only counted */
};

static inline bool watch_is_stopped(const struct watch *watch)
{
	const volatile bool *stop = watch->settings->bulk.stop;
	return stop && __atomic_load_n(stop, __ATOMIC_ACQUIRE);
}
void watch_note(struct watch *watch, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands on what commands have to say: so many lines a round, the rest as a number. */
#define WATCH_COMMAND_NOTES_MAXIMUM 20
void watch_tell_commands(struct watch *watch);
/* Says what the memory says and leaves it alone for the rest of the round. */
void watch_store_failed(struct watch *watch);

/* The result of one domain: compared, told, remembered. */
void watch_take_reports(struct watch *watch, const struct check_report *const *reports, size_t count);
/* Runs the command for these changes (at least one). last: what was remembered. */
void watch_run_command(struct watch *watch, const struct check_report *report, const struct check_change_set *set,
	const struct store_watch_state *last);
#endif
