/* SPDX-License-Identifier: Apache-2.0 */
/* The search history, in a file and in a database: the same inputs, the same answers. What comes back, what goes when
 * limits are reached, readers beside the writer, a writer that is killed. */
#include "unit/store/history_house.h"

#include <errno.h>

/* ---- rows ---- */

static const struct store_history_row full = {
	.start_us = 5 * SECOND_US,
	.duration_us = 12345,
	.status = 504,
	.steps_cut = 3,
	.texts_cut = 4,
	.ended = true,
	.authenticated = true,
#define X(name) .name = { #name "-\xc3\xa9", sizeof(#name "-\xc3\xa9") - 1 },
	STORE_HISTORY_TEXTS(X)
#undef X
		.steps = { "[{}]", 4 },
};

#define X(name) #name "=" #name "-\xc3\xa9;"
static const char all_texts[] = STORE_HISTORY_TEXTS(X) "steps=[{}];";
#undef X

static void every_column_comes_back(void **state)
{
	struct house *h = *state;
	open_store(h);
	put_many(h, 1, 1, &full);
	close_store(h);
	open_reader(h);
	struct seen seen = find(h, (struct store_history_query){ .with_steps = true });
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.row.id, 1);
	assert_int_equal(seen.row.start_us, full.start_us);
	assert_int_equal(seen.row.duration_us, full.duration_us);
	assert_int_equal(seen.row.status, full.status);
	assert_int_equal(seen.row.steps_cut, 3);
	assert_int_equal(seen.row.texts_cut, 4);
	assert_true(seen.row.ended && seen.row.authenticated && !seen.row.found);
	assert_string_equal(seen.texts, all_texts);
	assert_null(strstr(find(h, ALL).texts, "[{}]"));
}

/* What a stranger put into his request: nothing of it stops the history, all of it comes back. */
static void whatever_the_bytes(void **state)
{
	struct house *h = *state;
	static const struct span texts[] = {
		{ "a\\b \\x41 \\", 9 },
		{ "caf\xc3\xa9 \xf0\x9f\x98\x80", 10 },
		{ "\xff\xfe\xc3", 3 },
		{ "zero \0 byte", 11 },
		{ "'; DROP TABLE search; --", 24 },
		{ "\\x", 2 },
		{ "line\nline\ttab\x7f\x1b[2J", 18 },
	};
	char large[3000];
	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7919 % 251);
	open_store(h);
	for (unsigned n = 0; n <= sizeof(texts) / sizeof(texts[0]); n++) {
		struct span text = n < sizeof(texts) / sizeof(texts[0]) ? texts[n] : span_make(large, sizeof(large));
		struct store_history_row row = { .call_id = text, .source = text, .steps = SPAN("[]") };
		put_many(h, n + 1, n + 1, &row);
		struct seen seen = find(h, (struct store_history_query){ .call = text });
		if (seen.count != 1 || !span_equal(span_make(seen.source, seen.source_length), span_first(text, 3000)))
			fail_msg("text %u: %u found, %zu bytes", n, seen.count, seen.source_length);
	}
}

static void a_second_put_of_a_serial_replaces_the_first(void **state)
{
	struct house *h = *state;
	struct store_history_row under_way = { .start_us = SECOND_US, .steps = SPAN("[]") };
	struct store_history_row ended = { .start_us = SECOND_US, .ended = true, .status = 200, .steps = SPAN("[1]") };
	struct store_history_row event = { .start_us = SECOND_US, .kind = 1, .steps = SPAN("[]") };
	open_store(h);
	put_many(h, 1, 1, &under_way);
	assert_false(find(h, ALL).row.ended);
	put_many(h, 2, 3, NULL);
	put_many(h, 1, 1, &ended);
	struct seen seen = find(h, (struct store_history_query){ .id = 1, .with_steps = true });
	assert_int_equal(seen.count, 1);
	assert_true(seen.row.ended && seen.row.status == 200);
	assert_non_null(strstr(seen.texts, "steps=[1]"));
	/* What has no serial is no second of anything. */
	put_many(h, 1, 5, &event);
	assert_int_equal(find(h, ALL).count, 8);
}

