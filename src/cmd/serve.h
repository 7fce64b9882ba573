/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_SERVE_H
#define FEDGE_CMD_SERVE_H
/* What `fedge serve` and the commands of its control socket share. */
#include "base/buffer.h"
#include "control/server.h"

struct edge_node;
struct serve {
	const char *file; /* of the configuration */
	struct edge_node *node;
};

/* Reads the file again and lets the node take it over, whole or not at all. Lines that a person
 * should read (mistakes, warnings, what needs a restart) go to said. */
int serve_reload(struct serve *serve, struct buffer *said);

/* status, reload, peers, flush; the argument is a struct serve. */
extern const struct control_command serve_commands[];
int serve_status(void *argument, const json_t *request, json_t *reply);
int serve_peers(void *argument, const json_t *request, json_t *reply);
int serve_flush(void *argument, const json_t *request, json_t *reply);
#endif
