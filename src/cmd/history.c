/* SPDX-License-Identifier: Apache-2.0 */
/* fedge history: its options and what its help says of them. */
#include "cmd/history_command.h"
#include "cmd/table.h"

static int run_history(struct command_line *line)
{
	struct history_command c;
	char error[STORE_HISTORY_ERROR_SIZE];
	int code = history_command_read(&c, line);
	if (code == COMMAND_GOOD && store_history_open_reader(c.store_name, &c.store, error) < 0)
		code = command_fail(line, COMMAND_UNDECIDED, "%s", error);
	if (code == COMMAND_GOOD)
		code = history_command_show(&c);
	history_command_done(&c);
	return code;
}

const struct command command_history = {
	.name = "history",
	.operands = "[ID]",
	.summary = "show the searches of a node: who called whom, what was tried, why it failed",
	.description = "Without ID a list, the newest first: start, type, source, destination, SIP variant, status, "
		       "and the ID of each search. With ID all of that one: transforms, policy and rules with their "
		       "verdicts, the zones that were asked, DNS answers, addresses, TLS and trust, with the time of "
		       "each since the search began, and the step that failed it marked. The node need not run.",
	.options =
		(const struct command_option[]){
			{ "config", 'c', "FILE",
				"the node's configuration, which names the store (default: $FEDGE_CONFIG)",
				.heading = "Which history:" },
			{ "store", 's', "STORE", "a file, or postgresql://… instead" },

			{ "search", 0, "TEXT", "only entries in which it stands, in any column; any case",
				.heading = "What is shown:" },
			{ "call", 0, "ID",
				"all searches of one call: by its Call-ID, its tag, or the serial of a search "
				"(proxy-call-id in a Via)" },
			{ "failed", .help = "only searches that found nothing" },
			{ "since", 0, "TIME",
				"begun then or later: 2017-03-08, \"2017-03-08 15:42\" (local), "
				"2017-03-08T14:42:00Z; or 30m, 2h, 7d ago" },
			{ "until", 0, "TIME", "begun then or earlier" },
			{ "events", .help = "registrations and changes of zones too" },
			{ "limit", 'n', "N", "at most so many (default: 255; with --follow 10 at the beginning)" },
			{ "follow", 'f', .help = "go on as searches end, the newest last" },

			{ "json", 'j', .help = "one JSON object an entry, with all its steps",
				.heading = "How it is shown:" },
			{ "utc", .help = "times in UTC" },
			{ "ascii", .help = "no characters beyond ASCII in the drawing" },
			{ NULL },
		},
	.sections =
		(const struct command_section[]){
			{ "Exit status:",
				"  0   shown, or nothing fits\n  3   no such entry, or the store cannot be read\n"
				"  64  wrong usage\n" },
			{ "Examples:", "  fedge history -c edge.yaml --failed --since 2h\n"
				       "  fedge history -c edge.yaml --search skype.lab\n"
				       "  fedge history -c edge.yaml 1234\n"
				       "  fedge history --store history.db --json --follow\n" },
			{ NULL },
		},
	.operand_maximum = 1,
	.run = run_history,
};
