/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TEST_LAB_H
#define FEDGE_TEST_LAB_H
/* A folder of its own for a test, removed afterwards. */
/* cmocka.h needs these four before it. */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "lab/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline int make_folder(void **state)
{
	const char *base = getenv("TMPDIR");
	char *folder = NULL;
	if (asprintf(&folder, "%s/fedge-test-XXXXXX", base ? base : "/tmp") < 0 || !mkdtemp(folder))
		return -1;
	*state = folder;
	return 0;
}

static inline int remove_folder(void **state)
{
	int status = lab_place_remove(*state);
	free(*state);
	return status;
}
#endif
