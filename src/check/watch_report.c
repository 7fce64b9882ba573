/* SPDX-License-Identifier: Apache-2.0 */
/* One domain of a round: compared with what was remembered, told, remembered. */
#include "check/watch_private.h"

static void count_change(struct watch *watch, const struct store_watch_change *change)
{
	watch->round_changes++;
	for (size_t i = 0; i < CHECK_CHANGE_KINDS; i++)
		watch->figures.changes[i] += span_is(change->what, check_change_kinds[i]);
}

static void tell(struct watch *watch, const struct check_report *report, const struct check_change_set *set,
	const struct store_watch_state *last)
{
	const struct check_watch_settings *settings = watch->settings;
	for (size_t i = 0; i < set->count; i++) {
		count_change(watch, &set->changes[i]);
		if (settings->changed)
			settings->changed(settings->argument, &set->changes[i], report);
	}
	if (set->count && watch->runner)
		watch_run_command(watch, report, set, last);
}

static int remember(struct watch *watch, const struct check_change_set *set)
{
	int status = 0;
	for (size_t i = 0; i < set->count && status == 0; i++)
		status = store_watch_add_change(watch->store, &set->changes[i]);
	return status < 0 ? status : store_watch_put(watch->store, &set->state);
}

static void take_report(struct watch *watch, const struct check_report *report, bool with_facts)
{
	const struct check_facts *facts = report->facts;
	struct store_watch_state last;
	struct check_change_set set;
	if (watch->store_failed)
		return;
	int known = store_watch_get(watch->store, facts->domain.at ? facts->domain : facts->typed,
		span_of(check_policy_name(report->policy)), &last);
	if (known < 0) {
		watch_store_failed(watch);
		return;
	}
	arena_reset(&watch->arena);
	if (check_change_find(report, known ? &last : NULL, with_facts, &watch->arena, &set) < 0) {
		watch_note(watch, "%.*s: no memory to compare it; it is compared again in the next round",
			SPAN_PRINT(facts->domain));
		return;
	}
	tell(watch, report, &set, &last);
	if (remember(watch, &set) < 0)
		watch_store_failed(watch);
}

void watch_take_reports(struct watch *watch, const struct check_report *const *reports, size_t count)
{
	const struct check_watch_settings *settings = watch->settings;
	for (size_t i = 0; i < count; i++)
		take_report(watch, reports[i], i == 0);
	if (watch->metrics)
		check_metrics_round_add(&watch->domains, reports, count);
	if (settings->result)
		settings->result(settings->argument, reports, count);
	watch_tell_commands(watch);
}
