/* SPDX-License-Identifier: Apache-2.0 */
/* Commands beside the program: what reaches them, how they end, and that nothing of them is left. */
#include "base/clock.h"
#include "base/require.h"
#include "check/runner.h"
#include "unit/cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LONG_US (20 * CLOCK_SECOND_US)

struct house {
	char folder[64];
	char command[512];
	struct check_runner *runner;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	snprintf(h->folder, sizeof(h->folder), "/tmp/fedge-runner-XXXXXX");
	if (!mkdtemp(h->folder))
		return -1;
	setenv("HOUSE", h->folder, 1);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	char command[128];
	check_runner_free(h->runner);
	snprintf(command, sizeof(command), "rm -rf %s", h->folder);
	int status = system(command);
	free(h);
	return status;
}

static void begin(struct house *h, const char *command, struct check_runner_limits limits)
{
	snprintf(h->command, sizeof(h->command), "%s", command);
	assert_int_equal(check_runner_new(h->command, &limits, &h->runner), 0);
}

static int submit(struct house *h, const char *value, struct span input)
{
	const struct check_runner_variable variables[] = { { "FEDGE_DOMAIN", span_of(value) },
		{ "FEDGE_EMPTY", SPAN_NONE } };
	return check_runner_submit(h->runner, span_of(value), variables, BASE_COUNT(variables), input);
}

static void pause_ms(long ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&time, NULL);
}

static struct check_runner_counts wait_idle(struct house *h)
{
	struct clock clock = clock_system();
	int64_t due_us = clock_steady_us(&clock) + LONG_US;
	for (;;) {
		struct check_runner_counts counts = check_runner_counts(h->runner);
		if (counts.waiting + counts.running == 0)
			return counts;
		if (clock_steady_us(&clock) > due_us)
			fail_msg("%zu still wait, %zu run", counts.waiting, counts.running);
		pause_ms(5);
	}
}

/* What a command wrote into the folder. */
static const char *written(struct house *h, const char *name, char ret_text[4096])
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("there is no %s", path);
	ret_text[fread(ret_text, 1, 4095, file)] = '\0';
	fclose(file);
	return ret_text;
}

static bool exists(struct house *h, const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", h->folder, name);
	return access(path, F_OK) == 0;
}

static void assert_note(struct house *h, const char *wanted)
{
	char text[CHECK_RUNNER_NOTE_SIZE] = "";
	bool found = check_runner_note(h->runner, text);
	if (found != (wanted != NULL) || (wanted && strcmp(text, wanted) != 0))
		fail_msg("note `%s` and not `%s`", text, wanted ? wanted : "none");
}

static void no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void environment_and_input_reach_it(void **state)
{
	struct house *h = *state;
	char text[4096];
	setenv("FEDGE_DOMAIN", "ours", 1);
	begin(h, "printf '%s|%s|%s' \"$FEDGE_DOMAIN\" \"${FEDGE_EMPTY-unset}\" \"$HOUSE\" >$HOUSE/env; cat >$HOUSE/in",
		(struct check_runner_limits){ 0 });
	assert_int_equal(submit(h, "a.example", SPAN("{\"verdict\": \"fail\"}\n")), 0);
	assert_int_equal(wait_idle(h).succeeded, 1);
	char wanted[128];
	snprintf(wanted, sizeof(wanted), "a.example||%s", h->folder);
	assert_string_equal(written(h, "env", text), wanted);
	assert_string_equal(written(h, "in", text), "{\"verdict\": \"fail\"}\n");
	assert_note(h, NULL);
	unsetenv("FEDGE_DOMAIN");
	no_child_is_left();
}

static void values_are_values(void **state)
{
	struct house *h = *state;
	char text[4096];
	static const struct {
		const char *value, *seen;
	} cases[] = {
		{ "$(touch $HOUSE/hit)`touch $HOUSE/hit`; touch $HOUSE/hit", NULL },
		{ "'; touch $HOUSE/hit; '\" & touch $HOUSE/hit #", NULL },
		{ "one\ntwo\r\nBcc: x@y", "one\\x0Atwo\\x0D\\x0ABcc: x@y" },
		{ "\x1b[2J\xff", "\\x1B[2J\\xFF" },
	};
	begin(h, "printf %s \"$FEDGE_DOMAIN\" >$HOUSE/seen", (struct check_runner_limits){ 0 });
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		assert_int_equal(submit(h, cases[i].value, SPAN_NONE), 0);
		wait_idle(h);
		assert_string_equal(written(h, "seen", text), cases[i].seen ? cases[i].seen : cases[i].value);
		assert_false(exists(h, "hit"));
	}
}

