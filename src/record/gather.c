/* SPDX-License-Identifier: Apache-2.0 */
#include "record/gather.h"

#include "base/require.h"
#include "base/ring.h"
#include "record/pack.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_BYTES ((size_t)4 * 1024 * 1024)

struct producer {
	struct ring ring;
	_Alignas(64) _Atomic uint64_t taken; /* records in the ring, ever; counted after they are in it */
	_Atomic uint32_t wake; /* 1: the thread sleeps and wants to be woken by the next record */
	struct record_gather *gather;
	/* The thread's own: */
	_Alignas(64) uint64_t drained;
	uint64_t limit; /* so many are old enough to be drained */
	struct span front; /* oldest record in the ring, absent where it is empty */
	int64_t front_us;
};

struct record_gather {
	struct producer *producers;
	uint32_t producer_count;
	int wakeup; /* eventfd */
	bool (*wants)(const struct record *r);
	struct record_unpacked record; /* the thread's own */
};

/* ---- the producers' side ---- */

void record_gather_wake(struct record_gather *g)
{
	uint64_t one = 1;
	/* Full means that it will wake up anyway. */
	ssize_t written = write(g->wakeup, &one, sizeof(one));
	(void)written;
}

/* One copy, two atomic operations on a line that is its own. */
static void take(void *argument, const struct record *r)
{
	struct producer *p = argument;
	struct record_pack pack;
	if (p->gather->wants && !p->gather->wants(r))
		return;
	record_pack(r, &pack);
	if (ring_write(&p->ring, pack.parts, pack.part_count) == 0) {
		uint64_t taken = atomic_load_explicit(&p->taken, memory_order_relaxed);
		atomic_store_explicit(&p->taken, taken + 1, memory_order_release);
	}
	if (atomic_exchange(&p->wake, 0))
		record_gather_wake(p->gather);
}

struct record_sink record_gather_producer(struct record_gather *g, uint32_t producer)
{
	if (!g)
		return (struct record_sink){ NULL, NULL };
	base_require(producer < g->producer_count);
	return (struct record_sink){ take, &g->producers[producer] };
}

uint64_t record_gather_refused(const struct record_gather *g)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < g->producer_count; i++)
		sum += atomic_load_explicit(&g->producers[i].ring.refused, memory_order_relaxed);
	return sum;
}

/* ---- the thread's side ---- */

static void look_at_front(struct producer *p)
{
	p->front = ring_peek(&p->ring);
	if (p->front.at)
		p->front_us = record_pack_time_us(p->front);
}

static struct producer *oldest(struct record_gather *g)
{
	struct producer *found = NULL;
	for (uint32_t i = 0; i < g->producer_count; i++) {
		struct producer *p = &g->producers[i];
		if (p->front.at && (!found || p->front_us < found->front_us))
			found = p;
	}
	return found;
}

uint64_t record_gather_look(struct record_gather *g)
{
	uint64_t waiting = 0;
	for (uint32_t i = 0; i < g->producer_count; i++) {
		struct producer *p = &g->producers[i];
		p->limit = atomic_load_explicit(&p->taken, memory_order_acquire);
		if (p->limit > p->drained)
			waiting += p->limit - p->drained;
	}
	return waiting;
}

void record_gather_drain(struct record_gather *g, const struct record_sink *to)
{
	uint64_t waiting = 0;
	for (uint32_t i = 0; i < g->producer_count; i++) {
		struct producer *p = &g->producers[i];
		if (p->limit > p->drained)
			waiting += p->limit - p->drained;
		look_at_front(p);
	}
	while (waiting > 0) {
		struct producer *p = oldest(g);
		base_require(p);
		base_require(record_unpack(p->front, &g->record) == 0);
		record_take(to, &g->record.record);
		ring_release(&p->ring);
		if (p->drained++ < p->limit)
			waiting--;
		look_at_front(p);
	}
}

void record_gather_pause(struct record_gather *g, int timeout_ms)
{
	struct pollfd wait = { .fd = g->wakeup, .events = POLLIN };
	uint64_t count;
	if (poll(&wait, 1, timeout_ms) > 0) {
		ssize_t got = read(g->wakeup, &count, sizeof(count));
		(void)got;
	}
}

/* A producer's exchange either sees our 1 and wakes us, or comes before ours, and then we see what it has put into its
 * ring. */
void record_gather_sleep(struct record_gather *g, int timeout_ms)
{
	for (uint32_t i = 0; i < g->producer_count; i++)
		atomic_exchange(&g->producers[i].wake, 1);
	if (record_gather_look(g) == 0)
		record_gather_pause(g, timeout_ms);
	for (uint32_t i = 0; i < g->producer_count; i++)
		atomic_exchange(&g->producers[i].wake, 0);
}

/* ---- life cycle ---- */

static int make_producers(struct record_gather *g, const struct record_gather_settings *settings)
{
	size_t size = (size_t)settings->producers * sizeof(*g->producers);
	g->producers = aligned_alloc(_Alignof(struct producer), size);
	if (!g->producers)
		return -ENOMEM;
	memset(g->producers, 0, size);
	for (; g->producer_count < settings->producers; g->producer_count++) {
		struct producer *p = &g->producers[g->producer_count];
		p->gather = g;
		int status = ring_init(&p->ring, settings->ring_bytes ? settings->ring_bytes : RING_BYTES);
		if (status)
			return status;
	}
	return 0;
}

int record_gather_new(const struct record_gather_settings *settings, struct record_gather **ret_gather)
{
	if (settings->producers == 0)
		return -EINVAL;
	struct record_gather *g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->wants = settings->wants;
	g->wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int status = g->wakeup >= 0 ? make_producers(g, settings) : -errno;
	if (status) {
		record_gather_free(g);
		return status;
	}
	*ret_gather = g;
	return 0;
}

struct record_gather *record_gather_free(struct record_gather *g)
{
	if (!g)
		return NULL;
	for (uint32_t i = 0; i < g->producer_count; i++)
		ring_done(&g->producers[i].ring);
	free(g->producers);
	if (g->wakeup >= 0)
		close(g->wakeup);
	free(g);
	return NULL;
}
