/* SPDX-License-Identifier: Apache-2.0 */
/* The edits of a draft. Where drafts come from: draft_make.c; how they leave: draft_write.c. */
#include "sip/draft.h"

#include "sip/draft_private.h"
#include "sip/parameter.h"

#include <errno.h>
#include <stdio.h>

bool sip_draft_failed(struct sip_draft *d, int status)
{
	if (d->status == 0 && status < 0)
		d->status = status;
	return d->status < 0;
}

bool sip_draft_is_dropped(const struct sip_draft *d, size_t index)
{
	return d->dropped[index / 64] >> (index % 64) & 1;
}

static void drop_line(struct sip_draft *d, size_t index)
{
	d->dropped[index / 64] |= UINT64_C(1) << (index % 64);
}

/* A line break that is no fold would end the header and begin another. */
static bool is_safe(struct span text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.at[i] == '\0')
			return false;
		if (text.at[i] != '\r' && text.at[i] != '\n')
			continue;
		if (text.at[i] == '\r' && i + 1 < text.length && text.at[i + 1] == '\n')
			i++;
		if (i + 1 == text.length || (text.at[i + 1] != ' ' && text.at[i + 1] != '\t'))
			return false;
	}
	return true;
}

/* "Name: value" CR LF in the arena. */
static struct span make_line(struct sip_draft *d, struct span name, struct span value)
{
	if (d->status < 0 || !is_safe(value) || !sip_is_token(name)) {
		sip_draft_failed(d, -EINVAL);
		return SPAN_NONE;
	}
	size_t length = name.length + 2 + value.length + 2;
	char *at = arena_allocate(d->arena, length);
	if (!at) {
		sip_draft_failed(d, -ENOMEM);
		return SPAN_NONE;
	}
	memcpy(at, name.at, name.length);
	memcpy(at + name.length, ": ", 2);
	if (value.length)
		memcpy(at + name.length + 2, value.at, value.length);
	memcpy(at + length - 2, "\r\n", 2);
	return span_make(at, length);
}

static void add_edit(struct sip_draft *d, struct sip_draft_edit edit)
{
	if (!edit.text.at || d->status < 0)
		return;
	if (d->edit_count == SIP_DRAFT_EDITS_MAXIMUM) {
		sip_draft_failed(d, -ENOBUFS);
		return;
	}
	d->edits[d->edit_count++] = edit;
	if (edit.kind == SIP_DRAFT_BEFORE || edit.kind == SIP_DRAFT_INSTEAD)
		d->edited[edit.index / 64] |= UINT64_C(1) << (edit.index % 64);
}

static struct sip_draft_edit *find_edit(
	struct sip_draft *d, enum sip_draft_edit_kind kind, enum sip_header_id id, size_t index)
{
	for (size_t i = 0; i < d->edit_count; i++) {
		struct sip_draft_edit *edit = &d->edits[i];
		if (edit->kind == kind && edit->id == id && edit->index == index)
			return edit;
	}
	return NULL;
}

/* The lines of the source with that id that are still there: the next one from index on, or -1. */
static int next_line(const struct sip_draft *d, enum sip_header_id id, int index)
{
	size_t count = d->source ? d->source->header_count : 0;
	size_t i = (size_t)index;
	if (count == 0 || (id != SIP_HEADER_OTHER && d->source->first[id] == 0))
		return -1;
	if (id != SIP_HEADER_OTHER && i < (size_t)d->source->first[id] - 1)
		i = (size_t)d->source->first[id] - 1;
	for (; i < count; i++) {
		if (d->source->headers[i].id == id && !sip_draft_is_dropped(d, i))
			return (int)i;
	}
	return -1;
}

/* The value the line has by now. */
static struct span line_value(struct sip_draft *d, int index)
{
	const struct sip_header *header = &d->source->headers[index];
	const struct sip_draft_edit *edit = find_edit(d, SIP_DRAFT_INSTEAD, header->id, (size_t)index);
	if (!edit)
		return header->value;
	size_t before = header->name.length + 2;
	return span_make(edit->text.at + before, edit->text.length - before - 2);
}

static void set_line(struct sip_draft *d, int index, struct span value)
{
	const struct sip_header *header = &d->source->headers[index];
	struct sip_draft_edit *edit = find_edit(d, SIP_DRAFT_INSTEAD, header->id, (size_t)index);
	struct span text = make_line(d, header->name, value);
	if (edit && text.at)
		edit->text = text;
	else
		add_edit(d, (struct sip_draft_edit){ SIP_DRAFT_INSTEAD, header->id, (uint16_t)index, text });
}

