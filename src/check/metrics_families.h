/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_METRICS_FAMILIES_H
#define FEDGE_CHECK_METRICS_FAMILIES_H
/* Many small texts in Prometheus' format become one in which every family stands once, as the format demands: a report
 * is rendered while it is there, and only its lines are kept. Pure. */
#include "base/buffer.h"

#define CHECK_FAMILIES_COUNT 64
#define CHECK_FAMILY_NAME_SIZE 96

struct check_family {
	char name[CHECK_FAMILY_NAME_SIZE];
	struct buffer text; /* HELP, TYPE and samples */
};

struct check_families {
	struct check_family families[CHECK_FAMILIES_COUNT];
	size_t count;
	size_t length, maximum; /* of all texts */
};

void check_families_init(struct check_families *families, size_t maximum);
void check_families_done(struct check_families *families);
/* The lines of a whole text. 0, or -ENOBUFS (it would be more than the maximum), -ENOSPC (too many families), -EBADMSG
 * (no such text), -ENOMEM; of the first two nothing was added. */
int check_families_add(struct check_families *families, struct span text);
/* All families, in the order of their first appearance; they are empty again. 0 or the buffer's failure. */
int check_families_take(struct check_families *families, struct buffer *out);
#endif
