/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/check_resume.h"

#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAXIMUM (64u << 20)
#define DOMAINS_MAXIMUM (200u << 20)
#define TYPED_MAXIMUM 4096

/* 128 bits stand for a domain: a list may have millions. */
struct done {
	struct hash_link link;
	uint64_t other;
};

bool check_resume_has(const struct check_resume *r, struct span typed)
{
	if (r->done.count == 0)
		return false;
	uint64_t other = hash_keyed(&r->keys[1], typed);
	struct hash_link *link = hash_first(&r->done, hash_keyed(&r->keys[0], typed));
	for (; link; link = hash_next(link)) {
		if (((struct done *)link)->other == other)
			return true;
	}
	return false;
}

static int remember(struct check_resume *r, struct span typed)
{
	if (check_resume_has(r, typed))
		return 0;
	struct done *done = calloc(1, sizeof(*done));
	if (!done)
		return -ENOMEM;
	done->other = hash_keyed(&r->keys[1], typed);
	int status = hash_insert(&r->done, &done->link, hash_keyed(&r->keys[0], typed));
	if (status < 0)
		free(done);
	else
		r->count++;
	return status;
}

/* ---- reading what is there ---- */

struct reading {
	struct check_resume *resume;
	const struct command_line *line;
	const char *path;
	size_t lines_each;
	size_t number; /* of the line */
	off_t offset; /* behind the last line read */
	/* The domain that the last lines are about. */
	char typed[TYPED_MAXIMUM];
	size_t lines; /* of it, so far */
	off_t begins;
	enum check_verdict worst;
};

static bool verdict_of(const char *name, enum check_verdict *ret_verdict)
{
	for (int i = CHECK_PASS; i <= CHECK_UNKNOWN; i++) {
		if (name && strcmp(name, check_verdict_name((enum check_verdict)i)) == 0) {
			*ret_verdict = (enum check_verdict)i;
			return true;
		}
	}
	return false;
}

static int refuse(const struct reading *r, const char *why)
{
	return command_fail(r->line, COMMAND_USAGE, "%s:%zu: %s", r->path, r->number, why);
}

/* One result. COMMAND_GOOD, or the file is none of ours. */
static int take_result(struct reading *r, struct span text)
{
	json_t *object = json_loadb(text.at ? text.at : "", text.length, 0, NULL);
	const char *typed = json_string_value(json_object_get(object, "typed"));
	enum check_verdict verdict;
	int code = COMMAND_GOOD;
	bool ours = typed && strlen(typed) < TYPED_MAXIMUM &&
		    verdict_of(json_string_value(json_object_get(object, "verdict")), &verdict);
	if (!ours) {
		code = refuse(r, "no result of fedge check: nothing is appended to a file of something else");
	} else if (r->lines == 0 || strcmp(r->typed, typed) != 0) {
		if (r->lines)
			code = refuse(r, "the lines before it are of another --as than this run's");
		snprintf(r->typed, sizeof(r->typed), "%s", typed);
		r->lines = 0;
		r->begins = r->offset - (off_t)text.length - 1;
		r->worst = CHECK_PASS;
	}
	if (ours) {
		r->lines++;
		r->worst = check_verdict_worst(r->worst, verdict);
	}
	json_decref(object);
	return code;
}

static int end_domain(struct reading *r)
{
	if (r->lines < r->lines_each)
		return COMMAND_GOOD;
	r->lines = 0;
	r->resume->worst = check_verdict_worst(r->resume->worst, r->worst);
	if (remember(r->resume, span_of(r->typed)) < 0)
		return command_fail(r->line, COMMAND_UNDECIDED, "no memory for what %s holds", r->path);
	return COMMAND_GOOD;
}

static int read_results(struct reading *r)
{
	struct buffer text;
	bool whole;
	int status, code = COMMAND_GOOD;
	buffer_init(&text, LINE_MAXIMUM + 1);
	while (code == COMMAND_GOOD &&
		(status = check_command_line(r->resume->file, LINE_MAXIMUM, &text, &whole)) == 1) {
		r->number++;
		if (!whole)
			break;
		r->offset += (off_t)text.length + 1;
		code = take_result(r, buffer_span(&text));
		if (code == COMMAND_GOOD)
			code = end_domain(r);
	}
	buffer_done(&text);
	if (code == COMMAND_GOOD && status < 0)
		code = command_fail(r->line, COMMAND_USAGE, "cannot read %s: %s", r->path, strerror(-status));
	return code;
}

/* Cuts off what is not whole, and stands at the end. */
static int go_on(struct reading *r)
{
	off_t end = r->lines ? r->begins : r->offset;
	FILE *file = r->resume->file;
	if (ftruncate(fileno(file), end) < 0 || fseeko(file, end, SEEK_SET) < 0)
		return command_fail(r->line, COMMAND_USAGE, "cannot go on in %s: %s", r->path, strerror(errno));
	return COMMAND_GOOD;
}

/* ---- the file ---- */

static int lock(const struct command_line *line, const char *path, FILE *file)
{
	if (flock(fileno(file), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
		return COMMAND_GOOD;
	return command_fail(line, COMMAND_USAGE, "another run writes into %s", path);
}

static int open_file(struct check_resume *r, const struct command_line *line, const char *path, bool resume)
{
	struct stat about;
	int descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	r->file = descriptor < 0 ? NULL : fdopen(descriptor, "r+");
	if (!r->file || fstat(descriptor, &about) < 0)
		return command_fail(line, COMMAND_USAGE, "cannot write %s: %s", path, strerror(errno));
	bool regular = S_ISREG(about.st_mode);
	if (resume && !regular)
		return command_fail(line, COMMAND_USAGE, "%s is no file that a run could go on in", path);
	if (!resume && regular && about.st_size > 0)
		return command_fail(line, COMMAND_USAGE,
			"%s is not empty: --resume goes on in it; else remove it, or choose another", path);
	return regular ? lock(line, path, r->file) : COMMAND_GOOD;
}

int check_resume_open(struct check_resume *r, const struct command_line *line, size_t lines_each)
{
	const char *path = command_value(line, "output", "");
	bool resume = command_has(line, "resume");
	struct random random;
	*r = (struct check_resume){ .worst = CHECK_PASS };
	if (random_init(&random) < 0 || hash_init(&r->done, DOMAINS_MAXIMUM) < 0)
		return command_fail(line, COMMAND_UNDECIDED, "no memory");
	r->keys[0] = random_hash_key(&random);
	r->keys[1] = random_hash_key(&random);
	int code = open_file(r, line, path, resume);
	if (code != COMMAND_GOOD || !resume)
		return code;
	struct reading reading = { .resume = r, .line = line, .path = path, .lines_each = lines_each };
	code = read_results(&reading);
	return code == COMMAND_GOOD ? go_on(&reading) : code;
}

static bool give_back(struct hash_link *link, void *argument)
{
	struct check_resume *r = argument;
	hash_remove(&r->done, link);
	free((struct done *)link);
	return true;
}

void check_resume_close(struct check_resume *r)
{
	hash_walk(&r->done, give_back, r);
	hash_done(&r->done);
	if (r->file)
		fclose(r->file);
	r->file = NULL;
}
