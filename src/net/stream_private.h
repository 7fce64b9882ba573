/* SPDX-License-Identifier: Apache-2.0 */
#ifndef FEDGE_NET_STREAM_PRIVATE_H
#define FEDGE_NET_STREAM_PRIVATE_H
/* A stream from inside, shared by stream.c (life, queue, deadlines, ends), stream_io.c (what the
 * socket says), stream_connect.c and listener.c. */
#include "base/buffer.h"
#include "net/loop_private.h"
#include "net/stream.h"

struct tls_connection;

enum stream_state {
	STREAM_CONNECTING,
	STREAM_HANDSHAKING,
	STREAM_OPEN,
	STREAM_FLUSHING, /* net_stream_close was called: what is queued still leaves */
	STREAM_READING_ON, /* a TLS write failed: the reason is what the peer sent before */
	STREAM_ENDED, /* `closed` is due at the end of this turn */
	STREAM_LINGERING, /* `closed` was called; what we sent last shall not be lost by a reset */
	STREAM_GONE, /* no descriptor any more; only references keep the memory */
};

struct net_stream {
	struct net_loop *loop;
	struct loop_member member;
	struct loop_dirty dirty;
	struct wheel_timer timer;
	struct net_watch *watch;
	const struct net_stream_events *events;
	void *argument;
	struct net_tls *tls;
	struct tls_connection *secure; /* inbound: made when the first byte comes */
	struct net_listener *listener; /* NULL: outbound */
	struct buffer output;
	size_t output_sent; /* of output */
	struct net_stream_limits limits;
	int64_t started_us, active_us, progress_us, ended_us;
	int64_t connected_us; /* 0: not yet */
	int64_t ticket_us; /* when a session ticket is due; 0: none */
	struct net_address local, remote;
	int descriptor;
	unsigned references;
	enum stream_state state;
	bool inbound;
	bool opened; /* `opened` was called */
	bool confirmed;
	bool paused;
	bool blocked; /* the kernel takes no more for now */
	bool filled; /* the queue has passed half its maximum: `drained` is owed */
	bool read_again; /* bytes wait inside OpenSSL, no event will tell */
	bool abortive; /* close with a reset */
	struct net_failure failure;
};

/* ---- stream.c ---- */
/* Takes the descriptor, also where it fails. */
int stream_new(
	struct net_loop *loop, int descriptor, const struct net_stream_limits *limits, struct net_stream **ret_stream);
/* Takes the stream, which nobody has heard of yet, down without a word. */
void stream_discard(struct net_stream *stream);
/* The end, once: the first reason counts. `closed` comes at the end of the turn. */
void stream_end(struct net_stream *stream, const struct net_failure *why);
void stream_end_errno(struct net_stream *stream, enum net_stage stage, int error);
void stream_touch(struct net_stream *stream); /* bytes moved: idle time begins anew */
void stream_arm(struct net_stream *stream); /* after every change of state or of blocked */
enum net_stage stream_stage(const struct net_stream *stream, bool writing);
void stream_failure_of_errno(enum net_stage stage, int error, struct net_failure *ret_failure);

/* ---- stream_io.c ---- */
void stream_begin(struct net_stream *stream); /* the TCP connection stands */
void stream_ready(void *argument, int events);
void stream_read(struct net_stream *stream);
void stream_flush(struct net_stream *stream);
void stream_give_ticket(struct net_stream *stream);
#define STREAM_TICKET_AFTER_US (250 * CLOCK_MS_US)
void stream_watch(struct net_stream *stream); /* asks for the events that the state needs */

/* ---- listener.c ---- */
void listener_release(struct net_listener *listener, bool handshake_failed);
#endif
