/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_PRINT_H
#define FEDGE_CMD_PRINT_H
/* Texts for terminals: filled paragraphs, two columns, usage lines, what is wrong with a configuration. */
#include "cmd/command.h"

struct config_report;

/* Widest text that is still read with ease, however wide the terminal is. */
#define PRINT_WIDTH_MAXIMUM 100

/* Words of text in lines of at most width columns, each after indent blanks; the first line goes
 * on at column start. Lines of text that begin with a blank are kept as they are. Ends with a
 * newline. */
struct print_frame {
	unsigned start;
	unsigned indent;
	unsigned width;
};
void print_filled(FILE *output, const char *text, struct print_frame frame);
/* "Usage: fedge call --from URI … [OPTION…]", filled. */
void print_usage(FILE *output, const struct command *command, const char *program, unsigned width);
/* "-c, --config FILE" */
void print_option_name(FILE *output, const struct command_option *option);
/* A line for each mistake and warning (config/load.h); nothing where there is none. */
void print_report(FILE *output, const struct config_report *report);
#endif
