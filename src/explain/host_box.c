/* SPDX-License-Identifier: Apache-2.0 */
/* Boxes by their names and addresses: in its own log a box has a name, in its certificate another, and it has a few
 * addresses; whatever is said of one of them is said of the box. */
#include "explain/host_private.h"

/* ---- addresses and names ---- */

bool host_is_same_ip(const struct record_address *a, const struct record_address *b)
{
	return a->family && a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool host_is_shared(const struct host_finding *f, const struct record_address *address)
{
	for (size_t i = 0; i < f->shared_count; i++)
		if (host_is_same_ip(&f->shared[i], address))
			return true;
	return false;
}

static bool is_same_place(const struct host_finding *f, const struct record_address *a, const struct record_address *b)
{
	return host_is_same_ip(a, b) && (a->port == b->port || !host_is_shared(f, a));
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

bool host_is_same_name(struct span a, struct span b)
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

uint32_t host_root(const struct host_finding *f, uint32_t box)
{
	while (f->boxes[box].same_as != box)
		box = f->boxes[box].same_as;
	return box;
}

static void add_address(struct host_finding *f, struct host_box *box, const struct record_address *address)
{
	if (!address->family)
		return;
	for (size_t i = 0; i < box->address_count; i++)
		if (is_same_place(f, &box->addresses[i], address))
			return;
	if (box->address_count < EXPLAIN_HOST_ADDRESSES_MAXIMUM)
		box->addresses[box->address_count++] = *address;
}

static void tell_box(struct host_finding *f, uint32_t at, const struct host_end *end)
{
	struct host_box *box = &f->boxes[at];
	if (end->node.length > 0 && box->node.length == 0)
		box->node = end->node;
	/* A whole name says more than its first label. */
	if (end->name.length > 0 && !is_ip_text(end->name) &&
		(box->name.length == 0 ||
			(span_find(box->name, '.') == box->name.length && host_is_same_name(box->name, end->name))))
		box->name = end->name;
	add_address(f, box, &end->address);
}

void host_unite(struct host_finding *f, uint32_t a, uint32_t b)
{
	a = host_root(f, a);
	b = host_root(f, b);
	if (a == b)
		return;
	/* Two logs are two boxes, whatever addresses say: behind one address translator they look the same. */
	if (f->boxes[a].node.length > 0 && f->boxes[b].node.length > 0 &&
		!span_equal_nocase(f->boxes[a].node, f->boxes[b].node))
		return;
	const struct host_box gone = f->boxes[b];
	f->boxes[b].same_as = a;
	f->boxes[a].has_log |= gone.has_log;
	tell_box(f, a, &(struct host_end){ .node = gone.node, .name = gone.name });
	for (size_t i = 0; i < gone.address_count; i++)
		add_address(f, &f->boxes[a], &gone.addresses[i]);
}

static uint32_t find_node(const struct host_finding *f, struct span node)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->boxes[i].same_as == i && f->boxes[i].node.length > 0 &&
			span_equal_nocase(f->boxes[i].node, node))
			return i;
	return HOST_NONE;
}

static uint32_t find_address(const struct host_finding *f, const struct record_address *address)
{
	for (uint32_t i = 0; i < f->count; i++)
		for (size_t k = 0; k < f->boxes[i].address_count && f->boxes[i].same_as == i; k++)
			if (is_same_place(f, &f->boxes[i].addresses[k], address))
				return i;
	return HOST_NONE;
}

static uint32_t find_name(const struct host_finding *f, struct span name)
{
	for (uint32_t i = 0; i < f->count; i++)
		if (f->boxes[i].same_as == i &&
			(host_is_same_name(f->boxes[i].node, name) || host_is_same_name(f->boxes[i].name, name)))
			return i;
	return HOST_NONE;
}

static uint32_t add_box(struct host_finding *f)
{
	/* Beyond that many all are one: a case with so many hosts is no call. */
	if (f->count == HOST_BOXES_MAXIMUM)
		return HOST_BOXES_MAXIMUM - 1;
	f->boxes[f->count] = (struct host_box){ .same_as = f->count };
	return f->count++;
}

/* What the logs elsewhere say of the address. */
static uint32_t find_learned(struct host_finding *f, const struct host_end *end, struct host_end *ret_learned)
{
	const struct joiner_name *known =
		host_is_shared(f, &end->address) ? NULL : joiner_name_find(f->j, &end->address);
	*ret_learned = *end;
	if (!known)
		return HOST_NONE;
	if (known->is_node)
		ret_learned->node = span_of(known->text);
	else if (end->name.length == 0)
		ret_learned->name = span_of(known->text);
	return known->is_node ? find_node(f, span_of(known->text)) : find_name(f, span_of(known->text));
}

/* One that was met by its name or address before its own log was. */
static uint32_t find_nameless(const struct host_finding *f, const struct host_end *end)
{
	uint32_t at = find_name(f, end->node);
	if (at == HOST_NONE && end->address.family)
		at = find_address(f, &end->address);
	return at != HOST_NONE && f->boxes[at].node.length > 0 ? HOST_NONE : at;
}

static uint32_t find_other(const struct host_finding *f, uint32_t box, const struct record_address *address)
{
	for (uint32_t i = 0; i < f->count && address->family; i++)
		for (size_t k = 0; k < f->boxes[i].address_count && f->boxes[i].same_as == i && i != box; k++)
			if (is_same_place(f, &f->boxes[i].addresses[k], address))
				return i;
	return HOST_NONE;
}

uint32_t host_box_of(struct host_finding *f, const struct host_end *end)
{
	struct host_end learned = *end;
	uint32_t at = end->node.length > 0 ? find_node(f, end->node) : HOST_NONE;
	if (at == HOST_NONE && end->node.length == 0 && end->address.family) {
		at = find_address(f, &end->address);
		if (at == HOST_NONE)
			at = find_learned(f, end, &learned);
	}
	bool has_name = learned.name.length > 0 && !is_ip_text(learned.name);
	if (at == HOST_NONE && end->node.length == 0 && has_name)
		at = find_name(f, learned.name);
	if (at == HOST_NONE && end->node.length > 0)
		at = find_nameless(f, end);
	if (at == HOST_NONE)
		at = add_box(f);
	tell_box(f, at, &learned);
	/* What was met by this address alone is this box too. */
	uint32_t other = find_other(f, at, &end->address);
	if (other != HOST_NONE)
		host_unite(f, at, other);
	return host_root(f, at);
}
