/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a problem with everything that is shown of it replaced. Of events only what a ladder shows is copied at
 * all, so that nothing else can slip through. */
#include "explain/redact_private.h"
#include "record/field.h"

#define TEXT_MAXIMUM (1u << 20)
#define WORD_LEAST 5 /* shorter names of zones and rules are words of our own sentences too */

struct copying {
	struct explain_redactor *r;
	struct arena *arena;
	struct buffer text;
	bool failed;
};

static struct span kept(struct copying *c)
{
	struct span copy = arena_copy(c->arena, buffer_span(&c->text));
	if (c->text.status < 0 || !copy.at)
		c->failed = true;
	buffer_clear(&c->text);
	return copy.at ? copy : SPAN("");
}

static struct span redacted(struct copying *c, struct span text)
{
	if (!text.at)
		return text;
	(void)explain_redact(c->r, text, &c->text);
	return kept(c);
}

static struct span redacted_secret(struct copying *c, struct span text)
{
	if (!text.at)
		return text;
	redact_secret(c->r, text, &c->text);
	return kept(c);
}

static struct span redacted_name(struct copying *c, struct span text)
{
	if (text.length == 0)
		return text;
	redact_word(c->r, REDACT_NAME, text, &c->text);
	return kept(c);
}

/* A host: with dots or without. */
static struct span redacted_host(struct copying *c, struct span name)
{
	if (name.length == 0 || span_find(name, '.') < name.length)
		return redacted(c, name);
	redact_word(c->r, REDACT_LABEL, name, &c->text);
	return kept(c);
}

static void *zeroed(struct copying *c, size_t count, size_t size)
{
	void *at = arena_zero(c->arena, (count + 1) * size);
	if (!at)
		c->failed = true;
	return at;
}

/* ---- events ---- */

static struct record_spans redacted_spans(struct copying *c, const struct record_spans *list)
{
	struct span *at = zeroed(c, list->count, sizeof(*at));
	for (size_t i = 0; at && i < list->count; i++)
		at[i] = redacted(c, list->at[i]);
	return (struct record_spans){ at, at ? list->count : 0 };
}

static struct record_pairs redacted_pairs(struct copying *c, const struct record_pairs *list)
{
	struct record_pair *at = zeroed(c, list->count, sizeof(*at));
	for (size_t i = 0; at && i < list->count; i++)
		at[i] = (struct record_pair){ arena_copy(c->arena, list->at[i].name), redacted(c, list->at[i].value) };
	return (struct record_pairs){ at, at ? list->count : 0 };
}

static void redact_fields(struct copying *c, struct record *r, const struct record_field *fields)
{
	for (const struct record_field *f = fields; f->name; f++) {
		void *at = record_field_in(r, f);
		if (f->type == RECORD_FIELD_SPAN)
			*(struct span *)at = redacted(c, *(struct span *)at);
		else if (f->type == RECORD_FIELD_SPANS)
			*(struct record_spans *)at = redacted_spans(c, at);
		else if (f->type == RECORD_FIELD_PAIRS)
			*(struct record_pairs *)at = redacted_pairs(c, at);
		else if (f->type == RECORD_FIELD_ADDRESS)
			*(struct record_address *)at = (struct record_address){ 0 };
	}
}

static const struct record *redacted_record(struct copying *c, const struct record *whole)
{
	struct record *r = zeroed(c, 1, sizeof(*r));
	if (!r)
		return whole;
	*r = *whole;
	r->head = (struct record_head){ .time_us = whole->head.time_us };
	if (r->kind == RECORD_RULE) {
		r->rule.name = redacted_name(c, r->rule.name);
		r->rule.target = redacted_name(c, r->rule.target);
		r->rule.source = redacted_name(c, r->rule.source);
		r->rule.alias = redacted(c, r->rule.alias);
	} else {
		redact_fields(c, r, record_kind_fields(r->kind));
	}
	return r;
}

