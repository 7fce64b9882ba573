/* SPDX-License-Identifier: Apache-2.0 */
#include "base/require.h"
#include "net/stream_private.h"
#include "net/tls_private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_DEFAULT_US (5 * CLOCK_SECOND_US)
#define HANDSHAKE_DEFAULT_US (10 * CLOCK_SECOND_US)
#define STALL_DEFAULT_US (30 * CLOCK_SECOND_US)
#define OUTPUT_DEFAULT ((size_t)1 << 20)
/* After our last byte: how long we wait for the peer's end before we close. */
#define LINGER_US CLOCK_SECOND_US
/* How long we look for an alert after a write has failed. */
#define READ_ON_US CLOCK_SECOND_US

static void stream_timer_fired(struct wheel_timer *timer, int64_t now_us);
static void stream_end_of_turn(struct loop_dirty *dirty);
static void stream_shut(struct loop_member *member);

/* ---- life ---- */

static void limits_fill(const struct net_stream_limits *given, struct net_stream_limits *ret_limits)
{
	*ret_limits = (struct net_stream_limits){
		.connect_us = given->connect_us ? given->connect_us : CONNECT_DEFAULT_US,
		.handshake_us = given->handshake_us ? given->handshake_us : HANDSHAKE_DEFAULT_US,
		.handshake_apart = given->handshake_apart,
		.idle_us = given->idle_us ? given->idle_us : -1,
		.stall_us = given->stall_us ? given->stall_us : STALL_DEFAULT_US,
		.output_maximum = given->output_maximum ? given->output_maximum : OUTPUT_DEFAULT,
	};
}

int stream_new(
	struct net_loop *loop, int descriptor, const struct net_stream_limits *limits, struct net_stream **ret_stream)
{
	struct net_stream *stream = calloc(1, sizeof(*stream));
	if (!stream) {
		close(descriptor);
		return -ENOMEM;
	}
	stream->loop = loop;
	stream->descriptor = descriptor;
	stream->references = 1;
	limits_fill(limits, &stream->limits);
	buffer_init(&stream->output, stream->limits.output_maximum);
	wheel_timer_init(&stream->timer, stream_timer_fired);
	loop_dirty_init(&stream->dirty, stream_end_of_turn);
	stream->member.shut = stream_shut;
	loop_join(loop, &stream->member);
	stream->started_us = stream->active_us = stream->progress_us = net_loop_now_us(loop);
	int status = net_watch_new(loop, descriptor, 0, stream_ready, stream, &stream->watch);
	if (status < 0) {
		stream_discard(stream);
		return status;
	}
	*ret_stream = stream;
	return 0;
}

struct net_stream *net_stream_ref(struct net_stream *stream)
{
	stream->references++;
	return stream;
}

void net_stream_unref(struct net_stream *stream)
{
	if (!stream || --stream->references > 0)
		return;
	tls_connection_free(stream->secure);
	net_tls_unref(stream->tls);
	buffer_done(&stream->output);
	free(stream);
}

