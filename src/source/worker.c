/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker does next. Looking at files goes first: nothing can be given before all of them are known. Then the
 * lane that the caller waits for; then, as long as what lies ready is not too much, the lane that is read least far. */
#include "base/clock.h"
#include "source/private.h"

#include <errno.h>
#include <time.h>

static struct source_lane *pick_new(struct source *source, int64_t now_us, int64_t *ret_wake_us)
{
	while (source->first_new < source->lane_count && source->lanes[source->first_new]->state != SOURCE_LANE_NEW)
		source->first_new++;
	for (size_t i = source->first_new; i < source->lane_count; i++) {
		struct source_lane *lane = source->lanes[i];
		if (lane->state != SOURCE_LANE_NEW || lane->is_held)
			continue;
		if (lane->not_before_us <= now_us)
			return lane;
		if (lane->not_before_us < *ret_wake_us)
			*ret_wake_us = lane->not_before_us;
	}
	return NULL;
}

static struct source_lane *enter(struct source *source)
{
	struct source_lane *lane = source_heap_pop(&source->waiting);
	if (!lane)
		return NULL;
	lane->is_entered = true;
	lane->reached_us = lane->hint_us;
	source->entered[source->entered_count++] = lane;
	return lane;
}

/* The entered lane that is read least far. Those that are done leave. */
static struct source_lane *pick_entered(struct source *source, bool has_room, int64_t now_us, int64_t *ret_wake_us)
{
	struct source_lane *best = NULL;
	for (size_t i = 0; i < source->entered_count; i++) {
		struct source_lane *lane = source->entered[i];
		if (lane->state == SOURCE_LANE_DONE) {
			source->entered[i--] = source->entered[--source->entered_count];
			continue;
		}
		if (lane->is_held)
			continue;
		if (lane->not_before_us > now_us) {
			if (lane->not_before_us < *ret_wake_us)
				*ret_wake_us = lane->not_before_us;
			continue;
		}
		if (lane->is_wanted && lane->batch_count == 0)
			return lane;
		if (has_room && lane->batch_count < 2 * source->thread_count + 2 &&
			(!best || lane->reached_us < best->reached_us))
			best = lane;
	}
	return best;
}

static struct source_lane *pick(struct source *source, int64_t now_us, int64_t *ret_wake_us)
{
	struct source_lane *lane = pick_new(source, now_us, ret_wake_us);
	if (lane || source->unsettled > 0)
		return lane;
	bool has_room = source->held < SOURCE_AHEAD_MAXIMUM;
	/* The one the caller waits for is the earliest of all, so it is on top where it waits here. */
	if (source->waiting.count > 0 && source->waiting.at[0]->is_wanted)
		return enter(source);
	lane = pick_entered(source, has_room, now_us, ret_wake_us);
	if (has_room && source->waiting.count > 0 && !(lane && lane->is_wanted) &&
		(!lane || source->waiting.at[0]->hint_us <= lane->reached_us))
		return enter(source);
	return lane;
}

/* Captures may be read as soon as no more key logs can turn up. */
static void unlock_captures(struct source *source)
{
	for (size_t i = 0; i < source->lane_count; i++)
		if (source->lanes[i]->state == SOURCE_LANE_LOCKED) {
			source->lanes[i]->state = SOURCE_LANE_OPEN;
			source_heap_push(&source->waiting, source->lanes[i]);
		}
}

static void settle(struct source *source, struct source_lane *lane, enum source_lane_state state)
{
	lane->is_held = false;
	if (state == SOURCE_LANE_NEW)
		return;
	lane->state = state;
	source_lane_rest(source, lane);
	if (state == SOURCE_LANE_OPEN)
		source_heap_push(&source->waiting, lane);
	if (--source->unsettled == 0) {
		unlock_captures(source);
		pthread_cond_broadcast(&source->ready);
	}
	pthread_cond_broadcast(&source->work);
}

static void wait_for_work(struct source *source, int64_t wake_us)
{
	if (wake_us == INT64_MAX) {
		pthread_cond_wait(&source->work, &source->lock);
		return;
	}
	struct timespec until = { .tv_sec = wake_us / CLOCK_SECOND_US, .tv_nsec = wake_us % CLOCK_SECOND_US * 1000 };
	(void)pthread_cond_timedwait(&source->work, &source->lock, &until);
}

static void run(struct source *source, struct source_lane *lane, char *piece)
{
	lane->is_held = true;
	bool is_new = lane->state == SOURCE_LANE_NEW;
	pthread_mutex_unlock(&source->lock);
	if (!is_new) {
		source_part_run(source, lane, piece);
		pthread_mutex_lock(&source->lock);
		return;
	}
	enum source_lane_state state = source_look(source, lane, piece);
	pthread_mutex_lock(&source->lock);
	settle(source, lane, state);
}

void *source_work(void *argument)
{
	struct source *source = argument;
	char *piece = source->pieces + atomic_fetch_add(&source->pieces_given, 1) * SOURCE_PIECE;
	pthread_mutex_lock(&source->lock);
	while (!atomic_load(&source->is_stopping)) {
		int64_t wake_us = INT64_MAX;
		struct source_lane *lane = source->is_started ? pick(source, source_steady_us(), &wake_us) : NULL;
		if (lane)
			run(source, lane, piece);
		else
			wait_for_work(source, wake_us);
	}
	pthread_mutex_unlock(&source->lock);
	return NULL;
}
