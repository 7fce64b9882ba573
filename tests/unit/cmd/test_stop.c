/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C for work that looks at a flag. Each case is a process of its own, which is sent real signals. */
#include "base/require.h"
#include "cmd/stop.h"
#include "unit/cmocka_all.h"

#include <poll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 20000

/* Works until it is asked to stop, then goes on for as long as a second signal takes to come. */
static void work(int ready, int asked)
{
	struct command_stop stop;
	struct timespec pause = { 0, 5000000 };
	if (command_stop_begin(&stop) < 0 || write(ready, "r", 1) != 1)
		_exit(99);
	for (int i = 0; !command_stop_asked(&stop) && i < PATIENCE_MS / 5; i++)
		nanosleep(&pause, NULL);
	if (!command_stop_asked(&stop) || write(asked, "a", 1) != 1)
		_exit(98);
	for (int i = 0; i < 100; i++)
		nanosleep(&pause, NULL);
	int number = stop.signal;
	command_stop_end(&stop);
	_exit(number);
}

static void await(int descriptor, const char *what)
{
	struct pollfd wanted = { .fd = descriptor, .events = POLLIN };
	char byte;
	if (poll(&wanted, 1, PATIENCE_MS) != 1 || read(descriptor, &byte, 1) != 1)
		fail_msg("%s: not within %d ms", what, PATIENCE_MS);
}

/* How the process ended that was sent these signals; the second is 0 or comes when the first has been seen. */
static int status_after(int first, int second)
{
	int ready[2], asked[2], status = 0;
	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(asked), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0)
		work(ready[1], asked[1]);
	await(ready[0], "it begins");
	kill(child, first);
	await(asked[0], "it is asked to stop");
	if (second)
		kill(child, second);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (int i = 0; i < 2; i++) {
		close(ready[i]);
		close(asked[i]);
	}
	return status;
}

static void the_first_signal_only_asks(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(signals); i++) {
		int status = status_after(signals[i], 0);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != signals[i])
			fail_msg("signal %d: status %x", signals[i], (unsigned)status);
	}
}

static void the_second_ends_the_process(void **state)
{
	static const int signals[][2] = { { SIGINT, SIGINT }, { SIGTERM, SIGTERM }, { SIGINT, SIGTERM } };
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(signals); i++) {
		int status = status_after(signals[i][0], signals[i][1]);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != signals[i][1])
			fail_msg("signals %d, %d: status %x", signals[i][0], signals[i][1], (unsigned)status);
	}
}

static void afterwards_signals_are_as_before(void **state)
{
	struct command_stop stop;
	sigset_t before, after;
	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_int_equal(command_stop_begin(&stop), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_true(sigismember(&after, SIGINT) && sigismember(&after, SIGTERM));
	command_stop_end(&stop);
	command_stop_end(&stop); /* harmless */
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
	assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_signal_only_asks),
		cmocka_unit_test(the_second_ends_the_process),
		cmocka_unit_test(afterwards_signals_are_as_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
