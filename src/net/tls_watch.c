/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate files seen changing. Looking is cheap and works on every file system, with symbolic
 * links and atomic renames alike; a reload waits until the files have stood still for a period,
 * so that a certificate and its key are taken together. */
#include "base/hash.h"
#include "base/require.h"
#include "net/loop.h"
#include "net/tls_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PERIOD_DEFAULT_US (5 * CLOCK_SECOND_US)

struct net_tls_watch {
	struct net_loop *loop;
	struct net_tls *tls;
	struct wheel_timer timer;
	int64_t period_us;
	uint64_t seen; /* how the files looked last time */
	uint64_t loaded; /* how they looked when they were loaded, or refused */
	void (*reloaded)(void *argument, int status, const char *text);
	void *argument;
};

static void look_at_file(void *argument, const char *file)
{
	uint64_t *hash = argument;
	struct stat found;
	if (stat(file, &found) < 0) {
		*hash = hash_mix(*hash, (uint64_t)errno);
		return;
	}
	*hash = hash_mix(*hash, (uint64_t)found.st_dev);
	*hash = hash_mix(*hash, (uint64_t)found.st_ino);
	*hash = hash_mix(*hash, (uint64_t)found.st_size);
	*hash = hash_mix(*hash, (uint64_t)found.st_mtim.tv_sec);
	*hash = hash_mix(*hash, (uint64_t)found.st_mtim.tv_nsec);
}

static uint64_t look_at_files(struct net_tls *tls)
{
	uint64_t hash = 1;
	tls_each_file(tls, look_at_file, &hash);
	return hash;
}

static void watch_arm(struct net_tls_watch *watch)
{
	wheel_arm(net_loop_wheel(watch->loop), &watch->timer, net_loop_now_us(watch->loop) + watch->period_us);
}

static void watch_fired(struct wheel_timer *timer, int64_t now_us)
{
	struct net_tls_watch *watch = base_container(timer, struct net_tls_watch, timer);
	char text[NET_TLS_ERROR_SIZE];
	uint64_t now_seen = look_at_files(watch->tls);
	bool still = now_seen == watch->seen;
	(void)now_us;
	watch->seen = now_seen;
	watch_arm(watch);
	if (!still || now_seen == watch->loaded)
		return;
	watch->loaded = now_seen;
	int status = net_tls_reload(watch->tls, text);
	if (watch->reloaded)
		watch->reloaded(watch->argument, status, text); /* may free the watch */
}

int net_tls_watch_new(struct net_loop *loop, struct net_tls *tls, int64_t period_us,
	void (*reloaded)(void *argument, int status, const char *text), void *argument,
	struct net_tls_watch **ret_watch)
{
	struct net_tls_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return -ENOMEM;
	watch->loop = loop;
	watch->tls = net_tls_ref(tls);
	watch->period_us = period_us ? period_us : PERIOD_DEFAULT_US;
	watch->reloaded = reloaded;
	watch->argument = argument;
	watch->seen = watch->loaded = look_at_files(tls);
	wheel_timer_init(&watch->timer, watch_fired);
	watch_arm(watch);
	*ret_watch = watch;
	return 0;
}

void net_tls_watch_free(struct net_tls_watch *watch)
{
	if (!watch)
		return;
	wheel_disarm(net_loop_wheel(watch->loop), &watch->timer);
	net_tls_unref(watch->tls);
	free(watch);
}
