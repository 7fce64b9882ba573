/* SPDX-License-Identifier: Apache-2.0 */
/* Files in the spool come out as they went in. */
#include "source/spool.h"
#include "unit/source/reading.h"

static char byte_of(size_t file, size_t offset)
{
	return (char)(offset * 7 + offset / 4096 + file * 31);
}

static void add(struct source_spool *spool, struct source_stored *stored, size_t file, size_t length)
{
	char *bytes = malloc(length);
	for (size_t i = 0; i < length; i++)
		bytes[i] = byte_of(file, stored->length + i);
	assert_int_equal(source_spool_append(spool, stored, span_make(bytes, length)), 0);
	free(bytes);
}

static void compare(const struct source_spool *spool, const struct source_stored *stored, size_t file, size_t step)
{
	char *bytes = malloc(step);
	size_t offset = 0;
	for (;;) {
		ssize_t got = source_spool_read(spool, stored, offset, bytes, step);
		assert_true(got >= 0);
		if (got == 0)
			break;
		for (size_t i = 0; i < (size_t)got; i++)
			if (bytes[i] != byte_of(file, offset + i))
				fail_msg("file %zu differs at %zu", file, offset + i);
		offset += (size_t)got;
	}
	assert_int_equal(offset, stored->length);
	free(bytes);
}

static void files_between_each_other(void **state)
{
	(void)state;
	struct source_spool *spool;
	struct source_stored stored[3] = { 0 };
	assert_int_equal(source_spool_new(&spool), 0);
	/* One by one, so that their pieces lie between each other's. */
	for (size_t round = 0; round < 40; round++)
		for (size_t i = 0; i < 3; i++)
			add(spool, &stored[i], i, 70001 * (i + 1));
	compare(spool, &stored[0], 0, 4096);
	compare(spool, &stored[1], 1, 1 << 20);
	compare(spool, &stored[2], 2, (3 << 20) + 17);
	for (size_t i = 0; i < 3; i++)
		source_stored_done(&stored[i]);
	source_spool_free(spool);
}

static void holes_are_zeros(void **state)
{
	(void)state;
	struct source_spool *spool;
	struct source_stored stored = { 0 }, other = { 0 };
	char bytes[64];
	assert_int_equal(source_spool_new(&spool), 0);
	assert_int_equal(source_spool_append(spool, &stored, SPAN("front")), 0);
	assert_int_equal(source_spool_extend(spool, &stored, 5 * SOURCE_SPOOL_EXTENT - 2), 0);
	assert_int_equal(source_spool_append(spool, &stored, SPAN("back")), 0);
	assert_int_equal(source_spool_extend(spool, &stored, 7 * SOURCE_SPOOL_EXTENT), 0);
	assert_int_equal(source_spool_append(spool, &other, SPAN("other")), 0);
	assert_int_equal(source_spool_read(spool, &stored, 3, bytes, 4), 4);
	assert_memory_equal(bytes, "nt\0\0", 4);
	assert_int_equal(source_spool_read(spool, &stored, 5 * SOURCE_SPOOL_EXTENT - 3, bytes, 6), 6);
	assert_memory_equal(bytes, "\0back\0", 6);
	assert_int_equal(source_spool_read(spool, &stored, 7 * SOURCE_SPOOL_EXTENT - 1, bytes, 6), 1);
	assert_int_equal(bytes[0], 0);
	assert_int_equal(source_spool_read(spool, &stored, 7 * SOURCE_SPOOL_EXTENT, bytes, 6), 0);
	assert_int_equal(source_spool_read(spool, &other, 0, bytes, 6), 5);
	assert_memory_equal(bytes, "other", 5);
	source_stored_done(&stored);
	source_stored_done(&other);
	source_spool_free(spool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_between_each_other),
		cmocka_unit_test(holes_are_zeros),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
