/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_STORE_POSTGRES_SERVER_H
#define FEDGE_TESTS_STORE_POSTGRES_SERVER_H
/* A PostgreSQL server of a test's own: a cluster in a new folder, spoken to through a socket there, which nobody else
 * can reach. Root may not run it, so it is `postgres` then. It ends with the process that started it. */
#include "unit/cmocka_all.h"

#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct postgres_server {
	char programs[128]; /* "": none is installed */
	char folder[64];
	char address[160]; /* "postgresql://fedge@/postgres?host=…" */
	pid_t pid;
};

static inline void postgres_become_nobody(void)
{
	struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
	if (user && (setgid(user->pw_gid) < 0 || setuid(user->pw_uid) < 0))
		_exit(126);
	prctl(PR_SET_PDEATHSIG, SIGQUIT);
}

/* Its output goes into the folder's log. */
static inline pid_t postgres_start_program(
	const struct postgres_server *s, const char *program, const char *const arguments[])
{
	char path[256], log[128];
	snprintf(path, sizeof(path), "%s/%s", s->programs, program);
	snprintf(log, sizeof(log), "%s/log", s->folder);
	pid_t child = fork();
	if (child != 0)
		return child;
	postgres_become_nobody();
	if (chdir(s->folder) < 0 || !freopen(log, "a", stdout) || dup2(1, 2) < 0)
		_exit(125);
	execv(path, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

static inline int postgres_run(const struct postgres_server *s, const char *program, const char *const arguments[])
{
	int status = -1;
	waitpid(postgres_start_program(s, program, arguments), &status, 0);
	return status;
}

static inline void postgres_start(struct postgres_server *s)
{
	char data[128];
	const char *const arguments[] = { "postgres", "-D", data, "-k", s->folder, "-h", "", "-c", "fsync=off", NULL };
	char socket[128];
	const char *const ask[] = { "pg_isready", "-q", "-h", s->folder, NULL };
	struct timespec pause = { .tv_nsec = 20000000 };
	snprintf(data, sizeof(data), "%s/data", s->folder);
	snprintf(socket, sizeof(socket), "%s/.s.PGSQL.5432", s->folder);
	s->pid = postgres_start_program(s, "postgres", arguments);
	for (int i = 0; access(socket, F_OK) < 0 || postgres_run(s, "pg_isready", ask) != 0; i++) {
		if (i > 1500)
			fail_msg("PostgreSQL does not start: %s/log", s->folder);
		nanosleep(&pause, NULL);
	}
}

/* SIGINT: in order, connections are cut; SIGQUIT: as if it crashed. */
static inline void postgres_stop(struct postgres_server *s, int signal)
{
	if (s->pid > 0) {
		kill(s->pid, signal);
		waitpid(s->pid, NULL, 0);
	}
	s->pid = 0;
}

/* The programs of the newest that is installed. */
static inline bool postgres_find(struct postgres_server *s)
{
	glob_t found;
	*s = (struct postgres_server){ .pid = 0 };
	if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0)
		snprintf(s->programs, sizeof(s->programs), "%s", found.gl_pathv[found.gl_pathc - 1]);
	globfree(&found);
	if (!s->programs[0])
		print_message("no PostgreSQL server is installed (script/setup --tests)\n");
	return s->programs[0] != '\0';
}

static inline void postgres_make(struct postgres_server *s)
{
	char data[128];
	const char *const arguments[] = { "initdb", "-D", data, "-U", "fedge", "-A", "trust", "--no-sync", "-E", "UTF8",
		"--locale=C", NULL };
	snprintf(s->folder, sizeof(s->folder), "/tmp/fedge-postgres-XXXXXX");
	if (!mkdtemp(s->folder))
		fail_msg("no folder");
	struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
	if (user && chown(s->folder, user->pw_uid, user->pw_gid) < 0)
		fail_msg("%s cannot be given away", s->folder);
	snprintf(data, sizeof(data), "%s/data", s->folder);
	snprintf(s->address, sizeof(s->address), "postgresql://fedge@/postgres?host=%s", s->folder);
	if (postgres_run(s, "initdb", arguments) != 0)
		fail_msg("initdb failed: %s/log", s->folder);
	postgres_start(s);
}

static inline void postgres_remove(struct postgres_server *s)
{
	char command[128];
	postgres_stop(s, SIGQUIT);
	snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
	if (s->folder[0] && system(command) != 0)
		print_message("%s is left over\n", s->folder);
	*s = (struct postgres_server){ .pid = 0 };
}

/* SQL as the owner sees it; fails the test where the server refuses. */
static inline void postgres_sql(const struct postgres_server *s, const char *sql)
{
	char text[4096];
	const char *const arguments[] = { "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", "-c", text, s->address, NULL };
	snprintf(text, sizeof(text), "%s", sql);
	if (postgres_run(s, "psql", arguments) != 0)
		fail_msg("refused: %s", sql);
}
/* For cmocka_run_group_tests: the server that is the initial state of the group's tests. */
static struct postgres_server postgres_of_group;

static inline int postgres_group_set_up(void **state)
{
	(void)state;
	postgres_make(&postgres_of_group);
	return 0;
}

static inline int postgres_group_tear_down(void **state)
{
	(void)state;
	postgres_remove(&postgres_of_group);
	return 0;
}
#endif