static const struct explain_event *redacted_event(struct copying *c, const struct explain_event *whole)
{
	struct explain_event *e = whole ? zeroed(c, 1, sizeof(*e)) : NULL;
	if (!e)
		return NULL;
	e->kind = whole->kind;
	e->time_us = whole->time_us;
	e->place = whole->place;
	e->place.quote = SPAN_NONE;
	if (e->kind != RECORD_MESSAGE) {
		e->record = redacted_record(c, whole->record);
		return e;
	}
	e->message.is_request = whole->message.is_request;
	e->message.method = whole->message.method;
	e->message.method_name = whole->message.method_name;
	e->message.status = whole->message.status;
	e->message.reason = redacted(c, whole->message.reason);
	e->message.cseq = whole->message.cseq;
	return e;
}

/* ---- the case ---- */

static void learn(struct copying *c, const struct explain_case *subject)
{
	(void)explain_redactor_learn(c->r, subject->from);
	(void)explain_redactor_learn(c->r, subject->to);
	for (uint32_t i = 0; i < subject->host_count; i++)
		(void)explain_redactor_learn(c->r, subject->hosts[i].name);
	for (uint32_t i = 0; i < subject->step_count; i++) {
		const struct explain_event *e = subject->steps[i].event;
		(void)explain_redactor_learn(c->r, e->node);
		if (e->kind == RECORD_RULE && e->record->rule.name.length >= WORD_LEAST)
			(void)redact_number(c->r, REDACT_NAME, e->record->rule.name);
		if (e->kind == RECORD_RULE && e->record->rule.target.length >= WORD_LEAST)
			(void)redact_number(c->r, REDACT_NAME, e->record->rule.target);
		if (e->kind == RECORD_MESSAGE && e->message.detail && e->message.detail->from_display.length > 0)
			(void)redact_number(c->r, REDACT_NAME, e->message.detail->from_display);
	}
}

static void redact_host(struct copying *c, struct explain_host *host)
{
	char text[RECORD_ADDRESS_TEXT];
	host->name = redacted_host(c, host->name);
	for (size_t i = 0; i < host->address_count; i++) {
		struct span address = span_make(text, record_address_format(&host->addresses[i], text));
		buffer_clear(&c->text);
		if (redact_address(c->r, address, &c->text))
			(void)record_address_parse(buffer_span(&c->text), &host->addresses[i]);
	}
	buffer_clear(&c->text);
}

