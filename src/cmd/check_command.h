/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_CHECK_COMMAND_H
#define FEDGE_CMD_CHECK_COMMAND_H
/* What the files of `fedge check` share: what was asked for, read from the command line once, and how a result is
 * told. One file a way of using it: check_named.c (domains typed), check_list.c (--domains), check_watch.c,
 * check_plan.c, check_against.c, check_saved.c (--from). */
#include "base/arena.h"
#include "base/buffer.h"
#include "check/examiner.h"
#include "check/judge.h"
#include "check/options.h"
#include "cmd/command.h"
#include "finding/render.h"

struct config_node;

#define CHECK_COMMAND_DOMAINS_MAXIMUM 1000 /* of the command line, and of what must be in memory at once */
#define CHECK_COMMAND_OUTPUT_MAXIMUM (256u << 20)

enum check_command_task {
	CHECK_TASK_NAMED, /* the domains of the command line */
	CHECK_TASK_LIST, /* --domains: many */
	CHECK_TASK_WATCH,
	CHECK_TASK_PLAN,
	CHECK_TASK_AGAINST,
	CHECK_TASK_SAVED, /* --from */
	CHECK_TASK_COUNT
};

enum check_command_format {
	CHECK_FORMAT_HUMAN,
	CHECK_FORMAT_SHORT,
	CHECK_FORMAT_NAGIOS,
	CHECK_FORMAT_PROMETHEUS,
	CHECK_FORMAT_JSON,
};

struct check_command {
	const struct command_line *line;
	struct arena arena; /* of the lists below and of the bench */
	enum check_command_task task;
	enum check_command_format format;
	bool format_given;
	const struct config_node *node; /* -c */
	struct check_options options;
	uint64_t concurrency, workers, rate, server_rate; /* 0: the default */
	int64_t watch_us;
	uint64_t rounds;
	uint64_t port;
};

extern const struct command_option check_command_options[];
extern const struct command_section check_command_sections[];

/* Where an option means something, and what it cannot be without (check_rules.c). COMMAND_GOOD, or it was said. */
int check_command_rules(const struct command_line *line, enum check_command_task task);
/* Everything that was typed; check_command_done in every case. COMMAND_GOOD, or why not was said. */
int check_command_read(const struct command_line *line, struct check_command *ret_command);
void check_command_done(struct check_command *command);
/* The values of a repeatable option, NULL-terminated, in the arena; NULL without memory. */
const char *const *check_command_values(struct check_command *command, const char *option, size_t *ret_count);

/* What the options name: COMMAND_GOOD, or which file is wrong was said. Given back by check_desk_free. */
int check_command_open(struct check_command *command, struct check_desk **ret_desk, struct check_bench *ret_bench);
/* The rule books asked for, in their order; gives how many. */
#define CHECK_COMMAND_POLICIES_MAXIMUM 3
size_t check_command_policies(const struct check_command *command, const struct check_bench *bench,
	enum trust_policy_kind ret_kinds[CHECK_COMMAND_POLICIES_MAXIMUM]);

/* ---- files (check_files.c) ---- */

/* "-": standard input. NULL: why not was said. Given back by check_command_close_input. */
FILE *check_command_open_input(const struct command_line *line, const char *path);
void check_command_close_input(FILE *file);
/* One line without its end, at most `maximum` bytes: 1, 0 at the end of the file, -EMSGSIZE (longer), -EIO, -ENOMEM.
 * *ret_whole: false where the file ended without a newline. */
int check_command_line(FILE *file, size_t maximum, struct buffer *ret_line, bool *ret_whole);
/* Appends the facts to a file of --save. COMMAND_GOOD, or why not was said. */
int check_command_save(const struct command_line *line, FILE *file, const struct check_facts *facts);

/* ---- telling (check_tell.c) ---- */

/* Results to standard output (or a file), in the format asked for: at once where that can be, else at the end. */
struct check_teller {
	const struct check_command *command;
	const struct check_bench *bench;
	FILE *file;
	struct finding_style style;
	enum trust_policy_kind kinds[CHECK_COMMAND_POLICIES_MAXIMUM];
	size_t kind_count;
	struct check_kept *kept; /* what waits for the end, newest first */
	size_t told; /* domains */
	enum check_verdict worst;
	int code; /* COMMAND_GOOD, or it cannot be written, which was said */
};
void check_teller_init(
	struct check_teller *teller, const struct check_command *command, const struct check_bench *bench);
/* Judges and tells one domain; the facts are the teller's from here. False: no more is wanted (code says why). */
bool check_teller_take(struct check_teller *teller, struct check_facts *facts);
/* Tells reports that somebody else has made, one a rule book. False: it cannot be written. */
bool check_teller_tell(struct check_teller *teller, const struct check_report *const *reports, size_t count);
/* Tells what was kept, gives all back; the exit code. */
int check_teller_end(struct check_teller *teller);
/* True for the formats that are written when all results are there. */
bool check_command_is_whole(enum check_command_format format);
#endif
