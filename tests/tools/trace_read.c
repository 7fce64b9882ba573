/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader of trace/ makes of a file, as lines of our JSON: for tests that compare it with other programs, and for
 * the benchmark (--quiet).
 *
 *	trace_read [--keys FILE] [--piece BYTES] [--quiet] KIND FILE
 *
 * Each record goes to stdout with the number of its line or packet and a tab in front. What could not be read, and the
 * counts at the end, go to stderr. */
#include "trace/keys.h"
#include "trace/reader.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct output {
	struct trace_writer *writer;
	struct buffer text;
	bool is_quiet;
};

static void take(void *argument, const struct record *r, const struct trace_place *place)
{
	struct output *out = argument;
	if (out->is_quiet)
		return;
	buffer_clear(&out->text);
	(void)buffer_printf(&out->text, "%llu\t", (unsigned long long)place->line);
	(void)trace_writer_write(out->writer, r, &out->text);
	fwrite(out->text.at, 1, out->text.length, stdout);
}

static void unread(void *argument, const struct trace_place *place, const char *why)
{
	const struct output *out = argument;
	if (!out->is_quiet)
		fprintf(stderr, "unread %llu: %s\n", (unsigned long long)place->line, why);
}

static struct span map(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat state;
	if (file < 0 || fstat(file, &state) < 0) {
		perror(path);
		exit(2);
	}
	void *at = state.st_size ? mmap(NULL, (size_t)state.st_size, PROT_READ, MAP_PRIVATE, file, 0) : NULL;
	close(file);
	if (at == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	return span_make(at, (size_t)state.st_size);
}

static enum trace_kind kind_of(const char *word)
{
	for (enum trace_kind kind = 0; kind < TRACE_KIND_COUNT; kind++)
		if (strcmp(trace_kind_word(kind), word) == 0)
			return kind;
	fprintf(stderr, "trace_read: no such kind: %s\n", word);
	exit(2);
}

static void read_file(struct trace_reader *reader, struct span text, size_t piece)
{
	while (text.length > 0) {
		struct span part = span_first(text, piece);
		if (trace_reader_feed(reader, part) < 0)
			exit(2);
		text = span_from(text, part.length);
	}
	trace_reader_end(reader);
	const struct trace_reader_counts *counts = trace_reader_counts(reader);
	fprintf(stderr, "bytes=%llu lines=%llu records=%llu other=%llu unread=%llu\n",
		(unsigned long long)counts->bytes, (unsigned long long)counts->lines,
		(unsigned long long)counts->records, (unsigned long long)counts->other,
		(unsigned long long)counts->unread);
}

int main(int argc, char **argv)
{
	struct output out = { 0 };
	struct trace_keys *keys = trace_keys_new();
	size_t piece = 256 << 10;
	int i = 1;
	for (; i < argc && argv[i][0] == '-'; i++)
		if (strcmp(argv[i], "--quiet") == 0)
			out.is_quiet = true;
		else if (strcmp(argv[i], "--piece") == 0 && i + 1 < argc)
			piece = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--keys") == 0 && i + 1 < argc && keys)
			(void)trace_keys_add(keys, map(argv[++i]));
		else
			break;
	if (argc - i != 2 || piece == 0) {
		fprintf(stderr, "usage: trace_read [--keys FILE] [--piece BYTES] [--quiet] KIND FILE\n");
		return 2;
	}
	const struct trace_writer_settings writer = { .format = TRACE_JSON };
	const struct trace_reader_settings settings = {
		.kind = kind_of(argv[i]), .keys = keys, .take = take, .unread = unread, .argument = &out
	};
	out.writer = trace_writer_new(&writer);
	buffer_init(&out.text, 16 << 20);
	struct trace_reader *reader = trace_reader_new(&settings);
	if (!reader || !out.writer)
		return 2;
	read_file(reader, map(argv[i + 1]), piece);
	trace_reader_free(reader);
	trace_writer_free(out.writer);
	trace_keys_free(keys);
	buffer_done(&out.text);
	return 0;
}
