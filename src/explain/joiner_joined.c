/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs together: made, made one with another, settled, given and dropped. */
#include "base/require.h"
#include "explain/joiner_private.h"

#include <errno.h>

#define LEGS_MAXIMUM 64
/* Of good ones without their events, which only keep stragglers from beginning something new. */
#define BARE_MAXIMUM 16384
#define MEASURED_FIRST 256
#define MEASURED_EACH 256

static struct joiner_joined *joined_of(struct list *link)
{
	return base_container(link, struct joiner_joined, link);
}

/* ---- legs ---- */

struct joiner_leg *joiner_leg_new(struct explain_joiner *j)
{
	struct joiner_joined *d = joiner_pool_take(&j->memory, &j->memory.joined);
	struct joiner_leg *leg = d ? joiner_pool_take(&j->memory, &j->memory.legs) : NULL;
	if (!leg) {
		if (d)
			joiner_pool_give(&j->memory.joined, d);
		j->status = -ENOMEM;
		return NULL;
	}
	leg->id = ++j->next_id;
	leg->joined = d;
	leg->order = d->order = j->order;
	d->legs = d->last_leg = leg;
	d->leg_count = 1;
	d->entry_maximum = EXPLAIN_STEPS_MAXIMUM;
	d->state = JOINED_OPEN;
	list_append(&j->lists[JOINED_OPEN], &d->link);
	return leg;
}

static bool goes_before(const struct joiner_leg *a, const struct joiner_leg *b)
{
	if (a->is_sip != b->is_sip)
		return a->is_sip;
	return a->is_begun != b->is_begun ? a->is_begun : a->order < b->order;
}

struct joiner_leg *joiner_first_leg(const struct joiner_joined *d)
{
	struct joiner_leg *first = NULL;
	for (struct joiner_leg *leg = d->legs; leg; leg = leg->next)
		if ((leg->is_sip || leg->is_event) && (!first || goes_before(leg, first)))
			first = leg;
	return first;
}

enum explain_case_kind joiner_kind(const struct joiner_joined *d)
{
	static const uint8_t kinds[SIP_METHOD_COUNT] = {
		[SIP_METHOD_OTHER] = EXPLAIN_MESSAGE,
		[SIP_METHOD_OPTIONS] = EXPLAIN_MESSAGE,
		[SIP_METHOD_MESSAGE] = EXPLAIN_MESSAGE,
		[SIP_METHOD_SERVICE] = EXPLAIN_MESSAGE,
		[SIP_METHOD_REGISTER] = EXPLAIN_REGISTRATION,
		[SIP_METHOD_SUBSCRIBE] = EXPLAIN_SUBSCRIPTION,
		[SIP_METHOD_NOTIFY] = EXPLAIN_SUBSCRIPTION,
		[SIP_METHOD_BENOTIFY] = EXPLAIN_SUBSCRIPTION,
		[SIP_METHOD_PUBLISH] = EXPLAIN_SUBSCRIPTION,
		/* All others are parts of calls. */
	};
	const struct joiner_leg *leg = joiner_first_leg(d);
	/* Answers of which nobody can tell to what are mostly pasted for a call. */
	if (leg && leg->is_sip && !leg->has_method)
		return EXPLAIN_CALL;
	return leg ? (enum explain_case_kind)kinds[leg->method] : EXPLAIN_CONNECTION;
}

/* ---- two become one ---- */

static struct joiner_page **last_page(struct joiner_page **at)
{
	while (*at)
		at = &(*at)->next;
	return at;
}

