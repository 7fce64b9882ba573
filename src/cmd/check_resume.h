/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_CHECK_RESUME_H
#define FEDGE_CMD_CHECK_RESUME_H
/* The file of --output: what an earlier run has put there, and where this one goes on. A run that was killed leaves at
 * most one line cut, and of a domain with a line for each rule book at most the first ones: both are cut off. */
#include "base/hash.h"
#include "cmd/check_command.h"

struct check_resume {
	FILE *file; /* to be appended to */
	struct hash_table done;
	struct hash_key keys[2];
	enum check_verdict worst; /* of what is there */
	size_t count; /* domains that are there */
};

/* Opens the file of --output: an empty or new one, or with --resume one that earlier runs have written, of so many
 * lines a domain. COMMAND_GOOD, or why not was said. check_resume_close in every case. */
int check_resume_open(struct check_resume *resume, const struct command_line *line, size_t lines_each);
void check_resume_close(struct check_resume *resume);
/* Whether this domain, as typed, is there. */
bool check_resume_has(const struct check_resume *resume, struct span typed);
#endif
