/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk runs over the real examiner: 1,500 domains of a planned zone and nothing else, no network. One run is stopped in
 * its middle, its output cut anywhere, and gone on with. */
#include "base/random.h"
#include "base/require.h"
#include "check/bulk.h"
#include "check/json_write.h"
#include "check/render.h"
#include "check/resume.h"
#include "unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DOMAINS 1500

static char zone_path[] = "/tmp/fedge-bulk-zone-XXXXXX";
static char output_path[] = "/tmp/fedge-bulk-output-XXXXXX";

/* Every third has no record, every third one that leads elsewhere; the others are right as far as DNS goes. */
static void write_zone(void)
{
	FILE *file = fopen(zone_path, "w");
	assert_non_null(file);
	fputs("$ORIGIN bulk.example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 600 86400 300\n", file);
	for (int i = 0; i < DOMAINS; i++) {
		if (i % 3 == 1)
			fprintf(file, "_sipfederationtls._tcp.d%d SRV 0 0 5061 sip.other\n", i);
		if (i % 3 == 2)
			fprintf(file, "_sipfederationtls._tcp.d%d SRV 0 0 5061 sip.d%d\nsip.d%d A 192.0.2.1\n", i, i,
				i);
	}
	assert_int_equal(fclose(file), 0);
}

static FILE *write_list(void)
{
	FILE *file = tmpfile();
	assert_non_null(file);
	fputs("# what is to be looked at\n\n", file);
	for (int i = 0; i < DOMAINS; i++)
		fprintf(file, "D%d.Bulk.Example # number %d\n", i, i);
	rewind(file);
	return file;
}

struct run {
	FILE *output;
	struct check_resume *earlier;
	size_t results, stop_after;
	volatile bool stop;
	struct check_bulk_counts counts;
};

static void run_result(void *argument, const struct check_report *const *reports, size_t count)
{
	struct run *run = argument;
	assert_int_equal(count, 2);
	for (size_t i = 0; i < count; i++) {
		struct buffer text;
		json_t *object = check_render_json(reports[i]);
		buffer_init(&text, 1 << 20);
		assert_int_equal(check_json_write(object, &text), 0);
		fwrite(text.at, 1, text.length, run->output);
		fputc('\n', run->output);
		json_decref(object);
		buffer_done(&text);
	}
	if (++run->results == run->stop_after)
		run->stop = true;
}

static bool run_is_done(void *argument, struct span typed)
{
	struct run *run = argument;
	return run->earlier && check_resume_is_done(run->earlier, typed);
}

static void run_it(struct run *run, unsigned workers)
{
	const struct check_options options = { .zone_file = zone_path,
		.zone_only = true,
		.no_connect = true,
		.private_is_fine = true,
		.policies = CHECK_AS_MICROSOFT | CHECK_AS_RFC5922 };
	char text[CHECK_ERROR_SIZE];
	struct check_desk *desk;
	struct check_bench bench;
	struct arena arena;
	arena_init(&arena, 1 << 20);
	assert_int_equal(check_bench_make(&options, &arena, &bench), 0);
	if (check_desk_new(&options, NULL, &desk, text) < 0)
		fail_msg("%s", text);
	FILE *list = write_list();
	struct check_bulk_settings settings = { .desk = desk,
		.bench = &bench,
		.domains = list,
		.workers = workers,
		.concurrency = 300,
		.result = run_result,
		.is_done = run_is_done,
		.argument = run,
		.stop = &run->stop };
	assert_int_equal(check_bulk_run(&settings, &run->counts), 0);
	assert_int_equal(run->counts.done, run->results);
	fclose(list);
	check_desk_free(desk);
	arena_done(&arena);
}

static void every_domain_gets_its_verdict(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 3; workers += 2) {
		struct run run = { .output = fopen("/dev/null", "w") };
		assert_non_null(run.output);
		run_it(&run, workers);
		assert_int_equal(run.counts.total, DOMAINS);
		assert_int_equal(run.counts.done, DOMAINS);
		assert_int_equal(run.counts.findings[FINDING_SRV_MISSING], DOMAINS / 3);
		assert_int_equal(run.counts.findings[FINDING_SRV_TARGET_OUTSIDE_DOMAIN], DOMAINS / 3);
		assert_int_equal(run.counts.findings[FINDING_CONNECTION_NOT_TRIED], DOMAINS / 3 * 2);
		assert_int_equal(run.counts.findings[FINDING_SRV_LOOKUP_FAILED], 0);
		fclose(run.output);
	}
}

/* How often each number stands in the output, two lines each. */
static void count_lines(unsigned *ret_times)
{
	static char line[65536];
	int number;
	FILE *file = fopen(output_path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *typed = strstr(line, "\"typed\":\"D");
		assert_non_null(typed);
		assert_int_equal(sscanf(typed, "\"typed\":\"D%d.Bulk.Example\"", &number), 1);
		ret_times[number]++;
	}
	fclose(file);
}

static void interrupted_and_gone_on_with(void **state)
{
	static unsigned times[DOMAINS];
	struct random random;
	struct hash_key key = { { 7, 8 } };
	char text[CHECK_RESUME_ERROR_SIZE];
	size_t runs = 0, left = 1;
	(void)state;
	random_init_seed(&random, 3);
	/* Each run is stopped, and loses the end of what it wrote. */
	for (; left > 0 && runs < 20; runs++) {
		struct run run = { .stop_after = 350 };
		if (check_resume_read(output_path, &key, 2, &run.earlier, text) < 0)
			fail_msg("%s", text);
		size_t before = check_resume_count(run.earlier);
		assert_int_equal(truncate(output_path, (off_t)check_resume_length(run.earlier)), 0);
		run.output = fopen(output_path, "a");
		assert_non_null(run.output);
		run_it(&run, 2);
		assert_int_equal(fflush(run.output), 0);
		off_t length = ftello(run.output);
		fclose(run.output);
		left = DOMAINS - before - run.results;
		if (left > 0) {
			assert_true(run.results >= 350);
			assert_int_equal(truncate(output_path, length - (off_t)random_below(&random, 20000)), 0);
		} else {
			assert_int_equal(run.counts.skipped, before);
		}
		check_resume_free(run.earlier);
	}
	print_message("%zu runs\n", runs);
	assert_in_range(runs, 3, 5);
	count_lines(times);
	for (int i = 0; i < DOMAINS; i++)
		if (times[i] != 2)
			fail_msg("D%d: %u lines", i, times[i]);
}

static int open_files(void **state)
{
	(void)state;
	int zone = mkstemp(zone_path), output = mkstemp(output_path);
	if (zone < 0 || output < 0)
		return -1;
	close(zone);
	close(output);
	write_zone();
	return 0;
}
static int remove_files(void **state)
{
	(void)state;
	return unlink(zone_path) | unlink(output_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_domain_gets_its_verdict),
		cmocka_unit_test(interrupted_and_gone_on_with),
	};
	return cmocka_run_group_tests(tests, open_files, remove_files);
}