/* b goes up in a. */
static void unite(struct explain_joiner *j, struct joiner_joined *a, struct joiner_joined *b, enum explain_join join)
{
	for (struct joiner_leg *leg = b->legs; leg; leg = leg->next) {
		leg->joined = a;
		if (leg->join < join)
			leg->join = join;
	}
	a->last_leg->next = b->legs;
	a->last_leg = b->last_leg;
	a->leg_count += b->leg_count;
	*last_page(&b->pages) = a->pages;
	a->pages = b->pages;
	if (b->end_byte - b->next_byte > a->end_byte - a->next_byte) {
		a->next_byte = b->next_byte;
		a->end_byte = b->end_byte;
	}
	if (b->first) {
		if (a->last)
			a->last->next = b->first;
		else
			a->first = b->first;
		a->last = b->last;
	}
	a->entry_count += b->entry_count;
	a->dropped += b->dropped;
	if (b->first_us && (!a->first_us || b->first_us < a->first_us))
		a->first_us = b->first_us;
	if (b->last_us > a->last_us)
		a->last_us = b->last_us;
	for (uint32_t i = 0; i < b->interest_count && a->interest_count < JOINER_INTEREST_MAXIMUM; i++)
		a->interest[a->interest_count++] = b->interest[i];
	if (b->state == JOINED_GOOD)
		j->good_count--;
	list_remove(&b->link);
	joiner_pool_give(&j->memory.joined, b);
}

void joiner_join(struct explain_joiner *j, struct joiner_leg *a, struct joiner_leg *b, enum explain_join join)
{
	struct joiner_joined *one = a->joined, *other = b->joined;
	if (one == other) {
		/* Known already, but now by something surer. */
		struct joiner_leg *later = a->order < b->order ? b : a;
		if (later->join > join)
			later->join = join;
		return;
	}
	if (one->leg_count + other->leg_count > LEGS_MAXIMUM)
		return;
	if (other->order < one->order) {
		one = b->joined;
		other = a->joined;
	}
	unite(j, one, other, join);
	joiner_settle(j, one);
}

/* ---- events ---- */

static void note_time(struct joiner_joined *d, int64_t time_us)
{
	if (!time_us)
		return;
	if (!d->first_us || time_us < d->first_us)
		d->first_us = time_us;
	if (time_us > d->last_us)
		d->last_us = time_us;
}

struct explain_event *joiner_keep(
	struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event, bool is_near)
{
	struct joiner_joined *d = leg->joined;
	note_time(d, event->time_us);
	if (d->is_bare)
		return NULL;
	if (d->entry_count >= d->entry_maximum) {
		d->dropped++;
		return NULL;
	}
	_Static_assert(sizeof(struct joiner_entry) % _Alignof(max_align_t) == 0, "the event follows its entry");
	struct joiner_entry *entry = joiner_allocate(j, d, sizeof(*entry) + explain_event_size(event));
	if (!entry) {
		j->status = -ENOMEM;
		return NULL;
	}
	*entry = (struct joiner_entry){ .leg = leg,
		.is_near = is_near,
		.clock = j->clock,
		.order = j->order,
		.event = explain_event_move(event, entry + 1) };
	entry->event->place.line += j->line_base;
	entry->event->place.offset += j->offset_base;
	if (d->last)
		d->last->next = entry;
	else
		d->first = entry;
	d->last = entry;
	d->entry_count++;
	return entry->event;
}

/* ---- states ---- */

/* The caller gave up after it had rung: that is how calls end, and nothing that failed. */
static bool gave_up_ringing(const struct joiner_leg *leg)
{
	return leg->status == 487 && leg->is_ringing && !leg->is_judged;
}

/* The middle of something whose beginning no log has, and nothing that failed. */
static bool is_remnant(const struct joiner_leg *leg)
{
	return !leg->is_begun && !leg->is_pending && leg->status == 0 && !leg->is_judged;
}

static enum joiner_state state_of(const struct joiner_joined *d)
{
	const struct joiner_leg *first = joiner_first_leg(d);
	bool pending = false, failed = false;
	if (first && (first->is_answered || gave_up_ringing(first)))
		return JOINED_GOOD;
	for (const struct joiner_leg *leg = d->legs; leg; leg = leg->next) {
		if (leg->is_pending)
			pending = true;
		else if ((leg->status >= 300 && !leg->is_answered) || leg->is_judged)
			failed = true;
	}
	if (failed && !pending)
		return JOINED_FAILED;
	return !pending && first && is_remnant(first) ? JOINED_GOOD : JOINED_OPEN;
}

