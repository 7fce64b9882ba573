/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands at the ends of each step. One box has a name in its own log, another in its certificate and a few
 * addresses; all that one and the same message says of its two ends is one box each. What nobody logged is known by
 * what the headers say. */
#include "explain/joiner_private.h"
#include "sip/uri.h"

#include <stdlib.h>

#define BOXES_MAXIMUM 128
#define SHARED_MAXIMUM 8
#define NO_BOX UINT32_MAX

struct box {
	uint32_t same_as; /* itself, or the box it turned out to be */
	struct span node, name;
	struct record_address addresses[EXPLAIN_HOST_ADDRESSES_MAXIMUM]; /* with the port, where several share one */
	size_t address_count;
	bool has_log;
};

struct finding_hosts {
	struct explain_joiner *j;
	struct box boxes[BOXES_MAXIMUM];
	uint32_t count;
	struct record_address shared[SHARED_MAXIMUM]; /* both ends of a message have it: ports tell them apart */
	size_t shared_count;
	uint32_t order[BOXES_MAXIMUM]; /* columns */
	uint32_t order_count;
};

/* One end of a step, as a record tells of it. */
struct end {
	struct span node; /* only of whose log it is */
	struct span name;
	struct record_address address;
};

/* ---- addresses and names ---- */

static bool is_same_ip(const struct record_address *a, const struct record_address *b)
{
	return a->family && a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

static bool is_shared(const struct finding_hosts *f, const struct record_address *address)
{
	for (size_t i = 0; i < f->shared_count; i++)
		if (is_same_ip(&f->shared[i], address))
			return true;
	return false;
}

static bool is_same_place(const struct finding_hosts *f, const struct record_address *a, const struct record_address *b)
{
	return is_same_ip(a, b) && (a->port == b->port || !is_shared(f, a));
}

static struct span first_label(struct span name)
{
	return span_first(name, span_find(name, '.'));
}

static bool is_ip_text(struct span name)
{
	struct record_address address;
	return record_address_parse(name, &address) == 0;
}

/* "vcse" in its own log, "vcse.steven.lab" everywhere else. */
static bool is_same_name(struct span a, struct span b)
{
	if (a.length == 0 || b.length == 0)
		return false;
	if (span_equal_nocase(a, b))
		return true;
	bool short_a = span_find(a, '.') == a.length, short_b = span_find(b, '.') == b.length;
	return short_a != short_b && span_equal_nocase(first_label(a), first_label(b)) && !is_ip_text(a) &&
	       !is_ip_text(b);
}

/* ---- boxes ---- */

static uint32_t root(const struct finding_hosts *f, uint32_t box)
{
	while (f->boxes[box].same_as != box)
		box = f->boxes[box].same_as;
	return box;
}

static void add_address(struct finding_hosts *f, struct box *box, const struct record_address *address)
{
	if (!address->family)
		return;
	for (size_t i = 0; i < box->address_count; i++)
		if (is_same_place(f, &box->addresses[i], address))
			return;
	if (box->address_count < EXPLAIN_HOST_ADDRESSES_MAXIMUM)
		box->addresses[box->address_count++] = *address;
}

static void tell_box(struct finding_hosts *f, uint32_t at, const struct end *end)
{
	struct box *box = &f->boxes[at];
	if (end->node.length > 0 && box->node.length == 0)
		box->node = end->node;
	/* A whole name says more than its first label. */
	if (end->name.length > 0 && !is_ip_text(end->name) &&
		(box->name.length == 0 ||
			(span_find(box->name, '.') == box->name.length && is_same_name(box->name, end->name))))
		box->name = end->name;
	add_address(f, box, &end->address);
}

static void unite(struct finding_hosts *f, uint32_t a, uint32_t b)
{
	a = root(f, a);
	b = root(f, b);
	if (a == b)
		return;
	/* Two logs are two boxes, whatever addresses say: behind one address translator they look the same. */
	if (f->boxes[a].node.length > 0 && f->boxes[b].node.length > 0 &&
		!span_equal_nocase(f->boxes[a].node, f->boxes[b].node))
		return;
	const struct box gone = f->boxes[b];
	f->boxes[b].same_as = a;
	f->boxes[a].has_log |= gone.has_log;
	tell_box(f, a, &(struct end){ .node = gone.node, .name = gone.name });
	for (size_t i = 0; i < gone.address_count; i++)
		add_address(f, &f->boxes[a], &gone.addresses[i]);
}

static uint32_t find_node(const struct finding_hosts *f, struct span node)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->boxes[i].same_as == i && f->boxes[i].node.length > 0 &&
			span_equal_nocase(f->boxes[i].node, node))
			return i;
	return NO_BOX;
}

