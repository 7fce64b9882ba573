/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_NODE_FILE_H
#define FEDGE_LAB_NODE_FILE_H
/* Configuration files of the lab's nodes, written for people: docs/configuration.md explains each
 * key, the comments say what the node is and what the scenario changed. Paths in them are
 * relative to the file. */
#include "base/buffer.h"
#include "lab/scenario.h"

struct lab_node_settings {
	const struct lab_scenario *scenario;
	uint16_t resolver_port;
};

/* The text of HOST.yaml. -EINVAL where the host is no node. */
int lab_node_file(enum lab_host_id host, const struct lab_node_settings *settings, struct buffer *b);
#endif
