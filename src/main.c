/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/table.h"
#include "cmd/terminal.h"

#include <errno.h>

int main(int argument_count, char **arguments)
{
	struct command_surroundings surroundings = terminal_surroundings(argument_count ? arguments[0] : "fedge");
	int count = argument_count ? argument_count - 1 : 0;
	int exit_code = command_run(&command_fedge, &surroundings, count, (const char *const *)(arguments + 1));
	/* A full disk behind a redirection must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "fedge: cannot write: %s\n", strerror(errno));
		return exit_code == COMMAND_GOOD ? COMMAND_FAILED : exit_code;
	}
	return exit_code;
}
