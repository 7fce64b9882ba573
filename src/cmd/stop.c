/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/stop.h"

#include <errno.h>
#include <unistd.h>

static void caught_signals(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGINT);
	sigaddset(ret_set, SIGTERM);
}

static void *await_signals(void *argument)
{
	struct command_stop *stop = argument;
	sigset_t set;
	int number = 0;
	caught_signals(&set);
	if (sigwait(&set, &number) != 0)
		return NULL;
	stop->signal = number;
	command_stop_ask(stop);
	if (sigwait(&set, &number) != 0)
		return NULL;
	signal(number, SIG_DFL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(number);
	return NULL;
}

int command_stop_begin(struct command_stop *stop)
{
	sigset_t set;
	*stop = (struct command_stop){ 0 };
	caught_signals(&set);
	int error = pthread_sigmask(SIG_BLOCK, &set, &stop->before);
	if (error == 0)
		error = pthread_create(&stop->thread, NULL, await_signals, stop);
	stop->running = error == 0;
	return -error;
}

void command_stop_end(struct command_stop *stop)
{
	if (!stop->running)
		return;
	/* sigwait is a cancellation point, and all that the thread waits in. */
	pthread_cancel(stop->thread);
	pthread_join(stop->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &stop->before, NULL);
	stop->running = false;
}
