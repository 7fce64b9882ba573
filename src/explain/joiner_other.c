/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are no messages: by Call-ID, serial number or tag they belong to a case, else to what the box was just
 * doing. */
#include "explain/joiner_private.h"

#define DNS_WINDOW_US INT64_C(40000000)
#define RULE_WINDOW_US INT64_C(2000000)
#define CALL_WINDOW_US INT64_C(40000000)

static struct joiner_leg *leg_by(struct explain_joiner *j, enum joiner_key_kind kind, struct span text, bool make)
{
	if (text.length == 0)
		return NULL;
	uint64_t hash = joiner_hash(j, kind, text);
	struct joiner_leg *leg = joiner_find(j, hash);
	if (leg || !make)
		return leg;
	leg = joiner_leg_new(j);
	if (!leg)
		return NULL;
	if (kind == KEY_CALL_ID)
		leg->call_hash = hash;
	joiner_add_key(j, leg, hash);
	return leg;
}

/* By what the line itself says of its call. */
static struct joiner_leg *named_leg(struct explain_joiner *j, const struct explain_event *event, bool make)
{
	struct joiner_leg *leg = leg_by(j, KEY_SERIAL, event->serial, false);
	if (!leg)
		leg = leg_by(j, KEY_TAG, event->tag, false);
	if (!leg && make)
		leg = leg_by(j, KEY_SERIAL, event->serial, true);
	if (!leg && make)
		leg = leg_by(j, KEY_TAG, event->tag, true);
	/* Either may be all that another line has. */
	if (leg && event->serial.length > 0)
		joiner_join_by(j, leg, joiner_hash(j, KEY_SERIAL, event->serial), EXPLAIN_JOIN_SERIAL);
	if (leg && event->tag.length > 0)
		joiner_join_by(j, leg, joiner_hash(j, KEY_TAG, event->tag), EXPLAIN_JOIN_TAG);
	return leg;
}

/* ---- judgements ---- */

/* "2066245576 INVITE" */
static enum sip_method method_of(struct span cseq)
{
	struct span method = cseq;
	(void)span_cut(&method, ' ');
	return sip_method_find(span_trim(method));
}

/* The newest request at hand on this box that has the correlation of the trace, or the only one. */
static struct joiner_leg *leg_at_hand(struct explain_joiner *j, const struct explain_event *event, bool *ret_near)
{
	const struct record_judgement *judged = &event->record->judgement;
	const struct joiner_wanted wanted = { .names = { judged->subject }, .window_us = DNS_WINDOW_US };
	return joiner_recent_find(j, event, &wanted, ret_near);
}

static void take_judgement(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record_judgement *judged = &event->record->judgement;
	bool is_near = false;
	struct joiner_leg *leg = leg_by(j, KEY_CALL_ID, judged->call_id, true);
	if (!leg)
		leg = leg_at_hand(j, event, &is_near);
	if (!leg && judged->severity == RECORD_NOTE)
		return;
	if (!leg)
		leg = joiner_leg_new(j);
	if (!leg)
		return;
	if (!leg->is_sip && !is_near) {
		leg->is_sip = true;
		leg->method = method_of(judged->cseq);
		leg->has_method = judged->cseq.length > 0;
	}
	leg->is_judged |= judged->severity != RECORD_NOTE && !is_near;
	joiner_take(j, leg, event, is_near);
	const struct joiner_entry *kept = leg->joined->last;
	if (kept && kept->order == j->order && leg->call_id.length == 0)
		leg->call_id = kept->event->record->judgement.call_id;
}

/* ---- DNS, rules ---- */

/* "0 0 5061 vcse.a.example." or an address: the last word. */
static void take_answers(struct explain_joiner *j, struct joiner_joined *d, const struct record_dns *dns)
{
	for (size_t i = 0; i < dns->records.count; i++) {
		struct span data = span_trim(dns->records.at[i]);
		size_t start = data.length;
		while (start > 0 && data.at[start - 1] != ' ')
			start--;
		struct span last = span_from(data, start);
		struct record_address address = { 0 };
		if (record_address_parse(last, &address) != 0) {
			if (d)
				joiner_interest_add(d, last);
			continue;
		}
		joiner_name_learn(j, &address, dns->name, false);
		if (d)
			joiner_interest_add_address(d, &address);
	}
}

static void take_dns(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record_dns *dns = &event->record->dns;
	const struct joiner_wanted wanted = { .names = { dns->name }, .window_us = DNS_WINDOW_US };
	bool is_near = false;
	struct joiner_leg *leg = named_leg(j, event, false);
	if (!leg)
		leg = joiner_recent_find(j, event, &wanted, &is_near);
	if (event->kind == RECORD_DNS_ANSWER)
		take_answers(j, leg ? leg->joined : NULL, dns);
	if (leg)
		(void)joiner_keep(j, leg, event, is_near);
}

static void take_rule(struct explain_joiner *j, const struct explain_event *event)
{
	const struct joiner_wanted wanted = { .alias = event->record->rule.alias, .window_us = RULE_WINDOW_US };
	bool is_near = false;
	struct joiner_leg *leg = named_leg(j, event, false);
	if (!leg)
		leg = joiner_recent_find(j, event, &wanted, &is_near);
	if (leg)
		(void)joiner_keep(j, leg, event, is_near);
}

