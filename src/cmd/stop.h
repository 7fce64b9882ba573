/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_STOP_H
#define FEDGE_CMD_STOP_H
/* Ctrl-C for work that looks at a flag: the first SIGINT or SIGTERM sets it, the second ends the process as if nobody
 * had asked. One at a time in a process. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct command_stop {
	volatile bool asked;
	volatile int signal; /* the first one */
	pthread_t thread;
	sigset_t before;
	bool running;
};

/* Before any other thread is begun: those inherit that the signals are not theirs. 0 or a negative errno. */
int command_stop_begin(struct command_stop *stop);
/* The signals are again as they were. */
void command_stop_end(struct command_stop *stop);
#endif
