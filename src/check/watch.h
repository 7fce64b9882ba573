/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_WATCH_H
#define FEDGE_CHECK_WATCH_H
/* Examines the same domains again and again, remembers what it saw (store/watch.h), says what changed since: SRV
 * targets, addresses, certificates, their ends, the verdict (check/change.h says what a change is). Runs a command for
 * each changed domain (check/runner.h), and shows the last round as /metrics (check/metrics.h).
 *
 * A round that was stopped is kept as far as it came, unless commands still waited to be run: then it is forgotten, and
 * the next start finds the same changes again. Where the memory fails in a round (a full disk), that is said, the round
 * is forgotten likewise, and the watch goes on. While it runs no other program can write into the memory. */
#include "check/bulk.h"
#include "store/watch.h"

#include <jansson.h>

#define CHECK_WATCH_KEEP_DAYS 400

struct check_watch_settings {
	struct check_bulk_settings bulk; /* domains, result, progress and argument are the watch's own */
	const struct clock *clock; /* NULL: the system's */
	/* Opened anew for each round, so that the list may be edited. That it cannot be opened ends the first round,
	 * and is only noted in later ones. */
	const char *domains_path;
	const char *const *domains; /* instead: those of the command line */
	size_t domain_count;
	int64_t period_us; /* from the beginning of one round to that of the next; a round that takes longer is followed
			      at once */
	unsigned rounds; /* 0: until stopped */
	const char *store_path;
	unsigned keep_days; /* of changes; 0: CHECK_WATCH_KEEP_DAYS */
	const char *on_change; /* run by /bin/sh -c once a changed domain and rule book; NULL: none */
	const char *metrics; /* "PORT", "ADDRESS:PORT"; no address: 127.0.0.1. NULL: none */
	/* All in the calling thread, all may be NULL. The report is that of the round. */
	void (*changed)(void *argument, const struct store_watch_change *change, const struct check_report *report);
	/* Each result, changed or not. */
	void (*result)(void *argument, const struct check_report *const *reports, size_t count);
	void (*progress)(void *argument, const struct check_bulk_counts *counts);
	/* After each round that came to its end. changes: how many it found. */
	void (*round)(void *argument, const struct check_bulk_counts *counts, unsigned number, size_t changes);
	/* One line about the watch itself: a command failed, the memory could not be written. */
	void (*note)(void *argument, const char *text);
	void *argument;
};
/* Blocks until stopped (bulk.stop) or rounds are over. 0, or a negative errno and one line. */
int check_watch_run(const struct check_watch_settings *settings, char reterr_text[CHECK_ERROR_SIZE]);

/* "2017-03-08T15:42:02Z cms.steven.lab: verdict was pass, is fail (srv-missing)"; the rule book is named where it is
 * not Microsoft's. No newline at the end; everything that came from outside is escaped. */
int check_watch_change_text(const struct store_watch_change *change, struct buffer *out);
/* The same without time and domain: "verdict was pass, is fail (srv-missing)". */
int check_watch_change_sentence(const struct store_watch_change *change, struct buffer *out);
/* {at, domain, policy, what, before [], after [], finding, text}; a new reference, NULL without memory. */
json_t *check_watch_change_json(const struct store_watch_change *change);
#endif
