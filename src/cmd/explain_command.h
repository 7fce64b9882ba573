/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_EXPLAIN_COMMAND_H
#define FEDGE_CMD_EXPLAIN_COMMAND_H
/* What the files of `fedge explain` share: explain.c (its options, what its help says), explain_read.c (from what was
 * typed to struct explain_command), explain_run.c (files to problems), explain_tell.c (problems to people and
 * programs), explain_check.c (--check: what the examiner says). */
#include "base/buffer.h"
#include "cmd/command.h"
#include "explain/joiner.h"
#include "explain/judge.h"
#include "explain/redact.h"
#include "explain/render.h"
#include "source/source.h"

#include <stdatomic.h>

enum explain_command_format { EXPLAIN_FORMAT_HUMAN, EXPLAIN_FORMAT_JSON, EXPLAIN_FORMAT_MERMAID };

struct explain_examiner;
struct explain_command {
	const struct command_line *line;
	enum explain_command_format format;
	bool all, redact, check, follow;
	bool at_end; /* all is read: the cases that come now stay */
	const char *call; /* --call */
	int64_t since_us, until_us; /* INT64_MIN, INT64_MAX: no bound */
	bool local_time; /* files that write local time: by this machine's zone … */
	int32_t utc_offset_s; /* … else so far east of UTC */

	struct span *own; /* --own */
	size_t own_count;

	struct source *source;
	struct explain_joiner *joiner;
	struct explain_redactor *redactor;
	struct explain_examiner *examiner; /* opened by the first domain that is asked for */
	struct explain_style style;
	struct arena arena; /* of the problem at hand */
	struct arena names; /* of what lasts: shown names of files, our own domain */
	/* Cases that wait until all are there, so that who "you" is can be learned from all of them. */
	const struct explain_case **waiting;
	size_t waiting_count, waiting_room;
	struct span *shown_names; /* of files, with --redact */
	size_t shown_name_count;
	struct span learned; /* a domain of our side, from the log that was named first */
	uint32_t learned_file;
	FILE *html;
	const char *html_path;
	struct buffer out;
	struct explain_kind_told *told_kinds; /* causes told so far, explain_tell.c's */
	size_t told_kind_count;
	_Atomic uint64_t lost; /* records that did not fit into memory */
	size_t problems; /* told, or that would have been */
	size_t federation; /* of them: failures of federation */
	size_t others; /* failures for other reasons */
	size_t unsaid; /* of both, not shown because there are so many */
	size_t matched; /* cases that --call, --since and --until let through */
	enum explain_confidence surest;
	size_t unfit; /* calls that are too much for the memory of one */
	int code; /* COMMAND_GOOD, or what was said */
};

extern const struct command_option explain_command_options[];

/* COMMAND_GOOD, or why not was said; explain_command_done in every case. */
int explain_command_read(const struct command_line *line, struct explain_command *ret_command);
void explain_command_done(struct explain_command *command);
/* Reads everything and tells; the exit code. */
int explain_command_run(struct explain_command *command);
/* Whether anything at all was found in the files. */
bool explain_command_was_read(const struct explain_command *command);

/* ---- telling (explain_tell.c) ---- */

/* A case of the joiner: told at once with --follow, and where memory ended; else it waits for explain_command_tell_all.
 * What goes wrong is in command->code. */
void explain_command_take(void *command, const struct explain_case *c);
void explain_command_tell_all(struct explain_command *command);
/* The name of a file as it is shown. */
struct span explain_command_file_name(void *command, uint32_t file);
/* What stands in front and behind. */
void explain_command_begin(struct explain_command *command);
void explain_command_end(struct explain_command *command);

/* ---- --check (explain_check.c) ---- */

/* Examines the problem's domains, each once in a run, and lets the answer count. COMMAND_GOOD, or it was said. */
int explain_command_examine(struct explain_command *command, struct explain_problem *problem);
void explain_command_examine_end(struct explain_command *command);
#endif
