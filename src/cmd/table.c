/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/table.h"

/* In the order of `fedge help`. */
static const struct command *const subcommands[] = {
	&command_lab,
	&command_check,
	&command_explain,
	&command_serve,
	&command_call,
	&command_answer,
	&command_config,
	&command_status,
	&command_peers,
	&command_history,
	&command_route,
	&command_help_command,
	NULL,
};

static int run_fedge(struct command_line *line)
{
	if (!command_has(line, "version"))
		return command_usage(line, "a command is missing");
	fprintf(line->output, "fedge %s\n", command_version);
	return COMMAND_GOOD;
}

const struct command command_fedge = {
	.name = "fedge",
	.summary = "federation of SIP domains: an edge, an examiner, and a lab that rehearses every way it fails",
	.options =
		(const struct command_option[]){
			{ "version", 'V', .help = "show the version" },
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:", "  0   good\n  1   warning\n  2   failed\n  3   could not decide\n  64  "
					  "wrong usage\n" },
			{ "Environment:", "NO_COLOR: set to anything, no colours are used." },
			{ NULL },
		},
	.subcommands = subcommands,
	.run = run_fedge,
};
