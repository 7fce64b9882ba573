/* SPDX-License-Identifier: Apache-2.0 */
/* Archives: one in another, broken ones, and those that are made to fill the machine. */
#include "unit/source/reading.h"

#include <time.h>

static struct reading read_one(const char *name)
{
	const char *const paths[] = { path_of(name) };
	struct reading reading = start_reading(2, 1, paths);
	read_rest(&reading);
	return reading;
}

static void assert_numbers(const char *name, const struct reading *reading, unsigned int first, size_t count)
{
	if (reading->count != count)
		fail_msg("%s: %zu records, not %zu", name, reading->count, count);
	for (size_t i = 0; i < count; i++)
		if (reading->seen[i].number != first + i)
			fail_msg("%s: record %zu is %u", name, i, reading->seen[i].number);
}

/* Two logs that overlap, packed in every way. */
static void every_archive_is_read(void **state)
{
	(void)state;
	static const struct {
		const char *name, *command, *file;
	} cases[] = {
		{ "gzip", "gzip -c both > gzip", "gzip" },
		{ "xz", "xz -c both > xz", "xz" },
		{ "bzip2", "bzip2 -c both > bzip2", "bzip2" },
		{ "tar", "tar cf tar logs", "tar:logs/late.log" },
		{ "tar.gz", "tar czf tar.gz logs", "tar.gz:logs/late.log" },
		{ "zip", "python3 -m zipfile -c zip logs", "zip:logs/late.log" },
		{ "gz-in-tar", "gzip -k logs/*; tar cf gz-in-tar logs/*.gz; rm logs/*.gz",
			"gz-in-tar:logs/late.log.gz" },
		{ "tar-in-zip", "tar czf inner.tgz logs; python3 -m zipfile -c tar-in-zip inner.tgz",
			"tar-in-zip:inner.tgz:logs/early.log" },
		{ "zip-in-gz", "python3 -m zipfile -c inner.zip logs; gzip -c inner.zip > zip-in-gz",
			"zip-in-gz:logs/early.log" },
		{ "old-tar", "tar --format=v7 -cf old-tar logs", "old-tar:logs/early.log" },
	};
	shell("mkdir logs");
	/* Odd and even numbers: only together they are all. */
	struct buffer both, halves[2];
	for (size_t i = 0; i < 2; i++)
		buffer_init(&halves[i], 1 << 20);
	buffer_init(&both, 1 << 20);
	for (unsigned int i = 0; i < 200; i++) {
		add_message(&halves[i % 2], i, i * 10, "\n");
		add_message(&both, i, i * 10, "\n");
	}
	write_file("logs/late.log", buffer_span(&halves[1]));
	write_file("logs/early.log", buffer_span(&halves[0]));
	write_file("both", buffer_span(&both));
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		shell(cases[i].command);
		struct reading reading = read_one(cases[i].name);
		assert_numbers(cases[i].name, &reading, 0, 200);
		assert_int_equal(file_named(&reading, cases[i].file)->kind, TRACE_KIND_EXPRESSWAY);
		assert_done(&reading);
		end_reading(&reading);
	}
	buffer_done(&both);
	for (size_t i = 0; i < 2; i++)
		buffer_done(&halves[i]);
}

/* More than are kept open. */
static void many_packed_files_are_merged(void **state)
{
	(void)state;
	shell("mkdir logs");
	for (unsigned int i = 0; i < 30; i++) {
		char name[32];
		(void)snprintf(name, sizeof(name), "logs/%u.log", 29 - i);
		write_log(name, i * 500, 500, i * 5000, 10);
	}
	shell("gzip logs/*");
	struct reading reading = read_one("logs");
	assert_numbers("many", &reading, 0, 30 * 500);
	assert_done(&reading);
	end_reading(&reading);
}

static void archive_from_a_pipe_is_read(void **state)
{
	(void)state;
	write_log("log", 0, 500, 0, 1);
	shell("tar czf log.tgz log; mkfifo pipe; cat log.tgz > pipe &");
	struct reading reading = read_one("pipe");
	assert_numbers("a pipe", &reading, 0, 500);
	end_reading(&reading);
}

static void large_file_in_an_archive_is_cut(void **state)
{
	(void)state;
	write_log("log", 0, 40000, 0, 1);
	shell("tar czf log.tgz log");
	struct reading reading = read_one("log.tgz");
	assert_numbers("large", &reading, 0, 40000);
	assert_int_equal(reading.seen[39999].line, 39999 * 8 + 1);
	const struct source_file *file = file_named(&reading, "log.tgz:log");
	assert_int_equal(file->counts.lines, 40000 * 8);
	end_reading(&reading);
}

