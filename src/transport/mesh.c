/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ring.h"
#include "transport/mesh_private.h"

/* One record of a ring: this head, the target's name, the message. Never leaves the process. */
enum mesh_kind { MESH_DELIVER, MESH_OFFER, MESH_REPLY, MESH_SEND, MESH_CLOSE, MESH_LOST };
struct mesh_head {
	enum mesh_kind kind;
	enum transport_protocol protocol;
	struct transport_flow flow;
	struct net_address local;
	struct net_address remote;
	struct transport_facts *facts; /* the record owns one reference */
	uint64_t target_mark;
	uint64_t offer;
	int64_t received_us;
	uint32_t name_length;
	uint16_t listener;
	uint16_t from;
	bool claimed;
	bool may_change;
};

/* Of one worker: what wakes it. */
struct inbox {
	struct net_task task;
	struct transport_mesh *mesh;
	uint16_t worker;
	struct transport *transport; /* of the worker's own thread */
	_Atomic(struct net_loop *) loop; /* NULL: has not joined yet, or left */
	_Alignas(64) _Atomic bool pending; /* the task is posted and has not begun to read */
};

struct transport_mesh {
	uint16_t count;
	struct inbox *inboxes;
	struct ring *rings; /* [from * count + to] */
};

/* A turn reads so many records of one ring, then lets the others have their turn. */
#define READ_AT_ONCE 256
#define RING_DEFAULT ((size_t)1 << 20)

static struct ring *ring_of(struct transport_mesh *mesh, uint16_t from, uint16_t to)
{
	return &mesh->rings[(size_t)from * mesh->count + to];
}

/* ---- reading ---- */

static void handle(struct transport *t, struct span record)
{
	struct mesh_head head;
	memcpy(&head, record.at, sizeof(head));
	struct span name = span_first(span_from(record, sizeof(head)), head.name_length);
	struct span bytes = span_from(record, sizeof(head) + head.name_length);
	struct transport_incoming in = {
		.arrival = {
			.flow = head.flow,
			.protocol = head.protocol,
			.local = head.local,
			.remote = head.remote,
			.tls = transport_facts_tls(head.facts),
			.listener = head.listener,
			.target_name = name,
			.target_mark = head.target_mark,
			.received_us = head.received_us,
		},
		.facts = head.facts,
		.handed_over = true,
	};
	switch (head.kind) {
	case MESH_DELIVER:
		transport_receive(t, bytes, &in);
		break;
	case MESH_OFFER:
		transport_mesh_reply(t, head.from, head.offer, transport_receive_claim(t, bytes, &in));
		break;
	case MESH_REPLY:
		transport_offer_replied(t, head.offer, head.claimed);
		break;
	case MESH_SEND:
		transport_send_handed_over(
			t, head.from, &(struct transport_way){ head.flow, head.remote, head.may_change }, bytes);
		break;
	case MESH_CLOSE:
		transport_flow_close(t, head.flow);
		break;
	case MESH_LOST:
		transport_clients_flow_lost(t, head.flow);
		break;
	}
	transport_facts_unref(head.facts);
}

static void drop(struct span record)
{
	struct mesh_head head;
	memcpy(&head, record.at, sizeof(head));
	transport_facts_unref(head.facts);
}

/* True where something is left. */
static bool read_ring(struct inbox *inbox, struct ring *ring)
{
	for (size_t i = 0; i < READ_AT_ONCE; i++) {
		struct span record = ring_peek(ring);
		if (!record.at)
			return false;
		/* The user may have freed the transport while it handled the last one. */
		if (inbox->transport)
			handle(inbox->transport, record);
		else
			drop(record);
		ring_release(ring);
	}
	return true;
}

/* Whoever turns pending from false to true submits the task, nobody else: it is in the loop's queue
 * at most once. All operations are sequentially consistent: where there is no loop yet, either the
 * joining thread sees pending given back, or this one sees its loop. */
static void wake(struct inbox *inbox)
{
	while (!atomic_exchange(&inbox->pending, true)) {
		struct net_loop *loop = atomic_load(&inbox->loop);
		if (loop) {
			net_loop_submit(loop, &inbox->task);
			return;
		}
		atomic_store(&inbox->pending, false);
		if (!atomic_load(&inbox->loop))
			return;
	}
}

static void read_all(struct net_task *task)
{
	struct inbox *inbox = base_container(task, struct inbox, task);
	(void)atomic_exchange(&inbox->pending, false);
	bool more = false;
	for (uint16_t from = 0; from < inbox->mesh->count; from++)
		if (from != inbox->worker && read_ring(inbox, ring_of(inbox->mesh, from, inbox->worker)))
			more = true;
	if (more)
		wake(inbox);
}

/* ---- writing ---- */

#define MESH_PARTS_MAXIMUM (SIP_DRAFT_PIECES_MAXIMUM + 2)

static int put(struct transport *t, uint16_t to, struct mesh_head *head, const struct span *parts, size_t part_count)
{
	if (!t->mesh || to >= t->mesh->count || to == t->worker)
		return -ENOTCONN;
	head->from = t->worker;
	struct span all[MESH_PARTS_MAXIMUM];
	base_require(part_count + 1 <= MESH_PARTS_MAXIMUM);
	all[0] = span_make((const char *)head, sizeof(*head));
	for (size_t i = 0; i < part_count; i++)
		all[i + 1] = parts[i];
	/* The reference belongs to the record: it must be there before the reader can drop it. */
	transport_facts_ref(head->facts);
	int status = ring_write(ring_of(t->mesh, t->worker, to), all, part_count + 1);
	if (status < 0) {
		transport_facts_unref(head->facts);
		transport_count(&t->counters.mesh_dropped, 1);
		return status;
	}
	transport_count(&t->counters.mesh_sent, 1);
	wake(&t->mesh->inboxes[to]);
	return 0;
}

