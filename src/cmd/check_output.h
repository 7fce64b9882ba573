/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_CHECK_OUTPUT_H
#define FEDGE_CMD_CHECK_OUTPUT_H
/* The file of --output, and with --resume what earlier runs have put there (check/resume.h). */
#include "check/resume.h"
#include "cmd/check_command.h"

struct check_output {
	FILE *file; /* to be appended to; NULL: there is none */
	struct check_resume *done; /* NULL: nothing is */
};

/* Opens the file of --output: an empty or new one, or with --resume one that earlier runs have written, of so many
 * lines a domain; what is cut at its end is taken out. COMMAND_GOOD (also where there is no --output), or why not was
 * said. check_output_close in every case. */
int check_output_open(struct check_output *output, const struct command_line *line, size_t lines_each);
void check_output_close(struct check_output *output);
/* Opens a file to append whole lines to: a last line that was cut is taken out. NULL: errno says why. */
FILE *check_output_append(const char *path);
#endif
