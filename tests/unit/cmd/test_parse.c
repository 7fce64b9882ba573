/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines by a table: what reaches the command, and what is said of a wrong one. */
#include "base/require.h"
#include "cmd/command.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Writes down what it was given. */
static int run_echo(struct command_line *line)
{
	fprintf(line->output, "%s:", line->program);
	for (size_t i = 0; i < line->typed_count; i++)
		fprintf(line->output, " %s=%s", line->typed[i].option->name,
			line->typed[i].value ? line->typed[i].value : "yes");
	for (size_t i = 0; i < line->operand_count; i++)
		fprintf(line->output, " [%s]", line->operands[i]);
	return COMMAND_GOOD;
}

static int run_count(struct command_line *line)
{
	uint64_t count = 7;
	if (!command_number(line, "count", (uint64_t[]){ 1, 10 }, &count))
		return COMMAND_USAGE;
	fprintf(line->output, "%llu", (unsigned long long)count);
	return COMMAND_GOOD;
}

static const char *const directions[] = { "inbound", "outbound", "both", NULL };
static const struct command command_run_lab = {
	.name = "run",
	.operands = "[SCENARIO…]",
	.summary = "run scenarios",
	.options =
		(const struct command_option[]){
			{ "direction", 'd', "WHICH", "which way", .choices = directions },
			{ "keep", 'k', "DIR", "keep everything there" },
			{ "json", 'j', .help = "as JSON" },
			{ "verbose", 'v', .help = "say more" },
			{ "log", 0, "FILE", "write there", .repeatable = true },
			{ "secret", 0, .help = "for tests", .hidden = true },
			{ NULL },
		},
	.operand_maximum = 3,
	.run = run_echo,
};
static const struct command command_list = { .name = "list", .summary = "list scenarios", .run = run_echo };
static const struct command command_lab_test = {
	.name = "lab",
	.summary = "rehearse",
	.subcommands = (const struct command *const[]){ &command_list, &command_run_lab, NULL },
};
static const struct command command_call_test = {
	.name = "call",
	.operands = "URI",
	.summary = "place a call",
	.options =
		(const struct command_option[]){
			{ "from", 0, "URI", "who calls", .required = true },
			{ "count", 'n', "N", "how often" },
			{ NULL },
		},
	.operand_minimum = 1,
	.operand_maximum = 1,
	.run = run_count,
};
static const struct command root = {
	.name = "fedge",
	.summary = "the test's own program",
	.options = (const struct command_option[]){ { "version", 'V', .help = "show it" }, { NULL } },
	.subcommands = (const struct command *const[]){ &command_call_test, &command_lab_test, NULL },
	.run = run_echo,
};

struct said {
	int exit_code;
	char *output;
	char *errors;
};

static struct said run(const char *typed, unsigned width)
{
	const char *arguments[32];
	int count = 0;
	char *copy = strdup(typed);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		arguments[count++] = word;
	arguments[count] = NULL;
	struct said said = { 0, NULL, NULL };
	size_t output_size, errors_size;
	FILE *output = open_memstream(&said.output, &output_size), *errors = open_memstream(&said.errors, &errors_size);
	struct command_surroundings s = { "fedge", output, errors, false, false, width };
	said.exit_code = command_run(&root, &s, count, arguments);
	fclose(output);
	fclose(errors);
	free(copy);
	return said;
}

static void forget(struct said *said)
{
	free(said->output);
	free(said->errors);
}

static const struct {
	const char *typed;
	const char *output;
} good[] = {
	{ "lab list", "fedge lab list:" },
	{ "lab run", "fedge lab run:" },
	{ "lab run healthy", "fedge lab run: [healthy]" },
	{ "lab run --json healthy --keep d srv-missing", "fedge lab run: json=yes keep=d [healthy] [srv-missing]" },
	{ "lab run --keep=d --direction=both", "fedge lab run: keep=d direction=both" },
	{ "lab run --keep=", "fedge lab run: keep=" },
	{ "lab run -kd -vj", "fedge lab run: keep=d verbose=yes json=yes" },
	{ "lab run -k d", "fedge lab run: keep=d" },
	{ "lab run --keep --json", "fedge lab run: keep=--json" },
	{ "lab run -- --json", "fedge lab run: [--json]" },
	{ "lab run -", "fedge lab run: [-]" },
	{ "lab run --log a --log b", "fedge lab run: log=a log=b" },
	{ "lab run --secret", "fedge lab run: secret=yes" },
	{ "lab --keep d run healthy", "fedge lab run: keep=d [healthy]" },
	{ "--json lab -k d run", "fedge lab run: json=yes keep=d" },
	{ "--version", "fedge: version=yes" },
	{ "call --from a sip:b", "7" },
	{ "call sip:b --count 10 --from a", "10" },
};

static void options_stand_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++) {
		struct said said = run(good[i].typed, 80);
		if (said.exit_code != COMMAND_GOOD || strcmp(said.output, good[i].output) != 0 || *said.errors)
			fail_msg("%s: exit %d, \"%s\", %s", good[i].typed, said.exit_code, said.output, said.errors);
		forget(&said);
	}
}

