/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include "base/require.h"

#include <stddef.h>

/* The front is the tick after the last one worked off. Level 0 has a slot for each of the 256 ticks from the front on,
 * level 1 one for each 256 ticks after those, and so on. When the front enters a slot of a higher level, that slot's
 * timers move down (cascade): so what is due in the front's tick always lies in level 0. */
#define SLOT_BITS 8
#define TICK_US 1000
#define FARTHEST ((INT64_C(1) << (SLOT_BITS * WHEEL_LEVELS)) - 1)

void wheel_init(struct wheel *w, int64_t now_us)
{
	w->tick = now_us / TICK_US;
	w->count = 0;
	for (int level = 0; level < WHEEL_LEVELS; level++)
		for (int slot = 0; slot < WHEEL_SLOTS; slot++)
			list_init(&w->slots[level][slot]);
}

void wheel_timer_init(struct wheel_timer *t, void (*fired)(struct wheel_timer *timer, int64_t now_us))
{
	list_init(&t->link);
	t->due_us = 0;
	t->fired = fired;
}

static int slot_at(int64_t tick, int level)
{
	return (int)(tick >> (SLOT_BITS * level)) & (WHEEL_SLOTS - 1);
}

static int64_t front(const struct wheel *w)
{
	return w->tick + 1;
}

static void place(struct wheel *w, struct wheel_timer *t)
{
	/* Rounded up, so that all of a slot is due when its tick is over; what is late goes to the front. */
	int64_t due = t->due_us / TICK_US + (t->due_us % TICK_US > 0);
	int64_t ahead = due - front(w);
	int level = 0;
	if (ahead < 0)
		ahead = 0;
	if (ahead > FARTHEST)
		ahead = FARTHEST;
	while (level < WHEEL_LEVELS - 1 && ahead >> (SLOT_BITS * (level + 1)) > 0)
		level++;
	list_append(&w->slots[level][slot_at(front(w) + ahead, level)], &t->link);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us)
{
	wheel_disarm(w, t);
	t->due_us = due_us > 0 ? due_us : 1;
	w->count++;
	place(w, t);
}

void wheel_disarm(struct wheel *w, struct wheel_timer *t)
{
	if (!wheel_is_armed(t))
		return;
	list_remove(&t->link);
	t->due_us = 0;
	w->count--;
}

/* Moves all items to a list of their own, so that what callbacks arm is not met again. */
static void take_all(struct list *from, struct list *ret_taken)
{
	list_init(ret_taken);
	if (list_is_empty(from))
		return;
	*ret_taken = *from;
	ret_taken->next->previous = ret_taken;
	ret_taken->previous->next = ret_taken;
	list_init(from);
}

static struct wheel_timer *timer_of(struct list *link)
{
	return base_container(link, struct wheel_timer, link);
}

static void cascade(struct wheel *w)
{
	for (int level = 1; level < WHEEL_LEVELS && slot_at(front(w), level - 1) == 0; level++) {
		struct list moving;
		take_all(&w->slots[level][slot_at(front(w), level)], &moving);
		while (!list_is_empty(&moving)) {
			struct wheel_timer *timer = timer_of(moving.next);
			list_remove(&timer->link);
			place(w, timer);
		}
	}
}

/* What is not due yet goes back to its slot. */
static void fire(struct wheel *w, struct list *timers, int64_t now_us)
{
	while (!list_is_empty(timers)) {
		struct wheel_timer *timer = timer_of(timers->next);
		if (timer->due_us > now_us) {
			list_remove(&timer->link);
			place(w, timer);
			continue;
		}
		wheel_disarm(w, timer);
		timer->fired(timer, now_us);
	}
}

/* The next tick at whose end some slot fires, or moves down (one tick before the front enters it). */
static int64_t next_busy_tick(const struct wheel *w)
{
	int64_t nearest = INT64_MAX;
	for (int64_t i = 0; i < WHEEL_SLOTS && nearest == INT64_MAX; i++)
		if (!list_is_empty(&w->slots[0][slot_at(front(w) + i, 0)]))
			nearest = front(w) + i;
	for (int level = 1; level < WHEEL_LEVELS; level++) {
		int shift = SLOT_BITS * level;
		int64_t base = front(w) >> shift;
		for (int64_t i = 1; i <= WHEEL_SLOTS && ((base + i) << shift) - 1 < nearest; i++)
			if (!list_is_empty(&w->slots[level][(base + i) & (WHEEL_SLOTS - 1)]))
				nearest = ((base + i) << shift) - 1;
	}
	return nearest;
}

void wheel_advance(struct wheel *w, int64_t now_us)
{
	int64_t now_tick = now_us / TICK_US;
	struct list due;
	while (w->tick < now_tick) {
		if (w->count == 0) {
			w->tick = now_tick;
			return;
		}
		/* Long sleeps do not look at each tick. */
		if (now_tick - w->tick > 16) {
			int64_t busy = next_busy_tick(w);
			w->tick = (busy < now_tick ? busy : now_tick) - 1;
		}
		take_all(&w->slots[0][slot_at(front(w), 0)], &due);
		w->tick++;
		cascade(w);
		fire(w, &due, now_us);
	}
	/* Late ones, and those due within the tick that has begun. */
	take_all(&w->slots[0][slot_at(front(w), 0)], &due);
	fire(w, &due, now_us);
}

int64_t wheel_next_us(const struct wheel *w)
{
	if (w->count == 0)
		return INT64_MAX;
	int64_t tick = next_busy_tick(w);
	int64_t next_us = tick * TICK_US;
	if (tick - front(w) >= WHEEL_SLOTS)
		return next_us;
	const struct list *slot = &w->slots[0][slot_at(tick, 0)];
	for (struct list *item = slot->next; item != slot; item = item->next)
		if (timer_of(item)->due_us < next_us)
			next_us = timer_of(item)->due_us;
	return next_us;
}
