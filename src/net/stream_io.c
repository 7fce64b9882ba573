/* SPDX-License-Identifier: Apache-2.0 */
/* What the socket says and takes: the moving part of a stream. */
#include "base/require.h"
#include "net/stream_private.h"
#include "net/tls_private.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

/* Reads in one event before other sockets get their turn. */
#define READS_PER_EVENT 8
/* A lingering peer may still pour this much before we stop listening to it. */
#define LINGER_READS 16

static void stream_handshake(struct net_stream *stream);

void stream_watch(struct net_stream *stream)
{
	int events = 0;
	switch (stream->state) {
	case STREAM_CONNECTING:
		events = NET_WRITABLE;
		break;
	case STREAM_HANDSHAKING: /* stream_handshake knows better */
		events = NET_READABLE;
		break;
	case STREAM_OPEN:
		events = stream->paused ? 0 : NET_READABLE;
		break;
	case STREAM_READING_ON:
	case STREAM_LINGERING:
		events = NET_READABLE;
		break;
	default:
		break;
	}
	if (stream->blocked && (stream->state == STREAM_OPEN || stream->state == STREAM_FLUSHING))
		events |= NET_WRITABLE;
	net_watch_set(stream->watch, events);
}

/* ---- beginning ---- */

static void stream_confirm(struct net_stream *stream)
{
	stream->confirmed = true;
	if (stream->events->confirmed)
		stream->events->confirmed(stream, stream->argument);
}

static void stream_open(struct net_stream *stream)
{
	stream->state = STREAM_OPEN;
	stream->opened = true;
	stream_touch(stream);
	if (stream->secure && tls_connection_owes_ticket(stream->secure))
		stream->ticket_us = stream->active_us + STREAM_TICKET_AFTER_US;
	stream_watch(stream);
	stream_arm(stream);
	if (stream->output.length > 0)
		loop_mark(stream->loop, &stream->dirty);
	if (stream->events->opened)
		stream->events->opened(stream, stream->argument);
	bool confirmed = stream->inbound || !stream->secure || stream->secure->confirmed;
	if (confirmed && stream->state == STREAM_OPEN)
		stream_confirm(stream);
	/* The last flight of the handshake may have carried the first data with it. */
	if (stream->secure && stream->state == STREAM_OPEN && tls_connection_has_pending(stream->secure))
		stream_read(stream);
}

void stream_begin(struct net_stream *stream)
{
	stream->connected_us = net_loop_now_us(stream->loop);
	if (!stream->tls) {
		stream_open(stream);
		return;
	}
	stream->state = STREAM_HANDSHAKING;
	stream_watch(stream);
	stream_arm(stream);
	if (!stream->inbound)
		stream_handshake(stream);
}

/* A peer that only connects costs a socket, not a TLS connection. */
static int stream_secure_inbound(struct net_stream *stream)
{
	struct tls_connection_settings settings = {
		.tls = stream->tls, .descriptor = stream->descriptor, .server = true, .remote = &stream->remote
	};
	return tls_connection_new(&settings, &stream->secure);
}

static void stream_end_secure(struct net_stream *stream, bool writing)
{
	struct net_failure why = stream->secure->failure;
	why.stage = stream_stage(stream, writing);
	stream_end(stream, &why);
}

static void stream_handshake(struct net_stream *stream)
{
	if (!stream->secure) {
		int status = stream_secure_inbound(stream);
		if (status < 0) {
			stream_end_errno(stream, NET_STAGE_HANDSHAKE, -status);
			return;
		}
	}
	switch (tls_connection_handshake(stream->secure)) {
	case TLS_STEP_DONE:
		stream_open(stream);
		break;
	case TLS_STEP_WANT_READ:
		net_watch_set(stream->watch, NET_READABLE);
		break;
	case TLS_STEP_WANT_WRITE:
		net_watch_set(stream->watch, NET_WRITABLE);
		break;
	case TLS_STEP_FAILED:
		stream_end_secure(stream, false);
		break;
	}
}

/* ---- reading ---- */

