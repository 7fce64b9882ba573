/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TEST_SIP_GUARD_H
#define FEDGE_TEST_SIP_GUARD_H
/* Inputs that end right before a page nobody may touch: a reader that goes one byte too far traps. */
#include "base/require.h"
#include "base/span.h"

/* cmocka wants these three before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
/* clang-format on */

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct guard {
	char *pages;
	size_t size;
	struct span bytes;
};

static inline struct guard guard_make(struct span input)
{
	struct guard g;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	g.size = (input.length / page + 2) * page;
	g.pages = mmap(NULL, g.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	base_require(g.pages != MAP_FAILED && mprotect(g.pages + g.size - page, page, PROT_NONE) == 0);
	char *start = g.pages + g.size - page - input.length;
	if (input.length)
		memcpy(start, input.at, input.length);
	g.bytes = span_make(start, input.length);
	return g;
}

static inline void guard_done(struct guard *g)
{
	munmap(g->pages, g->size);
}

/* The bytes of tests/messages/NAME.sip. */
static inline struct guard guard_message(const char *name)
{
	static char bytes[1 << 17];
	char path[512];
	const char *root = getenv("FEDGE_SOURCE");
	snprintf(path, sizeof(path), "%s/tests/messages/%s.sip", root ? root : ".", name);
	FILE *file = fopen(path, "rb");
	if (!file)
		perror(path);
	base_require(file);
	size_t length = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return guard_make(span_make(bytes, length));
}
#endif
