/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_NODE_KEY_H
#define FEDGE_EDGE_NODE_KEY_H
/* The key of everything that a node recognises by a MAC of its own: flow tokens, marks in Record-Route, loop hashes,
 * nonces. With `key_file` it outlives the process, so that dialogs of before a restart are recognised afterwards. Their
 * connections are not: flows of another process never name one of this (transport/flow.h), and another way is found or
 * none. */
#include "edge/node.h"

#define EDGE_NODE_KEY_BYTES 32

/* From the file (made with mode 0600 where it is missing; whole or not at all), or by chance where none is configured.
 * Negative errno with a line: it cannot be read or made, or is no such file. */
int edge_node_key(const struct config_node *config, struct random *random, struct hash_key *ret_key,
	char reterr_text[EDGE_NODE_ERROR_SIZE]);
/* Others can read the file. */
void edge_node_key_warning(
	const struct config_node *config, void (*warn)(void *argument, struct span text), void *argument);
#endif
