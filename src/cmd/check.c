/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: which file runs what. */
#include "cmd/check_tasks.h"
#include "cmd/table.h"

static int run_check(struct command_line *line)
{
	static int (*const tasks[CHECK_TASK_COUNT])(struct check_command * c) = {
		[CHECK_TASK_NAMED] = check_run_named,
		[CHECK_TASK_LIST] = check_run_list,
		[CHECK_TASK_WATCH] = check_run_watch,
		[CHECK_TASK_PLAN] = check_run_plan,
		[CHECK_TASK_AGAINST] = check_run_against,
		[CHECK_TASK_SAVED] = check_run_saved,
	};
	struct check_command c;
	int code = check_command_read(line, &c);
	if (code == COMMAND_GOOD)
		code = tasks[c.task](&c);
	check_command_done(&c);
	return code;
}

const struct command command_check = {
	.name = "check",
	.operands = "[DOMAIN…]",
	.summary = "say what a partner's edge will decide about a domain, before anybody calls",
	.description =
		"Looks up the SRV record by which a federation partner finds the domain, every target's addresses, and "
		"every address: connects, shakes hands, reads the certificate. Then it judges by the rules that "
		"`fedge serve` and a Lync or Skype for Business Edge go by, and says whether the domain can be "
		"federated with, what a caller there would be told, who must act, and what to paste where. `fedge help "
		"FINDING` says more about each finding.",
	.options = check_command_options,
	.sections = check_command_sections,
	.operand_maximum = CHECK_COMMAND_DOMAINS_MAXIMUM,
	.run = run_check,
};
