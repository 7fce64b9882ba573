/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_RUNNER_PRIVATE_H
#define FEDGE_CHECK_RUNNER_PRIVATE_H
/* One command to be run, and how it is started. */
#include "base/list.h"
#include "check/runner.h"

#include <sys/types.h>

struct runner_job {
	struct list link;
	char *subject; /* escaped */
	char **environment; /* "NAME=value", NULL-terminated: ours, without the rest */
	char *input;
	size_t input_length;
	size_t size; /* of all texts */
};

int runner_job_new(struct span subject, const struct check_runner_variable *variables, size_t variable_count,
	struct span input, struct runner_job **ret_job);
void runner_job_free(struct runner_job *job); /* NULL is harmless */
/* 0, or a negative errno: it was not started. */
int runner_job_start(const struct runner_job *job, const char *command, pid_t *ret_id);
#endif