/* Gives the descriptor back; the memory may live on. */
static void stream_release(struct net_stream *stream)
{
	struct linger reset = { .l_onoff = 1 };
	stream->state = STREAM_GONE;
	wheel_disarm(net_loop_wheel(stream->loop), &stream->timer);
	loop_unmark(&stream->dirty);
	loop_leave(&stream->member);
	net_watch_free(stream->watch);
	stream->watch = NULL;
	if (stream->abortive)
		(void)setsockopt(stream->descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(stream->descriptor);
	stream->descriptor = -1;
	if (stream->listener)
		listener_release(
			stream->listener, stream->tls && !stream->opened && stream->failure.cause > NET_CAUSE_LOCAL);
	stream->listener = NULL;
	net_stream_unref(stream);
}

void stream_discard(struct net_stream *stream)
{
	stream_release(stream);
}

/* ---- deadlines: one timer, re-armed only when it fires too early ---- */

static int64_t due_after(int64_t from_us, int64_t wait_us)
{
	return wait_us < 0 ? INT64_MAX : from_us + wait_us;
}

static int64_t stream_due_us(const struct net_stream *stream)
{
	int64_t idle_us, stall_us;
	switch (stream->state) {
	case STREAM_CONNECTING:
		return due_after(stream->started_us, stream->limits.connect_us);
	case STREAM_HANDSHAKING:
		return due_after(stream->limits.handshake_apart ? stream->connected_us : stream->started_us,
			stream->limits.handshake_us);
	case STREAM_OPEN:
		idle_us = due_after(stream->active_us, stream->limits.idle_us);
		stall_us = stream->blocked ? due_after(stream->progress_us, stream->limits.stall_us) : INT64_MAX;
		if (stream->ticket_us && stream->ticket_us < idle_us)
			idle_us = stream->ticket_us;
		return idle_us < stall_us ? idle_us : stall_us;
	case STREAM_FLUSHING:
		return due_after(
			stream->progress_us, stream->limits.stall_us < 0 ? STALL_DEFAULT_US : stream->limits.stall_us);
	case STREAM_READING_ON:
		return stream->ended_us + READ_ON_US;
	case STREAM_LINGERING:
		return stream->ended_us + LINGER_US;
	default:
		return INT64_MAX;
	}
}

void stream_arm(struct net_stream *stream)
{
	int64_t due_us = stream_due_us(stream);
	if (due_us == INT64_MAX)
		return;
	if (!wheel_is_armed(&stream->timer) || due_us < stream->timer.due_us)
		wheel_arm(net_loop_wheel(stream->loop), &stream->timer, due_us);
}

static void stream_expire(struct net_stream *stream, int64_t now_us)
{
	static const struct {
		enum net_cause cause;
		const char *text;
	} ends[] = {
		[STREAM_CONNECTING] = { NET_CAUSE_TIMEOUT, "no answer to the connection attempt" },
		[STREAM_HANDSHAKING] = { NET_CAUSE_TIMEOUT, "the TLS handshake did not end in time" },
		[STREAM_OPEN] = { NET_CAUSE_IDLE, "nothing was sent or received for the idle time" },
		[STREAM_FLUSHING] = { NET_CAUSE_STALL, "the peer takes nothing of what is to be sent" },
	};
	struct net_failure why = { .alert = NET_ALERT_NONE };
	switch (stream->state) {
	case STREAM_LINGERING:
		stream_release(stream);
		return;
	case STREAM_READING_ON:
		stream_end(stream, &stream->failure);
		return;
	default:
		break;
	}
	enum stream_state kind = stream->state;
	if (kind == STREAM_OPEN && stream->blocked && due_after(stream->progress_us, stream->limits.stall_us) <= now_us)
		kind = STREAM_FLUSHING;
	why.stage = stream_stage(stream, kind == STREAM_FLUSHING);
	why.cause = ends[kind].cause;
	why.error = why.cause == NET_CAUSE_TIMEOUT ? -ETIMEDOUT : 0;
	snprintf(why.text, sizeof(why.text), "%s", ends[kind].text);
	stream->abortive = why.cause == NET_CAUSE_STALL;
	stream_end(stream, &why);
}

static void stream_timer_fired(struct wheel_timer *timer, int64_t now_us)
{
	struct net_stream *stream = base_container(timer, struct net_stream, timer);
	if (stream->state == STREAM_OPEN && stream->ticket_us && stream->ticket_us <= now_us)
		stream_give_ticket(stream);
	if (stream_due_us(stream) <= now_us)
		stream_expire(stream, now_us);
	else
		stream_arm(stream);
}

void stream_touch(struct net_stream *stream)
{
	stream->active_us = net_loop_now_us(stream->loop);
}

/* ---- ends ---- */

enum net_stage stream_stage(const struct net_stream *stream, bool writing)
{
	if (stream->state == STREAM_CONNECTING)
		return NET_STAGE_CONNECT;
	if (stream->tls && !stream->opened)
		return NET_STAGE_HANDSHAKE;
	/* What confirms may have come in one piece with what fails. */
	bool confirmed = stream->confirmed || (stream->secure && stream->secure->confirmed);
	if (stream->tls && !stream->inbound && !confirmed)
		return NET_STAGE_AFTER_HANDSHAKE;
	return writing ? NET_STAGE_WRITE : NET_STAGE_READ;
}

static enum net_cause cause_of_errno(int error)
{
	switch (error) {
	case ECONNREFUSED:
		return NET_CAUSE_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case ENONET:
	case EACCES:
	case EPERM:
		return NET_CAUSE_UNREACHABLE;
	case ETIMEDOUT:
		return NET_CAUSE_TIMEOUT;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return NET_CAUSE_RESET;
	default:
		return NET_CAUSE_SYSTEM;
	}
}

/* error is a positive errno here, as the kernel gives it. */
void stream_failure_of_errno(enum net_stage stage, int error, struct net_failure *ret_failure)
{
	char description[64];
	const char *what = strerror_r(error, description, sizeof(description));
	*ret_failure = (struct net_failure){
		.stage = stage, .cause = cause_of_errno(error), .error = -error, .alert = NET_ALERT_NONE
	};
	snprintf(ret_failure->text, sizeof(ret_failure->text), "%s", what);
	if (ret_failure->text[0] >= 'A' && ret_failure->text[0] <= 'Z')
		ret_failure->text[0] += 'a' - 'A';
}

void stream_end_errno(struct net_stream *stream, enum net_stage stage, int error)
{
	struct net_failure why;
	stream_failure_of_errno(stage, error, &why);
	stream_end(stream, &why);
}

void stream_end(struct net_stream *stream, const struct net_failure *why)
{
	if (stream->state >= STREAM_ENDED)
		return;
	stream->failure = *why;
	stream->state = STREAM_ENDED;
	stream->ended_us = net_loop_now_us(stream->loop);
	net_watch_set(stream->watch, 0);
	loop_mark(stream->loop, &stream->dirty);
}

static void stream_end_locally(struct net_stream *stream)
{
	struct net_failure why = { .stage = stream_stage(stream, false),
		.cause = NET_CAUSE_LOCAL,
		.alert = NET_ALERT_NONE,
		.text = "closed by us" };
	stream_end(stream, &why);
}

/* What we sent last (an alert, a final answer) would be thrown away by the peer's kernel if our
 * close became a reset, as it does while unread bytes wait (RFC 1122 4.2.2.13). */
static bool stream_should_linger(const struct net_stream *stream)
{
	if (stream->abortive)
		return false;
	switch (stream->failure.cause) {
	case NET_CAUSE_LOCAL:
		return stream->opened;
	case NET_CAUSE_ALERT_SENT:
	case NET_CAUSE_VERIFY:
	case NET_CAUSE_VERSION:
	case NET_CAUSE_NOT_TLS:
	case NET_CAUSE_TLS:
		return true;
	default:
		return false;
	}
}

static void stream_tell_end(struct net_stream *stream)
{
	if (stream->secure && stream->opened && !stream->abortive)
		tls_connection_say_goodbye(stream->secure);
	buffer_done(&stream->output);
	stream->output_sent = 0;
	stream->events->closed(stream, stream->argument, &stream->failure);
	if (!stream_should_linger(stream) || shutdown(stream->descriptor, SHUT_WR) < 0) {
		stream_release(stream);
		return;
	}
	stream->state = STREAM_LINGERING;
	stream_watch(stream);
	stream_arm(stream);
}

static void stream_end_of_turn(struct loop_dirty *dirty)
{
	struct net_stream *stream = base_container(dirty, struct net_stream, dirty);
	if (stream->read_again) {
		stream->read_again = false;
		stream_read(stream);
	}
	if (stream->state == STREAM_OPEN || stream->state == STREAM_FLUSHING)
		stream_flush(stream);
	if (stream->state == STREAM_FLUSHING && stream->output_sent == stream->output.length)
		stream_end_locally(stream);
	if (stream->state == STREAM_ENDED) {
		loop_unmark(&stream->dirty);
		stream_tell_end(stream);
	}
}

/* The loop is being freed: `closed` is still told, nothing waits any longer. */
static void stream_shut(struct loop_member *member)
{
	struct net_stream *stream = base_container(member, struct net_stream, member);
	if (stream->state == STREAM_LINGERING) {
		stream_release(stream);
		return;
	}
	net_stream_abort(stream);
}

void net_stream_close(struct net_stream *stream)
{
	if (stream->state >= STREAM_FLUSHING)
		return;
	if (stream->state != STREAM_OPEN) {
		stream_end_locally(stream);
		return;
	}
	stream->state = STREAM_FLUSHING;
	stream->progress_us = net_loop_now_us(stream->loop);
	stream_watch(stream);
	stream_arm(stream);
	loop_mark(stream->loop, &stream->dirty);
}

void net_stream_abort(struct net_stream *stream)
{
	if (stream->state == STREAM_GONE)
		return;
	stream->abortive = true;
	if (stream->state == STREAM_LINGERING)
		stream_release(stream);
	else
		stream_end_locally(stream);
}

/* ---- the queue ---- */

static size_t parts_length(const struct iovec *parts, size_t part_count)
{
	size_t length = 0;
	for (size_t i = 0; i < part_count; i++)
		length += parts[i].iov_len;
	return length;
}

/* What was sent is dropped from the front when it is the larger part, or when its room is needed. */
static int stream_make_room(struct net_stream *stream, size_t more)
{
	size_t waiting = net_stream_queued(stream);
	if (more > stream->limits.output_maximum || waiting > stream->limits.output_maximum - more)
		return -ENOBUFS;
	size_t length = stream->output.length;
	if (stream->output_sent > 0 &&
		(stream->output_sent >= length / 2 || more > stream->limits.output_maximum - length)) {
		buffer_consume(&stream->output, stream->output_sent);
		stream->output_sent = 0;
	}
	return buffer_reserve(&stream->output, more) < 0 ? -ENOBUFS : 0;
}

int net_stream_write(struct net_stream *stream, const struct iovec *parts, size_t part_count)
{
	if (stream->state >= STREAM_FLUSHING)
		return -EPIPE;
	if (stream_make_room(stream, parts_length(parts, part_count)) < 0)
		return -ENOBUFS;
	for (size_t i = 0; i < part_count; i++)
		buffer_append(&stream->output, span_make(parts[i].iov_base, parts[i].iov_len));
	if (net_stream_queued(stream) > stream->limits.output_maximum / 2)
		stream->filled = true;
	if (stream->state == STREAM_OPEN && !stream->blocked)
		loop_mark(stream->loop, &stream->dirty);
	return 0;
}

void net_stream_pause(struct net_stream *stream, bool paused)
{
	if (stream->paused == paused)
		return;
	stream->paused = paused;
	if (stream->state != STREAM_OPEN)
		return;
	stream_watch(stream);
	if (!paused && stream->secure && tls_connection_has_pending(stream->secure)) {
		stream->read_again = true;
		loop_mark(stream->loop, &stream->dirty);
	}
}

void net_stream_set_events(struct net_stream *stream, const struct net_stream_events *events, void *argument)
{
	stream->events = events;
	stream->argument = argument;
}

void net_stream_set_idle(struct net_stream *stream, int64_t idle_us)
{
	stream->limits.idle_us = idle_us ? idle_us : -1;
	stream_arm(stream);
}

/* ---- what is known of it ---- */

struct net_loop *net_stream_loop(const struct net_stream *stream)
{
	return stream->loop;
}
void *net_stream_argument(const struct net_stream *stream)
{
	return stream->argument;
}
bool net_stream_is_open(const struct net_stream *stream)
{
	return stream->opened && stream->state == STREAM_OPEN;
}
bool net_stream_is_inbound(const struct net_stream *stream)
{
	return stream->inbound;
}
bool net_stream_is_confirmed(const struct net_stream *stream)
{
	return stream->confirmed;
}
const struct net_address *net_stream_local(const struct net_stream *stream)
{
	return &stream->local;
}
const struct net_address *net_stream_remote(const struct net_stream *stream)
{
	return &stream->remote;
}
size_t net_stream_queued(const struct net_stream *stream)
{
	return stream->output.length - stream->output_sent;
}
int64_t net_stream_started_us(const struct net_stream *stream)
{
	return stream->started_us;
}
int64_t net_stream_connected_us(const struct net_stream *stream)
{
	return stream->connected_us;
}
const struct net_tls_facts *net_stream_tls_facts(const struct net_stream *stream)
{
	return stream->secure ? &stream->secure->facts : NULL;
}
const struct net_failure *net_stream_failure(const struct net_stream *stream)
{
	return stream->state >= STREAM_ENDED ? &stream->failure : NULL;
}
