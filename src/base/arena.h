/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_ARENA_H
#define FEDGE_BASE_ARENA_H
/* Memory of one request (or one snapshot), given back at once. Nothing in it is freed alone.
 * The maximum given at init is a promise to the machine: beyond it allocations give NULL. */
#include "base/span.h"

struct arena_chunk;
struct arena {
	struct arena_chunk *chunks;
	char *next; /* free bytes of the newest chunk */
	char *end;
	size_t used;
	size_t maximum;
};

void arena_init(struct arena *a, size_t maximum);
void arena_done(struct arena *a);
void arena_reset(struct arena *a); /* keeps one chunk for the next request */
/* Aligned for any type, not cleared; NULL at the maximum or without memory. */
void *arena_allocate(struct arena *a, size_t size);
void *arena_zero(struct arena *a, size_t size);
/* Copies carry a NUL after the last byte; absent spans stay absent. at == NULL on failure. */
struct span arena_copy(struct arena *a, struct span s);
char *arena_copy_text(struct arena *a, const char *text);
struct span arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
