/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a case in order, each message once: what the sender and the receiver logged is one, what one box
 * logged twice is one, what was sent again is marked. */
#include "explain/joiner_private.h"

#include <stdlib.h>

/* A summary and its message, or one message in two places of one box's logs. */
#define SAME_US INT64_C(1000000)
/* The same moment in two logs of one box, of which one may write milliseconds; what is sent again comes after 500 ms
 * (RFC 3261 17.1.1.1). */
#define SAME_MOMENT_US INT64_C(400000)
/* One packet caught twice, on two interfaces. */
#define CAUGHT_TWICE_US INT64_C(5000)

/* ---- what a message is known by ---- */

static uint64_t mix_span(const struct explain_joiner *j, uint64_t hash, struct span s)
{
	return hash_mix(hash, s.length > 0 ? hash_keyed(&j->settings.hash_key, s) : 0);
}

static uint64_t wide_of(const struct explain_joiner *j, const struct explain_message *m)
{
	uint64_t hash = mix_span(j, (uint64_t)m->status << 32 | m->cseq, m->call_id);
	hash = hash_mix(hash, (uint64_t)m->method);
	/* The phrase and the Request-URI differ between hops, but a summary has no phrase. */
	return hash | 1;
}

static uint64_t identity_of(const struct explain_joiner *j, const struct explain_message *m, uint64_t wide)
{
	uint64_t hash = mix_span(j, wide, m->branch);
	hash = mix_span(j, hash, m->from_tag);
	return mix_span(j, hash, m->to_tag) | 1;
}

/* ---- order ---- */

static int compare_arrival(const void *a, const void *b)
{
	const struct joiner_item *x = a, *y = b;
	return x->entry->order < y->entry->order ? -1 : x->entry->order > y->entry->order;
}

static int compare_time(const void *a, const void *b)
{
	const struct joiner_item *x = a, *y = b;
	if (x->time_us != y->time_us)
		return x->time_us < y->time_us ? -1 : 1;
	return compare_arrival(a, b);
}

/* What has no time of its own has that of the one before it in its file, else of the one after it. */
static void fill_times(struct joiner_item *items, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		for (uint32_t k = i; !items[i].is_timed && !items[i].time_us && k-- > 0;)
			if (items[k].entry->event->place.file == items[i].entry->event->place.file)
				items[i].time_us = items[k].time_us;
	int64_t next = 0;
	for (uint32_t i = count; i-- > 0;) {
		if (!items[i].time_us)
			items[i].time_us = next;
		else
			next = items[i].time_us;
	}
}

/* ---- matching ---- */

struct matching {
	struct joiner_item **at; /* messages, by what they are known by, then by arrival */
	uint32_t count;
};

static int compare_identity(const void *a, const void *b)
{
	const struct joiner_item *x = *(struct joiner_item *const *)a, *y = *(struct joiner_item *const *)b;
	if (x->identity != y->identity)
		return x->identity < y->identity ? -1 : 1;
	return compare_arrival(x, y);
}

static int compare_wide(const void *a, const void *b)
{
	const struct joiner_item *x = *(struct joiner_item *const *)a, *y = *(struct joiner_item *const *)b;
	if (x->wide != y->wide)
		return x->wide < y->wide ? -1 : 1;
	return compare_arrival(x, y);
}

static const struct explain_message *message_of(const struct joiner_item *item)
{
	return &item->entry->event->message;
}

static bool is_near_in_time(const struct joiner_item *a, const struct joiner_item *b, int64_t within_us)
{
	int64_t apart = a->time_us - b->time_us;
	return apart <= within_us && apart >= -within_us;
}

static bool is_same_or_unknown(const struct record_address *a, const struct record_address *b)
{
	return !a->family || !b->family || record_address_equal(a, b);
}

