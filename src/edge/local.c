/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/local.h"

#include "edge/answer.h"
#include "edge/registry.h"
#include "route/next_hop.h"

#include <stdio.h>

struct span edge_local_source(const struct transport_arrival *arrival, char ret_text[REGISTRAR_SOURCE_SIZE])
{
	char remote[NET_ADDRESS_TEXT_SIZE];
	struct transport_flow flow = arrival->flow;
	if (!transport_flow_is_connection(flow)) {
		net_address_format(&arrival->remote, remote);
		return registrar_source_of_datagram(span_of(remote), ret_text);
	}
	int length = snprintf(ret_text, REGISTRAR_SOURCE_SIZE, "connection %u %u %u", (unsigned)flow.worker,
		(unsigned)flow.slot, (unsigned)flow.generation);
	return span_make(ret_text, (size_t)length);
}

bool edge_local_is_phone(struct edge_worker *worker, const struct transport_arrival *arrival)
{
	char text[REGISTRAR_SOURCE_SIZE];
	if (!worker->site->local || registrar_location_count(worker->shared->registry->location) == 0)
		return false;
	return registrar_location_is_source(worker->shared->registry->location, edge_local_source(arrival, text));
}

/* ---- one binding ---- */

static bool came_from(const struct registrar_binding *binding, struct transport_target *ret_target)
{
	*ret_target = (struct transport_target){ .protocol = transport_protocol_parse(binding->transport) };
	return ret_target->protocol && net_address_parse_port(binding->received, 5060, &ret_target->address) == 0;
}

/* Its Contact is of the host it sent from: then the Contact leads there. (A phone may send from one port and listen on
 * another.) What a name leads to is up to whoever owns it, today and tomorrow: a user could have us send anywhere. */
static bool contact_leads_there(const struct registrar_binding *binding, const struct transport_target *from)
{
	struct sip_uri uri;
	struct net_address address;
	if (sip_uri_parse(binding->contact, &uri, NULL) < 0)
		return false;
	return net_address_parse(uri.host, 0, &address) == 0 && net_address_equal_host(&address, &from->address);
}

static void over_its_flow(const struct registrar_binding *binding, struct edge_contact *contact)
{
	contact->has_target = true;
	contact->target.flags = TRANSPORT_TARGET_FLOW;
	contact->target.flow =
		(struct transport_flow){ binding->flow.worker, binding->flow.slot, binding->flow.generation };
}

/* Up to two ways to one phone; as many as there are. */
static size_t ways_of(const struct registrar_binding *binding, struct edge_contact ways[2])
{
	struct edge_contact contact = { .uri = binding->contact,
		.path = binding->path,
		.q = binding->q,
		.instance = binding->instance,
		.reg_id = binding->reg_id };
	size_t count = 0;
	ways[0] = contact;
	if (binding->path.at || !came_from(binding, &contact.target))
		return 1;
	bool is_stream = transport_protocol_is_stream(contact.target.protocol);
	if (binding->outbound) {
		/* RFC 5626: by its flow or not at all; one of before a restart is gone. */
		if (!registrar_flow_is_set(binding->flow))
			return 0;
		over_its_flow(binding, &contact);
		ways[0] = contact;
		return 1;
	}
	bool leads_there = contact_leads_there(binding, &contact.target);
	if (!is_stream) {
		/* Behind a NAT the address it was seen at is the one that leads back. */
		contact.has_target = !leads_there;
		if (registrar_flow_is_set(binding->flow) && contact.has_target)
			over_its_flow(binding, &contact);
		ways[0] = contact;
		return 1;
	}
	if (registrar_flow_is_set(binding->flow)) {
		over_its_flow(binding, &contact);
		ways[count++] = contact;
	}
	/* Its connection may be gone while it listens: the Contact is the second way. */
	if (leads_there) {
		contact.has_target = false;
		ways[count++] = contact;
	}
	if (count == 2 && !contact.instance.at) {
		ways[0].instance = ways[1].instance = binding->contact;
		ways[0].reg_id = 1;
		ways[1].reg_id = 2;
	}
	return count;
}

/* ---- all of them ---- */

static size_t contacts_of(struct edge_request *request, const struct registrar_binding *bindings, size_t count,
	const struct edge_contact **ret_contacts)
{
	struct edge_contact *contacts = arena_zero(request->arena, EDGE_CONTACTS_MAXIMUM * sizeof(*contacts));
	size_t found = 0;
	if (!contacts)
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
	for (size_t i = 0; contacts && i < count; i++) {
		struct edge_contact ways[2];
		size_t more = ways_of(&bindings[i], ways);
		for (size_t k = 0; k < more && found < EDGE_CONTACTS_MAXIMUM; k++)
			contacts[found++] = ways[k];
	}
	*ret_contacts = contacts;
	return found;
}

/* The GRUU that was dialled, if the alias is still that of the Request-URI: `gr` stands behind it. */
static struct registrar_gruu gruu_of(
	const struct edge_request *request, const struct registrar_location *location, struct span alias)
{
	struct registrar_gruu none = { .kind = REGISTRAR_GRUU_NONE };
	struct span own = route_alias(&request->hop.uri);
	if (!own.at || !span_equal(own, alias))
		return none;
	return registrar_gruu_read(registrar_location_key(location), &request->hop.uri);
}

size_t edge_local_contacts(
	struct edge_request *request, struct span alias, const struct edge_contact **ret_contacts, bool *ret_is_known)
{
	struct registrar_location *location = request->worker->shared->registry->location;
	int64_t now_us = clock_wall_us(&request->worker->shared->clock);
	const struct registrar_binding *bindings = NULL;
	struct span aor = registrar_aor_of_text(alias, request->arena);
	*ret_is_known = false;
	*ret_contacts = NULL;
	if (!aor.at || !request->site->local)
		return 0;
	struct registrar_gruu gruu = gruu_of(request, location, alias);
	int status;
	if (gruu.kind == REGISTRAR_GRUU_TEMPORARY)
		status = registrar_location_find_temporary(location, &gruu, now_us, request->arena, &aor, &bindings);
	else
		status = registrar_location_find(location, aor, now_us, request->arena, &bindings);
	if (status < 0) /* whoever is registered is not said to be away */
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
	size_t count = status < 0 ? 0 : (size_t)status;
	*ret_is_known = count > 0 || (request->site->users && registrar_users_know(request->site->users, aor));
	if (gruu.kind != REGISTRAR_GRUU_PUBLIC)
		return contacts_of(request, bindings, count, ret_contacts);
	/* RFC 5627 5.1: of all phones of the address the one that is named. */
	struct registrar_binding *named = arena_zero(request->arena, (count + 1) * sizeof(*named));
	size_t named_count = 0;
	if (!named)
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
	for (size_t i = 0; named && i < count; i++)
		if (registrar_gruu_fits(&gruu, registrar_location_key(location), &bindings[i]))
			named[named_count++] = bindings[i];
	return contacts_of(request, named, named_count, ret_contacts);
}
