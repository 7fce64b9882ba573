/* SPDX-License-Identifier: Apache-2.0 */
/* Domains examined in a loop made for them. */
#include "check/desk_private.h"
#include "check/examiner.h"
#include "net/loop.h"

#include <errno.h>
#include <stdlib.h>

#define WAIT_US CLOCK_SECOND_US

struct waiting {
	struct check_facts **facts; /* of one domain */
	size_t *left; /* of all */
};

static void come(void *argument, struct check_facts *facts)
{
	struct waiting *waiting = argument;
	*waiting->facts = facts;
	(*waiting->left)--;
}

/* All that could be begun come to their end, whatever became of the others. */
static int examine(struct check_examiner *examiner, struct net_loop *loop, const struct span *typed,
	struct waiting *waiting, size_t count, size_t *left)
{
	for (size_t i = 0; i < count;) {
		int status = check_examine(examiner, typed[i], come, &waiting[i]);
		if (status == 0) {
			(*left)++;
			i++;
			continue;
		}
		/* Too many at once: some must end first. */
		if (status != -ENOBUFS || *left == 0)
			return status;
		status = net_loop_turn(loop, WAIT_US);
		if (status < 0)
			return status;
	}
	int status = 0;
	while (status >= 0 && *left > 0)
		status = net_loop_turn(loop, WAIT_US);
	return status < 0 ? status : 0;
}

static int examine_in(
	struct check_desk *desk, struct net_loop *loop, const struct span *typed, struct waiting *waiting, size_t count)
{
	struct check_examiner *examiner;
	size_t left = 0;
	int status = check_examiner_new(desk, loop, NULL, &examiner);
	if (status < 0)
		return status;
	for (size_t i = 0; i < count; i++)
		waiting[i].left = &left;
	status = examine(examiner, loop, typed, waiting, count, &left);
	check_examiner_free(examiner);
	return status;
}

int check_examine_all(struct check_desk *desk, const struct span *typed, size_t count, struct check_facts **ret_facts)
{
	struct net_loop *loop;
	struct waiting *waiting = calloc(count + 1, sizeof(*waiting));
	if (!waiting)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		ret_facts[i] = NULL;
		waiting[i].facts = &ret_facts[i];
	}
	int status = net_loop_new(&desk->clock, &loop);
	if (status == 0) {
		status = examine_in(desk, loop, typed, waiting, count);
		net_loop_free(loop);
	}
	for (size_t i = 0; status < 0 && i < count; i++) {
		check_facts_free(ret_facts[i]);
		ret_facts[i] = NULL;
	}
	free(waiting);
	return status;
}

int check_examine_now(struct check_desk *desk, struct span typed, struct check_facts **ret_facts)
{
	return check_examine_all(desk, &typed, 1, ret_facts);
}
