/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of a watch, and what it does when the file, the disk or a process fails it. */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/require.h"
#include "store/watch.h"
#include "unit/cmocka_all.h"
#include "unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DAY_US (INT64_C(86400) * 1000000)
#define NOBODY 65534

struct house {
	char folder[SCRATCH_SIZE];
	char path[96];
	char error[STORE_WATCH_ERROR_SIZE];
	struct store_watch *store;
};

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	if (scratch_make(h->folder) < 0)
		return -1;
	snprintf(h->path, sizeof(h->path), "%s/watch.db", h->folder);
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	store_watch_close(h->store);
	int status = scratch_remove(h->folder);
	free(h);
	return status;
}

static void open_store(struct house *h)
{
	int status = store_watch_open(h->path, &h->store, h->error);
	if (status < 0)
		fail_msg("not opened: %d, %s", status, h->error);
}

static void close_store(struct house *h)
{
	store_watch_close(h->store);
	h->store = NULL;
}

static struct store_watch_state example(const char *domain, const char *verdict)
{
	return (struct store_watch_state){
		.domain = span_of(domain),
		.policy = SPAN("microsoft"),
		.examined_us = 1000 * DAY_US,
		.decided_us = 999 * DAY_US,
		.undecided = 2,
		.verdict = span_of(verdict),
		.finding = SPAN("srv-port-unusual"),
		.findings = SPAN("address-private\nsrv-port-unusual"),
		.targets = SPAN("vcse.a.example:5061 192.0.2.1\nvcse.a.example:5061 192.0.2.2"),
		.certificates = SPAN("vcse.a.example:5061 192.0.2.1 2027-01-01T00:00:00Z 0A1B CN=R \xc3\xa9"),
		.expires_s = 1798761600,
	};
}

static void put_one(struct store_watch *store, const char *domain, const char *verdict)
{
	struct store_watch_state state = example(domain, verdict);
	assert_int_equal(store_watch_put(store, &state), 0);
}

static void round_of_one(struct store_watch *store, const char *domain, const char *verdict)
{
	assert_int_equal(store_watch_begin(store), 0);
	put_one(store, domain, verdict);
	assert_int_equal(store_watch_commit(store, 0), 0);
}

/* The verdict that is kept of a domain; "" where it was never seen. */
static const char *kept(struct store_watch *store, const char *domain, char ret_text[16])
{
	struct store_watch_state state;
	int status = store_watch_get(store, span_of(domain), SPAN("microsoft"), &state);
	if (status < 0)
		fail_msg("get: %d, %s", status, store_watch_error(store));
	ret_text[0] = '\0';
	if (status == 1)
		assert_true(span_copy_to(state.verdict, ret_text, 16));
	return ret_text;
}

static void assert_kept(struct store_watch *store, const char *domain, const char *verdict)
{
	char text[16];
	assert_string_equal(kept(store, domain, text), verdict);
}

static void assert_same_text(struct span is, struct span wanted)
{
	if (!span_equal(is, wanted))
		fail_msg("`%.*s` where `%.*s` was put", SPAN_PRINT(is), SPAN_PRINT(wanted));
}

static void every_field_comes_back(void **state)
{
	struct house *h = *state;
	struct store_watch_state is, wanted = example("a.example", "warn");
	open_store(h);
	assert_int_equal(store_watch_get(h->store, wanted.domain, wanted.policy, &is), 0);
	round_of_one(h->store, "a.example", "warn");
	close_store(h);
	open_store(h);
	assert_int_equal(store_watch_get(h->store, wanted.domain, wanted.policy, &is), 1);
	assert_true(is.examined_us == wanted.examined_us && is.decided_us == wanted.decided_us);
	assert_true(is.undecided == wanted.undecided && is.expires_s == wanted.expires_s);
	assert_same_text(is.verdict, wanted.verdict);
	assert_same_text(is.finding, wanted.finding);
	assert_same_text(is.findings, wanted.findings);
	assert_same_text(is.targets, wanted.targets);
	assert_same_text(is.certificates, wanted.certificates);
	assert_int_equal(store_watch_get(h->store, wanted.domain, SPAN("dane"), &is), 0);
}

