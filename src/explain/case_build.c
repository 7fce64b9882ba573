/* SPDX-License-Identifier: Apache-2.0 */
/* What was joined, as a case for those who judge and draw. */
#include "explain/joiner_private.h"

#include <stdlib.h>

/* ---- legs ---- */

struct begun_leg {
	struct joiner_leg *leg;
	int64_t time_us; /* on the first box's clock; 0: not known */
};

static int compare_legs(const void *a, const void *b)
{
	const struct begun_leg *x = a, *y = b;
	if (x->leg->is_begun != y->leg->is_begun)
		return x->leg->is_begun ? -1 : 1;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return x->leg->order < y->leg->order ? -1 : x->leg->order > y->leg->order;
}

static uint32_t collect_legs(struct explain_joiner *j, const struct joiner_joined *d, struct begun_leg *ret_legs)
{
	uint32_t count = 0;
	for (struct joiner_leg *leg = d->legs; leg; leg = leg->next) {
		if (!leg->is_sip)
			continue;
		ret_legs[count].leg = leg;
		ret_legs[count++].time_us =
			leg->begun_us ? leg->begun_us + joiner_clock_offset(j, leg->begun_clock) : 0;
	}
	if (count == 0 && joiner_first_leg(d))
		ret_legs[count++].leg = joiner_first_leg(d);
	return count;
}

/* Those of messages, the first one first; where there are none, the one that events tell of. */
static struct joiner_leg **sort_legs(
	struct explain_joiner *j, const struct joiner_joined *d, struct arena *arena, uint32_t *ret_count)
{
	struct begun_leg *begun = arena_zero(arena, (d->leg_count + 1) * sizeof(*begun));
	struct joiner_leg **legs = arena_allocate(arena, (d->leg_count + 1) * sizeof(struct joiner_leg *));
	if (!begun || !legs)
		return NULL;
	*ret_count = collect_legs(j, d, begun);
	qsort(begun, *ret_count, sizeof(*begun), compare_legs);
	for (uint32_t i = 0; i < *ret_count; i++)
		legs[i] = begun[i].leg;
	return legs;
}

/* How it was found is told of whichever was read later, and that may be the first. */
static enum explain_join join_of(const struct joiner_leg *leg, const struct joiner_leg *first)
{
	return leg->join < first->join ? first->join : leg->join;
}

static bool make_legs(struct explain_case *c, struct joiner_leg *const *legs, uint32_t count, struct arena *arena)
{
	c->legs = arena_zero(arena, (count + 1) * sizeof(*c->legs));
	if (!c->legs)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct joiner_leg *leg = legs[i];
		c->legs[i] = (struct explain_leg){ .call_id = leg->call_id,
			.from_uri = leg->from_uri,
			.to_uri = leg->to_uri,
			.join = i == 0 ? EXPLAIN_JOIN_CALL_ID : join_of(leg, legs[0]),
			.is_answered = leg->is_answered,
			.status = leg->status };
		if (c->legs[i].join > c->weakest)
			c->weakest = c->legs[i].join;
	}
	c->leg_count = count;
	return true;
}

static uint32_t index_of(struct joiner_leg *const *legs, uint32_t count, const struct joiner_entry *entry)
{
	if (entry->is_near)
		return EXPLAIN_NO_LEG;
	for (uint32_t i = 0; i < count; i++)
		if (legs[i] == entry->leg)
			return i;
	/* Known by a serial number alone it is the call's, whichever leg's; a connection has no legs. */
	return 0;
}

/* ---- steps ---- */

static bool make_steps(struct explain_case *c, struct joiner_leg *const *legs, const struct joiner_item *items,
	uint32_t count, struct arena *arena)
{
	c->steps = arena_zero(arena, (count + 1) * sizeof(*c->steps));
	if (!c->steps)
		return false;
	for (uint32_t i = 0; i < count; i++) {
		const struct joiner_item *item = &items[i];
		if (c->step_count == EXPLAIN_STEPS_MAXIMUM) {
			c->dropped++;
			continue;
		}
		c->steps[c->step_count++] = (struct explain_step){ .time_us = item->is_timed ? item->time_us : 0,
			.is_arrow = item->entry->event->kind == RECORD_MESSAGE,
			.leg = index_of(legs, c->leg_count, item->entry),
			.event = item->entry->event,
			.second = item->second ? item->second->entry->event : NULL,
			.is_repeated = item->is_repeated };
	}
	return true;
}