static void what_is_asked_for_is_found(void **state)
{
	struct house *h = *state;
	struct store_history_row bad = { .ended = true, .steps = SPAN("[]") }, good = bad, event = bad;
	struct store_history_row leg = { .call_id = SPAN("c1"), .tag = SPAN("t1"), .steps = SPAN("[]") };
	struct store_history_row other = { .call_id = SPAN("c2"), .tag = SPAN("t1"), .steps = SPAN("[]") };
	good.found = true;
	event.kind = 2;
	open_store(h);
	put_many(h, 1, 3, &bad);
	put_many(h, 4, 6, &good);
	put_many(h, 7, 7, &leg);
	put_many(h, 8, 8, &other);
	put_many(h, 9, 9, &event);
	const struct {
		const char *name;
		struct store_history_query query;
		unsigned count;
		int64_t first_s;
	} cases[] = {
		{ "searches, newest first", { .id = 0 }, 8, 8 },
		{ "events too", { .events = true }, 9, 9 },
		{ "oldest first", { .oldest_first = true }, 8, 1 },
		{ "failed", { .failed = true }, 3, 3 },
		{ "since", { .since_us = 6 * SECOND_US }, 3, 8 },
		{ "until", { .until_us = 2 * SECOND_US }, 2, 2 },
		{ "between", { .since_us = 2 * SECOND_US, .until_us = 4 * SECOND_US }, 3, 4 },
		{ "above an id", { .above_id = 6 }, 2, 8 },
		{ "one", { .id = 4 }, 1, 4 },
		{ "one event", { .id = 9 }, 1, 9 },
		{ "none", { .id = 99 }, 0, 0 },
		{ "a call by its Call-ID: its other leg too", { .call = SPAN("c1") }, 2, 8 },
		{ "a call by its tag", { .call = SPAN("t1") }, 2, 8 },
		{ "a call by a serial", { .call = SPAN("serial-7") }, 2, 8 },
		{ "a call without a tag", { .call = SPAN("serial-1") }, 1, 1 },
		{ "no such call", { .call = SPAN("' OR 1=1 --") }, 0, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = find(h, cases[i].query);
		if (seen.count != cases[i].count || seen.first_us != cases[i].first_s * SECOND_US)
			fail_msg("%s: %u, first %lld", cases[i].name, seen.count, (long long)seen.first_us);
	}
	struct seen seen = { .stop = true };
	struct store_history_query query = ALL;
	assert_int_equal(store_history_find(h->store, &query, look, &seen), 0);
	assert_int_equal(seen.count, 1);
}

/* ---- limits ---- */

static void too_many_go(void **state)
{
	struct house *h = *state;
	h->limits.searches = 10;
	open_store(h);
	put_many(h, 1, 25, NULL);
	struct seen seen = find(h, ALL);
	assert_int_equal(seen.count, 10);
	assert_int_equal(seen.last_us, 16 * SECOND_US);
}

static void old_ones_go(void **state)
{
	struct house *h = *state;
	h->limits.age_s = 10;
	open_store(h);
	put_many(h, 1, 25, NULL);
	assert_int_equal(find(h, ALL).last_us, 15 * SECOND_US);
}

/* ---- crashes and readers ---- */

static void what_was_not_committed_is_not_there(void **state)
{
	struct house *h = *state;
	pid_t child = fork();
	if (child == 0) {
		open_store(h);
		put_many(h, 1, 5, NULL);
		if (store_history_begin(h->store) < 0 || put(h, 6, NULL) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	open_store(h);
	assert_int_equal(find(h, ALL).count, 5);
	put_many(h, 6, 6, NULL);
	assert_int_equal(find(h, ALL).count, 6);
}

static void others_read_while_one_writes(void **state)
{
	struct house *h = *state;
	struct house reader = *h;
	assert_int_equal(
		store_history_open_reader(h->path, &reader.store, reader.error), h->server ? -ENODATA : -ENOENT);
	open_store(h);
	put_many(h, 1, 3, NULL);
	open_reader(&reader);
	assert_int_equal(find(&reader, ALL).count, 3);
	assert_int_equal(store_history_begin(h->store), 0);
	assert_int_equal(put(h, 4, NULL), 0);
	assert_int_equal(find(&reader, ALL).count, 3);
	assert_int_equal(store_history_commit(h->store, &h->limits, 0), 0);
	assert_int_equal(find(&reader, ALL).count, 4);
	/* He cannot write. */
	assert_true(store_history_begin(reader.store) < 0 || put(&reader, 9, NULL) < 0);
	close_store(&reader);
	put_many(h, 5, 5, NULL);
}

static void two_nodes_may_share_a_store(void **state)
{
	struct house *h = *state;
	struct house second = *h;
	open_store(h);
	open_store(&second);
	put_many(h, 1, 3, NULL);
	put_many(&second, 4, 6, NULL);
	put_many(h, 7, 7, NULL);
	assert_int_equal(find(&second, ALL).count, 7);
	close_store(&second);
}

static void nothing_is_put_outside_a_batch(void **state)
{
	struct house *h = *state;
	open_store(h);
	assert_int_equal(put(h, 1, NULL), -ECANCELED);
	assert_int_equal(store_history_commit(h->store, &h->limits, 0), -ECANCELED);
	assert_int_equal(find(h, ALL).count, 0);
}

/* ---- */

#define TESTS(where, state)                                                                                            \
	TEST(every_column_comes_back, where, state), TEST(whatever_the_bytes, where, state),                           \
		TEST(a_second_put_of_a_serial_replaces_the_first, where, state),                                       \
		TEST(what_is_asked_for_is_found, where, state), TEST(too_many_go, where, state),                       \
		TEST(old_ones_go, where, state), TEST(what_was_not_committed_is_not_there, where, state),              \
		TEST(others_read_while_one_writes, where, state), TEST(two_nodes_may_share_a_store, where, state),     \
		TEST(nothing_is_put_outside_a_batch, where, state)
#define TEST(name, where, state)                                                                                       \
	{                                                                                                              \
#name ", " where, name, set_up, tear_down, state                                                       \
	}
int main(void)
{
	const struct CMUnitTest in_a_file[] = { TESTS("in a file", NULL) };
	const struct CMUnitTest in_a_database[] = { TESTS("in PostgreSQL", &postgres_of_group) };
	int failed = cmocka_run_group_tests(in_a_file, NULL, NULL);
	if (postgres_find(&postgres_of_group))
		failed += cmocka_run_group_tests(in_a_database, postgres_group_set_up, postgres_group_tear_down);
	return failed;
}