static void absent_stays_absent(void **state)
{
	struct house *h = *state;
	struct store_watch_state is,
		bare = { .domain = SPAN("b.example"), .policy = SPAN("dane"), .verdict = SPAN("pass") };
	open_store(h);
	assert_int_equal(store_watch_begin(h->store), 0);
	assert_int_equal(store_watch_put(h->store, &bare), 0);
	assert_int_equal(store_watch_get(h->store, bare.domain, bare.policy, &is), 1);
	assert_null(is.finding.at);
	assert_null(is.targets.at);
	assert_int_equal(is.decided_us, 0);
}

/* What get gave may be put again under the same key, changed in part, without a copy. */
static void what_get_gave_may_be_put(void **state)
{
	struct house *h = *state;
	struct store_watch_state is;
	open_store(h);
	round_of_one(h->store, "a.example", "pass");
	assert_int_equal(store_watch_begin(h->store), 0);
	assert_int_equal(store_watch_get(h->store, SPAN("a.example"), SPAN("microsoft"), &is), 1);
	is.verdict = SPAN("fail");
	struct store_watch_change change = { .at_us = 1,
		.domain = is.domain,
		.policy = is.policy,
		.what = SPAN("verdict"),
		.before = is.targets,
		.after = is.verdict };
	assert_int_equal(store_watch_add_change(h->store, &change), 0);
	assert_int_equal(store_watch_put(h->store, &is), 0);
	assert_int_equal(store_watch_commit(h->store, 0), 0);
	assert_int_equal(store_watch_get(h->store, SPAN("a.example"), SPAN("microsoft"), &is), 1);
	assert_same_text(is.verdict, SPAN("fail"));
	assert_same_text(is.targets, example("", "").targets);
}

/* ---- changes ---- */

struct seen {
	struct buffer text; /* "domain what before>after;" each */
	size_t limit; /* stop after so many; 0: never */
	size_t count;
};

static bool see(void *argument, const struct store_watch_change *change)
{
	struct seen *seen = argument;
	buffer_printf(&seen->text, "%.*s %.*s %.*s>%.*s;", SPAN_PRINT(change->domain), SPAN_PRINT(change->what),
		SPAN_PRINT(change->before), SPAN_PRINT(change->after));
	return ++seen->count != seen->limit;
}

static void assert_changes(struct store_watch *store, struct span domain, size_t limit, const char *wanted)
{
	struct seen seen = { .limit = limit };
	buffer_init(&seen.text, 65536);
	assert_int_equal(store_watch_each_change(store, domain, see, &seen), 0);
	assert_string_equal(seen.text.length ? seen.text.at : "", wanted);
	buffer_done(&seen.text);
}

static void add(struct store_watch *store, int64_t at_us, const char *domain, const char *after)
{
	struct store_watch_change change = { at_us, span_of(domain), SPAN("microsoft"), SPAN("verdict"), SPAN("pass"),
		span_of(after), SPAN("srv-missing") };
	assert_int_equal(store_watch_add_change(store, &change), 0);
}

static void changes_come_newest_first(void **state)
{
	struct house *h = *state;
	open_store(h);
	assert_int_equal(store_watch_begin(h->store), 0);
	add(h->store, 1, "a.example", "one");
	add(h->store, 2, "b.example", "two");
	add(h->store, 3, "a.example", "three");
	assert_int_equal(store_watch_commit(h->store, 0), 0);
	assert_changes(h->store, SPAN_NONE, 0,
		"a.example verdict pass>three;b.example verdict pass>two;a.example verdict pass>one;");
	assert_changes(h->store, SPAN("a.example"), 0, "a.example verdict pass>three;a.example verdict pass>one;");
	assert_changes(h->store, SPAN_NONE, 2, "a.example verdict pass>three;b.example verdict pass>two;");
	assert_changes(h->store, SPAN("c.example"), 0, "");
}

