/* SPDX-License-Identifier: Apache-2.0 */
/* A message finds its leg, and the leg its state. */
#include "explain/joiner_private.h"

/* ---- which leg ---- */

/* What has lost its Call-ID: an answer belongs to the request before it in the same file, everything else stands
 * alone. */
static struct joiner_leg *nameless_leg(struct explain_joiner *j, const struct explain_event *event)
{
	struct joiner_leg *last = j->nameless;
	bool lives = last && last->id == j->nameless_id && j->nameless_file == event->place.file;
	if (lives && !event->message.is_request && last->is_pending)
		return last;
	/* The last bytes of a recording may be the first ones of anything. */
	if (!event->message.is_request && event->message.status < 300)
		return NULL;
	j->nameless = joiner_leg_new(j);
	j->nameless_id = j->nameless ? j->nameless->id : 0;
	j->nameless_file = event->place.file;
	return j->nameless;
}

static bool is_ghost(const struct explain_joiner *j, uint64_t hash)
{
	const uint64_t *place = j->ghosts[hash % JOINER_GHOSTS];
	for (unsigned i = 0; i < JOINER_GHOST_WAYS; i++)
		if (place[i] == hash)
			return true;
	return false;
}

static bool begins(const struct explain_message *m)
{
	return m->is_request && m->to_tag.length == 0 && m->method != SIP_METHOD_ACK && m->method != SIP_METHOD_CANCEL;
}

static struct joiner_leg *leg_of(struct explain_joiner *j, const struct explain_event *event)
{
	const struct explain_message *m = &event->message;
	if (m->call_id.length == 0)
		return nameless_leg(j, event);
	uint64_t hash = joiner_hash(j, KEY_CALL_ID, m->call_id);
	struct joiner_leg *leg = joiner_find(j, hash);
	if (leg || (is_ghost(j, hash) && !begins(m)))
		return leg;
	leg = joiner_leg_new(j);
	if (!leg)
		return NULL;
	leg->call_hash = hash;
	joiner_add_key(j, leg, hash);
	return leg;
}

/* ---- joins ---- */

static bool is_session(struct span id)
{
	for (size_t i = 0; i < id.length; i++)
		if (id.at[i] != '0')
			return true;
	return false;
}

/* Every Via tells the serial number that its box has for the call. */
static void join_by_names(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event)
{
	const struct explain_message *m = &event->message;
	for (size_t i = 0; i < m->detail->via_count; i++)
		if (m->detail->vias[i].serial.length > 0)
			joiner_join_by(
				j, leg, joiner_hash(j, KEY_SERIAL, m->detail->vias[i].serial), EXPLAIN_JOIN_SERIAL);
	if (event->serial.length > 0)
		joiner_join_by(j, leg, joiner_hash(j, KEY_SERIAL, event->serial), EXPLAIN_JOIN_SERIAL);
	if (event->tag.length > 0)
		joiner_join_by(j, leg, joiner_hash(j, KEY_TAG, event->tag), EXPLAIN_JOIN_TAG);
	/* The caller's id goes through the whole call; in an answer it is the remote one. */
	struct span session = m->is_request ? m->local_session : m->remote_session;
	if (m->method == SIP_METHOD_INVITE && is_session(session))
		joiner_join_by(j, leg, joiner_hash(j, KEY_SESSION, session), EXPLAIN_JOIN_SESSION);
}

static bool is_same_caller(const struct joiner_leg *a, const struct joiner_leg *b)
{
	return a->caller_hash && a->caller_hash == b->caller_hash;
}

/* Whether one began while the other had no answer yet. */
static bool is_within(const struct joiner_leg *a, const struct joiner_leg *b)
{
	const struct joiner_leg *first = a->order < b->order ? a : b, *second = first == a ? b : a;
	return a->is_begun && b->is_begun && (!first->final_order || second->order < first->final_order);
}

/* A caller without a Session-ID has none for a B2BUA to hand on, but who answers may have one, and that comes back
 * through the whole call (RFC 7989 6). A meeting has the same one for all who are in it: so it must be one caller's,
 * and the second leg have begun while the first one was open. */
static void join_by_answerer(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_message *m)
{
	if (m->is_request || m->method != SIP_METHOD_INVITE || m->status <= 100 || m->status >= 300 ||
		!is_session(m->local_session) || is_session(m->remote_session))
		return;
	uint64_t hash = joiner_hash(j, KEY_ANSWERER, m->local_session);
	struct joiner_leg *other = joiner_find(j, hash);
	if (!other)
		joiner_add_key(j, leg, hash);
	else if (other->joined != leg->joined && is_same_caller(leg, other) && is_within(leg, other))
		joiner_join(j, other, leg, EXPLAIN_JOIN_SESSION);
}