static uint32_t find_address(const struct finding_hosts *f, const struct record_address *address)
{
	for (uint32_t i = 0; i < f->count; i++)
		for (size_t k = 0; k < f->boxes[i].address_count && f->boxes[i].same_as == i; k++)
			if (is_same_place(f, &f->boxes[i].addresses[k], address))
				return i;
	return NO_BOX;
}

static uint32_t find_name(const struct finding_hosts *f, struct span name)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->boxes[i].same_as == i &&
			(is_same_name(f->boxes[i].node, name) || is_same_name(f->boxes[i].name, name)))
			return i;
	return NO_BOX;
}

static uint32_t add_box(struct finding_hosts *f)
{
	/* Beyond that many all are one: a case with so many hosts is no call. */
	if (f->count == BOXES_MAXIMUM)
		return BOXES_MAXIMUM - 1;
	f->boxes[f->count] = (struct box){ .same_as = f->count };
	return f->count++;
}

/* What the logs elsewhere say of the address. */
static uint32_t find_learned(struct finding_hosts *f, const struct end *end, struct end *ret_learned)
{
	const struct joiner_name *known = is_shared(f, &end->address) ? NULL : joiner_name_find(f->j, &end->address);
	*ret_learned = *end;
	if (!known)
		return NO_BOX;
	if (known->is_node)
		ret_learned->node = span_of(known->text);
	else if (end->name.length == 0)
		ret_learned->name = span_of(known->text);
	return known->is_node ? find_node(f, span_of(known->text)) : find_name(f, span_of(known->text));
}

/* One that was met by its name or address before its own log was. */
static uint32_t find_nameless(const struct finding_hosts *f, const struct end *end)
{
	uint32_t at = find_name(f, end->node);
	if (at == NO_BOX && end->address.family)
		at = find_address(f, &end->address);
	return at != NO_BOX && f->boxes[at].node.length > 0 ? NO_BOX : at;
}

static uint32_t find_other(const struct finding_hosts *f, uint32_t box, const struct record_address *address)
{
	for (uint32_t i = 0; i < f->count && address->family; i++)
		for (size_t k = 0; k < f->boxes[i].address_count && f->boxes[i].same_as == i && i != box; k++)
			if (is_same_place(f, &f->boxes[i].addresses[k], address))
				return i;
	return NO_BOX;
}

static uint32_t box_of(struct finding_hosts *f, const struct end *end)
{
	struct end learned = *end;
	uint32_t at = end->node.length > 0 ? find_node(f, end->node) : NO_BOX;
	if (at == NO_BOX && end->node.length == 0 && end->address.family) {
		at = find_address(f, &end->address);
		if (at == NO_BOX)
			at = find_learned(f, end, &learned);
	}
	bool has_name = learned.name.length > 0 && !is_ip_text(learned.name);
	if (at == NO_BOX && end->node.length == 0 && has_name)
		at = find_name(f, learned.name);
	if (at == NO_BOX && end->node.length > 0)
		at = find_nameless(f, end);
	if (at == NO_BOX)
		at = add_box(f);
	tell_box(f, at, &learned);
	/* What was met by this address alone is this box too. */
	uint32_t other = find_other(f, at, &end->address);
	if (other != NO_BOX)
		unite(f, at, other);
	return root(f, at);
}

/* ---- the ends of steps ---- */

static struct record_address address_of(struct span text, uint16_t port)
{
	struct record_address address = { 0 };
	if (text.length > 0 && record_address_parse(text, &address) == 0)
		address.port = port;
	return address;
}

static struct end end_of_host(struct span host, uint16_t port)
{
	struct end end = { .address = address_of(host, port) };
	if (!end.address.family)
		end.name = host;
	return end;
}

static struct end end_of_uri(struct span uri)
{
	struct sip_uri parts;
	if (uri.length == 0 || sip_uri_parse(uri, &parts, NULL) != 0)
		return (struct end){ 0 };
	return end_of_host(parts.host, parts.port);
}

static bool is_known(const struct end *end)
{
	return end->node.length > 0 || end->name.length > 0 || end->address.family;
}

/* Who sent a request, by its top Via; who gets an answer is the same one. */
static struct end end_of_via(const struct explain_message *m)
{
	if (!m->detail || m->detail->via_count == 0)
		return (struct end){ 0 };
	const struct explain_via *via = &m->detail->vias[0];
	struct end end = end_of_host(via->host, via->port);
	if (!end.address.family)
		end.address = address_of(via->received, 0);
	return end;
}

/* Who answered, where nothing else tells: Microsoft's servers say so. */
static struct end end_of_source(const struct explain_message *m)
{
	for (size_t i = 0; m->detail && i < m->detail->diagnostics_count; i++)
		if (m->detail->diagnostics[i].source.length > 0)
			return (struct end){ .name = m->detail->diagnostics[i].source };
	return (struct end){ 0 };
}