static void old_changes_go(void **state)
{
	struct house *h = *state;
	open_store(h);
	assert_int_equal(store_watch_begin(h->store), 0);
	add(h->store, 100 * DAY_US, "a.example", "old");
	add(h->store, 190 * DAY_US, "a.example", "kept");
	add(h->store, 200 * DAY_US, "a.example", "new");
	assert_int_equal(store_watch_commit(h->store, 30), 0);
	assert_changes(h->store, SPAN_NONE, 0, "a.example verdict pass>new;a.example verdict pass>kept;");
	/* A round in which nothing is said has no time to count back from. */
	assert_int_equal(store_watch_begin(h->store), 0);
	assert_int_equal(store_watch_commit(h->store, 1), 0);
	assert_changes(h->store, SPAN_NONE, 0, "a.example verdict pass>new;a.example verdict pass>kept;");
}

/* ---- rounds ---- */

static void a_round_is_whole_or_not_at_all(void **state)
{
	struct house *h = *state;
	open_store(h);
	round_of_one(h->store, "a.example", "pass");
	assert_int_equal(store_watch_begin(h->store), 0);
	put_one(h->store, "a.example", "fail");
	add(h->store, 1, "a.example", "fail");
	assert_kept(h->store, "a.example", "fail");
	assert_int_equal(store_watch_begin(h->store), 0); /* rolls the other one back */
	assert_kept(h->store, "a.example", "pass");
	put_one(h->store, "b.example", "pass");
	close_store(h);
	open_store(h);
	assert_kept(h->store, "a.example", "pass");
	assert_kept(h->store, "b.example", "");
	assert_changes(h->store, SPAN_NONE, 0, "");
}

static void nothing_is_put_outside_a_round(void **state)
{
	struct house *h = *state;
	struct store_watch_state one = example("a.example", "pass");
	open_store(h);
	assert_int_equal(store_watch_put(h->store, &one), -ECANCELED);
	assert_int_equal(store_watch_commit(h->store, 0), -ECANCELED);
	assert_non_null(strstr(store_watch_error(h->store), h->path));
	round_of_one(h->store, "a.example", "pass");
	assert_int_equal(store_watch_put(h->store, &one), -ECANCELED);
}

/* Runs in a process of its own, which ends without a word to the library. */
static int in_child(void (*work)(struct house *h), struct house *h)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		work(h);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define CHILD_REQUIRE(condition)                                                                                       \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "in the child: %s, %s\n", #condition, h->error);                               \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

/* Enough that pages are written into the log before the end. */
static void die_in_a_round(struct house *h)
{
	char domain[32];
	CHILD_REQUIRE(store_watch_open(h->path, &h->store, h->error) == 0);
	CHILD_REQUIRE(store_watch_begin(h->store) == 0);
	for (int i = 0; i < 20000; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		struct store_watch_state state = example(domain, "fail");
		CHILD_REQUIRE(store_watch_put(h->store, &state) == 0);
	}
	struct store_watch_state state = example("a.example", "fail");
	CHILD_REQUIRE(store_watch_put(h->store, &state) == 0);
	kill(getpid(), SIGKILL);
}

static void a_crash_loses_the_round_alone(void **state)
{
	struct house *h = *state;
	open_store(h);
	round_of_one(h->store, "a.example", "pass");
	close_store(h);
	assert_int_equal(in_child(die_in_a_round, h), 128 + SIGKILL);
	open_store(h);
	assert_kept(h->store, "a.example", "pass");
	assert_kept(h->store, "d0.example", "");
	round_of_one(h->store, "a.example", "warn");
	assert_kept(h->store, "a.example", "warn");
}

static void die_after_commit(struct house *h)
{
	CHILD_REQUIRE(store_watch_open(h->path, &h->store, h->error) == 0);
	CHILD_REQUIRE(store_watch_begin(h->store) == 0);
	struct store_watch_state state = example("a.example", "pass");
	CHILD_REQUIRE(store_watch_put(h->store, &state) == 0);
	CHILD_REQUIRE(store_watch_commit(h->store, 0) == 0);
	kill(getpid(), SIGKILL);
}

