/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void base_require_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: a bug in fedge: required: %s\n", file, line, condition);
	fflush(stderr);
	abort();
}
