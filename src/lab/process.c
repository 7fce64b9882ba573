/* SPDX-License-Identifier: Apache-2.0 */
#include "lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int lab_watch_open(struct lab_watch *watch, const struct clock *clock)
{
	sigset_t wanted;
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGINT);
	sigaddset(&wanted, SIGTERM);
	sigaddset(&wanted, SIGHUP);
	sigaddset(&wanted, SIGCHLD);
	*watch = (struct lab_watch){ .clock = *clock, .descriptor = -1 };
	if (sigprocmask(SIG_BLOCK, &wanted, &watch->before) < 0)
		return -errno;
	watch->descriptor = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
	if (watch->descriptor >= 0)
		return 0;
	int status = -errno;
	sigprocmask(SIG_SETMASK, &watch->before, NULL);
	return status;
}

void lab_watch_close(struct lab_watch *watch)
{
	if (watch->descriptor < 0)
		return;
	close(watch->descriptor);
	watch->descriptor = -1;
	sigprocmask(SIG_SETMASK, &watch->before, NULL);
}

static void take_signals(struct lab_watch *watch)
{
	struct signalfd_siginfo information;
	while (read(watch->descriptor, &information, sizeof(information)) == (ssize_t)sizeof(information)) {
		if (information.ssi_signo != SIGCHLD && watch->stop_signal == 0)
			watch->stop_signal = (int)information.ssi_signo;
	}
}

static int milliseconds_until(const struct lab_watch *watch, int64_t due_us)
{
	int64_t left_us = due_us - clock_steady_us(&watch->clock);
	if (left_us <= 0)
		return 0;
	int64_t left_ms = (left_us + CLOCK_MS_US - 1) / CLOCK_MS_US;
	return left_ms > 3600000 ? 3600000 : (int)left_ms;
}

int lab_watch_wait(struct lab_watch *watch, int descriptor, int64_t due_us)
{
	struct pollfd polled[2] = { { watch->descriptor, POLLIN, 0 }, { descriptor, POLLIN, 0 } };
	if (watch->stop_signal)
		return -EINTR;
	int count = poll(polled, 2, milliseconds_until(watch, due_us));
	if (count < 0 && errno != EINTR)
		return -errno;
	if (polled[0].revents) {
		take_signals(watch);
		if (watch->stop_signal)
			return -EINTR;
	}
	if (polled[1].revents)
		return 1;
	if (count == 0 && clock_steady_us(&watch->clock) >= due_us)
		return -ETIMEDOUT;
	return 0;
}

void lab_process_init(struct lab_process *process)
{
	*process = (struct lab_process){ .ready = -1, .output = -1 };
}

static void close_end(int *descriptor)
{
	if (*descriptor >= 0)
		close(*descriptor);
	*descriptor = -1;
}

/* Everything the child needs, opened before fork(2): afterwards only calls that are safe there. */
struct child_ends {
	int ready;
	int output;
	int errors;
	int input;
	int failure; /* tells the parent why exec failed; closed by its success */
};

static void child_ends_close(struct child_ends *ends)
{
	if (ends->output == ends->errors)
		ends->output = -1;
	close_end(&ends->ready);
	close_end(&ends->output);
	close_end(&ends->errors);
	close_end(&ends->input);
	close_end(&ends->failure);
}

static int open_pipe(int *ret_ours, int *ret_theirs)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	*ret_ours = ends[0];
	*ret_theirs = ends[1];
	return 0;
}

static int child_ends_open(struct child_ends *ends, struct lab_process *process,
	const struct lab_process_options *options, int *ret_failure)
{
	*ends = (struct child_ends){ -1, -1, -1, -1, -1 };
	const char *path = options->output_path ? options->output_path : "/dev/null";
	ends->input = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ends->errors = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (ends->input < 0 || ends->errors < 0)
		return -errno;
	ends->output = ends->errors;
	int status = open_pipe(ret_failure, &ends->failure);
	if (status == 0 && options->announces)
		status = open_pipe(&process->ready, &ends->ready);
	if (status == 0 && options->capture)
		status = open_pipe(&process->output, &ends->output);
	return status;
}

_Noreturn static void child_fail(const struct child_ends *ends)
{
	int reason = errno;
	ssize_t written = write(ends->failure, &reason, sizeof(reason));
	_exit(written == (ssize_t)sizeof(reason) ? 127 : 126);
}

/* A descriptor below 10 could be overwritten by one of the dup2(2) before its turn comes. */
static int lift(int descriptor)
{
	return descriptor < 0 ? -1 : fcntl(descriptor, F_DUPFD_CLOEXEC, 10);
}

