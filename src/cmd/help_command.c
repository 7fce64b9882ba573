/* SPDX-License-Identifier: Apache-2.0 */
/* fedge help [COMMAND | FINDING] */
#include "base/text.h"
#include "cmd/table.h"
#include "finding/catalogue.h"
#include "finding/render.h"

#include <stdlib.h>

#define COMMANDS_MAXIMUM 64
#define HELP_MAXIMUM (4u << 20)

static struct command_surroundings surroundings_of(const struct command_line *line)
{
	return (struct command_surroundings){ line->executable, line->output, line->errors, line->colour,
		line->terminal, line->width };
}

static const struct command *below(const struct command *command, const char *name)
{
	for (size_t i = 0; command->subcommands && command->subcommands[i]; i++) {
		if (strcmp(command->subcommands[i]->name, name) == 0)
			return command->subcommands[i];
	}
	return NULL;
}

/* The command that the words name: `lab run`. Writes its whole name. */
static const struct command *command_named(const struct command_line *line, struct buffer *program)
{
	const struct command *command = line->root;
	buffer_append_text(program, command->name);
	for (size_t i = 0; i < line->operand_count && command; i++) {
		command = below(command, line->operands[i]);
		buffer_printf(program, " %s", line->operands[i]);
	}
	return command;
}

static int print_finding(const struct command_line *line, enum finding_code code)
{
	struct finding_style style = { line->width, line->colour };
	struct buffer b;
	buffer_init(&b, HELP_MAXIMUM);
	int status = code == FINDING_NONE ? finding_help_list(&style, &b) : finding_help(code, &style, &b);
	if (status == 0)
		fwrite(b.at, 1, b.length, line->output);
	buffer_done(&b);
	return status == 0 ? COMMAND_GOOD : command_fail(line, COMMAND_FAILED, "no memory");
}

static int unknown_topic(const struct command_line *line, const char *word)
{
	const char *candidates[COMMANDS_MAXIMUM + FINDING_COUNT];
	size_t count = 0;
	for (size_t i = 0; line->root->subcommands[i] && count < COMMANDS_MAXIMUM; i++)
		candidates[count++] = line->root->subcommands[i]->name;
	finding_codes(candidates + count);
	const char *nearest = text_nearest(span_of(word), candidates);
	if (nearest)
		return command_usage(
			line, "no command and no finding is called `%s`; did you mean `%s`?", word, nearest);
	return command_usage(line, "no command and no finding is called `%s`", word);
}

/* A page is a top-level command's, or the whole program's. */
static int print_man(const struct command_line *line)
{
	const char *name = line->operand_count ? line->operands[0] : NULL;
	const struct command *command = name ? below(line->root, name) : line->root;
	char page[128];
	if (!command)
		return unknown_topic(line, name);
	snprintf(page, sizeof(page), name ? "%s-%s" : "%s", line->root->name, name);
	command_man(command, page, line->output);
	return COMMAND_GOOD;
}

static int print_commands(const struct command_line *line)
{
	for (size_t i = 0; line->root->subcommands[i]; i++)
		fprintf(line->output, "%s\n", line->root->subcommands[i]->name);
	return COMMAND_GOOD;
}

static int run_help(struct command_line *line)
{
	struct command_surroundings s = surroundings_of(line);
	struct buffer program;
	if (command_has(line, "man"))
		return print_man(line);
	if (command_has(line, "commands"))
		return print_commands(line);
	buffer_init(&program, 4096);
	const struct command *command = command_named(line, &program);
	int exit_code = COMMAND_GOOD;
	if (command)
		command_help(command, program.at, &s);
	else if (line->operand_count == 1 && strcmp(line->operands[0], "findings") == 0)
		exit_code = print_finding(line, FINDING_NONE);
	else if (line->operand_count == 1 && finding_code_of(span_of(line->operands[0])) != FINDING_NONE)
		exit_code = print_finding(line, finding_code_of(span_of(line->operands[0])));
	else
		exit_code = unknown_topic(line, line->operands[0]);
	buffer_done(&program);
	return exit_code;
}

const struct command command_help_command = {
	.name = "help",
	.operands = "[COMMAND | FINDING]",
	.summary = "explain a command, or a finding with an example that triggers it",
	.description = "`fedge help findings` lists all findings, one line each.",
	.options =
		(const struct command_option[]){
			{ "man", .help = "write the command's manual page instead" },
			{ "commands", .help = "the commands' names, one a line", .hidden = true },
			{ NULL },
		},
	.operand_maximum = 2,
	.run = run_help,
};
