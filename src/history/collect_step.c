/* SPDX-License-Identifier: Apache-2.0 */
/* Steps of a search, made of records. */
#include "history/collect_private.h"
#include "record/field.h"

#include <stdio.h>
#include <stdlib.h>

struct span collect_text(struct collect_open *o, struct span text)
{
	if (!text.at)
		return SPAN_NONE;
	struct span copy = arena_copy(&o->arena, span_first(text, COLLECT_TEXT_MAXIMUM));
	if (!copy.at || copy.length < text.length)
		o->search.texts_cut++;
	return copy;
}

static struct record_spans copy_list(struct collect_open *o, struct record_spans list)
{
	struct record_spans copy = { NULL, 0 };
	size_t count = list.count < RECORD_LIST_MAXIMUM ? list.count : RECORD_LIST_MAXIMUM;
	struct span *items = count ? arena_allocate(&o->arena, count * sizeof(*items)) : NULL;
	if (!items) {
		o->search.texts_cut += list.count ? 1 : 0;
		return copy;
	}
	for (size_t i = 0; i < count; i++)
		items[i] = collect_text(o, list.at[i]);
	o->search.texts_cut += count < list.count ? 1 : 0;
	return (struct record_spans){ items, count };
}

static bool has_room(
	const struct collect_open *o, const struct history_collect_settings *settings, enum history_step_kind kind)
{
	bool matters = kind == HISTORY_STEP_JUDGEMENT || kind == HISTORY_STEP_CALL;
	return o->search.step_count < settings->steps_maximum + (matters ? COLLECT_STEPS_RESERVE : 0);
}

struct history_step *collect_step(struct collect_open *o, const struct history_collect_settings *settings,
	enum history_step_kind kind, int64_t time_us)
{
	if (!has_room(o, settings, kind)) {
		o->search.steps_cut++;
		return NULL;
	}
	if (o->search.step_count == o->capacity) {
		size_t capacity = o->capacity ? o->capacity * 2 : 16;
		struct history_step *steps = realloc(o->steps, capacity * sizeof(*steps));
		if (!steps) {
			o->search.steps_cut++;
			return NULL;
		}
		o->steps = steps;
		o->capacity = capacity;
		o->search.steps = steps;
	}
	struct history_step *step = &o->steps[o->search.step_count++];
	*step = (struct history_step){ .kind = kind, .offset_us = time_us - o->search.start_us };
	return step;
}

struct span collect_remote(
	struct collect_open *o, enum record_transport transport, const struct record_address *address)
{
	char host[RECORD_ADDRESS_TEXT], text[RECORD_ADDRESS_TEXT + 24];
	if (!address->family)
		return SPAN_NONE;
	(void)record_address_format(address, host);
	const char *word =
		transport == RECORD_TRANSPORT_NONE ? "" : record_word(record_transport_words, (unsigned)transport);
	int length = snprintf(text, sizeof(text), "%s%s%s%s%s", word, *word ? " " : "", address->family == 6 ? "[" : "",
		host, address->family == 6 ? "]" : "");
	if (address->port)
		length += snprintf(text + length, sizeof(text) - (size_t)length, ":%u", (unsigned)address->port);
	return collect_text(o, span_make(text, (size_t)length));
}

/* The word of an enum field of the record, by the field's name; a constant. */
static struct span word_of(const struct record *r, const char *name)
{
	for (const struct record_field *f = record_kind_fields(r->kind); f->name; f++) {
		unsigned int value;
		if (f->type != RECORD_FIELD_WORD || strcmp(f->name, name) != 0)
			continue;
		memcpy(&value, record_field_at(r, f), sizeof(value));
		return span_of(record_word(f->words, value));
	}
	return SPAN_NONE;
}

/* ---- kinds ---- */

static void add_rule(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	static const enum history_step_kind kinds[] = {
		[RECORD_RULE_SEARCH] = HISTORY_STEP_RULE,
		[RECORD_RULE_TRANSFORM] = HISTORY_STEP_TRANSFORM,
		[RECORD_RULE_POLICY] = HISTORY_STEP_POLICY,
	};
	const struct record_rule *rule = &r->rule;
	if ((unsigned)rule->part >= sizeof(kinds) / sizeof(kinds[0]))
		return;
	struct history_step *step = collect_step(o, &c->settings, kinds[rule->part], r->head.time_us);
	if (!step)
		return;
	step->verdict = word_of(r, "verdict");
	step->name = collect_text(o, rule->name);
	step->alias = collect_text(o, rule->alias);
	step->zone = collect_text(o, rule->target);
	step->text = collect_text(o, rule->action);
	step->priority = rule->priority;
	if (o->search.zone.at == NULL && rule->source.at)
		o->search.zone = collect_text(o, rule->source);
}

