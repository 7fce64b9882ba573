/* SPDX-License-Identifier: Apache-2.0 */
/* The search history in a file: its size, and files and disks that fail it. */
#include "unit/store/history_house.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>

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
		TEST(the_file_stays_in_its_size),
		TEST(bad_files_are_refused_and_left_alone),
		TEST(a_full_disk_loses_the_batch_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
