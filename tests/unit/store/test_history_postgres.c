/* SPDX-License-Identifier: Apache-2.0 */
/* The search history in a database: its size, several nodes, tables of others, and a server that goes away. */
#include "unit/store/history_house.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

/* ---- numbers and sizes ---- */

static void no_number_is_left_out(void **state)
{
	struct house *h = *state;
	open_store(h);
	for (unsigned i = 0; i < 5; i++)
		put_many(h, 1, 3, NULL);
	put_many(h, 4, 4, NULL);
	assert_int_equal(find(h, ALL).count, 4);
	assert_int_equal(find(h, (struct store_history_query){ .id = 4 }).first_us, 4 * SECOND_US);
}

static uint64_t bytes_of(struct house *h)
{
	struct store_history_size size;
	assert_int_equal(store_history_size(h->store, &size), 0);
	return size.bytes;
}

static void what_is_stored_stays_in_its_size(void **state)
{
	struct house *h = *state;
	char *text = malloc(20000);
	memset(text, 'x', 20000);
	struct store_history_row large = { .steps = span_make(text, 20000) };
	h->limits.size_bytes = 2 << 20;
	open_store(h);
	for (unsigned n = 0; n < 10; n++)
		put_many(h, n * 20 + 1, n * 20 + 20, &large);
	struct seen seen = find(h, ALL);
	/* 200 of 20 kB were put, 2 MiB hold about a hundred. */
	assert_true(seen.count >= 85 && seen.count <= 105);
	assert_int_equal(seen.first_us, 200 * SECOND_US);
	assert_true(bytes_of(h) <= 2 << 20);
	/* It shrinks where the limit does. */
	h->limits.size_bytes = 512 << 10;
	put_many(h, 201, 201, &large);
	assert_true(bytes_of(h) <= 512 << 10);
	/* What is put a second time is not counted twice. */
	uint64_t before = bytes_of(h);
	put_many(h, 201, 201, &large);
	assert_int_equal(bytes_of(h), before);
	free(text);
}

static void nobody_sees_a_smaller_number_later(void **state)
{
	struct house *h = *state;
	struct house second = *h;
	open_store(h);
	assert_int_equal(store_history_begin(h->store), 0);
	assert_int_equal(put(h, 1, NULL), 0);
	pid_t child = fork();
	if (child == 0) {
		struct house other = { .server = h->server };
		snprintf(other.path, sizeof(other.path), "%s", h->path);
		open_store(&other);
		put_many(&other, 2, 2, NULL); /* waits for the first one's turn to end */
		close_store(&other);
		_exit(0);
	}
	struct timespec pause = { .tv_nsec = 200000000 };
	nanosleep(&pause, NULL);
	open_reader(&second);
	assert_int_equal(find(&second, ALL).count, 0);
	close_store(&second);
	assert_int_equal(store_history_commit(h->store, &h->limits, 0), 0);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(find(h, (struct store_history_query){ .id = 2 }).first_us, 2 * SECOND_US);
}

#define NODES 4
static void nodes_that_start_at_once_make_the_tables_once(void **state)
{
	struct house *h = *state;
	pid_t children[NODES];
	for (unsigned i = 0; i < NODES; i++) {
		children[i] = fork();
		if (children[i] != 0)
			continue;
		open_store(h);
		put_many(h, i * 100 + 1, i * 100 + 50, NULL);
		close_store(h);
		_exit(0);
	}
	for (unsigned i = 0; i < NODES; i++) {
		int status = -1;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		if (status != 0)
			fail_msg("node %u: %d", i, status);
	}
	open_store(h);
	assert_int_equal(find(h, ALL).count, NODES * 50);
	postgres_sql(h->server, "DO $$ BEGIN ASSERT (SELECT bytes FROM fedge_store WHERE part = 'history') = "
				"(SELECT sum(bytes) FROM fedge_search); END $$");
}

/* ---- what is refused ---- */