static const struct explain_case *redacted_case(struct copying *c, const struct explain_case *whole)
{
	struct explain_case *copy = zeroed(c, 1, sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *whole;
	copy->legs = zeroed(c, whole->leg_count, sizeof(*copy->legs));
	copy->hosts = zeroed(c, whole->host_count, sizeof(*copy->hosts));
	copy->steps = zeroed(c, whole->step_count, sizeof(*copy->steps));
	if (!copy->legs || !copy->hosts || !copy->steps)
		return NULL;
	copy->call_id = redacted_secret(c, whole->call_id);
	copy->from = redacted(c, whole->from);
	copy->to = redacted(c, whole->to);
	copy->reason = redacted(c, whole->reason);
	for (uint32_t i = 0; i < whole->leg_count; i++) {
		copy->legs[i] = whole->legs[i];
		copy->legs[i].call_id = redacted_secret(c, whole->legs[i].call_id);
		copy->legs[i].from_uri = redacted(c, whole->legs[i].from_uri);
		copy->legs[i].to_uri = redacted(c, whole->legs[i].to_uri);
	}
	for (uint32_t i = 0; i < whole->host_count; i++) {
		copy->hosts[i] = whole->hosts[i];
		redact_host(c, &copy->hosts[i]);
	}
	for (uint32_t i = 0; i < whole->step_count; i++) {
		copy->steps[i] = whole->steps[i];
		copy->steps[i].event = redacted_event(c, whole->steps[i].event);
		copy->steps[i].second = redacted_event(c, whole->steps[i].second);
	}
	return copy;
}

/* ---- findings ---- */

/* In three parts, so that the carets point at what stands for what they pointed at. */
static void copy_evidence(struct copying *c, struct finding *f, const struct finding_evidence *e)
{
	size_t from = e->mark_length ? e->mark_offset : e->text.length;
	struct span front = redacted(c, span_first(e->text, from));
	struct span mark = redacted(c, span_first(span_from(e->text, from), e->mark_length));
	struct span behind = redacted(c, span_from(e->text, from + e->mark_length));
	struct span text =
		arena_printf(c->arena, "%.*s%.*s%.*s", SPAN_PRINT(front), SPAN_PRINT(mark), SPAN_PRINT(behind));
	if (!text.at) {
		c->failed = true;
		return;
	}
	struct span marked = e->mark_length ? span_make(text.at + front.length, mark.length) : SPAN_NONE;
	struct span note = redacted(c, e->note);
	if (e->kind == FINDING_EVIDENCE_FILE)
		finding_evidence_line(f, e->file, e->line, text, marked, note);
	else
		finding_evidence(f, e->kind, text, marked, note);
}

static void copy_finding(struct copying *c, struct finding_list *list, const struct finding *whole)
{
	struct finding *f = finding_add(list, whole->code, redacted(c, whole->subject));
	f->severity = whole->severity;
	f->who = whole->who;
	f->status = whole->status;
	f->suppresses = whole->suppresses;
	finding_observed(f, redacted(c, whole->observed));
	finding_expected(f, redacted(c, whole->expected));
	for (const struct finding_evidence *e = whole->evidence; e; e = e->next)
		copy_evidence(c, f, e);
	for (const struct finding_value *v = whole->values; v; v = v->next)
		finding_value(f, v->name, redacted(c, v->value));
	for (const struct finding_fix *fix = whole->fixes; fix; fix = fix->next) {
		struct finding_fix *copy = finding_fix(f, fix->who, fix->where, redacted(c, fix->title));
		for (const struct finding_fix_line *line = fix->lines; line; line = line->next) {
			struct span text = redacted(c, line->text);
			finding_fix_line(copy, "%.*s", SPAN_PRINT(text));
		}
	}
}

/* The copy of a finding stands in its list where the finding stands in its own. */
static const struct finding *same_in(
	const struct finding_list *copies, const struct finding_list *wholes, const struct finding *whole)
{
	const struct finding *copy = copies->first;
	for (const struct finding *f = wholes->first; f && copy; f = f->next, copy = copy->next)
		if (f == whole)
			return copy;
	return NULL;
}

const struct explain_problem *explain_redact_problem(
	struct explain_redactor *r, const struct explain_problem *problem, struct arena *arena)
{
	struct copying c = { .r = r, .arena = arena };
	struct explain_problem *copy = arena_zero(arena, sizeof(*copy));
	if (!copy)
		return NULL;
	buffer_init(&c.text, TEXT_MAXIMUM);
	learn(&c, problem->subject);
	*copy = *problem;
	copy->subject = redacted_case(&c, problem->subject);
	copy->sentence = redacted(&c, problem->sentence);
	copy->why = redacted(&c, problem->why);
	finding_list_init(&copy->findings, arena, problem->findings.owner);
	copy->findings.other_rules = problem->findings.other_rules;
	for (const struct finding *f = problem->findings.first; f; f = f->next)
		copy_finding(&c, &copy->findings, f);
	copy->finding = same_in(&copy->findings, &problem->findings, problem->finding);
	for (size_t i = 0; i < problem->candidate_count; i++) {
		copy->candidates[i].finding =
			same_in(&copy->findings, &problem->findings, problem->candidates[i].finding);
		copy->candidates[i].why = redacted(&c, problem->candidates[i].why);
		c.failed |= !copy->candidates[i].finding;
	}
	for (size_t i = 0; i < problem->next_count; i++) {
		copy->next[i].text = redacted(&c, problem->next[i].text);
		copy->next[i].command = redacted(&c, problem->next[i].command);
	}
	for (size_t i = 0; i < problem->domain_count; i++)
		copy->domains[i] = redacted(&c, problem->domains[i]);
	buffer_done(&c.text);
	return c.failed || !copy->subject || (problem->finding && !copy->finding) ? NULL : copy;
}
