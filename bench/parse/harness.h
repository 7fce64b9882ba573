/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_BENCH_HARNESS_H
#define FEDGE_BENCH_HARNESS_H
/* One harness for all parser drivers: PROGRAM FILE [MESSAGES [ROUNDS]].
 * A driver defines NAME, bench_start (0: ready) and bench_message (0: parsed). Each round parses MESSAGES times;
 * printed is the median round in nanoseconds of CPU time a message, then the fastest, then allocations a message.
 * Allocations are counted by bench/parse/count.c where that is preloaded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int bench_start(void);
static int bench_message(const char *bytes, size_t length);

unsigned long bench_allocations(void) __attribute__((weak));

static double cpu_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static int bench_run(const char *name, const char *path, long messages, int rounds)
{
	static char bytes[65536 + 64];
	double ns[64];
	FILE *file = fopen(path, "rb");
	if (!file || rounds < 1 || rounds > 64 || messages < 1) {
		perror(path);
		return 2;
	}
	size_t length = fread(bytes, 1, 65536, file);
	fclose(file);
	if (bench_start() != 0 || bench_message(bytes, length) != 0) {
		fprintf(stderr, "%s: cannot parse %s\n", name, path);
		return 1;
	}
	unsigned long before = bench_allocations ? bench_allocations() : 0;
	for (int round = 0; round < rounds; round++) {
		double start = cpu_ns();
		for (long i = 0; i < messages; i++)
			if (bench_message(bytes, length) != 0)
				return 1;
		ns[round] = (cpu_ns() - start) / (double)messages;
	}
	unsigned long after = bench_allocations ? bench_allocations() : 0;
	qsort(ns, (size_t)rounds, sizeof(ns[0]), compare);
	printf("%s %.1f %.1f %.2f\n", name, ns[rounds / 2], ns[0],
		(double)(after - before) / ((double)messages * rounds));
	return 0;
}

#define BENCH_MAIN(name)                                                                                               \
	int main(int argc, char **argv)                                                                                \
	{                                                                                                              \
		if (argc < 2)                                                                                          \
			return 2;                                                                                      \
		return bench_run(name, argv[1], argc > 2 ? atol(argv[2]) : 100000, argc > 3 ? atoi(argv[3]) : 9);      \
	}
#endif
