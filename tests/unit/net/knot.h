/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_TESTS_NET_KNOT_H
#define FEDGE_TESTS_NET_KNOT_H
/* A real Knot DNS of the test's own: its folder, its port, ended by its process id. */
#include "certificates.h"
#include "net/udp.h"

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define KNOT_PROGRAM "/usr/sbin/knotd"

struct knot {
	struct folder folder;
	pid_t process;
	char server[64]; /* IP@PORT */
	unsigned port;
};

static inline unsigned free_port(const char *host)
{
	for (int i = 0; i < 50; i++) {
		struct net_address address;
		struct sockaddr_in name;
		socklen_t length = sizeof(name);
		int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
		base_require(net_address_parse(span_of(host), 0, &address) == 0);
		base_require(bind(descriptor, &address.any, address.length) == 0);
		getsockname(descriptor, (struct sockaddr *)&name, &length);
		close(descriptor);
		net_address_set_port(&address, ntohs(name.sin_port));
		if (net_port_probe(&address, SOCK_STREAM) == 0)
			return ntohs(name.sin_port);
	}
	return 0;
}

/* Runs a program to its end; its output into text. */
static inline int run_program(char *const *arguments, char *text, size_t size)
{
	int ends[2], status = -1;
	size_t used = 0;
	base_require(pipe(ends) == 0);
	pid_t process = fork();
	if (process == 0) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		close(ends[0]);
		execv(arguments[0], arguments);
		_exit(127);
	}
	close(ends[1]);
	for (ssize_t got; used + 1 < size && (got = read(ends[0], text + used, size - 1 - used)) > 0;)
		used += (size_t)got;
	text[used] = '\0';
	close(ends[0]);
	waitpid(process, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void knot_spawn(struct knot *knot)
{
	const char *configuration = folder_file(&knot->folder, "knot.conf");
	knot->process = fork();
	if (knot->process == 0) {
		FILE *null = freopen("/dev/null", "w", stdout);
		null = null ? freopen("/dev/null", "w", stderr) : null;
		execl(KNOT_PROGRAM, KNOT_PROGRAM, "-c", configuration, (char *)NULL);
		_exit(127);
	}
	base_require(knot->process > 0);
}

/* zones: name after name, NULL at the end; each has its file NAME.zone in the folder already.
 * signed_zone is signed with keys made by Knot. */
static inline void knot_configure(struct knot *knot, const char *const *zones, const char *signed_zone)
{
	char text[4096];
	int used = snprintf(text, sizeof(text),
		"server:\n  rundir: %s\n  listen: 127.0.0.53@%u\n  udp-workers: 1\n  tcp-workers: 1\n"
		"  background-workers: 1\n"
		"database:\n  storage: %s/db\n"
		"policy:\n  - id: plain\n    algorithm: ecdsap256sha256\n    single-type-signing: on\n"
		"template:\n  - id: default\n    storage: %s\n    zonefile-sync: -1\n    zonefile-load: whole\n"
		"    journal-content: none\nzone:\n",
		knot->folder.path, knot->port, knot->folder.path, knot->folder.path);
	for (; *zones; zones++) {
		used += snprintf(text + used, sizeof(text) - (size_t)used, "  - domain: %s\n    file: %s.zone\n",
			*zones, *zones);
		if (signed_zone && strcmp(*zones, signed_zone) == 0)
			used += snprintf(text + used, sizeof(text) - (size_t)used,
				"    dnssec-signing: on\n    dnssec-policy: plain\n");
	}
	folder_text(&knot->folder, "knot.conf", text);
}

static inline void knot_database(struct knot *knot)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/db", knot->folder.path);
	base_require(mkdir(path, 0700) == 0);
}

static inline void knot_start(struct knot *knot, const char *const *zones, const char *signed_zone)
{
	knot_database(knot);
	knot->port = free_port("127.0.0.53");
	snprintf(knot->server, sizeof(knot->server), "127.0.0.53@%u", knot->port);
	knot_configure(knot, zones, signed_zone);
	knot_spawn(knot);
}

static inline void knot_stop(struct knot *knot)
{
	char *remove[] = { (char[]){ "/bin/rm" }, (char[]){ "-rf" }, knot->folder.path, NULL };
	char text[256];
	if (knot->process > 0) {
		kill(knot->process, SIGKILL);
		waitpid(knot->process, NULL, 0);
	}
	run_program(remove, text, sizeof(text));
}
#endif
