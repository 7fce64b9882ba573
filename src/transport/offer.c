/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/mesh_private.h"

/* A CANCEL or ACK that no transaction here claims may belong to a transaction of another worker: peers
 * may send it over another connection than the INVITE. All others are asked at once; the last
 * refusal (or the deadline: a worker may be stuck, or its ring full) brings it back as new. */
struct transport_offer {
	struct list link;
	uint64_t number;
	unsigned remaining;
	int64_t due_us;
	struct transport_incoming in;
	char *name;
	struct span bytes;
	char storage[];
};

#define OFFER_MAXIMUM 4096
#define OFFER_PATIENCE_US (200 * CLOCK_MS_US)

static void arm(struct transport *t)
{
	if (list_is_empty(&t->offers))
		return;
	struct transport_offer *oldest = base_container(t->offers.next, struct transport_offer, link);
	if (!wheel_is_armed(&t->offer_timer))
		wheel_arm(t->wheel, &t->offer_timer, oldest->due_us);
}

static void forget(struct transport *t, struct transport_offer *offer)
{
	list_remove(&offer->link);
	t->offer_count--;
	transport_facts_unref(offer->in.facts);
	free(offer);
}

static void take_back(struct transport *t, struct transport_offer *offer)
{
	offer->in.refused = true;
	list_remove(&offer->link);
	list_init(&offer->link);
	transport_receive(t, offer->bytes, &offer->in);
	forget(t, offer);
}

static void patience_over(struct wheel_timer *timer, int64_t now_us)
{
	struct transport *t = base_container(timer, struct transport, offer_timer);
	while (!list_is_empty(&t->offers)) {
		struct transport_offer *oldest = base_container(t->offers.next, struct transport_offer, link);
		if (oldest->due_us > now_us)
			break;
		take_back(t, oldest);
	}
	arm(t);
}

static struct transport_offer *offer_new(struct transport *t, const struct transport_incoming *in, struct span bytes)
{
	size_t name_length = in->arrival.target_name.length;
	struct transport_offer *offer = malloc(sizeof(*offer) + name_length + bytes.length);
	if (!offer)
		return NULL;
	*offer = (struct transport_offer){ .number = ++t->offer_next, .in = *in };
	if (name_length > 0)
		memcpy(offer->storage, in->arrival.target_name.at, name_length);
	memcpy(offer->storage + name_length, bytes.at, bytes.length);
	offer->in.arrival.target_name = span_make(offer->storage, name_length);
	offer->bytes = span_make(offer->storage + name_length, bytes.length);
	offer->in.facts = transport_facts_ref(transport_incoming_facts(in));
	offer->in.arrival.tls = transport_facts_tls(offer->in.facts);
	offer->in.connection = NULL;
	offer->in.handed_over = true;
	offer->due_us = net_loop_now_us(t->loop) + OFFER_PATIENCE_US;
	return offer;
}

void transport_offers_init(struct transport *t)
{
	list_init(&t->offers);
	wheel_timer_init(&t->offer_timer, patience_over);
}

void transport_offers_done(struct transport *t)
{
	wheel_disarm(t->wheel, &t->offer_timer);
	list_each_safe (link, following, &t->offers)
		forget(t, base_container(link, struct transport_offer, link));
}

bool transport_offer(struct transport *t, const struct transport_incoming *in, struct span bytes)
{
	if (t->worker_count < 2 || !t->mesh || t->offer_count >= OFFER_MAXIMUM)
		return false;
	struct transport_offer *offer = offer_new(t, in, bytes);
	if (!offer)
		return false;
	for (uint16_t to = 0; to < t->worker_count; to++)
		if (to != t->worker && transport_mesh_offer(t, to, &offer->in, offer->bytes, offer->number) == 0)
			offer->remaining++;
	t->offer_count++;
	list_append(&t->offers, &offer->link);
	transport_count(&t->counters.mesh_offers, 1);
	if (offer->remaining == 0) {
		forget(t, offer);
		return false;
	}
	arm(t);
	return true;
}

void transport_offer_replied(struct transport *t, uint64_t number, bool claimed)
{
	list_each (link, &t->offers) {
		struct transport_offer *offer = base_container(link, struct transport_offer, link);
		if (offer->number != number)
			continue;
		if (claimed)
			forget(t, offer);
		else if (--offer->remaining == 0)
			take_back(t, offer);
		return;
	}
}
