/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BASE_CLEANUP_H
#define FEDGE_BASE_CLEANUP_H
/* Locals that clean up after themselves: base_cleanup(free_pointer) char *text = NULL; */
#include <stdlib.h>
#include <unistd.h>

#define base_cleanup(function) __attribute__((cleanup(function)))

static inline void free_pointer(void *pointer)
{
	free(*(void **)pointer);
}
static inline void close_descriptor(const int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
}
#endif