/* A log that does not say whose it is tells the same of the same connection as one that does. */
static bool is_same_box(const struct joiner_item *a, const struct joiner_item *b, const struct record_address *local_a,
	const struct record_address *local_b, const struct record_address *remote_a,
	const struct record_address *remote_b)
{
	if (a->entry->clock == b->entry->clock)
		return true;
	bool one_is_nameless = (a->entry->event->node.length == 0) != (b->entry->event->node.length == 0);
	return one_is_nameless && remote_a->family && record_address_equal(remote_a, remote_b) &&
	       is_same_or_unknown(local_a, local_b);
}

static bool is_other_file(const struct joiner_item *a, const struct joiner_item *b)
{
	return a->entry->event->place.file != b->entry->event->place.file;
}

/* Two lines of one box about one message: the same hash, a summary beside it, or the very same moment. */
static bool is_same_line(const struct joiner_item *a, const struct joiner_item *b)
{
	const struct explain_message *x = message_of(a), *y = message_of(b);
	if (x->direction != y->direction || !is_same_box(a, b, &x->local, &y->local, &x->remote, &y->remote))
		return false;
	if (a->entry->event->place.is_summary != b->entry->event->place.is_summary)
		return is_near_in_time(a, b, SAME_US);
	if (x->direction == RECORD_PASSED)
		return is_near_in_time(a, b, CAUGHT_TWICE_US);
	if (!is_other_file(a, b))
		return x->hash && x->hash == y->hash && a->time_us == b->time_us;
	return is_near_in_time(a, b, SAME_MOMENT_US);
}

/* The two ends of one hop. */
static bool is_both_ends(const struct joiner_item *a, const struct joiner_item *b)
{
	const struct explain_message *x = message_of(a), *y = message_of(b);
	return a->entry->clock != b->entry->clock && x->direction != y->direction && x->direction != RECORD_PASSED &&
	       y->direction != RECORD_PASSED;
}

/* The same, or an end and somebody who listened between. */
static bool is_same_hop(const struct joiner_item *a, const struct joiner_item *b)
{
	const struct explain_message *x = message_of(a), *y = message_of(b);
	return a->entry->clock != b->entry->clock && x->direction != y->direction;
}

/* Where branches are missing, the addresses must not speak against it. */
static bool is_likely_hop(const struct joiner_item *a, const struct joiner_item *b)
{
	const struct explain_message *x = message_of(a), *y = message_of(b);
	struct record_address there = x->remote, here = y->local;
	there.port = here.port = 0;
	return is_same_hop(a, b) && (!there.family || !here.family || record_address_equal(&there, &here));
}

static void match(struct joiner_item *a, struct joiner_item *b)
{
	/* The sender's is the one that counts, unless it is a summary of what the receiver has as it was. */
	bool a_whole = !a->entry->event->place.is_summary, b_whole = !b->entry->event->place.is_summary;
	bool b_first = a_whole != b_whole ? b_whole
					  : message_of(b)->direction == RECORD_SENT ||
						    (message_of(a)->direction == RECORD_RECEIVED &&
							    message_of(b)->direction == RECORD_PASSED);
	struct joiner_item *first = b_first ? b : a, *second = b_first ? a : b;
	first->second = second;
	second->is_second = true;
}

static void drop_same_lines(struct joiner_item **group, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = i + 1; k < count && !group[i]->is_dropped; k++) {
			if (group[k]->is_dropped || !is_same_line(group[i], group[k]))
				continue;
			if (group[i]->entry->event->place.is_summary)
				group[i]->is_dropped = true;
			else
				group[k]->is_dropped = true;
		}
	}
}

static bool is_free(const struct joiner_item *item)
{
	return !item->is_dropped && !item->is_second && !item->second;
}

static void match_hops(struct joiner_item **group, uint32_t count,
	bool is_same(const struct joiner_item *, const struct joiner_item *))
{
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < count && is_free(group[i]); k++)
			if (k != i && is_free(group[k]) && is_same(group[i], group[k]))
				match(group[i], group[k]);
	}
}

