/* SPDX-License-Identifier: Apache-2.0 */
/* Connections and handshakes know no search: many searches share one. Ours are told to each search that waits for an
 * answer of their address; a caller's to the requests that come over it. */
#include "base/require.h"
#include "history/collect_private.h"

/* A connection lives longer than what is worth telling of its beginning. */
#define BEFORE_US INT64_C(30000000)

void collect_waits(struct collect_open *o, const struct record_attempt *attempt, struct span zone)
{
	if (!attempt->remote.family || attempt->transport == RECORD_UDP)
		return;
	if (o->waiting_count < COLLECT_WAITING_MAXIMUM)
		o->waiting[o->waiting_count++] = (struct collect_waiting){ attempt->remote, zone, attempt->branch };
}

void collect_waits_no_more(struct collect_open *o, const struct record_attempt *attempt)
{
	for (size_t i = 0; i < o->waiting_count; i++)
		if (o->waiting[i].branch == attempt->branch &&
			record_address_equal(&o->waiting[i].remote, &attempt->remote)) {
			o->waiting[i] = o->waiting[--o->waiting_count];
			return;
		}
}

static void tell_who_waits(struct history_collector *c, const struct record *r, const struct record_address *remote)
{
	list_each (item, &c->open) {
		struct collect_open *o = base_container(item, struct collect_open, order);
		for (size_t i = 0; i < o->waiting_count; i++) {
			if (!record_address_equal(&o->waiting[i].remote, remote))
				continue;
			collect_add_way(c, o, r, o->waiting[i].zone, o->waiting[i].branch);
			break;
		}
	}
}

static void remember(struct history_collector *c, const struct record *r)
{
	struct collect_recent *recent = &c->recent[c->next_recent++ % COLLECT_RECENT_MAXIMUM];
	buffer_clear(&recent->packed);
	if (record_pack_to(r, &recent->packed) < 0)
		buffer_clear(&recent->packed);
	recent->time_us = r->head.time_us;
	recent->remote = r->handshake.remote;
}

void collect_way(struct history_collector *c, const struct record *r)
{
	if (r->kind == RECORD_CONNECTION)
		tell_who_waits(c, r, &r->connection.remote);
	else if (r->handshake.role == RECORD_CLIENT)
		tell_who_waits(c, r, &r->handshake.remote);
	else if (!r->handshake.failed)
		remember(c, r);
}

void collect_arrival(struct history_collector *c, struct collect_open *o, int64_t time_us)
{
	for (size_t i = 0; i < COLLECT_RECENT_MAXIMUM; i++) {
		struct collect_recent *recent = &c->recent[i];
		if (!recent->packed.length || !record_address_equal(&recent->remote, &o->source) ||
			time_us - recent->time_us > BEFORE_US)
			continue;
		if (record_unpack(buffer_span(&recent->packed), &c->unpacked) == 0)
			collect_add_way(c, o, &c->unpacked.record, SPAN_NONE, 0);
	}
}

void collect_forget_ways(struct history_collector *c)
{
	for (size_t i = 0; i < COLLECT_RECENT_MAXIMUM; i++)
		buffer_done(&c->recent[i].packed);
}
