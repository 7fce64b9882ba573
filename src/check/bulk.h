/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_BULK_H
#define FEDGE_CHECK_BULK_H
/* Many domains: read one by one from a file, at most `concurrency` in flight over one loop a worker thread, results
 * given out one at a time in order of completion. Memory is bounded by what is in flight, never by the length of the
 * list. One slow or hostile server never holds up the others. */
#include "base/buffer.h"
#include "check/examiner.h"
#include "check/judge.h"

#include <stdio.h>

struct check_bulk_counts {
	uint64_t read; /* lines that are domains */
	uint64_t skipped; /* done already */
	uint64_t begun, done;
	uint64_t verdicts[4]; /* by enum check_verdict; of several rule books the worst */
	uint64_t findings[FINDING_COUNT]; /* domains with this finding */
	uint64_t total; /* lines in the whole file; 0: not known (a pipe) */
	int64_t elapsed_us;
	size_t in_flight;
	double rate; /* done a second, of late */
};

struct check_bulk_settings {
	struct check_desk *desk;
	const struct check_bench *bench;
	const struct clock *clock; /* NULL: the system's */
	/* One domain a line, UTF-8; blank lines and what follows # are skipped. Read from where it stands to its end,
	 * in pieces; of a pipe or a terminal nothing may have been read by stdio. A line that is no domain (or longer
	 * than one can be: then its beginning) is reported like the others; one that stands there twice is examined
	 * twice. */
	FILE *domains;
	unsigned workers; /* threads; 0: one a core */
	/* Domains in flight; 0: 1000; reached within the first two seconds. Those that only wait for their turn at a
	 * busy server let others begin: up to four times as many. At most twice as many connections are open at once
	 * (where each TLS version is tried, that for each of the five connections of a look),
	 * fewer where the machine allows fewer descriptors (the soft limit is raised to the hard one) or a thread
	 * cannot keep up. */
	size_t concurrency;
	uint32_t rate; /* domains begun a second, all together; 0: no limit */
	uint32_t server_rate; /* connections begun a second to one address; 0: 50; UINT32_MAX: no limit */
	uint32_t server_connections; /* to one address at once; 0: 20; UINT32_MAX: no limit */
	/* true: this domain (as typed) was done in an earlier run. May be NULL. */
	bool (*is_done)(void *argument, struct span typed);
	/* In the calling thread, one at a time; report and its facts are valid during the call. reports: one per rule
	 * book, in the order of enum trust_policy_kind. While it does not return, no more than what is in flight is
	 * examined. */
	void (*result)(void *argument, const struct check_report *const *reports, size_t count);
	/* In the calling thread, about every second. May be NULL. */
	void (*progress)(void *argument, const struct check_bulk_counts *counts);
	void *argument;
	/* Another thread or a signal handler sets it: no more are begun, those in flight are given up. May be NULL. */
	const volatile bool *stop;
};

/* Blocks until all are done or stopped. 0, or a negative errno: threads, memory, reading the list (-EISDIR, …; -EILSEQ:
 * it is UTF-16). What was done before that is in ret_counts, and has been reported. */
int check_bulk_run(const struct check_bulk_settings *settings, struct check_bulk_counts *ret_counts);
/* The progress line without newline: "12,400 of 100,000 · 1,830/s · 210 failed · 48 s left". */
void check_bulk_progress_text(const struct check_bulk_counts *counts, char *ret_text, size_t capacity);
/* The summary by finding, most frequent first; ended by a newline. */
int check_bulk_summary(const struct check_bulk_counts *counts, struct buffer *out);
#endif
