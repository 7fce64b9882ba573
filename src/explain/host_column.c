/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the columns: the caller's side first. */
#include "explain/host_private.h"

#include <stdlib.h>

uint32_t host_column_of(const struct host_finding *f, uint32_t box)
{
	for (uint32_t i = 0; i < f->order_count; i++)
		if (host_root(f, f->order[i]) == host_root(f, box))
			return i;
	return HOST_NONE;
}

static void insert_column(struct host_finding *f, uint32_t at, uint32_t box)
{
	memmove(&f->order[at + 1], &f->order[at], (f->order_count - at) * sizeof(*f->order));
	f->order[at] = box;
	f->order_count++;
}

/* from stands nearer to the caller. */
static void place(struct host_finding *f, uint32_t from, uint32_t to)
{
	uint32_t left = host_column_of(f, from), right = host_column_of(f, to);
	if (left == HOST_NONE && right == HOST_NONE) {
		insert_column(f, f->order_count, from);
		left = host_column_of(f, from);
		right = host_column_of(f, to);
	}
	if (right == HOST_NONE)
		insert_column(f, f->order_count, to);
	else if (left == HOST_NONE)
		insert_column(f, right, from);
}

static bool is_first_request(const struct explain_event *e)
{
	return e->kind == RECORD_MESSAGE && e->message.is_request && e->message.to_tag.length == 0;
}

/* The first requests as they travelled, then what else was asked, then answers the other way round, then the rest. */
static unsigned pass_of(const struct explain_step *step)
{
	const struct explain_event *e = step->event;
	if (e->kind != RECORD_MESSAGE)
		return 3;
	return is_first_request(e) ? 0 : e->message.is_request ? 1 : 2;
}

static bool was_opened_by_peer(const struct explain_event *e)
{
	return (e->kind == RECORD_CONNECTION && e->record->connection.role == RECORD_SERVER) ||
	       (e->kind == RECORD_HANDSHAKE && e->record->handshake.role == RECORD_SERVER);
}

struct hop {
	const struct explain_step *step;
	uint32_t vias, index;
	unsigned pass;
};

static int compare_hops(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;
	if (x->pass != y->pass)
		return x->pass < y->pass ? -1 : 1;
	if (x->pass == 0 && x->step->leg != y->step->leg)
		return x->step->leg < y->step->leg ? -1 : 1;
	if (x->pass == 0 && x->vias != y->vias)
		return x->vias < y->vias ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

bool host_order_columns(struct host_finding *f, const struct explain_case *c, struct arena *arena)
{
	struct hop *hops = arena_allocate(arena, (c->step_count + 1) * sizeof(*hops));
	if (!hops)
		return false;
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *e = c->steps[i].event;
		bool has_vias = e->kind == RECORD_MESSAGE && e->message.detail;
		hops[i] = (struct hop){ .step = &c->steps[i],
			.pass = pass_of(&c->steps[i]),
			.vias = has_vias ? (uint32_t)e->message.detail->via_count : 0,
			.index = i };
	}
	qsort(hops, c->step_count, sizeof(*hops), compare_hops);
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_step *step = hops[i].step;
		if (hops[i].pass == 2 || was_opened_by_peer(step->event))
			place(f, step->to, step->from);
		else
			place(f, step->from, step->to);
	}
	return true;
}
