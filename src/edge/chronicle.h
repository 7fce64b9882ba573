/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_EDGE_CHRONICLE_H
#define FEDGE_EDGE_CHRONICLE_H
/* The node's search history (history/history.h): opened by its settings, and told of in the node's log when its store
 * does not take entries, takes them again, and when it ends with some left. Used by one thread. */
#include "config/node.h"
#include "history/history.h"
#include "record/sink.h"

struct edge_chronicle {
	struct history *history; /* NULL: the configuration has none */
	bool was_failing; /* these two: what edge_chronicle_tick said last */
	uint64_t dropped;
};

#define EDGE_CHRONICLE_ERROR_SIZE 1024
/* 0, also where a database cannot be reached just now: calls do not wait for their history. Else a negative errno and
 * one line. */
int edge_chronicle_open(struct edge_chronicle *chronicle, const struct config_node *config, const struct clock *clock,
	struct hash_key key, uint32_t producers, char reterr_text[EDGE_CHRONICLE_ERROR_SIZE]);
/* Once a second. */
void edge_chronicle_tick(struct edge_chronicle *chronicle, const struct clock *clock, const struct record_sink *sink);
/* sink is not the history's own. */
void edge_chronicle_close(struct edge_chronicle *chronicle, const struct clock *clock, const struct record_sink *sink);
#endif
