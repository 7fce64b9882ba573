/* SPDX-License-Identifier: Apache-2.0 */
/* An event lies in one piece: its struct, the arrays it points to, then the texts. Copying into another place is then
 * one memcpy and as many additions as there are pointers. */
#include "explain/event.h"
#include "record/field.h"

#include <stdalign.h>

/* ---- where the texts are ---- */

#define IN_EVENT(member) offsetof(struct explain_event, member)
static const uint16_t head_spans[] = { IN_EVENT(node), IN_EVENT(serial), IN_EVENT(tag), IN_EVENT(place.quote) };
/* method_name is not among them: of known methods it is a text of the table. */
static const uint16_t message_spans[] = { IN_EVENT(message.peer), IN_EVENT(message.zone), IN_EVENT(message.reason),
	IN_EVENT(message.request_uri), IN_EVENT(message.call_id), IN_EVENT(message.branch), IN_EVENT(message.from_uri),
	IN_EVENT(message.from_tag), IN_EVENT(message.to_uri), IN_EVENT(message.to_tag), IN_EVENT(message.local_session),
	IN_EVENT(message.remote_session), IN_EVENT(message.serial), IN_EVENT(message.method_name) };

#define IN_DETAIL(member) offsetof(struct explain_detail, member)
static const uint16_t detail_spans[] = { IN_DETAIL(from_display), IN_DETAIL(asserted), IN_DETAIL(server),
	IN_DETAIL(warning), IN_DETAIL(reason), IN_DETAIL(contact), IN_DETAIL(route), IN_DETAIL(conversation),
	IN_DETAIL(content_type) };

#define IN_VIA(member) offsetof(struct explain_via, member)
static const uint16_t via_spans[] = { IN_VIA(host), IN_VIA(transport), IN_VIA(branch), IN_VIA(received),
	IN_VIA(ingress_zone), IN_VIA(egress_zone), IN_VIA(serial) };

/* Not header: it is a text of a table. */
static const uint16_t diagnostics_spans[] = { offsetof(struct explain_diagnostics, reason),
	offsetof(struct explain_diagnostics, source) };

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static inline size_t message_span_count(const struct explain_event *e)
{
	return COUNT(message_spans) - (e->message.method != SIP_METHOD_OTHER);
}

static inline struct span *span_in(void *object, uint16_t offset)
{
	return (struct span *)(void *)((char *)object + offset);
}

/* What is done with each text and each array: measured, laid down in the block, or moved along with the block. */
struct walk {
	char *texts; /* laying down: where the next goes */
	char *arrays;
	size_t text_bytes; /* measuring */
	size_t array_bytes;
	ptrdiff_t shift; /* moving */
	enum { MEASURE, LAY, MOVE } what;
};