/* Keeps what later events are known by, and nothing else. */
static void make_bare(struct explain_joiner *j, struct joiner_joined *d)
{
	/* Good calls tell much about clocks; a few of them tell enough. */
	if (j->measured < MEASURED_FIRST || j->measured % MEASURED_EACH == 0)
		joiner_measure(j, d);
	j->measured++;
	for (struct joiner_leg *leg = d->legs; leg; leg = leg->next)
		leg->call_id = leg->from_uri = leg->to_uri = leg->request_uri = leg->asserted = SPAN_NONE;
	joiner_free_pages(j, d);
	d->first = d->last = NULL;
	d->entry_count = 0;
	d->is_bare = true;
}

static void become_good(struct explain_joiner *j, struct joiner_joined *d)
{
	j->good_count++;
	if (j->settings.keep_good)
		return;
	make_bare(j, d);
	if (j->good_count > BARE_MAXIMUM) {
		struct joiner_joined *oldest = joined_of(j->lists[JOINED_GOOD].next);
		if (oldest != d) {
			joiner_give(j, oldest, NULL);
			joiner_drop(j, oldest);
		}
	}
}

void joiner_settle(struct explain_joiner *j, struct joiner_joined *d)
{
	enum joiner_state state = state_of(d);
	if (state == d->state) {
		/* What good ones went up in another one brought. */
		if (state == JOINED_GOOD && !j->settings.keep_good && d->first)
			make_bare(j, d);
		return;
	}
	if (d->state == JOINED_GOOD)
		j->good_count--;
	d->state = state;
	d->is_bare = false;
	list_remove(&d->link);
	list_append(&j->lists[state], &d->link);
	if (state == JOINED_GOOD)
		become_good(j, d);
}

void joiner_take(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event, bool is_near)
{
	/* What a good one begins anew is kept again. */
	if (leg->joined->state == JOINED_GOOD)
		joiner_settle(j, leg->joined);
	(void)joiner_keep(j, leg, event, is_near);
	joiner_settle(j, leg->joined);
}

/* ---- the end of one ---- */

static void remember_ghost(struct explain_joiner *j, uint64_t hash)
{
	uint64_t *place = j->ghosts[hash % JOINER_GHOSTS];
	memmove(place + 1, place, (JOINER_GHOST_WAYS - 1) * sizeof(*place));
	place[0] = hash;
}

static void drop_leg(struct explain_joiner *j, struct joiner_leg *leg)
{
	if (leg->call_hash)
		remember_ghost(j, leg->call_hash);
	for (struct joiner_key *key = leg->keys, *next; key; key = next) {
		next = key->next;
		hash_remove(&j->keys, &key->link);
		joiner_pool_give(&j->memory.keys, key);
	}
	joiner_pool_give(&j->memory.legs, leg);
}

void joiner_drop(struct explain_joiner *j, struct joiner_joined *d)
{
	for (struct joiner_leg *leg = d->legs, *next; leg; leg = next) {
		next = leg->next;
		drop_leg(j, leg);
	}
	joiner_free_pages(j, d);
	if (d->state == JOINED_GOOD)
		j->good_count--;
	list_remove(&d->link);
	joiner_pool_give(&j->memory.joined, d);
}

static enum explain_outcome bare_outcome(const struct joiner_joined *d)
{
	const struct joiner_leg *first = joiner_first_leg(d);
	return first->is_answered ? EXPLAIN_ANSWERED : gave_up_ringing(first) ? EXPLAIN_ABANDONED : EXPLAIN_UNKNOWN;
}

static void count(struct explain_joiner *j, enum explain_case_kind kind, enum explain_outcome outcome)
{
	struct explain_totals *t = &j->totals;
	uint64_t *const outcomes[EXPLAIN_OUTCOME_COUNT] = { &t->answered, &t->failed, &t->abandoned, &t->unknown };
	if (kind == EXPLAIN_CALL) {
		t->calls++;
		(*outcomes[outcome])++;
	} else if (outcome == EXPLAIN_FAILED) {
		t->others[kind]++;
	}
}

