/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and handshakes. What failed belongs to the request it was made for, as names and addresses tell; where
 * there is none, it is a case of its own, one for each peer and reason. What stands is remembered for the case that
 * may come over it. */
#include "explain/joiner_private.h"

#include <errno.h>
#include <stdlib.h>

/* A request waits so long for its connection. */
#define WINDOW_US INT64_C(40000000)
/* The same two ports may be used again by another connection after that. */
#define ENDS_US INT64_C(60000000)
/* Repeated failures that are kept of one peer and reason. */
#define REPEATED_MAXIMUM 64
/* A connection that opened so long before a case is none of its steps. */
#define STANDING_US INT64_C(60000000)

/* ---- which connection ---- */

struct about {
	struct record_address local, remote;
	struct span peer; /* who was asked for */
	struct span reason;
	bool failed, closed;
	bool is_server; /* the peer made it: for what, its first request will tell */
	int slot; /* where it is remembered; -1: it is not */
};

static struct about about_connection(const struct record_connection *c)
{
	bool opened = c->event == RECORD_CONNECTION_ATTEMPTED || c->event == RECORD_CONNECTION_OPENED ||
		      c->event == RECORD_CONNECTION_ACCEPTED;
	return (struct about){ .local = c->local,
		.remote = c->remote,
		.peer = c->peer,
		.reason = c->reason,
		.failed = c->event == RECORD_CONNECTION_FAILED,
		.closed = c->event == RECORD_CONNECTION_CLOSED,
		.is_server = c->role == RECORD_SERVER,
		.slot = opened ? CONNECTION_OPENED : -1 };
}

static struct about about_handshake(const struct record_handshake *h)
{
	struct span peer = h->role == RECORD_CLIENT && h->server_name.length > 0 ? h->server_name : h->common_name;
	struct span reason = h->verify_reason.length > 0 ? h->verify_reason : h->reason;
	return (struct about){ .local = h->local,
		.remote = h->remote,
		.peer = peer,
		.reason = reason,
		.failed = h->failed,
		.is_server = h->role == RECORD_SERVER,
		.slot = h->failed ? -1 : CONNECTION_HANDSHAKE };
}

static struct about about_of(const struct record *r)
{
	return r->kind == RECORD_CONNECTION ? about_connection(&r->connection) : about_handshake(&r->handshake);
}

static uint64_t hash_end(const struct explain_joiner *j, const struct record_address *address)
{
	char text[19];
	memcpy(text, address->bytes, 16);
	text[16] = (char)address->family;
	memcpy(text + 17, &address->port, 2);
	return joiner_hash(j, KEY_ENDS, span_make(text, sizeof(text)));
}

/* The same from both ends; 0 where an end is not known. */
static uint64_t hash_ends(
	const struct explain_joiner *j, const struct record_address *a, const struct record_address *b)
{
	if (!a->family || !b->family || !a->port || !b->port)
		return 0;
	return (hash_end(j, a) + hash_end(j, b)) | 1;
}

/* ---- those that stand ---- */

int joiner_connections_init(struct joiner_connections *c)
{
	list_init(&c->ages);
	c->at = calloc(JOINER_CONNECTIONS_MAXIMUM, sizeof(*c->at));
	return c->at ? hash_init(&c->table, JOINER_CONNECTIONS_MAXIMUM) : -ENOMEM;
}

static void forget_events(struct joiner_connection *connection)
{
	for (size_t i = 0; i < CONNECTION_EVENT_COUNT; i++) {
		free(connection->events[i]);
		connection->events[i] = NULL;
	}
}

void joiner_connections_done(struct joiner_connections *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		forget_events(&c->at[i]);
	free(c->at);
	hash_done(&c->table);
	*c = (struct joiner_connections){ 0 };
}

/* As one box has it: the other end may call it accepted, or know another name. */
static uint64_t key_of(uint64_t ends, uint32_t clock)
{
	return hash_mix(ends, clock);
}

static struct joiner_connection *find_connection(const struct joiner_connections *c, uint64_t ends, uint32_t clock)
{
	return ends ? (struct joiner_connection *)(void *)hash_first(&c->table, key_of(ends, clock)) : NULL;
}

/* The oldest makes room. */
static struct joiner_connection *add_connection(struct joiner_connections *c, uint64_t key)
{
	struct joiner_connection *connection;
	if (c->count < JOINER_CONNECTIONS_MAXIMUM) {
		connection = &c->at[c->count++];
		list_init(&connection->age);
	} else {
		connection = (struct joiner_connection *)(void *)((char *)c->ages.next -
								  offsetof(struct joiner_connection, age));
		hash_remove(&c->table, &connection->link);
		list_remove(&connection->age);
		forget_events(connection);
	}
	list_append(&c->ages, &connection->age);
	(void)hash_insert(&c->table, &connection->link, key);
	return connection;
}

