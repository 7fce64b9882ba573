/* SPDX-License-Identifier: Apache-2.0 */
/* Children: started, heard, ended; and gone with their parent, however it dies. */
#include "lab/process.h"
#include "lab_test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#define SHELL(...)                                                                                                     \
	&(struct lab_process_options)                                                                                  \
	{                                                                                                              \
		.name = "shell", .executable = "/bin/sh", .arguments = (const char *const[])                           \
		{                                                                                                      \
			"sh", "-c", __VA_ARGS__, NULL                                                                  \
		}                                                                                                      \
	}

struct bench {
	struct clock clock;
	struct lab_watch watch;
};

static void bench_init(struct bench *bench)
{
	bench->clock = clock_system();
	assert_int_equal(lab_watch_open(&bench->watch, &bench->clock), 0);
}

static int64_t in_seconds(const struct bench *bench, int64_t seconds)
{
	return clock_steady_us(&bench->clock) + seconds * CLOCK_SECOND_US;
}

static void a_child_says_when_it_is_ready(void **state)
{
	struct bench bench;
	struct lab_process process;
	struct lab_process_options options = *SHELL("echo ready >&3; exec sleep 60");
	(void)state;
	bench_init(&bench);
	options.announces = true;
	assert_int_equal(lab_process_start(&process, &options), 0);
	assert_int_equal(lab_process_wait_ready(&process, &bench.watch, in_seconds(&bench, 20)), 0);
	assert_true(lab_process_is_alive(&process));
	lab_process_stop(&process, &bench.clock, 5 * CLOCK_SECOND_US);
	assert_int_equal(lab_process_exit_code(&process), 128 + SIGTERM);
	assert_false(lab_process_is_alive(&process));
	lab_watch_close(&bench.watch);
}

static void a_child_that_ends_before_is_not_waited_for(void **state)
{
	struct bench bench;
	struct lab_process process;
	struct lab_process_options options = *SHELL("exit 7");
	(void)state;
	bench_init(&bench);
	options.announces = true;
	assert_int_equal(lab_process_start(&process, &options), 0);
	assert_int_equal(lab_process_wait_ready(&process, &bench.watch, in_seconds(&bench, 20)), -ECHILD);
	lab_process_stop(&process, &bench.clock, 5 * CLOCK_SECOND_US);
	assert_int_equal(lab_process_exit_code(&process), 7);
	lab_watch_close(&bench.watch);
}

static void a_deadline_is_kept(void **state)
{
	struct bench bench;
	struct lab_process process;
	struct lab_process_options options = *SHELL("exec sleep 60");
	(void)state;
	bench_init(&bench);
	options.announces = true;
	assert_int_equal(lab_process_start(&process, &options), 0);
	int64_t due_us = clock_steady_us(&bench.clock) + 50 * CLOCK_MS_US;
	assert_int_equal(lab_process_wait_ready(&process, &bench.watch, due_us), -ETIMEDOUT);
	lab_process_stop(&process, &bench.clock, 5 * CLOCK_SECOND_US);
	lab_watch_close(&bench.watch);
}

static void output_comes_whole(void **state)
{
	struct bench bench;
	struct lab_process process;
	struct buffer output;
	struct lab_process_options options =
		*SHELL("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; exit 3");
	(void)state;
	bench_init(&bench);
	buffer_init(&output, 1 << 20);
	options.capture = true;
	assert_int_equal(lab_process_start(&process, &options), 0);
	assert_int_equal(lab_process_finish(&process, &bench.watch, in_seconds(&bench, 30), &output), 0);
	assert_int_equal(lab_process_exit_code(&process), 3);
	assert_true(span_ends_nocase(buffer_span(&output), SPAN("line 2999\n")));
	buffer_done(&output);
	lab_watch_close(&bench.watch);
}

static void a_missing_executable_is_an_error_at_once(void **state)
{
	struct lab_process process;
	struct lab_process_options options = *SHELL("true");
	(void)state;
	options.executable = "/nowhere/fedge";
	assert_int_equal(lab_process_start(&process, &options), -ENOENT);
	assert_false(lab_process_is_alive(&process));
}

static void a_stubborn_child_is_killed(void **state)
{
	struct bench bench;
	struct lab_process process;
	struct lab_process_options options = *SHELL("trap '' TERM; echo ready >&3; while :; do sleep 1; done");
	(void)state;
	bench_init(&bench);
	options.announces = true;
	assert_int_equal(lab_process_start(&process, &options), 0);
	assert_int_equal(lab_process_wait_ready(&process, &bench.watch, in_seconds(&bench, 20)), 0);
	lab_process_stop(&process, &bench.clock, 30 * CLOCK_MS_US);
	assert_int_equal(lab_process_exit_code(&process), 128 + SIGKILL);
	lab_watch_close(&bench.watch);
}

static void a_wish_to_stop_ends_every_wait(void **state)
{
	struct bench bench;
	(void)state;
	bench_init(&bench);
	kill(getpid(), SIGINT);
	assert_int_equal(lab_watch_wait(&bench.watch, -1, in_seconds(&bench, 20)), -EINTR);
	assert_int_equal(bench.watch.stop_signal, SIGINT);
	assert_int_equal(lab_watch_wait(&bench.watch, -1, in_seconds(&bench, 20)), -EINTR);
	lab_watch_close(&bench.watch);
}

/* A parent of its own: starts a child, tells its id through the pipe, then waits to be killed. */
_Noreturn static void be_a_parent(int report)
{
	struct lab_process process;
	if (lab_process_start(&process, SHELL("exec sleep 300")) == 0) {
		ssize_t written = write(report, &process.id, sizeof(process.id));
		(void)written;
	}
	for (;;)
		pause();
}

/* The orphan is ours to wait for: this process is made its new parent (a subreaper). */
static void children_die_with(int signal_number)
{
	int ends[2];
	pid_t child = 0;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(pipe(ends), 0);
	pid_t parent = fork();
	if (parent == 0)
		be_a_parent(ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &child, sizeof(child)), sizeof(child));
	close(ends[0]);
	assert_int_equal(kill(child, 0), 0);
	kill(parent, signal_number);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	int wait_status = 0;
	pid_t gone = 0;
	for (int i = 0; i < 5000 && gone == 0; i++) {
		const struct timespec pause_time = { 0, 2000000 };
		gone = waitpid(child, &wait_status, WNOHANG);
		nanosleep(&pause_time, NULL);
	}
	if (gone == 0)
		kill(child, SIGKILL);
	assert_int_equal(gone, child);
	assert_true(WIFSIGNALED(wait_status));
	assert_int_equal(WTERMSIG(wait_status), SIGKILL);
}

static void children_die_with_their_parent(void **state)
{
	(void)state;
	children_die_with(SIGTERM);
}

static void children_die_with_a_parent_that_is_killed(void **state)
{
	(void)state;
	children_die_with(SIGKILL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_says_when_it_is_ready),
		cmocka_unit_test(a_child_that_ends_before_is_not_waited_for),
		cmocka_unit_test(a_deadline_is_kept),
		cmocka_unit_test(output_comes_whole),
		cmocka_unit_test(a_missing_executable_is_an_error_at_once),
		cmocka_unit_test(a_stubborn_child_is_killed),
		cmocka_unit_test(a_wish_to_stop_ends_every_wait),
		cmocka_unit_test(children_die_with_their_parent),
		cmocka_unit_test(children_die_with_a_parent_that_is_killed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