void sip_draft_set_line(struct sip_draft *d, size_t index, struct span value)
{
	set_line(d, (int)index, value);
}

/* ---- verbs ---- */

void sip_draft_set_request_uri(struct sip_draft *d, struct span uri)
{
	const struct span method = span_first(d->start_line, span_find(d->start_line, ' '));
	if (uri.length == 0 || span_find(uri, ' ') < uri.length || span_find(uri, '\n') < uri.length ||
		span_find(uri, '\r') < uri.length || span_starts_nocase(d->start_line, SPAN("SIP/2.0 "))) {
		sip_draft_failed(d, -EINVAL);
		return;
	}
	if (d->status < 0)
		return;
	struct span line = arena_printf(d->arena, "%.*s %.*s SIP/2.0\r\n", SPAN_PRINT(method), SPAN_PRINT(uri));
	if (line.at)
		d->start_line = line;
	else
		sip_draft_failed(d, -ENOMEM);
}

void sip_draft_prepend(struct sip_draft *d, enum sip_header_id id, struct span value)
{
	struct sip_draft_edit edit = { SIP_DRAFT_TOP, id, 0, make_line(d, sip_header_name(id), value) };
	int index = id == SIP_HEADER_VIA ? -1 : next_line(d, id, 0);
	if (index < 0 && id != SIP_HEADER_VIA) {
		/* None of its kind: below the Vias, where readers look for what proxies add. */
		index = next_line(d, SIP_HEADER_VIA, 0);
		while (index >= 0 && (size_t)index + 1 < d->source->header_count &&
			d->source->headers[index + 1].id == SIP_HEADER_VIA)
			index++;
		index = index >= 0 && (size_t)index + 1 < d->source->header_count ? index + 1 : -1;
	}
	if (index >= 0) {
		edit.kind = SIP_DRAFT_BEFORE;
		edit.index = (uint16_t)index;
	}
	add_edit(d, edit);
}

void sip_draft_append(struct sip_draft *d, enum sip_header_id id, struct span value)
{
	add_edit(d, (struct sip_draft_edit){ SIP_DRAFT_APPEND, id, 0, make_line(d, sip_header_name(id), value) });
}

void sip_draft_append_name(struct sip_draft *d, struct span name, struct span value)
{
	add_edit(d, (struct sip_draft_edit){ SIP_DRAFT_APPEND, sip_header_find(name), 0, make_line(d, name, value) });
}

void sip_draft_replace(struct sip_draft *d, enum sip_header_id id, struct span value)
{
	struct sip_draft_edit *appended = find_edit(d, SIP_DRAFT_APPEND, id, 0);
	int index = next_line(d, id, 0);
	if (index >= 0) {
		set_line(d, index, value);
		while ((index = next_line(d, id, index + 1)) >= 0)
			drop_line(d, (size_t)index);
	} else if (appended) {
		struct span text = make_line(d, sip_header_name(id), value);
		if (text.at)
			appended->text = text;
	} else {
		sip_draft_append(d, id, value);
	}
}

void sip_draft_drop(struct sip_draft *d, enum sip_header_id id)
{
	for (int index = next_line(d, id, 0); index >= 0; index = next_line(d, id, index + 1))
		drop_line(d, (size_t)index);
}

void sip_draft_drop_name(struct sip_draft *d, struct span name)
{
	enum sip_header_id id = sip_header_find(name);
	if (id != SIP_HEADER_OTHER) {
		sip_draft_drop(d, id);
		return;
	}
	for (int index = next_line(d, id, 0); index >= 0; index = next_line(d, id, index + 1)) {
		if (span_equal_nocase(d->source->headers[index].name, name))
			drop_line(d, (size_t)index);
	}
}

void sip_draft_drop_first(struct sip_draft *d, enum sip_header_id id, size_t count)
{
	for (int index = next_line(d, id, 0); index >= 0 && count > 0; index = next_line(d, id, index + 1)) {
		struct span rest = line_value(d, index), value, peek;
		while (count > 0 && sip_list_next(&rest, &value))
			count--;
		peek = rest;
		if (!sip_list_next(&peek, &value)) {
			drop_line(d, (size_t)index);
			continue;
		}
		set_line(d, index, span_make(value.at, (size_t)(rest.at + rest.length - value.at)));
	}
}

