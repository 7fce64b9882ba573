/* SPDX-License-Identifier: Apache-2.0 */
/* Who stands at the ends of each step. All that one and the same message says of its two ends is one box each; what
 * nobody logged is known by what the headers say. */
#include "explain/host_private.h"
#include "sip/uri.h"

/* ---- the ends of steps ---- */

static struct record_address address_of(struct span text, uint16_t port)
{
	struct record_address address = { 0 };
	if (text.length > 0 && record_address_parse(text, &address) == 0)
		address.port = port;
	return address;
}

static struct host_end end_of_host(struct span host, uint16_t port)
{
	struct host_end end = { .address = address_of(host, port) };
	if (!end.address.family)
		end.name = host;
	return end;
}

static struct host_end end_of_uri(struct span uri)
{
	struct sip_uri parts;
	if (uri.length == 0 || sip_uri_parse(uri, &parts, NULL) != 0)
		return (struct host_end){ 0 };
	return end_of_host(parts.host, parts.port);
}

static bool is_known(const struct host_end *end)
{
	return end->node.length > 0 || end->name.length > 0 || end->address.family;
}

/* Who sent a request, by its top Via; who gets an answer is the same one. */
static struct host_end end_of_via(const struct explain_message *m)
{
	if (!m->detail || m->detail->via_count == 0)
		return (struct host_end){ 0 };
	const struct explain_via *via = &m->detail->vias[0];
	struct host_end end = end_of_host(via->host, via->port);
	if (!end.address.family)
		end.address = address_of(via->received, 0);
	return end;
}

/* Who answered, where nothing else tells: Microsoft's servers say so. */
static struct host_end end_of_source(const struct explain_message *m)
{
	for (size_t i = 0; m->detail && i < m->detail->diagnostics_count; i++)
		if (m->detail->diagnostics[i].source.length > 0)
			return (struct host_end){ .name = m->detail->diagnostics[i].source };
	return (struct host_end){ 0 };
}

static struct host_end far_end(const struct explain_message *m, bool far_sends)
{
	struct host_end end;
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

static struct host_end near_end(const struct explain_event *e)
{
	const struct explain_message *m = &e->message;
	struct host_end end = { .node = m->direction == RECORD_PASSED ? SPAN_NONE : e->node, .address = m->local };
	if (!is_known(&end))
		end = far_end(m, m->direction != RECORD_RECEIVED);
	return end;
}

static struct host_end remote_end(const struct explain_message *m)
{
	struct host_end end = { .name = m->peer, .address = m->remote };
	if (!is_known(&end))
		end = far_end(m, m->direction == RECORD_RECEIVED);
	return end;
}

static void message_ends(
	struct host_finding *f, const struct explain_event *e, uint32_t *ret_sender, uint32_t *ret_receiver)
{
	struct host_end near = near_end(e), far = remote_end(&e->message);
	bool received = e->message.direction == RECORD_RECEIVED;
	uint32_t here = host_box_of(f, &near), there = host_box_of(f, &far);
	/* A log that is a capture is nobody's. */
	if (e->message.direction != RECORD_PASSED && is_known(&near))
		f->boxes[here].has_log = true;
	*ret_sender = received ? there : here;
	*ret_receiver = received ? here : there;
}

/* Whose file it is, as its messages tell; HOST_NONE where it has none in this case, or is a capture. */
static uint32_t box_of_file(const struct explain_case *c, uint32_t file)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_event *seen[] = { c->steps[i].event, c->steps[i].second };
		for (size_t k = 0; k < 2; k++)
			if (seen[k] && seen[k]->kind == RECORD_MESSAGE && seen[k]->place.file == file &&
				seen[k]->message.direction != RECORD_PASSED)
				return seen[k]->message.direction == RECORD_RECEIVED ? c->steps[i].to
										     : c->steps[i].from;
	}
	return HOST_NONE;
}

/* What a record is about that is none of a message. */
static void record_ends(struct host_finding *f, const struct explain_case *c, const struct explain_event *e,
	uint32_t *ret_here, uint32_t *ret_there)
{
	const struct record *r = e->record;
	struct host_end near = { .node = e->node }, far = { 0 };
	if (r->kind == RECORD_CONNECTION) {
		near.address = r->connection.local;
		far = (struct host_end){ .name = r->connection.peer, .address = r->connection.remote };
	} else if (r->kind == RECORD_HANDSHAKE) {
		near.address = r->handshake.local;
		far = (struct host_end){ .name = r->handshake.role == RECORD_CLIENT ? r->handshake.server_name
										    : SPAN_NONE,
			.address = r->handshake.remote };
	} else if (r->kind == RECORD_NOTICE) {
		near.address = r->notice.local;
	}
	*ret_here = is_known(&near) ? HOST_NONE : box_of_file(c, e->place.file);
	if (*ret_here == HOST_NONE)
		*ret_here = host_box_of(f, &near);
	f->boxes[*ret_here].has_log |= !e->place.counts_packets;
	*ret_there = is_known(&far) ? host_box_of(f, &far) : HOST_NONE;
}

