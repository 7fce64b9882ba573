/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_HISTORY_COMMAND_H
#define FEDGE_CMD_HISTORY_COMMAND_H
/* `fedge history` from inside: history_read.c reads what was typed, history_show.c asks the store and prints. */
#include "cmd/command.h"
#include "history/tree.h"
#include "store/history.h"

struct history_command {
	const struct command_line *line;
	const char *store_name; /* --store, or of the configuration; this object's */
	struct store_history *store;
	struct store_history_query query;
	struct span search; /* text that must stand in an entry */
	uint64_t limit;
	bool json, follow;
	struct history_style style;
};

/* Exit code; COMMAND_GOOD: everything but the store itself is set. */
int history_command_read(struct history_command *c, const struct command_line *line);
int history_command_show(struct history_command *c);
void history_command_done(struct history_command *c);
#endif
