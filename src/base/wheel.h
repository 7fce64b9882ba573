/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_WHEEL_H
#define FEDGE_BASE_WHEEL_H
/* Timers by the million: a hierarchical wheel with ticks of one millisecond. Knows no clock:
 * whoever owns it says what time it is. Never calls anybody but from wheel_advance. */
#include "base/list.h"

#include <stdint.h>

struct wheel_timer {
	struct list link;
	int64_t due_us; /* 0: not armed */
	void (*fired)(struct wheel_timer *timer, int64_t now_us);
};

#define WHEEL_LEVELS 5
#define WHEEL_SLOTS 256
struct wheel {
	int64_t tick; /* milliseconds of steady time already worked off */
	size_t count;
	struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, int64_t now_us);
void wheel_timer_init(struct wheel_timer *t, void (*fired)(struct wheel_timer *timer, int64_t now_us));
/* Arms or re-arms. A due time in the past fires at the next advance. */
void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us);
void wheel_disarm(struct wheel *w, struct wheel_timer *t); /* harmless when not armed */
static inline bool wheel_is_armed(const struct wheel_timer *t)
{
	return t->due_us != 0;
}
/* Fires all that are due by now_us; a callback may arm and disarm any timer. */
void wheel_advance(struct wheel *w, int64_t now_us);
/* A time not later than the next due timer, or INT64_MAX where none is armed. */
int64_t wheel_next_us(const struct wheel *w);
#endif