static struct mesh_head head_of(enum mesh_kind kind, const struct transport_incoming *in)
{
	struct mesh_head head;
	memset(&head, 0, sizeof(head)); /* its padding travels too */
	head.kind = kind;
	head.protocol = in->arrival.protocol;
	head.flow = in->arrival.flow;
	head.local = in->arrival.local;
	head.remote = in->arrival.remote;
	head.facts = transport_incoming_facts(in);
	head.target_mark = in->arrival.target_mark;
	head.received_us = in->arrival.received_us;
	head.name_length = (uint32_t)in->arrival.target_name.length;
	head.listener = in->arrival.listener;
	return head;
}

int transport_mesh_deliver(struct transport *t, uint16_t to, const struct transport_incoming *in, struct span bytes)
{
	struct mesh_head head = head_of(MESH_DELIVER, in);
	return put(t, to, &head, (struct span[]){ in->arrival.target_name, bytes }, 2);
}

int transport_mesh_offer(
	struct transport *t, uint16_t to, const struct transport_incoming *in, struct span bytes, uint64_t offer)
{
	struct mesh_head head = head_of(MESH_OFFER, in);
	head.offer = offer;
	return put(t, to, &head, (struct span[]){ in->arrival.target_name, bytes }, 2);
}

void transport_mesh_reply(struct transport *t, uint16_t to, uint64_t offer, bool claimed)
{
	struct mesh_head head;
	memset(&head, 0, sizeof(head));
	head.kind = MESH_REPLY;
	head.offer = offer;
	head.claimed = claimed;
	(void)put(t, to, &head, NULL, 0); /* where it does not fit, the origin's deadline decides */
}

int transport_mesh_send(
	struct transport *t, const struct transport_way *way, const struct iovec *parts, size_t part_count)
{
	struct mesh_head head;
	memset(&head, 0, sizeof(head));
	head.kind = MESH_SEND;
	head.flow = way->flow;
	head.remote = way->remote;
	head.may_change = way->may_change;
	struct span spans[MESH_PARTS_MAXIMUM];
	if (part_count + 1 > MESH_PARTS_MAXIMUM)
		return -EMSGSIZE;
	for (size_t i = 0; i < part_count; i++)
		spans[i] = span_make(parts[i].iov_base, parts[i].iov_len);
	return put(t, way->flow.worker, &head, spans, part_count);
}

void transport_mesh_close(struct transport *t, struct transport_flow flow)
{
	struct mesh_head head;
	memset(&head, 0, sizeof(head));
	head.kind = MESH_CLOSE;
	head.flow = flow;
	(void)put(t, flow.worker, &head, NULL, 0);
}

void transport_mesh_lost(struct transport *t, uint16_t to, struct transport_flow flow)
{
	struct mesh_head head;
	memset(&head, 0, sizeof(head));
	head.kind = MESH_LOST;
	head.flow = flow;
	(void)put(t, to, &head, NULL, 0); /* where it does not fit, Timer B or F decides */
}

/* ---- life ---- */

int transport_mesh_new(uint16_t worker_count, size_t bytes_per_ring, struct transport_mesh **ret_mesh)
{
	struct transport_mesh *mesh = calloc(1, sizeof(*mesh));
	if (!mesh)
		return -ENOMEM;
	mesh->count = worker_count;
	size_t inbox_bytes = worker_count * sizeof(*mesh->inboxes);
	size_t ring_bytes = (size_t)worker_count * worker_count * sizeof(*mesh->rings);
	mesh->inboxes = aligned_alloc(64, inbox_bytes);
	mesh->rings = aligned_alloc(64, ring_bytes);
	if (!mesh->inboxes || !mesh->rings) {
		free(mesh->inboxes);
		free(mesh->rings);
		free(mesh);
		return -ENOMEM;
	}
	memset(mesh->inboxes, 0, inbox_bytes);
	memset(mesh->rings, 0, ring_bytes);
	for (uint16_t i = 0; i < worker_count; i++) {
		mesh->inboxes[i].task.run = read_all;
		mesh->inboxes[i].mesh = mesh;
		mesh->inboxes[i].worker = i;
	}
	for (uint16_t from = 0; from < worker_count; from++) {
		for (uint16_t to = 0; to < worker_count; to++) {
			size_t bytes = bytes_per_ring ? bytes_per_ring : RING_DEFAULT;
			if (from != to && ring_init(ring_of(mesh, from, to), bytes) < 0) {
				transport_mesh_free(mesh);
				return -ENOMEM;
			}
		}
	}
	*ret_mesh = mesh;
	return 0;
}

struct transport_mesh *transport_mesh_free(struct transport_mesh *mesh)
{
	if (!mesh)
		return NULL;
	for (size_t i = 0; i < (size_t)mesh->count * mesh->count; i++) {
		if (!mesh->rings[i].bytes)
			continue;
		for (struct span record; (record = ring_peek(&mesh->rings[i])).at; ring_release(&mesh->rings[i]))
			drop(record);
		ring_done(&mesh->rings[i]);
	}
	free(mesh->rings);
	free(mesh->inboxes);
	free(mesh);
	return NULL;
}

void transport_mesh_join(struct transport *t)
{
	struct inbox *inbox = &t->mesh->inboxes[t->worker];
	inbox->transport = t;
	atomic_store(&inbox->loop, t->loop);
	wake(inbox); /* for what others wrote before there was a loop */
}

void transport_mesh_leave(struct transport *t)
{
	struct inbox *inbox = &t->mesh->inboxes[t->worker];
	inbox->transport = NULL;
	atomic_store(&inbox->loop, NULL);
}
