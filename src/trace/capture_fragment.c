/* SPDX-License-Identifier: Apache-2.0 */
/* Datagrams that were sent in pieces (RFC 791 3.2, RFC 8200 4.5). Pieces that overlap are refused with their whole
 * datagram (RFC 5722), but for plain repetitions: whoever sends them wants two readers to see two things. */
#include "trace/capture_private.h"

#include <stdlib.h>

#define DATAGRAM_MAXIMUM 65535u

static void give_back(struct capture_fragmented *d)
{
	free(d->at);
	*d = (struct capture_fragmented){ 0 };
}

void capture_fragments_free(struct capture_fragments *fragments)
{
	for (size_t i = 0; fragments->at && i < CAPTURE_FRAGMENTED_MAXIMUM; i++)
		give_back(&fragments->at[i]);
	free(fragments->at);
	*fragments = (struct capture_fragments){ 0 };
}

static bool is_same(const struct capture_fragment_key *a, const struct capture_fragment_key *b)
{
	return a->id == b->id && a->protocol == b->protocol && record_address_equal(&a->from, &b->from) &&
	       record_address_equal(&a->to, &b->to);
}

static bool is_too_old(const struct capture *c, const struct capture_fragmented *d)
{
	int64_t age = c->packet.time_us - d->began_us;
	return age > CAPTURE_FRAGMENTS_US || age < -CAPTURE_FRAGMENTS_US;
}

static void say_incomplete(struct capture *c, const struct capture_fragmented *d)
{
	if (!d->is_refused)
		capture_unread(c, SPAN("a fragment"), "a datagram of which a fragment is missing");
}

/* The place of this datagram, a new one where it has none. */
static struct capture_fragmented *place_of(struct capture *c, const struct capture_fragment_key *key)
{
	struct capture_fragments *all = &c->fragments;
	struct capture_fragmented *free_place = NULL;
	if (!all->at)
		all->at = calloc(CAPTURE_FRAGMENTED_MAXIMUM, sizeof(*all->at));
	if (!all->at)
		return NULL;
	for (size_t i = 0; i < CAPTURE_FRAGMENTED_MAXIMUM; i++) {
		struct capture_fragmented *d = &all->at[i];
		if (d->is_taken && is_too_old(c, d)) {
			say_incomplete(c, d);
			give_back(d);
		}
		if (!d->is_taken)
			free_place = d;
		else if (is_same(&d->key, key))
			return d;
	}
	if (!free_place) {
		free_place = &all->at[all->next++ % CAPTURE_FRAGMENTED_MAXIMUM];
		say_incomplete(c, free_place);
		give_back(free_place);
	}
	free_place->is_taken = true;
	free_place->key = *key;
	free_place->began_us = c->packet.time_us;
	return free_place;
}

static const char *refusal(const struct capture_fragmented *d, const struct capture_fragment *f, bool *ret_is_repeated)
{
	size_t end = f->offset + f->bytes.length;
	*ret_is_repeated = false;
	if (f->bytes.length == 0 || (!f->is_last && f->bytes.length % 8 != 0))
		return "a fragment of a length that none can have";
	if (end > DATAGRAM_MAXIMUM || d->count == CAPTURE_FRAGMENTS_MAXIMUM)
		return "fragments of more than any datagram";
	if (d->whole && (end > d->whole || (f->is_last && end != d->whole)))
		return "fragments that contradict one another";
	for (size_t i = 0; i < d->count; i++) {
		size_t start = d->starts[i], stop = start + d->lengths[i];
		if (f->is_last && stop > end)
			return "fragments that contradict one another";
		if (f->offset >= stop || end <= start)
			continue;
		*ret_is_repeated =
			f->offset == start && end == stop && memcmp(d->at + start, f->bytes.at, f->bytes.length) == 0;
		return *ret_is_repeated ? NULL : "fragments that overlap";
	}
	return NULL;
}

static bool make_room(struct capture_fragmented *d, size_t end)
{
	size_t capacity = d->capacity ? d->capacity : 4096;
	while (capacity < end)
		capacity *= 2;
	char *at = capacity > d->capacity ? realloc(d->at, capacity) : d->at;
	if (!at)
		return false;
	d->at = at;
	d->capacity = capacity;
	return true;
}

static bool add(struct capture_fragmented *d, const struct capture_fragment *f)
{
	if (!make_room(d, f->offset + f->bytes.length))
		return false;
	memcpy(d->at + f->offset, f->bytes.at, f->bytes.length);
	d->starts[d->count] = (uint16_t)f->offset;
	d->lengths[d->count++] = (uint16_t)f->bytes.length;
	d->received += f->bytes.length;
	if (f->is_last)
		d->whole = f->offset + f->bytes.length;
	if (f->offset == 0)
		d->protocol = f->protocol;
	return true;
}

bool capture_fragment_take(
	struct capture *c, const struct capture_fragment *f, struct span *ret_bytes, uint8_t *ret_protocol)
{
	struct capture_fragmented *d = place_of(c, &f->key);
	bool is_repeated;
	if (!d || d->is_refused)
		return false;
	const char *why = refusal(d, f, &is_repeated);
	if (!why && !is_repeated && !add(d, f))
		why = "no memory for a fragment";
	if (why) {
		capture_unread(c, f->bytes, why);
		free(d->at);
		d->at = NULL;
		d->is_refused = true;
		return false;
	}
	if (d->whole == 0 || d->received < d->whole)
		return false;
	/* The bytes outlive their place: they lie in the arena of this packet. */
	*ret_bytes = arena_copy(capture_arena(c), span_make(d->at, d->whole));
	*ret_protocol = d->protocol;
	give_back(d);
	return ret_bytes->at != NULL;
}