static struct end far_end(const struct explain_message *m, bool far_sends)
{
	struct end end;
	if (m->is_request)
		end = far_sends ? end_of_via(m) : end_of_uri(m->request_uri);
	else
		end = far_sends ? end_of_source(m) : end_of_via(m);
	if (!is_known(&end) && !m->is_request && far_sends)
		end = end_of_uri(m->to_uri);
	if (!is_known(&end))
		end = end_of_uri(m->is_request == far_sends ? m->from_uri : m->to_uri);
	return end;
}

static struct end near_end(const struct explain_event *e)
{
	const struct explain_message *m = &e->message;
	struct end end = { .node = m->direction == RECORD_PASSED ? SPAN_NONE : e->node, .address = m->local };
	if (!is_known(&end))
		end = far_end(m, m->direction != RECORD_RECEIVED);
	return end;
}

static struct end remote_end(const struct explain_message *m)
{
	struct end end = { .name = m->peer, .address = m->remote };
	if (!is_known(&end))
		end = far_end(m, m->direction == RECORD_RECEIVED);
	return end;
}

static void message_ends(
	struct finding_hosts *f, const struct explain_event *e, uint32_t *ret_sender, uint32_t *ret_receiver)
{
	struct end near = near_end(e), far = remote_end(&e->message);
	bool received = e->message.direction == RECORD_RECEIVED;
	uint32_t here = box_of(f, &near), there = box_of(f, &far);
	/* A log that is a capture is nobody's. */
	if (e->message.direction != RECORD_PASSED && is_known(&near))
		f->boxes[here].has_log = true;
	*ret_sender = received ? there : here;
	*ret_receiver = received ? here : there;
}

/* What a record is about that is none of a message. */
static void record_ends(struct finding_hosts *f, const struct explain_event *e, uint32_t *ret_here, uint32_t *ret_there)
{
	const struct record *r = e->record;
	struct end near = { .node = e->node }, far = { 0 };
	if (r->kind == RECORD_CONNECTION) {
		near.address = r->connection.local;
		far = (struct end){ .name = r->connection.peer, .address = r->connection.remote };
	} else if (r->kind == RECORD_HANDSHAKE) {
		near.address = r->handshake.local;
		far = (struct end){ .name = r->handshake.role == RECORD_CLIENT ? r->handshake.server_name : SPAN_NONE,
			.address = r->handshake.remote };
	} else if (r->kind == RECORD_NOTICE) {
		near.address = r->notice.local;
	}
	*ret_here = box_of(f, &near);
	f->boxes[*ret_here].has_log |= !e->place.counts_packets;
	*ret_there = is_known(&far) ? box_of(f, &far) : NO_BOX;
}

/* ---- columns ---- */

static uint32_t column_of(const struct finding_hosts *f, uint32_t box)
{
	for (uint32_t i = 0; i < f->order_count; i++)
		if (root(f, f->order[i]) == root(f, box))
			return i;
	return NO_BOX;
}

static void insert_column(struct finding_hosts *f, uint32_t at, uint32_t box)
{
	memmove(&f->order[at + 1], &f->order[at], (f->order_count - at) * sizeof(*f->order));
	f->order[at] = box;
	f->order_count++;
}

/* from stands nearer to the caller. */
static void place(struct finding_hosts *f, uint32_t from, uint32_t to)
{
	uint32_t left = column_of(f, from), right = column_of(f, to);
	if (left == NO_BOX && right == NO_BOX) {
		insert_column(f, f->order_count, from);
		left = column_of(f, from);
		right = column_of(f, to);
	}
	if (right == NO_BOX)
		insert_column(f, f->order_count, to);
	else if (left == NO_BOX)
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

static bool order_columns(struct finding_hosts *f, const struct explain_case *c, struct arena *arena)
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

/* ---- all of it ---- */

static void find_shared(struct finding_hosts *f, const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_message *m = &c->steps[i].event->message;
		if (c->steps[i].event->kind != RECORD_MESSAGE || !is_same_ip(&m->local, &m->remote) ||
			m->local.port == m->remote.port || is_shared(f, &m->local) || f->shared_count == SHARED_MAXIMUM)
			continue;
		f->shared[f->shared_count++] = m->local;
	}
}

/* Both logs speak of the same two boxes. */
static void find_pair(struct finding_hosts *f, struct explain_step *step)
{
	uint32_t sender, receiver, other_sender, other_receiver;
	message_ends(f, step->event, &sender, &receiver);
	message_ends(f, step->second, &other_sender, &other_receiver);
	unite(f, sender, other_sender);
	unite(f, other_receiver, receiver);
	step->from = sender;
	step->to = other_receiver;
}