/* A neighbour that is down refuses, or does not answer, thousands of keep-alives. */
bool joiner_is_repeat(struct explain_joiner *j, struct joiner_joined *d)
{
	struct joiner_leg *leg = joiner_first_leg(d);
	enum explain_case_kind kind = joiner_kind(d);
	if (kind == EXPLAIN_CALL || kind == EXPLAIN_CONNECTION || d->state == JOINED_GOOD || !leg->is_begun ||
		!d->first)
		return false;
	uint64_t hash = hash_mix(joiner_hash(j, KEY_GROUP, leg->from_uri), joiner_hash(j, KEY_GROUP, leg->to_uri));
	hash = hash_mix(hash, (uint64_t)leg->method << 48 | (uint64_t)leg->status << 32 | d->first->clock);
	struct joiner_leg *other = joiner_find(j, hash);
	if (!other) {
		joiner_add_key(j, leg, hash);
		return false;
	}
	if (other == leg || other->joined->is_given)
		return false;
	other->joined->repeats++;
	j->totals.others[kind]++;
	return true;
}

/* A request that lost its Call-ID, and that nothing answers. */
static bool is_stump(const struct joiner_joined *d)
{
	const struct joiner_leg *first = joiner_first_leg(d);
	return first && first->is_sip && !first->call_hash && first->status == 0 && !first->is_answered &&
	       !first->is_judged;
}

/* Connections that failed and then stood: a neighbour that was started later, or again. */
static bool is_mended(const struct joiner_joined *d)
{
	return !joiner_first_leg(d) && d->legs->is_mended;
}

void joiner_give(struct explain_joiner *j, struct joiner_joined *d, struct arena *arena)
{
	if (d->is_given)
		return;
	d->is_given = true;
	if (is_stump(d) || (is_mended(d) && !j->settings.keep_good))
		return;
	if (d->state == JOINED_GOOD && !j->settings.keep_good) {
		count(j, joiner_kind(d), bare_outcome(d));
		return;
	}
	struct explain_case *c = joiner_build(j, d, arena);
	if (!c) {
		j->totals.forgotten++;
		return;
	}
	count(j, c->kind, c->outcome);
	if (j->settings.take && (j->settings.keep_good || c->outcome != EXPLAIN_ANSWERED))
		j->settings.take(j->settings.argument, c);
}

/* 64 * T1 (RFC 3261 17.1.1.2): until then an answer may come. */
#define AWAITED_US INT64_C(32000000)

/* What may still become anything is no case: it is forgotten, and told as that. */
static bool forget_open(struct explain_joiner *j, struct joiner_joined *d)
{
	if (d->state != JOINED_OPEN || d->is_given || !d->last_us || j->now_us - d->last_us >= AWAITED_US)
		return false;
	d->is_given = true;
	j->totals.forgotten++;
	count(j, joiner_kind(d), EXPLAIN_UNKNOWN);
	return true;
}

static bool give_oldest(struct explain_joiner *j, struct list *list, const struct joiner_joined *kept)
{
	list_each (link, list) {
		struct joiner_joined *d = joined_of(link);
		if (d == kept || !d->pages)
			continue;
		struct arena arena;
		arena_init(&arena, (size_t)32 << 20);
		if (!forget_open(j, d))
			joiner_give(j, d, &arena);
		arena_done(&arena);
		joiner_drop(j, d);
		return true;
	}
	return false;
}

bool joiner_make_room(struct explain_joiner *j, const struct joiner_joined *kept)
{
	static const enum joiner_state order[] = { JOINED_GOOD, JOINED_FAILED, JOINED_OPEN };
	/* Good ones that are not kept hold no room: their events are gone, and there may be many of them. */
	for (size_t i = j->settings.keep_good ? 0 : 1; i < BASE_COUNT(order); i++)
		if (give_oldest(j, &j->lists[order[i]], kept))
			return true;
	return false;
}
