/* SPDX-License-Identifier: Apache-2.0 */
/* A B2BUA begins a call of its own for each that it gets: another Call-ID, perhaps other domains. Two legs of which
 * both parties have the same user, or one of them and the second begins where the first one went, within two seconds
 * and while the first was open, are likely one call; never surely. */
#include "explain/joiner_private.h"

#include <stdlib.h>

#define MOMENT_US INT64_C(2000000)

/* What tells of one thing joined: its first leg as it came, and where it went to. */
struct party {
	struct joiner_leg *leg;
	int64_t begun_us,
		ended_us; /* of its first request and its final answer (INT64_MAX: none), on the first clock */
	struct record_address from, to; /* of its first and its last request; family 0: not known */
	struct span from_user, to_user;
};

struct span joiner_user_of(struct span uri)
{
	size_t colon = span_find(uri, ':');
	struct span rest = colon < uri.length ? span_from(uri, colon + 1) : uri;
	size_t length = 0;
	while (length < rest.length && rest.at[length] != '@' && rest.at[length] != ';')
		length++;
	return span_first(rest, length);
}

static void end_of(const struct explain_message *m, bool sender, struct record_address *ret_address)
{
	bool near = sender == (m->direction != RECORD_RECEIVED);
	*ret_address = near ? m->local : m->remote;
	/* Ports differ from connection to connection, unless nothing else does. */
	struct record_address other = near ? m->remote : m->local;
	uint16_t port = ret_address->port;
	ret_address->port = other.port = 0;
	if (record_address_equal(ret_address, &other))
		ret_address->port = port;
}

static bool is_invite(const struct explain_event *e)
{
	return e->kind == RECORD_MESSAGE && e->message.is_request && e->message.method == SIP_METHOD_INVITE &&
	       e->message.to_tag.length == 0;
}

static bool is_end(const struct explain_event *e)
{
	return e->kind == RECORD_MESSAGE && e->message.method == SIP_METHOD_INVITE && e->message.status >= 200;
}

static bool read_party(struct explain_joiner *j, const struct joiner_joined *d, struct party *ret_party)
{
	struct joiner_leg *leg = joiner_first_leg(d);
	if (!leg || !leg->is_sip || !leg->is_begun || leg->method != SIP_METHOD_INVITE || !leg->begun_us)
		return false;
	*ret_party = (struct party){ .leg = leg,
		.begun_us = INT64_MAX,
		.ended_us = 0,
		.from_user = joiner_user_of(leg->from_uri),
		.to_user = joiner_user_of(leg->to_uri) };
	int64_t last_us = INT64_MIN;
	for (const struct joiner_entry *entry = d->first; entry; entry = entry->next) {
		const struct explain_event *e = entry->event;
		int64_t time_us = e->time_us + joiner_clock_offset(j, entry->clock);
		if (!e->time_us)
			continue;
		if (is_end(e) && time_us > ret_party->ended_us)
			ret_party->ended_us = time_us;
		if (!is_invite(e))
			continue;
		if (time_us < ret_party->begun_us) {
			ret_party->begun_us = time_us;
			end_of(&e->message, true, &ret_party->from);
		}
		if (time_us > last_us) {
			last_us = time_us;
			end_of(&e->message, false, &ret_party->to);
		}
	}
	if (!ret_party->ended_us)
		ret_party->ended_us = INT64_MAX;
	return ret_party->begun_us != INT64_MAX;
}

static bool is_same(struct span a, struct span b)
{
	return a.length > 0 && span_equal_nocase(a, b);
}

static bool is_one_call(const struct party *a, const struct party *b)
{
	bool callers = is_same(a->from_user, b->from_user), callees = is_same(a->to_user, b->to_user);
	bool goes_on = b->from.family && record_address_equal(&a->to, &b->from);
	/* Two that come from the same place are two calls, or one that was tried twice. */
	if (a->from.family && record_address_equal(&a->from, &b->from))
		return false;
	if (b->begun_us - a->begun_us > MOMENT_US || b->begun_us >= a->ended_us)
		return false;
	return (callers && callees) || ((callers || callees) && goes_on);
}

static int compare_parties(const void *a, const void *b)
{
	const struct party *x = a, *y = b;
	if (x->begun_us != y->begun_us)
		return x->begun_us < y->begun_us ? -1 : 1;
	return x->leg->order < y->leg->order ? -1 : x->leg->order > y->leg->order;
}

static size_t read_all(struct explain_joiner *j, struct party **ret_parties)
{
	size_t count = 0, capacity = 0;
	struct party *parties = NULL;
	for (size_t state = 0; state < JOINED_STATE_COUNT; state++) {
		list_each (link, &j->lists[state]) {
			struct joiner_joined *d =
				(struct joiner_joined *)(void *)((char *)link - offsetof(struct joiner_joined, link));
			if (count == capacity) {
				capacity = capacity ? capacity * 2 : 64;
				struct party *more = realloc(parties, capacity * sizeof(*more));
				if (!more)
					break;
				parties = more;
			}
			if (!d->is_given && read_party(j, d, &parties[count]))
				count++;
		}
	}
	*ret_parties = parties;
	return count;
}

/* As many that began within the moment as are looked at for one. */
#define LOOK_MAXIMUM 256

void joiner_join_parties(struct explain_joiner *j)
{
	struct party *parties;
	size_t count = read_all(j, &parties);
	if (count > 0)
		qsort(parties, count, sizeof(*parties), compare_parties);
	for (size_t b = 1; b < count; b++) {
		/* The one that began last before it is the likeliest. */
		for (size_t a = b; a-- > 0 && b - a <= LOOK_MAXIMUM;) {
			if (parties[b].begun_us - parties[a].begun_us > MOMENT_US)
				break;
			if (!is_one_call(&parties[a], &parties[b]))
				continue;
			joiner_join(j, parties[a].leg, parties[b].leg, EXPLAIN_JOIN_PARTIES);
			break;
		}
	}
	free(parties);
}
