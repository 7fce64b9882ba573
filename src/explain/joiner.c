/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "explain/joiner_private.h"

#include <errno.h>
#include <stdlib.h>

#define KEYS_MAXIMUM ((size_t)1 << 24)
/* Cases that are given at the end, beside what is held of them. */
#define BUILT_MAXIMUM ((size_t)256 << 20)
#define SCRATCH_MAXIMUM ((size_t)32 << 20)

struct explain_joiner *explain_joiner_new(const struct explain_joiner_settings *settings)
{
	struct explain_joiner *j = calloc(1, sizeof(*j));
	if (!j)
		return NULL;
	j->settings = *settings;
	joiner_memory_init(&j->memory, settings->memory_maximum);
	arena_init(&j->built, BUILT_MAXIMUM);
	arena_init(&j->scratch, SCRATCH_MAXIMUM);
	for (size_t i = 0; i < JOINED_STATE_COUNT; i++)
		list_init(&j->lists[i]);
	if (hash_init(&j->keys, KEYS_MAXIMUM) < 0 || joiner_names_init(&j->names) < 0 ||
		joiner_connections_init(&j->connections) < 0)
		return explain_joiner_free(j);
	return j;
}

struct explain_joiner *explain_joiner_free(struct explain_joiner *j)
{
	if (!j)
		return NULL;
	for (size_t i = 0; i < JOINED_STATE_COUNT; i++) {
		list_each_safe (link, following, &j->lists[i]) {
			if (link)
				joiner_drop(j, base_container(link, struct joiner_joined, link));
		}
	}
	joiner_clocks_done(&j->clocks);
	joiner_names_done(&j->names);
	joiner_connections_done(&j->connections);
	joiner_memory_done(&j->memory);
	hash_done(&j->keys);
	arena_done(&j->built);
	arena_done(&j->scratch);
	free(j->files);
	free(j);
	return NULL;
}

int explain_joiner_add(
	struct explain_joiner *j, const struct explain_event *event, uint64_t line_base, uint64_t offset_base)
{
	j->totals.events++;
	j->order++;
	j->line_base = line_base;
	j->offset_base = offset_base;
	j->clock = joiner_clock_of(j, event);
	if (event->time_us) {
		if (!j->totals.first_us || event->time_us < j->totals.first_us)
			j->totals.first_us = event->time_us;
		if (event->time_us > j->totals.last_us)
			j->totals.last_us = event->time_us;
		j->now_us = event->time_us;
	}
	if (event->kind == RECORD_MESSAGE)
		joiner_message(j, event);
	else
		joiner_other(j, event);
	return j->status;
}

/* ---- giving ---- */

/* With --follow: how long a case may have been silent before it is given. */
#define SILENT_FAILED_US (INT64_C(3) * 1000000)
#define SILENT_OPEN_US (INT64_C(40) * 1000000)

static void give_silent(struct explain_joiner *j, enum joiner_state state, int64_t since_us)
{
	list_each_safe (link, following, &j->lists[state]) {
		struct joiner_joined *d = base_container(link, struct joiner_joined, link);
		if (d->last_us > since_us)
			continue;
		struct arena arena;
		arena_init(&arena, BUILT_MAXIMUM);
		joiner_give(j, d, &arena);
		arena_done(&arena);
		joiner_drop(j, d);
	}
}

void explain_joiner_wait(struct explain_joiner *j, int64_t now_us)
{
	if (!j->settings.live)
		return;
	if (j->wait_order != j->order) {
		j->wait_order = j->order;
		j->wait_us = now_us;
	}
	/* On the clock of the log, which may be any: what was heard last was heard when it was waited after. */
	int64_t log_us = j->now_us + (now_us - j->wait_us);
	joiner_join_parties(j);
	give_silent(j, JOINED_FAILED, log_us - SILENT_FAILED_US);
	give_silent(j, JOINED_GOOD, log_us - SILENT_OPEN_US);
	give_silent(j, JOINED_OPEN, log_us - SILENT_OPEN_US);
}

static int64_t start_of(struct explain_joiner *j, const struct joiner_joined *d)
{
	return d->first_us && d->first ? d->first_us + joiner_clock_offset(j, d->first->clock) : d->first_us;
}

struct start {
	int64_t time_us;
	struct joiner_joined *joined;
};

static int compare_orders(const void *a, const void *b)
{
	const struct start *x = a, *y = b;
	return x->joined->order < y->joined->order ? -1 : x->joined->order > y->joined->order;
}

static int compare_starts(const void *a, const void *b)
{
	const struct start *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return compare_orders(a, b);
}

/* What has no time stays behind the one that was read before it. */
static void sort_starts(struct start *starts, size_t count)
{
	qsort(starts, count, sizeof(*starts), compare_orders);
	for (size_t i = 1; i < count; i++)
		if (!starts[i].time_us)
			starts[i].time_us = starts[i - 1].time_us;
	qsort(starts, count, sizeof(*starts), compare_starts);
}

/* Of all states; NULL without memory, or where there is nothing. */
static struct start *all_starts(struct explain_joiner *j, size_t *ret_count)
{
	size_t count = 0, i = 0;
	for (size_t state = 0; state < JOINED_STATE_COUNT; state++)
		list_each (link, &j->lists[state])
			count++;
	struct start *starts = count ? malloc(count * sizeof(*starts)) : NULL;
	if (!starts) {
		*ret_count = 0;
		if (count)
			j->status = -ENOMEM;
		return NULL;
	}
	for (size_t state = 0; state < JOINED_STATE_COUNT; state++) {
		list_each (link, &j->lists[state]) {
			struct joiner_joined *d = base_container(link, struct joiner_joined, link);
			starts[i++] = (struct start){ start_of(j, d), d };
		}
	}
	sort_starts(starts, count);
	*ret_count = count;
	return starts;
}

int explain_joiner_end(struct explain_joiner *j)
{
	size_t count;
	for (size_t state = 0; state < JOINED_STATE_COUNT; state++)
		list_each (link, &j->lists[state])
			joiner_measure(j, base_container(link, struct joiner_joined, link));
	joiner_join_parties(j);
	joiner_failures_adopt(j);
	struct start *starts = all_starts(j, &count);
	for (size_t i = 0; i < count; i++)
		starts[i].joined->is_given |= joiner_is_repeat(j, starts[i].joined);
	for (size_t i = 0; i < count; i++)
		joiner_give(j, starts[i].joined, &j->built);
	free(starts);
	return j->status;
}

/* ---- asking ---- */

struct explain_totals explain_joiner_totals(const struct explain_joiner *j)
{
	return j->totals;
}

size_t explain_joiner_clocks(const struct explain_joiner *j, const struct explain_clock **ret_clocks)
{
	*ret_clocks = j->clocks.clocks;
	return j->clocks.count;
}

size_t explain_joiner_asides(const struct explain_joiner *j, const struct explain_aside **ret_asides)
{
	*ret_asides = j->asides;
	return j->aside_count;
}
