/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"
#include "base/text.h"
#include "check/runner_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- what it is given ---- */

/* One line, whatever came from outside: a value that is put into a mail's header or a log stays where it is put. */
static char *variable_text(const struct check_runner_variable *variable)
{
	struct buffer text;
	buffer_init(&text, 8 * CHECK_RUNNER_VALUE_MAXIMUM);
	buffer_printf(&text, "%s=", variable->name);
	text_append_safe(&text, span_first(variable->value, CHECK_RUNNER_VALUE_MAXIMUM));
	char *taken = buffer_take(&text);
	buffer_done(&text);
	return taken;
}

static char *subject_text(struct span subject)
{
	struct buffer text;
	buffer_init(&text, 4096);
	text_append_safe(&text, span_first(subject, 512));
	char *taken = buffer_take(&text);
	buffer_done(&text);
	return taken ? taken : strdup("");
}

int runner_job_new(struct span subject, const struct check_runner_variable *variables, size_t variable_count,
	struct span input, struct runner_job **ret_job)
{
	if (variable_count > CHECK_RUNNER_VARIABLES_MAXIMUM)
		return -E2BIG;
	struct runner_job *job = calloc(1, sizeof(*job));
	if (!job)
		return -ENOMEM;
	list_init(&job->link);
	job->subject = subject_text(subject);
	job->environment = calloc(variable_count + 1, sizeof(*job->environment));
	job->input = span_copy(input.at ? input : SPAN(""));
	job->input_length = input.length;
	job->size = sizeof(*job) + input.length;
	bool whole = job->subject && job->environment && job->input;
	for (size_t i = 0; whole && i < variable_count; i++) {
		job->environment[i] = variable_text(&variables[i]);
		whole = job->environment[i] != NULL;
		if (whole)
			job->size += strlen(job->environment[i]);
	}
	if (!whole) {
		runner_job_free(job);
		return -ENOMEM;
	}
	*ret_job = job;
	return 0;
}

void runner_job_free(struct runner_job *job)
{
	if (!job)
		return;
	for (char **variable = job->environment; variable && *variable; variable++)
		free(*variable);
	free(job->environment);
	free(job->subject);
	free(job->input);
	free(job);
}

/* ---- the start ---- */

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");
	return strcspn(b, "=") == length && strncmp(a, b, length) == 0;
}

static bool is_ours(const struct runner_job *job, const char *variable)
{
	for (char **own = job->environment; *own; own++) {
		if (same_name(*own, variable))
			return true;
	}
	return false;
}

/* Ours, then what we were given ourselves. The texts are borrowed. */
static char **environment_of(const struct runner_job *job)
{
	size_t count = 0, given = 0;
	while (environ && environ[given])
		given++;
	char **all = calloc(given + CHECK_RUNNER_VARIABLES_MAXIMUM + 1, sizeof(*all));
	if (!all)
		return NULL;
	for (char **own = job->environment; *own; own++)
		all[count++] = *own;
	for (size_t i = 0; i < given; i++) {
		if (!is_ours(job, environ[i]))
			all[count++] = environ[i];
	}
	return all;
}

/* ThreadSanitizer follows close(2) but neither memfd_create(2) nor close_range(2): told of the end alone, it takes the
 * number for that of whoever had it before. */
static void close_memory(const int *descriptor)
{
	if (*descriptor >= 0 && close_range((unsigned)*descriptor, (unsigned)*descriptor, 0) < 0)
		close(*descriptor); /* a system older than that call */
}

/* A file in memory: a command that does not read its input, or reads it slowly, holds up nobody. */
static int input_open(const struct runner_job *job, int *ret_descriptor)
{
	base_cleanup(close_memory) int made = memfd_create("report", MFD_CLOEXEC);
	if (made < 0)
		return -errno;
	for (size_t at = 0; at < job->input_length;) {
		ssize_t written = write(made, job->input + at, job->input_length - at);
		if (written < 0 && errno != EINTR)
			return -errno;
		at += written > 0 ? (size_t)written : 0;
	}
	if (lseek(made, 0, SEEK_SET) < 0)
		return -errno;
	*ret_descriptor = fcntl(made, F_DUPFD_CLOEXEC, 3); /* never one of those that it is to become */
	return *ret_descriptor < 0 ? -errno : 0;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
	static const int handled[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2, SIGCHLD };
	sigset_t none, defaults;
	sigemptyset(&none);
	sigemptyset(&defaults);
	for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++)
		sigaddset(&defaults, handled[i]);
	posix_spawnattr_setsigmask(attributes, &none);
	posix_spawnattr_setsigdefault(attributes, &defaults);
	posix_spawnattr_setpgroup(attributes, 0);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

int runner_job_start(const struct runner_job *job, const char *command, pid_t *ret_id)
{
	base_cleanup(close_memory) int input = -1;
	base_cleanup(free_pointer) char **environment = environment_of(job);
	const char *const arguments[] = { "sh", "-c", command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int status = environment ? input_open(job, &input) : -ENOMEM;
	if (status < 0)
		return status;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	set_attributes(&attributes);
	int error = posix_spawn_file_actions_adddup2(&actions, input, 0);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, 2, 1);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (error == 0)
		error = posix_spawn(
			ret_id, "/bin/sh", &actions, &attributes, (char *const *)(uintptr_t)arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}