static void broken_archive_gives_what_came_before(void **state)
{
	(void)state;
	write_log("log", 0, 20000, 0, 1);
	shell("gzip -k log; tar czf log.tgz log");
	static const char *const commands[] = {
		"head -c 60000 log.gz > broken",
		"head -c 60000 log.tgz > broken",
		("cp log.gz broken; head -c 4096 /dev/zero | tr '\\0' '\\377' | dd of=broken bs=1 seek=60000 "
		 "conv=notrunc 2> /dev/null"),
	};
	for (size_t i = 0; i < BASE_COUNT(commands); i++) {
		shell(commands[i]);
		struct reading reading = read_one("broken");
		if (reading.count < 1000 || reading.count >= 20000)
			fail_msg("%s: %zu records", commands[i], reading.count);
		/* Behind the place there may be some that are wrong. */
		for (size_t k = 0; k < 1000; k++)
			assert_int_equal(reading.seen[k].number, k);
		const struct source_file *file = file_named(&reading, "broken");
		assert_int_equal(file->status, -EBADMSG);
		assert_string_equal(file->why, "the archive is damaged: what comes behind this place is lost");
		end_reading(&reading);
	}
	shell("(printf '\\037\\213\\010\\0\\0\\0\\0\\0\\0\\003'; head -c 3000 /dev/zero | tr '\\0' '\\377') > broken");
	struct reading reading = read_one("broken");
	assert_int_equal(reading.count, 0);
	assert_int_equal(file_named(&reading, "broken")->status, -EBADMSG);
	end_reading(&reading);
}

static void depth_is_bounded(void **state)
{
	(void)state;
	write_log("log", 0, 10, 0, 1);
	shell("tar cf 1.tar log; tar cf 2.tar 1.tar; tar cf 3.tar 2.tar; tar cf 4.tar 3.tar");
	struct reading three = read_one("3.tar");
	assert_numbers("three", &three, 0, 10);
	end_reading(&three);
	struct reading four = read_one("4.tar");
	assert_int_equal(four.count, 0);
	const struct source_file *file = file_named(&four, "4.tar:3.tar:2.tar:1.tar");
	assert_int_equal(file->status, -ELOOP);
	assert_string_equal(file->why, "archives in archives in archives: not opened");
	end_reading(&four);
}

static void password_is_told(void **state)
{
	(void)state;
	/* The bit that says so, in the two heads of the only file. */
	write_log("log", 0, 10, 0, 1);
	write_log("open", 10, 10, 0, 1);
	shell("python3 -c \"import zipfile; z = zipfile.ZipFile('locked.zip', 'w')\n"
	      "z.write('log'); z.write('open'); z.close()\n"
	      "d = bytearray(open('locked.zip', 'rb').read())\n"
	      "d[6] |= 1; d[d.index(b'PK\\\\x01\\\\x02') + 8] |= 1\n"
	      "open('locked.zip', 'wb').write(d)\"");
	struct reading reading = read_one("locked.zip");
	assert_numbers("not locked", &reading, 10, 10);
	assert_int_equal(file_named(&reading, "locked.zip")->status, -EACCES);
	assert_string_equal(file_named(&reading, "locked.zip")->why, "needs a password");
	end_reading(&reading);
}

/* ---- bombs ---- */

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What tells it: the archive itself, or what was in it. */
static bool is_told(const struct reading *reading, const char *why)
{
	for (uint32_t i = 0; i < source_file_count(reading->source); i++) {
		const struct source_file *file = source_file(reading->source, i);
		if (file->status == -EFBIG && file->why && strcmp(file->why, why) == 0)
			return true;
	}
	return false;
}

/* 10 GB of zeros in a tar in a gzip: as headers say so, they need not be written to be packed. */
static void bomb_ends_quickly(void **state)
{
	(void)state;
	static const char why[] = "so much comes out of so little that it cannot be logs: the rest is not read";
	shell("python3 -c \"import tarfile, gzip, io\n"
	      "t = tarfile.TarInfo('zeros'); t.size = 10 << 30\n"
	      "piece = gzip.compress(bytes(16 << 20))\n"
	      "f = open('bomb.tgz', 'wb'); f.write(gzip.compress(t.tobuf()))\n"
	      "[f.write(piece) for i in range(640)]\n"
	      "f = open('bomb.gz', 'wb'); f.write(gzip.compress(b'2017-03-02 a line of text\\\\n' * 4000))\n"
	      "[f.write(piece) for i in range(640)]\"");
	static const char *const names[] = { "bomb.tgz", "bomb.gz" };
	for (size_t i = 0; i < BASE_COUNT(names); i++) {
		double before = now_s();
		struct reading reading = read_one(names[i]);
		if (!is_told(&reading, why))
			fail_msg("%s: not told", names[i]);
		/* All of it would take minutes here. */
		assert_true(now_s() - before < 60);
		end_reading(&reading);
	}
}

