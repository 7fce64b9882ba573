/* SPDX-License-Identifier: Apache-2.0 */
#include "edge/contacts.h"

#include "edge/answer.h"
#include "edge/forward.h"
#include "edge/journal.h"

static bool same_phone(const struct edge_contact *a, const struct edge_contact *b)
{
	return a->instance.length > 0 && span_equal(a->instance, b->instance);
}

size_t edge_contacts_tier(const struct edge_contact *contacts, size_t count, size_t from,
	uint8_t ret_branch_of[EDGE_CONTACTS_MAXIMUM], size_t *ret_branches)
{
	size_t end = from;
	*ret_branches = 0;
	for (; end < count && end - from < EDGE_CONTACTS_MAXIMUM && contacts[end].q == contacts[from].q; end++) {
		size_t known = from;
		while (known < end && !same_phone(&contacts[known], &contacts[end]))
			known++;
		ret_branch_of[end - from] = known < end ? ret_branch_of[known - from] : (uint8_t)(*ret_branches)++;
	}
	return end;
}

static void begin_branch(struct edge_contacts *of, struct edge_request *request, const uint8_t *branch_of,
	size_t number, size_t from, size_t end, size_t beside)
{
	const struct edge_contact **flows = arena_allocate(request->arena, (end - from) * sizeof(*flows));
	struct edge_branch *branch = flows ? edge_branch_new(request, EDGE_WAY_CONTACT, beside) : NULL;
	if (!branch)
		return;
	branch->of = of;
	branch->zone = of->zone;
	branch->alias = of->alias;
	branch->group = of->group;
	branch->flows = flows;
	of->open++;
	for (size_t i = from; i < end; i++)
		if (branch_of[i - from] == number)
			flows[branch->server_count++] = &of->contacts[i];
	if (!edge_branch_walk(branch))
		edge_branch_end(branch);
}

static void begin_tier(struct edge_contacts *of, struct edge_request *request)
{
	uint8_t branch_of[EDGE_CONTACTS_MAXIMUM];
	size_t branches;
	size_t from = of->next_contact;
	of->next_contact = edge_contacts_tier(of->contacts, of->count, from, branch_of, &branches);
	for (size_t i = 0; i < branches && edge_forward_may_begin(request); i++)
		begin_branch(of, request, branch_of, i, from, of->next_contact, branches - i - 1 + of->beside);
	of->beside = 0;
}

void edge_contacts_advance(struct edge_request *request)
{
	for (struct edge_contacts *of = request->contacts; of; of = of->next)
		while (of->open == 0 && of->next_contact < of->count && edge_forward_may_begin(request))
			begin_tier(of, request);
}

void edge_contacts_begin(struct edge_request *request, const struct edge_zone *zone, struct span alias, size_t beside)
{
	struct edge_contacts *of = arena_zero(request->arena, sizeof(*of));
	bool is_known = false;
	edge_journal_zone(request, zone, alias);
	if (!of) {
		edge_answer_note(request, EDGE_OUTCOME_INTERNAL);
		return;
	}
	of->zone = zone;
	of->alias = alias;
	of->group = request->group;
	of->beside = beside;
	of->count = edge_local_contacts(request, alias, &of->contacts, &is_known);
	of->next = request->contacts;
	request->contacts = of;
	if (of->count == 0)
		edge_answer_note(request, is_known ? EDGE_OUTCOME_NOT_REGISTERED : EDGE_OUTCOME_UNKNOWN_USER);
	edge_contacts_advance(request);
}

/* The first hop to it: of its Path, else of its contact's own URI. */
static bool next_hop(const struct edge_contact *contact, struct sip_uri *ret_uri)
{
	struct sip_address address;
	struct span first = span_first(contact->path, span_find(contact->path, '>') + 1); /* of a list */
	if (contact->path.length > 0)
		return sip_address_parse_uri(first, &address, ret_uri) == 0 && sip_uri_is_sip(ret_uri);
	return sip_uri_parse(contact->uri, ret_uri, NULL) == 0 && sip_uri_is_sip(ret_uri);
}

enum edge_progress edge_contacts_targets(struct edge_branch *branch, size_t flow)
{
	const struct edge_contact *contact = branch->contact = branch->flows[flow];
	struct sip_uri uri;
	if (contact->has_target) {
		edge_target_add(branch, contact->target);
		return EDGE_CONTINUE;
	}
	if (!next_hop(contact, &uri))
		return EDGE_CONTINUE;
	struct transport_question question = edge_target_question(&uri, 0);
	return edge_target_numeric(branch, &question) ? EDGE_CONTINUE : edge_target_resolve(branch, &question);
}
