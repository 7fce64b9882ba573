/* SPDX-License-Identifier: Apache-2.0 */
/* Registrations, in a file and in a database: the same inputs, the same answers. */
#include "base/require.h"
#include "store/bindings.h"
#include "unit/scratch.h"
#include "unit/store/postgres_server.h"

#include <errno.h>
#include <sqlite3.h>

struct house {
	const struct postgres_server *server; /* NULL: it is a file */
	char folder[SCRATCH_SIZE];
	char address[160];
	char error[STORE_BINDINGS_ERROR_SIZE];
	struct store_bindings *store;
};

#define NODE SPAN("a.example")

static int set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	h->server = *state;
	if (scratch_make(h->folder) < 0)
		return -1;
	snprintf(h->address, sizeof(h->address), "%s/bindings.db", h->folder);
	if (h->server) {
		postgres_sql(h->server, "DROP TABLE IF EXISTS fedge_store, fedge_search, fedge_binding");
		snprintf(h->address, sizeof(h->address), "%s", h->server->address);
	}
	*state = h;
	return 0;
}

static int tear_down(void **state)
{
	struct house *h = *state;
	store_bindings_close(h->store);
	int status = scratch_remove(h->folder);
	free(h);
	return status;
}

static void open_store(struct house *h)
{
	int status = store_bindings_open(h->address, NODE, &h->store, h->error);
	if (status < 0)
		fail_msg("not opened: %d, %s", status, h->error);
}

static void reopen(struct house *h)
{
	store_bindings_close(h->store);
	open_store(h);
}

static void put(struct house *h, struct span aor, const struct store_binding *bindings, size_t count)
{
	int status = store_bindings_begin(h->store);
	if (status == 0)
		status = store_bindings_replace(h->store, aor, bindings, count);
	if (status == 0)
		status = store_bindings_commit(h->store);
	if (status < 0)
		fail_msg("not written: %d, %s", status, store_bindings_error(h->store));
}

/* "aor contact;" of each row, in their order. */
struct seen {
	char text[4096];
	size_t length;
	unsigned count, stop_after;
};

static bool look(void *argument, const struct store_binding *binding)
{
	struct seen *seen = argument;
	seen->length += (size_t)snprintf(seen->text + seen->length, sizeof(seen->text) - seen->length, "%.*s %.*s;",
		SPAN_PRINT(binding->aor), SPAN_PRINT(binding->contact));
	return ++seen->count != seen->stop_after;
}

static void expect(struct house *h, const char *text)
{
	struct seen seen = { .count = 0 };
	assert_int_equal(store_bindings_each(h->store, look, &seen), 0);
	assert_string_equal(seen.text, text);
}

static const struct store_binding one = { .contact = SPAN("c1") }, two = { .contact = SPAN("c2") };

/* ---- */

struct expected {
	const struct store_binding *rows;
	size_t count, met;
};

static bool same(struct span a, struct span b)
{
	return span_equal(a, b) && (b.length > 0 || !a.at);
}