static void what_comes_out_is_bounded(void **state)
{
	(void)state;
	static const char why[] = "more comes out of the archives than is allowed: the rest is not read";
	write_log("log", 0, 20000, 0, 1);
	shell("cp log log2; tar czf logs.tgz log log2; gzip -k log");
	const char *const names[] = { path_of("logs.tgz"), path_of("log.gz") };
	for (size_t i = 0; i < 2; i++) {
		struct reading reading = start_with((struct source_settings){
			.paths = &names[i], .path_count = 1, .threads = 2, .unpacked_maximum = 2 << 20 });
		read_rest(&reading);
		assert_true(is_told(&reading, why));
		assert_true(reading.count > 1000 && reading.count < 10000);
		end_reading(&reading);
	}
}

/* ---- secrets ---- */

static void key_logs_are_recognised(void **state)
{
	(void)state;
	shell("mkdir d; (echo '# SSL/TLS secrets'; for i in 1 2 3; do printf 'CLIENT_RANDOM %064d %096d\\n' $i $i; "
	      "done) > d/keys;"
	      "tar czf d/keys.tgz d/keys; rm d/keys");
	struct reading reading = read_one("d");
	const struct source_file *file = file_named(&reading, "d/keys.tgz:d/keys");
	assert_true(file->is_key_log);
	assert_int_equal(file->status, 0);
	assert_int_equal(file->kind, TRACE_KIND_UNKNOWN);
	end_reading(&reading);
}

/* A capture is read when all key logs are found, wherever they lie; between logs it is merged as they are. */
static void captures_are_read_after_key_logs(void **state)
{
	(void)state;
	shell("mkdir d; python3 -c \"import struct\n"
	      "m = b'OPTIONS sip:a SIP/2.0\\r\\nCall-ID: 7@b\\r\\nCSeq: 1 OPTIONS\\r\\nContent-Length: 0\\r\\n\\r\\n'\n"
	      "u = struct.pack('!4H', 5060, 5060, 8 + len(m), 0) + m\n"
	      "i = struct.pack('!2B3H2BH4s4s', 69, 0, 20 + len(u), 1, 0, 64, 17, 0, bytes((192, 0, 2, 1)), bytes((192, "
	      "0, 2, 2)))\n"
	      "p = i + u\n"
	      "f = open('d/a.pcap', 'wb'); f.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))\n"
	      "[f.write(struct.pack('<IIII', 1488438000 + s, 50000, len(p), len(p)) + p) for s in (0, 2)]\"");
	write_log("d/b.log", 100, 3, 0, 1000);
	shell("(for i in 1 2 3; do printf 'CLIENT_RANDOM %064d %096d\\n' $i $i; done) > d/keys; tar czf d/z.tgz "
	      "d/keys; rm d/keys");
	struct reading reading = read_one("d");
	static const unsigned int wanted[] = { 100, 7, 101, 102, 7 };
	assert_int_equal(reading.count, BASE_COUNT(wanted));
	for (size_t i = 0; i < BASE_COUNT(wanted); i++)
		assert_int_equal(reading.seen[i].number, wanted[i]);
	assert_int_equal(file_named(&reading, "d/a.pcap")->kind, TRACE_KIND_CAPTURE);
	assert_true(file_named(&reading, "d/z.tgz:d/keys")->is_key_log);
	assert_done(&reading);
	end_reading(&reading);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_archive_is_read, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(many_packed_files_are_merged, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(archive_from_a_pipe_is_read, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(large_file_in_an_archive_is_cut, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(broken_archive_gives_what_came_before, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(depth_is_bounded, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(password_is_told, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(bomb_ends_quickly, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(what_comes_out_is_bounded, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(key_logs_are_recognised, folder_setup, folder_teardown),
		cmocka_unit_test_setup_teardown(captures_are_read_after_key_logs, folder_setup, folder_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
