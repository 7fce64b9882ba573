/* SPDX-License-Identifier: Apache-2.0 */
#include "check/json_write.h"

#include "base/text.h"

#include <errno.h>

static void write_value(json_t *value, struct buffer *out);

static void write_object(json_t *object, struct buffer *out)
{
	char before = '{';
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		buffer_append_byte(out, before);
		text_append_json(out, span_of(json_object_iter_key(at)));
		buffer_append_byte(out, ':');
		write_value(json_object_iter_value(at), out);
		before = ',';
	}
	if (before == '{')
		buffer_append_byte(out, '{');
	buffer_append_byte(out, '}');
}

static void write_array(const json_t *array, struct buffer *out)
{
	size_t count = json_array_size(array);
	buffer_append_byte(out, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buffer_append_byte(out, ',');
		write_value(json_array_get(array, i), out);
	}
	buffer_append_byte(out, ']');
}

static void write_integer(json_int_t value, struct buffer *out)
{
	if (value < 0)
		buffer_append_byte(out, '-');
	/* Negated as unsigned: the smallest one has no positive counterpart. */
	buffer_append_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* As jansson writes it, so that it is read back as the same. */
static void write_real(const json_t *value, struct buffer *out)
{
	char text[64];
	size_t length = json_dumpb(value, text, sizeof(text), JSON_ENCODE_ANY);
	buffer_append(out, span_make(text, length < sizeof(text) ? length : sizeof(text)));
}

static void write_value(json_t *value, struct buffer *out)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		write_object(value, out);
		break;
	case JSON_ARRAY:
		write_array(value, out);
		break;
	case JSON_STRING:
		text_append_json(out, span_make(json_string_value(value), json_string_length(value)));
		break;
	case JSON_INTEGER:
		write_integer(json_integer_value(value), out);
		break;
	case JSON_REAL:
		write_real(value, out);
		break;
	case JSON_TRUE:
		buffer_append_text(out, "true");
		break;
	case JSON_FALSE:
		buffer_append_text(out, "false");
		break;
	case JSON_NULL:
		buffer_append_text(out, "null");
		break;
	}
}

int check_json_write(const json_t *value, struct buffer *out)
{
	if (!value)
		return -ENOMEM;
	/* jansson walks an object only by a pointer that may change it; nothing is changed here. */
	write_value((json_t *)(uintptr_t)value, out);
	return out->status;
}

int check_json_line(json_t *value, struct buffer *out)
{
	int status = check_json_write(value, out);
	json_decref(value);
	return status < 0 ? status : buffer_append_byte(out, '\n');
}
