/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_BULK_WORKER_H
#define FEDGE_CHECK_BULK_WORKER_H
/* A thread of a bulk run: takes jobs, examines and judges them, puts them into the queue of those done. The conductor
 * (bulk.c) never has more jobs out than it wants in memory, so nothing here needs a maximum of its own. */
#include "check/bulk.h"
#include "check/limit_gate.h"
#include "net/loop.h"

#include <pthread.h>

#define BULK_POLICIES (TRUST_POLICY_DANE + 1)

struct bulk_worker;
struct bulk_job {
	struct net_task task; /* on its way to the worker */
	struct list link; /* in the worker's hands */
	struct bulk_job *next; /* among those done */
	struct bulk_worker *worker;
	struct check_facts *facts; /* NULL: it could not even be begun; status says why */
	int status;
	size_t report_count;
	struct check_report reports[BULK_POLICIES];
	size_t length;
	char typed[];
};
struct bulk_job *bulk_job_new(struct span typed); /* NULL without memory */
void bulk_job_free(struct bulk_job *job);

/* Those done, in order of completion, from any worker to the conductor. */
struct bulk_done {
	pthread_mutex_t lock;
	struct bulk_job *first;
	struct bulk_job **last;
	int event; /* readable where the queue is not empty */
};
int bulk_done_open(struct bulk_done *done); /* 0 or a negative errno */
void bulk_done_close(struct bulk_done *done); /* frees the jobs in it */
struct bulk_job *bulk_done_take(struct bulk_done *done); /* all of them, linked by next; NULL: none */

struct bulk_worker {
	const struct check_bulk_settings *settings;
	struct bulk_done *done;
	size_t in_flight; /* the conductor's own count: given and not yet taken back */
	pthread_t thread;
	/* the worker's own: */
	struct net_loop *loop;
	struct check_limit_window window;
	struct check_examiner *examiner;
	struct list running, refused; /* jobs being examined; those there was no room for yet */
	struct wheel_timer again; /* tries the refused ones */
	unsigned refusals; /* in a row, with nothing running */
	struct net_task end;
};
/* Starts the thread; all signals are blocked in it. 0 or a negative errno. Must not move until it has ended. */
int bulk_worker_start(struct bulk_worker *worker, const struct check_bulk_settings *settings, const struct clock *clock,
	struct check_limit_gate *gate, struct bulk_done *done);
void bulk_worker_give(struct bulk_worker *worker, struct bulk_job *job);
/* Gives up what it has in hand; once. */
void bulk_worker_stop(struct bulk_worker *worker);
/* Waits for the thread's end, after bulk_worker_stop. */
void bulk_worker_join(struct bulk_worker *worker);
#endif