/* Negative: ended. 0: nothing for now. */
static ssize_t stream_read_plain(struct net_stream *stream, char *at)
{
	ssize_t length = recv(stream->descriptor, at, LOOP_READ_SIZE, MSG_DONTWAIT);
	if (length > 0)
		return length;
	if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return 0;
	if (length < 0) {
		stream_end_errno(stream, stream_stage(stream, false), errno);
		return -1;
	}
	struct net_failure why = { .stage = stream_stage(stream, false),
		.cause = NET_CAUSE_PEER_CLOSED,
		.alert = NET_ALERT_NONE,
		.text = "closed by the peer" };
	stream_end(stream, &why);
	return -1;
}

/* While reading on, an end without an alert tells less than the write that failed before. */
static void stream_read_failed(struct net_stream *stream)
{
	if (stream->state == STREAM_READING_ON && stream->secure->alert == NET_ALERT_NONE)
		stream_end(stream, &stream->failure);
	else
		stream_end_secure(stream, false);
}

static ssize_t stream_read_secure(struct net_stream *stream, char *at)
{
	size_t length = 0;
	switch (tls_connection_read(stream->secure, at, LOOP_READ_SIZE, &length)) {
	case TLS_STEP_DONE:
		return (ssize_t)length;
	case TLS_STEP_FAILED:
		stream_read_failed(stream);
		return -1;
	case TLS_STEP_WANT_WRITE: /* an answer to a key update waits for room */
		stream->blocked = true;
		stream_watch(stream);
		return 0;
	default:
		return 0;
	}
}

static bool stream_may_read(const struct net_stream *stream)
{
	return (stream->state == STREAM_OPEN && !stream->paused) || stream->state == STREAM_READING_ON;
}

/* One read; true where another may give more. */
static bool stream_read_once(struct net_stream *stream)
{
	char *at = loop_read_buffer(stream->loop);
	ssize_t length = stream->secure ? stream_read_secure(stream, at) : stream_read_plain(stream, at);
	if (stream->secure && stream->secure->confirmed && !stream->confirmed && stream->state == STREAM_OPEN)
		stream_confirm(stream);
	if (length <= 0)
		return false;
	stream_touch(stream);
	if (stream_may_read(stream))
		stream->events->received(stream, stream->argument, span_make(at, (size_t)length));
	if (!stream_may_read(stream))
		return false;
	return stream->secure ? tls_connection_has_pending(stream->secure) : (size_t)length == LOOP_READ_SIZE;
}

void stream_read(struct net_stream *stream)
{
	if (!stream_may_read(stream))
		return;
	for (int i = 0; i < READS_PER_EVENT; i++) {
		if (!stream_read_once(stream))
			return;
	}
	/* No event tells of bytes inside OpenSSL. */
	if (stream->secure) {
		stream->read_again = true;
		loop_mark(stream->loop, &stream->dirty);
	}
}

/* ---- writing ---- */

static bool stream_send_plain(struct net_stream *stream, struct span rest, size_t *ret_sent)
{
	ssize_t sent = send(stream->descriptor, rest.at, rest.length, MSG_DONTWAIT | MSG_NOSIGNAL);
	*ret_sent = sent > 0 ? (size_t)sent : 0;
	if (sent >= 0 || errno == EINTR)
		return true;
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		stream->blocked = true;
	else
		stream_end_errno(stream, NET_STAGE_WRITE, errno);
	return false;
}

/* RFC 8446 6.2: the peer's alert may lie in our receive buffer while its reset already fails our
 * write. What was read is the reason; the write's error only says that there is one. */
static void stream_read_on(struct net_stream *stream)
{
	struct net_failure why = stream->secure->failure;
	why.stage = stream_stage(stream, true);
	stream->failure = why;
	stream->state = STREAM_READING_ON;
	stream->ended_us = net_loop_now_us(stream->loop);
	stream_watch(stream);
	stream_arm(stream);
	stream_read(stream);
}

