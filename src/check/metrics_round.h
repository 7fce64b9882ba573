/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_METRICS_ROUND_H
#define FEDGE_CHECK_METRICS_ROUND_H
/* What /metrics says of a watch and its last round: the watch's own figures, then those of every domain. Pure. */
#include "check/bulk.h"
#include "check/change.h"
#include "check/metrics_families.h"
#include "check/runner.h"

/* The whole text; domains beyond it are left out and counted in fedge_watch_domains_left_out. */
#define CHECK_METRICS_TEXT_MAXIMUM (64u << 20)

/* The kinds of change. */
#define CHECK_CHANGE_KINDS CHECK_CHANGE_MAXIMUM
extern const char *const check_change_kinds[CHECK_CHANGE_KINDS]; /* "verdict", … */

struct check_watch_figures {
	uint64_t rounds; /* that came to their end */
	int64_t period_us, began_us, elapsed_us; /* of the last round; 0: none yet */
	uint64_t changes[CHECK_CHANGE_KINDS]; /* ever */
	uint64_t store_failures;
	struct check_runner_counts commands;
	struct check_bulk_counts last; /* of the last round */
	uint64_t left_out;
};

/* The domains of one round, added as they are done. */
struct check_metrics_round {
	struct check_families families;
	uint64_t *seen; /* hashes of the domains: none may stand twice */
	size_t seen_count, seen_capacity;
	uint64_t left_out;
};
void check_metrics_round_init(struct check_metrics_round *round, size_t maximum);
void check_metrics_round_done(struct check_metrics_round *round);
/* Of one domain, one for each rule book. What does not fit any more is counted. */
void check_metrics_round_add(
	struct check_metrics_round *round, const struct check_report *const *reports, size_t count);
/* The watch's figures, then the domains added; round is empty again. It may be NULL. 0 or the buffer's failure. */
int check_metrics_round_write(
	struct check_metrics_round *round, const struct check_watch_figures *figures, struct buffer *out);
#endif
