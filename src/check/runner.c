/* SPDX-License-Identifier: Apache-2.0 */
#include "check/runner.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/require.h"
#include "base/text.h"
#include "check/runner_private.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#define AT_ONCE_MAXIMUM 64
#define NOTES_MAXIMUM 64
#define LOOK_EVERY_MS 20 /* at running commands */

struct slot {
	struct runner_job *job; /* NULL: free */
	pid_t id; /* also of its process group */
	int64_t due_us;
	bool was_killed;
};

struct check_runner {
	const char *command;
	struct check_runner_limits limits;
	struct clock clock;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct list waiting;
	size_t waiting_bytes;
	struct check_runner_counts counts;
	char (*notes)[CHECK_RUNNER_NOTE_SIZE]; /* a ring */
	size_t first_note, note_count, notes_left_out;
	bool stopping;
	bool stopped; /* the thread has ended; the caller's own */
	int64_t end_us; /* of the grace, once stopping */
	struct slot slots[AT_ONCE_MAXIMUM]; /* the thread's own */
};

/* ---- notes ---- */

static void note(struct check_runner *runner, const struct runner_job *job, const char *what)
{
	if (runner->note_count == NOTES_MAXIMUM) {
		runner->notes_left_out++;
		return;
	}
	size_t at = (runner->first_note + runner->note_count++) % NOTES_MAXIMUM;
	snprintf(runner->notes[at], CHECK_RUNNER_NOTE_SIZE, "the command for %.100s %s", job->subject, what);
}

bool check_runner_note(struct check_runner *runner, char ret_text[CHECK_RUNNER_NOTE_SIZE])
{
	bool found = true;
	pthread_mutex_lock(&runner->lock);
	if (runner->note_count) {
		memcpy(ret_text, runner->notes[runner->first_note], CHECK_RUNNER_NOTE_SIZE);
		runner->first_note = (runner->first_note + 1) % NOTES_MAXIMUM;
		runner->note_count--;
	} else if (runner->notes_left_out) {
		snprintf(ret_text, CHECK_RUNNER_NOTE_SIZE, "%zu more commands failed", runner->notes_left_out);
		runner->notes_left_out = 0;
	} else {
		found = false;
	}
	pthread_mutex_unlock(&runner->lock);
	return found;
}

/* ---- running commands: all in the thread, under the lock ---- */

static void begin(struct check_runner *runner, struct slot *slot)
{
	struct runner_job *job = base_container(runner->waiting.next, struct runner_job, link);
	list_remove(&job->link);
	runner->counts.waiting--;
	runner->counts.running++;
	runner->waiting_bytes -= job->size;
	pthread_mutex_unlock(&runner->lock); /* making a process takes its time */
	pid_t id = 0;
	int status = runner_job_start(job, runner->command, &id);
	pthread_mutex_lock(&runner->lock);
	if (status == 0) {
		*slot = (struct slot){ job, id, clock_steady_us(&runner->clock) + runner->limits.patience_us, false };
		return;
	}
	char text[128];
	snprintf(text, sizeof(text), "could not be started: %s", strerrordesc_np(-status));
	note(runner, job, text);
	runner->counts.running--;
	runner->counts.failed++;
	runner_job_free(job);
}

static void end(struct check_runner *runner, struct slot *slot, int wait_status)
{
	char text[128];
	runner->counts.running--;
	if (slot->was_killed) {
		runner->counts.killed++;
		snprintf(text, sizeof(text), "was killed after %.3g s",
			(double)runner->limits.patience_us / (double)CLOCK_SECOND_US);
		note(runner, slot->job, runner->stopping ? "was killed: the watch ends" : text);
	} else if (WIFSIGNALED(wait_status)) {
		runner->counts.failed++;
		snprintf(text, sizeof(text), "was ended by signal %d (%s)", WTERMSIG(wait_status),
			sigdescr_np(WTERMSIG(wait_status)) ? sigdescr_np(WTERMSIG(wait_status)) : "unknown");
		note(runner, slot->job, text);
	} else if (WEXITSTATUS(wait_status) != 0) {
		runner->counts.failed++;
		snprintf(text, sizeof(text), "failed with exit status %d", WEXITSTATUS(wait_status));
		note(runner, slot->job, text);
	} else {
		runner->counts.succeeded++;
	}
	runner_job_free(slot->job);
	slot->job = NULL;
}

static void look_at(struct check_runner *runner, struct slot *slot, int64_t now_us)
{
	int wait_status = 0;
	pid_t gone = waitpid(slot->id, &wait_status, WNOHANG);
	/* Where SIGCHLD is ignored the system has reaped it already, and nobody knows how it ended. */
	if (gone == slot->id || (gone < 0 && errno != EINTR)) {
		end(runner, slot, gone < 0 ? 0 : wait_status);
	} else if (!slot->was_killed && (now_us >= slot->due_us || (runner->stopping && now_us >= runner->end_us))) {
		kill(-slot->id, SIGKILL);
		slot->was_killed = true;
	}
}

