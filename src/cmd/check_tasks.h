/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_CHECK_TASKS_H
#define FEDGE_CMD_CHECK_TASKS_H
/* The ways of using `fedge check`, a file each. All give the exit code. */
#include "cmd/check_command.h"

int check_run_named(struct check_command *command); /* check_named.c: the domains of the command line */
/* The same for domains that come from elsewhere. */
int check_run_typed(struct check_command *command, const struct span *typed, size_t count);
int check_run_list(struct check_command *command); /* check_list.c: --domains */
int check_run_watch(struct check_command *command); /* check_watch.c: --watch */
int check_run_plan(struct check_command *command); /* check_plan.c: --plan */
int check_run_against(struct check_command *command); /* check_against.c: --against */
int check_run_saved(struct check_command *command); /* check_saved.c: --from */
#endif
