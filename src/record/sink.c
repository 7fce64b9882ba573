/* SPDX-License-Identifier: Apache-2.0 */
#include "record/sink.h"

#include <errno.h>

int record_fanout_add(struct record_fanout *fanout, struct record_sink sink)
{
	if (!sink.take)
		return 0;
	if (fanout->count == RECORD_FANOUT_MAXIMUM)
		return -ENOSPC;
	fanout->sinks[fanout->count++] = sink;
	return 0;
}

static void take_all(void *argument, const struct record *r)
{
	const struct record_fanout *fanout = argument;
	for (size_t i = 0; i < fanout->count; i++)
		fanout->sinks[i].take(fanout->sinks[i].argument, r);
}

struct record_sink record_fanout_sink(struct record_fanout *fanout)
{
	if (fanout->count == 0)
		return (struct record_sink){ NULL, NULL };
	if (fanout->count == 1)
		return fanout->sinks[0];
	return (struct record_sink){ take_all, fanout };
}

static void take_named(void *argument, const struct record *r)
{
	const struct record_named_sink *named = argument;
	if (r->head.node.at) {
		record_take(&named->next, r);
		return;
	}
	struct record copy = *r;
	copy.head.node = named->node;
	record_take(&named->next, &copy);
}

struct record_sink record_named_sink(struct record_named_sink *named)
{
	if (!record_wanted(&named->next))
		return (struct record_sink){ NULL, NULL };
	return (struct record_sink){ take_named, named };
}
