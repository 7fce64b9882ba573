/* SPDX-License-Identifier: Apache-2.0 */
/* What stands at the paths that are given. */
#include "source/paths.h"
#include "unit/source/reading.h"

struct list_of_paths {
	char text[4096];
};

static bool note(void *argument, const char *path, int status, const char *why)
{
	struct list_of_paths *list = argument;
	size_t length = strlen(list->text);
	(void)snprintf(list->text + length, sizeof(list->text) - length, "%s%s%s%s%s\n",
		strncmp(path, folder, strlen(folder)) == 0 ? path + strlen(folder) + 1 : path, status ? ": " : "",
		status ? strerrorname_np(-status) : "", why ? ": " : "", why ? why : "");
	return true;
}

static void folders_are_walked_by_name(void **state)
{
	(void)state;
	struct list_of_paths list = { 0 };
	shell("mkdir -p logs/b/c logs/empty; for f in logs/z logs/a logs/b/m logs/b/c/x; do echo $f > $f; done;"
	      "ln -s ../z logs/b/again; ln -s nowhere logs/broken; ln -s . logs/loop; mkfifo logs/pipe; ln logs/a "
	      "logs/b/same");
	const char *const paths[] = { path_of("logs/z"), path_of("logs"), "-" };
	const struct source_paths_settings settings = { paths, 3, note, &list };
	size_t index;
	assert_int_equal(source_paths_find(&settings, &index), 0);
	assert_string_equal(list.text, "logs/z\n"
				       "logs/a\n"
				       "logs/b/c/x\n"
				       "logs/b/m\n"
				       "logs/broken: ENOENT\n"
				       "logs/loop: ELOOP: a link to a folder is not followed\n"
				       "logs/pipe: EINVAL: no regular file\n"
				       "-\n");
}

static void missing_path_is_named(void **state)
{
	(void)state;
	struct list_of_paths list = { 0 };
	shell("echo > there");
	const char *const paths[] = { path_of("there"), path_of("not-there"), path_of("there/below") };
	struct source_paths_settings settings = { paths, 3, note, &list };
	size_t index;
	assert_int_equal(source_paths_find(&settings, &index), -ENOENT);
	assert_int_equal(index, 1);
	settings.paths += 2;
	settings.count = 1;
	assert_int_equal(source_paths_find(&settings, &index), -ENOTDIR);
	assert_int_equal(index, 0);
}

/* More than the table of files that were met begins with. */
static void many_files_twice_are_read_once(void **state)
{
	(void)state;
	static struct list_of_paths list;
	shell("mkdir many; for i in $(seq 200); do echo > many/$i; done");
	const char *const paths[] = { path_of("many"), path_of("many") };
	const struct source_paths_settings settings = { paths, 2, note, &list };
	size_t index, lines = 0;
	assert_int_equal(source_paths_find(&settings, &index), 0);
	for (const char *at = list.text; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 200);
}

static void start_tells_which_path_or_key_log(void **state)
{
	(void)state;
	shell("echo > there");
	const char *const paths[] = { path_of("there"), path_of("not-there") };
	const char *const key_logs[] = { path_of("there"), path_of("no-keys") };
	struct source_settings settings = { .paths = paths, .path_count = 2, .boil = boil_seen };
	struct source *source;
	size_t index;
	assert_int_equal(source_start(&settings, &source, &index), -ENOENT);
	assert_int_equal(index, 1);
	settings.path_count = 1;
	settings.key_logs = key_logs;
	settings.key_log_count = 2;
	assert_int_equal(source_start(&settings, &source, &index), -ENOENT);
	assert_int_equal(index, 2);
	const char *const folders[] = { folder };
	settings = (struct source_settings){ .paths = folders, .path_count = 1, .boil = boil_seen, .follow = true };
	assert_int_equal(source_start(&settings, &source, &index), -EISDIR);
}

static void what_cannot_be_read_is_told(void **state)
{
	(void)state;
	if (geteuid() != 0)
		shell("echo secret > locked; chmod 0 locked");
	shell("mkdir d; mkfifo d/pipe; : > empty; head -c 5000 /dev/urandom > noise");
	write_log("good", 1, 3, 0, 10);
	const char *const paths[] = { path_of("d"), path_of("empty"), path_of("noise"), path_of("good"),
		path_of("locked") };
	struct reading reading = start_reading(2, geteuid() != 0 ? 5 : 4, paths);
	read_rest(&reading);
	assert_int_equal(reading.count, 3);
	assert_int_equal(file_named(&reading, "d/pipe")->status, -EINVAL);
	assert_int_equal(file_named(&reading, "empty")->status, 0);
	assert_int_equal(file_named(&reading, "empty")->kind, TRACE_KIND_UNKNOWN);
	assert_int_equal(file_named(&reading, "noise")->kind, TRACE_KIND_UNKNOWN);
	assert_string_equal(file_named(&reading, "noise")->why, "nothing in it that can be read");
	assert_int_equal(file_named(&reading, "good")->counts.records, 3);
	assert_done(&reading);
	if (geteuid() != 0)
		assert_int_equal(file_named(&reading, "locked")->status, -EACCES);
	end_reading(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(folders_are_walked_by_name, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(missing_path_is_named, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(many_files_twice_are_read_once, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(start_tells_which_path_or_key_log, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_is_told, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
