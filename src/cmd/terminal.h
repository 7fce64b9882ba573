/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_TERMINAL_H
#define FEDGE_CMD_TERMINAL_H
/* What the process's own standard output and error are. */
#include "cmd/command.h"

struct command_surroundings terminal_surroundings(const char *executable);
#endif
