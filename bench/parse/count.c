/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded under a driver: counts what it allocates. */
#include <stddef.h>

static unsigned long allocations;

unsigned long bench_allocations(void);
unsigned long bench_allocations(void)
{
	return allocations;
}

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}