static bool compare(void *argument, const struct store_binding *got)
{
	struct expected *expected = argument;
	assert_true(expected->met < expected->count);
	const struct store_binding *wanted = &expected->rows[expected->met++];
#define X(name)                                                                                                        \
	if (!same(got->name, wanted->name))                                                                            \
		fail_msg("row %zu, " #name ": \"%.*s\"", expected->met, SPAN_PRINT(got->name));
	X(aor)
	STORE_BINDINGS_TEXTS(X)
#undef X
#define X(name)                                                                                                        \
	if (got->name != wanted->name)                                                                                 \
		fail_msg("row %zu, " #name ": %lld", expected->met, (long long)got->name);
	STORE_BINDINGS_NUMBERS(X)
#undef X
	return true;
}

/* Also what is absent, the largest numbers, and bytes that are no text of anybody. */
static void every_column_comes_back(void **state)
{
	struct house *h = *state;
#define X(name) .name = SPAN(#name),
#define ODD(name) .name = { "\\" #name "\0\xff\\x41'\"", sizeof(#name) + 8 },
#define LARGE(name) .name = INT64_MAX,
	const struct store_binding rows[] = {
		{ .aor = SPAN("2000@h"), STORE_BINDINGS_TEXTS(X) STORE_BINDINGS_NUMBERS(LARGE) },
		{ .aor = SPAN("2000@h"), .contact = SPAN("sip:bare"), .q = -1 },
		{ .aor = SPAN("2000@h"), STORE_BINDINGS_TEXTS(ODD).cseq = INT64_MIN },
	};
#undef X
#undef ODD
#undef LARGE
	struct expected expected = { rows, BASE_COUNT(rows), 0 };
	open_store(h);
	put(h, SPAN("2000@h"), rows, BASE_COUNT(rows));
	reopen(h);
	assert_int_equal(store_bindings_each(h->store, compare, &expected), 0);
	assert_int_equal(expected.met, BASE_COUNT(rows));
}

static void what_is_put_stands_instead_of_what_was(void **state)
{
	struct house *h = *state;
	const struct store_binding both[] = { one, two };
	const struct {
		const char *name;
		struct span aor;
		const struct store_binding *bindings;
		size_t count;
		const char *after;
	} cases[] = {
		{ "the first", SPAN("a"), both, 2, "a c1;a c2;" },
		{ "another address", SPAN("b"), &one, 1, "a c1;a c2;b c1;" },
		{ "fewer", SPAN("a"), &two, 1, "b c1;a c2;" },
		{ "none", SPAN("a"), NULL, 0, "b c1;" },
		{ "of nobody", SPAN("nobody"), NULL, 0, "b c1;" },
		{ "no pattern of SQL", SPAN("%' OR ''='"), NULL, 0, "b c1;" },
		{ "the last", SPAN("b"), NULL, 0, "" },
	};
	open_store(h);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct seen seen = { .count = 0 };
		put(h, cases[i].aor, cases[i].bindings, cases[i].count);
		assert_int_equal(store_bindings_each(h->store, look, &seen), 0);
		if (strcmp(seen.text, cases[i].after) != 0)
			fail_msg("%s: %s", cases[i].name, seen.text);
	}
}

static void a_batch_is_kept_whole_or_not_at_all(void **state)
{
	struct house *h = *state;
	open_store(h);
	put(h, SPAN("a"), &one, 1);
	assert_int_equal(store_bindings_begin(h->store), 0);
	assert_int_equal(store_bindings_replace(h->store, SPAN("a"), &two, 1), 0);
	assert_int_equal(store_bindings_replace(h->store, SPAN("b"), &two, 1), 0);
	reopen(h);
	expect(h, "a c1;");
	assert_int_equal(store_bindings_begin(h->store), 0);
	assert_int_equal(store_bindings_replace(h->store, SPAN("a"), NULL, 0), 0);
	assert_int_equal(store_bindings_begin(h->store), 0); /* anew */
	assert_int_equal(store_bindings_replace(h->store, SPAN("b"), &two, 1), 0);
	assert_int_equal(store_bindings_commit(h->store), 0);
	expect(h, "a c1;b c2;");
	assert_int_equal(store_bindings_replace(h->store, SPAN("c"), &two, 1), -ECANCELED);
	assert_int_equal(store_bindings_commit(h->store), -ECANCELED);
	expect(h, "a c1;b c2;");
}

static void reading_stops_where_it_is_told(void **state)
{
	struct house *h = *state;
	struct seen seen = { .stop_after = 2 };
	open_store(h);
	put(h, SPAN("a"), &one, 1);
	put(h, SPAN("b"), &one, 1);
	put(h, SPAN("c"), &one, 1);
	assert_int_equal(store_bindings_each(h->store, look, &seen), 0);
	assert_string_equal(seen.text, "a c1;b c1;");
	put(h, SPAN("a"), NULL, 0);
	expect(h, "b c1;c c1;");
}

static void a_kill_leaves_what_was_committed(void **state)
{
	struct house *h = *state;
	pid_t child = fork();
	if (child == 0) {
		open_store(h);
		put(h, SPAN("a"), &one, 1);
		if (store_bindings_begin(h->store) == 0)
			(void)store_bindings_replace(h->store, SPAN("b"), &one, 1);
		raise(SIGKILL);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	open_store(h);
	expect(h, "a c1;");
}

static void a_second_node_of_the_name_is_refused(void **state)
{
	struct house *h = *state;
	struct store_bindings *other = NULL;
	open_store(h);
	put(h, SPAN("a"), &one, 1);
	assert_int_equal(store_bindings_open(h->address, NODE, &other, h->error), -EBUSY);
	assert_null(other);
	assert_true(strlen(h->error) > 20);
	store_bindings_close(h->store);
	h->store = NULL;
	assert_int_equal(store_bindings_open(h->address, NODE, &h->store, h->error), 0);
	expect(h, "a c1;");
}

static void make_older(const struct house *h)
{
	sqlite3 *handle;
	if (h->server) {
		postgres_sql(
			h->server, "ALTER TABLE fedge_binding DROP COLUMN direct; UPDATE fedge_store SET version = 1");
		return;
	}
	assert_int_equal(sqlite3_open(h->address, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, "ALTER TABLE binding DROP COLUMN direct; PRAGMA user_version = 1", NULL,
				 NULL, NULL),
		SQLITE_OK);
	sqlite3_close(handle);
}

static void what_an_older_version_wrote_is_kept(void **state)
{
	struct house *h = *state;
	const struct store_binding direct = { .aor = SPAN("b"), .contact = SPAN("c2"), .direct = 1 };
	struct expected expected = { &direct, 1, 0 };
	open_store(h);
	put(h, SPAN("a"), &one, 1);
	store_bindings_close(h->store);
	h->store = NULL;
	make_older(h);
	open_store(h);
	expect(h, "a c1;");
	put(h, SPAN("a"), NULL, 0);
	put(h, SPAN("b"), &direct, 1);
	reopen(h);
	assert_int_equal(store_bindings_each(h->store, compare, &expected), 0);
	assert_int_equal(expected.met, 1);
}

/* ---- a database alone ---- */

static void other_nodes_have_their_own(void **state)
{
	struct house *h = *state;
	struct house other = *h;
	open_store(h);
	assert_int_equal(store_bindings_open(h->address, SPAN("b.example"), &other.store, other.error), 0);
	put(h, SPAN("a"), &one, 1);
	put(&other, SPAN("a"), &two, 1);
	put(&other, SPAN("b"), &two, 1);
	put(h, SPAN("b"), NULL, 0);
	expect(h, "a c1;");
	expect(&other, "a c2;b c2;");
	store_bindings_close(other.store);
}

/* Not within the seconds that it waits for others: at once, as from a database whose tables are newer. */
static void a_newer_version_is_refused(void **state)
{
	struct house *h = *state;
	open_store(h);
	store_bindings_close(h->store);
	h->store = NULL;
	postgres_sql(h->server, "UPDATE fedge_store SET version = 99 WHERE part = 'registrations'");
	assert_int_equal(store_bindings_open(h->address, NODE, &h->store, h->error), -ENOTSUP);
	assert_non_null(strstr(h->error, "newer version"));
}

/* ---- */

#define TESTS(where, state)                                                                                            \
	TEST(every_column_comes_back, where, state), TEST(what_is_put_stands_instead_of_what_was, where, state),       \
		TEST(a_batch_is_kept_whole_or_not_at_all, where, state),                                               \
		TEST(reading_stops_where_it_is_told, where, state),                                                    \
		TEST(a_kill_leaves_what_was_committed, where, state),                                                  \
		TEST(a_second_node_of_the_name_is_refused, where, state),                                              \
		TEST(what_an_older_version_wrote_is_kept, where, state)
#define TEST(name, where, state)                                                                                       \
	{                                                                                                              \
#name ", " where, name, set_up, tear_down, state                                                       \
	}
int main(void)
{
	const struct CMUnitTest in_a_file[] = { TESTS("in a file", NULL) };
	const struct CMUnitTest in_a_database[] = { TESTS("in PostgreSQL", &postgres_of_group),
		TEST(other_nodes_have_their_own, "in PostgreSQL", &postgres_of_group),
		TEST(a_newer_version_is_refused, "in PostgreSQL", &postgres_of_group) };
	int failed = cmocka_run_group_tests(in_a_file, NULL, NULL);
	if (postgres_find(&postgres_of_group))
		failed += cmocka_run_group_tests(in_a_database, postgres_group_set_up, postgres_group_tear_down);
	return failed;
}