static void work(struct check_runner *runner)
{
	int64_t now_us = clock_steady_us(&runner->clock);
	for (size_t i = 0; i < runner->limits.at_once; i++) {
		struct slot *slot = &runner->slots[i];
		if (slot->job)
			look_at(runner, slot, now_us);
		while (!slot->job && !runner->stopping && !list_is_empty(&runner->waiting))
			begin(runner, slot);
	}
}

static void rest(struct check_runner *runner)
{
	struct timespec due;
	if (runner->counts.running == 0) {
		pthread_cond_wait(&runner->changed, &runner->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &due);
	due.tv_nsec += LOOK_EVERY_MS * 1000000L;
	due.tv_sec += due.tv_nsec / 1000000000L;
	due.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&runner->changed, &runner->lock, &due);
}

static void *run(void *argument)
{
	struct check_runner *runner = argument;
	pthread_mutex_lock(&runner->lock);
	for (;;) {
		work(runner);
		if (runner->stopping && runner->counts.running == 0)
			break;
		if (runner->counts.running || (list_is_empty(&runner->waiting) && !runner->stopping))
			rest(runner);
	}
	pthread_mutex_unlock(&runner->lock);
	return NULL;
}

/* ---- its life ---- */

/* Signals are for the program's own thread. */
static int start_thread(struct check_runner *runner)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&runner->thread, NULL, run, runner);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -error;
}

int check_runner_new(const char *command, const struct check_runner_limits *limits, struct check_runner **ret_runner)
{
	pthread_condattr_t attributes;
	struct check_runner *runner = calloc(1, sizeof(*runner));
	if (!runner)
		return -ENOMEM;
	runner->command = command;
	runner->clock = clock_system();
	runner->limits = limits ? *limits : (struct check_runner_limits){ 0 };
	struct check_runner_limits *l = &runner->limits;
	l->at_once = l->at_once == 0 ? 8 : l->at_once > AT_ONCE_MAXIMUM ? AT_ONCE_MAXIMUM : l->at_once;
	l->patience_us = l->patience_us ? l->patience_us : 60 * CLOCK_SECOND_US;
	l->waiting = l->waiting ? l->waiting : 1024;
	l->waiting_bytes = l->waiting_bytes ? l->waiting_bytes : 64u << 20;
	runner->notes = calloc(NOTES_MAXIMUM, sizeof(*runner->notes));
	list_init(&runner->waiting);
	pthread_mutex_init(&runner->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&runner->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	int status = runner->notes ? start_thread(runner) : -ENOMEM;
	if (status == 0) {
		*ret_runner = runner;
		return 0;
	}
	pthread_cond_destroy(&runner->changed);
	pthread_mutex_destroy(&runner->lock);
	free(runner->notes);
	free(runner);
	return status;
}

int check_runner_submit(struct check_runner *runner, struct span subject, const struct check_runner_variable *variables,
	size_t variable_count, struct span input)
{
	struct runner_job *job = NULL;
	int status = runner_job_new(subject, variables, variable_count, input, &job);
	pthread_mutex_lock(&runner->lock);
	if (status == 0 && (runner->counts.waiting >= runner->limits.waiting ||
				   runner->waiting_bytes + job->size > runner->limits.waiting_bytes))
		status = -ENOBUFS;
	if (status == 0) {
		list_append(&runner->waiting, &job->link);
		runner->counts.waiting++;
		runner->waiting_bytes += job->size;
		pthread_cond_signal(&runner->changed);
	} else {
		runner->counts.dropped++;
	}
	pthread_mutex_unlock(&runner->lock);
	if (status < 0)
		runner_job_free(job);
	return status;
}

struct check_runner_counts check_runner_counts(struct check_runner *runner)
{
	pthread_mutex_lock(&runner->lock);
	struct check_runner_counts counts = runner->counts;
	pthread_mutex_unlock(&runner->lock);
	return counts;
}

void check_runner_stop(struct check_runner *runner, int64_t grace_us)
{
	if (runner->stopped)
		return;
	pthread_mutex_lock(&runner->lock);
	runner->stopping = true;
	runner->end_us = clock_steady_us(&runner->clock) + grace_us;
	pthread_cond_signal(&runner->changed);
	pthread_mutex_unlock(&runner->lock);
	pthread_join(runner->thread, NULL);
	runner->stopped = true;
	list_each_safe (link, following, &runner->waiting) {
		list_remove(link);
		runner_job_free(base_container(link, struct runner_job, link));
		runner->counts.waiting--;
		runner->counts.dropped++;
	}
}

void check_runner_free(struct check_runner *runner)
{
	if (!runner)
		return;
	check_runner_stop(runner, 0);
	pthread_cond_destroy(&runner->changed);
	pthread_mutex_destroy(&runner->lock);
	free(runner->notes);
	free(runner);
}