static void a_crash_after_the_round_loses_nothing(void **state)
{
	struct house *h = *state;
	assert_int_equal(in_child(die_after_commit, h), 128 + SIGKILL);
	open_store(h);
	assert_kept(h->store, "a.example", "pass");
}

/* ---- two processes ---- */

static void read_beside_a_writer(struct house *h)
{
	struct store_watch *other = NULL;
	char text[16];
	CHILD_REQUIRE(store_watch_open(h->path, &other, h->error) == 0);
	CHILD_REQUIRE(strcmp(kept(other, "a.example", text), "pass") == 0);
	CHILD_REQUIRE(store_watch_begin(other) == -EBUSY);
	CHILD_REQUIRE(strstr(store_watch_error(other), "another program is writing into it") != NULL);
	CHILD_REQUIRE(strcmp(kept(other, "a.example", text), "pass") == 0);
}

static void one_writes_others_read(void **state)
{
	struct house *h = *state;
	struct store_watch *reader = NULL;
	char text[16];
	open_store(h);
	round_of_one(h->store, "a.example", "pass");
	close_store(h);
	int told[2], done[2];
	assert_int_equal(pipe(told), 0);
	assert_int_equal(pipe(done), 0);
	pid_t writer = fork();
	if (writer == 0) {
		char byte;
		CHILD_REQUIRE(store_watch_open(h->path, &h->store, h->error) == 0);
		CHILD_REQUIRE(store_watch_begin(h->store) == 0);
		struct store_watch_state one = example("a.example", "fail");
		CHILD_REQUIRE(store_watch_put(h->store, &one) == 0);
		CHILD_REQUIRE(write(told[1], "r", 1) == 1 && read(done[0], &byte, 1) == 1);
		CHILD_REQUIRE(store_watch_commit(h->store, 0) == 0);
		_exit(0);
	}
	char byte;
	int status;
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_int_equal(in_child(read_beside_a_writer, h), 0);
	assert_int_equal(store_watch_open(h->path, &reader, h->error), 0);
	assert_string_equal(kept(reader, "a.example", text), "pass");
	assert_int_equal(write(done[1], "c", 1), 1);
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	assert_string_equal(kept(reader, "a.example", text), "fail");
	round_of_one(reader, "a.example", "pass");
	store_watch_close(reader);
	for (int i = 0; i < 2; i++) {
		close(told[i]);
		close(done[i]);
	}
}

/* ---- files that are not what they should be ---- */

static void write_file(const char *path, const char *bytes, size_t length)
{
	int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, bytes, length), length);
	close(descriptor);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *handle;
	char *error = NULL;
	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	if (sqlite3_exec(handle, sql, NULL, NULL, &error) != SQLITE_OK)
		fail_msg("%s: %s", sql, error);
	sqlite3_close(handle);
}

static void make_text(struct house *h)
{
	char text[8192];
	memset(text, 'x', sizeof(text));
	write_file(h->path, text, sizeof(text));
}
static void make_other(struct house *h)
{
	run_sql(h->path, "CREATE TABLE moz_places (id INTEGER)");
}
static void make_other_numbered(struct house *h)
{
	run_sql(h->path, "PRAGMA application_id = 42; PRAGMA user_version = 1");
}
static void make_newer(struct house *h)
{
	open_store(h);
	close_store(h);
	run_sql(h->path, "PRAGMA user_version = 99");
}
static void make_folder(struct house *h)
{
	assert_int_equal(mkdir(h->path, 0700), 0);
}
static void make_no_folder(struct house *h)
{
	snprintf(h->path, sizeof(h->path), "%s/nowhere/watch.db", h->folder);
}

/* The leaf pages of the tables become noise; the heading stays. */
static void make_damaged(struct house *h)
{
	char noise[1024];
	struct stat status;
	memset(noise, 0xa5, sizeof(noise));
	open_store(h);
	for (int i = 0; i < 200; i++) {
		char domain[32];
		snprintf(domain, sizeof(domain), "d%d.example", i);
		round_of_one(h->store, domain, "pass");
	}
	close_store(h);
	int descriptor = open(h->path, O_RDWR);
	assert_int_equal(fstat(descriptor, &status), 0);
	for (off_t at = 4096; at + 1024 <= status.st_size; at += 4096)
		assert_int_equal(pwrite(descriptor, noise, sizeof(noise), at), sizeof(noise));
	close(descriptor);
}