static struct explain_event *copy_of(const struct explain_joiner *j, const struct explain_event *event)
{
	void *memory = malloc(explain_event_size(event));
	struct explain_event *copy = memory ? explain_event_move(event, memory) : NULL;
	if (copy) {
		copy->place.line += j->line_base;
		copy->place.offset += j->offset_base;
	}
	return copy;
}

static void remember_event(
	struct explain_joiner *j, struct joiner_connection *connection, const struct explain_event *event, int slot)
{
	free(connection->events[slot]);
	connection->events[slot] = copy_of(j, event);
	connection->orders[slot] = j->order;
}

static void remember(struct explain_joiner *j, uint64_t ends, const struct explain_event *event, int slot)
{
	struct joiner_connections *c = &j->connections;
	if (!ends)
		return;
	struct joiner_connection *connection = find_connection(c, ends, j->clock);
	if (!connection)
		connection = add_connection(c, key_of(ends, j->clock));
	if (slot == CONNECTION_OPENED)
		forget_events(connection);
	remember_event(j, connection, event, slot);
	connection->clock = j->clock;
	c->last = connection;
}

/* ---- those that failed ---- */

/* Where this box wanted to connect to, and how far it came. */
static uint64_t goal_of(const struct explain_joiner *j, const struct record_address *remote, enum record_kind kind)
{
	return hash_mix(hash_end(j, remote), (uint64_t)j->clock << 8 | (uint64_t)kind);
}

/* What stands now is no failure any more, unless a request had to wait for it: then that one tells of it. */
static void mend(struct explain_joiner *j, const struct record *r, const struct about *about)
{
	bool is_handshake = r->kind == RECORD_HANDSHAKE;
	if (about->failed || about->is_server || !about->remote.family || !about->remote.port)
		return;
	if (!is_handshake && r->connection.event != RECORD_CONNECTION_OPENED)
		return;
	joiner_mend(j, goal_of(j, &about->remote, RECORD_CONNECTION));
	if (is_handshake)
		joiner_mend(j, goal_of(j, &about->remote, RECORD_HANDSHAKE));
}

static void note_goal(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event)
{
	if (event->kind != RECORD_CONNECTION && event->kind != RECORD_HANDSHAKE)
		return;
	const struct about about = about_of(event->record);
	leg->is_mended = false;
	if (about.is_server || !about.remote.family || !about.remote.port)
		return;
	uint64_t goal = goal_of(j, &about.remote, event->kind);
	for (const struct joiner_key *key = leg->keys; key; key = key->next)
		if (key->link.hash == goal)
			return;
	joiner_add_key(j, leg, goal);
}

static bool is_fresh(const struct joiner_leg *leg, const struct explain_event *event)
{
	int64_t apart = event->time_us - leg->joined->last_us;
	return !event->time_us || !leg->joined->last_us || (apart <= ENDS_US && apart >= -ENDS_US);
}

void joiner_failure(struct explain_joiner *j, const struct explain_event *event, struct span peer, struct span reason,
	uint64_t ends)
{
	uint64_t hash = joiner_hash(j, KEY_GROUP, peer);
	hash = hash_mix(hash, joiner_hash(j, KEY_GROUP, reason));
	hash = hash_mix(hash, (uint64_t)j->clock << 8 | (uint64_t)event->kind);
	struct joiner_leg *leg = joiner_find(j, hash);
	if (!leg) {
		leg = joiner_leg_new(j);
		if (!leg)
			return;
		joiner_add_key(j, leg, hash);
		leg->joined->entry_maximum = REPEATED_MAXIMUM;
		leg->is_judged = true;
	}
	if (joiner_keep(j, leg, event, false))
		leg->joined->last->ends = ends;
	if (ends && !joiner_find(j, ends))
		joiner_add_key(j, leg, ends);
	note_goal(j, leg, event);
	joiner_settle(j, leg->joined);
}

static struct span address_key(const struct record_address *address)
{
	return address->family ? span_make((const char *)address->bytes, sizeof(address->bytes)) : SPAN_NONE;
}

static struct span peer_key(const struct record_address *address, struct span name)
{
	struct span key = address_key(address);
	return key.at ? key : name;
}

