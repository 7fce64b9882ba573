/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_COMMAND_H
#define FEDGE_CMD_COMMAND_H
/* What a subcommand is: one table entry from which come its parsing, its --help, its man page
 * and its place in `fedge help`. To add one: write cmd/NAME.c that exports
 * `const struct command command_NAME`, add the file to cmd/meson.build and a line to cmd/table.c.
 * Commands decide nothing; they read options, call a lower floor and print. */
#include "base/span.h"

#include <stdio.h>

/* The monitoring plugins' own exit codes, and sysexits' for wrong usage. */
enum command_exit {
	COMMAND_GOOD = 0,
	COMMAND_WARNING = 1,
	COMMAND_FAILED = 2,
	COMMAND_UNDECIDED = 3,
	COMMAND_USAGE = 64,
};

struct command_option {
	const char *name; /* "keep" for --keep; NULL ends the table */
	char letter; /* 'c' for -c; 0: none */
	const char *value; /* "DIR": what stands for the value in texts; NULL: a flag */
	const char *help; /* one sentence, lower case, no full stop */
	const char *const *choices; /* NULL-terminated list of the only values allowed; NULL: any */
	bool required;
	bool repeatable; /* otherwise a second one is wrong usage */
	bool hidden; /* works, but stands in no help */
	const char *heading; /* begins a group of options in the help: "What is asked"; NULL: goes on with the last */
};

/* A heading and its text, for --help and the man page: EXAMPLES, EXIT STATUS, FILES, …
 * Lines that start with a blank are kept as they are; others are filled. */
struct command_section {
	const char *title; /* NULL ends the table */
	const char *text;
};

struct command_line;
struct command {
	const char *name; /* "call"; NULL ends a table of subcommands' pointers as usual */
	const char *operands; /* "[SCENARIO…]", "FILE"; NULL: takes none */
	const char *summary; /* "place a test call" */
	const char *description; /* paragraphs, an empty line between; NULL: none */
	const struct command_option *options; /* NULL: none. --help is understood by all */
	const struct command_section *sections; /* NULL: none */
	unsigned operand_minimum;
	unsigned operand_maximum;
	const struct command *const *subcommands; /* NULL-terminated; then run is not called without one */
	int (*run)(struct command_line *line); /* gives the exit code */
};

/* What was typed, checked against the table: options known, values present and allowed, required
 * ones given, the number of operands right. */
struct command_typed {
	const struct command_option *option;
	const char *value; /* NULL for flags */
};
struct command_line {
	const struct command *command;
	const char *program; /* "fedge lab run": for messages */
	const char *executable; /* argv[0] of the process */
	struct command_typed *typed;
	size_t typed_count;
	const char **operands;
	size_t operand_count;
	const struct command *root; /* the whole table */
	FILE *output;
	FILE *errors;
	bool colour; /* output is a terminal, NO_COLOR is not set, TERM is not "dumb" */
	bool terminal; /* errors is a terminal: progress may be shown there */
	unsigned width; /* of the terminal; 80 where output is none */
};

bool command_has(const struct command_line *line, const char *option);
/* The value, or fallback where the option was not given. */
const char *command_value(const struct command_line *line, const char *option, const char *fallback);
size_t command_value_count(const struct command_line *line, const char *option);
const char *command_value_at(const struct command_line *line, const char *option, size_t index);
/* A whole number from minimum to maximum; unset gives fallback. False: said why on line->errors;
 * the command returns COMMAND_USAGE. */
bool command_number(const struct command_line *line, const char *option, uint64_t limits[2], uint64_t *value);

/* "fedge call: text" and the usage on line->errors; gives COMMAND_USAGE. */
int command_usage(const struct command_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "fedge call: text" on line->errors; gives exit_code. */
int command_fail(const struct command_line *line, int exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* How far long work is, where line->errors is a terminal (nothing elsewhere): one line, in place of the last one. What
 * comes from outside must be escaped already. */
void command_progress(const struct command_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Takes it away, before anything else is said. */
void command_progress_clear(const struct command_line *line);

/* Where a command reads its surroundings from; the real ones in main.c, others in tests. */
struct command_surroundings {
	const char *executable;
	FILE *output;
	FILE *errors;
	bool colour;
	bool terminal;
	unsigned width;
};

/* Parses arguments (without the program's name) by root's subcommands, runs what they name, gives
 * the exit code. --help of any command prints it and gives COMMAND_GOOD. */
int command_run(const struct command *root, const struct command_surroundings *surroundings, int argument_count,
	const char *const *arguments);
/* Help as --help shows it; program is the whole name, "fedge lab run". */
void command_help(const struct command *command, const char *program, const struct command_surroundings *surroundings);
/* The man page (troff) of a command with all its subcommands; path is "fedge-lab" or "fedge". */
void command_man(const struct command *command, const char *page, FILE *output);
#endif
