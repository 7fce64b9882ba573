/* SPDX-License-Identifier: Apache-2.0 */
/* A box writes of DNS, rules and connections without saying for whom. The request that it has at hand tells: by the
 * names that are asked for, else by being the only one. */
#include "explain/joiner_private.h"

/* A record without any name that fits is held for the only request that was open for so long at most. */
#define NEAR_US INT64_C(2000000)
/* Of requests that are answered, as lines of one moment do not stand in the order of their causes. */
#define LATE_US INT64_C(1000000)

void joiner_recent_add(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event)
{
	/* Each box once: its INVITE comes in and goes out. */
	for (uint32_t i = 1; i <= 4 && i <= j->recent_next; i++) {
		const struct joiner_recent *last = &j->recent[(j->recent_next - i) % JOINER_RECENT_MAXIMUM];
		if (last->id == leg->id && last->clock == j->clock)
			return;
	}
	j->recent[j->recent_next++ % JOINER_RECENT_MAXIMUM] =
		(struct joiner_recent){ .leg = leg, .id = leg->id, .time_us = event->time_us, .clock = j->clock };
}

/* ---- names ---- */

/* "sip:bob@b.lab:5061;transport=tls" -> "b.lab" */
static struct span host_of(struct span uri)
{
	size_t at = span_find(uri, '@');
	if (at == uri.length)
		at = span_find(uri, ':');
	struct span host = span_from(uri, at + 1);
	size_t length = 0;
	while (length < host.length && host.at[length] != ':' && host.at[length] != ';' && host.at[length] != '?')
		length++;
	return span_first(host, length);
}

static struct span without_dot(struct span name)
{
	return name.length > 0 && name.at[name.length - 1] == '.' ? span_first(name, name.length - 1) : name;
}

static bool is_under(struct span name, struct span domain)
{
	if (domain.length == 0 || name.length < domain.length || !span_ends_nocase(name, domain))
		return false;
	return name.length == domain.length || name.at[name.length - domain.length - 1] == '.';
}

/* "sip:bob@b.lab;…" -> "bob@b.lab" */
static struct span address_of(struct span uri)
{
	if (span_starts_nocase(uri, SPAN("sip:")))
		uri = span_from(uri, 4);
	else if (span_starts_nocase(uri, SPAN("sips:")))
		uri = span_from(uri, 5);
	size_t length = 0;
	while (length < uri.length && uri.at[length] != ';' && uri.at[length] != '?')
		length++;
	return span_first(uri, length);
}

/* ---- what DNS gave ---- */

static uint64_t hash_of_address(const struct record_address *address)
{
	return span_hash_nocase(span_make((const char *)address->bytes, address->family == 6 ? 16 : 4)) | 1;
}

static void add_interest(struct joiner_joined *d, uint64_t hash)
{
	for (uint32_t i = 0; i < d->interest_count; i++)
		if (d->interest[i] == hash)
			return;
	if (d->interest_count < JOINER_INTEREST_MAXIMUM)
		d->interest[d->interest_count++] = hash;
}

void joiner_interest_add(struct joiner_joined *d, struct span name)
{
	name = without_dot(name);
	if (name.length > 0)
		add_interest(d, span_hash_nocase(name));
}

void joiner_interest_add_address(struct joiner_joined *d, const struct record_address *address)
{
	if (address->family)
		add_interest(d, hash_of_address(address));
}

static bool has_interest(const struct joiner_joined *d, uint64_t hash)
{
	for (uint32_t i = 0; i < d->interest_count; i++)
		if (d->interest[i] == hash)
			return true;
	return false;
}

/* ---- the request ---- */

static bool fits_name(const struct joiner_leg *leg, struct span name)
{
	name = without_dot(name);
	if (name.length == 0)
		return false;
	return has_interest(leg->joined, span_hash_nocase(name)) || is_under(name, host_of(leg->request_uri)) ||
	       is_under(name, host_of(leg->to_uri)) || is_under(name, host_of(leg->from_uri)) ||
	       is_under(name, host_of(leg->asserted));
}

static bool fits(const struct joiner_leg *leg, const struct joiner_wanted *wanted)
{
	if (wanted->alias.length > 0) {
		struct span alias = address_of(wanted->alias);
		return span_equal_nocase(alias, address_of(leg->request_uri)) ||
		       span_equal_nocase(alias, address_of(leg->to_uri));
	}
	return fits_name(leg, wanted->names[0]) || fits_name(leg, wanted->names[1]) ||
	       (wanted->address.family && has_interest(leg->joined, hash_of_address(&wanted->address)));
}

/* Whether the box may still be at work for it. */
static bool is_at_hand(const struct joiner_leg *leg, int64_t time_us)
{
	return !leg->joined->is_bare && (leg->is_pending || !time_us || time_us - leg->joined->last_us <= LATE_US);
}

struct joiner_leg *joiner_recent_find(
	struct explain_joiner *j, const struct explain_event *event, const struct joiner_wanted *wanted, bool *ret_near)
{
	struct joiner_leg *near = NULL;
	uint32_t near_count = 0;
	*ret_near = false;
	for (uint32_t i = 1; i <= JOINER_RECENT_MAXIMUM && i <= j->recent_next; i++) {
		const struct joiner_recent *r = &j->recent[(j->recent_next - i) % JOINER_RECENT_MAXIMUM];
		if (r->clock != j->clock || r->leg->id != r->id)
			continue;
		int64_t ago = event->time_us && r->time_us ? event->time_us - r->time_us : 0;
		if (ago > wanted->window_us)
			break;
		if (ago < -LATE_US || !is_at_hand(r->leg, event->time_us))
			continue;
		if (fits(r->leg, wanted))
			return r->leg;
		if (ago <= NEAR_US && r->leg->is_pending && (!near || near->joined != r->leg->joined)) {
			near = r->leg;
			near_count++;
		}
	}
	*ret_near = near_count == 1;
	return near_count == 1 ? near : NULL;
}

bool joiner_recent_knows(const struct explain_joiner *j, const struct joiner_joined *d)
{
	for (uint32_t i = 1; i <= JOINER_RECENT_MAXIMUM && i <= j->recent_next; i++) {
		const struct joiner_recent *r = &j->recent[(j->recent_next - i) % JOINER_RECENT_MAXIMUM];
		if (r->clock == j->clock && r->leg->id == r->id && r->leg->joined == d)
			return true;
	}
	return false;
}