static const struct bad_file {
	const char *name;
	void (*make)(struct house *h);
	int status;
	const char *text;
} bad_files[] = {
	{ "text", make_text, -EBADMSG, "it is no SQLite file" },
	{ "another program's", make_other, -EMEDIUMTYPE, "it is an SQLite file of something else" },
	{ "another program's, by its number", make_other_numbered, -EMEDIUMTYPE, "of something else" },
	{ "a newer version's", make_newer, -ENOTSUP, "it was written by a newer version of this program" },
	{ "damaged", make_damaged, -EBADMSG, "it is damaged; move it away to begin anew" },
	{ "a folder", make_folder, -EMEDIUMTYPE, "it is no regular file" },
	{ "in no folder", make_no_folder, -ENOENT, "it cannot be made: No such file or directory" },
};

static int read_whole(const char *path, struct buffer *ret_bytes)
{
	char piece[4096];
	ssize_t length;
	buffer_init(ret_bytes, 16 << 20);
	int descriptor = open(path, O_RDONLY);
	while (descriptor >= 0 && (length = read(descriptor, piece, sizeof(piece))) > 0)
		buffer_append(ret_bytes, span_make(piece, (size_t)length));
	if (descriptor >= 0)
		close(descriptor);
	return ret_bytes->status;
}

static void bad_files_are_refused_and_left_alone(void **state)
{
	struct house *h = *state;
	char path[96];
	memcpy(path, h->path, sizeof(path));
	for (size_t i = 0; i < BASE_COUNT(bad_files); i++) {
		const struct bad_file *bad = &bad_files[i];
		struct buffer before, after;
		bad->make(h);
		read_whole(h->path, &before);
		int status = store_watch_open(h->path, &h->store, h->error);
		if (status != bad->status || !strstr(h->error, bad->text) || !strstr(h->error, h->path))
			fail_msg("%s: %d, %s", bad->name, status, h->error);
		assert_null(strchr(h->error, '\n'));
		read_whole(h->path, &after);
		if (!span_equal(buffer_span(&before), buffer_span(&after)))
			fail_msg("%s: the file was changed", bad->name);
		buffer_done(&before);
		buffer_done(&after);
		memcpy(h->path, path, sizeof(path));
		if (unlink(h->path) < 0)
			rmdir(h->path);
	}
}

static void the_file_is_its_owners(void **state)
{
	struct house *h = *state;
	struct stat status;
	char name[128];
	mode_t before = umask(0);
	open_store(h);
	umask(before);
	assert_int_equal(store_watch_begin(h->store), 0);
	put_one(h->store, "a.example", "pass");
	assert_int_equal(store_watch_commit(h->store, 0), 0);
	static const char *const endings[] = { "", "-wal", "-shm" };
	for (size_t i = 0; i < BASE_COUNT(endings); i++) {
		snprintf(name, sizeof(name), "%s%s", h->path, endings[i]);
		if (stat(name, &status) < 0)
			fail_msg("there is no %s", name);
		if ((status.st_mode & 0777) != 0600)
			fail_msg("%s has mode %o", name, status.st_mode & 0777);
	}
}

static void an_empty_file_is_taken(void **state)
{
	struct house *h = *state;
	write_file(h->path, "", 0);
	open_store(h);
	round_of_one(h->store, "a.example", "pass");
	assert_kept(h->store, "a.example", "pass");
}

/* ---- a disk that fails ---- */

static void open_for_reading_alone(struct house *h)
{
	CHILD_REQUIRE(
		geteuid() != 0 || (setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0));
	int status = store_watch_open(h->path, &h->store, h->error);
	CHILD_REQUIRE(status == -EROFS || status == -EACCES);
	CHILD_REQUIRE(strstr(h->error, "it can only be read") || strstr(h->error, "it cannot be opened"));
}

