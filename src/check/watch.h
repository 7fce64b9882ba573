/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_WATCH_H
#define FEDGE_CHECK_WATCH_H
/* Examines the same domains again and again, remembers what it saw (store/watch.h), says what changed since: SRV
 * targets, certificates, their ends, the verdict. Runs a command for each change, and shows the last round as /metrics.
 */
#include "check/bulk.h"
#include "store/watch.h"

struct check_watch_settings {
	struct check_bulk_settings bulk; /* domains, result, progress and argument are the watch's own */
	/* Opened anew for each round, so that the list may be edited. */
	const char *domains_path;
	const char *const *domains; /* instead: those of the command line */
	size_t domain_count;
	int64_t period_us; /* from the beginning of one round to that of the next; a round that takes longer is followed
			      at once */
	unsigned rounds; /* 0: until stopped */
	const char *store_path;
	unsigned keep_days; /* of changes; 0: 400 */
	/* Run by /bin/sh -c with FEDGE_DOMAIN, FEDGE_POLICY, FEDGE_WHAT, FEDGE_BEFORE, FEDGE_AFTER, FEDGE_VERDICT,
	 * FEDGE_PREVIOUS_VERDICT, FEDGE_FINDING, FEDGE_TITLE in its environment; once a changed domain, its report as
	 * JSON on standard input. At most 8 at once, 60 s each, then it is killed. NULL: none. */
	const char *on_change;
	const char *metrics; /* "PORT", "ADDRESS:PORT"; no address: 127.0.0.1. NULL: none */
	/* In the calling thread, for each change: text is one line for people, json the same for programs. */
	void (*changed)(void *argument, const struct store_watch_change *change, const struct check_report *report);
	/* After each round. */
	void (*round)(void *argument, const struct check_bulk_counts *counts, unsigned number);
	void *argument;
};
/* Blocks until stopped (bulk.stop) or rounds are over. 0, or a negative errno and one line. */
int check_watch_run(const struct check_watch_settings *settings, char reterr_text[CHECK_ERROR_SIZE]);
/* "2017-03-08 15:42:02 cms.steven.lab: verdict was pass, is fail (srv-missing)" */
int check_watch_change_text(const struct store_watch_change *change, struct buffer *out);
#endif
