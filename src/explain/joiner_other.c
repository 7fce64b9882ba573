/* SPDX-License-Identifier: Apache-2.0 */
/* Records that are no messages: by Call-ID, serial number or tag they belong to a case, else to what the box was just
 * doing. */
#include "explain/joiner_private.h"

static struct joiner_leg *leg_by(struct explain_joiner *j, enum joiner_key_kind kind, struct span text, bool make)
{
	if (text.length == 0)
		return NULL;
	uint64_t hash = joiner_hash(j, kind, text);
	struct joiner_leg *leg = joiner_find(j, hash);
	if (leg || !make)
		return leg;
	leg = joiner_leg_new(j);
	if (leg)
		joiner_add_key(j, leg, hash);
	return leg;
}

/* "2066245576 INVITE" */
static enum sip_method method_of(struct span cseq)
{
	struct span method = cseq;
	(void)span_cut(&method, ' ');
	return sip_method_find(span_trim(method));
}

static void judgement(struct explain_joiner *j, const struct explain_event *event)
{
	const struct record_judgement *judged = &event->record->judgement;
	struct joiner_leg *leg = leg_by(j, KEY_CALL_ID, judged->call_id, true);
	if (!leg)
		return;
	if (!leg->is_sip) {
		leg->is_sip = true;
		leg->method = method_of(judged->cseq);
	}
	leg->is_judged |= judged->severity != RECORD_NOTE;
	struct explain_event *kept = joiner_keep(j, leg, event, false);
	if (kept && leg->call_id.length == 0)
		leg->call_id = kept->record->judgement.call_id;
	joiner_settle(j, leg->joined);
}

void joiner_other(struct explain_joiner *j, const struct explain_event *event)
{
	if (event->kind == RECORD_JUDGEMENT) {
		judgement(j, event);
		return;
	}
	bool names_call = event->kind == RECORD_CALL || event->kind == RECORD_SEARCH;
	struct joiner_leg *leg = leg_by(j, KEY_SERIAL, event->serial, names_call);
	if (!leg)
		leg = leg_by(j, KEY_TAG, event->tag, names_call);
	if (leg) {
		(void)joiner_keep(j, leg, event, false);
		joiner_settle(j, leg->joined);
	}
}