static void a_file_that_can_only_be_read(void **state)
{
	struct house *h = *state;
	open_store(h);
	close_store(h);
	assert_int_equal(chmod(h->folder, 0755), 0);
	assert_int_equal(chmod(h->path, 0444), 0);
	assert_int_equal(in_child(open_for_reading_alone, h), 0);
}

/* Fills the disk in a round; then there is room again. */
static void fill_the_disk(struct house *h, void (*make_room)(struct house *h), int wanted)
{
	char text[16], domain[32];
	int status = 0;
	CHILD_REQUIRE(store_watch_open(h->path, &h->store, h->error) == 0);
	round_of_one(h->store, "a.example", "pass");
	CHILD_REQUIRE(store_watch_begin(h->store) == 0);
	struct store_watch_state one = example("a.example", "fail");
	CHILD_REQUIRE(store_watch_put(h->store, &one) == 0);
	for (int i = 0; i < 100000 && status == 0; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		struct store_watch_state state = example(domain, "fail");
		status = store_watch_put(h->store, &state);
	}
	if (status != wanted) {
		fprintf(stderr, "put gave %d, %s\n", status, store_watch_error(h->store));
		_exit(1);
	}
	/* The rest of the round must not be kept either. */
	status = store_watch_put(h->store, &one);
	CHILD_REQUIRE(status < 0);
	CHILD_REQUIRE(store_watch_commit(h->store, 0) < 0);
	CHILD_REQUIRE(strcmp(kept(h->store, "a.example", text), "pass") == 0);
	make_room(h);
	round_of_one(h->store, "a.example", "warn");
	CHILD_REQUIRE(strcmp(kept(h->store, "a.example", text), "warn") == 0);
	CHILD_REQUIRE(strcmp(kept(h->store, "d0.example", text), "") == 0);
	store_watch_close(h->store);
}

static void lift_the_limit(struct house *h)
{
	struct rlimit limit;
	CHILD_REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = limit.rlim_max;
	CHILD_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

static void meet_a_limit(struct house *h)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	CHILD_REQUIRE(getrlimit(RLIMIT_FSIZE, &limit) == 0);
	limit.rlim_cur = 512 << 10;
	CHILD_REQUIRE(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	fill_the_disk(h, lift_the_limit, -EFBIG);
}

static void a_write_that_fails_ends_the_round(void **state)
{
	assert_int_equal(in_child(meet_a_limit, *state), 0);
}

#define NOT_ALLOWED 77
static void drop_the_ballast(struct house *h)
{
	char options[] = "size=64m";
	CHILD_REQUIRE(mount("none", h->folder, "tmpfs", MS_REMOUNT, options) == 0);
}

static void fill_a_small_disk(struct house *h)
{
	if (unshare(CLONE_NEWNS) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		_exit(NOT_ALLOWED);
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("none", h->folder, "tmpfs", 0, "size=512k") < 0)
		_exit(NOT_ALLOWED);
	fill_the_disk(h, drop_the_ballast, -ENOSPC);
}

static void a_full_disk_ends_the_round(void **state)
{
	int status = in_child(fill_a_small_disk, *state);
	if (status == NOT_ALLOWED)
		skip();
	assert_int_equal(status, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(every_field_comes_back),
		CASE(absent_stays_absent),
		CASE(what_get_gave_may_be_put),
		CASE(changes_come_newest_first),
		CASE(old_changes_go),
		CASE(a_round_is_whole_or_not_at_all),
		CASE(nothing_is_put_outside_a_round),
		CASE(a_crash_loses_the_round_alone),
		CASE(a_crash_after_the_round_loses_nothing),
		CASE(one_writes_others_read),
		CASE(bad_files_are_refused_and_left_alone),
		CASE(the_file_is_its_owners),
		CASE(an_empty_file_is_taken),
		CASE(a_file_that_can_only_be_read),
		CASE(a_write_that_fails_ends_the_round),
		CASE(a_full_disk_ends_the_round),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
