/* SPDX-License-Identifier: Apache-2.0 */
/* Why a search failed, as far as its steps tell, and the giving of it. */
#include "base/require.h"
#include "history/collect_private.h"
#include "record/field.h"

#define GIVEN_UP 487 /* by the caller: nothing failed */

/* ---- the failing step ---- */

static bool is_error(const struct history_step *s)
{
	return s->kind == HISTORY_STEP_JUDGEMENT && span_is(s->verdict, "error");
}

static bool is_refusal(const struct history_search *search, const struct history_step *s)
{
	return is_error(s) && s->status != 0 && s->status == search->status;
}

static bool is_judged(const struct history_search *search, const struct history_step *s)
{
	(void)search;
	return is_error(s);
}

static bool is_policy(const struct history_search *search, const struct history_step *s)
{
	(void)search;
	/* One whose pattern was too costly rejects as well: what cannot be judged is not let through. */
	return s->kind == HISTORY_STEP_POLICY && !span_is(s->verdict, "did-not-match") &&
	       span_starts_nocase(s->text, SPAN("reject"));
}

static bool is_answer(const struct history_search *search, const struct history_step *s)
{
	return s->kind == HISTORY_STEP_ATTEMPT && s->status >= 300 && s->status == search->status;
}

static bool is_broken(const struct history_search *search, const struct history_step *s)
{
	(void)search;
	return (s->kind == HISTORY_STEP_ATTEMPT || s->kind == HISTORY_STEP_CONNECTION ||
		       s->kind == HISTORY_STEP_HANDSHAKE) &&
	       span_is(s->verdict, "failed");
}

static bool is_unresolved(const struct history_search *search, const struct history_step *s)
{
	(void)search;
	return s->kind == HISTORY_STEP_DNS && !span_is(s->verdict, "ok") && !span_is(s->verdict, "asked");
}

/* What says most comes first; of several the last, which the answer followed. */
static bool (*const reasons[])(const struct history_search *search, const struct history_step *s) = {
	is_refusal,
	is_policy,
	is_judged,
	is_answer,
	is_broken,
	is_unresolved,
};

static void mark_failure(struct collect_open *o)
{
	struct history_search *search = &o->search;
	if (!search->ended || search->found || search->status == GIVEN_UP)
		return;
	for (size_t i = 0; i < BASE_COUNT(reasons); i++)
		for (size_t k = search->step_count; k-- > 0;) {
			if (!reasons[i](search, &o->steps[k]))
				continue;
			o->steps[k].failing = true;
			search->finding = o->steps[k].code;
			return;
		}
}

void collect_give(struct history_collector *c, struct collect_open *o)
{
	mark_failure(o);
	if (!o->given)
		c->counts.given++;
	if (o->search.ended || !o->given) {
		c->counts.steps_cut += o->search.steps_cut;
		c->counts.texts_cut += o->search.texts_cut;
	}
	o->given = true;
	c->settings.give(c->settings.argument, &o->search);
}

/* ---- events ---- */

static struct span event_word(const struct record *r)
{
	const struct record_field *field = record_kind_fields(r->kind);
	while (field->name && strcmp(field->name, "event") != 0)
		field++;
	return field->name ? span_of(record_word(field->words, (unsigned)r->registration.event)) : SPAN_NONE;
}

static struct span remote_text(
	enum record_transport transport, const struct record_address *address, char *text, size_t capacity)
{
	struct collect_open o = { .is_search = false };
	arena_init(&o.arena, 4096);
	struct span made = collect_remote(&o, transport, address);
	span_copy_to(made, text, capacity);
	arena_done(&o.arena);
	return span_of(text);
}

void collect_give_event(struct history_collector *c, const struct record *r)
{
	char remote[96] = "";
	struct history_search event = {
		.ended = true, .start_us = r->head.time_us, .node = r->head.node, .serial = SPAN_NONE
	};
	if (r->kind == RECORD_REGISTRATION) {
		const struct record_registration *g = &r->registration;
		event.kind = HISTORY_REGISTRATION;
		event.found = g->event != RECORD_REGISTRATION_REJECTED;
		event.method = SPAN("REGISTER");
		event.state = event_word(r);
		event.source = g->alias;
		event.destination = g->contact;
		event.remote = remote_text(g->transport, &g->remote, remote, sizeof(remote));
		event.status = g->status;
		event.reason = g->reason;
		event.detail = g->agent;
	} else {
		event.kind = HISTORY_ZONE;
		event.found = !span_is(r->zone.state, "failed");
		event.state = r->zone.state;
		event.source = r->zone.zone;
		event.zone = r->zone.zone;
		event.destination = r->zone.peer;
		event.reason = r->zone.reason;
		event.detail = r->zone.before;
	}
	c->counts.given++;
	c->settings.give(c->settings.argument, &event);
}
