/* SPDX-License-Identifier: Apache-2.0 */
/* The queue in front of a store that does not take anything: what waits, what goes, and that nobody is held up. */
#include "base/require.h"
#include "history/writer.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Nobody listens there. */
#define NOWHERE "postgresql://u@127.0.0.1:1/x?connect_timeout=2"

static struct history_writer *start(const char *address, int status)
{
	struct history_writer *writer;
	struct store_history *store;
	struct store_history_limits limits = { .searches = 0 };
	struct clock clock = clock_system();
	char error[STORE_HISTORY_ERROR_SIZE] = "";
	assert_int_equal(store_history_open(address, &store, error), status);
	assert_int_equal(history_writer_start(store, &limits, &clock, error, &writer), 0);
	return writer;
}

static void give(struct history_writer *writer, unsigned from, unsigned to)
{
	for (unsigned n = from; n <= to; n++) {
		struct history_search search = { .start_us = n, .ended = true };
		history_writer_give(writer, history_entry_new(&search));
	}
}

static void a_store_that_is_away_holds_up_nobody(void **state)
{
	(void)state;
	struct history_writer *writer = start(NOWHERE, 1);
	struct history_writer_status status;
	struct clock clock = clock_system();
	history_writer_status(writer, &status);
	assert_non_null(strstr(status.error, "postgresql://u@127.0.0.1:1/x: "));
	int64_t begun_us = clock_steady_us(&clock);
	give(writer, 1, HISTORY_WAITING_MAXIMUM + 25);
	history_writer_give(writer, NULL);
	assert_true(clock_steady_us(&clock) - begun_us < 10 * CLOCK_SECOND_US);
	history_writer_status(writer, &status);
	assert_int_equal(status.waiting, HISTORY_WAITING_MAXIMUM);
	assert_int_equal(status.dropped, 26);
	assert_int_equal(status.written, 0);
	assert_true(status.error[0]);
	assert_int_equal(history_writer_stop(writer), HISTORY_WAITING_MAXIMUM);
}

struct seen {
	unsigned count;
	int64_t last_us;
	bool in_order;
};

static bool look(void *argument, const struct store_history_row *row)
{
	struct seen *seen = argument;
	seen->in_order = seen->in_order && row->start_us == seen->last_us + 1;
	seen->last_us = row->start_us;
	seen->count++;
	return true;
}

static void many_batches_keep_their_order(void **state)
{
	(void)state;
	char folder[SCRATCH_SIZE], path[64], error[STORE_HISTORY_ERROR_SIZE];
	struct store_history_query all = { .oldest_first = true };
	struct seen seen = { .in_order = true };
	struct store_history *store;
	assert_int_equal(scratch_make(folder), 0);
	snprintf(path, sizeof(path), "%s/history.db", folder);
	struct history_writer *writer = start(path, 0);
	give(writer, 1, 2345);
	assert_int_equal(history_writer_stop(writer), 0);
	assert_int_equal(store_history_open_reader(path, &store, error), 0);
	assert_int_equal(store_history_find(store, &all, look, &seen), 0);
	store_history_close(store);
	assert_int_equal(seen.count, 2345);
	assert_true(seen.in_order);
	assert_int_equal(scratch_remove(folder), 0);
}

static void nothing_given_nothing_lost(void **state)
{
	(void)state;
	assert_int_equal(history_writer_stop(start(NOWHERE, 1)), 0);
	assert_int_equal(history_writer_stop(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_store_that_is_away_holds_up_nobody),
		cmocka_unit_test(many_batches_keep_their_order),
		cmocka_unit_test(nothing_given_nothing_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