static void add_attempt(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	const struct record_attempt *a = &r->attempt;
	bool is_zone = a->event == RECORD_ATTEMPT_ZONE;
	struct history_step *step =
		collect_step(o, &c->settings, is_zone ? HISTORY_STEP_ZONE : HISTORY_STEP_ATTEMPT, r->head.time_us);
	if (step) {
		step->verdict = !is_zone ? word_of(r, "event") : a->status ? SPAN("done") : SPAN("asked");
		step->zone = collect_text(o, a->zone);
		step->alias = collect_text(o, a->alias);
		step->name = collect_text(o, a->target);
		step->remote = collect_remote(o, a->transport, &a->remote);
		step->text = collect_text(o, a->reason);
		step->status = a->status;
		step->branch = a->branch;
		step->group = a->group;
		step->duration_us = a->elapsed_us;
		if (is_zone && a->status == 0)
			o->zone = step->zone;
	}
	if (a->event == RECORD_ATTEMPT_SENT)
		collect_waits(o, a, step ? step->zone : o->zone);
	else if (!is_zone)
		collect_waits_no_more(o, a);
}

/* The question that this answers. */
static struct history_step *question(struct collect_open *o, const struct record_dns *dns)
{
	for (size_t i = o->search.step_count; i-- > 0;) {
		struct history_step *step = &o->steps[i];
		if (step->kind == HISTORY_STEP_DNS && span_is(step->verdict, "asked") &&
			span_equal(step->name, span_first(dns->name, COLLECT_TEXT_MAXIMUM)) &&
			span_equal(step->type, span_first(dns->type, COLLECT_TEXT_MAXIMUM)))
			return step;
	}
	return NULL;
}

static void add_dns(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	const struct record_dns *dns = &r->dns;
	struct history_step *step = r->kind == RECORD_DNS_ANSWER ? question(o, dns) : NULL;
	if (!step) {
		step = collect_step(o, &c->settings, HISTORY_STEP_DNS, r->head.time_us);
		if (!step)
			return;
		step->name = collect_text(o, dns->name);
		step->type = collect_text(o, dns->type);
		step->zone = o->zone;
		step->verdict = SPAN("asked");
	}
	if (r->kind == RECORD_DNS_QUERY)
		return;
	step->verdict = word_of(r, "status");
	step->list = copy_list(o, dns->records);
	step->text = collect_text(o, dns->why);
	step->duration_us = dns->elapsed_us;
}

static void add_judgement(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	const struct record_judgement *j = &r->judgement;
	struct history_step *step = collect_step(o, &c->settings, HISTORY_STEP_JUDGEMENT, r->head.time_us);
	if (!step)
		return;
	step->verdict = word_of(r, "severity");
	step->code = collect_text(o, j->code);
	step->name = collect_text(o, j->subject);
	step->type = collect_text(o, j->who);
	step->text = collect_text(o, j->text);
	step->status = j->status;
	step->zone = o->zone;
	if (!o->search.call_id.at)
		o->search.call_id = collect_text(o, j->call_id);
}

void collect_add(struct history_collector *c, struct collect_open *o, const struct record *r)
{
	switch (r->kind) {
	case RECORD_RULE:
		add_rule(c, o, r);
		return;
	case RECORD_ATTEMPT:
		add_attempt(c, o, r);
		return;
	case RECORD_DNS_QUERY:
	case RECORD_DNS_ANSWER:
		add_dns(c, o, r);
		return;
	case RECORD_JUDGEMENT:
		add_judgement(c, o, r);
		return;
	default:
		return;
	}
}

/* ---- what has no serial ---- */

static void add_connection(struct collect_open *o, struct history_step *step, const struct record *r)
{
	const struct record_connection *connection = &r->connection;
	step->verdict = word_of(r, "event");
	step->remote = collect_remote(o, connection->transport, &connection->remote);
	step->name = collect_text(o, connection->peer);
	step->type = collect_text(o, connection->stage);
	step->text = collect_text(o, connection->reason);
	step->duration_us = connection->duration_us;
}

static void add_handshake(struct collect_open *o, struct history_step *step, const struct record *r)
{
	const struct record_handshake *h = &r->handshake;
	step->verdict = h->failed ? SPAN("failed") : h->resumed ? SPAN("resumed") : SPAN("done");
	step->remote = collect_remote(o, RECORD_TLS, &h->remote);
	step->name = collect_text(o, h->role == RECORD_CLIENT ? h->server_name : h->common_name);
	step->type = collect_text(o, h->version);
	step->list = copy_list(o, h->names);
	step->text = collect_text(o, h->verify_reason.length ? h->verify_reason : h->reason);
	step->duration_us = h->duration_us;
}

void collect_add_way(
	struct history_collector *c, struct collect_open *o, const struct record *r, struct span zone, uint32_t branch)
{
	bool is_handshake = r->kind == RECORD_HANDSHAKE;
	struct history_step *step = collect_step(
		o, &c->settings, is_handshake ? HISTORY_STEP_HANDSHAKE : HISTORY_STEP_CONNECTION, r->head.time_us);
	if (!step)
		return;
	step->zone = zone;
	step->branch = branch;
	if (is_handshake)
		add_handshake(o, step, r);
	else
		add_connection(o, step, r);
	collect_count(c, o);
}
