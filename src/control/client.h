/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONTROL_CLIENT_H
#define FEDGE_CONTROL_CLIENT_H
/* Asks a running node over its control socket (control/server.h), and waits for the answer. For
 * commands that have nothing else to do meanwhile; never called on a loop. */
#include <jansson.h>

/* Sends request and waits for one answer. *ret_reply is the caller's to json_decref; it may say
 * "ok": false. Negative errno:
 * -ENOENT, -ECONNREFUSED  no node runs there
 * -EACCES                 the socket belongs to somebody else
 * -ETIMEDOUT              no answer in timeout_ms
 * -EPROTO                 the answer is no JSON object, or the node hung up */
int control_ask(const char *path, const json_t *request, int timeout_ms, json_t **ret_reply);
#endif
