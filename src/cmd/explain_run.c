/* SPDX-License-Identifier: Apache-2.0 */
/* fedge explain: files become records, records events, events cases; each case is told as soon as it is whole. */
#include "base/clock.h"
#include "base/random.h"
#include "cmd/explain_command.h"
#include "cmd/stop.h"

#include <errno.h>
#include <stdlib.h>

#define PROGRESS_MS 250

/* On a reading thread. */
static void *boil(
	void *argument, const struct record *r, const struct trace_place *place, uint32_t file, struct arena *arena)
{
	struct explain_command *c = argument;
	const struct explain_seen seen = { .file = file,
		.counts_packets = place->is_packet,
		.is_summary = place->is_summary,
		.line = place->line,
		.offset = place->offset,
		.raw = place->raw };
	bool is_full = false;
	const struct explain_event *event = explain_boil(r, &seen, arena, &is_full);
	if (is_full)
		atomic_fetch_add_explicit(&c->lost, 1, memory_order_relaxed);
	return (void *)(uintptr_t)event;
}

static int32_t offset_of(void *argument, int64_t local_us)
{
	const struct explain_command *c = argument;
	return c->local_time ? trace_utc_offset_local(NULL, local_us) : c->utc_offset_s;
}

/* ---- starting ---- */

static const char **values_of(const struct command_line *line, const char *option, size_t *ret_count)
{
	size_t count = command_value_count(line, option);
	const char **values = calloc(count + 1, sizeof(*values));
	for (size_t i = 0; values && i < count; i++)
		values[i] = command_value_at(line, option, i);
	*ret_count = values ? count : 0;
	return values;
}

static int start(struct explain_command *c, const char *const *key_logs, size_t key_log_count)
{
	const struct command_line *line = c->line;
	uint64_t threads = 0, thread_limits[2] = { 1, 256 }, megabytes = 96, memory_limits[2] = { 8, 1000000 };
	if (!command_number(line, "threads", thread_limits, &threads) ||
		!command_number(line, "memory", memory_limits, &megabytes))
		return COMMAND_USAGE;
	struct random random;
	int status = random_init(&random);
	if (status < 0)
		return command_fail(line, COMMAND_UNDECIDED, "no randomness: %s", strerror(-status));
	const struct explain_joiner_settings joiner = { .memory_maximum = (size_t)megabytes << 20,
		.hash_key = random_hash_key(&random),
		.keep_good = c->all || c->call,
		.take = explain_command_take,
		.argument = c,
		.live = c->follow };
	c->joiner = explain_joiner_new(&joiner);
	if (!c->joiner)
		return command_fail(line, COMMAND_UNDECIDED, "no memory");
	const struct source_settings settings = { .paths = line->operands,
		.path_count = line->operand_count,
		.key_logs = key_logs,
		.key_log_count = key_log_count,
		.threads = (unsigned int)threads,
		.follow = c->follow,
		.utc_offset_s = offset_of,
		.boil = boil,
		.argument = c };
	size_t index = 0;
	status = source_start(&settings, &c->source, &index);
	if (status == -ENOMEM || status == -EAGAIN || status == -EMFILE)
		return command_fail(line, COMMAND_UNDECIDED, "cannot read: %s", strerror(-status));
	if (status < 0)
		return command_fail(line, COMMAND_USAGE, "cannot read %s: %s",
			index < line->operand_count ? line->operands[index] : key_logs[index - line->operand_count],
			strerror(-status));
	return COMMAND_GOOD;
}

/* ---- reading ---- */

static void show_progress(struct explain_command *c)
{
	uint64_t done, total;
	if (!c->line->terminal)
		return;
	source_progress(c->source, &done, &total);
	struct explain_totals totals = explain_joiner_totals(c->joiner);
	if (total > 0)
		command_progress(c->line, "%d %% of %.1f MB, %llu calls, %llu failed", (int)(done * 100 / total),
			(double)total / 1e6, (unsigned long long)totals.calls, (unsigned long long)totals.failed);
	else
		command_progress(c->line, "%.1f MB, %llu calls, %llu failed", (double)done / 1e6,
			(unsigned long long)totals.calls, (unsigned long long)totals.failed);
}