static void long_values_are_cut(void **state)
{
	struct house *h = *state;
	char text[4096];
	size_t length = 4u << 20;
	char *value = malloc(length + 1);
	memset(value, 'x', length);
	value[length] = '\0';
	begin(h, "printf %s \"${#FEDGE_DOMAIN}\" >$HOUSE/seen", (struct check_runner_limits){ 0 });
	assert_int_equal(submit(h, value, SPAN_NONE), 0);
	assert_int_equal(wait_idle(h).succeeded, 1);
	assert_string_equal(written(h, "seen", text), "8192");
	free(value);
}

/* More than a pipe holds, and nobody reads it. */
static void input_that_nobody_reads(void **state)
{
	struct house *h = *state;
	char text[4096];
	size_t length = 1u << 20;
	char *input = malloc(length);
	memset(input, 'x', length);
	begin(h, "test \"$FEDGE_DOMAIN\" = unread || wc -c >$HOUSE/count", (struct check_runner_limits){ 0 });
	assert_int_equal(submit(h, "unread", span_make(input, length)), 0);
	assert_int_equal(submit(h, "read", span_make(input, length)), 0);
	assert_int_equal(wait_idle(h).succeeded, 2);
	assert_int_equal(strtol(written(h, "count", text), NULL, 10), length);
	free(input);
}

