/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define WIDTH_DEFAULT 80
#define WIDTH_MINIMUM 20

static unsigned width_of(int descriptor)
{
	struct winsize size;
	if (ioctl(descriptor, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col < WIDTH_MINIMUM ? WIDTH_MINIMUM : size.ws_col;
}

/* https://no-color.org: set and not empty. */
static bool colour_is_wanted(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
	return !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

struct command_surroundings terminal_surroundings(const char *executable)
{
	bool terminal = isatty(STDOUT_FILENO);
	return (struct command_surroundings){
		.executable = executable,
		.output = stdout,
		.errors = stderr,
		.colour = terminal && colour_is_wanted(),
		.terminal = isatty(STDERR_FILENO),
		.width = terminal ? width_of(STDOUT_FILENO) : WIDTH_DEFAULT,
	};
}