/* Whoever listened to a hop that both ends logged adds nothing. */
static void drop_listeners(struct joiner_item **group, uint32_t count)
{
	bool told = false;
	for (uint32_t i = 0; i < count; i++)
		told |= group[i]->second != NULL;
	for (uint32_t i = 0; told && i < count; i++)
		if (is_free(group[i]) && message_of(group[i])->direction == RECORD_PASSED)
			group[i]->is_dropped = true;
}

static void mark_repeated(struct joiner_item **group, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		for (uint32_t k = 0; k < i && !group[i]->is_repeated; k++)
			group[i]->is_repeated = !group[k]->is_dropped &&
						group[k]->entry->clock == group[i]->entry->clock &&
						message_of(group[k])->direction == message_of(group[i])->direction;
	}
}

/* As many of one message as are looked at: retransmissions are eleven at most. */
#define GROUP_MAXIMUM 64

static void match_group(struct joiner_item **group, uint32_t count)
{
	if (count > GROUP_MAXIMUM)
		count = GROUP_MAXIMUM;
	drop_same_lines(group, count);
	match_hops(group, count, is_both_ends);
	match_hops(group, count, is_same_hop);
	drop_listeners(group, count);
	mark_repeated(group, count);
}

static bool has_branch(const struct joiner_item *item)
{
	return message_of(item)->branch.length > 0;
}

/* What a summary says fits more than one hop: it goes with what is nearest. */
static void match_wide_group(struct joiner_item **group, uint32_t count)
{
	bool all = true;
	for (uint32_t i = 0; i < count; i++)
		all &= has_branch(group[i]);
	if (all)
		return;
	if (count > GROUP_MAXIMUM)
		count = GROUP_MAXIMUM;
	for (uint32_t i = 0; i < count; i++) {
		if (has_branch(group[i]) || group[i]->is_dropped)
			continue;
		for (uint32_t k = 0; k < count && !group[i]->is_dropped; k++)
			group[i]->is_dropped = k != i && !group[k]->is_dropped && has_branch(group[k]) &&
					       group[i]->entry->event->place.is_summary &&
					       is_same_line(group[i], group[k]);
		for (uint32_t k = 0; k < count && is_free(group[i]); k++)
			if (k != i && is_free(group[k]) && is_likely_hop(group[i], group[k]))
				match(group[i], group[k]);
	}
}

static void each_group(struct matching *m, bool wide, void visit(struct joiner_item **group, uint32_t count))
{
	qsort(m->at, m->count, sizeof(*m->at), wide ? compare_wide : compare_identity);
	for (uint32_t start = 0, end; start < m->count; start = end) {
		uint64_t key = wide ? m->at[start]->wide : m->at[start]->identity;
		for (end = start + 1; end < m->count; end++)
			if ((wide ? m->at[end]->wide : m->at[end]->identity) != key)
				break;
		if (end - start > 1)
			visit(m->at + start, end - start);
	}
}

static bool match_all(struct joiner_item *items, uint32_t count, struct arena *arena)
{
	struct matching m = { .at = arena_allocate(arena, (count + 1) * sizeof(*m.at)) };
	if (!m.at)
		return false;
	for (uint32_t i = 0; i < count; i++)
		if (items[i].identity)
			m.at[m.count++] = &items[i];
	each_group(&m, false, match_group);
	each_group(&m, true, match_wide_group);
	return true;
}

/* ---- records in two logs of one box ---- */

static bool is_same_dns(const struct record_dns *x, const struct record_dns *y)
{
	return x->status == y->status && span_equal(x->type, y->type) && span_equal_nocase(x->name, y->name);
}

static bool is_same_rule(const struct record_rule *x, const struct record_rule *y)
{
	return x->verdict == y->verdict && span_equal(x->name, y->name) && span_equal(x->alias, y->alias);
}

static bool is_same_judgement(const struct record_judgement *x, const struct record_judgement *y)
{
	return span_equal(x->call_id, y->call_id) && span_equal(x->text, y->text) && span_equal(x->subject, y->subject);
}

