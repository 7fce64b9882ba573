/* SPDX-License-Identifier: Apache-2.0 */
/* fedge explain: from what was typed to struct explain_command. */
#include "base/clock.h"
#include "base/random.h"
#include "base/require.h"
#include "cmd/explain_command.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define PROBLEM_MAXIMUM (64u << 20)
#define NAMES_MAXIMUM (16u << 20)
#define OUTPUT_MAXIMUM (256u << 20)

static int read_format(struct explain_command *c)
{
	const char *name = command_value(c->line, "format", NULL);
	bool json = command_has(c->line, "json"), mermaid = command_has(c->line, "mermaid");
	if (json + mermaid + (name != NULL) > 1)
		return command_usage(c->line, "one format at a time: --json, --mermaid or --format");
	if (json || (name && strcmp(name, "json") == 0))
		c->format = EXPLAIN_FORMAT_JSON;
	else if (mermaid || (name && strcmp(name, "mermaid") == 0))
		c->format = EXPLAIN_FORMAT_MERMAID;
	return COMMAND_GOOD;
}

/* What may follow the seconds: a fraction, and Z or an offset from UTC. false: something else does. */
static bool read_moment_end(const char *text, int64_t *moment_us)
{
	int hours = 0, minutes = 0, used = 0;
	if (*text == '.' || *text == ',') {
		int64_t unit = CLOCK_SECOND_US / 10;
		const char *digit = text + 1;
		for (; *digit >= '0' && *digit <= '9'; digit++, unit /= 10)
			*moment_us += (*digit - '0') * unit;
		if (digit == text + 1)
			return false;
		text = digit;
	}
	if (!*text || strcmp(text, "Z") == 0)
		return true;
	if ((*text != '+' && *text != '-') || sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 ||
		text[1 + used] || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return false;
	*moment_us -= (*text == '-' ? -1 : 1) * (int64_t)(hours * 60 + minutes) * 60 * CLOCK_SECOND_US;
	return true;
}

/* "2017-03-02", "2017-03-02T07:10:46Z", "2017-03-02 07:10:46.240": UTC, as the ladders and JSON show it, where no
 * offset is said. */
static int read_moment(struct explain_command *c, const char *option, int64_t *ret_us)
{
	static const char *const shapes[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%d %H:%M", "%Y-%m-%d" };
	const char *text = command_value(c->line, option, NULL);
	if (!text)
		return COMMAND_GOOD;
	for (size_t i = 0; i < BASE_COUNT(shapes); i++) {
		struct tm moment = { 0 };
		const char *end = strptime(text, shapes[i], &moment);
		int day = moment.tm_mday;
		int64_t moment_us = end ? (int64_t)timegm(&moment) * CLOCK_SECOND_US : 0;
		/* timegm makes the 2nd of March of the 30th of February. */
		if (end && moment.tm_mday == day && read_moment_end(end, &moment_us)) {
			*ret_us = moment_us;
			return COMMAND_GOOD;
		}
	}
	return command_usage(
		c->line, "--%s: \"%s\" is no time: 2017-03-02 or 2017-03-02T07:10:46Z (UTC)", option, text);
}

/* "+01:00", "-0530", "+2", "Z" */
static int read_offset(struct explain_command *c)
{
	const char *text = command_value(c->line, "utc-offset", NULL);
	int hours = 0, minutes = 0, used = 0;
	c->local_time = !text;
	if (!text || strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0)
		return COMMAND_GOOD;
	bool is_sign = *text == '+' || *text == '-';
	bool good =
		is_sign &&
		((sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) == 2 && !text[1 + used]) ||
			(minutes = 0, sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &used) == 2 && !text[1 + used]) ||
			(minutes = 0, sscanf(text + 1, "%2d%n", &hours, &used) == 1 && !text[1 + used]));
	if (!good || hours < 0 || hours > 14 || minutes < 0 || minutes > 59)
		return command_usage(c->line, "--utc-offset: \"%s\" is no offset, as +01:00 or Z is", text);
	c->utc_offset_s = (*text == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
	return COMMAND_GOOD;
}

static int read_rest(struct explain_command *c)
{
	static const char *const of_check[] = { "config", "resolver", "ca-file", "private", "timeout" };
	const struct command_line *line = c->line;
	c->all = command_has(line, "all");
	c->redact = command_has(line, "redact");
	c->check = command_has(line, "check");
	c->follow = command_has(line, "follow");
	c->call = command_value(line, "call", NULL);
	c->html_path = command_value(line, "html", NULL);
	for (size_t i = 0; i < BASE_COUNT(of_check); i++)
		if (!c->check && command_has(line, of_check[i]))
			return command_usage(line, "--%s goes with --check", of_check[i]);
	c->own_count = command_value_count(line, "own");
	c->own = arena_zero(&c->names, (c->own_count + 1) * sizeof(*c->own));
	for (size_t i = 0; c->own && i < c->own_count; i++)
		c->own[i] = span_of(command_value_at(line, "own", i));
	if (!c->own)
		return command_fail(line, COMMAND_UNDECIDED, "no memory");
	if (c->follow && line->operand_count != 1)
		return command_usage(line, "--follow takes one file");
	if (c->follow && c->html_path)
		return command_usage(line, "--html is written when all is read, and --follow never ends");
	if (c->since_us > c->until_us)
		return command_usage(line, "--since is after --until");
	return COMMAND_GOOD;
}

static int open_redactor(struct explain_command *c)
{
	struct random random;
	char secret[32];
	if (!c->redact)
		return COMMAND_GOOD;
	int status = random_init(&random);
	if (status < 0)
		return command_fail(c->line, COMMAND_UNDECIDED, "no randomness: %s", strerror(-status));
	random_bytes(&random, secret, sizeof(secret));
	c->redactor = explain_redactor_new(span_make(secret, sizeof(secret)));
	return c->redactor ? COMMAND_GOOD : command_fail(c->line, COMMAND_UNDECIDED, "no memory");
}

static int open_html(struct explain_command *c)
{
	if (!c->html_path)
		return COMMAND_GOOD;
	c->html = fopen(c->html_path, "we");
	return c->html ? COMMAND_GOOD
		       : command_fail(c->line, COMMAND_USAGE, "cannot write %s: %s", c->html_path, strerror(errno));
}

int explain_command_read(const struct command_line *line, struct explain_command *ret_command)
{
	struct explain_command *c = ret_command;
	*c = (struct explain_command){ .line = line, .since_us = INT64_MIN, .until_us = INT64_MAX };
	arena_init(&c->arena, PROBLEM_MAXIMUM);
	arena_init(&c->names, NAMES_MAXIMUM);
	buffer_init(&c->out, OUTPUT_MAXIMUM);
	c->style = (struct explain_style){ .finding = { .width = line->width, .colour = line->colour },
		.ascii = command_has(line, "ascii"),
		.file_name = explain_command_file_name,
		.argument = c };
	int code = read_format(c);
	if (code == COMMAND_GOOD)
		code = read_moment(c, "since", &c->since_us);
	if (code == COMMAND_GOOD)
		code = read_moment(c, "until", &c->until_us);
	if (code == COMMAND_GOOD)
		code = read_offset(c);
	if (code == COMMAND_GOOD)
		code = read_rest(c);
	if (code == COMMAND_GOOD)
		code = open_redactor(c);
	if (code == COMMAND_GOOD)
		code = open_html(c);
	return code;
}

void explain_command_done(struct explain_command *c)
{
	explain_command_examine_end(c);
	explain_joiner_free(c->joiner);
	source_free(c->source);
	explain_redactor_free(c->redactor);
	free(c->told_kinds);
	free(c->waiting);
	free(c->shown_names);
	if (c->html)
		(void)fclose(c->html);
	arena_done(&c->arena);
	arena_done(&c->names);
	buffer_done(&c->out);
}
