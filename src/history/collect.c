/* SPDX-License-Identifier: Apache-2.0 */
/* Which searches are under way, and when they are given. */
#include "base/require.h"
#include "history/collect_private.h"

#include <errno.h>
#include <stdlib.h>

#define OPEN_MAXIMUM 16384
#define STEPS_MAXIMUM 400
#define BYTES_MAXIMUM ((size_t)128 * 1024)
#define TOTAL_MAXIMUM ((size_t)128 << 20)
#define LINGER_US (100 * CLOCK_MS)
#define EARLY_US (1000 * CLOCK_MS)
#define SILENCE_US (INT64_C(600000) * CLOCK_MS)
/* Records that nobody has said a search of: requests in dialogs, and what came too late. */
#define STRAY_US (INT64_C(40000) * CLOCK_MS)
#define CLOCK_MS INT64_C(1000)

int history_collect_new(const struct history_collect_settings *settings, struct history_collector **ret_collector)
{
	struct history_collector *c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->settings = *settings;
	struct history_collect_settings *s = &c->settings;
	s->open_maximum = s->open_maximum ? s->open_maximum : OPEN_MAXIMUM;
	s->steps_maximum = s->steps_maximum ? s->steps_maximum : STEPS_MAXIMUM;
	if (s->steps_maximum > HISTORY_STEPS_MAXIMUM - COLLECT_STEPS_RESERVE)
		s->steps_maximum = HISTORY_STEPS_MAXIMUM - COLLECT_STEPS_RESERVE;
	s->bytes_maximum = s->bytes_maximum ? s->bytes_maximum : BYTES_MAXIMUM;
	s->total_maximum = s->total_maximum ? s->total_maximum : TOTAL_MAXIMUM;
	s->linger_us = s->linger_us ? s->linger_us : LINGER_US;
	s->early_us = s->early_us ? s->early_us : EARLY_US;
	s->silence_us = s->silence_us ? s->silence_us : SILENCE_US;
	list_init(&c->open);
	for (size_t i = 0; i < COLLECT_RECENT_MAXIMUM; i++)
		buffer_init(&c->recent[i].packed, 64 << 10);
	int status = hash_init(&c->by_serial, s->open_maximum);
	if (status < 0) {
		free(c);
		return status;
	}
	*ret_collector = c;
	return 0;
}

/* ---- one search ---- */

static void drop(struct history_collector *c, struct collect_open *o)
{
	c->counts.bytes -= o->counted;
	hash_remove(&c->by_serial, &o->link);
	list_remove(&o->order);
	arena_done(&o->arena);
	free(o->steps);
	free(o);
}

void history_collect_free(struct history_collector *c)
{
	if (!c)
		return;
	list_each_safe (item, following, &c->open)
		drop(c, base_container(item, struct collect_open, order));
	collect_forget_ways(c);
	hash_done(&c->by_serial);
	free(c);
}

static void close_one(struct history_collector *c, struct collect_open *o)
{
	if (o->is_search)
		collect_give(c, o);
	drop(c, o);
}

void collect_count(struct history_collector *c, struct collect_open *o)
{
	size_t bytes = sizeof(*o) + o->capacity * sizeof(o->steps[0]) + o->arena.used;
	c->counts.bytes += bytes - o->counted;
	o->counted = bytes;
}

/* Many large ones at once: the oldest go, perhaps the one that has just grown. */
static void keep_to_total(struct history_collector *c)
{
	while (c->counts.bytes > c->settings.total_maximum && !list_is_empty(&c->open)) {
		c->counts.evicted++;
		close_one(c, base_container(c->open.next, struct collect_open, order));
	}
}

static struct collect_open *find(struct history_collector *c, struct span serial)
{
	uint64_t hash = hash_keyed(&c->settings.key, serial);
	for (struct hash_link *link = hash_first(&c->by_serial, hash); link; link = hash_next(link)) {
		struct collect_open *o = base_container(link, struct collect_open, link);
		if (span_equal(o->search.serial, serial))
			return o;
	}
	return NULL;
}

static struct collect_open *begin(struct history_collector *c, const struct record *r)
{
	if (c->by_serial.count >= c->settings.open_maximum) {
		c->counts.evicted++;
		close_one(c, base_container(c->open.next, struct collect_open, order));
	}
	struct collect_open *o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	arena_init(&o->arena, c->settings.bytes_maximum);
	list_init(&o->order);
	o->search.kind = HISTORY_SEARCH;
	o->search.start_us = r->head.time_us;
	o->search.serial = collect_text(o, r->head.serial);
	/* A serial that was cut would not be found again. */
	if (!span_equal(o->search.serial, r->head.serial) ||
		hash_insert(&c->by_serial, &o->link, hash_keyed(&c->settings.key, r->head.serial)) < 0) {
		arena_done(&o->arena);
		free(o);
		return NULL;
	}
	o->search.node = collect_text(o, r->head.node);
	o->search.tag = collect_text(o, r->head.tag);
	list_append(&c->open, &o->order);
	return o;
}

/* What is not known yet. */
static void learn(struct collect_open *o, struct span *place, struct span text)
{
	if (!place->at && text.at)
		*place = collect_text(o, text);
}

static void learn_remote(struct history_collector *c, struct collect_open *o, enum record_transport transport,
	const struct record_address *remote, int64_t time_us)
{
	if (o->search.remote.at || !remote->family)
		return;
	o->source = *remote;
	o->search.remote = collect_remote(o, transport, remote);
	collect_arrival(c, o, time_us);
}