/* Kinds that become no rows are let alone. */
static bool is_same_record(const struct joiner_item *a, const struct joiner_item *b)
{
	const struct record *x = a->entry->event->record, *y = b->entry->event->record;
	const struct record_address none = { 0 };
	switch (x->kind) {
	case RECORD_DNS_QUERY:
	case RECORD_DNS_ANSWER:
		return is_same_box(a, b, &none, &none, &none, &none) && is_same_dns(&x->dns, &y->dns);
	case RECORD_RULE:
		return is_same_box(a, b, &none, &none, &none, &none) && is_same_rule(&x->rule, &y->rule);
	case RECORD_JUDGEMENT:
		return is_same_box(a, b, &none, &none, &none, &none) && is_same_judgement(&x->judgement, &y->judgement);
	case RECORD_CONNECTION:
		return x->connection.event == y->connection.event &&
		       record_address_equal(&x->connection.remote, &y->connection.remote) &&
		       is_same_box(a, b, &x->connection.local, &y->connection.local, &x->connection.remote,
			       &y->connection.remote);
	case RECORD_HANDSHAKE:
		return x->handshake.failed == y->handshake.failed &&
		       record_address_equal(&x->handshake.remote, &y->handshake.remote) &&
		       is_same_box(a, b, &x->handshake.local, &y->handshake.local, &x->handshake.remote,
			       &y->handshake.remote);
	default:
		return false;
	}
}

/* By time. What the one log has is taken once from the other one. */
static void drop_same_records(struct joiner_item *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct joiner_item *a = &items[i];
		for (uint32_t k = i + 1; k < count && !a->is_dropped && a->entry->event->kind != RECORD_MESSAGE; k++) {
			struct joiner_item *b = &items[k];
			if (!is_near_in_time(a, b, SAME_MOMENT_US))
				break;
			if (b->is_dropped || !is_other_file(a, b) || a->entry->event->kind != b->entry->event->kind ||
				!is_same_record(a, b))
				continue;
			a->entry->is_near &= b->entry->is_near;
			b->is_dropped = true;
		}
	}
}

/* ---- all of it ---- */

struct joiner_item *joiner_items(
	struct explain_joiner *j, const struct joiner_joined *d, struct arena *arena, uint32_t *ret_count)
{
	struct joiner_item *items = arena_zero(arena, (d->entry_count + 1) * sizeof(*items));
	uint32_t count = 0;
	if (!items)
		return NULL;
	for (struct joiner_entry *entry = d->first; entry; entry = entry->next) {
		struct joiner_item *item = &items[count++];
		const struct explain_event *e = entry->event;
		item->entry = entry;
		item->is_timed = e->time_us != 0;
		item->time_us = e->time_us ? e->time_us + joiner_clock_offset(j, entry->clock) : 0;
		if (e->kind == RECORD_MESSAGE && e->message.call_id.length > 0) {
			item->wide = wide_of(j, &e->message);
			item->identity = identity_of(j, &e->message, item->wide);
		}
	}
	qsort(items, count, sizeof(*items), compare_arrival);
	fill_times(items, count);
	qsort(items, count, sizeof(*items), compare_time);
	drop_same_records(items, count);
	*ret_count = count;
	return match_all(items, count, arena) ? items : NULL;
}

static bool has_two_clocks(const struct joiner_joined *d)
{
	for (const struct joiner_entry *entry = d->first; entry; entry = entry->next)
		if (entry->clock != d->first->clock)
			return true;
	return false;
}

void joiner_measure(struct explain_joiner *j, const struct joiner_joined *d)
{
	uint32_t count;
	struct arena arena;
	if (!has_two_clocks(d))
		return;
	arena_init(&arena, (size_t)8 << 20);
	struct joiner_item *items = joiner_items(j, d, &arena, &count);
	for (uint32_t i = 0; items && i < count; i++)
		if (items[i].second && message_of(&items[i])->direction == RECORD_SENT && !items[i].is_repeated &&
			message_of(items[i].second)->direction == RECORD_RECEIVED)
			joiner_clock_measure(j, items[i].entry, items[i].second->entry);
	arena_done(&arena);
}