static inline size_t rounded(size_t size)
{
	return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

static inline void do_span(struct walk *w, struct span *s)
{
	if (!s->at)
		return;
	if (w->what == MOVE) {
		s->at += w->shift;
	} else if (w->what == MEASURE) {
		w->text_bytes += s->length;
	} else {
		if (s->length > 0)
			memcpy(w->texts, s->at, s->length);
		s->at = w->texts;
		w->texts += s->length;
	}
}

static inline void do_spans(struct walk *w, void *object, const uint16_t *offsets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		do_span(w, span_in(object, offsets[i]));
}

/* Gives the array that is to be gone through: the old one while measuring, ours otherwise. */
static inline void *do_array(struct walk *w, const void *at, size_t size)
{
	if (!at || size == 0)
		return NULL;
	/* Of the block itself, or only looked at. */
	char *own = (char *)(uintptr_t)at;
	if (w->what == MEASURE) {
		w->array_bytes += rounded(size);
		return own;
	}
	if (w->what == MOVE)
		return own + w->shift;
	own = w->arrays;
	memcpy(own, at, size);
	w->arrays += rounded(size);
	return own;
}

static void do_pairs(struct walk *w, struct record_pairs *pairs)
{
	struct record_pair *list = do_array(w, pairs->at, pairs->count * sizeof(*list));
	for (size_t i = 0; list && i < pairs->count; i++) {
		struct record_pair *pair = &list[i];
		if (w->what == MEASURE) {
			w->text_bytes += pair->name.length + pair->value.length;
			continue;
		}
		do_span(w, &pair->name);
		do_span(w, &pair->value);
	}
	if (w->what != MEASURE)
		pairs->at = list;
}

static void do_detail(struct walk *w, struct explain_detail *d)
{
	do_spans(w, d, detail_spans, COUNT(detail_spans));
	struct explain_via *vias = do_array(w, d->vias, d->via_count * sizeof(*vias));
	for (size_t i = 0; vias && i < d->via_count; i++)
		do_spans(w, &vias[i], via_spans, COUNT(via_spans));
	struct explain_diagnostics *diagnostics =
		do_array(w, d->diagnostics, d->diagnostics_count * sizeof(*diagnostics));
	for (size_t i = 0; diagnostics && i < d->diagnostics_count; i++) {
		do_spans(w, &diagnostics[i], diagnostics_spans, COUNT(diagnostics_spans));
		do_pairs(w, &diagnostics[i].pairs);
	}
	if (w->what != MEASURE) {
		d->vias = vias;
		d->diagnostics = diagnostics;
	}
}

static void do_list(struct walk *w, struct record_spans *list)
{
	struct span *spans = do_array(w, list->at, list->count * sizeof(*spans));
	for (size_t i = 0; spans && i < list->count; i++)
		do_span(w, &spans[i]);
	if (w->what != MEASURE)
		list->at = spans;
}

static void do_fields(struct walk *w, struct record *r, const struct record_field *fields)
{
	for (const struct record_field *f = fields; f->name; f++) {
		if (f->type == RECORD_FIELD_SPAN)
			do_span(w, record_field_in(r, f));
		else if (f->type == RECORD_FIELD_SPANS)
			do_list(w, record_field_in(r, f));
		else if (f->type == RECORD_FIELD_PAIRS)
			do_pairs(w, record_field_in(r, f));
	}
}

static void do_event(struct walk *w, struct explain_event *e)
{
	do_spans(w, e, head_spans, COUNT(head_spans));
	if (e->kind == RECORD_MESSAGE) {
		do_spans(w, e, message_spans, message_span_count(e));
		struct explain_detail *d = do_array(w, e->message.detail, sizeof(*d));
		if (d)
			do_detail(w, d);
		if (w->what != MEASURE)
			e->message.detail = d;
	} else {
		struct record *r = do_array(w, e->record, sizeof(*r));
		if (r) {
			do_fields(w, r, record_head_fields);
			do_fields(w, r, record_kind_fields(r->kind));
		}
		if (w->what != MEASURE)
			e->record = r;
	}
}

/* ---- sizes ---- */

static inline size_t length_of_spans(const void *object, const uint16_t *offsets, size_t count)
{
	size_t length = 0;
	for (size_t i = 0; i < count; i++)
		length += ((const struct span *)(const void *)((const char *)object + offsets[i]))->length;
	return length;
}

static struct walk measured(const struct explain_event *event)
{
	struct walk w = { .what = MEASURE };
	/* Most messages have no details. What is absent has no length. */
	if (event->kind == RECORD_MESSAGE && !event->message.detail) {
		w.text_bytes = length_of_spans(event, head_spans, COUNT(head_spans)) +
			       length_of_spans(event, message_spans, COUNT(message_spans) - 1);
		if (event->message.method == SIP_METHOD_OTHER)
			w.text_bytes += event->message.method_name.length;
		return w;
	}
	/* Nothing is written while measuring. */
	do_event(&w, (struct explain_event *)(uintptr_t)event);
	return w;
}

size_t explain_event_size(const struct explain_event *event)
{
	if (event->size)
		return event->size;
	struct walk w = measured(event);
	return rounded(sizeof(*event)) + w.array_bytes + w.text_bytes;
}

/* ---- copies ---- */

static char *lay_spans(void *object, const uint16_t *offsets, size_t count, char *texts)
{
	for (size_t i = 0; i < count; i++) {
		struct span *s = span_in(object, offsets[i]);
		if (!s->at)
			continue;
		if (s->length > 0)
			memcpy(texts, s->at, s->length);
		s->at = texts;
		texts += s->length;
	}
	return texts;
}

/* Most messages have no details: nothing but their texts. */
static struct explain_event *lay_plain_message(const struct explain_event *event, void *memory)
{
	struct explain_event *e = memory;
	char *texts = (char *)memory + rounded(sizeof(*e));
	*e = *event;
	texts = lay_spans(e, head_spans, COUNT(head_spans), texts);
	texts = lay_spans(e, message_spans, message_span_count(e), texts);
	e->size = (uint32_t)(texts - (char *)memory);
	return e;
}

static struct explain_event *lay(const struct explain_event *event, void *memory, const struct walk *sizes)
{
	if (event->kind == RECORD_MESSAGE && !event->message.detail)
		return lay_plain_message(event, memory);
	struct explain_event *e = memory;
	char *arrays = (char *)memory + rounded(sizeof(*e));
	struct walk w = { .what = LAY, .arrays = arrays, .texts = arrays + sizes->array_bytes };
	*e = *event;
	do_event(&w, e);
	e->size = (uint32_t)(w.texts - (char *)memory);
	return e;
}

struct explain_event *explain_event_move(const struct explain_event *event, void *memory)
{
	if (!event->size) {
		struct walk sizes = measured(event);
		return lay(event, memory, &sizes);
	}
	struct explain_event *e = memory;
	memcpy(memory, event, event->size);
	struct walk w = { .what = MOVE, .shift = (char *)memory - (const char *)event };
	do_event(&w, e);
	return e;
}

struct explain_event *explain_event_copy(const struct explain_event *event, struct arena *arena)
{
	if (event->size) {
		void *memory = arena_allocate(arena, event->size);
		return memory ? explain_event_move(event, memory) : NULL;
	}
	struct walk sizes = measured(event);
	size_t size = rounded(sizeof(*event)) + sizes.array_bytes + sizes.text_bytes;
	void *memory = size <= UINT32_MAX ? arena_allocate(arena, size) : NULL;
	return memory ? lay(event, memory, &sizes) : NULL;
}