static void take_search(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	const struct record_search *s = &r->search;
	struct history_search *search = &o->search;
	o->is_search = true;
	learn(o, &search->method, s->method);
	learn(o, &search->source, s->source);
	learn(o, &search->destination, s->destination);
	learn(o, &search->call_id, s->call_id);
	learn(o, &search->zone, s->zone);
	learn(o, &search->variant, s->variant);
	learn_remote(c, o, s->transport, &s->remote, r->head.time_us);
	search->authenticated |= s->authenticated;
	if (s->event != RECORD_SEARCH_COMPLETED)
		return;
	search->found = s->found;
	search->status = s->response_code;
	search->reason = collect_text(o, s->reason);
	search->detail = collect_text(o, s->detail);
	search->duration_us = s->duration_us;
	search->ended = true;
	o->ended_us = r->head.time_us;
}

static void take_call_end(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	const struct record_call *call = &r->call;
	struct history_search *search = &o->search;
	struct history_step *step = collect_step(o, &c->settings, HISTORY_STEP_CALL, r->head.time_us);
	bool connected = call->event == RECORD_CALL_CONNECTED;
	if (step) {
		step->verdict = connected ? SPAN("connected") : SPAN("rejected");
		step->status = call->response_code;
		step->text = collect_text(o, call->reason);
	}
	if (!search->ended) {
		search->found = connected;
		search->status = call->response_code;
		search->reason = collect_text(o, call->reason);
		search->duration_us = call->duration_us;
		search->ended = true;
	}
	o->ended_us = r->head.time_us;
}

static void take_call(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	const struct record_call *call = &r->call;
	o->is_search = true;
	learn(o, &o->search.method, SPAN("INVITE"));
	learn(o, &o->search.source, call->source);
	learn(o, &o->search.destination, call->destination);
	learn(o, &o->search.call_id, call->call_id);
	learn_remote(c, o, call->transport, &call->remote, r->head.time_us);
	o->search.authenticated |= call->authenticated;
	if (call->event != RECORD_CALL_ATTEMPTED)
		take_call_end(c, o, r);
}

/* ---- records ---- */

bool history_collect_wants(const struct record *r)
{
	switch (r->kind) {
	case RECORD_SEARCH:
	case RECORD_RULE:
	case RECORD_ATTEMPT:
	case RECORD_JUDGEMENT:
	case RECORD_REGISTRATION:
	case RECORD_ZONE:
	case RECORD_HANDSHAKE:
		return true;
	case RECORD_CALL:
		return r->call.event != RECORD_CALL_DISCONNECTED;
	case RECORD_DNS_QUERY:
	case RECORD_DNS_ANSWER:
		return r->head.serial.at != NULL;
	case RECORD_CONNECTION:
		return r->connection.role == RECORD_CLIENT && r->connection.transport != RECORD_UDP &&
		       r->connection.event != RECORD_CONNECTION_ATTEMPTED &&
		       r->connection.event != RECORD_CONNECTION_ACCEPTED;
	default:
		return false;
	}
}

static void take_of_search(struct history_collector *c, const struct record *r)
{
	if (!r->head.serial.length) {
		c->counts.ignored++;
		return;
	}
	struct collect_open *o = find(c, r->head.serial);
	if (!o)
		o = begin(c, r);
	if (!o) {
		c->counts.ignored++;
		return;
	}
	o->heard_us = r->head.time_us;
	learn(o, &o->search.tag, r->head.tag);
	learn(o, &o->search.node, r->head.node);
	if (r->kind == RECORD_SEARCH)
		take_search(c, o, r);
	else if (r->kind == RECORD_CALL)
		take_call(c, o, r);
	else
		collect_add(c, o, r);
	collect_count(c, o);
	keep_to_total(c);
}

void history_collect_take(struct history_collector *c, const struct record *r)
{
	if (!history_collect_wants(r))
		return;
	c->counts.taken++;
	if (r->kind == RECORD_CONNECTION || r->kind == RECORD_HANDSHAKE)
		collect_way(c, r);
	else if (r->kind == RECORD_REGISTRATION || r->kind == RECORD_ZONE)
		collect_give_event(c, r);
	else
		take_of_search(c, r);
}

static void take(void *argument, const struct record *r)
{
	history_collect_take(argument, r);
}

struct record_sink history_collect_sink(struct history_collector *c)
{
	return (struct record_sink){ take, c };
}

/* ---- time ---- */

static void look_at(struct history_collector *c, struct collect_open *o, int64_t now_us)
{
	if (o->ended_us && (now_us - o->ended_us >= c->settings.linger_us || now_us < o->search.start_us)) {
		close_one(c, o);
	} else if (now_us - o->heard_us >= (o->is_search ? c->settings.silence_us : STRAY_US)) {
		c->counts.ignored += o->is_search ? 0 : o->search.step_count;
		close_one(c, o);
	} else if (o->is_search && !o->given && !o->ended_us && now_us - o->search.start_us >= c->settings.early_us) {
		collect_give(c, o);
	}
}

void history_collect_tick(struct history_collector *c, int64_t now_us)
{
	list_each_safe (item, following, &c->open)
		look_at(c, base_container(item, struct collect_open, order), now_us);
}

void history_collect_flush(struct history_collector *c)
{
	list_each_safe (item, following, &c->open)
		close_one(c, base_container(item, struct collect_open, order));
}

struct history_collect_counts history_collect_counts(const struct history_collector *c)
{
	struct history_collect_counts counts = c->counts;
	counts.open = (uint32_t)c->by_serial.count;
	return counts;
}
