/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_SCRATCH_H
#define FEDGE_TESTS_SCRATCH_H
/* A folder of a test's own, gone with all that is in it when the test has ended. */
#include <stdio.h>
#include <stdlib.h>

#define SCRATCH_SIZE 32

/* 0; -1: it cannot be made. */
static inline int scratch_make(char ret_folder[SCRATCH_SIZE])
{
	snprintf(ret_folder, SCRATCH_SIZE, "/tmp/fedge-test-XXXXXX");
	return mkdtemp(ret_folder) ? 0 : -1;
}

static inline int scratch_remove(const char *folder)
{
	char command[SCRATCH_SIZE + 16];
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command) == 0 ? 0 : -1;
}
#endif