/* A handshake may not say who opened the connection; what was remembered of it does. */
static bool was_accepted(const struct explain_joiner *j, uint64_t ends)
{
	const struct joiner_connection *c = find_connection(&j->connections, ends, j->clock);
	const struct explain_event *opened = c ? c->events[CONNECTION_OPENED] : NULL;
	return opened && opened->record->connection.role == RECORD_SERVER;
}

/* The leg that the record belongs to: by the names and addresses it asks for, else by both its ends. */
static struct joiner_leg *find_leg(struct explain_joiner *j, const struct explain_event *event,
	const struct about *about, uint64_t ends, bool *ret_near)
{
	const struct joiner_wanted wanted = {
		.names = { about->peer }, .address = about->remote, .window_us = WINDOW_US
	};
	bool is_server = about->is_server || was_accepted(j, ends);
	struct joiner_leg *leg = is_server ? NULL : joiner_recent_find(j, event, &wanted, ret_near);
	/* Being the only request at hand is enough for what failed, but not for what merely opens or ends; what opens
	 * when the answer is there is for something else, or its messages will tell. */
	if (leg && (about->failed || (!*ret_near && (leg->is_pending || about->closed))))
		return leg;
	leg = ends ? joiner_find(j, ends) : NULL;
	if (!leg || !is_fresh(leg, event))
		return NULL;
	*ret_near = joiner_first_leg(leg->joined) != NULL;
	return leg;
}

/* Whose address it is, says the certificate that was accepted there. */
static void learn_name(struct explain_joiner *j, const struct record *r)
{
	if (r->kind == RECORD_HANDSHAKE && !r->handshake.failed && r->handshake.common_name.length > 0 &&
		r->handshake.common_name.at[0] != '*')
		joiner_name_learn(j, &r->handshake.remote, r->handshake.common_name, false);
}

void joiner_connection_add(struct explain_joiner *j, const struct explain_event *event)
{
	const struct about about = about_of(event->record);
	uint64_t ends = hash_ends(j, &about.local, &about.remote);
	bool is_near;
	learn_name(j, event->record);
	mend(j, event->record, &about);
	if (about.slot >= 0)
		remember(j, ends, event, about.slot);
	struct joiner_leg *leg = find_leg(j, event, &about, ends, &is_near);
	/* The end of a connection matters to whom still waits for something. */
	if (leg && about.closed && leg->joined->state != JOINED_OPEN)
		return;
	if (!leg) {
		if (about.failed)
			joiner_failure(j, event, peer_key(&about.remote, about.peer), about.reason, ends);
		return;
	}
	leg->is_judged |= about.failed;
	leg->is_mended &= !about.failed;
	joiner_take(j, leg, event, is_near);
	struct joiner_entry *kept = leg->joined->last;
	if (kept && kept->order == j->order && about.failed)
		kept->ends = ends;
	if (ends && !joiner_find(j, ends))
		joiner_add_key(j, leg, ends);
}

void joiner_connection_notice(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record_notice *n = &event->record->notice;
	struct joiner_connections *c = &j->connections;
	uint64_t ends = hash_ends(j, &n->local, &n->remote);
	struct joiner_connection *connection = ends ? find_connection(c, ends, j->clock) : c->last;
	struct joiner_leg *leg = ends ? joiner_find(j, ends) : NULL;
	if (leg && is_fresh(leg, event)) {
		(void)joiner_keep(j, leg, event, true);
		return;
	}
	if (!connection || connection->clock != j->clock)
		return;
	remember_event(j, connection, event, CONNECTION_NOTICE);
}

/* ---- what a case takes over ---- */

static bool has_event(const struct joiner_joined *d, const struct explain_event *event)
{
	for (const struct joiner_entry *entry = d->first; entry; entry = entry->next)
		if (entry->event->kind == event->kind && entry->event->place.file == event->place.file &&
			entry->event->place.offset == event->place.offset)
			return true;
	return false;
}

/* When the case was, on the clock of the first box. */
struct span_of_time {
	int64_t first_us, last_us;
};

static struct span_of_time times_of(struct explain_joiner *j, const struct joiner_joined *d)
{
	struct span_of_time t = { INT64_MAX, 0 };
	for (const struct joiner_entry *entry = d->first; entry; entry = entry->next) {
		if (!entry->event->time_us)
			continue;
		int64_t time_us = entry->event->time_us + joiner_clock_offset(j, entry->clock);
		t.first_us = time_us < t.first_us ? time_us : t.first_us;
		t.last_us = time_us > t.last_us ? time_us : t.last_us;
	}
	return t;
}