/* ---- judgements ---- */

/* "vcse.steven.lab:25002" */
static struct end end_of_peer(struct span peer)
{
	size_t colon = peer.length;
	while (colon > 0 && peer.at[colon - 1] != ':')
		colon--;
	uint64_t port;
	if (colon == 0 || span_to_u64(span_from(peer, colon), UINT16_MAX, &port) != 0)
		return (struct end){ 0 };
	struct end end = end_of_host(span_first(peer, colon - 1), (uint16_t)port);
	end.address.port = (uint16_t)port;
	return end;
}

/* A box judged a message of that peer and that port of it; here is the peer's own log of a message at that port: what
 * is at the other end is the box that judged. */
static void find_judge(struct finding_hosts *f, const struct explain_case *c, uint32_t judge, struct span peer)
{
	struct end end = end_of_peer(peer);
	for (uint32_t i = 0; i < c->step_count && end.address.port; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind != RECORD_MESSAGE || e->message.local.port != end.address.port || c->steps[i].second)
			continue;
		bool sent = e->message.direction != RECORD_RECEIVED;
		uint32_t near = root(f, sent ? c->steps[i].from : c->steps[i].to);
		uint32_t far = root(f, sent ? c->steps[i].to : c->steps[i].from);
		const struct box *box = &f->boxes[near];
		if (is_same_name(box->node, end.name) || is_same_name(box->name, end.name) ||
			is_same_ip(&e->message.local, &end.address)) {
			unite(f, judge, far);
			return;
		}
	}
}

static void find_judges(struct finding_hosts *f, const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++)
		if (c->steps[i].event->kind == RECORD_JUDGEMENT)
			find_judge(f, c, c->steps[i].from, c->steps[i].event->record->judgement.peer);
}

static void find_single(struct finding_hosts *f, struct explain_step *step)
{
	if (step->event->kind == RECORD_MESSAGE) {
		message_ends(f, step->event, &step->from, &step->to);
		return;
	}
	record_ends(f, step->event, &step->from, &step->to);
	step->is_arrow = step->to != NO_BOX;
	if (!step->is_arrow)
		step->to = step->from;
}

static struct span host_name(const struct finding_hosts *f, const struct box *box, struct arena *arena)
{
	char text[RECORD_ADDRESS_TEXT];
	if (box->node.length > 0 || box->name.length > 0)
		return arena_copy(arena, box->node.length > 0 ? box->node : box->name);
	if (box->address_count == 0 || !is_shared(f, &box->addresses[0]))
		return SPAN_NONE;
	record_address_format(&box->addresses[0], text);
	return arena_printf(
		arena, box->addresses[0].family == 6 ? "[%s]:%u" : "%s:%u", text, (unsigned)box->addresses[0].port);
}

static bool make_hosts(const struct finding_hosts *f, struct explain_case *c, struct arena *arena)
{
	c->hosts = arena_zero(arena, (f->order_count + 1) * sizeof(*c->hosts));
	if (!c->hosts)
		return false;
	for (uint32_t i = 0; i < f->order_count; i++) {
		const struct box *box = &f->boxes[root(f, f->order[i])];
		struct explain_host *host = &c->hosts[i];
		host->name = host_name(f, box, arena);
		host->has_log = box->has_log;
		for (size_t k = 0; k < box->address_count; k++) {
			struct record_address a = box->addresses[k];
			a.port = 0;
			bool known = false;
			for (size_t n = 0; n < host->address_count; n++)
				known |= record_address_equal(&host->addresses[n], &a);
			if (!known)
				host->addresses[host->address_count++] = a;
		}
	}
	c->host_count = f->order_count;
	return true;
}

bool joiner_find_hosts(struct explain_joiner *j, struct explain_case *c, struct arena *arena)
{
	struct finding_hosts *f = arena_allocate(&j->scratch, sizeof(*f));
	if (!f)
		return false;
	f->j = j;
	f->count = f->order_count = 0;
	f->shared_count = 0;
	find_shared(f, c);
	for (uint32_t i = 0; i < c->step_count; i++)
		if (c->steps[i].second)
			find_pair(f, &c->steps[i]);
	for (uint32_t i = 0; i < c->step_count; i++)
		if (!c->steps[i].second)
			find_single(f, &c->steps[i]);
	find_judges(f, c);
	if (!order_columns(f, c, &j->scratch) || !make_hosts(f, c, arena))
		return false;
	for (uint32_t i = 0; i < c->step_count; i++) {
		c->steps[i].from = column_of(f, c->steps[i].from);
		c->steps[i].to = column_of(f, c->steps[i].to);
	}
	return true;
}
