/* SPDX-License-Identifier: Apache-2.0 */
/* The key that outlives the process. */
#include "edge/node_key.h"
#include "unit/cmocka_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/fedge-key-XXXXXX";
static char path[64];
static unsigned warnings;

static void warn(void *argument, struct span text)
{
	(void)argument;
	(void)text;
	warnings++;
}

static int key_of(const char *file, struct hash_key *ret_key, char text[EDGE_NODE_ERROR_SIZE])
{
	static struct random random; /* goes on: no key comes twice by chance alone */
	static bool begun;
	struct config_node config = { .key_file = span_of(file) };
	if (!begun)
		random_init_seed(&random, 1);
	begun = true;
	text[0] = '\0';
	return edge_node_key(&config, &random, ret_key, text);
}

static void write_bytes(size_t count)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < count; i++)
		fputc((int)i, file);
	fclose(file);
}

static void it_is_made_once_and_read_again(void **state)
{
	struct hash_key first, second, other;
	struct stat file;
	char text[EDGE_NODE_ERROR_SIZE];
	struct config_node config = { .key_file = span_of(path) };
	(void)state;
	unlink(path);
	assert_int_equal(key_of(path, &first, text), 0);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);
	assert_int_equal(file.st_size, 32);
	assert_int_equal(key_of(path, &second, text), 0);
	assert_memory_equal(&first, &second, sizeof(first));
	edge_node_key_warning(&config, warn, NULL);
	assert_int_equal(warnings, 0);
	assert_int_equal(chmod(path, 0640), 0);
	edge_node_key_warning(&config, warn, NULL);
	assert_int_equal(warnings, 1);

	/* Every byte counts. */
	write_bytes(32);
	assert_int_equal(key_of(path, &other, text), 0);
	assert_memory_not_equal(&first, &other, sizeof(first));
	/* Without a file it is another one each time. */
	assert_int_equal(key_of(NULL, &first, text), 0);
	assert_int_equal(key_of(NULL, &second, text), 0);
	assert_memory_not_equal(&first, &second, sizeof(first));
}

static void what_is_no_key_is_refused(void **state)
{
	struct hash_key key;
	char text[EDGE_NODE_ERROR_SIZE], nowhere[128];
	(void)state;
	static const size_t sizes[] = { 0, 31, 33, 4096 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_bytes(sizes[i]);
		assert_true(key_of(path, &key, text) < 0);
		assert_non_null(strstr(text, "does not have 32 bytes"));
		assert_non_null(strstr(text, path));
	}
	snprintf(nowhere, sizeof(nowhere), "%s/no/such/folder", folder);
	assert_int_equal(key_of(nowhere, &key, text), -ENOENT);
	assert_non_null(strstr(text, "cannot be made"));
	assert_true(key_of(folder, &key, text) < 0);
	unlink(path);
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_once_and_read_again),
		cmocka_unit_test(what_is_no_key_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
