/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_LAB_RUN_H
#define FEDGE_LAB_RUN_H
/* Runs scenarios and compares what happened with the table: hosts anew for each scenario, its
 * calls, then the logs once all hosts have stopped. One scenario after the other, for addresses
 * and ports are fixed. */
#include "lab/evidence.h"
#include "lab/instance.h"

struct lab_result {
	const struct lab_scenario *scenario;
	enum lab_direction direction;
	const char *caller;
	const char *callee;
	const char *further_callee; /* NULL: there was one call only */
	struct lab_answer answer;
	struct lab_answer further_answer;
	struct lab_call_ids ids; /* of the first call */
	char finding[LAB_CODE_MAXIMUM]; /* "": none */
	bool as_expected;
	struct buffer differences; /* one line each: what is not as the table says */
	const char *folder; /* of the scenario's files */
	int64_t elapsed_us; /* of the scenario as a whole */
};

struct lab_run_settings {
	const struct lab_scenario *const *scenarios; /* in this order */
	size_t scenario_count;
	bool directions[LAB_DIRECTION_COUNT]; /* which to run */
	const char *folder; /* each scenario gets a folder of its name in it */
	const char *executable; /* of fedge */
	/* Once a scenario and direction, in order; what it points to lives for the call only. */
	void (*take)(void *argument, const struct lab_result *result);
	/* Before a scenario starts: for a progress line. NULL: nobody wants to know. */
	void (*begins)(void *argument, size_t index, const struct lab_scenario *scenario);
	void *argument;
};

struct lab_tally {
	size_t as_expected;
	size_t different;
	struct buffer tails; /* of the logs of the first scenario that went wrong */
};

void lab_tally_init(struct lab_tally *tally);
void lab_tally_done(struct lab_tally *tally);
/* 0 where all was tried, whatever came of it; -EINTR where the watch was asked to stop. A scenario
 * that could not be brought up counts as different in all its directions. */
int lab_run(const struct lab_run_settings *settings, struct lab_watch *watch, struct lab_tally *tally);
/* Compares; fills as_expected and differences. Marks are looked for in the place's logs. */
void lab_result_judge(struct lab_result *result, const struct lab_place *place);

/* ---- for people and programs ---- */

/* A line above the results, and the line of each; width: columns to fit into (0: any). */
int lab_result_heading(unsigned width, struct buffer *b);
int lab_result_line(const struct lab_result *result, unsigned width, struct buffer *b);
/* One JSON object on one line: scenario, direction, caller, callee, status, reason,
 * ms_diagnostics, finding, as_expected, call_ids, logs, … */
int lab_result_json(const struct lab_result *result, struct buffer *b);
#endif