/* ---- all of it ---- */

static void find_shared(struct host_finding *f, const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++) {
		const struct explain_message *m = &c->steps[i].event->message;
		if (c->steps[i].event->kind != RECORD_MESSAGE || !host_is_same_ip(&m->local, &m->remote) ||
			m->local.port == m->remote.port || host_is_shared(f, &m->local) ||
			f->shared_count == HOST_SHARED_MAXIMUM)
			continue;
		f->shared[f->shared_count++] = m->local;
	}
}

/* Both logs speak of the same two boxes. */
static void find_pair(struct host_finding *f, struct explain_step *step)
{
	uint32_t sender, receiver, other_sender, other_receiver;
	message_ends(f, step->event, &sender, &receiver);
	message_ends(f, step->second, &other_sender, &other_receiver);
	host_unite(f, sender, other_sender);
	host_unite(f, other_receiver, receiver);
	step->from = sender;
	step->to = other_receiver;
}

/* ---- judgements ---- */

/* "vcse.steven.lab:25002" */
static struct host_end end_of_peer(struct span peer)
{
	size_t colon = peer.length;
	while (colon > 0 && peer.at[colon - 1] != ':')
		colon--;
	uint64_t port;
	if (colon == 0 || span_to_u64(span_from(peer, colon), UINT16_MAX, &port) != 0)
		return (struct host_end){ 0 };
	struct host_end end = end_of_host(span_first(peer, colon - 1), (uint16_t)port);
	end.address.port = (uint16_t)port;
	return end;
}

/* A box judged a message of that peer and that port of it; here is the peer's own log of a message at that port: what
 * is at the other end is the box that judged. */
static void find_judge(struct host_finding *f, const struct explain_case *c, uint32_t judge, struct span peer)
{
	struct host_end end = end_of_peer(peer);
	for (uint32_t i = 0; i < c->step_count && end.address.port; i++) {
		const struct explain_event *e = c->steps[i].event;
		if (e->kind != RECORD_MESSAGE || e->message.local.port != end.address.port || c->steps[i].second)
			continue;
		bool sent = e->message.direction != RECORD_RECEIVED;
		uint32_t near = host_root(f, sent ? c->steps[i].from : c->steps[i].to);
		uint32_t far = host_root(f, sent ? c->steps[i].to : c->steps[i].from);
		const struct host_box *box = &f->boxes[near];
		if (host_is_same_name(box->node, end.name) || host_is_same_name(box->name, end.name) ||
			host_is_same_ip(&e->message.local, &end.address)) {
			host_unite(f, judge, far);
			return;
		}
	}
}

static void find_judges(struct host_finding *f, const struct explain_case *c)
{
	for (uint32_t i = 0; i < c->step_count; i++)
		if (c->steps[i].event->kind == RECORD_JUDGEMENT)
			find_judge(f, c, c->steps[i].from, c->steps[i].event->record->judgement.peer);
}

static void find_record(struct host_finding *f, const struct explain_case *c, struct explain_step *step)
{
	record_ends(f, c, step->event, &step->from, &step->to);
	step->is_arrow = step->to != HOST_NONE;
	if (!step->is_arrow)
		step->to = step->from;
}

static struct span host_name(const struct host_finding *f, const struct host_box *box, struct arena *arena)
{
	char text[RECORD_ADDRESS_TEXT];
	if (box->node.length > 0 || box->name.length > 0)
		return arena_copy(arena, box->node.length > 0 ? box->node : box->name);
	if (box->address_count == 0 || !host_is_shared(f, &box->addresses[0]))
		return SPAN_NONE;
	record_address_format(&box->addresses[0], text);
	return arena_printf(
		arena, box->addresses[0].family == 6 ? "[%s]:%u" : "%s:%u", text, (unsigned)box->addresses[0].port);
}

static bool make_hosts(const struct host_finding *f, struct explain_case *c, struct arena *arena)
{
	c->hosts = arena_zero(arena, (f->order_count + 1) * sizeof(*c->hosts));
	if (!c->hosts)
		return false;
	for (uint32_t i = 0; i < f->order_count; i++) {
		const struct host_box *box = &f->boxes[host_root(f, f->order[i])];
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
	struct host_finding *f = arena_allocate(&j->scratch, sizeof(*f));
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
		if (!c->steps[i].second && c->steps[i].event->kind == RECORD_MESSAGE)
			message_ends(f, c->steps[i].event, &c->steps[i].from, &c->steps[i].to);
	for (uint32_t i = 0; i < c->step_count; i++)
		if (c->steps[i].event->kind != RECORD_MESSAGE)
			find_record(f, c, &c->steps[i]);
	find_judges(f, c);
	if (!host_order_columns(f, c, &j->scratch) || !make_hosts(f, c, arena))
		return false;
	for (uint32_t i = 0; i < c->step_count; i++) {
		c->steps[i].from = host_column_of(f, c->steps[i].from);
		c->steps[i].to = host_column_of(f, c->steps[i].to);
	}
	return true;
}
