/* SPDX-License-Identifier: Apache-2.0 */
/* One table of a step's fields writes and reads them. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/require.h"
#include "base/text.h"
#include "history/search.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum field_type { FIELD_SPAN, FIELD_SPANS, FIELD_I64, FIELD_U64, FIELD_I32, FIELD_U32, FIELD_U16, FIELD_BOOL };
struct field {
	const char *name;
	enum field_type type;
	size_t offset;
};

#define FIELD(name, type, member)                                                                                      \
	{                                                                                                              \
		name, FIELD_##type, offsetof(struct history_step, member)                                              \
	}
static const struct field step_fields[] = {
	FIELD("offset_us", I64, offset_us),
	FIELD("duration_us", U64, duration_us),
	FIELD("verdict", SPAN, verdict),
	FIELD("failing", BOOL, failing),
	FIELD("name", SPAN, name),
	FIELD("type", SPAN, type),
	FIELD("alias", SPAN, alias),
	FIELD("zone", SPAN, zone),
	FIELD("remote", SPAN, remote),
	FIELD("code", SPAN, code),
	FIELD("status", U16, status),
	FIELD("text", SPAN, text),
	FIELD("list", SPANS, list),
	FIELD("priority", I32, priority),
	FIELD("branch", U32, branch),
	FIELD("group", U32, group),
};
#undef FIELD
static const struct field search_fields[] = {
#define FIELD(name, type, member)                                                                                      \
	{                                                                                                              \
		name, FIELD_##type, offsetof(struct history_search, member)                                            \
	}
	FIELD("ended", BOOL, ended),
	FIELD("found", BOOL, found),
	FIELD("status", U16, status),
	FIELD("state", SPAN, state),
	FIELD("reason", SPAN, reason),
	FIELD("detail", SPAN, detail),
	FIELD("finding", SPAN, finding),
	FIELD("duration_us", U64, duration_us),
	FIELD("method", SPAN, method),
	FIELD("source", SPAN, source),
	FIELD("destination", SPAN, destination),
	FIELD("zone", SPAN, zone),
	FIELD("remote", SPAN, remote),
	FIELD("variant", SPAN, variant),
	FIELD("authenticated", BOOL, authenticated),
	FIELD("node", SPAN, node),
	FIELD("serial", SPAN, serial),
	FIELD("tag", SPAN, tag),
	FIELD("call_id", SPAN, call_id),
	FIELD("steps_cut", U32, steps_cut),
	FIELD("texts_cut", U32, texts_cut),
#undef FIELD
};

/* ---- writing ---- */

static void append_name(struct buffer *out, const char *name)
{
	buffer_printf(out, ",\"%s\":", name);
}

static void append_list(struct buffer *out, const char *name, const struct record_spans *list)
{
	if (list->count == 0)
		return;
	append_name(out, name);
	for (size_t i = 0; i < list->count; i++) {
		buffer_append_byte(out, i ? ',' : '[');
		text_append_json(out, list->at[i]);
	}
	buffer_append_byte(out, ']');
}

static void append_number(struct buffer *out, const char *name, int64_t value)
{
	if (value == 0)
		return;
	append_name(out, name);
	buffer_printf(out, "%lld", (long long)value);
}

static void append_span(struct buffer *out, const char *name, struct span value)
{
	if (!value.at)
		return;
	append_name(out, name);
	text_append_json(out, value);
}

static void append_field(struct buffer *out, const void *object, const struct field *f)
{
	const void *at = (const char *)object + f->offset;
	switch (f->type) {
	case FIELD_SPAN:
		append_span(out, f->name, *(const struct span *)at);
		return;
	case FIELD_SPANS:
		append_list(out, f->name, at);
		return;
	case FIELD_I64:
		append_number(out, f->name, *(const int64_t *)at);
		return;
	case FIELD_U64:
		append_number(out, f->name, (int64_t)(*(const uint64_t *)at & INT64_MAX));
		return;
	case FIELD_I32:
		append_number(out, f->name, *(const int32_t *)at);
		return;
	case FIELD_U32:
		append_number(out, f->name, *(const uint32_t *)at);
		return;
	case FIELD_U16:
		append_number(out, f->name, *(const uint16_t *)at);
		return;
	case FIELD_BOOL:
		if (*(const bool *)at)
			buffer_printf(out, ",\"%s\":true", f->name);
		return;
	}
}

int history_steps_append_json(struct buffer *out, const struct history_step *steps, size_t count)
{
	buffer_append_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		buffer_printf(out, "%s{\"kind\":\"%s\"", i ? "," : "", history_step_word(steps[i].kind));
		for (size_t k = 0; k < BASE_COUNT(step_fields); k++)
			append_field(out, &steps[i], &step_fields[k]);
		buffer_append_byte(out, '}');
	}
	return buffer_append_byte(out, ']');
}

