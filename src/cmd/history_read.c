/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/require.h"
#include "cmd/history_command.h"
#include "cmd/print.h"
#include "config/load.h"
#include "trace/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LIMIT 255 /* as many as an Expressway keeps */
#define LIMIT_FOLLOW 10
#define LIMIT_MAXIMUM 1000000

/* ---- times ---- */

/* "30m", "2h", "7d": so long ago. */
static bool read_ago(const char *text, int64_t *ret_us)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t length = strlen(text);
	uint64_t number;
	struct clock clock = clock_system();
	if (length < 2 || span_to_u64(span_make(text, length - 1), 1000000, &number) < 0)
		return false;
	for (size_t i = 0; i < BASE_COUNT(units); i++)
		if (text[length - 1] == units[i].unit) {
			*ret_us = clock_wall_us(&clock) - (int64_t)number * units[i].seconds * CLOCK_SECOND_US;
			return true;
		}
	return false;
}

/* Local time, as the list shows it; UTC with a Z or --utc. */
static bool read_date(const char *text, bool is_utc, int64_t *ret_us)
{
	static const char *const shapes[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M", "%Y-%m-%d" };
	for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
		struct tm moment = { .tm_isdst = -1 };
		const char *end = strptime(text, shapes[i], &moment);
		int day = moment.tm_mday;
		bool utc = is_utc || (end && strcmp(end, "Z") == 0);
		if (!end || (*end && strcmp(end, "Z") != 0))
			continue;
		moment.tm_isdst = -1;
		time_t seconds = utc ? timegm(&moment) : mktime(&moment);
		/* The 30th of February would become the 2nd of March. */
		if (moment.tm_mday != day)
			return false;
		*ret_us = (int64_t)seconds * CLOCK_SECOND_US;
		return true;
	}
	return false;
}

static int read_time(struct history_command *c, const char *option, int64_t *ret_us)
{
	const char *text = command_value(c->line, option, NULL);
	if (!text || read_ago(text, ret_us) || read_date(text, command_has(c->line, "utc"), ret_us))
		return COMMAND_GOOD;
	return command_usage(c->line, "--%s: \"%s\" is no time: 2017-03-08, \"2017-03-08 15:42:02\", 2h", option, text);
}

/* ---- the store ---- */

static int store_of_configuration(struct history_command *c, const char *file)
{
	struct config_report report;
	const struct config_node *node = NULL;
	config_report_init(&report);
	int exit_code = COMMAND_GOOD;
	if (config_load_file(file, &report, &node) < 0) {
		print_report(c->line->errors, &report);
		exit_code = command_fail(c->line, COMMAND_UNDECIDED,
			"where `%s` keeps its history cannot be told; --store says it", file);
	} else if (!node->history.enabled) {
		exit_code = command_fail(c->line, COMMAND_UNDECIDED, "`%s` has no `history` section", file);
	} else {
		c->store_name = span_copy(node->history.store);
		exit_code = c->store_name ? COMMAND_GOOD : command_fail(c->line, COMMAND_UNDECIDED, "no memory");
	}
	config_node_unref(node);
	config_report_done(&report);
	return exit_code;
}

static int read_store(struct history_command *c)
{
	const char *given = command_value(c->line, "store", NULL);
	const char *file = command_value(c->line, "config", getenv("FEDGE_CONFIG"));
	if (!given && !file)
		return command_usage(c->line, "which history? --config FILE, --store STORE or FEDGE_CONFIG");
	if (!given)
		return store_of_configuration(c, file);
	c->store_name = strdup(given);
	return c->store_name ? COMMAND_GOOD : command_fail(c->line, COMMAND_UNDECIDED, "no memory");
}

/* ---- all of it ---- */

static int read_query(struct history_command *c)
{
	const struct command_line *line = c->line;
	uint64_t limits[2] = { 1, LIMIT_MAXIMUM };
	c->query.call = span_of(command_value(line, "call", NULL));
	c->query.failed = command_has(line, "failed");
	c->query.events = command_has(line, "events");
	c->search = span_of(command_value(line, "search", NULL));
	c->limit = c->follow ? LIMIT_FOLLOW : LIMIT;
	if (!command_number(line, "limit", limits, &c->limit))
		return COMMAND_USAGE;
	if (line->operand_count &&
		(span_to_u64(span_of(line->operands[0]), INT64_MAX, &c->query.id) < 0 || c->query.id == 0))
		return command_usage(line,
			"\"%s\" is no ID: the number at the end of a line of the list (--call takes a "
			"Call-ID)",
			line->operands[0]);
	if (c->query.id && c->follow)
		return command_usage(line, "--follow goes with the list, not with one entry");
	int code = read_time(c, "since", &c->query.since_us);
	if (code == COMMAND_GOOD)
		code = read_time(c, "until", &c->query.until_us);
	if (code == COMMAND_GOOD && c->query.until_us && c->query.since_us > c->query.until_us)
		code = command_usage(line, "--since is after --until");
	return code;
}

int history_command_read(struct history_command *c, const struct command_line *line)
{
	*c = (struct history_command){ .line = line };
	c->json = command_has(line, "json");
	c->follow = command_has(line, "follow");
	/* What goes into a file or a pipe is not cut. */
	c->style.page.width = line->output && isatty(fileno(line->output)) ? line->width : 0;
	c->style.page.colour = line->colour;
	c->style.ascii = command_has(line, "ascii");
	c->style.utc_offset_s = command_has(line, "utc") ? NULL : trace_utc_offset_local;
	int code = read_query(c);
	return code == COMMAND_GOOD ? read_store(c) : code;
}

void history_command_done(struct history_command *c)
{
	store_history_close(c->store);
	free((void *)(uintptr_t)c->store_name);
}
