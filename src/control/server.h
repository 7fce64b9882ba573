/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONTROL_SERVER_H
#define FEDGE_CONTROL_SERVER_H
/* The control socket of a running node: a UNIX stream socket for its owner only. A client sends
 * one JSON object a line, {"command": "status", …}, and gets one JSON object a line back: what
 * the command's function filled in, with "ok": true, or {"ok": false, "error": "why"}. Several
 * clients at a time; a slow one waits for nobody and holds up nobody; requests, answers and
 * clients are bounded. Runs on the node's main loop and nowhere else. Decides nothing. */
#include <jansson.h>
#include <stddef.h>

struct net_loop;
struct control_server;

struct control_command {
	const char *name;
	/* Fills reply (an empty object). 0, or negative errno: then the client gets ok: false with
	 * the function's own "error" text where it set one, else with the errno's. Called on the
	 * loop's thread. */
	int (*handle)(void *argument, const json_t *request, json_t *reply);
};

struct control_server_options {
	struct net_loop *loop;
	const char *path;
	const struct control_command *commands; /* ends with a NULL name; must outlive the server */
	void *argument; /* for the commands */
};

#define CONTROL_REQUEST_MAXIMUM (64u << 10)
#define CONTROL_REPLY_MAXIMUM (16u << 20)
#define CONTROL_CLIENT_MAXIMUM 32
#define CONTROL_IDLE_S 60

/* The socket appears with mode 0600 at once (no moment in which others may connect). A socket
 * left behind by a dead node is replaced. Negative errno:
 * -EADDRINUSE    a live node answers there
 * -EEXIST        something that is no socket has that name
 * -ENAMETOOLONG  longer than a socket's path may be (107 bytes)
 * or that of the system call that failed. */
int control_server_open(const struct control_server_options *options, struct control_server **ret_server);
/* Closes clients and removes the socket's file. NULL is allowed. */
void control_server_close(struct control_server *server);
#endif