static void what_cannot_be_used_is_said(void **state)
{
	struct house *h = *state;
	char elsewhere[160], latin[160], stranger[160];
	snprintf(elsewhere, sizeof(elsewhere), "postgresql://fedge@/none?host=%s", h->server->folder);
	snprintf(latin, sizeof(latin), "postgresql://fedge@/latin?host=%s", h->server->folder);
	snprintf(stranger, sizeof(stranger), "postgresql://stranger:sesame@/postgres?host=%s", h->server->folder);
	const struct {
		const char *name, *before, *address;
		int status, reader_status;
		const char *said;
	} cases[] = {
		{ "nothing yet", "SELECT 1", h->path, 0, 0, NULL },
		{ "a newer version", "UPDATE fedge_store SET version = 99", h->path, -ENOTSUP, -ENOTSUP,
			"newer version" },
		{ "no such database", "SELECT 1", elsewhere, -EACCES, -EACCES, "\"none\" does not exist" },
		{ "no UTF-8", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0", latin, -EMEDIUMTYPE,
			-EMEDIUMTYPE, "not UTF8" },
		{ "no right to make tables", "CREATE ROLE stranger LOGIN PASSWORD 'sesame'; DROP TABLE fedge_store",
			stranger, -EACCES, -ENODATA, "permission denied" },
		{ "no host", "SELECT 1", "postgresql://fedge:sesame@127.0.0.1:1/x", 1, -ENOTCONN,
			"postgresql://fedge@127.0.0.1:1/x: " },
		{ "no address", "SELECT 1", "postgresql://u:ses@me@h:p/x", -EINVAL, -EINVAL, "postgresql://\u2026: " },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		h->error[0] = '\0';
		postgres_sql(h->server, cases[i].before);
		int status = store_history_open(cases[i].address, &h->store, h->error);
		if (status >= 0)
			close_store(h);
		if (status != cases[i].status || (cases[i].said && !strstr(h->error, cases[i].said)) ||
			strstr(h->error, "sesame") || strstr(h->error, "ses@me"))
			fail_msg("%s: %d, %s", cases[i].name, status, h->error);
		status = store_history_open_reader(cases[i].address, &h->store, h->error);
		if (status == 0)
			close_store(h);
		if (status != cases[i].reader_status)
			fail_msg("%s: as a reader %d, %s", cases[i].name, status, h->error);
		h->store = NULL;
	}
	postgres_sql(h->server, "DROP DATABASE latin");
	postgres_sql(h->server, "DROP ROLE stranger");
}

static void a_row_it_never_takes_is_told_apart(void **state)
{
	struct house *h = *state;
	struct store_history_row bad = { .steps = SPAN("[\"\xff\"]") };
	open_store(h);
	put_many(h, 1, 1, NULL);
	assert_int_equal(store_history_begin(h->store), 0);
	assert_int_equal(put(h, 2, &bad), -EMSGSIZE);
	assert_int_equal(store_history_commit(h->store, &h->limits, 0), -ECANCELED);
	put_many(h, 3, 3, NULL);
	assert_int_equal(find(h, ALL).count, 2);
}

/* ---- a server that goes away ---- */

static int put_batch(struct house *h, unsigned from, unsigned to)
{
	int status = store_history_begin(h->store);
	for (unsigned n = from; status == 0 && n <= to; n++)
		status = put(h, n, NULL);
	return status == 0 ? store_history_commit(h->store, &h->limits, 0) : status;
}

/* As its callers do: the same again until it is taken. */
static void put_until_taken(struct house *h, unsigned from, unsigned to)
{
	struct timespec pause = { .tv_nsec = 50000000 };
	for (int i = 0; put_batch(h, from, to) < 0; i++) {
		if (i > 400)
			fail_msg("not taken: %s", store_history_error(h->store));
		nanosleep(&pause, NULL);
	}
}

static void it_goes_on_after_the_server_was_away(void **state)
{
	struct house *h = *state;
	static const int ways[] = { SIGINT, SIGQUIT, SIGKILL };
	open_store(h);
	put_many(h, 1, 3, NULL);
	for (unsigned i = 0; i < 3; i++) {
		unsigned from = i * 10 + 10;
		assert_int_equal(store_history_begin(h->store), 0);
		assert_int_equal(put(h, from, NULL), 0);
		postgres_stop(&postgres_of_group, ways[i]);
		assert_true(store_history_commit(h->store, &h->limits, 0) < 0);
		assert_int_equal(put_batch(h, from, from + 5), -ENOTCONN);
		assert_true(strlen(store_history_error(h->store)) > 30);
		postgres_start(&postgres_of_group);
		put_until_taken(h, from, from + 5);
		assert_int_equal(find(h, ALL).count, 3 + (i + 1) * 6);
	}
}