static const struct {
	const char *typed;
	const char *first_line;
} wrong[] = {
	{ "lba", "fedge: no command `lba`; did you mean `lab`?" },
	{ "frobnicate", "fedge: no command `frobnicate`" },
	{ "lab", "fedge lab: a command is missing" },
	{ "lab lst", "fedge lab: no command `lst`; did you mean `list`?" },
	{ "lab run --kep d", "fedge lab run: no option --kep; did you mean --keep?" },
	{ "lab run --frobnicate", "fedge lab run: no option --frobnicate" },
	{ "lab run -x", "fedge lab run: no option -x" },
	{ "lab run --keep", "fedge lab run: --keep needs a value: DIR" },
	{ "lab run --json=yes", "fedge lab run: --json takes no value" },
	{ "lab run --keep a --keep b", "fedge lab run: --keep was given twice" },
	{ "lab run --direction inbond",
		"fedge lab run: --direction must be inbound, outbound or both, not \"inbond\"; did you mean inbound?" },
	{ "lab run a b c d", "fedge lab run: \"d\" is one too many" },
	{ "lab list all", "fedge lab list: \"all\" is one too many" },
	{ "call --from a", "fedge call: URI is missing" },
	{ "call sip:b", "fedge call: --from URI is missing" },
	{ "call --from a sip:b --count 11", "fedge call: --count: \"11\" is no number from 1 to 10" },
	{ "call --from a sip:b --count 0", "fedge call: --count: \"0\" is no number from 1 to 10" },
	{ "call --from a sip:b --count x", "fedge call: --count: \"x\" is no number from 1 to 10" },
	{ "lab \x1b[2J", "fedge lab: no command `\\x1B[2J`" },
};

static void wrong_usage_is_said_and_exits_64(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(wrong); i++) {
		struct said said = run(wrong[i].typed, 80);
		char *end = strchr(said.errors, '\n');
		if (end)
			*end = '\0';
		if (said.exit_code != COMMAND_USAGE || strcmp(said.errors, wrong[i].first_line) != 0 || *said.output)
			fail_msg("%s: exit %d, \"%s\"", wrong[i].typed, said.exit_code, said.errors);
		forget(&said);
	}
}

static void help_comes_from_the_table(void **state)
{
	(void)state;
	static const char *const typed[] = { "lab run --help", "lab run a b c d e -h", "--help lab run" };
	for (size_t i = 0; i < BASE_COUNT(typed); i++) {
		struct said said = run(typed[i], 80);
		assert_int_equal(said.exit_code, COMMAND_GOOD);
		assert_string_equal(said.output, "Usage: fedge lab run [OPTION…] [SCENARIO…]\n"
						 "run scenarios\n"
						 "\n"
						 "Options:\n"
						 "  -d, --direction WHICH     which way: inbound, outbound or both\n"
						 "  -k, --keep DIR            keep everything there\n"
						 "  -j, --json                as JSON\n"
						 "  -v, --verbose             say more\n"
						 "  --log FILE                write there; may be given again\n"
						 "  -h, --help                show this\n");
		forget(&said);
	}
	struct said said = run("call --help", 80);
	assert_non_null(strstr(said.output, "Usage: fedge call --from URI [OPTION…] URI\n"));
	forget(&said);
	said = run("--help", 80);
	assert_non_null(strstr(said.output, "  lab list|run              rehearse\n"));
	forget(&said);
}

static void help_is_never_wider_than_the_terminal(void **state)
{
	(void)state;
	static const char *const typed[] = { "--help", "lab --help", "lab run --help", "call --help" };
	for (size_t i = 0; i < BASE_COUNT(typed); i++) {
		for (unsigned width = 34; width < 90; width++) {
			struct said said = run(typed[i], width);
			for (char *line = strtok(said.output, "\n"); line; line = strtok(NULL, "\n")) {
				size_t columns = 0;
				for (const char *c = line; *c; c++)
					columns += ((unsigned char)*c & 0xc0) != 0x80;
				if (columns > width)
					fail_msg("%s at %u: \"%s\"", typed[i], width, line);
			}
			forget(&said);
		}
	}
}

static void man_pages_escape_what_troff_reads(void **state)
{
	(void)state;
	const struct command odd = {
		.name = "odd",
		.operands = "[FILE…]",
		.summary = "a-b",
		.description = ".starts with a dot\n\n  kept \\n as `it' is\n\nlast",
		.options = (const struct command_option[]){ { "long-name", 'l', "VALUE", "help" }, { NULL } },
		.run = run_echo,
	};
	char *page = NULL;
	size_t size;
	FILE *output = open_memstream(&page, &size);
	command_man(&odd, "fedge-odd", output);
	fclose(output);
	assert_non_null(strstr(page, ".TH FEDGE-ODD 1\n"));
	assert_non_null(strstr(page, "fedge\\-odd \\- a\\-b\n"));
	assert_non_null(strstr(page, "\n\\&.starts with a dot\n"));
	assert_non_null(strstr(page, "  kept \\en as \\(gait\\(aq is\n"));
	assert_non_null(strstr(page, "[FILE\\[u2026]]\n"));
	assert_non_null(strstr(page, "\\fB\\-l\\fR, \\fB\\-\\-long\\-name\\fR \\fIVALUE\\fR\n"));
	free(page);
}

static void progress_is_for_terminals(void **state)
{
	(void)state;
	static const struct {
		bool terminal;
		const char *written;
	} cases[] = { { true, "\r\033[K1 of 2\r\033[K2 of 2\r\033[K" }, { false, "" } };
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		char *text = NULL;
		size_t length = 0;
		struct command_line line = { .terminal = cases[i].terminal, .errors = open_memstream(&text, &length) };
		command_progress(&line, "%d of 2", 1);
		command_progress(&line, "%d of 2", 2);
		command_progress_clear(&line);
		fclose(line.errors);
		assert_string_equal(text, cases[i].written);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(wrong_usage_is_said_and_exits_64),
		cmocka_unit_test(help_comes_from_the_table),
		cmocka_unit_test(help_is_never_wider_than_the_terminal),
		cmocka_unit_test(progress_is_for_terminals),
		cmocka_unit_test(man_pages_escape_what_troff_reads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
