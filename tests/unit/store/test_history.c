/* SPDX-License-Identifier: Apache-2.0 */
/* The search history on disk: what comes back, what goes when limits are reached, readers beside the writer, and
 * files, disks and crashes that fail it. */
#include "store/history.h"
#include "unit/cmocka_all.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECOND_US INT64_C(1000000)

struct house {
	char folder[64];
	char path[96];
	char error[STORE_HISTORY_ERROR_SIZE];
	struct store_history *store;
	struct store_history_limits limits;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	snprintf(h->folder, sizeof(h->folder), "/tmp/fedge-store-XXXXXX");
	if (!mkdtemp(h->folder))
		return -1;
	snprintf(h->path, sizeof(h->path), "%s/history.db", h->folder);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	char name[512];
	store_history_close(h->store);
	DIR *folder = opendir(h->folder);
	for (struct dirent *entry; folder && (entry = readdir(folder));) {
		snprintf(name, sizeof(name), "%s/%s", h->folder, entry->d_name);
		unlink(name);
	}
	if (folder)
		closedir(folder);
	rmdir(h->folder);
	free(h);
	return 0;
}

static void open_store(struct house *h)
{
	int status = store_history_open(h->path, &h->store, h->error);
	if (status < 0)
		fail_msg("not opened: %d, %s", status, h->error);
}

static void open_reader(struct house *h)
{
	int status = store_history_open_reader(h->path, &h->store, h->error);
	if (status < 0)
		fail_msg("not opened: %d, %s", status, h->error);
}

static void close_store(struct house *h)
{
	store_history_close(h->store);
	h->store = NULL;
}

/* Number n: its serial, its start in seconds. */
static int put(struct house *h, unsigned n, const struct store_history_row *like)
{
	char serial[32];
	struct store_history_row row = like ? *like : (struct store_history_row){ .steps = SPAN("[]") };
	int length = snprintf(serial, sizeof(serial), "serial-%u", n);
	if (!row.serial.at && row.kind == 0)
		row.serial = span_make(serial, (size_t)length);
	row.start_us = row.start_us ? row.start_us : (int64_t)n * SECOND_US;
	return store_history_put(h->store, &row);
}

static void put_many(struct house *h, unsigned from, unsigned to, const struct store_history_row *like)
{
	assert_int_equal(store_history_begin(h->store), 0);
	for (unsigned n = from; n <= to; n++)
		assert_int_equal(put(h, n, like), 0);
	assert_int_equal(store_history_commit(h->store, &h->limits, (int64_t)to * SECOND_US), 0);
}

struct seen {
	unsigned count;
	int64_t first_us, last_us;
	struct store_history_row row; /* without its texts */
	char texts[1024];
	bool stop;
};

