/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/check_output.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Two runs that write into one file would take each other's domains for done. */
static int lock(const struct command_line *line, const char *path, FILE *file)
{
	if (flock(fileno(file), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return COMMAND_GOOD;
	return command_fail(line, COMMAND_USAGE, "another run writes into %s", path);
}

static int open_file(struct check_output *o, const struct command_line *line, const char *path, bool resume)
{
	struct stat about;
	int descriptor = open(path, (resume ? O_RDWR : O_WRONLY) | O_CREAT | O_CLOEXEC, 0666);
	o->file = descriptor < 0 ? NULL : fdopen(descriptor, resume ? "r+" : "w");
	if (!o->file || fstat(descriptor, &about) < 0)
		return command_fail(line, COMMAND_USAGE, "cannot write %s: %s", path, strerror(errno));
	bool regular = S_ISREG(about.st_mode);
	if (resume && !regular)
		return command_fail(line, COMMAND_USAGE, "%s is no file that a run could go on in", path);
	if (!resume && regular && about.st_size > 0)
		return command_fail(line, COMMAND_USAGE,
			"%s is not empty: --resume goes on in it; else remove it, or choose another", path);
	return regular ? lock(line, path, o->file) : COMMAND_GOOD;
}

/* Cuts off what is not whole, and stands at the end. */
static int go_on_at(FILE *file, off_t end)
{
	return ftruncate(fileno(file), end) < 0 || fseeko(file, end, SEEK_SET) < 0 ? -errno : 0;
}

/* What earlier runs did, by what they wrote; facts are saved behind the result. */
static int read_done(struct check_output *o, const struct command_line *line, size_t lines_each, char *why)
{
	const char *path = command_value(line, "output", NULL), *save = command_value(line, "save", NULL);
	struct random random;
	struct stat about;
	int status = random_init(&random);
	if (status < 0)
		return status;
	struct hash_key key = random_hash_key(&random);
	status = check_resume_read(path, &key, lines_each, &o->done, why);
	bool can_be_read = save && (stat(save, &about) < 0 || S_ISREG(about.st_mode));
	return status == 0 && can_be_read ? check_resume_match_saved(o->done, save, why) : status;
}

int check_output_open(struct check_output *o, const struct command_line *line, size_t lines_each)
{
	const char *path = command_value(line, "output", NULL);
	bool resume = command_has(line, "resume");
	char why[CHECK_RESUME_ERROR_SIZE] = "";
	*o = (struct check_output){ 0 };
	int code = path ? open_file(o, line, path, resume) : COMMAND_GOOD;
	if (code != COMMAND_GOOD || !resume)
		return code;
	int status = read_done(o, line, lines_each, why);
	if (status < 0)
		return command_fail(line, status == -ENOMEM ? COMMAND_UNDECIDED : COMMAND_USAGE, "%s",
			*why ? why : strerror(-status));
	status = go_on_at(o->file, (off_t)check_resume_length(o->done));
	if (status < 0)
		return command_fail(line, COMMAND_USAGE, "cannot go on in %s: %s", path, strerror(-status));
	return COMMAND_GOOD;
}

void check_output_close(struct check_output *o)
{
	check_resume_free(o->done);
	if (o->file)
		fclose(o->file);
	*o = (struct check_output){ 0 };
}

/* Where the last whole line ends. */
static off_t end_of_lines(FILE *file)
{
	char piece[65536];
	off_t end = 0, offset = 0;
	size_t length;
	while ((length = fread(piece, 1, sizeof(piece), file)) > 0) {
		const char *newline = memrchr(piece, '\n', length);
		if (newline)
			end = offset + (newline - piece) + 1;
		offset += (off_t)length;
	}
	return end;
}

FILE *check_output_append(const char *path)
{
	int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r+");
	struct stat about;
	if (!file)
		return NULL;
	int status = fstat(descriptor, &about) < 0 ? -errno : 0;
	if (status == 0 && S_ISREG(about.st_mode))
		status = go_on_at(file, end_of_lines(file));
	if (status == 0)
		return file;
	fclose(file);
	errno = -status;
	return NULL;
}