static void one_that_was_away_at_the_start_is_found_later(void **state)
{
	struct house *h = *state;
	postgres_stop(&postgres_of_group, SIGINT);
	assert_int_equal(store_history_open(h->path, &h->store, h->error), 1);
	assert_int_equal(put_batch(h, 1, 3), -ENOTCONN);
	postgres_start(&postgres_of_group);
	put_until_taken(h, 1, 3);
	assert_int_equal(find(h, ALL).count, 3);
}

/* ---- an answer that is lost ---- */

static int unix_socket(const char *folder, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(address->sun_path, sizeof(address->sun_path), "%s/.s.PGSQL.5432", folder);
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

/* False where either side is gone, and once where the client's last word was COMMIT: it is passed on and done, but
 * nobody is told. */
static bool relay_once(int client, int server_side, bool *loses)
{
	static char bytes[65536];
	struct pollfd both[] = { { .fd = client, .events = POLLIN }, { .fd = server_side, .events = POLLIN } };
	poll(both, 2, -1);
	int from = both[0].revents ? client : server_side;
	ssize_t length = read(from, bytes, sizeof(bytes));
	if (length <= 0 || write(from == client ? server_side : client, bytes, (size_t)length) != length)
		return false;
	if (!*loses || from != client || !memmem(bytes, (size_t)length, "COMMIT", 6))
		return true;
	*loses = read(server_side, bytes, sizeof(bytes)) <= 0;
	return false;
}

/* Stands between a client and the server, in a process of its own. */
static pid_t start_relay(const struct house *h)
{
	struct sockaddr_un here, there;
	int door = unix_socket(h->folder, &here);
	assert_int_equal(bind(door, (struct sockaddr *)&here, sizeof(here)), 0);
	assert_int_equal(listen(door, 5), 0);
	pid_t child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (bool loses = true;;) {
			int client = accept(door, NULL, NULL), server_side = unix_socket(h->server->folder, &there);
			if (connect(server_side, (struct sockaddr *)&there, sizeof(there)) < 0)
				_exit(1);
			while (relay_once(client, server_side, &loses))
				;
			close(client);
			close(server_side);
		}
	}
	close(door);
	return child;
}

static void a_commit_that_nobody_answered_is_not_done_twice(void **state)
{
	struct house *h = *state;
	struct store_history_row event = { .start_us = SECOND_US, .kind = 1, .steps = SPAN("[]") };
	/* Its tables are there already: making them is a commit too. */
	open_store(h);
	close_store(h);
	pid_t relay = start_relay(h);
	snprintf(h->path, sizeof(h->path), "postgresql://fedge@/postgres?host=%s", h->folder);
	open_store(h);
	assert_int_equal(store_history_begin(h->store), 0);
	assert_int_equal(put(h, 0, &event), 0);
	assert_int_equal(put(h, 1, NULL), 0);
	assert_int_equal(store_history_commit(h->store, &h->limits, 0), -ENOTCONN);
	assert_int_equal(find(h, ALL).count, 2);
	assert_int_equal(store_history_begin(h->store), 0);
	assert_int_equal(put(h, 0, &event), 0);
	assert_int_equal(put(h, 1, NULL), 0);
	assert_int_equal(store_history_commit(h->store, &h->limits, 0), 0);
	assert_int_equal(find(h, ALL).count, 2);
	put_many(h, 2, 2, NULL);
	assert_int_equal(find(h, ALL).count, 3);
	kill(relay, SIGKILL);
	waitpid(relay, NULL, 0);
}

/* ---- */

#define TEST(name)                                                                                                     \
	{                                                                                                              \
#name, name, set_up, tear_down, &postgres_of_group                                                     \
	}
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_number_is_left_out),
		TEST(what_is_stored_stays_in_its_size),
		TEST(nobody_sees_a_smaller_number_later),
		TEST(nodes_that_start_at_once_make_the_tables_once),
		TEST(what_cannot_be_used_is_said),
		TEST(a_row_it_never_takes_is_told_apart),
		TEST(it_goes_on_after_the_server_was_away),
		TEST(one_that_was_away_at_the_start_is_found_later),
		TEST(a_commit_that_nobody_answered_is_not_done_twice),
	};
	return postgres_find(&postgres_of_group)
		       ? cmocka_run_group_tests(tests, postgres_group_set_up, postgres_group_tear_down)
		       : 0;
}
