/* SPDX-License-Identifier: Apache-2.0 */
/* The history of a running node: what its thread writes, and what happens when the node stops, is killed, is too fast
 * or has no room on its disk. */
#include "history/history.h"
#include "history/row.h"
#include "history/tree.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct house {
	char folder[SCRATCH_SIZE];
	char path[96];
	char error[STORE_HISTORY_ERROR_SIZE];
	struct history *history;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	if (scratch_make(h->folder) < 0)
		return -1;
	snprintf(h->path, sizeof(h->path), "%s/history.db", h->folder);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	history_stop(h->history);
	int status = scratch_remove(h->folder);
	free(h);
	return status;
}

static void start(struct house *h, uint32_t producers, size_t ring_bytes)
{
	struct history_settings settings = {
		.store = span_of(h->path), .producers = producers, .ring_bytes = ring_bytes, .clock = clock_system()
	};
	int status = history_start(&settings, &h->history, h->error);
	if (status < 0)
		fail_msg("not started: %d, %s", status, h->error);
}

static void stop(struct house *h)
{
	assert_int_equal(history_stop(h->history), 0);
	h->history = NULL;
}

/* A call that was refused: six records. */
static void call(const struct record_sink *sink, unsigned producer, unsigned n)
{
	struct clock clock = clock_system();
	char serial[64];
	int length = snprintf(serial, sizeof(serial), "%u-%u-a-serial-as-long-as-they-are", producer, n);
	struct record r = { .kind = RECORD_SEARCH,
		.head = { .time_us = clock_wall_us(&clock),
			.serial = span_make(serial, (size_t)length),
			.tag = SPAN("t") } };
	r.search = (struct record_search){ .event = RECORD_SEARCH_ATTEMPTED,
		.method = SPAN("INVITE"),
		.source = SPAN("sip:2000@acano.steven.lab"),
		.destination = SPAN("sip:stejanss@skype.lab"),
		.call_id = span_make(serial, (size_t)length) };
	record_take(sink, &r);
	struct record rule = { .kind = RECORD_RULE, .head = r.head };
	rule.rule.name = SPAN("to partners");
	for (int i = 0; i < 3; i++)
		record_take(sink, &rule);
	struct record message = { .kind = RECORD_MESSAGE, .head = r.head, .message = { .bytes = SPAN("INVITE …") } };
	record_take(sink, &message);
	r.search.event = RECORD_SEARCH_COMPLETED;
	r.search.response_code = 504;
	r.search.reason = SPAN("Server time-out");
	record_take(sink, &r);
}

static bool count_one(void *argument, const struct store_history_row *row)
{
	(void)row;
	++*(unsigned *)argument;
	return true;
}

/* As another program sees it; none where there is no file yet. */
static unsigned stored(struct house *h)
{
	char error[STORE_HISTORY_ERROR_SIZE];
	struct store_history *store;
	struct store_history_query all = { .events = true };
	unsigned count = 0;
	if (store_history_open_reader(h->path, &store, error) < 0)
		return 0;
	assert_int_equal(store_history_find(store, &all, count_one, &count), 0);
	store_history_close(store);
	return count;
}

static void wait_for(struct house *h, unsigned count)
{
	struct timespec pause = { .tv_nsec = 5000000 };
	for (int i = 0; stored(h) < count; i++) {
		if (i > 4000)
			fail_msg("%u of %u stored", stored(h), count);
		nanosleep(&pause, NULL);
	}
}

/* ---- */

#define THREADS 4
#define CALLS 500

struct worker {
	pthread_t thread;
	struct record_sink sink;
	unsigned number;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	for (unsigned n = 0; n < CALLS; n++)
		call(&worker->sink, worker->number, n);
	return NULL;
}

