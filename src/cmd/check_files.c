/* SPDX-License-Identifier: Apache-2.0 */
/* fedge check: lists and saved facts, in and out. */
#include "check/save.h"
#include "cmd/check_command.h"

#include <errno.h>

FILE *check_command_open_input(const struct command_line *line, const char *path)
{
	if (strcmp(path, "-") == 0)
		return stdin;
	FILE *file = fopen(path, "re");
	if (!file)
		command_fail(line, COMMAND_USAGE, "cannot read %s: %s", path, strerror(errno));
	return file;
}

void check_command_close_input(FILE *file)
{
	if (file && file != stdin)
		fclose(file);
}

int check_command_line(FILE *file, size_t maximum, struct buffer *ret_line, bool *ret_whole)
{
	char piece[8192];
	buffer_clear(ret_line);
	*ret_whole = false;
	while (fgets(piece, sizeof(piece), file)) {
		/* A NUL byte hides the rest of its piece; no format of ours has one. */
		size_t length = strlen(piece);
		*ret_whole = length && piece[length - 1] == '\n';
		if (ret_line->length + length > maximum)
			return -EMSGSIZE;
		buffer_append(ret_line, span_make(piece, *ret_whole ? length - 1 : length));
		if (ret_line->status < 0)
			return ret_line->status == -ENOBUFS ? -EMSGSIZE : ret_line->status;
		if (*ret_whole)
			return 1;
	}
	if (ferror(file))
		return -EIO;
	return ret_line->length ? 1 : 0;
}

int check_command_save(const struct command_line *line, FILE *file, const struct check_facts *facts)
{
	const char *path = command_value(line, "save", "");
	struct buffer text;
	buffer_init(&text, 2 * CHECK_SAVE_LINE_MAXIMUM);
	int status = check_save_write(facts, &text);
	int code = COMMAND_GOOD;
	if (status < 0)
		code = command_fail(line, COMMAND_UNDECIDED, "cannot save into %s: %s", path, strerror(-status));
	else if (fwrite(text.at ? text.at : "", 1, text.length, file) != text.length || fflush(file) != 0)
		code = command_fail(line, COMMAND_UNDECIDED, "cannot write %s: %s", path, strerror(errno));
	buffer_done(&text);
	return code;
}