void sip_draft_replace_first(struct sip_draft *d, enum sip_header_id id, struct span value)
{
	int index = next_line(d, id, 0);
	if (index < 0) {
		sip_draft_replace(d, id, value);
		return;
	}
	struct span rest = line_value(d, index), old;
	if (sip_header_shape(id) != SIP_SHAPE_LIST || !sip_list_next(&rest, &old) || rest.length == 0) {
		set_line(d, index, value);
		return;
	}
	struct span text = arena_printf(d->arena, "%.*s%.*s", SPAN_PRINT(value), SPAN_PRINT(rest));
	if (text.at)
		set_line(d, index, text);
	else
		sip_draft_failed(d, -ENOMEM);
}

void sip_draft_set_max_forwards(struct sip_draft *d, unsigned value)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", value);
	sip_draft_replace(d, SIP_HEADER_MAX_FORWARDS, span_make(text, (size_t)length));
}

void sip_draft_set_body(struct sip_draft *d, struct span content_type, struct span body)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%zu", body.length);
	if (content_type.at)
		sip_draft_replace(d, SIP_HEADER_CONTENT_TYPE, content_type);
	sip_draft_replace(d, SIP_HEADER_CONTENT_LENGTH, span_make(text, (size_t)length));
	d->body = body;
}

/* ---- the top Via on receipt ---- */

static bool is_stamped(struct span name, const struct sip_via_stamp *stamp)
{
	return (stamp->received.at && span_equal_nocase(name, SPAN("received"))) ||
	       (stamp->rport && span_equal_nocase(name, SPAN("rport"))) ||
	       (stamp->ingress_zone.at && span_equal_nocase(name, SPAN("ingress-zone"))) ||
	       (stamp->ms_received_port && span_equal_nocase(name, SPAN("ms-received-port"))) ||
	       (stamp->ms_received_cid.at && span_equal_nocase(name, SPAN("ms-received-cid")));
}

static void write_kept_parameters(struct buffer *b, const struct sip_via *via, const struct sip_via_stamp *stamp)
{
	struct span rest = via->parameters;
	struct sip_parameter parameter;
	buffer_append(b, span_first(via->whole, (size_t)(via->parameters.at - via->whole.at)));
	while (sip_parameter_next(&rest, &parameter)) {
		if (is_stamped(parameter.name, stamp) &&
			(!span_equal_nocase(parameter.name, SPAN("rport")) || via->has_rport))
			continue;
		buffer_append_byte(b, ';');
		buffer_append(b, parameter.name);
		if (parameter.value.at) {
			buffer_append_byte(b, '=');
			buffer_append(b, parameter.value);
		}
	}
}

static void write_stamp(struct buffer *b, const struct sip_via *via, const struct sip_via_stamp *stamp)
{
	if (stamp->received.at)
		buffer_printf(b, ";received=%.*s", SPAN_PRINT(stamp->received));
	if (stamp->rport && via->has_rport)
		buffer_printf(b, ";rport=%u", (unsigned)stamp->rport);
	if (stamp->ingress_zone.at) {
		buffer_append_text(b, ";ingress-zone=");
		if (sip_is_token(stamp->ingress_zone))
			buffer_append(b, stamp->ingress_zone);
		else
			sip_quote_write(b, stamp->ingress_zone);
	}
	if (stamp->ms_received_port)
		buffer_printf(b, ";ms-received-port=%u", (unsigned)stamp->ms_received_port);
	if (stamp->ms_received_cid.at)
		buffer_printf(b, ";ms-received-cid=%.*s", SPAN_PRINT(stamp->ms_received_cid));
}

void sip_draft_stamp_via(struct sip_draft *d, const struct sip_via_stamp *stamp)
{
	int index = next_line(d, SIP_HEADER_VIA, 0);
	struct sip_via via;
	struct span rest = index >= 0 ? line_value(d, index) : SPAN_NONE, value;
	if (!rest.at || !sip_list_next(&rest, &value) || sip_via_parse(value, &via, NULL) < 0) {
		sip_draft_failed(d, -EINVAL);
		return;
	}
	struct buffer b;
	buffer_init(&b, value.length + 1024);
	write_kept_parameters(&b, &via, stamp);
	write_stamp(&b, &via, stamp);
	if (!sip_draft_failed(d, b.status))
		sip_draft_replace_first(d, SIP_HEADER_VIA, buffer_span(&b));
	buffer_done(&b);
}