static bool look(void *argument, const struct store_history_row *row)
{
	struct seen *seen = argument;
	if (seen->count++ == 0)
		seen->first_us = row->start_us;
	seen->last_us = row->start_us;
	seen->row = *row;
	int used = 0;
#define X(name)                                                                                                        \
	used += snprintf(seen->texts + used, sizeof(seen->texts) - (size_t)used, #name "=%.*s;", SPAN_PRINT(row->name));
	STORE_HISTORY_TEXTS(X)
	X(steps)
#undef X
	return !seen->stop;
}

static struct seen find(struct house *h, struct store_history_query query)
{
	struct seen seen = { .count = 0 };
	int status = store_history_find(h->store, &query, look, &seen);
	if (status < 0)
		fail_msg("%d: %s", status, store_history_error(h->store));
	return seen;
}

#define ALL ((struct store_history_query){ .events = true })

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

static void the_file_stays_in_its_size(void **state)
{
	struct house *h = *state;
	struct stat status;
	char *text = malloc(20000);
	memset(text, 'x', 20000);
	struct store_history_row large = { .steps = span_make(text, 20000) };
	h->limits.size_bytes = 2 << 20;
	open_store(h);
	for (unsigned n = 0; n < 40; n++)
		put_many(h, n * 20 + 1, n * 20 + 20, &large);
	struct seen seen = find(h, ALL);
	/* 800 of 20 kB were put, 2 MiB hold about a hundred. */
	assert_true(seen.count >= 70 && seen.count <= 120);
	assert_int_equal(seen.first_us, 800 * SECOND_US);
	struct store_history_size size;
	assert_int_equal(store_history_size(h->store, &size), 0);
	assert_int_equal(size.newest_id, 800);
	assert_true(size.rows >= seen.count);
	close_store(h);
	assert_int_equal(stat(h->path, &status), 0);
	assert_true(status.st_size < 4 << 20);
	/* It shrinks where the limit does. */
	h->limits.size_bytes = 512 << 10;
	open_store(h);
	for (unsigned n = 801; n < 860; n++)
		put_many(h, n, n, NULL);
	close_store(h);
	assert_int_equal(stat(h->path, &status), 0);
	assert_true(status.st_size < 1 << 20);
	free(text);
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
	assert_int_equal(store_history_open_reader(h->path, &reader.store, reader.error), -ENOENT);
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

static void two_nodes_may_share_a_file(void **state)
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

/* ---- bad files ---- */

static void write_file(const char *path, const char *bytes, size_t length)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(file >= 0);
	assert_int_equal(write(file, bytes, length), length);
	close(file);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *handle;
	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
}

static void make_text(struct house *h)
{
	write_file(h->path, "this is a letter to my aunt, and she would not like to lose it", 62);
}
static void make_other(struct house *h)
{
	run_sql(h->path, "CREATE TABLE mine (a)");
}
static void make_other_of_ours(struct house *h)
{
	run_sql(h->path, "PRAGMA application_id = 1717860193; PRAGMA user_version = 1; CREATE TABLE state (a)");
}
static void make_newer(struct house *h)
{
	run_sql(h->path, "PRAGMA application_id = 1717856361; PRAGMA user_version = 99; CREATE TABLE search (a)");
}
static void make_folder(struct house *h)
{
	snprintf(h->path, sizeof(h->path), "%s", "/tmp");
}
static void make_no_folder(struct house *h)
{
	snprintf(h->path, sizeof(h->path), "%s", "/tmp/fedge-no-such-folder/history.db");
}
static void make_damaged(struct house *h)
{
	struct store_history_row large = { .steps = SPAN("[\"some text that makes the file a little larger\"]") };
	open_store(h);
	put_many(h, 1, 500, &large);
	close_store(h);
	int file = open(h->path, O_RDWR);
	char junk[4096];
	memset(junk, 0x5a, sizeof(junk));
	for (off_t at = 8192; at < 40960; at += 4096)
		assert_int_equal(pwrite(file, junk, sizeof(junk), at), sizeof(junk));
	close(file);
}

static void bad_files_are_refused_and_left_alone(void **state)
{
	struct house *h = *state;
	static const struct {
		const char *name;
		void (*make)(struct house *h);
		int status, reader_status;
	} cases[] = {
		{ "a text", make_text, -EBADMSG, -EBADMSG },
		{ "SQLite of somebody else", make_other, -EMEDIUMTYPE, -EMEDIUMTYPE },
		{ "another kind of ours", make_other_of_ours, -EMEDIUMTYPE, -EMEDIUMTYPE },
		{ "a newer version", make_newer, -ENOTSUP, -ENOTSUP },
		{ "damaged", make_damaged, -EBADMSG, 0 },
		{ "a folder", make_folder, -EMEDIUMTYPE, -EISDIR },
		{ "no folder", make_no_folder, -ENOENT, -ENOENT },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stat before, after;
		snprintf(h->path, sizeof(h->path), "%s/bad-%zu.db", h->folder, i);
		cases[i].make(h);
		bool there = stat(h->path, &before) == 0;
		int status = store_history_open(h->path, &h->store, h->error);
		if (status != cases[i].status || !strstr(h->error, h->path))
			fail_msg("%s: %d, %s", cases[i].name, status, h->error);
		h->store = NULL;
		status = store_history_open_reader(h->path, &h->store, h->error);
		if (cases[i].reader_status != -EISDIR ? status != cases[i].reader_status : status >= 0)
			fail_msg("%s: as a reader %d, %s", cases[i].name, status, h->error);
		store_history_close(h->store);
		h->store = NULL;
		if (there && (stat(h->path, &after) < 0 || after.st_size != before.st_size))
			fail_msg("%s: changed", cases[i].name);
	}
}

static void a_postgres_that_is_not_there(void **state)
{
	struct house *h = *state;
	assert_true(store_history_is_postgres(SPAN("postgresql://localhost/fedge")));
	assert_false(store_history_is_postgres(SPAN("/var/lib/fedge/postgresql.db")));
	assert_true(store_history_open("postgresql://127.0.0.1:1/fedge?connect_timeout=2", &h->store, h->error) < 0);
	assert_true(strlen(h->error) > 10);
}

/* ---- the disk ---- */

static void a_full_disk_loses_the_batch_alone(void **state)
{
	struct house *h = *state;
	struct rlimit before, small;
	char *text = calloc(1, 1 << 20);
	memset(text, 'x', 1 << 20);
	struct store_history_row large = { .steps = span_make(text, 1 << 20) };
	open_store(h);
	put_many(h, 1, 3, NULL);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 400 << 10;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int status = store_history_begin(h->store);
	if (status == 0)
		status = put(h, 4, &large);
	if (status == 0)
		status = store_history_commit(h->store, &h->limits, 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(status < 0);
	assert_true(strlen(store_history_error(h->store)) > 10);
	assert_int_equal(find(h, ALL).count, 3);
	put_many(h, 4, 4, &large);
	assert_int_equal(find(h, ALL).count, 4);
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_column_comes_back),
		TEST(a_second_put_of_a_serial_replaces_the_first),
		TEST(what_is_asked_for_is_found),
		TEST(too_many_go),
		TEST(old_ones_go),
		TEST(the_file_stays_in_its_size),
		TEST(what_was_not_committed_is_not_there),
		TEST(others_read_while_one_writes),
		TEST(two_nodes_may_share_a_file),
		TEST(nothing_is_put_outside_a_batch),
		TEST(bad_files_are_refused_and_left_alone),
		TEST(a_postgres_that_is_not_there),
		TEST(a_full_disk_loses_the_batch_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
