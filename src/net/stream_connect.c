/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream_private.h"
#include "net/tls_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

static int connect_bind(int descriptor, const struct net_address *local)
{
	int one = 1;
	if (!net_address_is_set(local))
		return 0;
	/* Without it the port is fixed before the destination is known, and every local address has
	 * only so many ports for all its peers together (ip(7)). */
	if (net_address_port(local) == 0)
		(void)setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	else
		(void)setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(descriptor, &local->any, local->length) < 0 ? -errno : 0;
}

static int connect_socket(const struct net_connect *connect, int *ret_descriptor)
{
	int one = 1;
	int family = net_address_family(&connect->remote);
	if (family == AF_UNSPEC)
		return -EINVAL;
	int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (descriptor < 0)
		return -errno;
	/* We gather a turn's writes ourselves; waiting for more would only delay them. */
	(void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	int status = connect_bind(descriptor, &connect->local);
	if (status < 0) {
		close(descriptor);
		return status;
	}
	*ret_descriptor = descriptor;
	return 0;
}

static int connect_secure(struct net_stream *stream, const struct net_connect *connect)
{
	struct tls_connection_settings settings = {
		.tls = connect->tls,
		.descriptor = stream->descriptor,
		.server_name = connect->server_name,
		.identity = connect->identity,
		.remote = &connect->remote,
		.full_handshake = connect->full_handshake,
	};
	stream->tls = net_tls_ref(connect->tls);
	return tls_connection_new(&settings, &stream->secure);
}

int net_stream_connect(struct net_loop *loop, const struct net_connect *request, struct net_stream **ret_stream)
{
	int descriptor = -1;
	struct net_stream *stream;
	int status = connect_socket(request, &descriptor);
	if (status < 0)
		return status;
	status = stream_new(loop, descriptor, &request->limits, &stream);
	if (status < 0)
		return status;
	stream->state = STREAM_CONNECTING;
	stream->events = request->events;
	stream->argument = request->argument;
	stream->remote = request->remote;
	stream->local = request->local;
	status = request->tls ? connect_secure(stream, request) : 0;
	if (status < 0) {
		stream_discard(stream);
		return status;
	}
	if (connect(descriptor, &request->remote.any, request->remote.length) < 0 && errno != EINPROGRESS) {
		stream_end_errno(stream, NET_STAGE_CONNECT, errno);
	} else {
		stream_watch(stream);
		stream_arm(stream);
	}
	*ret_stream = stream;
	return 0;
}
