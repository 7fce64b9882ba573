/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wheel.h"

#include "base/require.h"

#include <stddef.h>

/* Level 0 has a slot for each of the next 255 ticks, level 1 one for each 256 ticks after those,
 * and so on. When the tick enters a slot of a higher level, its timers move down (cascade). */
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

/* earliest is the first tick whose slot will still be looked at. */
static void place(struct wheel *w, struct wheel_timer *t, int64_t earliest)
{
	/* Rounded up: a timer never fires early. */
	int64_t due = t->due_us / TICK_US + (t->due_us % TICK_US > 0);
	int level = 0;
	if (due < earliest)
		due = earliest;
	if (due - w->tick > FARTHEST)
		due = w->tick + FARTHEST;
	while (level < WHEEL_LEVELS - 1 && (due - w->tick) >> (SLOT_BITS * (level + 1)) > 0)
		level++;
	list_append(&w->slots[level][slot_at(due, level)], &t->link);
}

void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us)
{
	wheel_disarm(w, t);
	t->due_us = due_us > 0 ? due_us : 1;
	w->count++;
	place(w, t, w->tick + 1);
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

static void fire_slot(struct wheel *w, struct list *slot, int64_t now_us)
{
	struct list due;
	take_all(slot, &due);
	while (!list_is_empty(&due)) {
		struct wheel_timer *timer = timer_of(due.next);
		if (timer->due_us > now_us) {
			list_remove(&timer->link);
			list_append(slot, &timer->link);
			continue;
		}
		wheel_disarm(w, timer);
		timer->fired(timer, now_us);
	}
}

static void cascade(struct wheel *w)
{
	for (int level = 1; level < WHEEL_LEVELS && slot_at(w->tick, level - 1) == 0; level++) {
		struct list moving;
		take_all(&w->slots[level][slot_at(w->tick, level)], &moving);
		while (!list_is_empty(&moving)) {
			struct wheel_timer *timer = timer_of(moving.next);
			list_remove(&timer->link);
			place(w, timer, w->tick);
		}
	}
}

/* The first tick, from the next one on, at which some slot must be fired or cascaded. */
static int64_t next_busy_tick(const struct wheel *w)
{
	int64_t nearest = INT64_MAX;
	for (int level = 0; level < WHEEL_LEVELS; level++) {
		int shift = SLOT_BITS * level;
		int64_t base = w->tick >> shift;
		if (nearest != INT64_MAX && nearest <= (base + 1) << shift)
			break;
		for (int64_t i = 1; i <= WHEEL_SLOTS; i++) {
			if (list_is_empty(&w->slots[level][(base + i) & (WHEEL_SLOTS - 1)]))
				continue;
			if ((base + i) << shift < nearest)
				nearest = (base + i) << shift;
			break;
		}
	}
	return nearest;
}

void wheel_advance(struct wheel *w, int64_t now_us)
{
	int64_t now_tick = now_us / TICK_US;
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
		w->tick++;
		cascade(w);
		fire_slot(w, &w->slots[0][slot_at(w->tick, 0)], now_us);
	}
	/* Due within this very tick: armed late, or with less than a tick to go. */
	fire_slot(w, &w->slots[0][slot_at(w->tick + 1, 0)], now_us);
}

int64_t wheel_next_us(const struct wheel *w)
{
	if (w->count == 0)
		return INT64_MAX;
	int64_t tick = next_busy_tick(w);
	const struct list *slot = &w->slots[0][slot_at(tick, 0)];
	/* A slot that only cascades is woken for at its start; a slot that fires knows its times. */
	int64_t next_us = INT64_MAX;
	if (tick - w->tick < WHEEL_SLOTS) {
		for (struct list *item = slot->next; item != slot; item = item->next)
			if (timer_of(item)->due_us < next_us)
				next_us = timer_of(item)->due_us;
	}
	bool cascades = slot_at(tick, 0) == 0;
	return cascades && tick * TICK_US < next_us ? tick * TICK_US : next_us;
}
