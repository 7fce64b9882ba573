/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_CONFIG_IMPORT_H
#define FEDGE_CMD_CONFIG_IMPORT_H
/* A subcommand of fedge config that has a file of its own. */
#include "cmd/command.h"

extern const struct command command_config_import;
#endif