_Noreturn static void child_run(const struct lab_process_options *options, const struct child_ends *given, pid_t parent)
{
	struct child_ends ends = { lift(given->ready), lift(given->output), lift(given->errors), lift(given->input),
		lift(given->failure) };
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || setpgid(0, 0) < 0)
		child_fail(&ends);
	if (getppid() != parent) /* it died before it could leave us the order to do the same */
		_exit(126);
	if (options->folder && chdir(options->folder) < 0)
		child_fail(&ends);
	if (dup2(ends.input, 0) < 0 || dup2(ends.output, 1) < 0 || dup2(ends.errors, 2) < 0)
		child_fail(&ends);
	if (ends.ready >= 0 && dup2(ends.ready, LAB_READY_DESCRIPTOR) < 0)
		child_fail(&ends);
	execv(options->executable, (char *const *)(uintptr_t)options->arguments);
	child_fail(&ends);
}

/* Blocks only until exec(2) has succeeded or failed. */
static int await_exec(int failure)
{
	int reason = 0;
	ssize_t length;
	do
		length = read(failure, &reason, sizeof(reason));
	while (length < 0 && errno == EINTR);
	return length == (ssize_t)sizeof(reason) ? -reason : 0;
}

int lab_process_start(struct lab_process *process, const struct lab_process_options *options)
{
	struct child_ends ends;
	int failure = -1;
	lab_process_init(process);
	process->name = options->name;
	int status = child_ends_open(&ends, process, options, &failure);
	if (status == 0) {
		pid_t parent = getpid();
		process->id = fork();
		if (process->id == 0)
			child_run(options, &ends, parent);
		if (process->id < 0)
			status = -errno;
	}
	child_ends_close(&ends);
	if (status == 0)
		status = await_exec(failure);
	close_end(&failure);
	if (status == 0)
		return 0;
	if (process->id > 0)
		waitpid(process->id, NULL, 0);
	close_end(&process->ready);
	close_end(&process->output);
	lab_process_init(process);
	return status;
}

bool lab_process_is_alive(struct lab_process *process)
{
	int wait_status;
	if (process->id == 0)
		return false;
	pid_t gone = waitpid(process->id, &wait_status, WNOHANG);
	if (gone == 0)
		return true;
	process->wait_status = gone == process->id ? wait_status : 0;
	process->has_ended = true;
	process->id = 0;
	return false;
}

int lab_process_wait_ready(struct lab_process *process, struct lab_watch *watch, int64_t due_us)
{
	while (process->ready >= 0) {
		int status = lab_watch_wait(watch, process->ready, due_us);
		if (status < 0)
			return status;
		if (status == 0)
			continue;
		char byte;
		ssize_t length = read(process->ready, &byte, 1);
		if (length < 0 && errno == EINTR)
			continue;
		close_end(&process->ready);
		return length == 1 ? 0 : -ECHILD;
	}
	return lab_process_is_alive(process) ? 0 : -ECHILD;
}

/* One piece of its output. True: there may be more. */
static bool read_piece(struct lab_process *process, struct buffer *output)
{
	char piece[4096];
	ssize_t length = read(process->output, piece, sizeof(piece));
	if (length < 0)
		return errno == EINTR;
	if (length > 0)
		buffer_append(output, span_make(piece, (size_t)length));
	return length > 0;
}

int lab_process_finish(struct lab_process *process, struct lab_watch *watch, int64_t due_us, struct buffer *output)
{
	while (process->output >= 0) {
		int status = lab_watch_wait(watch, process->output, due_us);
		if (status < 0)
			return status;
		if (status == 1 && !read_piece(process, output))
			close_end(&process->output);
	}
	while (lab_process_is_alive(process)) {
		int status = lab_watch_wait(watch, -1, due_us);
		if (status < 0)
			return status;
	}
	return 0;
}

void lab_process_ask_to_stop(struct lab_process *process)
{
	/* Once: to many programs a second signal means "at once". */
	if (process->id > 0 && !process->was_asked)
		kill(-process->id, SIGTERM);
	process->was_asked = true;
}

void lab_process_stop(struct lab_process *process, const struct clock *clock, int64_t patience_us)
{
	const struct timespec pause = { 0, 2000000 };
	int64_t due_us = clock_steady_us(clock) + patience_us;
	lab_process_ask_to_stop(process);
	while (lab_process_is_alive(process) && clock_steady_us(clock) < due_us)
		nanosleep(&pause, NULL);
	if (process->id > 0) {
		kill(-process->id, SIGKILL);
		while (waitpid(process->id, &process->wait_status, 0) < 0 && errno == EINTR)
			continue;
		process->has_ended = true;
		process->id = 0;
	}
	close_end(&process->ready);
	close_end(&process->output);
}

int lab_process_exit_code(const struct lab_process *process)
{
	if (!process->has_ended)
		return -1;
	if (WIFSIGNALED(process->wait_status))
		return 128 + WTERMSIG(process->wait_status);
	return WEXITSTATUS(process->wait_status);
}
