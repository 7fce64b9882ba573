/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_ASK_H
#define FEDGE_CMD_ASK_H
/* Commands that ask a running node: how they find its control socket. */
#include "cmd/command.h"
#include "cmd/print.h"

#include <jansson.h>

/* The options by which the node is found: its configuration names the socket. */
#define ASK_OPTIONS                                                                                                    \
	{ "config", 'c', "FILE", "the running node's configuration file (default: $FEDGE_CONFIG)" },                   \
	{                                                                                                              \
		"socket", 's', "PATH", "its control socket instead"                                                    \
	}

/* Asks; takes the reference of request. COMMAND_GOOD and the reply (new reference) where the node
 * says ok; else said why on line->errors, and the exit code: 64 (which node?), 2 (it refused), 3
 * (no answer). */
int ask_node(const struct command_line *line, json_t *request, json_t **ret_reply);
#endif
