/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CONFIG_SNAPSHOT_H
#define FEDGE_CONFIG_SNAPSHOT_H
/* For this folder only: a node, the memory it lives in and who holds it. */
#include "base/arena.h"
#include "config/node.h"

#include <stdatomic.h>

struct config_snapshot {
	struct config_node node;
	struct arena arena;
	_Atomic unsigned references;
};

/* With one reference, all zero; NULL without memory. */
struct config_snapshot *config_snapshot_new(void);
#endif
