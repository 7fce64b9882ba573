/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_LIMIT_GATE_H
#define FEDGE_CHECK_LIMIT_GATE_H
/* The limits of check/limit.h for the threads of a run: one gate with one lock, and for each thread a window on it that
 * an examiner takes as its struct check_gate. Whose turn has come is told from his own loop. A waiting ticket costs
 * about 200 bytes and no work until its turn. Each window has a pace of its own. */
#include "check/examiner.h"
#include "check/limit.h"
#include "net/loop.h"

struct check_limit_gate;

/* settings: `granted` and `argument` are the gate's own. 0 or -ENOMEM. */
int check_limit_gate_new(
	const struct check_limit_settings *settings, const struct clock *clock, struct check_limit_gate **ret_gate);
/* After all windows' loops are freed. */
void check_limit_gate_free(struct check_limit_gate *gate);
size_t check_limit_gate_waiting(const struct check_limit_gate *gate); /* tickets; any thread */

/* One a loop; must not move, and stays until the loop is freed. The windows of a gate end together: each one's timer
 * serves all. */
struct check_limit_window {
	struct check_limit_gate *gate;
	struct net_loop *loop;
	struct wheel_timer timer;
	struct check_gate face; /* for check_examiner_new */
	struct check_pace pace;
	size_t active; /* connections under way here */
	struct list held; /* tickets whose server has room for them, but not this thread */
	struct net_hook hook;
};
void check_limit_window_open(struct check_limit_window *window, struct check_limit_gate *gate, struct net_loop *loop);
/* After the examiner, before the loop. */
void check_limit_window_close(struct check_limit_window *window);
#endif
