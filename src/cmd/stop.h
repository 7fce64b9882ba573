/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_CMD_STOP_H
#define FEDGE_CMD_STOP_H
/* Ctrl-C for work that looks at a flag: the first SIGINT or SIGTERM sets it, the second ends the process as if nobody
 * had asked. One at a time in a process. */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

struct command_stop {
	volatile bool asked; /* in the threads of its owner: by command_stop_asked, or atomically */
	int signal; /* the first one; once it is asked for */
	pthread_t thread;
	sigset_t before;
	bool running;
};

static inline bool command_stop_asked(const struct command_stop *stop)
{
	return __atomic_load_n(&stop->asked, __ATOMIC_ACQUIRE);
}
/* As if a signal had: from the owner's own thread. */
static inline void command_stop_ask(struct command_stop *stop)
{
	__atomic_store_n(&stop->asked, true, __ATOMIC_RELEASE);
}

/* Before any other thread is begun: those inherit that the signals are not theirs. 0 or a negative errno. */
int command_stop_begin(struct command_stop *stop);
/* The signals are again as they were. */
void command_stop_end(struct command_stop *stop);
#endif