/* ---- states ---- */

static void take_request(struct explain_joiner *j, struct joiner_leg *leg, const struct explain_event *event)
{
	const struct explain_message *m = &event->message;
	if (m->method == SIP_METHOD_CANCEL)
		leg->is_cancelled = true;
	if (!begins(m) && (m->method != SIP_METHOD_NOTIFY || leg->method == SIP_METHOD_INVITE))
		return;
	/* The same once more, or one branch beside another. */
	if (leg->is_begun && m->cseq == leg->cseq)
		return;
	if (leg->method == SIP_METHOD_INVITE && leg->is_begun && m->method != SIP_METHOD_INVITE)
		return;
	if (m->method == SIP_METHOD_BENOTIFY)
		return;
	if (!leg->is_begun) {
		leg->begun_us = event->time_us;
		leg->begun_clock = j->clock;
	}
	leg->method = m->method;
	leg->is_begun = leg->is_pending = true;
	leg->is_answered = false;
	leg->final_order = 0;
	leg->status = 0;
	leg->cseq = m->cseq;
}

/* Requests inside of a call: what becomes of them is not what becomes of the call. */
static bool is_inside(enum sip_method method)
{
	return method == SIP_METHOD_CANCEL || method == SIP_METHOD_BYE || method == SIP_METHOD_ACK ||
	       method == SIP_METHOD_PRACK || method == SIP_METHOD_UPDATE || method == SIP_METHOD_INFO ||
	       method == SIP_METHOD_REFER;
}

static void take_response(struct joiner_leg *leg, const struct explain_message *m)
{
	if (!leg->is_begun) {
		if (is_inside(m->method))
			return;
		/* The first of them, whatever else of the dialog was seen before it. */
		if (leg->cseq == 0 || is_inside(leg->method)) {
			leg->cseq = m->cseq;
			leg->method = m->method;
		}
	}
	if (!joiner_answers(leg, m) || leg->is_answered)
		return;
	if (m->status < 200) {
		leg->is_ringing |= m->status >= 180;
		leg->is_pending |= leg->status == 0;
		return;
	}
	leg->is_pending = false;
	if (m->status < 300)
		leg->is_answered = true;
	else
		leg->status = m->status;
}

/* The texts of the leg are those of its first message, as that is kept. */
static void name_leg(struct joiner_leg *leg, const struct explain_message *kept)
{
	if (leg->call_id.length == 0)
		leg->call_id = kept->call_id;
	if (leg->from_uri.length == 0)
		leg->from_uri = kept->from_uri;
	struct span user = joiner_user_of(leg->from_uri);
	if (!leg->caller_hash && user.length > 0)
		leg->caller_hash = span_hash_nocase(user) | 1;
	if (leg->to_uri.length == 0)
		leg->to_uri = kept->to_uri;
	if (leg->request_uri.length == 0 && kept->is_request)
		leg->request_uri = kept->request_uri;
	if (leg->asserted.length == 0 && kept->detail)
		leg->asserted = kept->detail->asserted;
}

void joiner_message(struct explain_joiner *j, const struct explain_event *event)
{
	const struct explain_message *m = &event->message;
	struct joiner_leg *leg = leg_of(j, event);
	if (!leg)
		return;
	if (!leg->is_sip) {
		leg->is_sip = true;
		leg->method = m->method;
		leg->has_method = m->method_name.length > 0;
	}
	bool was_pending = leg->is_pending;
	uint16_t was_status = leg->status;
	bool was_answered = leg->is_answered;
	if (m->is_request)
		take_request(j, leg, event);
	else
		take_response(leg, m);
	if (!leg->is_pending && !leg->final_order)
		leg->final_order = j->order;
	bool changed = leg->is_pending != was_pending || leg->status != was_status || leg->is_answered != was_answered;
	/* What a good one begins anew is kept again. */
	if (changed && leg->joined->state == JOINED_GOOD)
		joiner_settle(j, leg->joined);
	struct explain_event *kept = joiner_keep(j, leg, event, false);
	if (kept)
		name_leg(leg, &kept->message);
	if (m->detail)
		join_by_names(j, leg, event);
	join_by_answerer(j, leg, m);
	if (kept && begins(m))
		joiner_recent_add(j, leg, event);
	if (changed || leg->joined->entry_count <= 1)
		joiner_settle(j, leg->joined);
}
