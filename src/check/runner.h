/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CHECK_RUNNER_H
#define FEDGE_CHECK_RUNNER_H
/* Runs one command again and again by /bin/sh -c, each time with other variables in its environment and other bytes on
 * its standard input, from a thread of its own that nobody waits for. A command leads a process group; one that takes
 * too long is killed with its whole group. What it writes goes to our standard error. What came from outside reaches it
 * only through the environment and standard input, never through the command's own text.
 * A program that dies leaves its running commands to end by themselves. */
#include "base/span.h"

struct check_runner;

struct check_runner_limits {
	size_t at_once; /* 0: 8 */
	int64_t patience_us; /* of one command; 0: 60 s */
	size_t waiting; /* commands that may wait for their turn; 0: 1024 */
	size_t waiting_bytes; /* of their input and environment; 0: 64 MiB */
};

struct check_runner_counts {
	uint64_t succeeded;
	uint64_t failed; /* could not be started, exit status not 0, ended by a signal */
	uint64_t killed; /* took too long */
	uint64_t dropped; /* too many waited, or it was stopped before their turn */
	size_t waiting, running;
};

#define CHECK_RUNNER_NOTE_SIZE 256
#define CHECK_RUNNER_VARIABLES_MAXIMUM 32
#define CHECK_RUNNER_VALUE_MAXIMUM 8192

/* "FEDGE_DOMAIN" and its value: one line without control characters, cut at CHECK_RUNNER_VALUE_MAXIMUM. Names are
 * constants; a variable of that name that we were given ourselves is replaced. */
struct check_runner_variable {
	const char *name;
	struct span value;
};

/* command must outlive it; limits NULL: the defaults. 0 or a negative errno. */
int check_runner_new(const char *command, const struct check_runner_limits *limits, struct check_runner **ret_runner);
/* Copies all. subject: what it is about, for the notes. 0, -ENOMEM, or -ENOBUFS: too many wait, it is not run. */
int check_runner_submit(struct check_runner *runner, struct span subject, const struct check_runner_variable *variables,
	size_t variable_count, struct span input);
struct check_runner_counts check_runner_counts(struct check_runner *runner);
/* Takes the oldest line about a command that went wrong; false: there is none. After 64 that nobody took, the next are
 * counted, and the count is the last line. */
bool check_runner_note(struct check_runner *runner, char ret_text[CHECK_RUNNER_NOTE_SIZE]);
/* Begins no more, drops those that wait, gives those that run so long to end and kills the rest. Counts and notes can
 * still be asked for; may be called twice. */
void check_runner_stop(struct check_runner *runner, int64_t grace_us);
void check_runner_free(struct check_runner *runner); /* stopped without grace where it was not; NULL is harmless */
#endif