static void stopping_in_order_loses_nothing(void **state)
{
	struct house *h = *state;
	struct worker workers[THREADS];
	start(h, THREADS, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .sink = history_producer(h->history, i), .number = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	stop(h);
	assert_int_equal(stored(h), THREADS * CALLS);
}

static void what_ended_is_stored_while_it_runs(void **state)
{
	struct house *h = *state;
	struct history_status status;
	start(h, 1, 0);
	struct record_sink sink = history_producer(h->history, 0);
	call(&sink, 0, 1);
	wait_for(h, 1);
	call(&sink, 0, 2);
	call(&sink, 0, 3);
	wait_for(h, 3);
	stop(h);
	start(h, 1, 0);
	sink = history_producer(h->history, 0);
	call(&sink, 0, 4);
	wait_for(h, 4);
	history_status(h->history, &status);
	assert_int_equal(status.refused, 0);
	assert_int_equal(status.writer.dropped, 0);
	assert_true(status.writer.bytes > 0);
	/* Messages are not even copied. */
	assert_true(status.records <= 5);
}

static void a_kill_leaves_what_was_stored(void **state)
{
	struct house *h = *state;
	pid_t child = fork();
	if (child == 0) {
		start(h, 1, 0);
		struct record_sink sink = history_producer(h->history, 0);
		for (unsigned n = 0;; n++) {
			struct timespec pause = { .tv_nsec = 1000000 };
			call(&sink, 0, n);
			nanosleep(&pause, NULL);
		}
	}
	wait_for(h, 50);
	kill(child, SIGKILL);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	unsigned count = stored(h);
	assert_true(count >= 50);
	/* And it goes on from there. */
	start(h, 1, 0);
	struct record_sink sink = history_producer(h->history, 0);
	call(&sink, 1, 1);
	stop(h);
	assert_int_equal(stored(h), count + 1);
}

static void what_does_not_fit_is_counted(void **state)
{
	struct house *h = *state;
	struct history_status status;
	start(h, 1, 8192);
	struct record_sink sink = history_producer(h->history, 0);
	for (unsigned n = 0; n < 400; n++)
		call(&sink, 0, n);
	history_status(h->history, &status);
	assert_true(status.refused > 0);
	stop(h);
	assert_true(stored(h) > 0);
}

static void a_full_disk_is_told_and_waited_for(void **state)
{
	struct house *h = *state;
	struct rlimit before, small;
	struct history_status status = { .records = 0 };
	struct timespec pause = { .tv_nsec = 5000000 };
	start(h, 1, 0);
	struct record_sink sink = history_producer(h->history, 0);
	call(&sink, 0, 1);
	wait_for(h, 1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 8192;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (unsigned n = 2; n <= 200; n++)
		call(&sink, 0, n);
	for (int i = 0; i < 4000 && !status.writer.error[0]; i++) {
		nanosleep(&pause, NULL);
		history_status(h->history, &status);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(status.writer.error[0]);
	wait_for(h, 200);
	for (int i = 0; i < 4000 && status.writer.error[0]; i++) {
		nanosleep(&pause, NULL);
		history_status(h->history, &status);
	}
	assert_false(status.writer.error[0]);
	assert_int_equal(status.writer.dropped, 0);
}

static void others_files_are_refused(void **state)
{
	struct house *h = *state;
	sqlite3 *handle;
	struct history_settings settings = { .store = span_of(h->path), .producers = 1, .clock = clock_system() };
	assert_int_equal(sqlite3_open(h->path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, "CREATE TABLE mine (a)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
	assert_int_equal(history_start(&settings, &h->history, h->error), -EMEDIUMTYPE);
	assert_non_null(strstr(h->error, "history.db"));
	h->history = NULL;
	settings.store = SPAN("/tmp/fedge-no-such-folder/history.db");
	assert_int_equal(history_start(&settings, &h->history, h->error), -ENOENT);
	h->history = NULL;
}

/* ---- from the store to the page ---- */

struct shown {
	struct buffer out;
	struct history_columns columns;
	unsigned step; /* measure, then show */
};

static bool show(void *argument, const struct store_history_row *row)
{
	struct shown *shown = argument;
	struct history_search search;
	struct history_style style = { .ascii = true };
	struct arena arena;
	arena_init(&arena, 1 << 20);
	assert_int_equal(history_search_of_row(row, &arena, &search), 0);
	assert_true(history_search_holds(&search, SPAN("2017"), SPAN("STEJANSS@")));
	assert_true(history_search_holds(&search, SPAN("2017"), SPAN("server TIME")));
	assert_true(history_search_holds(&search, SPAN("2017"), SPAN("(invite)")));
	assert_true(history_search_holds(&search, SPAN("2017"), SPAN("504")));
	assert_true(history_search_holds(&search, SPAN("2017"), SPAN("201")));
	assert_false(history_search_holds(&search, SPAN("2017"), SPAN("nobody")));
	search.start_us = INT64_C(1488987722000000);
	if (shown->step == 0)
		history_list_measure(&shown->columns, &search);
	else
		history_list_append(&shown->out, &search, &shown->columns, &style);
	if (shown->step == 2) {
		style.page.width = 80;
		history_list_append(&shown->out, &search, &shown->columns, &style);
		search.steps_cut = 1;
		history_tree_append(&shown->out, &search, &style);
	}
	arena_done(&arena);
	return true;
}

static void a_line_reads_like_the_seeds(void **state)
{
	struct house *h = *state;
	struct store_history *store;
	struct store_history_query all = { .with_steps = true };
	struct shown shown = { .step = 0 };
	buffer_init(&shown.out, 1 << 20);
	start(h, 1, 0);
	struct record_sink sink = history_producer(h->history, 0);
	call(&sink, 0, 1);
	stop(h);
	assert_int_equal(store_history_open_reader(h->path, &store, h->error), 0);
	for (shown.step = 0; shown.step < 3; shown.step++)
		assert_int_equal(store_history_find(store, &all, show, &shown), 0);
	store_history_close(store);
	struct span rest = buffer_span(&shown.out);
	struct span line = span_cut(&rest, '\n');
#define WHOLE "2017-03-08 15:42:02  SIP (INVITE)  sip:2000@acano.steven.lab  sip:stejanss@skype.lab  Server time-out  1"
	if (!span_is(line, WHOLE))
		fail_msg("%.*s", SPAN_PRINT(line));
	(void)span_cut(&rest, '\n');
	line = span_cut(&rest, '\n');
	if (!span_is(line, "2017-03-08 15:42:02  SIP (INVITE)  sip:2000...  sip:stej...  Server time-out  1"))
		fail_msg("%.*s", SPAN_PRINT(line));
	while (rest.length) {
		line = span_cut(&rest, '\n');
		if (line.length > 80)
			fail_msg("too wide: %.*s", SPAN_PRINT(line));
	}
	buffer_done(&shown.out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stopping_in_order_loses_nothing),
		TEST(what_ended_is_stored_while_it_runs),
		TEST(a_kill_leaves_what_was_stored),
		TEST(what_does_not_fit_is_counted),
		TEST(a_full_disk_is_told_and_waited_for),
		TEST(others_files_are_refused),
		TEST(a_line_reads_like_the_seeds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