static void nothing_else_reaches_it(void **state)
{
	struct house *h = *state;
	char text[4096];
	sigset_t blocked, before;
	int open_here = dup(1); /* without close-on-exec */
	sigfillset(&blocked);
	pthread_sigmask(SIG_BLOCK, &blocked, &before);
	begin(h,
		"for n in 0 1 2 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$n && printf '%s ' $n; done >$HOUSE/fds; grep -E "
		"'SigBlk|SigIgn' /proc/self/status >$HOUSE/signals; "
		"ps -o pgid= -p $$ | tr -d ' \\n' >$HOUSE/group; printf ' %s' $$ >>$HOUSE/group",
		(struct check_runner_limits){ 0 });
	assert_int_equal(submit(h, "a.example", SPAN_NONE), 0);
	wait_idle(h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	close(open_here);
	assert_string_equal(written(h, "fds", text), "0 1 2 ");
	assert_non_null(strstr(written(h, "signals", text), "SigBlk:\t0000000000000000\n"));
	long group, id;
	assert_int_equal(sscanf(written(h, "group", text), "%ld %ld", &group, &id), 2);
	assert_int_equal(group, id);
}

static void failures_are_said(void **state)
{
	struct house *h = *state;
	begin(h, "case $FEDGE_DOMAIN in three) exit 3;; term) kill -TERM $$; sleep 9;; esac",
		(struct check_runner_limits){ .at_once = 1 });
	assert_int_equal(submit(h, "three", SPAN_NONE), 0);
	assert_int_equal(submit(h, "good", SPAN_NONE), 0);
	assert_int_equal(submit(h, "term", SPAN_NONE), 0);
	struct check_runner_counts counts = wait_idle(h);
	assert_int_equal(counts.succeeded, 1);
	assert_int_equal(counts.failed, 2);
	assert_note(h, "the command for three failed with exit status 3");
	assert_note(h, "the command for term was ended by signal 15 (Terminated)");
	assert_note(h, NULL);
	no_child_is_left();
}

static void notes_are_bounded(void **state)
{
	struct house *h = *state;
	char text[CHECK_RUNNER_NOTE_SIZE];
	begin(h, "exit 1", (struct check_runner_limits){ 0 });
	for (int i = 0; i < 70; i++)
		assert_int_equal(submit(h, "a.example", SPAN_NONE), 0);
	assert_int_equal(wait_idle(h).failed, 70);
	for (int i = 0; i < 64; i++)
		assert_true(check_runner_note(h->runner, text));
	assert_note(h, "6 more commands failed");
	assert_note(h, NULL);
}

/* The shell waits for a child of its own, which is to go too. */
static void a_slow_one_is_killed_with_its_children(void **state)
{
	struct house *h = *state;
	char text[4096];
	begin(h, "sleep 600 & echo $! >$HOUSE/child; wait", (struct check_runner_limits){ .patience_us = 300000 });
	assert_int_equal(submit(h, "a.example", SPAN_NONE), 0);
	struct check_runner_counts counts = wait_idle(h);
	assert_int_equal(counts.killed, 1);
	assert_note(h, "the command for a.example was killed after 0.3 s");
	pid_t child = (pid_t)strtol(written(h, "child", text), NULL, 10);
	assert_true(child > 1);
	for (int i = 0; i < 1000 && kill(child, 0) == 0; i++) {
		char path[64], state_text[256] = "";
		snprintf(path, sizeof(path), "/proc/%d/stat", (int)child);
		FILE *file = fopen(path, "r");
		if (!file || !fgets(state_text, sizeof(state_text), file) || strstr(state_text, ") Z"))
			i = 1000; /* dead, and its new parent has not looked yet */
		if (file)
			fclose(file);
		pause_ms(5);
	}
	no_child_is_left();
}

/* Each marks itself while it runs; three marks at a time are too many. */
static void so_many_at_once_and_no_more(void **state)
{
	struct house *h = *state;
	begin(h,
		"mkdir $HOUSE/r$$; test $(ls -d $HOUSE/r* 2>/dev/null | wc -l) -le 2 || touch $HOUSE/hit; sleep 0.05; "
		"rmdir "
		"$HOUSE/r$$",
		(struct check_runner_limits){ .at_once = 2 });
	for (int i = 0; i < 10; i++)
		assert_int_equal(submit(h, "a.example", SPAN_NONE), 0);
	assert_int_equal(wait_idle(h).succeeded, 10);
	assert_false(exists(h, "hit"));
}

static void too_many_are_refused(void **state)
{
	struct house *h = *state;
	begin(h, "while ! test -e $HOUSE/go; do sleep 0.02; done",
		(struct check_runner_limits){ .at_once = 1, .waiting = 2 });
	assert_int_equal(submit(h, "running", SPAN_NONE), 0);
	while (check_runner_counts(h->runner).running == 0)
		pause_ms(5);
	assert_int_equal(submit(h, "one", SPAN_NONE), 0);
	assert_int_equal(submit(h, "two", SPAN_NONE), 0);
	assert_int_equal(submit(h, "three", SPAN_NONE), -ENOBUFS);
	char command[128];
	snprintf(command, sizeof(command), "touch %s/go", h->folder);
	assert_int_equal(system(command), 0);
	struct check_runner_counts counts = wait_idle(h);
	assert_int_equal(counts.succeeded, 3);
	assert_int_equal(counts.dropped, 1);
}

static void their_memory_is_bounded(void **state)
{
	struct house *h = *state;
	begin(h, "while ! test -e $HOUSE/go; do sleep 0.02; done",
		(struct check_runner_limits){ .at_once = 1, .waiting_bytes = 1000 });
	assert_int_equal(submit(h, "running", SPAN_NONE), 0);
	while (check_runner_counts(h->runner).running == 0)
		pause_ms(5);
	char input[1000] = { 0 };
	assert_int_equal(submit(h, "big", span_make(input, sizeof(input))), -ENOBUFS);
	assert_int_equal(submit(h, "small", SPAN_NONE), 0);
}

static void stopping_drops_and_kills(void **state)
{
	struct house *h = *state;
	struct clock clock = clock_system();
	begin(h, "trap '' TERM INT; touch $HOUSE/up; sleep 600", (struct check_runner_limits){ .at_once = 1 });
	assert_int_equal(submit(h, "running", SPAN_NONE), 0);
	assert_int_equal(submit(h, "waiting", SPAN_NONE), 0);
	while (!exists(h, "up"))
		pause_ms(5);
	int64_t began_us = clock_steady_us(&clock);
	check_runner_stop(h->runner, 100000);
	int64_t took_us = clock_steady_us(&clock) - began_us;
	if (took_us > 5 * CLOCK_SECOND_US)
		fail_msg("it took %lld us", (long long)took_us);
	struct check_runner_counts counts = check_runner_counts(h->runner);
	assert_int_equal(counts.killed, 1);
	assert_int_equal(counts.dropped, 1);
	assert_int_equal(counts.waiting + counts.running, 0);
	assert_note(h, "the command for running was killed: the watch ends");
	no_child_is_left();
}

static void stopping_lets_them_end(void **state)
{
	struct house *h = *state;
	begin(h, "sleep 0.2; touch $HOUSE/end", (struct check_runner_limits){ 0 });
	assert_int_equal(submit(h, "a.example", SPAN_NONE), 0);
	while (check_runner_counts(h->runner).running == 0)
		pause_ms(5);
	check_runner_stop(h->runner, LONG_US);
	assert_int_equal(check_runner_counts(h->runner).succeeded, 1);
	assert_true(exists(h, "end"));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(environment_and_input_reach_it),
		CASE(values_are_values),
		CASE(long_values_are_cut),
		CASE(input_that_nobody_reads),
		CASE(nothing_else_reaches_it),
		CASE(failures_are_said),
		CASE(notes_are_bounded),
		CASE(a_slow_one_is_killed_with_its_children),
		CASE(so_many_at_once_and_no_more),
		CASE(too_many_are_refused),
		CASE(their_memory_is_bounded),
		CASE(stopping_drops_and_kills),
		CASE(stopping_lets_them_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