static bool stream_send_secure(struct net_stream *stream, struct span rest, size_t *ret_sent)
{
	*ret_sent = 0;
	switch (tls_connection_write(stream->secure, rest.at, rest.length, ret_sent)) {
	case TLS_STEP_DONE:
		return true;
	case TLS_STEP_FAILED:
		if (stream->state == STREAM_FLUSHING)
			stream_end_secure(stream, true);
		else
			stream_read_on(stream);
		return false;
	default:
		stream->blocked = true;
		return false;
	}
}

void stream_give_ticket(struct net_stream *stream)
{
	stream->ticket_us = 0;
	/* Not between the halves of a record that waits for room. */
	if (stream->blocked)
		stream->ticket_us = net_loop_now_us(stream->loop) + STREAM_TICKET_AFTER_US;
	else if (tls_connection_give_ticket(stream->secure) == TLS_STEP_FAILED)
		stream_read_on(stream);
}

static void stream_drained(struct net_stream *stream)
{
	buffer_done(&stream->output);
	buffer_init(&stream->output, stream->limits.output_maximum);
	stream->output_sent = 0;
	if (!stream->filled)
		return;
	stream->filled = false;
	if (stream->events->drained && stream->state == STREAM_OPEN)
		stream->events->drained(stream, stream->argument);
}

void stream_flush(struct net_stream *stream)
{
	size_t before = stream->output_sent;
	bool was_blocked = stream->blocked;
	stream->blocked = false;
	for (bool more = true; more && stream->output_sent < stream->output.length;) {
		struct span rest = span_from(buffer_span(&stream->output), stream->output_sent);
		size_t sent;
		more = stream->secure ? stream_send_secure(stream, rest, &sent)
				      : stream_send_plain(stream, rest, &sent);
		stream->output_sent += sent;
	}
	if (stream->output_sent != before)
		stream_touch(stream);
	if (stream->output_sent != before || !was_blocked)
		stream->progress_us = net_loop_now_us(stream->loop);
	if (stream->state != STREAM_OPEN && stream->state != STREAM_FLUSHING)
		return;
	if (stream->blocked)
		stream_arm(stream);
	if (stream->blocked != was_blocked)
		stream_watch(stream);
	if (stream->output.length > 0 && stream->output_sent == stream->output.length)
		stream_drained(stream);
}

/* ---- events ---- */

static void stream_connected(struct net_stream *stream)
{
	int error = 0;
	socklen_t length = sizeof(error);
	if (getsockopt(stream->descriptor, SOL_SOCKET, SO_ERROR, &error, &length) < 0)
		error = errno;
	if (error) {
		stream_end_errno(stream, NET_STAGE_CONNECT, error);
		return;
	}
	struct sockaddr_storage name;
	length = sizeof(name);
	if (getsockname(stream->descriptor, (struct sockaddr *)&name, &length) == 0)
		net_address_of_sockaddr((struct sockaddr *)&name, length, &stream->local);
	stream_begin(stream);
}

static void stream_linger(struct net_stream *stream)
{
	char *at = loop_read_buffer(stream->loop);
	for (int i = 0; i < LINGER_READS; i++) {
		ssize_t length = recv(stream->descriptor, at, LOOP_READ_SIZE, MSG_DONTWAIT);
		if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
			return;
		if (length <= 0)
			break;
	}
	net_stream_abort(stream);
}

void stream_ready(void *argument, int events)
{
	struct net_stream *stream = argument;
	switch (stream->state) {
	case STREAM_CONNECTING:
		stream_connected(stream);
		break;
	case STREAM_HANDSHAKING:
		stream_handshake(stream);
		break;
	case STREAM_OPEN:
	case STREAM_FLUSHING:
		if (events & NET_WRITABLE)
			stream_flush(stream);
		if (events & NET_READABLE)
			stream_read(stream);
		if (stream->state == STREAM_FLUSHING)
			loop_mark(stream->loop, &stream->dirty);
		break;
	case STREAM_READING_ON:
		stream_read(stream);
		break;
	case STREAM_LINGERING:
		stream_linger(stream);
		break;
	default:
		break;
	}
}
