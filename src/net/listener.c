/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "net/stream_private.h"
#include "net/tls_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#define BACKLOG_DEFAULT 1024
#define BURST_DEFAULT 32
#define CONNECTIONS_DEFAULT 10000
/* Out of descriptors or memory: so long nothing is accepted, else the loop would spin. */
#define REST_US (100 * CLOCK_MS_US)

struct net_listener {
	struct net_loop *loop;
	struct loop_member member;
	struct net_watch *watch;
	struct wheel_timer rest;
	int descriptor;
	bool closed; /* freed when the last connection has gone */
	bool inside;
	struct net_address local;
	struct net_listen settings;
	struct net_listener_counts counts;
};

static void listener_free_if_last(struct net_listener *listener)
{
	if (!listener->closed || listener->inside || listener->counts.alive > 0)
		return;
	net_tls_unref(listener->settings.tls);
	free(listener);
}

void listener_release(struct net_listener *listener, bool handshake_failed)
{
	listener->counts.alive--;
	if (handshake_failed)
		listener->counts.handshakes_failed++;
	listener_free_if_last(listener);
}

static void descriptor_reset(int descriptor)
{
	struct linger reset = { .l_onoff = 1 };
	(void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(descriptor);
}

/* Made and announced; true where the application wants it. */
static bool listener_announce(struct net_listener *listener, struct net_stream *stream)
{
	bool accept = true;
	stream->argument = listener->settings.argument;
	if (listener->settings.accepted)
		stream->argument = listener->settings.accepted(listener->settings.argument, stream, &accept);
	return accept;
}

static void listener_take(struct net_listener *listener, int descriptor, const struct net_address *remote)
{
	int one = 1;
	struct net_stream *stream;
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	if (listener->counts.alive >= listener->settings.connection_maximum) {
		listener->counts.refused++;
		descriptor_reset(descriptor);
		return;
	}
	(void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (stream_new(listener->loop, descriptor, &listener->settings.limits, &stream) < 0)
		return;
	stream->state = STREAM_HANDSHAKING;
	stream->inbound = true;
	stream->events = listener->settings.events;
	stream->remote = *remote;
	stream->local = listener->local;
	if (net_address_is_any(&listener->local) && getsockname(descriptor, (struct sockaddr *)&name, &length) == 0)
		net_address_of_sockaddr((struct sockaddr *)&name, length, &stream->local);
	stream->listener = listener;
	listener->counts.alive++;
	if (!listener_announce(listener, stream)) {
		listener->counts.refused++;
		stream->abortive = true;
		stream_discard(stream);
		return;
	}
	listener->counts.accepted++;
	if (listener->settings.tls)
		stream->tls = net_tls_ref(listener->settings.tls);
	/* `accepted` may have closed it already. */
	if (stream->state == STREAM_HANDSHAKING)
		stream_begin(stream);
}

static void listener_rest(struct net_listener *listener)
{
	net_watch_set(listener->watch, 0);
	wheel_arm(net_loop_wheel(listener->loop), &listener->rest, net_loop_now_us(listener->loop) + REST_US);
}

static void listener_rested(struct wheel_timer *timer, int64_t now_us)
{
	struct net_listener *listener = base_container(timer, struct net_listener, rest);
	(void)now_us;
	net_watch_set(listener->watch, NET_READABLE);
}

/* False where there is nobody waiting, or no room for anybody. */
static bool listener_accept(struct net_listener *listener)
{
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	struct net_address remote = NET_ADDRESS_NONE;
	int descriptor = accept4(listener->descriptor, (struct sockaddr *)&name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (descriptor < 0) {
		bool short_of = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		if (short_of)
			listener_rest(listener);
		/* accept(2): errors of the new connection itself are no errors of the listener. */
		return !short_of && errno != EAGAIN && errno != EWOULDBLOCK && errno != EBADF && errno != EINVAL;
	}
	if (net_address_of_sockaddr((struct sockaddr *)&name, length, &remote) < 0)
		close(descriptor);
	else
		listener_take(listener, descriptor, &remote);
	return true;
}

static void listener_ready(void *argument, int events)
{
	struct net_listener *listener = argument;
	(void)events;
	listener->inside = true;
	for (int i = 0; i < listener->settings.burst && !listener->closed && listener_accept(listener); i++)
		;
	listener->inside = false;
	listener_free_if_last(listener);
}

static int listener_bind(struct net_listener *listener)
{
	int one = 1;
	const struct net_listen *settings = &listener->settings;
	int family = net_address_family(&settings->local);
	listener->descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->descriptor < 0)
		return -errno;
	/* Connections of an earlier run in TIME_WAIT must not keep a node from starting. */
	if (setsockopt(listener->descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0)
		return -errno;
	if (settings->shared && setsockopt(listener->descriptor, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
		return -errno;
	if (family == AF_INET6 && setsockopt(listener->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)) < 0)
		return -errno;
	if (bind(listener->descriptor, &settings->local.any, settings->local.length) < 0 ||
		listen(listener->descriptor, settings->backlog) < 0)
		return -errno;
	struct sockaddr_storage name;
	socklen_t length = sizeof(name);
	if (getsockname(listener->descriptor, (struct sockaddr *)&name, &length) < 0)
		return -errno;
	return net_address_of_sockaddr((struct sockaddr *)&name, length, &listener->local);
}

static void listener_shut(struct loop_member *member)
{
	net_listener_close(base_container(member, struct net_listener, member));
}

int net_listener_open(struct net_loop *loop, const struct net_listen *listen, struct net_listener **ret_listener)
{
	if (listen->tls && !tls_can_serve(listen->tls))
		return -ENOENT;
	struct net_listener *listener = calloc(1, sizeof(*listener));
	if (!listener)
		return -ENOMEM;
	listener->loop = loop;
	listener->settings = *listen;
	if (!listener->settings.backlog)
		listener->settings.backlog = BACKLOG_DEFAULT;
	if (!listener->settings.burst)
		listener->settings.burst = BURST_DEFAULT;
	if (!listener->settings.connection_maximum)
		listener->settings.connection_maximum = CONNECTIONS_DEFAULT;
	int status = listener_bind(listener);
	if (status == 0)
		status = net_watch_new(
			loop, listener->descriptor, NET_READABLE, listener_ready, listener, &listener->watch);
	if (status < 0) {
		if (listener->descriptor >= 0)
			close(listener->descriptor);
		free(listener);
		return status;
	}
	if (listen->tls)
		net_tls_ref(listen->tls);
	wheel_timer_init(&listener->rest, listener_rested);
	listener->member.shut = listener_shut;
	loop_join(loop, &listener->member);
	*ret_listener = listener;
	return 0;
}

void net_listener_close(struct net_listener *listener)
{
	if (!listener || listener->closed)
		return;
	listener->closed = true;
	loop_leave(&listener->member);
	wheel_disarm(net_loop_wheel(listener->loop), &listener->rest);
	net_watch_free(listener->watch);
	listener->watch = NULL;
	close(listener->descriptor);
	listener->descriptor = -1;
	listener_free_if_last(listener);
}

const struct net_address *net_listener_local(const struct net_listener *listener)
{
	return &listener->local;
}

const struct net_listener_counts *net_listener_counts(const struct net_listener *listener)
{
	return &listener->counts;
}