/* ---- events of calls and searches ---- */

static void take_call(struct joiner_leg *leg, const struct record_call *call)
{
	leg->is_pending = call->event == RECORD_CALL_ATTEMPTED;
	leg->is_answered |= call->event == RECORD_CALL_CONNECTED;
	leg->is_judged |= call->event == RECORD_CALL_REJECTED;
	leg->method = SIP_METHOD_INVITE;
}

static void take_search(struct joiner_leg *leg, const struct record_search *search)
{
	bool completed = search->event == RECORD_SEARCH_COMPLETED;
	leg->is_pending = !completed;
	leg->is_judged |= completed && !search->found && search->response_code >= 300;
	leg->method = sip_method_find(search->method);
}

/* The first message of the leg that is kept came from there; ports are those of the connection. */
static bool came_from(const struct joiner_leg *leg, const struct record_address *caller)
{
	const struct joiner_entry *entry = leg->joined->first;
	while (entry && (entry->leg != leg || entry->event->kind != RECORD_MESSAGE))
		entry = entry->next;
	return entry && entry->event->message.direction == RECORD_RECEIVED &&
	       (!caller->family || record_address_equal(&entry->event->message.remote, caller));
}

/* Where the clock of a box is behind, the call has its names from that box before this one has said a word of it: the
 * request that this one speaks of is a part of the same call. */
static void join_own_request(struct explain_joiner *j, struct joiner_leg *named, const struct explain_event *event,
	const struct joiner_wanted *wanted)
{
	bool is_near = false;
	if (event->record->call.event != RECORD_CALL_ATTEMPTED || joiner_recent_knows(j, named->joined))
		return;
	struct joiner_leg *own = joiner_recent_find(j, event, wanted, &is_near);
	if (own && !is_near && own->joined != named->joined && came_from(own, &event->record->call.remote))
		joiner_join(j, named, own, event->tag.length > 0 ? EXPLAIN_JOIN_TAG : EXPLAIN_JOIN_SERIAL);
}

static void take_event(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record *r = event->record;
	const struct joiner_wanted wanted = { .alias = r->kind == RECORD_CALL ? r->call.destination
									      : r->search.destination,
		.window_us = CALL_WINDOW_US };
	bool is_near = false;
	struct joiner_leg *leg = r->kind == RECORD_CALL ? leg_by(j, KEY_CALL_ID, r->call.call_id, false) : NULL;
	if (!leg)
		leg = named_leg(j, event, false);
	if (leg && r->kind == RECORD_CALL)
		join_own_request(j, leg, event, &wanted);
	if (!leg)
		leg = joiner_recent_find(j, event, &wanted, &is_near);
	if (leg && is_near)
		leg = NULL;
	if (leg && event->serial.length > 0)
		joiner_join_by(j, leg, joiner_hash(j, KEY_SERIAL, event->serial), EXPLAIN_JOIN_SERIAL);
	if (!leg)
		leg = named_leg(j, event, true);
	if (!leg)
		return;
	if (!leg->is_sip) {
		leg->is_event = true;
		if (r->kind == RECORD_CALL)
			take_call(leg, &r->call);
		else
			take_search(leg, &r->search);
	}
	joiner_take(j, leg, event, false);
}

/* ---- notices ---- */

static void take_notice(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record_notice *n = &event->record->notice;
	const struct joiner_wanted wanted = { .window_us = RULE_WINDOW_US };
	bool is_near = false;
	struct joiner_leg *leg = named_leg(j, event, false);
	if (leg) {
		(void)joiner_keep(j, leg, event, false);
		return;
	}
	if (span_is(n->module, "capture") && span_is(n->name, "name of an address")) {
		joiner_name_learn(j, &n->remote, n->detail, false);
		return;
	}
	joiner_aside(j, event);
	if (joiner_notice_is_failure(n)) {
		struct record_address remote = n->remote;
		remote.port = 0;
		joiner_failure(j, event, span_make((const char *)&remote, sizeof(remote)), n->name, 0);
		return;
	}
	leg = joiner_recent_find(j, event, &wanted, &is_near);
	if (leg)
		(void)joiner_keep(j, leg, event, true);
	else
		joiner_connection_notice(j, event);
}

void joiner_other(struct explain_joiner *j, const struct explain_event *event)
{
	switch (event->kind) {
	case RECORD_JUDGEMENT:
		take_judgement(j, event);
		return;
	case RECORD_DNS_QUERY:
	case RECORD_DNS_ANSWER:
		take_dns(j, event);
		return;
	case RECORD_RULE:
		take_rule(j, event);
		return;
	case RECORD_SEARCH:
	case RECORD_CALL:
		take_event(j, event);
		return;
	case RECORD_CONNECTION:
	case RECORD_HANDSHAKE:
		joiner_connection_add(j, event);
		return;
	case RECORD_NOTICE:
		take_notice(j, event);
		return;
	case RECORD_NODE:
		joiner_aside(j, event);
		return;
	default:
		return;
	}
}