static bool is_recent(
	struct explain_joiner *j, const struct span_of_time *t, const struct explain_event *event, uint32_t clock)
{
	int64_t time_us = event->time_us + joiner_clock_offset(j, clock);
	return event->time_us && time_us <= t->last_us && time_us >= t->first_us - STANDING_US;
}

static void append_entry(struct joiner_joined *d, struct joiner_entry *entry)
{
	entry->next = NULL;
	d->last->next = entry;
	d->last = entry;
	d->entry_count++;
}

static void adopt(struct explain_joiner *j, struct joiner_joined *d, const struct joiner_entry *message,
	const struct joiner_connection *c, const struct span_of_time *t, struct arena *arena)
{
	for (size_t i = 0; i < CONNECTION_EVENT_COUNT; i++) {
		struct explain_event *event = c->events[i];
		if (!event || !is_recent(j, t, event, c->clock) || has_event(d, event))
			continue;
		struct joiner_entry *entry = arena_zero(arena, sizeof(*entry));
		if (!entry)
			return;
		entry->leg = message->leg;
		entry->clock = c->clock;
		entry->order = c->orders[i];
		entry->event = event;
		append_entry(d, entry);
	}
}

/* What either end logged of it, and in whichever order: the log of one may give its messages no addresses. */
void joiner_connections_adopt(struct explain_joiner *j, struct joiner_joined *d, struct arena *arena)
{
	const struct span_of_time times = times_of(j, d);
	const struct joiner_entry *last = d->last;
	uint64_t before = 0;
	for (const struct joiner_entry *entry = d->first; entry; entry = entry == last ? NULL : entry->next) {
		const struct explain_message *m = &entry->event->message;
		uint64_t ends =
			entry->event->kind == RECORD_MESSAGE ? hash_ends(j, &m->local, &m->remote) : entry->ends;
		for (uint32_t clock = 0; ends && ends != before && clock < j->clocks.count; clock++) {
			const struct joiner_connection *c = find_connection(&j->connections, ends, clock);
			if (c)
				adopt(j, d, entry, c, &times, arena);
		}
		before = ends;
	}
}

/* ---- failures that two boxes logged ---- */

struct failure {
	uint64_t ends;
	struct joiner_joined *joined;
};

static int compare_failures(const void *a, const void *b)
{
	const struct failure *x = a, *y = b;
	return x->ends < y->ends ? -1 : x->ends > y->ends;
}

static struct joiner_joined *joined_of(struct list *link)
{
	return (struct joiner_joined *)(void *)((char *)link - offsetof(struct joiner_joined, link));
}

/* Those of calls; NULL where there are none. */
static struct failure *failures_of_calls(struct explain_joiner *j, size_t *ret_count)
{
	size_t count = 0, capacity = 0;
	struct failure *failures = NULL;
	for (size_t state = 0; state < JOINED_STATE_COUNT; state++) {
		list_each (link, &j->lists[state]) {
			struct joiner_joined *d = joined_of(link);
			for (struct joiner_entry *entry = d->first; entry; entry = entry->next) {
				if (!entry->ends || !joiner_first_leg(d))
					continue;
				if (count == capacity) {
					capacity = capacity ? 2 * capacity : 64;
					struct failure *more = realloc(failures, capacity * sizeof(*more));
					if (!more)
						break;
					failures = more;
				}
				failures[count++] = (struct failure){ entry->ends, d };
			}
		}
	}
	if (failures)
		qsort(failures, count, sizeof(*failures), compare_failures);
	*ret_count = count;
	return failures;
}

/* What is left in d is what no call knows. */
static void hand_over(struct joiner_joined *d, const struct failure *failures, size_t count)
{
	struct joiner_entry *entry = d->first, *next;
	d->first = d->last = NULL;
	d->entry_count = 0;
	for (; entry; entry = next) {
		const struct failure key = { entry->ends, NULL }, *found = NULL;
		next = entry->next;
		if (entry->ends)
			found = bsearch(&key, failures, count, sizeof(key), compare_failures);
		if (found) {
			entry->is_near = true;
			append_entry(found->joined, entry);
		} else if (d->last) {
			append_entry(d, entry);
		} else {
			entry->next = NULL;
			d->first = d->last = entry;
			d->entry_count = 1;
		}
	}
	if (!d->first)
		d->is_given = true;
}

void joiner_failures_adopt(struct explain_joiner *j)
{
	size_t count;
	struct failure *failures = failures_of_calls(j, &count);
	list_each (link, &j->lists[JOINED_FAILED]) {
		struct joiner_joined *d = joined_of(link);
		if (failures && d->first && !joiner_first_leg(d))
			hand_over(d, failures, count);
	}
	free(failures);
}
