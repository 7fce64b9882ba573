/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_TABLE_H
#define FEDGE_CMD_TABLE_H
/* All subcommands. To add one: its file in meson.build, its name here and in table.c. */
#include "cmd/command.h"

extern const struct command command_fedge; /* the root */

extern const struct command command_answer;
extern const struct command command_call;
extern const struct command command_check;
extern const struct command command_config;
extern const struct command command_explain;
extern const struct command command_help_command;
extern const struct command command_history;
extern const struct command command_lab;
extern const struct command command_peers;
extern const struct command command_route;
extern const struct command command_serve;
extern const struct command command_status;

extern const char command_version[];
#endif
