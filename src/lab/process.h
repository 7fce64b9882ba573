/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_PROCESS_H
#define FEDGE_LAB_PROCESS_H
/* Child processes that never outlive their parent. A child is killed by the kernel when the
 * thread that started it dies, however it dies (prctl(2), PR_SET_PDEATHSIG); it leads a process
 * group of its own, so a Ctrl-C at the terminal reaches the parent alone, which then takes its
 * children down in order. All waiting is done by lab_watch_wait: on a descriptor, on children, on
 * a wish to stop, and never past a deadline.
 *
 * To be used from one thread. Times are steady microseconds of the clock given to the watch. */
#include "base/buffer.h"
#include "base/clock.h"

#include <signal.h>
#include <sys/types.h>

/* Takes SIGINT, SIGTERM, SIGHUP and SIGCHLD from the process for as long as it is open. */
struct lab_watch {
	struct clock clock;
	int descriptor; /* signalfd */
	int stop_signal; /* the signal that asked us to stop; 0: none yet */
	sigset_t before;
};

int lab_watch_open(struct lab_watch *watch, const struct clock *clock);
void lab_watch_close(struct lab_watch *watch); /* may be called twice */
/* Waits for whichever comes first. 1: the descriptor (-1: none) is readable or at its end; 0: a
 * child changed; -EINTR: asked to stop (again and again, once it is so); -ETIMEDOUT: the time
 * due_us has come. */
int lab_watch_wait(struct lab_watch *watch, int descriptor, int64_t due_us);

struct lab_process {
	const char *name; /* the caller's; for messages */
	pid_t id; /* 0: not running */
	int ready; /* our end of its readiness pipe, or -1 */
	int output; /* our end of its standard output, or -1 */
	int wait_status; /* of waitpid(2), once it ended */
	bool has_ended;
	bool was_asked; /* to stop, by SIGTERM */
};

#define LAB_READY_DESCRIPTOR 3
struct lab_process_options {
	const char *name;
	const char *executable;
	const char *const *arguments; /* NULL-terminated, the first is what the process is called */
	const char *folder; /* where it runs; NULL: here */
	const char *output_path; /* its output and errors are appended to it; NULL: thrown away */
	bool announces; /* it writes to descriptor LAB_READY_DESCRIPTOR when it is ready */
	bool capture; /* its standard output comes to us, only errors go to output_path */
};

void lab_process_init(struct lab_process *process);
/* Negative errno where it could not be started (also where the executable is missing). */
int lab_process_start(struct lab_process *process, const struct lab_process_options *options);
/* 0: it said that it is ready; -ECHILD: it ended without; -ETIMEDOUT, -EINTR as lab_watch_wait. */
int lab_process_wait_ready(struct lab_process *process, struct lab_watch *watch, int64_t due_us);
/* Reads its standard output to the end and waits for its own. What does not fit into output is
 * read and dropped. 0, -ETIMEDOUT or -EINTR (it runs on then). */
int lab_process_finish(struct lab_process *process, struct lab_watch *watch, int64_t due_us, struct buffer *output);
/* True while it runs; takes note of its end otherwise. */
bool lab_process_is_alive(struct lab_process *process);
/* SIGTERM to its group, SIGKILL once patience is over; returns when it is gone. Harmless when it
 * does not run. */
void lab_process_stop(struct lab_process *process, const struct clock *clock, int64_t patience_us);
/* SIGTERM alone, so that several may end side by side before lab_process_stop is called. */
void lab_process_ask_to_stop(struct lab_process *process);
/* Exit code 0…255; 128 + signal where one ended it; -1 while it runs. */
int lab_process_exit_code(const struct lab_process *process);
#endif
