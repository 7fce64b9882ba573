/* SPDX-License-Identifier: Apache-2.0 */
#include "check/bulk_worker.h"

#include "base/require.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Where there is no room (queries, memory), so long until the next try. */
#define AGAIN_US (50 * CLOCK_MS_US)
/* So many tries with nothing running that could make room, and the run is given up. */
#define REFUSALS_MAXIMUM 40

/* ---- jobs ---- */

struct bulk_job *bulk_job_new(struct span typed)
{
	struct bulk_job *job = calloc(1, sizeof(*job) + typed.length);
	if (!job)
		return NULL;
	list_init(&job->link);
	job->length = typed.length;
	memcpy(job->typed, typed.at, typed.length);
	return job;
}

void bulk_job_free(struct bulk_job *job)
{
	for (size_t i = 0; i < job->report_count; i++)
		check_report_free(&job->reports[i]);
	check_facts_free(job->facts);
	free(job);
}

/* ---- those done ---- */

int bulk_done_open(struct bulk_done *done)
{
	*done = (struct bulk_done){ .event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	if (done->event < 0)
		return -errno;
	done->last = &done->first;
	pthread_mutex_init(&done->lock, NULL);
	return 0;
}

struct bulk_job *bulk_done_take(struct bulk_done *done)
{
	uint64_t count;
	pthread_mutex_lock(&done->lock);
	struct bulk_job *jobs = done->first;
	if (jobs && read(done->event, &count, sizeof(count)) < 0)
		base_require(errno == EAGAIN);
	done->first = NULL;
	done->last = &done->first;
	pthread_mutex_unlock(&done->lock);
	return jobs;
}

void bulk_done_close(struct bulk_done *done)
{
	for (struct bulk_job *job = bulk_done_take(done), *next; job; job = next) {
		next = job->next;
		bulk_job_free(job);
	}
	close(done->event);
	pthread_mutex_destroy(&done->lock);
}

static void done_put(struct bulk_done *done, struct bulk_job *job)
{
	uint64_t one = 1;
	job->next = NULL;
	pthread_mutex_lock(&done->lock);
	bool was_empty = !done->first;
	*done->last = job;
	done->last = &job->next;
	if (was_empty && write(done->event, &one, sizeof(one)) < 0)
		base_require(errno == EAGAIN);
	pthread_mutex_unlock(&done->lock);
}

/* ---- examining ---- */

static void job_judge(struct bulk_job *job)
{
	const struct check_bench *bench = job->worker->settings->bench;
	unsigned policies = bench->options->policies ? bench->options->policies : 1u << bench->policy.kind;
	for (int kind = 0; kind < BULK_POLICIES; kind++)
		if (policies & 1u << kind)
			check_judge(
				bench, (enum trust_policy_kind)kind, job->facts, &job->reports[job->report_count++]);
}

static void worker_try_refused(struct bulk_worker *worker);

static void job_examined(void *argument, struct check_facts *facts)
{
	struct bulk_job *job = argument;
	struct bulk_worker *worker = job->worker;
	list_remove(&job->link);
	job->facts = facts;
	job_judge(job);
	done_put(worker->done, job);
	worker_try_refused(worker);
}

/* false: there is no room. */
static bool job_begin(struct bulk_job *job)
{
	struct bulk_worker *worker = job->worker;
	struct span typed = span_make(job->typed, job->length);
	job->status = check_examine(worker->examiner, typed, job_examined, job);
	if (job->status < 0)
		return false;
	list_append(&worker->running, &job->link);
	worker->refusals = 0;
	return true;
}

/* Nothing runs that could make room: the conductor has to hear of it. */
static void worker_despair(struct bulk_worker *worker)
{
	struct bulk_job *job = base_container(worker->refused.next, struct bulk_job, link);
	list_remove(&job->link);
	done_put(worker->done, job);
}

static void worker_try_refused(struct bulk_worker *worker)
{
	while (!list_is_empty(&worker->refused)) {
		struct bulk_job *job = base_container(worker->refused.next, struct bulk_job, link);
		list_remove(&job->link);
		if (job_begin(job))
			continue;
		list_insert_before(worker->refused.next, &job->link);
		if (list_is_empty(&worker->running) && ++worker->refusals > REFUSALS_MAXIMUM)
			worker_despair(worker);
		wheel_arm(net_loop_wheel(worker->loop), &worker->again, net_loop_now_us(worker->loop) + AGAIN_US);
		return;
	}
}

static void worker_again(struct wheel_timer *timer, int64_t now_us)
{
	(void)now_us;
	worker_try_refused(base_container(timer, struct bulk_worker, again));
}

static void job_arrived(struct net_task *task)
{
	struct bulk_job *job = base_container(task, struct bulk_job, task);
	struct bulk_worker *worker = job->worker;
	if (!worker->examiner) {
		list_append(&worker->refused, &job->link); /* it has ended: freed with the others */
		return;
	}
	bool alone = list_is_empty(&worker->refused);
	if (alone && job_begin(job))
		return;
	list_append(&worker->refused, &job->link);
	if (alone)
		wheel_arm(net_loop_wheel(worker->loop), &worker->again, net_loop_now_us(worker->loop) + AGAIN_US);
}

void bulk_worker_give(struct bulk_worker *worker, struct bulk_job *job)
{
	job->worker = worker;
	job->task.run = job_arrived;
	worker->in_flight++;
	net_loop_submit(worker->loop, &job->task);
}

/* ---- life ---- */

static void jobs_free(struct list *jobs)
{
	while (!list_is_empty(jobs)) {
		struct bulk_job *job = base_container(jobs->next, struct bulk_job, link);
		list_remove(&job->link);
		bulk_job_free(job);
	}
}

static void worker_close(struct bulk_worker *worker)
{
	check_examiner_free(worker->examiner);
	worker->examiner = NULL;
	wheel_disarm(net_loop_wheel(worker->loop), &worker->again);
	check_limit_window_close(&worker->window);
	net_loop_free(worker->loop);
	jobs_free(&worker->running);
	jobs_free(&worker->refused);
}

static void *worker_run(void *argument)
{
	struct bulk_worker *worker = argument;
	net_loop_run(worker->loop);
	worker_close(worker);
	return NULL;
}

static void worker_ended(struct net_task *task)
{
	net_loop_stop(base_container(task, struct bulk_worker, end)->loop);
}

/* Signals are for the thread that began the run. */
static int thread_start(struct bulk_worker *worker)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int error = pthread_create(&worker->thread, NULL, worker_run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int bulk_worker_start(struct bulk_worker *worker, const struct check_bulk_settings *settings, const struct clock *clock,
	struct check_limit_gate *gate, struct bulk_done *done)
{
	*worker = (struct bulk_worker){ .settings = settings, .done = done, .end = { .run = worker_ended } };
	list_init(&worker->running);
	list_init(&worker->refused);
	wheel_timer_init(&worker->again, worker_again);
	int status = net_loop_new(clock, &worker->loop);
	if (status < 0)
		return status;
	check_limit_window_open(&worker->window, gate, worker->loop);
	status = check_examiner_new(settings->desk, worker->loop, &worker->window.face, &worker->examiner);
	if (status < 0) {
		net_loop_free(worker->loop);
		return status;
	}
	status = thread_start(worker);
	if (status < 0)
		worker_close(worker);
	return status;
}

/* By a task, whose sender the loop waits for; net_loop_stop from here might meet a loop that is gone. */
void bulk_worker_stop(struct bulk_worker *worker)
{
	net_loop_submit(worker->loop, &worker->end);
}

void bulk_worker_join(struct bulk_worker *worker)
{
	pthread_join(worker->thread, NULL);
}
