/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_SERVE_H
#define FEDGE_CMD_SERVE_H
/* What `fedge serve` and the commands of its control socket share. */
#include "base/span.h"
#include "control/server.h"

struct edge_node;
struct serve {
	const char *file; /* of the configuration */
	struct edge_node *node;
};

/* status, reload, peers, flush; the argument is a struct serve. */
extern const struct control_command serve_commands[];
/* For replies. Null where the text is absent or, as a stranger's bytes may be, no UTF-8. */
json_t *serve_text(struct span text);
json_t *serve_store(struct span address); /* of a store, without a password; absent: null */
json_t *serve_time(int64_t wall_us); /* "2026-11-22T23:08:46.230123Z" */
/* Of `status`: how many, and where they are kept; with_list: each. Null without a registrar. */
json_t *serve_registrations(const struct edge_node *node, bool with_list);
int serve_status(void *argument, const json_t *request, json_t *reply);
int serve_peers(void *argument, const json_t *request, json_t *reply);
int serve_flush(void *argument, const json_t *request, json_t *reply);
#endif