/* Whether a quarter of a second has passed since the last time. */
static bool is_time(const struct clock *clock, int64_t *last_us)
{
	int64_t now_us = clock_steady_us(clock);
	if (now_us - *last_us < PROGRESS_MS * CLOCK_MS_US)
		return false;
	*last_us = now_us;
	return true;
}

static int read_all(struct explain_command *c, const struct command_stop *stop)
{
	const struct clock clock = clock_system();
	struct source_item item;
	int64_t shown_us = clock_steady_us(&clock);
	int status = 0;
	for (unsigned int turn = 0; !command_stop_asked(stop) && c->code == COMMAND_GOOD; turn++) {
		status = source_next(c->source, PROGRESS_MS, &item);
		if (status <= 0)
			break;
		if (status == SOURCE_WAITING)
			explain_joiner_wait(c->joiner, clock_wall_us(&clock));
		else if ((status = explain_joiner_add(c->joiner, item.item, item.line_base, item.offset_base)) < 0)
			break;
		if ((status == SOURCE_WAITING || turn % 4096 == 0) && is_time(&clock, &shown_us))
			show_progress(c);
	}
	command_progress_clear(c->line);
	return status < 0 ? status : 0;
}

/* ---- the end ---- */

bool explain_command_was_read(const struct explain_command *c)
{
	if (explain_joiner_totals(c->joiner).events > 0)
		return true;
	for (size_t i = 0; i < source_file_count(c->source); i++) {
		const struct source_file *file = source_file(c->source, (uint32_t)i);
		if (file->counts.records > 0 || (file->counts.other > 0 && file->kind != TRACE_KIND_UNKNOWN))
			return true;
	}
	return false;
}

/* A file that could not be read to its end may have held the failure. */
static bool was_cut(const struct explain_command *c)
{
	for (size_t i = 0; i < source_file_count(c->source); i++)
		if (source_file(c->source, (uint32_t)i)->status < 0)
			return true;
	return false;
}

static int exit_of(const struct explain_command *c)
{
	if (c->code != COMMAND_GOOD)
		return c->code;
	if (!explain_command_was_read(c) || (c->call && c->matched == 0))
		return COMMAND_UNDECIDED;
	if (c->federation == 0)
		return was_cut(c) ? COMMAND_UNDECIDED : COMMAND_GOOD;
	return c->surest >= EXPLAIN_LIKELY ? COMMAND_FAILED : COMMAND_WARNING;
}

int explain_command_run(struct explain_command *c)
{
	struct command_stop stop;
	size_t key_log_count;
	const char **key_logs = values_of(c->line, "key-log", &key_log_count);
	int status = command_stop_begin(&stop);
	if (!key_logs || status < 0) {
		free(key_logs);
		return command_fail(
			c->line, COMMAND_UNDECIDED, "cannot begin: %s", strerror(key_logs ? -status : ENOMEM));
	}
	int code = start(c, key_logs, key_log_count);
	if (code == COMMAND_GOOD) {
		status = read_all(c, &stop);
		if (status < 0)
			c->code =
				command_fail(c->line, COMMAND_UNDECIDED, "cannot go on reading: %s", strerror(-status));
		if (command_stop_asked(&stop) && !c->follow)
			(void)command_fail(c->line, COMMAND_GOOD, "stopped: what was read until then is told");
		explain_command_begin(c);
		c->at_end = true;
		status = explain_joiner_end(c->joiner);
		if (status < 0 && c->code == COMMAND_GOOD)
			c->code = command_fail(c->line, COMMAND_UNDECIDED, "not everything fitted into memory");
		explain_command_tell_all(c);
		explain_command_end(c);
		code = exit_of(c);
	}
	command_stop_end(&stop);
	free(key_logs);
	return code;
}