int history_search_append_json(struct buffer *out, const struct history_search *search)
{
	char start[40] = "", type[HISTORY_TYPE_SIZE], status[HISTORY_STATUS_SIZE];
	clock_format_utc(search->start_us, start, sizeof(start));
	history_type_text(search, type);
	history_status_text(search, status);
	buffer_printf(out, "{\"id\":%llu,\"kind\":\"%s\",\"start\":\"%s\",\"type\":", (unsigned long long)search->id,
		history_kind_word(search->kind), start);
	text_append_json(out, span_of(type));
	buffer_append_text(out, ",\"result\":");
	text_append_json(out, span_of(status));
	for (size_t k = 0; k < BASE_COUNT(search_fields); k++)
		append_field(out, search, &search_fields[k]);
	buffer_append_text(out, ",\"steps\":");
	history_steps_append_json(out, search->steps, search->step_count);
	return buffer_append_byte(out, '}');
}

/* ---- reading ---- */

static int read_span(struct arena *arena, const json_t *value, struct span *ret_span)
{
	if (!json_is_string(value))
		return -EBADMSG;
	*ret_span = arena_copy(arena, span_make(json_string_value(value), json_string_length(value)));
	return ret_span->at ? 0 : -ENOMEM;
}

static int read_list(struct arena *arena, const json_t *value, struct record_spans *ret_list)
{
	size_t count = json_array_size(value);
	if (!json_is_array(value) || count > RECORD_LIST_MAXIMUM)
		return -EBADMSG;
	struct span *items = count ? arena_zero(arena, count * sizeof(*items)) : NULL;
	if (count && !items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int status = read_span(arena, json_array_get(value, i), &items[i]);
		if (status < 0)
			return status;
	}
	*ret_list = (struct record_spans){ items, count };
	return 0;
}

/* A number out of the field's range is no number of ours. */
static int read_number(const json_t *value, void *at, enum field_type type)
{
	json_int_t number = json_integer_value(value);
	if (!json_is_integer(value))
		return -EBADMSG;
	if (type == FIELD_I64)
		*(int64_t *)at = number;
	else if (type == FIELD_I32 && number >= INT32_MIN && number <= INT32_MAX)
		*(int32_t *)at = (int32_t)number;
	else if (type == FIELD_U64 && number >= 0)
		*(uint64_t *)at = (uint64_t)number;
	else if (type == FIELD_U32 && number >= 0 && number <= UINT32_MAX)
		*(uint32_t *)at = (uint32_t)number;
	else if (type == FIELD_U16 && number >= 0 && number <= UINT16_MAX)
		*(uint16_t *)at = (uint16_t)number;
	else
		return -EBADMSG;
	return 0;
}

static int read_field(struct arena *arena, const json_t *value, struct history_step *step, const struct field *f)
{
	void *at = (char *)step + f->offset;
	if (!value)
		return 0;
	if (f->type == FIELD_SPAN)
		return read_span(arena, value, at);
	if (f->type == FIELD_SPANS)
		return read_list(arena, value, at);
	if (f->type != FIELD_BOOL)
		return read_number(value, at, f->type);
	*(bool *)at = json_is_true(value);
	return json_is_boolean(value) ? 0 : -EBADMSG;
}

static int read_step(struct arena *arena, const json_t *object, struct history_step *step)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));
	unsigned i = 0;
	while (kind && i < HISTORY_STEP_KIND_COUNT && strcmp(kind, history_step_word((enum history_step_kind)i)) != 0)
		i++;
	if (!kind || i == HISTORY_STEP_KIND_COUNT)
		return -EBADMSG;
	step->kind = (enum history_step_kind)i;
	for (size_t k = 0; k < BASE_COUNT(step_fields); k++) {
		int status = read_field(arena, json_object_get(object, step_fields[k].name), step, &step_fields[k]);
		if (status < 0)
			return status;
	}
	return 0;
}

static int read_steps(
	struct arena *arena, const json_t *array, const struct history_step **ret_steps, size_t *ret_count)
{
	size_t count = json_array_size(array);
	if (!json_is_array(array) || count > HISTORY_STEPS_MAXIMUM)
		return -EBADMSG;
	struct history_step *steps = arena_zero(arena, (count + 1) * sizeof(*steps));
	if (!steps)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int status = read_step(arena, json_array_get(array, i), &steps[i]);
		if (status < 0)
			return status;
	}
	*ret_steps = steps;
	*ret_count = count;
	return 0;
}

int history_steps_read_json(
	struct arena *arena, struct span text, const struct history_step **ret_steps, size_t *ret_count)
{
	json_t *array = json_loadb(text.at ? text.at : "", text.length, JSON_ALLOW_NUL, NULL);
	if (!array)
		return -EBADMSG;
	int status = read_steps(arena, array, ret_steps, ret_count);
	json_decref(array);
	return status;
}
