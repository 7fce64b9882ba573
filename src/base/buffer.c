/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define BUFFER_SMALLEST 128

void buffer_init(struct buffer *b, size_t maximum)
{
	*b = (struct buffer){ .maximum = maximum };
}

void buffer_done(struct buffer *b)
{
	free(b->at);
	*b = (struct buffer){ .maximum = b->maximum };
}

void buffer_clear(struct buffer *b)
{
	b->length = 0;
	b->status = 0;
	if (b->at)
		b->at[0] = '\0';
}

/* capacity is what may be used; one more byte is always there for the NUL. */
static int grow_to(struct buffer *b, size_t needed)
{
	size_t capacity = b->capacity < BUFFER_SMALLEST ? BUFFER_SMALLEST : b->capacity;
	while (capacity < needed)
		capacity = capacity > b->maximum / 2 ? b->maximum : capacity * 2;
	if (capacity > b->maximum)
		capacity = b->maximum;
	char *bytes = capacity == SIZE_MAX ? NULL : realloc(b->at, capacity + 1);
	if (!bytes)
		return b->status = -ENOMEM;
	b->at = bytes;
	b->capacity = capacity;
	b->at[b->length] = '\0';
	return 0;
}

int buffer_reserve(struct buffer *b, size_t more)
{
	if (b->status < 0)
		return b->status;
	if (more > b->maximum - b->length)
		return b->status = -ENOBUFS;
	if (b->at && more <= b->capacity - b->length)
		return 0;
	return grow_to(b, b->length + more);
}

int buffer_append(struct buffer *b, struct span s)
{
	int status = buffer_reserve(b, s.length);
	if (status < 0)
		return status;
	if (s.length > 0)
		memcpy(b->at + b->length, s.at, s.length);
	b->length += s.length;
	b->at[b->length] = '\0';
	return 0;
}

int buffer_append_text(struct buffer *b, const char *text)
{
	return buffer_append(b, span_of(text));
}

int buffer_append_byte(struct buffer *b, char byte)
{
	return buffer_append(b, span_make(&byte, 1));
}

int buffer_append_u64(struct buffer *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do
		digits[--at] = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return buffer_append(b, span_make(digits + at, sizeof(digits) - at));
}

int buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int status = buffer_vprintf(b, format, arguments);
	va_end(arguments);
	return status;
}

int buffer_vprintf(struct buffer *b, const char *format, va_list arguments)
{
	va_list again;
	if (b->status < 0)
		return b->status;
	va_copy(again, arguments);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		return b->status = -EINVAL;
	int status = buffer_reserve(b, (size_t)length);
	if (status < 0)
		return status;
	vsnprintf(b->at + b->length, (size_t)length + 1, format, arguments);
	b->length += (size_t)length;
	return 0;
}

void buffer_consume(struct buffer *b, size_t length)
{
	if (length > b->length)
		length = b->length;
	if (length == 0)
		return;
	b->length -= length;
	memmove(b->at, b->at + length, b->length);
	b->at[b->length] = '\0';
}

char *buffer_take(struct buffer *b)
{
	char *bytes = NULL;
	if (buffer_reserve(b, 0) == 0) {
		bytes = b->at;
		b->at = NULL;
	}
	buffer_done(b);
	return bytes;
}
