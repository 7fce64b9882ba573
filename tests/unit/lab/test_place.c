/* SPDX-License-Identifier: Apache-2.0 */
/* The lab's folder and its lock. */
#include "lab_test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void a_new_folder_is_made_with_all_above_it(void **state)
{
	struct lab_place place;
	char folder[4096];
	struct stat status;
	snprintf(folder, sizeof(folder), "%s/a/b/c", (const char *)*state);
	assert_int_equal(lab_place_open(&place, folder), 0);
	assert_int_equal(lab_place_write(&place, "lab.json", 0644, SPAN("{}\n")), 0);
	char *path = lab_place_path(&place, "tls");
	assert_int_equal(stat(path, &status), 0);
	assert_true(S_ISDIR(status.st_mode));
	free(path);
	lab_place_close(&place);
	assert_int_equal(lab_place_open(&place, folder), 0); /* a lab's own folder is used again */
	lab_place_close(&place);
}

static void a_folder_of_somebody_else_is_refused(void **state)
{
	struct lab_place place;
	char path[4096];
	snprintf(path, sizeof(path), "%s/thesis.txt", (const char *)*state);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(lab_place_open(&place, *state), -ENOTEMPTY);
	assert_null(place.folder);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_file_is_no_folder(void **state)
{
	struct lab_place place;
	char path[4096];
	snprintf(path, sizeof(path), "%s/file", (const char *)*state);
	FILE *file = fopen(path, "w");
	fclose(file);
	assert_true(lab_place_open(&place, path) < 0);
}

static void logs_of_last_time_are_gone(void **state)
{
	struct lab_place place;
	assert_int_equal(lab_place_open(&place, *state), 0);
	assert_int_equal(lab_place_write(&place, "lab.json", 0644, SPAN("{}\n")), 0);
	assert_int_equal(lab_place_write(&place, "vcse.log", 0644, SPAN("old\n")), 0);
	char *path = lab_place_path(&place, "vcse.log");
	lab_place_close(&place);
	assert_int_equal(lab_place_open(&place, *state), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	free(path);
	lab_place_close(&place);
}

static void the_default_folder_is_never_a_strangers(void **state)
{
	char *folder = NULL;
	setenv("TMPDIR", *state, 1);
	assert_int_equal(lab_place_default(&folder), 0);
	struct stat status;
	assert_int_equal(stat(folder, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0700);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(symlink("/etc", folder), 0);
	char *other = NULL;
	assert_int_equal(lab_place_default(&other), -EPERM);
	assert_int_equal(access("/etc/passwd", F_OK), 0);
	free(folder);
	unsetenv("TMPDIR");
}

static void there_is_one_lab_at_a_time(void **state)
{
	int first = -1;
	int second = -1;
	pid_t holder = 0;
	(void)state;
	int status = lab_lock_take(&first, &holder);
	if (status == -EBUSY)
		skip(); /* one runs on this machine */
	assert_int_equal(status, 0);
	assert_int_equal(lab_lock_take(&second, &holder), -EBUSY);
	assert_int_equal(holder, getpid());
	close(first);
	assert_int_equal(lab_lock_take(&second, &holder), 0);
	close(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_new_folder_is_made_with_all_above_it, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_folder_of_somebody_else_is_refused, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_file_is_no_folder, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(logs_of_last_time_are_gone, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(the_default_folder_is_never_a_strangers, make_folder, remove_folder),
		cmocka_unit_test(there_is_one_lab_at_a_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
