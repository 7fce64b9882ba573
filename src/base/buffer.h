/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_BUFFER_H
#define FEDGE_BASE_BUFFER_H
/* Bytes that grow, up to a maximum given at init. The first failure sticks: later appends do
 * nothing, so a writer may append ten times and ask once (buffer_status). Contents are always
 * followed by a NUL that is not counted. */
#include "base/span.h"

#include <stdarg.h>

struct buffer {
	char *at;
	size_t length;
	size_t capacity;
	size_t maximum;
	int status; /* 0, -ENOBUFS (maximum reached) or -ENOMEM */
};

void buffer_init(struct buffer *b, size_t maximum);
void buffer_done(struct buffer *b); /* may be called twice */
void buffer_clear(struct buffer *b); /* keeps the memory, forgets the failure */

int buffer_append(struct buffer *b, struct span s);
int buffer_append_text(struct buffer *b, const char *text);
int buffer_append_byte(struct buffer *b, char byte);
int buffer_append_u64(struct buffer *b, uint64_t value);
int buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buffer_vprintf(struct buffer *b, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));
/* Room for so many more bytes at b->at + b->length; the writer adds what it used to length. */
int buffer_reserve(struct buffer *b, size_t more);
/* Drops bytes from the front. */
void buffer_consume(struct buffer *b, size_t length);

static inline struct span buffer_span(const struct buffer *b)
{
	return (struct span){ b->at, b->length };
}
/* The bytes, now the caller's to free(); NULL after a failure. The buffer is empty again. */
char *buffer_take(struct buffer *b);
#endif