/* ---- the whole ---- */

/* The first record that says it: a leg of which only a judgement tells has no From. */
static void name_by_event(struct explain_case *c, const struct explain_event *e)
{
	if (e->kind != RECORD_CALL && e->kind != RECORD_SEARCH)
		return;
	bool is_call = e->kind == RECORD_CALL;
	if (c->from.length == 0)
		c->from = is_call ? e->record->call.source : e->record->search.source;
	if (c->to.length == 0)
		c->to = is_call ? e->record->call.destination : e->record->search.destination;
	if (c->method.length == 0)
		c->method = is_call ? SPAN("INVITE") : e->record->search.method;
	if (c->call_id.length == 0 && is_call)
		c->call_id = e->record->call.call_id;
}

static void name_by_judgement(struct explain_case *c, const struct explain_event *e)
{
	if (e->kind != RECORD_JUDGEMENT)
		return;
	struct span line = e->record->judgement.start_line;
	struct span method = span_cut(&line, ' ');
	if (c->method.length == 0)
		c->method = method;
	if (c->to.length == 0 && line.at)
		c->to = span_cut(&line, ' ');
}

static void name_case(struct explain_case *c)
{
	if (c->leg_count > 0) {
		c->call_id = c->legs[0].call_id;
		c->from = c->legs[0].from_uri;
		c->to = c->legs[0].to_uri;
	}
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (c->steps[i].leg != 0 && c->leg_count > 0)
			continue;
		if (e->kind == RECORD_MESSAGE && c->method.length == 0)
			c->method = e->message.method_name;
		name_by_judgement(c, e);
		if (c->leg_count > 0)
			name_by_event(c, e);
	}
	/* The first request of all says best what it was about. */
	if (c->request != EXPLAIN_NO_STEP)
		c->method = c->steps[c->request].event->message.method_name;
}

/* A connection may have stood long before the request that came over it. */
static bool is_below(const struct explain_case *c, const struct explain_event *e)
{
	return c->kind != EXPLAIN_CONNECTION &&
	       (e->kind == RECORD_CONNECTION || e->kind == RECORD_HANDSHAKE || e->kind == RECORD_NOTICE);
}

static void time_case(struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		int64_t time_us = c->steps[i].time_us;
		if (!time_us)
			continue;
		if ((!c->started_us || time_us < c->started_us) && !is_below(c, c->steps[i].event))
			c->started_us = time_us;
		if (time_us > c->ended_us)
			c->ended_us = time_us;
	}
	for (uint32_t i = 0; i < c->step_count && !c->started_us; i++)
		c->started_us = c->steps[i].time_us;
}

struct explain_case *joiner_build(struct explain_joiner *j, struct joiner_joined *d, struct arena *arena)
{
	struct explain_case *c = arena_zero(arena, sizeof(*c));
	struct arena *scratch = &j->scratch;
	uint32_t item_count, leg_count;
	arena_reset(scratch);
	joiner_connections_adopt(j, d, arena);
	struct joiner_item *items = c ? joiner_items(j, d, scratch, &item_count) : NULL;
	if (items)
		items = joiner_order(items, item_count, scratch, &item_count);
	struct joiner_leg **legs = items ? sort_legs(j, d, scratch, &leg_count) : NULL;
	if (!legs || !make_legs(c, legs, leg_count, arena) || !make_steps(c, legs, items, item_count, arena))
		return NULL;
	c->kind = joiner_kind(d);
	c->dropped += d->dropped;
	c->repeats = d->repeats;
	if (!joiner_find_hosts(j, c, arena))
		return NULL;
	time_case(c);
	joiner_find_outcome(j, c, d, legs);
	name_case(c);
	return c;
}
