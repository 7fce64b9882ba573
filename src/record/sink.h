/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_RECORD_SINK_H
#define FEDGE_RECORD_SINK_H
/* Where records go. take() is called by one thread only (each worker has a sink of its own),
 * never blocks, never fails, and copies what it wants to keep. */
#include "record/record.h"

struct record_sink {
	void (*take)(void *argument, const struct record *r);
	void *argument;
};

/* Ask before building a record: nobody may be listening. */
static inline bool record_wanted(const struct record_sink *sink)
{
	return sink && sink->take;
}
static inline void record_take(const struct record_sink *sink, const struct record *r)
{
	if (record_wanted(sink))
		sink->take(sink->argument, r);
}

/* Hands every record to several sinks, in order. Owns none of them. */
#define RECORD_FANOUT_MAXIMUM 8
struct record_fanout {
	struct record_sink sinks[RECORD_FANOUT_MAXIMUM];
	size_t count;
};
/* 0 or -ENOSPC; a sink without take is left out. */
int record_fanout_add(struct record_fanout *fanout, struct record_sink sink);
/* With no member nobody listens (take is NULL), with one it is that one itself. The fan-out must
 * outlive the sink and must not be added to afterwards. */
struct record_sink record_fanout_sink(struct record_fanout *fanout);

/* Gives every record the node's name where it has none, then hands it on. */
struct record_named_sink {
	struct record_sink next;
	struct span node;
};
struct record_sink record_named_sink(struct record_named_sink *named);
#endif
